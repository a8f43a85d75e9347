#include "sql/dialect.h"

#include <algorithm>
#include <array>

namespace pgmoat::sql {

namespace {

struct Name {
  std::string_view spelling;  // lower case letters and digits
  std::string_view official;
  Encoding encoding;
};

// PostgreSQL's encodings and their other names (manual 24.3.1 and encnames.c), ordered by spelling.
constexpr std::array kNames = std::to_array<Name>({
    {"abc", "WIN1258", Encoding::single_byte},
    {"alt", "WIN866", Encoding::single_byte},
    {"big5", "BIG5", Encoding::big5},
    {"euccn", "EUC_CN", Encoding::euc},
    {"eucjis2004", "EUC_JIS_2004", Encoding::euc},
    {"eucjp", "EUC_JP", Encoding::euc},
    {"euckr", "EUC_KR", Encoding::euc},
    {"euctw", "EUC_TW", Encoding::euc},
    {"gb18030", "GB18030", Encoding::gb18030},
    {"gbk", "GBK", Encoding::gbk},
    {"iso88591", "LATIN1", Encoding::single_byte},
    {"iso885910", "LATIN6", Encoding::single_byte},
    {"iso885913", "LATIN7", Encoding::single_byte},
    {"iso885914", "LATIN8", Encoding::single_byte},
    {"iso885915", "LATIN9", Encoding::single_byte},
    {"iso885916", "LATIN10", Encoding::single_byte},
    {"iso88592", "LATIN2", Encoding::single_byte},
    {"iso88593", "LATIN3", Encoding::single_byte},
    {"iso88594", "LATIN4", Encoding::single_byte},
    {"iso88595", "ISO_8859_5", Encoding::single_byte},
    {"iso88596", "ISO_8859_6", Encoding::single_byte},
    {"iso88597", "ISO_8859_7", Encoding::single_byte},
    {"iso88598", "ISO_8859_8", Encoding::single_byte},
    {"iso88599", "LATIN5", Encoding::single_byte},
    {"johab", "JOHAB", Encoding::johab},
    {"koi8", "KOI8R", Encoding::single_byte},
    {"koi8r", "KOI8R", Encoding::single_byte},
    {"koi8u", "KOI8U", Encoding::single_byte},
    {"latin1", "LATIN1", Encoding::single_byte},
    {"latin10", "LATIN10", Encoding::single_byte},
    {"latin2", "LATIN2", Encoding::single_byte},
    {"latin3", "LATIN3", Encoding::single_byte},
    {"latin4", "LATIN4", Encoding::single_byte},
    {"latin5", "LATIN5", Encoding::single_byte},
    {"latin6", "LATIN6", Encoding::single_byte},
    {"latin7", "LATIN7", Encoding::single_byte},
    {"latin8", "LATIN8", Encoding::single_byte},
    {"latin9", "LATIN9", Encoding::single_byte},
    {"mskanji", "SJIS", Encoding::sjis},
    {"muleinternal", "MULE_INTERNAL", Encoding::euc},
    {"shiftjis", "SJIS", Encoding::sjis},
    {"shiftjis2004", "SHIFT_JIS_2004", Encoding::shift_jis_2004},
    {"sjis", "SJIS", Encoding::sjis},
    {"sqlascii", "SQL_ASCII", Encoding::sql_ascii},
    {"tcvn", "WIN1258", Encoding::single_byte},
    {"tcvn5712", "WIN1258", Encoding::single_byte},
    {"uhc", "UHC", Encoding::uhc},
    {"unicode", "UTF8", Encoding::utf8},
    {"utf8", "UTF8", Encoding::utf8},
    {"vscii", "WIN1258", Encoding::single_byte},
    {"win", "WIN1251", Encoding::single_byte},
    {"win1250", "WIN1250", Encoding::single_byte},
    {"win1251", "WIN1251", Encoding::single_byte},
    {"win1252", "WIN1252", Encoding::single_byte},
    {"win1253", "WIN1253", Encoding::single_byte},
    {"win1254", "WIN1254", Encoding::single_byte},
    {"win1255", "WIN1255", Encoding::single_byte},
    {"win1256", "WIN1256", Encoding::single_byte},
    {"win1257", "WIN1257", Encoding::single_byte},
    {"win1258", "WIN1258", Encoding::single_byte},
    {"win866", "WIN866", Encoding::single_byte},
    {"win874", "WIN874", Encoding::single_byte},
    {"win932", "SJIS", Encoding::sjis},
    {"win936", "GBK", Encoding::gbk},
    {"win949", "UHC", Encoding::uhc},
    {"win950", "BIG5", Encoding::big5},
    {"windows1250", "WIN1250", Encoding::single_byte},
    {"windows1251", "WIN1251", Encoding::single_byte},
    {"windows1252", "WIN1252", Encoding::single_byte},
    {"windows1253", "WIN1253", Encoding::single_byte},
    {"windows1254", "WIN1254", Encoding::single_byte},
    {"windows1255", "WIN1255", Encoding::single_byte},
    {"windows1256", "WIN1256", Encoding::single_byte},
    {"windows1257", "WIN1257", Encoding::single_byte},
    {"windows1258", "WIN1258", Encoding::single_byte},
    {"windows866", "WIN866", Encoding::single_byte},
    {"windows874", "WIN874", Encoding::single_byte},
    {"windows932", "SJIS", Encoding::sjis},
    {"windows936", "GBK", Encoding::gbk},
    {"windows949", "UHC", Encoding::uhc},
    {"windows950", "BIG5", Encoding::big5},
});
static_assert(std::is_sorted(kNames.begin(), kNames.end(), [](const Name& one, const Name& other) {
  return one.spelling < other.spelling;
}));

constexpr std::size_t kNameSize = 64;  // NAMEDATALEN: PostgreSQL looks at no longer name

}  // namespace

void set_encoding(Dialect& dialect, std::string_view name) {
  std::array<char, kNameSize> buffer;
  std::size_t size = 0;
  dialect.encoding = Encoding::unknown;
  dialect.encoding_name = "";
  if (name.size() >= kNameSize) return;
  for (const char byte : name) {
    if (byte >= 'A' && byte <= 'Z') buffer[size++] = static_cast<char>(byte | 0x20);
    if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9')) buffer[size++] = byte;
  }
  const std::string_view spelling(buffer.data(), size);
  const auto found = std::lower_bound(
      kNames.begin(), kNames.end(), spelling,
      [](const Name& one, std::string_view other) { return one.spelling < other; });
  if (found == kNames.end() || found->spelling != spelling) return;
  dialect.encoding = found->encoding;
  dialect.encoding_name = found->official;
}

// JOHAB is not among them: PostgreSQL reads it by the rules of EUC. It is one by its own standard,
// so it counts wherever that is the cautious side.
bool has_ascii_trail_bytes(Encoding encoding) {
  switch (encoding) {
    case Encoding::utf8:
    case Encoding::sql_ascii:
    case Encoding::single_byte:
    case Encoding::euc: return false;
    case Encoding::sjis:
    case Encoding::shift_jis_2004:
    case Encoding::big5:
    case Encoding::gbk:
    case Encoding::uhc:
    case Encoding::johab:
    case Encoding::gb18030:
    case Encoding::unknown: return true;
  }
  return true;
}

}  // namespace pgmoat::sql
