// The dialects in which a text may be read when the session's own is not certain: between two
// ReadyForQuery a pipelined message may have changed client_encoding or standard_conforming_strings.
// A reading is listed only where it can differ, and only where the server would run anything of it.
#pragma once

#include <string_view>
#include <vector>

#include "sql/dialect.h"

namespace pgmoat::sql {

// `known` first, and alone where it is certain or nothing in the text depends on the dialect.
std::vector<Dialect> possible_readings(std::string_view text, const Dialect& known, bool certain);

}  // namespace pgmoat::sql
