// Policies of Lua: the examples of the manual, and every way to get a file wrong with what is said.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "policy/load.h"
#include "policy/lua_api.h"
#include "policy/matchers.h"

namespace pgmoat::policy {
namespace {

constexpr std::int64_t k2026 = 1'767'225'600;  // 2026-01-01

Source read(const std::string& text, bool lint = false) {
  LoadOptions options;
  options.now = k2026;
  options.lint = lint;
  options.budget.load_wall = std::chrono::seconds(30);
  return load_texts({{"f.lua", text}}, options);
}
std::string told(const Source& source) {
  std::string all;
  for (const Problem& problem : source.problems) all += to_string(problem) + "\n";
  return all;
}

constexpr const char* kPolicies = R"(pgmoat.api(1)

-- 1. DDL only inside the change window, only by the migrator
local window = pgmoat.schedule{ tz = "UTC", "Tue 02:00-04:00", "Thu 02:00-04:00" }
pgmoat.rule{
  id = "ddl-outside-window", severity = "high", tags = { "change-control" }, owner = "dba@example.org",
  description = "Schema changes run only in the change window, by role migrator",
  match = { kind = "ddl" },
  when = function(s, q) return not (s.user == "migrator" and window:active()) end,
  verdict = pgmoat.deny{ sqlstate = "42501", message = "schema changes are not allowed now",
    hint = "Ask #dba for a time-limited exception" },
}

-- 2. UPDATE/DELETE must have a real WHERE (also inside CTEs)
pgmoat.rule{
  id = "require-where", severity = "high", match = { kind = { "update", "delete" } },
  when = function(s, q) return not q.where.present or q.where.constant_true end,
  verdict = pgmoat.deny{ message = "UPDATE and DELETE need a WHERE clause that selects rows" },
  exceptions = { { user = "etl", relations = { "staging.import" } } },
}

-- 3. Tenant isolation on every reference of a tenant table
local tenant_tables = { "public.orders", "public.invoices" }
pgmoat.rule{
  id = "tenant-filter", severity = "critical", match = { relations = tenant_tables, user = "app" },
  decide = function(s, q)
    local tenant = s.guc["app.tenant"]
    if not tenant then return pgmoat.deny{ message = "app.tenant is not set for this session" } end
    return pgmoat.rewrite{ pgmoat.edit.add_filter{ relations = tenant_tables, column = "tenant_id", equals = tenant } }
  end,
}

-- 4. Cap rows for people
pgmoat.rule{
  id = "cap-limit-humans", severity = "low", match = { kind = "select" },
  when = function(s, q) return s.tags:has("human") and (q.limit.kind == "none" or (q.limit.value or 0) > 5000) end,
  verdict = pgmoat.rewrite{ pgmoat.edit.cap_limit(5000) },
}

-- 6. Dangerous functions, server-side programs and files
pgmoat.rule{ id = "dangerous-functions", severity = "critical",
  match = { functions = { "pg_sleep", "pg_read_file", "lo_import", "dblink", "pg_terminate_backend" } },
  verdict = pgmoat.deny{ message = "this function is not available through the firewall" } }
pgmoat.rule{ id = "copy-program", severity = "critical", match = { kind = "copy" },
  when = function(s, q) return q.copy.program ~= nil or q.copy.filename ~= nil end,
  verdict = pgmoat.deny{ message = "COPY to or from a program or server file is not allowed" } }

-- 9. People get a read-only session (by tool or by network)
local office = pgmoat.cidrs{ "10.20.0.0/16" }
local tools = pgmoat.set{ "psql", "DataGrip", "DBeaver", "pgAdmin 4" }
pgmoat.rule{ id = "humans", on = "connect",
  when = function(s) return tools:has(s.application_name) or office:contains(s.client.ip) end,
  verdict = pgmoat.tag{ "human" } }
pgmoat.rule{ id = "humans-read-only", severity = "high",
  when = function(s, q) return s.tags:has("human") and q.writes end,
  verdict = pgmoat.deny{ sqlstate = "25006", message = "interactive sessions are read-only" } }
)";

TEST(LoadLua, TheExamplesBecomeWhatTheySay) {
  const Source source = read(kPolicies, true);
  EXPECT_EQ(told(source), "f.lua:19:18: warning: exception gives no reason\n");
  ASSERT_EQ(source.rules.size(), 8u);
  ASSERT_EQ(source.scripts.size(), 1u);
  EXPECT_EQ(source.scripts[0].first, "f.lua");

  const Rule& ddl = source.rules[0];
  EXPECT_EQ(ddl.id, "ddl-outside-window");
  EXPECT_EQ(to_string({Problem::Level::error, ddl.place, "x"}), "f.lua:6:3: x");
  EXPECT_EQ(written(ddl.match), "all { kind = [\"ddl\"] }");
  EXPECT_TRUE(ddl.script_when);
  EXPECT_FALSE(ddl.script_decide);
  EXPECT_EQ(ddl.script_index, 0);
  EXPECT_EQ(ddl.verdict->sqlstate, "42501");
  EXPECT_EQ(ddl.verdict->hint, "Ask #dba for a time-limited exception");

  EXPECT_EQ(written(source.rules[1].exceptions.at(0).match),
            "all { relations = [\"staging.import\"], user = [\"etl\"] }");
  const Rule& tenant = source.rules[2];
  EXPECT_TRUE(tenant.script_decide);
  EXPECT_FALSE(tenant.verdict);
  EXPECT_EQ(std::get<sql::CapLimit>(source.rules[3].verdict->edits.at(0)).rows, 5000);
  EXPECT_EQ(source.rules[6].hook, Hook::connect);
  EXPECT_EQ(source.rules[6].verdict->tags, std::vector<std::string>{"human"});
  EXPECT_EQ(source.rules[7].script_index, 7);
}

TEST(LoadLua, WhatIsNotBuiltIsRefusedPlainlyAndTheRestIsRead) {
  EXPECT_EQ(told(read(R"(pgmoat.api(1)
pgmoat.rule{
  id = "mask-pii", on = "result", severity = "high",
  when = function(s) return not s.tags:has("pii-reader") end,
  verdict = pgmoat.mask{
    ["public.users.email"] = pgmoat.masks.hash(), ["public.users.phone"] = pgmoat.masks.keep_last(2),
    derived = "deny" },
}
local known = pgmoat.baseline("orders-app")
local rows_per_day = pgmoat.budget{ name = "rows-per-day", limit = 1000000, per = "1d", scope = "fleet" }
pgmoat.rule{ id = "x", severty = "high", verdict = pgmoat.deny{} }
)")),
            "f.lua:3:25: on = \"result\" is not built yet: pgmoat 0.1 does not read results\n"
            "f.lua:5:3: mask is not built yet: pgmoat 0.1 cannot change results\n"
            "f.lua:9:1: baseline is not built yet: pgmoat 0.1 does not learn statement shapes\n"
            "f.lua:10:1: budget is not built yet: pgmoat 0.1 keeps no counts between statements\n"
            "f.lua:11:24: unknown key 'severty' in a rule, did you mean 'severity'?\n");
}

TEST(LoadLua, ATomlRuleAndALuaRuleAreTheSame) {
  const Source lua = read(R"(pgmoat.api(1)
pgmoat.list("hot", { "a.b" })
pgmoat.rule{ id = "x", level = 2, match = { relations = "@hot", copy = { target = "file" } },
  tests = { { sql = "SELECT 1", expect = "pass", session = { user = "a" } } },
  verdict = pgmoat.deny{ message = "no" } })");
  ASSERT_EQ(told(lua), "");
  const Source toml = load_texts({{"f.toml", R"([pack]
id = "p"
requires_api = 1
[lists]
hot = ["a.b"]
[[rule]]
id = "x"
level = 2
match = { relations = "@hot", copy.target = "file" }
deny = { message = "no" }
[[rule.test]]
sql = "SELECT 1"
expect = "pass"
session.user = "a"
)"}});
  const Rule &a = lua.rules.at(0), &b = toml.rules.at(0);
  EXPECT_EQ(written(a.match), written(b.match));
  EXPECT_EQ(a.level, b.level);
  EXPECT_EQ(a.verdict->message, b.verdict->message);
  EXPECT_EQ(a.tests.at(0).session, b.tests.at(0).session);
}

TEST(LoadLua, ATomlRuleMayNameAFunctionOfLua) {
  const auto pack = [](const std::string& name) {
    return Text{"a.toml",
                "[pack]\nid = \"p\"\nrequires_api = 1\n[[rule]]\nid = \"x\"\ndecide = \"lua:" +
                    name + "\"\n"};
  };
  const Text lua = {"b.lua",
                    "pgmoat.api(1)\npgmoat.export{ [\"tenant.decide\"] = function(s, q) end }\n"};
  LoadOptions options;
  options.lint = false;
  EXPECT_EQ(told(load_texts({pack("tenant.decide"), lua}, options)), "");
  EXPECT_EQ(told(load_texts({pack("tenant.decid"), lua}, options)),
            "a.toml:5:1: decide: no Lua file exports 'tenant.decid', did you mean "
            "'tenant.decide'?\n");
}

struct Broken {
  const char* rest;  // lines 2 and after
  const char* told;
};
class BrokenPolicies : public testing::TestWithParam<Broken> {};
TEST_P(BrokenPolicies, AreTold) {
  EXPECT_EQ(told(read(std::string("pgmoat.api(1)\n") + GetParam().rest)), GetParam().told);
}
INSTANTIATE_TEST_SUITE_P(
    Places, BrokenPolicies,
    testing::Values(
        Broken{"pgmoat.rule{\n  id = \"a\",\n  match = {\n    knd = \"select\",\n  },\n  verdict = "
               "pgmoat.deny{} }\n",
               "f.lua:5:5: unknown matcher 'knd', did you mean 'kind'?\n"},
        Broken{
            "pgmoat.rule{ id = \"a\", match = { kind = { \"select\",\n  \"updat\" } },\n  when = "
            "function(s, q) local knd = 1; return knd, knd end,\n  verdict = pgmoat.deny{ mesage = "
            "\"x\" } }\n",
            "f.lua:3:3: kind: unknown value 'updat', did you mean 'update'?\n"
            "f.lua:5:26: unknown key 'mesage' in deny, did you mean 'message'?\n"},
        Broken{
            "local d = pgmoat.deny{ mesage = \"x\" }\npgmoat.rule{ id = \"a\",\n  verdict = d }\n",
            "f.lua:4:13: unknown key 'mesage' in deny, did you mean 'message'?\n"},
        Broken{
            "pgmoat.rule{ id = \"a\", exceptions = {\n  { user = \"x\", reason = \"y\" },\n  { usr "
            "= \"x\", reason = \"y\" } },\n  verdict = pgmoat.deny{} }\n",
            "f.lua:4:5: unknown matcher 'usr', did you mean 'user'?\n"},
        Broken{"pgmoat.rule{ id = \"a\", verdict = pgmoat.deny{} }\npgmoat.rule{ id = \"a\", "
               "verdict = "
               "pgmoat.deny{} }\n",
               "f.lua:3:14: duplicate rule id 'a', first at f.lua:2:14\n"},
        Broken{
            "pgmoat.rule{ id = \"a\", verdict = pgmoat.rewrite{ pgmoat.edit.cap_limit(\"x\") } }\n",
            "f.lua:2:50: cap_limit: expected a whole number, 0 or more\n"},
        Broken{"pgmoat.rule{ id = \"a\", verdict = pgmoat.rewrite{ pgmoat.deny{} } }\n",
               "f.lua:2:50: rewrite: pgmoat.deny makes no edit\n"},
        Broken{"pgmoat.rule{ id = \"a\" }\n",
               "f.lua:2:14: rule 'a' has no verdict: give one of deny, terminate, rewrite, alert, "
               "tag, set, score, allow, or decide\n"},
        Broken{
            "pgmoat.rule{ id = \"a\", verdict = function() end }\n",
            "f.lua:2:34: verdict: expected pgmoat.deny{...} and the like; a function is given as "
            "`decide`\n"},
        Broken{"pgmoat.rule{ id = \"a\", verdict = pgmoat.deny{}, decide = function() end }\n",
               "f.lua:2:14: rule 'a' has more than one verdict: 'decide', 'verdict'\n"}));
// Fields that only a run of that very branch would miss; see script/fields_test.cc.
INSTANTIATE_TEST_SUITE_P(
    Fields, BrokenPolicies,
    testing::Values(
        Broken{"pgmoat.rule{ id = \"a\", verdict = pgmoat.deny{},\n  when = function(s, q)\n    if "
               "q.writes then return q.wherre.present end\n    return s.usser end }\n",
               "f.lua:4:31: statement has no field 'wherre', did you mean 'where'?\n"
               "f.lua:5:14: session has no field 'usser', did you mean 'user'?\n"},
        Broken{
            "pgmoat.rule{ id = \"a\", decide = function(s, q)\n  for _, r in ipairs(q.relations) "
            "do\n    if r.qualifed == \"a.b\" then return pgmoat.denny{} end\n  end end }\n",
            "f.lua:4:10: relation has no field 'qualifed', did you mean 'qualified'?\n"
            "f.lua:4:47: pgmoat has no member 'denny', did you mean 'deny'?\n"},
        Broken{"local night = pgmoat.schedule{ tz = \"UTC\", \"22:00-06:00\" }\n"
               "pgmoat.rule{ id = \"a\", on = \"connect\", verdict = pgmoat.deny{},\n"
               "  when = function(s) return s.client.addr or night:actve() end }\n",
               "f.lua:4:38: client has no field 'addr'\n"
               "f.lua:4:52: schedule has no field 'actve', did you mean 'active'?\n"},
        Broken{"pgmoat.rule{ id = \"a\", on = \"complete\", verdict = pgmoat.alert{},\n"
               "  when = function(s, q, r) return r.rowz > 5 and q.text ~= \"\" end }\n"
               "pgmoat.rule{ id = \"b\", on = \"execute\", verdict = pgmoat.deny{},\n"
               "  when = function(s, q, p) return p[1].valeu == \"x\" or p.name.text end }\n",
               "f.lua:3:37: result has no field 'rowz', did you mean 'rows'?\n"}));
TEST(LuaPolicies, ExportedFunctionsAndExpressionsOfTomlRulesAreReadToo) {
  LoadOptions options;
  options.lint = false;
  const Source source =
      load_texts({{"a.lua",
                   "pgmoat.api(1)\npgmoat.export{ [\"a.decide\"] = function(s, q)\n"
                   "  return s.usr and pgmoat.deny{} end }\n"},
                  {"b.toml",
                   "[pack]\nid = \"p\"\nrequires_api = 1\n[[rule]]\nid = \"a\"\n"
                   "decide = \"lua:a.decide\"\n[[rule]]\nid = \"b\"\n"
                   "when = \"q.writes and q.wherre.present\"\ndeny = {}\n"}},
                 options);
  EXPECT_EQ(told(source),
            "a.lua:3:12: session has no field 'usr', did you mean 'user'?\n"
            "b.toml:9:8: when: statement has no field 'wherre', did you mean 'where'?\n");
}
INSTANTIATE_TEST_SUITE_P(
    Calls, BrokenPolicies,
    testing::Values(
        Broken{"  pgmoat.cidrs{ \"10.0.0.0/8\", \"10.1.2.3/8\" }\n",
               "f.lua:2:3: '10.1.2.3/8' has bits behind its mask; write \"10.0.0.0/8\"\n"},
        Broken{"pgmoat.re(\"(\")\n", "f.lua:2:1: not a pattern of RE2: missing ): (\n"},
        Broken{"pgmoat.schedule{ tz = \"Mars/Base\", \"02:00-03:00\" }\n",
               "f.lua:2:1: time zone 'Mars/Base' is not in the system's tzdata; write \"UTC\" or "
               "\"+02:00\"\n"},
        Broken{
            "pgmoat.schedule{ \"2-3\" }\n",
            "f.lua:2:1: '2-3' is no window; write \"Tue 02:00-04:00\", \"Mon-Fri 08:00-18:00\" or "
            "\"daily 22:00-06:00\"\n"},
        Broken{"pgmoat.map{ file = \"/nowhere\" }\n",
               "f.lua:2:1: pgmoat.map: '/nowhere' cannot be read\n"},
        Broken{"pgmoat.map{ file = \"/\" }\n", "f.lua:2:1: pgmoat.map: '/' cannot be read\n"},
        Broken{"pgmoat.set{ app = \"x\" }\n",
               "f.lua:2:1: pgmoat.set is a set of words; settings of the server's session are "
               "pgmoat.settings{ name = \"value\" }\n"},
        Broken{"pgmoat.now()\n",
               "f.lua:2:1: pgmoat.now works inside rules, not while files are loaded\n"},
        Broken{"pgmoat.list(\"a\", {})\npgmoat.list(\"a\", {})\n",
               "f.lua:3:1: pgmoat.list: there is a list '@a' already\n"},
        Broken{"pgmoat.export{ a = 1 }\n", "f.lua:2:1: pgmoat.export: 'a' is no function\n"},
        Broken{"pgmoat.rule(5)\n",
               "f.lua:2:1: pgmoat.rule takes one table: pgmoat.rule{ id = \"...\", ... }\n"}));

TEST(LoadLua, TheApiComesFirst) {
  EXPECT_EQ(told(read("pgmoat.rule{ id = \"a\", verdict = pgmoat.deny{} }\n")),
            "f.lua:1:1: pgmoat.api(1) must come first\n");
  EXPECT_EQ(told(read("local x = 1\n")), "f.lua:1:1: pgmoat.api(1) must come first\n");
  EXPECT_EQ(told(read("\npgmoat.api(2)\n")), "f.lua:2:1: this pgmoat knows api 1 only\n");
}

TEST(LoadLua, AFileThatFillsTheMemoryIsHeldAgainstNoOther) {
  LoadOptions options;
  options.now = k2026;
  options.budget.memory = 2u << 20;
  options.budget.load_wall = std::chrono::seconds(30);
  const Source source = load_texts(
      {{"a.lua", "pgmoat.api(1)\nt = {} while true do t = { t } end"},
       {"b.lua",
        "pgmoat.api(1)\npgmoat.rule{ id = 'b.r', mode = 'monitor', verdict = pgmoat.deny{} }"},
       {"c.toml",
        "[pack]\nid = \"c\"\nversion = \"1\"\nrequires_api = 1\n[[rule]]\nid = \"c.r\"\n"
        "mode = \"monitor\"\nwhen = \"q.joins > 3\"\ndeny = {}\n"}},
      options);
  std::string errors;
  for (const Problem& problem : source.problems) {
    if (problem.level == Problem::Level::error) errors += to_string(problem) + "\n";
  }
  EXPECT_EQ(errors, "a.lua:2:1: not enough memory: the limit is 2 MiB\n");
}

TEST(LoadLua, SyntaxIsToldWithItsLine) {
  const std::string what = told(read("pgmoat.api(1)\nlocal x = = 1\n"));
  EXPECT_EQ(what, "f.lua:2:1: unexpected symbol near '='\n");
}

// Wall time is another test's matter: this one may run on a busy machine.
script::Budget patient() {
  script::Budget budget;
  budget.wall = budget.load_wall = std::chrono::seconds(30);
  return budget;
}

// A worker's sandbox: what rules ask while judging.
class Worker {
 public:
  explicit Worker(const std::string& text, const script::Budget& budget = patient())
      : sandbox(budget) {
    registrar.clock = [] { return std::int64_t{1'796'184'000}; };  // 2026-12-02 04:00Z, a Wednesday
    provide_api(sandbox, registrar);
    const auto outcome = sandbox.run("pgmoat.api(1)\n" + text, "f.lua");
    if (const auto* trouble = std::get_if<script::Trouble>(&outcome)) {
      ADD_FAILURE() << trouble->message;
    }
    sandbox.freeze();
    registrar.seal();
  }
  Result<script::Value, script::Trouble> call(const char* name) {
    const script::Function* function = registrar.exported(name);
    return sandbox.call(function == nullptr ? script::Function{} : *function, {});
  }
  Registrar registrar;
  script::Sandbox sandbox;
};

std::string shown(const Result<script::Value, script::Trouble>& result) {
  if (!result) return "! " + result.error().message;
  if (result->nil()) return "nil";
  if (const auto* flag = result->as<bool>()) return *flag ? "true" : "false";
  if (const auto* whole = result->as<std::int64_t>()) return std::to_string(*whole);
  if (const auto* text = result->as<std::string>()) return *text;
  return "?";
}

TEST(LuaApi, Objects) {
  struct Case {
    const char* made;
    const char* asked;
    const char* answer;
  };
  for (const Case& c : {
           Case{"pgmoat.set{ 'psql', 'x' }", "it:has('psql')", "true"},
           Case{"pgmoat.set{ 'psql', 'x' }", "it:has('PSQL')", "false"},
           Case{"pgmoat.cidrs{ '10.20.0.0/16', 'fd00::/8' }", "it:contains('10.20.3.4')", "true"},
           Case{"pgmoat.cidrs{ '10.20.0.0/16', 'fd00::/8' }", "it:contains('10.21.3.4')", "false"},
           Case{"pgmoat.cidrs{ '10.20.0.0/16', 'fd00::/8' }", "it:contains('fd12::1')", "true"},
           Case{"pgmoat.cidrs{ '10.20.0.0/16' }", "it:contains('::ffff:10.20.0.1')", "true"},
           Case{"pgmoat.cidrs{ '10.20.0.0/16' }", "it:contains('nonsense')", "false"},
           Case{"pgmoat.schedule{ 'Wed 02:00-04:01' }", "it:active()", "true"},
           Case{"pgmoat.schedule{ 'Wed 02:00-04:00' }", "it:active()", "false"},
           Case{"pgmoat.schedule{ tz = '+02:00', 'Wed 06:00-06:01' }", "it:active()", "true"},
           Case{"pgmoat.re('^a(b+)c')", "it:matches('abbc')", "true"},
           Case{"pgmoat.re('^a(b+)c')", "it:find('abbcd')", "bb"},
           Case{"pgmoat.re('b+')", "it:find('xabbcd')", "bb"},
           Case{"pgmoat.re('z')", "it:find('xabbcd')", "nil"},
           Case{"pgmoat.re('(b)')", "it:replace('abcb', '<\\\\1>')", "a<b>c<b>"},
           Case{"pgmoat.re('x*')", "it:replace('ab', '-')", "-a-b-"},
           Case{"pgmoat.re('a')", "it:replace(('a'):rep(1000), ('b'):rep(999))", "nil"},
           Case{"pgmoat.params('none')", "it.x", "nil"},
           Case{"0", "pgmoat.now()", "1796184000"},
           Case{"0", "pgmoat.set{ 'x' }",
                "! f.lua:3: pgmoat.set works while files are loaded, not inside rules"},
       }) {
    Worker worker("local it = " + std::string(c.made) + "\npgmoat.export{ f = function() return " +
                  c.asked + " end }");
    EXPECT_EQ(shown(worker.call("f")), c.answer) << c.made << " " << c.asked;
  }
}

// Each match here looks at all that is left of the text, to find that there is no x.
TEST(LuaApi, ReplacingEndsWithTheTimeThatARuleHas) {
  script::Budget budget = patient();
  budget.wall = std::chrono::milliseconds(5);
  Worker worker(
      "local it = pgmoat.re('a(?:.*x)?')\n"
      "pgmoat.export{ f = function() return it:replace(('a'):rep(60000), 'b') end }",
      budget);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(shown(worker.call("f")), "! f.lua:3: stopped after 5 ms");
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(1));
}

TEST(LuaApi, ReadingTheClockIsVolatile) {
  Worker worker(
      "local w = pgmoat.schedule{ 'daily 00:00-24:00' }\n"
      "pgmoat.export{ clock = function() return w:active() end, plain = function() return 1 end }");
  EXPECT_EQ(shown(worker.call("clock")), "true");
  EXPECT_TRUE(worker.sandbox.was_volatile());
  EXPECT_EQ(shown(worker.call("plain")), "1");
  EXPECT_FALSE(worker.sandbox.was_volatile());
}

TEST(LuaApi, VerdictsOfFunctions) {
  Worker worker(R"(pgmoat.export{
  deny = function() return pgmoat.deny{ message = "no {user}", sqlstate = "25006" } end,
  rewrite = function()
    return pgmoat.rewrite{ pgmoat.edit.add_filter{ relations = { "t" }, column = "c", equals = "7" },
      pgmoat.edit.cap_limit(10), pgmoat.edit.force_read_only() }
  end,
  one = function() return pgmoat.rewrite(pgmoat.edit.set_local{ statement_timeout = "5s" }) end,
  score = function() return pgmoat.score(5) end,
  tag = function() return pgmoat.tag("human") end,
  settings = function() return pgmoat.settings{ ["app.tenant"] = 7 } end,
  wrong = function() return { message = "no" } end,
  typo = function() return pgmoat.deny{ mesage = "no" } end,
})");
  const auto verdict = [&](const char* name) { return verdict_of(*worker.call(name)); };
  EXPECT_EQ(verdict("deny")->sqlstate, "25006");
  const auto rewrite = verdict("rewrite");
  ASSERT_TRUE(rewrite) << rewrite.error();
  ASSERT_EQ(rewrite->edits.size(), 3u);
  EXPECT_EQ(std::get<sql::AddFilter>(rewrite->edits[0]).equals.text, "7");
  EXPECT_EQ(verdict("one")->edits.size(), 1u);
  EXPECT_EQ(verdict("score")->score, 5);
  EXPECT_EQ(verdict("tag")->tags, std::vector<std::string>{"human"});
  EXPECT_EQ(verdict("settings")->settings.at(0).second, "7");
  EXPECT_EQ(verdict("wrong").error(),
            "a function of a rule returns nil, or what pgmoat.deny{...} and the like make");
  EXPECT_EQ(verdict("typo").error(), "unknown key 'mesage' in deny, did you mean 'message'?");
}

TEST(Load, FoldersInNameOrderWithoutTests) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(testing::TempDir()) / "pgmoat_load_test";
  fs::remove_all(folder);
  fs::create_directories(folder / "sub");
  const auto write = [&](const char* name, const std::string& text) {
    std::ofstream(folder / name) << text;
  };
  const auto rule = [](const std::string& id) {
    return "pgmoat.api(1)\npgmoat.rule{ id = '" + id + "', verdict = pgmoat.deny{} }\n";
  };
  write("20-b.lua", rule("b"));
  write("10-a.lua", rule("a"));
  write("sub/30-c.lua", rule("c"));
  write("a_test.lua", "this is no Lua");
  write("a.test.toml", "nor TOML");
  write("notes.txt", "x");
  write("names.map", "# users\nann  Ann Smith\n\nbob\tBob\n");
  write(
      "40-d.lua",
      "pgmoat.api(1)\nlocal m = pgmoat.map{ file = 'names.map' }\n"
      "pgmoat.rule{ id = m:get('ann') == 'Ann Smith' and 'd' or 'x', verdict = pgmoat.deny{} }\n");
  LoadOptions options;
  options.lint = false;
  const Source source = load(
      {folder.string(), (folder / "missing").string(), (folder / "notes.txt").string()}, options);
  std::string ids;
  for (const Rule& rule_ : source.rules) ids += rule_.id;
  EXPECT_EQ(ids, "abdc");
  EXPECT_EQ(source.files.size(), 1u);
  EXPECT_EQ(told(source), (folder / "missing").string() + ": does not exist\n" +
                              (folder / "notes.txt").string() +
                              ": is no policy: packs end in .toml and policies in .lua\n");
  fs::remove_all(folder);
}

TEST(Load, TellsFoldersWithoutPolicyAndTestsByAnotherName) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(testing::TempDir()) / "pgmoat_load_names";
  fs::remove_all(folder);
  fs::create_directories(folder / "sub");
  const std::string nothing =
      folder.string() + ": warning: no policy is in it: no *.toml and no *.lua\n";
  EXPECT_EQ(told(load({folder.string()})), nothing);
  std::ofstream(folder / "ok.tml") << "x";
  std::ofstream(folder / "sub" / "x_test.lua") << "x";
  EXPECT_EQ(told(load({folder.string()})), nothing);
  std::ofstream(folder / "a.test.lua") << "x";
  std::ofstream(folder / "b_test.toml") << "x";
  EXPECT_EQ(told(load({folder.string()})),
            (folder / "a.test.lua").string() +
                ": tests in Lua end in _test.lua: rename this file\n" +
                (folder / "b_test.toml").string() +
                ": tests in TOML end in .test.toml: rename this file\n");
  fs::remove_all(folder);
}

TEST(Load, WhatIsShippedHasNoErrors) {
  const std::string root = std::string(PGMOAT_CORPUS) + "/../";
  const Source source = load({root + "rules", root + "lua/examples"});
  EXPECT_GT(source.rules.size(), 100u);
  for (const Problem& problem : source.problems) {
    EXPECT_NE(problem.level, Problem::Level::error) << to_string(problem);
  }
}

}  // namespace
}  // namespace pgmoat::policy
