// The marks of injected SQL, and the SQL of applications that must bear none of them.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "describe.h"

namespace pgmoat::sql {
namespace {

struct Row {
  const char *sql, *signs;
};

std::string signs(const char* sql) {
  const auto analysis = read(sql);
  EXPECT_EQ(analysis->opacity(), Opacity::none) << sql;
  return analysis->statements().empty() ? "none" : signs_of(analysis->statements()[0].signs);
}

TEST(Signs, OfInjections) {
  const Row rows[] = {
      {"select * from t where id = 1 or 1=1", "tautology constant-condition"},
      {"select * from t where id = 1 or 'a'='a'", "tautology constant-condition"},
      {"select * from t where id = 1 or id=id", "tautology"},
      {"select * from t where id = 1 or true", "tautology"},
      {"select * from t where id = 1 or not false", "tautology"},
      {"select * from t where id = 1 or 'a' like '%'", "tautology constant-condition"},
      {"select * from t where id = 1 or 'a'||'b' = 'ab'", "tautology constant-condition"},
      {"select * from t where id = 1 or 2 between 1 and 3", "tautology constant-condition"},
      {"select * from t where id = 1 or 1 in (1, 2)", "tautology constant-condition"},
      {"select * from t where id = 1 or 1::text = '1'", "tautology constant-condition"},
      {"select * from t where id = 1 or 1+1 = 2", "tautology constant-condition"},
      {"select * from t where id = 1 or length('ab') = 2", "tautology constant-condition"},
      {"select * from t where id = 1 or ascii('a') = 97", "tautology constant-condition"},
      {"select * from t where id = 1 or (1=1 and 2=2)", "tautology constant-condition"},
      {"select * from t where (id = 1 or 1=1) and active", "tautology constant-condition"},
      {"select * from t where id = 1 or id is null or id is not null", "tautology"},
      {"select * from t where id = 1 or exists (select 1)", "tautology"},
      {"select * from t where id = 1 or (select true)", "tautology"},
      {"select * from t where id = 1 or case when 1=1 then true else false end",
       "tautology constant-condition"},
      {"select * from t where id = 1 and 1=2", "constant-condition"},
      {"select a, b from t where id = 1 union select null, null", "union-constants"},
      {"select a, b from t where id = 1 union all select 1, version()", "union-constants"},
      {"select a, b from t where id = 1 union values ('x', 'y')", "union-constants"},
      {"select a from t union select usename from pg_user", "union-catalog"},
      {"select a from t union select table_name from information_schema.tables", "union-catalog"},
      {"select * from t where id = cast((select version()) as int)", "cast-of-subquery"},
      {"select * from t where id = ('~'||(select pw from u limit 1)||'~')::numeric",
       "cast-of-subquery"},
      {"select * from t where ascii(substr((select pw from u limit 1), 1, 1)) > 64",
       "character-probe"},
      {"select * from t where substring(current_user from 1 for 1) = 'p'", "character-probe"},
      {"select * from t where length((select pw from u)) = 5", "character-probe"},
      {"select * from t where id = 1 and (select pg_sleep(5)) is null", "delay"},
      {"select ('5'::float).pg_sleep", "delay"},
      {"select count(*) from generate_series(1, 10000000)", "delay"},
      {"select * from t where a = chr(65)||chr(66)||chr(67)", "built-string"},
      {"select convert_from(decode('QQ==', 'base64'), 'UTF8')", "built-string"},
      {"select * from users where name = 'admin' --' and pw = ''", "trailing-comment"},
      {"select 1; drop table t", "stacked"},
      {"select * from t where id = 1 and sleep(5) = 0", "foreign"},
      {"select * from t where extractvalue(1, 'x') is null", "foreign"},
      {"select 1/0", "error-provoking"},
      {"select * from t where 1 = 1/(case when (a = 'x') then 1 else 0 end)", "error-provoking"},
      {"select * from t order by (select usename from pg_user limit 1)", "order-probe"},
      {"select * from t order by case when (1=1) then a else b end",
       "constant-condition order-probe"},
      {"insert into t values ((select passwd from pg_shadow limit 1))", "subquery-in-values"},
      {"insert into t values ('a'||(select version())||'b')", "subquery-in-values"},
      {"update t set a = (select passwd from pg_catalog.pg_shadow limit 1)", "subquery-in-values"},
      {"update t set a = '' or 'x'='x' where id = 7", "tautology constant-condition"},
      {"insert into t values ('' or 1=1 or '', 5)", "tautology constant-condition"},
      {"select a from t order by a or 1=1", "tautology constant-condition"},
      {"select case when 1=2 then a end from t", "constant-condition"},
      {"select/**/a/**/from/**/t", "empty-comment"},
  };
  for (const auto& [sql, expected] : rows) EXPECT_EQ(signs(sql), expected) << sql;
}

TEST(Signs, OfWhatApplicationsWrite) {
  const Row rows[] = {
      {"select * from t where 1=1 and a = 5 and b = 'x'", "constant-condition"},
      {"select * from t where true and a = 5", ""},
      {"select * from t where a = $1 or $1 is null", ""},
      {"select * from t where a = 1 or b = 1", ""},
      {"select * from t where (a = 'x' or 'x' = '')", "constant-condition"},
      {"select * from t where name like '%' and a = 1", ""},
      {"select * from t where name ilike '%%' or email ilike '%%'", ""},
      {"select * from a join b on a.id = b.id where a.id = b.id", ""},
      {"select id, name from t union select 0, name from u", ""},
      {"select id from t union select 0", ""},
      {"select 1 union select 2", ""},
      {"with recursive r as (select 1 n union all select n + 1 from r where n < 9) select n from r",
       ""},
      {"select relname from pg_class union select typname from pg_type", ""},
      {"select (select count(*) from t)::int", ""},
      {"select cast((select max(id) from t) as bigint) + 1", ""},
      {"select a - (select avg(a) from t) from t", ""},
      {"select a / nullif(b, 0), a / 2, a / case when b = 0 then null else b end from t", ""},
      {"select substring(name from 1 for 3), length(name), left(name, 2) from t", ""},
      {"select * from generate_series(1, 1000)", ""},
      {"select 'a' || chr(10) || 'b'", ""},
      {"select 1 -- that is all", ""},
      {"select 1\n-- it's a remark on a line of its own", ""},
      {"select /* a */ 1", ""},
      {"select * from t order by case when a = 'x' then 0 else 1 end, b", ""},
      {"select * from t order by (select count(*) from u where u.a = t.a) desc", ""},
      {"insert into t values ((select id from u where name = 'x'), 2)", ""},
      {"update t set a = (select max(b) from u), c = c || 'x'", ""},
      {"select * from t where id in (1, 2, 3) and not deleted", ""},
      {"select * from t where ((a = 1 and b = 2) or (a = 2 and b = 1)) and c is not null", ""},
  };
  for (const auto& [sql, expected] : rows) EXPECT_EQ(signs(sql), expected) << sql;
}

// What real programs sent: none of the signs that are scored highest. Exceptions by name.
TEST(Signs, OfRecordedClients) {
  constexpr std::uint32_t kNever = kTautology | kUnionConstants | kUnionCatalog | kCharacterProbe |
                                   kDelay | kCastOfSubquery | kErrorProvoking | kOrderProbe |
                                   kSubqueryInValues | kTrailingComment | kEmptyComment |
                                   kForeignFunction;
  int seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(PGMOAT_CORPUS "/sql/recorded")) {
    std::ifstream in(entry.path(), std::ios::binary);
    for (std::string text; std::getline(in, text, '\0');) {
      if (text == "select 1/0") continue;  // to see how the driver takes an error
      const auto analysis = read(text);
      for (const Facts& facts : analysis->statements()) {
        ++seen;
        EXPECT_EQ(signs_of(facts.signs & kNever), "") << entry.path().stem() << ": " << text;
      }
    }
  }
  EXPECT_GT(seen, 1'500);
}

}  // namespace
}  // namespace pgmoat::sql
