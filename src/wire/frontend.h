// What a client may say after its first packet. One struct, one decode_*, one encode each; the
// structs are views into the body and live as long as it. Decoders are bijective: what they accept,
// encode() writes back byte for byte. Source: PostgreSQL manual, "Message Formats".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "wire/reader.h"

namespace pgmoat::wire {

struct Query {
  std::string_view sql;
};

struct Parse {
  std::string_view statement;  // "": the unnamed one; at most 63 bytes
  std::string_view sql;
  Bytes param_types;  // 4 bytes each, network order
};

// Bind's lists stay encoded: counts are checked, nothing is unpacked.
struct Bind {
  std::string_view portal;
  std::string_view statement;
  Bytes param_formats;  // 2 bytes each; count is 0, 1 or param_count; each 0 or 1
  std::uint16_t param_count = 0;
  Bytes params;          // {length, bytes} each, checked to fill exactly
  Bytes result_formats;  // 2 bytes each, each 0 or 1
};

enum class Target : char { statement = 'S', portal = 'P' };

struct Describe {
  Target target = Target::statement;
  std::string_view name;
};
struct Close {
  Target target = Target::statement;
  std::string_view name;
};
struct Execute {
  std::string_view portal;
  std::int32_t max_rows = 0;
};  // <= 0: all rows
struct Flush {};
struct Sync {};
struct Terminate {};

struct FunctionCall {
  std::uint32_t function = 0;  // OID
  Bytes arg_formats;
  std::uint16_t arg_count = 0;
  Bytes args;
  std::uint16_t result_format = 0;
};

struct CopyData {
  Bytes data;
};
struct CopyDone {};
struct CopyFail {
  std::string_view reason;
};

// 'p' means one of four things; which one, only the server's last request tells.
struct PasswordMessage {
  std::string_view password;
};
struct SaslInitialResponse {
  std::string_view mechanism;
  bool has_data = false;
  Bytes data;
};
struct SaslResponse {
  Bytes data;
};
struct GssResponse {
  Bytes data;
};

Decoded<Query> decode_query(Bytes body);
Decoded<Parse> decode_parse(Bytes body);
Decoded<Bind> decode_bind(Bytes body);
Decoded<Describe> decode_describe(Bytes body);
Decoded<Close> decode_close(Bytes body);
Decoded<Execute> decode_execute(Bytes body);
Decoded<Flush> decode_flush(Bytes body);
Decoded<Sync> decode_sync(Bytes body);
Decoded<Terminate> decode_terminate(Bytes body);
Decoded<FunctionCall> decode_function_call(Bytes body);
Decoded<CopyData> decode_copy_data(Bytes body);
Decoded<CopyDone> decode_copy_done(Bytes body);
Decoded<CopyFail> decode_copy_fail(Bytes body);
Decoded<PasswordMessage> decode_password(Bytes body);
Decoded<SaslInitialResponse> decode_sasl_initial_response(Bytes body);
Decoded<SaslResponse> decode_sasl_response(Bytes body);
Decoded<GssResponse> decode_gss_response(Bytes body);

// Appends the whole frame, tag and length included.
void encode(const Query&, std::string& out);
void encode(const Parse&, std::string& out);
void encode(const Bind&, std::string& out);
void encode(const Describe&, std::string& out);
void encode(const Close&, std::string& out);
void encode(const Execute&, std::string& out);
void encode(const Flush&, std::string& out);
void encode(const Sync&, std::string& out);
void encode(const Terminate&, std::string& out);
void encode(const FunctionCall&, std::string& out);
void encode(const CopyData&, std::string& out);
void encode(const CopyDone&, std::string& out);
void encode(const CopyFail&, std::string& out);
void encode(const PasswordMessage&, std::string& out);
void encode(const SaslInitialResponse&, std::string& out);
void encode(const SaslResponse&, std::string& out);
void encode(const GssResponse&, std::string& out);

}  // namespace pgmoat::wire
