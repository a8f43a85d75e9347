// Reading a statement for an edit, and the bookkeeping of what was changed.
#include "sql/splice.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "sql/encoding.h"
#include "sql/gate.h"
#include "sql/postgres.h"

namespace pgmoat::sql {
namespace {

std::vector<Token> tokens_of(const std::string& text, bool conforming_strings) {
  std::vector<Span> comments;
  Lexer lexer(text, conforming_strings, comments);
  std::vector<Token> tokens;
  for (Token token = lexer.next(); token.kind != TokenKind::end && token.kind != TokenKind::bad;
       token = lexer.next()) {
    tokens.push_back(token);
  }
  return tokens;
}

}  // namespace

Result<Statement, std::string> Statement::read(std::string text, const Dialect& dialect,
                                               const Limits& limits) {
  std::string converted;
  const auto utf8 = to_utf8(text, dialect, converted);
  if (!utf8) return "The text cannot be edited: " + utf8.error();
  if (*utf8 != text) {
    return std::string("A text in the encoding ") + std::string(dialect.encoding_name) +
           " cannot be edited where it is not ASCII.";
  }
  Gate gate(limits);
  const Scan& scan = gate.scan(text, dialect.standard_conforming_strings);
  if (scan.opacity != Opacity::none) return "The text cannot be edited: " + scan.why;

  Statement out;
  out.text_ = std::move(text);
  out.clean_ = out.text_;
  blank_comments(out.clean_, scan.comments);
  out.dialect_ = dialect;
  out.limits_ = limits;
  out.tree_ = Tree(out.clean_.c_str(), dialect.standard_conforming_strings);
  if (!out.tree_) return "The text cannot be edited: " + out.tree_.error() + ".";
  const Elements statements = elements_of(out.tree_.statements());
  if (statements.size() != 1) {
    return std::string(statements.size() == 0 ? "A text without a statement cannot be edited."
                                              : "Several statements in one text cannot be edited.");
  }
  out.root_ = static_cast<const RawStmt*>(statements.first[0])->stmt;
  // The same again for what walks and compares it: SET (a, b, c) = (SELECT ...) has a tree in which
  // one node is reached by many ways.
  std::vector<Pending> pending;
  if (!walk(out.root_, {limits.nodes, limits.depth}, pending, [](const void*, std::uint32_t) {})) {
    return std::string("The text cannot be edited: its tree is too large.");
  }
  out.tokens_ = tokens_of(out.clean_, dialect.standard_conforming_strings);
  return out;
}

bool Statement::is(std::size_t token, std::string_view what) const {
  if (token >= tokens_.size() || tokens_[token].size != what.size()) return false;
  const TokenKind kind = tokens_[token].kind;
  if (kind != TokenKind::word && kind != TokenKind::op && kind != TokenKind::punctuation) {
    return false;
  }
  const char* at = clean_.data() + tokens_[token].at;
  return std::equal(what.begin(), what.end(), at,
                    [](char a, char b) { return a == ascii_lower(b); });
}

std::size_t Statement::token_at(int location) const {
  if (location < 0) return kNowhere;
  const auto at = static_cast<std::uint32_t>(location);
  const auto found = std::lower_bound(tokens_.begin(), tokens_.end(), at,
                                      [](const Token& a, std::uint32_t b) { return a.at < b; });
  if (found == tokens_.end() || found->at != at) return kNowhere;
  return static_cast<std::size_t>(found - tokens_.begin());
}

std::size_t Statement::last() const {
  std::size_t token = tokens_.size();
  while (token > 0 && is(token - 1, ";")) --token;
  return token - 1;  // a statement has tokens
}

std::string_view Statement::cut(std::size_t first, std::size_t last) const {
  return std::string_view(clean_).substr(begin(first), end(last) - begin(first));
}

void* Statement::fragment(const std::string& sql) {
  Tree tree(sql.c_str(), dialect_.standard_conforming_strings);
  const Elements statements = elements_of(tree.statements());
  if (!tree || statements.size() != 1) return nullptr;
  Node* node = static_cast<const RawStmt*>(statements.first[0])->stmt;
  if (tag_of(node) != T_SelectStmt) return nullptr;
  fragments_.push_back(std::move(tree));
  return node;
}

void* Statement::room(std::size_t size) {
  rooms_.push_back(std::make_unique<std::byte[]>(size));
  return rooms_.back().get();
}

char* Statement::keep(std::string_view text) {
  char* out = static_cast<char*>(room(text.size() + 1));
  std::copy(text.begin(), text.end(), out);
  return out;
}

std::string spliced(std::string_view text, const std::vector<Change>& changes) {
  std::string out;
  std::size_t at = 0;
  for (const Change& change : changes) {
    out.append(text, at, change.at - at);
    out += change.text;
    at = change.at + change.removed;
  }
  out.append(text, at);
  return out;
}

Origin::Origin(std::size_t size) : size_(static_cast<std::uint32_t>(size)) {
  pieces_.push_back({0, size_, true});
}

void Origin::splice(const std::vector<Change>& changes) {
  std::vector<Piece> out;
  std::size_t index = 0;
  std::uint32_t used = 0, at = 0;  // of this piece; of the text
  const auto take = [&](std::uint32_t count, bool keep) {
    at += count;
    while (count > 0) {
      Piece& piece = pieces_[index];
      const std::uint32_t part = std::min(count, piece.size - used);
      if (keep && part > 0) out.push_back({piece.at + used, part, piece.kept});
      count -= part;
      used += part;
      if (used == piece.size) ++index, used = 0;
    }
  };
  for (const Change& change : changes) {
    take(change.at - at, true);
    take(change.removed, false);
    if (!change.text.empty()) {
      out.push_back({0, static_cast<std::uint32_t>(change.text.size()), false});
    }
  }
  while (index < pieces_.size()) take(pieces_[index].size - used, true);
  pieces_ = std::move(out);
}

std::vector<Patch> Origin::patches() const {
  std::vector<Patch> out;
  std::uint32_t at = 0, inserted = 0;
  const auto keep_from = [&](std::uint32_t next) {
    if (next > at || inserted > 0) out.push_back({at, next - at, inserted});
    inserted = 0;
  };
  for (const Piece& piece : pieces_) {
    if (!piece.kept) {
      inserted += piece.size;
      continue;
    }
    keep_from(piece.at);
    at = piece.at + piece.size;
  }
  keep_from(size_);
  return out;
}

std::uint32_t original_position(const std::vector<Patch>& patches, std::uint32_t position) {
  std::int64_t shift = 0;  // of the new text against the original
  for (const Patch& patch : patches) {
    const std::int64_t begin = patch.at + shift;
    if (position < begin) break;
    if (position < begin + patch.inserted) return patch.at;
    shift += static_cast<std::int64_t>(patch.inserted) - patch.removed;
  }
  return static_cast<std::uint32_t>(position - shift);
}

}  // namespace pgmoat::sql
