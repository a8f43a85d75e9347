// Objects as rules see them: what a field gives, and what each misuse is told.
#include "script/sandbox_fixture.h"

namespace pgmoat::script {
namespace {

class Objects : public SandboxTest {};

TEST_F(Objects, FieldsOfEveryKind) {
  ASSERT_EQ(load_rule(R"(
    assert(q.kind == "select" and q.where.present == true and q.cost == 1.5)
    assert(q.limit == nil and q.nothing == nil)
    assert(#q.relations == 3 and q.relations[1] == "a" and q.relations[3] == "c")
    assert(q.relations[0] == nil and q.relations[4] == nil and q.relations[-1] == nil)
    local seen = ""
    for i, name in ipairs(q.relations) do seen = seen .. i .. name end
    assert(seen == "1a2b3c")
    seen = ""
    for i, name in pairs(q.relations) do seen = seen .. i .. name end
    assert(seen == "1a2b3c")
    assert(table.concat(q.relations, ",") == "a,b,c")
    assert(select("#", table.unpack(q.relations)) == 3)
    assert(q:reads("b") and not q:reads("d"))
    assert(q.where == q.where and q.relations == q.relations and q ~= q.where)
    assert(tostring(q) == "statement" and tostring(q.relations) == "list")
    local n = 0
    for _, w in ipairs(q.wheres) do assert(w.present); n = n + 1 end
    assert(n == 20)
    return true)")
                .message,
            "");
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 3; ++i) {
      const auto answer = test();
      ASSERT_TRUE(answer) << answer.error().message;
      EXPECT_TRUE(*answer);
    }
    if (round == 0) {
      ASSERT_EQ(freeze().message, "");
    }
  }
}

struct Misuse {
  const char* body;
  const char* message;
};

TEST_F(Objects, EachMisuseIsToldInOneLine) {
  const Misuse cases[] = {
      {"return q.wherre", "statement has no field 'wherre', did you mean 'where'?"},
      {"return q.knd", "statement has no field 'knd', did you mean 'kind'?"},
      {"return q.relation", "statement has no field 'relation', did you mean 'relations'?"},
      {"return q.whree", "statement has no field 'whree', did you mean 'where'?"},
      {"return q.zzzzzz", "statement has no field 'zzzzzz'"},
      {"return q[1]", "statement has fields by name, not by number"},
      {"return q.where.presnt", "where has no field 'presnt', did you mean 'present'?"},
      {"q.kind = 'x'", "statement is read-only: 'kind' cannot be set"},
      {"q.relations[1] = 'x'", "list is read-only: '?' cannot be set"},
      {"return q.relations.first", "a list has no field 'first': it has items 1 to #list"},
      {"return q.reads('x')", "'reads' is called with a colon: statement:reads(...)"},
      {"return q.reads(q.where, 'x')", "'reads' is called with a colon: statement:reads(...)"},
      {"return q:reads(nil)", "statement:reads takes text, and argument 1 is nil"},
      {"return pgmoat.echo(q)", "statement cannot be handed over; take its fields"},
      {"return pairs(q)", "bad argument #1 to 'pairs' (table expected, got statement)"},
      {"return 'x' .. q.where", "attempt to concatenate a where value (field 'where')"},
      {"return pgmoat.ecko(1)", "pgmoat has no member 'ecko', did you mean 'echo'?"},
      {"return pgmoat.edit.fail()", "no such edit"},
      {"return strnig", "there is no variable 'strnig', did you mean 'string'?"},
      {"return q.text:match('a')",
       "string.match is not available in a policy: use pgmoat.re (RE2)"},
      {"return pcall(error)",
       "pcall is not available in a policy: an error ends the rule and is reported; it cannot be "
       "caught"},
  };
  for (const Misuse& c : cases) {
    ASSERT_EQ(load_rule("-- line 2\n" + std::string(c.body)).message, "") << c.body;
    const auto answer = call();
    ASSERT_FALSE(answer) << c.body;
    EXPECT_EQ(answer.error().message, "policy/10-safety.lua:3: " + std::string(c.message));
    EXPECT_EQ(answer.error().file, "policy/10-safety.lua");
    EXPECT_EQ(answer.error().line, 3);
    EXPECT_EQ(answer.error().kind, Trouble::Kind::error);
  }
}

TEST_F(Objects, FreeKeys) {
  ASSERT_EQ(
      load("pgmoat.rule(function(s) return s['app.tenant'] == '7' and s.x == nil end)").message,
      "");
  const Lent lent{&settings_type(), nullptr};
  const auto answer = sandbox.test(rules.back(), {&lent, 1});
  ASSERT_TRUE(answer);
  EXPECT_TRUE(*answer);
}

TEST_F(Objects, WhatIsLentEndsWithItsCall) {
  for (const char* keep : {"kept = q", "kept = q.where", "kept = q.relations"}) {
    ASSERT_EQ(load_rule(keep).message, "");
    ASSERT_TRUE(call());
    for (const char* use : {"return kept.present", "return kept[1]", "return #kept",
                            "return kept.kind", "return kept:reads('a')"}) {
      ASSERT_EQ(load_rule(use).message, "");
      const auto answer = call();
      ASSERT_FALSE(answer) << keep << use;
    }
  }
  ASSERT_EQ(load_rule("return kept[1]").message, "");
  EXPECT_EQ(call().error().message,
            "policy/10-safety.lua:2: list is used after the call it was lent for; copy the fields "
            "that you need");
}

TEST_F(Objects, KeptObjectsStay) {
  kept.kind = "words";
  ASSERT_EQ(load("local w = pgmoat.words{ 'a' }\n"
                 "pgmoat.rule(function(q) return w.kind .. q.kind .. #w.relations end)")
                .message,
            "");
  ASSERT_EQ(freeze().message, "");
  for (int i = 0; i < 3; ++i) {
    const auto answer = call();
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(*answer->as<std::string>(), "wordsselect3");
  }
}

TEST_F(Objects, OrdinaryRulesAllocateNothingOnceFrozen) {
  ASSERT_EQ(load_rule("return q.where.present and q.kind == 'select' and #q.relations > 5").message,
            "");
  ASSERT_EQ(freeze().message, "");
  ASSERT_TRUE(test());
  const std::size_t before = sandbox.memory_used();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(test());
  EXPECT_EQ(sandbox.memory_used(), before);
}

TEST_F(Objects, TablesBecomeValues) {
  ASSERT_EQ(
      load_rule("return pgmoat.echo{ 1, 2.5, 'x', true, { b = 1, a = q.relations } }").message, "");
  const auto answer = call();
  ASSERT_TRUE(answer) << answer.error().message;
  const Table* table = answer->table();
  ASSERT_NE(table, nullptr);
  ASSERT_EQ(table->items.size(), 5u);
  EXPECT_EQ(*table->items[0].as<std::int64_t>(), 1);
  EXPECT_EQ(*table->items[1].as<double>(), 2.5);
  EXPECT_EQ(*table->items[2].as<std::string>(), "x");
  EXPECT_EQ(*table->items[3].as<bool>(), true);
  const Table* inner = table->items[4].table();
  ASSERT_NE(inner, nullptr);
  EXPECT_EQ(*inner->find("b")->as<std::int64_t>(), 1);
  EXPECT_EQ(inner->find("a")->table()->items.size(), 3u);
}

TEST_F(Objects, ValuesThatHaveNoCopy) {
  const Misuse cases[] = {
      {"return { 1, nil, 3 }", "a list has a hole at position 2"},
      {"return { [true] = 1 }", "a table's keys must be names, or 1 to n without holes"},
      {"return { [1.5] = 1 }", "a table's keys must be names, or 1 to n without holes"},
      {"local t = {}; t.t = t; return t",
       "tables are nested more than 32 deep, or one contains itself"},
  };
  for (const Misuse& c : cases) {
    ASSERT_EQ(load_rule(c.body).message, "");
    const auto answer = call();
    ASSERT_FALSE(answer) << c.body;
    EXPECT_NE(answer.error().message.find(c.message), std::string::npos) << answer.error().message;
  }
}

TEST_F(Objects, AResultThatHasNoCopyIsTheFunctionsFault) {
  ASSERT_EQ(load("\n\npgmoat.rule(function(q)\n return q\n end)", "a/b.lua").message, "");
  EXPECT_EQ(call().error().message, "a/b.lua:3: statement cannot be handed over; take its fields");
}

TEST_F(Objects, CallersAreKnown) {
  ASSERT_EQ(load("\n\npgmoat.rule(function() end)", "a/b.lua").message, "");
  EXPECT_EQ(at.file, "a/b.lua");
  EXPECT_EQ(at.line, 3);
}

}  // namespace
}  // namespace pgmoat::script
