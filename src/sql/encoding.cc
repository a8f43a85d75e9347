#include "sql/encoding.h"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace pgmoat::sql {

namespace {

using Byte = unsigned char;

const Byte* bytes_of(std::string_view text) { return reinterpret_cast<const Byte*>(text.data()); }

bool between(Byte byte, int low, int high) { return byte >= low && byte <= high; }

constexpr std::uint64_t kHighBits = 0x8080808080808080u;

// Of the run of ASCII at the start.
std::size_t ascii_size(const Byte* at, std::size_t size) {
  std::size_t done = 0;
  for (; done + 8 <= size; done += 8) {
    std::uint64_t word;
    std::memcpy(&word, at + done, 8);
    if ((word & kHighBits) != 0) break;
  }
  while (done < size && at[done] < 0x80) ++done;
  return done;
}

// Below: the bytes of the character at `at`, 0 where no character has this form. `left` > 0.

std::size_t utf8_size(const Byte* at, std::size_t left) {
  const Byte lead = at[0];
  if (lead < 0x80) return 1;
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || left < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if (!between(at[i], 0x80, 0xBF)) return 0;
  }
  const Byte second = at[1];
  const bool illegal = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
                       (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F);
  return illegal ? 0 : size;
}

std::size_t all_in(const Byte* at, std::size_t left, std::size_t size, int low, int high) {
  if (left < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if (!between(at[i], low, high)) return 0;
  }
  return size;
}

// EUC_JP, EUC_JIS_2004, EUC_CN, EUC_KR, EUC_TW, MULE_INTERNAL. No byte of a character is ASCII, so a
// form that is too generous costs nothing: the server refuses it, and no quote can be hidden.
std::size_t euc_size(const Byte* at, std::size_t left, std::string_view name) {
  const Byte lead = at[0];
  if (name == "MULE_INTERNAL") {
    if (between(lead, 0x81, 0x8D)) return all_in(at, left, 2, 0x80, 0xFF);
    if (between(lead, 0x90, 0x9B)) return all_in(at, left, 3, 0x80, 0xFF);
    if (between(lead, 0x9C, 0x9D)) return all_in(at, left, 4, 0x80, 0xFF);
    return 1;
  }
  if (lead == 0x8E && name == "EUC_TW") return all_in(at, left, 4, 0xA1, 0xFE);
  if (lead == 0x8E && name.starts_with("EUC_J")) return all_in(at, left, 2, 0xA1, 0xDF);
  if (lead == 0x8F && name.starts_with("EUC_J")) return all_in(at, left, 3, 0xA1, 0xFE);
  if (!between(lead, 0xA1, 0xFE) && name != "EUC_TW") return 0;
  return all_in(at, left, 2, 0xA1, 0xFE);
}

// Where PostgreSQL's own check is wider than this (BIG5, GBK and UHC take any trail byte), its
// conversion tables are not: it refuses the rest as characters that do not exist.
std::size_t two_byte_size(const Byte* at, std::size_t left, Encoding encoding) {
  if (left < 2) return 0;
  const Byte lead = at[0], trail = at[1];
  switch (encoding) {
    case Encoding::sjis:
    case Encoding::shift_jis_2004:
      if (!between(lead, 0x81, 0x9F) && !between(lead, 0xE0, 0xFC)) return 0;
      return between(trail, 0x40, 0x7E) || between(trail, 0x80, 0xFC) ? 2 : 0;
    case Encoding::big5: return between(trail, 0x40, 0x7E) || between(trail, 0xA1, 0xFE) ? 2 : 0;
    case Encoding::gbk: return between(trail, 0x40, 0x7E) || between(trail, 0x80, 0xFE) ? 2 : 0;
    case Encoding::uhc:
      return between(trail, 0x41, 0x5A) || between(trail, 0x61, 0x7A) || between(trail, 0x81, 0xFE)
                 ? 2
                 : 0;
    default: return 0;
  }
}

// As pg_johab_mblen and pg_johab_verifychar: the rules of EUC, not those of JOHAB.
std::size_t johab_size(const Byte* at, std::size_t left) {
  return all_in(at, left, at[0] == 0x8F ? 3 : 2, 0xA1, 0xFE);
}

std::size_t gb18030_size(const Byte* at, std::size_t left) {
  if (left < 2 || !between(at[0], 0x81, 0xFE)) return 0;
  if (between(at[1], 0x40, 0x7E) || between(at[1], 0x80, 0xFE)) return 2;
  if (left < 4 || !between(at[1], 0x30, 0x39)) return 0;
  return between(at[2], 0x81, 0xFE) && between(at[3], 0x30, 0x39) ? 4 : 0;
}

std::size_t character_size(const Byte* at, std::size_t left, const Dialect& dialect) {
  if (at[0] < 0x80) return 1;
  switch (dialect.encoding) {
    case Encoding::utf8: return utf8_size(at, left);
    case Encoding::sql_ascii:
    case Encoding::single_byte: return 1;
    case Encoding::euc: return euc_size(at, left, dialect.encoding_name);
    case Encoding::sjis:
    case Encoding::shift_jis_2004:
      if (between(at[0], 0xA1, 0xDF)) return 1;
      return two_byte_size(at, left, dialect.encoding);
    case Encoding::big5:
    case Encoding::gbk:
    case Encoding::uhc: return two_byte_size(at, left, dialect.encoding);
    case Encoding::johab: return johab_size(at, left);
    case Encoding::gb18030: return gb18030_size(at, left);
    case Encoding::unknown: return 0;
  }
  return 0;
}

struct Table {
  std::string_view name;  // PostgreSQL's
  const char* iconv;
};
constexpr std::array kTables = std::to_array<Table>({
    {"LATIN1", "ISO-8859-1"},
    {"LATIN2", "ISO-8859-2"},
    {"LATIN3", "ISO-8859-3"},
    {"LATIN4", "ISO-8859-4"},
    {"LATIN5", "ISO-8859-9"},
    {"LATIN6", "ISO-8859-10"},
    {"LATIN7", "ISO-8859-13"},
    {"LATIN8", "ISO-8859-14"},
    {"LATIN9", "ISO-8859-15"},
    {"LATIN10", "ISO-8859-16"},
    {"ISO_8859_5", "ISO-8859-5"},
    {"ISO_8859_6", "ISO-8859-6"},
    {"ISO_8859_7", "ISO-8859-7"},
    {"ISO_8859_8", "ISO-8859-8"},
    {"KOI8R", "KOI8-R"},
    {"KOI8U", "KOI8-U"},
    {"WIN866", "CP866"},
    {"WIN874", "WINDOWS-874"},
    {"WIN1250", "CP1250"},
    {"WIN1251", "CP1251"},
    {"WIN1252", "CP1252"},
    {"WIN1253", "CP1253"},
    {"WIN1254", "CP1254"},
    {"WIN1255", "CP1255"},
    {"WIN1256", "CP1256"},
    {"WIN1257", "CP1257"},
    {"WIN1258", "CP1258"},
    {"EUC_JP", "EUC-JP"},
    {"EUC_CN", "EUC-CN"},
    {"EUC_KR", "EUC-KR"},
    {"EUC_TW", "EUC-TW"},
    {"EUC_JIS_2004", "EUC-JISX0213"},
    {"SJIS", "WINDOWS-31J"},
    {"SHIFT_JIS_2004", "SHIFT_JISX0213"},
    {"BIG5", "BIG5"},
    {"GBK", "GBK"},
    {"UHC", "UHC"},
    {"JOHAB", "JOHAB"},
    {"GB18030", "GB18030"},
    {"SQL_ASCII", "ISO-8859-1"},
});

// One character at a time, since PostgreSQL's cut decides where characters begin, not iconv's.
class Converter {
 public:
  explicit Converter(std::string_view name) {
    for (const Table& table : kTables) {
      if (table.name == name) state_ = iconv_open("UTF-8", table.iconv);
    }
  }
  ~Converter() {
    if (known()) iconv_close(state_);
  }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;

  void append(const Byte* at, std::size_t size, std::string& out) {
    std::array<char, 32> buffer;
    std::array<char, 4> character;
    std::memcpy(character.data(), at, size);
    char* in = character.data();
    char* end = buffer.data();
    std::size_t in_left = size, room = buffer.size();
    if (known()) {
      iconv(state_, nullptr, nullptr, nullptr, nullptr);
      const std::size_t lost = iconv(state_, &in, &in_left, &end, &room);
      // Some tables (WIN1255, WIN1258) hold a letter back that the next one may combine with.
      const bool whole =
          lost == 0 && in_left == 0 &&
          iconv(state_, nullptr, nullptr, &end, &room) != static_cast<std::size_t>(-1);
      // An ASCII character in place of another is none: nothing may become a quote or a backslash.
      if (whole && end > buffer.data() && static_cast<Byte>(buffer[0]) >= 0x80) {
        out.append(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
        return;
      }
    }
    append_placeholder(at, size, out);
  }

 private:
  bool known() const { return state_ != reinterpret_cast<iconv_t>(-1); }

  // Plane 15 is for private use; the last two bytes keep characters of two bytes apart.
  static void append_placeholder(const Byte* at, std::size_t size, std::string& out) {
    const unsigned low = at[size - 1] | (size > 1 ? at[size - 2] : 0u) << 8;
    out += '\xF3';
    out += static_cast<char>(0xB0 | low >> 12);
    out += static_cast<char>(0x80 | (low >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (low & 0x3F));
  }

  iconv_t state_ = reinterpret_cast<iconv_t>(-1);
};

// SHIFT_JIS_2004's 0x815F and 0x81B0 become a backslash and a tilde where the server's encoding is
// UTF8, and stay characters of two bytes where it is EUC_JIS_2004. No other character of any encoding
// becomes ASCII (all were tried on PostgreSQL 15).
bool may_become_ascii(const Byte* at, const Dialect& dialect) {
  return dialect.encoding == Encoding::shift_jis_2004 && at[0] == 0x81 &&
         (at[1] == 0x5F || at[1] == 0xB0);
}

std::string illegal_bytes(std::string_view text, std::size_t at, const Dialect& dialect) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  const auto byte = static_cast<Byte>(text[at]);
  std::string why("byte 0x");
  why += kHex[byte >> 4];
  why += kHex[byte & 15];
  why.append(" at ").append(std::to_string(at)).append(" begins no character of ");
  return why.append(dialect.encoding_name);
}

}  // namespace

bool valid_utf8(std::string_view text) {
  const Byte* at = bytes_of(text);
  std::size_t left = text.size();
  for (;;) {
    const std::size_t ascii = ascii_size(at, left);
    at += ascii;
    left -= ascii;
    if (left == 0) return true;
    const std::size_t size = utf8_size(at, left);
    if (size == 0) return false;
    at += size;
    left -= size;
  }
}

bool is_legal(std::string_view text, const Dialect& dialect) {
  if (text.find('\0') != std::string_view::npos) return false;
  const Byte* at = bytes_of(text);
  for (std::size_t left = text.size(); left > 0;) {
    const std::size_t size = character_size(at, left, dialect);
    if (size == 0) return false;
    at += size;
    left -= size;
  }
  return true;
}

Result<std::string_view, std::string> to_utf8(std::string_view text, const Dialect& dialect,
                                              std::string& storage) {
  if (text.find('\0') != std::string_view::npos) return std::string("a NUL byte inside the text");
  const Byte* at = bytes_of(text);
  if (ascii_size(at, text.size()) == text.size()) return text;
  if (dialect.encoding == Encoding::unknown) return std::string("an encoding that is not known");
  const bool unicode =
      dialect.encoding == Encoding::utf8 || dialect.encoding == Encoding::sql_ascii;
  if (unicode && valid_utf8(text)) return text;
  storage.clear();
  Converter converter(dialect.encoding_name);
  for (std::size_t done = 0; done < text.size();) {
    const std::size_t ascii = ascii_size(at + done, text.size() - done);
    storage.append(text, done, ascii);
    done += ascii;
    if (done == text.size()) break;
    const std::size_t size = character_size(at + done, text.size() - done, dialect);
    if (size == 0) return illegal_bytes(text, done, dialect);
    if (size == 2 && may_become_ascii(at + done, dialect)) {
      return std::string("a character that the server may read as a backslash or a tilde");
    }
    if (dialect.encoding != Encoding::utf8) converter.append(at + done, size, storage);
    done += size;
  }
  return std::string_view(storage);
}

bool depends_on_encoding(std::string_view text) {
  const Byte* at = bytes_of(text);
  for (std::size_t i = ascii_size(at, text.size()); i + 1 < text.size(); ++i) {
    if (at[i] >= 0x80 && between(at[i + 1], 0x30, 0x7E)) return true;
  }
  return false;
}

}  // namespace pgmoat::sql
