// Rules whose answers come from Lua, through loading, compiling and judging: what they see, what is
// cached of it, and what happens when they fail.
#include "by_hand.h"
#include "policy/load.h"
#include "policy/policy_judge.h"

namespace pgmoat::test {
namespace {

using policy::Judged;
using policy::PolicyJudge;
using policy::Ruling;
using policy::SessionField;
using policy::Subject;

std::int64_t lua_now = 1'800'000'000;
std::int64_t lua_clock() { return lua_now; }

struct Policy {
  std::unique_ptr<PolicyJudge> judge;
  policy::SessionView session;
  std::string trouble;

  explicit Policy(const std::vector<policy::Text>& texts) {
    lua_now = 1'800'000'000;
    session.open("s1", "10.1.2.3", 5000);
    session.set(SessionField::user, "app");
    policy::LoadOptions options;
    options.lint = false;
    auto bundle = policy::Bundle::compile(policy::load_texts(texts, options), {});
    if (!bundle) {
      trouble = problems_of(bundle.error());
      return;
    }
    policy::JudgeSettings settings;
    settings.clock = lua_clock;
    auto ready = policy::prepare(*bundle, settings);
    if (!ready) {
      trouble = ready.error();
      return;
    }
    judge = std::make_unique<PolicyJudge>(std::move(*ready), settings);
  }
  Judged operator()(std::string_view sql, Subject::Kind kind = Subject::Kind::query,
                    std::span<const policy::Parameter> parameters = {},
                    const Ruling* earlier = nullptr) {
    Subject subject;
    subject.kind = kind;
    subject.session = &session;
    subject.sql = sql;
    subject.parameters = parameters;
    subject.earlier = earlier;
    return judge->judge(subject);
  }
};

bool denied(const Judged& ruling) { return ruling->action == Ruling::Action::deny; }

std::vector<policy::Text> lua(std::string body) {
  return {{"policy.lua", "pgmoat.api(1)\n" + std::move(body)}};
}

TEST(LuaRule, PredicateAndVerdict) {
  Policy policy(lua(R"(
    pgmoat.rule{ id = "require-where", severity = "high", description = "x",
      match = { kind = { "update", "delete" } },
      when = function(s, q) return not q.where.present or q.where.constant_true end,
      verdict = pgmoat.deny{ message = "no WHERE" } })"));
  ASSERT_TRUE(policy.judge) << policy.trouble;
  EXPECT_TRUE(denied(policy("DELETE FROM t")));
  EXPECT_EQ(policy("DELETE FROM t")->refusal.message, "no WHERE");
  EXPECT_FALSE(denied(policy("DELETE FROM t WHERE a = 1")));
  EXPECT_FALSE(denied(policy("SELECT 1")));
}

TEST(LuaRule, DecisionDependsOnWhatItReadOfTheSession) {
  Policy policy(lua(R"(
    pgmoat.rule{ id = "tenant", description = "x", match = { relations = "orders" },
      decide = function(s, q)
        local tenant = s.guc["app.tenant"]
        if not tenant then return pgmoat.deny{ message = "app.tenant is not set" } end
        return pgmoat.rewrite{ pgmoat.edit.add_filter{ relations = { "orders" },
          column = "tenant_id", equals = tenant } }
      end })"));
  ASSERT_TRUE(policy.judge) << policy.trouble;
  const std::string_view sql = "SELECT * FROM orders";
  for (int round = 0; round < 2; ++round) {
    policy.session.drop_guc("app.tenant");
    EXPECT_TRUE(denied(policy(sql)));
    for (const std::string tenant : {"7", "8"}) {
      policy.session.set_guc("app.tenant", tenant);
      const Judged ruling = policy(sql);
      ASSERT_EQ(ruling->action, Ruling::Action::rewrite);
      EXPECT_NE(ruling->rewrite.sql.find("'" + tenant + "'"), std::string::npos)
          << ruling->rewrite.sql;
      EXPECT_EQ(policy(sql), ruling) << "cached";
    }
  }
}

TEST(LuaRule, TimeIsNotCached) {
  Policy policy(lua(R"(
    pgmoat.rule{ id = "late", description = "x",
      when = function(s, q) return pgmoat.now() >= 1800000100 end,
      verdict = pgmoat.deny{ message = "too late" } })"));
  ASSERT_TRUE(policy.judge) << policy.trouble;
  EXPECT_FALSE(denied(policy("SELECT 1")));
  lua_now += 100;
  EXPECT_TRUE(denied(policy("SELECT 1")));
}

TEST(LuaRule, SeesParametersOfBind) {
  Policy policy(lua(R"(
    pgmoat.rule{ id = "seven", on = "execute", description = "x", match = { relations = "orders" },
      when = function(s, q, p) return p.count == 1 and p[1].value ~= "7" end,
      verdict = pgmoat.deny{ message = "only 7" } })"));
  ASSERT_TRUE(policy.judge) << policy.trouble;
  const Judged parsed = policy("SELECT * FROM orders WHERE id = $1", Subject::Kind::parse);
  const std::vector<std::uint8_t> seven = {0, 0, 0, 7}, eight = {0, 0, 0, 8};
  const auto bind = [&](Bytes bytes) {
    const policy::Parameter parameter{23, false, true, bytes};
    return policy("", Subject::Kind::bind, {&parameter, 1}, parsed.get());
  };
  EXPECT_FALSE(denied(bind(seven)));
  EXPECT_TRUE(denied(bind(eight)));
}

TEST(LuaRule, FailureNamesTheRuleAndThePlace) {
  Policy policy(lua(R"(
    pgmoat.rule{ id = "typo", description = "x",
      when = function(s, q) return q["wher" .. "re"].present end,
      verdict = pgmoat.deny{ message = "x" } }
    pgmoat.rule{ id = "loop", description = "x", match = { kind = "update" },
      when = function(s, q) while true do end end,
      verdict = pgmoat.deny{ message = "x" } })"));
  ASSERT_TRUE(policy.judge) << policy.trouble;
  const Judged typo = policy("SELECT 1");
  ASSERT_TRUE(denied(typo));
  EXPECT_EQ(typo->refusal.rule, "typo");
  ASSERT_EQ(typo->findings.size(), 1u);
  EXPECT_EQ(typo->findings[0].refusal.message,
            "policy.lua:4: statement has no field 'wherre', did you mean 'where'?");
  const Judged loop = policy("UPDATE t SET a = 1 WHERE b = 2");
  ASSERT_EQ(loop->findings.size(), 2u);
  EXPECT_EQ(loop->findings[1].rule, "loop");
  EXPECT_EQ(loop->findings[1].action, policy::Finding::Action::error);
}

TEST(TomlRule, HasLuaExpressionsAndExportedFunctions) {
  std::vector<policy::Text> texts = lua(R"(
    pgmoat.export{ ["tenant.decide"] = function(s, q)
      if s.user == "app" then return pgmoat.deny{ message = "not you" } end
    end })");
  texts.push_back({"rules.toml", R"(
[pack]
id = "t"
version = "1.0.0"
requires_api = 1
[[rule]]
id = "t.where"
description = "x"
severity = "high"
match = { kind = "delete" }
when = 'not q.where.present'
deny = { message = "{command} needs a WHERE clause" }
[[rule]]
id = "t.tenant"
description = "x"
severity = "low"
match = { relations = "orders" }
decide = "lua:tenant.decide"
)"});
  Policy policy(texts);
  ASSERT_TRUE(policy.judge) << policy.trouble;
  EXPECT_EQ(policy("DELETE FROM t")->refusal.message, "DELETE needs a WHERE clause");
  EXPECT_EQ(policy("SELECT * FROM orders")->refusal.rule, "t.tenant");
  policy.session.set(SessionField::user, "other");
  EXPECT_FALSE(denied(policy("SELECT * FROM orders")));
}

TEST(TomlRule, BrokenExpressionIsRefusedWithItsPlace) {
  const std::vector<policy::Text> texts = {{"rules.toml", R"(
[pack]
id = "t"
version = "1.0.0"
requires_api = 1
[[rule]]
id = "t.where"
description = "x"
severity = "high"
match = { kind = "delete" }
when = 'not q.where.present and'
deny = { message = "x" }
)"}};
  Policy policy(texts);
  EXPECT_FALSE(policy.judge);
  EXPECT_NE(policy.trouble.find("unexpected symbol near <eof>"), std::string::npos)
      << policy.trouble;
}

}  // namespace
}  // namespace pgmoat::test
