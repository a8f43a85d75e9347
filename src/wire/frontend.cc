#include "wire/frontend.h"

#include "wire/writer.h"

namespace pgmoat::wire {

namespace {

// Format codes: 16 bits each, text (0) or binary (1).
Bytes formats(Reader& in, std::uint16_t count) {
  const Bytes codes = in.items(count, 2);
  for (std::size_t i = 0; i + 1 < codes.size(); i += 2) {
    in.require(codes[i] == 0 && codes[i + 1] <= 1, "a format code is neither 0 nor 1");
  }
  return codes;
}

std::uint16_t count_of(Bytes items, std::size_t size) {
  return static_cast<std::uint16_t>(items.size() / size);
}

Target target(Reader& in) {
  const std::uint8_t kind = in.u8();
  in.require(kind == 'S' || kind == 'P', "the target is neither 'S' nor 'P'");
  return kind == 'P' ? Target::portal : Target::statement;
}

template <class T>
Decoded<T> nothing(Bytes body) {
  Reader in(body);
  return in.finish(T{});
}

}  // namespace

Decoded<Query> decode_query(Bytes body) {
  Reader in(body);
  Query message;
  message.sql = in.cstring();
  return in.finish(message);
}

Decoded<Parse> decode_parse(Bytes body) {
  Reader in(body);
  Parse message;
  message.statement = in.name();
  message.sql = in.cstring();
  const std::uint16_t type_count = in.u16();
  message.param_types = in.items(type_count, 4);
  return in.finish(message);
}

Decoded<Bind> decode_bind(Bytes body) {
  Reader in(body);
  Bind message;
  message.portal = in.name();
  message.statement = in.name();
  const std::uint16_t format_count = in.u16();
  message.param_formats = formats(in, format_count);
  message.param_count = in.u16();
  in.require(format_count <= 1 || format_count == message.param_count,
             "the number of parameter formats is not 0, 1 or that of the parameters");
  message.params = in.values(message.param_count);
  const std::uint16_t result_count = in.u16();
  message.result_formats = formats(in, result_count);
  return in.finish(message);
}

Decoded<Describe> decode_describe(Bytes body) {
  Reader in(body);
  Describe message;
  message.target = target(in);
  message.name = in.name();
  return in.finish(message);
}

Decoded<Close> decode_close(Bytes body) {
  Reader in(body);
  Close message;
  message.target = target(in);
  message.name = in.name();
  return in.finish(message);
}

Decoded<Execute> decode_execute(Bytes body) {
  Reader in(body);
  Execute message;
  message.portal = in.name();
  message.max_rows = in.i32();
  return in.finish(message);
}

Decoded<Flush> decode_flush(Bytes body) { return nothing<Flush>(body); }
Decoded<Sync> decode_sync(Bytes body) { return nothing<Sync>(body); }
Decoded<Terminate> decode_terminate(Bytes body) { return nothing<Terminate>(body); }
Decoded<CopyDone> decode_copy_done(Bytes body) { return nothing<CopyDone>(body); }

Decoded<FunctionCall> decode_function_call(Bytes body) {
  Reader in(body);
  FunctionCall message;
  message.function = in.u32();
  const std::uint16_t format_count = in.u16();
  message.arg_formats = formats(in, format_count);
  message.arg_count = in.u16();
  in.require(format_count <= 1 || format_count == message.arg_count,
             "the number of argument formats is not 0, 1 or that of the arguments");
  message.args = in.values(message.arg_count);
  message.result_format = in.u16();
  in.require(message.result_format <= 1, "the result format is neither 0 nor 1");
  return in.finish(message);
}

Decoded<CopyData> decode_copy_data(Bytes body) { return CopyData{body}; }

Decoded<CopyFail> decode_copy_fail(Bytes body) {
  Reader in(body);
  CopyFail message;
  message.reason = in.cstring();
  return in.finish(message);
}

Decoded<PasswordMessage> decode_password(Bytes body) {
  Reader in(body);
  PasswordMessage message;
  message.password = in.cstring();
  return in.finish(message);
}

Decoded<SaslInitialResponse> decode_sasl_initial_response(Bytes body) {
  Reader in(body);
  SaslInitialResponse message;
  message.mechanism = in.cstring();
  const std::int32_t length = in.i32();
  in.require(length >= -1, "the response has a negative length");
  message.has_data = length >= 0;
  if (message.has_data) message.data = in.bytes(static_cast<std::size_t>(length));
  return in.finish(message);
}

Decoded<SaslResponse> decode_sasl_response(Bytes body) { return SaslResponse{body}; }
Decoded<GssResponse> decode_gss_response(Bytes body) { return GssResponse{body}; }

void encode(const Query& message, std::string& out) { Writer(out, 'Q').cstring(message.sql); }

void encode(const Parse& message, std::string& out) {
  Writer(out, 'P')
      .cstring(message.statement)
      .cstring(message.sql)
      .u16(count_of(message.param_types, 4))
      .bytes(message.param_types);
}

void encode(const Bind& message, std::string& out) {
  Writer(out, 'B')
      .cstring(message.portal)
      .cstring(message.statement)
      .u16(count_of(message.param_formats, 2))
      .bytes(message.param_formats)
      .u16(message.param_count)
      .bytes(message.params)
      .u16(count_of(message.result_formats, 2))
      .bytes(message.result_formats);
}

void encode(const Describe& message, std::string& out) {
  Writer(out, 'D').u8(static_cast<std::uint8_t>(message.target)).cstring(message.name);
}

void encode(const Close& message, std::string& out) {
  Writer(out, 'C').u8(static_cast<std::uint8_t>(message.target)).cstring(message.name);
}

void encode(const Execute& message, std::string& out) {
  Writer(out, 'E').cstring(message.portal).u32(static_cast<std::uint32_t>(message.max_rows));
}

void encode(const Flush&, std::string& out) { Writer(out, 'H'); }
void encode(const Sync&, std::string& out) { Writer(out, 'S'); }
void encode(const Terminate&, std::string& out) { Writer(out, 'X'); }
void encode(const CopyDone&, std::string& out) { Writer(out, 'c'); }

void encode(const FunctionCall& message, std::string& out) {
  Writer(out, 'F')
      .u32(message.function)
      .u16(count_of(message.arg_formats, 2))
      .bytes(message.arg_formats)
      .u16(message.arg_count)
      .bytes(message.args)
      .u16(message.result_format);
}

void encode(const CopyData& message, std::string& out) { Writer(out, 'd').bytes(message.data); }
void encode(const CopyFail& message, std::string& out) { Writer(out, 'f').cstring(message.reason); }

void encode(const PasswordMessage& message, std::string& out) {
  Writer(out, 'p').cstring(message.password);
}

void encode(const SaslInitialResponse& message, std::string& out) {
  const auto length = message.has_data ? static_cast<std::uint32_t>(message.data.size()) : ~0u;
  Writer(out, 'p').cstring(message.mechanism).u32(length).bytes(message.data);
}

void encode(const SaslResponse& message, std::string& out) { Writer(out, 'p').bytes(message.data); }
void encode(const GssResponse& message, std::string& out) { Writer(out, 'p').bytes(message.data); }

}  // namespace pgmoat::wire
