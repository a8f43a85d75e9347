// A value of Lua as a Node, with the places of its parts where the text has them.
#pragma once

#include "policy/lua_places.h"
#include "policy/node.h"
#include "script/value.h"

namespace pgmoat::policy {

// `part`: where the value is written; null where that is not known, then everything is at `place`.
Node to_node(const script::Value& value, const LuaPart* part, const Place& place);

}  // namespace pgmoat::policy
