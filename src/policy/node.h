// One value with its place, made from TOML or from Lua, and one way to read it: so a TOML rule and a
// Lua rule become the same object by the same code, and every complaint names file, line and column.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/rule.h"
#include "script/value.h"

namespace pgmoat::policy {

struct Node {
  enum class Type : std::uint8_t {
    nil,
    boolean,
    integer,
    number,
    text,
    date,  // TOML's dates and times; `text` as in "2027-03-31"
    list,
    table,     // of Lua: may have items too
    function,  // of Lua
  };
  struct Entry;
  Type type = Type::nil;
  bool boolean = false;
  std::int64_t integer = 0;
  double number = 0;
  std::string text;
  std::vector<Node> items;
  std::vector<Entry> fields;
  std::string made_by;  // of Lua: the constructor, "deny" or "edit.add_filter"
  script::Function function;
  Place place;

  bool is(Type wanted) const { return type == wanted; }
  bool is_table() const { return type == Type::table; }
  // What Lua writes as {} is both.
  bool is_list() const {
    return type == Type::list || (is_table() && fields.empty() && items.empty());
  }
  const Entry* find(std::string_view key) const;
};
struct Node::Entry {
  std::string key;
  Place place;  // of the key
  Node value;
};

// The field that marks what a constructor made, in tables of Lua: its name.
inline constexpr std::string_view kMadeBy = "pgmoat:made_by";

class Problems {
 public:
  explicit Problems(std::vector<Problem>& into) : into_(into) {}
  void error(const Place& place, std::string message) const {
    into_.push_back({Problem::Level::error, place, std::move(message)});
  }
  void warning(const Place& place, std::string message) const {
    into_.push_back({Problem::Level::warning, place, std::move(message)});
  }

 private:
  std::vector<Problem>& into_;
};

// How a key's value is read. It returns what is wrong ("expected ..."), or "" where nothing is, or
// where it has said so itself.
using Read = std::function<std::string(const Node&)>;
struct Key {
  std::string_view name;
  Read read;
};

// Every field of `table` by its key. `where`: "[pack]", "a rule". `others`: keys known to the caller,
// which reads them itself.
void read_table(const Node& table, std::string_view where, const std::vector<Key>& keys,
                const Problems& problems, const std::vector<std::string_view>& others = {});

Read text(std::string& into);
Read flag(bool& into);
Read whole(std::function<void(std::int64_t)> take, std::int64_t low, std::int64_t high);
Read words(std::vector<std::string>& into);  // one text or a list of texts
// One of `names`; `take` gets its index.
Read choice(std::vector<std::string_view> names, std::function<void(std::size_t)> take);

std::string one_of(const std::vector<std::string_view>& names);  // "'a', 'b' or 'c'"
// A text, number or boolean as text: "5s", "7", "true". False where it is none.
bool as_text(const Node& node, std::string& into);

}  // namespace pgmoat::policy
