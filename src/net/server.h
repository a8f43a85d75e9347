// The network floor, as the app sees it: start workers, drain them, stop. One worker per core,
// each with its own thread (large explicit stack), io_context, acceptors (SO_REUSEPORT), buffer
// pool and sessions; nothing in a worker is shared, so nothing is locked on the data path.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/instant.h"
#include "base/network.h"
#include "base/result.h"
#include "net/tls.h"
#include "policy/judge.h"
#include "session/engine.h"

namespace pgmoat::net {

struct Address {
  std::string host;  // a name or a literal address, without brackets
  std::uint16_t port = 0;
};
std::string to_string(const Address& address);  // "127.0.0.1:6432", "[::1]:6432"

struct ServerSetup {
  std::vector<Address> listen;
  Address backend;
  Networks proxies;                 // connections from there begin with a PROXY header
  unsigned workers = 0;             // 0: one per core
  std::uint32_t sessions = 10000;   // per process, over all workers; one past it is told 53300
  std::uint32_t failed_logins = 5;  // of an address, whose answer is not kept back
  Duration penalty = std::chrono::seconds(5);  // the longest that one is; zero: none
  std::uint32_t unknown_cancels = 5;  // of an address, after which short keys are not looked at
  std::uint32_t node = 0;             // which of several pgmoats: part of the long cancel keys
  Duration drain = std::chrono::seconds(30);
  Duration unacknowledged{};  // TCP_USER_TIMEOUT of both legs; zero: the system's
  TlsContexts tls;
  std::shared_ptr<const auth::Plan> plan;  // null: every login is passed through
  session::Setup session;                  // prepared
  std::function<std::unique_ptr<policy::Judge>()> make_judge;  // one per worker
  // Asks for a user's verifier; `then` may run on any thread, now or later, but runs. Not set: nobody is
  // asked, and the plan must not want it.
  std::function<void(const std::string& user, std::function<void(session::VerifierFound)> then)>
      find_verifier;
  // Called on worker threads with each session's events; must not block.
  std::function<void(std::uint64_t session_id, session::Event&&)> on_event;
};

class Server {
 public:
  // Resolves the backend, binds every listener, starts the workers. The error is one sentence with
  // the remedy ("cannot listen on 127.0.0.1:6432: Address already in use; is another pgmoat ...").
  static Result<std::unique_ptr<Server>, std::string> start(ServerSetup setup);
  ~Server();

  enum class Stop : std::uint8_t {
    when_clients_leave,  // SIGTERM: stop accepting; at the drain deadline 57P01 to who is left
    when_idle,           // SIGINT: 57P01 to each session as it becomes idle; deadline as above
    now,                 // SIGQUIT: 57P01 to everyone, close
  };
  void stop(Stop how);                     // any thread; a stricter one may follow
  void wait();                             // until every session has ended
  std::vector<Address> listening() const;  // with the ports the system chose, where 0 was asked
  std::size_t sessions() const;
  // New sessions use these; those that are open keep what they began with.
  void post_tls(const TlsContexts& contexts);
  void post_plan(const std::shared_ptr<const auth::Plan>& plan);
  // Any thread: each worker runs its task on its own judge, between two engine calls. What is handed
  // in is one task for each worker; a worker that has ended runs none.
  std::size_t workers() const;
  void post_to_judges(std::vector<std::function<void(policy::Judge&)>> tasks);

 private:
  Server();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pgmoat::net
