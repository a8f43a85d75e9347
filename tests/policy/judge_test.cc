// The judge with its parser: texts to rulings, what is cached for whom, hooks, readings, rewrites, and
// a policy that changes under it.
#include "by_hand.h"
#include "policy/policy_judge.h"

namespace pgmoat::test {
namespace {

using policy::Judged;
using policy::Mode;
using policy::PolicyJudge;
using policy::Rule;
using policy::Ruling;
using policy::SessionField;
using policy::Source;
using policy::Subject;
using Action = policy::Verdict::Action;
using Kind = Subject::Kind;

std::int64_t clock_now = 1'800'000'000;
std::int64_t test_clock() { return clock_now; }

policy::JudgeSettings settings_with(std::size_t cache_bytes) {
  policy::JudgeSettings settings;
  settings.cache_bytes = cache_bytes;
  settings.clock = test_clock;
  return settings;
}

policy::Prepared prepared(Source source, std::uint64_t epoch = 1,
                          std::unique_ptr<policy::Scripts> scripts = nullptr) {
  policy::Compiling how;
  how.epoch = epoch;
  policy::Prepared out;
  out.bundle = compiled(std::move(source), how);
  out.tally = std::make_shared<policy::Tally>(out.bundle->rules().size());
  out.scripts = std::move(scripts);
  return out;
}

struct Court {
  PolicyJudge judge;
  policy::SessionView session;

  explicit Court(Source source, std::size_t cache_bytes = 1u << 20)
      : Court(prepared(std::move(source)), cache_bytes) {}
  explicit Court(policy::Prepared what, std::size_t cache_bytes = 1u << 20)
      : judge(std::move(what), settings_with(cache_bytes)) {
    clock_now = 1'800'000'000;
    session.open("s1", "10.1.2.3", 5000);
    session.set(SessionField::user, "app");
  }
  Subject subject(std::string_view sql, Kind kind = Kind::query) {
    Subject out;
    out.kind = kind;
    out.session = &session;
    out.sql = sql;
    return out;
  }
  Judged operator()(std::string_view sql, Kind kind = Kind::query) {
    return judge.judge(subject(sql, kind));
  }
};

bool denied(const Judged& ruling) { return ruling->action == Ruling::Action::deny; }

TEST(Judge, ReadsTheTextAndRules) {
  Court court(source_of({rule("no-delete", leaf("kind", "delete"))}));
  EXPECT_EQ(court("SELECT 1")->action, Ruling::Action::allow);
  const Judged ruling = court("SELECT 1; DELETE FROM t WHERE a = 1");
  ASSERT_TRUE(denied(ruling));
  EXPECT_EQ(ruling->refusal.detail, "Rule no-delete (medium) refused statement 2 of 2.");
  EXPECT_EQ(court("SELECT 1; DELETE FROM t WHERE a = 1"), ruling) << "refusals are shared too";
  EXPECT_EQ(court.session.refused, 2u);
  EXPECT_TRUE(denied(court("WITH d AS (DELETE FROM t RETURNING 1) SELECT 1"))) << "CTE";
  EXPECT_EQ(court("")->action, Ruling::Action::allow);
  EXPECT_EQ(court("-- nothing")->action, Ruling::Action::allow);
  EXPECT_EQ(court.session.statements, 6u);
}

TEST(Judge, RefusesWhatItCannotRead) {
  Court court(source_of({}));
  const Judged ruling = court("SELEKT 1");
  ASSERT_TRUE(denied(ruling));
  EXPECT_EQ(ruling->refusal.rule, "sql.opaque.unparsable");
  EXPECT_EQ(ruling->refusal.sqlstate, "42601");
  EXPECT_GT(ruling->refusal.position, 0u);
}

TEST(Cache, OneRulingServesAllWhereNothingOfThemWasRead) {
  Court court(source_of({rule("r", all({leaf("kind", "delete"), leaf("user", "mallory")}))}));
  const Judged first = court("SELECT 1");
  EXPECT_EQ(court.judge.cache_misses(), 1u);
  court.session.set(SessionField::user, "mallory");
  EXPECT_EQ(court("SELECT 1"), first);
  EXPECT_EQ(court("SELECT 1", Kind::parse)->action, Ruling::Action::allow);
  EXPECT_EQ(court.judge.cache_misses(), 1u);
}

// The mistake that would matter: a ruling found for one user handed to another.
TEST(Cache, ARulingThatReadTheUserIsForThatUser) {
  Court court(source_of({rule("r", all({leaf("kind", "select"), leaf("user", "mallory")}))}));
  for (int round = 0; round < 3; ++round) {
    court.session.set(SessionField::user, "app");
    EXPECT_FALSE(denied(court("SELECT 1"))) << round;
    court.session.set(SessionField::user, "mallory");
    EXPECT_TRUE(denied(court("SELECT 1"))) << round;
  }
  EXPECT_EQ(court.judge.cache_misses(), 1u) << "the text is analyzed once";
}

TEST(Cache, SeparatesProtocolsThatARuleTells) {
  Court court(source_of({rule("r", leaf("protocol", "simple"))}));
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(denied(court("SELECT 1")));
    EXPECT_FALSE(denied(court("SELECT 1", Kind::parse)));
  }
}

TEST(Cache, KeepsNoRulingThatTimeChanges) {
  Court court(
      source_of({rule("r", all({leaf("kind", "select"), leaf("time", "Fri 08:00-09:00")}))}));
  EXPECT_TRUE(denied(court("SELECT 1")));
  clock_now += 3600;
  EXPECT_FALSE(denied(court("SELECT 1")));
}

TEST(Cache, OverrideThatEndsMovesTheEpoch) {
  Source source = source_of({rule("r", leaf("kind", "select"))});
  policy::Override over;
  over.rule = "r";
  over.until = 1'800'000'100;
  source.overrides = {over};
  Court court(source);
  const std::uint64_t before = court.judge.epoch();
  EXPECT_FALSE(denied(court("SELECT 1")));
  clock_now = 1'800'000'100;
  EXPECT_NE(court.judge.epoch(), before);
  EXPECT_TRUE(denied(court("SELECT 1")));
  EXPECT_EQ(court("SELECT 1")->epoch, court.judge.epoch());
}

TEST(Cache, StaysInItsBound) {
  Court court(source_of({rule("r", leaf("user", "mallory"))}), 256u << 10);
  for (int i = 0; i < 2000; ++i) {
    court("SELECT " + std::to_string(i) + " FROM a, b, c WHERE a.x = b.x");
    ASSERT_LE(court.judge.cached_bytes(), 256u << 10);
  }
  // Many values of the one field that is read: rulings of one text have a bound too.
  for (int i = 0; i < 2000; ++i) {
    court.session.set(SessionField::user, "u" + std::to_string(i));
    EXPECT_FALSE(denied(court("SELECT 1")));
    ASSERT_LE(court.judge.cached_bytes(), 256u << 10);
  }
  court.session.set(SessionField::user, "mallory");
  EXPECT_TRUE(denied(court("SELECT 1")));
  const std::string large = "SELECT '" + std::string(100'000, 'x') + "'";
  EXPECT_TRUE(denied(court(large)));
  court.session.set(SessionField::user, "app");
  EXPECT_FALSE(denied(court(large)));
}

TEST(Swap, JudgesAgainUnderTheNewPolicy) {
  Court court(source_of({}));
  const Judged before = court("SELECT 1", Kind::parse);
  EXPECT_FALSE(denied(before));
  court.judge.commit(prepared(source_of({rule("r", leaf("kind", "select"))}), 2));
  EXPECT_NE(court.judge.epoch(), before->epoch);
  Subject again = court.subject("", Kind::again);
  again.earlier = before.get();
  const Judged after = court.judge.judge(again);
  EXPECT_TRUE(denied(after));
  EXPECT_EQ(after->epoch, court.judge.epoch());
  EXPECT_EQ(court.judge.cache_misses(), 1u) << "the analysis outlives the policy";
}

TEST(Hooks, AreWantedWhereRulesAre) {
  Court none(source_of({}));
  for (const Kind kind : {Kind::connect, Kind::authenticated, Kind::bind, Kind::execute, Kind::copy,
                          Kind::complete, Kind::disconnect, Kind::describe}) {
    EXPECT_FALSE(none.judge.wants(kind));
    EXPECT_FALSE(denied(none("", kind)));
  }
  EXPECT_TRUE(none.judge.wants(Kind::query) && none.judge.wants(Kind::parse));
  EXPECT_TRUE(none.judge.wants(Kind::function_call));
  const std::pair<policy::Hook, Kind> hooks[] = {
      {policy::Hook::connect, Kind::connect},   {policy::Hook::auth, Kind::authenticated},
      {policy::Hook::execute, Kind::bind},      {policy::Hook::copy, Kind::copy},
      {policy::Hook::complete, Kind::complete}, {policy::Hook::disconnect, Kind::disconnect}};
  for (const auto& [hook, kind] : hooks) {
    Rule written = rule("r", leaf("user", "app"));
    written.hook = hook;
    Court court(source_of({written}));
    EXPECT_TRUE(court.judge.wants(kind));
    EXPECT_TRUE(denied(court("", kind)));
    court.session.set(SessionField::user, "other");
    EXPECT_FALSE(denied(court("", kind)));
  }
}

TEST(Hooks, ExecutionSeesTheStatementOfItsParse) {
  Rule written = rule("r", leaf("relations", "orders"));
  written.hook = policy::Hook::execute;
  Court court(source_of({written}));
  const Judged orders = court("SELECT * FROM orders WHERE id = $1", Kind::parse);
  const Judged items = court("SELECT * FROM items WHERE id = $1", Kind::parse);
  EXPECT_FALSE(denied(orders));
  Subject bind = court.subject("", Kind::bind);
  bind.earlier = orders.get();
  EXPECT_TRUE(denied(court.judge.judge(bind)));
  bind.earlier = items.get();
  EXPECT_FALSE(denied(court.judge.judge(bind)));
  EXPECT_TRUE(denied(court("SELECT * FROM orders"))) << "a simple Query is executed at once";
}

TEST(Hooks, AFunctionCallIsACallOfThatFunction) {
  Court court(source_of({rule("r", leaf("functions", "lo_creat"))}));
  Subject call = court.subject("", Kind::function_call);
  call.function = 957;
  EXPECT_TRUE(denied(court.judge.judge(call)));
  call.function = 952;
  EXPECT_FALSE(denied(court.judge.judge(call)));
  call.function = 12345;
  EXPECT_EQ(court.judge.judge(call)->analysis->text(), "CALL pg_catalog.\"oid 12345\"()");
}

TEST(Hooks, CompletionAndCopyAreOfTheStatementThatIsGiven) {
  Rule written = rule("r", leaf("relations", "b"));
  for (const auto hook : {policy::Hook::complete, policy::Hook::copy}) {
    written.hook = hook;
    Court court(source_of({written}));
    const Judged both = court("COPY a FROM STDIN; COPY b FROM STDIN");
    Subject subject =
        court.subject("", hook == policy::Hook::complete ? Kind::complete : Kind::copy);
    subject.earlier = both.get();
    policy::Completion completion;
    completion.tag = "COPY 1";
    subject.completion = &completion;
    EXPECT_FALSE(denied(court.judge.judge(subject)));
    subject.number = 1;
    EXPECT_TRUE(denied(court.judge.judge(subject)));
    subject.number = 2;
    EXPECT_FALSE(denied(court.judge.judge(subject))) << "there is none";
  }
}

// What a policy makes of a prepared statement later is about the text as the server read it.
TEST(Again, IsReadAsItWasPrepared) {
  Court court(source_of({rule("r", all({leaf("role", "admin"), leaf("relations", "secrets")}))}));
  const std::string_view text = R"(SELECT 'a\', i FROM secrets --')";
  const Judged before = court(text, Kind::parse);
  EXPECT_FALSE(denied(before));
  Subject again = court.subject("", Kind::again);
  again.earlier = before.get();
  again.reading.known.standard_conforming_strings = false;  // by now
  EXPECT_FALSE(denied(court.judge.judge(again)));
  court.session.set(SessionField::role, "admin");
  EXPECT_TRUE(denied(court.judge.judge(again)));
}

TEST(Again, IsNeededWhereARulingWasOfItsMomentOnly) {
  Court court(source_of({rule("r", leaf("transaction", "idle"))}));
  EXPECT_TRUE(court("SELECT 1", Kind::parse)->passing);
  Court plain(source_of({rule("r", leaf("user", "nobody"))}));
  EXPECT_FALSE(plain("SELECT 1", Kind::parse)->passing);
}

TEST(Readings, StrictestOfThoseThatArePossibleCounts) {
  Court court(source_of({rule("r", leaf("functions", "pg_sleep"))}));
  // With standard_conforming_strings off, \' is a quote inside: the call is outside of the string.
  const std::string_view hidden = R"(SELECT '\', pg_sleep(1), '\')";
  Subject subject = court.subject(hidden);
  EXPECT_TRUE(denied(court.judge.judge(subject)));
  subject.sql = R"(SELECT '\'', pg_sleep(1) --')";  // a string to its end, unless scs is off
  const bool plain = denied(court.judge.judge(subject));
  subject.reading.certain = false;
  EXPECT_TRUE(denied(court.judge.judge(subject)));
  EXPECT_FALSE(plain);
}

Rule capping(std::int64_t rows) {
  Rule out = rule("cap", leaf("kind", "select"), Action::rewrite);
  out.verdict->edits = {sql::CapLimit{rows}};
  return out;
}

TEST(Rewrite, IsJudgedAgain) {
  Court court(source_of({capping(5), rule("no-five", leaf("limit.above", 4))}));
  const Judged ruling = court("SELECT * FROM t");
  ASSERT_TRUE(denied(ruling)) << "the rewritten text is refused by another rule";
  EXPECT_EQ(ruling->refusal.rule, "no-five");

  Court allowed(source_of({capping(5)}));
  const Judged rewritten = allowed("SELECT * FROM t");
  ASSERT_EQ(rewritten->action, Ruling::Action::rewrite);
  EXPECT_NE(rewritten->rewrite.sql.find("LIMIT 5"), std::string::npos);
  EXPECT_EQ(rewritten->analysis->text(), "SELECT * FROM t");
  EXPECT_EQ(rewritten->rewritten->text(), rewritten->rewrite.sql);
  EXPECT_EQ(allowed("SELECT * FROM t"), rewritten) << "cached";
}

TEST(Rewrite, ThatCannotBeDoneFollowsOnError) {
  Court court(source_of({capping(5)}));
  const Judged ruling = court("SELECT 1; SELECT 2");
  ASSERT_TRUE(denied(ruling));
  EXPECT_EQ(ruling->refusal.rule, "cap");
  Rule lenient = capping(5);
  lenient.on_error = policy::OnError::allow;
  Court passing(source_of({lenient}));
  const Judged passed = passing("SELECT 1; SELECT 2");
  EXPECT_EQ(passed->action, Ruling::Action::allow);
  ASSERT_EQ(passed->findings.size(), 1u);
  EXPECT_EQ(passed->findings[0].action, policy::Finding::Action::error);
}

TEST(Rewrite, IsNotDoneWhereOnlyMonitored) {
  Rule monitored = capping(5);
  monitored.mode = Mode::monitor;
  Court court(source_of({monitored}));
  const Judged ruling = court("SELECT * FROM t");
  EXPECT_EQ(ruling->action, Ruling::Action::allow);
  ASSERT_EQ(ruling->findings.size(), 1u);
  EXPECT_EQ(ruling->findings[0].effect, policy::Finding::Effect::would);
}

TEST(Tally, CountsCachedRulingsToo) {
  Rule monitored = rule("r", leaf("kind", "select"));
  monitored.mode = Mode::monitor;
  policy::Prepared what = prepared(source_of({monitored}));
  const auto tally = what.tally;
  const std::uint32_t index = what.bundle->find("r")->index;
  Court court(std::move(what));
  for (int i = 0; i < 5; ++i) court("SELECT 1");
  EXPECT_EQ(tally->of(index).matched, 5u);
  EXPECT_EQ(tally->of(index).would, 5u);
  EXPECT_EQ(tally->of(index).done, 0u);
}

TEST(Explain, SaysWhatJudgeDoes) {
  Court court(
      source_of({rule("r", all({leaf("kind", "select"), leaf("user", "app")})), capping(5)}));
  for (const std::string_view sql : {"SELECT 1", "DELETE FROM t", "SELEKT", "SELECT 1; SELECT 2"}) {
    const policy::Trace trace = court.judge.explain(court.subject(sql));
    const Judged judged = court(sql);
    EXPECT_EQ(trace.ruling->action, judged->action) << sql;
    EXPECT_EQ(trace.ruling->refusal.rule, judged->refusal.rule) << sql;
    EXPECT_EQ(trace.ruling->findings.size(), judged->findings.size()) << sql;
    EXPECT_FALSE(trace.statements.empty());
  }
}

}  // namespace
}  // namespace pgmoat::test
