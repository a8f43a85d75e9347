// Finds names that do not exist without running anything: a field of a lent object (`q.wherre`), of an
// object that the file has made (`networks:contain`), a member of a library, a variable. It follows
// what types registers hold through the compiled code, over every branch, into the functions that
// are called and those that are written inside. What it reports raises whenever that line is
// reached; where it does not know a type, it says nothing.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "script/core.h"
#include "script/object.h"

namespace pgmoat::script {

// Before freeze(), after every file. `function` is called with objects of the types `parameters`;
// `known` are all types that fields speak of by their class name.
std::vector<Misnamed> misnamed_in(Core& core, Function function,
                                  std::span<const ObjectType* const> parameters,
                                  std::span<const ObjectType* const> known);

}  // namespace pgmoat::script
