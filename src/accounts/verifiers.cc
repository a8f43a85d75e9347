#include "accounts/verifiers.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace pgmoat::accounts {

struct Verifiers::Impl {
  struct Kept {
    Found found;
    Instant until;
  };
  struct Request {
    std::string user;
    Then then;
  };

  Source source;
  std::function<void(std::string)> complain;
  std::mutex mutex;
  std::condition_variable work;
  std::deque<Request> queue;
  std::unordered_map<std::string, Kept> kept;
  bool ending = false;
  std::unique_ptr<ServerSession> session;  // of the thread alone, from here on
  Instant complained{};
  std::thread thread;

  std::optional<Found> at_hand(const std::string& user) {
    const auto found = kept.find(user);
    if (found == kept.end() || Instant::clock::now() >= found->second.until) return std::nullopt;
    return found->second.found;
  }

  void keep(const std::string& user, const Found& found) {
    if (!found.asked || source.keep <= Duration::zero()) return;
    if (kept.size() >= kKept) kept.clear();  // names that were made up push the others out, no more
    kept[user] = {found, Instant::clock::now() + source.keep};
  }

  void say(const std::string& why) {
    const Instant now = Instant::clock::now();
    if (now < complained + std::chrono::seconds(1)) return;
    complained = now;
    complain("verifiers cannot be asked for: " + why);
  }

  bool connect() {
    if (session) return true;
    std::string why = "no password";
    for (const auth::Secret& password : source.passwords()) {
      auto opened = ServerSession::open(source.server, source.user, password);
      if (opened) {
        session = std::move(*opened);
        return true;
      }
      why = opened.error().why;
    }
    say(why);
    return false;
  }

  // Once more where the session has ended since it was last used.
  Found ask(const std::string& user) {
    for (int attempt = 0; attempt < 2; ++attempt) {
      if (!connect()) return {};
      const auto answer = session->ask(source.sql, user);
      if (!answer) {
        session.reset();
        if (attempt == 1) say(answer.error().why);
        continue;
      }
      Found found{true, nullptr};
      if (!answer->cell || answer->cell->empty()) return found;
      auto verifier = auth::parse_verifier(*answer->cell);
      // A query of one's own may answer with what is no verifier: not with a password in the clear, which
      // no server keeps.
      if (!verifier || std::holds_alternative<auth::Secret>(*verifier)) {
        say("what came for user \"" + user + "\" is no verifier of PostgreSQL's");
        return found;
      }
      found.verifier = std::make_shared<const auth::Verifier>(std::move(*verifier));
      return found;
    }
    return {};
  }

  void run() {
    std::unique_lock lock(mutex);
    while (true) {
      work.wait(lock, [&] { return ending || !queue.empty(); });
      if (queue.empty()) return;
      const Request request = std::move(queue.front());
      queue.pop_front();
      auto found = ending ? std::optional<Found>(Found{}) : at_hand(request.user);
      if (!found) {
        lock.unlock();
        found = ask(request.user);
        lock.lock();
        keep(request.user, *found);
      }
      lock.unlock();
      request.then(*found);
      lock.lock();
    }
  }
};

Verifiers::Verifiers(Source source, std::function<void(std::string)> complain)
    : impl_(std::make_unique<Impl>()) {
  impl_->source = std::move(source);
  impl_->complain = std::move(complain);
  impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
}

Verifiers::~Verifiers() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->ending = true;
  }
  impl_->work.notify_all();
  impl_->thread.join();
}

void Verifiers::find(const std::string& user, Then then) {
  std::optional<Found> found;
  {
    const std::lock_guard lock(impl_->mutex);
    found = impl_->at_hand(user);
    if (!found && impl_->queue.size() >= kQueue) found.emplace();
    if (!found) impl_->queue.push_back({user, std::move(then)});
  }
  if (found) return then(*found);
  impl_->work.notify_one();
}

void Verifiers::forget() {
  const std::lock_guard lock(impl_->mutex);
  impl_->kept.clear();
}

}  // namespace pgmoat::accounts
