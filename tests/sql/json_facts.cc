#include "json_facts.h"

#include <fstream>
#include <regex>

namespace pgmoat::sql {
namespace {

using Json = nlohmann::json;

std::string string_in(const Json& node) {  // of {"String":{"sval":"x"}}
  return node.contains("String") ? node["String"].value("sval", "") : "";
}

std::string at(const Json& object) { return "@" + std::to_string(object.value("location", 0)); }
bool has_place(const Json& object) { return object.value("location", 0) > 0; }

// The last two names of a list.
std::string last_names(const Json& list) {
  std::string name = string_in(list.back());
  if (list.size() > 1) name = string_in(list[list.size() - 2]) + "." + name;
  return name;
}

bool is_target(const std::string& type, const std::string& field) {
  static const std::set<std::string> kWriters{"InsertStmt", "UpdateStmt", "DeleteStmt",
                                              "MergeStmt"};
  return (field == "relation" && kWriters.count(type)) || (type == "IntoClause" && field == "rel");
}

}  // namespace

Schema::Schema() {
  std::ifstream in("/usr/include/pg_query/pg_query.proto");
  const std::regex message(R"(^message (\w+).*)");
  const std::regex field(
      R"re(^\s*(?:repeated )?(\w+) (\w+) = \d+(?: \[json_name="(\w+)"\])?;.*)re");
  std::string line, name;
  std::smatch match;
  while (std::getline(in, line)) {
    if (std::regex_match(line, match, message)) {
      name = match[1];
    } else if (!name.empty() && std::regex_match(line, match, field)) {
      const bool scalar = std::islower(static_cast<unsigned char>(match[1].str()[0]));
      messages_[name][match[3].matched ? match[3] : match[2]] = scalar ? "" : match[1].str();
    }
  }
  // What is no message is an enumeration.
  for (auto& [owner, fields] : messages_) {
    for (auto& [key, type] : fields) {
      if (!messages_.count(type) && type != "A_Star") type = type == "CheckPointStmt" ? type : "";
    }
  }
}

const std::string& Schema::field(const std::string& message, const std::string& name) const {
  static const std::string kNone;
  const auto owner = messages_.find(message);
  if (owner == messages_.end()) return kNone;
  const auto found = owner->second.find(name);
  return found == owner->second.end() ? kNone : found->second;
}

JsonFacts JsonReader::read(const Json& tree) {
  facts_ = {};
  for (const Json& raw : tree["stmts"]) {
    if (raw.contains("stmt")) facts_.statements.push_back(raw["stmt"].begin().key());
    visit("RawStmt", raw, {}, false);
  }
  std::erase_if(facts_.nodes, [](const auto& node) { return node.second == 0; });
  return facts_;
}

void JsonReader::visit(const std::string& type, const Json& object, Names ctes, bool target) {
  // FOR UPDATE OF names aliases, SET CONSTRAINTS constraints; and the source of (a, b) = (...) is
  // written once for each column.
  const bool again = type == "MultiAssignRef" && object.value("colno", 1) != 1;
  const bool no_facts = type == "LockingClause" || type == "ConstraintsSetStmt" || again;
  silent_ += no_facts;
  if (type != "List" && type != "IntList" && type != "OidList") ++facts_.nodes[type];
  if (silent_ == 0) note(type, object, ctes, target);
  if (object.contains("withClause")) ctes = visit_with(object["withClause"], ctes);
  for (const auto& [name, value] : object.items()) {
    if (name != "withClause") visit_field(type, name, value, ctes);
  }
  silent_ -= no_facts;
}

JsonReader::Names JsonReader::visit_with(const Json& with, Names ctes) {
  ++facts_.nodes["WithClause"];
  const bool recursive = with.value("recursive", false);
  const auto name = [](const Json& cte) { return cte["CommonTableExpr"].value("ctename", ""); };
  if (recursive) {
    for (const Json& cte : with["ctes"]) ctes.insert(name(cte));
  }
  for (const Json& cte : with["ctes"]) {
    visit("CommonTableExpr", cte["CommonTableExpr"], ctes, false);
    ctes.insert(name(cte));
  }
  return ctes;
}

void JsonReader::visit_field(const std::string& type, const std::string& name, const Json& value,
                             const Names& ctes) {
  const std::string& field = schema_.field(type, name);
  if (field.empty()) return;
  // CREATE FOREIGN TABLE is a CREATE TABLE and more, not one that holds another.
  if (type == "CreateForeignTableStmt" && field == "CreateStmt") --facts_.nodes[field];
  if (value.is_array()) {
    for (const Json& element : value) visit_value(field, element, ctes, false);
  } else {
    visit_value(field, value, ctes, is_target(type, name));
  }
}

void JsonReader::visit_value(const std::string& type, const Json& value, const Names& ctes,
                             bool target) {
  if (type != "Node") return visit(type, value, ctes, target);
  for (const auto& [key, inner] : value.items()) visit(schema_.node(key), inner, ctes, target);
}

void JsonReader::note(const std::string& type, const Json& object, const Names& ctes, bool target) {
  if (type == "RangeVar" && has_place(object)) {
    const std::string name = object.value("relname", ""), schema = object.value("schemaname", "");
    if (!target && schema.empty() && ctes.count(name)) return;
    facts_.relations.insert((schema.empty() ? "" : schema + ".") + name + at(object));
  } else if (type == "FuncCall" && has_place(object)) {
    facts_.functions.insert(last_names(object["funcname"]) + at(object));
  } else if (type == "A_Const") {
    note_literal(object);
  } else if (type == "ColumnRef") {
    const Json& fields = object["fields"];
    const std::string name = fields.back().contains("A_Star") ? "*" : string_in(fields.back());
    facts_.columns.insert((fields.size() > 1 ? string_in(fields[fields.size() - 2]) + "." : "") +
                          name);
  } else if ((type == "SQLValueFunction" || type == "XmlExpr") && has_place(object)) {
    std::string name = object.value("op", "");
    name = std::regex_replace(name, std::regex("^(SVFOP|IS)_|_N$"), "");
    if (name == "DOCUMENT") name = "is_document";
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    facts_.functions.insert(name + at(object));
  } else if (type == "XmlSerialize" && has_place(object)) {
    facts_.functions.insert("xmlserialize" + at(object));
  } else {
    note_names(type, object);
  }
}

void JsonReader::note_literal(const Json& constant) {
  if (!has_place(constant)) return;
  std::string text;
  if (constant.value("isnull", false)) {
    text = " null";
  } else if (constant.contains("ival")) {
    text = std::to_string(constant["ival"].value("ival", 0)) + " integer";
  } else if (constant.contains("fval")) {
    text = constant["fval"].value("fval", "") + " float";
  } else if (constant.contains("boolval")) {
    text = std::string(constant["boolval"].value("boolval", false) ? "true" : "false") + " boolean";
  } else if (constant.contains("bsval")) {
    text = constant["bsval"].value("bsval", "") + " bits";
  } else {
    text = constant["sval"].value("sval", "") + " string";
  }
  facts_.literals.insert(text + at(constant));
}

// Columns that are written as plain names.
void JsonReader::note_names(const std::string& type, const Json& object) {
  static const std::multimap<std::string, std::string> kLists{{"InsertStmt", "cols"},
                                                              {"UpdateStmt", "targetList"},
                                                              {"OnConflictClause", "targetList"},
                                                              {"MergeWhenClause", "targetList"},
                                                              {"JoinExpr", "usingClause"},
                                                              {"CopyStmt", "attlist"},
                                                              {"AccessPriv", "cols"},
                                                              {"CreateTrigStmt", "columns"}};
  const auto [first, last] = kLists.equal_range(type);
  for (auto list = first; list != last; ++list) {
    if (!object.contains(list->second)) continue;
    for (const Json& element : object[list->second]) {
      facts_.columns.insert(element.contains("ResTarget") ? element["ResTarget"].value("name", "")
                                                          : string_in(element));
    }
  }
}

}  // namespace pgmoat::sql
