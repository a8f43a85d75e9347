// Setup::prepare(): the header rules of each side and stage, computed once for the process.
#include "session/engine.h"

namespace pgmoat::session {

void Setup::prepare() {
  using wire::Side;
  using wire::Stage;
  client_authenticating = wire::header_rules(Side::client, Stage::authentication, frame_limits);
  client_ready = wire::header_rules(Side::client, Stage::ready, frame_limits);
  server_authenticating = wire::header_rules(Side::server, Stage::authentication, frame_limits);
  server_ready = wire::header_rules(Side::server, Stage::ready, frame_limits);
}

}  // namespace pgmoat::session
