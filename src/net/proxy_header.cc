#include "net/proxy_header.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace pgmoat::net {

namespace {

using Parsed = Result<ProxyHeader, std::string>;
using namespace std::string_view_literals;

constexpr std::string_view kWord = "PROXY ";
constexpr std::size_t kMostLine = 107;  // of version 1, with its end
constexpr std::string_view kSignature = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::size_t kFixed = 16;  // of version 2

const std::string kNone = "it does not begin with a PROXY header, as the configuration has it";

std::string_view take_word(std::string_view& rest) {
  const std::string_view word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(std::min(rest.size(), word.size() + 1));
  return word;
}

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return port;
}

// PROXY TCP4 192.0.2.1 192.0.2.2 40312 5432
Parsed parse_line(std::string_view received) {
  const std::string_view known = received.substr(0, kMostLine);
  const std::size_t end = known.find("\r\n");
  if (end == known.npos) {
    if (received.size() < kMostLine) return ProxyHeader{};
    return std::string("its PROXY line does not end within 107 bytes");
  }
  ProxyHeader header{end + 2, std::nullopt};
  std::string_view rest = known.substr(kWord.size(), end - kWord.size());
  const std::string_view family = take_word(rest);
  if (family == "UNKNOWN") return header;
  const std::string_view source = take_word(rest), target = take_word(rest);
  const auto port = port_of(take_word(rest)), other = port_of(take_word(rest));
  asio::error_code wrong, ignored;
  const auto address = asio::ip::make_address(std::string(source), wrong);
  asio::ip::make_address(std::string(target), ignored);
  const bool fits = (family == "TCP4" && address.is_v4()) || (family == "TCP6" && address.is_v6());
  const bool more = !rest.empty() || known[end - 1] == ' ';
  if (wrong || ignored || !fits || !port || !other || more) {
    return std::string("its PROXY line is malformed");
  }
  header.source.emplace(address, *port);
  return header;
}

template <class Octets>
Octets octets_at(Bytes from, std::size_t at) {
  Octets octets{};
  std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(at), octets.size(), octets.begin());
  return octets;
}

std::uint16_t number_at(Bytes from, std::size_t at) {
  return static_cast<std::uint16_t>(from[at] << 8 | from[at + 1]);
}

Parsed parse_binary(Bytes received) {
  constexpr std::uint8_t kLocal = 0x20, kProxy = 0x21;
  constexpr std::uint8_t kTcp4 = 0x11, kTcp6 = 0x21;
  constexpr std::size_t kV4 = 12, kV6 = 36;  // two addresses, two ports
  if (received.size() < kFixed) return ProxyHeader{};
  const std::uint8_t command = received[12], family = received[13];
  const std::size_t length = number_at(received, 14);
  if (command != kLocal && command != kProxy) {
    return std::string("its PROXY header has a version or command that is not known");
  }
  if (kFixed + length > kMostProxyHeader) {
    return "its PROXY header is longer than " + std::to_string(kMostProxyHeader) + " bytes";
  }
  if (received.size() < kFixed + length) return ProxyHeader{};
  ProxyHeader header{kFixed + length, std::nullopt};
  if (command == kLocal) return header;
  if (family == kTcp4 && length >= kV4) {
    const auto address = octets_at<asio::ip::address_v4::bytes_type>(received, kFixed);
    header.source.emplace(asio::ip::make_address_v4(address), number_at(received, kFixed + 8));
  } else if (family == kTcp6 && length >= kV6) {
    const auto address = octets_at<asio::ip::address_v6::bytes_type>(received, kFixed);
    header.source.emplace(asio::ip::make_address_v6(address), number_at(received, kFixed + 32));
  } else if (family == kTcp4 || family == kTcp6) {
    return std::string("its PROXY header is too short for its addresses");
  }
  return header;  // another family: the proxy does not know, or it is no TCP
}

}  // namespace

Parsed parse_proxy_header(Bytes received) {
  const std::string_view text = as_text(received);
  const auto begins = [&](std::string_view with) {
    return text.substr(0, with.size()) == with.substr(0, text.size());
  };
  if (begins(kSignature)) {
    return text.size() < kSignature.size() ? Parsed(ProxyHeader{}) : parse_binary(received);
  }
  if (begins(kWord)) return text.size() < kWord.size() ? Parsed(ProxyHeader{}) : parse_line(text);
  return kNone;
}

}  // namespace pgmoat::net
