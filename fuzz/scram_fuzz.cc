// Both ends of SCRAM, and verifiers, given anything: they end, they agree with themselves, and nobody who
// does not know the password is let in.
#include <string>
#include <string_view>

#include "auth/scram.h"
#include "base/check.h"

using namespace pgmoat;
using namespace pgmoat::auth;

namespace {

std::string_view take(std::string_view& rest) {
  const std::string_view part = rest.substr(0, rest.find('\xff'));
  rest.remove_prefix(std::min(rest.size(), part.size() + 1));
  return part;
}

void server(std::string_view rest) {
  static const ScramVerifier kVerifier = make_verifier("nobody guesses this", "salt", 1);
  const std::string binding = take(rest).empty() ? "" : "binding";
  ScramServer server(kVerifier, "nonce", binding);
  const auto first = server.first(take(rest), take(rest));
  if (!first) return;
  PGMOAT_CHECK(first->starts_with("r="));
  PGMOAT_CHECK(!server.final(take(rest)));
}

// A count that the fuzzer makes up would have it wait for PBKDF2, so the keys are given.
void client(std::string_view rest) {
  ScramKeys keys;
  keys.iterations = 4096;
  keys.salt = "A";
  ScramClient client(keys, "nonce", take(rest).empty() ? "" : "binding");
  const std::string mechanisms = std::string(take(rest)) + '\0';
  if (!client.choose(mechanisms)) return;
  const auto answer = client.answer(take(rest));
  if (!answer) return;
  PGMOAT_CHECK(answer->starts_with("c=") && answer->find(",r=nonce") != answer->npos);
  PGMOAT_CHECK(!client.check(take(rest)).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  server(text);
  client(text);
  if (const auto verifier = parse_verifier(text); verifier && size < 200) {
    if (!std::holds_alternative<ScramVerifier>(*verifier)) verify_password(*verifier, "user", text);
  }
  return 0;
}
