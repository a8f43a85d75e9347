#include "policy/trace.h"

#include <algorithm>

namespace pgmoat::policy {

std::string RuleTrace::failed_leaf() const {
  if (native || leaves.empty()) return {};
  return leaves.back().key;
}

void Tracer::question(const Question& question, bool rewritten) {
  StatementTrace trace;
  trace.hook = question.hook;
  trace.index = question.index;
  trace.count = question.count;
  trace.rewritten = rewritten;
  into_.statements.push_back(std::move(trace));
}

void Tracer::rule(const CompiledRule& rule) {
  RuleTrace trace;
  trace.rule = rule.written;
  into_.statements.back().rules.push_back(std::move(trace));
  began_ = std::chrono::steady_clock::now();
}

void Tracer::leaf(const Condition& node, bool held) {
  current().leaves.push_back({node.key, node.place, held});
}

void Tracer::native(bool held) { current().native = held; }

void Tracer::mode(Mode mode, const std::string& why) {
  current().mode = mode;
  current().why_mode = why;
}

void Tracer::when(bool truth) { current().when = truth; }
void Tracer::excepted(const Exception& exception) { current().exception = &exception; }

void Tracer::answered(const Answer& answer) {
  if (answer.verdict != nullptr) current().verdict = *answer.verdict;
  current().trouble = answer.trouble;
}

void Tracer::done() { current().cost = std::chrono::steady_clock::now() - began_; }

std::vector<std::string> names_of(FieldSet fields) {
  static constexpr const char* kNames[kSessionFields] = {
      "id",  "user", "database", "application", "client", "role",  "transaction",
      "guc", "tags", "server",   "percent",     "tls",    "method"};
  static_assert(kNames[kSessionFields - 1] != nullptr, "a field without a name");
  std::vector<std::string> names;
  for (std::size_t at = 0; at < kSessionFields; ++at) {
    if (((fields >> at) & 1) != 0) names.emplace_back(kNames[at]);
  }
  return names;
}

}  // namespace pgmoat::policy
