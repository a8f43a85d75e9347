// Values across the border, as copies, and the calls of host functions from Lua. A conversion works
// for its caller's account: each table entry and byte is charged.
#include <algorithm>
#include <exception>

#include "base/check.h"
#include "base/overload.h"
#include "script/core.h"

namespace pgmoat::script {
namespace {

constexpr int kDeepest = 32;  // tables in tables; a table that contains itself ends here

Value value_at(lua_State* L, int index, int depth);

Value text_at(lua_State* L, int index) {
  std::size_t size = 0;
  const char* bytes = lua_tolstring(L, index, &size);
  charge(L, size / 64);
  return {std::string(bytes, size)};
}

// What is at 1..n of the table on top of the stack; n is where its border is.
void read_items(lua_State* L, Table& table, int depth) {
  const lua_Unsigned size = lua_rawlen(L, -1);
  charge(L, size);
  table.items.reserve(size);
  for (lua_Unsigned i = 1; i <= size; ++i) {
    if (lua_rawgeti(L, -1, static_cast<lua_Integer>(i)) == LUA_TNIL) {
      raise(L, "a list has a hole at position " + std::to_string(i));
    }
    table.items.push_back(value_at(L, lua_gettop(L), depth));
    lua_pop(L, 1);
  }
}

void read_fields(lua_State* L, Table& table, int depth) {
  lua_pushnil(L);
  while (lua_next(L, -2) != 0) {
    charge(L, 1);
    if (lua_type(L, -2) == LUA_TSTRING) {
      std::size_t size = 0;
      const char* bytes = lua_tolstring(L, -2, &size);
      charge(L, size / 64);
      table.fields.emplace_back(std::string(bytes, size), value_at(L, lua_gettop(L), depth));
    } else {
      const lua_Integer key = lua_isinteger(L, -2) != 0 ? lua_tointeger(L, -2) : 0;
      if (key < 1 || static_cast<std::size_t>(key) > table.items.size()) {
        raise(L, "a table's keys must be names, or 1 to n without holes");
      }
    }
    lua_pop(L, 1);
  }
  std::sort(table.fields.begin(), table.fields.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
}

Value table_at(lua_State* L, int index, int depth) {
  if (depth > kDeepest) {
    raise(L, "tables are nested more than " + std::to_string(kDeepest) +
                 " deep, or one contains itself");
  }
  luaL_checkstack(L, 8, nullptr);
  auto table = std::make_shared<Table>();
  lua_pushvalue(L, index);
  resolve(L, -1);
  read_items(L, *table, depth + 1);
  read_fields(L, *table, depth + 1);
  lua_pop(L, 1);
  return {std::move(table)};
}

Value list_at(lua_State* L, const Thing& list, int depth) {
  luaL_checkstack(L, 8, nullptr);
  auto table = std::make_shared<Table>();
  for (std::size_t i = 1; i <= list.size; ++i) {
    charge(L, 4);
    push_item(L, list, static_cast<lua_Integer>(i));
    table->items.push_back(value_at(L, lua_gettop(L), depth + 1));
    lua_pop(L, 1);
  }
  return {std::move(table)};
}

Value value_at(lua_State* L, int index, int depth) {
  switch (lua_type(L, index)) {
    case LUA_TNIL: return {};
    case LUA_TBOOLEAN: return {lua_toboolean(L, index) != 0};
    case LUA_TNUMBER:
      if (lua_isinteger(L, index) != 0) return {std::int64_t{lua_tointeger(L, index)}};
      return {double{lua_tonumber(L, index)}};
    case LUA_TSTRING: return text_at(L, index);
    case LUA_TTABLE: return table_at(L, index, depth);
    case LUA_TFUNCTION:
      if (core_of(L).frozen) raise(L, "a function can be handed over only while a file is loaded");
      return {Function{function_ref(L, index)}};
    default: break;
  }
  const Thing* thing = thing_at(L, index);
  if (thing != nullptr && thing->info == nullptr) return list_at(L, *thing, depth);
  raise(L, std::string(thing == nullptr ? luaL_typename(L, index) : name_of_thing(*thing)) +
               " cannot be handed over; take its fields");
}

Caller caller_of(lua_State* L) {
  lua_Debug frame;
  Caller caller;
  if (lua_getstack(L, calling_level(L), &frame) == 0) return caller;
  lua_getinfo(L, "Sl", &frame);
  caller.file.assign(frame.source, frame.srclen);
  if (caller.file.rfind('@', 0) == 0) caller.file.erase(0, 1);
  caller.line = std::max(frame.currentline, 0);
  return caller;
}

// The C++ side; its exceptions are caught here and not by Lua, which would not know them.
std::string run_host(lua_State* L, const HostFunction& function) {
  try {
    std::vector<Value> arguments;
    for (int i = 1; i <= lua_gettop(L); ++i) arguments.push_back(value_at(L, i, 1));
    lua_settop(L, 0);
    if (function.make) {
      const auto made = function.make(arguments, caller_of(L));
      if (!made) return made.error();
      PGMOAT_CHECK(made->type != nullptr);
      push_object(core_of(L), *made->type, made->self, true);
    } else {
      const auto answer = function.host(arguments, caller_of(L));
      if (!answer) return answer.error();
      push_value(L, *answer);
    }
    return {};
  } catch (const std::exception& failure) {
    return function.name + ": " + failure.what();
  }
}

}  // namespace

Value to_value(lua_State* L, int index) { return value_at(L, lua_absindex(L, index), 1); }

void push_value(lua_State* L, const Value& value) {
  luaL_checkstack(L, 8, nullptr);
  std::visit(Overload{
                 [&](std::monostate) { lua_pushnil(L); },
                 [&](bool truth) { lua_pushboolean(L, truth ? 1 : 0); },
                 [&](std::int64_t number) { lua_pushinteger(L, number); },
                 [&](double number) { lua_pushnumber(L, number); },
                 [&](const std::string& text) {
                   const Meter::LongStrings lifted(core_of(L).meter);
                   lua_pushlstring(L, text.data(), text.size());
                 },
                 [&](const std::shared_ptr<Table>& table) {
                   lua_createtable(L, static_cast<int>(table->items.size()),
                                   static_cast<int>(table->fields.size()));
                   lua_Integer i = 0;
                   for (const Value& item : table->items) {
                     push_value(L, item);
                     lua_rawseti(L, -2, ++i);
                   }
                   for (const auto& [name, field] : table->fields) {
                     lua_pushlstring(L, name.data(), name.size());
                     push_value(L, field);
                     lua_rawset(L, -3);
                   }
                 },
                 [&](Function function) { lua_rawgeti(L, LUA_REGISTRYINDEX, function.ref); },
             },
             value.is);
}

int call_host(lua_State* L) {
  const auto* function = static_cast<const HostFunction*>(lua_touserdata(L, lua_upvalueindex(1)));
  charge(L, 4);
  const std::string failure = run_host(L, *function);
  if (!failure.empty()) raise(L, failure);
  return 1;
}

// The same function has the same reference, so that handing it over twice costs nothing.
int function_ref(lua_State* L, int index) {
  index = lua_absindex(L, index);
  lua_rawgeti(L, LUA_REGISTRYINDEX, core_of(L).functions);
  lua_pushvalue(L, index);
  int ref = LUA_NOREF;
  if (lua_rawget(L, -2) == LUA_TNUMBER) {
    ref = static_cast<int>(lua_tointeger(L, -1));
  } else {
    lua_pushvalue(L, index);
    ref = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushvalue(L, index);
    lua_pushinteger(L, ref);
    lua_rawset(L, -4);
  }
  lua_pop(L, 2);
  return ref;
}

}  // namespace pgmoat::script
