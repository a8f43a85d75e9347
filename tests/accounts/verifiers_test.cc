// Asking a server that says nothing: nobody waits for ever, and not everybody waits.
#include "accounts/verifiers.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace pgmoat::accounts {
namespace {

using namespace std::chrono_literals;

// Takes connections, and never answers.
struct Silent {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::uint16_t port = 0;
  Silent() {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at);
    ::listen(fd, 16);
    socklen_t size = sizeof at;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
    port = ntohs(at.sin_port);
  }
  ~Silent() { ::close(fd); }
};

Verifiers::Source source_of(const Silent& server, Duration patience) {
  Verifiers::Source source;
  source.server = {"127.0.0.1", server.port, "postgres", {{"sslmode", "disable"}}, patience};
  source.user = "finder";
  source.passwords = [] { return std::vector<auth::Secret>{auth::Secret("secret")}; };
  return source;
}

TEST(Verifiers, AServerThatSaysNothingIsGivenUp) {
  const Silent server;
  std::atomic<int> complaints = 0;
  std::atomic<bool> answered = false, asked = true;
  {
    Verifiers verifiers(source_of(server, 200ms), [&](const std::string&) { ++complaints; });
    verifiers.find("app", [&](Verifiers::Found found) {
      asked = found.asked;
      answered = true;
    });
    for (int i = 0; i < 500 && !answered; ++i) std::this_thread::sleep_for(10ms);
  }
  EXPECT_TRUE(answered);
  EXPECT_FALSE(asked);
  EXPECT_EQ(complaints, 1);
}

TEST(Verifiers, OneMoreThanMayWaitIsToldAtOnce) {
  const Silent server;
  std::atomic<std::size_t> answered = 0;
  {
    Verifiers verifiers(source_of(server, 1s), [](const std::string&) {});
    const auto then = [&](const Verifiers::Found& found) {
      EXPECT_FALSE(found.asked);
      ++answered;
    };
    verifiers.find("the first", then);
    std::this_thread::sleep_for(100ms);  // it is being asked for
    for (std::size_t i = 0; i < Verifiers::kQueue; ++i) verifiers.find(std::to_string(i), then);
    EXPECT_EQ(answered, 0u);
    verifiers.find("one more", then);
    EXPECT_EQ(answered, 1u);
  }
  EXPECT_EQ(answered, Verifiers::kQueue + 2);  // who waits is told when it ends
}

}  // namespace
}  // namespace pgmoat::accounts
