// The property of every decoder: what it accepts, encode() writes back byte for byte, and what it
// refuses comes with a sentence. Bodies are copied to a heap block of exactly their size, so that
// the address sanitizer sees the first byte read too many.
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/check.h"

namespace pgmoat::fuzz {

struct Copy {
  explicit Copy(Bytes from)
      : size(from.size()), data(std::make_unique<std::uint8_t[]>(from.size())) {
    if (!from.empty()) std::memcpy(data.get(), from.data(), from.size());
  }
  Bytes bytes() const { return {data.get(), size}; }
  std::size_t size;
  std::unique_ptr<std::uint8_t[]> data;
};

// `header`: how many bytes of what encode() writes stand before the body.
template <class Message>
void expect_same(const Message& decoded, Bytes body, std::size_t header) {
  if (!decoded) {
    PGMOAT_CHECK(decoded.error().what[0] != '\0');
    return;
  }
  std::string out;
  encode(*decoded, out);
  PGMOAT_CHECK(out.size() == header + body.size());
  PGMOAT_CHECK(body.empty() || std::memcmp(out.data() + header, body.data(), body.size()) == 0);
}

}  // namespace pgmoat::fuzz
