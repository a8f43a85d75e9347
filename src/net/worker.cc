#include "net/worker.h"

#include <sys/random.h>
#include <time.h>

#include <array>
#include <utility>

#include "base/check.h"
#include "wire/backend.h"

namespace pgmoat::net {

namespace {

constexpr std::size_t kStackBytes = 64u << 20;  // reserved, not touched: parsers will recurse on it
constexpr auto kTick = std::chrono::milliseconds(250);
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
constexpr std::size_t kSurplus = 32;   // sessions over the limit that are told so politely
constexpr std::size_t kGuessable = 4;  // octets of a key of protocol 3.0: there are no more in it
constexpr auto kHardClose = std::chrono::seconds(2);

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

session::Origin origin_of(const asio::ip::tcp::endpoint& client) {
  std::array<unsigned char, 54> random{};
  PGMOAT_CHECK(::getrandom(random.data(), random.size(), 0) == std::ssize(random));
  session::Origin origin;
  origin.client = to_string({client.address().to_string(), client.port()});
  origin.short_cancel_secret.assign(reinterpret_cast<const char*>(random.data()), kGuessable);
  origin.refusal_token = "PGMOAT_DENIED_";
  for (std::size_t i = 4; i < 12; ++i) {
    origin.refusal_token += "0123456789abcdef"[random[i] >> 4];
    origin.refusal_token += "0123456789abcdef"[random[i] & 15];
  }
  for (std::size_t i = 12; i < 22; ++i) {
    origin.session_id += "abcdefghijklmnopqrstuvwxyz234567"[random[i] & 31];
  }
  origin.seed.assign(reinterpret_cast<const char*>(random.data()) + 22, 32);
  origin.accepted = coarse_now();
  return origin;
}

session::CancelRequested::Result result_of(CancelKeys::Whose whose) {
  using Result = session::CancelRequested::Result;
  switch (whose) {
    case CancelKeys::Whose::session: return Result::forwarded;
    case CancelKeys::Whose::ended_session: return Result::session_ended;
    case CancelKeys::Whose::other_node: return Result::other_node;
    case CancelKeys::Whose::nobody: break;
  }
  return Result::unknown_key;
}

}  // namespace

// A few milliseconds coarse: deadlines are seconds, and this costs no system call.
Instant coarse_now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  return Instant(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

Worker::Worker(Shared& shared)
    : shared_(shared),
      judge_(shared.setup.make_judge()),
      tls_(shared.setup.tls),
      plan_(shared.setup.plan) {}

asio::error_code Worker::listen(const asio::ip::tcp::endpoint& at, std::uint16_t& port) {
  asio::error_code error;
  Acceptor acceptor(io_);
  acceptor.open(at.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.set_option(ReusePort(true), error);
  if (!error) acceptor.bind(at, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) acceptor.non_blocking(true, error);
  if (!error) port = acceptor.local_endpoint(error).port();
  if (!error) acceptors_.push_back(std::move(acceptor));
  return error;
}

bool Worker::start_thread() {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  const int failed = pthread_create(
      &thread_, &attributes,
      [](void* self) -> void* {
        static_cast<Worker*>(self)->run();
        return nullptr;
      },
      this);
  pthread_attr_destroy(&attributes);
  return failed == 0;
}

void Worker::join() { pthread_join(thread_, nullptr); }

void Worker::post_stop(Server::Stop how) {
  mailbox_.post([this, how] { stop(how); });
}

void Worker::post_tls(TlsContexts contexts) {
  mailbox_.post([this, contexts = std::move(contexts)] { tls_ = contexts; });
}

void Worker::post_plan(std::shared_ptr<const auth::Plan> plan) {
  mailbox_.post([this, plan = std::move(plan)] {
    plan_ = plan;
    for (const auto& session : sessions_) session->plan_changed(*plan_);
  });
}

void Worker::post_to_judge(std::function<void(policy::Judge&)> task) {
  mailbox_.post([this, task = std::move(task)] { task(*judge_); });
}

void Worker::run() {
  mailbox_.open();
  for (std::size_t i = 0; i < acceptors_.size(); ++i) accept(i);
  tick();
  io_.run();
}

void Worker::accept(std::size_t index) {
  acceptors_[index].async_accept([this, index](const asio::error_code& error, Socket client) {
    if (stopping_) {  // a connection that was made before belongs to who was let in
      if (!error) welcome(std::move(client));
      return;
    }
    if (error == asio::error::no_descriptors || error == asio::error::no_buffer_space ||
        error == asio::error_code(ENFILE, asio::system_category())) {
      emit(0, session::Finding{"cannot accept connections: " + error.message() +
                               "; raise the limit of open files (LimitNOFILE)"});
      retry_accept_ = coarse_now() + kAcceptPause;
      paused_.push_back(index);
      return;  // the sweep accepts again
    }
    if (!error) welcome(std::move(client));
    accept(index);
  });
}

void Worker::welcome(Socket client) {
  const std::size_t before = shared_.sessions.fetch_add(1);
  if (before >= shared_.setup.sessions + kSurplus) {
    shared_.sessions.fetch_sub(1);
    return reject(client);
  }
  const bool surplus = before >= shared_.setup.sessions;
  asio::error_code error;
  const auto peer = client.remote_endpoint(error);
  const bool proxied = !shared_.setup.proxies.empty() && !error &&
                       shared_.setup.proxies.contains(peer.address().to_string());
  if (!proxied) return admit(std::move(client), peer, surplus);
  receptions_.push_back(std::make_unique<ProxyReception>(
      std::move(client), coarse_now() + shared_.setup.session.timeouts.handshake,
      [this, peer, surplus](Socket socket, Result<asio::ip::tcp::endpoint, std::string> source) {
        if (source) return admit(std::move(socket), *source, surplus);
        shared_.sessions.fetch_sub(1);
        emit(0, session::Finding{"connection from the proxy " + peer.address().to_string() + ": " +
                                 source.error()});
      }));
  receptions_.back()->start();
}

// `source`: where the client is, as the socket or a trusted proxy has it.
void Worker::admit(Socket client, const asio::ip::tcp::endpoint& source, bool surplus) {
  const std::uint64_t id = shared_.next_id.fetch_add(1);
  session::Origin origin = origin_of(source);
  origin.cancel_secret = shared_.cancel_keys.issue(id);
  origin.plan = plan_;
  origin.penalty = shared_.guard.penalty(source.address(), coarse_now());
  origin.surplus = surplus;
  sessions_.push_back(std::make_unique<SessionDriver>(*this, std::move(client), source.address(),
                                                      std::move(origin), id));
  sessions_.back()->start();
}

// Not even its first packet is read: a client that asked for encryption takes this for no answer
// (CVE-2024-10977), which is why the first kSurplus of them are heard out.
void Worker::reject(Socket& client) {
  std::string packet;
  wire::encode_error({"FATAL",
                      "53300",
                      "sorry, too many clients already",
                      {},
                      "pgmoat's limits.sessions is reached."},
                     packet);
  asio::error_code ignored;
  client.non_blocking(true, ignored);
  client.write_some(asio::buffer(packet), ignored);
  client.shutdown(Socket::shutdown_send, ignored);
}

void Worker::emit(std::uint64_t id, session::Event&& event) {
  if (shared_.setup.on_event) shared_.setup.on_event(id, std::move(event));
}

// Only a key that the client of an open session has reaches the server, unless we are to change
// nothing.
void Worker::cancel(Socket client, std::unique_ptr<TlsStream> tls, const asio::ip::address& source,
                    const session::ForwardCancel& request) {
  using Result = session::CancelRequested::Result;
  CancelKeys& keys = shared_.cancel_keys;
  const CancelKeys::Found found = keys.find(request.pid, request.secret);
  const bool enforcing = shared_.setup.session.mode == session::Mode::enforce;
  Result result = result_of(found.whose);
  if (enforcing && request.secret.size() == kGuessable) {
    const Instant now = coarse_now();
    // Or who tries them all would find one in the end.
    if (shared_.cancel_guard.penalty(source, now) != Duration::zero()) {
      result = Result::too_many_unknown;
    } else if (result == Result::unknown_key) {
      shared_.cancel_guard.failed(source, now);
    }
  }
  const bool ours = result == Result::forwarded;
  emit(result == Result::too_many_unknown ? 0 : found.session,
       session::CancelRequested{source.to_string(), result, ours || !enforcing});

  cancels_.push_back(std::make_unique<CancelDriver>(io_, std::move(client), std::move(tls)));
  shared_.sessions.fetch_add(1);  // it takes the place of the session that it came as
  CancelDriver& driver = *cancels_.back();
  const bool direct = shared_.setup.session.direct_server_tls;
  if (ours) {
    return driver.forward({found.target, found.target.tls ? tls_.server : nullptr, direct,
                           [&keys, session = found.session] { return keys.is_open(session); }});
  }
  if (enforcing) return driver.refuse();
  const bool prefers = shared_.setup.session.server_tls == session::ServerTlsMode::prefer;
  driver.forward({{shared_.backend.front(), request.pid, request.secret},
                  prefers ? nullptr : tls_.server,
                  direct,
                  [] { return true; }});
}

// Deadlines are swept, never armed one by one: nothing is paid for them in a message's way.
void Worker::tick() {
  const Instant now = coarse_now();
  for (auto at = sessions_.begin(); at != sessions_.end();) {
    (*at)->sweep(now);
    if ((*at)->gone()) {
      at = sessions_.erase(at);
      shared_.sessions.fetch_sub(1);
    } else {
      ++at;
    }
  }
  for (auto at = cancels_.begin(); at != cancels_.end();) {
    (*at)->sweep(now);
    if ((*at)->gone()) {
      at = cancels_.erase(at);
      shared_.sessions.fetch_sub(1);
    } else {
      ++at;
    }
  }
  for (auto at = receptions_.begin(); at != receptions_.end();) {
    (*at)->sweep(now);
    at = (*at)->gone() ? receptions_.erase(at) : std::next(at);
  }
  if (now >= retry_accept_ && !stopping_) {
    retry_accept_ = kNever;
    for (const std::size_t index : std::exchange(paused_, {})) accept(index);
  }
  if (now >= drain_at_) stop(Server::Stop::now);
  if (stopping_ && shared_.sessions == 0) return io_.stop();
  timer_.expires_after(stopping_ ? kTick / 5 : kTick);
  timer_.async_wait([this](const asio::error_code&) { tick(); });
}

void Worker::stop(Server::Stop how) {
  if (!stopping_) {
    stopping_ = true;
    for (auto& acceptor : acceptors_) {
      asio::error_code error;
      while (true) {  // who is in the backlog was let in already
        Socket client(io_);
        acceptor.accept(client, error);
        if (error) break;
        welcome(std::move(client));
      }
      acceptor.close(error);
    }
    drain_at_ = coarse_now() + shared_.setup.drain;
    timer_.cancel();
  }
  if (how == Server::Stop::when_clients_leave) return;
  const bool now = how == Server::Stop::now;
  if (now) drain_at_ = coarse_now() + kHardClose;
  for (const auto& session : sessions_) session->tell(session::Leave{now});
  if (!now) return;
  for (const auto& reception : receptions_) reception->stop();
  for (const auto& cancel : cancels_) cancel->refuse();
}

}  // namespace pgmoat::net
