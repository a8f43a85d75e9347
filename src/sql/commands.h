// What a statement is: its kind, the command tag that PostgreSQL would answer with, and how it
// touches the relations that it names itself. One table, by node.
#pragma once

#include <string_view>

#include "sql/facts.h"

namespace pgmoat::sql {

struct Command {
  Kind kind = Kind::other;
  std::string_view name;
  Access access = Access::read;  // of relations named in it, unless a clause says otherwise
  bool writes = false;
};

// Of a node that is a statement (NodeType::statement).
Command command_of(const void* node);

// The words of an object type as they stand in command tags: "TABLE", "FOREIGN DATA WRAPPER".
std::string_view object_word(int object_type);
// Objects of this type are in pg_class.
bool is_relation_type(int object_type);

}  // namespace pgmoat::sql
