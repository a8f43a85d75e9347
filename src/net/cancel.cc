#include "net/cancel.h"

#include <utility>

#include "net/worker.h"
#include "wire/startup.h"

namespace pgmoat::net {

namespace {

constexpr auto kPatience = std::chrono::seconds(10);

}  // namespace

CancelDriver::CancelDriver(asio::io_context& io, Socket client,
                           std::unique_ptr<TlsStream> client_tls)
    : client_(std::move(client)),
      server_(io),
      client_tls_(std::move(client_tls)),
      give_up_(coarse_now() + kPatience) {}

template <class Next>
auto CancelDriver::then(Next next) {
  ++outstanding_;
  return [this, next](const asio::error_code& error, std::size_t = 0) {
    --outstanding_;
    if (error || closed_) return close();
    next();
  };
}

void CancelDriver::forward(Way way) {
  way_ = std::move(way);
  server_.async_connect(way_.target.server, then([this] { connected(); }));
}

void CancelDriver::connected() {
  asio::error_code ignored;
  server_.non_blocking(true, ignored);
  if (!way_.tls) return send_key();
  if (way_.direct_tls) return shake_hands();
  wire::encode(wire::SslRequest{}, packet_);
  asio::async_write(server_, asio::buffer(packet_), then([this] { ask_for_tls(); }));
}

// One byte is read, so that nothing said in the clear can be taken for TLS.
void CancelDriver::ask_for_tls() {
  packet_.clear();
  asio::async_read(server_, asio::buffer(answer_.data(), 1), then([this] {
                     if (answer_.front() != 'S') return close();
                     shake_hands();
                   }));
}

void CancelDriver::shake_hands() {
  if (!server_tls_) {
    server_tls_ = std::make_unique<TlsStream>(way_.tls, server_.native_handle(), "");
  }
  switch (server_tls_->handshake()) {
    case TlsStream::Progress::done: return send_key();
    case TlsStream::Progress::failed: return close();
    case TlsStream::Progress::wants_read:
      return server_.async_wait(Socket::wait_read, then([this] { shake_hands(); }));
    case TlsStream::Progress::wants_write:
      return server_.async_wait(Socket::wait_write, then([this] { shake_hands(); }));
  }
}

void CancelDriver::send_key() {
  if (!way_.still_wanted()) return close();
  wire::encode(wire::CancelRequest{way_.target.pid, as_bytes(way_.target.secret)}, packet_);
  if (!server_tls_) {
    return asio::async_write(server_, asio::buffer(packet_), then([this] { await_end(); }));
  }
  // One small record into an empty socket.
  const asio::const_buffer part = asio::buffer(packet_);
  asio::error_code error;
  if (server_tls_->write({&part, 1}, error) != packet_.size() || server_tls_->unsent()) {
    return close();
  }
  await_end();
}

// What comes before the end is TLS's own, or nothing.
void CancelDriver::await_end() {
  server_.async_read_some(asio::buffer(answer_), then([this] { await_end(); }));
}

void CancelDriver::sweep(Instant now) {
  if (!closed_ && now >= give_up_) close();
}

void CancelDriver::close() {
  if (std::exchange(closed_, true)) return;
  asio::error_code ignored;
  server_.close(ignored);
  if (client_tls_) client_tls_->say_goodbye();
  client_.close(ignored);
}

}  // namespace pgmoat::net
