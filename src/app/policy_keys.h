// The keys of [policy], [sql] and [script]: what is judged by which rules, and within which limits.
#pragma once

#include <string>

#include "app/config.h"
#include "app/keys.h"

namespace pgmoat::app {

// Paths are taken relative to the folder of `file`. Mistakes inside tables are told by `complain`.
Keys policy_keys(PolicyConfig& policy, const std::string& file, const Complain& complain);
Keys sql_keys(sql::Limits& limits);
Keys script_keys(script::Budget& budget);

}  // namespace pgmoat::app
