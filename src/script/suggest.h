// "did you mean": the known name that is nearest to what was written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::script {

// Empty where none is near enough to be meant: a third of the letters may differ, or one begins
// with the other.
std::string_view nearest(std::string_view written, const std::vector<std::string_view>& known);

// ", did you mean 'where'?", or nothing.
std::string did_you_mean(std::string_view written, const std::vector<std::string_view>& known);

}  // namespace pgmoat::script
