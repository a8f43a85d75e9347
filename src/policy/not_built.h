// What the design promises and this version does not do. Files that ask for it are refused with one
// plain sentence, never loaded with a part of them left out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::policy {

// "mask is not built yet: pgmoat 0.1 cannot change results"; "" for what is built or unknown.
// `name`: a verdict, a constructor of pgmoat.*, or "on = \"result\"".
std::string not_built(std::string_view name);
std::vector<std::string_view> not_built_names();

}  // namespace pgmoat::policy
