// A FunctionCall message names a function by its OID; rules know functions by their names.
#pragma once

#include <cstdint>
#include <string>

namespace pgmoat::policy {

// Whether it is one of the 13 behind libpq's large-object interface (pg_dump, psql, vacuumlo and drivers
// call them by FunctionCall).
bool is_large_object_function(std::uint32_t oid);

// As SQL would say it: "CALL pg_catalog.lo_open()". One that is not known here goes by its number.
std::string text_of_call(std::uint32_t oid);

}  // namespace pgmoat::policy
