// Statements that are no query: what they name, what they carry inside, and how they touch the
// relations in them. Whatever is not said here is walked through like any node.
#include "sql/constants.h"
#include "sql/extract.h"
#include "sql/name_lists.h"
#include "sql/postgres.h"

namespace pgmoat::sql {

void Extractor::visit_command(const void* node, Scope scope) {
  const Command command = command_of(node);
  note_command(command, scope);
  scope.access = command.access;
  scope.via = command.access == Access::read ? Via::from : Via::ddl;
  facts().writes |= command.writes && !scope.inert;
  if (visit_running(node, scope) || visit_session(node, scope) || visit_access(node, scope) ||
      visit_routine(node, scope) || visit_naming(node, scope)) {
    return;
  }
  name_object(node, scope);
  push_children(node, scope);
}

namespace {

bool is_analyze(const ExplainStmt& explain) {
  bool analyze = false;
  for (const void* option : elements_of(explain.options)) {
    const auto& element = *as<DefElem>(option);
    if (std::string_view(element.defname) != "analyze") continue;
    const std::string_view word = string_of(element.arg);
    // What is not plainly off counts as on.
    analyze = !(word == "false" || word == "off" ||
                (is(element.arg, T_Integer) && as<Integer>(element.arg)->ival == 0));
  }
  return analyze;
}

Scope nested_in(Scope scope) {
  scope.nested = true;
  scope.access = Access::read;
  scope.via = Via::from;
  return scope;
}

}  // namespace

// Statements that hold statements.
bool Extractor::visit_running(const void* node, Scope& scope) {
  Scope inner = nested_in(scope);
  switch (tag_of(node)) {
    case T_CopyStmt: visit_copy(node, scope); return true;
    case T_ExplainStmt:
      inner.inert |= !is_analyze(*as<ExplainStmt>(node));
      push(as<ExplainStmt>(node)->query, inner);
      return true;
    case T_PrepareStmt:
      facts().prepared = keep(as<PrepareStmt>(node)->name);
      push(as<PrepareStmt>(node)->argtypes, scope);
      push(as<PrepareStmt>(node)->query, inner);
      return true;
    case T_ExecuteStmt:
      facts().prepared = keep(as<ExecuteStmt>(node)->name);
      scope.clause = Clause::other;
      push(as<ExecuteStmt>(node)->params, scope);
      return true;
    case T_DeclareCursorStmt:
      facts().cursor = keep(as<DeclareCursorStmt>(node)->portalname);
      push(as<DeclareCursorStmt>(node)->query, inner);
      return true;
    case T_ViewStmt:
      inner.later = true;
      push(as<ViewStmt>(node)->view, scope);
      push(as<ViewStmt>(node)->query, inner);
      push(as<ViewStmt>(node)->options, scope);
      return true;
    case T_CreateTableAsStmt: {
      const auto& table = *as<CreateTableAsStmt>(node);
      push(table.into, scope);
      inner.nested = scope.nested || table.objtype == OBJECT_MATVIEW;
      push(table.query, inner);
      return true;
    }
    case T_RuleStmt:
      inner.later = true;
      add_object_name(as<RuleStmt>(node)->rulename);
      push(as<RuleStmt>(node)->relation, scope);
      push(as<RuleStmt>(node)->whereClause, inner, Clause::where);
      push(as<RuleStmt>(node)->actions, inner);
      return true;
    case T_CreateSchemaStmt:
      add_object_name(as<CreateSchemaStmt>(node)->schemaname);
      push(as<CreateSchemaStmt>(node)->authrole, scope);
      push(as<CreateSchemaStmt>(node)->schemaElts, inner);
      return true;
    default: return false;
  }
}

void Extractor::visit_copy(const void* node, const Scope& scope) {
  const auto& statement = *as<CopyStmt>(node);
  Copy copy;
  copy.from = statement.is_from;
  copy.file = keep(statement.filename);
  copy.target = statement.is_program ? Copy::Target::program
                : statement.filename ? Copy::Target::file
                : statement.is_from  ? Copy::Target::stdin_
                                     : Copy::Target::stdout_;
  copy.format = "text";
  for (const void* option : elements_of(statement.options)) {
    const auto& element = *as<DefElem>(option);
    // It may have no value, a number or a list: the server refuses those.
    if (std::string_view(element.defname) == "format" && is(element.arg, T_String)) {
      copy.format = keep(as<String>(element.arg)->sval);
    }
  }
  // Of several in a body the one that reaches furthest is told.
  if (copy.target >= facts().copy.target) facts().copy = copy;
  // A file or a program is written outside of any transaction.
  facts().writes |= !scope.inert && (statement.is_from || statement.filename);
  Scope relation = scope;
  relation.access = statement.is_from ? Access::insert : Access::read;
  relation.via = Via::copy;
  push(statement.relation, relation);
  push(statement.query, scope);
  add_column_names(statement.attlist, statement.is_from ? Clause::insert : Clause::target);
  push(statement.options, scope);
  push_condition(statement.whereClause, scope, Clause::where);
}

// What concerns the session: settings, transactions, channels, cursors.
bool Extractor::visit_session(const void* node, Scope& scope) {
  switch (tag_of(node)) {
    case T_VariableSetStmt: visit_set(node, scope); return true;
    case T_AlterSystemStmt: scope.setting = Setting::Scope::system; return false;
    case T_AlterDatabaseSetStmt: scope.setting = Setting::Scope::database; return false;
    case T_AlterRoleSetStmt: scope.setting = Setting::Scope::role; return false;
    case T_TransactionStmt: visit_transaction(node); return false;
    case T_DiscardStmt:
      if (as<DiscardStmt>(node)->target == DISCARD_ALL) {
        add_setting({.name = "all", .is_default = true, .nested = scope.nested});
        add_setting({.name = "session_authorization", .is_default = true, .nested = scope.nested});
      }
      return true;
    case T_DeallocateStmt: facts().prepared = keep(as<DeallocateStmt>(node)->name); return true;
    case T_FetchStmt: facts().cursor = keep(as<FetchStmt>(node)->portalname); return true;
    case T_ClosePortalStmt:
      facts().cursor = keep(as<ClosePortalStmt>(node)->portalname);
      return true;
    case T_ListenStmt: facts().channel = keep(as<ListenStmt>(node)->conditionname); return true;
    case T_UnlistenStmt: facts().channel = keep(as<UnlistenStmt>(node)->conditionname); return true;
    case T_NotifyStmt: facts().channel = keep(as<NotifyStmt>(node)->conditionname); return true;
    case T_ConstraintsSetStmt: return true;  // its names are of constraints
    case T_LoadStmt: draft_.extensions.push_back(keep(as<LoadStmt>(node)->filename)); return true;
    default: return false;
  }
}

bool Extractor::visit_access(const void* node, Scope& scope) {
  switch (tag_of(node)) {
    case T_GrantStmt: visit_grant(node, scope); return true;
    case T_AlterDefaultPrivilegesStmt:
      // What it holds is written as a GRANT and grants nothing yet.
      push(as<AlterDefaultPrivilegesStmt>(node)->options, scope);
      visit_grant(as<AlterDefaultPrivilegesStmt>(node)->action, scope);
      return true;
    case T_GrantRoleStmt:
      // The roles that are given away are written where privileges stand.
      for (const void* role : elements_of(as<GrantRoleStmt>(node)->granted_roles)) {
        add_role(as<AccessPriv>(role)->priv_name);
      }
      push(as<GrantRoleStmt>(node)->grantee_roles, scope);
      push(as<GrantRoleStmt>(node)->grantor, scope);
      return true;
    case T_CreateRoleStmt:
      add_role(as<CreateRoleStmt>(node)->role);
      add_role_clauses(as<CreateRoleStmt>(node)->options);
      return false;
    case T_AlterRoleStmt: add_role_clauses(as<AlterRoleStmt>(node)->options); return false;
    case T_RenameStmt:
      if (as<RenameStmt>(node)->renameType != OBJECT_ROLE) return false;
      add_role(as<RenameStmt>(node)->subname);
      add_role(as<RenameStmt>(node)->newname);
      return true;
    default: return false;
  }
}

void Extractor::visit_grant(const void* node, const Scope& scope) {
  const auto& grant = *as<GrantStmt>(node);
  for (const void* object : elements_of(grant.objects)) {
    if (is(object, T_RangeVar) || is(object, T_ObjectWithArgs)) {
      push(object, scope);
    } else if (grant.targtype == ACL_TARGET_ALL_IN_SCHEMA && is_relation_type(grant.objtype)) {
      add_schema(keep(as<String>(object)->sval), Access::grant, Via::ddl, scope);
    } else {
      add_object(grant.objtype, object, scope);
    }
  }
  push(grant.privileges, scope);
  push(grant.grantees, scope);
  push(grant.grantor, scope);
}

// CREATE FUNCTION and DO, and whatever may run a function that it only names.
bool Extractor::visit_routine(const void* node, Scope& scope) {
  switch (tag_of(node)) {
    case T_CreateFunctionStmt: visit_create_function(node, scope); return true;
    case T_DoStmt: visit_do(node, scope); return true;
    case T_AlterFunctionStmt: scope.setting = Setting::Scope::function; return false;
    case T_CreateTrigStmt:
      add_definition(as<CreateTrigStmt>(node)->funcname, scope);
      add_object_name(as<CreateTrigStmt>(node)->trigname);
      add_column_names(as<CreateTrigStmt>(node)->columns, scope.clause);
      push(as<CreateTrigStmt>(node)->relation, scope);
      push(as<CreateTrigStmt>(node)->whenClause, scope, Clause::where);
      push(as<CreateTrigStmt>(node)->constrrel, scope);
      return true;
    case T_CreateEventTrigStmt:
      add_definition(as<CreateEventTrigStmt>(node)->funcname, scope);
      break;
    case T_CreatePLangStmt:
      add_definition(as<CreatePLangStmt>(node)->plhandler, scope);
      add_definition(as<CreatePLangStmt>(node)->plinline, scope);
      add_definition(as<CreatePLangStmt>(node)->plvalidator, scope);
      break;
    case T_CreateAmStmt: add_definition(as<CreateAmStmt>(node)->handler_name, scope); break;
    case T_CreateConversionStmt:
      add_definition(as<CreateConversionStmt>(node)->func_name, scope);
      break;
    case T_CreateFdwStmt:
    case T_AlterFdwStmt:
    case T_DefineStmt:
    case T_CreateRangeStmt:
    case T_AlterTypeStmt:
    case T_AlterOperatorStmt:
    case T_CreateCastStmt:
    case T_CreateTransformStmt:
    case T_CreateOpClassStmt:
    case T_AlterOpFamilyStmt: scope.definition = true; break;
    default: break;
  }
  return false;
}

// An option whose value may be a name of a function: a bare word, a quoted one, or a qualified one.
void Extractor::visit_option(const void* node, const Scope& scope) {
  const auto& option = *as<DefElem>(node);
  const std::string_view name = option.defname ? option.defname : "";
  if (scope.definition || name == "support") {
    if (is(option.arg, T_TypeName)) {
      add_definition(as<TypeName>(option.arg)->names, scope);
    } else if (is(option.arg, T_List)) {
      add_definition(option.arg, scope);
    } else if (is(option.arg, T_String)) {
      DraftFunction& function = draft_.functions.emplace_back();
      function.name = keep(as<String>(option.arg)->sval);
      function.reach = Reach::definition;
      function.nested = scope.nested;
      note_defined(function.name, scope);
    }
  }
  if (name == "security" && is(option.arg, T_Boolean) && as<Boolean>(option.arg)->boolval) {
    facts().security_definer = true;
  }
  push(option.arg, scope);
}

void Extractor::add_definition(const void* names, const Scope& scope) {
  if (elements_of(names).size() == 0) return;
  const std::string_view name = add_function(names, Reach::definition, 0, scope).name;
  if (scope.definition) note_defined(name, scope);
}

}  // namespace pgmoat::sql
