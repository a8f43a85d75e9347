// The server's end: each message is taken apart in the order of the grammar, and what the client repeats of
// its first one is compared with what it said.
#include <utility>

#include "auth/digest.h"
#include "auth/scram.h"
#include "auth/scram_attributes.h"

namespace pgmoat::auth {

namespace {

using Kind = ScramFault::Kind;

constexpr std::string_view kBindingName = "tls-server-end-point";

ScramFault malformed(const char* what) { return {Kind::malformed, what}; }

// gs2-header, as far as the two commas: what of it the client must repeat in its final message.
// Nothing: fine.
std::optional<ScramFault> check_header(std::string_view mechanism, std::string_view flag,
                                       std::string_view identity, bool binds) {
  if (!identity.empty()) return malformed("an authorization identity is not supported");
  const bool plus = mechanism == kScramPlus;
  if (flag == "n" || flag == "y") {
    if (plus) return malformed("SCRAM-SHA-256-PLUS without channel binding");
    // It could have bound, and believes that we could not: somebody has changed our offer.
    if (flag == "y" && binds) return ScramFault{Kind::binding, "the offer was changed on its way"};
    return std::nullopt;
  }
  if (!flag.starts_with("p=")) return malformed("unknown channel binding flag");
  if (!plus) return malformed("channel binding without SCRAM-SHA-256-PLUS");
  if (flag.substr(2) != kBindingName) return malformed("unsupported channel binding");
  return std::nullopt;
}

}  // namespace

ScramServer::ScramServer(ScramVerifier verifier, std::string nonce, std::string binding)
    : verifier_(std::move(verifier)), nonce_(std::move(nonce)), binding_(std::move(binding)) {}

Result<std::string, ScramFault> ScramServer::first(std::string_view mechanism,
                                                   std::string_view message) {
  const bool plus = mechanism == kScramPlus;
  if (mechanism != kScram && !(plus && !binding_.empty())) {
    return malformed("a mechanism that was not offered");
  }
  if (message.size() > kScramMessage) return malformed("the first message is too long");
  const std::size_t comma = message.find(',');
  const std::size_t second = comma == message.npos ? message.npos : message.find(',', comma + 1);
  if (second == message.npos) return malformed("the first message has no header");
  const std::string_view header = message.substr(0, second + 1);
  const std::string_view identity = message.substr(comma + 1, second - comma - 1);
  if (auto fault = check_header(mechanism, message.substr(0, comma), identity, !binding_.empty())) {
    return *fault;
  }
  const std::string_view bare = message.substr(second + 1);
  Attributes attributes(bare);
  if (!attributes.take('n')) return malformed("no user name in the first message");
  const auto nonce = attributes.take('r');
  if (!nonce || !is_nonce(*nonce)) return malformed("no nonce in the first message");
  while (!attributes.done()) {
    if (!attributes.skip_extension()) return malformed("bytes behind the first message");
  }
  expected_c_ = to_base64(as_bytes(std::string(header) + (plus ? binding_ : std::string())));
  nonce_.insert(0, *nonce);
  const std::string answer = "r=" + nonce_ + ",s=" + to_base64(as_bytes(verifier_.salt)) +
                             ",i=" + std::to_string(verifier_.iterations);
  auth_message_ = std::string(bare) + ',' + answer + ',';
  return answer;
}

Result<std::string, ScramFault> ScramServer::final(std::string_view message) {
  if (message.size() > kScramMessage) return malformed("the final message is too long");
  const std::size_t end = message.rfind(",p=");
  if (end == message.npos) return malformed("no proof in the final message");
  Attributes attributes(message.substr(0, end));
  const auto binding = attributes.take('c');
  const auto nonce = attributes.take('r');
  if (!binding || !nonce) return malformed("the final message lacks an attribute");
  while (!attributes.done()) {
    if (!attributes.skip_extension()) return malformed("unknown bytes in the final message");
  }
  const auto proof = from_base64(message.substr(end + 3));
  if (!proof || proof->size() != Key::kSize) return malformed("the proof is malformed");
  if (*binding != expected_c_) return ScramFault{Kind::binding, "bound to another channel"};
  if (!equal_secrets(*nonce, nonce_)) return malformed("the nonce is not ours");
  auth_message_ += message.substr(0, end);
  const Key signature = hmac(verifier_.stored_key.bytes(), auth_message_);
  client_key_ = exclusive_or(signature, as_bytes(*proof));
  if (!equal_secrets(sha256(client_key_.bytes()).bytes(), verifier_.stored_key.bytes())) {
    return ScramFault{Kind::mismatch, "the proof does not fit"};
  }
  return "v=" + to_base64(hmac(verifier_.server_key.bytes(), auth_message_).bytes());
}

ScramKeys ScramServer::keys() const {
  return {verifier_.iterations, verifier_.salt, client_key_, verifier_.server_key};
}

}  // namespace pgmoat::auth
