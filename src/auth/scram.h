// SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677, RFC 5929) as both ends of it, as exchanges
// without I/O: a message in, a message or a reason out. Both peers are hostile input: each attribute
// is bounded, in its place, and nothing may stand behind what the grammar has.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "auth/verifier.h"
#include "base/result.h"

namespace pgmoat::auth {

inline constexpr std::string_view kScram = "SCRAM-SHA-256";
inline constexpr std::string_view kScramPlus = "SCRAM-SHA-256-PLUS";
inline constexpr std::size_t kScramMessage = 4096;  // octets; PostgreSQL's own are under 300
inline constexpr std::size_t kNonceOctets = 18;     // before base64, as PostgreSQL's
inline constexpr std::size_t kScramSalt = 16;       // octets, as PostgreSQL's

// Why an exchange has failed, as a server would say it.
struct ScramFault {
  enum class Kind : std::uint8_t {
    malformed,  // 08P01
    binding,    // 28000: the channel binding was negotiated wrongly, or is of another channel
    mismatch,   // 28P01: the password is wrong, or the user unknown
  };
  Kind kind = Kind::malformed;
  std::string what;
};

// What a login by SCRAM has shown of the password: enough to log in elsewhere with it, where salt and
// iterations are the same.
struct ScramKeys {
  std::uint32_t iterations = 0;
  std::string salt;
  Key client_key, server_key;
};

class ScramServer {
 public:
  // `nonce`: kNonceOctets of random octets in base64. `binding`: the tls-server-end-point of our certificate; "":
  // there is no TLS, and PLUS was not offered.
  ScramServer(ScramVerifier verifier, std::string nonce, std::string binding);

  // client-first-message; what comes back is server-first-message.
  Result<std::string, ScramFault> first(std::string_view mechanism, std::string_view message);
  // client-final-message; what comes back is server-final-message: the client has proved itself.
  Result<std::string, ScramFault> final(std::string_view message);
  ScramKeys keys() const;  // after final() has succeeded

 private:
  ScramVerifier verifier_;
  std::string nonce_;  // of both, once the client's is known
  std::string binding_;
  std::string expected_c_;    // the value that the attribute c must have
  std::string auth_message_;  // so far
  Key client_key_;
};

class ScramClient {
 public:
  using Knowledge =
      std::variant<Secret, ScramKeys>;  // the password, or what a login has shown of it
  // `nonce`: as above. `binding`: of the server's certificate; "": none.
  ScramClient(Knowledge knowledge, std::string nonce, std::string binding);

  // Which of the server's mechanisms (each with its NUL) is taken; the error says why none is.
  Result<std::string_view, std::string> choose(std::string_view mechanisms);
  std::string first() const;
  // server-first-message; what comes back is client-final-message.
  Result<std::string, ScramFault> answer(std::string_view message);
  // server-final-message: "", or why the server has not proved that it knows the password.
  std::string check(std::string_view message) const;

 private:
  Knowledge knowledge_;
  std::string nonce_, binding_, header_;
  Key server_signature_;
};

}  // namespace pgmoat::auth
