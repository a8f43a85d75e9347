// Requests for encryption that a client's connection may begin with: SSLRequest, GSSENCRequest, or
// TLS at once (PostgreSQL 17's direct negotiation). Each at most once, and none once there is TLS.
// The server never sees them. No byte is in our buffer when the stream changes its meaning
// (CVE-2021-23214), and nobody is told anything in the clear who asked for TLS (CVE-2024-10977).
#pragma once

#include <cstdint>

#include "session/phase.h"

namespace pgmoat::session {

// Whether the connection begins with a TLS record: a first byte that no length word of a first
// packet has. Only where TLS is offered.
bool begins_tls(const Greeting& greeting, const Scene& scene);
Step direct_tls(Scene& scene);
// `size`: of the packet, which stands at the front of the client's buffer.
Step ssl_request(Greeting& greeting, Scene& scene, std::uint32_t size);
Step gss_request(Greeting& greeting, Scene& scene, std::uint32_t size);

}  // namespace pgmoat::session
