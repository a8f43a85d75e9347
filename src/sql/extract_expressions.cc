// Expressions: every way in which one can name a column or reach a function. A call is the least of
// them: x.f, (x).f, an operator and a cast reach functions too.
#include "sql/constants.h"
#include "sql/extract.h"
#include "sql/injection.h"
#include "sql/name_lists.h"
#include "sql/operators.h"
#include "sql/postgres.h"

namespace pgmoat::sql {

void Extractor::visit_column(const void* node, const Scope& scope) {
  const auto& reference = *as<ColumnRef>(node);
  const Elements fields = elements_of(reference.fields);
  const void* const last = fields.first[fields.size() - 1];
  Column& column = draft_.columns.emplace_back();
  column.clause = scope.clause;
  if (fields.size() > 1) {
    const std::string_view qualifier = string_of(fields.first[fields.size() - 2]);
    column.relation = level_ == 0 ? qualifier : draft_.arena.keep(qualifier);
  }
  if (is(last, T_A_Star)) {
    column.name = "*";
    const bool selects = scope.clause == Clause::target || scope.clause == Clause::returning;
    if (selects && !scope.exists) facts().star = true;
    return;
  }
  column.name = keep(as<String>(last)->sval);
  if (fields.size() == 1) return;
  // t.f is also a call of f with the row.
  DraftFunction& function = draft_.functions.emplace_back();
  function.name = column.name;
  function.reach = Reach::column;
  function.nested = scope.nested;
  function.position = position_of(reference.location);
}

DraftFunction& Extractor::add_function(const void* names, Reach reach, std::uint32_t at,
                                       const Scope& scope) {
  const Name name = name_in(names);
  DraftFunction& function = draft_.functions.emplace_back();
  function.schema = level_ == 0 ? name.schema : draft_.arena.keep(name.schema);
  function.name = level_ == 0 ? name.name : draft_.arena.keep(name.name);
  function.reach = reach;
  function.nested = scope.nested;
  function.position = at;
  function.first_argument = static_cast<std::uint32_t>(draft_.arguments.size());
  return function;
}

void Extractor::add_argument(const void* node) {
  const auto text = constant_text(node, draft_.arena);
  const std::string_view value = text.value_or(std::string_view());
  draft_.arguments.push_back({text.has_value(), level_ == 0 ? value : draft_.arena.keep(value)});
}

void Extractor::visit_call(const void* node, const Scope& scope) {
  const auto& call = *as<FuncCall>(node);
  DraftFunction& function =
      add_function(call.funcname, Reach::call, position_of(call.location), scope);
  const std::string_view schema = function.schema, name = function.name;
  const Elements arguments = elements_of(call.args);
  function.arguments = static_cast<std::uint32_t>(arguments.size());
  for (const void* argument : arguments) add_argument(argument);
  note_call(schema, name, call.args, scope);
  push(call.args, scope);
  push(call.agg_order, scope);
  push(call.agg_filter, scope);
  push(call.over, scope);
}

void Extractor::visit_cast(const void* node, const Scope& scope) {
  const auto& cast = *as<TypeCast>(node);
  const void* const names = cast.typeName->names;
  // TRUE and FALSE are written as casts by the grammar, without a place.
  const bool written = cast.location >= 0;
  if (written) {
    DraftFunction& function = add_function(names, Reach::cast, position_of(cast.location), scope);
    function.arguments = 1;
    add_argument(cast.arg);
    if (name_in(names).name == "regclass") add_relation_literal(cast.arg, scope);
    facts().signs |= cast_signs(node);
  }
  push(cast.arg, scope);
  push(cast.typeName, scope);
}

void Extractor::visit_indirection(const void* node, const Scope& scope) {
  const auto& access = *as<A_Indirection>(node);
  bool first = true;
  for (const void* step : elements_of(access.indirection)) {
    if (!is(step, T_String)) continue;
    DraftFunction& function = draft_.functions.emplace_back();
    function.name = keep(as<String>(step)->sval);
    function.reach = Reach::notation;
    function.nested = scope.nested;
    function.arguments = 1;
    function.first_argument = static_cast<std::uint32_t>(draft_.arguments.size());
    const std::string_view name = function.name;
    if (first) {
      add_argument(access.arg);
    } else {
      draft_.arguments.push_back({});
    }
    // The texts and tables that a function of one argument is given; with more it is not reached so.
    List* const none = nullptr;
    facts().signs |= call_signs({}, name, none);
    if (first) note_notation(name, access.arg, scope);
    first = false;
  }
  push(access.arg, scope);
  push(access.indirection, scope);
}

void Extractor::add_column_names(const void* strings, Clause clause) {
  for (const void* string : elements_of(strings)) {
    draft_.columns.push_back({{}, keep(as<String>(string)->sval), clause});
  }
}

void Extractor::note_operator(const void* names, int location, const Scope& scope) {
  const Name name = name_in(names);
  const bool ours = name.schema.empty() || name.schema == "pg_catalog";
  if (ours && is_builtin_operator(name.name)) return;
  add_function(names, Reach::op, position_of(location), scope);
}

void Extractor::visit_operator(const void* node, const Scope& scope) {
  const auto& expression = *as<A_Expr>(node);
  switch (expression.kind) {
    case AEXPR_BETWEEN:
    case AEXPR_NOT_BETWEEN:
    case AEXPR_BETWEEN_SYM:
    case AEXPR_NOT_BETWEEN_SYM: break;  // the name is a keyword
    default: note_operator(expression.name, expression.location, scope);
  }
  facts().signs |= operator_signs(node);
  push(expression.lexpr, scope);
  push(expression.rexpr, scope);
}

void Extractor::visit_constant(const void* node, const Scope& scope) {
  const auto& constant = *as<A_Const>(node);
  Literal& literal = draft_.literals.emplace_back();
  literal.clause = scope.clause;
  literal.position = position_of(constant.location);
  if (constant.isnull) {
    literal.type = LiteralType::null;
    return;
  }
  switch (constant.val.node.type) {
    case T_Integer:
      literal.type = LiteralType::integer;
      literal.value = integer_text(constant.val.ival.ival);
      return;
    case T_Float:
      literal.type = LiteralType::floating;
      literal.value = keep(constant.val.fval.fval);
      return;
    case T_Boolean:
      literal.type = LiteralType::boolean;
      literal.value = constant.val.boolval.boolval ? "true" : "false";
      return;
    case T_BitString:
      literal.type = LiteralType::bits;
      literal.value = keep(constant.val.bsval.bsval);
      return;
    default: literal.value = keep(constant.val.sval.sval); return;
  }
}

void Extractor::visit_sublink(const void* node, Scope scope) {
  const auto& link = *as<SubLink>(node);
  if (link.operName) note_operator(link.operName, link.location, scope);
  push(link.testexpr, scope);
  scope.exists = link.subLinkType == EXISTS_SUBLINK;
  push(link.subselect, scope);
}

namespace {

std::string_view value_function(SQLValueFunctionOp op) {
  switch (op) {
    case SVFOP_CURRENT_DATE: return "current_date";
    case SVFOP_CURRENT_TIME:
    case SVFOP_CURRENT_TIME_N: return "current_time";
    case SVFOP_CURRENT_TIMESTAMP:
    case SVFOP_CURRENT_TIMESTAMP_N: return "current_timestamp";
    case SVFOP_LOCALTIME:
    case SVFOP_LOCALTIME_N: return "localtime";
    case SVFOP_LOCALTIMESTAMP:
    case SVFOP_LOCALTIMESTAMP_N: return "localtimestamp";
    case SVFOP_CURRENT_ROLE: return "current_role";
    case SVFOP_CURRENT_USER: return "current_user";
    case SVFOP_USER: return "user";
    case SVFOP_SESSION_USER: return "session_user";
    case SVFOP_CURRENT_CATALOG: return "current_catalog";
    case SVFOP_CURRENT_SCHEMA: return "current_schema";
  }
  return "current_user";
}

std::string_view xml_function(XmlExprOp op) {
  switch (op) {
    case IS_XMLCONCAT: return "xmlconcat";
    case IS_XMLELEMENT: return "xmlelement";
    case IS_XMLFOREST: return "xmlforest";
    case IS_XMLPARSE: return "xmlparse";
    case IS_XMLPI: return "xmlpi";
    case IS_XMLROOT: return "xmlroot";
    case IS_XMLSERIALIZE: return "xmlserialize";
    case IS_DOCUMENT: return "is_document";
  }
  return "xmlparse";
}

}  // namespace

void Extractor::add_keyword_function(std::string_view name, int location, const Scope& scope) {
  DraftFunction& function = draft_.functions.emplace_back();
  function.name = name;
  function.nested = scope.nested;
  function.position = position_of(location);
}

// Nodes of which one thing is to be said.
void Extractor::visit_special(const void* node, const Scope& scope) {
  switch (tag_of(node)) {
    case T_ParamRef: {
      const int number = as<ParamRef>(node)->number;
      if (level_ == 0 && number > facts().parameters) {
        facts().parameters = static_cast<std::uint16_t>(std::min(number, 0xFFFF));
      }
      return;
    }
    case T_MultiAssignRef:
      // (a, b) = (...): each column points to the one source.
      if (as<MultiAssignRef>(node)->colno == 1) push(as<MultiAssignRef>(node)->source, scope);
      return;
    case T_RangeTableSample: {
      const auto& sample = *as<RangeTableSample>(node);
      add_function(sample.method, Reach::method, position_of(sample.location), scope);
      break;
    }
    case T_SQLValueFunction:
      add_keyword_function(value_function(as<SQLValueFunction>(node)->op),
                           as<SQLValueFunction>(node)->location, scope);
      break;
    case T_XmlExpr:
      add_keyword_function(xml_function(as<XmlExpr>(node)->op), as<XmlExpr>(node)->location, scope);
      facts().signs |= call_signs({}, xml_function(as<XmlExpr>(node)->op), as<XmlExpr>(node)->args);
      break;
    case T_XmlSerialize:
      add_keyword_function("xmlserialize", as<XmlSerialize>(node)->location, scope);
      break;
    case T_CaseWhen:
      // Of CASE x WHEN 1 it is a value.
      if (is(as<CaseWhen>(node)->expr, T_A_Expr)) note_condition(as<CaseWhen>(node)->expr);
      break;
    case T_SortBy:
      note_value(as<SortBy>(node)->node);
      if (as<SortBy>(node)->useOp) note_operator(as<SortBy>(node)->useOp, -1, scope);
      if (scope.clause == Clause::order) facts().signs |= order_signs(node);
      break;
    case T_IndexElem: add_definition(as<IndexElem>(node)->opclass, scope); break;
    case T_PartitionElem: add_definition(as<PartitionElem>(node)->opclass, scope); break;
    case T_LockingClause: facts().locking = true; return;  // it names aliases
    case T_Constraint:
      for (const void* pair : elements_of(as<Constraint>(node)->exclusions)) {
        note_operator(elements_of(pair).first[1], -1, scope);
      }
      [[fallthrough]];
    case T_TableLikeClause: {
      // Of a foreign key and of LIKE the other table is only looked at.
      Scope other = scope;
      other.access = Access::read;
      return push_children(node, other);
    }
    default: break;
  }
  push_children(node, scope);
}

}  // namespace pgmoat::sql
