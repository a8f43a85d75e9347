// The Lua half of rules, as evaluation sees it: two questions that may fail. Behind it is a worker's
// sandbox, or in tests whatever answers.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "policy/bundle.h"
#include "policy/question.h"
#include "policy/rule.h"

namespace pgmoat::policy {

class Scripts {
 public:
  virtual ~Scripts() = default;
  using Decision = std::optional<Verdict>;  // none: no opinion
  // What the functions read of the session is added to `reads`. The error is one line for the log.
  virtual Result<bool, std::string> when(const CompiledRule& rule, const Question& question,
                                         Reads& reads) = 0;
  virtual Result<Decision, std::string> decide(const CompiledRule& rule, const Question& question,
                                               Reads& reads) = 0;
};

}  // namespace pgmoat::policy
