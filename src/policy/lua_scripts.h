// The Lua half of a bundle's rules in one worker: a sandbox that has run the policy's files and
// compiled the expressions of TOML rules, frozen. Made on any thread, used on one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "policy/bundle.h"
#include "policy/scripts.h"
#include "script/sandbox.h"

namespace pgmoat::policy {

// Null where no rule of the bundle calls Lua. `clock` gives unix seconds. The error is one line:
// file:line and what is wrong.
Result<std::unique_ptr<Scripts>, std::string> make_scripts(const Bundle& bundle,
                                                           const script::Budget& budget,
                                                           std::int64_t (*clock)());

}  // namespace pgmoat::policy
