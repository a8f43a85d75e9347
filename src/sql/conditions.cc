// Folding of what needs no database: literals, arithmetic and comparison of literals, logic. A value
// that is not known is never guessed; a comparison that is only true where not null counts as true,
// since that is what it is used for in OR id = id.
#include "sql/conditions.h"

#include <cmath>
#include <cstdlib>
#include <string>

#include "sql/constants.h"
#include "sql/name_lists.h"
#include "sql/postgres.h"
#include "sql/tree.h"

namespace pgmoat::sql {
namespace {

constexpr int kDeepest = 100;

struct Constant {
  enum class Type : std::uint8_t { unknown, null, number, text, boolean };
  Type type = Type::unknown;
  double number = 0;  // also of a text that is one; else NaN
  std::string_view text;

  bool known() const { return type != Type::unknown; }
  bool is_null() const { return type == Type::null; }
};

Constant number(double value) { return {Constant::Type::number, value, {}}; }
Constant boolean(bool value) {
  return {Constant::Type::boolean, value ? 1.0 : 0.0, value ? "true" : "false"};
}
Constant text(std::string_view value) {
  if (value.empty() || value.size() > 64) return {Constant::Type::text, NAN, value};
  char* end = nullptr;
  const std::string copy(value);
  const double as_number = std::strtod(copy.c_str(), &end);
  return {Constant::Type::text, *end == 0 ? as_number : NAN, value};
}

class Folder {
 public:
  explicit Folder(Arena& arena) : arena_(arena) {}

  enum class Value : std::uint8_t { unknown, null, no, yes, nearly };  // nearly: where not null
  Value condition(const void* node, bool negated, int depth);

  Condition result;

 private:
  Value logic(const BoolExpr& expression, bool negated, int depth);
  Value any_of(const BoolExpr& expression, bool negated, int depth);
  Value compare(const A_Expr& expression, int depth);
  Value compare_values(std::string_view name, const Constant& left, const Constant& right);
  Value in_list(const A_Expr& expression, int depth);
  Value between(const A_Expr& expression, int depth);
  Value like(const A_Expr& expression, int depth);
  Value null_test(const NullTest& test, int depth);
  Value boolean_test(const BooleanTest& test, int depth);
  Value sub_select(const SubLink& link, int depth);
  Value choice(const CaseExpr& expression, int depth);
  Constant value(const void* node, int depth);
  Constant arithmetic(const A_Expr& expression, int depth);
  Constant call(const FuncCall& function, int depth);

  Arena& arena_;
};
using Value = Folder::Value;

Value truth(bool value) { return value ? Value::yes : Value::no; }
bool is_true(Value value) { return value == Value::yes || value == Value::nearly; }
Value invert(Value value) {
  if (value == Value::yes) return Value::no;
  if (value == Value::no) return Value::yes;
  return value == Value::null ? Value::null : Value::unknown;
}

bool complementary(const void* left, const void* right) {
  if (is(left, T_NullTest) && is(right, T_NullTest)) {
    return as<NullTest>(left)->nulltesttype != as<NullTest>(right)->nulltesttype &&
           same_expression(as<NullTest>(left)->arg, as<NullTest>(right)->arg);
  }
  if (!is(left, T_A_Expr) || !is(right, T_A_Expr)) return false;
  const auto &a = *as<A_Expr>(left), &b = *as<A_Expr>(right);
  const std::string_view one = name_in(a.name).name, other = name_in(b.name).name;
  return ((one == "=" && other == "<>") || (one == "<>" && other == "=")) && a.kind == b.kind &&
         a.kind == AEXPR_OP && same_expression(a.lexpr, b.lexpr) &&
         same_expression(a.rexpr, b.rexpr);
}

Value Folder::logic(const BoolExpr& expression, bool negated, int depth) {
  if (expression.boolop == OR_EXPR) return any_of(expression, negated, depth);
  if (expression.boolop == NOT_EXPR) {
    return invert(condition(elements_of(expression.args).first[0], !negated, depth));
  }
  Value all = Value::yes;
  for (const void* arm : elements_of(expression.args)) {
    const Value value = condition(arm, negated, depth);
    if (value == Value::no) {
      if (negated) result.tautology = true;
      all = Value::no;
    } else if (all != Value::no && value != Value::yes) {
      all = value == Value::nearly && all != Value::unknown ? Value::nearly : Value::unknown;
    }
  }
  return all;
}

Value Folder::any_of(const BoolExpr& expression, bool negated, int depth) {
  Value any = Value::no;
  const Elements arms = elements_of(expression.args);
  for (std::size_t i = 0; i < arms.size(); ++i) {
    const Value value = condition(arms.first[i], negated, depth);
    if (value == Value::yes) {
      if (!negated) result.tautology = true;
      any = Value::yes;
    } else if (any != Value::yes && value == Value::nearly) {
      any = Value::nearly;
    } else if (any != Value::yes && any != Value::nearly && value == Value::unknown) {
      any = Value::unknown;
    }
    for (std::size_t j = 0; j < i && i < 8; ++j) {
      if (!complementary(arms.first[j], arms.first[i])) continue;
      result.tautology = true;
      any = Value::yes;
    }
  }
  return any;
}

Value Folder::compare_values(std::string_view name, const Constant& left, const Constant& right) {
  result.constant_compare = true;
  if (left.is_null() || right.is_null()) return Value::null;
  const bool texts = left.type == Constant::Type::text && right.type == Constant::Type::text;
  int order;
  if (texts) {
    order = left.text.compare(right.text);
  } else {
    if (std::isnan(left.number) || std::isnan(right.number)) return Value::unknown;
    order = left.number < right.number ? -1 : left.number > right.number;
  }
  if (name == "=") return truth(order == 0);
  if (name == "<>") return truth(order != 0);
  if (name == "<") return truth(order < 0);
  if (name == ">") return truth(order > 0);
  if (name == "<=") return truth(order <= 0);
  if (name == ">=") return truth(order >= 0);
  return Value::unknown;
}

Value Folder::compare(const A_Expr& expression, int depth) {
  const std::string_view name = name_in(expression.name).name;
  switch (expression.kind) {
    case AEXPR_OP: {
      if (name.empty() || std::string_view("=<>").find(name[0]) == std::string_view::npos) {
        return Value::unknown;
      }
      const Constant left = value(expression.lexpr, depth);
      if (left.known()) {
        const Constant right = value(expression.rexpr, depth);
        if (right.known()) return compare_values(name, left, right);
      }
      if (!same_expression(expression.lexpr, expression.rexpr)) return Value::unknown;
      if (name == "=" || name == "<=" || name == ">=") return Value::yes;
      return name == "<>" || name == "<" || name == ">" ? Value::no : Value::unknown;
    }
    case AEXPR_DISTINCT:
    case AEXPR_NOT_DISTINCT: {
      const bool same = same_expression(expression.lexpr, expression.rexpr);
      return same ? truth(expression.kind == AEXPR_NOT_DISTINCT) : Value::unknown;
    }
    case AEXPR_OP_ANY:
    case AEXPR_IN: return in_list(expression, depth);
    case AEXPR_LIKE:
    case AEXPR_ILIKE: return like(expression, depth);
    case AEXPR_BETWEEN:
    case AEXPR_NOT_BETWEEN: return between(expression, depth);
    default: return Value::unknown;
  }
}

Value Folder::in_list(const A_Expr& expression, int depth) {
  const std::string_view name = name_in(expression.name).name;
  if (name != "=" && !(name == "<>" && expression.kind == AEXPR_IN)) return Value::unknown;
  const void* list = expression.rexpr;
  if (is(list, T_A_ArrayExpr)) list = as<A_ArrayExpr>(list)->elements;
  const Constant left = value(expression.lexpr, depth);
  bool all_known = left.known();
  for (const void* element : elements_of(list)) {
    if (!left.known()) {
      if (same_expression(expression.lexpr, element)) return truth(name == "=");
      continue;
    }
    const Constant right = value(element, depth);
    if (!right.known()) {
      all_known = false;
    } else if (compare_values("=", left, right) == Value::yes) {
      return truth(name == "=");
    }
  }
  return all_known && elements_of(list).size() > 0 ? truth(name != "=") : Value::unknown;
}

Value Folder::between(const A_Expr& expression, int depth) {
  const Elements bounds = elements_of(expression.rexpr);
  if (bounds.size() != 2) return Value::unknown;
  const bool wanted = expression.kind == AEXPR_BETWEEN;
  if (same_expression(expression.lexpr, bounds.first[0]) &&
      same_expression(expression.lexpr, bounds.first[1])) {
    return truth(wanted);
  }
  const Constant middle = value(expression.lexpr, depth);
  const Constant low = middle.known() ? value(bounds.first[0], depth) : Constant{};
  const Constant high = low.known() ? value(bounds.first[1], depth) : Constant{};
  if (!high.known()) return Value::unknown;
  const Value above = compare_values(">=", middle, low), below = compare_values("<=", middle, high);
  if (above == Value::no || below == Value::no) return truth(!wanted);
  return above == Value::yes && below == Value::yes ? truth(wanted) : Value::unknown;
}

Value Folder::like(const A_Expr& expression, int depth) {
  const Constant pattern = value(expression.rexpr, depth);
  if (pattern.type != Constant::Type::text) return Value::unknown;
  const bool wanted = name_in(expression.name).name.substr(0, 1) == "~";
  const Constant left = value(expression.lexpr, depth);
  if (left.type == Constant::Type::text && expression.kind == AEXPR_LIKE) {
    result.constant_compare = true;
    const auto same = like_matches(left.text, pattern.text);
    return same ? truth(*same == wanted) : Value::unknown;
  }
  // Of a column: what an application sends when nothing was typed into a search field.
  const bool everything =
      !pattern.text.empty() && pattern.text.find_first_not_of('%') == std::string_view::npos;
  if (left.known()) return everything ? truth(wanted) : Value::unknown;
  return everything && wanted ? Value::nearly : Value::unknown;
}

Value Folder::null_test(const NullTest& test, int depth) {
  const Constant argument = value(test.arg, depth);
  if (!argument.known()) return Value::unknown;
  return truth(argument.is_null() == (test.nulltesttype == IS_NULL));
}

Value Folder::boolean_test(const BooleanTest& test, int depth) {
  const Value value = condition(test.arg, true, depth);
  if (value == Value::unknown || value == Value::nearly) return Value::unknown;
  switch (test.booltesttype) {
    case IS_TRUE: return truth(value == Value::yes);
    case IS_NOT_TRUE: return truth(value != Value::yes);
    case IS_FALSE: return truth(value == Value::no);
    case IS_NOT_FALSE: return truth(value != Value::no);
    case IS_UNKNOWN: return truth(value == Value::null);
    case IS_NOT_UNKNOWN: return truth(value != Value::null);
  }
  return Value::unknown;
}

Value Folder::sub_select(const SubLink& link, int depth) {
  if (!is(link.subselect, T_SelectStmt)) return Value::unknown;
  const auto& select = *as<SelectStmt>(link.subselect);
  if (select.op != SETOP_NONE || select.fromClause || select.limitCount || select.limitOffset ||
      select.havingClause || select.groupClause || select.valuesLists ||
      (select.whereClause && condition(select.whereClause, true, depth) != Value::yes)) {
    return Value::unknown;
  }
  if (link.subLinkType == EXISTS_SUBLINK) return Value::yes;
  const Elements targets = elements_of(select.targetList);
  if (link.subLinkType != EXPR_SUBLINK || targets.size() != 1) return Value::unknown;
  return condition(as<ResTarget>(targets.first[0])->val, true, depth);
}

Value Folder::choice(const CaseExpr& expression, int depth) {
  if (expression.arg) return Value::unknown;
  for (const void* when : elements_of(expression.args)) {
    const Value test = condition(as<CaseWhen>(when)->expr, true, depth);
    if (test == Value::yes) return condition(as<CaseWhen>(when)->result, true, depth);
    if (test != Value::no && test != Value::null) return Value::unknown;
  }
  return expression.defresult ? condition(expression.defresult, true, depth) : Value::null;
}

Value Folder::condition(const void* node, bool negated, int depth) {
  if (!node || depth > kDeepest) return Value::unknown;
  ++depth;
  switch (tag_of(node)) {
    case T_BoolExpr: return logic(*as<BoolExpr>(node), negated, depth);
    case T_A_Expr: return compare(*as<A_Expr>(node), depth);
    case T_NullTest: return null_test(*as<NullTest>(node), depth);
    case T_BooleanTest: return boolean_test(*as<BooleanTest>(node), depth);
    case T_SubLink: return sub_select(*as<SubLink>(node), depth);
    case T_CaseExpr: return choice(*as<CaseExpr>(node), depth);
    case T_TypeCast:
    case T_A_Const: {
      if (is(node, T_TypeCast) && name_in(as<TypeCast>(node)->typeName->names).name == "bool" &&
          !is(as<TypeCast>(node)->arg, T_A_Const)) {
        return condition(as<TypeCast>(node)->arg, negated, depth);
      }
      const Constant constant = value(node, depth);
      if (constant.is_null()) return Value::null;
      if (constant.type == Constant::Type::boolean) return truth(constant.number != 0);
      if (constant.type != Constant::Type::text) return Value::unknown;
      for (const char* word : {"t", "true", "y", "yes", "on", "1"}) {
        if (constant.text == word) return Value::yes;
      }
      return Value::no;
    }
    default: return Value::unknown;
  }
}

Constant Folder::value(const void* node, int depth) {
  if (!node || depth > kDeepest) return {};
  ++depth;
  switch (tag_of(node)) {
    case T_A_Const: {
      const auto& constant = *as<A_Const>(node);
      if (constant.isnull) return {Constant::Type::null, NAN, {}};
      switch (constant.val.node.type) {
        case T_Integer: return number(constant.val.ival.ival);
        case T_Float: return number(std::strtod(constant.val.fval.fval, nullptr));
        case T_Boolean: return boolean(constant.val.boolval.boolval);
        case T_String: return text(constant.val.sval.sval);
        default: return {};
      }
    }
    case T_TypeCast: return value(as<TypeCast>(node)->arg, depth);
    case T_CollateClause: return value(as<CollateClause>(node)->arg, depth);
    case T_A_Expr: return arithmetic(*as<A_Expr>(node), depth);
    case T_FuncCall: return call(*as<FuncCall>(node), depth);
    default: return {};
  }
}

Constant Folder::arithmetic(const A_Expr& expression, int depth) {
  if (expression.kind != AEXPR_OP || !expression.rexpr) return {};
  const std::string_view name = name_in(expression.name).name;
  if (name == "||") {
    const auto joined = constant_text(&expression, arena_, depth);
    return joined ? text(*joined) : Constant{};
  }
  if (name.size() != 1 || std::string_view("+-*/%").find(name[0]) == std::string_view::npos)
    return {};
  const Constant right = value(expression.rexpr, depth);
  if (!right.known() || std::isnan(right.number)) return {};
  const Constant left = expression.lexpr ? value(expression.lexpr, depth) : number(0);
  if (!left.known() || std::isnan(left.number)) return {};
  switch (name[0]) {
    case '+': return number(left.number + right.number);
    case '-': return number(left.number - right.number);
    case '*': return number(left.number * right.number);
    default: return {};  // whole or not depends on types
  }
}

Constant Folder::call(const FuncCall& function, int depth) {
  const Elements arguments = elements_of(function.args);
  if (arguments.size() != 1) return {};
  const std::string_view name = name_in(function.funcname).name;
  if (name == "abs") {
    const Constant argument = value(arguments.first[0], depth);
    return argument.type == Constant::Type::number ? number(std::fabs(argument.number))
                                                   : Constant{};
  }
  if (name != "length" && name != "char_length" && name != "ascii") return {};
  const Constant argument = value(arguments.first[0], depth);
  if (argument.type != Constant::Type::text) return {};
  for (const char c : argument.text) {
    if (static_cast<unsigned char>(c) > 127) return {};
  }
  if (name != "ascii") return number(static_cast<double>(argument.text.size()));
  return number(argument.text.empty() ? 0 : argument.text[0]);
}

}  // namespace

Condition condition_of(const void* node, Arena& arena) {
  Folder folder(arena);
  const Value value = folder.condition(node, false, 0);
  folder.result.truth = is_true(value)                               ? Truth::holds
                        : value == Value::no || value == Value::null ? Truth::fails
                                                                     : Truth::unknown;
  return folder.result;
}

}  // namespace pgmoat::sql
