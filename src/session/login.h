// Logins that pgmoat ends: the client proves itself to us, by a row of the auth plan, and then we log in
// at the server, with what the client's login has shown of its password or with a credential of
// our own. The arithmetic is src/auth's; here is the order of messages. In every mode alike: who may
// come in is configured, not judged. Nothing of it is kept once the session is ready, or logged.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auth/plan.h"
#include "auth/scram.h"
#include "base/instant.h"
#include "session/negotiation.h"
#include "session/step.h"

namespace pgmoat::session {

// What goes on to the server once the client has proved itself.
struct Onward {
  std::string packet;                      // the startup packet
  std::string user;                        // that it names
  std::vector<auth::Knowledge> knowledge;  // tried in turn, a connection each
  std::size_t attempt = 0;
  std::uint32_t version = 0;  // of the protocol, as the client was told
};

// The client is asked. It says 'p' and nothing else, and only when asked.
struct ClientLogin {
  enum class Asked : std::uint8_t { nothing, password, md5, scram_first, scram_final };
  Asked asked = Asked::nothing;              // nothing: the server is asked for the verifier first
  const auth::Rule* rule = nullptr;          // of scene.origin.plan
  const auth::Verifier* verifier = nullptr;  // null: no such user, which the client does not learn
  std::shared_ptr<const auth::Verifier> found;  // where the server had it
  std::optional<auth::ScramServer> scram;
  std::string salt;  // of MD5
  std::unique_ptr<Onward> onward;
};

// The client has not proved itself, and is told so when it has waited for it. It is not read until then.
struct Refused {
  Instant until{};
  std::string sqlstate, message;
};

// The server is answered. The client waits, and its bytes with it.
struct ServerLogin {
  std::unique_ptr<Onward> onward;
  std::optional<auth::ScramClient> scram;
  bool answered = false;  // it has our proof
  bool proved = false;    // by SCRAM, the server has shown that it knows the password, too
};

// Asks the client as the rule says, or goes on at once where nothing is to be asked.
Step begin_login(Scene& scene, const auth::Rule& rule, std::unique_ptr<Onward> next,
                 const Negotiation& negotiation);

}  // namespace pgmoat::session
