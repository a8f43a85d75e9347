#include "sql/plpgsql_sweep.h"

#include <algorithm>
#include <initializer_list>

#include "base/ascii.h"
#include "sql/lexer.h"

namespace pgmoat::sql {
namespace {

using Words = std::initializer_list<std::string_view>;

std::vector<Token> tokens_of(std::string_view text, bool conforming_strings) {
  std::vector<Span> comments;
  Lexer lexer(text, conforming_strings, comments);
  std::vector<Token> tokens;
  for (Token token = lexer.next(); token.kind != TokenKind::end && token.kind != TokenKind::bad;
       token = lexer.next()) {
    tokens.push_back(token);
  }
  return tokens;
}

class Sweep {
 public:
  Sweep(std::string_view body, bool conforming_strings)
      : body_(body), tokens_(tokens_of(body, conforming_strings)) {}

  std::vector<BodyText> run() {
    for (std::size_t begin = 0; begin < tokens_.size();) {
      std::size_t end = begin;
      while (end < tokens_.size() && said(end) != ";") ++end;
      statement(begin, end);
      begin = end + 1;
    }
    return std::move(texts_);
  }

 private:
  std::string_view said(std::size_t at) const {
    return at < tokens_.size() ? body_.substr(tokens_[at].at, tokens_[at].size)
                               : std::string_view();
  }
  bool is(std::size_t at, Words words) const {
    if (at >= tokens_.size() || tokens_[at].kind != TokenKind::word) return false;
    const std::string word = ascii_lower(said(at));
    return std::find(words.begin(), words.end(), word) != words.end();
  }
  std::string_view between(std::size_t begin, std::size_t end) const {
    if (begin >= end) return {};
    const Token& last = tokens_[end - 1];
    return body_.substr(tokens_[begin].at, last.at + last.size - tokens_[begin].at);
  }
  void tell(std::size_t begin, std::size_t end, bool executed = false) {
    if (begin < end) texts_.push_back({std::string(between(begin, end)), executed});
  }

  // The first of these words in [begin, end) that stands in no parenthesis and in no CASE; else `end`.
  std::size_t find(std::size_t begin, std::size_t end, Words words) const {
    int depth = 0;
    for (std::size_t at = begin; at < end; ++at) {
      const std::string_view text = said(at);
      if (depth == 0 && is(at, words)) return at;
      if (text == "(" || text == "[" || is(at, {"case"})) ++depth;
      if (text == ")" || text == "]" || is(at, {"end"})) --depth;
    }
    return end;
  }
  // Of x.y[1] := and of =, the sign; else `end`.
  std::size_t find_assignment(std::size_t begin, std::size_t end) const {
    int depth = 0;
    for (std::size_t at = begin; at < end; ++at) {
      const std::string_view text = said(at);
      if (depth == 0 && (text == ":=" || text == "=")) return at;
      if (text == "(" || text == "[") ++depth;
      if (text == ")" || text == "]") --depth;
    }
    return end;
  }

  void statement(std::size_t at, std::size_t end);
  bool condition(std::size_t& at, std::size_t end);
  bool loop(std::size_t& at, std::size_t end);
  bool simple(std::size_t at, std::size_t end);
  void iterate(std::size_t at, std::size_t end);
  void execute(std::size_t at, std::size_t end);
  void query(std::size_t at, std::size_t end);
  void declaration(std::size_t at, std::size_t end);

  std::string_view body_;
  std::vector<Token> tokens_;
  std::vector<BodyText> texts_;
};

// What stands before a statement is taken off, word by word.
void Sweep::statement(std::size_t at, std::size_t end) {
  while (at < end) {
    if (said(at) == "<<") {
      at += 3;
    } else if (is(at, {"begin", "declare", "else", "loop", "then", "exception"})) {
      ++at;
    } else if (!condition(at, end) && !loop(at, end)) {
      break;
    }
  }
  if (at >= end || is(at, {"end", "null", "commit", "rollback"}) || simple(at, end)) return;
  declaration(at, end);
}

// IF, ELSIF, WHILE, CASE and WHEN: an expression up to its word, and a statement behind it.
bool Sweep::condition(std::size_t& at, std::size_t end) {
  if (is(at, {"case"})) {
    const std::size_t when = find(at + 1, end, {"when"});
    tell(at + 1, when);
    at = when;
    return true;
  }
  if (!is(at, {"if", "elsif", "elseif", "when"})) return false;
  const std::size_t then = find(at + 1, end, {"then"});
  tell(at + 1, then);
  at = then == end ? end : then + 1;
  return true;
}

bool Sweep::loop(std::size_t& at, std::size_t end) {
  if (!is(at, {"while", "for", "foreach"})) return false;
  const std::size_t loops = find(at + 1, end, {"loop"});
  if (is(at, {"while"})) {
    tell(at + 1, loops);
  } else {
    const std::size_t in = find(at + 1, loops, {"in"});
    iterate(is(in + 1, {"array", "reverse"}) ? in + 2 : in + 1, loops);
  }
  at = loops == end ? end : loops + 1;
  return true;
}

// FOR x IN: a query, EXECUTE, two numbers, an array, a cursor.
void Sweep::iterate(std::size_t at, std::size_t end) {
  if (is(at, {"execute"})) return execute(at + 1, end);
  for (std::size_t dots = at; dots < end; ++dots) {
    if (said(dots) != "..") continue;
    const std::size_t by = find(dots + 1, end, {"by"});
    tell(at, dots);
    tell(dots + 1, by);
    return tell(by + 1, end);
  }
  query(at, end);
}

// EXECUTE expression [INTO target] [USING expressions]: the words may come in either order.
void Sweep::execute(std::size_t at, std::size_t end) {
  const std::size_t stop = find(at, end, {"into", "using"});
  tell(at, stop, true);
  if (const std::size_t with = find(stop, end, {"using"}); with < end) {
    tell(with + 1, std::max(with + 1, find(with, end, {"into"})));
  }
}

// SQL, less its INTO: targets are variables.
void Sweep::query(std::size_t at, std::size_t end) {
  const std::size_t into = find(at, end, {"into"});
  if (into == end || into == at || is(into - 1, {"insert", "merge"})) return tell(at, end);
  std::size_t rest = is(into + 1, {"strict"}) ? into + 2 : into + 1;
  while (rest < end && (rest == into + 1 || said(rest - 1) == "," || said(rest - 1) == "." ||
                        said(rest) == "," || said(rest) == "." || is(rest - 1, {"strict"}))) {
    ++rest;
  }
  texts_.push_back({std::string(between(at, into)) + " " + std::string(between(rest, end)), false});
}

// The statements that are words of PL/pgSQL with SQL behind them.
bool Sweep::simple(std::size_t at, std::size_t end) {
  if (is(at, {"return"})) {
    const bool query_follows = is(at + 1, {"query"});
    if (query_follows && is(at + 2, {"execute"})) execute(at + 3, end);
    else if (query_follows) query(at + 2, end);
    else tell(is(at + 1, {"next"}) ? at + 2 : at + 1, end);
  } else if (is(at, {"exit", "continue"})) {
    tell(find(at, end, {"when"}) + 1, end);
  } else if (is(at, {"perform", "assert"})) {
    tell(at + 1, end);
  } else if (is(at, {"execute"})) {
    execute(at + 1, end);
  } else if (is(at, {"open"})) {
    const std::size_t opens = find(at + 1, end, {"for"});
    if (opens == end) tell(at + 1, end);
    else if (is(opens + 1, {"execute"})) execute(opens + 2, end);
    else query(opens + 1, end);
  } else if (is(at, {"raise"})) {
    const bool level = is(at + 1, {"debug", "log", "info", "notice", "warning", "exception"});
    const std::size_t with = find(at, end, {"using"});
    tell(level ? at + 2 : at + 1, with);
    tell(with + 1, end);
  } else {
    return false;
  }
  return true;
}

// A declaration, an assignment, or SQL: what it is shows in what follows the first word.
void Sweep::declaration(std::size_t at, std::size_t end) {
  const std::size_t cursor = find(at, std::min(at + 4, end), {"cursor"});
  if (is(cursor, {"cursor"}) && (cursor == at + 1 || is(cursor - 1, {"scroll"}))) {
    return query(find(cursor, end, {"for", "is"}) + 1, end);
  }
  if (is(at, {"select", "insert", "update", "delete", "merge",   "with",    "values", "create",
              "alter",  "drop",   "grant",  "revoke", "call",    "do",      "copy",   "truncate",
              "set",    "reset",  "lock",   "table",  "refresh", "comment", "fetch",  "move"})) {
    return query(at, end);
  }
  const std::size_t assigns = std::min(find_assignment(at, end), find(at, end, {"default"}));
  if (assigns == end) return query(at, end);
  tell(at, assigns);
  tell(assigns + 1, end);
}

}  // namespace

std::vector<BodyText> sweep_plpgsql(std::string_view body, bool conforming_strings) {
  return Sweep(body, conforming_strings).run();
}

std::vector<std::string_view> names_called(std::string_view text, bool conforming_strings) {
  static constexpr std::string_view kGrammar[] = {"in",   "values", "and",  "or",  "not",   "any",
                                                  "all",  "some",   "as",   "on",  "using", "where",
                                                  "from", "exists", "over", "row", "array", "by"};
  const auto is_name = [](const Token& token) {
    return token.kind == TokenKind::word || token.kind == TokenKind::name;
  };
  const std::vector<Token> tokens = tokens_of(text, conforming_strings);
  const auto is_dot = [&](std::size_t at) {
    return text.substr(tokens[at].at, tokens[at].size) == ".";
  };
  std::vector<std::string_view> names;
  for (std::size_t at = 1; at < tokens.size(); ++at) {
    if (text.substr(tokens[at].at, tokens[at].size) != "(" || !is_name(tokens[at - 1])) continue;
    std::size_t first = at - 1;
    while (first >= 2 && is_dot(first - 1) && is_name(tokens[first - 2])) first -= 2;
    const Token& last = tokens[at - 1];
    const std::string_view name =
        text.substr(tokens[first].at, last.at + last.size - tokens[first].at);
    const std::string word = ascii_lower(name);
    if (std::find(std::begin(kGrammar), std::end(kGrammar), word) == std::end(kGrammar)) {
      names.push_back(name);
    }
  }
  return names;
}

}  // namespace pgmoat::sql
