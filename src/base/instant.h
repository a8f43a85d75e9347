// Time is handed in, never asked for: nothing between the two sockets reads a clock, so a
// session can be replayed, fuzzed and simulated. Instants are steady-clock points; Never is later
// than all of them.
#pragma once

#include <chrono>

namespace pgmoat {

using Instant = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

inline constexpr Instant kNever = Instant::max();

}  // namespace pgmoat
