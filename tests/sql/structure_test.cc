// What the structure hash tells apart and what it does not: every pair that a fingerprint confuses,
// and the data that it must not see.
#include "sql/structure.h"

#include <gtest/gtest.h>

#include "describe.h"

namespace pgmoat::sql {
namespace {

std::uint64_t structure(const char* sql) {
  const auto analysis = read(sql);
  EXPECT_EQ(analysis->opacity(), Opacity::none) << sql;
  return analysis->statements()[0].structure;
}

TEST(Structure, TellsApart) {
  const char* const pairs[][2] = {
      {"do $$ begin perform 1; end $$", "do $$ begin execute 'drop table users'; end $$"},
      {"create function f() returns int language sql as 'select 1'",
       "create function f() returns int language sql as 'select 2'"},
      {"set role app", "set role postgres"},
      {"set client_encoding = 'UTF8'", "set client_encoding = 'SJIS'"},
      {"set statement_timeout = '5s'", "set statement_timeout = 0"},
      {"set statement_timeout = '5s'", "set local statement_timeout = '5s'"},
      {"set pgaudit.log = 'all'", "set pgaudit.log = 'none'"},
      {"set session authorization a", "set session authorization b"},
      {"reset a", "reset b"},
      {"select set_config('app.tenant', '1', true)",
       "select set_config('role', 'postgres', false)"},
      {"select set_config('work_mem', '1', true)", "select set_config('work_mem', '2', true)"},
      {"select set_config('app.tenant', '1', true)", "select set_config('app.tenant', '1', false)"},
      {"select set_config('app.tenant', '1', true)", "select set_config('app.user', '1', true)"},
      {"execute a", "execute b"},
      {"prepare a as select 1", "prepare b as select 1"},
      {"deallocate a", "deallocate b"},
      {"listen a", "listen b"},
      {"notify a", "notify b"},
      {"select f(a)", "select f(a, b, c)"},
      {"select f(1)", "select f(1, 2)"},
      {"select a::text", "select a::int"},
      {"select a::varchar(3)", "select a::varchar(4)"},
      {"select * from orders12", "select * from orders34"},
      {"select * from a.t", "select * from b.t"},
      {"select a1 from t", "select a2 from t"},
      {"select 1 from t limit 1", "select 1 from t"},
      {"select 1 from t limit 1", "select 1 from t limit all"},
      {"select 1 from t limit 1", "select 1 from t limit $1"},
      {"select 1 from t limit 1", "select 1 from t limit 1 + 1"},
      {"select 1 where true", "select 1 where false"},
      {"select 1 from t where a = 1", "select 1 from t where a = 1 or 1 = 1"},
      {"select 1 from t where a = 1", "select 1 from t where a > 1"},
      {"select 1 from t where a = 1", "select 1 from t where a = '1'"},
      {"select 1 from t where a = 1", "select 1 from t where a = null"},
      {"select 1 from t where a = 1", "select 1 from t where a = b"},
      {"select 1 from t where a in (1)", "select 1 from t where a not in (1)"},
      {"select 1 from t where a in (1)", "select 1 from t where a in (b)"},
      {"select 1 from t where a in (1)", "select 1 from t where a in (1, b)"},
      {"select 1 from t where a in (1)", "select 1 from t where b in (1)"},
      {"select pg_sleep(0)", "select pg_sleep(99999)"},
      {"select lo_import('/a')", "select lo_import('/etc/passwd')"},
      {"select * from dblink('host=a', 'x') t(a int)",
       "select * from dblink('host=evil', 'x') t(a int)"},
      {"select query_to_xml('select 1', true, true, '')",
       "select query_to_xml('select 2', true, true, '')"},
      {"select 1", "select 1; select 1"},
      {"copy t to stdout", "copy t to '/tmp/x'"},
      {"copy t to '/tmp/x'", "copy t to program '/tmp/x'"},
      {"copy t to '/tmp/x'", "copy t to '/tmp/y'"},
      {"grant select on t to a", "grant select on t to b"},
      {"grant select on t to a", "grant update on t to a"},
      {"alter role a superuser", "alter role a nosuperuser"},
      {"drop table a", "drop table b"},
      {"drop table a", "drop view a"},
      {"insert into t values (1)", "insert into t values (1, 2)"},
      {"insert into t values (1)", "insert into t values (f(1))"},
      {"insert into t values (1)", "insert into t (a) values (1)"},
      {"select a from t union select b from u", "select a from t union all select b from u"},
      {"select a from t for update", "select a from t for share"},
      {"select a, b from t", "select b, a from t"},
      {"select ((a + b) + c)", "select (a + (b + c))"},
      {"lock t in share mode", "lock t in exclusive mode"},
      {"explain select 1", "explain analyze select 1"},
      {"explain (analyze true) select 1", "explain (analyze false) select 1"},
      {"select distinct a from t", "select a from t"},
      {"select a as b from t", "select a as c from t"},
  };
  for (const auto& [left, right] : pairs)
    EXPECT_NE(structure(left), structure(right)) << left << " | " << right;
}

TEST(Structure, DoesNotSeeData) {
  const char* const pairs[][2] = {
      {"select 1 from t where a = 1", "select 2 /* x */ from\n t where a = 2000000000"},
      {"select 1 from t where a = 1", "select 1 from t where a = 3000000000.5"},
      {"select 1 from t where a = 'x'", "select 1 from t where a = E'o''clock'"},
      {"select 1 from t where a = $1", "select 1 from t where a = $2"},
      {"select 1 from t where a in (1, 2)", "select 1 from t where a in (3, 4, 5)"},
      {"select 1 from t where a in ($1, $2)", "select 1 from t where a in ($1)"},
      {"select 1 from t where a = any (array[1, 2])", "select 1 from t where a = any (array[3])"},
      {"select 1 from t limit 1", "select 1 from t limit 1000"},
      {"select 1 from t limit all", "select 1 from t"},
      {"insert into t values (1, 'a')", "insert into t values (2, 'b'), (3, null), ($1, default)"},
      {"select set_config('app.tenant', '1', true)", "select set_config('app.tenant', '2', true)"},
      {"set app.tenant = '1'", "set app.tenant = '2'"},
      {"savepoint a", "savepoint b"},
      {"fetch 10 from a", "fetch 20 from b"},
      {"declare a cursor for select 1", "declare b cursor for select 1"},
      {"notify a, 'x'", "notify a, 'y'"},
      {"select f('a')", "select f('b')"},
      {"update t set a = 1", "update t set a = 2"},
  };
  for (const auto& [left, right] : pairs)
    EXPECT_EQ(structure(left), structure(right)) << left << " | " << right;
}

TEST(Structure, StaysTheSame) {  // stored baselines depend on it
  const std::uint64_t once = structure("select a from t where b = 1");
  EXPECT_EQ(structure("select a from t where b = 2"), once);
  EXPECT_NE(once, 0u);
}

TEST(Fingerprint, IsLibpgQuerys) {
  EXPECT_EQ(fingerprint_of("SELECT 1"), 0x50fde20626009abau);
  EXPECT_EQ(fingerprint_of("select 2"), 0x50fde20626009abau);
  EXPECT_EQ(fingerprint_of("not sql"), 0u);
  std::string deep = "select 1";
  for (int i = 0; i < 100'000; ++i) deep += "+1";
  EXPECT_EQ(fingerprint_of(deep), 0u);
  EXPECT_EQ(normalized(deep), "");
  EXPECT_EQ(normalized("select a from t where b = 'x' and c = 1"),
            "select a from t where b = $1 and c = $2");
  EXPECT_EQ(normalized("not sql"), "");
}

}  // namespace
}  // namespace pgmoat::sql
