// The client waits when too much of what it asked is unanswered, and when the driver does not read
// it: nothing is lost, nobody is late for it, and what it holds costs bounded memory.
#include "support/conversation.h"
#include "support/table_judge.h"

namespace pgmoat::test {
namespace {

using session::Mode;
using std::chrono::seconds;

class Backpressure : public testing::TestWithParam<Mode> {};
INSTANTIATE_TEST_SUITE_P(Modes, Backpressure, testing::Values(Mode::enforce, Mode::monitor));

TEST_P(Backpressure, AtThePipelineLimitTheClientIsNotRead) {
  session::Setup setup = setup_for(GetParam());
  setup.limits.pipeline = 3;
  Conversation talk(setup);
  const std::string three = query("select 1") + query("select 2") + query("select 3");
  const std::string one_past = query("select 4");
  const std::string answer = complete("SELECT 1") + ready('I');
  talk.login().client(three, three).owes(3);
  talk.client(one_past, "").owes(3);
  EXPECT_FALSE(talk.engine().appetite().client);
  talk.later(seconds(600)).event(session::Timer{}).phase("ready");  // its own fault it is not
  talk.server(answer, answer, one_past).owes(3);
  EXPECT_TRUE(talk.engine().appetite().client);
  talk.server(answer + answer + answer, answer + answer + answer).owes(0);
  EXPECT_EQ(talk.count_events<session::ProtocolFault>(), 0);
}

TEST(Refusals, AtTheLimitTheClientIsNotRead) {
  session::Setup setup = setup_for(Mode::enforce);
  setup.limits.refusals = 2;
  Conversation talk(setup);
  talk.login();
  talk.feed(wire::Side::client, query("select 1 from secrets") + query("select 2 from secrets"));
  talk.owes(2).client(query("select 3"), "").owes(2);
  EXPECT_FALSE(talk.engine().appetite().client);
  talk.feed(wire::Side::server, poisoned() + ready('I'));
  talk.owes(2);
  EXPECT_EQ(talk.to_server(), query("select 3"));
}

// What is kept of statements grows with them until the server has answered: at the limit it is asked to.
TEST(Unanswered, AtTheLimitTheServerIsAskedAndTheClientIsNotRead) {
  const std::string text = "select 'one'";
  sql::Analyzer analyzer;
  const std::uint64_t size = analyzer.analyze(text, {})->memory();
  session::Setup setup = setup_for(Mode::enforce);
  setup.limits.unanswered_bytes = 2 * size;
  TableJudge judge;
  Conversation talk(setup, judge);
  talk.login().client(parse(text), parse(text));  // one below
  talk.client(parse(text), parse(text) + kFlush);
  talk.client(parse("select 2"), "").owes(2);
  EXPECT_FALSE(talk.engine().appetite().client);
  talk.server(kParsed, kParsed).owes(1);
  talk.server(kParsed, kParsed, parse("select 2")).owes(1);

  setup.mode = Mode::monitor;
  setup.on_fault = session::default_matrix(Mode::monitor);
  Conversation monitor(setup, judge);
  monitor.login();
  for (int i = 0; i < 5; ++i) monitor.client(parse(text), parse(text));  // not a byte more
}

TEST(MessageDeadline, CountsFromTheFrameThatIsIncomplete) {
  Conversation talk(Mode::enforce);
  const std::string sent = query("select 1");
  talk.login().client(sent + "Q", sent);
  talk.later(seconds(50)).client(query("select 2").substr(1) + "Q", query("select 2"));
  EXPECT_EQ(talk.engine().deadline(), Instant{} + seconds(50 + 60));
  talk.later(seconds(59)).event(session::Timer{}).phase("ready");
}

TEST(MessageDeadline, StandsStillWhileTheClientIsNotRead) {
  Conversation talk(Mode::enforce);
  talk.login().client("Q", "");
  talk.engine().pause(true, Instant{} + seconds(1));
  EXPECT_EQ(talk.engine().deadline(), kNever);
  talk.later(seconds(300)).event(session::Timer{}).phase("ready");
  talk.engine().pause(false, Instant{} + seconds(300));
  EXPECT_EQ(talk.engine().deadline(), Instant{} + seconds(360));
}

TEST(Surplus, IsToldWhenItHasSaidWhoItIs) {
  session::Setup setup = setup_for(Mode::enforce);
  session::Outbox out;
  wire::BufferPool pool;
  policy::AllowAll judge;
  session::Origin late = origin("test", Instant{});
  late.surplus = true;
  session::Engine engine(setup, judge, pool, late);
  engine.on_bytes(wire::Side::client, as_bytes(bytes(wire::SslRequest{})), Instant{}, out);
  EXPECT_EQ(out.to_client.flat(), "N");
  out.clear();
  engine.on_bytes(wire::Side::client, as_bytes(startup()), Instant{}, out);
  EXPECT_NE(out.to_client.flat().find("53300"), std::string::npos);
  EXPECT_TRUE(engine.closed());
}

}  // namespace
}  // namespace pgmoat::test
