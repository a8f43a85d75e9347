#include "wire/dump.h"

#include <array>
#include <string_view>

#include "wire/backend.h"
#include "wire/catalogue.h"
#include "wire/reader.h"
#include "wire/startup.h"

namespace pgmoat::wire {

namespace {

// The fields of a body: s text, b one byte, h 16 bits, i 32 bits, o an OID or process id (masked
// when comparable), v a counted value, x a secret to the end, [..] a list with a 16-bit count.
struct Shape {
  Side side;
  char tag;
  std::string_view fields;
};

constexpr std::array kShapes = {
    Shape{Side::client, 'Q', "s"},           Shape{Side::client, 'P', "ss[o]"},
    Shape{Side::client, 'B', "ss[h][v][h]"}, Shape{Side::client, 'D', "bs"},
    Shape{Side::client, 'E', "si"},          Shape{Side::client, 'C', "bs"},
    Shape{Side::client, 'F', "o[h][v]h"},    Shape{Side::client, 'f', "s"},
    Shape{Side::client, 'p', "x"},           Shape{Side::server, 'K', "ox"},
    Shape{Side::server, 'S', "ss"},          Shape{Side::server, 'Z', "b"},
    Shape{Side::server, 'A', "oss"},         Shape{Side::server, 'T', "[sohohih]"},
    Shape{Side::server, 't', "[o]"},         Shape{Side::server, 'D', "[v]"},
    Shape{Side::server, 'C', "s"},           Shape{Side::server, 'V', "v"},
    Shape{Side::server, 'G', "b[h]"},        Shape{Side::server, 'H', "b[h]"},
    Shape{Side::server, 'W', "b[h]"},
};

std::string_view shape_of(Side side, char tag) {
  for (const Shape& shape : kShapes) {
    if (shape.side == side && shape.tag == tag) return shape.fields;
  }
  return {};
}

class Line {
 public:
  Line(Bytes body, DumpStyle style, std::string& out)
      : in_(body), masked_(style == DumpStyle::comparable), out_(out) {}

  void fields(std::string_view shape);
  void report();
  void texts();
  void number(std::int64_t value) { out_.append(" ").append(std::to_string(value)); }
  void byte(std::uint8_t value);
  void text(std::string_view value) { out_.append(" \"").append(value).append("\""); }
  Reader& in() { return in_; }

 private:
  void field(char kind);
  void value();

  Reader in_;
  bool masked_;
  std::string& out_;
};

bool printable(std::uint8_t byte) { return byte >= 0x20 && byte < 0x7f; }

void append_byte(std::uint8_t byte, std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (printable(byte)) {
    out += static_cast<char>(byte);
  } else {
    out.append("\\x") += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
}

void Line::byte(std::uint8_t value) {
  out_ += ' ';
  append_byte(value, out_);
}

void Line::value() {
  const std::int32_t size = in_.i32();
  number(size);
  if (size < 0 || in_.failed()) return;
  out_ += " '";
  for (const std::uint8_t byte : in_.bytes(static_cast<std::size_t>(size))) append_byte(byte, out_);
  out_ += '\'';
}

void Line::field(char kind) {
  switch (kind) {
    case 's': return text(in_.cstring());
    case 'b': return byte(in_.u8());
    case 'h': return number(in_.u16());
    case 'i': return number(in_.i32());
    case 'v': return value();
    case 'x':
      in_.rest();
      out_ += " ****";
      return;
    default: break;
  }
  const std::uint32_t oid = in_.u32();
  if (masked_) out_ += " NNNN";
  else number(oid);
}

void Line::fields(std::string_view shape) {
  while (!shape.empty() && !in_.failed()) {
    if (shape[0] != '[') {
      field(shape[0]);
      shape.remove_prefix(1);
      continue;
    }
    const std::size_t close = shape.find(']');
    const std::uint16_t count = in_.u16();
    number(count);
    for (std::uint16_t i = 0; i < count && !in_.failed(); ++i) {
      for (const char kind : shape.substr(1, close - 1)) field(kind);
    }
    shape.remove_prefix(close + 1);
  }
}

// ErrorResponse and NoticeResponse: code and text until a code of zero.
void Line::report() {
  while (!in_.failed()) {
    const std::uint8_t code = in_.u8();
    byte(code);
    if (code == 0) return;
    const std::string_view said = in_.cstring();
    text(masked_ && (code == 'F' || code == 'L' || code == 'R') ? "SSSS" : said);
  }
}

void Line::texts() {
  while (!in_.failed() && in_.left() > 1) text(in_.cstring());
  in_.rest();
}

std::string_view authentication_name(std::uint32_t kind) {
  switch (static_cast<AuthenticationKind>(kind)) {
    case AuthenticationKind::ok: return "AuthenticationOk";
    case AuthenticationKind::kerberos_v5: return "AuthenticationKerberosV5";
    case AuthenticationKind::cleartext: return "AuthenticationCleartextPassword";
    case AuthenticationKind::md5: return "AuthenticationMD5Password";
    case AuthenticationKind::gss: return "AuthenticationGSS";
    case AuthenticationKind::gss_continue: return "AuthenticationGSSContinue";
    case AuthenticationKind::sspi: return "AuthenticationSSPI";
    case AuthenticationKind::sasl: return "AuthenticationSASL";
    case AuthenticationKind::sasl_continue: return "AuthenticationSASLContinue";
    case AuthenticationKind::sasl_final: return "AuthenticationSASLFinal";
  }
  return "Authentication";
}

void start(Side from, const std::string& length, std::string_view name, std::string& out) {
  out.append(from == Side::client ? "F\t" : "B\t").append(length).append("\t").append(name);
}

void finish(Line& line, std::string& out) {
  if (line.in().failed()) out += " (cut short)";
  else if (!line.in().at_end()) out += " (and more)";
  out += '\n';
}

}  // namespace

void dump(Side from, Bytes frame, DumpStyle style, std::string& out) {
  Reader header(frame);
  const char tag = static_cast<char>(header.u8());
  const std::uint32_t length = header.u32();
  if (header.failed()) {
    out.append(from == Side::client ? "F" : "B").append("\t?\t(no header)\n");
    return;
  }
  const bool report = from == Side::server && (tag == 'E' || tag == 'N');
  const bool authentication = from == Side::server && tag == 'R';
  Line line(frame.subspan(5), style, out);
  std::string_view name = message_name(from, tag);
  if (authentication) name = authentication_name(line.in().u32());
  start(from, report && style == DumpStyle::comparable ? "NN" : std::to_string(length), name, out);
  const std::string_view shape = shape_of(from, tag);
  if (!shape.empty() || report) out += '\t';
  if (report) {
    line.report();
  } else if (from == Side::server && tag == 'v') {
    out += '\t';
    line.fields("ii");
    while (!line.in().failed() && !line.in().at_end()) line.text(line.in().cstring());
  } else if (authentication || tag == 'd') {
    line.in().rest();  // secrets, and data that nobody wants in a trace
  } else {
    line.fields(shape);
  }
  finish(line, out);
}

void dump_first_packet(Bytes packet, DumpStyle style, std::string& out) {
  const std::string length = std::to_string(packet.size());
  const auto first = decode_first_packet(packet);
  if (!first) {
    start(Side::client, length, "(no first packet)\n", out);
    return;
  }
  Line line(packet.subspan(4), style, out);
  const std::uint32_t code = line.in().u32();
  if (std::holds_alternative<SslRequest>(*first)) {
    start(Side::client, length, "SSLRequest", out);
  } else if (std::holds_alternative<GssEncRequest>(*first)) {
    start(Side::client, length, "GSSENCRequest", out);
  } else if (std::holds_alternative<CancelRequest>(*first)) {
    start(Side::client, length, "CancelRequest\t", out);
    line.fields("ox");
  } else {
    start(Side::client, length, "StartupMessage\t", out);
    line.number(code >> 16);
    line.number(code & 0xffff);
    line.texts();
  }
  finish(line, out);
}

}  // namespace pgmoat::wire
