#include "auth/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>

#include "base/check.h"

namespace pgmoat::auth {

Key sha256(Bytes data) {
  Key key;
  SHA256(data.data(), data.size(), key.octets.data());
  return key;
}

Key hmac(Bytes key, std::string_view text) {
  Key made;
  unsigned size = 0;
  PGMOAT_CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), as_bytes(text).data(),
                    text.size(), made.octets.data(), &size) != nullptr);
  return made;
}

Key salted_password(std::string_view password, Bytes salt, std::uint32_t iterations) {
  Key key;
  PGMOAT_CHECK(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), salt.data(),
                                 static_cast<int>(salt.size()), static_cast<int>(iterations),
                                 EVP_sha256(), static_cast<int>(Key::kSize),
                                 key.octets.data()) == 1);
  return key;
}

std::string md5_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> octets{};
  unsigned size = 0;
  // A system in FIPS mode has no MD5; its logins cannot be made.
  if (EVP_Digest(text.data(), text.size(), octets.data(), &size, EVP_md5(), nullptr) != 1)
    return {};
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += kDigits[octets[i] >> 4];
    hex += kDigits[octets[i] & 15];
  }
  return hex;
}

std::string to_base64(Bytes data) {
  std::string text((data.size() + 2) / 3 * 4 + 1, '\0');  // it writes a NUL behind
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), data.data(),
                                   static_cast<int>(data.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.empty()) return std::string();
  std::string data(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(data.data()),
                                   as_bytes(text).data(), static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  // It counts the padding, and forgives white space: what does not read back was not written so.
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  data.resize(static_cast<std::size_t>(size) - padding);
  if (to_base64(as_bytes(data)) != text) return std::nullopt;
  return data;
}

std::string random_octets(std::size_t size) {
  std::string octets(size, '\0');
  PGMOAT_CHECK(
      RAND_bytes(reinterpret_cast<unsigned char*>(octets.data()), static_cast<int>(size)) == 1);
  return octets;
}

}  // namespace pgmoat::auth
