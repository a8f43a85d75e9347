// Client bytes against PostgreSQL's own cut. The maps in corpus/sql/encoding say which two bytes it
// takes as characters (tests/e2e/test_lexer.py holds them to a server).
#include "sql/encoding.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "sql/lexer.h"

using namespace pgmoat::sql;

namespace {

Dialect dialect(std::string_view encoding) {
  Dialect made;
  set_encoding(made, encoding);
  return made;
}

// The converted text, or "!" and the reason.
std::string utf8(std::string_view text, std::string_view encoding) {
  std::string storage;
  const auto converted = to_utf8(text, dialect(encoding), storage);
  return converted ? std::string(*converted) : "!" + converted.error();
}

struct Row {
  const char *encoding, *text, *converted;
};

TEST(Encoding, ConvertsToUtf8) {
  const Row rows[] = {
      {"UTF8", "a\xC3\xA9", "a\xC3\xA9"},
      {"UTF8", "a\xE9z", "!byte 0xE9 at 1 begins no character of UTF8"},
      {"UTF8", "a\xC3", "!byte 0xC3 at 1 begins no character of UTF8"},
      {"SQL_ASCII", "\xC3\xA9", "\xC3\xA9"},
      {"SQL_ASCII", "\xE9'\xC3\xA9", "\xC3\xA9'\xC3\x83\xC2\xA9"},
      {"LATIN1", "\xE9", "\xC3\xA9"},
      {"LATIN9", "\xA4", "\xE2\x82\xAC"},
      {"WIN1252", "\x80", "\xE2\x82\xAC"},
      {"WIN1252", "\x81", "\xF3\xB0\x82\x81"},  // no such character: a private one
      {"WIN1258", "\xE2\xEC", "\xC3\xA2\xCC\x81"},
      {"KOI8R", "\xC1", "\xD0\xB0"},
      {"EUC_JP", "\xA4\xA2\x8E\xB1", "\xE3\x81\x82\xEF\xBD\xB1"},
      {"EUC_JP", "\xA4'", "!byte 0xA4 at 0 begins no character of EUC_JP"},
      {"EUC_TW", "\x8E\xA1\xA4\xA1'", "\xEF\xBC\x90'"},
      {"MULE_INTERNAL", "\x81\xE9'", "\xF3\xB8\x87\xA9'"},
      {"SJIS", "\x95\x5C'", "\xE8\xA1\xA8'"},
      {"SJIS", "\xB1'", "\xEF\xBD\xB1'"},
      {"SJIS", "\x95'", "!byte 0x95 at 0 begins no character of SJIS"},
      {"SJIS", "\x95", "!byte 0x95 at 0 begins no character of SJIS"},
      {"SHIFT_JIS_2004", "\x95\x5C", "\xE8\xA1\xA8"},
      {"SHIFT_JIS_2004", "\x81\x5F",
       "!a character that the server may read as a backslash or a tilde"},
      {"SHIFT_JIS_2004", "\x81\xB0",
       "!a character that the server may read as a backslash or a tilde"},
      {"BIG5", "\xA5\x5C", "\xE5\x8A\x9F"},
      {"GBK", "\x95\x5C", "\xE6\x98\x9E"},
      {"GB18030", "\x95\x5C\x81\x30\x81\x30", "\xE6\x98\x9E\xC2\x80"},
      {"GB18030", "\x81\x30\x27\x30", "!byte 0x81 at 0 begins no character of GB18030"},
      {"UHC", "\x81\x5C", "!byte 0x81 at 0 begins no character of UHC"},
      {"JOHAB", "\xD9\x5C", "!byte 0xD9 at 0 begins no character of JOHAB"},
      {"klingon", "a", "a"},
      {"klingon", "\xC3\xA9", "!an encoding that is not known"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(utf8(row.text, row.encoding), row.converted) << row.encoding;
  for (const char* encoding : {"UTF8", "LATIN1", "SJIS", "klingon"}) {
    EXPECT_EQ(utf8(std::string_view("a\0b", 3), encoding), "!a NUL byte inside the text");
    const std::string ascii = "select '\\' -- ~";
    std::string storage;
    const auto same = to_utf8(ascii, dialect(encoding), storage);
    EXPECT_TRUE(same && same->data() == ascii.data()) << encoding;  // the text itself, no copy
  }
}

// What the server takes, we take as one character, whose bytes are no ASCII; where a byte could be
// part of no character of ours, the server does not take it either.
TEST(Encoding, CutsTwoBytesAsTheServerDoes) {
  for (const std::string name :
       {"SJIS", "SHIFT_JIS_2004", "BIG5", "GBK", "UHC", "JOHAB", "GB18030"}) {
    std::ifstream in(std::string(PGMOAT_CORPUS) + "/sql/encoding/" + name, std::ios::binary);
    const std::string map{std::istreambuf_iterator<char>(in), {}};
    ASSERT_EQ(map.size(), 128u * 255 / 8) << name;
    const Dialect here = dialect(name);
    int taken = 0, refused_by_us = 0, hides_ascii = 0;
    for (unsigned bit = 0; bit < 128 * 255; ++bit) {
      if ((map[bit / 8] >> (7 - bit % 8) & 1) == 0) continue;
      ++taken;
      const std::string text = {static_cast<char>(bit / 255 + 128),
                                static_cast<char>(bit % 255 + 1)};
      if (!is_legal(text, here)) ++refused_by_us;
      std::string storage;
      const auto converted = to_utf8(text, here, storage);
      if (!converted) continue;  // the two of SHIFT_JIS_2004
      const auto lead = static_cast<unsigned char>(text[0]);
      const bool kana = name.find("JIS") != std::string::npos && lead >= 0xA1 && lead <= 0xDF;
      const auto last = static_cast<unsigned char>(converted->back());
      if (!kana && (last < 0x80 || static_cast<unsigned char>(converted->front()) < 0x80))
        ++hides_ascii;
    }
    EXPECT_GT(taken, 8000) << name;
    EXPECT_EQ(refused_by_us, 0) << name;
    EXPECT_EQ(hides_ascii, 0) << name;
  }
}

// The table of smuggled texts: a reader of bytes takes each for one constant.
TEST(Encoding, ShowsWhatATrailByteHides) {
  const auto tokens = [](std::string_view text) {
    std::vector<Span> comments;
    Lexer lexer(text, true, comments);
    std::string out;
    for (Token token; token = lexer.next(), token.kind != TokenKind::end;) {
      if (token.kind == TokenKind::bad) return std::string(lexer.fault());
      out.append(out.empty() ? "" : "|").append(text.substr(token.at, token.size));
    }
    return out;
  };
  const Row rows[] = {
      {"SJIS", "select E'\x95\\'; drop table t; select $$hit$$ --'",
       "select|E'\xE8\xA1\xA8'|;|drop|table|t|;|select|$$hit$$"},
      {"SJIS", "select E'\x95\\', pg_read_file($$/etc/hostname$$) --'",
       "select|E'\xE8\xA1\xA8'|,|pg_read_file|(|$$/etc/hostname$$|)"},
      {"SHIFT_JIS_2004", "select E'\x95\\', f() --'", "select|E'\xE8\xA1\xA8'|,|f|(|)"},
      {"BIG5", "select E'\xA5\\', f() --'", "select|E'\xE5\x8A\x9F'|,|f|(|)"},
      {"GBK", "select E'\x95\\', f() --'", "select|E'\xE6\x98\x9E'|,|f|(|)"},
      {"GB18030", "select E'\x95\\', f() --'", "select|E'\xE6\x98\x9E'|,|f|(|)"},
      {"LATIN1", "select E'\x95\\', f() --'", "select|E'\xC2\x95\\', f() --'"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(tokens(utf8(row.text, row.encoding)), row.converted) << row.encoding;
    EXPECT_TRUE(depends_on_encoding(row.text));
  }
}

TEST(Encoding, KnowsLegalUtf8) {
  const char* const legal[] = {"",
                               "a",
                               "\xC2\x80",
                               "\xDF\xBF",
                               "\xE0\xA0\x80",
                               "\xED\x9F\xBF",
                               "\xEE\x80\x80",
                               "\xEF\xBF\xBF",
                               "\xF0\x90\x80\x80",
                               "\xF4\x8F\xBF\xBF"};
  const char* const illegal[] = {"\x80",
                                 "\xBF",
                                 "\xC0\xAF",
                                 "\xC1\xBF",
                                 "\xC2",
                                 "\xC2z",
                                 "\xE0\x9F\xBF",
                                 "\xED\xA0\x80",
                                 "\xE1\x80",
                                 "\xE1\x80z",
                                 "\xF0\x8F\xBF\xBF",
                                 "\xF4\x90\x80\x80",
                                 "\xF5\x80\x80\x80",
                                 "\xF1\x80\x80",
                                 "\xFF",
                                 "\xFE"};
  for (std::size_t ahead = 0; ahead < 18; ++ahead) {
    const std::string ascii(ahead, 'x');
    for (const char* text : legal) EXPECT_TRUE(valid_utf8(ascii + text + ascii)) << text;
    for (const char* text : illegal) EXPECT_FALSE(valid_utf8(ascii + text + ascii)) << text;
  }
}

TEST(Encoding, KnowsWhatDependsOnIt) {
  EXPECT_FALSE(depends_on_encoding(""));
  EXPECT_FALSE(depends_on_encoding("select 'a\\b'"));
  EXPECT_FALSE(depends_on_encoding("\xC3\xA9 \xC3\xA9' \xE3\x81\x95\xC3"));
  EXPECT_TRUE(depends_on_encoding("\xE3\x81\x95\\"));
  EXPECT_TRUE(depends_on_encoding("\xE9z"));
  EXPECT_TRUE(
      depends_on_encoding("\xE9"
                          "0"));
  EXPECT_FALSE(depends_on_encoding("\xE9/"));
}

}  // namespace
