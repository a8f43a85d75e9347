#include "net/session_driver.h"

#include <netinet/tcp.h>

#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include "auth/secret.h"
#include "base/check.h"
#include "base/overload.h"
#include "net/lazy_read.h"
#include "net/worker.h"

namespace pgmoat::net {

namespace {

constexpr auto kFlushPatience = std::chrono::seconds(5);   // to write the last words
constexpr auto kLingerPatience = std::chrono::seconds(1);  // for the client to read them
constexpr std::size_t kPartsAtOnce = 16;

}  // namespace

void set_options(Socket& socket, Duration unacknowledged) {
  asio::error_code ignored;
  socket.non_blocking(true, ignored);
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  const int fd = socket.native_handle();
  const auto set = [fd](int name, int value) {
    ::setsockopt(fd, IPPROTO_TCP, name, &value, sizeof value);
  };
  set(TCP_KEEPIDLE, 60);
  set(TCP_KEEPINTVL, 10);
  set(TCP_KEEPCNT, 6);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(unacknowledged).count();
  if (ms > 0) set(TCP_USER_TIMEOUT, static_cast<int>(ms));
}

SessionDriver::SessionDriver(Worker& worker, Socket client, asio::ip::address source,
                             session::Origin origin, std::uint64_t id)
    : worker_(worker),
      client_(worker.io()),
      server_(worker.io()),
      engine_(worker.shared().setup.session, worker.judge(), worker.pool(), std::move(origin)),
      source_(std::move(source)),
      id_(id) {
  client_.socket = std::move(client);
}

void SessionDriver::start() {
  set_options(client_.socket, worker_.shared().setup.unacknowledged);
  arm();
}

void SessionDriver::tell(const session::TransportEvent& event) {
  if (closed_) return;
  worker_.outbox().clear();
  engine_.on_transport(event, coarse_now(), worker_.outbox());
  carry_out();
}

void SessionDriver::sweep(Instant now) {
  if (closed_) return;
  if (now >= close_by_) return close();
  for (const wire::Side side : {wire::Side::client, wire::Side::server}) {
    if (leg(side).unsure_of_end) look_for_end(side);
    if (closed_) return;
  }
  if (closing_ || now < engine_.deadline()) return;
  // The address that was tried is silent.
  if (dialled_ != 0 && dialled_ < worker_.shared().backend.size()) dial_next();
  tell(session::Timer{});
}

// Reads whatever may be read and is not being read.
void SessionDriver::arm() {
  if (closed_ || closing_) return;
  const session::Appetite appetite = engine_.appetite();
  if (client_.stalled != server_.queued()) {
    client_.stalled = !client_.stalled;
    engine_.pause(client_.stalled, coarse_now());
  }
  if (appetite.client && !client_.reading && !client_.stalled) read(wire::Side::client);
  if (appetite.server && !server_.reading && !client_.queued()) read(wire::Side::server);
}

void SessionDriver::read(wire::Side side) {
  Leg& from = leg(side);
  from.reading = true;
  ++outstanding_;
  // What a handshake has read beyond its end is no event of the socket's.
  const bool at_once = std::exchange(from.just_secured, false) && from.tls->has_unread();
  if (at_once) return asio::post(worker_.io(), [this, side] { read_held(side); });
  wait_to_read(side);
}

void SessionDriver::read_held(wire::Side side) {
  Leg& from = leg(side);
  if (closed_ || lingering_) return wait_to_read(side);
  asio::error_code error;
  std::size_t size = 0;
  const LazyRead read(engine_, side, from);
  if (read.receive(from.socket.native_handle(), error, size) == LazyRead::Status::not_done) {
    return wait_to_read(side);
  }
  on_read(side, error, size);
}

void SessionDriver::wait_to_read(wire::Side side) {
  Leg& from = leg(side);
  from.socket.async_read_some(LazyRead(engine_, side, from),
                              [this, side](const asio::error_code& error, std::size_t size) {
                                on_read(side, error, size);
                              });
}

void SessionDriver::on_read(wire::Side side, const asio::error_code& error, std::size_t size) {
  --outstanding_;
  leg(side).reading = leg(side).landed = false;
  if (closed_) return;
  if (lingering_) {
    if (error) return close();
    return linger();
  }
  if (error) {
    if (closing_) return;
    if (error == asio::error::eof) return tell(session::Eof{side});
    if (error == asio::error::operation_aborted) return;
    return tell(session::Failed{side, error.message()});
  }
  worker_.outbox().clear();
  engine_.on_read(side, size, coarse_now(), worker_.outbox());
  carry_out();
  if (leg(side).unsure_of_end && !closed_ && !engine_.steady()) look_for_end(side);
}

// The end of a stream may have come with its last bytes, and no event tells (LazyRead). In the
// middle of things the sweep looks, so that a message costs nothing for it.
void SessionDriver::look_for_end(wire::Side side) {
  Leg& from = leg(side);
  if (!from.reading || from.landed) return;  // there are bytes to be seen first
  char ignored = 0;
  const ssize_t got = ::recv(from.socket.native_handle(), &ignored, 1, MSG_PEEK | MSG_DONTWAIT);
  const int why = errno;
  if (got < 0 && why == EINTR) return;
  from.unsure_of_end = false;
  if (got > 0 || (got < 0 && (why == EAGAIN || why == EWOULDBLOCK))) return;
  from.ended = true;  // the read that waits will wait until the socket is closed
  if (lingering_) return close();
  if (closing_) return;
  if (got == 0) return tell(session::Eof{side});
  tell(session::Failed{side, asio::error_code(why, asio::error::get_system_category()).message()});
}

void SessionDriver::carry_out() {
  session::Outbox& out = worker_.outbox();
  if (!out.to_server.empty()) write(wire::Side::server, out.to_server);
  if (!out.to_client.empty()) write(wire::Side::client, out.to_client);
  for (session::Event& event : out.events) {
    note_failed_login(event);
    worker_.emit(id_, std::move(event));
  }
  for (std::size_t i = 0; i < out.commands.size() && !closed_; ++i) run(out.commands[i]);
  if (closed_) return;
  if (!server_.queued()) engine_.flushed(wire::Side::client);
  if (!client_.queued()) engine_.flushed(wire::Side::server);
  after_failure();
  if (!closed_) arm();
}

void SessionDriver::note_failed_login(const session::Event& event) {
  const auto* finished = std::get_if<session::AuthFinished>(&event);
  if (finished == nullptr || finished->ok || finished->sqlstate != "28P01") return;
  worker_.shared().guard.failed(source_, coarse_now());
}

void SessionDriver::after_failure() {
  if (std::exchange(client_lost_, false)) {
    if (closing_) return close();
    return tell(session::Failed{wire::Side::client, "connection lost while writing"});
  }
  if (server_.deaf && server_.unsure_of_end && !closing_) look_for_end(wire::Side::server);
}

void SessionDriver::run(const session::Command& command) {
  std::visit(Overload{
                 [&](const session::Dial&) { dial(); },
                 [&](const session::StartTls& start) { start_tls(start); },
                 [&](const session::FindVerifier& request) { find_verifier(request.user); },
                 [&](const session::ForwardCancel& request) {
                   asio::error_code ignored;
                   client_.socket.cancel(ignored);
                   worker_.cancel(std::move(client_.socket), std::move(client_.tls), source_,
                                  request);
                   close();
                 },
                 [&](const session::OwnCancelKey& key) {
                   worker_.shared().cancel_keys.own(
                       id_, key.client_secret,
                       {endpoint_, key.pid, key.server_secret, server_.tls != nullptr});
                 },
                 [&](const session::ShutdownServer&) {
                   server_.shut = true;
                   after_write(wire::Side::server);
                 },
                 [&](const session::CloseAfterFlush&) { close_when_written(); },
             },
             command);
}

void SessionDriver::write(wire::Side to, const session::Stream& stream) {
  Leg& into = leg(to);
  if (into.deaf) return;
  std::size_t sent = 0;
  if (!into.queued() && into.socket.is_open()) {
    asio::error_code error;
    const auto& parts = stream.parts();
    std::array<asio::const_buffer, kPartsAtOnce> buffers;
    const std::size_t count = std::min(parts.size(), kPartsAtOnce);
    std::size_t size = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const Bytes part = stream.bytes_of(parts[i]);
      buffers[i] = asio::buffer(part.data(), part.size());
      size += part.size();
    }
    sent = into.send(std::span(buffers).first(count), error);
    if (error && error != asio::error::would_block) return write_failed(to);
    if (sent == size && count == parts.size() && !into.queued()) return;
  }
  if (!into.queue) into.queue = std::make_unique<WriteQueue>();
  into.queue->add(stream, sent, leg(wire::other(to)).reading);
  if (into.queued() && !into.waiting_to_write) write_queued(to);
}

// A server that ended while we wrote may have said why: its words stand in our receive buffer, before
// the reset that failed the write. So it is read on, and its end is found there. A client that
// cannot be written to has nothing more to hear.
void SessionDriver::write_failed(wire::Side side) {
  Leg& into = leg(side);
  if (into.queue) into.queue->clear();
  if (into.tls) into.tls->drop_unsent();
  into.deaf = true;
  if (side == wire::Side::server) {
    into.unsure_of_end = true;
  } else {
    client_lost_ = true;
  }
}

void SessionDriver::wait_to_write(wire::Side side) {
  leg(side).waiting_to_write = true;
  ++outstanding_;
  leg(side).socket.async_wait(Socket::wait_write, [this, side](const asio::error_code& error) {
    --outstanding_;
    leg(side).waiting_to_write = false;
    if (closed_ || error) return;
    write_queued(side);
    if (closed_) return;
    if (!leg(side).queued()) engine_.flushed(wire::other(side));
    after_failure();
    if (closed_) return;
    if (closing_ && !client_.queued() && !server_.queued()) return linger();
    arm();
  });
}

void SessionDriver::write_queued(wire::Side side) {
  Leg& into = leg(side);
  asio::error_code error;
  while (!error && into.queue && !into.queue->empty()) {
    const Bytes front = into.queue->front();
    const asio::const_buffer part(front.data(), front.size());
    const std::size_t sent = into.send({&part, 1}, error);
    if (sent != 0) into.queue->sent(sent);
  }
  if (!error && into.tls && into.tls->unsent()) into.tls->flush(error);
  if (error && error != asio::error::would_block) return write_failed(side);
  if (into.queued()) return wait_to_write(side);
  after_write(side);
}

void SessionDriver::after_write(wire::Side side) {
  if (leg(side).queued()) return;
  if (leg(side).shut) leg(side).shut_down();
  if (closing_ && !client_.queued() && !server_.queued()) linger();
}

void SessionDriver::close_when_written() {
  closing_ = true;
  close_by_ = coarse_now() + kFlushPatience;
  if (!client_.queued() && !server_.queued()) linger();
}

// The client's unread bytes must not turn our last words into a reset: half-close, and read what
// still comes until the client closes, for a bounded time.
void SessionDriver::linger() {
  asio::error_code ignored;
  if (!lingering_) {
    lingering_ = true;
    close_by_ = std::min(close_by_, coarse_now() + kLingerPatience);
    server_.socket.close(ignored);
    client_.shut_down();
  }
  if (client_.ended) return close();
  if (client_.reading) return;
  static thread_local std::array<char, 4096> dropped;  // nobody reads what lands here
  client_.reading = true;
  ++outstanding_;
  client_.socket.async_read_some(asio::buffer(dropped),
                                 [this](const asio::error_code& error, std::size_t size) {
                                   on_read(wire::Side::client, error, size);
                                 });
}

void SessionDriver::close() {
  if (std::exchange(closed_, true)) return;
  worker_.shared().cancel_keys.disown(id_);
  asio::error_code ignored;
  client_.socket.close(ignored);
  server_.socket.close(ignored);
}

}  // namespace pgmoat::net
