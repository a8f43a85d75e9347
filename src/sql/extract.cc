// The walk: which nodes add facts, and everything else passes its scope on.
#include "sql/extract.h"

#include <algorithm>
#include <charconv>

#include "sql/clauses.h"
#include "sql/name_lists.h"
#include "sql/postgres.h"

namespace pgmoat::sql {

void Extractor::begin(std::string_view text, bool conforming_strings) {
  text_ = text;
  conforming_strings_ = conforming_strings;
  nodes_left_ = limits_.nodes;
  inner_left_ = limits_.statements;
}

bool Extractor::statement(const void* raw_statement, DraftStatement& into) {
  const auto& raw = *as<RawStmt>(raw_statement);
  statement_ = &into;
  statement_text_ = into.facts.text;
  level_ = 0;
  limit_noted_ = spent_ = false;
  inner_.clear();
  ctes_.assign(1, {});
  const Command command = command_of(raw.stmt);
  facts().kind = command.kind;
  facts().command = command.name;
  return run(raw.stmt, {}) && read_inner();
}

void Extractor::shrink() {
  constexpr std::size_t kKept = 1024;
  if (frames_.capacity() > kKept) frames_ = {};
  if (ctes_.capacity() > kKept) ctes_ = {};
  if (inner_.capacity() > kKept) inner_ = {};
}

bool Extractor::run(const void* root, const Scope& scope) {
  frames_.clear();
  depth_ = 0;
  push(root, scope);
  while (!frames_.empty()) {
    // Word by word: a frame is mostly read right after it was written.
    const void* const node = frames_.back().node;
    const Scope here = frames_.back().scope;
    depth_ = static_cast<std::uint32_t>(frames_.back().depth);
    frames_.pop_back();
    if (nodes_left_ == 0 || depth_ > limits_.depth) {
      spent_ = true;
      return false;
    }
    --nodes_left_;
    const std::size_t first = frames_.size();
    visit(node, here);
    // Children were pushed in their order; the first is to be the next.
    if (frames_.size() - first > 1) std::reverse(frames_.begin() + first, frames_.end());
  }
  return true;
}

void Extractor::visit(const void* node, Scope scope) {
  switch (const unsigned tag = tag_of(node)) {
    case T_List:
      for (const void* element : elements_of(node)) push(element, scope);
      return;
    case T_String:
    case T_Integer:
    case T_Float:
    case T_Boolean:
    case T_BitString:
    case T_IntList:
    case T_OidList:
    case T_A_Star: return;
    case T_ColumnRef: return visit_column(node, scope);
    case T_A_Const: return visit_constant(node, scope);
    case T_A_Expr: return visit_operator(node, scope);
    case T_FuncCall: return visit_call(node, scope);
    case T_TypeCast: return visit_cast(node, scope);
    case T_A_Indirection: return visit_indirection(node, scope);
    case T_SubLink: return visit_sublink(node, scope);
    case T_RangeVar: return visit_relation(node, scope);
    case T_JoinExpr: return visit_join(node, scope);
    case T_SelectStmt: return visit_select(node, scope);
    case T_InsertStmt: return visit_insert(node, scope);
    case T_UpdateStmt: return visit_update(node, scope);
    case T_DeleteStmt: return visit_delete(node, scope);
    case T_MergeStmt: return visit_merge(node, scope);
    case T_ParamRef:
    case T_MultiAssignRef:
    case T_RangeTableSample:
    case T_SQLValueFunction:
    case T_XmlExpr:
    case T_XmlSerialize:
    case T_SortBy:
    case T_CaseWhen:
    case T_IndexElem:
    case T_PartitionElem:
    case T_CreateOpClassItem:
    case T_LockingClause:
    case T_Constraint:
    case T_TableLikeClause: return visit_special(node, scope);
    case T_RoleSpec: return visit_role(node);
    case T_DefElem: return visit_option(node, scope);
    case T_AccessPriv: return add_column_names(as<AccessPriv>(node)->cols, scope.clause);
    case T_AlterTableCmd: add_clause(table_clause(node)); return push_children(node, scope);
    case T_ObjectWithArgs: {
      add_definition(as<ObjectWithArgs>(node)->objname, scope);
      return push_children(node, scope);
    }
    default:
      if (kNodeTypes[tag].statement) return visit_command(node, scope);
      return push_children(node, scope);
  }
}

void Extractor::push_children(const void* node, const Scope& scope) {
  for (const std::uint16_t offset : type_of(node).children) push(child_at(node, offset), scope);
}

void Extractor::visit_relation(const void* node, const Scope& scope) {
  const auto& range = *as<RangeVar>(node);
  const std::string_view name = keep(range.relname);
  // A CTE hides a table for reading; what is written to is the table.
  if (!range.schemaname && scope.access == Access::read) {
    for (std::uint32_t at = scope.ctes; at != 0; at = ctes_[at].outer) {
      if (ctes_[at].name == name) return;
      if (nodes_left_ > 0) --nodes_left_;  // many tables times many CTEs
    }
  }
  Relation& relation = draft_.relations.emplace_back();
  relation.catalog = keep(range.catalogname);
  relation.schema = keep(range.schemaname);
  relation.name = name;
  if (range.alias) relation.alias = keep(range.alias->aliasname);
  relation.access = scope.access;
  relation.via = level_ == 0 ? scope.via : Via::nested;
  relation.nested = scope.nested;
  relation.position = position_of(range.location);
}

// Of a statement that is walked: what it is, unless it is the outermost. The facts have that already.
// The SET of ALTER ROLE and its kin, and RETURN, are statements to the grammar only.
void Extractor::note_command(const Command& command, const Scope& scope) {
  if (level_ == 0 && depth_ == 1) return;
  if (command.name.empty() || scope.setting != Setting::Scope::session) return;
  auto& commands = draft_.nested_commands;
  for (std::size_t i = statement_->begins.nested_commands; i < commands.size(); ++i) {
    if (commands[i].command != command.name || commands[i].kind != command.kind) continue;
    commands[i].later &= scope.later;
    return;
  }
  commands.push_back({command.name, command.kind, scope.later});
}

std::uint32_t Extractor::position_of(int location) const {
  return level_ == 0 && location > 0 ? static_cast<std::uint32_t>(location) : 0;
}

std::string_view Extractor::joined(const void* names, std::size_t count) {
  std::string_view whole;
  const Elements parts = elements_of(names);
  for (std::size_t i = 0; i < std::min(count, parts.size()); ++i) {
    const std::string_view part = string_of(parts.first[i]);
    whole = i == 0 ? draft_.arena.keep(part) : draft_.arena.join(whole, ".", part);
  }
  return whole;
}

std::string_view Extractor::integer_text(long value) {
  char* const room = draft_.arena.room(24);
  return {room, static_cast<std::size_t>(std::to_chars(room, room + 24, value).ptr - room)};
}

}  // namespace pgmoat::sql
