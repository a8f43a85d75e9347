// Borrowed octets: the one word every floor uses for "bytes that somebody else keeps".
// A Bytes never owns; whoever returns one says in its header how long the view lives.
// Knows nothing of PostgreSQL.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace pgmoat {

using Bytes = std::span<const std::uint8_t>;

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace pgmoat
