// The untagged packets: what a connection may open with, before it has a protocol. Exactly one of
// SSLRequest, GSSENCRequest, CancelRequest, StartupMessage; each with exactly the length it must
// have (PostgreSQL tolerates padding, we do not: threats A12). Source: PostgreSQL manual, "Message
// Formats"; src/backend/postmaster/postmaster.c, ProcessStartupPacket.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "wire/reader.h"

namespace pgmoat::wire {

inline constexpr std::uint32_t kProtocol30 = 3u << 16;
inline constexpr std::uint32_t kProtocol32 = (3u << 16) | 2;
inline constexpr std::uint32_t kStartupLimit =
    10000;  // PostgreSQL's MAX_STARTUP_PACKET_LENGTH, after the length word

struct SslRequest {};
struct GssEncRequest {};
struct CancelRequest {
  std::uint32_t pid = 0;
  Bytes secret;
};  // 4..256 bytes

struct StartupMessage {
  std::uint32_t version = kProtocol30;
  Bytes parameters;  // {name NUL, value NUL}*, without the final NUL
};

using FirstPacket = std::variant<SslRequest, GssEncRequest, CancelRequest, StartupMessage>;

// How many bytes the first packet has, its length word included; 0 while fewer than 4 are there.
// A length that no first packet has (or over kStartupLimit) is a fault at once.
Decoded<std::uint32_t> first_packet_size(Bytes received);
// `packet` is the whole packet, its length word included.
Decoded<FirstPacket> decode_first_packet(Bytes packet);

Decoded<SslRequest> decode_ssl_request(Bytes body);  // bodies begin with the code word
Decoded<GssEncRequest> decode_gssenc_request(Bytes body);
Decoded<CancelRequest> decode_cancel_request(Bytes body);
Decoded<StartupMessage> decode_startup(
    Bytes body);  // names and values paired, no byte behind the final NUL

void encode(const SslRequest&, std::string& out);
void encode(const GssEncRequest&, std::string& out);
void encode(const CancelRequest&, std::string& out);
void encode(const StartupMessage&, std::string& out);

struct Parameter {
  std::string_view name;
  std::string_view value;
};
// The pairs of a decoded StartupMessage, in order; views into it.
std::vector<Parameter> parameters_of(const StartupMessage& startup);

// `options` as PostgreSQL reads it (pg_split_opts, then getopt as process_postgres_switches does):
// white space separates, a backslash escapes; `-c name=value`, `-cname=value`, `--name=value`, with
// '-' in a name read as '_'. Anything else is a fault. The strings are owned.
struct Option {
  std::string name;
  std::string value;
};
Decoded<std::vector<Option>> parse_options(std::string_view options);

}  // namespace pgmoat::wire
