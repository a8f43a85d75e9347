// sqlcommenter: key='value' pairs with commas between, both percent-encoded, a quote as \'.
#include "sql/comments.h"

namespace pgmoat::sql {
namespace {

constexpr std::string_view kKey = "traceparent='";

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') return (c | 0x20) - 'a' + 10;
  return -1;
}

std::string_view decoded(std::string_view value, Arena& arena) {
  char* const room = arena.room(value.size() + 1);
  std::size_t size = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    char c = value[i];
    if (c == '%' && i + 2 < value.size() && hex(value[i + 1]) >= 0 && hex(value[i + 2]) >= 0) {
      c = static_cast<char>(hex(value[i + 1]) * 16 + hex(value[i + 2]));
      i += 2;
    }
    room[size++] = c;
  }
  return {room, size};
}

}  // namespace

void add_comments(std::string_view text, std::span<const Span> comments, Draft& draft) {
  for (const Span& comment : comments)
    draft.comments.push_back(text.substr(comment.at, comment.size));
}

std::string_view traceparent_in(std::span<const std::string_view> comments, Arena& arena) {
  std::string_view found;
  for (const std::string_view comment : comments) {
    if (comment.substr(0, 2) != "/*") continue;
    const std::size_t key = comment.find(kKey);
    if (key == std::string_view::npos) continue;
    const std::size_t first = key + kKey.size(), end = comment.find('\'', first);
    if (end != std::string_view::npos) found = decoded(comment.substr(first, end - first), arena);
  }
  return found;
}

}  // namespace pgmoat::sql
