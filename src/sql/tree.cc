// The parse, and the hash and comparison that go by the table of nodes. A null, a list's length and
// a string's length are hashed too: two trees that differ cannot be written out alike.
#include "sql/tree.h"

#define XXH_INLINE_ALL  // libpg_query holds a copy with the same names
#include <xxhash.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "sql/postgres.h"

extern "C" {
extern __thread bool standard_conforming_strings;  // libpg_query's, read by its lexer
}

namespace pgmoat::sql {
namespace {

const std::byte* at(const void* node, const Field& field) {
  return static_cast<const std::byte*>(node) + field.offset;
}

const char* text_at(const void* node, const Field& field) {
  return static_cast<const char*>(child_at(node, field.offset));
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
  hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
  return hash ^ (hash >> 29);
}

bool is_number_list(unsigned tag) { return tag == T_IntList || tag == T_OidList; }

std::uint64_t scalar(const void* node, const Field& field) {
  std::uint64_t word = 0;
  std::memcpy(&word, at(node, field), field.size);
  return word;
}

std::uint64_t mix_fields(std::uint64_t hash, const void* node) {
  for (const Field& field : type_of(node).fields) {
    switch (field.kind) {
      case FieldKind::location:
      case FieldKind::value: break;  // the value is walked
      case FieldKind::node: hash = mix(hash, child_at(node, field.offset) ? 1 : 0); break;
      case FieldKind::text: {
        const char* text = text_at(node, field);
        hash = text ? mix(hash, XXH3_64bits(text, std::strlen(text))) : mix(hash, 0);
        break;
      }
      default: hash = mix(hash, scalar(node, field)); break;
    }
  }
  return hash;
}

std::uint64_t mix_list(std::uint64_t hash, const List* list) {
  hash = mix(hash, static_cast<std::uint64_t>(list->length));
  for (int i = 0; i < list->length; ++i) {
    if (is_number_list(tag_of(list))) {
      hash = mix(hash, static_cast<std::uint64_t>(list->elements[i].int_value));
    } else if (!list->elements[i].ptr_value) {
      hash = mix(hash, ~static_cast<std::uint64_t>(i));
    }
  }
  return hash;
}

// syntax error at or near "..." quotes the client's text, which may be a password; the place is told
// by its number.
std::string without_quotes(std::string_view message) {
  const std::size_t near = std::min(message.find(" at or near \""), message.find('"'));
  if (near == std::string_view::npos) return std::string(message);
  std::string said(message.substr(0, near));
  while (!said.empty() && said.back() == ' ') said.pop_back();
  return said;
}

using Pair = std::pair<const void*, const void*>;

bool same_field(const void* left, const void* right, const Field& field, std::vector<Pair>& todo) {
  switch (field.kind) {
    case FieldKind::location: return true;
    case FieldKind::node:
      todo.emplace_back(child_at(left, field.offset), child_at(right, field.offset));
      return true;
    case FieldKind::text: {
      const char *a = text_at(left, field), *b = text_at(right, field);
      return a && b ? std::strcmp(a, b) == 0 : a == b;
    }
    case FieldKind::value: {
      const std::byte *a = at(left, field), *b = at(right, field);
      if (tag_of(a) != tag_of(b)) return false;
      if (tag_of(a) != 0) todo.emplace_back(a, b);
      return true;
    }
    default: return std::memcmp(at(left, field), at(right, field), field.size) == 0;
  }
}

bool same_list(const List* left, const List* right, std::vector<Pair>& todo) {
  if (left->length != right->length) return false;
  for (int i = 0; i < left->length; ++i) {
    if (!is_number_list(tag_of(left))) {
      todo.emplace_back(left->elements[i].ptr_value, right->elements[i].ptr_value);
    } else if (left->elements[i].int_value != right->elements[i].int_value) {
      return false;
    }
  }
  return true;
}

}  // namespace

Reading::Reading(bool conforming_strings)
    : before_(std::exchange(::standard_conforming_strings, conforming_strings)) {}
Reading::~Reading() { ::standard_conforming_strings = before_; }

Tree::Tree(const char* text, bool conforming_strings) {
  const Reading reading(conforming_strings);
  memory_ = pg_query_enter_memory_context();
  PgQueryInternalParsetreeAndError result = pg_query_raw_parse(text);
  statements_ = result.tree;
  if (result.error) {
    statements_ = nullptr;
    error_ = without_quotes(result.error->message ? result.error->message : "syntax error");
    // A count of characters from 1, or 0 where there is no place.
    error_position_ = 0;
    const char* here = text;
    for (int left = result.error->cursorpos - 1; left > 0 && *here; --left) {
      ++here;
      while ((static_cast<unsigned char>(*here) & 0xC0) == 0x80) ++here;
    }
    error_position_ = static_cast<std::uint32_t>(here - text);
    pg_query_free_error(result.error);
  }
  std::free(result.stderr_buffer);
}

Tree::Tree(Tree&& other) noexcept { *this = std::move(other); }

Tree& Tree::operator=(Tree&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(statements_, other.statements_);
  std::swap(error_, other.error_);
  std::swap(error_position_, other.error_position_);
  return *this;
}

Tree::~Tree() {
  if (memory_) pg_query_exit_memory_context(static_cast<MemoryContext>(memory_));
}

Elements elements_of(const void* list) {
  static_assert(sizeof(ListCell) == sizeof(void*));
  if (!list || tag_of(list) != T_List) return {};
  const List* typed = static_cast<const List*>(list);
  return {&typed->elements->ptr_value, static_cast<std::size_t>(typed->length)};
}

bool hash_tree(const void* root, Budget budget, std::uint64_t& hash) {
  std::vector<Pending> pending;
  return walk(root, budget, pending, [&](const void* node, std::uint32_t) {
    hash = mix(hash, tag_of(node));
    const unsigned tag = tag_of(node);
    if (tag == T_List || is_number_list(tag)) {
      hash = mix_list(hash, static_cast<const List*>(node));
    } else {
      hash = mix_fields(hash, node);
    }
  });
}

bool equal_trees(const void* left, const void* right) {
  std::vector<Pair> todo{{left, right}};
  while (!todo.empty()) {
    const auto [a, b] = todo.back();
    todo.pop_back();
    if (a == b) continue;
    if (!a || !b || tag_of(a) != tag_of(b)) return false;
    const unsigned tag = tag_of(a);
    if (tag == T_List || is_number_list(tag)) {
      if (!same_list(static_cast<const List*>(a), static_cast<const List*>(b), todo)) return false;
      continue;
    }
    for (const Field& field : type_of(a).fields) {
      if (!same_field(a, b, field, todo)) return false;
    }
  }
  return true;
}

}  // namespace pgmoat::sql
