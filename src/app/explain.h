// `pgmoat explain "SQL"`: what a policy understands of a statement, what each rule answers and why, the
// decision, the rewritten text as a difference, and what it cost. The code that judges does the work.
#pragma once

#include <string>
#include <vector>

#include "app/trial.h"

namespace pgmoat::app {

struct ExplainOptions {
  Asker asker;
  std::string sql;
  std::vector<std::string> parameters;  // of Bind, as text; "\\N": null
  bool all = false;                     // also the rules that do not match
  bool json = false;
};

// `strict`: the same policy with every pack at its highest level, which tells what levels leave out.
std::string explained(Trial& trial, Trial& strict, const ExplainOptions& options);

}  // namespace pgmoat::app
