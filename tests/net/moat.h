// Real sockets on 127.0.0.1 for the tests of net: the test is client and PostgreSQL at once, pgmoat
// between them. Every wait is for a condition, and bounded.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "net/server.h"
#include "support/conversation.h"

namespace pgmoat::test {

inline constexpr int kPatience = 10'000;  // ms

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& from) noexcept : fd_(std::exchange(from.fd_, -1)) {}
  ~Socket() { close(); }
  Socket& operator=(Socket&&) = delete;

  static sockaddr_in at(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  static Socket listening() {
    Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in any = at(0);
    EXPECT_EQ(::bind(socket.fd_, reinterpret_cast<const sockaddr*>(&any), sizeof any), 0);
    EXPECT_EQ(::listen(socket.fd_, 16), 0);
    return socket;
  }
  static Socket connected(std::uint16_t port) {
    Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in there = at(port);
    socket.good_ =
        ::connect(socket.fd_, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0;
    return socket;
  }
  std::uint16_t port() const {
    sockaddr_in here{};
    socklen_t size = sizeof here;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&here), &size);
    return ntohs(here.sin_port);
  }
  Socket accept() const {
    if (!readable()) ADD_FAILURE() << "nobody connects";
    return Socket(readable() ? ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC) : -1);
  }
  void say(std::string_view bytes) const {
    EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), std::ssize(bytes));
  }
  std::string hear(std::size_t size) const {
    std::string heard;
    while (heard.size() < size && more(heard, size - heard.size())) {
    }
    return heard;
  }
  void hear(std::string_view expected) const { EXPECT_EQ(hear(expected.size()), expected); }
  // All, until the other side closes.
  std::string hear_end() const {
    std::string heard;
    while (more(heard, 4096)) {
    }
    return heard;
  }
  bool readable(int patience = kPatience) const {
    pollfd wait{fd_, POLLIN, 0};
    return ::poll(&wait, 1, patience) == 1;
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  bool good() const { return good_; }

 private:
  bool more(std::string& heard, std::size_t most) const {
    char chunk[4096];
    if (!readable()) {
      ADD_FAILURE() << "silence after: " << testing::PrintToString(heard);
      return false;
    }
    const ssize_t size = ::recv(fd_, chunk, std::min(most, sizeof chunk), 0);
    if (size > 0) heard.append(chunk, static_cast<std::size_t>(size));
    return size > 0;
  }
  int fd_;
  bool good_ = true;
};

inline const std::string kServerKey =
    bytes(wire::BackendKeyData{42, as_bytes(std::string_view("abcd"))});

// pgmoat in front of a listener of ours, which is the server.
class Moat : public testing::Test {
 protected:
  net::ServerSetup setup(session::Mode mode = session::Mode::monitor) const {
    net::ServerSetup setup;
    setup.listen = {{"127.0.0.1", 0}};
    setup.backend = {"127.0.0.1", backend_.port()};
    setup.workers = 2;
    setup.session = setup_for(mode);
    setup.make_judge = [] { return std::make_unique<policy::AllowAll>(); };
    return setup;
  }
  void start(net::ServerSetup setup) {
    auto started = net::Server::start(std::move(setup));
    ASSERT_TRUE(started) << started.error();
    server_ = std::move(*started);
    port_ = server_->listening().at(0).port;
    EXPECT_NE(port_, 0);
  }
  // A client that has logged in and was given this key.
  struct Pair {
    Socket client, server;
    std::string key;
  };
  Pair session() { return session(port_, backend_); }
  static Pair session(std::uint16_t port, const Socket& backend) {
    Socket client = Socket::connected(port);
    EXPECT_TRUE(client.good());
    client.say(startup());
    Socket server = backend.accept();
    server.hear(startup());
    server.say(authentication_ok() + kServerKey + ready('I'));
    client.hear(authentication_ok() + kServerKey.substr(0, 9));  // as far as the process id
    std::string key = client.hear(4);
    client.hear(ready('I'));
    return {std::move(client), std::move(server), std::move(key)};
  }
  static std::string cancel(std::string_view key) {
    return bytes(wire::CancelRequest{42, as_bytes(key)});
  }
  bool ends_in_time() {
    auto waiting = std::async(std::launch::async, [this] { server_->wait(); });
    const bool ended =
        waiting.wait_for(std::chrono::milliseconds(kPatience)) == std::future_status::ready;
    if (!ended) server_->stop(net::Server::Stop::now);
    return ended;
  }
  bool sessions_become(std::size_t count) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatience);
    while (server_->sessions() != count && std::chrono::steady_clock::now() < end) {
      std::this_thread::yield();
    }
    return server_->sessions() == count;
  }
  // Until nobody listens any more, after which a stop was surely noticed.
  bool port_closes() const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatience);
    while (std::chrono::steady_clock::now() < end) {
      if (!Socket::connected(port_).good()) return true;
    }
    return false;
  }

  Socket backend_ = Socket::listening();
  std::unique_ptr<net::Server> server_;
  std::uint16_t port_ = 0;
};

}  // namespace pgmoat::test
