// The truth of a condition, as far as no database is needed to know it. What is deeper than a hundred
// is not known.
#pragma once

#include <cstdint>

#include "sql/draft.h"

namespace pgmoat::sql {

// `holds`: always true where it is not null. NULL counts as false, as it does for WHERE.
enum class Truth : std::uint8_t { unknown, holds, fails };
struct Condition {
  Truth truth = Truth::unknown;
  bool tautology = false;         // an arm of an OR in it holds whatever the row
  bool constant_compare = false;  // an arm of it compares two constants
};
Condition condition_of(const void* node, Arena& arena);

}  // namespace pgmoat::sql
