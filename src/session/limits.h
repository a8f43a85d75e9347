// The session floor's limits. Each names the attack it stops; each is tested at the limit and one
// past it; all are configurable in [limits] and [timeouts].
#pragma once

#include <chrono>
#include <cstdint>

#include "base/instant.h"

namespace pgmoat::session {

struct Limits {
  // Prepared statements and portals a session may hold (20,000 Parse cost a backend 526 MB).
  std::uint32_t statements = 2000;
  std::uint32_t portals = 200;
  // Requests sent to the server and not yet answered: memory of the ledger, 64 bytes each. At the
  // limit the client is not read until answers come, as a full socket would have it wait. Not
  // below 4,096: the server may keep 8 KiB of answers back until Flush or Sync, 1,638 of the smallest.
  std::uint32_t pipeline = 65536;
  // Refusals whose answer has not come: their texts are kept, some 300 bytes each. Same wait.
  std::uint32_t refusals = 256;
  // What is kept of texts that were sent and not answered: up to five times their size. At the limit
  // the server is asked to answer what it has (Flush), and the client waits. Enforcing only.
  std::uint64_t unanswered_bytes = 64u << 20;
  // Client bytes between two ReadyForQuery, COPY data excepted: a value whose 32-bit length
  // wrapped in a driver (CVE-2024-27304) cannot smuggle more than this.
  std::uint64_t segment_bytes = 1ull << 30;
};

struct Timeouts {
  Duration handshake = std::chrono::seconds(60);  // from accept to the first ReadyForQuery
  Duration connect = std::chrono::seconds(5);     // dialling the server
  // A gathered client frame, from its first byte to its last; a streamed one, from piece to piece.
  Duration message = std::chrono::seconds(60);
};

}  // namespace pgmoat::session
