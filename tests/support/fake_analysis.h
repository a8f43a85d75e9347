// Facts without a parser: a reader of just the SQL that the session's tests say. Only tests of what a
// session does with facts use it; what is true of a text is the business of tests/sql.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ascii.h"
#include "sql/analysis.h"

namespace pgmoat::test {
namespace {

// An Analysis can be made by its Analyzer only; this reaches its members all the same.
template <class Tag, typename Tag::Pointer kMember>
struct Opened {
  friend typename Tag::Pointer member(Tag) { return kMember; }
};
struct TextTag {
  using Pointer = std::string_view sql::Analysis::*;
  friend Pointer member(TextTag);
};
struct StatementsTag {
  using Pointer = std::span<const sql::Facts> sql::Analysis::*;
  friend Pointer member(StatementsTag);
};
struct OpacityTag {
  using Pointer = sql::Opacity sql::Analysis::*;
  friend Pointer member(OpacityTag);
};
template struct Opened<TextTag, &sql::Analysis::text_>;
template struct Opened<StatementsTag, &sql::Analysis::statements_>;
template struct Opened<OpacityTag, &sql::Analysis::opacity_>;

struct FakeAnalysis {
  std::string text;
  std::vector<sql::Facts> statements;
  std::deque<std::string> words;
  std::deque<std::vector<sql::Setting>> settings;
  std::deque<std::vector<sql::Function>> functions;
  sql::Analysis analysis;

  std::string_view word(const std::vector<std::string>& of, std::size_t at) {
    words.push_back(at < of.size() ? ascii_lower(of[at]) : "");
    return words.back();
  }
  void read(std::string_view statement);
  void read_settings(sql::Facts& facts, const std::vector<std::string>& tokens);
};

// Words, numbers, literals without their quotes, and single signs.
std::vector<std::string> tokens_of(std::string_view text) {
  std::vector<std::string> tokens;
  for (std::size_t i = 0; i < text.size();) {
    const auto letter = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
    };
    std::size_t end = i + 1;
    if (text[i] == ' ') {
      ++i;
      continue;
    }
    if (text[i] == '\'') {
      end = std::min(text.find('\'', i + 1), text.size());
      tokens.emplace_back(text.substr(i + 1, end - i - 1));
      i = end + 1;
      continue;
    }
    while (letter(text[i]) && end < text.size() && letter(text[end])) ++end;
    tokens.emplace_back(text.substr(i, end - i));
    i = end;
  }
  return tokens;
}

sql::Kind kind_of(std::string_view first) {
  using sql::Kind;
  if (first == "select") return Kind::select;
  if (first == "insert") return Kind::insert;
  if (first == "update") return Kind::update;
  if (first == "delete") return Kind::delete_;
  if (first == "copy") return Kind::copy;
  if (first == "begin" || first == "commit" || first == "rollback" || first == "savepoint")
    return Kind::tcl;
  if (first == "set" || first == "reset") return Kind::set;
  if (first == "prepare") return Kind::prepare;
  if (first == "execute" || first == "deallocate") return Kind::execute;
  if (first == "declare" || first == "fetch" || first == "close") return Kind::cursor;
  if (first == "show") return Kind::show;
  return Kind::other;
}

void FakeAnalysis::read_settings(sql::Facts& facts, const std::vector<std::string>& tokens) {
  std::vector<sql::Setting> list;
  if (facts.kind == sql::Kind::set) {
    sql::Setting setting;
    std::size_t at = 1;
    if (word(tokens, 1) == "local") setting.scope = sql::Setting::Scope::local, ++at;
    setting.is_default = ascii_lower(tokens[0]) == "reset";
    setting.name = word(tokens, at);
    if (!setting.is_default) setting.value = word(tokens, at + (setting.name == "role" ? 1 : 2));
    list.push_back(setting);
  }
  std::vector<sql::Function> calls;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (tokens[i + 1] != "(" || facts.kind == sql::Kind::insert) continue;
    sql::Function function;
    function.name = function.qualified = word(tokens, i);
    calls.push_back(function);
    if (function.name != "set_config") continue;
    sql::Setting setting;  // set_config ( a , b , true )
    setting.name = word(tokens, i + 2);
    setting.value = word(tokens, i + 4);
    if (word(tokens, i + 6) == "true") setting.scope = sql::Setting::Scope::local;
    list.push_back(setting);
  }
  settings.push_back(std::move(list));
  functions.push_back(std::move(calls));
  facts.settings = settings.back();
  facts.functions = functions.back();
}

void FakeAnalysis::read(std::string_view statement) {
  const std::vector<std::string> tokens = tokens_of(statement);
  if (tokens.empty()) return;
  sql::Facts facts;
  const std::string first = ascii_lower(tokens[0]);
  facts.kind = kind_of(first);
  facts.text = statement;
  facts.command = first == "declare"      ? "DECLARE CURSOR"
                  : first == "close"      ? "CLOSE CURSOR"
                  : first == "execute"    ? "EXECUTE"
                  : first == "deallocate" ? "DEALLOCATE"
                  : first == "begin"      ? "BEGIN"
                  : first == "fetch"      ? "FETCH"
                                          : "";
  if (first == "prepare" || first == "execute" || first == "deallocate") {
    facts.prepared = word(tokens, 1);
    if (first == "deallocate" && facts.prepared == "all") facts.prepared = {};
  }
  if (first == "declare" || first == "close") facts.cursor = word(tokens, 1);
  if (first == "copy") {
    facts.copy.from = ascii_lower(std::string(statement)).find(" from ") != std::string::npos;
    facts.copy.target = facts.copy.from ? sql::Copy::Target::stdin_ : sql::Copy::Target::stdout_;
  }
  read_settings(facts, tokens);
  statements.push_back(facts);
}

// "opaque" in the text: it cannot be read.
std::shared_ptr<const sql::Analysis> analysis_of(std::string_view text) {
  auto fake = std::make_shared<FakeAnalysis>();
  fake->text = text;
  std::string_view left = fake->text;
  while (!left.empty()) {
    const std::size_t end = std::min(left.find(';'), left.size());
    fake->read(left.substr(0, end));
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  fake->analysis.*member(TextTag{}) = fake->text;
  fake->analysis.*member(StatementsTag{}) = std::span<const sql::Facts>(fake->statements);
  if (text.find("opaque") != std::string_view::npos) {
    fake->analysis.*member(OpacityTag{}) = sql::Opacity::unparsable;
    fake->analysis.*member(StatementsTag{}) = {};
  }
  return {fake, &fake->analysis};
}

}  // namespace
}  // namespace pgmoat::test
