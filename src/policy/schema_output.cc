// The three texts; see facts_schema.h.
#include <algorithm>

#include "policy/facts_schema.h"
#include "policy/lua_objects.h"
#include "policy/matchers.h"
#include "policy/not_built.h"

namespace pgmoat::policy {

namespace {

using Type = Matcher::Type;

bool holds(Type type, std::initializer_list<Type> types) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// What a pipe would do to a table of Markdown.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string lua_type(const Matcher& matcher) {
  std::string type;
  const auto add = [&](std::string_view one) {
    type += (type.empty() ? "" : "|") + std::string(one);
  };
  if (holds(matcher.type, {Type::flag, Type::flag_or_name, Type::flag_or_word})) add("boolean");
  if (holds(matcher.type, {Type::number, Type::count})) add("integer");
  if (matcher.type == Type::flag || matcher.type == Type::number) return type + "|nil";
  std::string words;
  for (const std::string_view word : matcher.words)
    words += (words.empty() ? "" : "|") + quoted(word);
  if (words.empty()) add("string|string[]");
  else add(words + "|(" + words + ")[]");
  return type + "|nil";
}

// In TOML `relations.only = [..]` makes `relations` a table.
bool has_parts(std::string_view name) {
  const auto all = matchers();
  return std::any_of(all.begin(), all.end(), [&](const Matcher& matcher) {
    return matcher.name.size() > name.size() && matcher.name.substr(0, name.size()) == name &&
           matcher.name[name.size()] == '.';
  });
}

std::string json_type(const Matcher& matcher) {
  if (matcher.type == Type::flag) return R"({"type": "boolean"})";
  if (matcher.type == Type::number) return R"({"type": "integer", "minimum": 0})";
  std::string one;
  if (holds(matcher.type, {Type::flag_or_name, Type::flag_or_word}))
    one += R"({"type": "boolean"}, )";
  if (matcher.type == Type::count) one += R"({"type": "integer"}, )";
  if (matcher.words.empty()) {
    one += R"({"type": "string"})";
  } else {
    std::string words;
    for (const std::string_view word : matcher.words) {
      words += (words.empty() ? "" : ", ") + quoted(word);
    }
    one += "{\"enum\": [" + words + "]}, {\"type\": \"string\", \"pattern\": \"^@\"}";
  }
  const std::string parts = has_parts(matcher.name) ? R"(, {"type": "object"})" : "";
  return "{\"anyOf\": [" + one +
         ", {\"type\": \"array\", \"minItems\": 1, \"items\": {\"anyOf\": [" + one + "]}}" + parts +
         "]}";
}

void stub_fields(const script::ObjectType& type, std::string& out) {
  out += "---@class " + type.class_name + "\n";
  for (const script::Field& field : type.fields) {
    out += "---@field " + field.name + " " + field.type + " " + field.description + "\n";
  }
  for (const script::Method& method : type.methods) {
    out += "---@field " + method.name + " " + method.signature + " " + method.description + "\n";
  }
  if (type.lookup != nullptr) out += "---@field [string] string?\n";
  out += "\n";
}

void stub_function(const LuaFunction& function, std::string& out) {
  out += "---" + std::string(function.description) + "\n";
  std::string names;
  std::string_view rest = function.parameters;
  // "a: T, b: U": a comma inside a type would be inside brackets, and no parameter has two then.
  while (!rest.empty()) {
    const std::size_t colon = rest.find(": ");
    const std::string name(rest.substr(0, colon));
    rest.remove_prefix(colon + 2);
    const bool bracketed = rest.find_first_of("<{") != std::string_view::npos;
    const std::size_t comma = bracketed ? std::string_view::npos : rest.find(", ");
    out += "---@param " + name + " " + std::string(rest.substr(0, comma)) + "\n";
    names += (names.empty() ? "" : ", ") + name;
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 2);
  }
  if (!function.returns.empty()) out += "---@return " + std::string(function.returns) + "\n";
  out += "function pgmoat." + std::string(function.name) + "(" + names + ") end\n\n";
}

}  // namespace

std::string lua_stubs() {
  std::string out =
      "---@meta\n"
      "-- What policies may write and ask, for lua-language-server. Made by pgmoat from its own "
      "tables.\n\n"
      "---@class pgmoat.Verdict\n\n---@class pgmoat.Edit\n\n"
      "---@alias pgmoat.Mode \"off\"|\"monitor\"|\"warn\"|\"enforce\"\n\n";
  for (const script::ObjectType* type : all_object_types()) stub_fields(*type, out);
  out += "---@class pgmoat.Match\n";
  for (const Matcher& matcher : matchers()) {
    const bool plain = matcher.name.find('.') == std::string_view::npos;
    out += "---@field " + (plain ? std::string(matcher.name) : "[" + quoted(matcher.name) + "]") +
           " " + lua_type(matcher) + " " + std::string(matcher.description) + "\n";
  }
  for (const char* group : {"all", "any", "none"}) {
    out += "---@field " + std::string(group) + " pgmoat.Match|pgmoat.Match[]|nil\n";
  }
  out += "\n";
  for (const WrittenTable& table : written_tables()) {
    if (table.class_name.empty()) continue;
    out += "---@class " + std::string(table.class_name);
    if (table.name == "exception") out += ": pgmoat.Match";
    out += "\n";
    for (const WrittenKey& key : table.keys) {
      if (key.lua.empty()) continue;
      out += "---@field " + std::string(key.name) + " " + std::string(key.lua) + " " +
             std::string(key.description) + "\n";
    }
    out += "\n";
  }
  out += "pgmoat = { edit = {} }\n\n";
  for (const LuaFunction& function : lua_functions()) stub_function(function, out);
  out.pop_back();
  return out;
}

namespace {

void reference_keys(const WrittenTable& table, std::string& out) {
  out += "| key | meaning |\n|---|---|\n";
  for (const WrittenKey& key : table.keys) {
    out += "| `" + std::string(key.name) + "` | " + cell(key.description) + " |\n";
  }
  out += "\n";
}

void reference_matchers(std::string& out) {
  out +=
      "## Matchers\n\n"
      "All keys of `match` must hold; of a key's list, one value. `all`, `any` and `none` nest: "
      "their "
      "value is a table of conditions\nor a list of such tables. A name may be exact, `schema.*`, "
      "`*.name`, or `@list`. Where there is no statement (`connect`,\n`auth`, `disconnect`) only "
      "those "
      "marked *session* may be used.\n\n"
      "| key | value | meaning |\n|---|---|---|\n";
  for (const Matcher& matcher : matchers()) {
    std::string value(name_of(matcher.type));
    if (!matcher.words.empty()) {
      value = holds(matcher.type, {Type::flag_or_word}) ? "true, false, " : "";
      for (const std::string_view word : matcher.words) {
        value += (word == matcher.words.front() ? "`" : ", `") + std::string(word) + "`";
      }
    }
    out += "| `" + std::string(matcher.name) + "` | " + cell(value) + " | " +
           cell(matcher.description) + (matcher.session ? " *session*" : "") + " |\n";
  }
  out += "\n";
}

void reference_objects(std::string& out) {
  out +=
      "## Facts\n\nFunctions and expressions are given, by hook:\n\n| hook | given |\n|---|---|\n";
  for (const Hook hook : {Hook::connect, Hook::auth, Hook::statement, Hook::execute, Hook::copy,
                          Hook::complete, Hook::disconnect}) {
    std::string given;
    for (const std::string& name : parameters_of(hook)) {
      given += (given.empty() ? "`" : ", `") + name + "`";
    }
    out += "| `" + std::string(name_of(hook)) + "` | " + given + " |\n";
  }
  out += "\nA field that does not exist is an error that names the nearest one.\n\n";
  for (const script::ObjectType* type : all_object_types()) {
    out += "### " + type->class_name + "\n\n| field | type | meaning |\n|---|---|---|\n";
    for (const script::Field& field : type->fields) {
      out += "| `" + field.name + "` | `" + cell(field.type) + "` | " + cell(field.description) +
             " |\n";
    }
    for (const script::Method& method : type->methods) {
      out += "| `:" + method.name + "(...)` | `" + cell(method.signature) + "` | " +
             cell(method.description) + " |\n";
    }
    if (type->lookup != nullptr) out += "| `[name]` | `string?` | By name; nil where unknown. |\n";
    out += "\n";
  }
}

}  // namespace

std::string reference() {
  std::string out =
      "# Reference of the policy language\n\n"
      "Facts are what a statement says, read without the server's catalogue: a view or function "
      "hides "
      "the tables behind it, and a\nname without a schema is whatever search_path makes of it. "
      "Every "
      "key, matcher, verdict and fact of api 1 is below, made by\npgmoat from its own tables; "
      "begin "
      "with the [guide](guide.md).\n\n";
  const auto section = [&](std::string_view title, std::string_view name) {
    const WrittenTable& table = written_table(name);
    out += "## " + std::string(title) + "\n\n" + std::string(table.title) + "\n\n";
    reference_keys(table, out);
  };
  section("[[rule]], pgmoat.rule{...}", "rule");
  section("[[rule.exception]]", "exception");
  section("[[rule.test]]", "test");
  reference_matchers(out);
  out +=
      "## Verdicts\n\nA rule has one. In TOML it is a key of the rule, `deny = {...}`; in Lua "
      "`verdict = "
      "pgmoat.deny{...}`. Besides those\nbelow: `tag = [\"human\"]`, `set = { name = \"value\" }` "
      "(on "
      "`auth`; in Lua `pgmoat.settings`), `score = 5`, and `rewrite`.\n\n";
  for (const char* name : {"deny", "terminate", "alert", "allow"}) {
    out += "### " + std::string(name) + "\n\n" + std::string(written_table(name).title) + "\n\n";
    reference_keys(written_table(name), out);
  }
  out +=
      "### rewrite\n\nOne edit or several: `rewrite = { cap_limit = 5000, set_local = { "
      "statement_timeout = \"5s\" } }`, or a list of such\ntables. Further edits are "
      "`force_read_only = "
      "true`, `add_comment = { key = \"value\" }` and `replace = \"SELECT ...\"`.\n\n";
  for (const char* name : {"add_filter", "replace_relation"}) {
    out += "#### " + std::string(name) + "\n\n" + std::string(written_table(name).title) + "\n\n";
    reference_keys(written_table(name), out);
  }
  section("[pack]", "pack");
  out += "`[lists]` names lists of texts for matchers: `hot = [\"a.b\"]` is `@hot`.\n\n";
  section("[[override]]", "override");
  section("[[scope]]", "scope");
  out += "## Functions of Lua\n\n| function | gives | meaning |\n|---|---|---|\n";
  for (const LuaFunction& function : lua_functions()) {
    out += "| `pgmoat." + std::string(function.name) + "(" + cell(function.parameters) + ")` | " +
           (function.returns.empty() ? "" : "`" + cell(function.returns) + "`") + " | " +
           cell(function.description) + " |\n";
  }
  out += "\n";
  reference_objects(out);
  out += "## Not built yet\n\nFiles that ask for these are refused:\n\n";
  for (const std::string_view name : not_built_names()) {
    if (name != "masks") out += "- " + not_built(name) + "\n";
  }
  return out;
}

namespace {

// {"a": {...}, ...} of a table's keys, with descriptions where the schema has room for them.
std::string json_properties(const WrittenTable& table) {
  std::string out;
  for (const WrittenKey& key : table.keys) {
    if (key.json.empty()) continue;
    std::string schema(key.json);
    if (schema.find("$ref") == std::string::npos &&
        schema.find("\"description\"") == std::string::npos) {
      schema = "{\"description\": " + quoted(key.description) + ", " + schema.substr(1);
    }
    out += (out.empty() ? "" : ",\n") + ("      " + quoted(key.name)) + ": " + schema;
  }
  return out;
}

std::string json_object(std::string_view name, const std::string& properties, bool closed,
                        const std::string& more = {}) {
  return "    " + quoted(name) +
         ": {\"type\": \"object\", \"additionalProperties\": " + (closed ? "false" : "true") +
         more + ", \"properties\": {\n" + properties + "\n    }}";
}

// Matchers by their first word: copy.target may be written as copy = { target = ... }.
std::string json_matchers() {
  std::string out;
  std::vector<std::string_view> groups;
  for (const Matcher& matcher : matchers()) {
    out += (out.empty() ? "" : ",\n") + ("      " + quoted(matcher.name)) +
           ": {\"description\": " + quoted(matcher.description) + ", " +
           json_type(matcher).substr(1);
    const std::size_t dot = matcher.name.find('.');
    if (dot == std::string_view::npos) continue;
    const std::string_view group = matcher.name.substr(0, dot);
    const bool known = std::find(groups.begin(), groups.end(), group) != groups.end();
    if (!known && find_matcher(group) == nullptr) groups.push_back(group);
  }
  for (const std::string_view group : groups) {
    out += ",\n      " + quoted(group) + ": {\"type\": \"object\"}";
  }
  for (const char* group : {"all", "any", "none"}) {
    out +=
        ",\n      " + quoted(group) +
        R"(: {"anyOf": [{"$ref": "#/definitions/match"}, {"type": "array", "minItems": 1, "items": )" +
        R"({"$ref": "#/definitions/match"}}]})";
  }
  return out;
}

std::string json_edits() {
  return "      \"add_filter\": {\"$ref\": \"#/definitions/add_filter\"},\n"
         "      \"cap_limit\": {\"type\": \"integer\", \"minimum\": 0},\n"
         "      \"set_local\": {\"type\": \"object\"},\n"
         "      \"force_read_only\": {\"const\": true},\n"
         "      \"replace_relation\": {\"$ref\": \"#/definitions/replace_relation\"},\n"
         "      \"add_comment\": {\"type\": \"object\"},\n"
         "      \"replace\": {\"type\": \"string\"}";
}

std::string json_verdicts() {
  std::string out;
  for (const char* name : {"deny", "terminate", "alert", "allow"}) {
    out += ",\n      " + quoted(name) + ": {\"$ref\": \"#/definitions/" + name + "\"}";
  }
  return out +
         ",\n      \"rewrite\": {\"anyOf\": [{\"$ref\": \"#/definitions/edits\"}, {\"type\": "
         "\"array\", "
         "\"minItems\": 1, \"items\": {\"$ref\": \"#/definitions/edits\"}}]}"
         ",\n      \"tag\": {\"type\": [\"string\", \"array\"], \"items\": {\"type\": \"string\"}}"
         ",\n      \"set\": {\"type\": \"object\"}"
         ",\n      \"score\": {\"type\": \"integer\", \"minimum\": -1000, \"maximum\": 1000}";
}

}  // namespace

std::string json_schema() {
  const std::string array = R"({"type": "array", "items": {"$ref": "#/definitions/)";
  std::string out =
      "{\n  \"$schema\": \"http://json-schema.org/draft-07/schema#\",\n"
      "  \"title\": \"A pack of pgmoat\",\n  \"type\": \"object\",\n  \"additionalProperties\": "
      "false,\n"
      "  \"properties\": {\n    \"pack\": {\"$ref\": \"#/definitions/pack\"},\n"
      "    \"lists\": {\"type\": \"object\", \"additionalProperties\": {\"type\": [\"string\", "
      "\"array\"], \"items\": {\"type\": \"string\"}}},\n";
  for (const char* name : {"rule", "override", "scope"}) {
    out += "    " + quoted(name) + ": " + array + name + "\"}},\n";
  }
  out +=
      "    \"policy\": {\"type\": \"object\", \"additionalProperties\": false, \"properties\": "
      "{\"override\": " +
      array + "override\"}}}}\n  },\n  \"definitions\": {\n";
  out += json_object("rule", json_properties(written_table("rule")) + json_verdicts(), true,
                     ", \"required\": [\"id\"]");
  const std::string any_matcher = ",\n" + json_matchers();
  for (const char* name : {"exception", "scope"}) {
    out += ",\n" + json_object(name, json_properties(written_table(name)) + any_matcher, true);
  }
  out += ",\n" + json_object("pack", json_properties(written_table("pack")), true,
                             ", \"required\": [\"id\", \"requires_api\"]");
  for (const char* name : {"test", "override", "deny", "terminate", "alert", "allow", "add_filter",
                           "replace_relation"}) {
    out += ",\n" + json_object(name, json_properties(written_table(name)), true);
  }
  out += ",\n" + json_object("edits", json_edits(), true);
  out += ",\n" + json_object("match", json_matchers(), true);
  return out + "\n  }\n}\n";
}

}  // namespace pgmoat::policy
