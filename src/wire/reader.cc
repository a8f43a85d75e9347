#include "wire/reader.h"

#include <algorithm>
#include <cstring>

namespace pgmoat::wire {

void Reader::require(bool holds, const char* what) {
  if (holds || what_ != nullptr) return;
  what_ = what;
  fault_at_ = at_;
}

Bytes Reader::bytes(std::size_t size) {
  require(size <= left(), "the message ends inside a field");
  if (failed()) return {};
  const Bytes taken = body_.subspan(at_, size);
  at_ += size;
  return taken;
}

std::uint8_t Reader::u8() {
  const Bytes at = bytes(1);
  return at.empty() ? std::uint8_t{0} : at[0];
}

std::uint16_t Reader::u16() {
  const Bytes at = bytes(2);
  return at.empty() ? std::uint16_t{0} : static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}

std::uint32_t Reader::u32() {
  const Bytes at = bytes(4);
  if (at.empty()) return 0;
  return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 |
         at[3];
}

std::string_view Reader::cstring() {
  if (failed()) return {};
  const std::size_t size = left();
  const void* end = size == 0 ? nullptr : std::memchr(body_.data() + at_, 0, size);
  require(end != nullptr, "a string has no terminating NUL");
  if (failed()) return {};
  const auto length =
      static_cast<std::size_t>(static_cast<const std::uint8_t*>(end) - (body_.data() + at_));
  const std::string_view text = as_text(body_.subspan(at_, length));
  at_ += length + 1;
  return text;
}

std::string_view Reader::name() {
  const std::string_view text = cstring();
  require(text.size() <= kNameLimit, "a name is over 63 bytes");
  return text;
}

Bytes Reader::items(std::size_t count, std::size_t item_size) { return bytes(count * item_size); }

Bytes Reader::values(std::size_t count) {
  const std::size_t first = at_;
  for (std::size_t i = 0; i < count && !failed(); ++i) {
    const std::int32_t length = i32();
    require(length >= -1, "a value has a negative length");
    if (length > 0) bytes(static_cast<std::size_t>(length));
  }
  if (failed()) return {};
  return body_.subspan(first, at_ - first);
}

Bytes Reader::rest() { return bytes(left()); }

}  // namespace pgmoat::wire
