// One RE2 search, for those who have no patterns to compile together.
#pragma once

#include <string_view>

namespace pgmoat::policy {

// False also where the pattern is none; good_pattern() tells.
bool finds_pattern(std::string_view pattern, std::string_view text);
bool good_pattern(std::string_view pattern);

}  // namespace pgmoat::policy
