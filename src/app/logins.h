// The plan that is in force, and what keeps it up to date: SIGHUP makes it anew, and a thread looks at
// the sources of credentials. A new password is tried at the server before it takes the first place;
// the one before it stays behind it, so that a login during the change finds the one that is right.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "accounts/verifiers.h"
#include "app/config.h"
#include "net/server.h"
#include "observe/event_log.h"

namespace pgmoat::app {

class Logins {
 public:
  explicit Logins(observe::EventLog& log) : log_(log) {}
  ~Logins() { unwatch(); }
  Logins(const Logins&) = delete;
  Logins& operator=(const Logins&) = delete;

  // The first plan; `config` is settled.
  ConfigErrors load(const Config& config);
  // Fills what the server asks of it: the plan, and where verifiers come from.
  void equip(net::ServerSetup& setup);
  // From here on plans go to the server, and its credentials are looked at.
  void watch(net::Server& server);
  void unwatch();  // before the server goes
  // All or nothing, in two steps: what is made is not in force before commit().
  ConfigErrors prepare(const Config& config);
  void commit();

 private:
  struct Watched {
    CredentialConfig config;
    std::shared_ptr<const auth::Credential> used;  // in the plan
    std::optional<auth::Secret> pending;           // read, and not accepted by the server yet
    Instant due{};
    bool complained = false;
  };
  using Plan = std::shared_ptr<const auth::Plan>;

  void run();
  bool look_at(Watched& watched, std::unique_lock<std::mutex>& lock);
  bool try_pending(Watched& watched, std::unique_lock<std::mutex>& lock);
  void publish();
  std::vector<auth::Secret> passwords_of(const std::string& name);

  observe::EventLog& log_;
  std::mutex mutex_;
  std::condition_variable wake_;
  Config config_, next_config_;
  Plan plan_, next_plan_;
  std::map<std::string, Watched> watched_;
  std::uint64_t revision_ = 0;  // of the plan, by SIGHUP
  net::Server* server_ = nullptr;
  bool ending_ = false;
  std::unique_ptr<accounts::Verifiers> verifiers_;
  std::thread thread_;
};

}  // namespace pgmoat::app
