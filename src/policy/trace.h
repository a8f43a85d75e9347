// The whole answer of every rule, for `pgmoat explain`: what was asked, what held, in which mode and
// why, at what cost. It is written down by an observer of the evaluation that judges, so what is
// explained cannot differ from what is done.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "policy/evaluate.h"
#include "policy/judge.h"

namespace pgmoat::policy {

struct LeafTrace {
  std::string key;
  Place place;
  bool held = false;
};

struct RuleTrace {
  const Rule* rule = nullptr;     // lives as long as the bundle
  bool native = false;            // its `match` holds
  std::vector<LeafTrace> leaves;  // in the order they were asked, as far as that went
  std::optional<Mode> mode;       // asked for only where `match` holds
  std::string why_mode;
  std::optional<bool> when;              // the predicate, where it was called
  const Exception* exception = nullptr;  // that held
  std::optional<Verdict> verdict;        // its answer
  std::string trouble;                   // its script failed
  std::chrono::nanoseconds cost{0};

  // Of a `match` that does not hold: the condition that decided it; "" where there is none.
  std::string failed_leaf() const;
};

struct StatementTrace {
  Hook hook = Hook::statement;
  std::uint32_t index = 1, count = 1;
  bool rewritten = false;  // asked about the text that goes to the server
  std::vector<RuleTrace> rules;
};

struct Trace {
  std::shared_ptr<const sql::Analysis> analysis;
  std::vector<StatementTrace> statements;
  Judged ruling;
  FieldSet fields = 0;    // of the session, that the ruling depends on
  bool unstable = false;  // it may not be cached
  std::chrono::nanoseconds analysis_cost{0}, cost{0};
};

class Tracer final : public Observer {
 public:
  explicit Tracer(Trace& into) : into_(into) {}
  void question(const Question& question, bool rewritten) override;
  void rule(const CompiledRule& rule) override;
  void leaf(const Condition& node, bool held) override;
  void native(bool held) override;
  void mode(Mode mode, const std::string& why) override;
  void when(bool truth) override;
  void excepted(const Exception& exception) override;
  void answered(const Answer& answer) override;
  void done() override;

 private:
  RuleTrace& current() { return into_.statements.back().rules.back(); }
  Trace& into_;
  std::chrono::steady_clock::time_point began_;
};

std::vector<std::string> names_of(FieldSet fields);  // "user", "application", ...

}  // namespace pgmoat::policy
