// The gate's limits, each at the limit and one past it, and what it counts to get there.
#include "sql/gate.h"

#include <gtest/gtest.h>

#include <string>

using namespace pgmoat::sql;

namespace {

std::string times(std::size_t count, std::string_view part) {
  std::string out;
  out.reserve(count * part.size());
  for (std::size_t i = 0; i < count; ++i) out += part;
  return out;
}

Scan scan(std::string_view text, const Limits& limits = {}) {
  return Gate(limits).scan(text, true);
}

Limits small() {
  Limits limits;
  limits.text_bytes = 1000;
  limits.comment_depth = 3;
  limits.tokens = 100;
  limits.nesting = 4;
  limits.chain = 5;
  limits.statements = 3;
  limits.depth = 12;
  return limits;
}

TEST(Gate, Passes) {
  const Scan passed = scan("select /* a */ f(x, 'a\\b') -- b\n from t;; ; select 2");
  EXPECT_EQ(passed.opacity, Opacity::none);
  EXPECT_EQ(passed.why, "");
  EXPECT_EQ(passed.tokens, 14u);
  EXPECT_EQ(passed.statements, 2u);
  EXPECT_TRUE(passed.depends_on_scs);
  EXPECT_FALSE(passed.lexically_refused);
  EXPECT_EQ(passed.comments, (std::vector<Span>{{7, 7}, {27, 4}}));
  EXPECT_TRUE(scan("select 'a").lexically_refused);
  EXPECT_EQ(scan("").statements, 0u);
}

struct AtLimit {
  std::string passes, refused;
  Opacity opacity;
  std::string why;
};

TEST(Gate, HoldsEachLimitExactly) {
  const std::string chain = "more than 5 operators in a row (sql.chain)";
  const std::string joins = "more than 5 joins or set operations in a row (sql.chain)";
  const std::string nesting =
      "parentheses, brackets, CASE or BEGIN nested more than 4 deep (sql.nesting)";
  const std::string deep = "expressions more than 12 deep (sql.depth)";
  const AtLimit rows[] = {
      {times(1000, " "), times(1001, " "), Opacity::oversize,
       "more than 1000 bytes (sql.text_bytes)"},
      {"/*/*/**/*/*/1", "/*/*/*/**/*/*/*/1", Opacity::comments,
       "comments nested more than 3 deep (sql.comment_depth)"},
      {times(100, "a "), times(101, "a "), Opacity::tokens, "more than 100 tokens (sql.tokens)"},
      {";a;;a;a;;", ";a;a;a;;a", Opacity::statements,
       "more than 3 statements in one text (sql.statements)"},
      {"((((1))))", "(((((1)))))", Opacity::nesting, nesting},
      {"[[[[1]]]]", "[[[[[1]]]]]", Opacity::nesting, nesting},
      {"([([1])])", "([([case 1 end])])", Opacity::nesting, nesting},
      {times(4, "case ") + times(4, "end "), times(5, "CASE "), Opacity::nesting, nesting},
      {times(4, "begin atomic "), times(5, "begin atomic "), Opacity::nesting, nesting},
      {"1" + times(5, "+1"), "1" + times(6, "+1"), Opacity::nesting, chain},
      {"1" + times(5, " - 1"), "1" + times(6, " - 1"), Opacity::nesting, chain},
      {"1" + times(5, "::int"), "1" + times(6, "::int"), Opacity::nesting, chain},
      {times(5, "not ") + "a", times(6, "not ") + "a", Opacity::nesting, chain},
      {times(5, "- ") + "a", times(6, "- ") + "a", Opacity::nesting, chain},
      {times(5, "@") + " a", times(6, "@ ") + "a", Opacity::nesting, chain},
      {"a" + times(5, " is null"), "a" + times(6, " IS NULL"), Opacity::nesting, chain},
      {"a" + times(5, " isnull"), "a" + times(6, " notnull"), Opacity::nesting, chain},
      {"a" + times(5, " collate x"), "a" + times(6, " collate x"), Opacity::nesting, chain},
      {"a" + times(5, " at time zone x"), "a" + times(6, " at time zone x"), Opacity::nesting,
       chain},
      {"a" + times(5, " like x"), "a" + times(6, " ilike x"), Opacity::nesting, chain},
      {"a" + times(5, " operator(pg_catalog.+) x" + std::string()), "", Opacity::none, ""},
      {"a" + times(5, "||b"), "a" + times(6, "||b"), Opacity::nesting, chain},
      {"a" + times(5, " union b"), "a" + times(6, " union b"), Opacity::nesting, joins},
      {"a" + times(5, " intersect all b"), "a" + times(6, " except b"), Opacity::nesting, joins},
      {"a" + times(5, " join b"), "a" + times(6, " join b"), Opacity::nesting, joins},
      {"a" + times(5, ", b join c on d and e"), "a" + times(6, ", b join c on d and e"),
       Opacity::nesting, joins},
      // Depth adds up: 4 brackets of 1 + 2 each; then with one operator more inside.
      {times(4, "1+1+(") + "1" + times(4, ")"), times(4, "1+1+(") + "1+1" + times(4, ")"),
       Opacity::nesting, deep},
      {times(4, "(") + "1" + times(4, "+1+1)"), times(4, "(") + "1+1" + times(4, "+1+1)"),
       Opacity::nesting, deep},
  };
  for (const AtLimit& row : rows) {
    const Scan at_limit = scan(row.passes, small());
    EXPECT_EQ(at_limit.opacity, Opacity::none) << row.passes << ": " << at_limit.why;
    if (row.refused.empty()) continue;
    const Scan past = scan(row.refused, small());
    EXPECT_EQ(past.opacity, row.opacity) << row.refused;
    EXPECT_EQ(past.why, row.why) << row.refused;
    EXPECT_LE(past.position, row.refused.size());
  }
}

TEST(Gate, CountsWhatFlexThrowsBack) {
  // n comments without a space between them cost 4 * n * (n + 1) / 2.
  EXPECT_EQ(scan(times(1413, "/**/")).opacity, Opacity::none);
  const Scan refused = scan(times(1414, "/**/"));
  EXPECT_EQ(refused.opacity, Opacity::comments);
  EXPECT_EQ(refused.why,
            "comments or operators without a space between them, over 4000000 steps to read");
  EXPECT_EQ(scan(times(200'000, "/* */ ")).opacity, Opacity::oversize);
  EXPECT_EQ(scan(times(170'000, "/* */ ")).opacity, Opacity::none);
}

// What ends a count must be nothing that an operator reaches across.
TEST(Gate, CountsEachSegmentAlone) {
  const Limits limits = small();
  for (const char* separator : {", ", " and ", " OR ", " when ", " then ", " else ", " where ",
                                " on ", " having ", " order ", " limit ", "; ", " select "}) {
    const std::string text = "a+a+a" + std::string(separator) + "a+a+a" + separator + "a+a+a";
    EXPECT_EQ(scan(text, limits).opacity, Opacity::none) << text;
  }
  // Names and labels that only look like one; the AND of a BETWEEN; words that may be names.
  for (const char* joint : {"+a.and", "+a . or", "+a.select", " between 1 and 2 is null",
                            "+\"and\"", "+f() within group (order by x)", " is distinct from a",
                            " like a escape b", "+from", "+set"}) {
    EXPECT_EQ(scan("a" + times(6, joint), limits).opacity, Opacity::nesting) << joint;
  }
  EXPECT_EQ(scan("a between 1 and 2" + times(8, " and a between 1 and 2"), limits).opacity,
            Opacity::none);
}

TEST(Gate, SeesWhatOpensAndCloses) {
  const Limits limits = small();
  for (const char* text :
       {"select a.case, b.case, c.case, d.case, e.case", "select 1 as case, 2 as case, 3 as case",
        "begin; end; end", "begin atomic; end", "(case) (case) (case) (case) (case)",
        "case; case; case", "end end end end end", ") ) ) ) )",
        "select case when a then b end, case a end, case a end, case a end, case a end"}) {
    EXPECT_EQ(scan(text, limits).opacity, Opacity::none) << text;
  }
  // The statements of a body are not the text's, and their joins do not add up.
  EXPECT_EQ(scan("create begin atomic a; b; c; d; e; end", limits).statements, 1u);
  EXPECT_EQ(scan("begin atomic" + times(9, " a union b;"), limits).opacity, Opacity::none);
}

TEST(Gate, IsReused) {
  Gate gate(small());
  EXPECT_EQ(gate.scan("((((((", true).opacity, Opacity::nesting);
  EXPECT_EQ(gate.scan("/* a */ '\\'", false).comments.size(), 1u);
  EXPECT_TRUE(gate.scan("'a", true).lexically_refused);
  const Scan& again = gate.scan("((((1))))", true);
  EXPECT_EQ(again.opacity, Opacity::none);
  EXPECT_EQ(again.why, "");
  EXPECT_EQ(again.tokens, 9u);
  EXPECT_TRUE(again.comments.empty());
  EXPECT_FALSE(again.depends_on_scs || again.lexically_refused);
}

TEST(Gate, BlanksComments) {
  std::string text = "a/* b\n */c -- d\r'e' -- f\n'g'--";
  const Scan found = scan(text);
  blank_comments(text, found.comments);
  EXPECT_EQ(text, "a        c     \r'e'     \n'g'  ");
}

// PostgreSQL refuses these; without the comment the constant would go on behind the newline.
TEST(Gate, SparesCommentsBetweenConstants) {
  for (std::string text : {"'a' /* b\n */ 'c'", "'a' /* b */\n 'c'", "'a'\n-- x\n/* b */\n'c'",
                           "B'1'\n/* b */'0'", "'a'/**/\n'b' -- d\n 'c'"}) {
    const std::string before = text;
    const Scan found = scan(text);
    blank_comments(text, found.comments);
    EXPECT_EQ(scan(text).tokens, found.tokens) << before;
  }
}

}  // namespace
