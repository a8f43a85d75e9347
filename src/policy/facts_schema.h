// The tables of what policies may write and ask, turned into what people and editors read: stubs for
// lua-language-server, the reference, and a JSON schema of packs. Nothing is written twice: a test
// keeps the committed files equal to what is made here.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "script/object.h"

namespace pgmoat::policy {

// A key of a table that policies write.
struct WrittenKey {
  std::string_view name;
  std::string_view lua;   // LuaCATS; "" where Lua has no such key
  std::string_view json;  // a schema, in JSON; "" where TOML has no such key
  std::string_view description;
};
struct WrittenTable {
  std::string_view name;        // "rule"
  std::string_view class_name;  // "pgmoat.Rule"
  std::string_view title;       // of the reference
  std::vector<WrittenKey> keys;
};
// rule, exception, test, each verdict, each edit, pack, override, scope.
std::span<const WrittenTable> written_tables();
const WrittenTable& written_table(std::string_view name);

// pgmoat.deny, pgmoat.edit.add_filter, pgmoat.cidrs, ...
struct LuaFunction {
  std::string_view name;        // without "pgmoat."
  std::string_view parameters;  // "rule: pgmoat.Rule"
  std::string_view returns;     // LuaCATS; "" for nothing
  std::string_view description;
};
std::span<const LuaFunction> lua_functions();

// Everything that functions of rules are given, and what pgmoat.set{...} and the like make.
std::vector<const script::ObjectType*> all_object_types();

std::string lua_stubs();    // lua/types/pgmoat.d.lua
std::string reference();    // docs/policy/reference.md
std::string json_schema();  // docs/policy/pack.schema.json

}  // namespace pgmoat::policy
