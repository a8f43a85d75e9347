// `pgmoat explain "SQL"`: what a policy understands of a statement, what each rule answers and why, the
// decision, the rewritten text as a difference, and what it cost. The code that judges does the work.
#pragma once

#include <string>

#include "app/trial.h"

namespace pgmoat::app {

struct ExplainOptions {
  Asker asker;
  std::string sql;
  bool all = false;  // also the rules that do not match
  bool json = false;
};

std::string explained(Trial& trial, const ExplainOptions& options);

}  // namespace pgmoat::app
