#include "sql/readings.h"

#include <array>
#include <string>

#include "sql/encoding.h"
#include "sql/lexer.h"

namespace pgmoat::sql {

namespace {

// All that the bytes may be under a client_encoding that the client could have chosen: those that
// can hide a quote, and one of each kind of the others, for the names in the text.
constexpr std::array<std::string_view, 9> kEncodings = {
    "UTF8", "LATIN1", "SJIS", "SHIFT_JIS_2004", "BIG5", "GBK", "UHC", "JOHAB", "GB18030"};

bool has_high_bytes(std::string_view text) {
  for (const char byte : text) {
    if (static_cast<unsigned char>(byte) >= 0x80) return true;
  }
  return false;
}

struct Lexed {
  bool refused = false, depends_on_scs = false;
};

Lexed lex(std::string_view text, bool standard_conforming_strings, std::vector<Span>& comments) {
  comments.clear();
  Lexer lexer(text, standard_conforming_strings, comments);
  Token token;
  do token = lexer.next();
  while (token.kind != TokenKind::end && token.kind != TokenKind::bad);
  return {token.kind == TokenKind::bad, lexer.depends_on_scs()};
}

}  // namespace

std::vector<Dialect> possible_readings(std::string_view text, const Dialect& known, bool certain) {
  std::vector<Dialect> readings{known};
  if (certain || text.find('\0') != std::string_view::npos) return readings;
  std::vector<Dialect> candidates{known};
  if (has_high_bytes(text)) {
    for (const std::string_view name : kEncodings) {
      Dialect other = known;
      set_encoding(other, name);
      if (other != known && is_legal(text, other)) candidates.push_back(other);
    }
  }
  std::string storage;
  std::vector<Span> comments;
  for (const Dialect& candidate : candidates) {
    const auto converted = to_utf8(text, candidate, storage);
    if (!converted) {  // the server may run what we cannot read: the judge must see that
      if (candidate != known) readings.push_back(candidate);
      continue;
    }
    const Lexed lexed = lex(*converted, candidate.standard_conforming_strings, comments);
    if (!lexed.refused && candidate != known) readings.push_back(candidate);
    if (!lexed.depends_on_scs) continue;
    Dialect flipped = candidate;
    flipped.standard_conforming_strings = !flipped.standard_conforming_strings;
    if (!lex(*converted, flipped.standard_conforming_strings, comments).refused) {
      readings.push_back(flipped);
    }
  }
  return readings;
}

}  // namespace pgmoat::sql
