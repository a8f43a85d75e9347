#include "sql/lexer.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace pgmoat::sql {

namespace {

// What a byte may be. PostgreSQL 15's white space has no vertical tab (16's has).
enum : std::uint8_t {
  kSpace = 1,
  kStart = 2,     // of an identifier: a letter, _ or a byte above 127
  kContinue = 4,  // of an identifier
  kDigit = 8,
  kOperator = 16,
  kTag = 32,        // inside $tag$: as kContinue, without $
  kQualifies = 64,  // makes a trailing + or - part of an operator
};

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  const auto mark = [&](std::string_view bytes, int bits) {
    for (const char byte : bytes) {
      auto& value = classes[static_cast<unsigned char>(byte)];
      value = static_cast<std::uint8_t>(value | bits);
    }
  };
  mark(" \t\n\r\f", kSpace);
  mark("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", kStart | kContinue | kTag);
  mark("0123456789", kDigit | kContinue | kTag);
  mark("$", kContinue);
  mark("~!@#^&|`?+-*/%<>=", kOperator);
  mark("~!@#^&|`?%", kQualifies);
  for (std::size_t byte = 128; byte < 256; ++byte) classes[byte] = kStart | kContinue | kTag;
  return classes;
}
constexpr auto kClasses = make_classes();

bool is(unsigned char byte, int bits) { return (kClasses[byte] & bits) != 0; }

// How next() goes on at a byte.
enum class Way : std::uint8_t {
  other,
  word,
  prefix,
  string,
  name,
  number,
  op,
  punctuation,
  dot,
  colon,
  dollar
};

constexpr std::array<Way, 256> make_ways() {
  std::array<Way, 256> ways{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    if (kClasses[byte] & kStart) ways[byte] = Way::word;
    if (kClasses[byte] & kDigit) ways[byte] = Way::number;
    if (kClasses[byte] & kOperator) ways[byte] = Way::op;
  }
  for (const char byte : std::string_view("bBxXeEuU"))
    ways[static_cast<unsigned char>(byte)] = Way::prefix;
  for (const char byte : std::string_view(",()[];"))
    ways[static_cast<unsigned char>(byte)] = Way::punctuation;
  ways['\''] = Way::string;
  ways['"'] = Way::name;
  ways['.'] = Way::dot;
  ways[':'] = Way::colon;
  ways['$'] = Way::dollar;
  return ways;
}
constexpr auto kWays = make_ways();

constexpr std::string_view kJunk = "trailing junk after numeric literal";
constexpr std::size_t kNameSize = 64;  // NAMEDATALEN: an operator is shorter

}  // namespace

Lexer::Lexer(std::string_view text, bool standard_conforming_strings, std::vector<Span>& comments)
    : text_(text.data()),
      size_(text.size()),
      comments_(comments),
      scs_(standard_conforming_strings) {}

Token Lexer::next() {
  if (!skip_space()) return bad(comments_.back().at, "unterminated /* comment");
  if (at_ >= size_) return token(TokenKind::end, size_, size_);
  switch (kWays[byte(at_)]) {
    case Way::word: return word();
    case Way::prefix: {
      const char letter = static_cast<char>(text_[at_] | 0x20);
      const unsigned char second = byte(at_ + 1);
      if (letter == 'u' && second == '&' && byte(at_ + 2) == '"') return quoted_name(at_ + 2);
      if (letter == 'u' && second == '&' && byte(at_ + 2) == '\'') {
        depends_on_scs_ = true;
        if (!scs_) return bad(at_, "unsafe use of string constant with Unicode escapes");
        return quoted(TokenKind::unicode_string, at_ + 2);
      }
      if (second != '\'' || letter == 'u') return word();
      return quoted(letter == 'e' ? TokenKind::string : TokenKind::bits, at_ + 1);
    }
    case Way::string: return quoted(TokenKind::string, at_);
    case Way::name: return quoted_name(at_);
    case Way::number: return number();
    case Way::op: return op();
    case Way::punctuation: return token(TokenKind::punctuation, at_, at_ + 1);
    case Way::dot: return dot();
    case Way::colon: return colon();
    case Way::dollar: return dollar();
    case Way::other: break;
  }
  return token(TokenKind::other, at_, at_ + 1);
}

bool Lexer::skip_space() {
  for (;;) {
    while (is(byte(at_), kSpace)) ++at_;
    if (byte(at_) == '-' && byte(at_ + 1) == '-') {
      skip_line_comment();
    } else if (byte(at_) == '/' && byte(at_ + 1) == '*') {
      if (!skip_block_comment()) return false;
    } else {
      return true;
    }
  }
}

// Up to the \n or \r, which stays outside.
void Lexer::skip_line_comment() {
  const std::size_t from = at_;
  while (at_ < size_ && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
  comments_.push_back({static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(at_ - from)});
}

bool Lexer::skip_block_comment() {
  const std::size_t from = at_;
  std::uint32_t depth = 0;
  do {
    if (byte(at_) == '/' && byte(at_ + 1) == '*') {
      thrown_back_ += run_end(at_) - at_;
      at_ += 2;
      if (++depth > comment_depth_) {
        comment_depth_ = depth;
        deepest_comment_at_ = static_cast<std::uint32_t>(from);
      }
    } else if (byte(at_) == '*' && byte(at_ + 1) == '/') {
      at_ += 2;
      --depth;
    } else {
      ++at_;
    }
  } while (depth > 0 && at_ < size_);
  if (at_ > size_) at_ = size_;
  comments_.push_back({static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(at_ - from)});
  return depth == 0;
}

std::size_t Lexer::run_end(std::size_t at) {
  if (at >= run_end_) {
    run_end_ = at;
    while (is(byte(run_end_), kOperator)) ++run_end_;
  }
  return run_end_;
}

Token Lexer::word() {
  std::size_t end = at_ + 1;
  while (is(byte(end), kContinue)) ++end;
  return token(TokenKind::word, at_, end);
}

// A backslash hides what follows it in E'...', and in '...' where standard_conforming_strings is off.
// A doubled quote stands for one, except in B'' and X'', where it ends one constant and opens another.
Token Lexer::quoted(TokenKind kind, std::size_t open) {
  const std::size_t from = at_;
  const bool plain = open == from;
  const bool escapes = kind == TokenKind::string && (!plain || !scs_);
  const bool doubles = kind != TokenKind::bits;
  at_ = open + 1;
  for (;;) {
    while (at_ < size_ && text_[at_] != '\'' && text_[at_] != '\\') ++at_;
    if (at_ >= size_) return bad(from, "unterminated quoted string");
    if (text_[at_] == '\\') {
      depends_on_scs_ |= plain;
      at_ += escapes ? 2 : 1;
    } else if (doubles && byte(at_ + 1) == '\'') {
      at_ += 2;
    } else {
      const std::size_t end = ++at_;
      if (!continues()) return made(kind, from, end);
    }
  }
}

// After a closing quote: white space with a newline in it, then a quote, goes on with the constant.
// Only -- comments count as white space here. Where it does not go on, the space is skipped anyway.
bool Lexer::continues() {
  bool newline = false;
  for (;;) {
    const unsigned char here = byte(at_);
    if (is(here, kSpace)) {
      newline |= here == '\n' || here == '\r';
      ++at_;
    } else if (here == '-' && byte(at_ + 1) == '-') {
      skip_line_comment();
    } else if (here == '\'' && newline) {
      ++at_;
      return true;
    } else {
      return false;
    }
  }
}

Token Lexer::quoted_name(std::size_t open) {
  std::size_t end = open + 1;
  for (;; end += 2) {
    const void* quote = end < size_ ? std::memchr(text_ + end, '"', size_ - end) : nullptr;
    if (quote == nullptr) return bad(at_, "unterminated quoted identifier");
    end = static_cast<std::size_t>(static_cast<const char*>(quote) - text_);
    if (byte(end + 1) != '"') break;
  }
  if (end == open + 1) return bad(at_, "zero-length delimited identifier");
  return token(TokenKind::name, at_, end + 1);
}

// $1, $tag$...$tag$, or a $ that starts nothing.
Token Lexer::dollar() {
  std::size_t end = at_ + 1;
  if (is(byte(end), kDigit)) {
    while (is(byte(end), kDigit)) ++end;
    if (is(byte(end), kStart)) return bad(at_, "trailing junk after parameter");
    return token(TokenKind::parameter, at_, end);
  }
  if (is(byte(end), kStart)) {
    while (is(byte(end), kTag)) ++end;
  }
  if (byte(end) != '$') return token(TokenKind::other, at_, at_ + 1);
  const std::string_view tag(text_ + at_, end + 1 - at_);
  const std::size_t close = std::string_view(text_, size_).find(tag, end + 1);
  if (close == std::string_view::npos) return bad(at_, "unterminated dollar-quoted string");
  return token(TokenKind::dollar, at_, close + tag.size());
}

// An integer, or with a fraction, an exponent, or both. "1..10" is 1, .., 10.
Token Lexer::number() {
  std::size_t end = at_;
  while (is(byte(end), kDigit)) ++end;
  if (byte(end) == '.' && (end == at_ || byte(end + 1) != '.')) {
    ++end;
    while (is(byte(end), kDigit)) ++end;
  }
  if ((byte(end) | 0x20) == 'e') {
    std::size_t exponent = end + 1;
    if (byte(exponent) == '+' || byte(exponent) == '-') ++exponent;
    if (!is(byte(exponent), kDigit)) return bad(at_, kJunk);
    while (is(byte(exponent), kDigit)) ++exponent;
    end = exponent;
  }
  if (is(byte(end), kStart)) return bad(at_, kJunk);
  return token(TokenKind::number, at_, end);
}

// A run of operator characters, up to a comment in it. A + or - at its end belongs to it only if it
// also holds a character that standard SQL's operators do not have: "=-" is two operators, "?-" one.
Token Lexer::op() {
  const std::size_t from = at_;
  if (from < signs_end_) {
    thrown_back_ += run_end_ - from;
    return token(TokenKind::op, from, from + 1);
  }
  thrown_back_ += run_end(from) - from;
  std::size_t end = from + 1, last = from;  // last: the last byte that is no sign
  bool qualifies = is(byte(from), kQualifies);
  for (; end < run_end_; ++end) {
    const unsigned char here = byte(end), after = byte(end + 1);
    if ((here == '/' && after == '*') || (here == '-' && after == '-')) break;
    if (here != '+' && here != '-') last = end;
    qualifies |= is(here, kQualifies);
  }
  if (!qualifies && last + 1 < end) {  // ends in signs: they are tokens of their own
    signs_end_ = end;
    end = std::max(from, last) + 1;
  }
  if (end - from >= kNameSize) return bad(from, "operator too long");
  return token(TokenKind::op, from, end);
}

Token Lexer::dot() {
  if (is(byte(at_ + 1), kDigit)) return number();
  return token(TokenKind::punctuation, at_, at_ + (byte(at_ + 1) == '.' ? 2 : 1));
}

Token Lexer::colon() {
  if (byte(at_ + 1) == ':') return token(TokenKind::cast, at_, at_ + 2);
  return token(TokenKind::punctuation, at_, at_ + (byte(at_ + 1) == '=' ? 2 : 1));
}

}  // namespace pgmoat::sql
