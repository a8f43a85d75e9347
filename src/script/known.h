// What is known of a Lua value without running: that it is a lent object of some type, or a table or
// function that exists since the files ran. Whoever asks for a member that does not exist is told what
// Lua would raise. One lives in one protected call, whose stack frame it uses.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "script/bytecode.h"
#include "script/core.h"
#include "script/object.h"

namespace pgmoat::script {

struct Known {
  // steps: what ipairs(list) gives. live: a table or a function of C. function: one of Lua.
  enum class Kind : std::uint8_t { anything, object, list, steps, live, function };
  Kind kind = Kind::anything;
  const ObjectType* type = nullptr;  // of the object, or of the items; null: of no interest
  std::size_t number = 0;            // of a live value; of a function's body
  bool operator==(const Known&) const = default;
};
inline Known known_object(const ObjectType* type) { return {Known::Kind::object, type, 0}; }

struct Body {
  const Prototype* code = nullptr;
  std::string file;
  std::vector<Known> upvalues;
};

class KnownValues {
 public:
  // `types`: all that fields speak of by their class name. The frame must be empty.
  KnownValues(Core& core, std::span<const ObjectType* const> types);

  Known value_on_top();  // takes it off the stack
  // In `complaint`, where there is no such member, what Lua would raise.
  Known member(const Known& of, std::string_view name, std::string& complaint);
  static Known item(const Known& list);
  bool walks_a_list(const Known& function);  // ipairs, pairs

  const Body& body(std::size_t number);  // with its upvalues
  std::size_t add_body(Body body);
  std::size_t bodies() const { return bodies_.size(); }

 private:
  std::size_t add_function();
  Known field(const ObjectType& type, std::string_view name, std::string& complaint) const;
  Known typed(std::string_view written) const;
  Known live_member(const Known& of, std::string_view name, std::string& complaint);

  Core& core_;
  lua_State* L_;
  std::span<const ObjectType* const> types_;
  std::vector<Known> values_;  // by number - 1
  std::deque<std::unique_ptr<const Compiled>> sources_;
  std::deque<Body> bodies_;
  std::map<std::size_t, lua_Integer> live_of_body_;
};

}  // namespace pgmoat::script
