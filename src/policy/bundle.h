// A policy, compiled: immutable, and shared by all workers and the control thread. It keeps the Source
// it was made of, so that every complaint and every explanation can point at what is written.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "policy/native.h"
#include "policy/rule.h"

namespace pgmoat::policy {

inline constexpr std::size_t kHooks = 7;

struct CompiledException {
  const Exception* written = nullptr;
  Condition match;
};

struct CompiledRule {
  const Rule* written = nullptr;
  std::uint32_t index = 0;  // in the order of the files; built-in rules come first
  Condition match;
  std::vector<CompiledException> exceptions;
  std::vector<const Override*> overrides;  // that may apply, in the order they are written
  Mode own = Mode::enforce;                // as written, or the pack's
  Mode ceiling = Mode::enforce;            // of the pack and the whole policy
  bool above_level = false;                // off, unless an override names this very rule
  bool always_off = false;                 // whatever the session and the time
  std::uint32_t place = 0;                 // 0..99, where percentages of sessions begin to count
  bool calls_lua() const {
    return !written->when.empty() || !written->decide.empty() || written->script_when ||
           written->script_decide;
  }
};

struct CompiledScope {
  const Scope* written = nullptr;
  Condition match;
};

struct Compiling {
  std::uint64_t epoch = 1;
  Mode ceiling = Mode::enforce;  // of everything; `monitor` is the panic switch
};

// Ids of rules that are in no file. Overrides name them like any other.
inline constexpr std::string_view kDefaultDeny = "policy.default-deny";
inline constexpr std::string_view kOpaquePrefix = "sql.opaque.";  // and the reason

class Bundle {
 public:
  // The problems contain an error; warnings are in problems() of the bundle.
  static Result<std::shared_ptr<const Bundle>, std::vector<Problem>> compile(Source source,
                                                                             const Compiling& how);

  std::uint64_t epoch() const { return epoch_; }
  const Source& source() const { return source_; }
  const std::vector<CompiledRule>& rules() const { return rules_; }
  const std::vector<CompiledScope>& scopes() const { return scopes_; }
  const Patterns& patterns() const { return patterns_; }
  const CompiledRule* find(std::string_view id) const;
  const CompiledRule& default_deny() const { return rules_[default_deny_]; }
  // Of a hook: rules by index, those that ask for the score last.
  const std::vector<std::uint32_t>& of(Hook hook) const {
    return by_hook_[static_cast<std::size_t>(hook)];
  }
  // Rules that demand one of these names; null where none does.
  const std::vector<std::uint32_t>* demanding(std::string_view name) const;
  // How many overrides and exceptions have ended by `now`: moves the epoch by itself.
  std::uint32_t ended(std::int64_t now) const;
  bool has_deadlines() const { return !deadlines_.empty(); }

 private:
  Bundle() = default;
  void add_built_in();
  void compile_rules(const Compiling& how, std::vector<Problem>& problems);
  void compile_scopes(std::vector<Problem>& problems);
  void index();
  const Pack* pack_of(const Rule& rule) const;

  Source source_;
  std::vector<Rule> built_in_;
  std::uint64_t epoch_ = 0;
  Patterns patterns_;
  std::vector<CompiledRule> rules_;
  std::vector<CompiledScope> scopes_;
  std::array<std::vector<std::uint32_t>, kHooks> by_hook_;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> by_name_;
  std::vector<std::int64_t> deadlines_;  // ascending
  std::size_t default_deny_ = 0;
};

// The mode of a rule for a session now, and in `why`, where given, what made it so.
Mode mode_of(const CompiledRule& rule, const SessionView& session, std::int64_t now, Reads& reads,
             std::string* why = nullptr);

}  // namespace pgmoat::policy
