#include "policy/rule.h"

namespace pgmoat::policy {

std::string to_string(const Problem& problem) {
  std::string text = problem.place.file;
  if (problem.place.line > 0) text += ":" + std::to_string(problem.place.line);
  if (problem.place.column > 0) text += ":" + std::to_string(problem.place.column);
  text += problem.level == Problem::Level::warning ? ": warning: " : ": ";
  return text + problem.message;
}

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::info: return "info";
    case Severity::low: return "low";
    case Severity::medium: return "medium";
    case Severity::high: return "high";
    case Severity::critical: return "critical";
  }
  return "medium";
}

std::string_view name_of(Mode mode) {
  switch (mode) {
    case Mode::off: return "off";
    case Mode::monitor: return "monitor";
    case Mode::warn: return "warn";
    case Mode::enforce: return "enforce";
  }
  return "enforce";
}

std::string_view name_of(Verdict::Action action) {
  switch (action) {
    case Verdict::Action::allow: return "allow";
    case Verdict::Action::deny: return "deny";
    case Verdict::Action::terminate: return "terminate";
    case Verdict::Action::rewrite: return "rewrite";
    case Verdict::Action::alert: return "alert";
    case Verdict::Action::tag: return "tag";
    case Verdict::Action::set: return "set";
    case Verdict::Action::score: return "score";
  }
  return "deny";
}

}  // namespace pgmoat::policy
