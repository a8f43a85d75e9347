#include "net/proxy_reception.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

namespace pgmoat::net {

ProxyReception::ProxyReception(Socket socket, Instant give_up, Done done)
    : socket_(std::move(socket)), give_up_(give_up), done_(std::move(done)) {
  asio::error_code ignored;
  socket_.non_blocking(true, ignored);
}

void ProxyReception::wait() {
  ++outstanding_;
  socket_.async_wait(Socket::wait_read, [this](const asio::error_code& error) {
    --outstanding_;
    if (ended_) return;
    if (error) return end(error.message());
    look();
  });
}

void ProxyReception::look() {
  std::array<std::uint8_t, kMostProxyHeader> room;
  const int fd = socket_.native_handle();
  const ssize_t seen = ::recv(fd, room.data(), room.size(), MSG_PEEK | MSG_DONTWAIT);
  if (seen < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return wait();
  if (seen <= 0) return end(std::string("it closed before its PROXY header was whole"));
  const auto header = parse_proxy_header(Bytes(room).first(static_cast<std::size_t>(seen)));
  if (!header) return end(header.error());
  // The socket stays readable while nothing is taken: the sweep looks again, so that a proxy that sends its
  // header in pieces costs no busy loop.
  if (header->size == 0) return;
  if (::recv(fd, room.data(), header->size, MSG_DONTWAIT) != static_cast<ssize_t>(header->size)) {
    return end(std::string("its PROXY header cannot be read"));
  }
  asio::error_code error;
  const auto peer = socket_.remote_endpoint(error);
  if (error) return end(error.message());
  end(header->source ? *header->source : peer);
}

void ProxyReception::sweep(Instant now) {
  if (ended_) return;
  if (now >= give_up_) return end(std::string("its PROXY header did not come in time"));
  if (outstanding_ == 0) look();
}

void ProxyReception::stop() {
  if (!ended_) end(std::string("pgmoat stops"));
}

void ProxyReception::end(Result<asio::ip::tcp::endpoint, std::string> result) {
  ended_ = true;
  asio::error_code ignored;
  if (!result) socket_.cancel(ignored);
  done_(std::move(socket_), std::move(result));
}

}  // namespace pgmoat::net
