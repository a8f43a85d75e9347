// A statement under the knife: its text, its tokens and its tree, side by side. An edit says what
// changes in the text and turns the tree into the one that it means; whether both agree is found by
// parsing the new text (edit.cc). Where a node of PostgreSQL's is needed it comes from a fragment
// that is parsed by itself, so nobody has to know how the grammar builds it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sql/analysis.h"
#include "sql/edit.h"
#include "sql/lexer.h"
#include "sql/tree.h"

namespace pgmoat::sql {

// `removed` bytes at `at` become `text`.
struct Change {
  std::uint32_t at = 0, removed = 0;
  std::string text;
};

inline constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

class Statement {
 public:
  // One sentence where the text is not exactly one statement, or cannot be read as it stands.
  static Result<Statement, std::string> read(std::string text, const Dialect& dialect,
                                             const Limits& limits);

  const std::string& text() const { return text_; }
  const Dialect& dialect() const { return dialect_; }
  const Limits& limits() const { return limits_; }
  void** root() { return &root_; }  // the slot of the node that the RawStmt holds
  void* node() const { return root_; }

  // Tokens are named by their index. Comments are none.
  std::size_t size() const { return tokens_.size(); }
  std::uint32_t begin(std::size_t token) const { return tokens_[token].at; }
  std::uint32_t end(std::size_t token) const { return tokens_[token].at + tokens_[token].size; }
  // A keyword in lower case, or an operator or sign as it is. False past the ends.
  bool is(std::size_t token, std::string_view what) const;
  // The one that begins there.
  std::size_t token_at(int location) const;
  std::size_t last() const;  // of the statement: no semicolon
  // From the first byte of a token to the last of another, comments blank.
  std::string_view cut(std::size_t first, std::size_t last) const;

  // A SELECT that lives as long as this; null where it is none.
  struct Fragment;
  void* fragment(const std::string& sql);
  // Zeroed, and a string's copy: as long as this lives.
  void* room(std::size_t size);
  char* keep(std::string_view text);

 private:
  std::string text_, clean_;  // clean: comments are spaces
  Dialect dialect_;
  Limits limits_;
  std::vector<Token> tokens_;
  Tree tree_;
  void* root_ = nullptr;
  std::vector<Tree> fragments_;
  std::vector<std::unique_ptr<std::byte[]>> rooms_;
};

// The text with the changes made; they are sorted and do not overlap.
std::string spliced(std::string_view text, const std::vector<Change>& changes);

// Which bytes of a text that was changed several times still are the original's.
class Origin {
 public:
  explicit Origin(std::size_t size);
  void splice(const std::vector<Change>& changes);  // of the text as it is now
  std::vector<Patch> patches() const;               // of the original

 private:
  struct Piece {
    std::uint32_t at, size;  // in the original, where it was kept
    bool kept;
  };
  std::vector<Piece> pieces_;
  std::uint32_t size_;
};

}  // namespace pgmoat::sql
