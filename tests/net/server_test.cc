// The server with real sockets: starting and why it cannot, limits, the three ways to stop, and
// cancel requests.
#include "net/server.h"

#include <mutex>

#include "net/moat.h"

namespace pgmoat::test {
namespace {

using namespace std::chrono_literals;
using net::Server;

const std::string kBye =
    error("57P01", "terminating connection due to administrator command", "FATAL");

TEST_F(Moat, CarriesASessionAndEndsWithItsClients) {
  start(setup());
  Pair one = session();
  one.client.say(query("select 1"));
  one.server.hear(query("select 1"));
  EXPECT_EQ(server_->sessions(), 1u);
  server_->stop(Server::Stop::when_clients_leave);
  ASSERT_TRUE(port_closes());
  one.server.say(complete("SELECT 1") + ready('I'));
  one.client.hear(complete("SELECT 1") + ready('I'));
  one.client.say(query("select 2"));
  one.server.hear(query("select 2"));
  one.server.say(complete("SELECT 1") + ready('I'));
  one.client.hear(complete("SELECT 1") + ready('I'));
  one.client.say(kTerminate);
  one.server.hear(kTerminate);
  one.server.close();
  EXPECT_EQ(one.client.hear_end(), "");
  one.client.close();
  EXPECT_TRUE(ends_in_time());
  EXPECT_EQ(server_->sessions(), 0u);
}

TEST_F(Moat, EndsAtOnceWithoutSessions) {
  for (const auto how :
       {Server::Stop::when_clients_leave, Server::Stop::when_idle, Server::Stop::now}) {
    start(setup());
    server_->stop(how);
    EXPECT_TRUE(ends_in_time());
    server_.reset();
  }
  start(setup());  // and by its destructor
  server_.reset();
}

TEST_F(Moat, TellsIdleSessionsAndWaitsForTheBusy) {
  start(setup());
  Pair idle = session();
  Pair busy = session();
  busy.client.say(query("select 1"));
  busy.server.hear(query("select 1"));
  server_->stop(Server::Stop::when_idle);
  EXPECT_EQ(idle.client.hear_end(), kBye);
  EXPECT_FALSE(busy.client.readable(0));
  busy.server.say(complete("SELECT 1") + ready('I'));
  EXPECT_EQ(busy.client.hear_end(), complete("SELECT 1") + ready('I') + kBye);
  idle.client.close();
  busy.client.close();
  EXPECT_TRUE(ends_in_time());
}

TEST_F(Moat, TellsEverybodyWhenStoppedNow) {
  start(setup());
  Pair busy = session();
  busy.client.say(query("select 1"));
  busy.server.hear(query("select 1"));
  server_->stop(Server::Stop::when_clients_leave);
  server_->stop(Server::Stop::now);
  EXPECT_EQ(busy.client.hear_end(), kBye);
  EXPECT_TRUE(ends_in_time()) << "although the client has not closed";
}

TEST_F(Moat, DrainHasADeadline) {
  net::ServerSetup short_drain = setup();
  short_drain.drain = 100ms;
  start(std::move(short_drain));
  Pair busy = session();
  busy.client.say(query("select 1"));
  busy.server.hear(query("select 1"));
  server_->stop(Server::Stop::when_clients_leave);
  EXPECT_EQ(busy.client.hear_end(), kBye);
  EXPECT_TRUE(ends_in_time());
}

TEST_F(Moat, SessionsAtTheLimitAndOnePast) {
  net::ServerSetup two = setup();
  two.sessions = 2;
  start(std::move(two));
  Pair one = session();
  Pair other = session();
  Socket past = Socket::connected(port_);
  past.say(startup());
  const std::string told = past.hear_end();
  EXPECT_NE(told.find("SFATAL"), std::string::npos) << testing::PrintToString(told);
  EXPECT_NE(told.find("C53300"), std::string::npos);
  past.close();
  ASSERT_TRUE(sessions_become(2));
  one.client.close();
  one.server.close();
  ASSERT_TRUE(sessions_become(1));
  Pair again = session();
  again.client.say(query("select 1"));
  again.server.hear(query("select 1"));
}

TEST_F(Moat, SaysWhyItCannotStart) {
  const Socket taken = Socket::listening();
  net::ServerSetup used = setup();
  const std::string place = "127.0.0.1:" + std::to_string(taken.port());
  used.listen = {{"127.0.0.1", taken.port()}};
  const auto one = Server::start(std::move(used));
  ASSERT_FALSE(one);
  EXPECT_EQ(one.error(), "cannot listen on " + place +
                             ": Address already in use; is another program using the port?");
  net::ServerSetup nowhere = setup();
  nowhere.listen = {{"127.0.0.1", 0}, {"192.0.2.1", 1}};  // TEST-NET-1: nobody's address
  const auto two = Server::start(std::move(nowhere));
  ASSERT_FALSE(two);
  EXPECT_EQ(two.error().find("cannot listen on 192.0.2.1:1: "), 0u) << two.error();
  net::ServerSetup unknown = setup();
  unknown.backend = {"no such host", 1};
  const auto three = Server::start(std::move(unknown));
  ASSERT_FALSE(three);
  EXPECT_EQ(three.error().find("cannot resolve the backend address no such host:1: "), 0u)
      << three.error();
  EXPECT_NE(three.error().find("check the host name"), std::string::npos);
}

TEST_F(Moat, SaysThatTheServerCannotBeReached) {
  Socket gone = Socket::listening();
  net::ServerSetup nobody = setup(session::Mode::enforce);
  nobody.backend.port = gone.port();
  gone.close();
  start(std::move(nobody));
  Socket client = Socket::connected(port_);
  client.say(startup());
  const std::string told = client.hear_end();
  EXPECT_NE(told.find("C08006"), std::string::npos) << testing::PrintToString(told);
  EXPECT_NE(told.find("Connection refused"), std::string::npos);
}

TEST_F(Moat, EventsCarryTheSessionsNumber) {
  std::mutex mutex;
  std::vector<std::uint64_t> opened, closed;
  net::ServerSetup watched = setup();
  watched.on_event = [&](std::uint64_t id, session::Event&& event) {
    const std::lock_guard lock(mutex);
    if (std::holds_alternative<session::SessionOpened>(event)) opened.push_back(id);
    if (std::holds_alternative<session::SessionClosed>(event)) closed.push_back(id);
  };
  start(std::move(watched));
  for (int i = 0; i < 3; ++i) {
    Pair one = session();
    one.client.close();
    one.server.close();
    ASSERT_TRUE(sessions_become(0));
  }
  server_->stop(Server::Stop::now);
  ASSERT_TRUE(ends_in_time());
  EXPECT_EQ(opened, (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(closed, opened);
}

// Enforcing, the client has a key of ours; a request with it reaches the server with the server's.
TEST_F(Moat, CancelIsMappedToTheServersKey) {
  start(setup(session::Mode::enforce));
  Pair one = session();
  EXPECT_NE(one.key, "abcd");
  Socket request = Socket::connected(port_);
  request.say(cancel(one.key));
  Socket forwarded = backend_.accept();
  forwarded.hear(cancel("abcd"));
  EXPECT_FALSE(request.readable(0)) << "not before the server has closed";
  forwarded.close();
  EXPECT_EQ(request.hear_end(), "");
}

TEST_F(Moat, CancelWithAnotherKeyReachesNobody) {
  start(setup(session::Mode::enforce));
  Pair one = session();
  std::string other = one.key;
  other[3] = static_cast<char>(other[3] ^ 1);
  for (const std::string& key : {other, "abcd"s, one.key + "x"}) {
    Socket request = Socket::connected(port_);
    request.say(cancel(key));
    EXPECT_EQ(request.hear_end(), "");
    EXPECT_FALSE(backend_.readable(0));
  }
}

TEST_F(Moat, CancelPassesUnchangedWhenMonitoring) {
  start(setup());
  Pair one = session();
  EXPECT_EQ(one.key, "abcd");
  Socket request = Socket::connected(port_);
  request.say(cancel("wxyz"));
  Socket forwarded = backend_.accept();
  forwarded.hear(cancel("wxyz"));
  forwarded.close();
  EXPECT_EQ(request.hear_end(), "");
}

}  // namespace
}  // namespace pgmoat::test
