// `pgmoat test`: runs every test of a policy and reports in the format that was asked for.
#pragma once

#include <string>
#include <vector>

#include "app/policy_setup.h"

namespace pgmoat::app {

struct TestOptions {
  std::string run;               // RE2 on names; "": all
  std::string format = "human";  // human, tap, junit, json
  bool coverage = false;
  int threshold = 0;  // percent of rules that must match in some test
  bool bench = false;
};

// Exit code: 0 all pass, 1 some fail or `run` finds none, 3 the policy or a test file does not load.
int run_tests(const PolicyConfig& config, const TestOptions& options);

}  // namespace pgmoat::app
