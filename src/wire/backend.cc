#include "wire/backend.h"

#include <bitset>

#include "wire/writer.h"

namespace pgmoat::wire {

namespace {

constexpr std::uint16_t kFieldLimit = 1664;  // PostgreSQL's MaxTupleAttributeNumber

template <class T>
Decoded<T> nothing(Bytes body) {
  Reader in(body);
  return in.finish(T{});
}

std::uint16_t count_of(Bytes items, std::size_t size) {
  return static_cast<std::uint16_t>(items.size() / size);
}

bool known(std::uint32_t kind) {
  return kind == 0 || kind == 2 || kind == 3 || kind == 5 || (kind >= 7 && kind <= 12);
}

}  // namespace

Decoded<Authentication> decode_authentication(Bytes body) {
  Reader in(body);
  Authentication message;
  const std::uint32_t kind = in.u32();
  in.require(known(kind), "unknown authentication request");
  message.kind = static_cast<AuthenticationKind>(kind);
  message.data = in.rest();
  using Kind = AuthenticationKind;
  const std::size_t size = message.data.size();
  switch (message.kind) {
    case Kind::ok:
    case Kind::kerberos_v5:
    case Kind::cleartext:
    case Kind::gss:
    case Kind::sspi: in.require(size == 0, "bytes left over after the last field"); break;
    case Kind::md5: in.require(size == 4, "the salt is not 4 bytes"); break;
    case Kind::sasl: {
      Reader list(message.data);
      while (!list.failed() && !list.cstring().empty()) {
      }
      in.require(!list.failed() && list.at_end(), "the mechanism list is not terminated");
      break;
    }
    case Kind::gss_continue:
    case Kind::sasl_continue:
    case Kind::sasl_final: break;
  }
  return in.finish(message);
}

Decoded<BackendKeyData> decode_backend_key_data(Bytes body) {
  Reader in(body);
  BackendKeyData message;
  message.pid = in.u32();
  message.secret = in.rest();
  in.require(message.secret.size() >= 4 && message.secret.size() <= 256,
             "the key is not 4 to 256 bytes");
  return in.finish(message);
}

Decoded<ParameterStatus> decode_parameter_status(Bytes body) {
  Reader in(body);
  ParameterStatus message;
  message.name = in.cstring();
  message.value = in.cstring();
  return in.finish(message);
}

Decoded<NegotiateProtocolVersion> decode_negotiate_protocol_version(Bytes body) {
  Reader in(body);
  NegotiateProtocolVersion message;
  message.version = in.u32();
  message.option_count = in.u32();
  const Bytes all = in.rest();
  Reader names(all);
  for (std::uint32_t i = 0; i < message.option_count && !names.failed(); ++i) names.cstring();
  in.require(!names.failed() && names.at_end(), "the option names are not as many as announced");
  message.options = all;
  return in.finish(message);
}

Decoded<ReadyForQuery> decode_ready_for_query(Bytes body) {
  Reader in(body);
  const std::uint8_t status = in.u8();
  in.require(status == 'I' || status == 'T' || status == 'E', "unknown transaction status");
  return in.finish(ReadyForQuery{static_cast<TransactionStatus>(status)});
}

Decoded<ParseComplete> decode_parse_complete(Bytes body) { return nothing<ParseComplete>(body); }
Decoded<BindComplete> decode_bind_complete(Bytes body) { return nothing<BindComplete>(body); }
Decoded<CloseComplete> decode_close_complete(Bytes body) { return nothing<CloseComplete>(body); }
Decoded<NoData> decode_no_data(Bytes body) { return nothing<NoData>(body); }
Decoded<PortalSuspended> decode_portal_suspended(Bytes body) {
  return nothing<PortalSuspended>(body);
}
Decoded<EmptyQueryResponse> decode_empty_query_response(Bytes body) {
  return nothing<EmptyQueryResponse>(body);
}

Decoded<RowDescription> decode_row_description(Bytes body) {
  Reader in(body);
  RowDescription message;
  message.field_count = in.u16();
  in.require(message.field_count <= kFieldLimit, "more than 1,664 fields");
  if (body.size() >= 2) message.fields = body.subspan(2);
  for (std::uint16_t i = 0; i < message.field_count && !in.failed(); ++i) {
    in.cstring();
    in.bytes(4 + 2 + 4 + 2 + 4);  // table, column, type, its size and modifier
    in.require(in.u16() <= 1, "a format code is neither 0 nor 1");
  }
  return in.finish(message);
}

Decoded<ParameterDescription> decode_parameter_description(Bytes body) {
  Reader in(body);
  ParameterDescription message;
  const std::uint16_t count = in.u16();
  message.types = in.items(count, 4);
  return in.finish(message);
}

Decoded<DataRow> decode_data_row(Bytes body) {
  Reader in(body);
  DataRow message;
  message.column_count = in.u16();
  in.require(message.column_count <= kFieldLimit, "more than 1,664 columns");
  message.columns = in.values(message.column_count);
  return in.finish(message);
}

Decoded<CommandComplete> decode_command_complete(Bytes body) {
  Reader in(body);
  CommandComplete message;
  message.tag = in.cstring();
  return in.finish(message);
}

Decoded<FunctionCallResponse> decode_function_call_response(Bytes body) {
  Reader in(body);
  FunctionCallResponse message;
  const std::int32_t length = in.i32();
  in.require(length >= -1, "the value has a negative length");
  message.null = length == -1;
  if (length > 0) message.value = in.bytes(static_cast<std::size_t>(length));
  return in.finish(message);
}

Decoded<CopyResponse> decode_copy_response(char tag, Bytes body) {
  Reader in(body);
  CopyResponse message;
  message.tag = tag;
  message.format = in.u8();
  in.require(message.format <= 1, "the format is neither 0 nor 1");
  const std::uint16_t count = in.u16();
  message.column_formats = in.items(count, 2);
  for (std::size_t i = 0; i + 1 < message.column_formats.size(); i += 2) {
    in.require(message.column_formats[i] == 0 && message.column_formats[i + 1] <= message.format,
               "a column format is not 0, nor 1 in a binary copy");
  }
  return in.finish(message);
}

Decoded<NotificationResponse> decode_notification_response(Bytes body) {
  Reader in(body);
  NotificationResponse message;
  message.pid = in.u32();
  message.channel = in.cstring();
  message.payload = in.cstring();
  return in.finish(message);
}

Decoded<Report> decode_report(char tag, Bytes body) {
  Reader in(body);
  Report message;
  message.tag = tag;
  std::size_t size = 0;
  std::bitset<256> seen;
  while (!in.failed()) {
    size = body.size() - in.left();
    const std::uint8_t code = in.u8();
    if (code == 0) break;
    // Of two equal fields one reader takes the first, another the last.
    in.require(!seen.test(code), "a field is given twice");
    seen.set(code);
    const std::string_view text = in.cstring();
    if (code == 'V' || (code == 'S' && !seen.test('V'))) message.severity = text;
    if (code == 'C') message.sqlstate = text;
    if (code == 'M') message.message = text;
  }
  in.require(seen.test('S'), "no severity");
  in.require(seen.test('M'), "no message");
  in.require(message.sqlstate.size() == 5, "no SQLSTATE of five characters");
  message.all = body.first(size);
  return in.finish(message);
}

void encode(const Authentication& message, std::string& out) {
  Writer(out, 'R').u32(static_cast<std::uint32_t>(message.kind)).bytes(message.data);
}

void encode(const BackendKeyData& message, std::string& out) {
  Writer(out, 'K').u32(message.pid).bytes(message.secret);
}

void encode(const ParameterStatus& message, std::string& out) {
  Writer(out, 'S').cstring(message.name).cstring(message.value);
}

void encode(const NegotiateProtocolVersion& message, std::string& out) {
  Writer(out, 'v').u32(message.version).u32(message.option_count).bytes(message.options);
}

void encode(const ReadyForQuery& message, std::string& out) {
  Writer(out, 'Z').u8(static_cast<std::uint8_t>(message.status));
}

void encode(const ParseComplete&, std::string& out) { Writer(out, '1'); }
void encode(const BindComplete&, std::string& out) { Writer(out, '2'); }
void encode(const CloseComplete&, std::string& out) { Writer(out, '3'); }
void encode(const NoData&, std::string& out) { Writer(out, 'n'); }
void encode(const PortalSuspended&, std::string& out) { Writer(out, 's'); }
void encode(const EmptyQueryResponse&, std::string& out) { Writer(out, 'I'); }

void encode(const RowDescription& message, std::string& out) {
  Writer(out, 'T').u16(message.field_count).bytes(message.fields);
}

void encode(const ParameterDescription& message, std::string& out) {
  Writer(out, 't').u16(count_of(message.types, 4)).bytes(message.types);
}

void encode(const DataRow& message, std::string& out) {
  Writer(out, 'D').u16(message.column_count).bytes(message.columns);
}

void encode(const CommandComplete& message, std::string& out) {
  Writer(out, 'C').cstring(message.tag);
}

void encode(const FunctionCallResponse& message, std::string& out) {
  const auto length = message.null ? ~0u : static_cast<std::uint32_t>(message.value.size());
  Writer(out, 'V').u32(length).bytes(message.value);
}

void encode(const CopyResponse& message, std::string& out) {
  Writer(out, message.tag)
      .u8(message.format)
      .u16(count_of(message.column_formats, 2))
      .bytes(message.column_formats);
}

void encode(const NotificationResponse& message, std::string& out) {
  Writer(out, 'A').u32(message.pid).cstring(message.channel).cstring(message.payload);
}

void encode(const Report& message, std::string& out) {
  Writer(out, message.tag).bytes(message.all).u8(0);
}

void encode_error(const ErrorText& error, std::string& out) {
  Writer writer(out, 'E');
  const auto field = [&](char code, std::string_view text) {
    if (!text.empty()) writer.u8(static_cast<std::uint8_t>(code)).cstring(text);
  };
  field('S', error.severity);
  field('V', error.severity);
  field('C', error.sqlstate);
  field('M', error.message);
  field('D', error.detail);
  field('H', error.hint);
  writer.u8(0);
}

}  // namespace pgmoat::wire
