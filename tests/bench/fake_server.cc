// A PostgreSQL stand-in that is never the slow part of a measurement: one thread, one epoll, rows
// that were built before anybody connected and leave in writes of 256 KiB. Every first packet is
// welcomed, and then
//   Query "rows BYTES"   answers DataRows of 1 KiB that add up to BYTES,
//   Query "copyin"       takes CopyData until CopyDone and counts it,
//   anything else        answers one small row (simple and extended protocol).
// Usage: fake_server PORT.  It checks nothing: it trusts its benchmark.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "frames.h"

namespace {

using bench::frame;
using bench::get32;
using bench::put16;
using bench::put32;

constexpr std::size_t kRow = 1024;  // one DataRow frame, header included
constexpr std::size_t kRows = 256;  // rows in the prebuilt block
constexpr std::size_t kBlock = kRow * kRows;

std::string row(std::string_view value) {
  std::string body;
  put16(body, 1);
  put32(body, static_cast<std::uint32_t>(value.size()));
  body.append(value);
  std::string out;
  frame(out, 'D', body);
  return out;
}

std::string row_description() {
  std::string body;
  put16(body, 1);
  body.append("v").push_back('\0');
  put32(body, 0);   // no table
  put16(body, 0);   // no column
  put32(body, 25);  // text
  put16(body, 0xffff);
  put32(body, 0xffffffff);
  put16(body, 0);  // text format
  std::string out;
  frame(out, 'T', body);
  return out;
}

void complete(std::string& out, std::string_view tag) {
  std::string body(tag);
  body.push_back('\0');
  frame(out, 'C', body);
}

// What never changes is built once.
struct Prebuilt {
  std::string block;
  std::string description = row_description();
  std::string small_row = row("1");
  std::string welcome;

  Prebuilt() {
    const std::string one = row(std::string(kRow - 11, 'x'));
    for (std::size_t i = 0; i < kRows; ++i) block += one;
    frame(welcome, 'R', std::string(4, '\0'));
    parameter("client_encoding", "UTF8");
    parameter("server_encoding", "UTF8");
    parameter("server_version", "15.0");
    parameter("standard_conforming_strings", "on");
    parameter("integer_datetimes", "on");
    frame(welcome, 'K', std::string("\0\0\1\2secr", 8));
    frame(welcome, 'Z', "I");
  }
  void parameter(std::string_view name, std::string_view value) {
    std::string body(name);
    body.push_back('\0');
    body.append(value).push_back('\0');
    frame(welcome, 'S', body);
  }
};

class Connection {
 public:
  Connection(int fd, const Prebuilt& prebuilt) : fd_(fd), prebuilt_(prebuilt) {}
  ~Connection() { close(fd_); }
  Connection(Connection&&) = delete;
  Connection& operator=(Connection&&) = delete;

  // False: the connection is over.
  bool readable(std::vector<char>& scratch) {
    const ssize_t got = recv(fd_, scratch.data(), scratch.size(), MSG_DONTWAIT);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    const std::string_view data(scratch.data(), static_cast<std::size_t>(got));
    if (!copying_) in_.append(data);
    if (copying_ ? !swallow(data) : !serve()) return false;
    return writable();
  }

  // Sends what is due; what the kernel does not take waits for the next call.
  bool writable() {
    while (true) {
      if (!out_.empty()) {
        if (!push(out_.data(), out_.size())) return over_;
        out_.erase(0, pushed_);
      } else if (rows_left_ != 0) {
        const std::size_t from = row_at_ % kBlock;
        const auto size = std::min<std::uint64_t>(kBlock - from, rows_left_);
        if (!push(prebuilt_.block.data() + from, size)) return over_;
        row_at_ += pushed_;
        rows_left_ -= pushed_;
      } else if (!after_rows_.empty()) {
        out_.swap(after_rows_);
      } else {
        if (in_.empty() || copying_) return true;
        const std::size_t before = in_.size();
        if (!serve()) return false;
        if (in_.size() == before) return true;
      }
    }
  }
  bool sending() const { return !out_.empty() || rows_left_ != 0 || !after_rows_.empty(); }

  bool armed_for_output = false;

 private:
  // True: pushed_ bytes went out. False: none did, and over_ is what writable() returns.
  bool push(const char* data, std::size_t size) {
    const ssize_t sent = send(fd_, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    over_ = sent >= 0 || errno == EAGAIN;
    pushed_ = sent > 0 ? static_cast<std::size_t>(sent) : 0;
    return sent > 0;
  }

  // Handles the complete messages of in_, up to one whose rows must go out first.
  bool serve() {
    std::size_t at = 0;
    bool alive = true;
    while (alive && rows_left_ == 0 && after_rows_.empty() && !copying_) {
      const std::size_t header = welcomed_ ? 5 : 4;
      if (in_.size() - at < header) break;
      const std::size_t size = get32(in_.data() + at + header - 4) + header - 4;
      if (in_.size() - at < size) break;
      const std::string_view body(in_.data() + at + header, size - header);
      alive = welcomed_ ? message(in_[at], body) : first_packet(body);
      at += size;
    }
    in_.erase(0, at);
    if (copying_ && !in_.empty()) {
      alive = alive && swallow(in_);
      in_.clear();
    }
    if (in_.empty()) in_.shrink_to_fit();
    return alive;
  }

  bool first_packet(std::string_view body) {
    const std::uint32_t code = get32(body.data());
    if (code == 80877102) return false;  // CancelRequest
    if (code == 80877103 || code == 80877104) {
      out_.push_back('N');
    } else {
      out_ += prebuilt_.welcome;
      welcomed_ = true;
    }
    return true;
  }

  bool message(char tag, std::string_view body) {
    switch (tag) {
      case 'Q': query(body.substr(0, body.size() - 1)); break;
      case 'P': frame(out_, '1', ""); break;
      case 'B': frame(out_, '2', ""); break;
      case 'C': frame(out_, '3', ""); break;
      case 'D': describe(body.front()); break;
      case 'E':
        out_ += prebuilt_.small_row;
        complete(out_, "SELECT 1");
        break;
      case 'S': frame(out_, 'Z', "I"); break;
      case 'X': return false;
      default: break;
    }
    return true;
  }

  void describe(char target) {
    if (target == 'S') frame(out_, 't', std::string(2, '\0'));
    out_ += prebuilt_.description;
  }

  void query(std::string_view sql) {
    if (sql == "copyin") {
      frame(out_, 'G', std::string("\0\0\1\0\0", 5));
      copying_ = true;
      return;
    }
    out_ += prebuilt_.description;
    if (sql.substr(0, 5) == "rows ") {
      const auto bytes = std::strtoull(std::string(sql.substr(5)).c_str(), nullptr, 10);
      const std::uint64_t rows = (bytes + kRow - 1) / kRow;
      rows_left_ = rows * kRow;
      row_at_ = 0;
      complete(after_rows_, "SELECT " + std::to_string(rows));
      frame(after_rows_, 'Z', "I");
      return;
    }
    out_ += prebuilt_.small_row;
    complete(out_, "SELECT 1");
    frame(out_, 'Z', "I");
  }

  // The client awaits our answer to CopyDone before it says more, so nothing can follow it here.
  bool swallow(std::string_view data) {
    bool done = false;
    walk_.feed(data, [&](char tag) {
      copied_ += tag == 'd';
      done = done || tag != 'd';
    });
    if (done && walk_.between_frames()) {
      copying_ = false;
      complete(out_, "COPY " + std::to_string(copied_));
      frame(out_, 'Z', "I");
      copied_ = 0;
    }
    return true;
  }

  int fd_;
  const Prebuilt& prebuilt_;
  std::string in_;
  std::string out_;              // goes out first,
  std::uint64_t rows_left_ = 0;  // then so many bytes of rows,
  std::string after_rows_;       // then this
  std::uint64_t row_at_ = 0;
  std::uint64_t copied_ = 0;
  bench::FrameWalk walk_;
  std::size_t pushed_ = 0;
  bool over_ = true;
  bool welcomed_ = false;
  bool copying_ = false;
};

class Server {
 public:
  explicit Server(std::uint16_t port) : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    const int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 ||
        listen(listener_, 4096) != 0) {
      std::perror("fake_server: listen");
      std::exit(1);
    }
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
    std::fprintf(stderr, "ready: listening on 127.0.0.1:%u\n", port);
  }

  [[noreturn]] void run() {
    std::vector<epoll_event> events(512);
    while (true) {
      const int ready = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < ready; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        fd == listener_ ? take_one() : serve(fd);
      }
    }
  }

 private:
  void watch(int what, int fd, std::uint32_t events) const {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    epoll_ctl(poll_, what, fd, &event);
  }

  void take_one() {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
    if (fd < 0) return;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections_[fd] = std::make_unique<Connection>(fd, prebuilt_);
    watch(EPOLL_CTL_ADD, fd, EPOLLIN);
  }

  void serve(int fd) {
    Connection& connection = *connections_[fd];
    // While an answer is on its way out nothing further is read: requests are served in order.
    const bool alive = connection.sending() ? connection.writable() : connection.readable(scratch_);
    if (!alive) {
      connections_.erase(fd);
    } else if (connection.sending() != connection.armed_for_output) {
      connection.armed_for_output = connection.sending();
      watch(EPOLL_CTL_MOD, fd, connection.sending() ? EPOLLOUT : EPOLLIN);
    }
  }

  int listener_;
  int poll_ = epoll_create1(0);
  Prebuilt prebuilt_;
  std::vector<char> scratch_ = std::vector<char>(512 * 1024);
  std::unordered_map<int, std::unique_ptr<Connection>> connections_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: fake_server PORT\n");
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  Server(static_cast<std::uint16_t>(std::atoi(argv[1]))).run();
}
