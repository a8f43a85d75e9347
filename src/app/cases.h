// Tests of policies, from wherever they are written: inside rules, in tables (*.test.toml), in Lua
// (*_test.lua). One runner; see docs/policy/testing.md.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/trial.h"
#include "policy/rule.h"

namespace pgmoat::app {

// What is expected of a decision. Empty parts are not looked at.
struct Expectation {
  std::string
      verdict;  // "allow", "deny", "terminate", "rewrite"; of one rule: also "pass", "alert", ...
  std::string rule, sqlstate, message_re2, rewritten;
};

struct Case {
  std::string name;
  policy::Place place;
  Asker asker;
  std::string sql;
  std::vector<std::string> parameters;
  Expectation expect;
  bool of_one_rule = false;  // an inline test: only expect.rule is looked at, whatever its mode
};

std::string_view word_of(policy::Ruling::Action action);  // "allow", "deny", ...
// "" where the decision is as expected, else one sentence with what was found.
std::string compare(const Case& one, const policy::Ruling& ruling);
// The same for an inline test, which asks one rule, whatever its mode lets it do. `traced`: what the
// rule answered where a ruling does not tell: "score", "allow", "pass".
std::string compare_rule(const Case& one, const policy::Ruling& ruling, std::string_view traced);

std::vector<Case> inline_cases(const policy::Source& source);
// Problems of the file are added with their places.
std::vector<Case> table_cases(const std::string& text, const std::string& file,
                              std::vector<policy::Problem>& problems);
// *.test.toml and *_test.lua in the folders of a policy, and beside its files.
std::vector<std::string> test_files(const std::vector<std::string>& paths);

// A Lua test.
struct ScriptCase {
  struct Outcome {
    policy::Place place;  // of the line that failed; of the test where none did
    std::string failure;  // "": passed
  };
  std::string name;
  policy::Place place;
  std::function<Outcome()> run;
};

}  // namespace pgmoat::app
