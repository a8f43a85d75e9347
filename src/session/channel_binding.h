// SCRAM passed through, where a leg has TLS. With channel binding (RFC 5802, RFC 5929) the client's proof
// covers the certificate that the client sees, so no one in the middle can repair it: what cannot work
// is told in words before it fails (measured with libpq 15 and PostgreSQL 15):
//
//   client leg   server leg           SCRAM-SHA-256-PLUS
//   clear        TLS                  taken out of the list: libpq would take it for an attack
//   TLS          clear                the server does not offer it
//   TLS          TLS, same cert.      passes
//   TLS          TLS, another cert.   only clients that bind nothing (channel_binding=disable) can log in
#pragma once

#include "session/scene.h"
#include "wire/backend.h"
#include "wire/frontend.h"

namespace pgmoat::session {

// AuthenticationSASL, as the client may see it.
void offer_mechanisms(Scene& scene, const wire::Authentication& message, Bytes frame);
// Whether the answer binds a channel that is not the server's.
bool binds_in_vain(const Scene& scene, const wire::SaslInitialResponse& answer);

}  // namespace pgmoat::session
