// The table that generate_nodes.py makes: what each node of PostgreSQL's tree consists of. Whoever
// walks, hashes or compares a tree goes by it, so that no field is forgotten, nor one that a later
// PostgreSQL adds. Only sql/ includes this.
#pragma once

#include <cstdint>
#include <span>

namespace pgmoat::sql {

enum class FieldKind : std::uint8_t {
  node,   // a pointer to a node or a list, may be null
  text,   // a pointer to a C string, may be null
  value,  // the constant that A_Const holds in place: a node, valid unless its isnull
  boolean,
  character,
  integer,
  floating,
  enumeration,
  location,  // a place in the text: not part of what the tree means
};

struct Field {
  const char* name;
  std::uint16_t offset;
  std::uint8_t size;
  FieldKind kind;
};

struct NodeType {
  const char* name = nullptr;               // null: no such node in a raw tree
  std::span<const Field> fields;            // of lists: none
  std::span<const std::uint16_t> children;  // offsets of the fields of kind `node`
  bool statement = false;                   // the root of a command, such as SelectStmt
};

inline constexpr unsigned kNodeTags = 512;
extern const NodeType* const kNodeTypes;  // [kNodeTags], by NodeTag

}  // namespace pgmoat::sql
