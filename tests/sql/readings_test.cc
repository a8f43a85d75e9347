// What a text may be when the dialect is not certain: the dangerous reading must be among them, and
// nothing that the server would refuse.
#include "sql/readings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

using namespace pgmoat::sql;

namespace {

Dialect dialect(std::string_view encoding, bool scs = true) {
  Dialect made;
  set_encoding(made, encoding);
  made.standard_conforming_strings = scs;
  return made;
}

// "UTF8 SJIS/off": the readings beyond the first, which must be `known`.
std::string others(std::string_view text, const Dialect& known) {
  const auto readings = possible_readings(text, known, false);
  EXPECT_EQ(readings.front(), known);
  std::string out;
  for (std::size_t i = 1; i < readings.size(); ++i) {
    EXPECT_EQ(std::count(readings.begin(), readings.end(), readings[i]), 1);
    out.append(out.empty() ? "" : " ").append(readings[i].encoding_name);
    if (readings[i].standard_conforming_strings != known.standard_conforming_strings)
      out += "/flip";
  }
  return out;
}

TEST(Readings, AreOneWhereNothingDepends) {
  const Dialect utf8;
  for (const char* text : {"", "select 1", "select E'a\\'b', $$\\$$ -- \\", "select '\xC3"}) {
    EXPECT_EQ(possible_readings(text, utf8, true), std::vector<Dialect>{utf8});
  }
  EXPECT_EQ(possible_readings("select '\\'", utf8, true).size(), 1u);
  EXPECT_EQ(others("select 1 where a = 'b' -- \\", utf8), "");
  EXPECT_EQ(others(std::string_view("'\\'\0'", 5), utf8), "");
}

struct Row {
  const char* text;
  const char* known;
  bool scs;
  const char* others;
};

TEST(Readings, HoldWhatTheServerMayRead) {
  const Row rows[] = {
      // A plain constant with a backslash: both, where both end.
      {"select 'x\\'' as c; -- '", "UTF8", true, "UTF8/flip"},
      {"select 'x\\'' as c; -- '", "UTF8", false, "UTF8/flip"},
      {"select 'a\\b'", "UTF8", true, "UTF8/flip"},
      {"select 'a\\'", "UTF8", true, ""},          // an open quote with the setting off
      {"select U&'a', '\\\\'", "UTF8", true, ""},  // refused with the setting off
      {"select U&'a'", "UTF8", false, "UTF8/flip"},
      // The last byte of a character of UTF-8 begins one of two bytes, with the backslash.
      {"select E'\xE3\x81\x95\\', f() --'", "UTF8", true, "LATIN1 SJIS SHIFT_JIS_2004 GBK GB18030"},
      {"select E'\xC3\xA5\\', f() --'", "UTF8", true,
       "LATIN1 SJIS SHIFT_JIS_2004 BIG5 GBK UHC JOHAB GB18030"},
      {"select E'\xE3\x81\\', f() --'", "LATIN1", true, "SJIS SHIFT_JIS_2004 GBK UHC GB18030"},
      // Both at once; and a character that cannot be converted for certain is a reading, too.
      {"select '\x95\\' || f() --'", "SJIS", true,
       "LATIN1 LATIN1/flip SHIFT_JIS_2004 BIG5 GBK GB18030"},
      {"select E'\x81\x5F', f()", "UTF8", true, "LATIN1 SJIS SHIFT_JIS_2004 BIG5 GBK GB18030"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(others(row.text, dialect(row.known, row.scs)), row.others) << row.text;
  }
}

}  // namespace
