// Objects and lists as userdata. A field is one lookup in a table that belongs to its type and one
// call of its getter. After freeze() nothing can keep a userdata beyond its call, so the same ones
// serve every call and an ordinary rule allocates none.
#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "base/nearest.h"
#include "script/core.h"

namespace pgmoat::script {
namespace {

constexpr std::uint64_t kBreath = 4;  // instructions
constexpr std::size_t kPooled = 8;  // of each type; a rule that walks a list needs more, newly made

// Leaves exactly one value on the stack, whatever the getter does.
class LuaPush final : public Push {
 public:
  explicit LuaPush(lua_State* L) : L_(L), base_(lua_gettop(L)) {}

  void nil() override { lua_pushnil(L_); }
  void boolean(bool value) override { lua_pushboolean(L_, value ? 1 : 0); }
  void integer(std::int64_t value) override { lua_pushinteger(L_, value); }
  void number(double value) override { lua_pushnumber(L_, value); }
  void text(std::string_view value) override {
    Core& core = core_of(L_);
    core.meter.charge(L_, value.size() / 64);
    const Meter::LongStrings lifted(core.meter);
    lua_pushlstring(L_, value.data(), value.size());
  }
  void object(const ObjectType& type, const void* self) override {
    push_object(core_of(L_), type, self);
  }
  void list(const void* self, std::size_t size, At at) override;
  void breathe() override {
    Core& core = core_of(L_);
    core.meter.charge(L_, kBreath);
    core.meter.check(L_);
  }

  int finish() {
    if (lua_gettop(L_) == base_) lua_pushnil(L_);
    lua_settop(L_, base_ + 1);
    return 1;
  }

 private:
  lua_State* L_;
  int base_;
};

Thing* make_thing(lua_State* L, const Thing& value, int metatable) {
  auto* thing = static_cast<Thing*>(lua_newuserdatauv(L, sizeof(Thing), 0));
  *thing = value;
  lua_rawgeti(L, LUA_REGISTRYINDEX, metatable);
  lua_setmetatable(L, -2);
  return thing;
}

// An equal thing of this call, or one that an earlier call left, or a new one.
void push_thing(Core& core, const Thing& value, int metatable, Pool& pool) {
  lua_State* L = core.L;
  if (!core.frozen || value.stamp == 0) {
    make_thing(L, value, metatable);
    return;
  }
  if (pool.stamp != core.generation) {
    pool.stamp = core.generation;
    pool.used = 0;
  }
  for (std::size_t i = 0; i < pool.used; ++i) {
    const Thing& thing = *pool.slots[i].thing;
    if (thing.self != value.self || thing.at != value.at || thing.size != value.size) continue;
    lua_rawgeti(L, LUA_REGISTRYINDEX, pool.slots[i].ref);
    return;
  }
  if (pool.used < pool.slots.size()) {
    const Pool::Slot& slot = pool.slots[pool.used++];
    *slot.thing = value;
    lua_rawgeti(L, LUA_REGISTRYINDEX, slot.ref);
    return;
  }
  Thing* thing = make_thing(L, value, metatable);
  if (pool.slots.size() == kPooled) return;
  lua_pushvalue(L, -1);
  const int ref = luaL_ref(L, LUA_REGISTRYINDEX);
  pool.slots.push_back({thing, ref});
  ++pool.used;
}

std::vector<std::string_view> names_of(const ObjectType& type) {
  std::vector<std::string_view> names;
  for (const Field& field : type.fields) names.push_back(field.name);
  for (const Method& method : type.methods) names.push_back(method.name);
  return names;
}

void require_lent(lua_State* L, const Thing& thing) {
  if (thing.stamp == 0 || thing.stamp == core_of(L).generation) return;
  raise(L, std::string(name_of_thing(thing)) +
               " is used after the call it was lent for; copy the fields that you need");
}

[[noreturn]] void unknown_field(lua_State* L, const ObjectType& type, int key) {
  if (lua_type(L, key) != LUA_TSTRING) {
    raise(L, type.name + " has fields by name, not by " + luaL_typename(L, key));
  }
  raise(L, no_such_field(type, lua_tostring(L, key)));
}

// Upvalue 1: name -> position of the field, or function of the method.
int index_object(lua_State* L) {
  const Thing& thing = *static_cast<const Thing*>(lua_touserdata(L, 1));
  require_lent(L, thing);
  const ObjectType& type = *thing.info->type;
  lua_pushvalue(L, 2);
  const int kind = lua_rawget(L, lua_upvalueindex(1));
  if (kind == LUA_TFUNCTION) return 1;
  LuaPush push(L);
  if (kind == LUA_TNUMBER) {
    type.fields[static_cast<std::size_t>(lua_tointeger(L, -1))].get(thing.self, push);
    return push.finish();
  }
  if (type.lookup == nullptr) unknown_field(L, type, 2);
  if (lua_isinteger(L, 2)) {  // p[1]: the key's digits, without making a string of Lua's
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, lua_tointeger(L, 2)).ptr;
    type.lookup(thing.self, {digits, static_cast<std::size_t>(end - digits)}, push);
    return push.finish();
  }
  if (lua_type(L, 2) != LUA_TSTRING) unknown_field(L, type, 2);
  std::size_t size = 0;
  const char* key = lua_tolstring(L, 2, &size);
  charge(L, 1 + size / 16);
  type.lookup(thing.self, {key, size}, push);
  return push.finish();
}

// Upvalues: the type, the position of the method.
int call_method(lua_State* L) {
  const auto* info = static_cast<const TypeInfo*>(lua_touserdata(L, lua_upvalueindex(1)));
  const Method& method =
      info->type->methods[static_cast<std::size_t>(lua_tointeger(L, lua_upvalueindex(2)))];
  const Thing* thing = thing_at(L, 1);
  const std::string& name = info->type->name;
  if (thing == nullptr || thing->info != info) {
    raise(L, "'" + method.name + "' is called with a colon: " + name + ":" + method.name + "(...)");
  }
  require_lent(L, *thing);
  Core& core = core_of(L);
  core.words.clear();
  std::size_t bytes = 0;
  for (int i = 2; i <= lua_gettop(L); ++i) {
    if (lua_type(L, i) != LUA_TSTRING && lua_type(L, i) != LUA_TNUMBER) {
      raise(L, name + ":" + method.name + " takes text, and argument " + std::to_string(i - 1) +
                   " is " + luaL_typename(L, i));
    }
    std::size_t size = 0;
    const char* word = lua_tolstring(L, i, &size);
    core.words.emplace_back(word, size);
    bytes += size;
  }
  charge(L, 1 + bytes / 16);
  LuaPush push(L);
  method.call(thing->self, core.words, push);
  return push.finish();
}

int refuse_object(lua_State* L) {
  const Thing& thing = *static_cast<const Thing*>(lua_touserdata(L, 1));
  const std::string key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
  raise(L, std::string(name_of_thing(thing)) + " is read-only: '" + key + "' cannot be set");
}

int equal_things(lua_State* L) {
  const Thing* a = thing_at(L, 1);
  const Thing* b = thing_at(L, 2);
  lua_pushboolean(L, a != nullptr && b != nullptr && a->info == b->info && a->self == b->self &&
                         a->stamp == b->stamp && a->at == b->at && a->size == b->size);
  return 1;
}

int index_list(lua_State* L) {
  const Thing& thing = *static_cast<const Thing*>(lua_touserdata(L, 1));
  require_lent(L, thing);
  int whole = 0;
  const lua_Integer index = lua_tointegerx(L, 2, &whole);
  if (whole == 0 || lua_type(L, 2) != LUA_TNUMBER) {
    raise(L, no_such_item(lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?"));
  }
  push_item(L, thing, index);
  return 1;
}

int length_list(lua_State* L) {
  const Thing& thing = *static_cast<const Thing*>(lua_touserdata(L, 1));
  require_lent(L, thing);
  lua_pushinteger(L, static_cast<lua_Integer>(thing.size));
  return 1;
}

void LuaPush::list(const void* self, std::size_t size, At at) {
  Core& core = core_of(L_);
  push_thing(core, {nullptr, self, core.generation, size, at}, core.list_metatable, core.lists);
}

void set_function(lua_State* L, const char* name, lua_CFunction function) {
  lua_pushcfunction(L, function);
  lua_setfield(L, -2, name);
}

void build_metatable(Core& core, TypeInfo& info) {
  lua_State* L = core.L;
  const ObjectType& type = *info.type;
  lua_newtable(L);  // the metatable
  lua_newtable(L);  // its fields and methods
  for (std::size_t i = 0; i < type.fields.size(); ++i) {
    PGMOAT_CHECK(type.fields[i].get != nullptr);
    lua_pushinteger(L, static_cast<lua_Integer>(i));
    lua_setfield(L, -2, type.fields[i].name.c_str());
  }
  for (std::size_t i = 0; i < type.methods.size(); ++i) {
    PGMOAT_CHECK(type.methods[i].call != nullptr);
    lua_pushlightuserdata(L, &info);
    lua_pushinteger(L, static_cast<lua_Integer>(i));
    lua_pushcclosure(L, call_method, 2);
    lua_setfield(L, -2, type.methods[i].name.c_str());
  }
  lua_pushcclosure(L, index_object, 1);
  lua_setfield(L, -2, "__index");
  set_function(L, "__newindex", refuse_object);
  set_function(L, "__eq", equal_things);
  lua_pushlstring(L, type.name.data(), type.name.size());
  lua_setfield(L, -2, "__name");
  info.metatable = luaL_ref(L, LUA_REGISTRYINDEX);
}

// A type is known from its first use on. That may be inside a call and run out of memory: then the
// next use builds it.
const TypeInfo& info_of(Core& core, const ObjectType& type) {
  auto at = std::find(core.type_keys.begin(), core.type_keys.end(), &type);
  if (at == core.type_keys.end()) {
    core.types.push_back({&type});
    core.type_keys.push_back(&type);
    at = core.type_keys.end() - 1;
  }
  TypeInfo& info = core.types[static_cast<std::size_t>(at - core.type_keys.begin())];
  if (info.metatable == LUA_NOREF) [[unlikely]]
    build_metatable(core, info);
  return info;
}

}  // namespace

void push_object(Core& core, const ObjectType& type, const void* self, bool kept) {
  const TypeInfo& info = info_of(core, type);
  push_thing(core, {&info, self, kept ? 0 : core.generation}, info.metatable, info.pool);
}

void open_objects(Core& core) {
  lua_State* L = core.L;
  lua_newtable(L);
  set_function(L, "__index", index_list);
  set_function(L, "__len", length_list);
  set_function(L, "__newindex", refuse_object);
  set_function(L, "__eq", equal_things);
  lua_pushliteral(L, "list");
  lua_setfield(L, -2, "__name");
  core.list_metatable = luaL_ref(L, LUA_REGISTRYINDEX);
}

const Thing* thing_at(lua_State* L, int index) {
  return lua_type(L, index) == LUA_TUSERDATA ? static_cast<const Thing*>(lua_touserdata(L, index))
                                             : nullptr;
}

const char* name_of_thing(const Thing& thing) {
  return thing.info == nullptr ? "list" : thing.info->type->name.c_str();
}

std::string no_such_field(const ObjectType& type, std::string_view name) {
  const std::string written(name);
  return type.name + " has no field '" + written + "'" + did_you_mean(written, names_of(type));
}

std::string no_such_item(std::string_view name) {
  return "a list has no field '" + std::string(name) + "': it has items 1 to #list";
}

void push_item(lua_State* L, const Thing& list, lua_Integer index) {
  require_lent(L, list);
  if (index < 1 || static_cast<std::uint64_t>(index) > list.size) {
    lua_pushnil(L);
    return;
  }
  LuaPush push(L);
  list.at(list.self, static_cast<std::size_t>(index - 1), push);
  push.finish();
}

}  // namespace pgmoat::script
