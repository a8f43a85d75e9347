// What is warned of: each warning with a policy that earns it and one that does not.
#include <gtest/gtest.h>

#include "policy/load.h"
#include "policy/matchers.h"
#include "policy/native_keys.h"

namespace pgmoat::policy {
namespace {

constexpr std::int64_t k2026 = 1'767'225'600;  // 2026-01-01

std::string told(const std::string& rest, const char* head = "ceiling = \"warn\"\n") {
  LoadOptions options;
  options.now = k2026;
  const Source source = load_texts(
      {{"f.toml", "[pack]\nid = \"p\"\nrequires_api = 1\n" + std::string(head) + rest}}, options);
  std::string all;
  for (const Problem& problem : source.problems) all += to_string(problem) + "\n";
  return all;
}
std::string rule(const std::string& rest) {
  return "[[rule]]\nid = \"p.r\"\n" + rest + "\ndeny = {}\n";
}

TEST(Lint, RulesThatCanNeverMatch) {
  struct Case {
    const char* match;
    const char* why;  // "": it may match
  };
  for (const Case& c : {
           Case{"kind = \"copy\", all = { kind = \"ddl\" }", "kind cannot be both"},
           Case{"kind = [\"copy\", \"ddl\"], all = { kind = \"ddl\" }", ""},
           Case{"kind = \"select\", all = { kind = \"delete\" }", ""},  // a CTE may
           Case{"kind = \"delete\", copy.target = \"stdout\"", ""},
           Case{"star = true, all = { star = false }", "star cannot be both"},
           Case{"kind = \"show\", writes = true", "SHOW writes nothing"},
           Case{"kind = \"select\", writes = true", ""},
           Case{"kind = \"ddl\", writes = false", ""},
           Case{"kind = \"ddl\", copy.target = \"file\"", "only kind 'copy' has copy.target"},
           Case{"kind = \"copy\", copy.target = \"file\"", ""},
           Case{"kind = \"ddl\", any = { copy.target = \"file\", star = true }", ""},
           Case{"user = \"a\", all = [{ user = \"b\" }]", "user cannot be both"},
           Case{"tags = \"a\", all = [{ tags = \"b\" }]", ""},
       }) {
    const std::string why = c.why;
    EXPECT_EQ(told(rule("match = { " + std::string(c.match) + " }")),
              why.empty() ? why : "f.toml:7:9: warning: rule 'p.r' can never match: " + why + "\n")
        << c.match;
  }
}

TEST(Lint, Exceptions) {
  const std::string head = rule("match = { user = \"a\" }") + "[[rule.exception]]\n";
  EXPECT_EQ(
      told(head + "name = \"e\"\nreason = \"r\"\nuser = \"b\"\n"),
      "f.toml:9:1: warning: this exception of rule 'p.r' never applies: user cannot be both\n");
  EXPECT_EQ(told(head + "name = \"e\"\nreason = \"r\"\ndatabase = \"b\"\n"), "");
  EXPECT_EQ(told(head + "name = \"e\"\ndatabase = \"b\"\n"),
            "f.toml:9:1: warning: exception 'e' gives no reason\n");
  EXPECT_EQ(told(head + "name = \"e\"\nreason = \"r\"\ndatabase = \"b\"\nexpires = 2025-12-31\n"),
            "f.toml:9:1: warning: exception 'e' has expired on 2025-12-31\n");
  EXPECT_EQ(told(head + "name = \"e\"\nreason = \"r\"\ndatabase = \"b\"\nexpires = 2026-01-01\n"),
            "");
}

TEST(Lint, Tests) {
  const auto test = [](const char* expect) {
    return "[[rule.test]]\nsql = \"SELECT 1\"\nexpect = \"" + std::string(expect) + "\"\n";
  };
  EXPECT_EQ(told(rule(""), ""), "f.toml:5:1: warning: rule 'p.r' can enforce and has no tests\n");
  EXPECT_EQ(told(rule("") + test("deny"), ""),
            "f.toml:5:1: warning: rule 'p.r' can enforce and has no test that passes\n");
  EXPECT_EQ(told(rule("") + test("pass"), ""),
            "f.toml:5:1: warning: rule 'p.r' can enforce and has no test that it acts on\n");
  EXPECT_EQ(told(rule("") + test("pass") + test("deny"), ""), "");
  EXPECT_EQ(told(rule("mode = \"monitor\""), ""), "");
  EXPECT_EQ(told("[[rule]]\nid = \"p.r\"\nalert = { message = \"x\" }\n", ""), "");
}

TEST(Lint, ValuesThatNothingHas) {
  const auto told_of = [](const std::string& match) {
    return told(rule("match = { " + match + " }"));
  };
  const std::string at = "f.toml:7:11: warning: ";
  EXPECT_EQ(told_of("command = \"TRUNCATE\""),
            at + "no statement has the command tag 'TRUNCATE', did you mean 'TRUNCATE TABLE'?\n");
  EXPECT_EQ(told_of("command = \"DORP TABLE\""),
            at + "no statement has the command tag 'DORP TABLE', did you mean 'DROP TABLE'?\n");
  for (const char* tag : {"truncate table", "CREATE *", "START_REPLICATION", "SELECT"}) {
    EXPECT_EQ(told_of("command = \"" + std::string(tag) + "\""), "");
  }
  EXPECT_EQ(told_of("functions = \"pg_read_file()\""),
            at + "'pg_read_file()': functions are written without parentheses\n");
}

TEST(Lint, RulesThatReachLessThanTheySay) {
  EXPECT_EQ(told(rule("match = { kind = \"select\", where.present = false }")),
            "f.toml:7:34: warning: where.present is about UPDATE and DELETE: of a SELECT it is "
            "always true\n");
  EXPECT_EQ(told(rule("match = { kind = [\"select\", \"update\"], where.present = false }")), "");
  const std::string filter =
      "[[rule]]\nid = \"p.r\"\nrewrite = { add_filter = { relations = [\"t\"], "
      "column = \"c\", equals = 7 } }\n";
  EXPECT_EQ(told(filter + "match = { relations = \"t\", kind = \"select\" }\n"),
            "f.toml:8:28: warning: rule 'p.r' filters only what 'kind' names: PREPARE, DECLARE, "
            "EXPLAIN and "
            "COPY read unfiltered; leave it out, and on_error decides what cannot be filtered\n");
  EXPECT_EQ(told(filter + "match = { relations = \"t\" }\n"), "");
}

TEST(Lint, TheRest) {
  EXPECT_EQ(
      told(rule("match = { text_re2 = 'x' }")),
      "f.toml:7:11: warning: text_re2 looks at the text: comments and quoting defeat it; prefer "
      "facts\n");
  EXPECT_EQ(told(rule("") + "[[rule]]\nid = \"p.s\"\ndeny = { message = \"other words\" }\n"),
            "f.toml:10:1: warning: rule 'p.s' asks and does the same as 'p.r'\n");
  EXPECT_EQ(told("[[override]]\nrule = \"p.x\"\nmode = \"off\"\nreason = \"r\"\n" + rule("")),
            "f.toml:5:1: warning: override names no rule: 'p.x', did you mean 'p.r'?\n");
  EXPECT_EQ(told("[[override]]\ntag = \"x\"\nmode = \"off\"\nreason = \"r\"\n" + rule("")),
            "f.toml:5:1: warning: override names no rule: no rule has tag 'x'\n");
  EXPECT_EQ(told("[[override]]\nrule = \"p.*\"\nmode = \"off\"\nreason = \"r\"\n" + rule("")), "");
  EXPECT_EQ(told("[[override]]\nrule = \"p.r\"\nmode = \"off\"\nuntil = 2025-01-01\n" + rule("")),
            "f.toml:5:1: warning: this override has ended and does nothing\n"
            "f.toml:5:1: warning: an override gives no reason\n");
}

// The two tables of matcher keys, of loading and of compiling, are the same keys.
TEST(Matchers, LoadingAndCompilingKnowTheSameKeys) {
  for (const Matcher& matcher : matchers()) {
    EXPECT_NE(find_leaf_key(matcher.name), nullptr) << matcher.name;
  }
}

TEST(Matchers, SignsHaveTheNamesOfTheirBits) {
  EXPECT_EQ(sign_bit("tautology"), sql::kTautology);
  EXPECT_EQ(sign_bit("union_catalog"), sql::kUnionCatalog);
  EXPECT_EQ(sign_bit("empty_comment"), sql::kEmptyComment);
  EXPECT_EQ(sign_bit("none"), 0u);
}

}  // namespace
}  // namespace pgmoat::policy
