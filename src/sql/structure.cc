// The tree is written into the hash node by node: its tag, the place it has in its parent, and those
// of its fields that are not zero. The order of the walk is fixed, so this tells trees apart.
#define XXH_INLINE_ALL
#include "sql/structure.h"

#include <xxhash.h>

#include <algorithm>
#include <string_view>

#include "sql/constants.h"
#include "sql/name_lists.h"
#include "sql/postgres.h"
#include "sql/tree.h"

namespace pgmoat::sql {
namespace {

// What is mixed in the place of data.
enum Class : std::uint64_t {
  kNumber = 0x101,
  kString = 0x102,
  kBits = 0x103,
  kNull = 0x104,
  kParameter = 0x105,
  kConstantList = 0x106,
  kConstantRows = 0x107,
  kLimitLiteral = 0x108,
};

bool is_data(const void* node) {
  while (is(node, T_TypeCast)) node = as<TypeCast>(node)->arg;
  return is(node, T_A_Const) || is(node, T_ParamRef) || is(node, T_SetToDefault);
}

bool all_data(const Elements& list) {
  return std::all_of(list.begin(), list.end(),
                     [](const void* element) { return is_data(element); });
}

// A text that has nothing to do with what the statement may do, and that clients make up anew.
bool is_made_up(unsigned tag, std::uint16_t offset) {
  switch (tag) {
    case T_TransactionStmt:
      return offset == offsetof(TransactionStmt, savepoint_name) ||
             offset == offsetof(TransactionStmt, gid);
    case T_DeclareCursorStmt: return offset == offsetof(DeclareCursorStmt, portalname);
    case T_FetchStmt:
      return offset == offsetof(FetchStmt, portalname) || offset == offsetof(FetchStmt, howMany);
    case T_ClosePortalStmt: return offset == offsetof(ClosePortalStmt, portalname);
    case T_NotifyStmt: return offset == offsetof(NotifyStmt, payload);
    case T_A_Const: return offset == offsetof(A_Const, val);
    default: return false;
  }
}

// Functions whose constant arguments say what they do: sleeping, files, other servers, SQL, settings.
bool is_guarded(std::string_view name) {
  static constexpr std::string_view kPrefixes[] = {
      "pg_sleep",        "pg_read_",      "pg_ls_",      "pg_stat_file",    "pg_file_",
      "lo_import",       "lo_export",     "dblink",      "query_to_",       "table_to_",
      "schema_to_",      "cursor_to_",    "ts_stat",     "ts_rewrite",      "crosstab",
      "connectby",       "xpath_table",   "pg_logical_", "pg_create_",      "pg_drop_",
      "pg_replication_", "pg_background", "schedule",    "generate_series", "pg_advisory",
      "pg_terminate",    "pg_cancel",     "pg_notify",   "current_setting"};
  for (const std::string_view prefix : kPrefixes) {
    if (name.substr(0, prefix.size()) == prefix) return true;
  }
  return false;
}

// A setting of an application's own holds data (app.tenant); one of PostgreSQL or of an extension
// changes what the server does.
bool holds_data(std::string_view setting) {
  const std::size_t dot = setting.find('.');
  if (dot == std::string_view::npos) return false;
  static constexpr std::string_view kExtensions[] = {
      "auto_explain", "pgaudit",      "plpgsql", "pg_stat_statements", "postgres_fdw",
      "pgcrypto",     "pg_hint_plan", "anon",    "credcheck",          "set_user",
      "sepgsql",      "pljava",       "plperl",  "plpython",           "cron",
      "citus",        "timescaledb",  "pg_trgm", "pg_prewarm",         "passwordcheck",
      "auth_delay"};
  return std::find(std::begin(kExtensions), std::end(kExtensions), setting.substr(0, dot)) ==
         std::end(kExtensions);
}

// The table of fields as this hash reads it: scalars eight bytes at a time, under a mask that leaves
// out pointers, places and what clients make up; then texts, then children.
struct Plan {
  struct Word {
    std::uint16_t offset;
    std::uint64_t mask;
  };
  std::vector<Word> words;
  std::vector<std::uint16_t> texts;
};

std::vector<Plan> make_plans() {
  std::vector<Plan> plans(kNodeTags);
  for (unsigned tag = 0; tag < kNodeTags; ++tag) {
    for (const Field& field : kNodeTypes[tag].fields) {
      if (is_made_up(tag, field.offset)) continue;
      if (field.kind == FieldKind::text) plans[tag].texts.push_back(field.offset);
      if (field.kind == FieldKind::text || field.kind == FieldKind::node ||
          field.kind == FieldKind::value || field.kind == FieldKind::location) {
        continue;
      }
      const std::uint16_t offset = field.offset & ~7;
      if (plans[tag].words.empty() || plans[tag].words.back().offset != offset) {
        plans[tag].words.push_back({offset, 0});
      }
      const std::uint64_t ones = field.size == 8 ? ~0ull : (1ull << field.size * 8) - 1;
      plans[tag].words.back().mask |= ones << (field.offset - offset) * 8;
    }
  }
  return plans;
}
const Plan& plan_of(unsigned tag) {
  static const std::vector<Plan> plans = make_plans();
  return plans[tag];
}

}  // namespace

std::uint64_t StructureHash::of(const void* statement, std::uint32_t statements) {
  hash_ = 0x70676D6F61740002u;  // its second half is the version of this hash
  mix(statements);
  items_.clear();
  push(statement, 0, false);
  while (!items_.empty()) {
    const Item item = items_.back();
    items_.pop_back();
    mix(tag_of(item.node) | item.salt() << 16);
    const std::size_t first = items_.size();
    visit(item);
    if (items_.size() - first > 1)
      std::reverse(items_.begin() + static_cast<std::ptrdiff_t>(first), items_.end());
  }
  return hash_ ^ (hash_ >> 32);
}

void StructureHash::mix_text(const char* text) { mix(XXH3_64bits(text, std::strlen(text))); }

void StructureHash::visit(Item item) {
  switch (tag_of(item.node)) {
    case T_String: return mix_text(as<String>(item.node)->sval);
    case T_List: return visit_list(item);
    case T_A_Const: return visit_constant(item);
    case T_ParamRef: return mix(kParameter);
    case T_SelectStmt: return visit_select(item);
    case T_FuncCall: return visit_call(item);
    case T_VariableSetStmt: return visit_set(item);
    case T_MultiAssignRef:
      // Each column of (a, b) = (...) points to the one source.
      if (as<MultiAssignRef>(item.node)->colno == 1) return visit_fields(item);
      return mix(static_cast<std::uint64_t>(as<MultiAssignRef>(item.node)->colno));
    case T_TypeName:
      return visit_fields({item.node, static_cast<std::uint32_t>(item.salt()), true});
    case T_A_Expr:
    case T_A_ArrayExpr:
      if (visit_short(item)) return;
      [[fallthrough]];
    default: return visit_fields(item);
  }
}

void StructureHash::visit_fields(Item item) {
  const unsigned tag = tag_of(item.node);
  const Plan& plan = plan_of(tag);
  const auto* const bytes = static_cast<const std::byte*>(item.node);
  for (const auto& [offset, mask] : plan.words) {
    std::uint64_t word;
    std::memcpy(&word, bytes + offset, sizeof word);  // what palloc gives is a multiple of eight
    if (word &= mask; word != 0) mix(word ^ static_cast<std::uint64_t>(offset) << 48);
  }
  for (const std::uint16_t offset : plan.texts) {
    const auto* const text = static_cast<const char*>(child_at(item.node, offset));
    if (!text) continue;
    mix(offset);
    mix_text(text);
  }
  for (const std::uint16_t offset : kNodeTypes[tag].children) {
    push(child_at(item.node, offset), offset, item.verbatim());
  }
}

// x IN (1, 2) and ARRAY[1, 2]: one class, whatever the number of constants.
bool StructureHash::visit_short(Item item) {
  if (item.verbatim()) return false;
  if (is(item.node, T_A_ArrayExpr)) {
    const Elements elements = elements_of(as<A_ArrayExpr>(item.node)->elements);
    if (elements.size() == 0 || !all_data(elements)) return false;
    mix(kConstantList);
    return true;
  }
  const auto& expression = *as<A_Expr>(item.node);
  if (expression.kind != AEXPR_IN || !all_data(elements_of(expression.rexpr))) return false;
  mix(kConstantList);
  push(expression.name, 1, false);
  push(expression.lexpr, 2, false);
  return true;
}

void StructureHash::visit_list(Item item) {
  const Elements elements = elements_of(item.node);
  mix(elements.size());
  std::uint32_t index = 0;
  for (const void* element : elements) {
    ++index;
    if (is(element, T_String)) {
      mix(T_String | static_cast<std::uint64_t>(index) << 16);
      mix_text(as<String>(element)->sval);
    } else {
      push(element, index, item.verbatim());
    }
  }
}

void StructureHash::visit_constant(Item item) {
  const auto& constant = *as<A_Const>(item.node);
  if (constant.isnull) return mix(kNull);
  const Node& value = constant.val.node;
  switch (value.type) {
    case T_Boolean: return mix(constant.val.boolval.boolval ? 2 : 1);
    case T_Integer:
      return mix(item.verbatim() ? static_cast<std::uint64_t>(constant.val.ival.ival) : kNumber);
    case T_Float: return item.verbatim() ? mix_text(constant.val.fval.fval) : mix(kNumber);
    case T_BitString: return item.verbatim() ? mix_text(constant.val.bsval.bsval) : mix(kBits);
    case T_String: return item.verbatim() ? mix_text(constant.val.sval.sval) : mix(kString);
    default: return mix(value.type);
  }
}

void StructureHash::visit_select(Item item) {
  const auto& select = *as<SelectStmt>(item.node);
  const void* limit = select.limitCount;
  while (is(limit, T_TypeCast)) limit = as<TypeCast>(limit)->arg;
  const bool none = is(limit, T_A_Const) && as<A_Const>(limit)->isnull;
  const bool literal = is(limit, T_A_Const) && !none;
  const Elements rows = elements_of(select.valuesLists);
  const bool bulk = rows.size() > 0 && !item.verbatim() &&
                    std::all_of(rows.begin(), rows.end(),
                                [](const void* row) { return all_data(elements_of(row)); });
  if (!none && !literal && !bulk) return visit_fields(item);
  SelectStmt copy = select;
  if (none) copy.limitCount = nullptr, copy.limitOption = LIMIT_OPTION_COUNT;  // LIMIT ALL
  if (literal) copy.limitCount = nullptr;
  if (bulk) copy.valuesLists = nullptr;
  if (literal) mix(kLimitLiteral);
  if (bulk) {
    mix(kConstantRows);
    mix(elements_of(rows.first[0]).size());
  }
  visit_fields({&copy, static_cast<std::uint32_t>(item.salt()), item.verbatim()});
}

void StructureHash::visit_call(Item item) {
  const auto& call = *as<FuncCall>(item.node);
  const std::string_view name = name_in(call.funcname).name;
  if (name == "set_config") {
    const Elements arguments = elements_of(call.args);
    const void* const setting = arguments.size() > 0 ? arguments.first[0] : nullptr;
    const bool known = is(setting, T_A_Const) && !as<A_Const>(setting)->isnull &&
                       as<A_Const>(setting)->val.node.type == T_String;
    const bool data = known && holds_data(as<A_Const>(setting)->val.sval.sval);
    mix(arguments.size());
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      push(arguments.first[i], static_cast<std::uint32_t>(i), i != 1 || !data);
    }
    push(call.funcname, 99, true);
    return;
  }
  visit_fields(
      {item.node, static_cast<std::uint32_t>(item.salt()), item.verbatim() || is_guarded(name)});
}

void StructureHash::visit_set(Item item) {
  const auto& set = *as<VariableSetStmt>(item.node);
  mix(static_cast<std::uint64_t>(set.kind) * 2 + set.is_local);
  if (set.name) mix_text(set.name);
  push(set.args, 1, !set.name || !holds_data(set.name));
}

}  // namespace pgmoat::sql
