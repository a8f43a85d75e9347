// A password, key or token while we hold it: its bytes are wiped when it goes, and it has no way
// into a log, since nothing prints it.
#pragma once

#include <openssl/crypto.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "base/bytes.h"

namespace pgmoat::auth {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view text)
      : bytes_(text.empty() ? nullptr : std::make_unique_for_overwrite<char[]>(text.size())),
        size_(text.size()) {
    text.copy(bytes_.get(), size_);
  }
  Secret(Secret&& other) noexcept
      : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}
  Secret& operator=(Secret&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
    return *this;
  }
  Secret(const Secret& other) : Secret(other.text()) {}
  Secret& operator=(const Secret& other) { return *this = Secret(other); }
  ~Secret() {
    if (bytes_) OPENSSL_cleanse(bytes_.get(), size_);
  }

  std::string_view text() const { return {bytes_.get(), size_}; }
  bool empty() const { return size_ == 0; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
};

// 32 octets: what SHA-256 makes.
struct Key {
  static constexpr std::size_t kSize = 32;
  std::array<std::uint8_t, kSize> octets{};

  Key() = default;
  Key(const Key&) = default;
  Key& operator=(const Key&) = default;
  ~Key() { OPENSSL_cleanse(octets.data(), octets.size()); }
  Bytes bytes() const { return octets; }
};

// In a time that depends on the sizes only.
inline bool equal_secrets(Bytes a, Bytes b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}
inline bool equal_secrets(std::string_view a, std::string_view b) {
  return equal_secrets(as_bytes(a), as_bytes(b));
}

}  // namespace pgmoat::auth
