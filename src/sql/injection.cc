// The shapes. What a rule here must not take for an attack is said beside it.
#include "sql/injection.h"

#include <algorithm>

#include "sql/constants.h"
#include "sql/name_lists.h"
#include "sql/postgres.h"
#include "sql/tree.h"

namespace pgmoat::sql {
namespace {

using Names = std::initializer_list<std::string_view>;
bool is_one_of(std::string_view name, Names names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

const void* without_casts(const void* node) {
  for (;;) {
    if (is(node, T_TypeCast)) {
      node = as<TypeCast>(node)->arg;
    } else if (is(node, T_CollateClause)) {
      node = as<CollateClause>(node)->arg;
    } else {
      return node;
    }
  }
}

// The SELECT of a scalar sub-select, or null.
const SelectStmt* scalar(const void* node) {
  node = without_casts(node);
  if (!is(node, T_SubLink) || as<SubLink>(node)->subLinkType != EXPR_SUBLINK) return nullptr;
  return is(as<SubLink>(node)->subselect, T_SelectStmt)
             ? as<SelectStmt>(as<SubLink>(node)->subselect)
             : nullptr;
}

std::uint32_t sign_if(bool condition, Sign sign) { return condition ? sign : 0u; }

constexpr Budget kNearby{200, 50};

bool reads_catalog(const SelectStmt& select) {
  bool found = false;
  std::vector<Pending> pending;
  walk(select.fromClause, kNearby, pending, [&](const void* node, std::uint32_t) {
    if (!is(node, T_RangeVar)) return;
    const auto& range = *as<RangeVar>(node);
    found |= is_catalog(range.schemaname ? range.schemaname : "", range.relname);
  });
  return found;
}

// Tells of the server, or is built to be seen in an error: not what an application computes with.
bool is_telling(const SelectStmt& select) {
  if (select.op != SETOP_NONE || select.valuesLists) return false;
  return !select.fromClause || reads_catalog(select);
}

bool holds_scalar(const void* node, bool& concatenated, int depth = 0) {
  node = without_casts(node);
  if (const SelectStmt* select = scalar(node)) return concatenated || is_telling(*select);
  if (!is(node, T_A_Expr) || name_in(as<A_Expr>(node)->name).name != "||" || depth > 20)
    return false;
  concatenated = true;
  return holds_scalar(as<A_Expr>(node)->lexpr, concatenated, depth + 1) ||
         holds_scalar(as<A_Expr>(node)->rexpr, concatenated, depth + 1);
}

bool is_numeric(std::string_view type) {
  return is_one_of(
      type, {"int2", "int4", "int8", "numeric", "float4", "float8", "integer", "bigint", "oid"});
}

bool is_bare(const void* value) {  // a constant, or a call that needs no row
  value = without_casts(value);
  if (is(value, T_FuncCall)) {
    for (const void* argument : elements_of(as<FuncCall>(value)->args)) {
      if (!is_constant(argument)) return false;
    }
    return true;
  }
  if (is(value, T_A_Expr) && name_in(as<A_Expr>(value)->name).name == "||") {
    return is_bare(as<A_Expr>(value)->lexpr) && is_bare(as<A_Expr>(value)->rexpr);
  }
  return is(value, T_A_Const) || is(value, T_SQLValueFunction);
}

// One constant is what an application adds to a list of choices; several, or NULLs, fill columns.
bool only_constants(const SelectStmt& select) {
  const Elements rows = elements_of(select.valuesLists);
  const Elements values =
      rows.size() > 0 ? elements_of(rows.first[0]) : elements_of(select.targetList);
  if (select.fromClause || values.size() == 0 || rows.size() > 1) return false;
  bool any_null = false;
  for (const void* value : values) {
    if (is(value, T_ResTarget)) value = as<ResTarget>(value)->val;
    if (!is_bare(value)) return false;
    const void* const bare = without_casts(value);
    any_null |= is(bare, T_A_Const) && as<A_Const>(bare)->isnull;
  }
  return any_null || values.size() > 1;
}

const SelectStmt& leftmost(const SelectStmt* select) {
  while (select->op != SETOP_NONE) select = select->larg;
  return *select;
}

bool is_recon(const void* node) {
  node = without_casts(node);
  if (is(node, T_SQLValueFunction)) return true;
  return is(node, T_FuncCall) &&
         is_one_of(name_in(as<FuncCall>(node)->funcname).name,
                   {"version", "current_database", "current_setting", "current_schema", "user",
                    "pg_read_file", "inet_server_addr", "current_query"});
}

bool is_probe(std::string_view name) {
  return is_one_of(
      name, {"substr", "substring", "ascii", "get_byte", "left", "right", "length", "char_length",
             "character_length", "octet_length", "bit_length", "strpos", "position", "get_bit"});
}

bool probes(const void* argument, int depth = 0) {
  argument = without_casts(argument);
  if (scalar(argument) || is_recon(argument)) return true;
  if (!is(argument, T_FuncCall) || depth > 8) return false;
  const Elements inner = elements_of(as<FuncCall>(argument)->args);
  const std::string_view name = name_in(as<FuncCall>(argument)->funcname).name;
  return inner.size() > 0 &&
         (is_probe(name) || is_one_of(name, {"coalesce", "concat", "encode"})) &&
         probes(inner.first[0], depth + 1);
}

bool is_zero(const void* node) {
  const auto value = constant_integer(node);
  return value && *value == 0;
}

bool divides_by_zero_on_purpose(const void* divisor) {
  divisor = without_casts(divisor);
  if (is_zero(divisor)) return true;
  if (const SelectStmt* select = scalar(divisor)) {
    const Elements targets = elements_of(select->targetList);
    divisor = targets.size() == 1 ? without_casts(as<ResTarget>(targets.first[0])->val) : nullptr;
  }
  if (!is(divisor, T_CaseExpr)) return false;
  // An application's CASE keeps zero away: an arm that gives it is no guard.
  const auto& choice = *as<CaseExpr>(divisor);
  if (is_zero(choice.defresult)) return true;
  for (const void* when : elements_of(choice.args)) {
    if (is_zero(as<CaseWhen>(when)->result)) return true;
  }
  return false;
}

bool is_foreign(std::string_view schema, std::string_view name) {
  if (is_one_of(schema, {"utl_inaddr", "utl_http", "dbms_pipe", "dbms_lock", "dbms_ldap",
                         "dbms_xmlgen", "ctxsys", "drithsx", "master", "sys"})) {
    return true;
  }
  return is_one_of(name, {"sleep",
                          "benchmark",
                          "extractvalue",
                          "updatexml",
                          "load_file",
                          "xp_cmdshell",
                          "xp_dirtree",
                          "sp_executesql",
                          "openrowset",
                          "randomblob",
                          "load_extension",
                          "sqlite_version",
                          "elt",
                          "make_set",
                          "gtid_subset",
                          "name_const",
                          "row_count",
                          "is_srvrolemember",
                          "fn_xe_file_target_read_file",
                          "fn_trace_gettable",
                          "gtid_subtract",
                          "zeroblob",
                          "regexp_substring",
                          "crypt_key",
                          "if",
                          "rlike"});
}

bool delays(std::string_view name, const Elements& arguments) {
  if (is_one_of(name, {"pg_sleep", "pg_sleep_for", "pg_sleep_until"})) return true;
  if (name != "generate_series" || arguments.size() < 2) return false;
  const auto from = constant_integer(arguments.first[0]), to = constant_integer(arguments.first[1]);
  return from && to && *to / 2 - *from / 2 > 500'000;
}

bool decodes_constants(std::string_view name, const Elements& arguments) {
  if (name != "convert_from" || arguments.size() == 0) return false;
  const void* inner = without_casts(arguments.first[0]);
  if (!is(inner, T_FuncCall) || name_in(as<FuncCall>(inner)->funcname).name != "decode")
    return false;
  const Elements text = elements_of(as<FuncCall>(inner)->args);
  return text.size() > 0 && is_constant(text.first[0]);
}

bool is_chr(const void* node) {
  node = without_casts(node);
  if (!is(node, T_FuncCall) || name_in(as<FuncCall>(node)->funcname).name != "chr") return false;
  const Elements arguments = elements_of(as<FuncCall>(node)->args);
  return arguments.size() == 1 && is_constant(arguments.first[0]);
}

}  // namespace

bool is_catalog(std::string_view schema, std::string_view relation) {
  if (schema == "pg_catalog" || schema == "information_schema") return true;
  return schema.empty() && relation.substr(0, 3) == "pg_";
}

std::uint32_t union_signs(const void* node) {
  const auto& top = *as<SelectStmt>(node);
  const SelectStmt& first = leftmost(&top);
  const bool catalog = reads_catalog(first);
  std::uint32_t signs = 0;
  for (const SelectStmt* at = &top; at->op != SETOP_NONE; at = at->larg) {
    if (at->op != SETOP_UNION) continue;
    const SelectStmt& arm = leftmost(at->rarg);
    if (first.fromClause && only_constants(arm)) signs |= kUnionConstants;
    if (first.fromClause && !catalog && reads_catalog(arm)) signs |= kUnionCatalog;
  }
  return signs;
}

std::uint32_t value_signs(const void* list) {
  for (const void* element : elements_of(list)) {
    if (is(element, T_ResTarget)) element = as<ResTarget>(element)->val;
    if (is(element, T_List)) {
      if (value_signs(element) != 0) return kSubqueryInValues;
      continue;
    }
    element = without_casts(element);
    if (is(element, T_A_Const) || is(element, T_ParamRef)) continue;
    bool concatenated = false;
    if (const SelectStmt* select = scalar(element);
        select && select->fromClause && reads_catalog(*select)) {
      return kSubqueryInValues;
    }
    if (is(element, T_A_Expr) && holds_scalar(element, concatenated)) return kSubqueryInValues;
  }
  return 0;
}

std::uint32_t cast_signs(const void* node) {
  const auto& cast = *as<TypeCast>(node);
  bool concatenated = false;
  return sign_if(
      is_numeric(name_in(cast.typeName->names).name) && holds_scalar(cast.arg, concatenated),
      kCastOfSubquery);
}

std::uint32_t operator_signs(const void* node) {
  const auto& expression = *as<A_Expr>(node);
  if (expression.kind != AEXPR_OP) return 0;
  const std::string_view name = name_in(expression.name).name;
  if (name == "||") {
    return sign_if(
        is_chr(expression.rexpr) && (is_chr(expression.lexpr) || is(expression.lexpr, T_A_Expr)),
        kBuiltString);
  }
  if (name != "/" && name != "%") return 0;
  std::uint32_t signs = sign_if(divides_by_zero_on_purpose(expression.rexpr), kErrorProvoking);
  if (const SelectStmt* select = scalar(expression.rexpr); select && is_telling(*select)) {
    signs |= kCastOfSubquery;
  }
  return signs;
}

std::uint32_t call_signs(std::string_view schema, std::string_view name, const void* list) {
  const Elements arguments = elements_of(list);
  std::uint32_t signs = 0;
  if (delays(name, arguments)) signs |= kDelay;
  if (is_foreign(schema, name)) signs |= kForeignFunction;
  if (arguments.size() == 0) return signs;
  if (is_probe(name) && probes(arguments.first[0])) signs |= kCharacterProbe;
  if (decodes_constants(name, arguments)) signs |= kBuiltString;
  if (is_one_of(name, {"xpath", "xmlparse", "xml_is_well_formed"})) {
    for (const void* argument : arguments) {
      bool concatenated = false;
      if (holds_scalar(argument, concatenated)) signs |= kErrorProvoking;
    }
  }
  return signs;
}

// Of a correlated sub-select, or a CASE over columns, nothing is said: lists are sorted by such.
std::uint32_t order_signs(const void* node) {
  const void* const key = without_casts(as<SortBy>(node)->node);
  if (const SelectStmt* select = scalar(key)) return sign_if(is_telling(*select), kOrderProbe);
  if (!is(key, T_CaseExpr) || as<CaseExpr>(key)->arg) return 0;
  for (const void* when : elements_of(as<CaseExpr>(key)->args)) {
    bool column = false, select = false;
    std::vector<Pending> pending;
    walk(as<CaseWhen>(when)->expr, kNearby, pending, [&](const void* inner, std::uint32_t) {
      column |= is(inner, T_ColumnRef) || is(inner, T_ParamRef);
      select |= is(inner, T_SelectStmt) && is_telling(*as<SelectStmt>(inner));
    });
    if (!column || select) return kOrderProbe;
  }
  return 0;
}

std::uint32_t comment_signs(std::string_view text, std::uint32_t at, std::uint32_t size) {
  const std::string_view comment = text.substr(at, size);
  const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  if (comment.substr(0, 2) == "/*") {
    const std::size_t end = at + size;
    const bool between =
        at > 0 && end < text.size() && !is_space(text[at - 1]) && !is_space(text[end]);
    return sign_if(comment == "/**/" && between, kEmptyComment);
  }
  // What the application had after the place of the injection, its closing quote too, is in the
  // comment. A line of its own, or one without a quote, is a programmer's remark.
  if (text.find_first_not_of(" \t\r\n", at + size) != std::string_view::npos) return 0;
  const std::size_t line = text.find_last_of("\r\n", at);
  const std::size_t start = line == std::string_view::npos ? 0 : line + 1;
  const bool after_code =
      text.substr(start, at - start).find_first_not_of(" \t") != std::string_view::npos;
  return sign_if(after_code && comment.find('\'') != std::string_view::npos, kTrailingComment);
}

}  // namespace pgmoat::sql
