#include "policy/lua_places.h"

#include <algorithm>
#include <cctype>

namespace pgmoat::policy {

namespace {

struct Token {
  enum class Type { name, text, sign, end };
  Type type = Type::end;
  std::string_view text;  // of a text: without its quotes
  int line = 0, column = 0;
  bool is(std::string_view sign) const { return type != Type::text && text == sign; }
};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) { advance(); }

  const Token& now() const { return now_; }
  Token take() {
    Token token = now_;
    advance();
    return token;
  }

 private:
  void advance() {
    skip_blanks();
    now_ = {Token::Type::end, {}, line_, static_cast<int>(at_ - line_start_) + 1};
    if (at_ >= text_.size()) return;
    const std::size_t start = at_;
    const char c = text_[at_];
    if (is_letter(c)) {
      while (at_ < text_.size() && is_letter(text_[at_])) ++at_;
      now_.type = Token::Type::name;
      now_.text = text_.substr(start, at_ - start);
    } else if (c == '"' || c == '\'') {
      quoted(c);
    } else if (long_bracket(now_.text)) {
      now_.type = Token::Type::text;
    } else {
      const bool two = at_ + 1 < text_.size() && text_[at_ + 1] == '=' &&
                       (c == '=' || c == '~' || c == '<' || c == '>');
      at_ += two ? 2 : 1;
      now_.type = Token::Type::sign;
      now_.text = text_.substr(start, at_ - start);
    }
  }

  void skip_blanks() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n') {
        ++at_;
        ++line_;
        line_start_ = at_;
      } else if (c == ' ' || c == '\t' || c == '\r') {
        ++at_;
      } else if (text_.substr(at_, 2) == "--") {
        at_ += 2;
        std::string_view ignored;
        if (long_bracket(ignored)) continue;
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else {
        return;
      }
    }
  }

  void quoted(char quote) {
    const std::size_t start = ++at_;
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') {
      at_ += text_[at_] == '\\' ? 2 : 1;
    }
    at_ = std::min(at_, text_.size());
    now_.type = Token::Type::text;
    now_.text = text_.substr(start, at_ - start);
    if (at_ < text_.size()) ++at_;
  }

  // [[...]] and [==[...]==]. False, and nothing read, where there is none.
  bool long_bracket(std::string_view& inside) {
    std::size_t open = at_ + 1;
    if (at_ >= text_.size() || text_[at_] != '[') return false;
    while (open < text_.size() && text_[open] == '=') ++open;
    if (open >= text_.size() || text_[open] != '[') return false;
    const std::string close = "]" + std::string(open - at_ - 1, '=') + "]";
    const std::size_t end = std::min(text_.find(close, open + 1), text_.size());
    inside = text_.substr(open + 1, end - open - 1);
    for (std::size_t at = at_; at < end; ++at) {
      if (text_[at] != '\n') continue;
      ++line_;
      line_start_ = at + 1;
    }
    at_ = std::min(end + close.size(), text_.size());
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0, line_start_ = 0;
  int line_ = 1;
  Token now_;
};

// How far a token opens (1) or closes (-1) something that commas may stand in.
int nesting(const Token& token) {
  if (token.type == Token::Type::text) return 0;
  for (const char* open : {"(", "[", "{", "function", "if", "do", "repeat"}) {
    if (token.text == open) return 1;
  }
  for (const char* close : {")", "]", "}", "end", "until"}) {
    if (token.text == close) return -1;
  }
  return 0;
}

class TableReader {
 public:
  explicit TableReader(Tokens& tokens) : tokens_(tokens) {}

  // After "{", up to and with its "}".
  void read(std::vector<LuaPart>& into, int depth = 0) {
    while (tokens_.now().type != Token::Type::end && !tokens_.now().is("}")) {
      LuaPart part;
      const Token first = tokens_.now();
      part.line = part.value_line = first.line;
      part.column = part.value_column = first.column;
      bool begun = key(part);
      value(part, depth, begun);
      into.push_back(std::move(part));
      if (tokens_.now().is(",") || tokens_.now().is(";")) tokens_.take();
    }
    tokens_.take();
  }

 private:
  // `name =` and `["name"] =`. True where the item was no key and its first tokens are already taken.
  bool key(LuaPart& part) {
    if (tokens_.now().type == Token::Type::name) {
      const Token name = tokens_.take();
      if (!tokens_.now().is("=")) return nest_ = nesting(name), true;
      part.key = name.text;
    } else if (tokens_.now().is("[")) {
      tokens_.take();
      const Token name = tokens_.take();
      while (tokens_.now().type != Token::Type::end && !tokens_.now().is("]")) tokens_.take();
      tokens_.take();
      part.key = name.text;
      part.column = name.column;
      part.line = name.line;
    } else {
      nest_ = 0;
      return false;
    }
    if (tokens_.now().is("=")) tokens_.take();
    part.value_line = tokens_.now().line;
    part.value_column = tokens_.now().column;
    nest_ = 0;
    return false;
  }

  void value(LuaPart& part, int depth, bool begun) {
    int nest = begun ? nest_ : 0;
    bool plain = nest == 0;  // only names, dots and "(" so far: a table here is the value's own
    while (tokens_.now().type != Token::Type::end) {
      const Token& now = tokens_.now();
      if (nest <= 0 && (now.is(",") || now.is(";") || now.is("}"))) return;
      if (plain && now.is("{") && depth < 20) {
        tokens_.take();
        read(part.parts, depth + 1);
        plain = false;
        continue;
      }
      nest += nesting(now);
      plain = plain && nesting(now) <= (now.is("(") ? 1 : 0) &&
              (now.type == Token::Type::name || now.is(".") || now.is("("));
      tokens_.take();
    }
  }

  Tokens& tokens_;
  int nest_ = 0;
};

}  // namespace

const LuaPart* LuaPart::find(std::string_view name) const {
  const auto at = std::find_if(parts.begin(), parts.end(),
                               [&](const LuaPart& part) { return part.key == name; });
  return at == parts.end() ? nullptr : &*at;
}

const LuaPart* LuaPart::item(std::size_t index) const {
  for (const LuaPart& part : parts) {
    if (part.key.empty() && index-- == 0) return &part;
  }
  return nullptr;
}

LuaPart places_of_call(std::string_view source, int line, std::string_view function) {
  LuaPart call;
  Tokens tokens(source);
  while (tokens.now().type != Token::Type::end) {
    const Token token = tokens.take();
    if (token.line < line || token.type != Token::Type::name || token.text != function) continue;
    if (!tokens.now().is("{") && !tokens.now().is("(")) continue;
    call.line = call.value_line = token.line;
    call.column = call.value_column = token.column;
    if (tokens.now().is("(")) tokens.take();
    if (!tokens.now().is("{")) break;
    tokens.take();
    TableReader(tokens).read(call.parts);
    break;
  }
  return call;
}

namespace {

// npos where the text has fewer lines.
std::size_t start_of(std::string_view source, int line) {
  std::size_t at = 0;
  for (int n = 1; n < line && at != std::string_view::npos; ++n) {
    at = source.find('\n', at);
    if (at != std::string_view::npos) ++at;
  }
  return at;
}

}  // namespace

int first_column(std::string_view source, int line) {
  const std::size_t at = start_of(source, line);
  if (at == std::string_view::npos) return 1;
  const std::size_t first = source.find_first_not_of(" \t", at);
  return first == std::string_view::npos ? 1 : static_cast<int>(first - at) + 1;
}

int column_of(std::string_view source, int line, std::string_view word) {
  const std::size_t at = start_of(source, line);
  if (at == std::string_view::npos || word.empty()) return first_column(source, line);
  const std::string_view text = source.substr(at, source.find('\n', at) - at);
  const auto part_of_name = [text](std::size_t i) {
    return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) || text[i] == '_');
  };
  for (const bool as_member : {true, false}) {
    for (auto i = text.find(word); i != std::string_view::npos; i = text.find(word, i + 1)) {
      if (part_of_name(i + word.size()) || (i > 0 && part_of_name(i - 1))) continue;
      if (as_member && (i == 0 || (text[i - 1] != '.' && text[i - 1] != ':'))) continue;
      return static_cast<int>(i) + 1;
    }
  }
  return first_column(source, line);
}

}  // namespace pgmoat::policy
