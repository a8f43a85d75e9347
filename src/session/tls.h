// What the engine knows of TLS: whether it is offered and asked for, and what a handshake has shown.
// The handshake itself is the driver's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pgmoat::session {

enum class ClientTlsMode : std::uint8_t { disable, allow, require };
enum class ServerTlsMode : std::uint8_t { disable, prefer, require, verify_ca, verify_full };

struct TlsFacts {
  std::string version, cipher;          // "TLSv1.3", "TLS_AES_256_GCM_SHA384"
  std::string sni;                      // the name that the client asked for
  std::string subject, issuer, serial;  // of the peer's certificate, RFC 2253; "" without one
  std::string common_name;              // the last CN of the subject
  std::vector<std::string> names;       // its DNS names, e-mail addresses, URIs and addresses
  std::string digest;                   // SHA-256 of it, hex
  std::string own_digest;               // of the certificate that we showed
};

}  // namespace pgmoat::session
