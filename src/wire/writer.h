// Builds messages at the end of a caller's string; the length word is patched when the message
// ends. The caller keeps the string and its capacity, so steady-state writing allocates nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace pgmoat::wire {

class Writer {
 public:
  // Starts a tagged message; tag 0 starts an untagged one (StartupMessage and its kin).
  Writer(std::string& out, char tag);
  ~Writer();  // patches the length
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  Writer& u8(std::uint8_t value);
  Writer& u16(std::uint16_t value);
  Writer& u32(std::uint32_t value);
  Writer& cstring(std::string_view text);
  Writer& bytes(Bytes raw);
  Writer& text(std::string_view raw) { return bytes(as_bytes(raw)); }

 private:
  std::string& out_;
  std::size_t length_at_;
};

}  // namespace pgmoat::wire
