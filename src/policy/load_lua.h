// Policies of Lua; see load.h. All files run in one sandbox, as they will in each worker's.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "policy/load.h"
#include "policy/lua_api.h"
#include "policy/node.h"
#include "policy/rule_reader.h"
#include "script/sandbox.h"

namespace pgmoat::policy {

class LuaLoader {
 public:
  LuaLoader(const LoadOptions& options, Source& source);
  void load(const Text& text);
  // After the last file: what only all of them together can say.
  void finish();

 private:
  void make_sandbox();
  void check_expressions();
  void check_names();
  void check_members();
  void tell_misnamed(const Rule& rule, script::Function function);
  void take_rules(const Text& text, std::size_t first);
  void take_lists(const Text& text);

  Source& source_;
  FileReading reading_;
  Registrar registrar_;
  std::unique_ptr<script::Sandbox> sandbox_;  // made when first needed
  script::Budget budget_;
  std::size_t complaints_ = 0;
  bool all_ran_ = true;
  std::set<std::pair<std::string, std::string>> told_;  // of names that do not exist: where, what
};

}  // namespace pgmoat::policy
