// Functions that do more than compute: those that run SQL given as text, read a table given by name,
// or set a setting. A text or a name that is not constant cannot be read before the server runs it:
// then the statement runs dynamic SQL.
#include <algorithm>
#include <array>

#include "sql/constants.h"
#include "sql/extract.h"
#include "sql/identifiers.h"
#include "sql/injection.h"
#include "sql/name_lists.h"
#include "sql/postgres.h"

namespace pgmoat::sql {
namespace {

enum class Effect : std::uint8_t {
  none,
  sql_first,        // the argument is SQL
  sql_second,       // the one after it
  sql_third,        //
  sql_last,         // the last that is no flag
  sql_all,          // every text
  rewrite,          // ts_rewrite: with two arguments the second is SQL
  connectby,        // names pasted into SQL
  xpath_table,      // the same
  table_first,      // names a table
  table_rows,       // the same, and shows what is in it
  table_privilege,  // names one, after a role where there are three
  all_tables,       // reads every table, or every one of a schema
  schema_tables,
  set_config,
};

struct Row {
  std::string_view name;
  Effect effect;
};
using enum Effect;

constexpr auto kEffects = std::to_array<Row>({
    {"alter_job", sql_third},
    {"bt_index_check", table_first},
    {"bt_index_parent_check", table_first},
    {"connectby", connectby},
    {"crosstab", sql_all},
    {"crosstab2", sql_all},
    {"crosstab3", sql_all},
    {"crosstab4", sql_all},
    {"crosstabn", sql_all},
    {"currval", table_first},
    {"database_to_xml", all_tables},
    {"database_to_xml_and_xmlschema", all_tables},
    {"database_to_xmlschema", all_tables},
    {"dblink", sql_last},
    {"dblink_exec", sql_last},
    {"dblink_open", sql_last},
    {"dblink_send_query", sql_last},
    {"get_raw_page", table_first},
    {"has_any_column_privilege", table_privilege},
    {"has_sequence_privilege", table_privilege},
    {"has_table_privilege", table_privilege},
    {"nextval", table_first},
    {"pg_background_launch", sql_first},
    {"pg_freespace", table_first},
    {"pg_get_serial_sequence", table_first},
    {"pg_get_viewdef", table_first},
    {"pg_indexes_size", table_first},
    {"pg_prewarm", table_first},
    {"pg_relation_filepath", table_first},
    {"pg_relation_size", table_first},
    {"pg_sequence_last_value", table_first},
    {"pg_table_size", table_first},
    {"pg_total_relation_size", table_first},
    {"pg_visibility", table_first},
    {"pg_visibility_map", table_first},
    {"pgrowlocks", table_first},
    {"pgstatindex", table_first},
    {"pgstattuple", table_first},
    {"pgstattuple_approx", table_first},
    {"query_to_xml", sql_first},
    {"query_to_xml_and_xmlschema", sql_first},
    {"query_to_xmlschema", sql_first},
    {"regclass", table_first},
    {"run_command_on_all_nodes", sql_first},
    {"run_command_on_placements", sql_second},
    {"run_command_on_shards", sql_second},
    {"run_command_on_workers", sql_first},
    {"schedule", sql_last},
    {"schedule_in_database", sql_third},
    {"schema_to_xml", schema_tables},
    {"schema_to_xml_and_xmlschema", schema_tables},
    {"schema_to_xmlschema", schema_tables},
    {"set_config", set_config},
    {"setval", table_first},
    {"table_to_xml", table_rows},
    {"table_to_xml_and_xmlschema", table_rows},
    {"table_to_xmlschema", table_rows},
    {"to_regclass", table_first},
    {"ts_rewrite", rewrite},
    {"ts_stat", sql_first},
    {"verify_heapam", table_first},
    {"xpath_table", xpath_table},
});
static_assert(std::is_sorted(kEffects.begin(), kEffects.end(),
                             [](const Row& a, const Row& b) { return a.name < b.name; }));

Effect effect_of(std::string_view schema, std::string_view name) {
  const auto row = std::lower_bound(kEffects.begin(), kEffects.end(), name,
                                    [](const Row& a, std::string_view b) { return a.name < b; });
  if (row == kEffects.end() || row->name != name) return none;
  const bool of_cron = name == "schedule" || name == "schedule_in_database" || name == "alter_job";
  return of_cron && schema != "cron" ? none : row->effect;
}

bool is_flag(const void* node) {
  while (is(node, T_TypeCast)) node = as<TypeCast>(node)->arg;
  return is(node, T_A_Const) && as<A_Const>(node)->val.node.type == T_Boolean;
}

// The argument of that name, or else the one in that place.
const void* argument_of(const Elements& arguments, std::size_t place, std::string_view name) {
  for (const void* argument : arguments) {
    if (is(argument, T_NamedArgExpr) && as<NamedArgExpr>(argument)->name == name) {
      return as<NamedArgExpr>(argument)->arg;
    }
  }
  if (place >= arguments.size() || is(arguments.first[place], T_NamedArgExpr)) return nullptr;
  return arguments.first[place];
}

bool is_integer(const void* node) {
  return is(node, T_A_Const) && as<A_Const>(node)->val.node.type == T_Integer;
}

// Those that have one stand behind those that have none.
bool has_names(const Elements& arguments) {
  return arguments.size() != 0 && is(arguments.first[arguments.size() - 1], T_NamedArgExpr);
}

// What a function runs, reads or dumps. Names come in any order, so where there are any, it is the
// argument that has one of those which the server's functions and the common extensions have for
// it; else the one in that place. Null: not known.
const void* operand_of(const Elements& arguments, std::size_t place) {
  if (has_names(arguments)) {
    for (const char* name :
         {"query", "sql", "command", "tbl", "schema", "relation", "relname", "index"}) {
      if (const void* argument = argument_of(arguments, arguments.size(), name)) return argument;
    }
  }
  return argument_of(arguments, place, "");
}

const void* last_text(const Elements& arguments) {
  if (has_names(arguments)) return operand_of(arguments, arguments.size());
  for (std::size_t i = arguments.size(); i-- > 0;) {
    if (!is_flag(arguments.first[i])) return arguments.first[i];
  }
  return nullptr;
}

}  // namespace

// `name` was kept; the call itself is in the facts already.
void Extractor::note_call(std::string_view schema, std::string_view name, const void* list,
                          const Scope& scope) {
  facts().signs |= call_signs(schema, name, list);
  const Effect effect = effect_of(schema, name);
  if (effect == none) return;
  const Elements arguments = elements_of(list);
  const auto at = [&](std::size_t place) { return operand_of(arguments, place); };
  switch (effect) {
    case none: return;
    case sql_first: return add_inner_sql(at(0), scope);
    case sql_second: return add_inner_sql(at(1), scope);
    case sql_third: return add_inner_sql(at(2), scope);
    case sql_last: return add_inner_sql(last_text(arguments), scope);
    case sql_all:
      for (const void* argument : arguments) {
        if (!is_integer(argument)) add_inner_sql(argument, scope);
      }
      return;
    case rewrite:
      if (arguments.size() == 2) add_inner_sql(at(1), scope);
      return;
    case connectby: {
      // (table, key, parent [, order by], start, depth [, delimiter]): of six, the depth tells.
      const bool ordered = arguments.size() > 6 || (arguments.size() == 6 && !is_integer(at(4)));
      if (ordered) add_pasted_sql(at(3), nullptr, at(0), nullptr, scope);
      return add_pasted_sql(at(1), at(2), at(0), nullptr, scope);
    }
    case xpath_table: return add_pasted_sql(at(0), at(1), at(2), at(4), scope);
    case table_first: return add_relation_literal(at(0), scope);
    case table_rows: return add_table_rows(at(0), scope);
    case table_privilege: return add_relation_literal(at(arguments.size() > 2 ? 1 : 0), scope);
    case all_tables: return add_whole_schema({}, scope);
    case schema_tables: return add_whole_schema(at(0), scope);
    case set_config: return note_set_config(list, scope);
  }
}

// (x).f: a call with the one argument.
void Extractor::note_notation(std::string_view name, const void* argument, const Scope& scope) {
  switch (effect_of({}, name)) {
    case sql_first:
    case sql_last:
    case sql_all: return add_inner_sql(argument, scope);
    case table_first: return add_relation_literal(argument, scope);
    case table_rows: return add_table_rows(argument, scope);
    case schema_tables: return add_whole_schema(argument, scope);
    default: return;
  }
}

// A function that an operator, a cast or an aggregate will call, with what nobody sees here.
void Extractor::note_defined(std::string_view name, const Scope& scope) {
  switch (effect_of({}, name)) {
    case sql_first:
    case sql_second:
    case sql_third:
    case sql_last:
    case sql_all:
    case rewrite:
    case connectby:
    case xpath_table: facts().dynamic_sql = true; return;
    case all_tables:
    case schema_tables: return add_whole_schema(nullptr, scope);
    case set_config: return add_setting({.constant = false, .nested = scope.nested});
    default: return;
  }
}

void Extractor::add_inner_sql(const void* argument, const Scope& scope) {
  const auto text = exact_text(argument, draft_.arena);
  if (!text) {
    facts().dynamic_sql = true;
    return;
  }
  add_inner({.inert = scope.inert, .later = scope.later, .text = draft_.arena.keep(*text)});
}

// What tablefunc and xml2 do with their arguments: they paste them together.
void Extractor::add_pasted_sql(const void* first, const void* second, const void* relation,
                               const void* condition, const Scope& scope) {
  std::string_view sql = "SELECT ";
  const std::pair<std::string_view, const void*> parts[] = {
      {"", first}, {", ", second}, {" FROM ", relation}, {" WHERE ", condition}};
  for (const auto& [word, argument] : parts) {
    if (!argument) continue;
    const auto text = exact_text(argument, draft_.arena);
    if (!text) {
      facts().dynamic_sql = true;
      return;
    }
    sql = draft_.arena.join(sql, word, *text);
  }
  add_inner({.inert = scope.inert, .later = scope.later, .text = sql});
}

void Extractor::add_relation_literal(const void* argument, const Scope& scope) {
  if (is(argument, T_NamedArgExpr)) argument = as<NamedArgExpr>(argument)->arg;
  const auto text = constant_text(argument, draft_.arena);
  if (!text) return;  // an OID, or a column that holds names
  const auto parts = split_name(*text, draft_.arena);
  if (!parts) return;
  Relation& relation = draft_.relations.emplace_back();
  relation.catalog = parts->catalog;
  relation.schema = parts->schema;
  relation.name = parts->name;
  relation.via = Via::literal;
  relation.nested = scope.nested;
}

// Rows of a table that is given by its OID are those of any.
void Extractor::add_table_rows(const void* argument, const Scope& scope) {
  const void* value = is(argument, T_NamedArgExpr) ? as<NamedArgExpr>(argument)->arg : argument;
  // 'name'::regclass is that name.
  if (is(value, T_TypeCast) && name_in(as<TypeCast>(value)->typeName->names).name == "regclass") {
    value = as<TypeCast>(value)->arg;
  }
  const auto text = exact_text(value, draft_.arena);
  if (text && text->find_first_not_of("0123456789") != std::string_view::npos) {
    return add_relation_literal(argument, scope);
  }
  add_schema("*", Access::read, Via::literal, scope);
}

void Extractor::add_whole_schema(const void* argument, const Scope& scope) {
  if (!argument) return add_schema({}, Access::read, Via::literal, scope);
  const auto schema = exact_text(argument, draft_.arena);
  add_schema(schema ? draft_.arena.keep(*schema) : "*", Access::read, Via::literal, scope);
}

void Extractor::note_set_config(const void* list, const Scope& scope) {
  const Elements arguments = elements_of(list);
  const auto name = exact_text(argument_of(arguments, 0, "setting_name"), draft_.arena);
  const auto value = exact_text(argument_of(arguments, 1, "new_value"), draft_.arena);
  const auto local = exact_text(argument_of(arguments, 2, "is_local"), draft_.arena);
  Setting setting;
  if (name) setting.name = lower_case(*name, draft_.arena);
  if (value) setting.value = draft_.arena.keep(*value);
  setting.constant = name.has_value() && value.has_value();
  setting.scope = local == "true" || local == "t" ? Setting::Scope::local : Setting::Scope::session;
  setting.nested = scope.nested;
  add_setting(setting);
}

}  // namespace pgmoat::sql
