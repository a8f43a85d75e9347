// Every place where a statement names a relation, and what the statement does there. One walk with a
// stack of its own; scopes of CTE names are a chain, as PostgreSQL looks them up: WITH RECURSIVE shows
// all names to all of its queries, WITH shows each name to what follows it.
#include <algorithm>
#include <deque>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "sql/edits.h"
#include "sql/postgres.h"

namespace pgmoat::sql {
namespace {

struct Scope {
  std::string_view name;
  const Scope* outer;
};

// What is above a node, as far as a relation below it depends on it.
struct Above {
  const Scope* scope = nullptr;
  Role role = Role::define;
  void* owner = nullptr;
  const List* locks = nullptr;  // of the owner
  bool all_locked = false;      // by an outer level: it reaches into sub-selects
  bool sampled = false, plain = false, definition = false;
};

struct Visit {
  void** slot;
  Above above;
};

bool locks(const List* clauses, std::string_view alias) {
  for (const void* element : elements_of(clauses)) {
    const auto* clause = static_cast<const LockingClause*>(element);
    if (!clause->lockedRels) return true;
    for (const void* locked : elements_of(clause->lockedRels)) {
      if (alias == static_cast<const RangeVar*>(locked)->relname) return true;
    }
  }
  return false;
}

template <class T>
void** slot_of(T*& field) {
  return reinterpret_cast<void**>(&field);
}

class Walk {
 public:
  std::vector<Reference> run(void** root) {
    Above above;
    above.definition = !is_query(tag_of(*root));
    push(root, above);
    while (!todo_.empty()) {
      const Visit visit = todo_.back();
      todo_.pop_back();
      take(visit);
    }
    return std::move(found_);
  }

 private:
  void take(const Visit& visit);
  void take_relation(const Visit& visit);
  void take_join(JoinExpr* join, const Above& above);
  void take_select(SelectStmt* select, const Above& above);
  void take_write(void* node, unsigned tag, Above above);
  void take_statement(void* node, unsigned tag, const Above& above);

  template <class T>
  void push(T*& field, const Above& above) {
    if (field) todo_.push_back({slot_of(field), above});
  }
  void push(void** slot, const Above& above) {
    if (*slot) todo_.push_back({slot, above});
  }
  void push_list(List* list, const Above& above) {
    if (!list || tag_of(list) != T_List) return;
    for (int i = 0; i < list->length; ++i) push(&list->elements[i].ptr_value, above);
  }
  // All fields but these.
  void push_fields(void* node, const Above& above, std::initializer_list<std::size_t> except = {}) {
    for (const std::uint16_t offset : type_of(node).children) {
      bool left_out = false;
      for (const std::size_t other : except) left_out |= other == offset;
      if (!left_out) push(reinterpret_cast<void**>(static_cast<std::byte*>(node) + offset), above);
    }
  }
  // For what stands below a node and has nothing to do with its FROM.
  static Above apart(const Above& above) {
    Above out;
    out.scope = above.scope;
    out.definition = above.definition;
    return out;
  }
  static Above from(const Above& above, void* owner) {
    Above out = apart(above);
    out.role = Role::read;
    out.owner = owner;
    out.plain = true;
    return out;
  }
  const Scope* open(WithClause* with, const Above& above);

  std::deque<Scope> scopes_;
  std::vector<Visit> todo_;
  std::vector<Reference> found_;
};

void Walk::take(const Visit& visit) {
  void* node = *visit.slot;
  const unsigned tag = tag_of(node);
  switch (tag) {
    case T_List: return push_list(static_cast<List*>(node), visit.above);
    case T_RangeVar: return take_relation(visit);
    case T_JoinExpr: return take_join(static_cast<JoinExpr*>(node), visit.above);
    case T_RangeTableSample: {
      Above inside = visit.above;
      inside.sampled = true;
      push(static_cast<RangeTableSample*>(node)->relation, inside);
      return push_fields(node, apart(visit.above), {offsetof(RangeTableSample, relation)});
    }
    case T_RangeSubselect: {
      auto* select = static_cast<RangeSubselect*>(node);
      Above inside = apart(visit.above);
      inside.all_locked = visit.above.all_locked ||
                          (select->alias ? locks(visit.above.locks, select->alias->aliasname)
                                         : visit.above.locks != nullptr);
      return push(select->subquery, inside);
    }
    case T_LockingClause: return;  // names aliases
    case T_MultiAssignRef:         // (a, b) = (SELECT ...): all columns share one source
      if (static_cast<MultiAssignRef*>(node)->colno > 1) return;
      return push_fields(node, apart(visit.above));
    case T_IntoClause: {
      Above inside = apart(visit.above);
      inside.role = Role::create;
      return push(static_cast<IntoClause*>(node)->rel, inside);
    }
    case T_SelectStmt: return take_select(static_cast<SelectStmt*>(node), visit.above);
    default: return take_statement(node, tag, visit.above);
  }
}

void Walk::take_relation(const Visit& visit) {
  const Above& above = visit.above;
  auto* relation = static_cast<RangeVar*>(*visit.slot);
  const std::string_view name = relation->relname;
  if (above.role == Role::read && !relation->schemaname) {
    for (const Scope* scope = above.scope; scope; scope = scope->outer) {
      if (scope->name == name) return;
    }
  }
  const std::string_view alias = relation->alias ? relation->alias->aliasname : name;
  const bool locked = above.all_locked || locks(above.locks, alias);
  found_.push_back({relation, visit.slot, above.definition ? Role::define : above.role, above.owner,
                    locked, above.sampled, above.plain && !above.all_locked});
}

void Walk::take_join(JoinExpr* join, const Above& above) {
  Above inside = above;
  inside.plain = above.plain && join->jointype == JOIN_INNER && !join->alias;
  push(join->larg, inside);
  push(join->rarg, inside);
  push(join->quals, apart(above));
}

const Scope* Walk::open(WithClause* with, const Above& above) {
  const Scope* scope = above.scope;
  if (!with) return scope;
  const Elements queries = elements_of(with->ctes);
  const auto name = [&](const void* query) {
    scope =
        &scopes_.emplace_back(Scope{static_cast<const CommonTableExpr*>(query)->ctename, scope});
  };
  Above inside = apart(above);
  if (with->recursive) {
    for (const void* query : queries) name(query);
  }
  for (int i = 0; i < static_cast<int>(queries.size()); ++i) {
    auto* query = static_cast<CommonTableExpr*>(with->ctes->elements[i].ptr_value);
    inside.scope = scope;
    push(query->ctequery, inside);
    if (!with->recursive) name(query);
  }
  return scope;
}

void Walk::take_select(SelectStmt* select, const Above& above) {
  Above inside = apart(above);
  inside.scope = open(select->withClause, above);
  Above source = from(inside, select);
  source.locks = select->lockingClause;
  source.all_locked = above.all_locked;
  push(select->fromClause, source);
  Above arm = inside;
  arm.all_locked = above.all_locked;
  push(select->larg, arm);
  push(select->rarg, arm);
  push_fields(select, inside,
              {offsetof(SelectStmt, withClause), offsetof(SelectStmt, fromClause),
               offsetof(SelectStmt, larg), offsetof(SelectStmt, rarg)});
}

// INSERT, UPDATE, DELETE, MERGE: a target, which no CTE hides, and sources.
void Walk::take_write(void* node, unsigned tag, Above above) {
  Above inside = apart(above);
  Above target = inside;
  target.owner = node;
  const auto both = [&](auto* write, Role role) {
    target.role = role;
    inside.scope = open(write->withClause, above);
    push(write->relation, target);
  };
  if (tag == T_InsertStmt) {
    both(static_cast<InsertStmt*>(node), Role::insert);
    push_fields(node, inside, {offsetof(InsertStmt, relation), offsetof(InsertStmt, withClause)});
  } else if (tag == T_UpdateStmt) {
    auto* update = static_cast<UpdateStmt*>(node);
    both(update, Role::update);
    push(update->fromClause, from(inside, node));
    push_fields(node, inside,
                {offsetof(UpdateStmt, relation), offsetof(UpdateStmt, withClause),
                 offsetof(UpdateStmt, fromClause)});
  } else if (tag == T_DeleteStmt) {
    auto* remove = static_cast<DeleteStmt*>(node);
    both(remove, Role::remove);
    push(remove->usingClause, from(inside, node));
    push_fields(node, inside,
                {offsetof(DeleteStmt, relation), offsetof(DeleteStmt, withClause),
                 offsetof(DeleteStmt, usingClause)});
  } else {
    auto* merge = static_cast<MergeStmt*>(node);
    both(merge, Role::merge);
    push(merge->sourceRelation, from(inside, node));
    push_fields(node, inside,
                {offsetof(MergeStmt, relation), offsetof(MergeStmt, withClause),
                 offsetof(MergeStmt, sourceRelation)});
  }
}

void Walk::take_statement(void* node, unsigned tag, const Above& above) {
  switch (tag) {
    case T_InsertStmt:
    case T_UpdateStmt:
    case T_DeleteStmt:
    case T_MergeStmt: return take_write(node, tag, above);
    case T_CreateTableAsStmt: {
      Above inside = apart(above);
      // A materialized view is refreshed by others.
      inside.definition |= static_cast<CreateTableAsStmt*>(node)->objtype != OBJECT_TABLE;
      return push_fields(node, inside);
    }
    case T_CopyStmt: {
      Above target = apart(above);
      target.role = Role::copy;
      target.owner = node;
      push(static_cast<CopyStmt*>(node)->relation, target);
      return push_fields(node, apart(above), {offsetof(CopyStmt, relation)});
    }
    default: return push_fields(node, apart(above));
  }
}

}  // namespace

std::vector<Reference> references_of(Statement& statement) {
  std::vector<Reference> found = Walk().run(statement.root());
  std::sort(found.begin(), found.end(), [](const Reference& a, const Reference& b) {
    return a.relation->location < b.relation->location;
  });
  return found;
}

Extent extent_of(const Statement& statement, const RangeVar& relation) {
  Extent out;
  const std::size_t name = statement.token_at(relation.location);
  if (name == kNowhere) return out;
  out.first = out.last = name;
  while (statement.is(out.last + 1, ".")) out.last += 2;
  if (name >= 2 && statement.is(name - 1, "(") && statement.is(name - 2, "only")) {
    out.first = name - 2;
    ++out.last;  // the parenthesis
  } else if (name >= 1 && statement.is(name - 1, "only")) {
    out.first = name - 1;
  } else if (statement.is(out.last + 1, "*")) {
    ++out.last;
  }
  out.table_command = out.first > 0 && statement.is(out.first - 1, "table");
  if (out.last >= statement.size()) out.first = kNowhere;
  return out;
}

bool is_query(unsigned tag) {
  switch (tag) {
    case T_SelectStmt:
    case T_InsertStmt:
    case T_UpdateStmt:
    case T_DeleteStmt:
    case T_MergeStmt:
    case T_ExplainStmt:
    case T_DeclareCursorStmt:
    case T_PrepareStmt:
    case T_CreateTableAsStmt:
    case T_CopyStmt: return true;
    default: return false;
  }
}

std::string said(const RangeVar& relation) {
  const std::string name = relation.relname;
  return relation.schemaname ? relation.schemaname + ("." + name) : name;
}

}  // namespace pgmoat::sql
