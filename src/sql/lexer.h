// Where PostgreSQL's tokens begin and end. The rules are those of PostgreSQL 15's scan.l, so that a
// text cannot show one thing to us and another to the server; libpg_query's lexer differs in its
// comments, and reads every text as if standard_conforming_strings were on.
//
// One pass, no recursion, no allocation but for the comments, whose vector is the caller's. What
// tokens mean (keywords, escapes, values) is not known here: only their extent and kind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace pgmoat::sql {

struct Span {
  std::uint32_t at = 0, size = 0;  // bytes
  bool operator==(const Span&) const = default;
};

enum class TokenKind : std::uint8_t {
  end,
  word,            // an unquoted identifier or keyword; also the n of N'...'
  name,            // "..." and U&"..."
  string,          // '...' and E'...', with all its continuations
  unicode_string,  // U&'...'
  bits,            // B'...' and X'...'
  dollar,          // $$...$$
  number,
  parameter,    // $1
  op,           // + <= ||, also those that have a name of their own in the grammar
  cast,         // ::
  punctuation,  // , ( ) [ ] . ; : .. :=
  other,        // a byte that starts no token: the grammar refuses it
  bad,          // the server refuses the whole text: Lexer::fault() says why
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::uint32_t at = 0, size = 0;
};

class Lexer {
 public:
  // Appends each comment to `comments`, also those inside a continued string constant. The text is
  // shorter than 4 GiB and outlives the lexer.
  Lexer(std::string_view text, bool standard_conforming_strings, std::vector<Span>& comments);

  // After `end` and `bad` it is not asked again.
  Token next();

  std::string_view fault() const { return fault_; }
  // A backslash was seen inside a plain '...', or a U&'...': they depend on the setting. Up to the
  // first one both readings are the same, so one reading tells.
  bool depends_on_scs() const { return depends_on_scs_; }
  std::uint32_t comment_depth() const { return comment_depth_; }         // of the deepest, 0: none
  std::uint32_t deepest_comment() const { return deepest_comment_at_; }  // where it starts
  // Bytes that flex matches and throws back: it reads a whole run of operator characters for every
  // token or comment start in it, which is quadratic in the run ("/**//**//**/", "+-+-+-").
  std::uint64_t thrown_back() const { return thrown_back_; }

 private:
  bool skip_space();  // and comments; false: an unterminated comment
  bool skip_block_comment();
  void skip_line_comment();
  Token word();
  Token prefixed(TokenKind kind, std::size_t prefix);
  Token quoted(TokenKind kind, std::size_t open);
  Token quoted_name(std::size_t open);
  bool continues();
  Token dollar();
  Token number();
  Token op();
  Token dot();
  Token colon();
  std::size_t run_end(std::size_t at);

  Token token(TokenKind kind, std::size_t at, std::size_t end) {
    at_ = end;
    return made(kind, at, end);
  }
  static Token made(TokenKind kind, std::size_t at, std::size_t end) {
    return {kind, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end - at)};
  }
  Token bad(std::size_t at, std::string_view why) {
    fault_ = why;
    return token(TokenKind::bad, at, size_);
  }
  unsigned char byte(std::size_t at) const {  // NUL past the end: no token contains one
    return at < size_ ? static_cast<unsigned char>(text_[at]) : 0;
  }

  const char* text_;
  std::size_t size_, at_ = 0;
  std::vector<Span>& comments_;
  std::size_t run_end_ = 0;    // of the run of operator characters that at_ is in, or was in last
  std::size_t signs_end_ = 0;  // until here every byte is a + or - that is a token by itself
  std::uint64_t thrown_back_ = 0;
  std::string_view fault_;
  std::uint32_t comment_depth_ = 0, deepest_comment_at_ = 0;
  bool scs_, depends_on_scs_ = false;
};

}  // namespace pgmoat::sql
