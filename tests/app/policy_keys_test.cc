// The sections that say what is judged: [policy], [sql], [script]; both ends of each range, one past
// each, and what a mistake is answered with.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "app/config.h"
#include "app/policy_setup.h"

namespace pgmoat::test {
namespace {

using app::ConfigErrors;
using app::PolicyConfig;

PolicyConfig good(const std::string& text) {
  const auto config = app::read_config_text(text, "/etc/pgmoat/f.toml");
  if (config) return config->policy;
  ADD_FAILURE() << text << ": " << config.error().front();
  return {};
}
std::string complaint(const std::string& text) {
  const auto config = app::read_config_text(text, "f.toml");
  if (config) return "accepted";
  return config.error().size() == 1 ? config.error().front() : "more than one complaint";
}

TEST(PolicyKeys, DefaultsAreTheDocumentedOnes) {
  const PolicyConfig policy = good("");
  EXPECT_EQ(policy.packs, std::vector<std::string>{"core"});
  EXPECT_TRUE(policy.paths.empty());
  EXPECT_FALSE(policy.empty());
  EXPECT_EQ(policy.cache_bytes, 64u << 20);
  EXPECT_EQ(policy.sql.text_bytes, 1u << 20);
  EXPECT_EQ(policy.script.instructions, 200'000u);
}

TEST(PolicyKeys, PathsAreRelativeToTheFile) {
  const PolicyConfig policy = good("[policy]\npacks = []\npaths = ['policy', '../b.toml', '/c']");
  EXPECT_EQ(policy.paths, (std::vector<std::string>{"/etc/pgmoat/policy", "/etc/b.toml", "/c"}));
  EXPECT_TRUE(good("[policy]\npacks = []").empty());
}

TEST(PolicyKeys, ReadsTables) {
  const PolicyConfig policy = good(
      "[policy]\nlevels = { core = 4 }\n[policy.lists]\ntenants = ['public.orders']\n"
      "[policy.opaque]\nunparsable = 'monitor'\n"
      "[[policy.override]]\nrule = 'core.x'\nmode = 'off'\nusers = ['a']\nuntil = 1970-01-01\n"
      "reason = 'r'\n[[policy.override]]\ntag = 't'\nmode = 'warn'\npercent = 10\nreason = 's'\n"
      "until = 1970-01-01T01:00:00+01:00\n");
  EXPECT_EQ(policy.levels.at("core"), 4);
  EXPECT_EQ(policy.lists.at("tenants"), std::vector<std::string>{"public.orders"});
  EXPECT_EQ(policy.opaque.at("unparsable"), policy::Mode::monitor);
  ASSERT_EQ(policy.overrides.size(), 2u);
  EXPECT_EQ(policy.overrides[0].rule, "core.x");
  EXPECT_EQ(policy.overrides[0].mode, policy::Mode::off);
  EXPECT_EQ(policy.overrides[0].until, 86400) << "the written day counts";
  EXPECT_EQ(policy.overrides[0].place.line, 7);
  EXPECT_EQ(policy.overrides[1].tag, "t");
  EXPECT_EQ(policy.overrides[1].percent, 10);
  EXPECT_EQ(policy.overrides[1].until, 0);
}

TEST(PolicyKeys, SaysWhatIsWrong) {
  const std::string override = "[[policy.override]]\n";
  const std::pair<std::string, std::string> rows[] = {
      {"[policy]\npack = []", "f.toml:2:1: unknown key 'pack' in [policy], did you mean 'packs'?"},
      {"[policy]\npaths = ['']", "f.toml:2:9: paths: a path is empty"},
      {"[policy]\nlevels = { core = 5 }", "f.toml:2:19: core: expected a whole number from 1 to 4"},
      {"[policy]\nlevels = 3",
       "f.toml:2:10: levels: expected a table of packs and levels, such as { core = 2 }"},
      {"[policy]\nopaque = { unparsable = 'deny' }",
       "f.toml:2:25: unparsable: expected 'off' or 'monitor' or 'warn' or 'enforce'"},
      {"[policy]\nopaque = { x = 'off' }",
       "f.toml:2:16: x: no such reason; known: 'oversize', 'encoding', 'comments', "
       "'tokens', 'nesting', 'statements', 'tree', 'unparsable', 'dialect'"},
      {"[policy]\nmode = 'off'",
       "f.toml:2:1: unknown key 'mode' in [policy]; it belongs at the top, before the first "
       "section"},
      {"packs = ['core']", "f.toml:1:1: unknown key 'packs'; it belongs in [policy]"},
      {"[limits]\nfunction_cal = 'x'",
       "f.toml:2:1: unknown key 'function_cal' in [limits], did you mean 'function_call'?"},
      {"[timeouts]\nfunction_call = 'deny'",
       "f.toml:2:1: unknown key 'function_call' in [timeouts]; it belongs in [protocol] or "
       "[limits]"},
      {"[policy.script]\nwall = '5ms'",
       "f.toml:1:9: unknown key 'script' in [policy]; [script] is a section of its own"},
      {"[policy]\noverride = 1", "f.toml:2:12: override: expected tables: [[policy.override]]"},
      {override + "mode = 'off'\nreason = 'r'",
       "f.toml:1:1: [[policy.override]] needs either 'rule' or 'tag'"},
      {override + "rule = 'a'\ntag = 'b'\nmode = 'off'\nreason = 'r'",
       "f.toml:1:1: [[policy.override]] needs either 'rule' or 'tag'"},
      {override + "rule = 'a'\nreason = 'r'", "f.toml:1:1: [[policy.override]] needs 'mode'"},
      {override + "rule = 'a'\nmode = 'off'",
       "f.toml:1:1: [[policy.override]] needs 'reason': who reads it later must know why"},
      {override + "rule = 'a'\nmode = 'off'\nreason = 'r'\nuntil = 'x'",
       "f.toml:5:9: until: expected a date, such as 2027-03-31"},
      {override + "rule = 'a'\nmode = 'off'\nreason = 'r'\nuntil = '2027-02-30'",
       "f.toml:5:9: until: expected a date, such as 2027-03-31"},
      {override + "rule = 'a'\nmode = 'off'\nreason = 'r'\nuser = ['x']",
       "f.toml:5:1: unknown key 'user' in [[policy.override]], did you mean 'users'?"},
      {"[script]\nwall = '11s'", "f.toml:2:8: wall: expected 1ms to 10s"},
      {"[script]\nwall = 5",
       "f.toml:2:8: wall: expected a duration with its unit, such as \"5ms\""},
  };
  for (const auto& [text, expected] : rows) EXPECT_EQ(complaint(text), expected) << text;
}

TEST(PolicyKeys, EveryMistakeOfAnOverrideIsToldWithItsPlace) {
  const auto config = app::read_config_text(
      "[[policy.override]]\nrule = 'a'\nmode = 'off'\nreason = 'r'\n"
      "[[policy.override]]\nrul = 'a'\nmode = 'of'\nuntil = 'x'\n",
      "f.toml");
  ASSERT_FALSE(config);
  ConfigErrors errors = config.error();
  std::sort(errors.begin(), errors.end());
  EXPECT_EQ(errors,
            (ConfigErrors{
                "f.toml:5:1: [[policy.override]] needs 'reason': who reads it later must know why",
                "f.toml:5:1: [[policy.override]] needs either 'rule' or 'tag'",
                "f.toml:6:1: unknown key 'rul' in [[policy.override]], did you mean 'rule'?",
                "f.toml:7:8: mode: expected 'off' or 'monitor' or 'warn' or 'enforce'",
                "f.toml:8:9: until: expected a date, such as 2027-03-31"}));
}

TEST(PolicyKeys, DatesMayStandInQuotes) {
  const auto until = [](const std::string& date) {
    return good("[[policy.override]]\nrule = 'a'\nmode = 'off'\nreason = 'r'\nuntil = " + date)
        .overrides.at(0)
        .until;
  };
  for (const char* date : {"1970-01-01", "'1970-01-01'", "1970-01-02T00:00:00Z",
                           "'1970-01-02T00:00:00Z'", "1970-01-02T02:00:00+02:00"}) {
    EXPECT_EQ(until(date), 86400) << date;
  }
}

TEST(PolicyKeys, WhatOnlyLoadingCanTellHasItsPlace) {
  const std::pair<std::string, std::string> rows[] = {
      {"[policy]\npacks = ['core',\n  'cor']",
       "/etc/pgmoat/f.toml:3:3: packs: no shipped pack 'cor', did you mean 'core'?"},
      {"[policy]\nlevels = { core = 1, cor = 2 }",
       "/etc/pgmoat/f.toml:2:28: levels: no pack 'cor' is loaded, did you mean 'core'?"},
  };
  for (const auto& [text, expected] : rows) {
    const auto built = app::build_policy(good(text), policy::Mode::enforce, 1);
    ASSERT_FALSE(built) << text;
    EXPECT_EQ(built.error(), ConfigErrors{expected});
  }
}

struct End {
  const char* section;
  const char* key;
  std::string below, low, high, above;
  std::function<std::uint64_t(const PolicyConfig&)> value;
  std::uint64_t low_value, high_value;
};

End number(const char* section, const char* key, std::int64_t low, std::int64_t high,
           std::function<std::uint64_t(const PolicyConfig&)> value) {
  return {section,
          key,
          std::to_string(low - 1),
          std::to_string(low),
          std::to_string(high),
          std::to_string(high + 1),
          std::move(value),
          std::uint64_t(low),
          std::uint64_t(high)};
}
End bytes(const char* section, const char* key, std::uint64_t low, std::uint64_t high,
          std::function<std::uint64_t(const PolicyConfig&)> value) {
  const auto text = [](std::uint64_t size) { return "'" + std::to_string(size) + "B'"; };
  return {section,          key, text(low - 1), text(low), text(high), text(high + 1),
          std::move(value), low, high};
}

TEST(PolicyKeys, TakeBothEndsAndRefuseOnePastEach) {
  using P = PolicyConfig;
  const End rows[] = {
      bytes("policy", "cache", 1 << 20, 16ull << 30, [](const P& p) { return p.cache_bytes; }),
      bytes("sql", "text", 1024, 16 << 20, [](const P& p) { return p.sql.text_bytes; }),
      number("sql", "comment_depth", 1, 1000, [](const P& p) { return p.sql.comment_depth; }),
      number("sql", "tokens", 1000, 10'000'000, [](const P& p) { return p.sql.tokens; }),
      number("sql", "nesting", 10, 2000, [](const P& p) { return p.sql.nesting; }),
      number("sql", "chain", 10, 10'000, [](const P& p) { return p.sql.chain; }),
      number("sql", "statements_per_text", 1, 100'000, [](const P& p) { return p.sql.statements; }),
      number("sql", "nodes", 1000, 100'000'000, [](const P& p) { return p.sql.nodes; }),
      number("sql", "depth", 100, 100'000, [](const P& p) { return p.sql.depth; }),
      number("sql", "body_depth", 1, 16, [](const P& p) { return p.sql.body_depth; }),
      number("sql", "filtered", 1, 100'000, [](const P& p) { return p.sql.filtered; }),
      number("script", "instructions", 1000, 1'000'000'000,
             [](const P& p) { return p.script.instructions; }),
      bytes("script", "memory", 1 << 20, 1 << 30, [](const P& p) { return p.script.memory; }),
      bytes("script", "string", 1024, 16 << 20, [](const P& p) { return p.script.string_bytes; }),
  };
  for (const End& row : rows) {
    const auto text = [&](const std::string& value) {
      return "[" + std::string(row.section) + "]\n" + row.key + " = " + value + "\n";
    };
    EXPECT_EQ(row.value(good(text(row.low))), row.low_value) << row.key;
    EXPECT_EQ(row.value(good(text(row.high))), row.high_value) << row.key;
    EXPECT_NE(complaint(text(row.below)), "accepted") << row.key;
    EXPECT_NE(complaint(text(row.above)), "accepted") << row.key;
    EXPECT_NE(complaint(text("true")), "accepted") << row.key;
  }
}

}  // namespace
}  // namespace pgmoat::test
