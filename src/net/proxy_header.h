// The PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt): who a connection really comes
// from, said by the proxy in front before the first byte of PostgreSQL's.
#pragma once

#include <asio.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace pgmoat::net {

struct ProxyHeader {
  std::size_t size = 0;  // octets of it; 0: more are needed to tell
  // Nothing: the proxy speaks for itself (a health check), or does not know.
  std::optional<asio::ip::tcp::endpoint> source;
};

inline constexpr std::size_t kMostProxyHeader =
    2048;  // with version 2's extensions, which are passed over

// The error says what is wrong with it.
Result<ProxyHeader, std::string> parse_proxy_header(Bytes received);

}  // namespace pgmoat::net
