// We are the server's client: it asks, we answer with what we know, and nothing of it reaches the client but
// the end. The server is hostile input too: it does not get a password in the clear, and where it
// has begun SCRAM it must show that it knows the password before it may say that all is well.
#include <string>
#include <utility>

#include "auth/digest.h"
#include "base/overload.h"
#include "session/login.h"
#include "session/phase.h"
#include "wire/backend.h"
#include "wire/frontend.h"

namespace pgmoat::session {

namespace {

using Kind = wire::AuthenticationKind;

const auth::Knowledge& known(const ServerLogin& login) {
  return login.onward->knowledge[login.onward->attempt];
}

// The client hears that it was not its fault; why, the log tells.
Step give_up(Scene& scene, const std::string& why) {
  scene.report(AuthFinished{false, "08006"});
  scene.report(Finding{"login at the server failed: " + clipped(why)});
  return end(scene, "08006",
             "pgmoat: could not log in at the server for user \"" + scene.who.user + "\"",
             "pgmoat's log has the reason.");
}

Step answer_password(Scene& scene, std::string_view password) {
  scene.out->to_server.say(
      [&](std::string& to) { wire::encode(wire::PasswordMessage{password}, to); });
  return stay();
}

Step answer_cleartext(const ServerLogin& login, Scene& scene) {
  const auto* password = std::get_if<auth::Secret>(&known(login));
  if (password == nullptr) {
    return give_up(scene, "the server asks for the password, which pgmoat does not have");
  }
  if (!scene.server_tls) {
    return give_up(scene, "the server asks for the password in the clear, outside TLS");
  }
  return answer_password(scene, password->text());
}

Step answer_md5(const ServerLogin& login, Scene& scene, Bytes salt) {
  std::string digest;
  if (const auto* password = std::get_if<auth::Secret>(&known(login))) {
    digest = auth::md5_digest(password->text(), login.onward->user);
  } else if (const auto* md5 = std::get_if<auth::Md5Digest>(&known(login))) {
    digest = md5->hex.text();
  } else {
    return give_up(scene, "the server asks for MD5, and the client's login has shown no digest");
  }
  return answer_password(scene, auth::md5_answer(digest, salt));
}

Step begin_scram(ServerLogin& login, Scene& scene, Bytes mechanisms) {
  if (login.scram) return give_up(scene, "the server begins SCRAM twice");
  std::optional<auth::ScramClient::Knowledge> knowledge;
  if (const auto* password = std::get_if<auth::Secret>(&known(login))) knowledge = *password;
  if (const auto* keys = std::get_if<auth::ScramKeys>(&known(login))) knowledge = *keys;
  if (!knowledge) {
    return give_up(scene, "the server asks for SCRAM, and the client's login has shown no key");
  }
  const std::string label = "nonce for the server " + std::to_string(login.onward->attempt);
  const std::string octets = scene.octets(label, auth::kNonceOctets);
  login.scram.emplace(std::move(*knowledge), auth::to_base64(as_bytes(octets)),
                      scene.server_binding);
  const auto mechanism = login.scram->choose(as_text(mechanisms));
  if (!mechanism) return give_up(scene, mechanism.error());
  const std::string first = login.scram->first();
  scene.out->to_server.say([&](std::string& to) {
    wire::encode(wire::SaslInitialResponse{*mechanism, true, as_bytes(first)}, to);
  });
  return stay();
}

Step go_on_with_scram(ServerLogin& login, Scene& scene, Bytes data) {
  if (!login.scram || login.answered) return give_up(scene, "SCRAM out of its order");
  const auto answer = login.scram->answer(as_text(data));
  if (!answer) return give_up(scene, answer.error().what);
  login.answered = true;
  scene.out->to_server.say(
      [&](std::string& to) { wire::encode(wire::SaslResponse{as_bytes(*answer)}, to); });
  return stay();
}

Step finish_scram(ServerLogin& login, Scene& scene, Bytes data) {
  if (!login.answered || login.proved) return give_up(scene, "SCRAM out of its order");
  if (const std::string wrong = login.scram->check(as_text(data)); !wrong.empty()) {
    return give_up(scene, wrong);
  }
  login.proved = true;
  return stay();
}

Step logged_in(ServerLogin& login, Scene& scene) {
  if (login.scram && !login.proved) {
    return give_up(scene, "the server ended SCRAM without showing that it knows the password");
  }
  if (scene.credential) ++scene.credential->counters->accepted;
  scene.settings.logged_in();
  scene.report(AuthFinished{true, ""});
  scene.out->to_client.say([](std::string& to) {
    wire::encode(wire::Authentication{Kind::ok, {}}, to);
  });
  Authenticating next;
  next.finished = true;
  next.ended_here = true;
  next.negotiation.version = login.onward->version;
  return become(std::move(next));
}

Step on_authentication(ServerLogin& login, Scene& scene, const wire::Piece& piece) {
  const auto message = wire::decode_authentication(piece.body());
  if (!message) return give_up(scene, message.error().what);
  switch (message->kind) {
    case Kind::ok: return logged_in(login, scene);
    case Kind::cleartext: return answer_cleartext(login, scene);
    case Kind::md5: return answer_md5(login, scene, message->data);
    case Kind::sasl: return begin_scram(login, scene, message->data);
    case Kind::sasl_continue: return go_on_with_scram(login, scene, message->data);
    case Kind::sasl_final: return finish_scram(login, scene, message->data);
    case Kind::kerberos_v5:
    case Kind::gss:
    case Kind::gss_continue:
    case Kind::sspi: break;
  }
  return give_up(scene, "the server asks for a method that pgmoat does not have");
}

// What concerns our own login is told in our words; what concerns the session (no such database, too many
// connections) is the client's to read.
Step on_error(ServerLogin& login, Scene& scene, const wire::Piece& piece) {
  const auto error = wire::decode_report('E', piece.body());
  if (!error) return give_up(scene, error.error().what);
  if (!error->sqlstate.starts_with("28")) {
    scene.report(AuthFinished{false, std::string(error->sqlstate)});
    scene.fatal_said = true;
    scene.out->to_client.release(piece.bytes);
    return stay();
  }
  if (scene.credential) ++scene.credential->counters->refused;
  Onward& onward = *login.onward;
  if (onward.attempt + 1 == onward.knowledge.size()) {
    return give_up(scene, std::string(error->sqlstate) + " " + std::string(error->message));
  }
  ++onward.attempt;
  scene.server_tls = nullptr;
  scene.server_binding = {};
  Dialing dialing;
  dialing.since = scene.now;
  dialing.onward = std::move(login.onward);
  scene.out->commands.push_back(Dial{});
  return become(std::move(dialing));
}

}  // namespace

Step on_server(ServerLogin& login, Scene& scene) {
  while (true) {
    const wire::Piece piece = scene.server_in.next(scene.setup.server_authenticating);
    if (piece.kind == wire::Piece::Kind::starved) return stay();
    if (piece.kind != wire::Piece::Kind::whole) {
      return give_up(scene, "the server's login messages are malformed");
    }
    Step step;
    switch (piece.tag) {
      case 'R': step = on_authentication(login, scene, piece); break;
      case 'E': step = on_error(login, scene, piece); break;
      case 'N':  // a client may not hear it before AuthenticationOk
      case 'v':
        break;  // the version was agreed with the client; what the server has less of is ours
      default: return give_up(scene, "the server went on before the login had ended");
    }
    if (step) return step;
  }
}

}  // namespace pgmoat::session
