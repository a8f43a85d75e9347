// Who comes is asked for its proof. An unknown user is asked as a known one is, and told the same: no
// answer, and no time it takes, says whether there is such a user.
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

using Asked = ClientLogin::Asked;
using Kind = wire::AuthenticationKind;
using auth::Method;

void ask(Scene& scene, Kind kind, std::string_view data = {}) {
  scene.out->to_client.say([&](std::string& to) {
    wire::encode(wire::Authentication{kind, as_bytes(data)}, to);
  });
}

Step refuse(Scene& scene, std::string_view sqlstate, const std::string& message,
            const std::string& why) {
  scene.report(AuthFinished{false, std::string(sqlstate)});
  scene.report(Finding{"login refused: " + clipped(why)});
  return end(scene, sqlstate, message);
}

// In PostgreSQL's words, whichever way it failed; later, where this address has failed often.
Step refuse_password(Scene& scene, const char* why) {
  const std::string message = "password authentication failed for user \"" + scene.who.user + "\"";
  if (scene.origin.penalty == Duration::zero()) return refuse(scene, "28P01", message, why);
  scene.report(AuthFinished{false, "28P01"});
  scene.report(Finding{std::string("login refused, and told later: ") + why});
  return become(Refused{scene.now + scene.origin.penalty, "28P01", message});
}

Step refuse_malformed(Scene& scene, const std::string& what) {
  scene.report(ProtocolFault{wire::Side::client, "Authentication", what, 0, false});
  return refuse(scene, "08P01", "pgmoat: the answer to the authentication request is malformed",
                what);
}

// For the log alone: the client is told the same whatever it was.
const char* why_no_proof_fits(const auth::Verifier* verifier) {
  if (verifier == nullptr) return "no such user";
  if (std::holds_alternative<auth::Md5Verifier>(*verifier)) return "the user has no SCRAM verifier";
  return "the SCRAM proof does not fit";
}

Step refuse_scram(const ClientLogin& login, Scene& scene, const auth::ScramFault& fault) {
  switch (fault.kind) {
    case auth::ScramFault::Kind::malformed: return refuse_malformed(scene, "SCRAM: " + fault.what);
    case auth::ScramFault::Kind::binding:
      return refuse(scene, "28000", "SCRAM channel binding check failed", fault.what);
    case auth::ScramFault::Kind::mismatch: break;
  }
  return refuse_password(scene, why_no_proof_fits(login.verifier));
}

// The verifier that SCRAM is done with: a password is made into one, and who does not exist has
// one, too. Their salts are of one kind: the same each time that the user comes, and telling
// nothing.
auth::ScramVerifier scram_verifier(const Scene& scene, const auth::Verifier* verifier) {
  if (verifier != nullptr) {
    if (const auto* scram = std::get_if<auth::ScramVerifier>(verifier)) return *scram;
  }
  auth::ScramVerifier nobody = scene.origin.plan->nobody(scene.who.user);
  const auth::Secret* password = verifier ? std::get_if<auth::Secret>(verifier) : nullptr;
  // As long as it takes for a user whose password is in the file.
  if (password == nullptr && !scene.origin.plan->keeps_passwords()) return nobody;
  auth::ScramVerifier made = auth::make_verifier(
      password != nullptr ? password->text() : "nobody's", nobody.salt, nobody.iterations);
  return password != nullptr ? made : nobody;  // an MD5 verifier can do no SCRAM
}

void ask_scram(ClientLogin& login, Scene& scene) {
  const std::string& binding = scene.client_binding;
  login.scram.emplace(
      scram_verifier(scene, login.verifier),
      auth::to_base64(as_bytes(scene.octets("nonce for the client", auth::kNonceOctets))), binding);
  login.asked = Asked::scram_first;
  std::string mechanisms;
  if (!binding.empty()) mechanisms.append(auth::kScramPlus).push_back('\0');
  mechanisms.append(auth::kScram).push_back('\0');
  mechanisms.push_back('\0');
  ask(scene, Kind::sasl, mechanisms);
}

void ask_md5(ClientLogin& login, Scene& scene) {
  login.asked = Asked::md5;
  login.salt = scene.octets("md5 salt", 4);
  ask(scene, Kind::md5, login.salt);
}

// PostgreSQL's rule for md5: who has a SCRAM verifier is asked for SCRAM.
bool by_md5(const ClientLogin& login, const Scene& scene) {
  if (login.rule->method != Method::md5) return false;
  if (login.verifier == nullptr) return scene.origin.plan->keeps_md5();
  return !std::holds_alternative<auth::ScramVerifier>(*login.verifier);
}

// The client is who it says. What its login has shown is what the server is answered with, unless the row
// has a credential of ours.
Step onward(ClientLogin& login, Scene& scene, auth::Knowledge shown) {
  Onward& onward = *login.onward;
  if (login.rule->credential == nullptr) {
    onward.knowledge.push_back(std::move(shown));
  } else {
    scene.credential = login.rule->credential;
    for (const auth::Secret& password : scene.credential->passwords) {
      onward.knowledge.emplace_back(password);
    }
    if (onward.knowledge.empty()) onward.knowledge.emplace_back(std::monostate{});
  }
  const std::string method(auth::name_of(login.rule->method));
  scene.view.set(policy::SessionField::method, method);
  scene.report(ClientProved{method});
  Dialing dialing;
  dialing.since = scene.now;
  dialing.onward = std::move(login.onward);
  scene.out->commands.push_back(Dial{});
  return become(std::move(dialing));
}

Step check_certificate(ClientLogin& login, Scene& scene) {
  const bool shown = scene.client_tls && !scene.client_tls->digest.empty();
  if (!shown) {
    return refuse(scene, "28000", "pgmoat: user \"" + scene.who.user + "\" needs a certificate",
                  "no certificate was shown");
  }
  const TlsFacts& facts = *scene.client_tls;
  if (!auth::certificate_fits(*login.rule, facts.common_name, facts.names, scene.who.user)) {
    return refuse(scene, "28000",
                  "certificate authentication failed for user \"" + scene.who.user + "\"",
                  "the certificate is for " + scene.client_tls->common_name);
  }
  return onward(login, scene, std::monostate{});
}

Step check_password(ClientLogin& login, Scene& scene, Bytes body) {
  const auto answer = wire::decode_password(body);
  if (!answer) return refuse_malformed(scene, answer.error().what);
  const std::string_view password = answer->password;
  if (password.empty()) return refuse_password(scene, "the password is empty");
  if (login.asked == Asked::md5) {
    if (login.verifier == nullptr) return refuse_password(scene, "no such user");
    const auto* plain = std::get_if<auth::Secret>(login.verifier);
    const auto* md5 = std::get_if<auth::Md5Verifier>(login.verifier);
    const std::string digest = plain != nullptr ? auth::md5_digest(plain->text(), scene.who.user)
                                                : std::string(md5->digest.text());
    const std::string wanted = auth::md5_answer(digest, as_bytes(login.salt));
    if (wanted.empty()) return refuse_password(scene, "this system has no MD5 (FIPS mode)");
    if (!auth::equal_secrets(wanted, password)) {
      return refuse_password(scene, "the MD5 answer does not fit");
    }
    return onward(login, scene, auth::Md5Digest{auth::Secret(digest)});
  }
  const auth::Verifier nobody = scene.origin.plan->nobody(scene.who.user);
  const bool fits =
      auth::verify_password(login.verifier ? *login.verifier : nobody, scene.who.user, password);
  if (!fits || login.verifier == nullptr) return refuse_password(scene, "the password is wrong");
  return onward(login, scene, auth::Secret(password));
}

Step check_first(ClientLogin& login, Scene& scene, Bytes body) {
  const auto answer = wire::decode_sasl_initial_response(body);
  if (!answer) return refuse_malformed(scene, answer.error().what);
  const auto said = login.scram->first(answer->mechanism, as_text(answer->data));
  if (!said) return refuse_scram(login, scene, said.error());
  login.asked = Asked::scram_final;
  ask(scene, Kind::sasl_continue, *said);
  return stay();
}

Step check_final(ClientLogin& login, Scene& scene, Bytes body) {
  const auto answer = wire::decode_sasl_response(body);
  if (!answer) return refuse_malformed(scene, answer.error().what);
  const auto said = login.scram->final(as_text(answer->data));
  if (!said) return refuse_scram(login, scene, said.error());
  if (login.verifier == nullptr || std::holds_alternative<auth::Md5Verifier>(*login.verifier)) {
    return refuse_password(scene, why_no_proof_fits(login.verifier));
  }
  ask(scene, Kind::sasl_final, *said);
  if (const auto* password = std::get_if<auth::Secret>(login.verifier)) {
    return onward(login, scene, *password);
  }
  return onward(login, scene, login.scram->keys());
}

// The first question, which tells nothing of whether there is such a user.
void ask_for_proof(ClientLogin& login, Scene& scene) {
  if (login.rule->method == Method::password) {
    login.asked = Asked::password;
    ask(scene, Kind::cleartext);
  } else if (by_md5(login, scene)) {
    ask_md5(login, scene);
  } else {
    ask_scram(login, scene);
  }
}

}  // namespace

Step begin_login(Scene& scene, const auth::Rule& rule, std::unique_ptr<Onward> next,
                 const Negotiation& negotiation) {
  ClientLogin login;
  login.rule = &rule;
  login.onward = std::move(next);
  login.verifier = scene.origin.plan->verifier_of(scene.who.user);
  if (negotiation.needed) say_negotiation(scene, negotiation);
  switch (rule.method) {
    case Method::certificate: return check_certificate(login, scene);
    case Method::trust: return onward(login, scene, std::monostate{});
    case Method::password:
    case Method::md5:
    case Method::scram:
      if (login.verifier == nullptr && scene.origin.plan->asks_server) {
        scene.out->commands.push_back(FindVerifier{scene.who.user});
      } else {
        ask_for_proof(login, scene);
      }
      break;
    case Method::pass_through:
    case Method::reject:
      return refuse(scene, "28000", "pgmoat: the auth rules reject user \"" + scene.who.user + "\"",
                    "a rule rejects it");
  }
  return become(std::move(login));
}

Step on_verifier(ClientLogin& login, Scene& scene, const VerifierFound& found) {
  if (login.asked != Asked::nothing) return stay();
  if (!found.asked) {
    scene.report(AuthFinished{false, "08006"});
    return end(scene, "08006", "pgmoat: the server cannot be asked who may log in",
               "pgmoat's log has the reason.");
  }
  login.found = found.verifier;
  login.verifier = found.verifier.get();
  ask_for_proof(login, scene);
  return stay();
}

Step on_timer(const Refused& refused, Scene& scene) {
  if (scene.now < refused.until) return stay();
  return end(scene, refused.sqlstate, refused.message);
}

Step on_client(ClientLogin& login, Scene& scene) {
  while (login.asked != Asked::nothing) {
    const wire::Piece piece = scene.client_in.next(scene.setup.client_authenticating);
    if (piece.kind == wire::Piece::Kind::starved) return stay();
    if (piece.kind != wire::Piece::Kind::whole) {
      const auto fault = scene.client_in.fault();
      return refuse_malformed(scene, fault ? fault->what : "it is too long");
    }
    Step step;
    switch (login.asked) {
      case Asked::password:
      case Asked::md5: step = check_password(login, scene, piece.body()); break;
      case Asked::scram_first: step = check_first(login, scene, piece.body()); break;
      case Asked::scram_final: step = check_final(login, scene, piece.body()); break;
      case Asked::nothing: break;
    }
    if (step) return step;
  }
  return stay();
}

}  // namespace pgmoat::session
