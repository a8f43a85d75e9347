// What the tree says of a constant: the grammar wraps one in casts, and in || chains.
#include "sql/constants.h"

#include <cmath>
#include <cstdlib>
#include <string>

#include "sql/name_lists.h"
#include "sql/postgres.h"
#include "sql/tree.h"

namespace pgmoat::sql {
namespace {

constexpr int kDeepest = 100;
// What the chains of || in a text may come to, since each cast around one reads it anew.
constexpr std::size_t kJoined = 32u << 20;

bool is_volatile(std::string_view name) {
  return name == "random" || name == "clock_timestamp" || name == "nextval" ||
         name == "gen_random_uuid";
}

// The types that keep each octet of a text. No typmod, no array.
bool keeps_text(const TypeName* type) {
  if (!type || type->typmods || type->arrayBounds || type->setof || type->pct_type) return false;
  const auto name = name_in(type->names);
  if (!name.schema.empty() && name.schema != "pg_catalog") return false;
  return name.name == "text" || name.name == "varchar";
}

bool is_join(const A_Expr& expression, bool exact) {
  if (expression.kind != AEXPR_OP) return false;
  const auto name = name_in(expression.name);
  return name.name == "||" && (!exact || name.schema.empty() || name.schema == "pg_catalog");
}

std::optional<std::string_view> literal(const A_Const& constant, Arena& arena, bool exact) {
  if (constant.isnull) return {};
  switch (constant.val.node.type) {
    case T_String: return constant.val.sval.sval;
    case T_Integer: return arena.keep(std::to_string(constant.val.ival.ival));
    case T_Boolean: return constant.val.boolval.boolval ? "true" : "false";
    // 1e3 is 1000 as a text, and X'1' four bits.
    case T_Float: return exact ? std::optional<std::string_view>() : constant.val.fval.fval;
    case T_BitString: return exact ? std::optional<std::string_view>() : constant.val.bsval.bsval;
    default: return {};
  }
}

std::optional<std::string_view> text_of(const void* node, Arena& arena, bool exact, int depth) {
  if (!node || depth > kDeepest) return {};
  const auto within = [&](const void* part) { return text_of(part, arena, exact, depth + 1); };
  switch (tag_of(node)) {
    case T_A_Const: return literal(*as<A_Const>(node), arena, exact);
    case T_TypeCast: {
      const auto& cast = *as<TypeCast>(node);
      return exact && !keeps_text(cast.typeName) ? std::nullopt : within(cast.arg);
    }
    case T_CollateClause: return within(as<CollateClause>(node)->arg);
    case T_NamedArgExpr: return within(as<NamedArgExpr>(node)->arg);
    case T_A_Expr: {
      const auto& expression = *as<A_Expr>(node);
      if (!is_join(expression, exact) || arena.joined() > kJoined) return {};
      const auto right = within(expression.rexpr);
      if (!right) return {};
      const auto left = within(expression.lexpr);
      return left ? std::optional(arena.join(*left, {}, *right)) : std::nullopt;
    }
    default: return {};
  }
}

}  // namespace

std::optional<std::string_view> constant_text(const void* node, Arena& arena, int depth) {
  return text_of(node, arena, false, depth);
}

std::optional<std::string_view> exact_text(const void* node, Arena& arena) {
  return text_of(node, arena, true, 0);
}

std::optional<std::int64_t> constant_integer(const void* node) {
  while (is(node, T_TypeCast)) node = as<TypeCast>(node)->arg;
  if (!is(node, T_A_Const) || as<A_Const>(node)->isnull) return {};
  const auto& constant = *as<A_Const>(node);
  if (constant.val.node.type == T_Integer) return constant.val.ival.ival;
  const char* digits = constant.val.node.type == T_Float    ? constant.val.fval.fval
                       : constant.val.node.type == T_String ? constant.val.sval.sval
                                                            : "";
  const double value = std::strtod(digits, nullptr);
  if (*digits == 0 || !(std::fabs(value) < 9.2e18)) return {};
  return value == std::floor(value) && std::fabs(value) < 9e15 ? static_cast<std::int64_t>(value)
                                                               : std::strtoll(digits, nullptr, 10);
}

bool is_constant(const void* node) {
  while (is(node, T_TypeCast)) node = as<TypeCast>(node)->arg;
  return is(node, T_A_Const);
}

bool same_expression(const void* left, const void* right) {
  if (!left || !right || tag_of(left) != tag_of(right)) return false;
  if (is(left, T_ColumnRef)) {
    const Elements a = elements_of(as<ColumnRef>(left)->fields);
    const Elements b = elements_of(as<ColumnRef>(right)->fields);
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (string_of(a.first[i]) != string_of(b.first[i])) return false;
    }
    return true;
  }
  if (is(left, T_A_Const)) return equal_trees(left, right) && !as<A_Const>(left)->isnull;
  if (is(left, T_FuncCall) && is_volatile(name_in(as<FuncCall>(left)->funcname).name)) return false;
  return equal_trees(left, right);
}

std::optional<bool> like_matches(std::string_view subject, std::string_view pattern) {
  if (pattern.find('\\') != pattern.npos || pattern.size() > 256 || subject.size() > 1024)
    return {};
  std::size_t at = 0, in = 0, star = pattern.npos, mark = 0;
  while (at < subject.size()) {
    if (in < pattern.size() && (pattern[in] == '_' || pattern[in] == subject[at])) {
      ++at, ++in;
    } else if (in < pattern.size() && pattern[in] == '%') {
      star = in++;
      mark = at;
    } else if (star != pattern.npos) {
      in = star + 1;
      at = ++mark;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('%', in) == pattern.npos;
}

}  // namespace pgmoat::sql
