// A session of pgmoat's own at the server, over libpq: to try a password before it is used, and to ask for
// verifiers. Blocking, so never on a worker. It takes nothing from its environment (PGOPTIONS,
// .pgpass, services), and names resolve in pg_catalog alone (CVE-2025-12819).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/secret.h"
#include "base/instant.h"
#include "base/result.h"

struct pg_conn;

namespace pgmoat::accounts {

struct ServerAddress {
  std::string host;  // a name or an address
  std::uint16_t port = 0;
  std::string database = "postgres";
  // sslmode, sslrootcert, ... as libpq has them.
  std::vector<std::pair<std::string, std::string>> tls;
  Duration patience = std::chrono::seconds(5);  // to connect, and for each answer
};

struct LoginFailure {
  bool refused = false;  // the server does not accept this user with this password (class 28P01)
  std::string why;       // without the password
};

class ServerSession {
 public:
  static Result<std::unique_ptr<ServerSession>, LoginFailure> open(const ServerAddress& server,
                                                                   std::string_view user,
                                                                   const auth::Secret& password);
  ~ServerSession();
  ServerSession(const ServerSession&) = delete;
  ServerSession& operator=(const ServerSession&) = delete;

  struct Answer {
    bool found = false;               // a row came
    std::optional<std::string> cell;  // its first column; nothing: null
  };
  // One text parameter, $1. The error is the server's message.
  Result<Answer, LoginFailure> ask(const std::string& sql, const std::string& parameter);

 private:
  explicit ServerSession(pg_conn* connection, Duration patience)
      : connection_(connection), patience_(patience) {}
  pg_conn* connection_;
  Duration patience_;
};

}  // namespace pgmoat::accounts
