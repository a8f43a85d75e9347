// Where a password comes from: the configuration refers to it, and never holds it.
//
//   file:PATH       relative to the configuration file; the newline at its end is not part of it
//   env:NAME        of pgmoat's environment
//   cred:NAME       of systemd (LoadCredential=), a file in $CREDENTIALS_DIRECTORY
//   exec:PROGRAM    what the program prints: vaults, tokens of clouds
#pragma once

#include <string>
#include <string_view>

#include "auth/secret.h"
#include "base/instant.h"
#include "base/result.h"

namespace pgmoat::app {

struct SecretSource {
  enum class Kind : std::uint8_t { none, file, env, cred, exec };
  Kind kind = Kind::none;
  std::string what;  // path, name or command line
};

inline constexpr std::size_t kMostSecretBytes = 1u << 20;  // of a file of users, or a password
inline constexpr Duration kProgramPatience = std::chrono::seconds(10);

// Paths are taken relative to the folder of `file`.
Result<SecretSource, std::string> parse_source(std::string_view text, const std::string& file);
// Blocks, for `patience` at most. The error never shows what was read.
Result<auth::Secret, std::string> fetch(const SecretSource& source,
                                        Duration patience = kProgramPatience);
Result<auth::Secret, std::string> read_secret_file(const std::string& path);

}  // namespace pgmoat::app
