// The arena and the marks of a draft.
#include "sql/draft.h"

#include <algorithm>
#include <cstring>

namespace pgmoat::sql {

// Elements of a list whose memory is kept for the next text.
constexpr std::size_t kKept = 4096;

char* Arena::room(std::size_t size) {
  if (size > size_ - used_) {
    size_ = std::max(kPiece, size);
    pieces_.push_back(std::make_unique_for_overwrite<char[]>(size_));
    used_ = 0;
  }
  char* const at = pieces_.back().get() + used_;
  used_ += size;
  return at;
}

std::string_view Arena::keep(std::string_view text) { return join(text, {}, {}); }

std::string_view Arena::join(std::string_view left, std::string_view middle,
                             std::string_view right) {
  const std::size_t size = left.size() + middle.size() + right.size();
  joined_ += size;
  char* at = room(size + 1);
  char* const first = at;
  for (const std::string_view part : {left, middle, right}) {
    if (!part.empty()) std::memcpy(at, part.data(), part.size());
    at += part.size();
  }
  *at = 0;  // so that a text kept here can be parsed
  return {first, size};
}

void Arena::reset() {
  // One piece of the usual size is kept; after a large text nothing large stays behind.
  if (pieces_.size() != 1 || size_ != kPiece) pieces_.clear(), size_ = 0;
  used_ = 0;
  joined_ = 0;
}

void Draft::clear() {
  const auto empty = [](auto& list) {
    if (list.empty()) return;
    list.clear();
    if (list.capacity() > kKept) list.shrink_to_fit();
  };
  empty(relations), empty(columns), empty(functions), empty(literals), empty(settings);
  empty(roles), empty(clauses), empty(bodies), empty(nested_commands), empty(object_names),
      empty(extensions);
  empty(statements), empty(arguments), empty(comments);
  arena.reset();
}

Lists<Place> Draft::places() const {
  const auto size = [](const auto& list) { return static_cast<std::uint32_t>(list.size()); };
  return {size(relations),       size(columns),      size(functions), size(literals),
          size(settings),        size(roles),        size(clauses),   size(bodies),
          size(nested_commands), size(object_names), size(extensions)};
}

}  // namespace pgmoat::sql
