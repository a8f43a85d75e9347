#include "auth/saslprep.h"

#include <cstdlib>
#include <cstring>
#include <string>

// Of libpgcommon, whose own header wants all of PostgreSQL's (src/include/common/saslprep.h, 15).
extern "C" int pg_saslprep(const char* input, char** output);

namespace pgmoat::auth {

Secret saslprep(std::string_view password) {
  constexpr int kSuccess = 0;
  const Secret terminated(std::string(password) + '\0');
  char* made = nullptr;
  if (pg_saslprep(terminated.text().data(), &made) != kSuccess || made == nullptr) {
    return Secret(password);
  }
  const std::size_t size = std::strlen(made);
  Secret prepared(std::string_view(made, size));
  OPENSSL_cleanse(made, size);
  std::free(made);
  return prepared;
}

}  // namespace pgmoat::auth
