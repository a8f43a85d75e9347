// A rule as it is written, whether in TOML or in Lua: what loading makes and compiling reads. It holds
// places (file, line, column) so that every later complaint can point at the text.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "policy/judge.h"
#include "script/value.h"
#include "sql/edit.h"

namespace pgmoat::policy {

struct Place {
  std::string file;
  int line = 0, column = 0;
};

struct Problem {
  enum class Level : std::uint8_t { error, warning };
  Level level = Level::error;
  Place place;
  std::string message;  // one line, no file in front
};
std::string to_string(const Problem& problem);  // "rules/x.toml:3:1: warning: ..."

enum class Severity : std::uint8_t { info, low, medium, high, critical };
enum class Mode : std::uint8_t { off, monitor, warn, enforce };  // ordered
std::string_view name_of(Severity severity);
std::string_view name_of(Mode mode);

// What a matcher compares with. TOML and Lua values become one of these.
using Operand = std::variant<bool, std::int64_t, double, std::string>;

// A condition on native facts. `leaf`: `key` is dotted as written ("copy.target"), any operand may hold.
struct Match {
  enum class Op : std::uint8_t { all, any, none, leaf };
  Op op = Op::all;
  std::vector<Match> parts;       // of all, any, none; an empty `all` holds always
  std::string key;                // of leaf
  std::vector<Operand> operands;  // of leaf; never empty
  Place place;
};

struct Verdict {
  enum class Action : std::uint8_t { allow, deny, terminate, rewrite, alert, tag, set, score };
  Action action = Action::deny;
  std::string message, sqlstate, hint, detail;  // "" where the action's default holds
  std::vector<sql::Edit> edits;
  std::vector<std::string> tags;
  std::vector<std::pair<std::string, std::string>> settings;
  std::int64_t score = 0;
  std::string capture;  // alert: "normalized" (default), "raw", "none"
  std::string reason;   // allow
};
std::string_view name_of(Verdict::Action action);

enum class OnError : std::uint8_t { by_mode, deny, allow };  // by_mode: deny where enforcing

struct Exception {
  std::string name, reason;
  Match match;
  std::optional<std::int64_t> expires;  // unix seconds, end of the written day UTC
  Place place;
};

// A test that came with the rule.
struct RuleTest {
  std::string name, sql, expect;  // expect: "deny", "pass", "rewrite", "alert", "terminate", ...
  std::string rewritten;          // with "rewrite", where given
  std::vector<std::pair<std::string, std::string>>
      session;  // "user" -> "app", "guc.app.tenant" -> "7", "tag" -> ..
  std::vector<std::string> parameters;
  Place place;
};

struct Rule {
  std::string id, pack, description, owner, url;
  Hook hook = Hook::statement;
  Severity severity = Severity::medium;
  std::vector<std::string> tags;
  std::optional<Mode> mode;    // as written; else the pack's, else enforce
  int level = 1;               // 1 everyone .. 4 strict
  int order = 100;             // of rewrites
  std::optional<int> percent;  // of sessions that see `enforce`; the others see monitor
  OnError on_error = OnError::by_mode;
  Match match;
  std::string when;  // TOML: a Lua expression over s, q (p, r); "" where none
  Place when_place;  // of that expression
  std::string
      decide;  // TOML: "lua:name" of a function that a Lua file has registered with pgmoat.export
  // Of a Lua rule: it was the n-th that its file registered; each worker's sandbox runs the same files
  // in the same order and finds its functions by this number. -1: not from Lua.
  int script_index = -1;
  bool script_when = false, script_decide = false;
  std::optional<Verdict> verdict;  // none: `decide` gives it
  std::vector<Exception> exceptions;
  std::vector<RuleTest> tests;
  Place place;
};

struct Pack {
  std::string id, version, description;
  int requires_api = 1;
  Mode ceiling = Mode::enforce;
  int level = 4;                                                        // rules above it are off
  std::vector<std::pair<std::string, std::vector<std::string>>> lists;  // "@name" in matchers
  Place place;
};

// "This rule, for these users, until then, has this mode": data, not an edit of a pack.
struct Override {
  std::string rule, tag, reason;  // one of rule and tag; rule may end in ".*"
  Mode mode = Mode::monitor;
  std::vector<std::string> users;     // empty: all
  std::optional<std::int64_t> until;  // unix seconds; the override ends by itself
  std::optional<int> percent;
  Place place;
};

// Statements of these users (databases, tags) need an `allow`.
struct Scope {
  Match match;
  bool deny_by_default = false;
  Place place;
};

// Everything that files say, before it is compiled.
struct Source {
  std::vector<Pack> packs;
  std::vector<Rule> rules;  // in the order of the files
  std::vector<Override> overrides;
  std::vector<Scope> scopes;
  std::vector<Problem> problems;
  // Lua files, in order, for the workers' sandboxes: name and text.
  std::vector<std::pair<std::string, std::string>> scripts;
  // What pgmoat.map{file=} has read, for the workers: name and text.
  std::vector<std::pair<std::string, std::string>> files;
  std::map<std::string, script::Value> parameters;  // of pgmoat.params(name): tables
};

}  // namespace pgmoat::policy
