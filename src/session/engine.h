// The engine: one client session, from its first byte to its last, without I/O. Bytes and
// instants go in, an Outbox comes out; there is no socket, clock, thread, file or global in here,
// so the same code runs inline, in a test conversation, under the fuzzer and over a recording.
//
// A driver's duties:
//  * read only into room(side), and only when appetite() wants that side and nothing released from
//    that side's buffer is still being written;
//  * write to_client and to_server in order, each completely before the next outbox's;
//  * call flushed(side) when every span released from that side's buffer has been written.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "auth/plan.h"
#include "base/bytes.h"
#include "base/instant.h"
#include "policy/judge.h"
#include "session/limits.h"
#include "session/mode.h"
#include "session/outbox.h"
#include "session/tls.h"
#include "wire/catalogue.h"
#include "wire/frame_buffer.h"
#include "wire/side.h"

namespace pgmoat::session {

// What is the same for every session of a process. Built once, outlives all engines.
struct Setup {
  Mode mode = Mode::monitor;
  FailureMatrix on_fault;
  FunctionCalls function_calls = FunctionCalls::large_objects;
  bool allow_replication = false;
  std::vector<std::string> startup_parameters;  // lower case; what clients may set at startup
  ClientTlsMode client_tls = ClientTlsMode::disable;
  ServerTlsMode server_tls = ServerTlsMode::disable;
  bool direct_server_tls = false;  // TLS from the first byte, without SSLRequest
  Limits limits;
  Timeouts timeouts;
  wire::FrameLimits frame_limits;
  // Filled by prepare(): the rules a header is checked against.
  wire::HeaderRules client_authenticating, client_ready, server_authenticating, server_ready;

  void prepare();  // call once after the fields above are set
};
std::vector<std::string> default_startup_parameters();

// What is this session's own.
struct Origin {
  std::string client;               // "127.0.0.1:40312", for events
  std::string cancel_secret;        // what its client cancels by: 32 octets over protocol 3.2
  std::string short_cancel_secret;  // 4 over 3.0
  std::string refusal_token;  // random ASCII, at most 32 bytes, no secret: marks our substitutes
  Instant accepted{};
  bool surplus = false;    // over the limit of sessions: told 53300 once it says who it is
  std::string session_id;  // random letters and digits, 10 or more: decisions are named after it
  Duration penalty{};      // what a wrong password is answered later by
  std::string seed;        // 32 random octets: what logins of ours are made with
  std::shared_ptr<const auth::Plan> plan;  // null: every login is passed through
};

struct Connected {};
struct Redialled {};  // the server's next address is tried: time starts anew
struct ConnectFailed {
  std::string why;
};                // one sentence, with the address
struct Secured {  // the handshake that StartTls asked for is done
  wire::Side side = wire::Side::client;
  TlsFacts facts;
  // tls-server-end-point of the server's certificate on this leg, octets (RFC 5929): of ours on the
  // client's, of the server's on the other; "": it is not defined for that certificate.
  std::string binding;
};
struct NotSecured {
  wire::Side side = wire::Side::client;
  std::string why;
};
struct VerifierFound {                             // what FindVerifier asked for
  bool asked = false;                              // false: the server could not be asked
  std::shared_ptr<const auth::Verifier> verifier;  // null: no such user
};
struct Eof {
  wire::Side side = wire::Side::client;
};
struct Failed {
  wire::Side side = wire::Side::client;
  std::string why;
};
struct Timer {};  // deadline() has passed
struct Leave {
  bool now = false;
};  // shutdown: now, or as soon as the session is idle
using TransportEvent = std::variant<Connected, Redialled, ConnectFailed, Secured, NotSecured,
                                    VerifierFound, Eof, Failed, Timer, Leave>;

struct Appetite {
  bool client = false;
  bool server = false;
};

class Engine {
 public:
  Engine(const Setup& setup, policy::Judge& judge, wire::BufferPool& pool, Origin origin);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  std::span<std::uint8_t> room(wire::Side side);
  void on_read(wire::Side side, std::size_t size, Instant now, Outbox& out);  // into room(side)
  void not_read(wire::Side side);                                             // room(side) not used
  void on_bytes(wire::Side side, Bytes bytes, Instant now, Outbox& out);      // copied in
  void on_transport(const TransportEvent& event, Instant now, Outbox& out);
  void flushed(wire::Side side);

  // The client is not read for now (its server does not take what was released), or is again: time
  // in which nobody reads does not count as the client's.
  void pause(bool paused, Instant now);

  Appetite appetite() const;
  Instant deadline() const;
  bool closed() const;
  // In the middle of things: logged in, and no side has announced an end.
  bool steady() const;
  std::string_view phase_name()
      const;  // "greeting", "tls handshake", ..., for tests and the console
  const auth::Credential* credential() const;  // that this session has logged in with; null: none
  std::size_t owed() const;                    // entries of the ledger, for tests

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pgmoat::session
