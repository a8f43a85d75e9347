// How the answers of many rules become one ruling: combination, wording, scopes, scores, errors.
#include "by_hand.h"

namespace pgmoat::test {
namespace {

using policy::Finding;
using policy::Mode;
using policy::Rule;
using policy::Ruling;
using policy::SessionField;
using policy::Severity;
using policy::Source;
using sql::Kind;
using Action = policy::Verdict::Action;

Rule on_select(std::string id, Action action, Severity severity = Severity::medium) {
  Rule out = rule(std::move(id), leaf("kind", "select"), action);
  out.severity = severity;
  return out;
}

std::string told(const Ruling& ruling) {
  std::string text;
  for (const Finding& finding : ruling.findings) {
    text += (text.empty() ? "" : " ") + finding.rule + ":" + std::string(name_of(finding.action));
    text += finding.effect == Finding::Effect::done ? ":done" : ":would";
  }
  return text;
}

struct Combined {
  std::vector<Rule> rules;
  Ruling::Action action;
  std::string speaker, findings;
};

TEST(Combination, OfSeveralAnswersTheStrictestActs) {
  Rule monitored = on_select("m", Action::deny, Severity::critical);
  monitored.mode = Mode::monitor;
  Rule warned = on_select("w", Action::deny);
  warned.mode = Mode::warn;
  const Rule deny = on_select("d", Action::deny),
             high = on_select("h", Action::deny, Severity::high);
  const Rule allow = on_select("a", Action::allow), alert = on_select("l", Action::alert);
  const Rule end = on_select("t", Action::terminate, Severity::low);
  const std::vector<Combined> cases = {
      {{}, Ruling::Action::allow, "", ""},
      {{allow}, Ruling::Action::allow, "", ""},
      {{deny}, Ruling::Action::deny, "d", "d:deny:done"},
      {{allow, deny}, Ruling::Action::deny, "d", "d:deny:done"},
      {{deny, high}, Ruling::Action::deny, "h", "d:deny:done h:deny:done"},
      {{high, deny}, Ruling::Action::deny, "h", "h:deny:done d:deny:done"},
      {{deny, on_select("e", Action::deny)}, Ruling::Action::deny, "d", "d:deny:done e:deny:done"},
      {{high, end}, Ruling::Action::terminate, "t", "h:deny:done t:terminate:done"},
      {{end, high}, Ruling::Action::terminate, "t", "t:terminate:done h:deny:done"},
      {{monitored}, Ruling::Action::allow, "", "m:deny:would"},
      {{monitored, deny}, Ruling::Action::deny, "d", "m:deny:would d:deny:done"},
      {{warned, alert}, Ruling::Action::allow, "", "w:deny:would l:alert:done"},
  };
  for (const Combined& one : cases) {
    Bench bench(source_of(one.rules));
    Statement statement(Kind::select);
    const auto ruling = bench.rule_on(statement);
    EXPECT_EQ(ruling->action, one.action) << one.findings;
    EXPECT_EQ(ruling->refusal.rule, one.speaker);
    EXPECT_EQ(told(*ruling), one.findings);
  }
}

TEST(Combination, OnlyWarnIsToBeWarnedOf) {
  Rule warned = on_select("w", Action::deny);
  warned.mode = Mode::warn;
  Bench bench(source_of({warned, on_select("d", Action::deny)}));
  Statement statement(Kind::select);
  const auto ruling = bench.rule_on(statement);
  ASSERT_EQ(ruling->findings.size(), 2u);
  EXPECT_TRUE(ruling->findings[0].warn);
  EXPECT_FALSE(ruling->findings[1].warn);
}

TEST(Combination, StrictestStatementOfATextActs) {
  Bench bench(source_of({rule("r", leaf("kind", "delete"))}));
  Statement select(Kind::select), remove(Kind::delete_);
  policy::Combination combination(1);
  bench.question.count = 3;
  for (Statement* statement : {&select, &remove, &remove}) {
    combination.add(bench.question, bench.ask(*statement));
    ++bench.question.index;
  }
  const auto ruling = combination.finish();
  EXPECT_EQ(ruling->action, Ruling::Action::deny);
  EXPECT_EQ(told(*ruling), "r:deny:done") << "one finding a rule";
  EXPECT_EQ(ruling->refusal.detail, "Rule r (medium) refused statement 2 of 3.");
}

TEST(Refusal, SaysWhatPolicyAuthorsWrite) {
  Rule written = rule("core.require-where", leaf("kind", "delete"));
  written.severity = Severity::high;
  written.owner = "dba@example.org";
  written.verdict->message = "{command} by {user} needs a WHERE clause";
  Bench bench(source_of({written}));
  Statement statement(Kind::delete_, "DELETE");
  const auto ruling = bench.rule_on(statement);
  EXPECT_EQ(ruling->refusal.sqlstate, "42501");
  EXPECT_EQ(ruling->refusal.message, "DELETE by app needs a WHERE clause");
  EXPECT_EQ(ruling->refusal.hint, "Ask dba@example.org for an exception.");
  EXPECT_EQ(ruling->refusal.position, 0u);

  EXPECT_EQ(ruling->refusal.detail, "Rule core.require-where (high) refused statement 1 of 1.");
  EXPECT_EQ(ruling->findings[0].refusal.detail, ruling->refusal.detail);
}

// "pgmoat" is the owner of every shipped rule, and nobody can ask it.
TEST(Refusal, OfAShippedRuleNamesThePersonWhoRunsIt) {
  Rule written = on_select("r", Action::deny);
  written.owner = "pgmoat";
  Bench bench(source_of({written}));
  Statement statement(Kind::select);
  EXPECT_EQ(bench.rule_on(statement)->refusal.hint,
            "Ask the administrator of pgmoat for an exception.");
}

TEST(Refusal, AuthorsWordsComeFirst) {
  Rule written = on_select("r", Action::deny);
  written.description = "described";
  written.verdict->detail = "See the wiki.";
  written.verdict->hint = "Do not.";
  written.verdict->sqlstate = "25006";
  Bench bench(source_of({written}));
  Statement statement(Kind::select);
  const auto ruling = bench.rule_on(statement);
  EXPECT_EQ(ruling->refusal.message, "described");
  EXPECT_EQ(ruling->refusal.sqlstate, "25006");
  EXPECT_EQ(ruling->refusal.hint, "Do not.");
  EXPECT_EQ(ruling->refusal.detail.rfind("See the wiki. Rule r (medium) refused", 0), 0u);
}

TEST(Refusal, PointsAtTheFactInCharacters) {
  Bench bench(source_of({rule("r", leaf("functions", "pg_sleep"))}));
  Statement statement(Kind::select);
  statement.facts.text = "SELECT '\xc3\xa9', pg_sleep(1)";
  statement.function("pg_sleep", sql::Reach::call, 13);
  bench.question.text = statement.facts.text;
  EXPECT_EQ(bench.rule_on(statement)->refusal.position, 13u)
      << "13 bytes are before it, 12 characters";
  bench.question.converted = true;
  EXPECT_EQ(bench.rule_on(statement)->refusal.position, 0u);
}

TEST(Refusal, StatesFitTheHook) {
  const auto state = [](policy::Hook hook, Action action) {
    Rule written = rule("r", all({}), action);
    written.hook = hook;
    Bench bench(source_of({written}));
    bench.question.hook = hook;
    bench.evaluator.evaluate(bench.question, bench.evaluation);
    policy::Combination combination(1);
    combination.add(bench.question, bench.evaluation);
    return combination.finish()->refusal.sqlstate;
  };
  EXPECT_EQ(state(policy::Hook::connect, Action::deny), "28000");
  EXPECT_EQ(state(policy::Hook::auth, Action::deny), "28000");
  EXPECT_EQ(state(policy::Hook::execute, Action::deny), "42501");
  EXPECT_EQ(state(policy::Hook::complete, Action::terminate), "57P01");
}

TEST(Opaque, IsRefusedByABuiltInRuleThatOverridesKnow) {
  Source source;
  Bench bench(source);
  Statement statement(Kind::other);
  bench.question.opacity = sql::Opacity::unparsable;
  bench.question.why = "syntax error at or near \"x\".";
  const auto ruling = bench.rule_on(statement);
  EXPECT_EQ(ruling->action, Ruling::Action::deny);
  EXPECT_EQ(ruling->refusal.rule, "sql.opaque.unparsable");
  EXPECT_EQ(ruling->refusal.sqlstate, "42601");
  EXPECT_NE(ruling->refusal.message.find("syntax error"), std::string::npos);

  const std::pair<sql::Opacity, std::string> states[] = {{sql::Opacity::encoding, "22021"},
                                                         {sql::Opacity::oversize, "54001"},
                                                         {sql::Opacity::nesting, "54001"},
                                                         {sql::Opacity::dialect, "0A000"}};
  for (const auto& [opacity, state] : states) {
    bench.question.opacity = opacity;
    EXPECT_EQ(bench.rule_on(statement)->refusal.sqlstate, state);
  }

  policy::Override over;
  over.rule = "sql.opaque.unparsable";
  source.overrides = {over};  // monitor
  Bench monitored(source);
  monitored.question.opacity = sql::Opacity::unparsable;
  EXPECT_EQ(told(*monitored.rule_on(statement)), "sql.opaque.unparsable:deny:would");
}

TEST(Scope, NeedsAnAllow) {
  Source source = source_of({rule(
      "ok",
      all({leaf("kind", "select"), leaf("user", "reporting"), leaf("relations.only", "mart.*")}),
      Action::allow)});
  policy::Scope scope;
  scope.match = leaf("user", "reporting");
  scope.deny_by_default = true;
  source.scopes = {scope};
  Bench bench(source);
  Statement mart(Kind::select), secret(Kind::select);
  mart.relation("mart.sales");
  secret.relation("mart.sales").relation("public.users");
  EXPECT_EQ(bench.rule_on(secret)->action, Ruling::Action::allow) << "another user";
  bench.session.set(SessionField::user, "reporting");
  EXPECT_EQ(bench.rule_on(mart)->action, Ruling::Action::allow);
  EXPECT_EQ(bench.rule_on(secret)->refusal.rule, "policy.default-deny");

  policy::Compiling how;
  how.ceiling = Mode::monitor;
  Bench monitored(source, how);
  monitored.session.set(SessionField::user, "reporting");
  EXPECT_EQ(told(*monitored.rule_on(secret)), "policy.default-deny:deny:would");
}

Rule scoring(std::string id, std::int64_t score, Mode mode = Mode::enforce) {
  Rule out = on_select(std::move(id), Action::score);
  out.verdict->score = score;
  out.mode = mode;
  return out;
}

TEST(Score, AddsUpBeforeTheThresholdIsAsked) {
  const Rule threshold = rule("t", leaf("score.above", 4));
  Statement statement(Kind::select);
  // The threshold stands first, and is asked last.
  EXPECT_EQ(Bench(source_of({threshold, scoring("a", 3), scoring("b", 2)})).matched(statement),
            "a b t");
  EXPECT_EQ(Bench(source_of({threshold, scoring("a", 3), scoring("b", 1)})).matched(statement),
            "a b");
  EXPECT_EQ(
      Bench(source_of({threshold, scoring("a", 3), scoring("b", 2, Mode::off)})).matched(statement),
      "a");
}

TEST(Score, WhatIsMonitoredRefusesNothingByTheSum) {
  const Rule threshold = rule("t", leaf("score.above", 4));
  Statement statement(Kind::select);
  const auto ruling = Bench(source_of({threshold, scoring("a", 3), scoring("b", 2, Mode::monitor)}))
                          .rule_on(statement);
  EXPECT_EQ(told(*ruling), "t:deny:would");
}

Rule scripted(std::string id) {
  Rule out = on_select(std::move(id), Action::deny);
  out.when = "something";
  return out;
}

TEST(Script, DecidesWhenTheNativePartHolds) {
  Bench bench(source_of({scripted("r")}));
  bench.scripts.truths = {{"r", true}};
  Statement statement(Kind::select), other(Kind::insert);
  EXPECT_EQ(bench.matched(statement), "r");
  EXPECT_EQ(bench.scripts.calls, 1);
  EXPECT_EQ(bench.matched(other), "");
  EXPECT_EQ(bench.scripts.calls, 1);
  bench.scripts.truths = {{"r", false}};
  EXPECT_EQ(bench.matched(statement), "");
}

TEST(Script, DecideMayHaveNoOpinion) {
  Rule decides = on_select("r", Action::deny);
  decides.verdict.reset();
  decides.decide = "lua:x";
  Bench bench(source_of({decides}));
  Statement statement(Kind::select);
  EXPECT_EQ(bench.matched(statement), "");
  policy::Verdict alert;
  alert.action = Action::alert;
  bench.scripts.decisions = {{"r", alert}};
  EXPECT_EQ(told(*bench.rule_on(statement)), "r:alert:done");
}

TEST(Script, TroubleRefusesWhereItEnforces) {
  const auto outcome = [](Mode mode, policy::OnError on_error) {
    Rule written = scripted("r");
    written.mode = mode;
    written.on_error = on_error;
    Bench bench(source_of({written}));
    bench.scripts.failing = {"r"};
    Statement statement(Kind::select);
    const auto ruling = bench.rule_on(statement);
    EXPECT_TRUE(bench.evaluation.reads.unstable);
    EXPECT_EQ(ruling->findings[0].refusal.message, "policy.lua:3: broken");
    EXPECT_EQ(ruling->refusal.message.find("policy.lua"), std::string::npos) << "not for clients";
    return told(*ruling);
  };
  using policy::OnError;
  EXPECT_EQ(outcome(Mode::enforce, OnError::by_mode), "r:error:done");
  EXPECT_EQ(outcome(Mode::enforce, OnError::deny), "r:error:done");
  EXPECT_EQ(outcome(Mode::enforce, OnError::allow), "r:error:would");
  EXPECT_EQ(outcome(Mode::monitor, OnError::by_mode), "r:error:would");
  EXPECT_EQ(outcome(Mode::monitor, OnError::deny), "r:error:would");
}

TEST(Script, ThatKeepsFailingIsOnlyMonitored) {
  Bench bench(source_of({scripted("r")}));
  bench.scripts.failing = {"r"};
  Statement statement(Kind::select);
  // 99 errors, then ten seconds: they are forgotten.
  for (int i = 0; i < 99; ++i) EXPECT_EQ(bench.rule_on(statement)->action, Ruling::Action::deny);
  bench.question.now += policy::Evaluator::kBreakerSeconds;
  for (int i = 0; i < 99; ++i) EXPECT_EQ(bench.rule_on(statement)->action, Ruling::Action::deny);
  const auto last = bench.rule_on(statement);
  EXPECT_EQ(last->action, Ruling::Action::deny);
  EXPECT_NE(last->findings[0].refusal.message.find("only monitored"), std::string::npos);
  EXPECT_EQ(bench.rule_on(statement)->action, Ruling::Action::allow);
  bench.scripts.failing = {};
  bench.scripts.truths = {{"r", true}};
  EXPECT_EQ(told(*bench.rule_on(statement)), "r:deny:would");
}

TEST(Rewrites, ComposeInTheirOrder) {
  const auto capping = [](std::string id, int order, std::int64_t rows) {
    Rule out = on_select(std::move(id), Action::rewrite);
    out.order = order;
    out.verdict->edits = {sql::CapLimit{rows}};
    return out;
  };
  Bench bench(source_of({capping("late", 200, 1), capping("b", 100, 2), capping("early", 50, 3)}));
  Statement statement(Kind::select);
  bench.ask(statement);
  policy::Combination combination(1);
  combination.add(bench.question, bench.evaluation);
  ASSERT_TRUE(combination.rewrites());
  std::vector<std::int64_t> rows;
  for (const sql::Edit& edit : combination.edits())
    rows.push_back(std::get<sql::CapLimit>(edit).rows);
  EXPECT_EQ(rows, (std::vector<std::int64_t>{3, 2, 1}));
  combination.rewrite_failed(bench.question, "no such column");
  const auto ruling = combination.finish();
  EXPECT_EQ(ruling->action, Ruling::Action::deny);
  EXPECT_EQ(told(*ruling), "late:error:done b:error:done early:error:done");
}

TEST(Tags, AreGivenAlsoWhereOnlyMonitored) {
  Rule tagging = rule("r", leaf("app", "psql"), Action::tag);
  tagging.hook = policy::Hook::connect;
  tagging.verdict->tags = {"human"};
  tagging.mode = Mode::monitor;
  Bench bench(source_of({tagging}));
  bench.session.set(SessionField::application, "psql");
  bench.question.hook = policy::Hook::connect;
  bench.evaluator.evaluate(bench.question, bench.evaluation);
  policy::Combination combination(1);
  combination.add(bench.question, bench.evaluation);
  EXPECT_EQ(combination.finish()->tags, std::vector<std::string>{"human"});
}

// What is passed over unasked is only what would not have matched.
TEST(Index, PassesOverNothingThatMatches) {
  class Nobody final : public policy::Observer {
    void rule(const policy::CompiledRule&) override {}
    void native(bool) override {}
    void mode(Mode, const std::string&) override {}
    void when(bool) override {}
    void excepted(const policy::Exception&) override {}
    void answered(const policy::Answer&) override {}
    void done() override {}
  };
  using Op = policy::Match::Op;
  const std::vector<policy::Match> parts = {
      leaf("kind", "select"),   leaf("relations", "orders"),  leaf("functions", "pg_*"),
      leaf("functions", "now"), leaf("star", true),           leaf("star", false),
      leaf("set.name", "role"), leaf("where.present", false), leaf("writes", true),
      leaf("writes", "orders"), leaf("copy.target", "none"),  leaf("opaque", true),
      leaf("opaque", "none"),   leaf("user", "app"),          leaf("signs", "delay"),
  };
  std::vector<Rule> rules;
  for (const auto& a : parts) {
    for (const auto& b : parts) {
      for (const Op op : {Op::all, Op::any, Op::none}) {
        rules.push_back(rule("r" + std::to_string(rules.size()), group(op, {a, b})));
      }
    }
  }
  Bench bench(source_of(rules));
  std::vector<Statement> statements(6);
  statements[0].facts.kind = Kind::select;
  statements[0].relation("public.orders").function("now");
  statements[1].facts.kind = Kind::update;
  statements[1].facts.writes = true;
  statements[1].relation("orders", sql::Access::update).facts.where.present = false;
  statements[2].setting("role", "x");
  statements[3].facts.star = true;
  statements[3].function("pg_sleep").facts.signs = sql::kDelay;
  statements[4].facts.copy.target = sql::Copy::Target::file;
  for (const auto opacity : {sql::Opacity::none, sql::Opacity::tree}) {
    bench.question.opacity = opacity;
    for (Statement& statement : statements) {
      const std::string quick = bench.matched(statement);
      Nobody nobody;
      bench.evaluator.evaluate(bench.question, bench.evaluation, &nobody);
      std::string whole;
      for (const policy::Answer& answer : bench.evaluation.answers) {
        whole += (whole.empty() ? "" : " ") + answer.rule->written->id;
      }
      EXPECT_EQ(quick, whole);
    }
  }
}

}  // namespace
}  // namespace pgmoat::test
