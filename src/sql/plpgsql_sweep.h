// What a PL/pgSQL body holds, read by its words alone: for the bodies that libpg_query gives up because it
// does not know the types of their variables (fields of records, cursors). The grammar of PL/pgSQL
// is words around SQL, each statement up to a semicolon; what stands between the words is told as
// parse_plpgsql() tells it. A statement that is not understood is told as a whole. So a sweep finds what
// a body does when it is honest; who relies on it must still take the body for unread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sql/plpgsql.h"

namespace pgmoat::sql {

// `body` has passed the gate.
std::vector<BodyText> sweep_plpgsql(std::string_view body, bool conforming_strings);

// The names that a parenthesis follows, as they are written, in a text that is neither a statement nor
// an expression: f, s.f, "F". Words of the grammar are left out.
std::vector<std::string_view> names_called(std::string_view text, bool conforming_strings);

}  // namespace pgmoat::sql
