// From the configuration's policy section to a compiled bundle: shipped packs by name, own files, overrides
// and levels. `check`, `explain`, `test`, `run` and a reload all come through here, so that they
// cannot disagree about what a configuration means.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "base/result.h"
#include "policy/bundle.h"
#include "policy/policy_judge.h"

namespace pgmoat::app {

struct Policy {
  std::shared_ptr<const policy::Bundle> bundle;
  std::vector<std::string> warnings;  // sentences with their places
};

// `ceiling`: of every rule; monitor where the whole process monitors.
Result<Policy, ConfigErrors> build_policy(const PolicyConfig& config, policy::Mode ceiling,
                                          std::uint64_t epoch);

policy::JudgeSettings judge_settings(const PolicyConfig& config);

}  // namespace pgmoat::app
