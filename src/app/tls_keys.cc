#include "app/tls_keys.h"

#include <filesystem>
#include <utility>

namespace pgmoat::app {

using session::ClientTlsMode;
using session::ServerTlsMode;

namespace {

Read oldest(int& into) { return choice(into, {{"1.2", net::kTls12}, {"1.3", net::kTls13}}); }

bool verifies(ServerTlsMode mode) {
  return mode == ServerTlsMode::verify_ca || mode == ServerTlsMode::verify_full;
}

}  // namespace

Keys client_tls_keys(net::ClientTls& tls, const std::string& file) {
  using Certificates = net::ClientTls::Certificates;
  return {{"mode", given(tls.given, choice(tls.mode, {{"disable", ClientTlsMode::disable},
                                                      {"allow", ClientTlsMode::allow},
                                                      {"require", ClientTlsMode::require}}))},
          {"certificate", path(tls.files.certificate, file)},
          {"key", path(tls.files.key, file)},
          {"ca", path(tls.files.ca, file)},
          {"crl", path(tls.files.crl, file)},
          {"client_certificates", choice(tls.certificates, {{"none", Certificates::none},
                                                            {"optional", Certificates::optional},
                                                            {"require", Certificates::require}})},
          {"oldest", oldest(tls.oldest)}};
}

Keys server_tls_keys(net::ServerTls& tls, const std::string& file) {
  return {
      {"mode", given(tls.given, choice(tls.mode, {{"disable", ServerTlsMode::disable},
                                                  {"prefer", ServerTlsMode::prefer},
                                                  {"require", ServerTlsMode::require},
                                                  {"verify-ca", ServerTlsMode::verify_ca},
                                                  {"verify-full", ServerTlsMode::verify_full}}))},
      {"ca", path(tls.files.ca, file)},
      {"crl", path(tls.files.crl, file)},
      {"certificate", path(tls.files.certificate, file)},
      {"key", path(tls.files.key, file)},
      {"name", text(tls.name)},
      {"direct", flag(tls.direct)},
      {"oldest", oldest(tls.oldest)}};
}

std::string wrong_in(net::ClientTls tls) {
  settle(tls);
  const net::TlsFiles& files = tls.files;
  if (files.certificate.empty() != files.key.empty()) {
    return files.key.empty() ? "certificate needs its key" : "key needs its certificate";
  }
  if (files.certificate.empty() && tls.given && tls.mode != ClientTlsMode::disable) {
    return "TLS with clients needs a certificate and its key";
  }
  const bool asks = tls.certificates != net::ClientTls::Certificates::none;
  if (asks && files.ca.empty()) {
    return "client_certificates needs ca, the authorities whose certificates are accepted";
  }
  if (!asks && !files.ca.empty()) return "ca has no use without client_certificates";
  if (!files.crl.empty() && files.ca.empty()) return "crl has no use without ca";
  return {};
}

std::string wrong_in(net::ServerTls tls) {
  settle(tls);
  const net::TlsFiles& files = tls.files;
  if (files.certificate.empty() != files.key.empty()) {
    return files.key.empty() ? "certificate needs its key" : "key needs its certificate";
  }
  if (verifies(tls.mode) && files.ca.empty()) {
    return "mode verify-ca and verify-full need ca, the authorities that sign the server's "
           "certificate";
  }
  if (tls.given && !verifies(tls.mode) && !files.ca.empty()) {
    return "ca is not looked at in this mode; verify-full does";
  }
  if (!files.crl.empty() && files.ca.empty()) return "crl has no use without ca";
  if (tls.direct && (tls.mode == ServerTlsMode::disable || tls.mode == ServerTlsMode::prefer)) {
    return "direct needs mode require or stricter: a server that knows no direct TLS cannot say so";
  }
  return {};
}

void settle(net::ClientTls& tls) {
  if (!tls.given && !tls.files.certificate.empty()) tls.mode = ClientTlsMode::require;
}

void settle(net::ServerTls& tls) {
  if (!tls.given && !tls.files.ca.empty()) tls.mode = ServerTlsMode::verify_full;
}

Result<net::TlsContexts, ConfigErrors> tls_contexts(const Config& config) {
  net::TlsContexts contexts;
  ConfigErrors errors;
  if (config.client_tls.mode != ClientTlsMode::disable) {
    auto made = net::TlsContext::for_clients(config.client_tls);
    if (made) contexts.client = std::move(*made);
    else errors.push_back("client_tls: " + made.error());
  }
  if (config.server_tls.mode != ServerTlsMode::disable) {
    auto made = net::TlsContext::for_server(config.server_tls, config.server.backend.host);
    if (made) contexts.server = std::move(*made);
    else errors.push_back("server_tls: " + made.error());
  }
  if (!errors.empty()) return errors;
  return contexts;
}

}  // namespace pgmoat::app
