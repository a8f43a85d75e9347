// The rewriter by itself, for tests in other languages: reads a JSON object per line with "sql" and
// "edits", writes one per line with "sql" and "positions" (the original's of every byte) or "error".
//
//   {"sql": "select 1", "edits": [{"cap_limit": 5}, {"add_comment": {"k": "v"}},
//     {"replace_relation": ["a", "b"]}, {"replace": "select 2"},
//     {"add_filter": {"relations": ["t"], "column": "c", "type": "text", "equals": "7"}}]}
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "sql/edit.h"

using nlohmann::json;
using namespace pgmoat::sql;

namespace {

Edit edit_of(const json& object) {
  const std::string& kind = object.begin().key();
  const json& value = object.begin().value();
  if (kind == "cap_limit") return CapLimit{value.get<std::int64_t>()};
  if (kind == "replace") return ReplaceText{value};
  if (kind == "replace_relation") return ReplaceRelation{value.at(0), value.at(1)};
  if (kind == "add_comment") {
    AddComment comment;
    for (const auto& [key, text] : value.items()) comment.pairs.emplace_back(key, text);
    return comment;
  }
  if (kind != "add_filter") throw std::runtime_error("unknown edit " + kind);
  const std::string type = value.value("type", "text");
  const Value equals{type == "integer"   ? Value::Type::integer
                     : type == "boolean" ? Value::Type::boolean
                     : type == "null"    ? Value::Type::null
                                         : Value::Type::text,
                     value.value("equals", "")};
  return AddFilter{value.at("relations"), value.at("column"), equals};
}

json answer(const json& question) {
  std::vector<Edit> edits;
  for (const json& edit : question.at("edits")) edits.push_back(edit_of(edit));
  const std::string sql = question.at("sql");
  const auto rewritten = apply(sql, {}, edits);
  if (!rewritten) return {{"error", rewritten.error()}};
  json positions = json::array();
  for (std::uint32_t at = 0; at <= rewritten->sql.size(); ++at) {
    positions.push_back(original_position(rewritten->patches, at));
  }
  return {{"sql", rewritten->sql}, {"positions", positions}};
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << answer(json::parse(line)).dump(-1, ' ', false, json::error_handler_t::replace)
              << std::endl;
  }
}
