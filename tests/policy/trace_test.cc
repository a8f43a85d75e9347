// What `explain` is told: every rule of the hook, and how far each went.
#include "policy/trace.h"

#include <set>

#include "by_hand.h"

namespace pgmoat::test {
namespace {

using policy::Mode;
using policy::Rule;

TEST(Trace, EveryFieldOfASessionHasAName) {
  const policy::FieldSet all = (policy::FieldSet{1} << policy::kSessionFields) - 1;
  const std::vector<std::string> names = policy::names_of(all);
  EXPECT_EQ(names.size(), policy::kSessionFields);
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  EXPECT_EQ(policy::names_of(bit(policy::SessionField::method)),
            std::vector<std::string>{"method"});
}

TEST(Trace, TellsHowFarEachRuleWent) {
  Rule other = rule("other", all({leaf("kind", "delete"), leaf("user", "app")}));
  Rule monitored = rule("monitored", all({leaf("kind", "select"), leaf("star", true)}));
  monitored.mode = Mode::monitor;
  Rule untrue = rule("untrue", leaf("kind", "select"));
  untrue.when = "false";
  Rule excepted = rule("excepted", leaf("kind", "select"));
  policy::Exception exception;
  exception.name = "for app";
  exception.match = leaf("user", "app");
  excepted.exceptions = {exception};
  Rule failing = rule("failing", leaf("kind", "select"));
  failing.when = "x.y";
  Bench bench(source_of({other, monitored, untrue, excepted, failing}));
  bench.scripts.failing = {"failing"};
  Statement statement(sql::Kind::select);
  statement.facts.star = true;
  bench.question.statement = &statement.done();

  policy::Trace trace;
  policy::Tracer tracer(trace);
  tracer.question(bench.question, false);
  bench.evaluator.evaluate(bench.question, bench.evaluation, &tracer);
  ASSERT_EQ(trace.statements.size(), 1u);
  const auto find = [&](std::string_view id) {
    for (const policy::RuleTrace& one : trace.statements[0].rules) {
      if (one.rule->id == id) return one;
    }
    ADD_FAILURE() << id;
    return policy::RuleTrace{};
  };
  EXPECT_EQ(find("other").failed_leaf(), "kind");
  EXPECT_EQ(find("other").leaves.size(), 1u);
  EXPECT_FALSE(find("other").mode.has_value());
  EXPECT_TRUE(find("monitored").native);
  EXPECT_EQ(find("monitored").leaves.size(), 2u);
  EXPECT_EQ(find("monitored").mode, Mode::monitor);
  EXPECT_EQ(find("monitored").why_mode, "its own");
  EXPECT_TRUE(find("monitored").verdict.has_value());
  EXPECT_EQ(find("untrue").when, false);
  EXPECT_FALSE(find("untrue").verdict.has_value());
  ASSERT_NE(find("excepted").exception, nullptr);
  EXPECT_EQ(find("excepted").exception->name, "for app");
  EXPECT_EQ(find("failing").trouble, "policy.lua:3: broken");
  EXPECT_EQ(find("sql.opaque.tokens").failed_leaf(), "opaque");
}

TEST(Trace, NamesSessionFields) {
  using policy::SessionField;
  EXPECT_EQ(policy::names_of(bit(SessionField::user) | bit(SessionField::percent)),
            (std::vector<std::string>{"user", "percent"}));
}

}  // namespace
}  // namespace pgmoat::test
