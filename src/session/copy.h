// COPY FROM STDIN changes what the client's messages mean: Sync and Flush are swallowed (F9), data
// flows without answers, anything else ends the connection (F11). Whether the server saw a Sync
// before or after it left COPY cannot be told from outside, so when enforcing, a request that may
// start a COPY raises a barrier. Monitoring may not hold or add anything; there the ledger notes
// where the client ended its data, and CopyInResponse tells which Syncs were swallowed.
#pragma once

#include <string_view>

#include "session/phase.h"

namespace pgmoat::session {

// Whether this text can contain a COPY FROM STDIN: keywords cannot be written without their
// letters, so a text without "copy" and "std" (STDOUT is accepted for STDIN) has none. EXECUTE
// can run one that was prepared by Parse.
bool may_start_copy(std::string_view sql);

// The client's message while COPY IN is active. True: it was dealt with, and `step` says what follows.
bool on_copy_message(Ready&, Scene&, const wire::Piece&, Step& step);
// CopyData, CopyDone or CopyFail where no COPY is active.
Step on_late_copy_message(Ready&, Scene&, const wire::Piece&);
// CopyInResponse has come for the head of the ledger.
void copy_in_begins(Ready&, Scene&);

}  // namespace pgmoat::session
