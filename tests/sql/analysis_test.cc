// An Analysis as such: what it owns, what it says where a text cannot be read, and its limits, each
// at the limit and one past it.
#include "sql/analysis.h"

#include <gtest/gtest.h>

#include <string>

#include "describe.h"
#include "views.h"

namespace pgmoat::sql {
namespace {

std::shared_ptr<const Analysis> read_with(const Limits& limits, const std::string& text,
                                          const Dialect& dialect = {}) {
  Analyzer analyzer(limits);
  return analyzer.analyze(text, dialect);
}

TEST(Analysis, OwnsWhatItSays) {
  auto text = std::make_unique<std::string>(
      "select a.b, f('x'||'y') from s.t; do $$begin perform g(1); end$$ /*traceparent='0-1'*/");
  const auto analysis = read(*text);
  text.reset();
  EXPECT_EQ(outside(*analysis), "");
  EXPECT_EQ(analysis->statements().size(), 2u);
  EXPECT_EQ(analysis->statements()[0].text, "select a.b, f('x'||'y') from s.t");
  EXPECT_EQ(analysis->statements()[0].relations[0].qualified, "s.t");
  EXPECT_EQ(analysis->traceparent(), "0-1");
  EXPECT_GT(analysis->memory(), 1000u);
}

TEST(Analysis, PlacesAreThoseOfTheText) {
  const auto analysis = read("select 1;  select f(a) from t -- x");
  const Facts& facts = analysis->statements()[1];
  EXPECT_EQ(analysis->statements()[0].position, 0u);
  EXPECT_EQ(facts.position, 9u);
  EXPECT_EQ(facts.text, "  select f(a) from t -- x");
  EXPECT_EQ(facts.functions[0].position, 18u);
  EXPECT_EQ(facts.relations[0].position, 28u);
  ASSERT_EQ(analysis->comments().size(), 1u);
  EXPECT_EQ(analysis->comments()[0], "-- x");
}

TEST(Analysis, TraceparentOfSqlcommenter) {
  EXPECT_EQ(read("select 1 /*action='%2Fx',traceparent='00-5bd6-c1-01'*/")->traceparent(),
            "00-5bd6-c1-01");
  EXPECT_EQ(read("select 1 /*traceparent='00%2D1'*/")->traceparent(), "00-1");
  EXPECT_EQ(read("select '/*traceparent=''x''*/'")->traceparent(), "");
  EXPECT_EQ(read("select 1 -- traceparent='x'")->traceparent(), "");
}

TEST(Analysis, AnEmptyTextHasNoStatements) {
  for (const char* text : {"", "  ", ";", " ;; ", "-- x"}) {
    EXPECT_TRUE(read(text)->statements().empty()) << text;
    EXPECT_EQ(read(text)->opacity(), Opacity::none) << text;
  }
}

TEST(Analysis, WhatTheGrammarRefusesIsOpaque) {
  const auto analysis = read("select 'é', from from");
  EXPECT_EQ(describe(*analysis), "opaque unparsable: syntax error");
  EXPECT_EQ(analysis->error_position(), 13u);
  EXPECT_TRUE(analysis->statements().empty());
}

TEST(Analysis, CommentsBetweenWordsThatBelongTogether) {
  EXPECT_EQ(describe(*read("select 1 from t where a not /*x*/ in (2)")),
            "select SELECT | rel t read from | col a where | lit '1' integer target | lit '2' "
            "integer where");
  EXPECT_EQ(read("select 'a' -- c\n 'b'")->statements()[0].literals[0].value, "ab");
  EXPECT_EQ(read("select 1 nulls /*x*/ first")->opacity(), Opacity::unparsable);
}

TEST(Analysis, ReadsUnderItsDialect) {
  const std::string text = R"(select '\'' || pg_read_file($$x$$) --')";
  EXPECT_EQ(read_with({}, text)->opacity(), Opacity::none);
  EXPECT_TRUE(read_with({}, text)->statements()[0].functions.empty());
  const auto off = read_with({}, text, {.standard_conforming_strings = false});
  EXPECT_EQ(off->opacity(), Opacity::none) << off->why();
  EXPECT_EQ(off->statements()[0].functions[0].name, "pg_read_file");
  EXPECT_TRUE(off->depends_on_scs());
}

TEST(Analysis, ReadsOtherEncodings) {
  Dialect sjis;
  set_encoding(sjis, "SJIS");
  const std::string text = "select E'\x95\x5c', pg_read_file($$x$$) --'";
  const auto analysis = read_with({}, text, sjis);
  EXPECT_EQ(analysis->opacity(), Opacity::none) << analysis->why();
  EXPECT_TRUE(analysis->converted());
  EXPECT_EQ(analysis->text(), text);
  EXPECT_EQ(outside(*analysis), "");
  EXPECT_EQ(analysis->statements()[0].functions[0].name, "pg_read_file");
  EXPECT_TRUE(analysis->depends_on_encoding());
  EXPECT_EQ(read_with({}, "select '\xff'")->opacity(), Opacity::encoding);
  EXPECT_EQ(read_with({}, std::string("select 1\0;", 10))->opacity(), Opacity::encoding);
}

TEST(Analysis, ReplicationCommands) {
  const Dialect walsender{.replication = true};
  const struct {
    const char *text, *facts;
  } rows[] = {
      {"IDENTIFY_SYSTEM", "other IDENTIFY_SYSTEM"},
      {" start_replication slot x 0/0", "other START_REPLICATION"},
      {"CREATE_REPLICATION_SLOT \"a\" LOGICAL b", "other CREATE_REPLICATION_SLOT | writes"},
      {"BASE_BACKUP ( LABEL 'x' )", "other BASE_BACKUP"},
      {"SHOW wal_segment_size", "show SHOW"},
      {"select 1", "select SELECT | lit '1' integer target"},
  };
  for (const auto& [text, facts] : rows)
    EXPECT_EQ(describe(*read_with({}, text, walsender)), facts);
  EXPECT_EQ(read("IDENTIFY_SYSTEM")->opacity(), Opacity::unparsable);
  EXPECT_EQ(read_with({}, "IDENTIFY_SYSTEMS", walsender)->opacity(), Opacity::unparsable);
}

TEST(Analysis, LimitsAreHeld) {
  const std::string text = "select ((a)) from t where b = 1";
  const auto opacity = [&](auto member, std::uint32_t value) {
    Limits limits;
    limits.*member = value;
    return read_with(limits, text)->opacity();
  };
  EXPECT_EQ(opacity(&Limits::text_bytes, 31), Opacity::none);
  EXPECT_EQ(opacity(&Limits::text_bytes, 30), Opacity::oversize);
  EXPECT_EQ(opacity(&Limits::tokens, 13), Opacity::none);
  EXPECT_EQ(opacity(&Limits::tokens, 3), Opacity::tokens);
  EXPECT_EQ(opacity(&Limits::nesting, 2), Opacity::none);
  EXPECT_EQ(opacity(&Limits::nesting, 1), Opacity::nesting);
  const std::uint32_t nodes = 7;  // SELECT, target, column, table, =, column, constant
  EXPECT_EQ(opacity(&Limits::nodes, nodes + 2), Opacity::none);
  EXPECT_EQ(opacity(&Limits::nodes, 3), Opacity::tree);
  EXPECT_EQ(opacity(&Limits::depth, 10), Opacity::none);
  EXPECT_EQ(opacity(&Limits::depth, 2), Opacity::tree);
}

TEST(Analysis, TextsInTextsAsDeepAsTheLimit) {
  Limits limits;
  limits.body_depth = 1;
  const char* const one = "select query_to_xml('select f()', true, true, '')";
  const char* const two =
      "select query_to_xml('select query_to_xml(''select f()'', true, true, '''')', true, true, "
      "'')";
  EXPECT_FALSE(read_with(limits, one)->statements()[0].dynamic_sql);
  EXPECT_TRUE(read_with(limits, two)->statements()[0].dynamic_sql);
  limits.body_depth = 2;
  EXPECT_FALSE(read_with(limits, two)->statements()[0].dynamic_sql);
  limits.body_depth = 0;
  EXPECT_TRUE(read_with(limits, "do 'begin end'")->statements()[0].dynamic_sql);
  EXPECT_FALSE(read_with(limits, "do 'begin end'")->statements()[0].bodies[0].readable);
}

TEST(Analysis, HostileTextsEnd) {
  const auto repeated = [](const char* unit, std::size_t times, std::string text = "select 1") {
    for (std::size_t i = 0; i < times; ++i) text += unit;
    return text;
  };
  EXPECT_EQ(read(repeated("+1", 400'000))->opacity(), Opacity::nesting);
  EXPECT_EQ(read(repeated("(", 500'000, "select "))->opacity(), Opacity::nesting);
  EXPECT_EQ(read(repeated("/*", 100'000, "select "))->opacity(), Opacity::comments);
  EXPECT_EQ(read(repeated(",1", 90'000))->opacity(), Opacity::none);
  EXPECT_EQ(read(repeated(", f('x')", 30'000))->opacity(), Opacity::none);
  EXPECT_EQ(read(repeated("; select 1", 2'000))->opacity(), Opacity::statements);
  // Every table against every CTE.
  const std::string many =
      repeated(", b as (select 1)", 1'000, "with a as (select 1)") + " select 1 from x";
  EXPECT_EQ(read(repeated(", x", 80'000, many))->opacity(), Opacity::tree);
  // A thousand columns that point to the same twenty thousand calls.
  const std::string wide = repeated(", a", 999, "update t set (a") + ") = (select 1";
  EXPECT_EQ(read(repeated(", f(1)", 20'000, wide) + ")")->statements()[0].functions.size(),
            20'000u);
  EXPECT_EQ(read(repeated(", query_to_xml('select f()', true, true, '')", 5'000))
                ->statements()[0]
                .dynamic_sql,
            true);
}

TEST(Analysis, IsTheSameEachTime) {
  Analyzer analyzer;
  const std::string text =
      "with x as (select 1) select a.b, f('x') from x, t a where 1 = 1 or a.c in (1, 2)";
  const std::string once = describe(*analyzer.analyze(text, {}));
  analyzer.analyze("do $$begin execute 'x'; end$$", {});
  analyzer.analyze("select from from", {});
  EXPECT_EQ(describe(*analyzer.analyze(text, {})), once);
}

}  // namespace
}  // namespace pgmoat::sql
