#include "session/negotiation.h"

#include "session/scene.h"
#include "wire/backend.h"

namespace pgmoat::session {

void say_negotiation(Scene& scene, const Negotiation& negotiation) {
  std::string names;
  for (const std::string& name : negotiation.refused_options) (names += name).push_back('\0');
  wire::NegotiateProtocolVersion message{
      negotiation.version, static_cast<std::uint32_t>(negotiation.refused_options.size()),
      as_bytes(names)};
  scene.out->to_client.say([&](std::string& to) { wire::encode(message, to); });
}

}  // namespace pgmoat::session
