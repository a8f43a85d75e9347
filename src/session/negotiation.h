// What we tell the server and the client about the protocol version: a minor version or `_pq_.` option
// that our decoders do not know is never agreed to.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pgmoat::session {

struct Scene;

struct Negotiation {
  std::uint32_t version = 0;
  std::vector<std::string> refused_options;
  bool needed = false;
};

// NegotiateProtocolVersion, ours: with the names that we took out. Before the first Authentication
// message, once.
void say_negotiation(Scene& scene, const Negotiation& negotiation);

}  // namespace pgmoat::session
