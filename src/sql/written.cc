// Quoting, by the rules of quote_identifier() and quote_literal().
#include "sql/written.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "sql/postgres.h"
extern "C" {
#include <common/keywords.h>
}

namespace pgmoat::sql {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_plain(char c) { return (c >= 'a' && c <= 'z') || c == '_'; }

Result<Written, std::string> written_integer(std::string_view text) {
  std::string_view digits = text;
  if (digits.starts_with('-')) digits.remove_prefix(1);
  if (digits.empty() || digits.size() > 19 ||
      !std::all_of(digits.begin(), digits.end(), is_digit)) {
    return "\"" + std::string(text) + "\" is no integer.";
  }
  // As a text: the grammar folds a sign into its constant in ways of its own.
  return Written{text.starts_with('-') ? "'" + std::string(text) + "'" : std::string(text)};
}

}  // namespace

std::string written_name(std::string_view name) {
  const bool plain =
      !name.empty() && is_plain(name[0]) &&
      std::all_of(name.begin(), name.end(), [](char c) { return is_plain(c) || is_digit(c); });
  std::string out(name);
  if (plain && ScanKeywordLookup(out.c_str(), &ScanKeywords) < 0) return out;
  out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + "\"";
}

Result<Written, std::string> written_value(const Value& value) {
  switch (value.type) {
    case Value::Type::null: return Written{"NULL"};
    case Value::Type::boolean:
      if (value.text == "true" || value.text == "false") return Written{value.text};
      return "\"" + value.text + "\" is no boolean.";
    case Value::Type::integer: return written_integer(value.text);
    case Value::Type::text: break;
  }
  if (value.text.find('\0') != std::string::npos) {
    return std::string("A text with a NUL cannot be written.");
  }
  const bool escaped = value.text.find('\\') != std::string::npos;
  std::string out = escaped ? "E'" : "'";
  for (const char c : value.text) out.append(c == '\'' || c == '\\' ? 2 : 1, c);
  return Written{out + "'"};
}

Result<RelationName, std::string> relation_name(std::string_view text) {
  std::vector<std::string> parts(1);
  bool quoted = false, bad = text.empty();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' && quoted && i + 1 < text.size() && text[i + 1] == '"') {
      parts.back() += text[i++];
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == '.' && !quoted) {
      bad |= parts.back().empty();
      parts.emplace_back();
    } else {
      bad |= text[i] == '\0';
      parts.back() += text[i];
    }
  }
  if (bad || quoted || parts.back().empty() || parts.size() > 2) {
    return "\"" + std::string(text) + "\" is no name of a relation.";
  }
  if (parts.size() == 1) return RelationName{"", std::move(parts[0])};
  return RelationName{std::move(parts[0]), std::move(parts[1])};
}

std::string written_relation(const RelationName& relation) {
  const std::string name = written_name(relation.name);
  return relation.schema.empty() ? name : written_name(relation.schema) + "." + name;
}

}  // namespace pgmoat::sql
