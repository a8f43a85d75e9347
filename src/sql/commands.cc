// Command tags as in PostgreSQL's CreateCommandTag. Where a tag depends on the object's type, its
// words are put together once, in a table built at compile time.
#include "sql/commands.h"

#include <array>
#include <string>

#include "sql/postgres.h"
#include "sql/tree.h"

namespace pgmoat::sql {
namespace {

constexpr Access kDefine = Access::define;

template <class T>
const T& as(const void* node) {
  return *static_cast<const T*>(node);
}

struct Tags {  // "ALTER X", "DROP X" and "CREATE X" for every type of object
  std::array<std::string, OBJECT_VIEW + 1> alter, drop, create;
  Tags() {
    for (int type = 0; type <= OBJECT_VIEW; ++type) {
      const std::string word(object_word(type));
      alter[type] = "ALTER " + word;
      drop[type] = "DROP " + word;
      create[type] = "CREATE " + word;
    }
  }
};
const Tags& tags() {
  static const Tags made;
  return made;
}

Command alter(int type) { return {Kind::ddl, tags().alter[type], kDefine, true}; }
Command create(std::string_view name) { return {Kind::ddl, name, kDefine, true}; }

Command owner_of(int type) { return {Kind::dcl, tags().alter[type], kDefine, true}; }

Command alter_table(const AlterTableStmt& statement) {
  for (const void* command : elements_of(statement.cmds)) {
    if (as<AlterTableCmd>(command).subtype == AT_ChangeOwner) return owner_of(statement.objtype);
  }
  return alter(statement.objtype);
}

std::string_view transaction(const TransactionStmt& statement) {
  switch (statement.kind) {
    case TRANS_STMT_BEGIN: return "BEGIN";
    case TRANS_STMT_START: return "START TRANSACTION";
    case TRANS_STMT_COMMIT: return "COMMIT";
    case TRANS_STMT_ROLLBACK:
    case TRANS_STMT_ROLLBACK_TO: return "ROLLBACK";
    case TRANS_STMT_SAVEPOINT: return "SAVEPOINT";
    case TRANS_STMT_RELEASE: return "RELEASE";
    case TRANS_STMT_PREPARE: return "PREPARE TRANSACTION";
    case TRANS_STMT_COMMIT_PREPARED: return "COMMIT PREPARED";
    case TRANS_STMT_ROLLBACK_PREPARED: return "ROLLBACK PREPARED";
  }
  return "BEGIN";
}

std::string_view discard(const DiscardStmt& statement) {
  switch (statement.target) {
    case DISCARD_ALL: return "DISCARD ALL";
    case DISCARD_PLANS: return "DISCARD PLANS";
    case DISCARD_SEQUENCES: return "DISCARD SEQUENCES";
    case DISCARD_TEMP: return "DISCARD TEMP";
  }
  return "DISCARD ALL";
}

bool is_reset(const VariableSetStmt& statement) {
  return statement.kind == VAR_RESET || statement.kind == VAR_RESET_ALL;
}

Command define(const DefineStmt& statement) { return create(tags().create[statement.kind]); }

// Those whose tag depends on what they hold; kind `other` with no name: none of them.
Command of_several(const void* node) {
  switch (tag_of(node)) {
    case T_SelectStmt: return {Kind::select, "SELECT"};
    case T_TransactionStmt: return {Kind::tcl, transaction(as<TransactionStmt>(node))};
    case T_VariableSetStmt:
      return {Kind::set, is_reset(as<VariableSetStmt>(node)) ? "RESET" : "SET"};
    case T_DiscardStmt: return {Kind::set, discard(as<DiscardStmt>(node))};
    case T_CopyStmt: return {Kind::copy, "COPY"};
    case T_DeallocateStmt:
      return {Kind::execute, as<DeallocateStmt>(node).name ? "DEALLOCATE" : "DEALLOCATE ALL"};
    case T_ClosePortalStmt:
      return {Kind::cursor,
              as<ClosePortalStmt>(node).portalname ? "CLOSE CURSOR" : "CLOSE CURSOR ALL"};
    case T_FetchStmt: return {Kind::cursor, as<FetchStmt>(node).ismove ? "MOVE" : "FETCH"};
    case T_VacuumStmt:
      return {Kind::vacuum, as<VacuumStmt>(node).is_vacuumcmd ? "VACUUM" : "ANALYZE", Access::lock};
    case T_GrantStmt:
      return {Kind::dcl, as<GrantStmt>(node).is_grant ? "GRANT" : "REVOKE", Access::grant, true};
    case T_GrantRoleStmt:
      return {Kind::dcl, as<GrantRoleStmt>(node).is_grant ? "GRANT ROLE" : "REVOKE ROLE",
              Access::grant, true};
    case T_DropStmt: return {Kind::ddl, tags().drop[as<DropStmt>(node).removeType], kDefine, true};
    case T_AlterTableStmt: return alter_table(as<AlterTableStmt>(node));
    case T_RenameStmt: {
      const auto& rename = as<RenameStmt>(node);
      const bool part = rename.renameType == OBJECT_COLUMN || rename.renameType == OBJECT_ATTRIBUTE;
      Command command = alter(part ? rename.relationType : rename.renameType);
      if (rename.renameType == OBJECT_ROLE) command.kind = Kind::dcl;
      return command;
    }
    case T_AlterObjectSchemaStmt: return alter(as<AlterObjectSchemaStmt>(node).objectType);
    case T_AlterObjectDependsStmt: return alter(as<AlterObjectDependsStmt>(node).objectType);
    case T_AlterOwnerStmt: return owner_of(as<AlterOwnerStmt>(node).objectType);
    case T_AlterFunctionStmt: return alter(as<AlterFunctionStmt>(node).objtype);
    case T_DefineStmt: return define(as<DefineStmt>(node));
    case T_CreateFunctionStmt:
      return create(as<CreateFunctionStmt>(node).is_procedure ? "CREATE PROCEDURE"
                                                              : "CREATE FUNCTION");
    case T_CreateTableAsStmt: {
      const auto& table = as<CreateTableAsStmt>(node);
      if (table.objtype == OBJECT_MATVIEW) return create("CREATE MATERIALIZED VIEW");
      return create(table.is_select_into ? "SELECT INTO" : "CREATE TABLE AS");
    }
    default: return {};
  }
}

Command of_queries(const void* node) {
  switch (tag_of(node)) {
    case T_InsertStmt: return {Kind::insert, "INSERT", Access::insert, true};
    case T_UpdateStmt: return {Kind::update, "UPDATE", Access::update, true};
    case T_DeleteStmt: return {Kind::delete_, "DELETE", Access::delete_, true};
    case T_MergeStmt: return {Kind::merge, "MERGE", Access::update, true};
    case T_TruncateStmt: return {Kind::ddl, "TRUNCATE TABLE", Access::truncate, true};
    case T_LockStmt: return {Kind::other, "LOCK TABLE", Access::lock};
    case T_ExplainStmt: return {Kind::explain, "EXPLAIN"};
    case T_CallStmt: return {Kind::call, "CALL", Access::read, true};
    case T_DoStmt: return {Kind::do_, "DO", Access::read, true};
    case T_PrepareStmt: return {Kind::prepare, "PREPARE"};
    case T_ExecuteStmt: return {Kind::execute, "EXECUTE"};
    case T_DeclareCursorStmt: return {Kind::cursor, "DECLARE CURSOR"};
    case T_ListenStmt: return {Kind::listen, "LISTEN"};
    case T_UnlistenStmt: return {Kind::listen, "UNLISTEN"};
    case T_NotifyStmt: return {Kind::listen, "NOTIFY"};
    case T_VariableShowStmt: return {Kind::show, "SHOW"};
    case T_ConstraintsSetStmt: return {Kind::set, "SET CONSTRAINTS"};
    case T_CheckPointStmt: return {Kind::vacuum, "CHECKPOINT"};
    case T_ClusterStmt: return {Kind::vacuum, "CLUSTER", Access::lock};
    case T_ReindexStmt: return {Kind::vacuum, "REINDEX", Access::lock};
    case T_LoadStmt: return {Kind::other, "LOAD"};
    default: return {};
  }
}

Command of_access(const void* node) {  // roles and rights
  const auto dcl = [](std::string_view name) { return Command{Kind::dcl, name, kDefine, true}; };
  switch (tag_of(node)) {
    case T_CreateRoleStmt: return dcl("CREATE ROLE");
    case T_AlterRoleStmt:
    case T_AlterRoleSetStmt: return dcl("ALTER ROLE");
    case T_DropRoleStmt: return dcl("DROP ROLE");
    case T_DropOwnedStmt: return dcl("DROP OWNED");
    case T_ReassignOwnedStmt: return dcl("REASSIGN OWNED");
    case T_AlterDefaultPrivilegesStmt: return dcl("ALTER DEFAULT PRIVILEGES");
    case T_CreatePolicyStmt: return create("CREATE POLICY");
    case T_AlterPolicyStmt: return create("ALTER POLICY");
    case T_CreateUserMappingStmt: return create("CREATE USER MAPPING");
    case T_AlterUserMappingStmt: return create("ALTER USER MAPPING");
    case T_DropUserMappingStmt: return create("DROP USER MAPPING");
    case T_AlterSystemStmt: return create("ALTER SYSTEM");
    case T_AlterDatabaseSetStmt:
    case T_AlterDatabaseRefreshCollStmt:
    case T_AlterDatabaseStmt: return create("ALTER DATABASE");
    default: return {};
  }
}

std::string_view definition(unsigned tag) {
  switch (tag) {
    case T_CreateStmt: return "CREATE TABLE";
    case T_CreateForeignTableStmt: return "CREATE FOREIGN TABLE";
    case T_CreateSchemaStmt: return "CREATE SCHEMA";
    case T_CreateTableSpaceStmt: return "CREATE TABLESPACE";
    case T_DropTableSpaceStmt: return "DROP TABLESPACE";
    case T_AlterTableSpaceOptionsStmt: return "ALTER TABLESPACE";
    case T_AlterTableMoveAllStmt: return "ALTER TABLE";
    case T_CreateExtensionStmt: return "CREATE EXTENSION";
    case T_AlterExtensionStmt:
    case T_AlterExtensionContentsStmt: return "ALTER EXTENSION";
    case T_CreateFdwStmt: return "CREATE FOREIGN DATA WRAPPER";
    case T_AlterFdwStmt: return "ALTER FOREIGN DATA WRAPPER";
    case T_CreateForeignServerStmt: return "CREATE SERVER";
    case T_AlterForeignServerStmt: return "ALTER SERVER";
    case T_ImportForeignSchemaStmt: return "IMPORT FOREIGN SCHEMA";
    case T_CommentStmt: return "COMMENT";
    case T_SecLabelStmt: return "SECURITY LABEL";
    case T_CompositeTypeStmt:
    case T_CreateEnumStmt:
    case T_CreateRangeStmt: return "CREATE TYPE";
    case T_AlterEnumStmt:
    case T_AlterTypeStmt: return "ALTER TYPE";
    case T_ViewStmt: return "CREATE VIEW";
    case T_IndexStmt: return "CREATE INDEX";
    case T_RuleStmt: return "CREATE RULE";
    case T_CreateSeqStmt: return "CREATE SEQUENCE";
    case T_AlterSeqStmt: return "ALTER SEQUENCE";
    case T_CreatedbStmt: return "CREATE DATABASE";
    case T_DropdbStmt: return "DROP DATABASE";
    case T_RefreshMatViewStmt: return "REFRESH MATERIALIZED VIEW";
    case T_CreateTrigStmt: return "CREATE TRIGGER";
    case T_CreateEventTrigStmt: return "CREATE EVENT TRIGGER";
    case T_AlterEventTrigStmt: return "ALTER EVENT TRIGGER";
    case T_CreatePLangStmt: return "CREATE LANGUAGE";
    case T_CreateDomainStmt: return "CREATE DOMAIN";
    case T_AlterDomainStmt: return "ALTER DOMAIN";
    case T_CreateConversionStmt: return "CREATE CONVERSION";
    case T_CreateCastStmt: return "CREATE CAST";
    case T_CreateTransformStmt: return "CREATE TRANSFORM";
    case T_CreateOpClassStmt: return "CREATE OPERATOR CLASS";
    case T_CreateOpFamilyStmt: return "CREATE OPERATOR FAMILY";
    case T_AlterOpFamilyStmt: return "ALTER OPERATOR FAMILY";
    case T_AlterOperatorStmt: return "ALTER OPERATOR";
    case T_AlterTSDictionaryStmt: return "ALTER TEXT SEARCH DICTIONARY";
    case T_AlterTSConfigurationStmt: return "ALTER TEXT SEARCH CONFIGURATION";
    case T_CreateAmStmt: return "CREATE ACCESS METHOD";
    case T_CreatePublicationStmt: return "CREATE PUBLICATION";
    case T_AlterPublicationStmt: return "ALTER PUBLICATION";
    case T_CreateSubscriptionStmt: return "CREATE SUBSCRIPTION";
    case T_AlterSubscriptionStmt: return "ALTER SUBSCRIPTION";
    case T_DropSubscriptionStmt: return "DROP SUBSCRIPTION";
    case T_CreateStatsStmt: return "CREATE STATISTICS";
    case T_AlterStatsStmt: return "ALTER STATISTICS";
    case T_AlterCollationStmt: return "ALTER COLLATION";
    default: return {};
  }
}

}  // namespace

bool is_relation_type(int object_type) {
  switch (object_type) {
    case OBJECT_TABLE:
    case OBJECT_VIEW:
    case OBJECT_MATVIEW:
    case OBJECT_FOREIGN_TABLE:
    case OBJECT_INDEX:
    case OBJECT_SEQUENCE: return true;
    default: return false;
  }
}

namespace {

constexpr struct {
  int type;
  std::string_view word;
} kWords[] = {
    {OBJECT_ACCESS_METHOD, "ACCESS METHOD"},
    {OBJECT_AGGREGATE, "AGGREGATE"},
    {OBJECT_AMOP, "OPERATOR FAMILY"},
    {OBJECT_AMPROC, "OPERATOR FAMILY"},
    {OBJECT_ATTRIBUTE, "TYPE"},
    {OBJECT_CAST, "CAST"},
    {OBJECT_COLUMN, "TABLE"},
    {OBJECT_COLLATION, "COLLATION"},
    {OBJECT_CONVERSION, "CONVERSION"},
    {OBJECT_DATABASE, "DATABASE"},
    {OBJECT_DEFAULT, "TABLE"},
    {OBJECT_DEFACL, "DEFAULT PRIVILEGES"},
    {OBJECT_DOMAIN, "DOMAIN"},
    {OBJECT_DOMCONSTRAINT, "DOMAIN"},
    {OBJECT_EVENT_TRIGGER, "EVENT TRIGGER"},
    {OBJECT_EXTENSION, "EXTENSION"},
    {OBJECT_FDW, "FOREIGN DATA WRAPPER"},
    {OBJECT_FOREIGN_SERVER, "SERVER"},
    {OBJECT_FOREIGN_TABLE, "FOREIGN TABLE"},
    {OBJECT_FUNCTION, "FUNCTION"},
    {OBJECT_INDEX, "INDEX"},
    {OBJECT_LANGUAGE, "LANGUAGE"},
    {OBJECT_LARGEOBJECT, "LARGE OBJECT"},
    {OBJECT_MATVIEW, "MATERIALIZED VIEW"},
    {OBJECT_OPCLASS, "OPERATOR CLASS"},
    {OBJECT_OPERATOR, "OPERATOR"},
    {OBJECT_OPFAMILY, "OPERATOR FAMILY"},
    {OBJECT_PARAMETER_ACL, "PARAMETER"},
    {OBJECT_POLICY, "POLICY"},
    {OBJECT_PROCEDURE, "PROCEDURE"},
    {OBJECT_PUBLICATION, "PUBLICATION"},
    {OBJECT_PUBLICATION_NAMESPACE, "PUBLICATION"},
    {OBJECT_PUBLICATION_REL, "PUBLICATION"},
    {OBJECT_ROLE, "ROLE"},
    {OBJECT_ROUTINE, "ROUTINE"},
    {OBJECT_RULE, "RULE"},
    {OBJECT_SCHEMA, "SCHEMA"},
    {OBJECT_SEQUENCE, "SEQUENCE"},
    {OBJECT_SUBSCRIPTION, "SUBSCRIPTION"},
    {OBJECT_STATISTIC_EXT, "STATISTICS"},
    {OBJECT_TABCONSTRAINT, "TABLE"},
    {OBJECT_TABLE, "TABLE"},
    {OBJECT_TABLESPACE, "TABLESPACE"},
    {OBJECT_TRANSFORM, "TRANSFORM"},
    {OBJECT_TRIGGER, "TRIGGER"},
    {OBJECT_TSCONFIGURATION, "TEXT SEARCH CONFIGURATION"},
    {OBJECT_TSDICTIONARY, "TEXT SEARCH DICTIONARY"},
    {OBJECT_TSPARSER, "TEXT SEARCH PARSER"},
    {OBJECT_TSTEMPLATE, "TEXT SEARCH TEMPLATE"},
    {OBJECT_TYPE, "TYPE"},
    {OBJECT_USER_MAPPING, "USER MAPPING"},
    {OBJECT_VIEW, "VIEW"},
};

}  // namespace

std::string_view object_word(int object_type) {
  for (const auto& [type, word] : kWords) {
    if (type == object_type) return word;
  }
  return "OBJECT";
}

Command command_of(const void* node) {
  if (const Command found = of_several(node); !found.name.empty()) return found;
  if (const Command found = of_queries(node); !found.name.empty()) return found;
  if (const Command found = of_access(node); !found.name.empty()) return found;
  // What no table knows is a newer server's statement: taken for one that changes things.
  return create(definition(tag_of(node)));
}

}  // namespace pgmoat::sql
