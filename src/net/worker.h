// A worker: one thread with a large explicit stack, one io_context, acceptors of its own
// (SO_REUSEPORT), a buffer pool, sessions. Nothing in it is shared with another worker, so nothing
// is locked; other threads talk to it by post().
#pragma once

#include <pthread.h>

#include <asio.hpp>
#include <atomic>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "net/cancel.h"
#include "net/cancel_keys.h"
#include "net/mailbox.h"
#include "net/proxy_reception.h"
#include "net/server.h"
#include "net/session_driver.h"
#include "net/source_guard.h"

namespace pgmoat::net {

// What all workers see and none changes, but for the counters.
struct Shared {
  ServerSetup setup;
  std::vector<asio::ip::tcp::endpoint> backend;
  std::vector<std::unique_ptr<class Worker>> workers;
  std::atomic<std::uint64_t> next_id{1};
  std::atomic<std::size_t> sessions{0};
  SourceGuard guard;         // of wrong passwords
  SourceGuard cancel_guard;  // of wrong cancel keys
  CancelKeys cancel_keys;
};

class Worker {
 public:
  explicit Worker(Shared& shared);

  asio::error_code listen(const asio::ip::tcp::endpoint& at, std::uint16_t& port);
  bool start_thread();
  void join();
  void post_stop(Server::Stop how);
  void post_tls(TlsContexts contexts);
  void post_plan(std::shared_ptr<const auth::Plan> plan);
  void post(std::function<void()> task) { mailbox_.post(std::move(task)); }
  void post_to_judge(std::function<void(policy::Judge&)> task);

  // For drivers, on this worker's thread.
  Shared& shared() { return shared_; }
  asio::io_context& io() { return io_; }
  session::Outbox& outbox() { return outbox_; }
  wire::BufferPool& pool() { return pool_; }
  policy::Judge& judge() { return *judge_; }
  void emit(std::uint64_t id, session::Event&& event);
  // Of new handshakes; null where the leg has no TLS.
  const std::shared_ptr<const TlsContext>& client_tls() const { return tls_.client; }
  const std::shared_ptr<const TlsContext>& server_tls() const { return tls_.server; }
  void cancel(Socket client, std::unique_ptr<TlsStream> tls, const asio::ip::address& source,
              const session::ForwardCancel& request);

 private:
  void run();
  void accept(std::size_t index);
  void welcome(Socket client);
  void admit(Socket client, const asio::ip::tcp::endpoint& source, bool surplus);
  void reject(Socket& client);
  void tick();
  void stop(Server::Stop how);

  Shared& shared_;
  asio::io_context io_{
      ASIO_CONCURRENCY_HINT_UNSAFE};  // this thread's alone; others use the mailbox
  Mailbox mailbox_{io_};
  std::unique_ptr<policy::Judge> judge_;
  TlsContexts tls_;
  std::shared_ptr<const auth::Plan> plan_;
  wire::BufferPool pool_;
  session::Outbox outbox_;
  std::vector<Acceptor> acceptors_;
  std::list<std::unique_ptr<SessionDriver>> sessions_;
  std::list<std::unique_ptr<ProxyReception>> receptions_;
  std::list<std::unique_ptr<CancelDriver>> cancels_;
  asio::steady_timer timer_{io_};
  Instant drain_at_ = kNever;
  bool stopping_ = false;
  Instant retry_accept_ = kNever;
  std::vector<std::size_t> paused_;  // acceptors that wait for it
  pthread_t thread_{};
};

Instant coarse_now();

}  // namespace pgmoat::net
