// SASLprep (RFC 4013) of a password, by PostgreSQL's own code, so that both sides derive the same keys.
#pragma once

#include <string_view>

#include "auth/secret.h"

namespace pgmoat::auth {

// As the server does it: a text that SASLprep refuses (it is not UTF-8, or has prohibited characters)
// stands as it is.
Secret saslprep(std::string_view password);

}  // namespace pgmoat::auth
