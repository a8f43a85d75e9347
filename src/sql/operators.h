// The operators that PostgreSQL 15 has in pg_catalog. Any other one was made by a user and runs a
// function of theirs.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace pgmoat::sql {

inline constexpr auto kBuiltinOperators = std::to_array<std::string_view>(
    {"!!",  "!=",  "!~",  "!~*",  "!~~", "!~~*", "#",    "##",  "#-",  "#>",  "#>>", "%",   "&",
     "&&",  "&<",  "&<|", "&>",   "*",   "*<",   "*<=",  "*<>", "*=",  "*>",  "*>=", "+",   "-",
     "->",  "->>", "-|-", "/",    "<",   "<->",  "<<",   "<<=", "<<|", "<=",  "<>",  "<@",  "<^",
     "=",   ">",   ">=",  ">>",   ">>=", ">^",   "?",    "?#",  "?&",  "?-",  "?-|", "?|",  "?||",
     "@",   "@-@", "@>",  "@?",   "@@",  "@@@",  "^",    "^@",  "|",   "|&>", "|/",  "|>>", "||",
     "||/", "~",   "~*",  "~<=~", "~<~", "~=",   "~>=~", "~>~", "~~",  "~~*"});
static_assert(std::is_sorted(kBuiltinOperators.begin(), kBuiltinOperators.end()));

inline bool is_builtin_operator(std::string_view name) {
  if (name.size() == 1 && (name[0] == '=' || name[0] == '<' || name[0] == '>')) return true;
  return std::binary_search(kBuiltinOperators.begin(), kBuiltinOperators.end(), name);
}

}  // namespace pgmoat::sql
