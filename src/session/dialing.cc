// The server has been reached: TLS first, where it is configured, then the startup packet that has
// been waiting. PostgreSQL answers an SSLRequest with one byte; more than one, or another, was
// not said by a server that waits for our handshake (CVE-2021-23222). Whatever it is, the client
// does not see it (CVE-2024-10977), and TLS that failed is never followed by a plain attempt.
#include <string>
#include <utility>

#include "session/phase.h"
#include "wire/startup.h"

namespace pgmoat::session {

namespace {

using Tls = Dialing::Tls;

Step open_login(Dialing& dialing, Scene& scene) {
  if (dialing.opaque) return become(Opaque{});
  if (dialing.onward) {
    ServerLogin next;
    next.onward = std::move(dialing.onward);
    scene.out->to_server.say([&](std::string& to) { to += next.onward->packet; });
    return become(std::move(next));
  }
  if (dialing.rewritten.empty()) {
    scene.out->to_server.release(scene.client_in.pending().first(dialing.packet_size));
  } else {
    scene.out->to_server.say([&](std::string& to) { to += dialing.rewritten; });
  }
  scene.client_in.take(dialing.packet_size);
  Authenticating next;
  next.negotiation = std::move(dialing.negotiation);
  return become(std::move(next));
}

Step shake_hands(Dialing& dialing, Scene& scene) {
  dialing.tls = Tls::shaking_hands;
  scene.out->commands.push_back(StartTls{wire::Side::server, {}});
  return stay();
}

}  // namespace

Step no_server(const Dialing& dialing, Scene& scene, std::string why) {
  if (!dialing.opaque) return end(scene, "08006", "pgmoat: " + why);
  scene.out->commands.push_back(CloseAfterFlush{});
  report_end(scene, std::move(why));
  return become(Closed{});
}

Step on_connected(Dialing& dialing, Scene& scene) {
  if (scene.setup.server_tls == ServerTlsMode::disable) return open_login(dialing, scene);
  dialing.since = scene.now;
  if (scene.setup.direct_server_tls) return shake_hands(dialing, scene);
  dialing.tls = Tls::asked;
  scene.out->to_server.say([](std::string& to) { wire::encode(wire::SslRequest{}, to); });
  return stay();
}

Step on_server(Dialing& dialing, Scene& scene) {
  const Bytes pending = scene.server_in.pending();
  if (dialing.tls != Tls::asked || pending.empty()) return stay();
  const char said = static_cast<char>(pending.front());
  const bool alone = pending.size() == 1;
  scene.server_in.take(pending.size());
  if (said == 'E')
    return no_server(dialing, scene, "the server answered the request for TLS with an error");
  if (!alone || (said != 'S' && said != 'N')) {
    scene.report(ProtocolFault{
        wire::Side::server, "",
        alone ? "no answer to a request for TLS" : "bytes behind the answer to a request for TLS",
        0, false});
    return no_server(dialing, scene, "the server's answer to the request for TLS is malformed");
  }
  if (said == 'S') return shake_hands(dialing, scene);
  if (scene.setup.server_tls == ServerTlsMode::prefer) return open_login(dialing, scene);
  return no_server(dialing, scene, "the server offers no TLS, and the configuration asks for it");
}

Step on_secured(Dialing& dialing, Scene& scene) { return open_login(dialing, scene); }

}  // namespace pgmoat::session
