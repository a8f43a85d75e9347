// What is kept of a password to check it with: PostgreSQL's own forms, as in pg_authid.rolpassword.
//
//   SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>    base64
//   md5<32 hexadecimal digits>                                    of password and user name
//   anything else                                                 the password itself (files only)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "auth/secret.h"

namespace pgmoat::auth {

struct ScramVerifier {
  std::uint32_t iterations = 4096;
  std::string salt;  // octets
  Key stored_key, server_key;
};
struct Md5Verifier {
  Secret digest;  // 32 hexadecimal digits
};
using Verifier = std::variant<ScramVerifier, Md5Verifier, Secret>;

inline constexpr std::uint32_t kDefaultIterations = 4096;
// A server or a file that asks for more would have us work for it (CVE-2026-42198): PBKDF2 at this
// count takes about half a second.
inline constexpr std::uint32_t kMostIterations = 1'000'000;

// Nothing: it begins like a SCRAM verifier and is none. `text` is not kept.
std::optional<Verifier> parse_verifier(std::string_view text);

ScramVerifier make_verifier(std::string_view password, std::string salt, std::uint32_t iterations);
// What a user who does not exist would have: the same for each name as long as `seed` is, so that asking
// twice tells nothing. No password fits.
ScramVerifier mock_verifier(const Key& seed, std::string_view user,
                            std::uint32_t iterations = kDefaultIterations);

// Whether the password is the one that the verifier was made of. A SCRAM verifier costs PBKDF2.
bool verify_password(const Verifier& verifier, std::string_view user, std::string_view password);

// MD5 logins: what the client sends, given the digest (without "md5") and the server's salt.
std::string md5_digest(std::string_view password, std::string_view user);
std::string md5_answer(std::string_view digest, Bytes salt);  // "": the system has no MD5

}  // namespace pgmoat::auth
