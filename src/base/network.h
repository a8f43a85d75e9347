// A network of addresses: "10.20.0.0/16", "2001:db8::/32", one address, or a range of none. IPv4 is
// kept as IPv4-mapped IPv6, so a client that came over a dual socket compares the same.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pgmoat {

using IpAddress = std::array<std::uint8_t, 16>;
std::optional<IpAddress> parse_ip(std::string_view text);

struct Network {
  IpAddress address{};
  int bits = 128;
  bool contains(const IpAddress& other) const;
};
// The error says what is wrong, also "10.1.2.3/16 has host bits set; write 10.1.0.0/16".
Result<Network, std::string> parse_network(std::string_view text);

class Networks {
 public:
  std::string add(std::string_view text);  // what is wrong; "" where nothing is
  bool empty() const { return networks_.empty(); }
  bool contains(std::string_view ip) const;
  bool contains(const IpAddress& address) const;

 private:
  std::vector<Network> networks_;
};

}  // namespace pgmoat
