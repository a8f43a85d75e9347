// What a scene does for its phases: the last word to a client, and what a login needs and then does
// not.
#include "session/scene.h"

#include "auth/digest.h"
#include "wire/backend.h"

namespace pgmoat::session {

void Scene::say_fatal(std::string_view sqlstate, std::string_view message, std::string_view hint,
                      std::string_view detail) {
  if (fatal_said || client_in_frame || setup.mode == Mode::observe) return;
  fatal_said = true;
  out->to_client.say([&](std::string& to) {
    wire::encode_error({"FATAL", sqlstate, message, detail, hint}, to);
  });
}

void Scene::forget_login() {
  origin.seed = {};
  origin.plan = nullptr;
  server_tls = nullptr;
  client_binding = {};
  server_binding = {};
}

std::string Scene::octets(std::string_view name, std::size_t size) const {
  const auth::Key made = auth::hmac(as_bytes(origin.seed), name);
  return std::string(as_text(made.bytes().first(size)));
}

}  // namespace pgmoat::session
