// The same facts by another way: from libpg_query's public JSON and its published schema
// (pg_query.proto), recursively, with none of src/sql. Only for comparison.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace pgmoat::sql {

class Schema {  // of pg_query.proto: what type each field of each message has
 public:
  Schema();
  // "" for a scalar; "Node" for an object whose one key names the type.
  const std::string& field(const std::string& message, const std::string& name) const;
  // The message that a key of Node stands for.
  const std::string& node(const std::string& key) const { return field("Node", key); }

 private:
  std::map<std::string, std::map<std::string, std::string>> messages_;
};

struct JsonFacts {
  std::map<std::string, int> nodes;      // by type, lists left out
  std::set<std::string> relations;       // "schema.name@position", CTEs left out
  std::multiset<std::string> functions;  // "schema.name@position"
  std::multiset<std::string> literals;   // "value type@position"
  std::multiset<std::string> columns;    // "relation.name"
  std::vector<std::string> statements;   // "SelectStmt"
};

class JsonReader {
 public:
  explicit JsonReader(const Schema& schema) : schema_(schema) {}
  JsonFacts read(const nlohmann::json& tree);

 private:
  using Json = nlohmann::json;
  using Names = std::set<std::string>;
  void visit(const std::string& type, const Json& object, Names ctes, bool target);
  void visit_field(const std::string& type, const std::string& name, const Json& value,
                   const Names& ctes);
  void visit_value(const std::string& type, const Json& value, const Names& ctes, bool target);
  Names visit_with(const Json& with, Names ctes);
  void note(const std::string& type, const Json& object, const Names& ctes, bool target);
  void note_literal(const Json& constant);
  void note_names(const std::string& type, const Json& object);

  const Schema& schema_;
  JsonFacts facts_;
  int silent_ = 0;  // inside what is only counted
};

}  // namespace pgmoat::sql
