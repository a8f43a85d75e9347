// Names that do not exist are found in every branch, without running; and nothing else is.
#include "script/sandbox_fixture.h"

namespace pgmoat::script {
namespace {

class FieldsTest : public SandboxTest {
 protected:
  // "line: message" of what is wrong in the last rule.
  std::vector<std::string> wrong() {
    const ObjectType* const parameters[] = {&statement_type(), &settings_type()};
    const ObjectType* const known[] = {&statement_type(), &settings_type(), &where_type()};
    std::vector<std::string> told;
    for (const Misnamed& one : sandbox.misnamed(rules.back(), parameters, known)) {
      EXPECT_EQ(one.file, "policy/10-safety.lua");
      told.push_back(std::to_string(one.line) + ": " + one.message);
    }
    return told;
  }
  std::vector<std::string> wrong_in(const std::string& body, const std::string& before = "") {
    const Trouble trouble =
        load(before + "\npgmoat.rule(function(q, g)\n" + body + "\nend)", "policy/10-safety.lua");
    EXPECT_EQ(trouble.message, "");
    return trouble.message.empty() ? wrong() : std::vector<std::string>{};
  }
};

using Told = std::vector<std::string>;

const std::string kWherre = "statement has no field 'wherre', did you mean 'where'?";
const std::string kPresnt = "where has no field 'presnt', did you mean 'present'?";

TEST_F(FieldsTest, EveryBranchIsRead) {
  EXPECT_EQ(wrong_in("return q.wherre"), Told{"3: " + kWherre});
  EXPECT_EQ(wrong_in("if q.kind == 'never' then\n return q.wherre.present\nend"),
            Told{"4: " + kWherre});
  EXPECT_EQ(wrong_in("return q.kind == 'a' or q.kind == 'b' and q.wherre"), Told{"3: " + kWherre});
  EXPECT_EQ(wrong_in("for i = 1, 3 do\n if i > 5 then return q.wherre end\nend"),
            Told{"4: " + kWherre});
  EXPECT_EQ(wrong_in("while q.cost > 1 do\n if q.kind == 'x' then goto done end\n "
                     "local _ = q.wherre\nend\n::done::"),
            Told{"5: " + kWherre});
  EXPECT_EQ(wrong_in("repeat local x = q.kind until q.wherre"), Told{"3: " + kWherre});
  EXPECT_EQ(wrong_in("return { a = { q.wherre } }"), Told{"3: " + kWherre});
}

TEST_F(FieldsTest, TypesAreFollowed) {
  EXPECT_EQ(wrong_in("return q.where.presnt"), Told{"3: " + kPresnt});
  EXPECT_EQ(wrong_in("local w = q.where\nlocal v = w\nreturn v.presnt"), Told{"5: " + kPresnt});
  EXPECT_EQ(wrong_in("for _, w in ipairs(q.wheres) do\n if w.presnt then return 1 end\nend"),
            Told{"4: " + kPresnt});
  EXPECT_EQ(wrong_in("for _, w in pairs(q.wheres) do\n return w.presnt\nend"),
            Told{"4: " + kPresnt});
  EXPECT_EQ(wrong_in("return q.wheres[1].presnt"), Told{"3: " + kPresnt});
  EXPECT_EQ(wrong_in("for i = 1, #q.wheres do\n return q.wheres[i].presnt\nend"),
            Told{"4: " + kPresnt});
  EXPECT_EQ(wrong_in("return q.wheres.present"),
            Told{"3: a list has no field 'present': it has items 1 to #list"});
  EXPECT_EQ(wrong_in("return q:readz('a')"),
            Told{"3: statement has no field 'readz', did you mean 'reads'?"});
}

TEST_F(FieldsTest, FunctionsThatAreCalledAreRead) {
  EXPECT_EQ(wrong_in("return bad(q)", "local function bad(s) return s.wherre end"),
            Told{"1: " + kWherre});
  EXPECT_EQ(wrong_in("return bad(1, q.where)", "function bad(_, w) return w.presnt end"),
            Told{"1: " + kPresnt});
  EXPECT_EQ(
      wrong_in("return help.bad(q)", "local help = { bad = function(s) return s.wherre end }"),
      Told{"1: " + kWherre});
  EXPECT_EQ(wrong_in("return bad(q)",
                     "local bad; function bad(s) return s.kind == 'x' and bad(s) or s.wherre end"),
            Told{"1: " + kWherre});
  EXPECT_EQ(wrong_in("local f = function()\n return q.wherre\nend\nreturn f()"),
            Told{"4: " + kWherre});
  EXPECT_EQ(wrong_in("return any(q.wheres, function(w)\n return w.presnt\nend)",
                     "local function any(l, f) for _, i in ipairs(l) do if f(i) then return i end "
                     "end end"),
            Told{"4: " + kPresnt});
}

TEST_F(FieldsTest, VariablesLibrariesAndOwnObjects) {
  EXPECT_EQ(wrong_in("if q.cost > 9 then return pgmoat.ecko(1) end"),
            Told{"3: pgmoat has no member 'ecko', did you mean 'echo'?"});
  EXPECT_EQ(wrong_in("if q.cost > 9 then return tostrin(1) end"),
            Told{"3: there is no variable 'tostrin', did you mean 'tostring'?"});
  EXPECT_EQ(wrong_in("if q.cost > 9 then return print(1) end"),
            Told{"3: print is not available in a policy: use pgmoat.alert to report"});
  EXPECT_EQ(wrong_in("return words:readz('a')", "local words = pgmoat.words()"),
            Told{"3: statement has no field 'readz', did you mean 'reads'?"});
  EXPECT_EQ(wrong_in("return limits.nothing", "local limits = { rows = 5 }"), Told{});
}

// What may be right is left alone.
TEST_F(FieldsTest, WhatIsNotKnownIsNotTold) {
  const char* const right[] = {
      "return q.where.present and q.kind == 'x' and q:reads('a') and q.limit",
      "return g['app.tenant'] or g.anything or g[1]",
      "local o\nif q.cost > 1 then o = q.where else o = { presnt = 1 } end\nreturn o.presnt",
      "local o = q.cost > 1 and { wherre = 1 } or q\nreturn o.wherre",
      "q = { wherre = 1 }\nreturn q.wherre",
      "local f = function() return q.wherre end\nq = { wherre = 1 }\nreturn f()",
      "local f = function() q = { wherre = 1 } end\nlocal h = function() return q.wherre end\n"
      "f()\nreturn h()",
      "local w = q.where\nfor i = 1, 2 do\n if i == 2 then return w.presnt end\n"
      " w = { presnt = 1 }\nend",
      "local t = { wherre = 1 }\nt.presnt = q.where\nreturn t.wherre, t.presnt.present",
      "local t = setmetatable({}, { __index = function(_, k) return k end })\nreturn t.wherre",
      "for k, v in pairs({ wherre = 1 }) do if k.x then return v.wherre end end",
      "local a, b = pgmoat.echo(q.kind), q\nreturn a.wherre, b.kind",
      "for i, r in ipairs(q.relations) do if r.x then return i end end",
  };
  for (const std::string body : right) {
    EXPECT_EQ(wrong_in(body), Told{}) << body;
  }
  EXPECT_EQ(wrong_in("return pick(q, true), pick(q.where, false)",
                     "local function pick(o, all) if all then return o.kind end "
                     "return o.present end"),
            Told{});
}

// Endless growth of what could be looked at ends; so does a function too large to look at.
TEST_F(FieldsTest, IsBounded) {
  EXPECT_EQ(wrong_in("return f(function() end)",
                     "local f; function f(g) return f(function() return g() end) end"),
            Told{});
  std::string many = "local x = 0\n";
  for (int i = 0; i < 3000; ++i) many += "x = x + q.cost\n";
  EXPECT_EQ(wrong_in(many + "return q.wherre"), Told{"3004: " + kWherre});
  for (int i = 0; i < 90'000; ++i) many += "x=q.cost\n";
  EXPECT_EQ(wrong_in(many), Told{});
}

// It changes nothing: the rule runs as before, and can be frozen.
TEST_F(FieldsTest, LeavesNoTrace) {
  EXPECT_EQ(wrong_in("return help(q)", "local seen = {}\nfunction help(s) return s.kind end"),
            Told{});
  EXPECT_EQ(freeze().message, "");
  const auto value = call();
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_EQ(*value->as<std::string>(), "select");
}

}  // namespace
}  // namespace pgmoat::script
