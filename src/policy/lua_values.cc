#include "policy/lua_values.h"

namespace pgmoat::policy {

using script::ObjectType;
using script::Push;

namespace {

// Fields of a value inside the facts.
template <class T, auto Member>
void inner_text(const void* self, Push& push) {
  push.text(static_cast<const T*>(self)->*Member);
}
template <class T, auto Member>
void inner_flag(const void* self, Push& push) {
  push.boolean(static_cast<const T*>(self)->*Member);
}
template <class T, auto Member>
void inner_name(const void* self, Push& push) {
  push.text(name_of(static_cast<const T*>(self)->*Member));
}

template <sql::Copy::Target Target>
void get_copy_file(const void* self, Push& push) {
  const auto& copy = *static_cast<const sql::Copy*>(self);
  copy.target == Target ? push.text(copy.file) : push.nil();
}

}  // namespace

const ObjectType& relation_type() {
  using R = sql::Relation;
  static const ObjectType type = {
      "relation",
      "pgmoat.Relation",
      {{"schema", "string", "\"\" where none is written.", inner_text<R, &R::schema>},
       {"name", "string", "The relation's name.", inner_text<R, &R::name>},
       {"qualified", "string", "\"schema.name\", or \"name\" where no schema is written.",
        inner_text<R, &R::qualified>},
       {"alias", "string", "What the statement calls it; \"\" where it has no alias.",
        inner_text<R, &R::alias>},
       {"access", "string",
        "\"read\", \"insert\", \"update\", \"delete\", \"define\", \"truncate\", \"lock\" or "
        "\"grant\".",
        inner_name<R, &R::access>},
       {"via", "string", "How it came into the statement: \"from\", \"target\", \"ddl\", ...",
        inner_name<R, &R::via>},
       {"nested", "boolean", "It is named in a body or in SQL given as text.",
        inner_flag<R, &R::nested>},
       {"resolved", "\"qualified\"|\"search_path\"",
        "Whether the schema is written, or depends on the search_path.",
        [](const void* self, Push& push) {
          push.text(static_cast<const R*>(self)->schema.empty() ? "search_path" : "qualified");
        }}},
      {},
      nullptr};
  return type;
}

const ObjectType& column_type() {
  using C = sql::Column;
  static const ObjectType type = {
      "column",
      "pgmoat.Column",
      {{"relation", "string", "The qualifier as written (o in o.id); \"\" where there is none.",
        inner_text<C, &C::relation>},
       {"name", "string", "The column's name; \"*\" of a star.", inner_text<C, &C::name>},
       {"clause", "string", "Where it stands: \"target\", \"where\", \"join\", \"order\", ...",
        inner_name<C, &C::clause>},
       {"where", "boolean", "It stands in a WHERE clause.",
        [](const void* self, Push& push) {
          push.boolean(static_cast<const C*>(self)->clause == sql::Clause::where);
        }}},
      {},
      nullptr};
  return type;
}

const ObjectType& argument_type() {
  using A = sql::Argument;
  static const ObjectType type = {
      "argument",
      "pgmoat.Argument",
      {{"constant", "boolean", "It is a literal, also behind casts.", inner_flag<A, &A::constant>},
       {"value", "string?", "Its text; nil where it is not constant.",
        [](const void* self, Push& push) {
          const A& argument = *static_cast<const A*>(self);
          argument.constant ? push.text(argument.value) : push.nil();
        }}},
      {},
      nullptr};
  return type;
}

const ObjectType& function_type() {
  using F = sql::Function;
  static const ObjectType type = {
      "function",
      "pgmoat.Function",
      {{"schema", "string", "\"\" where none is written.", inner_text<F, &F::schema>},
       {"name", "string", "The function's name.", inner_text<F, &F::name>},
       {"qualified", "string", "\"schema.name\", or \"name\".", inner_text<F, &F::qualified>},
       {"reach", "string", "\"call\", \"notation\", \"column\", \"operator\", \"cast\", ...",
        inner_name<F, &F::reach>},
       {"nested", "boolean", "It is named in a body or in SQL given as text.",
        inner_flag<F, &F::nested>},
       {"args", "pgmoat.Argument[]", "Its arguments, in order.",
        [](const void* self, Push& push) {
          push.list(self, static_cast<const F*>(self)->arguments.size(),
                    [](const void* of, std::size_t at, Push& to) {
                      to.object(argument_type(), &static_cast<const F*>(of)->arguments[at]);
                    });
        }}},
      {},
      nullptr};
  return type;
}

const ObjectType& literal_type() {
  using L = sql::Literal;
  static const ObjectType type = {
      "literal",
      "pgmoat.Literal",
      {{"value", "string", "Its text, without quotes.", inner_text<L, &L::value>},
       {"type", "string", "\"string\", \"integer\", \"float\", \"boolean\", \"bits\" or \"null\".",
        inner_name<L, &L::type>},
       {"clause", "string", "Where it stands.", inner_name<L, &L::clause>}},
      {},
      nullptr};
  return type;
}

const ObjectType& setting_type() {
  using S = sql::Setting;
  static const ObjectType type = {
      "setting",
      "pgmoat.Setting",
      {{"name", "string?", "Lower case; nil where it is not constant, \"all\" of RESET ALL.",
        [](const void* self, Push& push) {
          const std::string_view name = static_cast<const S*>(self)->name;
          name.empty() ? push.nil() : push.text(name);
        }},
       {"value", "string?", "nil where it is the default or not constant.",
        [](const void* self, Push& push) {
          const S& setting = *static_cast<const S*>(self);
          setting.constant && !setting.is_default ? push.text(setting.value) : push.nil();
        }},
       {"is_default", "boolean", "RESET, or TO DEFAULT.", inner_flag<S, &S::is_default>},
       {"scope", "string",
        "\"session\", \"local\", \"role\", \"database\", \"system\" or \"function\".",
        inner_name<S, &S::scope>},
       {"nested", "boolean", "It is changed in a body or in SQL given as text.",
        inner_flag<S, &S::nested>}},
      {},
      nullptr};
  return type;
}

const ObjectType& body_type() {
  using B = sql::Body;
  static const ObjectType type = {
      "body",
      "pgmoat.Body",
      {{"language", "string", "\"sql\", \"plpgsql\", ...", inner_text<B, &B::language>},
       {"readable", "boolean", "All of it could be read.", inner_flag<B, &B::readable>}},
      {},
      nullptr};
  return type;
}

const ObjectType& where_type() {
  using W = sql::Where;
  static const ObjectType type = {
      "where",
      "pgmoat.Where",
      {{"present", "boolean", "Every UPDATE and DELETE in the statement has a WHERE.",
        inner_flag<W, &W::present>},
       {"constant_true", "boolean", "The WHERE of some UPDATE or DELETE is always true.",
        inner_flag<W, &W::constant_true>},
       {"tautology", "boolean", "Some WHERE, HAVING or ON has an OR arm that is always true.",
        inner_flag<W, &W::tautology>}},
      {},
      nullptr};
  return type;
}

const ObjectType& limit_type() {
  using L = sql::Limit;
  static const ObjectType type = {
      "limit",
      "pgmoat.Limit",
      {{"kind", "\"none\"|\"literal\"|\"param\"|\"expr\"",
        "What LIMIT of the outermost SELECT is; LIMIT ALL is none.", inner_name<L, &L::kind>},
       {"value", "integer?", "Its value, where it is a literal.",
        [](const void* self, Push& push) {
          const L& limit = *static_cast<const L*>(self);
          limit.kind == sql::LimitKind::literal ? push.integer(limit.value) : push.nil();
        }}},
      {},
      nullptr};
  return type;
}

const ObjectType& copy_fact_type() {
  using C = sql::Copy;
  static const ObjectType type = {
      "copy",
      "pgmoat.CopyStatement",
      {{"target", "\"none\"|\"stdin\"|\"stdout\"|\"file\"|\"program\"",
        "Where COPY reads or writes; \"none\" where the statement is no COPY.",
        inner_name<C, &C::target>},
       {"direction", "\"from\"|\"to\"", "Into the table, or out of it.",
        [](const void* self, Push& push) {
          push.text(static_cast<const C*>(self)->from ? "from" : "to");
        }},
       {"program", "string?", "The program's command line; nil where there is none.",
        get_copy_file<C::Target::program>},
       {"filename", "string?", "The server's file; nil where there is none.",
        get_copy_file<C::Target::file>},
       {"format", "string", "\"text\", \"csv\" or \"binary\".", inner_text<C, &C::format>}},
      {},
      nullptr};
  return type;
}

}  // namespace pgmoat::policy
