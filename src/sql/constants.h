// What an expression is without being carried out: the text of a constant, and whether two
// expressions are the same. Bounded: a constant that is deeper than a hundred is not known.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "sql/draft.h"

namespace pgmoat::sql {

// Of a literal, also through casts, parentheses and || of such. Null has none.
std::optional<std::string_view> constant_text(const void* node, Arena& arena, int depth = 0);
// What the server makes of it, octet for octet: of a literal, casts to text that change nothing,
// and || of such. For what is carried out: varchar(n) cuts, bpchar trims, and a cast to anything
// else may give any text.
std::optional<std::string_view> exact_text(const void* node, Arena& arena);
std::optional<std::int64_t> constant_integer(const void* node);
// A literal or NULL, also through casts; no parameter.
bool is_constant(const void* node);
bool same_expression(const void* left, const void* right);
// LIKE; nothing where the pattern has a backslash, or is long.
std::optional<bool> like_matches(std::string_view subject, std::string_view pattern);

}  // namespace pgmoat::sql
