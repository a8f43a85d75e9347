// The words of clauses that facts tell by name: the options of CREATE and ALTER ROLE, and what ALTER TABLE
// and its kin do. They are said as SQL says them, in lower case, whatever the spelling was: WITH
// U&"\0073uperuser" is "superuser".
#pragma once

#include <span>
#include <string_view>

namespace pgmoat::sql {

// Of a DefElem in a role's options; "" for one that is none of these.
std::string_view role_clause(const void* option);
// Of an AlterTableCmd; "" for one that has no name here.
std::string_view table_clause(const void* command);
// All of them.
std::span<const std::string_view> clause_names();

}  // namespace pgmoat::sql
