// What policies of Lua may call: pgmoat.rule, the constructors of verdicts and edits, sets, networks,
// schedules, patterns. One function provides it for loading and for every worker's sandbox, so that
// the n-th rule of loading is the n-th of a worker.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "policy/lua_made.h"
#include "policy/rule.h"
#include "script/sandbox.h"
#include "script/value.h"

namespace pgmoat::policy {

using Files = std::vector<std::pair<std::string, std::string>>;  // name, text

// What running the files has said. It owns what pgmoat.set{...} and the like have made, so it must
// outlive the sandbox.
class Registrar {
 public:
  struct LuaRule {
    script::Value table;
    script::Caller caller;
    script::Function when, decide;  // ref -1 where there is none
  };

  std::function<std::int64_t()> clock;              // unix seconds, for pgmoat.now() and schedules
  std::map<std::string, script::Value> parameters;  // of pgmoat.params(name): tables
  // Files that pgmoat.map{file=} reads. A worker is given what loading has read (Source::files), so
  // that all of them say the same.
  Files files;
  bool may_read = true;  // read from the disk what is not in `files`, and keep it there

  // After the last file: from here on nothing registers, and clocks may be read.
  void seal() { sealed_ = true; }
  bool sealed() const { return sealed_; }

  const std::vector<LuaRule>& rules() const { return rules_; }  // by Rule::script_index
  const script::Function* exported(std::string_view name) const;
  std::vector<std::string_view> exports() const;
  bool has_api(const std::string& file) const { return api_.count(file) > 0; }

  struct List {
    std::string name;
    std::vector<std::string> values;
    script::Caller caller;
  };
  const std::vector<List>& lists() const { return lists_; }
  // Complaints that did not stop the file: what is not built yet.
  struct Complaint {
    script::Caller caller;
    std::string message;
  };
  const std::vector<Complaint>& complaints() const { return complaints_; }

 private:
  friend class LuaApi;
  std::vector<LuaRule> rules_;
  std::map<std::string, script::Function, std::less<>> exports_;
  std::vector<List> lists_;
  std::vector<Complaint> complaints_;
  std::set<std::string> api_;
  std::vector<std::unique_ptr<LuaMade>> made_;
  bool sealed_ = false;
};

// Both must outlive what they are told of: `registrar` the sandbox.
void provide_api(script::Sandbox& sandbox, Registrar& registrar);

// What a function of Lua has returned: a table that pgmoat.deny{...} and the like have made.
Result<Verdict, std::string> verdict_of(const script::Value& value);

}  // namespace pgmoat::policy
