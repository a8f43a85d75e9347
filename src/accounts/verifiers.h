// Verifiers that the server is asked for (PgBouncer's auth_query): a thread with one session, a bounded
// queue before it, and what it was told kept for a short time. The query itself has to say who may log
// in: the default looks at the login right and at VALID UNTIL (CVE-2025-2291).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "accounts/server_session.h"
#include "auth/verifier.h"

namespace pgmoat::accounts {

inline constexpr const char* kDefaultQuery =
    "SELECT rolpassword FROM pg_catalog.pg_authid WHERE rolname = $1 AND rolcanlogin AND "
    "(rolvaliduntil IS NULL OR rolvaliduntil > pg_catalog.now())";

class Verifiers {
 public:
  static constexpr std::size_t kQueue = 1000;  // asked and not answered; more are told to come back
  static constexpr std::size_t kKept = 10'000;  // users, found or not

  struct Source {
    ServerAddress server;
    std::string user;
    // In turn, until one is accepted.
    std::function<std::vector<auth::Secret>()> passwords;
    std::string sql = kDefaultQuery;
    Duration keep = std::chrono::seconds(10);
  };
  // `complain`: any thread; what went wrong with the server, at most once a second.
  Verifiers(Source source, std::function<void(std::string)> complain);
  ~Verifiers();  // who still waits is told that there is no answer

  struct Found {
    bool asked = false;                              // the server has answered
    std::shared_ptr<const auth::Verifier> verifier;  // null: no such user
  };
  using Then = std::function<void(Found)>;
  // Any thread; `then` runs on this one's, or at once where the answer is at hand or the queue full.
  void find(const std::string& user, Then then);
  void forget();  // what is kept, since the server may say otherwise now

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pgmoat::accounts
