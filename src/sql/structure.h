// A hash of what a statement is, for allow-lists and baselines: equal for texts that differ only in
// their data, different for everything that a fingerprint is known to confuse. Names, operators, cast
// types, settings with their values, roles, bodies, prepared names, boolean constants and the number
// of arguments count as written; other literals and $n count as their class; a list of constants
// counts the same whatever its length; LIMIT counts as none, literal, parameter or expression.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace pgmoat::sql {

class StructureHash {
 public:
  // Of a statement (no RawStmt) in a text of so many; the tree passed the gate and the budgets.
  std::uint64_t of(const void* statement, std::uint32_t statements);
  void shrink() {  // gives back the memory that a large tree took
    if (items_.capacity() > 1024) items_ = {};
  }

 private:
  // Two whole words, handed on by value: read right after it was written in parts, an item would wait
  // for the stores.
  struct Item {
    Item(const void* node_, std::uint32_t salt, bool verbatim)
        : node(node_), word(static_cast<std::uint64_t>(salt) << 1 | verbatim) {}
    std::uint64_t salt() const { return word >> 1; }   // its place in its parent
    bool verbatim() const { return (word & 1) != 0; }  // literals here are not data
    const void* node;
    std::uint64_t word;
  };
  void visit(Item item);
  void visit_fields(Item item);
  bool visit_short(Item item);
  void visit_list(Item item);
  void visit_constant(Item item);
  void visit_select(Item item);
  void visit_call(Item item);
  void visit_set(Item item);
  void push(const void* node, std::uint32_t salt, bool verbatim) {
    if (node) items_.emplace_back(node, salt, verbatim);
  }
  void mix(std::uint64_t word) { hash_ = (std::rotl(hash_, 29) ^ word) * 0x9E3779B97F4A7C15u; }
  void mix_text(const char* text);

  std::uint64_t hash_ = 0;
  std::vector<Item> items_;
};

}  // namespace pgmoat::sql
