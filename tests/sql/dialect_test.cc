// Encodings by every name that PostgreSQL takes.
#include "sql/dialect.h"

#include <gtest/gtest.h>

using namespace pgmoat::sql;

namespace {

struct Row {
  const char *name, *official;
  Encoding encoding;
};

TEST(Dialect, KnowsEncodingsByAnySpelling) {
  const Row rows[] = {
      {"UTF8", "UTF8", Encoding::utf8},
      {"utf-8", "UTF8", Encoding::utf8},
      {"Unicode", "UTF8", Encoding::utf8},
      {"SQL_ASCII", "SQL_ASCII", Encoding::sql_ascii},
      {"latin1", "LATIN1", Encoding::single_byte},
      {"ISO-8859-1", "LATIN1", Encoding::single_byte},
      {"ISO_8859_5", "ISO_8859_5", Encoding::single_byte},
      {"iso 8859.15", "LATIN9", Encoding::single_byte},
      {"WIN", "WIN1251", Encoding::single_byte},
      {"Windows-1252", "WIN1252", Encoding::single_byte},
      {"KOI8", "KOI8R", Encoding::single_byte},
      {"EUC_JIS_2004", "EUC_JIS_2004", Encoding::euc},
      {"MULE_INTERNAL", "MULE_INTERNAL", Encoding::euc},
      {"Shift_JIS", "SJIS", Encoding::sjis},
      {"mskanji", "SJIS", Encoding::sjis},
      {"SHIFT_JIS_2004", "SHIFT_JIS_2004", Encoding::shift_jis_2004},
      {"win950", "BIG5", Encoding::big5},
      {"Windows936", "GBK", Encoding::gbk},
      {"UHC", "UHC", Encoding::uhc},
      {"JOHAB", "JOHAB", Encoding::johab},
      {"GB18030", "GB18030", Encoding::gb18030},
      {"", "", Encoding::unknown},
      {"utf16", "", Encoding::unknown},
      {"utf8x", "", Encoding::unknown},
      {"u-t-f-8--------------------------------------------------------", "UTF8", Encoding::utf8},
      {"u-t-f-8---------------------------------------------------------", "", Encoding::unknown},
  };
  for (const Row& row : rows) {
    Dialect dialect;
    set_encoding(dialect, row.name);
    EXPECT_EQ(dialect.encoding, row.encoding) << row.name;
    EXPECT_EQ(dialect.encoding_name, row.official) << row.name;
  }
}

TEST(Dialect, KnowsWhereAsciiMayTrail) {
  for (const Encoding safe :
       {Encoding::utf8, Encoding::sql_ascii, Encoding::single_byte, Encoding::euc}) {
    EXPECT_FALSE(has_ascii_trail_bytes(safe));
  }
  for (const Encoding unsafe : {Encoding::sjis, Encoding::big5, Encoding::gbk, Encoding::gb18030,
                                Encoding::uhc, Encoding::unknown}) {
    EXPECT_TRUE(has_ascii_trail_bytes(unsafe));
  }
}

}  // namespace
