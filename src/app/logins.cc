#include "app/logins.h"

#include <algorithm>
#include <utility>

#include "app/auth_keys.h"
#include "app/server_address.h"

namespace pgmoat::app {

namespace {

constexpr Duration kTick = std::chrono::milliseconds(100);

Instant next_look(const CredentialConfig& config, Instant now) {
  return config.refresh == Duration::zero() ? kNever : now + config.refresh;
}

std::string passed_over(const auth::Credential& credential) {
  const auto& counters = *credential.counters;
  return std::to_string(counters.accepted) + " logins, " + std::to_string(counters.refused) +
         " refused";
}

}  // namespace

void Logins::unwatch() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

ConfigErrors Logins::load(const Config& config) {
  if (ConfigErrors errors = prepare(config); !errors.empty()) return errors;
  commit();
  const auto& query = config.auth.query;
  if (!query.login.empty()) {
    accounts::Verifiers::Source source;
    source.server = server_address(config, query.database);
    source.user = config.auth.credentials.at(query.login).user;
    source.passwords = [this, name = query.login] { return passwords_of(name); };
    if (!query.sql.empty()) source.sql = query.sql;
    source.keep = query.keep;
    verifiers_ = std::make_unique<accounts::Verifiers>(
        std::move(source), [this](const std::string& why) { log_.say("error", why); });
  }
  return {};
}

void Logins::equip(net::ServerSetup& setup) {
  setup.plan = plan_;
  if (!verifiers_) return;
  setup.find_verifier = [this](const std::string& user,
                               std::function<void(session::VerifierFound)> then) {
    verifiers_->find(user, [then = std::move(then)](const accounts::Verifiers::Found& found) {
      then({found.asked, found.verifier});
    });
  };
}

ConfigErrors Logins::prepare(const Config& config) {
  Plan before;
  {
    const std::lock_guard lock(mutex_);
    before = plan_;
  }
  auto made = make_plan(config, before.get());  // may run programs: not under the lock
  if (!made) return made.error();
  const std::lock_guard lock(mutex_);
  next_plan_ = std::move(*made);
  next_config_ = config;
  return {};
}

void Logins::commit() {
  const std::lock_guard lock(mutex_);
  plan_ = std::move(next_plan_);
  config_ = std::move(next_config_);
  ++revision_;
  watched_.clear();
  const Instant now = Instant::clock::now();
  for (const auto& [name, credential] : plan_->credentials) {
    const CredentialConfig& config = config_.auth.credentials.at(name);
    // At once where there are two: which of them the server takes is to be seen.
    const Instant due = credential->passwords.size() > 1 ? now : next_look(config, now);
    watched_[name] = {config, credential, std::nullopt, due, false};
  }
  if (verifiers_) verifiers_->forget();
  if (server_ != nullptr) server_->post_plan(plan_);
}

void Logins::watch(net::Server& server) {
  {
    const std::lock_guard lock(mutex_);
    server_ = &server;
  }
  thread_ = std::thread([this] { run(); });
}

void Logins::run() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kTick, [this] { return ending_; })) {
    const std::uint64_t revision = revision_;
    bool changed = false;
    for (auto& [name, watched] : watched_) {
      const Instant now = Instant::clock::now();
      if (now < watched.due) continue;
      watched.due = next_look(watched.config, now);
      changed = look_at(watched, lock) || changed;
      if (ending_) return;
      // A reload has made everything anew meanwhile.
      if (revision != revision_) break;
    }
    if (changed && revision == revision_) publish();
  }
}

// Reads the source, with the lock let go: a program may take its time. Whether the plan is another now.
bool Logins::look_at(Watched& watched, std::unique_lock<std::mutex>& lock) {
  const std::uint64_t revision = revision_;
  const CredentialConfig config = watched.config;
  lock.unlock();
  auto read = fetch(config.password);
  lock.lock();
  if (revision != revision_ || ending_) return false;
  const std::string name = "credential '" + watched.used->name + "'";
  if (!read) {
    if (!std::exchange(watched.complained, true)) {
      log_.say("error", name + " cannot be read again, and stays as it is: " + read.error());
    }
    return false;
  }
  watched.complained = false;
  const auto& passwords = watched.used->passwords;
  if (!passwords.empty() && passwords.front().text() == read->text()) {
    watched.pending.reset();
    return false;
  }
  const bool known = watched.pending && watched.pending->text() == read->text();
  watched.pending = std::move(*read);
  const bool second = passwords.size() > 1 && passwords[1].text() == watched.pending->text();
  if (try_pending(watched, lock)) return true;
  if (revision != revision_ || ending_) return false;
  if (!known) {
    log_.say("warning",
             name + ": the server does not accept its new password yet; the one before it stays");
  }
  if (second) return false;
  // A login tries it where the one before it fails.
  auto next = std::make_shared<auth::Credential>(*watched.used);
  next->passwords.resize(std::min<std::size_t>(1, next->passwords.size()));
  next->passwords.push_back(*watched.pending);
  watched.used = std::move(next);
  return true;
}

// The trial is the server's to answer: until it does accept, nothing is replaced.
bool Logins::try_pending(Watched& watched, std::unique_lock<std::mutex>& lock) {
  const std::uint64_t revision = revision_;
  const auth::Secret password = *watched.pending;
  const auth::Credential& used = *watched.used;
  const std::string user = used.user;
  if (!user.empty()) {
    const accounts::ServerAddress server = server_address(config_, watched.config.database);
    lock.unlock();
    const auto opened = accounts::ServerSession::open(server, user, password);
    lock.lock();
    if (revision != revision_ || ending_) return false;
    if (!opened && opened.error().refused) return false;
    if (!opened) {
      log_.say("warning", "credential '" + used.name +
                              "': its new password cannot be tried, and is taken as it is: " +
                              opened.error().why);
    }
  }
  auto next = std::make_shared<auth::Credential>(used);
  next->passwords.clear();
  next->passwords.push_back(password);
  if (!used.passwords.empty()) next->passwords.push_back(used.passwords.front());
  ++next->generation;
  next->counters = std::make_shared<auth::Credential::Counters>();
  log_.say("info", "credential '" + used.name + "': generation " +
                       std::to_string(next->generation) + " takes over; the one before it had " +
                       passed_over(used));
  watched.used = std::move(next);
  watched.pending.reset();
  return true;
}

// With the lock held.
void Logins::publish() {
  auto plan = std::make_shared<auth::Plan>(*plan_);
  for (auto& [name, credential] : plan->credentials) credential = watched_.at(name).used;
  for (auth::Rule& rule : plan->rules) {
    if (rule.credential != nullptr) rule.credential = watched_.at(rule.credential->name).used;
  }
  plan_ = std::move(plan);
  server_->post_plan(plan_);
}

std::vector<auth::Secret> Logins::passwords_of(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = plan_->credentials.find(name);
  return found == plan_->credentials.end() ? std::vector<auth::Secret>() : found->second->passwords;
}

}  // namespace pgmoat::app
