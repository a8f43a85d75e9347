#include "auth/verifier.h"

#include <algorithm>
#include <charconv>

#include "auth/digest.h"
#include "auth/saslprep.h"
#include "auth/scram.h"
#include "base/overload.h"

namespace pgmoat::auth {

namespace {

constexpr std::string_view kScramForm = "SCRAM-SHA-256$";
constexpr std::string_view kMd5 = "md5";
constexpr std::size_t kMd5Digits = 32;

bool is_md5(std::string_view text) {
  return text.size() == kMd5.size() + kMd5Digits && text.starts_with(kMd5) &&
         text.find_first_not_of("0123456789abcdef", kMd5.size()) == std::string_view::npos;
}

std::optional<Key> key_of(std::string_view text) {
  const auto octets = from_base64(text);
  if (!octets || octets->size() != Key::kSize) return std::nullopt;
  Key key;
  std::copy(octets->begin(), octets->end(), key.octets.begin());
  return key;
}

// The text before the separator, which is taken off with it.
std::optional<std::string_view> take_until(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(end + 1);
  return taken;
}

std::optional<ScramVerifier> parse_scram(std::string_view rest) {
  const auto count = take_until(rest, ':');
  const auto salt = take_until(rest, '$');
  const auto stored = take_until(rest, ':');
  if (!count || !salt || !stored) return std::nullopt;
  ScramVerifier verifier;
  const char* end = count->data() + count->size();
  const auto [stopped, error] = std::from_chars(count->data(), end, verifier.iterations);
  const auto octets = from_base64(*salt);
  const auto stored_key = key_of(*stored);
  const auto server_key = key_of(rest);
  if (error != std::errc() || stopped != end || verifier.iterations == 0 ||
      verifier.iterations > kMostIterations || !octets || octets->empty() || !stored_key ||
      !server_key) {
    return std::nullopt;
  }
  verifier.salt = *octets;
  verifier.stored_key = *stored_key;
  verifier.server_key = *server_key;
  return verifier;
}

}  // namespace

std::optional<Verifier> parse_verifier(std::string_view text) {
  if (is_md5(text)) return Md5Verifier{Secret(text.substr(kMd5.size()))};
  if (!text.starts_with(kScramForm)) return Secret(text);
  auto scram = parse_scram(text.substr(kScramForm.size()));
  if (!scram) return std::nullopt;
  return *scram;
}

ScramVerifier make_verifier(std::string_view password, std::string salt, std::uint32_t iterations) {
  const Secret prepared = saslprep(password);
  const Key salted = salted_password(prepared.text(), as_bytes(salt), iterations);
  ScramVerifier verifier;
  verifier.iterations = iterations;
  verifier.salt = std::move(salt);
  verifier.stored_key = sha256(hmac(salted.bytes(), "Client Key").bytes());
  verifier.server_key = hmac(salted.bytes(), "Server Key");
  return verifier;
}

ScramVerifier mock_verifier(const Key& seed, std::string_view user, std::uint32_t iterations) {
  ScramVerifier verifier;
  verifier.iterations = iterations;
  const Key salt = hmac(seed.bytes(), "salt of " + std::string(user));
  verifier.salt = std::string(as_text(salt.bytes().first(kScramSalt)));
  verifier.stored_key = hmac(seed.bytes(), "stored key of " + std::string(user));
  verifier.server_key = hmac(seed.bytes(), "server key of " + std::string(user));
  return verifier;
}

bool verify_password(const Verifier& verifier, std::string_view user, std::string_view password) {
  return std::visit(
      Overload{[&](const ScramVerifier& scram) {
                 const ScramVerifier made = make_verifier(password, scram.salt, scram.iterations);
                 return equal_secrets(made.stored_key.bytes(), scram.stored_key.bytes());
               },
               [&](const Md5Verifier& md5) {
                 return equal_secrets(md5_digest(password, user), md5.digest.text());
               },
               [&](const Secret& plain) { return equal_secrets(password, plain.text()); }},
      verifier);
}

std::string md5_digest(std::string_view password, std::string_view user) {
  return md5_hex(std::string(password) + std::string(user));
}

std::string md5_answer(std::string_view digest, Bytes salt) {
  const std::string hex = md5_hex(std::string(digest) + std::string(as_text(salt)));
  return hex.empty() ? hex : "md5" + hex;
}

}  // namespace pgmoat::auth
