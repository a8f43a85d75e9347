// Settings, roles and transactions. A setting's value is what SHOW would say of it: a list is joined
// with commas.
#include "sql/clauses.h"
#include "sql/constants.h"
#include "sql/extract.h"
#include "sql/identifiers.h"
#include "sql/name_lists.h"
#include "sql/postgres.h"

namespace pgmoat::sql {
namespace {

bool is_off(std::string_view value) {
  return value == "off" || value == "false" || value == "no" || value == "0" || value == "f" ||
         value == "n" || value == "of" || value == "fa" || value == "fal" || value == "fals";
}

}  // namespace

void Extractor::add_role(const char* name) {
  if (name) draft_.roles.push_back(keep(name));
}

void Extractor::add_clause(std::string_view word) {
  if (!word.empty()) draft_.clauses.push_back(word);
}

void Extractor::add_role_clauses(const void* options) {
  for (const void* option : elements_of(options)) add_clause(role_clause(option));
}

void Extractor::visit_role(const void* node) {
  const auto& role = *as<RoleSpec>(node);
  switch (role.roletype) {
    case ROLESPEC_CSTRING: return add_role(role.rolename);
    case ROLESPEC_CURRENT_ROLE: draft_.roles.push_back("current_role"); return;
    case ROLESPEC_CURRENT_USER: draft_.roles.push_back("current_user"); return;
    case ROLESPEC_SESSION_USER: draft_.roles.push_back("session_user"); return;
    case ROLESPEC_PUBLIC: draft_.roles.push_back("public"); return;
  }
}

void Extractor::add_setting(Setting setting) {
  const std::string_view name = setting.name;
  if (name == "role" || name == "session_authorization") {
    if (setting.constant && !setting.is_default) draft_.roles.push_back(setting.value);
  } else if (name == "transaction_read_only" || name == "default_transaction_read_only") {
    const bool off =
        setting.is_default || !setting.constant || is_off(lower_case(setting.value, draft_.arena));
    facts().transaction_read_write |= off;
  }
  draft_.settings.push_back(setting);
}

void Extractor::visit_set(const void* node, const Scope& scope) {
  const auto& set = *as<VariableSetStmt>(node);
  if (set.kind == VAR_SET_MULTI) {
    const std::string_view what = set.name;
    if (what == "TRANSACTION SNAPSHOT") return push(set.args, scope);
    Scope local = scope;
    const bool session = what == "SESSION CHARACTERISTICS";
    if (!session) local.setting = Setting::Scope::local;
    return note_transaction_options(set.args, session ? "default_" : "", local);
  }
  Setting setting;
  setting.scope = scope.setting;
  if (set.is_local) setting.scope = Setting::Scope::local;
  setting.nested = scope.nested;
  setting.name =
      set.kind == VAR_RESET_ALL ? "all" : lower_case(set.name ? set.name : "", draft_.arena);
  setting.is_default =
      set.kind == VAR_RESET || set.kind == VAR_RESET_ALL || set.kind == VAR_SET_DEFAULT;
  setting.constant = set.kind != VAR_SET_CURRENT;
  std::string value;
  for (const void* argument : elements_of(set.args)) {
    const auto part = constant_text(argument, draft_.arena);
    if (!part) {
      setting.constant = false;  // SET TIME ZONE INTERVAL ... has more to it; so has NULL
      continue;
    }
    if (!value.empty()) value += ", ";
    value += *part;
  }
  setting.value = draft_.arena.keep(value);
  add_setting(setting);
  push(set.args, scope);
}

// BEGIN's options change only the transaction that it begins: they are no settings.
void Extractor::visit_transaction(const void* node) {
  for (const void* option : elements_of(as<TransactionStmt>(node)->options)) {
    const auto& element = *as<DefElem>(option);
    if (std::string_view(element.defname) != "transaction_read_only") continue;
    facts().transaction_read_write |= constant_integer(element.arg) == 0;
  }
}

void Extractor::note_transaction_options(const void* options, std::string_view prefix,
                                         const Scope& scope) {
  for (const void* option : elements_of(options)) {
    const auto& element = *as<DefElem>(option);
    Setting setting;
    setting.name = draft_.arena.join(prefix, {}, element.defname);
    setting.scope = scope.setting;
    setting.nested = scope.nested;
    if (const auto value = constant_text(element.arg, draft_.arena)) {
      const bool flag = std::string_view(element.defname) != "transaction_isolation";
      setting.value = flag ? (*value == "0" ? "off" : "on") : draft_.arena.keep(*value);
    } else {
      setting.constant = false;
    }
    add_setting(setting);
    push(element.arg, scope);
  }
}

}  // namespace pgmoat::sql
