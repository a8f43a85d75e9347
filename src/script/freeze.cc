// What was made while loading becomes read-only: each worker has its own Lua state, and state kept
// in one would make them disagree. Lua has no read-only tables, so the contents of a table move into
// a hidden one; the table that policies know stays empty, reads through to it and refuses writes.
// Locals of a file cannot be guarded so: functions that assign them are refused by reading their
// code. Everything that outlives a call is reachable from the globals and the registered functions.
#include "script/bytecode.h"
#include "script/core.h"

namespace pgmoat::script {
namespace {

// Its address is the key, in the metatable of a read-only table, of the table with the contents.
const char kContents = 0;

// Where in the walk's stack frame things are.
constexpr int kSeen = 1, kQueue = 2;

// Of the memory, what may be taken before the first call.
constexpr std::size_t kLoadedPart = 3, kLoadedOf = 4;

const char* const kWhy =
    ": a policy may not keep state in Lua tables or variables, since each worker has its own";

int refuse_write(lua_State* L) {
  const std::string key = lua_type(L, 2) == LUA_TSTRING
                              ? "'" + std::string(lua_tostring(L, 2)) + "'"
                              : std::string(luaL_typename(L, 2)) + " key";
  raise(L, "this table was made while loading and is read-only, " + key + " cannot be set" + kWhy);
}

int refuse_global(lua_State* L) {
  const std::string key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
  raise(L, "global '" + key + "' cannot be set" + kWhy + "; write 'local " + key + "'");
}

int read_only_length(lua_State* L) {
  lua_settop(L, 1);
  resolve(L, 1);
  lua_pushinteger(L, static_cast<lua_Integer>(lua_rawlen(L, 1)));
  return 1;
}

// Of a table that had an __index of its own. Upvalues: contents, that __index.
int read_only_index(lua_State* L) {
  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  if (lua_type(L, lua_upvalueindex(2)) == LUA_TFUNCTION) {
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_call(L, 2, 1);
  } else {
    lua_pushvalue(L, 2);
    lua_gettable(L, lua_upvalueindex(2));
  }
  return 1;
}

// Queues the value on top of the stack and pops it.
void visit(lua_State* L) {
  const int type = lua_type(L, -1);
  if (type == LUA_TTABLE || (type == LUA_TFUNCTION && lua_iscfunction(L, -1) == 0)) {
    lua_pushvalue(L, -1);
    if (lua_rawget(L, kSeen) == LUA_TNIL) {
      lua_pushvalue(L, -2);
      lua_pushboolean(L, 1);
      lua_rawset(L, kSeen);
      lua_pushvalue(L, -2);
      lua_rawseti(L, kQueue, static_cast<lua_Integer>(lua_rawlen(L, kQueue)) + 1);
    }
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

void visit_contents(lua_State* L, int table) {
  lua_pushnil(L);
  while (lua_next(L, table) != 0) {
    visit(L);
    lua_pushvalue(L, -1);
    visit(L);
  }
}

void visit_table(lua_State* L, int table) {
  if (is_read_only(L, table)) return;  // a library, or frozen before
  visit_contents(L, table);
  if (lua_getmetatable(L, table) == 0) return;
  visit_contents(L, lua_gettop(L));  // the metatable itself is a copy that no policy can reach
  lua_pop(L, 1);
}

bool visit_function(lua_State* L, int function, Trouble& trouble) {
  if (const auto store = stores_outside(L, function)) {
    lua_Debug about;
    lua_pushvalue(L, function);
    lua_getinfo(L, ">S", &about);
    trouble.file.assign(about.source, about.srclen);
    if (trouble.file.rfind('@', 0) == 0) trouble.file.erase(0, 1);
    trouble.line = store->line;
    trouble.message = trouble.file + ":" + std::to_string(store->line) + ": '" + store->variable +
                      "' is assigned by a function but lives outside it" + kWhy;
    return false;
  }
  for (int i = 1; lua_getupvalue(L, function, i) != nullptr; ++i) visit(L);
  return true;
}

// Leaves `seen` and `queue` on the stack.
bool walk(Core& core, Trouble& trouble) {
  lua_State* L = core.L;
  lua_rawgeti(L, LUA_REGISTRYINDEX, core.globals);
  lua_pushvalue(L, -1);
  lua_pushboolean(L, 1);
  lua_rawset(L, kSeen);  // the table of globals is frozen on its own
  visit_contents(L, lua_gettop(L));
  lua_rawgeti(L, LUA_REGISTRYINDEX, core.functions);
  visit_contents(L, lua_gettop(L));
  lua_settop(L, kQueue);
  for (lua_Integer i = 1; i <= static_cast<lua_Integer>(lua_rawlen(L, kQueue)); ++i) {
    if (lua_rawgeti(L, kQueue, i) == LUA_TTABLE) {
      visit_table(L, lua_gettop(L));
    } else if (!visit_function(L, lua_gettop(L), trouble)) {
      return false;
    }
    lua_settop(L, kQueue);
  }
  return true;
}

void move_contents(lua_State* L, int from, int to) {
  lua_pushnil(L);
  while (lua_next(L, from) != 0) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, to);
    lua_pushvalue(L, -1);
    lua_pushnil(L);
    lua_rawset(L, from);
  }
}

// The events of the policy's own metatable stay, but for those that write; `contents` is at a fixed
// index, our new metatable on top, the old one under it.
void keep_events(lua_State* L, int contents) {
  const int made = lua_gettop(L), old = made - 1;
  lua_pushnil(L);
  while (lua_next(L, old) != 0) {
    const std::string event = lua_tostring(L, -2);
    if (event == "__newindex") {
      lua_pop(L, 1);
      continue;
    }
    if (event == "__index") {
      lua_pushvalue(L, contents);
      lua_insert(L, -2);
      lua_pushcclosure(L, read_only_index, 2);
    }
    lua_setfield(L, made, event.c_str());
  }
}

void freeze_table(lua_State* L, int table) {
  if (is_read_only(L, table)) return;
  lua_newtable(L);
  const int contents = lua_gettop(L);
  move_contents(L, table, contents);
  const bool has_events = lua_getmetatable(L, table) != 0;
  push_read_only_metatable(L, contents, refuse_write);
  if (has_events) keep_events(L, contents);
  lua_setmetatable(L, table);
}

// The globals of policies join the libraries', which already read through.
void freeze_globals(Core& core) {
  lua_State* L = core.L;
  lua_rawgeti(L, LUA_REGISTRYINDEX, core.globals);
  const int globals = lua_gettop(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, core.builtins);
  move_contents(L, globals, globals + 1);
  push_read_only_metatable(L, globals + 1, refuse_global);
  lua_setmetatable(L, globals);
}

struct Walk {
  Core& core;
  std::optional<Trouble> trouble;
};

int freeze_protected(lua_State* L) {
  Walk& job = *static_cast<Walk*>(lua_touserdata(L, 1));
  lua_settop(L, 0);
  luaL_checkstack(L, 64, nullptr);
  lua_newtable(L);
  lua_newtable(L);
  Trouble trouble;
  if (!walk(job.core, trouble)) {
    job.trouble = std::move(trouble);
    return 0;
  }
  for (lua_Integer i = 1; i <= static_cast<lua_Integer>(lua_rawlen(L, kQueue)); ++i) {
    if (lua_rawgeti(L, kQueue, i) == LUA_TTABLE) freeze_table(L, lua_gettop(L));
    lua_settop(L, kQueue);
  }
  freeze_globals(job.core);
  return 0;
}

}  // namespace

void push_read_only_metatable(lua_State* L, int shadow, lua_CFunction refuse) {
  shadow = lua_absindex(L, shadow);
  lua_createtable(L, 0, 4);
  lua_pushvalue(L, shadow);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, refuse);
  lua_setfield(L, -2, "__newindex");
  lua_pushcfunction(L, read_only_length);
  lua_setfield(L, -2, "__len");
  lua_pushvalue(L, shadow);
  lua_rawsetp(L, -2, &kContents);
}

bool resolve(lua_State* L, int index) {
  index = lua_absindex(L, index);
  if (lua_type(L, index) != LUA_TTABLE || lua_getmetatable(L, index) == 0) return false;
  if (lua_rawgetp(L, -1, &kContents) != LUA_TTABLE) {
    lua_pop(L, 2);
    return false;
  }
  lua_replace(L, index);
  lua_pop(L, 1);
  return true;
}

bool is_read_only(lua_State* L, int index) {
  if (lua_type(L, index) != LUA_TTABLE || lua_getmetatable(L, index) == 0) return false;
  const bool is = lua_rawgetp(L, -1, &kContents) == LUA_TTABLE;
  lua_pop(L, 2);
  return is;
}

// Each table gains a metatable and a second table of contents, which may be several times what it took:
// that is held to the limit too, and calls need what is left.
std::variant<std::monostate, Trouble> freeze_all(Core& core) {
  Walk job{core, {}};
  lua_State* L = core.L;
  const Budget& budget = core.budget;
  core.meter.begin(L, UINT64_MAX, budget.load_wall);
  int status = LUA_OK;
  {
    const Meter::LongStrings lifted(core.meter);  // the list of all tables is one block, and ours
    lua_pushcfunction(L, freeze_protected);
    lua_pushlightuserdata(L, &job);
    status = lua_pcall(L, 1, 0, 0);
  }
  core.meter.end();
  if (status != LUA_OK) {
    lua_pop(L, 1);
    Trouble trouble = trouble_of(core, status, UINT64_MAX, budget.load_wall);
    trouble.message.insert(0, "making what was loaded read-only: ");
    return trouble;
  }
  if (job.trouble) return *std::move(job.trouble);
  core.frozen = true;
  collect_all(core);
  if (core.meter.memory() > budget.memory / kLoadedOf * kLoadedPart) {
    return Trouble{Trouble::Kind::memory,
                   "what was loaded takes " + bytes_text(core.meter.memory()) + " of the " +
                       bytes_text(budget.memory) + " there are, and leaves too little for calls"};
  }
  return std::monostate{};
}

}  // namespace pgmoat::script
