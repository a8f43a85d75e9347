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
// What chains of || may take in all, since each cast around one reads it anew.
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

bool is_join(const A_Expr& expression) {
  if (expression.kind != AEXPR_OP) return false;
  const auto name = name_in(expression.name);
  return name.name == "||" && (name.schema.empty() || name.schema == "pg_catalog");
}

}  // namespace

std::optional<std::string_view> exact_text(const void* node, Arena& arena, int depth) {
  if (!node || depth > kDeepest || arena.joined() > kJoined) return {};
  switch (tag_of(node)) {
    case T_A_Const: {
      const auto& constant = *as<A_Const>(node);
      if (constant.isnull) return {};
      const bool known = constant.val.node.type == T_String ||
                         constant.val.node.type == T_Integer || constant.val.node.type == T_Boolean;
      return known ? constant_text(node, arena) : std::nullopt;
    }
    case T_TypeCast: {
      const auto& cast = *as<TypeCast>(node);
      return keeps_text(cast.typeName) ? exact_text(cast.arg, arena, depth + 1) : std::nullopt;
    }
    case T_CollateClause: return exact_text(as<CollateClause>(node)->arg, arena, depth + 1);
    case T_NamedArgExpr: return exact_text(as<NamedArgExpr>(node)->arg, arena, depth + 1);
    case T_A_Expr: {
      const auto& expression = *as<A_Expr>(node);
      if (!is_join(expression)) return {};
      const auto right = exact_text(expression.rexpr, arena, depth + 1);
      if (!right) return {};
      const auto left = exact_text(expression.lexpr, arena, depth + 1);
      return left ? std::optional(arena.join(*left, {}, *right)) : std::nullopt;
    }
    default: return {};
  }
}

std::optional<std::string_view> constant_text(const void* node, Arena& arena, int depth) {
  if (!node || depth > kDeepest) return {};
  switch (tag_of(node)) {
    case T_A_Const: {
      const auto& constant = *as<A_Const>(node);
      if (constant.isnull) return {};
      switch (constant.val.node.type) {
        case T_String: return constant.val.sval.sval;
        case T_Float: return constant.val.fval.fval;
        case T_BitString: return constant.val.bsval.bsval;
        case T_Boolean: return constant.val.boolval.boolval ? "true" : "false";
        case T_Integer: return arena.keep(std::to_string(constant.val.ival.ival));
        default: return {};
      }
    }
    case T_TypeCast: return constant_text(as<TypeCast>(node)->arg, arena, depth + 1);
    case T_CollateClause: return constant_text(as<CollateClause>(node)->arg, arena, depth + 1);
    case T_NamedArgExpr: return constant_text(as<NamedArgExpr>(node)->arg, arena, depth + 1);
    case T_A_Expr: {
      const auto& expression = *as<A_Expr>(node);
      if (expression.kind != AEXPR_OP || name_in(expression.name).name != "||") return {};
      if (arena.joined() > kJoined) return {};
      const auto right = constant_text(expression.rexpr, arena, depth + 1);
      if (!right) return {};
      const auto left = constant_text(expression.lexpr, arena, depth + 1);
      return left ? std::optional(arena.join(*left, {}, *right)) : std::nullopt;
    }
    default: return {};
  }
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
