// What a client may ask for in its StartupMessage: PostgreSQL's own rules, an allow-list of
// parameters, `options` read as PostgreSQL reads it and each item checked, no duplicate names, and
// settings under which SQL would be read differently pinned. Pure: packet in, verdict out.
#pragma once

#include <string>
#include <vector>

#include "session/scene.h"
#include "wire/startup.h"

namespace pgmoat::session {

struct StartupVerdict {
  Identity who;
  std::string sqlstate;  // not empty: refused; 08P01: a fault of the packet
  std::string reason;
  std::vector<std::string> protocol_options;  // the `_pq_.` names it carries
};

StartupVerdict examine(const wire::StartupMessage& startup, const Setup& setup);

}  // namespace pgmoat::session
