#include "session/encryption.h"

#include <string>
#include <utility>

namespace pgmoat::session {

namespace {

constexpr std::uint8_t kTlsHandshakeRecord = 22;  // ContentType of a ClientHello, RFC 8446 5.1

void answer(Scene& scene, char reply) {
  scene.out->to_client.say([&](std::string& to) { to += reply; });
}

Step refuse(Scene& scene, const char* what, std::string_view sqlstate) {
  scene.report(ProtocolFault{wire::Side::client, "", what, 0, false});
  return end(scene, sqlstate, std::string("pgmoat: ") + what);
}

// What PostgreSQL would refuse, in every mode: to it a second request is a startup packet of a
// version that nobody speaks.
Step refuse_again(Scene& scene) {
  return refuse(scene, "encryption was requested twice", scene.enforcing() ? "08P01" : "0A000");
}

Step refuse_early(Scene& scene) {
  return refuse(scene, "bytes behind an encryption request", "08P01");
}

Step decline(Scene& scene, std::uint32_t size) {
  answer(scene, 'N');
  if (scene.client_in.pending().size() > size) return refuse_early(scene);
  scene.client_in.take(size);
  return stay();
}

}  // namespace

bool begins_tls(const Greeting& greeting, const Scene& scene) {
  const Bytes pending = scene.client_in.pending();
  return scene.setup.client_tls != ClientTlsMode::disable && !greeting.secured &&
         !greeting.ssl_asked && !greeting.gss_asked && !pending.empty() &&
         pending.front() == kTlsHandshakeRecord;
}

Step direct_tls(Scene& scene) {
  const Bytes pending = scene.client_in.pending();
  scene.out->commands.push_back(StartTls{wire::Side::client, std::string(as_text(pending))});
  scene.client_in.take(pending.size());
  return become(TlsHandshake{});
}

Step ssl_request(Greeting& greeting, Scene& scene, std::uint32_t size) {
  if (greeting.ssl_asked || greeting.secured) return refuse_again(scene);
  greeting.ssl_asked = true;
  if (scene.setup.client_tls == ClientTlsMode::disable) return decline(scene, size);
  if (scene.client_in.pending().size() > size) {
    scene.fatal_said = true;  // it waits for one byte, and would show what it reads instead
    return refuse_early(scene);
  }
  scene.client_in.take(size);
  answer(scene, 'S');
  scene.out->commands.push_back(StartTls{wire::Side::client, {}});
  return become(TlsHandshake{});
}

Step gss_request(Greeting& greeting, Scene& scene, std::uint32_t size) {
  if (greeting.gss_asked || greeting.secured) return refuse_again(scene);
  greeting.gss_asked = true;
  return decline(scene, size);
}

Step on_secured(TlsHandshake&, Scene&) {
  Greeting greeting;
  greeting.secured = true;
  return become(std::move(greeting));
}

}  // namespace pgmoat::session
