#include "wire/startup.h"

#include "wire/writer.h"

namespace pgmoat::wire {

namespace {

constexpr std::uint32_t kSslCode = 80877103;
constexpr std::uint32_t kGssCode = 80877104;
constexpr std::uint32_t kCancelCode = 80877102;

std::uint32_t u32_at(Bytes bytes, std::size_t at) { return Reader(bytes.subspan(at, 4)).u32(); }

Fault bad_length(std::uint32_t length, const char* what) {
  return {Fault::Kind::bad_length, 0, length, 0, what};
}

template <class T>
Decoded<T> bare_code(Bytes body, std::uint32_t code) {
  Reader in(body);
  in.require(in.u32() == code, "not the code of this request");
  return in.finish(T{});
}

template <class T>
Decoded<FirstPacket> as_first(const Decoded<T>& decoded) {
  if (!decoded) return decoded.error();
  return FirstPacket{*decoded};
}

}  // namespace

Decoded<std::uint32_t> first_packet_size(Bytes received) {
  if (received.size() < 4) return std::uint32_t{0};
  const std::uint32_t length = u32_at(received, 0);
  if (length < 8 || length > kStartupLimit + 4) {
    return bad_length(length, "invalid length of startup packet");
  }
  return length;
}

Decoded<FirstPacket> decode_first_packet(Bytes packet) {
  if (packet.size() < 8) return bad_length(static_cast<std::uint32_t>(packet.size()), "too short");
  const Bytes body = packet.subspan(4);
  switch (u32_at(body, 0)) {
    case kSslCode: return as_first(decode_ssl_request(body));
    case kGssCode: return as_first(decode_gssenc_request(body));
    case kCancelCode: return as_first(decode_cancel_request(body));
    default: return as_first(decode_startup(body));
  }
}

Decoded<SslRequest> decode_ssl_request(Bytes body) { return bare_code<SslRequest>(body, kSslCode); }
Decoded<GssEncRequest> decode_gssenc_request(Bytes body) {
  return bare_code<GssEncRequest>(body, kGssCode);
}

Decoded<CancelRequest> decode_cancel_request(Bytes body) {
  Reader in(body);
  CancelRequest message;
  in.require(in.u32() == kCancelCode, "not the code of this request");
  message.pid = in.u32();
  message.secret = in.rest();
  if (message.secret.size() < 4 || message.secret.size() > 256) {
    return bad_length(static_cast<std::uint32_t>(body.size() + 4), "the key is not 4 to 256 bytes");
  }
  return in.finish(message);
}

Decoded<StartupMessage> decode_startup(Bytes body) {
  Reader in(body);
  StartupMessage message;
  message.version = in.u32();
  std::size_t size = 0;
  if (message.version >> 16 != 3) {
    // Another major version's body is not ours to read: the version alone decides its fate.
    message.parameters = in.rest();
    return in.finish(message);
  }
  while (!in.failed()) {
    size = body.size() - in.left();
    if (in.cstring().empty()) break;
    in.cstring();
  }
  if (!in.failed()) message.parameters = body.subspan(4, size - 4);
  return in.finish(message);
}

void encode(const SslRequest&, std::string& out) { Writer(out, 0).u32(kSslCode); }
void encode(const GssEncRequest&, std::string& out) { Writer(out, 0).u32(kGssCode); }

void encode(const CancelRequest& message, std::string& out) {
  Writer(out, 0).u32(kCancelCode).u32(message.pid).bytes(message.secret);
}

void encode(const StartupMessage& message, std::string& out) {
  Writer writer(out, 0);
  writer.u32(message.version).bytes(message.parameters);
  if (message.version >> 16 == 3) writer.u8(0);
}

std::vector<Parameter> parameters_of(const StartupMessage& startup) {
  std::vector<Parameter> parameters;
  Reader in(startup.parameters);
  while (!in.at_end() && !in.failed()) {
    const std::string_view name = in.cstring();
    parameters.push_back({name, in.cstring()});
  }
  return parameters;
}

}  // namespace pgmoat::wire
