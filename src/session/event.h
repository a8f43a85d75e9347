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

struct CancelRequested {  // of the session that the key is of, or of none
  enum class Result : std::uint8_t {
    forwarded,
    session_ended,  // the key's session has, before the request came
    other_node,     // the key says so of itself
    unknown_key,
    too_many_unknown,  // from this address; a key of four octets was not looked at
  };
  std::string client;  // its address, without the port
  Result result = Result::unknown_key;
  bool passed = false;  // to the server; monitoring, all are
};

struct SessionClosed {
  std::string why;
  std::uint64_t statements = 0;
  std::uint64_t client_bytes = 0, server_bytes = 0;
};

using Event = std::variant<SessionOpened, ClientProved, AuthFinished, StatementJudged,
                           ProtocolFault, TurnedOpaque, Finding, CancelRequested, SessionClosed>;

}  // namespace pgmoat::session
