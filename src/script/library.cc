// The globals of a policy: an allow-list, with the reason why each function's time is bounded. What
// Lua has and this has not is named with what to use instead. Reading an unknown name raises, so a
// typo shows itself; a policy cannot change a library.
#include <algorithm>
#include <iterator>

#include "base/check.h"
#include "base/nearest.h"
#include "script/core.h"

namespace pgmoat::script {
namespace {

struct Absent {
  std::string_view name;
  std::string_view instead;
};

constexpr Absent kAbsent[] = {
    {"_G", "there is no table of globals; name them"},
    {"collectgarbage", "memory is looked after by the sandbox"},
    {"coroutine", "a rule answers in one go"},
    {"debug", "it could undo the sandbox"},
    {"dofile", "each file of the policy is loaded by itself"},
    {"getmetatable", "use setmetatable only"},
    {"io", "a policy reads no files"},
    {"load", "a policy compiles no code"},
    {"loadfile", "each file of the policy is loaded by itself"},
    {"loadstring", "a policy compiles no code"},
    {"math.random", "workers would disagree"},
    {"math.randomseed", "workers would disagree"},
    {"os", "use pgmoat.now for the time"},
    {"package", "each file of the policy is loaded by itself"},
    {"pcall", "an error ends the rule and is reported; it cannot be caught"},
    {"print", "use pgmoat.alert to report"},
    {"rawget", "index the table"},
    {"rawset", "assign to the table"},
    {"require", "each file of the policy is loaded by itself"},
    {"string.dump", "a policy compiles no code"},
    {"string.gmatch", "use pgmoat.re (RE2)"},
    {"string.gsub", "use pgmoat.re (RE2)"},
    {"string.match", "use pgmoat.re (RE2)"},
    {"string.pack", "use string.format"},
    {"string.unpack", "use string.byte"},
    {"utf8.charpattern", "use pgmoat.re (RE2)"},
    {"utf8.codes", "use utf8.codepoint"},
    {"xpcall", "an error ends the rule and is reported; it cannot be caught"},
};

const Absent* find_absent(std::string_view name) {
  const auto* at =
      std::lower_bound(std::begin(kAbsent), std::end(kAbsent), name,
                       [](const Absent& absent, std::string_view n) { return absent.name < n; });
  return at != std::end(kAbsent) && at->name == name ? at : nullptr;
}

// The names in the table at `index`.
std::vector<std::string_view> names_in(lua_State* L, int index) {
  std::vector<std::string_view> names;
  lua_pushnil(L);
  while (lua_next(L, index) != 0) {
    if (lua_type(L, -2) == LUA_TSTRING) names.emplace_back(lua_tostring(L, -2));
    lua_pop(L, 1);
  }
  return names;
}

// Upvalues: the library's name, "" for the globals; its members.
int unknown_member(lua_State* L) {
  const std::string library = lua_tostring(L, lua_upvalueindex(1));
  if (lua_type(L, 2) != LUA_TSTRING) raise(L, library + " has members by name only");
  const std::string written = lua_tostring(L, 2);
  const std::string full = library.empty() ? written : library + "." + written;
  if (const Absent* absent = find_absent(full)) {
    raise(L, full + " is not available in a policy: " + std::string(absent->instead));
  }
  std::vector<std::string_view> known = names_in(L, lua_upvalueindex(2));
  if (!library.empty()) {
    raise(L, library + " has no member '" + written + "'" + did_you_mean(written, known));
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, core_of(L).globals);
  for (const std::string_view name : names_in(L, lua_gettop(L))) known.push_back(name);
  raise(L, "there is no variable '" + written + "'" + did_you_mean(written, known));
}

int refuse_member(lua_State* L) {
  const std::string name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
  raise(L, "'" + name + "' cannot be set: a library is read-only");
}

// Of the globals while files are loaded. Upvalue: what the sandbox defines.
int set_global(lua_State* L) {
  lua_settop(L, 3);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) {
    raise(L, "'" + std::string(lua_tostring(L, 2)) + "' belongs to the sandbox and cannot be set");
  }
  lua_settop(L, 3);
  lua_rawset(L, 1);
  return 0;
}

int next_entry(lua_State* L) {
  lua_settop(L, 2);
  const Thing* list = thing_at(L, 1);
  if (list != nullptr && list->info == nullptr) {
    const lua_Integer index = lua_tointeger(L, 2);  // 0 for nil
    if (index < 0 || static_cast<std::uint64_t>(index) >= list->size) {
      lua_pushnil(L);
      return 1;
    }
    lua_pushinteger(L, index + 1);
    push_item(L, *list, index + 1);
    return 2;
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  resolve(L, 1);
  if (lua_next(L, 1) != 0) return 2;
  lua_pushnil(L);
  return 1;
}

int pairs_of(lua_State* L) {
  const Thing* list = thing_at(L, 1);
  if (list == nullptr || list->info != nullptr) luaL_checktype(L, 1, LUA_TTABLE);
  lua_pushcfunction(L, next_entry);
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

int raw_length(lua_State* L) {
  lua_settop(L, 1);
  resolve(L, 1);
  if (lua_type(L, 1) != LUA_TTABLE && lua_type(L, 1) != LUA_TSTRING) {
    raise(L, "rawlen takes a table or text");
  }
  lua_pushinteger(L, static_cast<lua_Integer>(lua_rawlen(L, 1)));
  return 1;
}

int select_values(lua_State* L) {
  charge(L, static_cast<std::uint64_t>(lua_gettop(L)) / 8);
  return call_stock(L);
}

int number_of(lua_State* L) {
  if (lua_type(L, 1) == LUA_TSTRING) charge(L, lua_rawlen(L, 1) / 8);
  return call_stock(L);
}

constexpr const char* kEvents[] = {
    "__add",  "__band",     "__bnot",  "__bor", "__bxor", "__call", "__concat",   "__div",
    "__eq",   "__idiv",     "__index", "__le",  "__len",  "__lt",   "__mod",      "__mul",
    "__name", "__newindex", "__pow",   "__shl", "__shr",  "__sub",  "__tostring", "__unm"};
// Run by the collector or while an error passes, or would make pairs and # lie to C functions.
constexpr const char* kRefusedEvents[] = {"__gc", "__close", "__mode", "__pairs", "__metatable"};

// The events are copied: what is done to the table afterwards changes nothing, so an event cannot be
// added later, and the metatable need not be guarded.
int set_metatable(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 2);
  if (lua_type(L, 2) != LUA_TNIL) luaL_checktype(L, 2, LUA_TTABLE);
  if (is_read_only(L, 1)) raise(L, "this table is read-only, its metatable cannot be set");
  if (lua_type(L, 2) == LUA_TNIL) {
    lua_setmetatable(L, 1);
    return 1;
  }
  resolve(L, 2);
  for (const char* event : kRefusedEvents) {
    lua_pushstring(L, event);
    if (lua_rawget(L, 2) != LUA_TNIL) {
      raise(L, "'" + std::string(event) + "' is not available in a policy");
    }
    lua_pop(L, 1);
  }
  lua_newtable(L);
  for (const char* event : kEvents) {
    lua_pushstring(L, event);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, 2) == LUA_TNIL) {
      lua_pop(L, 2);
    } else {
      lua_rawset(L, 3);
    }
  }
  lua_setmetatable(L, 1);
  lua_settop(L, 1);
  return 1;
}

constexpr Allowed kBase[] = {
    {"assert", nullptr, "returns its arguments"},
    {"error", nullptr, "raises; looks for a level among calls, which are bounded by memory"},
    {"ipairs", nullptr, "one step a call"},
    {"next", next_entry, "one step a call; empty slots are bounded by memory"},
    {"pairs", pairs_of, "one step a call"},
    {"rawequal", nullptr, "one comparison"},
    {"rawlen", raw_length, "a binary search"},
    {"select", select_values, "its arguments are charged"},
    {"setmetatable", set_metatable, "a fixed list of events"},
    {"tonumber", number_of, "the text is charged"},
    {"tostring", text_of, "a number, or a name, or one call of __tostring"},
    {"type", nullptr, "a name"},
};

#define PLAIN(name) \
  { name, nullptr, "arithmetic on its arguments" }
constexpr Allowed kMath[] = {
    PLAIN("abs"),       PLAIN("acos"), PLAIN("asin"), PLAIN("atan"),       PLAIN("ceil"),
    PLAIN("cos"),       PLAIN("deg"),  PLAIN("exp"),  PLAIN("floor"),      PLAIN("fmod"),
    PLAIN("log"),       PLAIN("max"),  PLAIN("min"),  PLAIN("modf"),       PLAIN("rad"),
    PLAIN("sin"),       PLAIN("sqrt"), PLAIN("tan"),  PLAIN("type"),       PLAIN("ult"),
    PLAIN("tointeger"), PLAIN("huge"), PLAIN("pi"),   PLAIN("maxinteger"), PLAIN("mininteger"),
};
#undef PLAIN

// The functions on top of the stack become the members of a sealed library; both stay: members, then
// the library.
void seal(lua_State* L, const std::string& name) {
  lua_newtable(L);
  lua_pushlstring(L, name.data(), name.size());
  lua_pushvalue(L, -3);
  lua_pushcclosure(L, unknown_member, 2);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  lua_newtable(L);
  push_read_only_metatable(L, -2, refuse_member);
  lua_setmetatable(L, -2);
}

// A library into the builtins at `builtins`; its members stay on the stack.
void add_library(lua_State* L, int builtins, const char* name) {
  seal(L, name);
  lua_setfield(L, builtins, name);
}

void open_globals(Core& core, int builtins) {
  lua_State* L = core.L;
  lua_newtable(L);
  lua_createtable(L, 0, 2);
  lua_pushvalue(L, builtins);
  lua_setfield(L, -2, "__index");
  lua_pushvalue(L, builtins);
  lua_pushcclosure(L, set_global, 1);
  lua_setfield(L, -2, "__newindex");
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  core.globals = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);  // what chunks are loaded with
}

}  // namespace

// tostring() without addresses, which differ between workers.
int text_of(lua_State* L) {
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  switch (lua_type(L, 1)) {
    case LUA_TSTRING: return 1;
    case LUA_TTABLE:
      if (luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL) {
        lua_pushvalue(L, 1);
        lua_call(L, 1, 1);
        if (lua_type(L, -1) != LUA_TSTRING) raise(L, "'__tostring' must give text");
        return 1;
      }
      lua_pushliteral(L, "table");
      return 1;
    case LUA_TFUNCTION: lua_pushliteral(L, "function"); return 1;
    case LUA_TUSERDATA: lua_pushstring(L, name_of_thing(*thing_at(L, 1))); return 1;
    default: luaL_tolstring(L, 1, nullptr); return 1;
  }
}

int call_stock(lua_State* L) { return lua_tocfunction(L, lua_upvalueindex(1))(L); }

void push_allowed(lua_State* L, lua_CFunction open, const Allowed* first, const Allowed* last) {
  lua_pushcfunction(L, open);
  lua_call(L, 0, 1);
  lua_newtable(L);
  for (const Allowed* allowed = first; allowed != last; ++allowed) {
    PGMOAT_CHECK(lua_getfield(L, -2, allowed->name) != LUA_TNIL);
    if (allowed->ours != nullptr) lua_pushcclosure(L, allowed->ours, 1);
    lua_setfield(L, -2, allowed->name);
  }
  lua_remove(L, -2);
}

void push_sealed_library(lua_State* L, const std::string& name) {
  lua_newtable(L);
  seal(L, name);
}

void open_libraries(Core& core) {
  lua_State* L = core.L;
  push_allowed(L, luaopen_base, std::begin(kBase), std::end(kBase));
  const int builtins = lua_gettop(L);
  seal(L, "");  // for its answer to unknown names
  lua_settop(L, builtins);
  push_allowed(L, luaopen_math, std::begin(kMath), std::end(kMath));
  add_library(L, builtins, "math");
  push_table_functions(L);
  add_library(L, builtins, "table");
  push_utf8_functions(L);
  add_library(L, builtins, "utf8");
  push_string_functions(L);
  add_library(L, builtins, "string");
  lua_pushliteral(L, "");
  lua_getmetatable(L, -1);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");  // ("x"):upper()
  lua_settop(L, builtins);
  push_sealed_library(L, "pgmoat");
  lua_setfield(L, builtins, "pgmoat");
  lua_settop(L, builtins);
  open_globals(core, builtins);
  core.builtins = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_settop(L, 0);
}

}  // namespace pgmoat::script
