// PostgreSQL's headers, as C++ can bear them: C linkage, and without the macros that would rename
// the C library. The node structs come from postgresql-server-dev, the parser from libpg_query:
// they must be of one major version. Only sql/*.cc include this, last.
#pragma once

#include <pg_query.h>

#include <string_view>

namespace pgmoat::sql {
inline constexpr std::string_view kParserMajor = PG_MAJORVERSION;
}
#undef PG_MAJORVERSION
#undef PG_VERSION
#undef PG_VERSION_NUM

#define text varlena_text  // a name that we want ourselves
extern "C" {
#include <postgres.h>
// After postgres.h.
#include <nodes/parsenodes.h>
#include <nodes/primnodes.h>
#include <pg_query/pg_query_internal.h>
}

#undef text
#undef Abs
#undef Max
#undef Min
#undef _
#undef fprintf
#undef gettext
#undef printf
#undef snprintf
#undef sprintf
#undef strerror
#undef strerror_r
#undef vfprintf
#undef vprintf
#undef vsnprintf
#undef vsprintf

static_assert(pgmoat::sql::kParserMajor == PG_MAJORVERSION,
              "libpg_query and postgresql-server-dev are of different major versions");
