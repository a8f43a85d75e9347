// Lua tests: *_test.lua run in a sandbox of their own, in front of the policy under test.
//   test("name", function(t) t:expect(t:eval({ user = "app" }, "DELETE FROM t")):denies("rule") end)
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "app/cases.h"
#include "app/trial.h"
#include "script/sandbox.h"

namespace pgmoat::app {

class ScriptCases {
 public:
  // Told of every decision, for coverage.
  using Watch = std::function<void(const Asker&, const std::string& sql, const policy::Ruling&)>;
  ScriptCases(Trial& trial, Watch watch);  // the trial must outlive it
  ScriptCases(const ScriptCases&) = delete;
  ScriptCases& operator=(const ScriptCases&) = delete;

  // Adds the tests of one file; "" or what is wrong with it, with its place.
  std::string load(const std::string& source, const std::string& file);
  const std::vector<ScriptCase>& cases() const { return cases_; }

 private:
  using Given = std::vector<script::Value>;
  using Answer = Result<script::Value, std::string>;
  Answer add(Given& given, const script::Caller& caller);
  ScriptCase::Outcome outcome(script::Function run, const policy::Place& place);
  Answer evaluate(Given& given);
  Answer set_clock(Given& given);
  Answer tick(Given& given);
  Answer find_rule(Given& given);

  Trial& trial_;
  Watch watch_;
  script::Sandbox sandbox_;
  std::string file_;
  bool prelude_ = false;
  std::int64_t now_ = 0;  // unix seconds, 0: the true time
  std::vector<ScriptCase> cases_;
};

}  // namespace pgmoat::app
