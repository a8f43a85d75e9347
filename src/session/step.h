// What a handler says comes next: null to wait for more, or another phase. Transitions are rare, so they
// may allocate; staying is free.
#pragma once

#include <memory>
#include <variant>

namespace pgmoat::session {

struct Greeting;
struct TlsHandshake;
struct ClientLogin;
struct Refused;
struct Dialing;
struct ServerLogin;
struct Authenticating;
struct Ready;
struct Opaque;
struct Draining;
struct Closed;

using Phase = std::variant<Greeting, TlsHandshake, ClientLogin, Refused, Dialing, ServerLogin,
                           Authenticating, Ready, Opaque, Draining, Closed>;

struct Scene;
using Step = std::unique_ptr<Phase>;

}  // namespace pgmoat::session
