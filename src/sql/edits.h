// The edits, one by one. Each finds its places in the statement, turns the statement's tree into the
// one that it means, and answers with the changes of the text: sorted, none where there is nothing to
// do. Or with one sentence: then the statement is of no more use.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sql/edit.h"
#include "sql/splice.h"

struct RangeVar;
struct SelectStmt;

namespace pgmoat::sql {

using Changes = Result<std::vector<Change>, std::string>;

Changes plan(Statement& statement, const AddFilter& edit);        // edits_filter.cc
Changes plan(Statement& statement, const CapLimit& edit);         // edits_limit.cc
Changes plan(Statement& statement, const ReplaceRelation& edit);  // edits_relation.cc
Changes plan(Statement& statement, const AddComment& edit);       // edits_text.cc

// A whole new text has no tree to be compared with: it must be one statement of the same kind, with
// no parameter that the old one has not. "" where it is.
std::string difference(const Statement& before, const Statement& after);

// Why a relation is named. What is not read or written by the statement itself is `define`: a view's
// text, a table that is created or truncated, anything that a later PostgreSQL may add.
enum class Role { read, update, remove, insert, merge, copy, create, define };

struct Reference {
  RangeVar* relation;
  void** slot;  // where the tree points to it
  Role role;
  void* owner;   // the statement whose FROM or target it is
  bool locked;   // by FOR UPDATE and its kin
  bool sampled;  // TABLESAMPLE
  // A condition on it may as well stand in its owner's WHERE: no outer join and no alias of a join is
  // above it, and nothing outside of the owner locks it.
  bool plain;
};
// Of real relations: what a CTE's name hides is none. In the order of the text.
std::vector<Reference> references_of(Statement& statement);

// Statements that an edit may be made in.
bool is_query(unsigned tag);

// Why a relation may be reached by what is not in the statement's own tree. "" where none is.
// `edited` is how the edit says what it does: "filtered".
using Matcher = std::function<bool(std::string_view schema, std::string_view name)>;
std::string unseen(const Statement& statement, const Matcher& matches, std::string_view edited);

// The tokens of a reference, with ONLY and *.
struct Extent {
  std::size_t first = kNowhere, last = 0;
  bool table_command = false;  // behind TABLE, which is the token before
};
Extent extent_of(const Statement& statement, const RangeVar& relation);

// What psql would say of it: "orders", "public.orders".
std::string said(const RangeVar& relation);

}  // namespace pgmoat::sql
