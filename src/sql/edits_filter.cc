// add_filter: whoever reads the relation sees only rows with that value. A read is wrapped into a
// sub-select where it stands, for a condition at the end would turn outer joins into inner ones; the
// target of an UPDATE or DELETE, which cannot be wrapped, gets an arm of WHERE, and so does a read
// that FOR UPDATE locks, since a lock inside a sub-select would lock more rows than are found.
//
// The column is qualified and the operator named: unqualified, a column that the relation does not
// have could be one of an outer query, and "=" is whatever comes first in the search path.
#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sql/edits.h"
#include "sql/postgres.h"
#include "sql/written.h"

namespace pgmoat::sql {
namespace {

// What a wrapped relation no longer has.
constexpr std::string_view kSystemColumns[] = {"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"};

std::string_view string_of(const void* node) {
  return node && tag_of(node) == T_String ? static_cast<const String*>(node)->sval
                                          : std::string_view();
}

std::string_view alias_of(const RangeVar& relation) {
  return relation.alias ? relation.alias->aliasname : relation.relname;
}

// The clause of an owner that conditions go to, in tokens.
struct Condition {
  std::size_t where = kNowhere;  // WHERE
  std::size_t last = kNowhere;   // of what WHERE comes behind, or of the condition
};

constexpr std::string_view kEnds[] = {"returning", "group", "having", "window",
                                      "union",     "order", "limit",  "intersect",
                                      "offset",    "fetch", "for",    "except"};

Condition condition_after(const Statement& statement, std::size_t token) {
  Condition out;
  int depth = 0;
  std::size_t i = token;
  for (; i < statement.size(); ++i) {
    if (statement.is(i, "(") || statement.is(i, "[")) ++depth;
    if ((statement.is(i, ")") || statement.is(i, "]")) && depth-- == 0) break;
    if (depth > 0 || statement.is(i - 1, ".")) continue;
    if (statement.is(i, "where")) out.where = i;
    if (statement.is(i, ";")) break;
    if (std::any_of(std::begin(kEnds), std::end(kEnds),
                    [&](std::string_view end) { return statement.is(i, end); })) {
      break;
    }
  }
  out.last = i - 1;
  return out;
}

// The FROM that a relation stands in.
std::size_t from_before(const Statement& statement, std::size_t token) {
  int depth = 0;
  for (std::size_t i = token; i-- > 1;) {
    if (statement.is(i, ")")) ++depth;
    if (statement.is(i, "(") && depth > 0) --depth;
    if (depth == 0 && statement.is(i, "from") && !statement.is(i - 1, "distinct")) return i;
  }
  return kNowhere;
}

class Filter {
 public:
  Filter(Statement& statement, const AddFilter& edit) : statement_(statement), edit_(edit) {}
  Changes run();

 private:
  struct Arms {
    std::size_t token;  // behind which WHERE is looked for
    Node** where;
    std::string text;  // " AND ..." for each
    std::vector<Node*> nodes;
  };

  std::string read_edit();
  bool matches(std::string_view schema, std::string_view name) const;
  std::string take(const Reference& reference);
  std::string wrap(const Reference& reference);
  std::string add_arm(const Reference& reference);
  std::string keep_column(const UpdateStmt& update);
  std::string check_columns();
  std::string finish(Arms& arms);
  std::string condition(std::string_view alias) const;
  bool is_condition(const Node* node, std::string_view alias) const;

  Statement& statement_;
  const AddFilter& edit_;
  std::vector<RelationName> relations_;
  std::string value_;
  std::vector<Change> changes_;
  std::map<void*, Arms> arms_;
  std::vector<const RangeVar*> wrapped_;
};

std::string Filter::read_edit() {
  for (const std::string& text : edit_.relations) {
    auto relation = relation_name(text);
    if (!relation) return relation.error();
    relations_.push_back(std::move(*relation));
  }
  if (edit_.column.empty()) return "add_filter has no column.";
  auto value = written_value(edit_.equals);
  if (!value) return value.error();
  value_ = std::move(value->text);
  return "";
}

bool Filter::matches(std::string_view schema, std::string_view name) const {
  return std::any_of(relations_.begin(), relations_.end(), [&](const RelationName& relation) {
    return relation.name == name &&
           (relation.schema.empty() || schema.empty() || relation.schema == schema);
  });
}

Changes Filter::run() {
  std::string why = read_edit();
  if (!why.empty()) return why;
  why = unseen(
      statement_,
      [this](std::string_view schema, std::string_view name) { return matches(schema, name); },
      "filtered");
  if (!why.empty()) return why;
  std::uint32_t taken = 0;
  for (const Reference& reference : references_of(statement_)) {
    const char* schema = reference.relation->schemaname;
    if (!matches(schema ? schema : "", reference.relation->relname)) continue;
    if (++taken > statement_.limits().filtered) {
      return "More than " + std::to_string(statement_.limits().filtered) +
             " relations would have to be filtered.";
    }
    why = take(reference);
    if (!why.empty()) return why;
  }
  why = check_columns();
  for (auto& [owner, arms] : arms_) {
    if (why.empty()) why = finish(arms);
  }
  if (!why.empty()) return why;
  // Where a wrap ends and an arm begins in one place, the wrap was first.
  std::stable_sort(changes_.begin(), changes_.end(),
                   [](const Change& a, const Change& b) { return a.at < b.at; });
  return std::move(changes_);
}

std::string Filter::take(const Reference& reference) {
  const std::string name = said(*reference.relation);
  switch (reference.role) {
    case Role::read:
      if (reference.sampled) return "TABLESAMPLE of " + name + " cannot be filtered.";
      if (!reference.locked) return wrap(reference);
      if (reference.plain && tag_of(reference.owner) == T_SelectStmt) return add_arm(reference);
      return name + " cannot be filtered where its rows are locked through a join or sub-select.";
    case Role::update: {
      const std::string why = keep_column(*static_cast<const UpdateStmt*>(reference.owner));
      return why.empty() ? add_arm(reference) : why;
    }
    case Role::remove: return add_arm(reference);
    case Role::insert: return "INSERT into " + name + " cannot be filtered.";
    case Role::merge: return "MERGE into " + name + " cannot be filtered.";
    case Role::copy: return "COPY of " + name + " cannot be filtered.";
    case Role::create: return "A new relation " + name + " cannot be filtered.";
    case Role::define: break;
  }
  return name + " cannot be filtered in a statement of this kind.";
}

std::string Filter::condition(std::string_view alias) const {
  const std::string column = written_name(alias) + "." + written_name(edit_.column);
  return edit_.equals.type == Value::Type::null ? column + " IS NULL"
                                                : column + " OPERATOR(pg_catalog.=) " + value_;
}

// That what was written is what was meant, whatever is in the names and the value.
bool Filter::is_condition(const Node* node, std::string_view alias) const {
  const Node* left = nullptr;
  if (node && tag_of(node) == T_NullTest && edit_.equals.type == Value::Type::null) {
    left = reinterpret_cast<const Node*>(reinterpret_cast<const NullTest*>(node)->arg);
  } else if (node && tag_of(node) == T_A_Expr) {
    const auto* comparison = reinterpret_cast<const A_Expr*>(node);
    left = comparison->lexpr;
    if (edit_.equals.type == Value::Type::text) {
      if (tag_of(comparison->rexpr) != T_A_Const) return false;
      const auto* constant = reinterpret_cast<const A_Const*>(comparison->rexpr);
      if (constant->isnull || edit_.equals.text != string_of(&constant->val)) return false;
    }
  }
  if (!left || tag_of(left) != T_ColumnRef) return false;
  const Elements names = elements_of(reinterpret_cast<const ColumnRef*>(left)->fields);
  return names.size() == 2 && string_of(names.first[0]) == alias &&
         string_of(names.first[1]) == edit_.column;
}

std::string Filter::wrap(const Reference& reference) {
  RangeVar& relation = *reference.relation;
  const Extent extent = extent_of(statement_, relation);
  if (extent.first == kNowhere) return said(relation) + " is not found in the text.";
  const std::string name = written_name(relation.relname), where = condition(relation.relname);

  // The new node, from what is written and from that only.
  auto* select = static_cast<SelectStmt*>(statement_.fragment(
      "SELECT * FROM (SELECT * FROM " + std::string(statement_.cut(extent.first, extent.last)) +
      " WHERE " + where + ") " + name));
  const Elements sources = elements_of(select ? select->fromClause : nullptr);
  if (sources.size() != 1 || tag_of(sources.first[0]) != T_RangeSubselect) {
    return said(relation) + " cannot be wrapped.";
  }
  auto* wrapped = const_cast<RangeSubselect*>(static_cast<const RangeSubselect*>(sources.first[0]));
  const auto* inner = reinterpret_cast<const SelectStmt*>(wrapped->subquery);
  const Elements read = elements_of(inner->fromClause);
  RangeVar bare = relation;
  bare.alias = nullptr;
  if (read.size() != 1 || !equal_trees(read.first[0], &bare) ||
      !is_condition(inner->whereClause, relation.relname)) {
    return said(relation) + " cannot be wrapped.";
  }
  if (relation.alias) wrapped->alias = relation.alias;
  *reference.slot = wrapped;
  wrapped_.push_back(&relation);

  if (extent.table_command) {
    const std::size_t table = extent.first - 1;
    changes_.push_back({statement_.begin(table), statement_.end(table) - statement_.begin(table),
                        "SELECT * FROM"});
  }
  changes_.push_back({statement_.begin(extent.first), 0, "(SELECT * FROM "});
  changes_.push_back(
      {statement_.end(extent.last), 0, " WHERE " + where + (relation.alias ? ")" : ") " + name)});
  return "";
}

std::string Filter::add_arm(const Reference& reference) {
  const RangeVar& relation = *reference.relation;
  if (relation.alias && relation.alias->colnames) {
    return "Columns of a locked " + said(relation) + " cannot be renamed where it is filtered.";
  }
  const Extent extent = extent_of(statement_, relation);
  if (extent.first == kNowhere) return said(relation) + " is not found in the text.";
  std::size_t start = extent.last + 1;
  Node** where = nullptr;
  switch (tag_of(reference.owner)) {
    case T_UpdateStmt: where = &static_cast<UpdateStmt*>(reference.owner)->whereClause; break;
    case T_DeleteStmt: where = &static_cast<DeleteStmt*>(reference.owner)->whereClause; break;
    default:
      where = &static_cast<SelectStmt*>(reference.owner)->whereClause;
      start = from_before(statement_, extent.first);
      if (start == kNowhere || extent.table_command) {
        return "Locked rows of " + said(relation) + " cannot be filtered.";
      }
      ++start;
  }
  const std::string text = condition(alias_of(relation));
  auto* select = static_cast<SelectStmt*>(statement_.fragment("SELECT WHERE " + text));
  if (!select || !is_condition(select->whereClause, alias_of(relation))) {
    return said(relation) + " cannot be filtered.";
  }
  Arms& arms = arms_.try_emplace(reference.owner, Arms{start, where, "", {}}).first->second;
  arms.text += " AND " + text;
  arms.nodes.push_back(select->whereClause);
  return "";
}

std::string Filter::finish(Arms& arms) {
  if (*arms.where && tag_of(*arms.where) == T_CurrentOfExpr) {
    return "WHERE CURRENT OF cannot be filtered.";
  }
  const Condition place = condition_after(statement_, arms.token);
  if ((place.where == kNowhere) != (*arms.where == nullptr)) {
    return "The place of WHERE is not found.";
  }
  if (*arms.where) {
    changes_.push_back({statement_.end(place.where), 0, " ("});
    changes_.push_back({statement_.end(place.last), 0, ")" + arms.text});
  } else {
    changes_.push_back({statement_.end(place.last), 0, " WHERE" + arms.text.substr(4)});
  }
  const bool is_and = *arms.where && tag_of(*arms.where) == T_BoolExpr &&
                      reinterpret_cast<BoolExpr*>(*arms.where)->boolop == AND_EXPR;
  std::vector<Node*> all;
  if (is_and) {
    for (const void* arm : elements_of(reinterpret_cast<BoolExpr*>(*arms.where)->args)) {
      all.push_back(static_cast<Node*>(const_cast<void*>(arm)));
    }
  } else if (*arms.where) {
    all.push_back(*arms.where);
  }
  all.insert(all.end(), arms.nodes.begin(), arms.nodes.end());
  if (all.size() == 1) {
    *arms.where = all[0];
    return "";
  }
  // As the grammar joins arms: an AND in front takes the next one in.
  std::string sample = "SELECT WHERE a";
  for (std::size_t i = 1; i < all.size(); ++i) sample += " AND a";
  auto* select = static_cast<SelectStmt*>(statement_.fragment(sample));
  List* list = reinterpret_cast<BoolExpr*>(select->whereClause)->args;
  for (std::size_t i = 0; i < all.size(); ++i) list->elements[i].ptr_value = all[i];
  *arms.where = select->whereClause;
  return "";
}

// An UPDATE that sets the column to anything else moves rows out of what it may touch.
std::string Filter::keep_column(const UpdateStmt& update) {
  for (const void* element : elements_of(update.targetList)) {
    const auto* target = static_cast<const ResTarget*>(element);
    if (edit_.column != target->name) continue;
    auto* same = static_cast<SelectStmt*>(statement_.fragment("SELECT " + value_));
    const Elements values = elements_of(same ? same->targetList : nullptr);
    if (!target->indirection && values.size() == 1 &&
        equal_trees(target->val, static_cast<const ResTarget*>(values.first[0])->val)) {
      continue;
    }
    return "UPDATE of " + said(*update.relation) + " sets " + edit_.column +
           ", by which it is filtered.";
  }
  return "";
}

// A wrapped relation has no system columns, and no schema: public.orders.id does not find it. In an
// inner query the name might find an outer one instead, so the server's error is not relied on.
std::string Filter::check_columns() {
  if (wrapped_.empty()) return "";
  std::string why;
  std::vector<Pending> pending;
  const bool all = walk(statement_.node(), {}, pending, [&](const void* node, std::uint32_t) {
    if (tag_of(node) != T_ColumnRef || !why.empty()) return;
    const Elements names = elements_of(static_cast<const ColumnRef*>(node)->fields);
    const std::string_view name = string_of(names.first[names.size() - 1]);
    const std::string_view qualifier =
        names.size() > 1 ? string_of(names.first[names.size() - 2]) : "";
    const bool system = std::find(std::begin(kSystemColumns), std::end(kSystemColumns), name) !=
                        std::end(kSystemColumns);
    for (const RangeVar* relation : wrapped_) {
      if (system && (qualifier.empty() || qualifier == alias_of(*relation))) {
        why = "A filtered " + said(*relation) + " has no " + std::string(name) + ".";
      } else if (names.size() > 2 && qualifier == relation->relname) {
        why = "Columns of a filtered " + said(*relation) + " cannot be qualified by its schema.";
      }
    }
  });
  return all ? why : "The statement is too large to be filtered.";
}

}  // namespace

Changes plan(Statement& statement, const AddFilter& edit) { return Filter(statement, edit).run(); }

}  // namespace pgmoat::sql
