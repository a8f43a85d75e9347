// The SQL inside a PL/pgSQL body. libpg_query compiles the body and describes it as JSON; all that is
// wanted of it are the expressions, and whether it runs text that it makes itself.
#pragma once

#include <string>
#include <string_view>

namespace pgmoat::sql {

// `statement` is a DO or CREATE FUNCTION that passed the gate, and so did its body. Each expression
// and statement is appended with a NUL behind it. False: refused, which says nothing of the server,
// since libpg_query does not know the types that variables have. Each refusal costs the process some
// 32 bytes for good (libpg_query leaks them): a caller counts its refusals and stops at a limit.
bool parse_plpgsql(const char* statement, bool conforming_strings, std::string& expressions,
                   bool& dynamic);

// x[f()] := g() as x[f()] , g(): to be read after a SELECT.
std::string assignment_as_list(std::string_view assignment);

}  // namespace pgmoat::sql
