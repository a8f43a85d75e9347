// The worst texts that the gate lets through, and what it takes to measure reading them.
#pragma once

#include <gtest/gtest.h>
#include <pthread.h>

#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "sql/analysis.h"

namespace pgmoat::sql {

#ifdef __clang__  // the build with sanitizers
inline constexpr double kSlower = 30;
#else
inline constexpr double kSlower = 1;
#endif

// Milliseconds of this thread's processor: tests run beside others.
inline double spent_ms() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

inline void on_parser_stack(std::function<void()> work) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, kParserStack), 0);
  pthread_t thread;
  ASSERT_EQ(pthread_create(
                &thread, &attributes,
                [](void* run) -> void* {
                  (*static_cast<std::function<void()>*>(run))();
                  return nullptr;
                },
                &work),
            0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

inline std::string times(std::size_t count, std::string_view part) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += part;
  return out;
}

// `count` of them are as many as a limit lets through.
struct Worst {
  const char* name;
  std::string text;
};

inline std::vector<Worst> worst_texts() {
  const Limits limits;
  const std::size_t chain = limits.chain, nesting = limits.nesting, tokens = limits.tokens;
  const std::size_t bytes = limits.text_bytes - 20;
  const auto around = [&](std::string_view open, std::string_view close, std::size_t count) {
    return "select " + times(count, open) + "a" + times(count, close);
  };
  return {
      {"terms", "select a" + times(chain, "+a")},
      {"prefixes", "select " + times(chain, "@ ") + "a"},
      {"signs in a run", "select " + times(chain, "+") + "a"},
      {"nots", "select " + times(chain, "not ") + "a"},
      {"casts", "select a" + times(chain, "::int")},
      {"postfixes", "select a" + times(chain, " is null")},
      {"unions", "select 1" + times(chain, " union all select 1")},
      {"joins", "select 1 from a" + times(chain, " join a on true")},
      {"joins to the right",
       "select 1 from " + times(chain, "a join ") + "a" + times(chain, " on true")},
      {"parentheses", around("(", ")", nesting)},
      {"operators in parentheses", around("(a+", ")", nesting)},
      {"prefixes in parentheses", around("(not not not not not not not ", ")", nesting)},
      {"prefixes in brackets, over the grammar's stack",
       around("(" + times(18, "@ "), ")", nesting)},
      {"subselects", around("(select ", ")", nesting)},
      {"derived tables",
       "select * from " + times(nesting, "(select * from ") + "a" + times(nesting, ") a")},
      {"cases", around("case when a then ", " end", nesting)},
      {"arrays", around("array[", "]", nesting)},
      {"calls", around("f(", ")", nesting)},
      {"a list of 10,000", "select 1 where a in (" + times(9'999, "1,") + "1)"},
      {"a list", "select 1 where a in (" + times(tokens / 2 - 6, "1,") + "1)"},
      {"columns", "select " + times(tokens / 2 - 2, "a,") + "a"},
      {"likes", "select " + times(tokens / 4 - 2, "a like b,") + "a"},
      {"escaped names", "select " + times(tokens / 2 - 2, "U&\"a\",") + "a"},
      {"conditions", "select 1 where " + times(tokens / 4 - 2, "a=1 or ") + "a=1"},
      {"rows", "insert into t values " + times(tokens / 4 - 2, "(1),") + "(1)"},
      {"typed constants", "select " + times(tokens / 3 - 2, "int '1',") + "1"},
      {"column definitions", "create table t(" + times(tokens / 3 - 4, "a int,") + "b int)"},
      {"statements", times(limits.statements, "select 1;")},
      {"empty statements", times(tokens, ";")},
      {"a long constant", "select '" + times(bytes, "a") + "'"},
      {"escapes", "select E'" + times(bytes / 2, "\\'") + "'"},
      {"one name", "select " + times(bytes, "a")},
      {"digits", "select " + times(bytes, "9")},
      {"space", times(bytes, " ") + "select 1"},
      {"line comments", times(bytes / 3, "--\n") + "select 1"},
      {"comments", times(bytes / 5, "/**/ ") + "select 1"},
      {"comments in a run", times(1'400, "/**/") + "select 1"},
      {"nested comments", times(15, "/*") + times(1'300, "/**/") + times(15, "*/") + "select 1"},
      {"an error at the end", "select " + times(tokens / 2 - 4, "a,") + "from from"},
  };
}

}  // namespace pgmoat::sql
