// The file of users and what their passwords are checked with, in PgBouncer's form (auth_file):
//
//   ; a comment
//   "orders" "SCRAM-SHA-256$4096:c2FsdA==$...:..."
//
// A quote inside quotes is written twice. The second text is a verifier of PostgreSQL's (scram, md5)
// or the password itself.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "auth/verifier.h"
#include "base/result.h"

namespace pgmoat::app {

using Users = std::map<std::string, auth::Verifier, std::less<>>;

// The error is "FILE:LINE:COLUMN: what is wrong", for every mistake; none of them shows a secret.
Result<Users, std::vector<std::string>> parse_users(std::string_view text, const std::string& file);
Result<Users, std::vector<std::string>> read_users(const std::string& file);

}  // namespace pgmoat::app
