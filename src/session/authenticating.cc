// Login, passed through: the server asks, the client answers with 'p' and nothing else, and only
// when asked. What a client sends before it was asked is held, not read: under `trust` a startup
// packet and a Query may share a segment. Nothing of an answer is kept or logged.
#include <string>

#include "session/channel_binding.h"
#include "session/judging.h"
#include "session/phase.h"
#include "session/rewriting.h"
#include "wire/backend.h"
#include "wire/frontend.h"
#include "wire/startup.h"

namespace pgmoat::session {

namespace {

using Asked = Authenticating::Asked;

std::optional<wire::Fault> fault_of_answer(Asked asked, Bytes body) {
  const auto check = [](const auto& decoded) -> std::optional<wire::Fault> {
    if (decoded) return std::nullopt;
    wire::Fault fault = decoded.error();
    fault.tag = 'p';
    return fault;
  };
  switch (asked) {
    case Asked::password: return check(wire::decode_password(body));
    case Asked::sasl_initial: return check(wire::decode_sasl_initial_response(body));
    case Asked::sasl: return check(wire::decode_sasl_response(body));
    case Asked::gss: return check(wire::decode_gss_response(body));
    case Asked::nothing: break;
  }
  return wire::Fault{wire::Fault::Kind::out_of_place, 'p', 0, 0, "nothing was asked"};
}

Asked asked_by(wire::AuthenticationKind kind) {
  using Kind = wire::AuthenticationKind;
  switch (kind) {
    case Kind::cleartext:
    case Kind::md5: return Asked::password;
    case Kind::gss:
    case Kind::gss_continue:
    case Kind::sspi: return Asked::gss;
    case Kind::sasl: return Asked::sasl_initial;
    case Kind::sasl_continue: return Asked::sasl;
    case Kind::ok:
    case Kind::kerberos_v5:
    case Kind::sasl_final: break;
  }
  return Asked::nothing;
}

// The server gets its key, the client one of ours: only a CancelRequest that we can map ever
// reaches the server. The process id stays the server's, since drivers compare it with
// pg_backend_pid(). Monitoring changes nothing.
void key_data(const Authenticating& phase, Scene& scene, const wire::BackendKeyData& key,
              Bytes frame) {
  OwnCancelKey own{key.pid, std::string(as_text(key.secret)), std::string(as_text(key.secret))};
  if (scene.enforcing()) {
    const bool is_short =
        phase.ended_here ? phase.negotiation.version < wire::kProtocol32 : key.secret.size() == 4;
    own.client_secret = is_short ? scene.origin.short_cancel_secret : scene.origin.cancel_secret;
    scene.out->to_client.say([&](std::string& to) {
      wire::encode(wire::BackendKeyData{key.pid, as_bytes(own.client_secret)}, to);
    });
  } else {
    scene.out->to_client.release(frame);
  }
  scene.out->commands.push_back(std::move(own));
}

std::optional<wire::Fault> with_tag(const wire::Fault& error, char tag) {
  wire::Fault fault = error;
  fault.tag = tag;
  return fault;
}

std::optional<wire::Fault> on_authentication(Authenticating& phase, Scene& scene,
                                             const wire::Piece& piece) {
  const auto message = wire::decode_authentication(piece.body());
  if (!message) return with_tag(message.error(), 'R');
  if (phase.negotiation.needed) say_negotiation(scene, phase.negotiation);
  phase.negotiation.needed = false;
  phase.asked = asked_by(message->kind);
  if (message->kind == wire::AuthenticationKind::ok) {
    phase.finished = true;
    scene.view.set(policy::SessionField::method,
                   std::string(auth::name_of(auth::Method::pass_through)));
    scene.settings.logged_in();
    scene.report(AuthFinished{true, ""});
  }
  if (message->kind == wire::AuthenticationKind::sasl) {
    offer_mechanisms(scene, *message, piece.bytes);
  } else {
    scene.out->to_client.release(piece.bytes);
  }
  return std::nullopt;
}

std::optional<wire::Fault> on_negotiation(Authenticating& phase, Scene& scene,
                                          const wire::Piece& piece) {
  const auto message = wire::decode_negotiate_protocol_version(piece.body());
  if (!message) return with_tag(message.error(), 'v');
  if (!phase.negotiation.needed) {
    scene.out->to_client.release(piece.bytes);
    return std::nullopt;
  }
  phase.negotiation.version = std::min(phase.negotiation.version, message->version);
  return std::nullopt;  // ours is said before the next Authentication message, once
}

std::optional<wire::Fault> on_error(Scene& scene, const wire::Piece& piece) {
  const auto error = wire::decode_report('E', piece.body());
  if (!error) return with_tag(error.error(), 'E');
  scene.fatal_said = true;
  scene.report(AuthFinished{false, std::string(error->sqlstate)});
  scene.out->to_client.release(piece.bytes);
  return std::nullopt;
}

std::optional<wire::Fault> on_message(Authenticating& phase, Scene& scene,
                                      const wire::Piece& piece) {
  // A server that asks again would be asking a client that believes itself logged in.
  if (phase.finished && (piece.tag == 'R' || piece.tag == 'v')) {
    return wire::Fault{wire::Fault::Kind::out_of_place, static_cast<char>(piece.tag), 0, 0,
                       "the login has finished"};
  }
  switch (piece.tag) {
    case 'R': return on_authentication(phase, scene, piece);
    case 'v': return on_negotiation(phase, scene, piece);
    case 'E': return on_error(scene, piece);
    case 'K': {
      const auto key = wire::decode_backend_key_data(piece.body());
      if (!key) return with_tag(key.error(), 'K');
      key_data(phase, scene, *key, piece.bytes);
      return std::nullopt;
    }
    case 'S': {
      const auto status = wire::decode_parameter_status(piece.body());
      if (!status) return with_tag(status.error(), 'S');
      scene.settings.reported(status->name, status->value);
      break;
    }
    case 'N': {
      const auto notice = wire::decode_report('N', piece.body());
      if (!notice) return with_tag(notice.error(), 'N');
      break;
    }
    default: break;
  }
  scene.out->to_client.release(piece.bytes);
  return std::nullopt;
}

// The server would take statements now. The client does not know yet: what the policy sets for its
// session is set before it does.
Step on_ready(Authenticating& phase, Scene& scene, const wire::Piece& piece) {
  if (phase.setting != nullptr) {
    for (const auto& [name, value] : phase.setting->set) scene.settings.started(name, value);
  } else if (scene.judge.wants(policy::Subject::Kind::authenticated)) {
    const Opinion opinion =
        ask(scene, subject_of(scene, policy::Subject::Kind::authenticated), "ReadyForQuery");
    if (opinion.refusal) return end_by_ruling(scene, *opinion.refusal, "28000");
    if (scene.enforcing() && opinion.ruling != nullptr && !opinion.ruling->set.empty()) {
      phase.setting = opinion.ruling;
      const std::string sql = set_config_text(phase.setting->set, false);
      scene.out->to_server.say([&](std::string& to) { wire::encode(wire::Query{sql}, to); });
      return stay();
    }
  }
  scene.out->to_client.release(piece.bytes);
  scene.forget_login();
  return become(Ready{});
}

// The answer to what we set: only what concerns the client is shown.
Step on_setting(Authenticating& phase, Scene& scene, const wire::Piece& piece) {
  if (piece.tag == 'Z') return on_ready(phase, scene, piece);
  if (piece.tag == 'E') {
    const auto error = wire::decode_report('E', piece.body());
    const std::string why(error ? error->message : "");
    scene.report(Finding{"the settings of a rule cannot be set: " + clipped(why)});
    return end(scene, "28000", "pgmoat: the settings of this session cannot be set", {}, why);
  }
  if (piece.tag == 'S') {
    const auto status = wire::decode_parameter_status(piece.body());
    if (status) scene.settings.reported(status->name, status->value);
  }
  if (piece.tag == 'S' || piece.tag == 'N') scene.out->to_client.release(piece.bytes);
  return stay();
}

Step end_unbound(Scene& scene) {
  return end(
      scene, "28000",
      "pgmoat: SCRAM channel binding cannot pass from one TLS connection to another",
      "Have the client set channel_binding=disable, or give pgmoat the server's certificate.");
}

}  // namespace

Step on_client(Authenticating& phase, Scene& scene) {
  while (phase.asked != Asked::nothing) {
    const wire::Piece piece = scene.client_in.next(scene.setup.client_authenticating);
    if (piece.kind == wire::Piece::Kind::starved) return stay();
    if (piece.kind == wire::Piece::Kind::fault) {
      return on_fault(scene, wire::Side::client, *scene.client_in.fault());
    }
    if (piece.kind == wire::Piece::Kind::whole) {
      const auto fault = fault_of_answer(phase.asked, piece.body());
      if (fault && !tolerates(scene, wire::Side::client, *fault)) {
        return end(scene, "08P01", "pgmoat: the answer to the authentication request is malformed");
      }
    }
    if (phase.asked == Asked::sasl_initial && piece.kind == wire::Piece::Kind::whole) {
      const auto answer = wire::decode_sasl_initial_response(piece.body());
      if (answer && binds_in_vain(scene, *answer)) return end_unbound(scene);
    }
    scene.out->to_server.release(piece.bytes);
    phase.asked = Asked::nothing;
  }
  return stay();
}

Step on_server(Authenticating& phase, Scene& scene) {
  while (true) {
    const bool setting = phase.setting != nullptr;
    const wire::Piece piece = scene.server_in.next(setting ? scene.setup.server_ready
                                                           : scene.setup.server_authenticating);
    if (piece.kind == wire::Piece::Kind::starved) return stay();
    if (piece.kind == wire::Piece::Kind::fault) {
      return on_fault(scene, wire::Side::server, *scene.server_in.fault());
    }
    if (setting) {
      if (Step step = on_setting(phase, scene, piece)) return step;
      continue;
    }
    std::optional<wire::Fault> fault;
    if (piece.tag == 'Z') {
      const auto ready = wire::decode_ready_for_query(piece.body());
      if (ready && phase.finished) {
        if (Step step = on_ready(phase, scene, piece)) return step;
        continue;
      }
      fault = wire::Fault{wire::Fault::Kind::out_of_place, 'Z', 0, 0, "login has not finished"};
    } else {
      fault = on_message(phase, scene, piece);
    }
    // A server must not get to ask a client that pgmoat has let in: not when monitoring either.
    const bool asks_anew = phase.ended_here && (piece.tag == 'R' || piece.tag == 'v');
    if (fault && !asks_anew && tolerates(scene, wire::Side::server, *fault)) {
      scene.out->to_client.release(piece.bytes);
      if (piece.tag != 'R' && piece.tag != 'Z') continue;
      // What the client may say next is not known any more.
      scene.report(TurnedOpaque{std::string("server login message: ") + fault->what});
      return become(Opaque{});
    }
    if (fault) {
      return end(scene, "08P01", "pgmoat: the server's login messages are malformed");
    }
  }
}

}  // namespace pgmoat::session
