// Structural marks of injected SQL (Sign): shapes that an attacker's text gives a statement and that
// applications do not write. Each looks at one node and a little below it. They are scored, not
// denied by themselves, but an ORM's statement should have none.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "sql/facts.h"

namespace pgmoat::sql {

// Of the topmost node of a UNION, INTERSECT or EXCEPT.
std::uint32_t union_signs(const void* select);
// Of the rows of VALUES, or the list after SET.
std::uint32_t value_signs(const void* list);
std::uint32_t cast_signs(const void* cast);
std::uint32_t operator_signs(const void* expression);
std::uint32_t call_signs(std::string_view schema, std::string_view name, const void* arguments);
std::uint32_t order_signs(const void* sort);
// Of the text: its comments, with their places in it.
std::uint32_t comment_signs(std::string_view text, std::uint32_t at, std::uint32_t size);

bool is_catalog(std::string_view schema, std::string_view relation);

}  // namespace pgmoat::sql
