// The server's half: every message must be explained by the head of the ledger; then it is
// forwarded, or swapped for our words where it answers a substitute.
#pragma once

#include <optional>

#include "session/phase.h"

namespace pgmoat::session {

// Checks the message against the ledger and applies it. A fault: nothing explains it.
// `forward` is set false where the message was answered in other words.
std::optional<wire::Fault> explain(Ready&, Scene&, const wire::Piece&, bool& forward);

}  // namespace pgmoat::session
