// As stringToQualifiedNameList: identifiers with dots between, spaces around each.
#include "sql/identifiers.h"

#include <array>
#include <cstring>

namespace pgmoat::sql {
namespace {

constexpr std::size_t kLongest = 63;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
char folded(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
bool starts_name(char c) {
  return (folded(c) >= 'a' && folded(c) <= 'z') || c == '_' || static_cast<unsigned char>(c) > 127;
}
bool in_name(char c) { return starts_name(c) || (c >= '0' && c <= '9') || c == '$'; }

std::string_view clipped(std::string_view name) {
  std::size_t size = name.size();
  if (size <= kLongest) return name;
  for (size = kLongest; (static_cast<unsigned char>(name[size]) & 0xC0) == 0x80;) --size;
  return name.substr(0, size);
}

// The name at `at`, which moves behind it; "" where there is none.
std::string_view take(std::string_view text, std::size_t& at, Arena& arena) {
  char* const room = arena.room(text.size() - at + 1);
  std::size_t size = 0;
  if (at < text.size() && text[at] == '"') {
    for (++at; at < text.size(); ++at) {
      if (text[at] == '"') {
        ++at;
        if (at == text.size() || text[at] != '"') return clipped({room, size});
      }
      room[size++] = text[at];
    }
    return {};  // not closed
  }
  if (at == text.size() || !starts_name(text[at])) return {};
  while (at < text.size() && in_name(text[at])) room[size++] = folded(text[at++]);
  return clipped({room, size});
}

}  // namespace

std::optional<QualifiedName> split_name(std::string_view text, Arena& arena) {
  std::array<std::string_view, 3> parts;
  std::size_t count = 0, at = 0;
  const auto skip = [&] {
    while (at < text.size() && is_space(text[at])) ++at;
  };
  for (;; ++at) {
    if (count == parts.size()) return {};
    skip();
    parts[count] = take(text, at, arena);
    if (parts[count++].empty()) return {};
    skip();
    if (at == text.size()) break;
    if (text[at] != '.') return {};
  }
  QualifiedName name;
  name.name = parts[count - 1];
  if (count > 1) name.schema = parts[count - 2];
  if (count > 2) name.catalog = parts[0];
  return name;
}

std::string_view lower_case(std::string_view text, Arena& arena) {
  char* const room = arena.room(text.size() + 1);
  for (std::size_t i = 0; i < text.size(); ++i) room[i] = folded(text[i]);
  return {room, text.size()};
}

}  // namespace pgmoat::sql
