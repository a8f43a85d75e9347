// Comments: as facts, and the trace context that sqlcommenter puts into one.
#pragma once

#include <span>
#include <string_view>

#include "sql/draft.h"
#include "sql/lexer.h"

namespace pgmoat::sql {

// Views of the text, with their marks.
void add_comments(std::string_view text, std::span<const Span> comments, Draft& draft);
// The value of traceparent='...' in the last comment that has one; "" where none does or it is not
// written as sqlcommenter does.
std::string_view traceparent_in(std::span<const std::string_view> comments, Arena& arena);

}  // namespace pgmoat::sql
