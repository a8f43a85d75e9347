// What the tables of tests/wire are made of: bodies written out field by field, a round trip as
// one function for every message, and copies in heap buffers of exactly their size, so that the
// address sanitizer sees the first byte read too many.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "wire/fault.h"

namespace pgmoat::wire::test {

inline std::string u8(unsigned value) { return std::string(1, static_cast<char>(value)); }
inline std::string u16(unsigned value) { return u8(value >> 8 & 255) + u8(value & 255); }
inline std::string u32(std::uint32_t value) { return u16(value >> 16) + u16(value & 0xffff); }
inline std::string u64(std::uint64_t value) {
  return u32(static_cast<std::uint32_t>(value >> 32)) + u32(static_cast<std::uint32_t>(value));
}
// Text with its NUL.
inline std::string z(std::string_view text) { return std::string(text) + '\0'; }
// A length and that many bytes, as values are in Bind and DataRow.
inline std::string value(std::string_view bytes) {
  return u32(static_cast<std::uint32_t>(bytes.size())) + std::string(bytes);
}
inline std::string null() { return u32(0xffffffff); }

inline std::string frame(char tag, std::string_view body) {
  std::string out;
  if (tag != 0) out += tag;
  return out + u32(static_cast<std::uint32_t>(body.size() + 4)) + std::string(body);
}

inline std::vector<std::uint8_t> exact(std::string_view bytes) {
  return {bytes.begin(), bytes.end()};
}

// The frame that encode() makes of what `decode` read, or nothing where it refused.
using RoundTrip = std::optional<std::string> (*)(Bytes body);

template <auto decode>
std::optional<std::string> round_trip(Bytes body) {
  const auto message = decode(body);
  if (!message) {
    if (message.error().what[0] == '\0') return "a fault without a sentence";
    return std::nullopt;
  }
  std::string out;
  encode(*message, out);
  return out;
}

// A message whose every byte is accounted for: no proper prefix of it and nothing behind it.
struct Whole {
  const char* name;
  RoundTrip round_trip;
  char tag;
  std::string body;
};

struct Refused {
  const char* why;
  RoundTrip round_trip;
  std::string body;
};

void expect_exact(const Whole& row);  // the same bytes back, no cut, no excess
void expect_same(const Whole& row);   // the same bytes back
void expect_refused(const Refused& row);

}  // namespace pgmoat::wire::test
