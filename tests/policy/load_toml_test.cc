// Packs of TOML: what each key becomes, and every way to get a file wrong with exactly what is said.
#include <gtest/gtest.h>

#include <algorithm>

#include "policy/load.h"
#include "policy/matchers.h"

namespace pgmoat::policy {
namespace {

constexpr std::int64_t k2026 = 1'767'225'600;  // 2026-01-01

LoadOptions options_of(bool lint) {
  LoadOptions options;
  options.now = k2026;
  options.lint = lint;
  return options;
}
Source read(const std::string& text, bool lint = false) {
  const Text functions = {
      "functions.lua",
      "pgmoat.api(1)\npgmoat.export{ [\"tenant.decide\"] = function(s, q) end }\n"};
  return load_texts({{"f.toml", text}, functions}, options_of(lint));
}
std::string told(const Source& source) {
  std::string all;
  for (const Problem& problem : source.problems) all += to_string(problem) + "\n";
  return all;
}
std::string lines(std::initializer_list<const char*> each) {
  std::string all;
  for (const char* line : each) all += std::string(line) + "\n";
  return all;
}

// policy.md, the example of a pack.
constexpr const char* kCore = R"([pack]
id = "core"
version = "1.4.0"
requires_api = 1

[lists]
dangerous_functions = ["pg_sleep", "pg_read_file", "lo_import", "dblink", "dblink_exec", "pg_terminate_backend"]

[[rule]]
id = "core.copy-program"
description = "COPY must not run programs or touch server files"
severity = "critical"
tags = ["rce", "cis"]
level = 1                               # 1 everyone … 4 strict, as CRS paranoia levels
match = { kind = "copy", copy.target = ["program", "file"] }
deny = { message = "COPY to or from a program or server file is not allowed" }

[[rule]]
id = "core.require-where"
severity = "high"
level = 1
match = { kind = ["update", "delete"] }
when = 'not q.where.present or q.where.constant_true'      # one Lua expression, same sandbox, same facts
deny = { message = "{command} needs a WHERE clause that selects rows" }
  [[rule.exception]]
  name = "nightly-etl"
  user = ["etl"]
  relations = ["staging.import"]
  expires = 2027-03-31
  reason = "CHG-4411"
  [[rule.test]]
  sql = "DELETE FROM t"
  expect = "deny"
  [[rule.test]]
  sql = "WITH d AS (DELETE FROM t RETURNING 1) SELECT * FROM d"
  expect = "deny"
  [[rule.test]]
  sql = "DELETE FROM t WHERE id = $1"
  expect = "pass"
)";

TEST(LoadToml, TheExamplePackBecomesWhatItSays) {
  const Source source = read(kCore, true);
  EXPECT_EQ(told(source),
            lines({"f.toml:7:1: warning: list '@dangerous_functions' is not used",
                   "f.toml:10:1: warning: rule 'core.copy-program' can enforce and has no tests"}));
  ASSERT_EQ(source.packs.size(), 1u);
  EXPECT_EQ(source.packs[0].id, "core");
  EXPECT_EQ(source.packs[0].version, "1.4.0");
  ASSERT_EQ(source.packs[0].lists.size(), 1u);
  EXPECT_EQ(source.packs[0].lists[0].second.size(), 6u);
  ASSERT_EQ(source.rules.size(), 2u);

  const Rule& copy = source.rules[0];
  EXPECT_EQ(copy.id, "core.copy-program");
  EXPECT_EQ(copy.pack, "core");
  EXPECT_EQ(copy.severity, Severity::critical);
  EXPECT_EQ(copy.tags, (std::vector<std::string>{"rce", "cis"}));
  EXPECT_EQ(copy.hook, Hook::statement);
  EXPECT_EQ(written(copy.match),
            "all { copy.target = [\"file\", \"program\"], kind = [\"copy\"] }");
  ASSERT_TRUE(copy.verdict);
  EXPECT_EQ(copy.verdict->action, Verdict::Action::deny);
  EXPECT_EQ(copy.verdict->message, "COPY to or from a program or server file is not allowed");
  EXPECT_FALSE(copy.mode);

  const Rule& where = source.rules[1];
  EXPECT_EQ(where.when, "not q.where.present or q.where.constant_true");
  ASSERT_EQ(where.exceptions.size(), 1u);
  EXPECT_EQ(where.exceptions[0].name, "nightly-etl");
  EXPECT_EQ(where.exceptions[0].expires, 1'806'537'600);  // 2027-04-01T00:00Z
  EXPECT_EQ(written(where.exceptions[0].match),
            "all { relations = [\"staging.import\"], user = [\"etl\"] }");
  ASSERT_EQ(where.tests.size(), 3u);
  EXPECT_EQ(where.tests[2].sql, "DELETE FROM t WHERE id = $1");
  EXPECT_EQ(where.tests[2].expect, "pass");
}

TEST(LoadToml, EveryVerdictAndEdit) {
  const Source source = read(R"([pack]
id = "p"
requires_api = 1
[[rule]]
id = "p.rewrite"
rewrite = [{ add_filter = { relations = ["public.orders"], column = "tenant_id", equals = 7 } },
           { cap_limit = 5000, set_local = { statement_timeout = "5s", app.x = 1 } },
           { force_read_only = true, replace_relation = { from = "a", to = "b" } },
           { add_comment = { team = "x" } }]
[[rule]]
id = "p.replace"
rewrite = { replace = "SELECT 1" }
[[rule]]
id = "p.terminate"
on = "complete"
terminate = { message = "enough, {user}" }
[[rule]]
id = "p.alert"
alert = { message = "seen", capture = "raw" }
[[rule]]
id = "p.tag"
on = "connect"
match = { client = "10.0.0.0/8", time = "UTC Mon-Fri 08:00-18:00" }
tag = ["human"]
[[rule]]
id = "p.set"
on = "auth"
set = { app.tenant = "7", statement_timeout = "5s" }
[[rule]]
id = "p.score"
match = { signs = ["union_catalog", "delay"], none = { user = "dba", app = "x" } }
score = 5
[[rule]]
id = "p.allow"
allow = { reason = "known" }
[[rule]]
id = "p.decide"
decide = "lua:tenant.decide"
mode = "warn"
on_error = "allow"
enforce_percent = 10
order = 5
)");
  ASSERT_EQ(told(source), "");
  ASSERT_EQ(source.rules.size(), 9u);
  const auto& edits = source.rules[0].verdict->edits;
  ASSERT_EQ(edits.size(), 6u);
  const auto& filter = std::get<sql::AddFilter>(edits[0]);
  EXPECT_EQ(filter.column, "tenant_id");
  EXPECT_EQ(filter.equals.type, sql::Value::Type::integer);
  EXPECT_EQ(filter.equals.text, "7");
  EXPECT_EQ(std::get<sql::CapLimit>(edits[1]).rows, 5000);
  EXPECT_EQ(std::get<sql::SetLocal>(edits[2]).settings,
            (std::vector<std::pair<std::string, std::string>>{{"app.x", "1"},
                                                              {"statement_timeout", "5s"}}));
  EXPECT_TRUE(std::holds_alternative<sql::ForceReadOnly>(edits[3]));
  EXPECT_EQ(std::get<sql::ReplaceRelation>(edits[4]).to, "b");
  EXPECT_EQ(std::get<sql::AddComment>(edits[5]).pairs.at(0).second, "x");
  EXPECT_EQ(std::get<sql::ReplaceText>(source.rules[1].verdict->edits.at(0)).sql, "SELECT 1");
  EXPECT_EQ(source.rules[2].verdict->message, "enough, {user}");
  EXPECT_EQ(source.rules[3].verdict->capture, "raw");
  EXPECT_EQ(source.rules[4].verdict->tags, std::vector<std::string>{"human"});
  EXPECT_EQ(source.rules[5].verdict->settings.size(), 2u);
  EXPECT_EQ(source.rules[6].verdict->score, 5);
  EXPECT_EQ(written(source.rules[6].match),
            "all { none { app = [\"x\"], user = [\"dba\"] }, "
            "signs = [\"delay\", \"union_catalog\"] }");
  EXPECT_EQ(source.rules[7].verdict->reason, "known");
  const Rule& decide = source.rules[8];
  EXPECT_EQ(decide.decide, "lua:tenant.decide");
  EXPECT_FALSE(decide.verdict);
  EXPECT_EQ(decide.mode, Mode::warn);
  EXPECT_EQ(decide.on_error, OnError::allow);
  EXPECT_EQ(decide.percent, 10);
  EXPECT_EQ(decide.order, 5);
}

TEST(LoadToml, ScopesAndOverrides) {
  const Source source = read(R"([pack]
id = "reporting"
requires_api = 1
ceiling = "warn"
level = 2
[[scope]]
users = ["reporting"]
default = "deny"
[[rule]]
id = "reporting.tables"
severity = "high"
match = { user = "reporting", kind = "select", relations.only = ["mart.*", "public.calendar"] }
allow = { reason = "reporting reads the mart" }
[[override]]
rule = "reporting.*"
mode = "off"
users = ["x"]
until = 2026-12-01
reason = "INC-7"
[[policy.override]]
tag = "t"
mode = "monitor"
until = 2026-12-01T12:00:00+02:00
reason = "INC-8"
)");
  ASSERT_EQ(told(source), "");
  EXPECT_EQ(source.packs[0].ceiling, Mode::warn);
  EXPECT_EQ(source.packs[0].level, 2);
  ASSERT_EQ(source.scopes.size(), 1u);
  EXPECT_TRUE(source.scopes[0].deny_by_default);
  EXPECT_EQ(written(source.scopes[0].match), "all { user = [\"reporting\"] }");
  ASSERT_EQ(source.overrides.size(), 2u);
  const auto by_tag = std::find_if(source.overrides.begin(), source.overrides.end(),
                                   [](const Override& o) { return o.tag == "t"; });
  EXPECT_EQ(by_tag->until, 1'796'119'200);  // 10:00Z
  EXPECT_EQ(written(source.rules[0].match),
            "all { kind = [\"select\"], relations.only = [\"mart.*\", \"public.calendar\"], "
            "user = [\"reporting\"] }");
}

TEST(LoadToml, ListsAreReadInPlace) {
  const Source source = read(R"([pack]
id = "p"
requires_api = 1
[lists]
hot = ["a.b", "c.*"]
[[rule]]
id = "p.x"
match = { relations = ["@hot", "d"], statements = { min = 2 } }
deny = {}
)");
  ASSERT_EQ(told(source), "");
  EXPECT_EQ(written(source.rules[0].match),
            "all { relations = [\"a.b\", \"c.*\", \"d\"], statements.min = [2] }");
}

// A pack of one broken thing: `body` stands on lines 4 and after.
struct Broken {
  const char* body;
  const char* told;
};
class BrokenPacks : public testing::TestWithParam<Broken> {};
TEST_P(BrokenPacks, AreTold) {
  const std::string head = "[pack]\nid = \"p\"\nrequires_api = 1\n";
  EXPECT_EQ(told(read(head + GetParam().body)), GetParam().told);
}
constexpr const char* kR = "[[rule]]\nid = \"p.r\"\n";
std::string rule(const char* rest) { return std::string(kR) + rest; }

INSTANTIATE_TEST_SUITE_P(
    Files, BrokenPacks,
    testing::Values(
        Broken{"[[rule]]\nid = \"a\"\ndeny = {}\n[[rule]]\nid = \"a\"\ndeny = {}\n",
               "f.toml:8:1: duplicate rule id 'a', first at f.toml:5:1\n"},
        Broken{"[[rule]]\ndeny = {}\n", "f.toml:4:1: a rule needs an id\n"},
        Broken{"[[rule]]\nid = \"A b\"\ndeny = {}\n",
               "f.toml:5:6: id: 'A b' is no id: up to 100 lower-case letters, digits, '.', '-' and "
               "'_'\n"},
        Broken{"[[rules]]\nid = \"a\"\n",
               "f.toml:4:3: unknown key 'rules' in a pack, did you mean 'rule'?\n"},
        Broken{"[[budget]]\nname = \"x\"\n",
               "f.toml:4:3: budget is not built yet: pgmoat 0.1 keeps no counts between "
               "statements\n"},
        Broken{"[[case]]\nsql = \"x\"\n",
               "f.toml:4:3: 'case' is of a file of tests: its name ends in .test.toml\n"},
        Broken{"[rule]\nid = \"a\"\n",
               "f.toml:4:1: rule: is written in double brackets: [[...]]\n"},
        Broken{"[[rule]\n",
               "f.toml:4:8: Error while parsing table header: expected ']', saw '\\n'\n"},
        Broken{"[lists]\nhot = [1]\n", "f.toml:5:7: hot: expected a text or a list of texts\n"},
        Broken{"[[override]]\nmode = \"off\"\nreason = \"x\"\n",
               "f.toml:4:1: an override names one of 'rule' and 'tag'\n"},
        Broken{"[[scope]]\nusers = [\"x\"]\ndefault = \"dney\"\n",
               "f.toml:6:11: default: expected 'deny' or 'allow', did you mean 'deny'?\n"}));

struct BrokenRule {
  const char* rest;  // lines 6 and after
  const char* told;
};
class BrokenRules : public testing::TestWithParam<BrokenRule> {};
TEST_P(BrokenRules, AreTold) {
  const std::string head = "[pack]\nid = \"p\"\nrequires_api = 1\n";
  EXPECT_EQ(told(read(head + rule(GetParam().rest))), GetParam().told);
}

INSTANTIATE_TEST_SUITE_P(
    Keys, BrokenRules,
    testing::Values(
        BrokenRule{"severty = \"low\"\ndeny = {}\n",
                   "f.toml:6:1: unknown key 'severty' in a rule, did you mean 'severity'?\n"},
        BrokenRule{"severity = \"hihg\"\ndeny = {}\n",
                   "f.toml:6:12: severity: expected 'info', 'low', 'medium', 'high' or 'critical', "
                   "did you mean 'high'?\n"},
        BrokenRule{"level = 5\ndeny = {}\n",
                   "f.toml:6:9: level: expected a whole number from 1 to 4\n"},
        BrokenRule{"enforce_percent = 101\ndeny = {}\n",
                   "f.toml:6:19: enforce_percent: expected a whole number from 0 to 100\n"},
        BrokenRule{"mode = \"block\"\ndeny = {}\n",
                   "f.toml:6:8: mode: expected 'off', 'monitor', 'warn' or 'enforce'\n"},
        BrokenRule{"on = \"statment\"\ndeny = {}\n",
                   "f.toml:6:6: on: expected 'connect', 'auth', 'statement', 'execute', 'copy', "
                   "'complete' or 'disconnect', did you mean 'statement'?\n"},
        BrokenRule{"when = 'q.star and'\ndeny = {}\n",
                   "f.toml:6:8: when: unexpected symbol near <eof>\n"},
        BrokenRule{"when = '''q.star\n  and = 5'''\ndeny = {}\n",
                   "f.toml:7:1: when: unexpected symbol near '='\n"},
        BrokenRule{"when = 5\ndeny = {}\n", "f.toml:6:8: when: expected an expression of Lua\n"},
        BrokenRule{
            "decide = \"tenant\"\n",
            "f.toml:6:10: decide: expected \"lua:name\" of a function that pgmoat.export has "
            "named\n"}));

INSTANTIATE_TEST_SUITE_P(
    Verdicts, BrokenRules,
    testing::Values(
        BrokenRule{"",
                   "f.toml:5:1: rule 'p.r' has no verdict: give one of deny, terminate, rewrite, "
                   "alert, tag, set, score, allow, or decide\n"},
        BrokenRule{"deny = {}\nalert = { message = \"x\" }\n",
                   "f.toml:5:1: rule 'p.r' has more than one verdict: 'alert', 'deny'\n"},
        BrokenRule{"verdict = \"deny\"\n",
                   "f.toml:6:11: verdict: expected pgmoat.deny{...} and the like (in TOML: deny = "
                   "{...})\n"},
        BrokenRule{"deny = { mesage = \"x\" }\n",
                   "f.toml:6:10: unknown key 'mesage' in deny, did you mean 'message'?\n"},
        BrokenRule{
            "deny = { message = \"{comand} no\" }\n",
            "f.toml:6:20: message: unknown placeholder '{comand}', did you mean 'command'?\n"},
        BrokenRule{"deny = { sqlstate = \"4250\" }\n",
                   "f.toml:6:21: sqlstate: expected five digits or capital letters, such as "
                   "\"42501\"\n"},
        BrokenRule{"deny = { sqlstate = \"00000\" }\n",
                   "f.toml:6:21: sqlstate: '00000' is no error\n"},
        BrokenRule{"rewrite = { cap_limt = 5 }\n",
                   "f.toml:6:13: unknown edit 'cap_limt', did you mean 'cap_limit'?\n"},
        BrokenRule{"rewrite = { cap_limit = \"5\" }\n",
                   "f.toml:6:25: cap_limit: expected a whole number, 0 or more\n"},
        BrokenRule{"rewrite = { add_filter = { relations = [\"t\"], column = \"c\" } }\n",
                   "f.toml:6:26: add_filter needs 'equals'\n"},
        BrokenRule{"rewrite = {}\n", "f.toml:6:11: rewrite: needs at least one edit\n"},
        BrokenRule{"on = \"connect\"\nrewrite = { cap_limit = 5 }\n",
                   "f.toml:5:1: rule 'p.r' cannot rewrite on 'connect'\n"},
        BrokenRule{"set = { a = \"b\" }\n", "f.toml:5:1: rule 'p.r' cannot set on 'statement'\n"},
        BrokenRule{"score = \"5\"\n",
                   "f.toml:6:9: score: expected a whole number from -1000 to 1000\n"}));

INSTANTIATE_TEST_SUITE_P(
    Matchers, BrokenRules,
    testing::Values(
        BrokenRule{"match = { relation = \"t\" }\ndeny = {}\n",
                   "f.toml:6:11: unknown matcher 'relation', did you mean 'relations'?\n"},
        BrokenRule{"match = { copy.targt = \"file\" }\ndeny = {}\n",
                   "f.toml:6:16: unknown matcher 'copy.targt', did you mean 'copy.target'?\n"},
        BrokenRule{"match = { kind = [\"select\", \"updat\"] }\ndeny = {}\n",
                   "f.toml:6:29: kind: unknown value 'updat', did you mean 'update'?\n"},
        BrokenRule{"match = { kind = [] }\ndeny = {}\n",
                   "f.toml:6:18: kind: an empty list never holds\n"},
        BrokenRule{"match = { star = \"yes\" }\ndeny = {}\n",
                   "f.toml:6:18: star: expected true or false\n"},
        BrokenRule{"match = { relations = \"@hto\" }\ndeny = {}\n[lists]\nhot = [\"t\"]\n",
                   "f.toml:6:23: relations: unknown list '@hto', did you mean 'hot'?\n"},
        BrokenRule{
            "match = { relations = \"pub*.t\" }\ndeny = {}\n",
            "f.toml:6:23: relations: 'pub*.t' is no name; write \"table\", \"schema.table\", "
            "\"schema.*\" or \"*.table\"\n"},
        BrokenRule{"match = { client = \"10.1.2.0/33\" }\ndeny = {}\n",
                   "f.toml:6:20: client: '10.1.2.0/33' is no network; write \"10.0.0.0/8\" or "
                   "\"2001:db8::/32\"\n"},
        BrokenRule{"match = { client = \"10.1.2.3/16\" }\ndeny = {}\n",
                   "f.toml:6:20: client: '10.1.2.3/16' has bits behind its mask; write "
                   "\"10.1.0.0/16\"\n"},
        BrokenRule{"match = { literal_re2 = '(' }\ndeny = {}\n",
                   "f.toml:6:25: literal_re2: not a pattern of RE2: missing ): (\n"},
        BrokenRule{
            "match = { time = \"Tuesday 2-4\" }\ndeny = {}\n",
            "f.toml:6:18: time: time zone 'Tuesday' is not in the system's tzdata; write "
            "\"UTC\" or \"+02:00\"; days are \"Mon\", \"Mon-Fri\", \"Sat,Sun\" or \"daily\", "
            "hours \"08:00-18:00\"\n"},
        BrokenRule{"match = { time = { from = \"22:00\", to = \"06:00\" } }\ndeny = {}\n",
                   "f.toml:6:18: time: expected a weekly window, \"Mon-Fri 08:00-18:00\" (UTC) or "
                   "\"Europe/Berlin Mon-Fri 08:00-18:00\", or a list of such\n"},
        BrokenRule{"when = \"return q.star\"\ndeny = {}\n",
                   "f.toml:6:8: when: expected an expression: its value is the answer, so write "
                   "what would follow 'return'\n"},
        BrokenRule{"when = \"if q.star then return true end\"\ndeny = {}\n",
                   "f.toml:6:8: when: expected an expression, such as not q.where.present; 'if' "
                   "begins a statement\n"},
        BrokenRule{"match = { time = \"Tue 02:00-25:00\" }\ndeny = {}\n",
                   "f.toml:6:18: time: 'Tue 02:00-25:00' is no window; write \"Tue 02:00-04:00\", "
                   "\"Mon-Fri 08:00-18:00\" or \"daily 22:00-06:00\"\n"},
        BrokenRule{"match = { fingerprint = \"abc\" }\ndeny = {}\n",
                   "f.toml:6:25: fingerprint: expected 16 hexadecimal digits, in lower case\n"},
        BrokenRule{"on = \"connect\"\nmatch = { user = \"x\", kind = \"select\" }\ndeny = {}\n",
                   "f.toml:7:23: matcher 'kind' needs a statement; there is none on 'connect'\n"},
        BrokenRule{"match = { any = {} }\ndeny = {}\n",
                   "f.toml:6:11: any: needs at least one condition\n"}));

INSTANTIATE_TEST_SUITE_P(
    ExceptionsAndTests, BrokenRules,
    testing::Values(
        BrokenRule{"deny = {}\n[[rule.exception]]\nreason = \"x\"\n",
                   "f.toml:7:1: exception has no conditions: it would switch the rule off\n"},
        BrokenRule{"deny = {}\n[[rule.exception]]\nreason = \"x\"\nuser = \"a\"\nexpires = "
                   "\"2027-02-30\"\n",
                   "f.toml:10:11: expires: expected a date, such as 2027-03-31\n"},
        BrokenRule{"deny = {}\n[[rule.exception]]\nreason = \"x\"\nusr = \"a\"\n",
                   "f.toml:9:1: unknown matcher 'usr', did you mean 'user'?\n"},
        BrokenRule{"deny = {}\n[[rule.test]]\nsql = \"SELECT 1\"\nexpect = \"refuse\"\n",
                   "f.toml:9:10: expect: expected 'pass', 'deny', 'terminate', 'rewrite', 'alert', "
                   "'tag', 'set', 'score' or 'allow'\n"},
        BrokenRule{"deny = {}\n[[rule.test]]\nsql = \"SELECT 1\"\nexpect = \"pass\"\nsession = { "
                   "usr = \"x\" }\n",
                   "f.toml:10:13: unknown key 'usr' in a test's session, did you mean 'user'?\n"}));

INSTANTIATE_TEST_SUITE_P(
    NotBuilt, BrokenRules,
    testing::Values(
        BrokenRule{"mask = {}\n",
                   "f.toml:6:1: mask is not built yet: pgmoat 0.1 cannot change results\n"},
        BrokenRule{"limit = { rows = 5 }\n",
                   "f.toml:6:1: limit is not built yet: pgmoat 0.1 cannot cut results; a rewrite "
                   "with cap_limit lowers LIMIT\n"},
        BrokenRule{"throttle = {}\n",
                   "f.toml:6:1: throttle is not built yet: pgmoat 0.1 cannot delay statements\n"},
        BrokenRule{"on = \"result\"\ndeny = {}\n",
                   "f.toml:6:6: on = \"result\" is not built yet: pgmoat 0.1 does not read "
                   "results\n"},
        BrokenRule{"on = \"tick\"\nalert = {}\n",
                   "f.toml:6:6: on = \"tick\" is not built yet: pgmoat 0.1 runs rules for messages "
                   "only\n"}));

TEST(LoadToml, ARuleNeedsAPackAndItsApi) {
  EXPECT_EQ(told(read("[[rule]]\nid = \"a\"\ndeny = {}\n")),
            "f.toml:1:3: rules need a [pack] before them, with id and requires_api = 1\n");
  EXPECT_EQ(told(read("[pack]\nid = \"a\"\n")), "f.toml:1:1: [pack] needs requires_api = 1\n");
  EXPECT_EQ(told(read("[pack]\nid = \"a\"\nrequires_api = 2\n")),
            "f.toml:3:16: requires_api: this pgmoat knows api 1 only\n");
}

}  // namespace
}  // namespace pgmoat::policy
