// What a TLS handshake has shown of a connection and of who is at its other end.
#pragma once

#include <string>
#include <vector>

namespace pgmoat::policy {

struct TlsFacts {
  std::string version, cipher;          // "TLSv1.3", "TLS_AES_256_GCM_SHA384"
  std::string sni;                      // the name that the client asked for
  std::string subject, issuer, serial;  // of the peer's certificate, RFC 2253; "" without one
  std::string common_name;              // the last CN of the subject
  std::vector<std::string> names;       // its DNS names, e-mail addresses, URIs and addresses
  std::string digest;                   // SHA-256 of it, hex; "" without a certificate
};

}  // namespace pgmoat::policy
