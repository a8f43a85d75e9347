#include "wire/writer.h"

namespace pgmoat::wire {

Writer::Writer(std::string& out, char tag) : out_(out) {
  if (tag != 0) out_.push_back(tag);
  length_at_ = out_.size();
  out_.append(4, '\0');
}

Writer::~Writer() {
  const auto length = static_cast<std::uint32_t>(out_.size() - length_at_);
  for (std::size_t i = 0; i < 4; ++i) {
    out_[length_at_ + i] = static_cast<char>(length >> (24 - 8 * i));
  }
}

Writer& Writer::u8(std::uint8_t value) {
  out_.push_back(static_cast<char>(value));
  return *this;
}

Writer& Writer::u16(std::uint16_t value) {
  return u8(static_cast<std::uint8_t>(value >> 8)).u8(static_cast<std::uint8_t>(value));
}

Writer& Writer::u32(std::uint32_t value) {
  return u16(static_cast<std::uint16_t>(value >> 16)).u16(static_cast<std::uint16_t>(value));
}

Writer& Writer::cstring(std::string_view text) {
  out_.append(text).push_back('\0');
  return *this;
}

Writer& Writer::bytes(Bytes raw) {
  out_.append(as_text(raw));
  return *this;
}

}  // namespace pgmoat::wire
