// cap_limit: the outermost SELECT gives no more rows than this. A number is replaced, what is known
// only when it runs becomes least(it, n), which takes a NULL, no limit, for n; where there is no
// LIMIT one is added. FETCH FIRST ... WITH TIES may give more rows than its number: it becomes ONLY
// where its number is the cap or more, and is refused otherwise.
#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include "sql/edits.h"
#include "sql/postgres.h"

namespace pgmoat::sql {
namespace {

// What is a query and hands its rows to the client, now or later.
SelectStmt* outermost(void* node) {
  for (;;) {
    switch (tag_of(node)) {
      case T_SelectStmt: return static_cast<SelectStmt*>(node);
      case T_ExplainStmt: node = static_cast<ExplainStmt*>(node)->query; break;
      case T_DeclareCursorStmt: node = static_cast<DeclareCursorStmt*>(node)->query; break;
      case T_PrepareStmt: node = static_cast<PrepareStmt*>(node)->query; break;
      case T_CopyStmt: node = static_cast<CopyStmt*>(node)->query; break;
      default: return nullptr;
    }
    if (!node) return nullptr;
  }
}

// The first place in the text that anything of an expression tells.
int first_location(const void* expression) {
  int first = -1;
  std::vector<Pending> pending;
  walk(expression, {}, pending, [&](const void* node, std::uint32_t) {
    for (const Field& field : type_of(node).fields) {
      if (field.kind != FieldKind::location || field.size != sizeof(int)) continue;
      int location;
      std::memcpy(&location, static_cast<const std::byte*>(node) + field.offset, sizeof location);
      if (location >= 0 && (first < 0 || location < first)) first = location;
    }
  });
  return first;
}

class Cap {
 public:
  Cap(Statement& statement, SelectStmt& select, std::int64_t rows)
      : statement_(statement), select_(select), rows_(rows), number_(std::to_string(rows)) {}

  Changes run() {
    if (!select_.limitCount) return add();
    if (tag_of(select_.limitCount) != T_A_Const) return bound();
    const auto* constant = reinterpret_cast<const A_Const*>(select_.limitCount);
    if (constant->isnull) return replace();  // ALL, NULL
    const bool ties = has_ties();
    const int known = compare(*constant);
    if (known == kUnknown) return bound();
    if (known < 0 && ties) return std::string("FETCH FIRST ... WITH TIES cannot be capped.");
    if (known < 0 || (known == 0 && !ties)) return std::vector<Change>();
    return replace();
  }

 private:
  static constexpr int kUnknown = 2;
  int compare(const A_Const& constant) const;
  Changes add();
  Changes replace();
  Changes bound();
  std::size_t end_of_query() const;
  // libpg_query numbers them otherwise than PostgreSQL's header does.
  LimitOption option(const std::string& clause) {
    return static_cast<SelectStmt*>(statement_.fragment("SELECT ORDER BY 1 " + clause))
        ->limitOption;
  }
  bool has_ties() { return select_.limitOption == option("FETCH FIRST 1 ROW WITH TIES"); }
  Node* value(const std::string& text) {
    auto* select = static_cast<SelectStmt*>(statement_.fragment("SELECT LIMIT " + text));
    return select ? select->limitCount : nullptr;
  }

  Statement& statement_;
  SelectStmt& select_;
  std::int64_t rows_;
  std::string number_;
};

int Cap::compare(const A_Const& constant) const {
  if (tag_of(&constant.val) == T_Integer) {
    const std::int64_t value = constant.val.ival.ival;
    return value < rows_ ? -1 : value > rows_ ? 1 : 0;
  }
  if (tag_of(&constant.val) != T_Float) return kUnknown;
  const std::string_view digits = constant.val.fval.fval;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return kUnknown;
  return value < rows_ ? -1 : value > rows_ ? 1 : 0;
}

// The last token of the outermost SELECT.
std::size_t Cap::end_of_query() const {
  if (tag_of(statement_.node()) != T_CopyStmt) return statement_.last();
  std::size_t token = 0;
  int depth = 0;
  while (token < statement_.size()) {
    if (statement_.is(token, "(")) ++depth;
    if (statement_.is(token, ")") && --depth == 0) break;
    ++token;
  }
  return token - 1;
}

// At the end; in front of OFFSET where there is one, since FOR UPDATE may follow it.
Changes Cap::add() {
  const std::size_t last = end_of_query();
  Change change{statement_.end(last), 0, " LIMIT " + number_};
  if (select_.limitOffset) {
    std::size_t offset = statement_.token_at(first_location(select_.limitOffset));
    while (offset != kNowhere && offset > 0 && !statement_.is(offset, "offset")) --offset;
    if (offset == kNowhere || offset == 0) return std::string("The place of OFFSET is not found.");
    change = {statement_.begin(offset), 0, "LIMIT " + number_ + " "};
  }
  auto* sample = static_cast<SelectStmt*>(statement_.fragment("SELECT LIMIT " + number_));
  select_.limitCount = sample->limitCount;
  select_.limitOption = sample->limitOption;
  return std::vector<Change>{std::move(change)};
}

Changes Cap::replace() {
  const int location = reinterpret_cast<const A_Const*>(select_.limitCount)->location;
  std::vector<Change> changes;
  std::size_t first = statement_.token_at(location);
  if (location < 0) {  // FETCH FIRST ROW: no number means 1
    first = statement_.last();
    while (first > 0 && !statement_.is(first, "fetch")) --first;
    ++first;
    if (rows_ != 1) changes.push_back({statement_.end(first), 0, " " + number_});
  } else if (first != kNowhere) {
    const std::uint32_t begin = statement_.begin(first);
    changes.push_back({begin, statement_.end(first) - begin, number_});
  }
  if (first > statement_.last()) return std::string("The place of the limit is not found.");
  if (has_ties()) {
    std::size_t with = first;
    while (with < statement_.size() && !statement_.is(with, "with")) ++with;
    if (!statement_.is(with + 1, "ties"))
      return std::string("The place of WITH TIES is not found.");
    const std::uint32_t begin = statement_.begin(with);
    changes.push_back({begin, statement_.end(with + 1) - begin, "ONLY"});
    select_.limitOption = option("FETCH FIRST 1 ROW ONLY");
  }
  select_.limitCount = value(number_);
  return changes;
}

Changes Cap::bound() {
  if (has_ties()) {
    return std::string("FETCH FIRST ... WITH TIES cannot be capped.");
  }
  std::size_t first = statement_.token_at(first_location(select_.limitCount));
  if (first == kNowhere) return std::string("The place of the limit is not found.");
  while (first > 0 && !statement_.is(first - 1, "limit") && !statement_.is(first - 1, "first") &&
         !statement_.is(first - 1, "next")) {
    --first;
  }
  const bool fetch = !statement_.is(first - 1, "limit");
  std::size_t last = first;
  int depth = 0;
  for (; last < statement_.size(); ++last) {
    if (statement_.is(last, "(") || statement_.is(last, "[")) ++depth;
    if ((statement_.is(last, ")") || statement_.is(last, "]")) && depth-- == 0) break;
    if (depth > 0 || statement_.is(last - 1, ".")) continue;
    if (fetch && (statement_.is(last, "row") || statement_.is(last, "rows"))) break;
    if (statement_.is(last, "offset") || statement_.is(last, "for") || statement_.is(last, ";"))
      break;
  }
  Node* least = value("least(NULL, " + number_ + "::bigint)");
  if (first == 0 || last == first || !least) return std::string("The limit cannot be capped.");
  reinterpret_cast<MinMaxExpr*>(least)->args->elements[0].ptr_value = select_.limitCount;
  select_.limitCount = least;
  return std::vector<Change>{{statement_.begin(first), 0, "least("},
                             {statement_.end(last - 1), 0, ", " + number_ + "::bigint)"}};
}

}  // namespace

Changes plan(Statement& statement, const CapLimit& edit) {
  if (edit.rows < 0) return std::string("A limit is not negative.");
  SelectStmt* select = outermost(statement.node());
  if (!select) return std::vector<Change>();
  return Cap(statement, *select, edit.rows).run();
}

}  // namespace pgmoat::sql
