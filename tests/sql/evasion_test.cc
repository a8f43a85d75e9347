// Every statement of the evasion corpus must show, in its facts, what a policy would deny: a server
// file or a wait, a program, a role or a setting that changes, a channel, SQL that nobody has seen.
// The statements that only look like it must not.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "describe.h"

namespace pgmoat::sql {
namespace {

std::vector<std::string> texts_of(const std::string& file) {
  std::ifstream in(PGMOAT_CORPUS "/sql/evasion/" + file);
  std::vector<std::string> texts;
  for (std::string line; std::getline(in, line);) {
    texts.push_back(nlohmann::json::parse(line)["sql"]);
  }
  return texts;
}

// Why a policy would deny it; "" where it would not.
std::string reason(const Facts& facts) {
  static const std::set<std::string_view> kDenied{
      "pg_read_file", "pg_read_binary_file", "pg_ls_dir",
      "pg_stat_file", "lo_import",           "lo_export",
      "pg_sleep",     "pg_sleep_for",        "pg_sleep_until"};
  for (const Function& function : facts.functions) {
    if (kDenied.count(function.name)) return "function " + std::string(function.name);
  }
  if (facts.copy.target == Copy::Target::file) return "file";
  if (facts.copy.target == Copy::Target::program) return "program";
  if (!facts.settings.empty()) return "setting " + std::string(facts.settings[0].name);
  if (!facts.channel.empty()) return "channel";
  for (const Body& body : facts.bodies) {
    if (!body.readable) return "body";
  }
  return facts.dynamic_sql ? "dynamic SQL" : "";
}

std::string reason(const std::string& sql) {
  const auto analysis = read(sql);
  if (analysis->opacity() != Opacity::none) return "opaque";
  for (const Facts& facts : analysis->statements()) {
    if (const std::string why = reason(facts); !why.empty()) return why;
  }
  return "";
}

TEST(Evasion, IsSeenWhateverItsSyntax) {
  const auto texts = texts_of("evasion.jsonl");
  EXPECT_GT(texts.size(), 70u);
  for (const std::string& sql : texts) {
    const std::string why = reason(sql);
    EXPECT_NE(why, "") << sql << "\n  " << describe(*read(sql));
    EXPECT_NE(why, "opaque") << sql;
  }
}

TEST(Evasion, WhatOnlyLooksLikeItIsNot) {
  const auto texts = texts_of("benign_lookalike.jsonl");
  EXPECT_GT(texts.size(), 15u);
  for (const std::string& sql : texts)
    EXPECT_EQ(reason(sql), "") << sql << "\n  " << describe(*read(sql));
}

// Others of the same kinds.
TEST(Evasion, MoreWays) {
  const char* const texts[] = {
      "create aggregate a (text) (sfunc = pg_read_file, stype = text)",
      "create aggregate a (text) (sfunc = 'pg_read_file', stype = text)",
      "create aggregate a (text) (sfunc = pg_catalog.pg_read_file, stype = text)",
      "create cast (text as t) with function pg_read_file(text)",
      "create operator public.! (rightarg = text, procedure = \"pg_read_file\")",
      "create operator public.! (rightarg = text, function = query_to_xml)",
      "create function f(text) returns text language internal as 'pg_read_file'",
      "create function f(text) returns text language 'internal' as 'pg_read_file'",
      "create type t (input = pg_read_file, output = textout)",
      "create trigger t before insert on x execute function pg_read_file('a')",
      "create event trigger t on ddl_command_end execute function pg_read_file()",
      "create operator class c for type text using btree as function 1 pg_read_file(text)",
      "create conversion c for 'UTF8' to 'LATIN1' from pg_read_file",
      "create language l handler pg_read_file",
      "create access method m type index handler pg_read_file",
      "create foreign data wrapper w handler pg_read_file",
      "alter operator ### (none, text) set (restrict = pg_read_file)",
      "create function f() returns int language sql support pg_read_file as 'select 1'",
      "create function f() returns text return pg_read_file('x')",
      "create procedure p() begin atomic select pg_read_file('x'); end",
      "grant execute on function pg_read_file(text) to public",
      "select v.pg_read_file from (values ('/etc/passwd')) v(a)",
      "select (v.a).pg_read_file.length from t v",
      "insert into t (a) values (('/etc/passwd').pg_read_file)",
      "update t set a = (b).pg_read_file",
      "update t set (a, b) = (select pg_read_file('x'), 1)",
      "insert into t values (1) on conflict (a) where pg_read_file('x') = '' do nothing",
      "insert into t values (1) on conflict (a) do update set b = pg_read_file('x')",
      "insert into t values (1) on conflict (a) do update set b = 1 where pg_read_file('x') = ''",
      "insert into t values (1) returning pg_read_file('x')",
      "delete from t using pg_read_file('x') f where true returning f",
      "select * from rows from (pg_read_file('x'), now())",
      "select * from xmltable('/' passing pg_read_file('x') columns a text default 'x')",
      "select xmlparse(document pg_read_file('x'))",
      "select xmlelement(name a, xmlattributes(pg_read_file('x') as b))",
      "select array[pg_read_file('x')]::text[]",
      "select count(*) filter (where pg_read_file('x') = '') from t",
      "select percentile_cont(0.5) within group (order by pg_read_file('x')) from t",
      "select sum(1) over (order by 1 range between length(pg_read_file('x')) preceding and "
      "current row)",
      "select 1 from t group by grouping sets ((pg_read_file('x')), ())",
      "select 1 fetch first length(pg_read_file('x')) rows only",
      "with recursive a(n) as (select 1 union all select n from a) search depth first by n set o "
      "select pg_read_file('x') from a",
      "copy t from stdin where pg_read_file('x') = ''",
      "copy (delete from t returning pg_read_file('x')) to stdout",
      "create index on t (pg_read_file(a))",
      "create index on t (a) where pg_read_file(a) = ''",
      "create statistics s on (pg_read_file(a)), b from t",
      "create table t (a text check (pg_read_file(a) = ''))",
      "create table t (a text generated always as (pg_read_file(a)) stored)",
      "create table t (a text) partition by range (pg_read_file(a))",
      "create table t partition of u for values from (pg_read_file('x')) to (maxvalue)",
      "create table t (a text, exclude using gist (pg_read_file(a) with =))",
      "alter table t add check (pg_read_file(a) = '')",
      "alter table t alter a type text using pg_read_file(a)",
      "alter table t alter a set default pg_read_file('x')",
      "alter domain d set default pg_read_file('x')",
      "create policy p on t using (pg_read_file('x') = '')",
      "create publication p for table t where (pg_read_file('x') = '')",
      "call p(pg_read_file('x'))",
      "explain select pg_read_file('x')",
      "declare c cursor for select pg_read_file('x')",
      "create table t as execute p(pg_read_file('x'))",
      "create table t as select pg_read_file('x')",
      "select pg_read_file('x') into t",
      "merge into t using u on true when matched and pg_read_file('x') = '' then delete",
      "merge into t using u on true when not matched then insert values (pg_read_file('x'))",
      "do 'begin perform pg_read_file(''x''); end'",
      "do $$begin if (select true) then raise notice '%', pg_read_file('x'); end if; end$$",
      "do $$declare x text := pg_read_file('x'); begin end$$",
      "do $$declare x text; begin x = not pg_read_file('x') = ''; end$$",
      "do $$declare x text[]; begin x[length(pg_read_file('x'))] := 'a'; end$$",
      "do $$declare r record; begin for r in select pg_read_file('x') loop end loop; end$$",
      "do $$declare r record; begin for r in execute 'x' loop end loop; end$$",
      "do $$begin return query execute 'x'; end$$",
      "do $$begin do 'begin perform pg_read_file(''x''); end'; end$$",
      "do language 'PLPGSQL' 'begin perform pg_read_file(''x''); end'",
      "do language plperl 'x'",
      "create function f() returns setof text language plpgsql as 'begin return query execute $1; "
      "end'",
      "select ts_stat('select pg_read_file(''x'')')",
      "select * from ts_stat(a || b)",
      "select ('select pg_read_file(''x'')').ts_stat",
      "select (a).ts_stat from t",
      "select ts_rewrite('a'::tsquery, 'select pg_read_file(''x'')')",
      "select * from dblink('host=x', 'select pg_read_file(''x'')') t(a text)",
      "select dblink_exec('select pg_read_file(''x'')', false)",
      "select * from crosstab('select 1', 'select pg_read_file(''x'')') t(a int)",
      "select cron.schedule('a', '* * * * *', 'select pg_read_file(''x'')')",
      "select query_to_xml(targetns => 'select 1', query => 'select pg_read_file(''x'')', nulls => "
      "true, tableforest => false)",
      "select query_to_xml('select pg_read_fileX'::varchar(19) || '(1)', true, false, '')",
      "select query_to_xml('table pg_authidx'::varchar(15), true, false, '')",
      "select query_to_xml('select 1 '::bpchar || '', true, false, '')",
      "select * from connectby('t', 'id', 'up', 'pg_read_file(''x'')', 'a', 0) as x(a text)",
      "select query_to_xml('a' operator(evil.||) 'b', true, false, '')",
      "select set_config('rolex'::varchar(4), 'victim', false)",
      "select set_config(114::\"char\"::text || 'ole', 'victim', false)",
      "select set_config('app.role'::regclass::text, 'victim', false)",
      "do $$ begin execute 'drop table tX'::varchar(12); end $$",
      "select query_to_xml(query => 'select pg_read_file(''x'')', nulls => true, tableforest => "
      "true, targetns => '')",
      "select query_to_xml(E'select pg_read_f\\x69le(1)', true, true, '')",
      "select query_to_xml($1, true, true, '')",
      "set session authorization bob",
      "reset role",
      "reset session authorization",
      "set local role none",
      "set time zone 'UTC'",
      "set names 'SJIS'",
      "set schema 'x'",
      "set session characteristics as transaction read write",
      "alter system set log_statement = 'none'",
      "alter database d reset all",
      "alter role all in database d set client_encoding = 'SJIS'",
      "alter function f() set role = postgres",
      "create function f() returns int language sql set role = postgres as 'select 1'",
      "select * from set_config('role', 'postgres', false)",
      "select set_config(setting_name => 'role', new_value => 'x', is_local => false)",
      "select set_config(a, b, true) from t",
      "update pg_settings set setting = 'x' where name = 'role'",
      "update pg_catalog.pg_settings set setting = 'x'",
      "do 'begin set local role postgres; end'",
      "select query_to_xml('set role postgres', true, true, '')",
  };
  for (const char* sql : texts) {
    const std::string why = reason(sql);
    EXPECT_NE(why, "") << sql << "\n  " << describe(*read(sql));
    EXPECT_NE(why, "opaque") << sql << "\n  " << describe(*read(sql));
  }
}

}  // namespace
}  // namespace pgmoat::sql
