// Rewriting by typed edits: each is located in the tree, spliced into the original text at source
// positions, and the result is parsed again and must be the tree that was meant. So comments, hints,
// casing, parameter numbers and lines survive, and an error position of the server's can be mapped
// back. Anything that cannot be done exactly is a reason, never a half-edited text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "sql/analysis.h"

namespace pgmoat::sql {

struct Value {  // a typed literal, placed by the engine
  enum class Type : std::uint8_t { text, integer, boolean, null };
  Type type = Type::text;
  std::string text;  // "7", "true"
};

// Every reference to one of `relations` is narrowed to rows with column = equals. A read becomes
// (SELECT * FROM t WHERE t.column OPERATOR(pg_catalog.=) '7') t; UPDATE, DELETE and locked reads get
// an arm of WHERE. What cannot be narrowed (INSERT, MERGE into it, COPY, DDL, a text that holds its
// name) is a reason; docs/policy/rewriting.md lists all of it.
struct AddFilter {
  std::vector<std::string> relations;  // "public.orders": also orders; "orders": in any schema
  std::string column;
  Value equals;
};
// Of the outermost SELECT; also in PREPARE, DECLARE, EXPLAIN and COPY (SELECT ...) TO.
struct CapLimit {
  std::int64_t rows = 0;
};
// Settings for the statement's transaction: not in the text, the session applies them before it.
struct SetLocal {
  std::vector<std::pair<std::string, std::string>> settings;
};
struct ForceReadOnly {};
// The old name stays as an alias. "public.orders" also replaces orders; "orders" only that.
struct ReplaceRelation {
  std::string from, to;
};
struct AddComment {
  std::vector<std::pair<std::string, std::string>> pairs;  // sqlcommenter: key='value'
};
struct ReplaceText {
  std::string sql;  // must be one statement of the same kind
};
using Edit = std::variant<AddFilter, CapLimit, SetLocal, ForceReadOnly, ReplaceRelation, AddComment,
                          ReplaceText>;

// One replacement in the original text: `removed` bytes at `at` became `inserted` bytes.
struct Patch {
  std::uint32_t at = 0, removed = 0, inserted = 0;
  bool operator==(const Patch&) const = default;
};

struct Rewritten {
  std::string sql;
  std::vector<Patch> patches;                                 // by position, ascending
  std::vector<std::pair<std::string, std::string>> settings;  // set before it, for the transaction
};

// The text must be one statement, readable and not converted. `applied` of an edit that finds
// nothing to do (no such relation, the limit is low enough) is no error: the text stays as it is.
// Error: one sentence.
Result<Rewritten, std::string> apply(std::string_view sql, const Dialect& dialect,
                                     const std::vector<Edit>& edits, const Limits& limits = {});

// A byte offset in the rewritten text -> the offset in the original that it stands for; inside an
// insertion, the place of the insertion.
std::uint32_t original_position(const std::vector<Patch>& patches, std::uint32_t position);

}  // namespace pgmoat::sql
