// A cursor over one message body. It never throws and never reads past the end: the first thing
// that is not there makes every later read return zero or nothing, and finish() tells. So a
// decoder is its message's grammar from top to bottom with one question at the end.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/fault.h"

namespace pgmoat::wire {

inline constexpr std::size_t kNameLimit = 63;  // bytes of a name: PostgreSQL's NAMEDATALEN - 1

template <class T>
using Decoded = Result<T, Fault>;

class Reader {
 public:
  explicit Reader(Bytes body) : body_(body) {}

  std::uint8_t u8();
  std::uint16_t u16();
  std::uint32_t u32();
  std::int16_t i16() { return static_cast<std::int16_t>(u16()); }
  std::int32_t i32() { return static_cast<std::int32_t>(u32()); }
  // Text up to its NUL, which is eaten. Lives as long as the body.
  std::string_view cstring();
  // Like cstring(), and at most 63 bytes: PostgreSQL truncates longer names silently (NAMEDATALEN),
  // so two names that differ for us could be one for the server.
  std::string_view name();
  Bytes bytes(std::size_t size);
  Bytes items(std::size_t count, std::size_t item_size);  // refused before anything is allocated
  // Values as in Bind and DataRow: `count` times a 32-bit length (-1: NULL) and that many bytes.
  Bytes values(std::size_t count);
  Bytes rest();
  bool at_end() const { return at_ == body_.size(); }
  std::size_t left() const { return body_.size() - at_; }

  // Refuses what the message's own rules forbid, with a sentence; the first reason is kept.
  void require(bool holds, const char* what);
  bool failed() const { return what_ != nullptr; }

  // The question at the end: trailing bytes are refused, since a byte that we did not read is a
  // byte that the server might read differently.
  template <class T>
  Decoded<T> finish(T message) {
    require(at_end(), "bytes left over after the last field");
    if (what_ != nullptr) {
      return Fault{Fault::Kind::malformed, 0, 0, static_cast<std::uint32_t>(fault_at_), what_};
    }
    return message;
  }

 private:
  Bytes body_;
  std::size_t at_ = 0;
  std::size_t fault_at_ = 0;
  const char* what_ = nullptr;
};

}  // namespace pgmoat::wire
