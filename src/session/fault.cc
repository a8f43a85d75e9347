// What happens when bytes are not what they must be: the failure matrix carried out. Enforcing ends
// the session; monitoring reports, and relays what it can no longer follow.
#include <string>
#include <utility>

#include "session/judging.h"
#include "session/phase.h"
#include "wire/backend.h"

namespace pgmoat::session {

namespace {

std::string sentence(wire::Side side, const wire::Fault& fault) {
  std::string text = side == wire::Side::client ? "client" : "server";
  if (fault.tag != 0) {
    text += " message ";
    text += wire::message_name(side, fault.tag);
  } else {
    text += " startup packet";
  }
  text += ": ";
  text += fault.what;
  if (fault.length != 0) text += " (length word " + std::to_string(fault.length) + ")";
  return text;
}

OnFault choice(const Scene& scene, const wire::Fault& fault) {
  return fault.kind == wire::Fault::Kind::oversize ? scene.setup.on_fault.oversize
                                                   : scene.setup.on_fault.bad_frame;
}

void report(Scene& scene, wire::Side side, const wire::Fault& fault, bool passed) {
  const std::string name =
      fault.tag != 0 ? std::string(wire::message_name(side, fault.tag)) : std::string();
  scene.report(ProtocolFault{side, name, fault.what, fault.length, passed});
}

}  // namespace

bool tolerates(Scene& scene, wire::Side side, const wire::Fault& fault) {
  const bool pass = choice(scene, fault) == OnFault::pass;
  report(scene, side, fault, pass);
  return pass;
}

Step end(Scene& scene, std::string_view sqlstate, std::string_view message, std::string_view hint,
         std::string_view detail) {
  scene.say_fatal(sqlstate, message, hint, detail);
  scene.out->commands.push_back(CloseAfterFlush{});
  report_end(scene, std::string(message));
  return become(Closed{});
}

void report_end(Scene& scene, std::string why) {
  if (scene.opened && scene.judge.wants(policy::Subject::Kind::disconnect)) {
    ask(scene, subject_of(scene, policy::Subject::Kind::disconnect), "disconnect");
  }
  scene.opened = false;
  scene.report(
      SessionClosed{std::move(why), scene.statements, scene.client_bytes, scene.server_bytes});
}

Step on_fault(Scene& scene, wire::Side side, const wire::Fault& fault) {
  if (tolerates(scene, side, fault)) {
    scene.report(TurnedOpaque{sentence(side, fault)});
    return become(Opaque{});
  }
  return end(scene, "08P01", "pgmoat: " + sentence(side, fault),
             side == wire::Side::client ? "The session ends: what follows cannot be trusted." : "");
}

}  // namespace pgmoat::session
