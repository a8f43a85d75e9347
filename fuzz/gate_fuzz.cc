// Text before it is parsed: a byte that picks the dialect, then the text. Tokens and comments are in
// order and in bounds; blanking comments moves no token; what passes the gate is cut as libpg_query
// cuts it; UTF-8 is judged as a slow decoder judges it; and no conversion makes a quote of what was none.
#include <pg_query.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "roundtrip.h"
#include "sql/encoding.h"
#include "sql/gate.h"
#include "sql/readings.h"

using namespace pgmoat;
using namespace pgmoat::sql;

extern "C" __thread bool standard_conforming_strings;  // libpg_query's, of each thread

namespace {

constexpr std::array kEncodings = std::to_array<std::string_view>(
    {"UTF8", "SQL_ASCII", "LATIN1", "WIN1258", "SJIS", "SHIFT_JIS_2004", "BIG5", "GBK", "UHC",
     "JOHAB", "GB18030", "EUC_JP", "EUC_TW", "MULE_INTERNAL", "none"});

bool decodes(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = [&](std::size_t i) {
      return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
    };
    const unsigned lead = byte(0);
    const std::size_t size = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : 4;
    if (size == 4 && lead >> 3 != 30) return false;
    std::uint32_t value = size == 1 ? lead : lead & (0x7Fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
      if (byte(i) >> 6 != 2) return false;
      value = value << 6 | (byte(i) & 63);
    }
    constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < kSmallest[size] || value > 0x10FFFF) return false;
    if (value >= 0xD800 && value <= 0xDFFF) return false;
    at += size;
  }
  return true;
}

struct Cut {
  std::vector<std::uint32_t> tokens;
  bool refused = false;
};

Cut cut(std::string_view text, bool scs) {
  std::vector<Span> comments;
  Lexer lexer(text, scs, comments);
  Cut out;
  std::size_t last = 0;
  for (;;) {
    const Token token = lexer.next();
    PGMOAT_CHECK(token.at >= last && token.at + std::size_t{token.size} <= text.size());
    last = token.at + std::size_t{token.size};
    out.refused = token.kind == TokenKind::bad;
    if (out.refused || token.kind == TokenKind::end) break;
    PGMOAT_CHECK(token.size > 0);
    out.tokens.push_back(token.at);
  }
  last = 0;
  for (const Span& comment : comments) {
    PGMOAT_CHECK(comment.at >= last && comment.at + std::size_t{comment.size} <= text.size());
    last = comment.at + std::size_t{comment.size};
  }
  return out;
}

std::uint64_t varint(const unsigned char*& at) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    value |= std::uint64_t{*at & 127u} << shift;
    if ((*at++ & 128) == 0) return value;
  }
}

// The starts of ScanResult's tokens must be ours. libpg_query also refuses values; we do not.
void compare_with_libpg_query(const std::string& text, bool scs) {
  const Cut ours = cut(text, scs);
  standard_conforming_strings = scs;
  PgQueryScanResult result = pg_query_scan(text.c_str());
  if (result.error != nullptr) {
    const std::string_view why(result.error->message);
    PGMOAT_CHECK(ours.refused || why.starts_with("invalid "));
  } else {
    PGMOAT_CHECK(!ours.refused);
    std::size_t count = 0;
    auto at = reinterpret_cast<const unsigned char*>(result.pbuf.data);
    for (const auto end = at + result.pbuf.len; at < end;) {
      const std::uint64_t tag = varint(at), value = varint(at);
      if (tag >> 3 != 2) continue;
      std::uint64_t fields[8] = {};
      for (const auto stop = at + value; at < stop;) {
        const std::uint64_t field = varint(at) >> 3;
        fields[field & 7] = varint(at);
      }
      if (fields[4] == 275 || fields[4] == 276) continue;  // a comment that was spared
      PGMOAT_CHECK(count < ours.tokens.size() && ours.tokens[count] == fields[1]);
      ++count;
    }
    PGMOAT_CHECK(count == ours.tokens.size());
  }
  pg_query_free_scan_result(result);
}

void check_scan(std::string_view text, bool scs) {
  Gate gate(Limits{});
  const Scan& scan = gate.scan(text, scs);
  const Cut before = cut(text, scs);
  if (scan.opacity != Opacity::none) {
    PGMOAT_CHECK(!scan.why.empty() && scan.position <= text.size());
    return;
  }
  PGMOAT_CHECK(scan.tokens == before.tokens.size() && scan.lexically_refused == before.refused);
  if (scan.lexically_refused) return;
  std::string blanked(text);
  blank_comments(blanked, scan.comments);
  const Cut after = cut(blanked, scs);
  PGMOAT_CHECK(blanked.size() == text.size() && !after.refused && after.tokens == before.tokens);
  compare_with_libpg_query(blanked, scs);
}

void check_conversion(std::string_view text, const Dialect& dialect) {
  std::string storage;
  const auto converted = to_utf8(text, dialect, storage);
  if (!converted) return;
  PGMOAT_CHECK(decodes(*converted));
  for (const char byte : {'\'', '"', '\\', '$', '-', '/', '*'}) {
    PGMOAT_CHECK(std::count(converted->begin(), converted->end(), byte) <=
                 std::count(text.begin(), text.end(), byte));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Dialect dialect;
  set_encoding(dialect, kEncodings[(data[0] >> 1) % kEncodings.size()]);
  dialect.standard_conforming_strings = (data[0] & 1) == 0;
  const std::vector<char> exact(data + 1, data + size);
  const std::string_view text(exact.data(), exact.size());

  PGMOAT_CHECK(valid_utf8(text) == decodes(text));
  check_conversion(text, dialect);
  const auto readings = possible_readings(text, dialect, false);
  PGMOAT_CHECK(!readings.empty() && readings.front() == dialect && readings.size() <= 20);
  for (const Dialect& reading : readings) {
    PGMOAT_CHECK(std::count(readings.begin(), readings.end(), reading) == 1);
  }
  check_scan(text.substr(0, text.find('\0')), dialect.standard_conforming_strings);
  return 0;
}
