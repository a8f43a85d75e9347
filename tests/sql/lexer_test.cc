// Tokens as PostgreSQL 15's scan.l cuts them. `cut` writes them between bars, comments in braces at
// the end, and "!" with the reason where the server refuses the text.
#include "sql/lexer.h"

#include <gtest/gtest.h>

#include <string>

using namespace pgmoat::sql;

namespace {

std::string cut(std::string_view text, bool scs = true) {
  std::vector<Span> comments;
  Lexer lexer(text, scs, comments);
  std::string out;
  Token token;
  for (token = lexer.next(); token.kind != TokenKind::end && token.kind != TokenKind::bad;
       token = lexer.next()) {
    if (!out.empty()) out += '|';
    out += text.substr(token.at, token.size);
  }
  for (const Span& comment : comments) {
    out.append("{").append(text.substr(comment.at, comment.size)).append("}");
  }
  if (token.kind == TokenKind::bad) out.append("!").append(lexer.fault());
  return out;
}

struct Row {
  const char* text;
  const char* tokens;
};

TEST(Lexer, CutsAsPostgresDoes) {
  const Row rows[] = {
      {"", ""},
      {" \t\n\r\f", ""},
      {"select 1", "select|1"},
      {"a\vb", "a|\v|b"},  // no white space before 16
      {"a$b$c _x1 \xC3\xA9\xC3\xA9 x\xC2\xA0y", "a$b$c|_x1|\xC3\xA9\xC3\xA9|x\xC2\xA0y"},
      {"\"a\"\"b\" \"c\"\"\"", "\"a\"\"b\"|\"c\"\"\""},
      {"U&\"d\\0061t\" u&\"x\" U&x U &\"x\"", "U&\"d\\0061t\"|u&\"x\"|U|&|x|U|&|\"x\""},
      {"''", "''"},
      {"'a''b' 'c\\' 'd'", "'a''b'|'c\\'|'d'"},
      {"E'a\\'b' e'\\\\' 'x'", "E'a\\'b'|e'\\\\'|'x'"},
      {"abcE'x'", "abcE|'x'"},
      {"B'01''0' X'1F' b'1'", "B'01'|'0'|X'1F'|b'1'"},
      {"N'x' n 'y'", "N|'x'|n|'y'"},
      {"U&'\\0041' u&'b' UESCAPE '!'", "U&'\\0041'|u&'b'|UESCAPE|'!'"},
      {"'a'\n'b'", "'a'\n'b'"},
      {"'a' 'b'", "'a'|'b'"},
      {"'a' -- c\n 'b'", "'a' -- c\n 'b'{-- c}"},
      {"'a'\r'b'", "'a'\r'b'"},
      {"'a'\f\n\f'b' \n -- x\n -- y\n 'c'", "'a'\f\n\f'b' \n -- x\n -- y\n 'c'{-- x}{-- y}"},
      {"'a' /* c\n */ 'b'", "'a'|'b'{/* c\n */}"},
      {"'a' -- c", "'a'{-- c}"},
      {"'a'\n - 1", "'a'|-|1"},
      {"'a'\n --1", "'a'{--1}"},
      {"'a'\nE'b'", "'a'|E'b'"},
      {"E'a'\n'b\\'' || 1", "E'a'\n'b\\''||||1"},
      {"B'0'\n'1'", "B'0'\n'1'"},
      {"$$a$$ $x$ $$ ' $x$ $x$$y$$x$", "$$a$$|$x$ $$ ' $x$|$x$$y$$x$"},
      {"$a$b$a$a$", "$a$b$a$|a$"},
      {"$\xC3\xA9$'$\xC3\xA9$", "$\xC3\xA9$'$\xC3\xA9$"},
      {"$1 $23 $ 1 $a b$", "$1|$23|$|1|$|a|b$"},
      {"a$$b$$", "a$$b$$"},
      {"1 1.5 1. .5 1e5 1.5E-3 .5e+2 1..10 1...5", "1|1.5|1.|.5|1e5|1.5E-3|.5e+2|1|..|10|1|..|.5"},
      {"1.5.5 a.b a.1", "1.5|.5|a|.|b|a|.1"},
      {"-- c\n1", "1{-- c}"},
      {"1 -- c\r2", "1|2{-- c}"},
      {"1/* a /* b */ c */2", "1|2{/* a /* b */ c */}"},
      {"1/**/2/***/3/*/ */4/*****/", "1|2|3|4{/**/}{/***/}{/*/ */}{/*****/}"},
      {"/* -- */ 1 -- /*", "1{/* -- */}{-- /*}"},
      {"1+/* c */2 1*--c\n2", "1|+|2|1|*|2{/* c */}{--c}"},
      {"a=-1 a?-1 a@-1 a+-+-1 a<=+1 a!=-1 a~-1",
       "a|=|-|1|a|?-|1|a|@-|1|a|+|-|+|-|1|a|<=|+|1|a|!=-|1|a|~-|1"},
      {"a<>b a=>b a::int a:=b :x a->>b a||b", "a|<>|b|a|=>|b|a|::|int|a|:=|b|:|x|a|->>|b|a||||b"},
      {"+-/*x*/-1 +---x", "+|-|-|1|+{/*x*/}{---x}"},
      {"{ } \\ \x01", "{|}|\\|\x01"},
      {"f(a[1:2],*);", "f|(|a|[|1|:|2|]|,|*|)|;"},
  };
  for (const Row& row : rows) EXPECT_EQ(cut(row.text), row.tokens) << row.text;
}

TEST(Lexer, ReadsBackslashesByTheSetting) {
  EXPECT_EQ(cut("select 'x\\'' as c; -- '", false), "select|'x\\''|as|c|;{-- '}");
  EXPECT_EQ(cut("select 'x\\'' as c; -- '"), "select|'x\\'' as c; -- '");
  EXPECT_EQ(cut("'a\\'\n'b\\'' c'", false), "'a\\'\n'|b|\\|''|c!unterminated quoted string");
  EXPECT_EQ(cut("B'\\' 1", false), "B'\\'|1");
}

TEST(Lexer, SaysWhatTheServerRefuses) {
  const Row rows[] = {
      {"'a", "!unterminated quoted string"},
      {"E'a\\", "!unterminated quoted string"},
      {"E'a\\'", "!unterminated quoted string"},
      {"B'1", "!unterminated quoted string"},
      {"\"a\"\"", "!unterminated quoted identifier"},
      {"\"\"", "!zero-length delimited identifier"},
      {"U&\"\"", "!zero-length delimited identifier"},
      {"$a$ $A$", "!unterminated dollar-quoted string"},
      {"1 /* a /* b */", "1{/* a /* b */}!unterminated /* comment"},
      {"/*", "{/*}!unterminated /* comment"},
      {"/*/", "{/*/}!unterminated /* comment"},
      {"1a", "!trailing junk after numeric literal"},
      {"1.5a", "!trailing junk after numeric literal"},
      {"1e", "!trailing junk after numeric literal"},
      {"1e+", "!trailing junk after numeric literal"},
      {"0x10", "!trailing junk after numeric literal"},
      {"$1a", "!trailing junk after parameter"},
  };
  for (const Row& row : rows) EXPECT_EQ(cut(row.text), row.tokens) << row.text;
  EXPECT_EQ(cut("U&'a'", false), "!unsafe use of string constant with Unicode escapes");
  EXPECT_EQ(cut(std::string(63, '=')), std::string(63, '='));
  EXPECT_EQ(cut(std::string(64, '=')), "!operator too long");
}

TEST(Lexer, KnowsWhatDependsOnTheSetting) {
  const auto depends = [](std::string_view text, bool scs) {
    std::vector<Span> comments;
    Lexer lexer(text, scs, comments);
    for (Token token;
         token = lexer.next(), token.kind != TokenKind::end && token.kind != TokenKind::bad;) {
    }
    return lexer.depends_on_scs();
  };
  for (const bool scs : {true, false}) {
    EXPECT_TRUE(depends("select 'a\\b'", scs));
    EXPECT_TRUE(depends("select U&'a'", scs));
    EXPECT_FALSE(depends("select E'a\\b', $$\\$$, \"\\\", B'\\', 'a' -- \\\n /* \\ */", scs));
  }
}

// What costs flex more than one step a byte is counted, and costs us one.
TEST(Lexer, CountsWhatFlexThrowsBack) {
  const auto thrown_back = [](std::string_view text) {
    std::vector<Span> comments;
    Lexer lexer(text, true, comments);
    while (lexer.next().kind != TokenKind::end) {
    }
    return lexer.thrown_back();
  };
  std::string runs, comments, nested(1000, '+');
  for (int i = 0; i < 1000; ++i) runs += "+ ", comments += "/**/";
  EXPECT_EQ(thrown_back(runs), 1000u);
  EXPECT_EQ(thrown_back(comments), 4u * 1000 * 1001 / 2);
  EXPECT_EQ(thrown_back(nested), 1000u * 1001 / 2);
}

}  // namespace
