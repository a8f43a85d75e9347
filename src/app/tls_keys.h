// The keys of [client_tls] and [server_tls], what of them contradicts itself, and the contexts that
// their files make. SIGHUP takes the files over, so that a certificate is renewed without a restart.
#pragma once

#include <string>

#include "app/config.h"
#include "app/keys.h"

namespace pgmoat::app {

// Files are taken relative to the folder of `file`.
Keys client_tls_keys(net::ClientTls& tls, const std::string& file);
Keys server_tls_keys(net::ServerTls& tls, const std::string& file);
// A sentence on what is missing or contradicts itself; "": nothing.
std::string wrong_in(net::ClientTls tls);
std::string wrong_in(net::ServerTls tls);
// Fills the modes that were not written: TLS is required as soon as there is a certificate, and a
// server is verified as soon as there is something to verify it with.
void settle(net::ClientTls& tls);
void settle(net::ServerTls& tls);

Result<net::TlsContexts, ConfigErrors> tls_contexts(const Config& config);

}  // namespace pgmoat::app
