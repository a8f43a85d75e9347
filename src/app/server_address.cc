#include "app/server_address.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <array>

namespace pgmoat::app {

namespace {

using session::ServerTlsMode;

const char* name_of(ServerTlsMode mode) {
  switch (mode) {
    case ServerTlsMode::disable: return "disable";
    case ServerTlsMode::prefer: return "prefer";
    case ServerTlsMode::require: return "require";
    case ServerTlsMode::verify_ca: return "verify-ca";
    case ServerTlsMode::verify_full: return "verify-full";
  }
  return "";
}

// Numbers and dots; "": the name does not resolve now.
std::string resolved(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return {};
  std::array<char, NI_MAXHOST> text{};
  ::getnameinfo(found->ai_addr, found->ai_addrlen, text.data(), text.size(), nullptr, 0,
                NI_NUMERICHOST);
  ::freeaddrinfo(found);
  return text.data();
}

}  // namespace

accounts::ServerAddress server_address(const Config& config, const std::string& database) {
  const net::ServerTls& tls = config.server_tls;
  accounts::ServerAddress server;
  server.host = config.server.backend.host;
  server.port = config.server.backend.port;
  if (!database.empty()) server.database = database;
  server.patience = config.server.session.timeouts.connect;
  server.tls = {{"sslmode", name_of(tls.mode)}};
  // libpq checks the certificate against the host that it is told, wherever it connects.
  if (!tls.name.empty()) {
    server.tls.emplace_back("hostaddr", resolved(server.host));
    server.host = tls.name;
  }
  // What is not configured is a file that is not there: left out, libpq would look in
  // ~/.postgresql.
  const auto add = [&](const char* key, const std::string& value) {
    server.tls.emplace_back(key, value.empty() ? "/dev/null/none" : value);
  };
  if (tls.mode != ServerTlsMode::disable) {
    add("sslrootcert", tls.files.ca);
    add("sslcrl", tls.files.crl);
    add("sslcert", tls.files.certificate);
    add("sslkey", tls.files.key);
    server.tls.emplace_back("ssl_min_protocol_version",
                            tls.oldest == net::kTls13 ? "TLSv1.3" : "TLSv1.2");
  }
  return server;
}

}  // namespace pgmoat::app
