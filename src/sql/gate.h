// What a text must pass before it is parsed. One pass over the tokens bounds everything that the
// parser and what follows it would otherwise spend: time, memory, and the depth of the tree. It also
// finds the comments, and whether the text depends on standard_conforming_strings.
//
// The depth is an upper bound for any reading of the tokens: each operator counts, whatever its
// precedence, and what ends the count (a comma, AND, OR, WHEN, ...) are only tokens that no operator
// of the grammar reaches across.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sql/analysis.h"
#include "sql/lexer.h"

namespace pgmoat::sql {

// Most bytes that libpg_query's lexer may read more than once, in runs of operator characters: 5 ms.
// Not configurable: no text that is meant comes near it.
inline constexpr std::uint64_t kThrownBack = 4'000'000;

struct Scan {
  Opacity opacity = Opacity::none;
  std::string why;             // one sentence; "" where it passes
  std::uint32_t position = 0;  // where the limit was passed
  std::uint32_t tokens = 0, statements = 0;
  bool depends_on_scs = false;
  // The server refuses the text before its grammar sees it (an open quote): nothing in it is run.
  // Such a text passes; the parser says the same.
  bool lexically_refused = false;
  std::vector<Span> comments;  // in order; those that may be blanked (see blank_comments)
};

class Gate {
 public:
  explicit Gate(const Limits& limits);
  // Linear in the text. Valid until the next scan.
  const Scan& scan(std::string_view text, bool standard_conforming_strings);

 private:
  // A parenthesis, bracket, CASE or BEGIN ATOMIC that is open, or the statement itself.
  struct Level {
    std::uint32_t height = 0;      // of the finished segments
    std::uint32_t ops = 0;         // operators in this segment
    std::uint32_t inside = 0;      // the highest of what was closed in this segment
    std::uint32_t joins = 0;       // UNION, INTERSECT, EXCEPT, JOIN
    std::uint32_t most_joins = 0;  // in the statements of this body before
    std::uint8_t between = 0;      // BETWEENs whose AND is to come
    enum : std::uint8_t { statement, bracket, expression, body } kind = statement;
  };
  enum class Previous : std::uint8_t { none, dot, as, begin, constant };

  bool take(const Token& token);
  bool take_word(const Token& token);
  bool take_punctuation(const Token& token);
  bool open(const Token& token, decltype(Level::kind) kind);
  bool close(const Token& token);
  void close_expressions();
  bool add_op(const Token& token);
  bool add_join(const Token& token);
  void end_segment();
  void end_statement();
  bool check_lexer(const Lexer& lexer, const Token& token);
  void spare_comments(const Token& token);
  bool refuse(Opacity opacity, std::uint32_t position, std::string_view what, std::uint64_t limit,
              std::string_view rest);

  Limits limits_;
  Scan scan_;
  std::string_view text_;
  std::vector<Level> levels_;
  Level* level_ = nullptr;  // the innermost, in levels_
  Previous previous_ = Previous::none;
  std::uint32_t previous_end_ = 0;
  bool in_statement_ = false;
};

// Each becomes spaces; those in -- comments and those in /* */ comments alike, newlines too: no
// comment holds a newline that PostgreSQL would take for one.
void blank_comments(std::string& text, const std::vector<Span>& comments);

}  // namespace pgmoat::sql
