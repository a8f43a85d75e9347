// The session's phases as conversations: greeting, login, requests and answers, COPY, the ends.
#include "support/conversation.h"

namespace pgmoat::test {
namespace {

using session::Mode;

class Session : public testing::TestWithParam<std::size_t> {
 protected:
  Conversation talk_{Mode::enforce, GetParam()};
  Conversation monitor_{Mode::monitor, GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Chunks, Session, testing::Values(0, 1, 2, 7));

const std::string kSslRequest = bytes(wire::SslRequest{});
const std::string kGssRequest = bytes(wire::GssEncRequest{});

TEST_P(Session, AnswersEncryptionRequestsOnceEach) {
  talk_.client(kSslRequest, "", "N").client(kGssRequest, "", "N").phase("greeting");
  talk_.feed(wire::Side::client, kSslRequest);
  talk_.phase("closed");
  EXPECT_NE(talk_.to_client().find("08P01"), std::string::npos);
}

// The server never sees an encryption request, so monitoring has to refuse what it would refuse.
TEST_P(Session, MonitorRefusesASecondEncryptionRequestAsTheServerWould) {
  monitor_.client(kSslRequest, "", "N");
  monitor_.feed(wire::Side::client, kSslRequest);
  monitor_.phase("closed");
  EXPECT_NE(monitor_.to_client().find("0A000"), std::string::npos);
  EXPECT_EQ(monitor_.count_commands<session::Dial>(), 0);
}

TEST(Greeting, RefusesBytesBehindAnEncryptionRequest) {
  for (const Mode mode : {Mode::enforce, Mode::monitor}) {
    Conversation talk(mode);
    talk.feed(wire::Side::client, kSslRequest + startup());
    talk.phase("closed");
    EXPECT_EQ(talk.to_server(), "");
    EXPECT_TRUE(talk.to_client().starts_with("NE")) << talk.to_client();
    EXPECT_NE(talk.to_client().find("08P01"), std::string::npos);
    EXPECT_EQ(talk.count_events<session::ProtocolFault>(), 1);
  }
}

TEST_P(Session, LogsIn) {
  talk_.client(startup(), "").phase("dialing");
  EXPECT_EQ(talk_.count_commands<session::Dial>(), 1);
  talk_.event(session::Connected{}, "", startup()).phase("authenticating");
  const std::string salt = "salt";
  const std::string ask =
      bytes(wire::Authentication{wire::AuthenticationKind::md5, as_bytes(salt)});
  const std::string password = bytes(wire::PasswordMessage{"md5xyz"});
  talk_.server(ask, ask).client(password, password);
  const std::string status = bytes(wire::ParameterStatus{"server_version", "15.1"});
  const std::string secret = "abcd";
  const std::string key = bytes(wire::BackendKeyData{42, as_bytes(secret)});
  const std::string ours =
      bytes(wire::BackendKeyData{42, as_bytes(std::string_view(kOurKey).substr(0, 4))});
  talk_.server(authentication_ok() + status, authentication_ok() + status)
      .server(key, ours)
      .server(ready('I'), ready('I'))
      .phase("ready");
}

TEST_P(Session, MonitorPassesTheServersKey) {
  monitor_.feed(wire::Side::client, startup());
  monitor_.event(session::Connected{}, "", startup());
  const std::string secret = "abcd";
  const std::string key = bytes(wire::BackendKeyData{42, as_bytes(secret)});
  monitor_.server(authentication_ok() + key, authentication_ok() + key);
}

TEST_P(Session, HoldsWhatComesBeforeItIsAsked) {
  talk_.client(startup() + query("select 1"), "");
  talk_.event(session::Connected{}, "", startup());
  talk_.server(authentication_ok(), authentication_ok())
      .server(ready('I'), ready('I'), query("select 1"))
      .owes(1);
}

TEST_P(Session, RefusesAQueryInPlaceOfAPassword) {
  talk_.client(startup(), "");
  talk_.event(session::Connected{}, "", startup());
  const std::string ask = bytes(wire::Authentication{wire::AuthenticationKind::cleartext, {}});
  talk_.server(ask, ask);
  talk_.feed(wire::Side::client, query("select 1"));
  EXPECT_EQ(talk_.to_server(), "");
  talk_.phase("closed");
}

TEST_P(Session, OffersNewerProtocolsOnlyWhatItKnows) {
  const std::string grease = startup("_pq_.grease\0on\0"s, wire::kProtocol30 | 9999);
  talk_.client(grease, "");
  const std::string name = "_pq_.grease\0"s;
  const std::string answer =
      bytes(wire::NegotiateProtocolVersion{wire::kProtocol32, 1, as_bytes(name)});
  talk_.event(session::Connected{}, "", startup("", wire::kProtocol32));
  talk_.server(authentication_ok(), answer + authentication_ok());
}

TEST_P(Session, AnotherProtocolIsRelayedAndSaid) {
  const std::string old = startup("", 2u << 16);
  monitor_.client(old, "").event(session::Connected{}, "", old).phase("opaque");
  EXPECT_EQ(monitor_.count_events<session::TurnedOpaque>(), 1);
  talk_.feed(wire::Side::client, old);
  EXPECT_NE(talk_.to_client().find("0A000"), std::string::npos);
  talk_.phase("closed");
}

TEST_P(Session, DialFailureIsSaid) {
  talk_.client(startup(), "");
  talk_.event(session::ConnectFailed{"cannot connect"},
              error("08006", "pgmoat: cannot connect", "FATAL"));
  talk_.phase("closed");
}

struct BadStartup {
  const char* name;
  std::string more;
  const char* sqlstate;
};

class StartupRules : public testing::TestWithParam<BadStartup> {};

TEST_P(StartupRules, Refuse) {
  Conversation talk(Mode::enforce);
  talk.feed(wire::Side::client, startup(GetParam().more));
  EXPECT_EQ(talk.to_server(), "");
  EXPECT_NE(talk.to_client().find(GetParam().sqlstate), std::string::npos) << talk.to_client();
  talk.phase("closed");
}
INSTANTIATE_TEST_SUITE_P(
    All, StartupRules,
    testing::Values(BadStartup{"duplicate", "USER\0bob\0"s, "08P01"},
                    BadStartup{"long", std::string(64, 'x') + "\0y\0"s, "08P01"},
                    BadStartup{"library", "local_preload_libraries\0evil\0"s, "42501"},
                    BadStartup{"replication", "replication\0tru\0"s, "42501"},
                    BadStartup{"replication_database", "replication\0database\0"s, "42501"},
                    BadStartup{"encoding", "client_encoding\0'SJIS'\0"s, "42501"},
                    BadStartup{"strings", "Standard_Conforming_Strings\0off\0"s, "42501"},
                    BadStartup{"options", "options\0--standard-conforming-strings=off\0"s, "42501"},
                    BadStartup{"options_switch", "options\0-F\0"s, "42501"}),
    [](const auto& row) { return row.param.name; });

TEST(StartupRules, AcceptWhatClientsSend) {
  Conversation talk(Mode::enforce);
  talk.client(
          startup(
              "client_encoding\0'utf-8'\0application_name\0x\0options\0-c geqo=off -c work_mem=64MB\0"s),
          "")
      .phase("dialing");
}

TEST_P(Session, DeliversWhatIsOwedAfterTerminate) {
  talk_.login()
      .client(parse("bad") + kTerminate, parse("bad") + kTerminate)
      .phase("draining")
      .server(error("42601", "syntax error"), error("42601", "syntax error"))
      .event(session::Eof{wire::Side::server})
      .phase("closed");
}

TEST_P(Session, TellsTheClientWhenTheServerDies) {
  talk_.login().client(query("select 1"), query("select 1"));
  talk_.event(session::Eof{wire::Side::server},
              error("08006", "pgmoat: the server closed the connection unexpectedly", "FATAL"));
}

TEST_P(Session, SaysNothingInTheMiddleOfARow) {
  talk_.login().client(query("select 1"), query("select 1"));
  const std::string description = bytes(wire::RowDescription{});
  const std::string half = frame('D', "\0\1\0\0\0\144"s + std::string(100, 'x')).substr(0, 50);
  talk_.server(description + half, description + half);
  talk_.event(session::Eof{wire::Side::server}, "").phase("closed");
}

TEST_P(Session, SkipsToSyncAsTheServerDoes) {
  talk_.login()
      .client(parse("bad"), parse("bad"))
      .server(error("42601", "syntax error"), error("42601", "syntax error"))
      .client(query("select 1") + bind() + kFlush, "")
      .client(kSync, kSync)
      .server(ready('I'), ready('I'))
      .owes(0);
}

TEST_P(Session, CopyInSwallowsSync) {
  const std::string copy_in = bytes(wire::CopyResponse{'G', 0, {}});
  talk_.login()
      .client(parse("COPY t FROM STDIN") + bind() + execute() + kSync,
              parse("COPY t FROM STDIN") + bind() + execute() + kFlush)
      .server(kParsed + kBound + copy_in, kParsed + kBound + copy_in)
      .client(frame('d', "1\n") + frame('c'), frame('d', "1\n") + frame('c'))
      .server(complete("COPY 1"), complete("COPY 1"))
      .client(kSync, kSync)
      .server(ready('I'), ready('I'))
      .owes(0);
}

// A Parse of a name that is taken fails: the old statement stays, and it may start a COPY.
TEST_P(Session, ANameThatIsTakenKeepsItsBarrier) {
  const std::string copy = parse("copy t from stdin", "a");
  const std::string other = parse("select 1", "a");
  talk_.login()
      .client(copy + kSync, copy + kSync)
      .server(kParsed + ready('I'), kParsed + ready('I'))
      .client(other + kSync, other + kSync);
  const std::string taken = error("42P05", "prepared statement \"a\" already exists");
  talk_.server(taken + ready('I'), taken + ready('I'))
      .client(bind("", "a") + execute() + kSync, bind("", "a") + execute() + kFlush)
      .owes(2);
}

TEST_P(Session, AnUnknownStatementMayStartACopy) {
  talk_.login().client(bind("", "who") + execute() + kSync, bind("", "who") + execute() + kFlush);
}

// The server may have failed the COPY itself before our CopyFail got there: then its error is the
// first, and the late CopyFail is ignored (F10).
TEST_P(Session, TheServersOwnCopyErrorMayOvertakeARefusal) {
  const std::string copy_in = bytes(wire::CopyResponse{'G', 0, {}});
  const std::string own = error("22P02", "invalid input syntax");
  talk_.login().client(query("COPY t FROM STDIN"), query("COPY t FROM STDIN"));
  talk_.server(copy_in, copy_in).client(frame('d', "oops\n"), frame('d', "oops\n"));
  talk_.client(frame('d', "secrets\n") + frame('c'), bytes(wire::CopyFail{kToken}));
  talk_.server(own + ready('I'), own + ready('I')).owes(0).phase("ready");
  talk_.client(query("secrets"), query("/* pgmoat */ " + kToken));
  talk_.feed(wire::Side::server, poisoned() + ready('I'));
  EXPECT_NE(talk_.to_client().find("42501"), std::string::npos);
  talk_.owes(0);
}

// A Query is discarded while skipping; if it was a COPY, its data comes after the client's Sync.
TEST_P(Session, DataOfASkippedCopyIsNoAttack) {
  const std::string bad = error("42601", "syntax error");
  talk_.login().client(parse("bad"), parse("bad")).server(bad, bad);
  talk_.client(query("COPY t FROM STDIN") + kSync + frame('d', "1\n") + frame('c'), kSync);
  talk_.server(ready('I'), ready('I')).owes(0).phase("ready");
}

// A Parse of a name that is taken fails and leaves the name its meaning (F5): COPY here.
TEST_P(Session, AFailedParseLeavesACopyToBeExpected) {
  const std::string copy_in = bytes(wire::CopyResponse{'G', 0, {}});
  const std::string taken = error("42P05", "prepared statement \"a\" already exists");
  const std::string copy = parse("COPY t FROM STDIN", "a");
  talk_.login()
      .client(copy + kSync, copy + kSync)
      .server(kParsed + ready('I'), kParsed + ready('I'));
  const std::string other = parse("select 1", "a");
  talk_.client(other + kSync, other + kSync).server(taken + ready('I'), taken + ready('I'));
  talk_.client(bind("", "a") + execute() + kSync, bind("", "a") + execute() + kFlush)
      .server(kBound + copy_in, kBound + copy_in)
      .client(frame('c'), frame('c'))
      .server(complete("COPY 0"), complete("COPY 0"))
      .client(kSync, kSync)
      .server(ready('I'), ready('I'))
      .owes(0);
}

TEST_P(Session, MonitorFollowsCopyWithoutHolding) {
  const std::string copy_in = bytes(wire::CopyResponse{'G', 0, {}});
  const std::string all = parse("COPY t FROM STDIN") + bind() + execute() + kSync +
                          frame('d', "1\n") + frame('c') + kSync;
  monitor_.login()
      .client(all, all)
      .server(kParsed + kBound + copy_in, kParsed + kBound + copy_in)
      .server(complete("COPY 1") + ready('I'), complete("COPY 1") + ready('I'))
      .owes(0)
      .phase("ready");
}

// A full table forgets a name that the server may still have: what comes under that name is not
// known until the server confirms.
TEST(Barrier, IsRaisedForANameThatMayHaveBeenForgotten) {
  session::Setup setup = setup_for(Mode::enforce);
  setup.limits.statements = 1;
  Conversation talk(setup);
  const std::string copy = parse("copy t from stdin", "a");
  const std::string next = parse("select 1", "b");
  const std::string again = parse("select 1", "a");
  const std::string run = bind("", "a") + execute();
  talk.login()
      .client(copy + kSync, copy + kSync)
      .server(kParsed + ready('I'), kParsed + ready('I'));
  talk.client(query("deallocate z"), query("deallocate z"))
      .server(complete("DEALLOCATE") + ready('I'), complete("DEALLOCATE") + ready('I'))
      .client(next + kSync, next + kSync)
      .server(kParsed + ready('I'), kParsed + ready('I'))
      .client(query("deallocate b"), query("deallocate b"))
      .server(complete("DEALLOCATE") + ready('I'), complete("DEALLOCATE") + ready('I'))
      .client(again + run + kSync, again + run + kFlush);
}

// The server completes an answer before its ReadyForQuery.
TEST_P(Session, ReadyForQueryDoesNotOvertakeItsAnswer) {
  const std::string copy_out = bytes(wire::CopyResponse{'H', 0, {}});
  const std::string rows = frame('T', "\0\0"s);
  for (const std::string& begun : {copy_out, rows}) {
    Conversation talk(Mode::enforce, GetParam());
    talk.login().client(query("select 1"), query("select 1")).server(begun, begun);
    talk.feed(wire::Side::server, ready('I'));
    talk.phase("closed");
  }
}

TEST_P(Session, MonitorRelaysALoginItCannotRead) {
  const std::string unknown = frame('R', "\0\0\0\15"s);
  monitor_.feed(wire::Side::client, startup());
  monitor_.event(session::Connected{}, "", startup());
  monitor_.server(unknown, unknown).client(frame('p', "?"), frame('p', "?")).phase("opaque");
  EXPECT_EQ(monitor_.count_events<session::TurnedOpaque>(), 1);
  monitor_.event(session::Leave{true}).phase("closed");  // and no words of ours in it
}

// A walsender may have data under way when it has said CopyDone (seen with logical decoding in the
// middle of a transaction), and names the next timeline in a row before it completes.
TEST_P(Session, CopyBothEndsWithWhatIsUnderWay) {
  const std::string start = query("START_REPLICATION SLOT s LOGICAL 0/0");
  const std::string both = bytes(wire::CopyResponse{'W', 0, {}});
  const std::string data = frame('d', "k12345678123456780");
  const std::string row = frame('T', "\0\0"s) + frame('D', "\0\0"s);
  talk_.login().client(start, start);
  talk_.server(both + data, both + data)
      .client(data + frame('c'), data + frame('c'))
      .server(data + frame('c') + data, data + frame('c') + data)
      .server(row + complete("START_STREAMING") + ready('I'),
              row + complete("START_STREAMING") + ready('I'))
      .owes(0);
}

TEST_P(Session, StrayCopyDataEndsTheSession) {
  talk_.login();
  talk_.feed(wire::Side::client, frame('d', "1\n"));
  EXPECT_EQ(talk_.to_server(), "");
  talk_.phase("closed");
}

TEST_P(Session, UnexplainedAnswersEndTheSession) {
  for (const std::string& answer : {kParsed, kBound, ready('I'), complete("SELECT 1"),
                                    error("42601", "x"), frame('D', "\0\0"s), frame('c')}) {
    Conversation talk(Mode::enforce, GetParam());
    talk.login();
    talk.feed(wire::Side::server, answer);
    talk.phase("closed");
    Conversation monitor(Mode::monitor, GetParam());
    monitor.login().server(answer, answer).phase("opaque");
  }
}

TEST_P(Session, MalformedFramesEndOrPass) {
  const std::vector<std::string> bad = {frame('Q', "select 1"),
                                        frame('Q', "a\0b\0"s),
                                        "Q\0\0\0\3"s,
                                        "Q\0\0\0\0"s,
                                        "Q\377\377\377\377"s,
                                        "y\0\0\0\4"s,
                                        frame('S', "x"),
                                        frame('P', "\0select 1\0\0\0x"s),
                                        frame('B', "\0\0\0\0\0\1\0\0"s),
                                        frame('E', std::string(64, 'n') + "\0\0\0\0\0"s),
                                        "Q\100\0\0\0"s};
  for (const std::string& bytes : bad) {
    Conversation talk(Mode::enforce, GetParam());
    talk.login();
    talk.feed(wire::Side::client, bytes);
    EXPECT_EQ(talk.to_server(), "") << testing::PrintToString(bytes);
    talk.phase("closed");
    Conversation monitor(Mode::monitor, GetParam());
    monitor.login();
    monitor.client(bytes, bytes);
    EXPECT_GE(monitor.count_events<session::ProtocolFault>(), 1);
  }
}

TEST(Oversize, StreamsByWhenMonitoring) {
  session::Setup setup = setup_for(Mode::monitor);
  setup.frame_limits.query = 100;
  Conversation talk(setup);
  const std::string big = query(std::string(5000, 'x'));
  talk.login()
      .client(big.substr(0, 50), big.substr(0, 50))
      .client(big.substr(50) + kSync, big.substr(50) + kSync)
      .owes(2)
      .server(error("42601", "x") + ready('I'), error("42601", "x") + ready('I'))
      .owes(1);
}

TEST(Oversize, AtTheLimitAndOnePast) {
  session::Setup setup = setup_for(Mode::enforce);
  setup.frame_limits.query = 101;
  const std::string at = query(std::string(100, 'x'));
  Conversation(setup).login().client(at, at);
  Conversation past(setup);
  past.login().feed(wire::Side::client, query(std::string(101, 'x')).substr(0, 5));
  past.phase("closed");
}

const std::string kLate = error("08P01", "pgmoat: a message was not completed in time", "FATAL");

TEST(Timeouts, HandshakeConnectAndMessage) {
  Conversation silent(Mode::enforce);
  silent.later(std::chrono::seconds(60));
  silent.begin();
  silent.engine().on_transport(session::Timer{}, Instant{} + std::chrono::seconds(60),
                               silent.outbox());
  silent.collect();
  silent.phase("closed");

  Conversation slow(Mode::enforce);
  slow.login().client("Q", "");
  EXPECT_EQ(slow.engine().deadline(), Instant{} + std::chrono::seconds(60));
  slow.later(std::chrono::seconds(59)).event(session::Timer{}).phase("ready");
  slow.later(std::chrono::seconds(1)).event(session::Timer{}, kLate);
}

TEST(Timeouts, EachMessageHasItsOwnTime) {
  for (const std::string& message : {query("select 1"), frame('H')}) {
    Conversation steady(Mode::enforce);
    steady.login().feed(wire::Side::client, message.substr(0, 3));
    for (int i = 0; i < 4; ++i) {
      steady.later(std::chrono::seconds(40)).event(session::Timer{}).phase("ready");
      steady.client(message.substr(3) + message.substr(0, 3), message);
    }
    steady.later(std::chrono::seconds(60)).event(session::Timer{}, kLate);
  }
}

TEST(Timeouts, AStreamedMessageEndsWithItsLastByte) {
  session::Setup setup = setup_for(Mode::enforce);
  setup.frame_limits.gather_copy_data = false;
  Conversation copy(setup, {});
  const std::string data = frame('d', "1\n");
  copy.login().client(query("copy t from stdin"), query("copy t from stdin"));
  copy.server(frame('G', "\0\0\0"s), frame('G', "\0\0\0"s));
  copy.client(data.substr(0, 6), data.substr(0, 6));
  copy.later(std::chrono::seconds(40))
      .event(session::Timer{})
      .client(data.substr(6) + "d", data.substr(6));
  copy.later(std::chrono::seconds(40)).event(session::Timer{}).phase("ready");
  copy.later(std::chrono::seconds(20)).event(session::Timer{}, kLate);
}

TEST(Monitor, AnotherMajorVersionIsRelayedAndSaidSo) {
  Conversation talk(Mode::monitor);
  const std::string packet = startup({}, 2u << 16);
  talk.client(packet, "").event(session::Connected{}, "", packet).phase("opaque");
  EXPECT_EQ(talk.count_events<session::TurnedOpaque>(), 1);
}

// None of the frame has left: the client is between messages, and is told why this ends.
TEST(ServerFaults, AreToldWhereNothingOfAStreamedFrameHasLeft) {
  const std::string why = error("08P01", "pgmoat: the server sent what nothing explains", "FATAL");
  for (const std::string& said : {frame('d', "1\n"), frame('d', "1\n").substr(0, 6)}) {
    Conversation talk(Mode::enforce);
    talk.login().server(said, why).phase("closed");
  }
  Conversation torn(Mode::enforce);
  const std::string row = frame('D', "\0\1\0\0\0\3one"s);
  const std::string columns = frame('T', "\0\0"s);
  torn.login().client(query("select 1"), query("select 1"));
  torn.server(columns + row.substr(0, 8), columns + row.substr(0, 8));
  torn.event(session::Leave{true}, "").phase("closed");
}

TEST(Leaving, WaitsForIdleUnlessNow) {
  Conversation talk(Mode::enforce);
  talk.login().client(query("select 1"), query("select 1"));
  talk.event(session::Leave{false});
  const std::string bye =
      error("57P01", "terminating connection due to administrator command", "FATAL");
  talk.server(complete("SELECT 1") + ready('I'), complete("SELECT 1") + ready('I') + bye);
  talk.phase("closed");
  Conversation now(Mode::enforce);
  now.login().event(session::Leave{true}, bye);
}

TEST(Memory, IdleSessionsOwnNoBuffer) {
  Conversation talk(Mode::enforce);
  talk.login().client(query("select 1"), query("select 1"));
  EXPECT_EQ(talk.pool().borrowed_bytes(), 0u);
}

}  // namespace
}  // namespace pgmoat::test
