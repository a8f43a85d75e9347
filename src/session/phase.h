// A session's phases, as a sum of structs: each holds only what is true then. A handler takes the
// pieces it can and says what comes next: wait for more bytes, or another phase.
//
//   Greeting <-> TlsHandshake
//   Greeting -> Dialing -> Authenticating -> Ready -> Draining -> Closed
//       \           \             \            \--> Opaque (on_failure "pass": framing is lost, relay)
//        \-----------\-------------\--> Closed
//   Greeting -> ClientLogin -> Dialing <-> ServerLogin -> Authenticating, where pgmoat ends the login
//                     \-> Refused -> Closed
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "session/login.h"
#include "session/negotiation.h"
#include "session/ready.h"
#include "session/scene.h"
#include "session/step.h"

namespace pgmoat::session {

// Nothing but untagged packets: at most one SSLRequest and one GSSENCRequest, then a StartupMessage
// or a CancelRequest.
struct Greeting {
  bool ssl_asked = false;
  bool gss_asked = false;
  bool secured = false;  // the client speaks TLS
};

// Of the client. Nothing is read in the clear from here on.
struct TlsHandshake {};

struct Dialing {
  std::uint32_t packet_size = 0;  // the client's startup packet, still in its buffer
  std::string rewritten;          // sent instead of it, where not empty
  Negotiation negotiation;
  std::unique_ptr<Onward>
      onward;           // where pgmoat has ended the client's login; no packet waits then
  bool opaque = false;  // monitor: what the client sent is no startup packet; relay it
  enum class Tls : std::uint8_t { none, asked, shaking_hands };
  Tls tls = Tls::none;  // with the server
  Instant since{};
};

struct Authenticating {
  enum class Asked : std::uint8_t { nothing, password, sasl_initial, sasl, gss };
  Asked asked = Asked::nothing;
  bool finished = false;    // AuthenticationOk has come
  bool ended_here = false;  // by our own login: client and server need not speak the same version
  Negotiation negotiation;
  // Settings of the policy's are being set: the client has not been told that the session is ready.
  policy::Judged setting;
};

struct Opaque {};

// The client has said Terminate or closed its half: what the server still owes is delivered.
struct Draining {
  Ready ready;
};

struct Closed {};

inline Step stay() { return nullptr; }
template <class P>
Step become(P phase) {
  return std::make_unique<Phase>(std::move(phase));
}

Step on_client(Greeting&, Scene&);
Step on_secured(TlsHandshake&, Scene&);
Step on_client(ClientLogin&, Scene&);
Step on_verifier(ClientLogin&, Scene&, const VerifierFound& found);
Step on_timer(const Refused&, Scene&);
Step on_connected(Dialing&, Scene&);
Step on_secured(Dialing&, Scene&);
Step on_server(Dialing&, Scene&);
// There is no server for this session, for the reason given.
Step no_server(const Dialing&, Scene&, std::string why);
Step on_server(ServerLogin&, Scene&);
Step on_client(Authenticating&, Scene&);
Step on_server(Authenticating&, Scene&);
Step on_client(Ready&, Scene&);
Step on_server(Ready&, Scene&);
Step on_client(Opaque&, Scene&);
Step on_server(Opaque&, Scene&);
Step on_client(Draining&, Scene&);
Step on_server(Draining&, Scene&);

// A peer's bytes were not what they must be. By the failure matrix: FATAL 08P01 and the end, or
// (monitor) relay from here on. Reports either way.
Step on_fault(Scene&, wire::Side side, const wire::Fault& fault);
// Reports a fault of a message whose frame is sound; true: let the message pass (monitor).
bool tolerates(Scene&, wire::Side side, const wire::Fault& fault);
// The last event of a session; the judge is told where it asked for it.
void report_end(Scene&, std::string why);
// The end, with a FATAL of our own.
Step end(Scene&, std::string_view sqlstate, std::string_view message, std::string_view hint = {},
         std::string_view detail = {});

}  // namespace pgmoat::session
