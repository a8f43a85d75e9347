// q: the statement as Lua sees it.
#include "policy/lua_objects.h"
#include "policy/lua_values.h"
#include "policy/matchers.h"

namespace pgmoat::policy {

namespace {

using script::ObjectType;
using script::Push;

const StatementObject& statement(const void* self) {
  return *static_cast<const StatementObject*>(self);
}
const Question& question(const void* self) { return *statement(self).question; }
// Where there is no statement (a text that could not be read), all its facts are at their defaults.
const sql::Facts& facts(const void* self) {
  static const sql::Facts kNone;
  const sql::Facts* known = question(self).statement;
  return known == nullptr ? kNone : *known;
}

template <auto Member>
void get_text(const void* self, Push& push) {
  push.text(facts(self).*Member);
}
template <auto Member>
void get_text_or_nil(const void* self, Push& push) {
  const std::string_view text = facts(self).*Member;
  text.empty() ? push.nil() : push.text(text);
}
template <auto Member>
void get_flag(const void* self, Push& push) {
  push.boolean(facts(self).*Member);
}
template <auto Member>
void get_count(const void* self, Push& push) {
  push.integer(facts(self).*Member);
}
template <auto Member>
void get_texts(const void* self, Push& push) {
  push.list(self, (facts(self).*Member).size(),
            [](const void* of, std::size_t at, Push& to) { to.text((facts(of).*Member)[at]); });
}

template <auto Member, const ObjectType& (*Type)()>
void get_list(const void* self, Push& push) {
  push.list(self, (facts(self).*Member).size(), [](const void* of, std::size_t at, Push& to) {
    to.object(Type(), &(facts(of).*Member)[at]);
  });
}

const ObjectType& parameter_count_type() {
  static const ObjectType type = {
      "params",
      "pgmoat.ParameterCount",
      {{"count", "integer", "The highest $n.",
        [](const void* self, Push& push) {
          push.integer(static_cast<const sql::Facts*>(self)->parameters);
        }}},
      {},
      nullptr};
  return type;
}

const ObjectType& trace_type() {
  static const ObjectType type = {
      "trace",
      "pgmoat.Trace",
      {{"traceparent", "string?", "Of a sqlcommenter comment; nil where there is none.",
        [](const void* self, Push& push) {
          const std::string_view parent = question(self).traceparent;
          parent.empty() ? push.nil() : push.text(parent);
        }}},
      {},
      nullptr};
  return type;
}

// 16 hexadecimal digits, in the object's own memory: nothing is allocated while Lua may raise.
void push_hexadecimal(const void* self, std::uint64_t value, Push& push) {
  char* out = statement(self).hexadecimal;
  for (int digit = 15; digit >= 0; --digit, value >>= 4)
    out[digit] = "0123456789abcdef"[value & 15];
  push.text({out, 16});
}

void get_fingerprint(const void* self, Push& push) {
  const sql::Facts& known = facts(self);
  push_hexadecimal(
      self, known.fingerprint != 0 ? known.fingerprint : sql::fingerprint_of(known.text), push);
}
void get_structure(const void* self, Push& push) {
  push_hexadecimal(self, facts(self).structure, push);
}
void get_normalized(const void* self, Push& push) {
  const StatementObject& object = statement(self);
  if (!object.has_normalized) object.normalized = sql::normalized(facts(self).text);
  object.has_normalized = true;
  push.text(object.normalized);
}

void get_comments(const void* self, Push& push) {
  push.list(self, question(self).comments.size(),
            [](const void* of, std::size_t at, Push& to) { to.text(question(of).comments[at]); });
}

template <auto Member, const ObjectType& (*Type)()>
void get_object(const void* self, Push& push) {
  push.object(Type(), &(facts(self).*Member));
}

void get_protocol(const void* self, Push& push) { push.text(name_of(question(self).protocol)); }
void get_parsed(const void* self, Push& push) {
  push.boolean(question(self).opacity == sql::Opacity::none);
}
void get_opaque(const void* self, Push& push) {
  const sql::Opacity opacity = question(self).opacity;
  opacity == sql::Opacity::none ? push.nil() : push.text(name_of(opacity));
}
void get_kind(const void* self, Push& push) { push.text(name_of(facts(self).kind)); }
void get_length(const void* self, Push& push) {
  push.integer(static_cast<std::int64_t>(facts(self).text.size()));
}
void get_index(const void* self, Push& push) { push.integer(question(self).index); }
void get_number(const void* self, Push& push) { push.integer(question(self).count); }
void get_params(const void* self, Push& push) { push.object(parameter_count_type(), &facts(self)); }
void get_trace(const void* self, Push& push) { push.object(trace_type(), self); }

void call_sign(const void* self, const std::vector<std::string_view>& names, Push& push) {
  push.boolean(!names.empty() && (facts(self).signs & sign_bit(names.front())) != 0);
}

std::vector<script::Field> statement_fields() {
  using F = sql::Facts;
  return {
      {"text", "string", "This statement, as it was sent.", get_text<&F::text>},
      {"length", "integer", "Its bytes.", get_length},
      {"kind", "string", "\"select\", \"insert\", \"update\", \"delete\", \"ddl\", \"set\", ...",
       get_kind},
      {"command", "string", "PostgreSQL's command tag: \"CREATE TABLE\".", get_text<&F::command>},
      {"writes", "boolean", "It changes data, schema, roles or settings.", get_flag<&F::writes>},
      {"fingerprint", "string",
       "libpg_query's, 16 hexadecimal digits; it erases constants, so it allows nothing.",
       get_fingerprint},
      {"structure", "string", "pgmoat's structural hash, 16 hexadecimal digits.", get_structure},
      {"normalized", "string", "The text with $n for constants.", get_normalized},
      {"index", "integer", "Which statement of the text it is, from 1.", get_index},
      {"count", "integer", "How many statements the text has.", get_number},
      {"protocol", "\"simple\"|\"extended\"", "How the text was sent.", get_protocol},
      {"prepared", "string?", "The name in PREPARE, EXECUTE, DEALLOCATE.",
       get_text_or_nil<&F::prepared>},
      {"cursor", "string?", "The name in DECLARE, FETCH, CLOSE.", get_text_or_nil<&F::cursor>},
      {"channel", "string?", "The channel of LISTEN, NOTIFY.", get_text_or_nil<&F::channel>},
      {"parsed", "boolean", "The text could be read; else facts may be missing.", get_parsed},
      {"opaque", "string?", "Why it could not be read: \"unparsable\", \"nesting\", ...",
       get_opaque},
      {"relations", "pgmoat.Relation[]", "Every relation named; names of CTEs are not.",
       get_list<&F::relations, relation_type>},
      {"columns", "pgmoat.Column[]", "Every column reference.", get_list<&F::columns, column_type>},
      {"functions", "pgmoat.Function[]", "Every function that is or may be called.",
       get_list<&F::functions, function_type>},
      {"literals", "pgmoat.Literal[]", "Every constant.", get_list<&F::literals, literal_type>},
      {"set", "pgmoat.Setting[]", "Every setting that it changes.",
       get_list<&F::settings, setting_type>},
      {"roles", "string[]", "Roles that SET ROLE, GRANT, ALTER ROLE, OWNER TO, ... name.",
       get_texts<&F::roles>},
      {"clauses", "string[]",
       "Clauses of CREATE and ALTER ROLE (\"superuser\") and of ALTER TABLE (\"drop column\").",
       get_texts<&F::clauses>},
      {"bodies", "pgmoat.Body[]", "Bodies of DO, CREATE FUNCTION, CREATE PROCEDURE.",
       get_list<&F::bodies, body_type>},
      {"object_names", "string[]", "What DDL names that is no relation.",
       get_texts<&F::object_names>},
      {"extensions", "string[]", "Extensions and libraries named.", get_texts<&F::extensions>},
      {"where", "pgmoat.Where", "About the WHERE clauses.", get_object<&F::where, where_type>},
      {"limit", "pgmoat.Limit", "About LIMIT.", get_object<&F::limit, limit_type>},
      {"copy", "pgmoat.CopyStatement", "About COPY.", get_object<&F::copy, copy_fact_type>},
      {"params", "pgmoat.ParameterCount", "About its parameters.", get_params},
      {"dynamic_sql", "boolean", "It runs SQL that is not constant.", get_flag<&F::dynamic_sql>},
      {"security_definer", "boolean", "It makes a function SECURITY DEFINER.",
       get_flag<&F::security_definer>},
      {"star", "boolean", "It selects *.", get_flag<&F::star>},
      {"returning", "boolean", "It has RETURNING.", get_flag<&F::returning>},
      {"locking", "boolean", "It has FOR UPDATE or kin.", get_flag<&F::locking>},
      {"joins", "integer", "Joins in it.", get_count<&F::joins>},
      {"depth", "integer", "How deep sub-selects are nested.", get_count<&F::depth>},
      {"ctes", "integer", "WITH queries in it.", get_count<&F::ctes>},
      {"set_ops", "integer", "UNION, INTERSECT and EXCEPT in it.", get_count<&F::set_operations>},
      {"comments", "string[]", "Comments of the text, with their marks.", get_comments},
      {"trace", "pgmoat.Trace", "What sqlcommenter left in comments.", get_trace},
  };
}

}  // namespace

const ObjectType& statement_type() {
  static const ObjectType type = {
      "statement",
      "pgmoat.Statement",
      statement_fields(),
      {{"sign", "fun(self: pgmoat.Statement, name: string): boolean",
        "Whether it bears this mark of injected SQL: \"tautology\", \"union_catalog\", ...",
        call_sign}},
      nullptr};
  return type;
}

std::vector<const ObjectType*> statement_types() {
  return {&statement_type(), &relation_type(), &column_type(),    &function_type(),
          &argument_type(),  &literal_type(),  &setting_type(),   &body_type(),
          &where_type(),     &limit_type(),    &copy_fact_type(), &parameter_count_type(),
          &trace_type()};
}

}  // namespace pgmoat::policy
