#include "base/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace pgmoat {

namespace {

constexpr int kMapped = 96;  // bits before an IPv4 address

bool is_v4(const IpAddress& address) {
  constexpr std::array<std::uint8_t, 12> kPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::equal(kPrefix.begin(), kPrefix.end(), address.begin());
}

std::string written(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> out{};
  const bool v4 = is_v4(address);
  inet_ntop(v4 ? AF_INET : AF_INET6, address.data() + (v4 ? kMapped / 8 : 0), out.data(),
            out.size());
  return out.data();
}

IpAddress cut(IpAddress address, int bits) {
  for (int bit = bits; bit < 128; ++bit) {
    auto& byte = address[static_cast<std::size_t>(bit / 8)];
    byte = static_cast<std::uint8_t>(byte & ~(0x80 >> (bit % 8)));
  }
  return address;
}

}  // namespace

std::optional<IpAddress> parse_ip(std::string_view text) {
  std::array<char, 64> zero_ended{};
  if (text.size() >= zero_ended.size()) return {};
  std::copy(text.begin(), text.end(), zero_ended.begin());
  IpAddress address{};
  if (inet_pton(AF_INET6, zero_ended.data(), address.data()) == 1) return address;
  address = {};
  address[10] = address[11] = 0xff;
  if (inet_pton(AF_INET, zero_ended.data(), address.data() + kMapped / 8) == 1) return address;
  return {};
}

bool Network::contains(const IpAddress& other) const {
  const auto whole = static_cast<std::size_t>(bits / 8);
  if (std::memcmp(address.data(), other.data(), whole) != 0) return false;
  if (bits % 8 == 0) return true;
  const int mask = 0xff << (8 - bits % 8);
  return ((address[whole] ^ other[whole]) & mask) == 0;
}

Result<Network, std::string> parse_network(std::string_view text) {
  const std::string wrong =
      "'" + std::string(text) + "' is no network; write \"10.0.0.0/8\" or \"2001:db8::/32\"";
  const std::size_t slash = text.find('/');
  const auto address = parse_ip(text.substr(0, slash));
  if (!address) return wrong;
  Network network{*address, 128};
  if (slash == std::string_view::npos) return network;
  const std::string_view digits = text.substr(slash + 1);
  // The family as written: "::ffff:10.0.0.0/104" counts from the IPv6 start.
  const bool v4 = text.find(':') == std::string_view::npos;
  int bits = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9' || bits > 128) return wrong;
    bits = bits * 10 + (c - '0');
  }
  if (digits.empty() || bits > (v4 ? 32 : 128)) return wrong;
  network.bits = v4 ? bits + kMapped : bits;
  const IpAddress base = cut(network.address, network.bits);
  if (base != network.address) {
    return "'" + std::string(text) + "' has bits behind its mask; write \"" + written(base) + "/" +
           std::string(digits) + "\"";
  }
  return network;
}

std::string Networks::add(std::string_view text) {
  auto network = parse_network(text);
  if (!network) return network.error();
  networks_.push_back(*network);
  return {};
}

bool Networks::contains(std::string_view ip) const {
  const auto address = parse_ip(ip);
  return address && contains(*address);
}

bool Networks::contains(const IpAddress& address) const {
  return std::any_of(networks_.begin(), networks_.end(),
                     [&](const Network& network) { return network.contains(address); });
}

}  // namespace pgmoat
