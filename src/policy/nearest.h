// "Did you mean": the known word that a mistyped one is closest to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::policy {

// The known word with the fewest changes, at most two; "" where all are other words.
std::string nearest(std::string_view word, const std::vector<std::string_view>& known);
// ", did you mean 'x'?", or "".
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace pgmoat::policy
