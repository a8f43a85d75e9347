// SELECT, INSERT, UPDATE, DELETE and MERGE: which clause an expression stands in, which tables are
// read and which written, and which names are CTEs and no tables.
#include <algorithm>

#include "sql/conditions.h"
#include "sql/constants.h"
#include "sql/extract.h"
#include "sql/injection.h"
#include "sql/name_lists.h"
#include "sql/postgres.h"

namespace pgmoat::sql {
namespace {

Scope target_of(Scope scope, Access access) {
  scope.access = access;
  scope.via = Via::target;
  return scope;
}
Scope read_of(Scope scope) {
  scope.selects = std::max<std::uint16_t>(scope.selects, 1);  // a sub-select is one deeper
  scope.access = Access::read;
  scope.via = Via::from;
  return scope;
}
Scope clause_of(Scope scope, Clause clause) {
  scope.clause = clause;
  return scope;
}

}  // namespace

void Extractor::visit_select(const void* node, Scope scope) {
  const auto& select = *as<SelectStmt>(node);
  const bool counts_star = !scope.exists;
  if (!scope.set_arm) ++scope.selects;
  facts().depth = std::max<std::uint16_t>(facts().depth, scope.selects - 1);
  if (!limit_noted_ && level_ == 0) note_limit(select.limitCount);
  const bool in_insert = scope.clause == Clause::insert;
  const bool set_arm = scope.set_arm;
  scope.exists = scope.set_arm = false;
  scope.access = Access::read;
  scope.via = Via::from;
  push_with(select.withClause, scope);
  if (select.op != SETOP_NONE) {
    ++facts().set_operations;
    if (!set_arm) facts().signs |= union_signs(node);
    Scope arm = scope;
    arm.set_arm = true;
    push(select.larg, arm);
    push(select.rarg, arm);
  } else {
    push(select.distinctClause, scope, Clause::target);
    if (select.intoClause) {
      facts().writes |= !scope.inert;
      Scope target = scope;
      target.access = Access::define;
      target.via = Via::target;
      push(select.intoClause, target);
    }
    Scope targets = scope;
    targets.clause = Clause::target;
    targets.exists = !counts_star;
    push(select.targetList, targets);
    push(select.valuesLists, scope, in_insert ? Clause::insert : Clause::target);
    push_from(select.fromClause, scope);
    push_condition(select.whereClause, scope, Clause::where);
    push(select.groupClause, scope, Clause::group);
    push_condition(select.havingClause, scope, Clause::having);
    push(select.windowClause, scope, Clause::other);
    for (const void* row : elements_of(in_insert ? select.valuesLists : nullptr)) {
      facts().signs |= value_signs(row);
      for (const void* value : elements_of(row)) note_value(value);
    }
  }
  push(select.sortClause, scope, Clause::order);
  push(select.limitOffset, scope, Clause::limit);
  push(select.limitCount, scope, Clause::limit);
  push(select.lockingClause, scope);
}

void Extractor::note_limit(const void* count) {
  limit_noted_ = true;
  Limit& limit = facts().limit;
  while (is(count, T_TypeCast)) count = as<TypeCast>(count)->arg;
  if (!count || (is(count, T_A_Const) && as<A_Const>(count)->isnull)) return;
  if (is(count, T_ParamRef)) {
    limit.kind = LimitKind::parameter;
  } else if (const auto value = constant_integer(count)) {
    limit = {LimitKind::literal, *value};
  } else {
    limit.kind = LimitKind::expression;
  }
}

// A CTE is seen by those after it and by the statement; with RECURSIVE by all of its list.
void Extractor::push_with(const void* with, Scope& scope) {
  if (!with) return;
  const auto& clause = *as<WithClause>(with);
  const auto add = [&](const void* cte) {
    ctes_.push_back({keep(as<CommonTableExpr>(cte)->ctename), scope.ctes});
    scope.ctes = static_cast<std::uint32_t>(ctes_.size() - 1);
    ++facts().ctes;
  };
  if (clause.recursive) {
    for (const void* cte : elements_of(clause.ctes)) add(cte);
  }
  for (const void* cte : elements_of(clause.ctes)) {
    push(cte, scope, Clause::other);
    if (!clause.recursive) add(cte);
  }
}

void Extractor::push_from(const void* list, const Scope& scope) {
  if (!list) return;
  facts().joins += static_cast<std::uint16_t>(elements_of(list).size() - 1);
  push(list, scope, Clause::other);
}

bool Extractor::push_condition(const void* node, const Scope& scope, Clause clause) {
  if (!node) return true;
  push(node, scope, clause);
  return note_condition(node);
}

// SET a = '' OR 'x' = 'x': logic where a value is wanted.
void Extractor::note_value(const void* node) {
  if (is(node, T_BoolExpr)) note_condition(node);
}

bool Extractor::note_condition(const void* node) {
  const Condition condition = condition_of(node, draft_.arena);
  if (condition.tautology) {
    facts().where.tautology = true;
    facts().signs |= kTautology;
  }
  if (condition.constant_compare) facts().signs |= kConstantCondition;
  return condition.truth == Truth::holds;
}

void Extractor::visit_join(const void* node, Scope scope) {
  const auto& join = *as<JoinExpr>(node);
  ++facts().joins;
  push(join.larg, scope);
  push(join.rarg, scope);
  add_column_names(join.usingClause, Clause::join);
  push_condition(join.quals, scope, Clause::join);
}

// SET a = 1, (b, c) = (...): names, and what they are set to.
void Extractor::push_set_list(const void* list, const Scope& scope) {
  for (const void* target : elements_of(list)) {
    const auto& column = *as<ResTarget>(target);
    draft_.columns.push_back({{}, keep(column.name), scope.clause});
    push(column.indirection, scope);
    note_value(column.val);
    push(column.val, scope);
  }
  if (scope.clause == Clause::set) facts().signs |= value_signs(list);
}

void Extractor::visit_insert(const void* node, Scope scope) {
  const auto& insert = *as<InsertStmt>(node);
  note_command(command_of(node), scope);
  scope = read_of(scope);
  facts().writes |= !scope.inert;
  push_with(insert.withClause, scope);
  push(insert.relation, target_of(scope, Access::insert));
  push_set_list(insert.cols, clause_of(scope, Clause::insert));
  Scope source = clause_of(scope, Clause::insert);
  --source.selects;
  push(insert.selectStmt, source);
  if (const auto* conflict = insert.onConflictClause) {
    push(conflict->infer, scope, Clause::where);
    if (conflict->action == ONCONFLICT_UPDATE) {
      push(insert.relation, target_of(scope, Access::update));
      push_set_list(conflict->targetList, clause_of(scope, Clause::set));
      push_condition(conflict->whereClause, scope, Clause::where);
    }
  }
  if (insert.returningList) facts().returning = true;
  push(insert.returningList, scope, Clause::returning);
}

void Extractor::visit_update(const void* node, Scope scope) {
  const auto& update = *as<UpdateStmt>(node);
  note_command(command_of(node), scope);
  scope = read_of(scope);
  facts().writes |= !scope.inert;
  push_with(update.withClause, scope);
  push(update.relation, target_of(scope, Access::update));
  push_set_list(update.targetList, clause_of(scope, Clause::set));
  push(update.fromClause, scope, Clause::other);
  facts().where.present &= update.whereClause != nullptr;
  const bool all = push_condition(update.whereClause, scope, Clause::where);
  facts().where.constant_true |= all && update.whereClause;
  if (update.returningList) facts().returning = true;
  push(update.returningList, scope, Clause::returning);
  // The view pg_settings has a rule that calls set_config for whoever updates it.
  if (keep(update.relation->relname) == "pg_settings") {
    add_setting({.constant = false, .nested = scope.nested});
  }
}

void Extractor::visit_delete(const void* node, Scope scope) {
  const auto& remove = *as<DeleteStmt>(node);
  note_command(command_of(node), scope);
  scope = read_of(scope);
  facts().writes |= !scope.inert;
  push_with(remove.withClause, scope);
  push(remove.relation, target_of(scope, Access::delete_));
  push(remove.usingClause, scope, Clause::other);
  facts().where.present &= remove.whereClause != nullptr;
  const bool all = push_condition(remove.whereClause, scope, Clause::where);
  facts().where.constant_true |= all && remove.whereClause;
  if (remove.returningList) facts().returning = true;
  push(remove.returningList, scope, Clause::returning);
}

void Extractor::visit_merge(const void* node, Scope scope) {
  const auto& merge = *as<MergeStmt>(node);
  note_command(command_of(node), scope);
  scope = read_of(scope);
  facts().writes |= !scope.inert;
  push_with(merge.withClause, scope);
  bool done[3] = {};
  for (const void* when : elements_of(merge.mergeWhenClauses)) {
    const CmdType type = as<MergeWhenClause>(when)->commandType;
    done[0] |= type == CMD_INSERT, done[1] |= type == CMD_UPDATE, done[2] |= type == CMD_DELETE;
  }
  if (!done[0] && !done[1] && !done[2]) push(merge.relation, target_of(scope, Access::update));
  if (done[0]) push(merge.relation, target_of(scope, Access::insert));
  if (done[1]) push(merge.relation, target_of(scope, Access::update));
  if (done[2]) push(merge.relation, target_of(scope, Access::delete_));
  push(merge.sourceRelation, scope, Clause::other);
  push_condition(merge.joinCondition, scope, Clause::join);
  for (const void* when : elements_of(merge.mergeWhenClauses)) visit_when(when, scope);
}

void Extractor::visit_when(const void* node, const Scope& scope) {
  const auto& when = *as<MergeWhenClause>(node);
  push_condition(when.condition, scope, Clause::where);
  push_set_list(when.targetList,
                clause_of(scope, when.commandType == CMD_INSERT ? Clause::insert : Clause::set));
  push(when.values, scope, Clause::insert);
}

}  // namespace pgmoat::sql
