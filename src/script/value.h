// Lua values as C++ sees them: copies, so nothing here points into a Lua state but Function and
// Object. A Function belongs to the sandbox that made it and lives as long.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace pgmoat::script {

struct Value;

struct Function {
  int ref = -1;
  bool operator==(const Function&) const = default;
};

struct Table {
  std::vector<Value> items;                           // 1..n
  std::vector<std::pair<std::string, Value>> fields;  // string keys, sorted; others are refused
  const Value* find(std::string_view key) const;
};

struct Value {
  std::variant<std::monostate, bool, std::int64_t, double, std::string, std::shared_ptr<Table>,
               Function>
      is;

  bool nil() const { return is.index() == 0; }
  template <class T>
  const T* as() const {
    return std::get_if<T>(&is);
  }
  const Table* table() const {
    const auto* shared = std::get_if<std::shared_ptr<Table>>(&is);
    return shared == nullptr ? nullptr : shared->get();
  }
};

}  // namespace pgmoat::script
