// The attributes of SCRAM messages, taken in the order of the grammar, and the arithmetic of proofs.
#pragma once

#include <algorithm>
#include <optional>
#include <string_view>

#include "auth/secret.h"

namespace pgmoat::auth {

class Attributes {
 public:
  explicit Attributes(std::string_view message) : rest_(message) {}

  // The value of the attribute that comes next, which must be this one; the comma behind it is taken.
  std::optional<std::string_view> take(char name) {
    if (done_ || rest_.size() < 2 || rest_[0] != name || rest_[1] != '=') return std::nullopt;
    const std::size_t end = std::min(rest_.find(','), rest_.size());
    const std::string_view value = rest_.substr(2, end - 2);
    done_ = end == rest_.size();
    rest_.remove_prefix(done_ ? end : end + 1);
    return value;
  }
  // An attribute that we do not know, which may stand where extensions may.
  bool skip_extension() {
    const bool letter = !rest_.empty() && ((rest_[0] >= 'a' && rest_[0] <= 'z') ||
                                           (rest_[0] >= 'A' && rest_[0] <= 'Z'));
    return letter && rest_[0] != 'm' && take(rest_[0]).has_value();
  }
  std::string_view rest() const { return rest_; }
  bool done() const { return done_; }  // nothing stands behind the last one, not even a comma

 private:
  std::string_view rest_;
  bool done_ = false;
};

inline bool is_nonce(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return c >= 0x21 && c <= 0x7e && c != ','; });
}

inline Key exclusive_or(const Key& a, Bytes b) {
  Key made;
  for (std::size_t i = 0; i < Key::kSize; ++i) made.octets[i] = a.octets[i] ^ b[i];
  return made;
}

}  // namespace pgmoat::auth
