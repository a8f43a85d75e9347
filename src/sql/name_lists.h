// Name lists of the tree: what the grammar writes as a List of String nodes.
#pragma once

#include <string_view>

#include "sql/postgres.h"
#include "sql/tree.h"

namespace pgmoat::sql {

template <class T>
const T* as(const void* node) {
  return static_cast<const T*>(node);
}
inline bool is(const void* node, unsigned tag) { return node && tag_of(node) == tag; }

// "" for a node that is no String.
inline std::string_view string_of(const void* node) {
  return is(node, T_String) && as<String>(node)->sval ? as<String>(node)->sval : std::string_view();
}

// schema.name; a catalog before them is left out.
struct Name {
  std::string_view schema, name;
};
inline Name name_in(const void* list) {
  const Elements parts = elements_of(list);
  Name name;
  if (parts.size() > 0) name.name = string_of(parts.first[parts.size() - 1]);
  if (parts.size() > 1) name.schema = string_of(parts.first[parts.size() - 2]);
  return name;
}

}  // namespace pgmoat::sql
