// What a server may say. Same rules as frontend.h: views, bijective decoders, encode() appends the
// whole frame. The server is hostile input too: counts and sizes are checked as for a client.
// Source: PostgreSQL manual, "Message Formats" and "Error and Notice Message Fields".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "wire/reader.h"

namespace pgmoat::wire {

enum class AuthenticationKind : std::uint32_t {
  ok = 0,
  kerberos_v5 = 2,
  cleartext = 3,
  md5 = 5,
  gss = 7,
  gss_continue = 8,
  sspi = 9,
  sasl = 10,
  sasl_continue = 11,
  sasl_final = 12,
};

struct Authentication {
  AuthenticationKind kind = AuthenticationKind::ok;
  Bytes
      data;  // md5: 4 bytes of salt; sasl: mechanisms, each NUL-terminated, then a NUL; else token
};

struct BackendKeyData {
  std::uint32_t pid = 0;
  Bytes secret;
};  // 4 bytes on 3.0, 4..256 on 3.2
struct ParameterStatus {
  std::string_view name;
  std::string_view value;
};
struct NegotiateProtocolVersion {
  std::uint32_t version = 0;  // the whole version number, 196608 for 3.0
  std::uint32_t option_count = 0;
  Bytes options;  // unknown _pq_. names, each NUL-terminated
};

enum class TransactionStatus : char { idle = 'I', in_block = 'T', failed = 'E' };
struct ReadyForQuery {
  TransactionStatus status = TransactionStatus::idle;
};

struct ParseComplete {};
struct BindComplete {};
struct CloseComplete {};
struct NoData {};
struct PortalSuspended {};
struct EmptyQueryResponse {};

struct RowDescription {
  std::uint16_t field_count = 0;
  Bytes fields;
};  // at most 1,664 fields
struct ParameterDescription {
  Bytes types;
};  // 4 bytes each
struct DataRow {
  std::uint16_t column_count = 0;
  Bytes columns;
};
struct CommandComplete {
  std::string_view tag;
};
struct FunctionCallResponse {
  bool null = false;
  Bytes value;
};

// CopyInResponse, CopyOutResponse and CopyBothResponse differ by tag only.
struct CopyResponse {
  char tag = 'G';
  std::uint8_t format = 0;
  Bytes column_formats;
};

struct NotificationResponse {
  std::uint32_t pid = 0;
  std::string_view channel;
  std::string_view payload;
};

// ErrorResponse ('E') and NoticeResponse ('N'): fields are {code, text NUL}*, NUL. `all` keeps them
// in order, none twice; the named ones are those that every error must have (S, C, M; a server that
// leaves one out is malformed: CVE-2026-6666).
struct Report {
  char tag = 'E';
  Bytes all;                  // every field, without the final NUL
  std::string_view severity;  // V where present (never translated), else S
  std::string_view sqlstate;  // exactly 5 characters
  std::string_view message;
};

Decoded<Authentication> decode_authentication(Bytes body);
Decoded<BackendKeyData> decode_backend_key_data(Bytes body);
Decoded<ParameterStatus> decode_parameter_status(Bytes body);
Decoded<NegotiateProtocolVersion> decode_negotiate_protocol_version(Bytes body);
Decoded<ReadyForQuery> decode_ready_for_query(Bytes body);
Decoded<ParseComplete> decode_parse_complete(Bytes body);
Decoded<BindComplete> decode_bind_complete(Bytes body);
Decoded<CloseComplete> decode_close_complete(Bytes body);
Decoded<NoData> decode_no_data(Bytes body);
Decoded<PortalSuspended> decode_portal_suspended(Bytes body);
Decoded<EmptyQueryResponse> decode_empty_query_response(Bytes body);
Decoded<RowDescription> decode_row_description(Bytes body);
Decoded<ParameterDescription> decode_parameter_description(Bytes body);
Decoded<DataRow> decode_data_row(Bytes body);
Decoded<CommandComplete> decode_command_complete(Bytes body);
Decoded<FunctionCallResponse> decode_function_call_response(Bytes body);
Decoded<CopyResponse> decode_copy_response(char tag, Bytes body);
Decoded<NotificationResponse> decode_notification_response(Bytes body);
Decoded<Report> decode_report(char tag, Bytes body);

void encode(const Authentication&, std::string& out);
void encode(const BackendKeyData&, std::string& out);
void encode(const ParameterStatus&, std::string& out);
void encode(const NegotiateProtocolVersion&, std::string& out);
void encode(const ReadyForQuery&, std::string& out);
void encode(const ParseComplete&, std::string& out);
void encode(const BindComplete&, std::string& out);
void encode(const CloseComplete&, std::string& out);
void encode(const NoData&, std::string& out);
void encode(const PortalSuspended&, std::string& out);
void encode(const EmptyQueryResponse&, std::string& out);
void encode(const RowDescription&, std::string& out);
void encode(const ParameterDescription&, std::string& out);
void encode(const DataRow&, std::string& out);
void encode(const CommandComplete&, std::string& out);
void encode(const FunctionCallResponse&, std::string& out);
void encode(const CopyResponse&, std::string& out);
void encode(const NotificationResponse&, std::string& out);
void encode(const Report&, std::string& out);

// An error of our own: the fields in libpq's order, S and V both given, detail and hint only where
// not empty. Appends the whole frame.
struct ErrorText {
  std::string_view severity = "ERROR";  // "ERROR" or "FATAL"
  std::string_view sqlstate;
  std::string_view message;
  std::string_view detail;
  std::string_view hint;
};
void encode_error(const ErrorText& error, std::string& out);

}  // namespace pgmoat::wire
