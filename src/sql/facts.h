// What a statement does, as values: everything a rule may ask, nothing of PostgreSQL's tree. Facts
// are immutable, live in one block with the Analysis that made them, and are shared by all sessions
// of a worker. Names are as PostgreSQL compares them: folded, clipped at 63 bytes, UTF-8.
//
// What a nested text holds (a DO body, a function body, SQL given as a literal to query_to_xml,
// EXPLAIN, PREPARE, a view) is in the lists of the statement that holds it, marked `nested`. Inside a
// text of its own (a body, a literal) relations are `via` nested and nothing has a position.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace pgmoat::sql {

enum class Kind : std::uint8_t {
  select,
  insert,
  update,
  delete_,
  merge,
  copy,
  ddl,
  dcl,  // GRANT, REVOKE, roles, owners
  tcl,
  set,  // SET, RESET, DISCARD
  show,
  explain,
  call,
  do_,
  prepare,
  execute,  // EXECUTE, DEALLOCATE
  cursor,   // DECLARE, FETCH, MOVE, CLOSE
  listen,   // LISTEN, UNLISTEN, NOTIFY
  vacuum,   // VACUUM, ANALYZE, CLUSTER, REINDEX, CHECKPOINT
  other,
};
std::string_view name_of(Kind kind);  // "select", "delete", "do", ...

enum class Access : std::uint8_t { read, insert, update, delete_, define, truncate, lock, grant };
std::string_view name_of(Access access);

// How a relation came into the statement.
enum class Via : std::uint8_t { from, target, copy, ddl, literal, nested };
std::string_view name_of(Via via);

// Names that are CTEs where they stand are none. `name` is "*" for all of a schema (schema_to_xml, GRANT
// ON ALL TABLES), with `schema` "" for all of the database and "*" for one that is not constant.
// What is both inserted into and updated (ON CONFLICT DO UPDATE, MERGE) is here once for each.
struct Relation {
  std::string_view catalog, schema, name;  // catalog and schema "" where not written
  std::string_view alias;
  std::string_view qualified;  // "schema.name", or "name"
  Access access = Access::read;
  Via via = Via::from;
  bool nested = false;
  std::uint32_t position = 0;  // byte offset in the text; 0 where it has none there
};

enum class Clause : std::uint8_t {
  target,
  where,
  join,
  group,
  having,
  order,
  limit,
  set,
  insert,
  returning,
  other
};
std::string_view name_of(Clause clause);

struct Column {
  std::string_view relation;  // the qualifier as written ("o" in o.id), "" where none
  std::string_view name;      // "*" for a star
  Clause clause = Clause::other;
};

struct Argument {
  bool constant = false;   // a literal, also through casts and constant concatenation
  std::string_view value;  // its text, where constant
};

// How a function is reached. `notation` may also be a field of a composite value: the syntax does
// not tell ((x).f, t.f). Rules that deny match it; rules that merely count may skip it. `definition` is
// a function that DDL names (CREATE OPERATOR ... FUNCTION = f, GRANT ON FUNCTION f, LANGUAGE internal AS
// 'f'); `cast` and `op` are a type and an operator, whose functions only the catalogue knows: operators
// of pg_catalog are left out. CURRENT_USER and its kin, and XMLELEMENT and its, are calls.
enum class Reach : std::uint8_t { call, notation, column, op, cast, definition, method };
std::string_view name_of(Reach reach);

struct Function {
  std::string_view schema, name, qualified;
  std::span<const Argument> arguments;
  Reach reach = Reach::call;
  bool nested = false;
  std::uint32_t position = 0;
};

enum class LiteralType : std::uint8_t { string, integer, floating, boolean, bits, null };
std::string_view name_of(LiteralType type);

struct Literal {
  std::string_view value;
  LiteralType type = LiteralType::string;
  Clause clause = Clause::other;
  std::uint32_t position = 0;
};

// Of every UPDATE, DELETE and SELECT in the statement: `present` and `selective` hold only if they
// hold for each UPDATE and DELETE, CTEs and nested texts included.
struct Where {
  bool present = true;         // false: some UPDATE or DELETE has no WHERE
  bool constant_true = false;  // some UPDATE or DELETE has one that folds to true
  bool tautology = false;      // some WHERE, HAVING or ON has an OR arm that is always true
};

enum class LimitKind : std::uint8_t { none, literal, parameter, expression };
std::string_view name_of(LimitKind kind);

struct Limit {  // of the outermost SELECT; LIMIT ALL and LIMIT NULL are none
  LimitKind kind = LimitKind::none;
  std::int64_t value = 0;
};

// A setting that the statement changes: SET, SET LOCAL, RESET, set_config(), ALTER ROLE/DATABASE/
// SYSTEM/FUNCTION SET, SET TRANSACTION. A statement may change several. UPDATE pg_settings is one
// without a name; DISCARD ALL is "all" and "session_authorization".
struct Setting {
  enum class Scope : std::uint8_t { session, local, role, database, system, function };
  std::string_view
      name;  // lower case; "" where it is not constant (set_config(x, ...)); "all": RESET ALL
  std::string_view value;   // "" where default or not constant
  bool constant = true;     // value is known
  bool is_default = false;  // RESET, TO DEFAULT
  Scope scope = Scope::session;
  bool nested = false;
};
std::string_view name_of(Setting::Scope scope);

struct Copy {
  enum class Target : std::uint8_t { none, stdin_, stdout_, file, program };
  Target target = Target::none;
  std::string_view file;    // of file and program
  std::string_view format;  // "text", "csv", "binary"
  bool from = false;
};
std::string_view name_of(Copy::Target target);

// A statement inside the statement: in a body, in SQL given as text, in a CTE, in CREATE SCHEMA, below
// EXPLAIN, PREPARE, a rule. SELECT is left out: every expression of PL/pgSQL is one.
struct NestedCommand {
  std::string_view command;
  Kind kind = Kind::other;
  bool later = false;  // only defined here, and carried out another day: a function's body, a rule
};

// A body in another language: DO, CREATE FUNCTION, CREATE PROCEDURE.
struct Body {
  std::string_view language;  // "sql", "plpgsql", ...
  bool readable = false;      // parsed to the last statement; false: other language, or refused
  std::uint64_t hash = 0;     // of its bytes
};

// Structural marks of injected SQL, for the `injection` pack. Bits of Facts::signs.
enum Sign : std::uint32_t {
  kTautology = 1u << 0,          // OR arm constantly true, or comparing an expression with itself
  kUnionConstants = 1u << 1,     // UNION arm that selects only constants and NULLs
  kUnionCatalog = 1u << 2,       // UNION arm that reads a system catalogue the first arm does not
  kCastOfSubquery = 1u << 3,     // numeric cast or arithmetic on a scalar sub-select
  kCharacterProbe = 1u << 4,     // substr/ascii/get_byte/left/length... over a scalar sub-select
  kDelay = 1u << 5,              // pg_sleep and kin, huge generate_series, in any expression
  kBuiltString = 1u << 6,        // strings built from chr() or decode()/convert_from() of constants
  kTrailingComment = 1u << 7,    // a line comment ends the text right after code, quote inside it
  kStacked = 1u << 8,            // more than one statement in the text
  kConstantCondition = 1u << 9,  // AND/WHERE arm that compares two constants (1=2)
  kForeignFunction = 1u << 10,  // a function of another product (sleep, benchmark, extractvalue...)
  kErrorProvoking = 1u << 11,   // division by constant zero or CASE, xml functions over sub-selects
  kOrderProbe = 1u << 12,       // ORDER BY of a sub-select or CASE
  kSubqueryInValues = 1u << 13,  // scalar sub-select over a catalogue inside VALUES or SET
  kEmptyComment = 1u << 14,      // comments used as separators: /**/ between code tokens
};

struct Facts {
  Kind kind = Kind::other;
  std::string_view command;    // the command tag PostgreSQL would use: "CREATE TABLE", "SELECT"
  std::string_view text;       // of this statement, in Analysis::text()
  std::uint32_t position = 0;  // of it in the text
  bool writes = false;  // changes data, schema, roles or stored settings, or calls what may (CALL,
      // DO); also what PREPARE prepares, and COPY to a file or a program. Not: SET,
      // locks, VACUUM, and what a function does (nextval, lo_unlink)
  std::span<const Relation> relations;
  std::span<const Column> columns;
  std::span<const Function> functions;
  std::span<const Literal> literals;
  std::span<const Setting> settings;
  std::span<const std::string_view> roles;    // named by SET ROLE, GRANT, ALTER ROLE, OWNER TO, ...
  std::span<const std::string_view> clauses;  // "superuser", "disable trigger"; see clauses.h
  std::span<const Body> bodies;
  std::span<const NestedCommand> nested_commands;  // each command once
  std::span<const std::string_view>
      object_names;  // what DDL creates, alters, drops and is no relation
  std::span<const std::string_view> extensions;  // CREATE/ALTER EXTENSION, LOAD
  Where where;
  Limit limit;
  Copy copy;
  std::string_view prepared;  // PREPARE, EXECUTE, DEALLOCATE x: the name; "" with ALL
  std::string_view cursor;    // DECLARE, FETCH, CLOSE: the name
  std::string_view channel;   // LISTEN, NOTIFY
  bool dynamic_sql = false;  // runs text that is not constant: EXECUTE in PL/pgSQL, query_to_xml(x)
  // depth: of SELECTs in the statement, 0 without a sub-select. joins: JOINs, and commas in FROM.
  bool security_definer = false;
  bool star = false, returning = false, locking = false;
  bool transaction_read_write = false;  // BEGIN/SET TRANSACTION READ WRITE
  std::uint16_t joins = 0, depth = 0, ctes = 0, set_operations = 0, parameters = 0;
  std::uint32_t signs = 0;
  std::uint64_t fingerprint = 0;  // libpg_query's; 0 until fingerprint_of() is asked, it costs
  std::uint64_t structure = 0;    // our structural hash, see structure.h
};

}  // namespace pgmoat::sql
