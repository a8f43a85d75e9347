// The other end of the measurement: a client that spends almost nothing per byte, so that what is
// timed is the way and not the traveller. It prints one JSON line.
//   fake_client PORT rows BYTES           reads a result of BYTES
//   fake_client PORT copyin BYTES [FRAME]  sends BYTES in CopyData of FRAME bytes (default 8192,
//                                         what psql sends)
//   fake_client PORT idle SESSIONS [tls]  opens sessions, one query each, holds them until its
//                                         standard input ends
//   fake_client PORT logins SESSIONS [tls] opens and closes sessions, one after another
//   fake_client PORT handshakes COUNT tls  the same without the login
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "frames.h"

namespace {

using bench::frame;
using bench::FrameWalk;
using bench::put32;

constexpr std::size_t kBlock = 256 * 1024;

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

// One source address has some 28,000 ports towards one listener, fewer while others linger.
constexpr std::uint32_t kPortsPerAddress = 10'000;

int connected(std::uint16_t port, std::uint32_t nth) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) give_up("fake_client: socket");
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK + nth / kPortsPerAddress);
  if (bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) give_up("fake_client: bind");
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(port);
  if (connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) {
    give_up("fake_client: connect");
  }
  return fd;
}

// With TLS: what each descriptor speaks. Nothing is verified; what is measured is the other side.
SSL_CTX* tls = nullptr;
std::vector<SSL*> secured;

void shake_hands(int fd) {
  std::string out;
  put32(out, 8);
  put32(out, 80877103);
  char answer = 0;
  if (send(fd, out.data(), out.size(), MSG_NOSIGNAL) != 8 || recv(fd, &answer, 1, 0) != 1 ||
      answer != 'S') {
    give_up("fake_client: no TLS");
  }
  if (secured.size() <= static_cast<std::size_t>(fd))
    secured.resize(static_cast<std::size_t>(fd) + 1);
  SSL*& ssl = secured[static_cast<std::size_t>(fd)];
  SSL_free(ssl);
  ssl = SSL_new(tls);
  SSL_set_fd(ssl, fd);
  if (SSL_connect(ssl) != 1) {
    ERR_print_errors_fp(stderr);
    std::exit(1);
  }
}

ssize_t take(int fd, char* into, std::size_t size) {
  if (tls == nullptr) return recv(fd, into, size, 0);
  return SSL_read(secured[static_cast<std::size_t>(fd)], into, static_cast<int>(size));
}

ssize_t give(int fd, std::string_view data) {
  if (tls == nullptr) return send(fd, data.data(), data.size(), MSG_NOSIGNAL);
  return SSL_write(secured[static_cast<std::size_t>(fd)], data.data(),
                   static_cast<int>(data.size()));
}

void send_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t sent = give(fd, data);
    if (sent <= 0) give_up("fake_client: send");
    data.remove_prefix(static_cast<std::size_t>(sent));
  }
}

// Reads until a frame with this tag has passed entirely; returns the bytes read. An ErrorResponse
// ends the program: a refused benchmark must not look like a fast one.
std::uint64_t read_until(int fd, char wanted) {
  static std::vector<char> block(kBlock);
  FrameWalk walk;
  std::uint64_t total = 0;
  bool seen = false;
  while (!seen || !walk.between_frames()) {
    const ssize_t got = take(fd, block.data(), block.size());
    if (got <= 0) give_up("fake_client: recv");
    total += static_cast<std::uint64_t>(got);
    walk.feed({block.data(), static_cast<std::size_t>(got)}, [&](char tag) {
      if (tag == 'E') {
        std::fprintf(stderr, "fake_client: the server sent an error\n");
        std::exit(1);
      }
      seen = seen || tag == wanted;
    });
  }
  return total;
}

void ask(int fd, std::string_view sql) {
  std::string body(sql);
  body.push_back('\0');
  std::string out;
  frame(out, 'Q', body);
  send_all(fd, out);
}

int opened(std::uint16_t port, std::uint32_t nth) {
  const int fd = connected(port, nth);
  if (tls != nullptr) shake_hands(fd);
  std::string body;
  put32(body, 196608);
  const char* const who = std::getenv("FAKE_USER");  // and its database
  const std::string name = who != nullptr ? who : "bench";
  for (const std::string& word : {std::string("user"), name, std::string("database"), name}) {
    body.append(word).push_back('\0');
  }
  body.push_back('\0');
  std::string out;
  put32(out, static_cast<std::uint32_t>(body.size() + 4));
  send_all(fd, out + body);
  read_until(fd, 'Z');
  return fd;
}

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

void report(const char* what, std::uint64_t bytes, double seconds) {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto micro = [](timeval t) {
    return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec);
  };
  std::printf("{\"what\": \"%s\", \"bytes\": %llu, \"seconds\": %.6f, \"client_cpu\": %.6f}\n",
              what, static_cast<unsigned long long>(bytes), seconds,
              (micro(used.ru_utime) + micro(used.ru_stime)) / 1e6);
  std::fflush(stdout);
}

void rows(std::uint16_t port, std::uint64_t bytes) {
  const int fd = opened(port, 0);
  const Stopwatch watch;
  ask(fd, "rows " + std::to_string(bytes));
  const std::uint64_t got = read_until(fd, 'Z');
  const double seconds = watch.seconds();
  if (got < bytes) {
    std::fprintf(stderr, "fake_client: %llu bytes came, fewer than asked for\n",
                 static_cast<unsigned long long>(got));
    std::exit(1);
  }
  report("rows", got, seconds);
}

void copyin(std::uint16_t port, std::uint64_t bytes, std::size_t frame_size) {
  const int fd = opened(port, 0);
  std::string data(frame_size, 'x');
  data.back() = '\n';
  std::string block;
  while (block.size() < kBlock) frame(block, 'd', data);
  const Stopwatch watch;
  ask(fd, "copyin");
  read_until(fd, 'G');
  std::uint64_t sent = 0;
  for (; sent < bytes; sent += block.size()) send_all(fd, block);
  std::string done;
  frame(done, 'c', "");
  send_all(fd, done);
  read_until(fd, 'Z');
  report("copyin", sent, watch.seconds());
}

void idle(std::uint16_t port, std::uint32_t sessions) {
  const Stopwatch watch;
  std::vector<int> held;
  for (std::uint32_t i = 0; i < sessions; ++i) {
    held.push_back(opened(port, i));
    ask(held.back(), "select 1");
    read_until(held.back(), 'Z');
  }
  report("idle", sessions, watch.seconds());
  while (std::getchar() != EOF) {
  }
  // A last query on each: a session that was quietly dropped must not count as a cheap one.
  for (const int fd : held) {
    ask(fd, "select 1");
    read_until(fd, 'Z');
  }
  report("alive", held.size(), watch.seconds());
}

void logins(std::uint16_t port, std::uint32_t sessions, bool handshakes_only) {
  const Stopwatch watch;
  for (std::uint32_t i = 0; i < sessions; ++i) {
    const std::uint32_t nth = i % kPortsPerAddress;
    const int fd = handshakes_only ? connected(port, nth) : opened(port, nth);
    if (handshakes_only) shake_hands(fd);
    const linger now{1, 0};  // no port waits for the last segments
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
  }
  report("logins", sessions, watch.seconds());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr,
                 "usage: fake_client PORT rows|copyin|idle|logins|handshakes COUNT [FRAME|tls]\n");
    return 2;
  }
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  const std::string_view mode = argv[2];
  const std::uint64_t count = std::strtoull(argv[3], nullptr, 10);
  if (argc > 4 && std::string_view(argv[4]) == "tls") tls = SSL_CTX_new(TLS_client_method());
  if (mode == "rows") {
    rows(port, count);
  } else if (mode == "copyin") {
    copyin(port, count, argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 8192);
  } else if (mode == "logins" || (mode == "handshakes" && tls != nullptr)) {
    logins(port, static_cast<std::uint32_t>(count), mode == "handshakes");
  } else {
    idle(port, static_cast<std::uint32_t>(count));
  }
}
