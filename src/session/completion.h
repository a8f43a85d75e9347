// What follows from the server's answer to a statement: names and settings that its text changes hold
// now, and the judge is told of rows, bytes and time, where it asked for it. Nothing can be refused any
// more then; a ruling may end the session. COPY is shown when the server has begun it.
#pragma once

#include <string_view>

#include "session/phase.h"

namespace pgmoat::session {

// CommandComplete of the head's present statement; `ours`: of one that we put before it.
void statement_completed(Ready&, Scene&, std::string_view tag, bool ours);
// An error was the answer; not of a substitute.
void statement_failed(Ready&, Scene&, std::string_view sqlstate);

// CopyInResponse, CopyOutResponse or CopyBothResponse (`tag`). True: COPY data is refused before it began,
// and the client will see only the error.
bool copy_is_refused(Ready&, Scene&, char tag);

// The last number of a command tag: "INSERT 0 5" -> 5.
std::uint64_t rows_of(std::string_view tag);

}  // namespace pgmoat::session
