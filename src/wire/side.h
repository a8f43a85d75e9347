// Which peer sent the bytes.
#pragma once

#include <cstdint>

namespace pgmoat::wire {

enum class Side : std::uint8_t { client, server };

inline Side other(Side side) { return side == Side::client ? Side::server : Side::client; }

}  // namespace pgmoat::wire
