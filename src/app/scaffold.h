// `pgmoat init` and `pgmoat new rule`: the files a policy author starts from. They load, pass their own
// tests and show each kind of rule once. Nothing that exists is ever overwritten.
#pragma once

#include <string>

namespace pgmoat::app {

// Writes into `folder` (made if absent): pgmoat.toml, policy/, editor files. Prints what it wrote.
// Exit code.
int init(const std::string& folder, const std::string& backend);

// Adds to the file of `folder` that has the pack of the id's first word, else writes <id>.toml; with `lua`
// <id>.lua and <id>_test.lua.
int new_rule(const std::string& id, const std::string& folder, bool lua);

// `pgmoat schema`: to stdout.
int print_schema(bool lua_stubs, bool reference);

}  // namespace pgmoat::app
