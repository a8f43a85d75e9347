// What the session knows of itself: who it is, what the server is set to, how its SQL is read, and what
// names mean. Each as a conversation, since all of it holds only when the server has confirmed.
#include "session/settings.h"
#include "support/conversation.h"
#include "support/table_judge.h"

namespace pgmoat::test {
namespace {

using policy::Ruling;
using policy::SessionField;
using session::Mode;
using Hooked = policy::Subject::Kind;

std::string status(std::string_view name, std::string_view value) {
  return bytes(wire::ParameterStatus{name, value});
}

class Facts : public testing::TestWithParam<std::size_t> {
 protected:
  TableJudge judge_;
  Conversation talk_{Mode::enforce, judge_, GetParam()};
  const policy::SessionView* view_ = nullptr;

  void SetUp() override {
    judge_.hook(Hooked::connect, [&](const policy::Subject& subject) -> policy::Judged {
      view_ = subject.session;
      return nullptr;
    });
  }
  // A Query and its whole answer.
  void ask(const std::string& sql, const std::string& tag, char status,
           const std::string& more = "") {
    const std::string answer = complete(tag) + more + ready(status);
    talk_.client(query(sql), query(sql)).server(answer, answer);
  }
  void fails(const std::string& sql, char status) {
    const std::string answer = error("22012", "division by zero") + ready(status);
    talk_.client(query(sql), query(sql)).server(answer, answer);
  }
  std::string guc(std::string_view name) const {
    return view_->has_guc(name) ? std::string(view_->guc(name)) : "unknown";
  }
};
INSTANTIATE_TEST_SUITE_P(Chunks, Facts, testing::Values(0, 1));

TEST_P(Facts, WhoItIs) {
  talk_.feed(wire::Side::client, startup("application_name\0x\0App.Tenant\0"
                                         "7\0options\0-c work_mem=5MB\0"s));
  EXPECT_EQ(view_, nullptr);  // not permitted at startup
  Conversation talk(Mode::enforce, judge_, GetParam());
  talk.feed(wire::Side::client, startup("application_name\0x\0options\0-c work_mem=5MB\0"s));
  ASSERT_NE(view_, nullptr);
  EXPECT_EQ(view_->get(SessionField::user), "app");
  EXPECT_EQ(view_->get(SessionField::database), "shop");
  EXPECT_EQ(view_->get(SessionField::application), "x");
  EXPECT_EQ(view_->client_ip(), "10.1.2.3");
  EXPECT_EQ(view_->client_port(), 4567);
  EXPECT_EQ(view_->id(), "abcdefghij");
  EXPECT_EQ(guc("work_mem"), "5MB");
}

policy::Judged denial(const std::string& message) {
  auto ruling = std::make_shared<Ruling>();
  ruling->action = Ruling::Action::deny;
  ruling->refusal.message = message;
  return ruling;
}
std::string fatal(std::string_view sqlstate, std::string_view message) {
  return error(sqlstate, message, "FATAL");
}

TEST_P(Facts, AClientMayBeRefusedBeforeTheServerHearsOfIt) {
  judge_.hook(Hooked::connect, [](const auto&) { return denial("not you"); });
  talk_.client(startup(), "", fatal("28000", "not you")).phase("closed");
  EXPECT_EQ(talk_.count_commands<session::Dial>(), 0);
}

TEST_P(Facts, AClientMayBeRefusedAfterItsLogin) {
  judge_.hook(Hooked::authenticated, [](const auto&) { return denial("not you"); });
  talk_.feed(wire::Side::client, startup());
  talk_.event(session::Connected{}, "", startup());
  talk_.server(authentication_ok(), authentication_ok())
      .server(ready('I'), fatal("28000", "not you"), kTerminate)
      .phase("closed");
}

TEST_P(Facts, ThePolicysSettingsAreMadeBeforeTheClientIsReady) {
  judge_.hook(Hooked::authenticated, [](const auto&) -> policy::Judged {
    auto ruling = std::make_shared<Ruling>();
    ruling->set = {{"app.tenant", "7"}, {"work_mem", "1MB"}};
    ruling->tags = {"human"};
    return ruling;
  });
  const std::string set = query(
      "SELECT pg_catalog.set_config('app.tenant', '7', false), "
      "pg_catalog.set_config('work_mem', '1MB', false)");
  const std::string row = frame('D', "\0\1\0\0\0\1x"s);
  talk_.feed(wire::Side::client, startup() + query("select 1"));
  talk_.event(session::Connected{}, "", startup());
  talk_.server(authentication_ok(), authentication_ok())
      .server(ready('I'), "", set)
      .server(bytes(wire::RowDescription{}) + row + status("TimeZone", "UTC"),
              status("TimeZone", "UTC"))
      .server(complete("SELECT 1") + ready('I'), ready('I'), query("select 1"));
  EXPECT_EQ(guc("app.tenant"), "7");
  EXPECT_TRUE(view_->has_tag("human"));
}

TEST_P(Facts, SettingsThatCannotBeMadeEndTheLogin) {
  judge_.hook(Hooked::authenticated, [](const auto&) -> policy::Judged {
    auto ruling = std::make_shared<Ruling>();
    ruling->set = {{"no such", "7"}};
    return ruling;
  });
  talk_.feed(wire::Side::client, startup());
  talk_.event(session::Connected{}, "", startup());
  talk_.feed(wire::Side::server, authentication_ok() + ready('I') + error("42704", "unrecognized"));
  talk_.phase("closed");
  EXPECT_NE(talk_.to_client().find("C28000"), std::string::npos);
}

// ---- settings -------------------------------------------------------------------------------------

TEST_P(Facts, ASettingHoldsWhenItIsConfirmed) {
  talk_.login();
  talk_.client(query("set a.b = 7"), query("set a.b = 7"));
  EXPECT_EQ(guc("a.b"), "unknown");
  talk_.server(complete("SET"), complete("SET"));
  EXPECT_EQ(guc("a.b"), "7");
  talk_.server(ready('I'), ready('I'));
  EXPECT_EQ(guc("a.b"), "7");
  ask("reset a.b", "RESET", 'I');
  EXPECT_EQ(guc("a.b"), "unknown");
}

TEST_P(Facts, ARollbackBringsBackWhatWasSet) {
  talk_.login();
  ask("set a.b = 1", "SET", 'I');
  ask("begin", "BEGIN", 'T');
  ask("set a.b = 2", "SET", 'T');
  ask("set c.d = 2", "SET", 'T');
  EXPECT_EQ(guc("a.b"), "2");
  ask("rollback", "ROLLBACK", 'I');
  EXPECT_EQ(guc("a.b"), "1");
  EXPECT_EQ(guc("c.d"), "unknown");
}

TEST_P(Facts, ALocalSettingEndsWithItsTransaction) {
  talk_.login();
  ask("begin", "BEGIN", 'T');
  ask("set a.b = 1", "SET", 'T');
  ask("set local a.b = 2", "SET", 'T');
  EXPECT_EQ(guc("a.b"), "2");
  ask("commit", "COMMIT", 'I');
  EXPECT_EQ(guc("a.b"), "1");
  ask("set local a.b = 3", "SET", 'I');  // outside a block it ends with the statement
  EXPECT_EQ(guc("a.b"), "1");
}

TEST_P(Facts, AFailedTransactionKeepsNothing) {
  talk_.login();
  ask("set a.b = 1", "SET", 'I');
  ask("begin", "BEGIN", 'T');
  ask("set a.b = 2", "SET", 'T');
  fails("select 1/0", 'E');
  ask("commit", "ROLLBACK", 'I');
  EXPECT_EQ(guc("a.b"), "1");
  const std::string failed = complete("SET") + error("22012", "division") + ready('I');
  talk_.client(query("set a.b = 3; select 1/0"), query("set a.b = 3; select 1/0"))
      .server(failed, failed);
  EXPECT_EQ(guc("a.b"), "1");
}

TEST_P(Facts, AfterRollbackToNothingIsGuessed) {
  talk_.login();
  ask("set a.b = 1", "SET", 'I');
  ask("begin", "BEGIN", 'T');
  ask("savepoint s", "SAVEPOINT", 'T');
  ask("set a.b = 2", "SET", 'T');
  ask("rollback to s", "ROLLBACK", 'T');
  EXPECT_EQ(guc("a.b"), "unknown");
  ask("rollback", "ROLLBACK", 'I');
  EXPECT_EQ(guc("a.b"), "1");
}

TEST_P(Facts, OnlyASetConfigThatSurelyRanIsBelieved) {
  talk_.login();
  ask("select set_config('a.b', '7', false)", "SELECT 1", 'I');
  EXPECT_EQ(guc("a.b"), "7");
  ask("select set_config('a.b', '8', false) where false", "SELECT 0", 'I');
  EXPECT_EQ(guc("a.b"), "unknown");
  ask("select set_config('a.b', '7', false)", "SELECT 1", 'I');
  ask("select case when false then set_config('a.b', '8', false) end", "SELECT 1", 'I');
  EXPECT_EQ(guc("a.b"), "unknown");
}

TEST_P(Facts, WhatCannotBeReadMakesSettingsUnknown) {
  talk_.login();
  ask("set a.b = 7", "SET", 'I');
  ask("opaque", "SET", 'I');
  EXPECT_EQ(guc("a.b"), "unknown");
  ask("set a.b = 7", "SET", 'I');
  ask("prepare p as select set_config('a.b', '8', false)", "PREPARE", 'I');
  EXPECT_EQ(guc("a.b"), "7");
  ask("execute p", "SELECT 1", 'I');
  EXPECT_EQ(guc("a.b"), "unknown");
  ask("set a.b = 7", "SET", 'I');
  ask("opaque discard", "DISCARD ALL", 'I');
  EXPECT_EQ(guc("a.b"), "unknown");
}

TEST_P(Facts, WhatTheServerReportsIsSo) {
  talk_.login();
  ask("set application_name = mine", "SET", 'I', status("application_name", "mine"));
  EXPECT_EQ(guc("application_name"), "mine");
  EXPECT_EQ(view_->get(SessionField::application), "mine");
  ask("set application_name = 'not told yet'", "SET", 'T');
  EXPECT_EQ(guc("application_name"), "mine");
}

TEST_P(Facts, RolesAreTrackedAlike) {
  talk_.login();
  EXPECT_EQ(view_->get(SessionField::role), "");
  ask("begin", "BEGIN", 'T');
  ask("set role admin", "SET", 'T');
  EXPECT_EQ(view_->get(SessionField::role), "admin");
  ask("rollback", "ROLLBACK", 'I');
  EXPECT_EQ(view_->get(SessionField::role), "");
  ask("set role admin", "SET", 'I');
  ask("reset role", "RESET", 'I');
  EXPECT_EQ(view_->get(SessionField::role), "");
  ask("set session_authorization = bob", "SET", 'I', status("session_authorization", "bob"));
  EXPECT_EQ(view_->get(SessionField::role), "bob");
}

TEST_P(Facts, TheyAreBounded) {
  talk_.login();
  for (int i = 0; i < 200; ++i) ask("set a.b" + std::to_string(i) + " = 1", "SET", 'I');
  EXPECT_EQ(view_->gucs().size(), session::Settings::kMost);
  ask("set a.b0 = '" + std::string(session::Settings::kLongest + 1, 'x') + "'", "SET", 'I');
  EXPECT_EQ(guc("a.b0"), "unknown");
  ask("begin", "BEGIN", 'T');
  for (int i = 0; i < 200; ++i) ask("set a.b" + std::to_string(i) + " = 2", "SET", 'T');
  ask("rollback", "ROLLBACK", 'I');
  for (int i = 0; i < 200; ++i) EXPECT_NE(guc("a.b" + std::to_string(i)), "2");
}

// ---- reading ---------------------------------------------------------------------------------------

TEST_P(Facts, TheReadingIsWhatTheServerReported) {
  talk_.feed(wire::Side::client, startup());
  talk_.event(session::Connected{}, "", startup());
  talk_.feed(wire::Side::server, authentication_ok() + status("client_encoding", "SJIS") +
                                     status("standard_conforming_strings", "off") + ready('I'));
  talk_.client(query("select 1"), query("select 1"));
  ASSERT_EQ(judge_.readings.size(), 1u);
  EXPECT_EQ(judge_.readings[0].known.encoding, sql::Encoding::sjis);
  EXPECT_FALSE(judge_.readings[0].known.standard_conforming_strings);
  EXPECT_TRUE(judge_.readings[0].certain);
}

// The certainty of the text behind these, all unanswered.
class Certainty : public testing::TestWithParam<std::pair<const char*, bool>> {};
INSTANTIATE_TEST_SUITE_P(
    Behind, Certainty,
    testing::Values(
        // A view may call, a table have triggers.
        std::pair{"select x from t", false}, std::pair{"insert into t values (1)", false},
        std::pair{"begin", true}, std::pair{"select 1 + 1, 'x'::text", true},
        std::pair{"update t set a = a + 1 where id = 7", false},
        std::pair{"declare c cursor for select x from t", false}, std::pair{"close c", true},
        std::pair{"select count(*) from t", false}, std::pair{"set names 'sjis'", false},
        std::pair{"set time zone 'UTC'", true}, std::pair{"discard all", false},
        std::pair{"reset client_encoding", false}, std::pair{"reset all", false},
        std::pair{"show work_mem", true}, std::pair{"do $$ begin end $$", false},
        std::pair{"commit", true}, std::pair{"set work_mem = 5", true},
        std::pair{"prepare p as select 1", true}, std::pair{"select f(x) from t", false},
        std::pair{"set client_encoding = sjis", false},
        std::pair{"begin; set client_encoding = sjis; rollback", false}, std::pair{"opaque", false},
        std::pair{"fetch c", false}, std::pair{"select set_config('x','y',true)", false}));

TEST_P(Certainty, OfWhatIsSentBeforeTheAnswer) {
  TableJudge judge;
  const auto [sql, certain] = GetParam();
  Conversation simple(Mode::enforce, judge);
  simple.login().client(query(sql) + query("select 1"), query(sql) + query("select 1"));
  EXPECT_EQ(judge.readings.back().certain, certain) << sql;
  const std::string extended = parse(sql) + bind() + execute() + kSync + parse("select 1");
  Conversation talk(Mode::enforce, judge);
  talk.login().feed(wire::Side::client, extended);
  EXPECT_EQ(judge.readings.back().certain, certain) << sql;
}

TEST_P(Facts, TheReadingIsCertainAgainAtReadyForQuery) {
  talk_.login();
  const std::string set = parse("set client_encoding = sjis") + bind() + execute();
  const auto certain = [&] { return judge_.readings.back().certain; };
  talk_.client(set + kFlush, set + kFlush)
      .server(kParsed + kBound + complete("SET"), kParsed + kBound + complete("SET"))
      .client(parse("select 1"), parse("select 1"));
  EXPECT_FALSE(certain());  // ParameterStatus comes before ReadyForQuery only
  talk_.client(kSync, kSync)
      .server(kParsed + status("client_encoding", "SJIS") + ready('I'),
              kParsed + status("client_encoding", "SJIS") + ready('I'))
      .client(query("select 1"), query("select 1"));
  EXPECT_TRUE(certain());
  EXPECT_EQ(judge_.readings.back().known.encoding, sql::Encoding::sjis);
}

TEST_P(Facts, ARollbackMayBringBackAnotherReading) {
  talk_.login();
  ask("begin", "BEGIN", 'T');
  ask("set client_encoding = sjis", "SET", 'T');
  talk_.client(query("rollback") + query("select 1"), query("rollback") + query("select 1"));
  EXPECT_FALSE(judge_.readings.back().certain);
}

// ---- names ------------------------------------------------------------------------------------------

const std::string kPoison = "/* pgmoat */ " + kToken;

TEST_P(Facts, WhatSqlPreparedIsKnownToBind) {
  talk_.login();
  ask("prepare p as select x", "PREPARE", 'I');
  const std::string use = bind("", "p") + execute() + kSync;
  talk_.client(use, use).server(kBound + complete("SELECT 0") + ready('I'),
                                kBound + complete("SELECT 0") + ready('I'));
  judge_.moved = 2;
  judge_.deny("prepare p as select x");
  talk_.client(use, parse(kPoison, "pgmoat") + kSync);
  talk_.feed(wire::Side::server, poisoned() + ready('I'));
  talk_.client(query("execute p"), query(kPoison));
}

TEST_P(Facts, WhatNobodyWasSeenToPrepareIsRefused) {
  talk_.login();
  ask("select f(x)", "SELECT 1", 'I');  // whose body may prepare what it likes
  talk_.client(bind("", "p") + execute() + kSync, parse(kPoison, "pgmoat") + kSync);
  talk_.feed(wire::Side::server, poisoned() + ready('I'));
  EXPECT_NE(talk_.to_client().find("C26000"), std::string::npos);
  EXPECT_NE(talk_.to_client().find("Mprepared statement \"p\" does not exist"), std::string::npos);
  talk_.client(execute("c") + kSync, parse(kPoison, "pgmoat") + kSync);
  talk_.feed(wire::Side::server, poisoned() + ready('I'));
  EXPECT_NE(talk_.to_client().find("C34000"), std::string::npos);
  talk_.client(query("execute p"), query(kPoison));
}

TEST_P(Facts, WhereSomethingWasNotReadUnknownNamesAreTheServersToRefuse) {
  talk_.login();
  ask("opaque", "SELECT 1", 'I');
  const std::string use = bind("", "p") + execute();
  talk_.client(use + kSync, use + kFlush);
}

TEST_P(Facts, ANameBeingPreparedIsKnown) {
  talk_.login();
  const std::string both = query("prepare p as select x") + bind("", "p") + execute() + kSync;
  talk_.client(both, both)
      .server(error("42601", "no") + ready('I') + error("26000", "no such") + ready('I'),
              error("42601", "no") + ready('I') + error("26000", "no such") + ready('I'))
      .client(query("execute p"), query(kPoison));
  talk_.feed(wire::Side::server, poisoned() + ready('I'));
  const std::string one = "prepare p as select x; execute p";
  talk_.client(query(one), query(one));
}

TEST_P(Facts, WhatWasDroppedIsUnknown) {
  talk_.login();
  ask("prepare p as select x", "PREPARE", 'I');
  ask("prepare q as select x", "PREPARE", 'I');
  ask("deallocate p", "DEALLOCATE", 'I');
  talk_.client(query("execute p"), query(kPoison));
  talk_.feed(wire::Side::server, poisoned() + ready('I'));
  ask("execute q", "SELECT 0", 'I');
}

TEST_P(Facts, ADeclaredCursorIsAPortalUntilItsTransactionEnds) {
  talk_.login();
  ask("begin", "BEGIN", 'T');
  ask("declare c cursor for select x", "DECLARE CURSOR", 'T');
  ask("declare h cursor with hold for select x", "DECLARE CURSOR", 'T');
  talk_.client(execute("c") + kSync, execute("c") + kSync)
      .server(complete("SELECT 0") + ready('T'), complete("SELECT 0") + ready('T'));
  ask("commit", "COMMIT", 'I');
  talk_.client(execute("h") + kSync, execute("h") + kSync)
      .server(complete("SELECT 0") + ready('I'), complete("SELECT 0") + ready('I'))
      .client(execute("c") + kSync, parse(kPoison, "pgmoat") + kSync);
}

// A name that may keep its old meaning: which it is has to be known before it is judged.
TEST_P(Facts, AnOpenMeaningIsWaitedFor) {
  const std::string use = bind("", "k") + kSync;
  talk_.login()
      .client(parse("select x", "k") + kSync, parse("select x", "k") + kSync)
      .server(kParsed + ready('I'), kParsed + ready('I'))
      .client(parse("select y", "k") + kSync + use, parse("select y", "k") + kSync + kFlush)
      .server(error("42P05", "exists") + ready('I'), error("42P05", "exists") + ready('I'), use)
      .server(kBound + ready('I'), kBound + ready('I'))
      .owes(0);
}

TEST_P(Facts, OnlyACopyFromTheClientRaisesTheBarrier) {
  talk_.login();
  const std::string comment = query("select 'copy std'") + query("select 1");
  talk_.client(comment, comment);
  Conversation talk(Mode::enforce, judge_, GetParam());
  talk.login().client(query("copy t from stdin") + query("select 1"), query("copy t from stdin"));
}

}  // namespace
}  // namespace pgmoat::test
