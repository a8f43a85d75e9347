// Lua's headers, for this folder only. We link Debian's build of Lua as C++: it raises errors as C++
// exceptions, so destructors run when one passes, also those of a getter that policy wrote.
#pragma once

#include <lua.hpp>
