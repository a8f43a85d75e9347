// The body of a session: requests and answers, both strictly read, tied together by the ledger.
// ready.cc takes what the client says, response.cc what the server answers, copy.cc what COPY does
// to both, refusal.cc says what to send so that the server itself refuses. Source of the rules:
// PostgreSQL manual, "Message Flow"; facts F1-F25, each with its end-to-end test (tests/e2e).
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <vector>

#include "policy/judge.h"
#include "session/ledger.h"
#include "session/limits.h"
#include "session/named_objects.h"
#include "session/reading.h"
#include "wire/backend.h"
#include "wire/data_row_check.h"

namespace pgmoat::session {

// COPY FROM STDIN, as the client sees it. The server enters it; the client may not yet know.
struct CopyIn {
  bool active = false;     // CopyInResponse was seen and no CopyDone or CopyFail sent since
  bool plausible = false;  // the client's last request may have started one: late data is no attack
  bool hold_tail = false;  // the streamed CopyData frame under way is being discarded
};

// Whether all that SQL text prepares and declares has been seen. A judge that reads no SQL leaves it
// dark, and one text that could not be read makes every later name possible.
struct Sight {
  bool some = false;
  bool blind = false;
  void saw(const policy::Judged&);
  bool sees_all() const { return some && !blind; }
};

// What is told of an answer when it is complete.
struct Answer {
  std::uint64_t bytes = 0;  // of rows and COPY data
  Instant since{};          // the end of the statement before it in the same Query; zero: none
};

struct Ready {
  Ledger ledger;
  ObjectTable statements;
  ObjectTable portals;
  CopyIn copy;
  wire::DataRowCheck row;
  std::list<policy::Refusal> refusals;  // one for each denied entry of the ledger, in order
  wire::TransactionStatus status = wire::TransactionStatus::idle;
  // The server is, or provably will be, discarding everything up to Sync (F1).
  bool skipping = false;
  // The newest request may start COPY IN, after which Sync means something else: client input is
  // held until the server has said which it is.
  bool barrier = false;
  std::uint64_t segment_bytes = 0;  // client bytes since the last ReadyForQuery
  std::uint64_t segment = 0;        // Syncs sent so far
  Doubt doubt;
  Sight sight;
  policy::Judged applied;       // whose settings were set last, with nothing of the client's behind
  std::uint32_t statement = 0;  // of the Query at the head: which of its statements is answered
  Answer answer;                // of that statement, so far
  std::optional<policy::Refusal> last_word;   // what was seen of an answer ends the session
  std::vector<policy::Parameter> parameters;  // of the Bind that is being judged

  // The client's next message has to wait for an answer of the server's.
  bool holds_client(const Limits& limits) const {
    return barrier || ledger.size() >= limits.pipeline || refusals.size() >= limits.refusals;
  }
  bool idle() const {
    return ledger.empty() && status == wire::TransactionStatus::idle && !skipping && !copy.active;
  }
};

}  // namespace pgmoat::session
