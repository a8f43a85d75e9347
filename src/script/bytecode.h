// Finds functions that keep state in a local of the file: `counter = counter + 1` with `counter`
// outside the function. No write hook exists for such locals, so the compiled code is read: Lua
// stores into them by one instruction only. What lua_dump() writes is the only public view of it.
#pragma once

#include <optional>
#include <string>

#include "script/lua.h"

namespace pgmoat::script {

struct Store {
  std::string variable;
  int line = 0;
};

// The first store of the Lua function at `index`, or of a function inside it, to a variable that
// exists outside the function at `index`.
std::optional<Store> stores_outside(lua_State* L, int index);

}  // namespace pgmoat::script
