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
  std::string own_digest;               // of the certificate that we showed
  // tls-server-end-point of the server's certificate, octets (RFC 5929): of ours where we are the
  // server, of the peer's where it is; "": the certificate has no signature that it is defined for.
  std::string own_binding, binding;
};

}  // namespace pgmoat::policy
