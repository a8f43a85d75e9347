#include "sql/gate.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace pgmoat::sql {

namespace {

static_assert(std::endian::native == std::endian::little);

// What a keyword does to the count. Reserved words only where the count ends: those cannot be names.
enum class Word : std::uint8_t {
  none,
  op,         // an operator, or part of one
  between,    // an operator that has an AND to come
  and_,       // ends a segment, unless a BETWEEN waits for it
  separator,  // ends a segment
  query,      // UNION and its kin: a join of queries, and the end of a segment
  join,
  case_,
  end,
  begin,
  atomic,
  as,
};

constexpr std::uint64_t kLowerBits = 0x2020202020202020u;

// Little-endian, as memcpy reads it.
constexpr std::uint64_t packed(std::string_view word) {
  std::uint64_t value = 0;
  for (std::size_t i = word.size(); i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(word[i]);
  }
  return value;
}

// Letters become lower case; no other byte of an identifier becomes a letter. `room` is what may be
// read: the text goes on behind most words, so eight bytes can be taken at once.
std::uint64_t packed_lower(const char* word, std::size_t size, std::size_t room) {
  std::uint64_t value = 0;
  if (room >= 8) {
    std::memcpy(&value, word, 8);
    if (size < 8) value &= (std::uint64_t{1} << size * 8) - 1;
  } else {
    std::memcpy(&value, word, size);
  }
  // Bytes past the end stay 0: those of a keyword are letters, which have this bit set anyway.
  return value | (kLowerBits >> (8 - size) * 8);
}

Word short_word(std::uint64_t word) {
  switch (word) {
    case packed("as"): return Word::as;
    case packed("at"):
    case packed("in"):
    case packed("is"):
    case packed("not"): return Word::op;
    case packed("on"):
    case packed("or"): return Word::separator;
    case packed("and"): return Word::and_;
    case packed("end"): return Word::end;
    case packed("case"): return Word::case_;
    case packed("join"): return Word::join;
    case packed("like"): return Word::op;
    case packed("else"):
    case packed("then"):
    case packed("when"): return Word::separator;
    default: return Word::none;
  }
}

Word long_word(std::uint64_t word) {
  switch (word) {
    case packed("begin"): return Word::begin;
    case packed("union"):
    case packed("except"): return Word::query;
    case packed("ilike"):
    case packed("isnull"):
    case packed("collate"):
    case packed("notnull"):
    case packed("similar"):
    case packed("overlaps"): return Word::op;
    case packed("limit"):
    case packed("order"):
    case packed("where"):
    case packed("having"):
    case packed("select"): return Word::separator;
    case packed("atomic"): return Word::atomic;
    case packed("between"): return Word::between;
    default: return Word::none;
  }
}

// The lengths of the keywords above, by first letter: most names are told apart by this alone.
constexpr std::array<std::uint16_t, 32> make_lengths() {
  std::array<std::uint16_t, 32> lengths{};
  for (const std::string_view word :
       {"as",    "at",     "in",    "is",     "not",     "on",      "or",      "and",
        "end",   "case",   "join",  "like",   "else",    "then",    "when",    "begin",
        "union", "except", "ilike", "isnull", "collate", "notnull", "similar", "overlaps",
        "limit", "order",  "where", "having", "select",  "atomic",  "between", "intersect"}) {
    auto& bits = lengths[static_cast<unsigned char>(word[0]) & 31];
    bits = static_cast<std::uint16_t>(bits | 1u << word.size());
  }
  return lengths;
}
constexpr auto kLengths = make_lengths();

Word word_of(const char* word, std::size_t size, std::size_t room) {
  if (size > 9 || (kLengths[static_cast<unsigned char>(*word) & 31] >> size & 1) == 0) {
    return Word::none;
  }
  if (size <= 4) return short_word(packed_lower(word, size, room));
  if (size <= 8) return long_word(packed_lower(word, size, room));
  const bool intersect =
      packed_lower(word, 8, room) == packed("intersec") && (word[8] | 0x20) == 't';
  return intersect ? Word::query : Word::none;
}

}  // namespace

Gate::Gate(const Limits& limits) : limits_(limits) {}

// The lexer runs inside this loop: calls for each token would double its time.
[[gnu::flatten]] const Scan& Gate::scan(std::string_view text, bool standard_conforming_strings) {
  scan_.opacity = Opacity::none;
  scan_.why.clear();
  scan_.position = scan_.tokens = scan_.statements = 0;
  scan_.depends_on_scs = scan_.lexically_refused = in_statement_ = false;
  scan_.comments.clear();
  levels_.assign(1, Level{});
  level_ = &levels_.front();
  text_ = text;
  previous_ = Previous::none;
  if (text.size() > limits_.text_bytes) {
    refuse(Opacity::oversize, 0, "more than ", limits_.text_bytes, " bytes (sql.text_bytes)");
    return scan_;
  }
  Lexer lexer(text, standard_conforming_strings, scan_.comments);
  for (;;) {
    const Token token = lexer.next();
    if (!check_lexer(lexer, token) || token.kind == TokenKind::end) break;
    if (token.kind == TokenKind::bad) {
      scan_.lexically_refused = true;
      break;
    }
    if (!take(token)) break;
  }
  if (scan_.opacity == Opacity::none) end_statement();
  scan_.depends_on_scs = lexer.depends_on_scs();
  return scan_;
}

bool Gate::check_lexer(const Lexer& lexer, const Token& token) {
  if (lexer.comment_depth() > limits_.comment_depth) {
    return refuse(Opacity::comments, lexer.deepest_comment(), "comments nested more than ",
                  limits_.comment_depth, " deep (sql.comment_depth)");
  }
  if (lexer.thrown_back() > kThrownBack) {
    return refuse(Opacity::comments, token.at,
                  "comments or operators without a space between them, over ", kThrownBack,
                  " steps to read");
  }
  return true;
}

bool Gate::take(const Token& token) {
  if (++scan_.tokens > limits_.tokens) {
    return refuse(Opacity::tokens, token.at, "more than ", limits_.tokens, " tokens (sql.tokens)");
  }
  const bool is_end = token.kind == TokenKind::punctuation && text_[token.at] == ';';
  if (!in_statement_ && !is_end) {
    in_statement_ = true;
    if (++scan_.statements > limits_.statements) {
      return refuse(Opacity::statements, token.at, "more than ", limits_.statements,
                    " statements in one text (sql.statements)");
    }
  }
  const Previous before = previous_;
  switch (token.kind) {
    case TokenKind::word: return take_word(token);
    case TokenKind::punctuation: return take_punctuation(token);
    case TokenKind::op:
    case TokenKind::cast: previous_ = Previous::none; return add_op(token);
    case TokenKind::string:
      if (before == Previous::constant && text_[token.at] == '\'') spare_comments(token);
      [[fallthrough]];
    case TokenKind::unicode_string:
    case TokenKind::bits:
      previous_ = Previous::constant;
      previous_end_ = token.at + token.size;
      return true;
    default: previous_ = Previous::none; return true;
  }
}

bool Gate::take_word(const Token& token) {
  const Previous before = previous_;
  previous_ = Previous::none;
  const Word word = word_of(text_.data() + token.at, token.size, text_.size() - token.at);
  // After a dot or AS even a reserved word is a name. AS itself may be one after a dot only.
  if (word == Word::none || before == Previous::dot || before == Previous::as) return true;
  switch (word) {
    case Word::none: return true;
    case Word::between:
      if (level_->between < 255) ++level_->between;
      [[fallthrough]];
    case Word::op: return add_op(token);
    case Word::and_:
      if (level_->between > 0) {
        --level_->between;
        return true;
      }
      [[fallthrough]];
    case Word::separator: end_segment(); return true;
    case Word::query: end_segment(); return add_join(token);
    case Word::join: return add_join(token);
    case Word::case_: return open(token, Level::expression);
    case Word::end:
      if (level_->kind == Level::expression || level_->kind == Level::body) return close(token);
      return true;
    case Word::begin: previous_ = Previous::begin; return true;
    case Word::atomic: return before != Previous::begin || open(token, Level::body);
    case Word::as: previous_ = Previous::as; return true;
  }
  return true;
}

bool Gate::take_punctuation(const Token& token) {
  previous_ = Previous::none;
  switch (text_[token.at]) {
    case '(':
    case '[': return open(token, Level::bracket);
    case ')':
    case ']': close_expressions(); return level_->kind != Level::bracket || close(token);
    case ',': end_segment(); return true;
    case ';':
      close_expressions();
      end_segment();
      level_->most_joins = std::max(level_->most_joins, level_->joins);
      level_->joins = 0;
      if (level_->kind == Level::statement) end_statement();
      return true;
    case '.':
      if (token.size == 1) previous_ = Previous::dot;
      return true;
    default: return true;
  }
}

bool Gate::open(const Token& token, decltype(Level::kind) kind) {
  if (levels_.size() > limits_.nesting) {
    return refuse(Opacity::nesting, token.at,
                  "parentheses, brackets, CASE or BEGIN nested more than ", limits_.nesting,
                  " deep (sql.nesting)");
  }
  levels_.push_back({});
  level_ = &levels_.back();
  level_->kind = kind;
  return true;
}

bool Gate::close(const Token& token) {
  end_segment();
  const std::uint32_t height = level_->height + std::max(level_->joins, level_->most_joins) + 1;
  levels_.pop_back();
  level_ = &levels_.back();
  level_->inside = std::max(level_->inside, height);
  if (level_->ops + level_->inside <= limits_.depth) return true;
  return refuse(Opacity::nesting, token.at, "expressions more than ", limits_.depth,
                " deep (sql.depth)");
}

// A bracket or a semicolon ends what looked like a CASE: it was a name, or the grammar will refuse.
void Gate::close_expressions() {
  while (level_->kind == Level::expression) {
    end_segment();
    const std::uint32_t height = level_->height + 1;
    levels_.pop_back();
    level_ = &levels_.back();
    level_->inside = std::max(level_->inside, height);
  }
}

bool Gate::add_op(const Token& token) {
  if (++level_->ops <= limits_.chain && level_->ops + level_->inside <= limits_.depth) return true;
  if (level_->ops > limits_.chain) {
    return refuse(Opacity::nesting, token.at, "more than ", limits_.chain,
                  " operators in a row (sql.chain)");
  }
  return refuse(Opacity::nesting, token.at, "expressions more than ", limits_.depth,
                " deep (sql.depth)");
}

bool Gate::add_join(const Token& token) {
  if (++level_->joins <= limits_.chain) return true;
  return refuse(Opacity::nesting, token.at, "more than ", limits_.chain,
                " joins or set operations in a row (sql.chain)");
}

void Gate::end_segment() {
  level_->height = std::max(level_->height, level_->ops + level_->inside);
  level_->ops = level_->inside = 0;
  level_->between = 0;
}

void Gate::end_statement() {
  levels_.assign(1, Level{});
  level_ = &levels_.front();
  in_statement_ = false;
}

// 'a' /* c */ 'b' with a newline around is no continuation, but without the comment it would be. The
// grammar has no place for two constants in a row, so such a text is refused with its comments.
void Gate::spare_comments(const Token& token) {
  const auto starts_before = [](const Span& comment, std::uint32_t at) { return comment.at < at; };
  auto& comments = scan_.comments;
  const auto last = std::lower_bound(comments.begin(), comments.end(), token.at, starts_before);
  comments.erase(std::lower_bound(comments.begin(), last, previous_end_, starts_before), last);
}

bool Gate::refuse(Opacity opacity, std::uint32_t position, std::string_view what,
                  std::uint64_t limit, std::string_view rest) {
  scan_.opacity = opacity;
  scan_.position = position;
  scan_.why.assign(what).append(std::to_string(limit)).append(rest);
  return false;
}

void blank_comments(std::string& text, const std::vector<Span>& comments) {
  for (const Span& comment : comments) std::memset(text.data() + comment.at, ' ', comment.size);
}

}  // namespace pgmoat::sql
