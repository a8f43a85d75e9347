// One TOML pack; see load.h.
#pragma once

#include <string>
#include <string_view>

#include "policy/load.h"
#include "policy/node.h"

namespace pgmoat::policy {

// The tables of a TOML text; none after a syntax error, which is then among the problems.
bool parse_toml(std::string_view text, const std::string& file, const Problems& problems,
                Node& into);
void load_toml(const Text& text, const LoadOptions& options, Source& source);

}  // namespace pgmoat::policy
