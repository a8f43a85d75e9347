// How the server will read the next text, and whether that is sure. ParameterStatus tells, but only
// before ReadyForQuery: what is sent behind a statement that may change client_encoding or
// standard_conforming_strings, and was not answered to the end, may be read either way. So may
// what is sent behind a ROLLBACK of such a change.
#pragma once

#include <cstdint>

#include "policy/judge.h"

namespace pgmoat::session {

struct Ready;
struct Scene;
struct Entry;

struct Doubt {
  std::uint32_t outstanding = 0;  // entries of the ledger that may shift it
  bool answered = false;          // one of them was answered, and no ReadyForQuery has come since
  bool in_transaction = false;    // one was sent in this transaction: its end may shift it back
  std::uint32_t turning = 0;      // entries that may begin or end a transaction block
  std::uint32_t swapping = 0;     // entries that may change the role
  bool certain() const { return outstanding == 0 && !answered; }

  void sent(const Entry&);
  void gone(const Entry&, bool carried_out);  // settled, or undone
  void ready(char status);
};

// Whether running this may change how the server reads SQL. Null, or not readable: it may.
bool may_shift(const policy::Judged&, bool in_transaction);
// Whether running this may begin or end a transaction block.
bool may_turn(const policy::Judged&);
// Whether running this may change the role, as far as its text tells.
bool may_swap_role(const policy::Judged&);
policy::Reading reading_of(const Ready&, const Scene&);

}  // namespace pgmoat::session
