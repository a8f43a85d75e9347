// A peer's certificate, as rules and identities see it.
#pragma once

#include <openssl/types.h>

#include "session/tls.h"

namespace pgmoat::net {

// Fills what `facts` says of the peer. A name with a NUL in it is left out: it would be read short.
void describe(const X509& certificate, session::TlsFacts& facts);
// SHA-256 of it, hex.
std::string digest_of(const X509& certificate);
// tls-server-end-point (RFC 5929), octets: what SCRAM-SHA-256-PLUS binds to; "": the certificate's
// signature has no digest of its own (Ed25519), for which it is not defined.
std::string binding_of(const X509& certificate);

}  // namespace pgmoat::net
