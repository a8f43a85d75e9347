// A server name with two addresses, the first of which refuses: a cancel request goes to the one
// that its session is connected to. Names on a test machine have one address, so the worker is
// given the two endpoints directly.
#include "net/moat.h"
#include "net/worker.h"

namespace pgmoat::test {
namespace {

using asio::ip::tcp;

tcp::endpoint local(std::uint16_t port) { return {asio::ip::address_v4::loopback(), port}; }

TEST_F(Moat, CancelGoesToTheAddressThatTheSessionUses) {
  Socket refusing = Socket::listening();
  const std::uint16_t dead = refusing.port();
  refusing.close();
  net::Shared shared;
  shared.setup = setup(session::Mode::enforce);
  shared.backend = {local(dead), local(backend_.port())};
  shared.workers.push_back(std::make_unique<net::Worker>(shared));
  net::Worker& worker = *shared.workers.front();
  std::uint16_t port = 0;
  ASSERT_FALSE(worker.listen(local(0), port));
  ASSERT_TRUE(worker.start_thread());
  {
    Pair one = session(port, backend_);
    Socket request = Socket::connected(port);
    request.say(cancel(one.key));
    EXPECT_TRUE(backend_.readable()) << "the request went nowhere";
    if (backend_.readable(0)) {
      const Socket forwarded = backend_.accept();
      forwarded.hear(cancel("abcd"));
    }
  }
  worker.post_stop(net::Server::Stop::now);
  worker.join();
}

}  // namespace
}  // namespace pgmoat::test
