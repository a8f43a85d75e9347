// Tables of statements and the facts they must have, in the words of describe.h.
#include <gtest/gtest.h>

#include "describe.h"

namespace pgmoat::sql {
namespace {

struct Row {
  const char *sql, *facts;
};

void check(std::initializer_list<Row> rows) {
  for (const auto& [sql, facts] : rows) EXPECT_EQ(describe(*read(sql)), facts) << sql;
}

TEST(Facts, OfQueries) {
  check({
      {"select 1", "select SELECT | lit '1' integer target"},
      {"select a, t.b, s.t.c, f(a, 'x'||'y') from public.t as x join u using (id) where a = 1 "
       "and b in (select c from v) order by 1 limit 10",
       "select SELECT | rel public.t as x read from | rel u read from | rel v read from | col "
       "a target | col t.b target | col t.c target | col a target | col id join | col a where "
       "| col b where | col c target | fn b column | fn c column | fn f(?, 'xy') call | lit "
       "'x' string target | lit 'y' string target | lit '1' integer where | lit '1' integer "
       "order | lit '10' integer limit | limit literal 10 | joins 1 | depth 1"},
      {"select * from a, b left join c on a.x = c.x limit all",
       "select SELECT | rel a read from | rel b read from | rel c read from | col * target | "
       "col a.x join | col c.x join | fn x column | fn x column | lit '' null limit | joins 2 "
       "| star"},
      {"select a from t group by b having count(*) > 1 limit $2 offset 3",
       "select SELECT | rel t read from | col a target | col b group | fn count call | lit "
       "'1' integer having | lit '3' integer limit | limit param 0 | params 2"},
      {"select a from t limit 1 + 1",
       "select SELECT | rel t read from | col a target | lit '1' integer limit | lit '1' "
       "integer limit | limit expr 0"},
      {"select a from t limit 5::bigint for update of t",
       "select SELECT | rel t read from | col a target | fn pg_catalog.int8('5') cast | lit "
       "'5' integer limit | limit literal 5 | locking"},
      {"table t", "select SELECT | rel t read from | col * target | star"},
      {"values (1, 'a'), (2, null)",
       "select SELECT | lit '1' integer target | lit 'a' string target | lit '2' integer "
       "target | lit '' null target"},
      {"select exists(select * from t)",
       "select SELECT | rel t read from | col * target | depth 1"},
      {R"(select t.*, 1.5, b'101', true, -7, 3000000000 from "Quoted"."T x" t)",
       "select SELECT | rel Quoted.T x as t read from | col t.* target | lit '1.5' float "
       "target | lit 'b101' bits target | lit 'true' boolean target | lit '-7' integer target "
       "| lit '3000000000' float target | star"},
      {"select a union select b intersect select c",
       "select SELECT | col a target | col b target | col c target | setops 2"},
      {"select count(distinct a) filter (where b > 1) over (partition by c order by d) from t",
       "select SELECT | rel t read from | col a target | col b target | col c target | col d "
       "target | fn count(?) call | lit '1' integer target"},
      {"select current_user, xmlelement(name x, y), a operator(public.###) b, a ### ANY "
       "(select 1)",
       "select SELECT | col y target | col a target | col b target | col a target | fn "
       "current_user call | fn xmlelement call | fn public.### operator | fn ### operator | "
       "lit '1' integer target | depth 1"},
      {"select * from t tablesample public.mine (10)",
       "select SELECT | rel t read from | col * target | fn public.mine method | lit '10' "
       "integer other | star"},
      {"select cat.sch.t.a from cat.sch.t",
       "select SELECT | rel cat.sch.t read from | col t.a target | fn a column"},
  });
}

TEST(Facts, OfCtes) {
  check({
      {"with x as (select 1) select * from x, public.x",
       "select SELECT | rel public.x read from | col * target | lit '1' integer target | "
       "joins 1 | depth 1 | ctes 1 | star"},
      {"with x as (select * from x) select * from x",
       "select SELECT | rel x read from | col * target | col * target | depth 1 | ctes 1 | "
       "star"},
      {"with recursive x as (select 1 union all select a from x) select * from x",
       "select SELECT | col a target | col * target | lit '1' integer target | depth 1 | ctes "
       "1 | setops 1 | star"},
      {"with users as (select 1) delete from users",
       "delete DELETE | rel users delete target | lit '1' integer target | no-where | depth 1 "
       "| ctes 1 | writes"},
      {"with a as (select * from b), b as (select * from a) select * from b",
       "select SELECT | rel b read from | col * target | col * target | col * target | depth "
       "1 | ctes 2 | star"},
      {"select * from (with x as (select * from y) select * from x) s, x",
       "select SELECT | rel y read from | rel x read from | col * target | col * target | col "
       "* target | joins 1 | depth 2 | ctes 1 | star"},
      {"with x as (delete from z where true returning *) insert into t select * from x",
       "insert INSERT | rel z delete target | rel t insert target | col * returning | col * "
       "target | lit 'true' boolean where | where-true | ctes 1 | writes | star | returning"},
      {"with x as (select 1) select * into x from x",
       "select SELECT | rel x define target | col * target | lit '1' integer target | depth 1 "
       "| ctes 1 | writes | star"},
      {"with x as (select 1) update t set a = (select 1 from x) from x where t.id = x.id",
       "update UPDATE | rel t update target | col a set | col t.id where | col x.id where | "
       "fn id column | fn id column | lit '1' integer target | lit '1' integer target | depth "
       "1 | ctes 1 | writes"},
  });
}

TEST(Facts, OfWrites) {
  check({
      {"insert into s.t (a, b[f(1)]) values (1, default) on conflict (a) do update set b = "
       "excluded.b returning *",
       "insert INSERT | rel s.t insert target | rel s.t update target | col a insert | col b "
       "insert | col b set | col excluded.b set | col * returning | fn f('1') call | fn b "
       "column | lit '1' integer insert | lit '1' integer insert | writes | star | returning"},
      {"insert into t default values", "insert INSERT | rel t insert target | writes"},
      {"update t set a = 1, (b, c) = (select x, y from u) from v where t.id = v.id returning a",
       "update UPDATE | rel t update target | rel u read from | rel v read from | col a set | "
       "col b set | col c set | col x target | col y target | col t.id where | col v.id where "
       "| col a returning | fn id column | fn id column | lit '1' integer set | depth 1 | "
       "writes | returning"},
      {"delete from t using u where t.id = u.id",
       "delete DELETE | rel t delete target | rel u read from | col t.id where | col u.id "
       "where | fn id column | fn id column | writes"},
      {"merge into t using s on t.id = s.id when matched then update set a = 1 when not "
       "matched then insert (x) values (f())",
       "merge MERGE | rel t insert target | rel t update target | rel s read from | col a set "
       "| col x insert | col t.id join | col s.id join | fn id column | fn id column | fn f "
       "call | lit '1' integer set | writes"},
      {"merge into t using s on true when not matched then do nothing",
       "merge MERGE | rel t update target | rel s read from | lit 'true' boolean join | writes"},
      {"truncate a, b", "ddl TRUNCATE TABLE | rel a truncate ddl | rel b truncate ddl | writes"},
      {"select nextval('s.q'), setval('q', 1), lo_unlink(7)",
       "select SELECT | rel s.q read literal | rel q read literal | fn nextval('s.q') call | "
       "fn setval('q', '1') call | fn lo_unlink('7') call | lit 's.q' string target | lit 'q' "
       "string target | lit '1' integer target | lit '7' integer target"},
      {"select * into u from t",
       "select SELECT | rel u define target | rel t read from | col * target | writes | star"},
      {"create table u as select * from t",
       "ddl CREATE TABLE AS | rel u define ddl | rel t read from | col * target | writes | "
       "star"},
      {"explain delete from t", "explain EXPLAIN | rel t delete target nested | no-where"},
      {"explain analyze delete from t",
       "explain EXPLAIN | rel t delete target nested | no-where | writes"},
      {"explain (analyze false) delete from t",
       "explain EXPLAIN | rel t delete target nested | no-where"},
      {"explain (analyze, verbose) delete from t",
       "explain EXPLAIN | rel t delete target nested | no-where | writes"},
      {"prepare p(int) as delete from t where a = $1",
       "prepare PREPARE | rel t delete target nested | col a where | prepared p | params 1 | "
       "writes"},
      {"declare c cursor for select * from t",
       "cursor DECLARE CURSOR | rel t read from nested | col * target | cursor c | star"},
      {"lock table t in share mode", "other LOCK TABLE | rel t lock ddl"},
      {"call p(1)", "call CALL | fn p('1') call | lit '1' integer other | writes"},
      {"vacuum t", "vacuum VACUUM | rel t lock ddl"},
      {"refresh materialized view v", "ddl REFRESH MATERIALIZED VIEW | rel v define ddl | writes"},
  });
}

TEST(Facts, OfWhere) {
  check({
      {"update t set a = 1",
       "update UPDATE | rel t update target | col a set | lit '1' integer set | no-where | "
       "writes"},
      {"delete from t where true",
       "delete DELETE | rel t delete target | lit 'true' boolean where | where-true | writes"},
      {"delete from t where 1 = 1 and id = 5",
       "delete DELETE | rel t delete target | col id where | lit '1' integer where | lit '1' "
       "integer where | lit '5' integer where | writes"},
      {"delete from t where id = 5 or 2 > 1",
       "delete DELETE | rel t delete target | col id where | lit '5' integer where | lit '2' "
       "integer where | lit '1' integer where | where-true | tautology | writes"},
      {"delete from t where id = id",
       "delete DELETE | rel t delete target | col id where | col id where | where-true | "
       "writes"},
      {"delete from t where name like '%'",
       "delete DELETE | rel t delete target | col name where | lit '%' string where | "
       "where-true | writes"},
      {"delete from t where id is null or id is not null",
       "delete DELETE | rel t delete target | col id where | col id where | where-true | "
       "tautology | writes"},
      {"delete from t where not (id = 5 and false)",
       "delete DELETE | rel t delete target | col id where | lit '5' integer where | lit "
       "'false' boolean where | where-true | tautology | writes"},
      {"delete from t where current of c", "delete DELETE | rel t delete target | writes"},
      {"delete from t where id = 5; delete from t",
       "delete DELETE | rel t delete target | col id where | lit '5' integer where | writes ; "
       "delete DELETE | rel t delete target | no-where | writes"},
      {"with x as (delete from a returning 1) delete from b where id = 1",
       "delete DELETE | rel a delete target | rel b delete target | col id where | lit '1' "
       "integer returning | lit '1' integer where | no-where | ctes 1 | writes | returning"},
      {"select 1 from t where a = 1 or 'x' = 'x'",
       "select SELECT | rel t read from | col a where | lit '1' integer target | lit '1' "
       "integer where | lit 'x' string where | lit 'x' string where | tautology"},
      {"select 1 from t join u on t.id = u.id or true",
       "select SELECT | rel t read from | rel u read from | col t.id join | col u.id join | "
       "fn id column | fn id column | lit '1' integer target | lit 'true' boolean join | "
       "tautology | joins 1"},
      {"delete from t where exists (select 1)",
       "delete DELETE | rel t delete target | lit '1' integer target | where-true | depth 1 | "
       "writes"},
      {"delete from t where exists (select 1 from u)",
       "delete DELETE | rel t delete target | rel u read from | lit '1' integer target | "
       "depth 1 | writes"},
      {"delete from t where a = $1 or $1 is null",
       "delete DELETE | rel t delete target | col a where | params 1 | writes"},
      {"delete from t where null",
       "delete DELETE | rel t delete target | lit '' null where | writes"},
      {"delete from t where id in (1, 2) or 3 not in (1, 2)",
       "delete DELETE | rel t delete target | col id where | lit '1' integer where | lit '2' "
       "integer where | lit '3' integer where | lit '1' integer where | lit '2' integer where "
       "| where-true | tautology | writes"},
  });
}

TEST(Facts, OfCopying) {
  check({
      {"copy t (a, b) from stdin",
       "copy COPY | rel t insert copy | col a insert | col b insert | copy from stdin text | "
       "writes"},
      {"copy t to stdout with (format binary)",
       "copy COPY | rel t read copy | copy to stdout binary"},
      // The grammar takes them, the server does not.
      {"copy t to stdout (format)", "copy COPY | rel t read copy | copy to stdout text"},
      {"copy t to stdout (format 1)", "copy COPY | rel t read copy | copy to stdout text"},
      {"copy t to stdout (format *)", "copy COPY | rel t read copy | copy to stdout text"},
      {"copy t to stdout (format (a, b))", "copy COPY | rel t read copy | copy to stdout text"},
      {"copy t to '/tmp/x' csv", "copy COPY | rel t read copy | copy to file /tmp/x csv | writes"},
      {"copy t from program 'x' with (format csv)",
       "copy COPY | rel t insert copy | copy from program x csv | writes"},
      {"copy (select a from t) to program 'x'",
       "copy COPY | rel t read from | col a target | copy to program x text | writes"},
      {"copy t from stdin where a > 1",
       "copy COPY | rel t insert copy | col a where | lit '1' integer where | copy from stdin "
       "text | writes"},
  });
}

TEST(Facts, OfSettings) {
  check({
      {"set a.b = 'x', 1, on",
       "set SET | lit 'x' string other | lit '1' integer other | lit 'on' string other | set "
       "a.b=x, 1, on session"},
      {"set local statement_timeout = '5s'",
       "set SET | lit '5s' string other | set statement_timeout=5s local"},
      {"set x to default", "set SET | set x default session"},
      {"set Role postgres",
       "set SET | lit 'postgres' string other | set role=postgres session | roles postgres"},
      {"set role none", "set SET | lit 'none' string other | set role=none session | roles none"},
      {"set session authorization bob",
       "set SET | lit 'bob' string other | set session_authorization=bob session | roles bob"},
      {"reset session authorization", "set RESET | set session_authorization default session"},
      {"reset all", "set RESET | set all default session"},
      {"discard all",
       "set DISCARD ALL | set all default session | set session_authorization default session"},
      {"discard temp", "set DISCARD TEMP"},
      {"set time zone 'UTC'", "set SET | lit 'UTC' string other | set timezone=UTC session"},
      {"set transaction isolation level serializable, read write",
       "set SET | lit 'serializable' string other | lit '0' integer other | set "
       "transaction_isolation=serializable local | set transaction_read_only=off local | "
       "read-write"},
      {"set transaction snapshot 'x'", "set SET | lit 'x' string other"},
      {"set session characteristics as transaction read only",
       "set SET | lit '1' integer other | set default_transaction_read_only=on session"},
      {"begin read write", "tcl BEGIN | lit '0' integer other | read-write"},
      {"begin isolation level serializable, read only",
       "tcl BEGIN | lit 'serializable' string other | lit '1' integer other"},
      {"set default_transaction_read_only = off",
       "set SET | lit 'off' string other | set default_transaction_read_only=off session | "
       "read-write"},
      {"select set_config('role', 'x', true)",
       "select SELECT | fn set_config('role', 'x', 'true') call | lit 'role' string target | "
       "lit 'x' string target | lit 'true' boolean target | set role=x local | roles x"},
      {"select set_config('A.b', c, false) from t",
       "select SELECT | rel t read from | col c target | fn set_config('A.b', ?, 'false') "
       "call | lit 'A.b' string target | lit 'false' boolean target | set a.b ? session"},
      {"alter role bob set work_mem = '1GB'",
       "dcl ALTER ROLE | lit '1GB' string other | set work_mem=1GB role | roles bob | writes"},
      {"alter role all reset all", "dcl ALTER ROLE | set all default role | writes"},
      {"alter database d set x from current",
       "ddl ALTER DATABASE | set x ? database | objects d | writes"},
      {"alter system set y = 1",
       "ddl ALTER SYSTEM | lit '1' integer other | set y=1 system | writes"},
      {"alter function f(int) set search_path = a",
       "ddl ALTER FUNCTION | fn f definition | lit 'a' string other | set search_path=a "
       "function | objects f | writes"},
      {"set constraints all deferred", "set SET CONSTRAINTS"},
      {"set constraints a.b immediate", "set SET CONSTRAINTS"},
      {"show all", "show SHOW"},
  });
}

TEST(Facts, OfAccess) {
  check({
      {"grant select (a), update on t, s.u to bob, public with grant option",
       "dcl GRANT | rel t grant ddl | rel s.u grant ddl | col a other | roles bob public | writes"},
      {"revoke all on all tables in schema s from bob",
       "dcl REVOKE | rel s.* grant ddl | roles bob | writes"},
      {"grant usage on schema s to current_user",
       "dcl GRANT | roles current_user | objects s | writes"},
      {"grant execute on function f(int) to bob",
       "dcl GRANT | fn f definition | roles bob | writes"},
      {"grant admin, other to bob", "dcl GRANT ROLE | roles admin other bob | writes"},
      {"create role bob in role x", "dcl CREATE ROLE | roles bob x | clauses in role | writes"},
      {"alter role bob superuser", "dcl ALTER ROLE | roles bob | clauses superuser | writes"},
      {"alter user bob rename to tom", "dcl ALTER ROLE | roles bob tom | writes"},
      {"drop role bob, tom", "dcl DROP ROLE | roles bob tom | writes"},
      {"alter table t owner to bob",
       "dcl ALTER TABLE | rel t define ddl | roles bob | clauses owner to | writes"},
      {"reassign owned by bob to tom", "dcl REASSIGN OWNED | roles bob tom | writes"},
      {"drop owned by bob", "dcl DROP OWNED | roles bob | writes"},
      {"alter default privileges for role bob in schema s grant select on tables to tom",
       "dcl ALTER DEFAULT PRIVILEGES | roles bob tom | writes"},
      {"create policy p on t to bob using (a = current_user)",
       "ddl CREATE POLICY | rel t define ddl | col a other | fn current_user call | roles bob "
       "| objects p | writes"},
      {"create user mapping for bob server s",
       "ddl CREATE USER MAPPING | roles bob | objects s | writes"},
      {"comment on role bob is 'x'", "ddl COMMENT | roles bob | writes"},
  });
}

TEST(Facts, OfDefinitions) {
  check({
      {"create table s.t (like u, a int references v(id), b text default f())",
       "ddl CREATE TABLE | rel s.t define ddl | rel u read ddl | rel v read ddl | fn f call | "
       "writes"},
      {"create table t partition of u for values in (1)",
       "ddl CREATE TABLE | rel t define ddl | rel u define ddl | lit '1' integer other | "
       "writes"},
      {"create temp table t () inherits (u)",
       "ddl CREATE TABLE | rel t define ddl | rel u define ddl | writes"},
      {"create foreign table t (a int) server s",
       "ddl CREATE FOREIGN TABLE | rel t define ddl | writes"},
      {"create view v as select * from t",
       "ddl CREATE VIEW | rel v define ddl | rel t read from nested | col * target | writes | "
       "star"},
      {"create materialized view v as select * from t",
       "ddl CREATE MATERIALIZED VIEW | rel v define ddl | rel t read from nested | col * "
       "target | writes | star"},
      {"create rule r as on insert to t do also delete from u",
       "ddl CREATE RULE | rel t define ddl | rel u delete target nested | objects r | "
       "no-where | writes"},
      {"create schema s create table t (a int) create view v as select * from t",
       "ddl CREATE SCHEMA | rel t define ddl nested | rel v define ddl nested | rel t read "
       "from nested | col * target | objects s | writes | star"},
      {"create index i on t (a x_ops)",
       "ddl CREATE INDEX | rel t define ddl | fn x_ops definition | objects i | writes"},
      {"create sequence q owned by t.a", "ddl CREATE SEQUENCE | rel q define ddl | writes"},
      {"alter table t add constraint c foreign key (a) references u",
       "ddl ALTER TABLE | rel t define ddl | rel u read ddl | clauses add constraint | writes"},
      {"alter table t attach partition u for values in (1)",
       "ddl ALTER TABLE | rel t define ddl | rel u define ddl | lit '1' integer other | clauses "
       "attach partition | writes"},
      {"alter table t rename a to b", "ddl ALTER TABLE | rel t define ddl | objects b | writes"},
      {"alter table t rename to u", "ddl ALTER TABLE | rel t define ddl | objects u | writes"},
      {"alter function f() set schema s",
       "ddl ALTER FUNCTION | fn f definition | objects f s | writes"},
      {"alter type t add value 'x'", "ddl ALTER TYPE | objects t | writes"},
      {"drop table a.b, c cascade",
       "ddl DROP TABLE | rel a.b define ddl | rel c define ddl | writes"},
      {"drop view v", "ddl DROP VIEW | rel v define ddl | writes"},
      {"drop schema s, r",
       "ddl DROP SCHEMA | rel s.* define ddl | rel r.* define ddl | objects s r | writes"},
      {"alter schema s rename to r",
       "ddl ALTER SCHEMA | rel s.* define ddl | objects s r | writes"},
      {"drop function f(int), s.g",
       "ddl DROP FUNCTION | fn f definition | fn s.g definition | objects f s.g | writes"},
      {"drop trigger tr on s.t", "ddl DROP TRIGGER | rel s.t define ddl | objects tr | writes"},
      {"drop type s.t", "ddl DROP TYPE | objects s.t | writes"},
      {"comment on column s.t.c is 'x'", "ddl COMMENT | rel s.t define ddl | writes"},
      {"comment on function f(int) is 'x'", "ddl COMMENT | fn f definition | objects f | writes"},
      {"create trigger tr after insert on t for each row when (f(new.a)) execute function g()",
       "ddl CREATE TRIGGER | rel t define ddl | col new.a where | fn g definition | fn f(?) "
       "call | fn a column | objects tr | writes"},
      {"create operator ### (rightarg = text, function = pg_read_file)",
       "ddl CREATE OPERATOR | fn text definition | fn pg_read_file definition | objects ### | "
       "writes"},
      {"create aggregate a (int) (sfunc = s.f, stype = int)",
       "ddl CREATE AGGREGATE | fn s.f definition | fn pg_catalog.int4 definition | objects a "
       "| writes"},
      {"create extension x", "ddl CREATE EXTENSION | extensions x | writes"},
      {"alter extension x add table t",
       "ddl ALTER EXTENSION | rel t define ddl | extensions x | writes"},
      {"drop extension x, y", "ddl DROP EXTENSION | extensions x y | writes"},
      {"load 'x'", "other LOAD | extensions x"},
      {"create database d", "ddl CREATE DATABASE | objects d | writes"},
      {"create publication p for table t, u where (a > 1)",
       "ddl CREATE PUBLICATION | rel t define ddl | rel u define ddl | col a other | lit '1' "
       "integer other | objects p | writes"},
      {"alter publication p add table v",
       "ddl ALTER PUBLICATION | rel v define ddl | objects p | writes"},
      {"create subscription s connection 'host=x' publication p",
       "ddl CREATE SUBSCRIPTION | objects s | writes"},
      {"create statistics s on a, b from t",
       "ddl CREATE STATISTICS | rel t define ddl | objects s | writes"},
      {"security label on table t is 'x'", "ddl SECURITY LABEL | rel t define ddl | writes"},
      {"create domain d as text check (f(value))",
       "ddl CREATE DOMAIN | col value other | fn f(?) call | objects d | writes"},
      {"import foreign schema s limit to (a, b) from server x into y",
       "ddl IMPORT FOREIGN SCHEMA | rel a define ddl | rel b define ddl | objects x | writes"},
  });
}

TEST(Facts, OfTexts) {
  check({
      {"do $$ declare x int; begin x := not f(1); execute 'x'; delete from t; end $$",
       "do DO | rel t delete nested nested | col x target | fn f('1') call nested | lit '1' "
       "integer target | lit 'x' string target | body plpgsql | no-where | writes | dynamic"},
      {"do $$ begin perform g(); end $$", "do DO | fn g call nested | body plpgsql | writes"},
      {"do language plpython3u 'import os'",
       "do DO | body plpython3u unreadable | writes | dynamic"},
      {"create function f(a int default g()) returns int language sql security definer set "
       "search_path = a as 'select h($1) from secrets'",
       "ddl CREATE FUNCTION | rel secrets read nested nested | fn g call | fn h(?) call "
       "nested | lit 'a' string other | set search_path=a function | body sql | objects f | "
       "writes | definer"},
      {"create function f() returns int begin atomic select g(); end",
       "ddl CREATE FUNCTION | fn g call nested | objects f | writes"},
      {"create function f() returns int return g()",
       "ddl CREATE FUNCTION | fn g call nested | objects f | writes"},
      {"create function f() returns trigger language plpgsql as 'begin new.a := g(); return "
       "new; end'",
       "ddl CREATE FUNCTION | col new.a target | col new target | fn a column nested | fn g "
       "call nested | body plpgsql | objects f | writes"},
      {"create function f() returns int language c as 'lib', 'sym'",
       "ddl CREATE FUNCTION | fn sym definition | body c unreadable | objects f | writes"},
      {"create function f() returns int language sql as 'not sql'",
       "ddl CREATE FUNCTION | body sql unreadable | objects f | writes | dynamic"},
      {"create procedure p() language plpgsql as 'begin commit; end'",
       "ddl CREATE PROCEDURE | body plpgsql | objects p | writes"},
      {"alter function f() security definer",
       "ddl ALTER FUNCTION | fn f definition | objects f | writes | definer"},
      {"select query_to_xml('select * from secrets; delete from y', true, true, '')",
       "select SELECT | rel secrets read nested nested | rel y delete nested nested | col * "
       "target | fn query_to_xml('select * from secrets; delete from y', 'true', 'true', '') "
       "call | lit 'select * from secrets; delete from y' string target | lit 'true' boolean "
       "target | lit 'true' boolean target | lit '' string target | no-where | writes | star"},
      {"select query_to_xml('a' || b, true, true, '')",
       "select SELECT | col b target | fn query_to_xml(?, 'true', 'true', '') call | lit 'a' "
       "string target | lit 'true' boolean target | lit 'true' boolean target | lit '' string "
       "target | dynamic"},
      {"select query_to_xml($1, true, true, '')",
       "select SELECT | fn query_to_xml(?, 'true', 'true', '') call | lit 'true' boolean "
       "target | lit 'true' boolean target | lit '' string target | params 1 | dynamic"},
      {"select * from dblink('h', 'select a from r') as t(a int)",
       "select SELECT | rel r read nested nested | col * target | col a target | fn "
       "dblink('h', 'select a from r') call | lit 'h' string other | lit 'select a from r' "
       "string other | star"},
      {"select dblink_exec('delete from r', true)",
       "select SELECT | rel r delete nested nested | fn dblink_exec('delete from r', 'true') "
       "call | lit 'delete from r' string target | lit 'true' boolean target | no-where | "
       "writes"},
      {"select * from connectby('t', 'id', 'parent', '1', 0)",
       "select SELECT | rel t read nested nested | col * target | col id target | col parent "
       "target | fn connectby('t', 'id', 'parent', '1', '0') call | lit 't' string other | "
       "lit 'id' string other | lit 'parent' string other | lit '1' string other | lit '0' "
       "integer other | star"},
      {"select xpath_table('id', 'doc', 'articles', '/a', 'f() > 1')",
       "select SELECT | rel articles read nested nested | col id target | col doc target | fn "
       "xpath_table('id', 'doc', 'articles', '/a', 'f() > 1') call | fn f call nested | lit "
       "'id' string target | lit 'doc' string target | lit 'articles' string target | lit "
       "'/a' string target | lit 'f() > 1' string target | lit '1' integer where"},
      {"select table_to_xml(nulls => true, targetns => 'u', tbl => 's'), schema_to_xml(targetns => "
       "'u', schema => 'x')",
       "select SELECT | rel s read literal | rel x.* read literal | fn table_to_xml('true', 'u', "
       "'s') call | fn schema_to_xml('u', 'x') call | lit 'true' boolean target | lit 'u' string "
       "target | lit 's' string target | lit 'u' string target | lit 'x' string target"},
      {"select table_to_xml(oid, true, true, '') from pg_class",
       "select SELECT | rel *.* read literal | rel pg_class read from | col oid target | "
       "fn table_to_xml(?, 'true', 'true', '') call | lit 'true' boolean target | "
       "lit 'true' boolean target | lit '' string target"},
      {R"(select table_to_xml('S."T"', true, true, ''), schema_to_xml('x', true, true, ''), )"
       "database_to_xml(true, true, '')",
       "select SELECT | rel s.T read literal | rel x.* read literal | rel * read literal | fn "
       R"(table_to_xml('S."T"', 'true', 'true', '') call | fn schema_to_xml('x', 'true', )"
       R"('true', '') call | fn database_to_xml('true', 'true', '') call | lit 'S."T"' string )"
       "target | lit 'true' boolean target | lit 'true' boolean target | lit '' string target "
       "| lit 'x' string target | lit 'true' boolean target | lit 'true' boolean target | lit "
       "'' string target | lit 'true' boolean target | lit 'true' boolean target | lit '' "
       "string target"},
      {R"(select 'public."T x"'::regclass, has_table_privilege('bob', 't', 'select'), 'b'::text)",
       "select SELECT | rel public.T x read literal | rel t read literal | fn "
       R"(regclass('public."T x"') cast | fn has_table_privilege('bob', 't', 'select') call | )"
       R"(fn text('b') cast | lit 'public."T x"' string target | lit 'bob' string target | lit )"
       "'t' string target | lit 'select' string target | lit 'b' string target"},
      {"select pg_relation_size(a), pg_relation_size('s.t'), regclass('u')",
       "select SELECT | rel s.t read literal | rel u read literal | col a target | fn "
       "pg_relation_size(?) call | fn pg_relation_size('s.t') call | fn regclass('u') call | "
       "lit 's.t' string target | lit 'u' string target"},
      {"explain select query_to_xml('delete from y', true, true, '')",
       "explain EXPLAIN | rel y delete nested nested | fn query_to_xml('delete from y', "
       "'true', 'true', '') call nested | lit 'delete from y' string target | lit 'true' "
       "boolean target | lit 'true' boolean target | lit '' string target | no-where"},
  });
}

TEST(Facts, OfSession) {
  check({
      {"prepare p(int) as select $1", "prepare PREPARE | prepared p | params 1"},
      {"execute p(f(1))", "execute EXECUTE | fn f('1') call | lit '1' integer other | prepared p"},
      {"deallocate p", "execute DEALLOCATE | prepared p"},
      {"deallocate all", "execute DEALLOCATE ALL"},
      {"declare c cursor for select a from t",
       "cursor DECLARE CURSOR | rel t read from nested | col a target | cursor c"},
      {"fetch 5 from c", "cursor FETCH | cursor c"},
      {"move c", "cursor MOVE | cursor c"},
      {"close c", "cursor CLOSE CURSOR | cursor c"},
      {"close all", "cursor CLOSE CURSOR ALL"},
      {"listen x", "listen LISTEN | channel x"},
      {"unlisten *", "listen UNLISTEN"},
      {"notify x, 'y'", "listen NOTIFY | channel x"},
      {"savepoint a", "tcl SAVEPOINT"},
      {"rollback to a", "tcl ROLLBACK"},
      {"prepare transaction 'x'", "tcl PREPARE TRANSACTION"},
      {"commit and chain", "tcl COMMIT"},
  });
}

TEST(Facts, OfClauses) {
  check({
      {"create role r superuser nocreatedb login",
       "dcl CREATE ROLE | roles r | clauses superuser nocreatedb login | writes"},
      {R"(alter user r with U&"\0073uperuser" "nobypassrls")",
       "dcl ALTER ROLE | roles r | clauses superuser nobypassrls | writes"},
      {"create group g replication createrole noinherit in role a admin b",
       "dcl CREATE ROLE | roles g a b | clauses replication createrole noinherit in role admin | "
       "writes"},
      {"alter role r password 'x' valid until 'y' connection limit 3 noreplication",
       "dcl ALTER ROLE | roles r | clauses password valid until connection limit noreplication | "
       "writes"},
      {"alter group g add user u", "dcl ALTER ROLE | roles g u | clauses role | writes"},
      {"alter role superuser rename to login", "dcl ALTER ROLE | roles superuser login | writes"},
      {"do 'begin create role r bypassrls sysid 7; end'",
       "do DO | body plpgsql | roles r | clauses bypassrls sysid | writes"},
      {"alter table t disable row level security, no force row level security, drop column c, "
       "disable trigger all, disable trigger a, disable rule r",
       "ddl ALTER TABLE | rel t define ddl | clauses disable row level security no force row level "
       "security drop column disable trigger disable trigger disable rule | writes"},
  });
}

// What is inside, and whether it is only defined.
std::string inside(const char* sql) {
  const auto analysis = read(sql);
  std::string text;
  for (const Facts& facts : analysis->statements()) {
    for (const NestedCommand& nested : facts.nested_commands) {
      text += (text.empty() ? "" : ", ") + std::string(nested.command) + " " +
              std::string(name_of(nested.kind)) + (nested.later ? " later" : "");
    }
    if (facts.dynamic_sql) text += " dynamic";
  }
  return text;
}

TEST(Facts, OfStatementsInside) {
  const Row rows[] = {
      {"select 1", ""},
      {"create table t (a int)", ""},
      {"create table t as select 1", ""},
      {"delete from t where a = 1", ""},
      {"insert into t select * from (select 1) s", ""},
      {"with d as (delete from t returning 1), e as (delete from u) select * from d",
       "DELETE delete"},
      {"do $$ begin create server s foreign data wrapper w; perform 1; end $$",
       "CREATE SERVER ddl"},
      {"do $$ begin set role x; grant a to b; call f(); truncate t; end $$",
       "SET set, GRANT ROLE dcl, CALL call, TRUNCATE TABLE ddl"},
      {"do $$ begin if false then drop table t; end if; for i in 1..2 loop drop table u; end loop; "
       "end $$",
       "DROP TABLE ddl"},
      {"do $$ begin do 'begin lock table t; end'; end $$", "DO do, LOCK TABLE other"},
      {"create function f() returns void language sql as 'create role r; notify c'",
       "CREATE ROLE dcl later, NOTIFY listen later"},
      {"create function f() returns int language sql begin atomic update t set a = 1; select 1; "
       "end",
       "UPDATE update later"},
      {"create function f() returns int language sql set work_mem = 1 return 1", ""},
      {"alter role r set work_mem = 1", ""},
      {"do 'begin alter database d set work_mem = 1; end'", "ALTER DATABASE ddl"},
      {"alter default privileges grant select on tables to x", ""},
      {"create procedure f() language plpgsql as $$ begin merge into t using s on true when "
       "matched then delete; end $$",
       "MERGE merge later"},
      {"create schema s create table t (a int) grant select on t to x create view v as select 1",
       "CREATE TABLE ddl, GRANT dcl, CREATE VIEW ddl"},
      {"create rule r as on insert to t do also delete from u", "DELETE delete later"},
      {"explain analyze create table t as select 1", "CREATE TABLE AS ddl"},
      {"prepare p as insert into t values (1)", "INSERT insert"},
      {"select query_to_xml('alter system reset all', true, false, '')", "ALTER SYSTEM ddl"},
      // Done here outweighs defined here.
      {"do $$ begin create function f() returns void language sql as 'drop table t'; drop table t; "
       "end $$",
       "CREATE FUNCTION ddl, DROP TABLE ddl"},
      {"do $$ begin create function f() returns void language sql as 'drop table t'; end $$",
       "CREATE FUNCTION ddl, DROP TABLE ddl later"},
  };
  for (const auto& [sql, expected] : rows) EXPECT_EQ(inside(sql), expected) << sql;
}

TEST(Facts, OfTextsThatABodyRuns) {
  const Row rows[] = {
      {"do $$ begin execute 'create server s foreign data wrapper w'; end $$", "CREATE SERVER ddl"},
      {"do $$ begin execute 'drop ' || 'table' || ' t'::text; end $$", "DROP TABLE ddl"},
      {"do $$ begin execute 'drop table ' || current_user; end $$", " dynamic"},
      {"do $$ begin execute 'no sql'; end $$", " dynamic"},
      {"do $$ begin execute 'do ''begin execute ''''drop table t''''; end'''; end $$",
       "DO do, DROP TABLE ddl"},
      {"do $$ declare r record; begin for r in execute 'delete from t returning 1' loop "
       "execute 'drop table u'; end loop; end $$",
       "DROP TABLE ddl, DELETE delete"},
      {"do $$ declare r record; begin for r in execute f() loop drop table u; end loop; end $$",
       "DROP TABLE ddl dynamic"},
      {"create function f() returns setof int language plpgsql as $$ begin return query execute "
       "'delete from t returning 1'; end $$",
       "DELETE delete later"},
      {"create function f(q text) returns setof int language plpgsql as $$ begin return query "
       "execute q; end $$",
       " dynamic"},
      {"create function f() returns setof int language plpgsql as $$ begin return query delete "
       "from t returning 'drop table u'; end $$",
       "DELETE delete later"},
      // libpg_query does not know the type, and gives the body up: it is swept, and counts as unread.
      {"do $$ declare c refcursor; begin open c for execute 'drop table t'; end $$",
       "DROP TABLE ddl dynamic"},
      {"do $$ begin execute 'select $1' using 'drop table t'; end $$", ""},
  };
  for (const auto& [sql, expected] : rows) EXPECT_EQ(inside(sql), expected) << sql;
}

// Columns and operators that are named where no expression stands.
TEST(Facts, OfNamesInDefinitions) {
  const auto names = [](const char* sql) {
    std::string told;
    const auto analysis = read(sql);
    for (const Column& column : analysis->statements()[0].columns) {
      told += std::string(column.name) + " ";
    }
    for (const Function& function : analysis->statements()[0].functions) {
      told += std::string(function.qualified) + " ";
    }
    return told;
  };
  EXPECT_EQ(names("grant select (a, b), update (c) on t to x"), "a b c ");
  EXPECT_EQ(names("revoke all privileges (a) on t from x"), "a ");
  EXPECT_EQ(names("create trigger g before update of a, b on t execute function f()"), "a b f ");
  EXPECT_EQ(names("create table t (a box, exclude using gist (a with evil.&&, a with =))"),
            "evil.&& ");
  EXPECT_EQ(names("alter table t add exclude (f(a) with operator(s.@@))"), "a s.@@ f ");
}

// f() at every place of PL/pgSQL where an expression or a statement may stand: in a body that libpg_query
// reads, and in one that it gives up for the field of a record.
TEST(Facts, OfEveryPlaceInABody) {
  const char* const declarations[] = {"x int := f();",
                                      "x int = f();",
                                      "x int default f();",
                                      "x constant text not null := f();",
                                      "c cursor for select f();",
                                      "c no scroll cursor (k int) is select f();"};
  const char* const statements[] = {"x := f();",
                                    "x = f();",
                                    "x[f()] := 1;",
                                    "x.y := f();",
                                    "x.y[1] = f();",
                                    "perform f();",
                                    "select f() into x;",
                                    "select a, f() into strict x, y from t;",
                                    "insert into t select f();",
                                    "with c as (select f()) delete from t;",
                                    "execute f();",
                                    "execute 'select $1' using f();",
                                    "execute 'select $1' into x using f();",
                                    "execute 'select $1' using 1, f() into x;",
                                    "if f() then null; end if;",
                                    "if a then null; elsif f() then null; end if;",
                                    "if a then x := 1; else x := f(); end if;",
                                    "if case when a then b end then x := f(); end if;",
                                    "case f() when 1 then null; end case;",
                                    "case when f() then null; end case;",
                                    "case x when 1, f() then null; else null; end case;",
                                    "case when a then x := f(); end case;",
                                    "while f() loop null; end loop;",
                                    "loop exit when f(); end loop;",
                                    "<<l>> loop continue l when f(); end loop;",
                                    "for i in f() .. 10 loop null; end loop;",
                                    "for i in reverse 10 .. f() by 2 loop null; end loop;",
                                    "for i in 1 .. 10 by f() loop null; end loop;",
                                    "for i in 1..2 loop perform f(); end loop;",
                                    "for r in select f() loop null; end loop;",
                                    "for r in execute f() loop null; end loop;",
                                    "for r in execute 'select $1' using f() loop null; end loop;",
                                    "foreach x in array f() loop null; end loop;",
                                    "foreach x slice 1 in array a loop x := f(); end loop;",
                                    "raise notice '%', f();",
                                    "raise exception using message = f();",
                                    "raise '%', 1 using hint = 'h', detail = f();",
                                    "assert f();",
                                    "assert a, f();",
                                    "return f();",
                                    "call p(f());",
                                    "begin x := f(); exception when others then null; end;",
                                    "begin null; exception when others then x := f(); end;",
                                    "open c for select f();",
                                    "open c no scroll for select f();",
                                    "open c for execute f();",
                                    "open c for execute 'select $1' using f();",
                                    "open c(f());",
                                    "declare y int := f(); begin null; end;",
                                    "create table t as select f();"};
  const auto calls = [](const std::string& body) {
    const auto analysis = read(("do $q$ " + body + " $q$").c_str());
    for (const Function& function : analysis->statements()[0].functions) {
      if (function.name == "f") return true;
    }
    return false;
  };
  for (const std::string unread : {"", "r.a := 1; "}) {
    for (const std::string text : declarations) {
      EXPECT_TRUE(calls("declare r record; " + text + " begin " + unread + "end"))
          << text << unread;
    }
    for (const std::string text : statements) {
      EXPECT_TRUE(calls("declare x int; begin " + unread + text + " end")) << text << unread;
    }
  }
  EXPECT_FALSE(calls("declare r record; begin r.a := 'f()'; r.b := 1; -- f()\nend"));
}

// A word that is escaped, a statement that is none: what is called is told by the parenthesis behind it.
TEST(Facts, OfWhatIsNoSqlInABody) {
  const auto analysis = read(
      "do $q$ begin r.a := 1; get diagnostics x = f(1); fetch relative s.\"G\" (2) from c; end "
      "$q$");
  const Facts& facts = analysis->statements()[0];
  EXPECT_TRUE(facts.dynamic_sql);
  std::string called;
  for (const Function& function : facts.functions) {
    if (function.reach == Reach::call) {
      called += std::string(function.schema) + "." + std::string(function.name) + " ";
    }
  }
  EXPECT_EQ(called, ".f s.G ");
}

// Of several COPY the one that reaches furthest, wherever it stands.
TEST(Facts, OfSeveralCopies) {
  const auto target = [](const char* sql) {
    return std::string(name_of(read(sql)->statements()[0].copy.target));
  };
  EXPECT_EQ(target("create function f() returns void language sql as $$ copy t to program 'id'; "
                   "copy t to stdout $$"),
            "program");
  EXPECT_EQ(target("create function f() returns void language sql as $$ copy t to stdout; copy t "
                   "from '/x' $$"),
            "file");
}

}  // namespace
}  // namespace pgmoat::sql
