// Facts in one line, for tables: only what differs from nothing is said. Lists in their order.
//   select SELECT | rel t read from | col a target | fn f('x') call | lit 'x' string where
#pragma once

#include <string>

#include "sql/analysis.h"

namespace pgmoat::sql {

std::string describe(const Facts& facts);
std::string describe(const Analysis& analysis);  // statements with " ; " between; or the opacity
std::string signs_of(std::uint32_t signs);       // "tautology union-constants"

// Of a text in the default dialect.
std::shared_ptr<const Analysis> read(std::string_view sql);

}  // namespace pgmoat::sql
