#include "sql/clauses.h"

#include <iterator>

#include "sql/constants.h"
#include "sql/name_lists.h"
#include "sql/postgres.h"

namespace pgmoat::sql {
namespace {

constexpr std::string_view kNames[] = {"superuser",
                                       "nosuperuser",
                                       "createdb",
                                       "nocreatedb",
                                       "createrole",
                                       "nocreaterole",
                                       "inherit",
                                       "noinherit",
                                       "login",
                                       "nologin",
                                       "replication",
                                       "noreplication",
                                       "bypassrls",
                                       "nobypassrls",
                                       "password",
                                       "connection limit",
                                       "valid until",
                                       "in role",
                                       "role",
                                       "admin",
                                       "sysid",
                                       "add column",
                                       "drop column",
                                       "alter type",
                                       "set default",
                                       "set not null",
                                       "drop not null",
                                       "add constraint",
                                       "drop constraint",
                                       "owner to",
                                       "set tablespace",
                                       "set logged",
                                       "set unlogged",
                                       "enable trigger",
                                       "disable trigger",
                                       "enable rule",
                                       "disable rule",
                                       "enable row level security",
                                       "disable row level security",
                                       "force row level security",
                                       "no force row level security",
                                       "attach partition",
                                       "detach partition",
                                       "inherit table",
                                       "no inherit table"};

// As the grammar names them; of a flag the second word says that it is off.
constexpr struct {
  std::string_view element, on, off;
} kRoleElements[] = {
    {"superuser", "superuser", "nosuperuser"},
    {"createdb", "createdb", "nocreatedb"},
    {"createrole", "createrole", "nocreaterole"},
    {"inherit", "inherit", "noinherit"},
    {"canlogin", "login", "nologin"},
    {"isreplication", "replication", "noreplication"},
    {"bypassrls", "bypassrls", "nobypassrls"},
    {"password", "password", ""},
    {"connectionlimit", "connection limit", ""},
    {"validUntil", "valid until", ""},
    {"addroleto", "in role", ""},
    {"rolemembers", "role", ""},
    {"adminmembers", "admin", ""},
    {"sysid", "sysid", ""},
};

bool is_off(const void* argument) {
  return is(argument, T_Boolean) && !as<Boolean>(argument)->boolval;
}

}  // namespace

std::string_view role_clause(const void* option) {
  const auto& element = *as<DefElem>(option);
  for (const auto& [name, on, off] : kRoleElements) {
    if (name == element.defname) return !off.empty() && is_off(element.arg) ? off : on;
  }
  return {};
}

std::string_view table_clause(const void* command) {
  switch (as<AlterTableCmd>(command)->subtype) {
    case AT_AddColumn: return "add column";
    case AT_DropColumn: return "drop column";
    case AT_AlterColumnType: return "alter type";
    case AT_ColumnDefault: return "set default";
    case AT_SetNotNull: return "set not null";
    case AT_DropNotNull: return "drop not null";
    case AT_AddConstraint: return "add constraint";
    case AT_DropConstraint: return "drop constraint";
    case AT_ChangeOwner: return "owner to";
    case AT_SetTableSpace: return "set tablespace";
    case AT_SetLogged: return "set logged";
    case AT_SetUnLogged: return "set unlogged";
    case AT_EnableTrig:
    case AT_EnableAlwaysTrig:
    case AT_EnableReplicaTrig:
    case AT_EnableTrigAll:
    case AT_EnableTrigUser: return "enable trigger";
    case AT_DisableTrig:
    case AT_DisableTrigAll:
    case AT_DisableTrigUser: return "disable trigger";
    case AT_EnableRule:
    case AT_EnableAlwaysRule:
    case AT_EnableReplicaRule: return "enable rule";
    case AT_DisableRule: return "disable rule";
    case AT_EnableRowSecurity: return "enable row level security";
    case AT_DisableRowSecurity: return "disable row level security";
    case AT_ForceRowSecurity: return "force row level security";
    case AT_NoForceRowSecurity: return "no force row level security";
    case AT_AttachPartition: return "attach partition";
    case AT_DetachPartition: return "detach partition";
    case AT_AddInherit: return "inherit table";
    case AT_DropInherit: return "no inherit table";
    default: return {};
  }
}

std::span<const std::string_view> clause_names() { return kNames; }

}  // namespace pgmoat::sql
