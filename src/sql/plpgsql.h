// The SQL inside a PL/pgSQL body. libpg_query compiles the body and describes it as JSON; all that is
// wanted of it are the expressions, and which of them give a text that is run.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::sql {

struct BodyText {
  std::string sql;        // a statement or an expression
  bool executed = false;  // of EXECUTE and its kin: its value is run as SQL
};

// `statement` is a DO or CREATE FUNCTION that passed the gate, and so did its body. Each expression
// and statement is appended. False: refused, which says nothing of the server,
// since libpg_query does not know the types that variables have. Each refusal costs the process some
// 32 bytes for good (libpg_query leaks them): a caller counts its refusals and stops at a limit.
bool parse_plpgsql(const char* statement, bool conforming_strings, std::vector<BodyText>& texts);

// x[f()] := g() as x[f()] , g(): to be read after a SELECT.
std::string assignment_as_list(std::string_view assignment);

}  // namespace pgmoat::sql
