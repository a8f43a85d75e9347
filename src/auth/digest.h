// The digests that PostgreSQL's logins are made of, and base64 as they write it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "auth/secret.h"
#include "base/bytes.h"

namespace pgmoat::auth {

Key sha256(Bytes data);
Key hmac(Bytes key, std::string_view text);
// PBKDF2 with HMAC-SHA-256: RFC 5802's SaltedPassword. `iterations` is at least 1.
Key salted_password(std::string_view password, Bytes salt, std::uint32_t iterations);
// 32 hexadecimal digits.
std::string md5_hex(std::string_view text);

std::string to_base64(Bytes data);
// Exactly what to_base64() writes, and nothing else; nothing: it is not.
std::optional<std::string> from_base64(std::string_view text);

// `size` random octets of the system's.
std::string random_octets(std::size_t size);

}  // namespace pgmoat::auth
