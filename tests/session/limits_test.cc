// Every limit of a session, at the limit and one past it. Enforcing, one past is refused or ends
// the session before the bytes reach the other side; monitoring, it is reported and no byte
// differs.
#include "support/conversation.h"

namespace pgmoat::test {
namespace {

using session::Mode;

const std::string kPoison = "/* pgmoat */ " + kToken;

session::Setup with(Mode mode, void (*change)(session::Setup&)) {
  session::Setup setup = setup_for(mode);
  change(setup);
  setup.prepare();
  return setup;
}
void expect_refusal(Conversation& talk, const char* sqlstate, const char* rule) {
  EXPECT_NE(talk.to_client().find("\0C"s + sqlstate), std::string::npos) << talk.to_client();
  int found = 0;
  for (const auto& event : talk.events) {
    const auto* judged = std::get_if<session::StatementJudged>(&event);
    found += judged != nullptr && judged->rule == rule && judged->enforced;
  }
  EXPECT_EQ(found, 1) << rule;
}

class Limits : public testing::TestWithParam<std::size_t> {
 protected:
  static Conversation talk(Mode mode, void (*change)(session::Setup&)) {
    return Conversation(with(mode, change), {"secrets"}, GetParam());
  }
};
INSTANTIATE_TEST_SUITE_P(Chunks, Limits, testing::Values(0, 1, 5));

void two_statements(session::Setup& setup) { setup.limits.statements = 2; }

TEST_P(Limits, StatementsAreNames) {
  auto talk = Limits::talk(Mode::enforce, two_statements);
  const std::string two = parse("select 1", "a") + parse("select 1", "b") + kSync;
  talk.login().client(two, two).server(kParsed + kParsed + ready('I'),
                                       kParsed + kParsed + ready('I'));
  // The unnamed one and names that exist take no room.
  const std::string more = parse("select 1") + parse("select 2") + kSync;
  talk.client(more, more).server(kParsed + kParsed + ready('I'), kParsed + kParsed + ready('I'));
  talk.client(parse("select 1", "c") + kSync, parse(kPoison, "c") + kSync);
  talk.feed(wire::Side::server, poisoned() + ready('I'));
  expect_refusal(talk, "54000", "limits.statements");
  // Closing one makes room for one.
  talk.client(close('S', "a") + kSync, close('S', "a") + kSync);
  talk.server(frame('3') + ready('I'), frame('3') + ready('I'));
  talk.client(parse("select 1", "c") + kSync, parse("select 1", "c") + kSync);
  talk.server(kParsed + ready('I'), kParsed + ready('I'));
  talk.client(parse("select 1", "a") + kSync, parse(kPoison, "a") + kSync).owes(2);
}

// Statements that are on their way count, else a pipeline would get past the limit.
TEST_P(Limits, StatementsCountBeforeTheyAreConfirmed) {
  auto talk = Limits::talk(Mode::enforce, two_statements);
  const std::string two = parse("select 1", "a") + parse("select 1", "b");
  talk.login().client(two + parse("select 1", "c") + kSync, two + parse(kPoison, "c") + kSync);
  talk.feed(wire::Side::server, kParsed + kParsed + poisoned() + ready('I'));
  expect_refusal(talk, "54000", "limits.statements");
}

TEST_P(Limits, StatementsThatFailedTakeNoRoom) {
  auto talk = Limits::talk(Mode::enforce, two_statements);
  const std::string three = parse("bad", "a") + parse("select 1", "b") + kSync;
  talk.login().client(three, three);
  talk.server(error("42601", "x") + ready('I'), error("42601", "x") + ready('I'));
  const std::string two = parse("select 1", "c") + parse("select 1", "d") + kSync;
  talk.client(two, two).owes(3);
}

TEST_P(Limits, StatementsWhenMonitoring) {
  auto talk = Limits::talk(Mode::monitor, two_statements);
  const std::string three =
      parse("select 1", "a") + parse("select 1", "b") + parse("select 1", "c") + kSync;
  talk.login().client(three, three);
  const std::string answers = kParsed + kParsed + kParsed + ready('I');
  talk.server(answers, answers).owes(0).phase("ready");
  EXPECT_EQ(talk.count_events<session::StatementJudged>(), 1);
}

void two_portals(session::Setup& setup) { setup.limits.portals = 2; }

TEST_P(Limits, Portals) {
  auto talk = Limits::talk(Mode::enforce, two_portals);
  const std::string two = parse("select 1") + bind("a") + bind("b") + bind() + kSync;
  talk.login().client(query("begin"), query("begin"));
  talk.server(complete("BEGIN") + ready('T'), complete("BEGIN") + ready('T'));
  const std::string answers = kParsed + kBound + kBound + kBound + ready('T');
  talk.client(two, two).server(answers, answers);
  talk.client(bind("c") + kSync, parse(kPoison, "pgmoat") + kSync);
  talk.feed(wire::Side::server, poisoned() + ready('E'));
  expect_refusal(talk, "54000", "limits.portals");
  // The end of the transaction closes them all.
  talk.client(query("rollback"), query("rollback"));
  talk.server(complete("ROLLBACK") + ready('I'), complete("ROLLBACK") + ready('I'));
  talk.client(bind("c") + bind("d") + bind("e") + kSync,
              bind("c") + bind("d") + parse(kPoison, "pgmoat") + kSync);
}

TEST_P(Limits, PortalsWhenMonitoring) {
  auto talk = Limits::talk(Mode::monitor, two_portals);
  const std::string all = parse("select 1") + bind("a") + bind("b") + bind("c") + kSync;
  const std::string answers = kParsed + kBound + kBound + kBound + ready('I');
  talk.login().client(all, all).server(answers, answers).owes(0).phase("ready");
  EXPECT_EQ(talk.count_events<session::StatementJudged>(), 1);
}

void small_segment(session::Setup& setup) { setup.limits.segment_bytes = 100; }
const std::string kFifty = parse(std::string(41, 'x'));  // with its header and ends: 50

TEST_P(Limits, SegmentBytes) {
  ASSERT_EQ(kFifty.size(), 50u);
  auto talk = Limits::talk(Mode::enforce, small_segment);
  talk.login().client(kFifty + kFifty, kFifty + kFifty).phase("ready");
  talk.feed(wire::Side::client, kFlush);
  EXPECT_EQ(talk.to_server(), "");
  EXPECT_NE(talk.to_client().find("54000"), std::string::npos);
  talk.phase("closed");
  EXPECT_EQ(talk.count_events<session::ProtocolFault>(), 1);
}

TEST_P(Limits, SegmentBytesAreCountedFromReadyForQuery) {
  auto talk = Limits::talk(Mode::enforce, small_segment);
  talk.login();
  for (int i = 0; i < 5; ++i) {
    const std::string exactly = query(std::string(94, 'x'));
    ASSERT_EQ(exactly.size(), 100u);
    talk.client(exactly, exactly)
        .server(complete("SELECT 1") + ready('I'), complete("SELECT 1") + ready('I'));
  }
}

TEST_P(Limits, SegmentBytesExceptCopyData) {
  auto talk = Limits::talk(Mode::enforce, small_segment);
  const std::string copy_in = bytes(wire::CopyResponse{'G', 0, {}});
  talk.login()
      .client(query("copy t from stdin"), query("copy t from stdin"))
      .server(copy_in, copy_in);
  const std::string data = frame('d', std::string(90, '1'));
  for (int i = 0; i < 5; ++i) talk.client(data, data);
  talk.client(frame('c'), frame('c')).phase("ready");
}

TEST_P(Limits, SegmentBytesWhenMonitoring) {
  auto talk = Limits::talk(Mode::monitor, small_segment);
  const std::string all = kFifty + kFifty + kFlush + kSync + query("select secrets");
  talk.login().client(all, all).phase("opaque");
  const std::string answers = kParsed + kParsed + ready('I') + "whatever follows";
  talk.server(answers, answers);
  EXPECT_EQ(talk.count_events<session::ProtocolFault>(), 1);
  EXPECT_EQ(talk.count_events<session::TurnedOpaque>(), 1);
}

constexpr std::size_t kBody = 300;  // what each message's limit is set to

void small_frames(session::Setup& setup) {
  wire::FrameLimits& frames = setup.frame_limits;
  frames.query = frames.bind = frames.function_call = frames.password = frames.server_message =
      kBody;
}

struct Message {
  const char* name;
  std::string (*of)(std::size_t body);  // a well-formed message with a body of that size
};

std::string query_of(std::size_t body) { return query(std::string(body - 1, 'x')); }
std::string parse_of(std::size_t body) { return parse(std::string(body - 4, 'x')); }
std::string bind_of(std::size_t body) {
  wire::Bind message;
  const std::size_t size = body - 12;  // two names, three counts, one length
  std::string value(4, '\0');
  value[2] = static_cast<char>(size >> 8);
  value[3] = static_cast<char>(size & 0xff);
  value.append(size, 'v');
  message.param_count = 1;
  message.params = as_bytes(value);
  return bytes(message);
}
std::string call_of(std::size_t body) {
  wire::FunctionCall message;
  const std::size_t size = body - 14;
  std::string value(4, '\0');
  value[2] = static_cast<char>(size >> 8);
  value[3] = static_cast<char>(size & 0xff);
  value.append(size, 'v');
  message.function = 957;
  message.arg_count = 1;
  message.args = as_bytes(value);
  return bytes(message);
}

class FrameLimits : public testing::TestWithParam<Message> {};
INSTANTIATE_TEST_SUITE_P(All, FrameLimits,
                         testing::Values(Message{"query", query_of}, Message{"parse", parse_of},
                                         Message{"bind", bind_of},
                                         Message{"function_call", call_of}),
                         [](const auto& row) { return row.param.name; });

TEST_P(FrameLimits, OfTheClient) {
  const std::string at = GetParam().of(kBody), past = GetParam().of(kBody + 1);
  ASSERT_EQ(at.size(), kBody + 5);
  ASSERT_EQ(past.size(), kBody + 6);
  for (const std::size_t chunk : {0, 1, 7}) {
    Conversation talk(with(Mode::enforce, small_frames), {}, chunk);
    talk.login().client(at, at).owes(1);
    talk.feed(wire::Side::client, past.substr(0, 5));
    EXPECT_EQ(talk.to_server(), "");
    EXPECT_NE(talk.to_client().find("08P01"), std::string::npos) << "told by its header alone";
    talk.phase("closed");
    EXPECT_EQ(talk.count_events<session::ProtocolFault>(), 1);
    Conversation monitor(with(Mode::monitor, small_frames), {}, chunk);
    monitor.login().client(at + past + kSync, at + past + kSync).owes(3).phase("ready");
    EXPECT_EQ(monitor.count_events<session::ProtocolFault>(), 1);
  }
}

TEST(FrameLimit, OfPasswords) {
  const auto asked = [](Conversation& talk) {
    talk.client(startup(), "").event(session::Connected{}, "", startup());
    const std::string ask = bytes(wire::Authentication{wire::AuthenticationKind::cleartext, {}});
    talk.server(ask, ask);
  };
  const std::string at = bytes(wire::PasswordMessage{std::string(kBody - 1, 'p')});
  const std::string past = bytes(wire::PasswordMessage{std::string(kBody, 'p')});
  Conversation good(with(Mode::enforce, small_frames));
  asked(good);
  good.client(at, at).phase("authenticating");
  Conversation bad(with(Mode::enforce, small_frames));
  asked(bad);
  bad.feed(wire::Side::client, past.substr(0, 5));
  EXPECT_EQ(bad.to_server(), "");
  bad.phase("closed");
  Conversation monitor(with(Mode::monitor, small_frames));
  asked(monitor);
  monitor.client(past, past);
  EXPECT_EQ(monitor.count_events<session::ProtocolFault>(), 1);
  monitor.server(authentication_ok() + ready('I'), authentication_ok() + ready('I'));
}

// A message of the server's that is gathered; rows and COPY data are not.
TEST(FrameLimit, OfTheServer) {
  const auto notice = [](std::size_t body) {
    return frame('N', "SNOTICE\0VNOTICE\0C00000\0M"s + std::string(body - 26, 'm') + "\0\0"s);
  };
  const std::string at = notice(kBody), past = notice(kBody + 1);
  ASSERT_EQ(past.size(), kBody + 6);
  Conversation talk(with(Mode::enforce, small_frames));
  talk.login().server(at, at);
  talk.feed(wire::Side::server, past.substr(0, 5));
  EXPECT_NE(talk.to_client().find("08P01"), std::string::npos);
  talk.phase("closed");
  Conversation monitor(with(Mode::monitor, small_frames));
  monitor.login().server(at + past + at, at + past + at);
  EXPECT_EQ(monitor.count_events<session::ProtocolFault>(), 1);
}

TEST(FrameLimit, RowsStreamByWhateverTheirSize) {
  const std::string value(5000, 'v');
  const std::string row = frame('D', "\0\1\0\0\x13\x88"s + value);
  const std::string description = bytes(wire::RowDescription{});
  for (const std::size_t chunk : {0, 1, 7}) {
    Conversation talk(with(Mode::enforce, small_frames), {}, chunk);
    talk.login().client(query("select 1"), query("select 1"));
    talk.server(description + row + complete("SELECT 1") + ready('I'),
                description + row + complete("SELECT 1") + ready('I'));
  }
}

// CopyData is bounded only where the judge reads it: by the limit of Bind.
TEST(FrameLimit, OfCopyData) {
  const std::string copy_in = bytes(wire::CopyResponse{'G', 0, {}});
  const std::string at = frame('d', std::string(kBody, '1')),
                    past = frame('d', std::string(kBody + 1, '1'));
  const auto copying = [&](Conversation& talk) {
    talk.login()
        .client(query("copy t from stdin"), query("copy t from stdin"))
        .server(copy_in, copy_in);
  };
  for (const std::size_t chunk : {0, 1, 7}) {
    Conversation talk(with(Mode::enforce, small_frames), {"secrets"}, chunk);
    copying(talk);
    talk.client(at, at);
    talk.feed(wire::Side::client, past.substr(0, 5));
    EXPECT_EQ(talk.to_server(), "");
    talk.phase("closed");
    Conversation monitor(with(Mode::monitor, small_frames), {"secrets"}, chunk);
    copying(monitor);
    const std::string all = at + past + at + frame('c');
    monitor.client(all, all).server(complete("COPY 3") + ready('I'),
                                    complete("COPY 3") + ready('I'));
    monitor.owes(0).phase("ready");
    EXPECT_EQ(monitor.count_events<session::ProtocolFault>(), 1);
    Conversation free(with(Mode::enforce,
                           [](session::Setup& setup) {
                             small_frames(setup);
                             setup.frame_limits.gather_copy_data = false;
                           }),
                      {}, chunk);
    copying(free);
    free.client(past + past, past + past).phase("ready");
  }
}

// Waiting for the server costs nothing of the client's time; a cut message does.
TEST(TimeLimits, AreReachedExactly) {
  using namespace std::chrono_literals;
  const auto closes_at = [](Conversation& talk, Duration at) {
    EXPECT_EQ(talk.engine().deadline(), Instant{} + at);
    talk.engine().on_transport(session::Timer{}, Instant{} + at - 1ns, talk.outbox());
    talk.collect();
    EXPECT_FALSE(talk.engine().closed()) << "one before the limit";
    talk.engine().on_transport(session::Timer{}, Instant{} + at, talk.outbox());
    talk.collect();
    talk.phase("closed");
  };
  Conversation greeting(Mode::enforce);
  closes_at(greeting, 60s);
  Conversation dialing(Mode::enforce);
  dialing.client(startup(), "");
  closes_at(dialing, 5s);
  Conversation asked(Mode::enforce);
  asked.client(startup(), "").event(session::Connected{}, "", startup());
  closes_at(asked, 60s);
  Conversation cut(Mode::enforce);
  cut.login().client("Q", "");
  closes_at(cut, 60s);
  Conversation idle(Mode::enforce);
  idle.login().client(query("select 1"), query("select 1"));
  EXPECT_EQ(idle.engine().deadline(), kNever);
}

}  // namespace
}  // namespace pgmoat::test
