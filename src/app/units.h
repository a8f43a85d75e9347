// Sizes and durations as people write them: "8MiB", "60s". Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/instant.h"
#include "base/result.h"

namespace pgmoat::app {

Result<std::uint64_t, std::string> parse_size(std::string_view text);
Result<Duration, std::string> parse_duration(std::string_view text);

}  // namespace pgmoat::app
