// Where the parts of a table constructor stand in a Lua text: the running Lua knows the line of a call
// only, and a complaint about a key should point at the key. It reads tokens and brackets; what it
// does not find (a table built elsewhere) has no parts, and the complaint points at the call.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::policy {

struct LuaPart {
  std::string key;                       // "" of a list's items
  int line = 0, column = 0;              // of the key, or of an item
  int value_line = 0, value_column = 0;  // of the value
  std::vector<LuaPart> parts;            // of the table that the value is, or is made from

  const LuaPart* find(std::string_view name) const;
  const LuaPart* item(std::size_t index) const;
};

// The table given to the first call of `function` ("rule" of pgmoat.rule{...}) on or after `line`.
LuaPart places_of_call(std::string_view source, int line, std::string_view function);
// The column of the first character of a line that is no space.
int first_column(std::string_view source, int line);
// The column where a line first has the word; of its first character where it has it nowhere.
int column_of(std::string_view source, int line, std::string_view word);

}  // namespace pgmoat::policy
