// What the parts of the sandbox share: one Core per Lua state, found from any C function through
// the state's extra space. Each part's functions are declared here under the name of its file.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "script/lua.h"
#include "script/meter.h"
#include "script/object.h"
#include "script/sandbox.h"
#include "script/value.h"

namespace pgmoat::script {

// What a userdata of ours holds; no other userdata is visible to Lua.
struct TypeInfo;
struct Thing {
  const TypeInfo* info = nullptr;  // null: a list
  const void* self = nullptr;
  std::uint64_t stamp = 0;  // the call it was lent for; 0: kept
  std::size_t size = 0;     // of a list
  Push::At at = nullptr;
};

// Userdata that are used again in every call once nothing can keep them (after freeze).
struct Pool {
  struct Slot {
    Thing* thing = nullptr;
    int ref = LUA_NOREF;
  };
  std::vector<Slot> slots;
  std::uint64_t stamp = 0;  // of the call that `used` speaks of
  std::size_t used = 0;
};

struct TypeInfo {
  const ObjectType* type = nullptr;
  int metatable = LUA_NOREF;
  mutable Pool pool;
};

struct HostFunction {
  std::string name;
  Sandbox::Host host;
  Sandbox::MakeObject make;  // one of the two
};

struct Core {
  explicit Core(const Budget& wanted) : budget(wanted), meter(budget) {}

  const Budget budget;
  Meter meter;
  lua_State* L = nullptr;
  bool frozen = false, running = false, is_volatile = false;
  std::uint64_t generation = 1;
  std::vector<std::string> chunks;  // names of files, for messages
  Place raised;                     // where the last error was raised
  Value result;

  // References into the registry.
  int globals = LUA_NOREF, builtins = LUA_NOREF, functions = LUA_NOREF, list_metatable = LUA_NOREF;

  std::deque<TypeInfo> types;
  std::vector<const ObjectType*> type_keys;  // parallel to types
  Pool lists;
  std::vector<std::string_view> words;  // arguments of the method that is being called
  std::deque<HostFunction> hosts;
};

inline Core& core_of(lua_State* L) { return **static_cast<Core**>(lua_getextraspace(L)); }
inline void charge(lua_State* L, std::uint64_t units) { core_of(L).meter.charge(L, units); }

// One collection frees half of the records of calls that are not in use: this collects until it pays no more.
void collect_all(Core& core);

// Of the Lua function that called this C function, the program's own Lua passed over; 1 where there is none.
int calling_level(lua_State* L);
// Raises an error with the file and line of that function.
[[noreturn]] void raise(lua_State* L, const std::string& message);

// trouble.cc
std::string bytes_text(std::size_t bytes);  // "16 MiB"
void set_place(const Place& place, Trouble& trouble);
// Of the call that ended with this status of Lua's; its message is on top of the stack.
Trouble trouble_of(const Core& core, int status, std::uint64_t instructions,
                   std::chrono::microseconds wall);

// library.cc: the globals a policy sees, and nothing else.
void open_libraries(Core& core);
// Leaves a new library's members (where C++ writes them) on the stack, and above them the read-only
// table that policies see.
void push_sealed_library(lua_State* L, const std::string& name);
// string_library.cc, table_library.cc: leave a table of the library's functions on the stack.
void push_string_functions(lua_State* L);
void push_utf8_functions(lua_State* L);
void push_table_functions(lua_State* L);

int text_of(lua_State* L);  // tostring

// One allowed function, and why its time is bounded by inputs that are bounded themselves.
struct Allowed {
  const char* name;
  lua_CFunction ours;  // null: Lua's own; else Lua's own is its upvalue
  const char* why;
};
// Lua's own library, opened under the top of the stack; copies what is allowed into a new table.
void push_allowed(lua_State* L, lua_CFunction open, const Allowed* first, const Allowed* last);
int call_stock(lua_State* L);  // Lua's own function, with our arguments

// objects.cc
void push_object(Core& core, const ObjectType& type, const void* self, bool kept = false);
void open_objects(Core& core);
const Thing* thing_at(lua_State* L, int index);  // null where it is none
const char* name_of_thing(const Thing& thing);   // "statement", "list"
std::string no_such_field(const ObjectType& type, std::string_view name);
std::string no_such_item(std::string_view name);                     // of a list
void push_item(lua_State* L, const Thing& list, lua_Integer index);  // from 1; nil beyond

// convert.cc
Value to_value(lua_State* L, int index);  // may raise
void push_value(lua_State* L, const Value& value);
int call_host(lua_State* L);  // upvalue: a HostFunction
int function_ref(lua_State* L, int index);

// freeze.cc
// A table that reads like `shadow` and refuses writes. Marks are keys of metatables.
void push_read_only_metatable(lua_State* L, int shadow, lua_CFunction refuse);
// Replaces a read-only table at `index` by the one that holds its contents; true where it was one.
bool resolve(lua_State* L, int index);
bool is_read_only(lua_State* L, int index);
// Makes all that was made while loading read-only. The first function that would keep state in a
// local is the trouble; then nothing is changed.
std::variant<std::monostate, Trouble> freeze_all(Core& core);

}  // namespace pgmoat::script
