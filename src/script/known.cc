#include "script/known.h"

#include <algorithm>
#include <utility>

namespace pgmoat::script {
namespace {

// Places in the stack frame: live values by number, and numbers by value.
constexpr int kValues = 1, kNumbers = 2;

// Gives table[key] as a policy would read it.
int index_pair(lua_State* L) {
  lua_gettable(L, 1);
  return 1;
}

}  // namespace

KnownValues::KnownValues(Core& core, std::span<const ObjectType* const> types)
    : core_(core), L_(core.L), types_(types) {
  lua_newtable(L_);
  lua_newtable(L_);
}

// Functions are noted when first seen, and their upvalues read when asked for, so that cycles end.
Known KnownValues::value_on_top() {
  const int kind = lua_type(L_, -1);
  if (kind == LUA_TUSERDATA) {
    const Thing* thing = thing_at(L_, -1);
    lua_pop(L_, 1);
    return thing->info == nullptr ? Known{} : known_object(thing->info->type);
  }
  if (kind != LUA_TTABLE && kind != LUA_TFUNCTION) {
    lua_pop(L_, 1);
    return {};
  }
  lua_pushvalue(L_, -1);
  lua_rawget(L_, kNumbers);
  const auto seen = static_cast<std::size_t>(lua_tointeger(L_, -1));
  lua_pop(L_, 1);
  if (seen != 0) {
    lua_pop(L_, 1);
    return values_[seen - 1];
  }
  const bool is_lua = kind == LUA_TFUNCTION && lua_iscfunction(L_, -1) == 0;
  values_.push_back(is_lua ? Known{Known::Kind::function, nullptr, add_function()}
                           : Known{Known::Kind::live, nullptr, values_.size() + 1});
  const auto number = static_cast<lua_Integer>(values_.size());
  lua_pushvalue(L_, -1);
  lua_rawseti(L_, kValues, number);
  lua_pushinteger(L_, number);
  lua_rawset(L_, kNumbers);
  if (is_lua) live_of_body_[values_.back().number] = number;
  return values_.back();
}

// Of the function on top, which stays.
std::size_t KnownValues::add_function() {
  lua_Debug about;
  lua_pushvalue(L_, -1);
  lua_getinfo(L_, ">S", &about);
  std::string file(about.source, about.srclen);
  if (file.starts_with('@')) file.erase(0, 1);
  sources_.push_back(read_code(L_, -1));
  bodies_.push_back({&sources_.back()->outer, std::move(file), {}});
  return bodies_.size() - 1;
}

// Upvalues of a live function are constant: freeze() refuses those that are assigned.
const Body& KnownValues::body(std::size_t number) {
  const auto live = live_of_body_.find(number);
  if (live == live_of_body_.end() || !bodies_[number].upvalues.empty()) return bodies_[number];
  lua_rawgeti(L_, kValues, live->second);
  for (int i = 1; lua_getupvalue(L_, -1, i) != nullptr; ++i) {
    const Known value = value_on_top();
    bodies_[number].upvalues.push_back(value);
  }
  lua_pop(L_, 1);
  return bodies_[number];
}

std::size_t KnownValues::add_body(Body body) {
  bodies_.push_back(std::move(body));
  return bodies_.size() - 1;
}

Known KnownValues::item(const Known& list) {
  const bool typed = list.kind == Known::Kind::list && list.type != nullptr;
  return typed ? known_object(list.type) : Known{};
}

Known KnownValues::member(const Known& of, std::string_view name, std::string& complaint) {
  switch (of.kind) {
    case Known::Kind::object: return field(*of.type, name, complaint);
    case Known::Kind::list: complaint = no_such_item(name); return {};
    case Known::Kind::live: return live_member(of, name, complaint);
    default: return {};
  }
}

Known KnownValues::field(const ObjectType& type, std::string_view name,
                         std::string& complaint) const {
  const auto named = [name](const auto& one) { return one.name == name; };
  const auto at = std::find_if(type.fields.begin(), type.fields.end(), named);
  if (at != type.fields.end()) return typed(at->type);
  const bool method = std::any_of(type.methods.begin(), type.methods.end(), named);
  if (method || type.lookup != nullptr) return {};
  complaint = no_such_field(type, name);
  return {};
}

// "pgmoat.Relation[]", "pgmoat.Where", "string?"
Known KnownValues::typed(std::string_view written) const {
  if (written.ends_with('?')) written.remove_suffix(1);
  const bool list = written.ends_with("[]");
  if (list) written.remove_suffix(2);
  const auto at = std::find_if(types_.begin(), types_.end(), [written](const ObjectType* type) {
    return type->class_name == written;
  });
  const ObjectType* type = at == types_.end() ? nullptr : *at;
  if (list) return {Known::Kind::list, type, 0};
  return type == nullptr ? Known{} : known_object(type);
}

// Libraries and the globals raise for names that they do not have; tables of policies give nil.
Known KnownValues::live_member(const Known& of, std::string_view name, std::string& complaint) {
  if (lua_rawgeti(L_, kValues, static_cast<lua_Integer>(of.number)) != LUA_TTABLE) {
    lua_pop(L_, 1);
    return {};
  }
  lua_rawgeti(L_, LUA_REGISTRYINDEX, core_.globals);
  const bool strict = lua_rawequal(L_, -1, -2) != 0 || is_read_only(L_, -2);
  lua_pop(L_, 1);
  if (!strict) {
    lua_pushlstring(L_, name.data(), name.size());
    lua_rawget(L_, -2);
    lua_remove(L_, -2);
    return value_on_top();
  }
  lua_pushcfunction(L_, index_pair);
  lua_insert(L_, -2);
  lua_pushlstring(L_, name.data(), name.size());
  if (lua_pcall(L_, 2, 1, 0) == LUA_OK) return value_on_top();
  const char* message = lua_tostring(L_, -1);
  complaint = message == nullptr ? "there is no '" + std::string(name) + "'" : message;
  lua_pop(L_, 1);
  return {};
}

bool KnownValues::walks_a_list(const Known& function) {
  if (function.kind != Known::Kind::live) return false;
  bool is = false;
  lua_rawgeti(L_, kValues, static_cast<lua_Integer>(function.number));
  lua_rawgeti(L_, LUA_REGISTRYINDEX, core_.builtins);
  for (const char* name : {"ipairs", "pairs"}) {
    lua_pushstring(L_, name);
    lua_rawget(L_, -2);
    is = is || lua_rawequal(L_, -1, -3) != 0;
    lua_pop(L_, 1);
  }
  lua_pop(L_, 2);
  return is;
}

}  // namespace pgmoat::script
