#include "net/cancel.h"

#include "net/worker.h"
#include "wire/startup.h"

namespace pgmoat::net {

namespace {

constexpr auto kPatience = std::chrono::seconds(10);

}  // namespace

CancelDriver::CancelDriver(asio::io_context& io, Socket client)
    : client_(std::move(client)), server_(io), give_up_(coarse_now() + kPatience) {}

void CancelDriver::forward(const asio::ip::tcp::endpoint& server, std::uint32_t pid,
                           const std::string& secret) {
  if (closed_ || outstanding_ != 0) return;
  wire::encode(wire::CancelRequest{pid, as_bytes(secret)}, packet_);
  ++outstanding_;
  server_.async_connect(server, [this](const asio::error_code& error) {
    --outstanding_;
    if (error || closed_) return close();
    send();
  });
}

void CancelDriver::send() {
  ++outstanding_;
  asio::async_write(server_, asio::buffer(packet_),
                    [this](const asio::error_code& error, std::size_t) {
                      --outstanding_;
                      if (error || closed_) return close();
                      await_end();
                    });
}

void CancelDriver::await_end() {
  ++outstanding_;
  server_.async_read_some(asio::buffer(ignored_),
                          [this](const asio::error_code& error, std::size_t) {
                            --outstanding_;
                            if (error || closed_) return close();
                            await_end();
                          });
}

void CancelDriver::sweep(Instant now) {
  if (!closed_ && now >= give_up_) close();
}

void CancelDriver::close() {
  closed_ = true;
  asio::error_code ignored;
  server_.close(ignored);
  client_.close(ignored);
}

}  // namespace pgmoat::net
