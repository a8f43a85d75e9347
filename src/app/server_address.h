// The server as a client library is told of it: [server_tls] in libpq's words, so that pgmoat's own
// sessions there are as strict as those of its clients.
#pragma once

#include <string>

#include "accounts/server_session.h"
#include "app/config.h"

namespace pgmoat::app {

// `config` is settled.
accounts::ServerAddress server_address(const Config& config, const std::string& database);

}  // namespace pgmoat::app
