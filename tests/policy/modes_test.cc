// Which mode a rule has for a session: ceilings, levels, overrides, percentages, and what ends when.
#include "by_hand.h"

namespace pgmoat::test {
namespace {

using policy::Mode;
using policy::Override;
using policy::Rule;
using policy::SessionField;
using policy::Source;

constexpr std::int64_t kNow = 1'800'000'000;

Mode mode_in(Source source, policy::Compiling how = {}, std::string_view user = "app",
             std::int64_t now = kNow) {
  const auto bundle = compiled(std::move(source), how);
  policy::SessionView session;
  session.open("s1", "", 0);
  session.set(SessionField::user, std::string(user));
  policy::Reads reads;
  return mode_of(*bundle->find("p.r"), session, now, reads);
}

Source one_rule(std::optional<Mode> own, Mode pack_ceiling = Mode::enforce) {
  Source source = source_of({rule("p.r", leaf("kind", "select"))});
  source.rules[0].pack = "p";
  source.rules[0].mode = own;
  source.rules[0].tags = {"rce"};
  policy::Pack pack;
  pack.id = "p";
  pack.ceiling = pack_ceiling;
  source.packs = {pack};
  return source;
}

TEST(Modes, LeastOfOwnAndCeilings) {
  const Mode modes[] = {Mode::off, Mode::monitor, Mode::warn, Mode::enforce};
  for (const Mode own : modes) {
    for (const Mode pack : modes) {
      for (const Mode whole : modes) {
        policy::Compiling how;
        how.ceiling = whole;
        EXPECT_EQ(mode_in(one_rule(own, pack), how), std::min({own, pack, whole}));
      }
    }
  }
  EXPECT_EQ(mode_in(one_rule({})), Mode::enforce);
}

TEST(Modes, LevelAboveThePacksIsOffUnlessNamed) {
  Source source = one_rule(Mode::enforce);
  source.packs[0].level = 1;
  source.rules[0].level = 2;
  EXPECT_EQ(mode_in(source), Mode::off);
  Override over;
  over.tag = "rce";
  over.mode = Mode::warn;
  source.overrides = {over};
  EXPECT_EQ(mode_in(source), Mode::off) << "a tag raises no level";
  over.tag = "";
  over.rule = "p.r";
  source.overrides = {over};
  EXPECT_EQ(mode_in(source), Mode::warn);
}

TEST(Modes, Overrides) {
  struct Case {
    std::string rule, tag;
    std::vector<std::string> users;
    std::optional<std::int64_t> until;
    Mode expected;
  };
  const std::vector<Case> cases = {
      {"p.r", "", {}, {}, Mode::monitor},
      {"p.*", "", {}, {}, Mode::monitor},
      {"p.*x", "", {}, {}, Mode::enforce},
      {"q.*", "", {}, {}, Mode::enforce},
      {"", "rce", {}, {}, Mode::monitor},
      {"", "cis", {}, {}, Mode::enforce},
      {"p.r", "", {"etl", "app"}, {}, Mode::monitor},
      {"p.r", "", {"etl"}, {}, Mode::enforce},
      {"p.r", "", {}, kNow + 1, Mode::monitor},
      {"p.r", "", {}, kNow, Mode::enforce},
  };
  for (const Case& one : cases) {
    Source source = one_rule(Mode::enforce);
    Override over;
    over.rule = one.rule;
    over.tag = one.tag;
    over.users = one.users;
    over.until = one.until;
    source.overrides = {over};
    EXPECT_EQ(mode_in(source), one.expected) << one.rule << one.tag;
  }
}

TEST(Modes, LastOverrideThatHoldsCounts) {
  Source source = one_rule(Mode::enforce);
  Override first, second;
  first.rule = second.rule = "p.r";
  first.mode = Mode::warn;
  second.mode = Mode::off;
  second.users = {"etl"};
  source.overrides = {first, second};
  EXPECT_EQ(mode_in(source, {}, "app"), Mode::warn);
  EXPECT_EQ(mode_in(source, {}, "etl"), Mode::off);
}

TEST(Modes, OverrideCanRaiseARuleButNoCeiling) {
  Source source = one_rule(Mode::off);
  Override over;
  over.rule = "p.r";
  over.mode = Mode::enforce;
  source.overrides = {over};
  EXPECT_EQ(mode_in(source), Mode::enforce);
  source.packs[0].ceiling = Mode::warn;
  EXPECT_EQ(mode_in(source), Mode::warn);
}

TEST(Modes, WhatEndsMovesTheBundle) {
  Source source = one_rule(Mode::enforce);
  Override over;
  over.rule = "p.r";
  over.until = kNow;
  source.overrides = {over};
  policy::Exception exception;
  exception.expires = kNow + 10;
  source.rules[0].exceptions = {exception};
  const auto bundle = compiled(source);
  EXPECT_EQ(bundle->ended(kNow - 1), 0u);
  EXPECT_EQ(bundle->ended(kNow), 1u);
  EXPECT_EQ(bundle->ended(kNow + 10), 2u);
}

TEST(Percent, IsSpreadAndStable) {
  Source source = one_rule(Mode::enforce);
  const auto enforced = [&](int percent, int sessions) {
    source.rules[0].percent = percent;
    const auto bundle = compiled(source);
    int count = 0;
    for (int i = 0; i < sessions; ++i) {
      policy::SessionView session;
      session.open("session-" + std::to_string(i), "", 0);
      policy::Reads reads;
      const Mode mode = mode_of(*bundle->find("p.r"), session, kNow, reads);
      EXPECT_TRUE(mode == Mode::enforce || mode == Mode::monitor);
      EXPECT_EQ(mode_of(*bundle->find("p.r"), session, kNow + 1, reads), mode);
      count += mode == Mode::enforce ? 1 : 0;
    }
    return count;
  };
  EXPECT_EQ(enforced(0, 1000), 0);
  EXPECT_EQ(enforced(100, 1000), 1000);
  for (const int percent : {1, 10, 50, 90}) {
    EXPECT_NEAR(enforced(percent, 100'000), percent * 1000, 1000) << percent;
  }
}

// A session that one rule tries on is not the one that every rule tries on.
TEST(Percent, RulesChooseDifferentSessions) {
  Source source;
  for (int i = 0; i < 20; ++i) {
    source.rules.push_back(rule("r" + std::to_string(i), leaf("kind", "select")));
    source.rules.back().percent = 10;
  }
  const auto bundle = compiled(source);
  policy::SessionView session;
  session.open("one", "", 0);
  int chosen = 0;
  for (int i = 0; i < 20; ++i) {
    policy::Reads reads;
    const auto& one = *bundle->find("r" + std::to_string(i));
    chosen += mode_of(one, session, kNow, reads) == Mode::enforce ? 1 : 0;
    EXPECT_EQ(reads.fields, bit(SessionField::percent));
  }
  EXPECT_LT(chosen, 10);
}

TEST(Exceptions, HoldForWhatTheyName) {
  Rule written = rule("r", leaf("kind", "delete"));
  policy::Exception etl;
  etl.match = all({leaf("user", "etl"), leaf("relations", "staging.import")});
  etl.expires = kNow + 10;
  written.exceptions = {etl};
  Bench bench(source_of({written}));
  bench.question.now = kNow;
  bench.session.set(SessionField::user, "etl");
  const auto refused = [&](std::initializer_list<const char*> relations) {
    Statement statement(sql::Kind::delete_);
    for (const char* name : relations) statement.relation(name);
    return bench.matched(statement) == "r";
  };
  EXPECT_FALSE(refused({"staging.import"}));
  EXPECT_TRUE(refused({"public.users"}));
  // Naming the excepted table beside another one is no way around the rule.
  EXPECT_TRUE(refused({"public.users", "staging.import"}));
  EXPECT_TRUE(refused({"import"})) << "which schema that is, nobody knows";
  EXPECT_TRUE(refused({}));
  bench.session.set(SessionField::user, "app");
  EXPECT_TRUE(refused({"staging.import"}));
  bench.session.set(SessionField::user, "etl");
  bench.question.now = kNow + 10;
  EXPECT_TRUE(refused({"staging.import"})) << "it has expired";
}

TEST(Exceptions, NeedNotNameOperators) {
  Rule written = rule("r", leaf("functions", "set_config"));
  policy::Exception dump;
  dump.match = leaf("functions", "set_config");
  written.exceptions = {dump};
  Bench bench(source_of({written}));
  Statement statement(sql::Kind::select);
  statement.function("set_config").function("=", sql::Reach::op);
  EXPECT_EQ(bench.matched(statement), "");
  statement.function("pg_sleep");
  EXPECT_EQ(bench.matched(statement), "r");
}

// The fields that an answer read are those it depended on: no more, so that sessions share.
TEST(Reads, OnlyWhatWasAsked) {
  Rule by_user = rule("u", all({leaf("user", "mallory"), leaf("kind", "delete")}));
  Rule by_time = rule("t", all({leaf("time", "Sat 00:00-24:00"), leaf("kind", "ddl")}));
  Bench bench(source_of({by_user, by_time}));
  Statement select(sql::Kind::select), remove(sql::Kind::delete_), ddl(sql::Kind::ddl);
  EXPECT_EQ(bench.ask(select).reads.fields, 0u);
  EXPECT_EQ(bench.ask(remove).reads.fields, bit(SessionField::user));
  EXPECT_FALSE(bench.ask(remove).reads.unstable);
  EXPECT_TRUE(bench.ask(ddl).reads.unstable);
}

}  // namespace
}  // namespace pgmoat::test
