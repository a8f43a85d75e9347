// The shipped packs against what is known of attacks and of ordinary programs: what must be refused is, and
// what must pass does. What the injection pack catches of each class of payloads is measured here as
// well; PGMOAT_TABLE=1 prints the tables of docs/policy/packs.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "packs/classes.h"
#include "policy/load.h"
#include "policy/policy_judge.h"
#include "policy/shipped.h"

namespace pgmoat::policy {
namespace {

const std::string kCorpus = PGMOAT_CORPUS "/sql/";

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> separated(const std::string& path, char separator) {
  std::vector<std::string> texts;
  const std::string all = contents(path);
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = std::min(all.find(separator, at), all.size());
    if (end > at) texts.push_back(all.substr(at, end - at));
    at = end + 1;
  }
  return texts;
}

std::vector<std::string> statements_of(const std::string& jsonl) {
  std::vector<std::string> texts;
  for (const std::string& line : separated(jsonl, '\n')) {
    texts.push_back(nlohmann::json::parse(line).at("sql"));
  }
  return texts;
}

// One pack at one level, with the judge that runs in production.
class Pack {
 public:
  Pack(std::string_view name, int level) {
    std::vector<Text> texts;
    for (const ShippedPack& pack : shipped_packs()) {
      if (pack.name == name) texts.push_back({std::string(name) + ".toml", std::string(pack.text)});
    }
    Source source = load_texts(texts);
    for (const Problem& problem : source.problems) ADD_FAILURE() << to_string(problem);
    for (policy::Pack& pack : source.packs) pack.level = level;
    auto bundle = Bundle::compile(std::move(source), {});
    auto prepared = bundle ? prepare(*bundle, {}) : Result<Prepared, std::string>("not compiled");
    if (!prepared) {
      ADD_FAILURE() << prepared.error();
      return;
    }
    judge_ = std::make_unique<PolicyJudge>(std::move(*prepared), JudgeSettings{});
    session_.open("test", "10.1.2.3", 5000);
    session_.set(SessionField::user, "app");
    session_.set(SessionField::database, "app");
  }

  // The rule that refuses, or "".
  std::string refuses(std::string_view sql) {
    Subject subject;
    subject.session = &session_;
    subject.sql = sql;
    const Judged ruling = judge_->judge(subject);
    const bool refused = ruling->action == Ruling::Action::deny;
    return refused ? ruling->refusal.rule : std::string();
  }

 private:
  std::unique_ptr<PolicyJudge> judge_;
  SessionView session_;
};

TEST(Packs, EveryEvasionIsRefusedByCoreAtLevel3) {
  Pack core("core", 3);
  for (const std::string& sql : statements_of(kCorpus + "evasion/evasion.jsonl")) {
    EXPECT_NE(core.refuses(sql), "") << sql;
  }
}

TEST(Packs, MostEvasionsAreRefusedByCoreAtLevel1) {
  Pack core("core", 1);
  // What is left is not for everyone: a search_path, LISTEN, DISCARD, and dynamic SQL.
  std::set<std::string> passed;
  for (const std::string& sql : statements_of(kCorpus + "evasion/evasion.jsonl")) {
    if (core.refuses(sql).empty()) passed.insert(sql.substr(0, 20));
  }
  const std::set<std::string> expected = {
      "discard all", "do $$begin execute '", "do $$begin execute c", "listen evch",
      "reset all",   "select (0.01::float8", "select set_config('s"};
  EXPECT_EQ(passed, expected);
}

TEST(Packs, WhatOnlyLooksLikeAnAttackPasses) {
  for (const auto& [name, level] : {std::pair{"core", 3}, std::pair{"injection", 1}}) {
    Pack pack(name, level);
    for (const std::string& sql : statements_of(kCorpus + "evasion/benign_lookalike.jsonl")) {
      EXPECT_EQ(pack.refuses(sql), "") << name << ": " << sql;
    }
  }
}

// The commands of the replication protocol are no SQL: sessions that speak it are a matter of [protocol] replication.
bool is_walsender(const std::string& sql) {
  for (const char* command : {"IDENTIFY_SYSTEM", "BASE_BACKUP", "CREATE_REPLICATION_SLOT",
                              "DROP_REPLICATION_SLOT", "START_REPLICATION"}) {
    if (sql.rfind(command, 0) == 0) return true;
  }
  return false;
}

TEST(Packs, NothingThatOrdinaryProgramsSendIsRefusedAtLevel1) {
  Pack core("core", 1), injection("injection", 1), patches("virtual-patches", 1);
  std::size_t asked = 0;
  for (const auto& file : std::filesystem::directory_iterator(kCorpus + "recorded")) {
    for (const std::string& sql : separated(file.path(), '\0')) {
      if (is_walsender(sql)) continue;
      ++asked;
      EXPECT_EQ(core.refuses(sql), "") << file.path() << ": " << sql;
      EXPECT_EQ(injection.refuses(sql), "") << file.path() << ": " << sql;
      EXPECT_EQ(patches.refuses(sql), "") << file.path() << ": " << sql;
    }
  }
  EXPECT_GT(asked, 1000u);
}

struct Tested {
  int asked = 0;
  std::map<std::string, int> refused;  // by rule
};
Tested ask_all(std::string_view name, int level, const std::vector<std::string>& texts) {
  Pack pack(name, level);
  Tested tested;
  for (const std::string& sql : texts) {
    ++tested.asked;
    if (const std::string rule = pack.refuses(sql); !rule.empty()) ++tested.refused[rule];
  }
  return tested;
}

void print(const std::string& title, const Tested& tested) {
  if (std::getenv("PGMOAT_TABLE") == nullptr) return;
  int all = 0;
  for (const auto& [rule, count] : tested.refused) all += count;
  std::printf("%s: %d of %d\n", title.c_str(), all, tested.asked);
  for (const auto& [rule, count] : tested.refused)
    std::printf("| `%s` | %d |\n", rule.c_str(), count);
}

// PostgreSQL's own tests do what nobody else does, so there is no zero here; but which rules speak is known.
TEST(Packs, WhatIsRefusedOfTheRegressionTestsIsKnown) {
  const auto texts = separated(kCorpus + "regress/accepted.sql0", '\0');
  const Tested core = ask_all("core", 1, texts);
  print("core 1 on the regression tests", core);
  const std::set<std::string> expected = {
      "core.alter-system",       "core.audit-settings",    "core.catalog-writes",
      "core.change-identity",    "core.client-encoding",   "core.conforming-strings",
      "core.copy-file",          "core.copy-program",      "core.foreign-servers",
      "core.large-object-files", "core.load-library",      "core.pages",
      "core.predefined-roles",   "core.replication-slots", "core.role-attributes",
      "core.security-settings",  "core.server-control",    "core.server-files",
      "core.signal-sessions",    "core.subscriptions",     "core.untrusted-code",
      "core.whole-database",     "sql.opaque.unparsable"};
  for (const auto& [rule, count] : core.refused) EXPECT_TRUE(expected.count(rule)) << rule << count;
  const Tested injection = ask_all("injection", 1, texts);
  print("injection 1 on the regression tests", injection);
  const auto certain = injection.refused.find("injection.certain");
  EXPECT_LE(certain == injection.refused.end() ? 0 : certain->second, 3);
  for (int level = 2; level <= 3; ++level) {
    print("injection " + std::to_string(level), ask_all("injection", level, texts));
  }
}

// Recall by class of payload; half of these statements are inert on PostgreSQL (another product's
// dialect, or an operator on two strings), so there is no hundred here.
TEST(Packs, InjectedStatementsAreFound) {
  std::map<std::string, std::array<int, 4>> table;
  std::vector<Pack> packs;
  for (int level = 1; level <= 3; ++level) packs.emplace_back("injection", level);
  for (const std::string& sql : statements_of(kCorpus + "injected/injected_sql.jsonl")) {
    for (const std::string& key : {tests::class_of(sql), std::string("all")}) {
      std::array<int, 4>& row = table[key];
      ++row[0];
      for (std::size_t level = 0; level < 3; ++level)
        row[level + 1] += packs[level].refuses(sql).empty() ? 0 : 1;
    }
  }
  if (std::getenv("PGMOAT_TABLE") != nullptr) {
    for (const auto& [name, row] : table) {
      std::printf("| %s | %d |", name.c_str(), row[0]);
      for (int level = 1; level <= 3; ++level) {
        std::printf(" %.1f %% |", 100.0 * row[static_cast<std::size_t>(level)] / row[0]);
      }
      std::printf("\n");
    }
  }
  const auto& all = table["all"];
  EXPECT_EQ(all[0], 2000);
  EXPECT_GE(all[1], 800);
  EXPECT_GE(all[2], 950);
  EXPECT_GE(all[3], 1250);
}

}  // namespace
}  // namespace pgmoat::policy
