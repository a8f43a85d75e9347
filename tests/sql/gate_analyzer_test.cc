// The whole verdict on the worst texts that the gate lets through, on the stack that analyzing threads
// have: no crash, at most 50 ms of the processor, and memory that is a small multiple of the text.
#include <gtest/gtest.h>

#include <algorithm>

#include "sql/analysis.h"
#include "sql/gate_texts.h"

using namespace pgmoat::sql;

namespace {

// What costs nothing to parse, but tempts whoever makes facts of it.
std::vector<Worst> tempting_texts() {
  const Limits limits;
  const std::size_t tokens = limits.tokens, chain = limits.chain;
  const std::string long_text(400, 'a');
  return {
      {"calls in a row", "select " + times(tokens / 5 - 2, "f(x),") + "1"},
      {"fields", "select (a)" + times(tokens / 2 - 4, ".b")},
      {"a setting's list", "set search_path=" + times(tokens / 2 - 4, "a,") + "b"},
      {"a role's setting", "alter role x set a to " + times(tokens / 4, "'b',") + "'c'"},
      {"concatenated constants",
       "select query_to_xml(" + times(chain - 2, "'" + long_text + "'||") + "'b')"},
      {"casts around a chain of ||", "select 1 where false and " + times(97, "(") + "'" +
                                         times(20'000, "a") + "'" + times(48, "||'b')") +
                                         times(49, ")::regclass") + " is null"},
      {"casts around each step of a chain", "select 1 where false and " + times(96, "(") + "'" +
                                                times(900'000, "a") + "'" +
                                                times(48, "||'b')::regclass)") + " is null"},
      {"conditions of constants", "select 1 where " + times(tokens / 5, "1=1 or ") + "a=1"},
      {"subqueries", "select " + times(tokens / 12, "(select a from b where c=1),") + "1"},
      {"a text in a text", "select query_to_xml('select " + times(tokens / 2 - 4, "a,") + "a')"},
      {"texts in a text", "select " + times(tokens / 5 - 2, "query_to_xml('select 1'),") + "1"},
      {"a body", "do $$begin " + times(90'000, "select 1;") + " end$$"},
      {"blocks in a body",
       "do $$" + times(20'000, "begin ") + "null;" + times(20'000, "end;") + "$$"},
      {"comments", times(100'000, "/*a='b'*/ ") + "select 1"},
      {"read twice",
       "select " + times(tokens / 2 - 20, "a,") + "1 where 1 not /* c */ in (1) order"},
  };
}

TEST(GateAnalyzer, JudgesWhatPassesInBoundedTimeAndMemory) {
  on_parser_stack([] {
    Analyzer analyzer;
    auto texts = worst_texts();
    for (auto& text : tempting_texts()) texts.push_back(std::move(text));
    for (const Worst& worst : texts) {
      double best = 1e9;
      std::size_t memory = 0;
      for (int tries = 0; tries < 5 && best > 50 * kSlower; ++tries) {
        const double begin = spent_ms();
        memory = analyzer.analyze(worst.text, Dialect{})->memory();
        best = std::min(best, spent_ms() - begin);
      }
      EXPECT_LE(best, 50 * kSlower) << worst.name;
      EXPECT_LE(memory, 16u << 20) << worst.name;
    }
  });
}

}  // namespace
