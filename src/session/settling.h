// The head of the ledger leaves it: answered, and then what it does to the tables holds; or never carried
// out, and then it is taken back.
#pragma once

#include "session/phase.h"

namespace pgmoat::session {

bool head_is(Ready&, Entry::Kind);
bool runs_statements(Ready&);  // the head is a Query or an Execute

void confirm(Ready&);    // what the head created or closed
void settle(Ready&);     // the head was answered to the end
void undo_head(Ready&);  // the head will never be executed

}  // namespace pgmoat::session
