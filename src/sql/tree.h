// PostgreSQL's raw parse tree, and what can be done with any tree whatever its nodes are: walk it,
// hash it, compare two. Nothing here recurses, and a walk ends where a budget is spent. The nodes
// are PostgreSQL's own structs (sql/postgres.h); to this header they are opaque.
//
// Parse only what passed the gate: the grammar's stack grows with nesting.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "sql/nodes.h"

struct Node;
struct List;

namespace pgmoat::sql {

inline unsigned tag_of(const void* node) {
  unsigned tag;
  std::memcpy(&tag, node, sizeof tag);
  return tag;
}
inline const NodeType& type_of(const void* node) { return kNodeTypes[tag_of(node)]; }

// libpg_query's standard_conforming_strings on this thread, while it lives.
class Reading {
 public:
  explicit Reading(bool conforming_strings);
  ~Reading();
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

 private:
  bool before_;
};

// One parsed text. Its nodes and strings live as long as it does.
class Tree {
 public:
  Tree() = default;
  // The text ends with a NUL, is UTF-8, and passed the gate; the flag is the session's
  // standard_conforming_strings.
  Tree(const char* text, bool conforming_strings);
  Tree(Tree&& other) noexcept;
  Tree& operator=(Tree&& other) noexcept;
  ~Tree();

  explicit operator bool() const { return memory_ && error_.empty(); }
  const List* statements() const { return statements_; }  // of RawStmt; null where there is none
  const std::string& error() const { return error_; }
  std::uint32_t error_position() const { return error_position_; }  // a byte offset

 private:
  void* memory_ = nullptr;  // a MemoryContext
  const List* statements_ = nullptr;
  std::string error_;
  std::uint32_t error_position_ = 0;
};

// The elements of a list of nodes; none of a null, an integer or an OID list.
struct Elements {
  const void* const* first = nullptr;
  std::size_t count = 0;
  const void* const* begin() const { return first; }
  const void* const* end() const { return first + count; }
  std::size_t size() const { return count; }
};
Elements elements_of(const void* list);

// The field of a node at this offset.
inline const void* child_at(const void* node, std::uint16_t offset) {
  const void* child;
  std::memcpy(&child, static_cast<const std::byte*>(node) + offset, sizeof child);
  return child;
}

struct Budget {
  std::uint32_t nodes = 2'000'000, depth = 10'000;
};

// What a walk has still to visit, kept between walks so that a walk allocates nothing.
struct Pending {
  const void* node;
  std::uint32_t depth;
};

// Calls visit(node, depth) for `root` and every node below it, lists and the values inside constants
// included, a node before its fields and fields in their order. False where the budget ends.
template <class Visit>
bool walk(const void* root, Budget budget, std::vector<Pending>& pending, Visit&& visit);

// Over every field of every node, literals included, locations left out. False: the budget ended.
bool hash_tree(const void* root, Budget budget, std::uint64_t& hash);
bool equal_trees(const void* left, const void* right);

template <class Visit>
bool walk(const void* root, Budget budget, std::vector<Pending>& pending, Visit&& visit) {
  pending.clear();
  if (root) pending.push_back({root, 0});
  while (!pending.empty()) {
    const auto [node, depth] = pending.back();
    pending.pop_back();
    if (budget.nodes-- == 0 || depth > budget.depth) return false;
    visit(node, depth);
    const std::size_t first = pending.size();
    for (const Field& field : type_of(node).fields) {
      if (field.kind == FieldKind::node) {
        if (const void* child = child_at(node, field.offset)) pending.push_back({child, depth + 1});
      } else if (field.kind == FieldKind::value) {
        const void* value = static_cast<const std::byte*>(node) + field.offset;
        if (tag_of(value) != 0) pending.push_back({value, depth + 1});
      }
    }
    for (const void* element : elements_of(node)) {
      if (element) pending.push_back({element, depth + 1});
    }
    for (std::size_t a = first, b = pending.size(); a + 1 < b; ++a, --b) {
      const Pending swapped = pending[a];
      pending[a] = pending[b - 1];
      pending[b - 1] = swapped;
    }
  }
  return true;
}

}  // namespace pgmoat::sql
