#include "wire/catalogue.h"

#include <algorithm>
#include <array>

namespace pgmoat::wire {

namespace {

constexpr std::uint32_t kSmall = 10000;      // PostgreSQL's PQ_SMALL_MESSAGE_LIMIT
constexpr std::uint32_t kHuge = 0x3ffffffb;  // PQ_LARGE_MESSAGE_LIMIT, MaxAllocSize less the length
constexpr std::uint32_t kPassword = 65535;   // PG_MAX_AUTH_TOKEN_LENGTH

constexpr auto kWhole = HeaderRule::Carry::whole;
constexpr auto kStream = HeaderRule::Carry::stream;
constexpr auto kClient = Side::client;
constexpr auto kServer = Side::server;

// tag, side, name, body_min, body_max, carry, in authentication, in ready
constexpr std::array kCatalogue = {
    MessageSpec{'Q', kClient, "Query", 1, kHuge, kWhole, false, true},
    MessageSpec{'P', kClient, "Parse", 4, kHuge, kWhole, false, true},
    MessageSpec{'B', kClient, "Bind", 8, kHuge, kWhole, false, true},
    MessageSpec{'D', kClient, "Describe", 2, kSmall, kWhole, false, true},
    MessageSpec{'E', kClient, "Execute", 5, kSmall, kWhole, false, true},
    MessageSpec{'C', kClient, "Close", 2, kSmall, kWhole, false, true},
    MessageSpec{'S', kClient, "Sync", 0, 0, kWhole, false, true},
    MessageSpec{'H', kClient, "Flush", 0, 0, kWhole, false, true},
    MessageSpec{'F', kClient, "FunctionCall", 10, kHuge, kWhole, false, true},
    MessageSpec{'d', kClient, "CopyData", 0, kHuge, kStream, false, true},
    MessageSpec{'c', kClient, "CopyDone", 0, 0, kWhole, false, true},
    MessageSpec{'f', kClient, "CopyFail", 1, kSmall, kWhole, false, true},
    MessageSpec{'p', kClient, "PasswordMessage", 0, kPassword, kWhole, true, false},
    MessageSpec{'X', kClient, "Terminate", 0, 0, kWhole, false, true},

    MessageSpec{'R', kServer, "Authentication", 4, kPassword, kWhole, true, false},
    MessageSpec{'K', kServer, "BackendKeyData", 8, 260, kWhole, true, false},
    MessageSpec{'v', kServer, "NegotiateProtocolVersion", 8, kSmall, kWhole, true, false},
    MessageSpec{'S', kServer, "ParameterStatus", 2, kHuge, kWhole, true, true},
    MessageSpec{'Z', kServer, "ReadyForQuery", 1, 1, kWhole, true, true},
    MessageSpec{'E', kServer, "ErrorResponse", 1, kHuge, kWhole, true, true},
    MessageSpec{'N', kServer, "NoticeResponse", 1, kHuge, kWhole, true, true},
    MessageSpec{'A', kServer, "NotificationResponse", 6, kHuge, kWhole, false, true},
    MessageSpec{'1', kServer, "ParseComplete", 0, 0, kWhole, false, true},
    MessageSpec{'2', kServer, "BindComplete", 0, 0, kWhole, false, true},
    MessageSpec{'3', kServer, "CloseComplete", 0, 0, kWhole, false, true},
    MessageSpec{'n', kServer, "NoData", 0, 0, kWhole, false, true},
    MessageSpec{'s', kServer, "PortalSuspended", 0, 0, kWhole, false, true},
    MessageSpec{'I', kServer, "EmptyQueryResponse", 0, 0, kWhole, false, true},
    MessageSpec{'T', kServer, "RowDescription", 2, kHuge, kWhole, false, true},
    MessageSpec{'t', kServer, "ParameterDescription", 2, 2 + 65535 * 4, kWhole, false, true},
    MessageSpec{'D', kServer, "DataRow", 2, kHuge, kStream, false, true},
    MessageSpec{'C', kServer, "CommandComplete", 1, kSmall, kWhole, false, true},
    MessageSpec{'V', kServer, "FunctionCallResponse", 4, kHuge, kWhole, false, true},
    MessageSpec{'G', kServer, "CopyInResponse", 3, 3 + 65535 * 2, kWhole, false, true},
    MessageSpec{'H', kServer, "CopyOutResponse", 3, 3 + 65535 * 2, kWhole, false, true},
    MessageSpec{'W', kServer, "CopyBothResponse", 3, 3 + 65535 * 2, kWhole, false, true},
    MessageSpec{'d', kServer, "CopyData", 0, kHuge, kStream, false, true},
    MessageSpec{'c', kServer, "CopyDone", 0, 0, kWhole, false, true},
};

std::uint32_t our_limit(const MessageSpec& spec, const FrameLimits& limits) {
  if (spec.side == Side::server) {
    return spec.carry == kStream ? spec.body_max : limits.server_message;
  }
  switch (spec.tag) {
    case 'Q':
    case 'P': return limits.query;
    case 'B': return limits.bind;
    case 'F': return limits.function_call;
    case 'p': return limits.password;
    case 'd': return limits.gather_copy_data ? limits.bind : spec.body_max;
    default: return spec.body_max;
  }
}

}  // namespace

std::span<const MessageSpec> catalogue() { return kCatalogue; }

std::string_view message_name(Side side, char tag) {
  for (const MessageSpec& spec : kCatalogue) {
    if (spec.side == side && spec.tag == tag) return spec.name;
  }
  return "unknown";
}

HeaderRules header_rules(Side side, Stage stage, const FrameLimits& limits) {
  HeaderRules rules{};
  for (const MessageSpec& spec : kCatalogue) {
    const bool legal = stage == Stage::authentication ? spec.in_authentication : spec.in_ready;
    if (spec.side != side || !legal) continue;
    HeaderRule& rule = rules[static_cast<std::uint8_t>(spec.tag)];
    const std::uint32_t ours = our_limit(spec, limits);
    rule.carry = spec.carry;
    if (spec.tag == 'd' && side == Side::client && limits.gather_copy_data) rule.carry = kWhole;
    rule.body_min = spec.body_min;
    rule.body_max = std::min(spec.body_max, ours);
    rule.ours = ours < spec.body_max;
  }
  return rules;
}

}  // namespace pgmoat::wire
