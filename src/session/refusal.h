// Refusal by substitution: in the place of a refused message the server gets one that it must
// refuse itself, and the words of its error are swapped for ours. Order, skip-until-Sync,
// transaction abort and the ReadyForQuery status stay PostgreSQL's own. Withholding the message
// and inventing the answer would let COMMIT commit half a transaction (F3).
#pragma once

#include <string_view>

#include "session/judging.h"
#include "session/phase.h"

namespace pgmoat::session {

// Send the substitute and owe the error. `statement`: the name a refused Parse gave.
void refuse_query(Ready&, Scene&, Opinion);
void refuse_function_call(Ready&, Scene&, Opinion);
void refuse_parse(Ready&, Scene&, std::string_view statement, Opinion);
// Bind, Describe, Execute: a Parse under a reserved name fails in their place, which destroys
// neither the unnamed statement nor anything of the client's (F5).
void refuse_extended(Ready&, Scene&, Opinion);

// The server's answer to a substitute, in our words.
void say_refusal(Scene&, const policy::Refusal&, std::string_view severity);

inline constexpr std::string_view kReservedName = "pgmoat";

}  // namespace pgmoat::session
