// The catalogue: every tagged message of protocol 3.0 and 3.2, both directions, with the sizes its
// body may have and whether it is gathered or streamed. Source: PostgreSQL manual, "Message
// Formats", and PostgreSQL's own limits in src/backend/tcop/postgres.c (SocketBackend) and
// libpq/pqformat. A message is added here first; decoder, encoder, fuzz target and docs row follow.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "wire/frame_buffer.h"
#include "wire/side.h"

namespace pgmoat::wire {

// Phases in which a message is legal, as far as its header can tell.
enum class Stage : std::uint8_t { authentication, ready };

struct MessageSpec {
  char tag = 0;
  Side side = Side::client;
  std::string_view name;  // libpq's PQtrace name: "Query", "DataRow", ...
  std::uint32_t body_min = 0;
  std::uint32_t body_max = 0;  // PostgreSQL's limit
  HeaderRule::Carry carry = HeaderRule::Carry::whole;
  bool in_authentication = false;  // legal before the first ReadyForQuery
  bool in_ready = false;           // legal after it
};

std::span<const MessageSpec> catalogue();
// Name for messages to people and for the dump: "Query"; "unknown" where there is none.
std::string_view message_name(Side side, char tag);

// Our limits, in bytes of body. Each stops one way of making us hold a peer's bytes in memory.
struct FrameLimits {
  std::uint32_t query = 8u << 20;           // Query and Parse
  std::uint32_t bind = 64u << 20;           // Bind
  std::uint32_t function_call = 64u << 20;  // FunctionCall
  std::uint32_t password = 65535;           // PasswordMessage and the SASL and GSS responses
  std::uint32_t server_message =
      64u << 20;                  // what the server sends and we gather: errors, row descriptions
  bool gather_copy_data = false;  // the judge reads CopyData: whole, at most `bind` bytes
};

HeaderRules header_rules(Side side, Stage stage, const FrameLimits& limits);

}  // namespace pgmoat::wire
