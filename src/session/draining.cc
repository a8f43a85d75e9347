// The two phases that only carry bytes on: Opaque relays what it can no longer read (monitor only),
// Draining delivers what the server still owes to a client that has said goodbye.
#include "session/phase.h"

namespace pgmoat::session {

namespace {

void relay(wire::FrameBuffer& from, Stream& to) {
  const Bytes pending = from.pending();
  to.release(pending);
  from.take(pending.size());
}

}  // namespace

Step on_client(Opaque&, Scene& scene) {
  relay(scene.client_in, scene.out->to_server);
  return stay();
}

Step on_server(Opaque&, Scene& scene) {
  relay(scene.server_in, scene.out->to_client);
  return stay();
}

// Nobody reads what a client says after Terminate.
Step on_client(Draining&, Scene& scene) {
  if (!scene.enforcing()) {
    relay(scene.client_in, scene.out->to_server);
    return stay();
  }
  scene.client_in.take(scene.client_in.pending().size());
  return stay();
}

Step on_server(Draining& draining, Scene& scene) { return on_server(draining.ready, scene); }

}  // namespace pgmoat::session
