// Refusal by substitution, as conversations. Each script runs whole and in single bytes: what goes
// out may not depend on how it came in.
#include "session/copy.h"
#include "support/conversation.h"

namespace pgmoat::test {
namespace {

using session::Mode;

const std::string kRefusal = [] {
  std::string out;
  wire::encode_error({"ERROR", "42501", "statement refused by pgmoat",
                      "Rule \"words.secrets\" refuses text that contains this word.",
                      "The words are in [refuse] of pgmoat's configuration."},
                     out);
  return out;
}();
const std::string kPoison = "/* pgmoat */ " + kToken;

class Refusal : public testing::TestWithParam<std::size_t> {
 protected:
  Conversation talk_{Mode::enforce, GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Chunks, Refusal, testing::Values(0, 1, 3));

TEST_P(Refusal, OfASimpleQueryComesFromTheServer) {
  talk_.login()
      .client(query("select * from secrets"), query(kPoison))
      .server(poisoned(), kRefusal)
      .server(ready('I'), ready('I'))
      .client(query("select 1"), query("select 1"))
      .owes(1);
}

TEST_P(Refusal, KeepsItsPlaceInThePipeline) {
  talk_.login()
      .client(parse("select 1"), parse("select 1"))
      .client(bind(), bind())
      .client(execute(), execute())
      .client(parse("select * from secrets"), parse(kPoison))
      .client(bind(), "")
      .client(execute(), "")
      .client(kSync, kSync)
      .server(kParsed, kParsed)
      .server(kBound, kBound)
      .server(complete("SELECT 1"), complete("SELECT 1"))
      .server(poisoned(), kRefusal)
      .server(ready('E'), ready('E'))
      .owes(0);
}

TEST_P(Refusal, IsNotShownWhenAnEarlierErrorWins) {
  talk_.login()
      .client(parse("select 1/0") + parse("select secrets") + kSync,
              parse("select 1/0") + parse(kPoison) + kSync)
      .server(error("22012", "division by zero"), error("22012", "division by zero"))
      .server(ready('I'), ready('I'))
      .owes(0)
      .client(query("select secrets"), query(kPoison))
      .server(poisoned() + ready('I'), kRefusal + ready('I'));
}

TEST_P(Refusal, OfBindUsesTheReservedName) {
  wire::Bind message;
  const std::string values = "\0\0\0\7secrets"s;
  message.param_count = 1;
  message.params = as_bytes(values);
  talk_.login()
      .client(parse("select $1") + bytes(message) + execute() + kSync,
              parse("select $1") + parse(kPoison, "pgmoat") + kSync)
      .server(kParsed + poisoned() + ready('I'), kParsed + kRefusal + ready('I'))
      .owes(0);
}

TEST_P(Refusal, OfAFunctionCallIsAFunctionCall) {
  wire::FunctionCall zero;
  zero.result_format = 1;
  wire::FunctionCall call;
  call.function = 2026;
  talk_.login().client(bytes(call), bytes(zero));
  talk_.feed(wire::Side::server, error("42883", "function with OID 0 does not exist"));
  EXPECT_NE(talk_.to_client().find("42501"), std::string::npos);
  talk_.server(ready('I'), ready('I')).owes(0);
}

TEST_P(Refusal, OfLargeObjectFunctionsDoesNotHappen) {
  wire::FunctionCall call;
  call.function = 952;
  talk_.login().client(bytes(call), bytes(call)).owes(1);
}

TEST_P(Refusal, OfCopyData) {
  const std::string copy_in = bytes(wire::CopyResponse{'G', 0, {}});
  talk_.login()
      .client(query("copy t from stdin"), query("copy t from stdin"))
      .server(copy_in, copy_in)
      .client(frame('d', "1\n"), frame('d', "1\n"))
      .client(frame('d', "secrets\n"), bytes(wire::CopyFail{kToken}))
      .client(frame('d', "3\n") + frame('c'), "")
      .server(error("57014", "COPY from stdin failed: " + kToken), kRefusal)
      .server(ready('I'), ready('I'))
      .owes(0);
}

// The server was busy failing on the first row when we saw, and refused, the second.
TEST_P(Refusal, OfCopyDataIsNotShownWhenEarlierDataFails) {
  const std::string copy_in = bytes(wire::CopyResponse{'G', 0, {}});
  const std::string bad_row = error("22P02", "invalid input syntax for type integer");
  talk_.login()
      .client(query("copy t from stdin"), query("copy t from stdin"))
      .server(copy_in, copy_in)
      .client(frame('d', "bad\n"), frame('d', "bad\n"))
      .client(frame('d', "secrets\n"), bytes(wire::CopyFail{kToken}))
      .server(bad_row + ready('I'), bad_row + ready('I'))
      .client(frame('d', "3\n") + frame('c'), "")
      .client(query("select secrets"), query(kPoison))
      .server(poisoned() + ready('I'), kRefusal + ready('I'))
      .owes(0);
}

TEST_P(Refusal, OfCopyDataOfAnExecuteIsNotShownWhenEarlierDataFails) {
  const std::string copy_in = bytes(wire::CopyResponse{'G', 0, {}});
  const std::string bad_row = error("22P02", "invalid input syntax for type integer");
  talk_.login()
      .client(parse("copy t from stdin") + bind() + execute(),
              parse("copy t from stdin") + bind() + execute() + kFlush)
      .server(kParsed + kBound + copy_in, kParsed + kBound + copy_in)
      .client(frame('d', "bad\n") + frame('d', "secrets\n"),
              frame('d', "bad\n") + bytes(wire::CopyFail{kToken}))
      .client(frame('c') + kSync, kSync)
      .server(bad_row + ready('I'), bad_row + ready('I'))
      .owes(0);
}

// PostgreSQL skips the COPY and then ignores its data; a client that did not wait for the error
// of the segment before has done nothing wrong.
TEST_P(Refusal, SkipsACopyWhoseDataComesAfterTheSync) {
  talk_.login()
      .client(parse("select secrets"), parse(kPoison))
      .client(query("copy t from stdin") + kSync, kSync)
      .client(frame('d', "1\n") + frame('c') + query("select 1"), query("select 1"))
      .server(poisoned() + ready('I') + complete("SELECT 1") + ready('I'),
              kRefusal + ready('I') + complete("SELECT 1") + ready('I'))
      .owes(0);
}

// A Parse under a name that is in use fails (42P05): the COPY that has the name is still one.
TEST_P(Refusal, KnowsTheCopyBehindANameThatIsInUse) {
  const std::string in_use = error("42P05", "prepared statement \"k\" already exists");
  const std::string copy_in = bytes(wire::CopyResponse{'G', 0, {}});
  talk_.login()
      .client(parse("copy t from stdin", "k") + kSync, parse("copy t from stdin", "k") + kSync)
      .server(kParsed + ready('I'), kParsed + ready('I'))
      .client(parse("select 1", "k") + kSync, parse("select 1", "k") + kSync)
      .server(in_use + ready('I'), in_use + ready('I'))
      .client(bind("", "k") + execute() + kSync + frame('d', "1\n") + frame('c') + kSync,
              bind("", "k") + execute() + kFlush)
      .server(kBound, kBound)
      .server(copy_in, copy_in, frame('d', "1\n") + frame('c') + kSync)
      .server(complete("COPY 1") + ready('I'), complete("COPY 1") + ready('I'))
      .owes(0);
}

TEST_P(Refusal, KnowsThatExecuteInSqlMayRunACopy) {
  const std::string copy_in = bytes(wire::CopyResponse{'G', 0, {}});
  talk_.login()
      .client(query("execute k") + kSync + frame('d', "1\n") + frame('c'), query("execute k"))
      .server(copy_in, copy_in, frame('d', "1\n") + frame('c'))
      .server(complete("COPY 1") + ready('I'), complete("COPY 1") + ready('I'))
      .owes(0);
}

TEST(MayStartCopy, LooksForWhatCanStartOne) {
  for (const char* sql :
       {"copy t from stdin", "COPY t FROM STDOUT", "/* x */ EXECUTE k", "execute k",
        "select 1; \n execute k", "select 1 -- x\nexecute k", "executea; execute k"}) {
    EXPECT_TRUE(session::may_start_copy(sql)) << sql;
  }
  for (const char* sql :
       {"select executed_at from t", "select 1", "explain execute k", "grant execute on f to u",
        "select 'a,execute,b'", "copy t to 'x'", "", "exec", "select std from t"}) {
    EXPECT_FALSE(session::may_start_copy(sql)) << sql;
  }
}

// What we have not seen prepared may be a COPY: data behind it is no attack.
TEST_P(Refusal, HoldsBackBehindAStatementItDoesNotKnow) {
  const std::string unknown = error("26000", "prepared statement \"k\" does not exist");
  talk_.login()
      .client(bind("", "k") + execute() + frame('d', "1\n") + frame('c') + kSync,
              bind("", "k") + execute() + kFlush)
      .server(unknown, unknown, kSync)
      .server(ready('I'), ready('I'))
      .owes(0);
}

TEST_P(Refusal, RaisesTheAlarmWhenTheServerDisagrees) {
  talk_.login().client(query("select secrets"), query(kPoison));
  talk_.feed(wire::Side::server, error("42P01", "another error"));
  talk_.phase("closed");
  EXPECT_EQ(talk_.count_events<session::ProtocolFault>(), 1);
}

// The token can be read in pg_stat_activity and stored where it shows in somebody's error.
TEST_P(Refusal, ATokenInAnotherErrorIsNobodysRefusal) {
  talk_.login()
      .client(query("select x::int from planted"), query("select x::int from planted"))
      .server(poisoned() + ready('I'), poisoned() + ready('I'))
      .owes(0)
      .phase("ready");
}

TEST_P(Refusal, ASubstituteMustFailInItsOwnWords) {
  talk_.login().feed(wire::Side::client, query("select 1 from secrets"));
  talk_.feed(wire::Side::server, error("42P01", "relation \"secrets\" does not exist"));
  talk_.phase("closed");
}

TEST_P(Refusal, ASubstituteThatSucceedsEndsTheSession) {
  for (const std::string& success : {complete("SELECT 1"), ready('I'), frame('I'), kParsed}) {
    Conversation talk(Mode::enforce, GetParam());
    talk.login().feed(wire::Side::client, query("select 1 from secrets"));
    talk.feed(wire::Side::server, success);
    talk.phase("closed");
    EXPECT_EQ(talk.to_client().find(success), std::string::npos);
  }
}

// SET exit_on_error makes every error FATAL, also ours.
TEST_P(Refusal, KeepsItsWordsWhenTheServerEndsTheSession) {
  talk_.login().feed(wire::Side::client, query("select 1 from secrets"));
  talk_.feed(wire::Side::server,
             error("42601", "syntax error at or near \"" + kToken + "\"", "FATAL"));
  EXPECT_NE(talk_.to_client().find("VFATAL"), std::string::npos);
  EXPECT_NE(talk_.to_client().find("C42501"), std::string::npos);
  EXPECT_EQ(talk_.to_client().find(kToken), std::string::npos);
}

TEST_P(Refusal, AnAdministratorsFatalStaysTheServers) {
  const std::string bye =
      error("57P01", "terminating connection due to administrator command", "FATAL");
  talk_.login().feed(wire::Side::client, query("select 1 from secrets"));
  talk_.server(bye, bye);
}

TEST_P(Refusal, OfReplicationDataEndsTheSession) {
  const std::string both = bytes(wire::CopyResponse{'W', 0, {}});
  talk_.login()
      .client(query("START_REPLICATION x"), query("START_REPLICATION x"))
      .server(both, both);
  talk_.feed(wire::Side::client, frame('d', "secrets"));
  talk_.phase("closed");
  EXPECT_NE(talk_.to_client().find("C42501"), std::string::npos);
  EXPECT_EQ(talk_.to_server(), "");
}

TEST(Monitor, ChangesNothingAndReports) {
  Conversation talk(Mode::monitor);
  talk.login()
      .client(query("select secrets"), query("select secrets"))
      .server(complete("SELECT 1") + ready('I'), complete("SELECT 1") + ready('I'))
      .owes(0);
  EXPECT_EQ(talk.count_events<session::StatementJudged>(), 1);
}

TEST(Limits, StatementsAtTheLimitAndOnePast) {
  session::Setup setup = setup_for(Mode::enforce);
  setup.limits.statements = 2;
  Conversation talk(setup);
  talk.login()
      .client(parse("select 1", "a") + parse("select 1", "b") + kSync,
              parse("select 1", "a") + parse("select 1", "b") + kSync)
      .server(kParsed + kParsed + ready('I'), kParsed + kParsed + ready('I'))
      .client(parse("select 2", "a") + parse("select 1"),
              parse("select 2", "a") + parse("select 1"))
      .server(kParsed + kParsed, kParsed + kParsed)
      .client(parse("select 1", "c") + kSync, parse(kPoison, "c") + kSync);
  talk.feed(wire::Side::server, poisoned());
  EXPECT_NE(talk.to_client().find("54000"), std::string::npos);
  talk.server(ready('I'), ready('I'))
      .client(query("deallocate a"), query("deallocate a"))
      .server(complete("DEALLOCATE") + ready('I'), complete("DEALLOCATE") + ready('I'))
      .client(parse("select 1", "c") + kSync, parse("select 1", "c") + kSync);
}

}  // namespace
}  // namespace pgmoat::test
