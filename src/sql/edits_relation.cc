// replace_relation: another relation under the old name. It gets the old one's name as an alias, so
// that columns that are qualified by it keep working; a column that is qualified by the schema would
// not, and there the edit is refused.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sql/edits.h"
#include "sql/postgres.h"
#include "sql/written.h"

namespace pgmoat::sql {
namespace {

std::string_view string_of(const void* node) {
  return node && tag_of(node) == T_String ? static_cast<const String*>(node)->sval
                                          : std::string_view();
}

class Replacement {
 public:
  explicit Replacement(Statement& statement) : statement_(statement) {}

  Changes run(const ReplaceRelation& edit) {
    auto from = relation_name(edit.from), to = relation_name(edit.to);
    if (!from) return from.error();
    if (!to) return to.error();
    from_ = std::move(*from);
    to_ = std::move(*to);
    std::string why = unseen(
        statement_,
        [this](std::string_view schema, std::string_view name) { return matches(schema, name); },
        "replaced");
    for (const Reference& reference : references_of(statement_)) {
      const RangeVar& relation = *reference.relation;
      const std::string_view schema = relation.schemaname ? relation.schemaname : "";
      if (why.empty() && matches(schema, relation.relname)) why = take(reference);
    }
    if (why.empty() && !changes_.empty()) why = check_columns();
    if (!why.empty()) return why;
    std::sort(changes_.begin(), changes_.end(),
              [](const Change& a, const Change& b) { return a.at < b.at; });
    return std::move(changes_);
  }

 private:
  bool matches(std::string_view schema, std::string_view name) const {
    return name == from_.name && (schema.empty() || schema == from_.schema);
  }
  std::string take(const Reference& reference);
  std::string check_columns();

  Statement& statement_;
  RelationName from_, to_;
  std::vector<Change> changes_;
};

std::string Replacement::take(const Reference& reference) {
  RangeVar& relation = *reference.relation;
  const unsigned tag = tag_of(statement_.node());
  const bool bare = reference.role == Role::copy || tag == T_TruncateStmt || tag == T_LockStmt;
  if (!bare && (reference.role == Role::define || reference.role == Role::create)) {
    return said(relation) + " cannot be replaced in a statement of this kind.";
  }
  const Extent extent = extent_of(statement_, relation);
  if (extent.first == kNowhere) return said(relation) + " is not found in the text.";

  const std::size_t name = statement_.token_at(relation.location);
  std::size_t last = name;
  while (statement_.is(last + 1, ".")) last += 2;
  const std::uint32_t begin = statement_.begin(name);
  changes_.push_back({begin, statement_.end(last) - begin, written_relation(to_)});
  if (!bare && !relation.alias && to_.name != from_.name) {
    changes_.push_back({statement_.end(extent.last), 0, " AS " + written_name(from_.name)});
    if (last == extent.last) {  // in one place
      changes_[changes_.size() - 2].text += changes_.back().text;
      changes_.pop_back();
    }
    if (extent.table_command) {  // TABLE takes no alias
      const std::size_t table = extent.first - 1;
      changes_.push_back({statement_.begin(table), statement_.end(table) - statement_.begin(table),
                          "SELECT * FROM"});
    }
    auto* alias = static_cast<Alias*>(statement_.room(sizeof(Alias)));
    alias->type = T_Alias;
    alias->aliasname = statement_.keep(from_.name);
    relation.alias = alias;
  }
  relation.catalogname = nullptr;
  relation.schemaname = to_.schema.empty() ? nullptr : statement_.keep(to_.schema);
  relation.relname = statement_.keep(to_.name);
  return "";
}

std::string Replacement::check_columns() {
  std::string why;
  std::vector<Pending> pending;
  walk(statement_.node(), {}, pending, [&](const void* node, std::uint32_t) {
    if (tag_of(node) != T_ColumnRef) return;
    const Elements names = elements_of(static_cast<const ColumnRef*>(node)->fields);
    if (names.size() > 2 && string_of(names.first[names.size() - 2]) == from_.name) {
      why = "Columns of a replaced " + from_.name + " cannot be qualified by its schema.";
    }
  });
  return why;
}

}  // namespace

Changes plan(Statement& statement, const ReplaceRelation& edit) {
  return Replacement(statement).run(edit);
}

}  // namespace pgmoat::sql
