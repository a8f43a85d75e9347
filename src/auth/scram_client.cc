// The client's end, towards a server that may be hostile: what it asks for is bounded, and it must show that
// it knows the password, too.
#include <charconv>
#include <utility>

#include "auth/digest.h"
#include "auth/saslprep.h"
#include "auth/scram.h"
#include "auth/scram_attributes.h"

namespace pgmoat::auth {

namespace {

constexpr std::string_view kBare = "n=,r=";  // PostgreSQL takes the user name of the startup packet

ScramFault malformed(std::string what) { return {ScramFault::Kind::malformed, std::move(what)}; }

// The keys for this salt and count; nothing: those that we have are for others.
std::optional<ScramKeys> keys_for(const ScramClient::Knowledge& knowledge, std::string salt,
                                  std::uint32_t iterations) {
  if (const auto* known = std::get_if<ScramKeys>(&knowledge)) {
    if (known->salt != salt || known->iterations != iterations) return std::nullopt;
    return *known;
  }
  const Secret prepared = saslprep(std::get<Secret>(knowledge).text());
  const Key salted = salted_password(prepared.text(), as_bytes(salt), iterations);
  return ScramKeys{iterations, std::move(salt), hmac(salted.bytes(), "Client Key"),
                   hmac(salted.bytes(), "Server Key")};
}

}  // namespace

ScramClient::ScramClient(Knowledge knowledge, std::string nonce, std::string binding)
    : knowledge_(std::move(knowledge)), nonce_(std::move(nonce)), binding_(std::move(binding)) {}

Result<std::string_view, std::string> ScramClient::choose(std::string_view mechanisms) {
  bool plain = false, plus = false;
  while (!mechanisms.empty()) {
    const std::string_view name = mechanisms.substr(0, mechanisms.find('\0'));
    mechanisms.remove_prefix(std::min(mechanisms.size(), name.size() + 1));
    plain = plain || name == kScram;
    plus = plus || name == kScramPlus;
  }
  if (plus && binding_.empty()) {
    return std::string("the server offers SCRAM-SHA-256-PLUS on a connection without TLS");
  }
  if (plus) {
    header_ = "p=tls-server-end-point,,";
    return kScramPlus;
  }
  if (!plain) return std::string("the server offers no SASL mechanism that pgmoat knows");
  // "y": we could have bound, had it been offered. A server whose offer was cut refuses that.
  header_ = binding_.empty() ? "n,," : "y,,";
  return kScram;
}

std::string ScramClient::first() const { return header_ + std::string(kBare) + nonce_; }

Result<std::string, ScramFault> ScramClient::answer(std::string_view message) {
  if (message.size() > kScramMessage) return malformed("the server's SCRAM message is too long");
  constexpr const char* kWrong = "the server's first SCRAM message is malformed";
  Attributes attributes(message);
  const auto nonce = attributes.take('r');
  const auto salt = attributes.take('s');
  const auto count = attributes.take('i');
  if (!nonce || !salt || !count || !attributes.done()) return malformed(kWrong);
  if (!is_nonce(*nonce) || !nonce->starts_with(nonce_) || nonce->size() == nonce_.size()) {
    return malformed("the server's SCRAM nonce does not continue ours");
  }
  auto octets = from_base64(*salt);
  std::uint32_t iterations = 0;
  const char* end = count->data() + count->size();
  const auto [stopped, error] = std::from_chars(count->data(), end, iterations);
  if (!octets || octets->empty() || error != std::errc() || stopped != end || iterations == 0) {
    return malformed(kWrong);
  }
  if (iterations > kMostIterations) {
    return malformed("the server asks for " + std::to_string(iterations) + " SCRAM iterations");
  }
  const auto keys = keys_for(knowledge_, std::move(*octets), iterations);
  if (!keys) {
    return ScramFault{ScramFault::Kind::mismatch,
                      "the server's verifier has another salt or count than the one that the "
                      "client was checked with"};
  }
  const std::string bound = header_ + (header_.starts_with('p') ? binding_ : std::string());
  const std::string unproved = "c=" + to_base64(as_bytes(bound)) + ",r=" + std::string(*nonce);
  const std::string auth_message =
      std::string(kBare) + nonce_ + ',' + std::string(message) + ',' + unproved;
  const Key stored = sha256(keys->client_key.bytes());
  const Key proof = exclusive_or(hmac(stored.bytes(), auth_message), keys->client_key.bytes());
  server_signature_ = hmac(keys->server_key.bytes(), auth_message);
  return unproved + ",p=" + to_base64(proof.bytes());
}

std::string ScramClient::check(std::string_view message) const {
  Attributes attributes(message);
  const auto signature = attributes.take('v');
  if (message.size() > kScramMessage || !signature || !attributes.done()) {
    return "the server's final SCRAM message is malformed";
  }
  const auto octets = from_base64(*signature);
  if (!octets || !equal_secrets(as_bytes(*octets), server_signature_.bytes())) {
    return "the server does not know the password: its SCRAM signature is wrong";
  }
  return {};
}

}  // namespace pgmoat::auth
