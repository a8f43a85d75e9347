// Who may log in, how they prove who they are, and as whom pgmoat goes on to the server: an ordered
// table, read as pg_hba.conf is, the first row that fits decides. An immutable value; the
// configuration's files make a new one when they change.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "auth/scram.h"
#include "auth/verifier.h"
#include "base/network.h"

namespace pgmoat::auth {

enum class Method : std::uint8_t {
  pass_through,  // the server asks, and pgmoat relays
  scram,
  md5,          // where the user's verifier is a SCRAM one, SCRAM
  password,     // in the clear, over TLS
  certificate,  // the name in the client's certificate is the user's
  trust,
  reject,
};
std::string_view name_of(Method method);

// What pgmoat proves itself to a server with: a password, what a client's SCRAM login has shown of it,
// its MD5 digest; nothing: the server must not ask (trust, certificates).
struct Md5Digest {
  Secret hex;
};
using Knowledge = std::variant<std::monostate, Secret, ScramKeys, Md5Digest>;

// pgmoat's own login at a server.
struct Credential {
  std::string name;               // in the configuration
  std::string user;               // the server's role; "": the client's user
  std::vector<Secret> passwords;  // the one to try first in front; none: it needs none
  // Rises with each password that takes the place of another.
  std::uint64_t generation = 1;
  bool drains = false;  // sessions that logged in with an earlier one end as they become idle
  // Logins with it, for the log; shared by the generations' copies of one credential.
  struct Counters {
    std::atomic<std::uint64_t> accepted = 0, refused = 0;
  };
  std::shared_ptr<Counters> counters = std::make_shared<Counters>();
};

struct Rule {
  std::vector<std::string> users, databases;  // none: all
  Networks addresses;                         // none: all
  enum class Tls : std::uint8_t { any, required, absent };
  Tls tls = Tls::any;
  Method method = Method::reject;
  // Whose login pgmoat uses at the server; null: the client's own, with what its login has shown.
  std::shared_ptr<const Credential> credential;
  // certificate: which name may be which user besides the user of that name; "*": every user.
  std::multimap<std::string, std::string, std::less<>> names;
};

// A client, as far as the table looks at it.
struct Applicant {
  std::string_view user, database, address;
  bool tls = false;
};

struct Plan {
  std::vector<Rule> rules;  // none: every login is passed through
  std::map<std::string, Verifier, std::less<>> users;
  std::map<std::string, std::shared_ptr<const Credential>> credentials;  // by name
  Key mock_seed;
  bool asks_server = false;  // for the verifiers of users that are not here

  // Null: no row fits.
  const Rule* rule_for(const Applicant& applicant) const;
  // Null: nobody of that name.
  const Verifier* verifier_of(std::string_view user) const;
  // Whether a session that logged in with this is to end.
  bool retires(const Credential& used) const;
  // What of its users the plan has, so that one who does not exist can look and cost the same.
  // The verifier of one who does not exist.
  ScramVerifier nobody(std::string_view user) const;
  bool keeps_passwords() const;
  bool keeps_md5() const;
  // Whether each login is the server's alone to judge.
  bool passes_through() const;
};

// Whether a certificate may log in as `user` under this row: one whose common name is the user's, as
// PostgreSQL has it, or one of whose names the row's map gives to that user.
bool certificate_fits(const Rule& rule, std::string_view common_name,
                      const std::vector<std::string>& others, std::string_view user);

}  // namespace pgmoat::auth
