// Table functions. They work on plain tables, so that no metamethod can lie about a length or turn
// one call into many, and are charged for the entries they touch before they touch them.
#include <algorithm>
#include <iterator>

#include "script/core.h"

namespace pgmoat::script {
namespace {

constexpr lua_Integer kValues = 1000;

// Reading: a read-only table is replaced by its contents, a list stays itself.
void require_readable(lua_State* L, int index, const char* function) {
  const Thing* list = thing_at(L, index);
  if (list != nullptr && list->info == nullptr) return;
  luaL_checktype(L, index, LUA_TTABLE);
  if (resolve(L, index)) return;
  if (lua_getmetatable(L, index) == 0) return;
  raise(L, std::string(function) + " works on tables without a metatable");
}

void require_writable(lua_State* L, int index, const char* function) {
  luaL_checktype(L, index, LUA_TTABLE);
  if (lua_getmetatable(L, index) == 0) return;
  lua_pop(L, 1);
  raise(L, std::string(function) + (is_read_only(L, index)
                                        ? ": this table is read-only: a policy may not keep state"
                                        : " works on tables without a metatable"));
}

lua_Integer length_of(lua_State* L, int index) {
  const Thing* list = thing_at(L, index);
  return static_cast<lua_Integer>(list != nullptr ? list->size : lua_rawlen(L, index));
}

std::uint64_t count_of(lua_Integer from, lua_Integer to) {
  if (to < from) return 0;
  const std::uint64_t apart = static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
  return apart + (apart != UINT64_MAX ? 1 : 0);
}

// Positions outside the table are Lua's to refuse.
void charge_moved(lua_State* L, lua_Integer from, lua_Integer size) {
  if (from >= 1) charge(L, count_of(from, size));
}

int insert(lua_State* L) {
  require_writable(L, 1, "table.insert");
  const lua_Integer size = length_of(L, 1);
  if (lua_gettop(L) == 3) charge_moved(L, luaL_checkinteger(L, 2), size);
  return call_stock(L);
}

int remove(lua_State* L) {
  require_writable(L, 1, "table.remove");
  const lua_Integer size = length_of(L, 1);
  charge_moved(L, luaL_optinteger(L, 2, size), size);
  return call_stock(L);
}

int move(lua_State* L) {
  // Before anything is read: reading puts what stands behind a read-only table in its place.
  require_writable(L, lua_isnoneornil(L, 5) ? 1 : 5, "table.move");
  require_readable(L, 1, "table.move");
  charge(L, count_of(luaL_checkinteger(L, 2), luaL_checkinteger(L, 3)));
  return call_stock(L);
}

int pack(lua_State* L) {
  charge(L, static_cast<std::uint64_t>(lua_gettop(L)));
  return call_stock(L);
}

int unpack(lua_State* L) {
  require_readable(L, 1, "table.unpack");
  const lua_Integer from = luaL_optinteger(L, 2, 1);
  const lua_Integer to = lua_isnoneornil(L, 3) ? length_of(L, 1) : luaL_checkinteger(L, 3);
  if (count_of(from, to) > kValues) {
    raise(L, "table.unpack gives at most " + std::to_string(kValues) + " values");
  }
  charge(L, count_of(from, to));
  return call_stock(L);
}

int concat(lua_State* L) {
  require_readable(L, 1, "table.concat");
  std::size_t separator_size = 0;
  const char* separator = luaL_optlstring(L, 2, "", &separator_size);
  const lua_Integer from = luaL_optinteger(L, 3, 1);
  const lua_Integer to = lua_isnoneornil(L, 4) ? length_of(L, 1) : luaL_checkinteger(L, 4);
  const Thing* list = thing_at(L, 1);
  const std::size_t limit = core_of(L).meter.string_limit();
  std::string joined;
  const std::uint64_t count = count_of(from, to);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto index = static_cast<lua_Integer>(static_cast<std::uint64_t>(from) + i);
    charge(L, 2);
    if (list != nullptr) {
      push_item(L, *list, index);
    } else {
      lua_rawgeti(L, 1, index);
    }
    if (lua_type(L, -1) != LUA_TSTRING && lua_type(L, -1) != LUA_TNUMBER) {
      raise(L, "table.concat: the item at " + std::to_string(index) + " is " +
                   luaL_typename(L, -1) + ", not text");
    }
    std::size_t size = 0;
    const char* bytes = lua_tolstring(L, -1, &size);
    if (i != 0) joined.append(separator, separator_size);
    if (joined.size() + size > limit) {
      raise(L, "table.concat: the result would be longer than " + std::to_string(limit) + " bytes");
    }
    joined.append(bytes, size);
    charge(L, (size + separator_size) / 64);
    lua_pop(L, 1);
  }
  lua_pushlstring(L, joined.data(), joined.size());
  return 1;
}

// Comparing long texts is work that the VM does not count.
int less(lua_State* L) {
  std::size_t size = 1;
  if (lua_type(L, 1) == LUA_TSTRING && lua_type(L, 2) == LUA_TSTRING) {
    size += std::min(lua_rawlen(L, 1), lua_rawlen(L, 2)) / 16;
  }
  charge(L, size);
  lua_pushboolean(L, lua_compare(L, 1, 2, LUA_OPLT));
  return 1;
}

int sort(lua_State* L) {
  require_writable(L, 1, "table.sort");
  lua_settop(L, 2);
  if (lua_isnil(L, 2)) {
    lua_pushcfunction(L, less);
    lua_replace(L, 2);
  }
  charge(L, static_cast<std::uint64_t>(length_of(L, 1)));
  return call_stock(L);
}

constexpr Allowed kTable[] = {
    {"concat", concat, "bounded by string_bytes, each item charged"},
    {"insert", insert, "the items it moves are charged"},
    {"move", move, "the items it moves are charged"},
    {"pack", pack, "its arguments are charged"},
    {"remove", remove, "the items it moves are charged"},
    {"sort", sort, "each comparison is charged or is a call of Lua"},
    {"unpack", unpack, "at most 1,000 values"},
};

}  // namespace

void push_table_functions(lua_State* L) {
  push_allowed(L, luaopen_table, std::begin(kTable), std::end(kTable));
}

}  // namespace pgmoat::script
