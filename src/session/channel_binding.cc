#include "session/channel_binding.h"

#include <string>

#include "auth/scram.h"

namespace pgmoat::session {

namespace {

// Mechanisms, each with its NUL, then a NUL.
std::string without_plus(Bytes mechanisms) {
  std::string kept;
  std::string_view rest = as_text(mechanisms);
  while (!rest.empty()) {
    const std::string_view name = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    if (name != auth::kScramPlus) kept.append(name).push_back('\0');
  }
  return kept;
}

}  // namespace

void offer_mechanisms(Scene& scene, const wire::Authentication& message, Bytes frame) {
  if (scene.client_tls || !scene.server_tls) return scene.out->to_client.release(frame);
  const std::string kept = without_plus(message.data);
  scene.out->to_client.say([&](std::string& to) {
    wire::encode(wire::Authentication{message.kind, as_bytes(kept)}, to);
  });
}

bool binds_in_vain(const Scene& scene, const wire::SaslInitialResponse& answer) {
  if (!scene.client_tls || !scene.server_tls) return false;
  if (!scene.client_binding.empty() && scene.client_binding == scene.server_binding) return false;
  return answer.mechanism == auth::kScramPlus;
}

}  // namespace pgmoat::session
