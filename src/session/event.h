// What the engine tells observers. Events are values; audit, metrics and the log are folds over
// them and therefore agree. No event carries a password, a key, a literal or a parameter.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "wire/side.h"

namespace pgmoat::session {

// A peer's text as it may stand in an event: at most 256 bytes of it. Events wait in a queue.
inline std::string clipped(std::string_view text) {
  constexpr std::size_t kMost = 256;
  return text.size() <= kMost ? std::string(text) : std::string(text.substr(0, kMost)) + "...";
}

struct SessionOpened {  // the startup message was accepted
  std::string user, database, application, client;
  std::string tls;  // the version that the client speaks; "": in the clear
};

struct ClientProved {  // to pgmoat, by this method; it goes on to the server
  std::string method;
};

struct AuthFinished {
  bool ok = false;
  std::string sqlstate;  // of the refusal, the server's or ours
};

struct StatementJudged {  // one for each finding, and for each of the session's own objections
  std::string message;    // "Query", "Parse", ...
  std::string rule, sqlstate, reason;
  bool enforced = false;  // false: a mode kept it from acting
  std::string action = "deny";
  std::string severity;  // "" where the session itself objects
  std::string decision;  // as the client was told it; "" where there is none
};

struct ProtocolFault {
  wire::Side side = wire::Side::client;
  std::string message;  // name of the message, "" where none
  std::string what;     // one sentence
  std::uint32_t length = 0;
  bool passed = false;  // monitor: the bytes went on
};

struct TurnedOpaque {  // from here on bytes are relayed unread
  std::string why;
};

struct Finding {  // worth a look, no reason to act
  std::string what;
};

struct SessionClosed {
  std::string why;
  std::uint64_t statements = 0;
  std::uint64_t client_bytes = 0, server_bytes = 0;
};

using Event = std::variant<SessionOpened, ClientProved, AuthFinished, StatementJudged,
                           ProtocolFault, TurnedOpaque, Finding, SessionClosed>;

}  // namespace pgmoat::session
