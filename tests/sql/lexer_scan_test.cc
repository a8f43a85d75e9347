// Our tokens beside those of libpg_query's lexer, on statements of PostgreSQL's regression tests: the
// same number, and each starts at the same byte. pg_query_scan answers in protobuf, of which the few
// fields that matter are read here; libpg_query reports comments as tokens.
#include <gtest/gtest.h>
#include <pg_query.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "sql/gate.h"
#include "sql/lexer.h"

using namespace pgmoat::sql;

extern "C" __thread bool standard_conforming_strings;  // libpg_query's, of each thread

namespace {

std::string file(const std::string& name) {
  std::ifstream in(std::string(PGMOAT_CORPUS) + "/sql/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> statements(const std::string& name) {
  std::vector<std::string> out;
  const std::string whole = file(name);
  for (std::size_t at = 0; at < whole.size();) {
    const std::size_t end = std::min(whole.find('\0', at), whole.size());
    if (end > at) out.push_back(whole.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

struct Cut {
  std::vector<std::uint32_t> tokens, comments;  // where they start
  bool refused = false;
  bool operator==(const Cut&) const = default;
};

std::uint64_t varint(const unsigned char*& at) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    value |= std::uint64_t{*at & 127u} << shift;
    if ((*at++ & 128) == 0) return value;
  }
}

// ScanResult {1: version, 2: repeated ScanToken {1: start, 2: end, 4: token, 5: keyword_kind}}.
// Nothing where libpg_query refuses the value of a constant: our lexer looks at extent only.
std::optional<Cut> cut_by_libpg_query(const std::string& text) {
  constexpr std::uint64_t kSqlComment = 275, kComment = 276;
  PgQueryScanResult result = pg_query_scan(text.c_str());
  std::optional<Cut> cut(std::in_place);
  if (result.error != nullptr) {
    const std::string_view why(result.error->message);
    if (why.starts_with("invalid byte sequence") || why.starts_with("invalid Unicode escape"))
      cut.reset();
    if (cut) cut->refused = true;
  } else {
    auto at = reinterpret_cast<const unsigned char*>(result.pbuf.data);
    const auto end = at + result.pbuf.len;
    while (at < end) {
      const std::uint64_t tag = varint(at), value = varint(at);
      if (tag >> 3 != 2) continue;
      std::uint64_t fields[8] = {};
      for (const auto stop = at + value; at < stop;) {
        const std::uint64_t field = varint(at) >> 3;
        fields[field & 7] = varint(at);
      }
      const bool comment = fields[4] == kSqlComment || fields[4] == kComment;
      (comment ? cut->comments : cut->tokens).push_back(static_cast<std::uint32_t>(fields[1]));
    }
  }
  pg_query_free_scan_result(result);
  return cut;
}

Cut cut_by_us(const std::string& text) {
  std::vector<Span> comments;
  Lexer lexer(text, standard_conforming_strings, comments);
  Cut cut;
  for (;;) {
    const Token token = lexer.next();
    if (token.kind == TokenKind::bad) return {{}, {}, true};
    if (token.kind == TokenKind::end) break;
    cut.tokens.push_back(token.at);
  }
  for (const Span& comment : comments) cut.comments.push_back(comment.at);
  return cut;
}

void compare(const std::vector<std::string>& texts, std::size_t at_least) {
  ASSERT_GE(texts.size(), at_least);
  int differ = 0;
  for (const bool conforming : {true, false}) {
    standard_conforming_strings = conforming;
    for (const std::string& text : texts) {
      const auto theirs = cut_by_libpg_query(text);
      if (!theirs || cut_by_us(text) == *theirs) continue;
      if (++differ < 10) ADD_FAILURE() << (conforming ? "" : "not ") << "conforming: " << text;
    }
  }
  standard_conforming_strings = true;
  EXPECT_EQ(differ, 0);
}

TEST(LexerScan, CutsRegressionStatementsAsLibpgQueryDoes) {
  compare(statements("regress/accepted.sql0"), 29'000);
}

}  // namespace
