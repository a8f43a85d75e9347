// What the engine knows of TLS: whether it is offered and asked for, and what a handshake has shown.
// The handshake itself is the driver's.
#pragma once

#include <cstdint>

#include "policy/tls_facts.h"

namespace pgmoat::session {

enum class ClientTlsMode : std::uint8_t { disable, allow, require };
enum class ServerTlsMode : std::uint8_t { disable, prefer, require, verify_ca, verify_full };

using policy::TlsFacts;

}  // namespace pgmoat::session
