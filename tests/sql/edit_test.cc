// What each edit makes of a text, and what it refuses: tables of text before and after. A case that
// starts with "!" behind the arrow is a part of the sentence that is expected.
#include "sql/edit.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pgmoat::sql {
namespace {

struct Case {
  const char *before, *after;
};

std::string made(const std::string& sql, const std::vector<Edit>& edits,
                 const Dialect& dialect = {}) {
  const auto rewritten = apply(sql, dialect, edits);
  return rewritten ? rewritten->sql : "!" + rewritten.error();
}

void expect(const Case& test, const std::vector<Edit>& edits) {
  const std::string after = made(test.before, edits);
  if (test.after[0] == '!') {
    EXPECT_EQ(after[0], '!') << test.before << "\n" << after;
    EXPECT_NE(after.find(test.after + 1), std::string::npos) << test.before << "\n" << after;
  } else {
    EXPECT_EQ(after, test.after) << test.before;
  }
}

#define T7 "orders.tenant_id OPERATOR(pg_catalog.=) '7'"
#define WRAP "(SELECT * FROM orders WHERE " T7 ") orders"

const std::vector<Edit> kTenant{
    AddFilter{{"public.orders"}, "tenant_id", {Value::Type::text, "7"}}};

TEST(Edit, AddFilterIsBounded) {
  Limits limits;
  limits.filtered = 2;
  EXPECT_TRUE(apply("select from orders, orders o", {}, kTenant, limits));
  const auto more = apply("select from orders, orders o, orders p", {}, kTenant, limits);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error(), "More than 2 relations would have to be filtered.");
}

TEST(Edit, AddFilterWrapsReadsWhereTheyStand) {
  const Case cases[] = {
      {"select 1", "select 1"},
      {"select * from customers", "select * from customers"},
      {"select * from orders", "select * from " WRAP},
      {"select * from other.orders", "select * from other.orders"},
      {"select * from public . orders o;",
       "select * from (SELECT * FROM public . orders WHERE " T7 ") o;"},
      {"select o.* from orders as o(a, b) -- mine",
       "select o.* from (SELECT * FROM orders WHERE " T7 ") as o(a, b) -- mine"},
      {"select * from only orders",
       "select * from (SELECT * FROM only orders WHERE " T7 ") orders"},
      {"select * from only (public.orders) x",
       "select * from (SELECT * FROM only (public.orders) WHERE " T7 ") x"},
      {"select * from orders * o", "select * from (SELECT * FROM orders * WHERE " T7 ") o"},
      {"table orders", "SELECT * FROM " WRAP},
      {"select 1 from a left join orders on true", "select 1 from a left join " WRAP " on true"},
      {"select 1 from orders,orders o2",
       "select 1 from " WRAP ",(SELECT * FROM orders WHERE " T7 ") o2"},
      {"select (select max(id) from orders) from x",
       "select (select max(id) from " WRAP ") from x"},
      {"insert into x select * from orders", "insert into x select * from " WRAP},
      {"explain analyze select * from orders", "explain analyze select * from " WRAP},
      {"declare c cursor for select * from orders", "declare c cursor for select * from " WRAP},
      {"prepare p(int) as select * from orders where id = $1",
       "prepare p(int) as select * from " WRAP " where id = $1"},
      {"create table n as select * from orders", "create table n as select * from " WRAP},
      {"copy (select * from orders) to stdout", "copy (select * from " WRAP ") to stdout"},
      {"update x set a = 1 from orders where x.id = orders.id",
       "update x set a = 1 from " WRAP " where x.id = orders.id"},
      {"delete from x using orders", "delete from x using " WRAP},
      {"merge into x using orders on x.id = orders.id when matched then delete",
       "merge into x using " WRAP " on x.id = orders.id when matched then delete"},
      {"update x set (a, b) = (select c, d from orders)",
       "update x set (a, b) = (select c, d from " WRAP ")"},
      {"select 1 union select id from orders", "select 1 union select id from " WRAP},
      {"select f(x) from lateral (select * from orders) l",
       "select f(x) from lateral (select * from " WRAP ") l"},
  };
  for (const Case& test : cases) expect(test, kTenant);
}

TEST(Edit, AddFilterKnowsWhatACteHides) {
  const Case cases[] = {
      {"with orders as (select 1) select * from orders",
       "with orders as (select 1) select * from orders"},
      {"with orders as (select 1) select * from public.orders",
       "with orders as (select 1) select * from (SELECT * FROM public.orders WHERE " T7 ") orders"},
      {"with orders as (select * from orders) select * from orders",
       "with orders as (select * from " WRAP ") select * from orders"},
      {"with recursive orders as (select 1 union all select * from orders) select 1",
       "with recursive orders as (select 1 union all select * from orders) select 1"},
      {"with a as (select * from orders), orders as (select 1), b as (select * from orders) select "
       "1",
       "with a as (select * from " WRAP
       "), orders as (select 1), b as (select * from orders) select 1"},
      {"with recursive a as (select * from orders), orders as (select 1) select 1",
       "with recursive a as (select * from orders), orders as (select 1) select 1"},
      {"select (with orders as (select 1) select 1 from orders), 2 from orders",
       "select (with orders as (select 1) select 1 from orders), 2 from " WRAP},
      {"with orders as (select 1) delete from orders",
       "with orders as (select 1) delete from orders WHERE " T7},
      {"with recursive r as (select id from orders union all select o.id from r join orders o on "
       "o.parent = r.id) select * from r",
       "with recursive r as (select id from " WRAP
       " union all select o.id from r join (SELECT * FROM orders WHERE " T7
       ") o on o.parent = r.id) select * from r"},
  };
  for (const Case& test : cases) expect(test, kTenant);
}

TEST(Edit, AddFilterAddsAnArmToTargetsAndLockedReads) {
  const Case cases[] = {
      {"delete from orders", "delete from orders WHERE " T7},
      {"delete from orders;", "delete from orders WHERE " T7 ";"},
      {"delete from orders -- all\n returning id",
       "delete from orders WHERE " T7 " -- all\n returning id"},
      {"delete from orders where a or b returning x",
       "delete from orders where ( a or b) AND " T7 " returning x"},
      {"delete from orders where a and b -- c",
       "delete from orders where ( a and b) AND " T7 " -- c"},
      {"update only orders as o set a = 1 where a = (select 1 where true)",
       "update only orders as o set a = 1 where ( a = (select 1 where true)) AND o.tenant_id "
       "OPERATOR(pg_catalog.=) '7'"},
      {"with d as (delete from orders returning *) select * from d",
       "with d as (delete from orders WHERE " T7 " returning *) select * from d"},
      {"update orders set x = y.z from y", "update orders set x = y.z from y WHERE " T7},
      {"delete from orders using orders o",
       "delete from orders using (SELECT * FROM orders WHERE " T7 ") o WHERE " T7},
      {"update orders set tenant_id = '7', a = 1",
       "update orders set tenant_id = '7', a = 1 WHERE " T7},
      {"select * from orders where id = 1 for update",
       "select * from orders where ( id = 1) AND " T7 " for update"},
      {"select * from orders o join x using (id) order by 1 limit 1 for no key update skip locked",
       "select * from orders o join x using (id) WHERE o.tenant_id OPERATOR(pg_catalog.=) '7' "
       "order "
       "by 1 limit 1 for no key update skip locked"},
      {"select * from (orders a join orders b on a.id is distinct from b.id) where x for share",
       "select * from (orders a join orders b on a.id is distinct from b.id) where ( x) AND "
       "a.tenant_id OPERATOR(pg_catalog.=) '7' AND b.tenant_id OPERATOR(pg_catalog.=) '7' for "
       "share"},
      {"select * from orders, x for update of x", "select * from " WRAP ", x for update of x"},
      {"select * from x where id in (select id from orders) for update",
       "select * from x where id in (select id from " WRAP ") for update"},
      {"select * from x left join orders on true for update", "!locked through a join"},
      {"select * from (select * from orders) s for update", "!locked through a join or sub-select"},
      {"select * from (select * from orders) s, x for update of x",
       "select * from (select * from " WRAP ") s, x for update of x"},
      {"select * from (select * from orders) s, x for update of s", "!locked through"},
      {"table orders for update", "!Locked rows"},
  };
  for (const Case& test : cases) expect(test, kTenant);
}

TEST(Edit, AddFilterRefusesWhatItCannotNarrow) {
  const Case cases[] = {
      {"insert into orders values (1)", "!INSERT into orders"},
      {"insert into public.orders select * from x", "!INSERT into public.orders"},
      {"with i as (insert into orders values (1) returning *) select * from i", "!INSERT"},
      {"merge into orders using x on true when matched then delete", "!MERGE into orders"},
      {"copy orders to stdout", "!COPY of orders"},
      {"copy orders from stdin", "!COPY of orders"},
      {"truncate orders", "!in a statement of this kind"},
      {"lock orders", "!in a statement of this kind"},
      {"select 1 into orders", "!A new relation orders"},
      {"create table orders (a int)", "!in a statement of this kind"},
      {"create view v as select * from orders", "!in a statement of this kind"},
      {"create materialized view v as select * from orders", "!in a statement of this kind"},
      {"drop table orders", "!in a statement of this kind"},
      {"drop table x, public.orders", "!in a statement of this kind"},
      {"alter table orders add a int", "!in a statement of this kind"},
      {"comment on table orders is 'x'", "!in a statement of this kind"},
      {"create rule r as on insert to x do also select * from orders",
       "!in a statement of this kind"},
      {"do $$ begin perform 1; end $$", "do $$ begin perform 1; end $$"},
      {"do $$ begin perform 1 from orders; end $$", "!orders in a text"},
      {"do $$ begin execute 'sel' || x; end $$", "!text of its own"},
      {"create function f() returns int language sql return (select max(id) from orders)",
       "!in a statement of this kind"},
      {"create function f() returns int language sql as 'select max(id) from public.orders'",
       "!public.orders in a text"},
      {"select query_to_xml('select * from orders', true, true, '')", "!orders in a text"},
      {"select query_to_xml('select * from x', true, true, '')",
       "select query_to_xml('select * from x', true, true, '')"},
      {"select query_to_xml($1, true, true, '')", "!text of its own"},
      {"select table_to_xml('orders', true, true, '')", "!orders in a text or a name"},
      {"select table_to_xml(oid, true, true, '') from pg_class", "!table_to_xml of an unknown"},
      {"select table_to_xml(16384, true, true, '')", "!table_to_xml of an unknown"},
      {"select table_to_xml('16384', true, true, '')", "!table_to_xml of an unknown"},
      {"select (oid::regclass).table_to_xml from pg_class", "!table_to_xml of an unknown"},
      {"select database_to_xml(true, true, '')", "!in a text or a name"},
      {"select schema_to_xml('public', true, true, '')", "!in a text or a name"},
      {"select * from orders tablesample system (10)", "!TABLESAMPLE of orders"},
      {"delete from orders where current of c", "!CURRENT OF"},
      {"update orders set tenant_id = 8", "!sets tenant_id"},
      {"update orders set (a, tenant_id) = (select 1, 2)", "!sets tenant_id"},
      {"select ctid from orders", "!has no ctid"},
      {"select o.xmin from orders o", "!has no xmin"},
      {"select 1 from x where exists (select 1 from orders where ctid = x.ctid)", "!has no ctid"},
      {"select public.orders.id from public.orders", "!qualified by its schema"},
      {"select public.orders.* from orders", "!qualified by its schema"},
      {"select 1; select * from orders", "!Several statements"},
      {"", "!without a statement"},
      {"select from from", "!syntax error"},
  };
  for (const Case& test : cases) expect(test, kTenant);
}

TEST(Edit, AddFilterPlacesValuesAndNames) {
  const auto filtered = [](Value value, std::string relation, std::string column) {
    return made("select from " + relation, {AddFilter{{relation}, column, std::move(value)}});
  };
  using enum Value::Type;
  EXPECT_EQ(filtered({integer, "42"}, "t", "c"),
            "select from (SELECT * FROM t WHERE t.c OPERATOR(pg_catalog.=) 42) t");
  EXPECT_EQ(filtered({integer, "-42"}, "t", "c"),
            "select from (SELECT * FROM t WHERE t.c OPERATOR(pg_catalog.=) '-42') t");
  EXPECT_EQ(filtered({boolean, "true"}, "t", "c"),
            "select from (SELECT * FROM t WHERE t.c OPERATOR(pg_catalog.=) true) t");
  EXPECT_EQ(filtered({null, ""}, "t", "c"), "select from (SELECT * FROM t WHERE t.c IS NULL) t");
  EXPECT_EQ(filtered({text, "a'b"}, "t", "c"),
            "select from (SELECT * FROM t WHERE t.c OPERATOR(pg_catalog.=) 'a''b') t");
  EXPECT_EQ(filtered({text, "\\' or 1=1 --"}, "t", "c"),
            "select from (SELECT * FROM t WHERE t.c OPERATOR(pg_catalog.=) E'\\\\'' or 1=1 --') t");
  EXPECT_EQ(filtered({text, "7"}, "\"Ord\"\"ers\"", "select"),
            "select from (SELECT * FROM \"Ord\"\"ers\" WHERE \"Ord\"\"ers\".\"select\" "
            "OPERATOR(pg_catalog.=) '7') \"Ord\"\"ers\"");
  for (const Value& bad :
       {Value{integer, "1 or 1"}, Value{integer, ""}, Value{boolean, "t or true"},
        Value{text, std::string("a\0b", 3)}, Value{text, "\xff"}}) {
    EXPECT_EQ(filtered(bad, "t", "c")[0], '!') << bad.text;
  }
}

// A backslash in the value reads the same whatever the session has set.
TEST(Edit, AddFilterIsTheSameUnderBothReadingsOfStrings) {
  Dialect old;
  old.standard_conforming_strings = false;
  const std::vector<Edit> edits{AddFilter{{"t"}, "c", {Value::Type::text, "a\\'b"}}};
  const std::string expected =
      "select 1 from (SELECT * FROM t WHERE t.c OPERATOR(pg_catalog.=) "
      "E'a\\\\''b') t";
  EXPECT_EQ(made("select 1 from t", edits), expected);
  EXPECT_EQ(made("select 1 from t", edits, old), expected);
}

TEST(Edit, CapLimit) {
  const std::vector<Edit> ten{CapLimit{10}};
  const Case cases[] = {
      {"select 1", "select 1 LIMIT 10"},
      {"select 1;", "select 1 LIMIT 10;"},
      {"select 1 -- x", "select 1 LIMIT 10 -- x"},
      {"select 1 /* x */ ; -- y", "select 1 LIMIT 10 /* x */ ; -- y"},
      {"table t", "table t LIMIT 10"},
      {"values (1), (2)", "values (1), (2) LIMIT 10"},
      {"select 1 union select 2", "select 1 union select 2 LIMIT 10"},
      {"(select 1 order by 1)", "(select 1 order by 1) LIMIT 10"},
      {"select 1 union (select 2 limit 3)", "select 1 union (select 2 limit 3) LIMIT 10"},
      {"with a as (select 1 limit 99) select * from a",
       "with a as (select 1 limit 99) select * from a LIMIT 10"},
      {"select * from t order by 1 for update", "select * from t order by 1 for update LIMIT 10"},
      {"select 1 offset 5", "select 1 LIMIT 10 offset 5"},
      {"select 1 from t offset (2 + 3) rows for update",
       "select 1 from t LIMIT 10 offset (2 + 3) rows for update"},
      {"select 1 limit 9", "select 1 limit 9"},
      {"select 1 limit 10", "select 1 limit 10"},
      {"select 1 limit 11", "select 1 limit 10"},
      {"select 1 limit 99999999999 offset 3", "select 1 limit 10 offset 3"},
      {"select 1 limit 99999999999999999999999",
       "select 1 limit least(99999999999999999999999, 10::bigint)"},
      {"(select 1 limit 11)", "(select 1 limit 10)"},
      {"select 1 limit all", "select 1 limit 10"},
      {"select 1 limit null offset 1", "select 1 limit 10 offset 1"},
      {"select 1 limit $1", "select 1 limit least($1, 10::bigint)"},
      {"select 1 offset $1 limit $2;", "select 1 offset $1 limit least($2, 10::bigint);"},
      {"select 1 limit $2 offset $1", "select 1 limit least($2, 10::bigint) offset $1"},
      {"select 1 limit (select 5 limit 1) for update",
       "select 1 limit least((select 5 limit 1), 10::bigint) for update"},
      {"select 1 limit 5 + $1 -- x", "select 1 limit least(5 + $1, 10::bigint) -- x"},
      {"select 1 limit ((5)::int)", "select 1 limit least(((5)::int), 10::bigint)"},
      {"select 1 limit '5'", "select 1 limit least('5', 10::bigint)"},
      {"select 1 limit 10.5", "select 1 limit least(10.5, 10::bigint)"},
      {"select 1 limit 1e3", "select 1 limit least(1e3, 10::bigint)"},
      {"select 1 limit cast(f(1, 2) as int)",
       "select 1 limit least(cast(f(1, 2) as int), 10::bigint)"},
      {"select 1 fetch first 20 rows only", "select 1 fetch first 10 rows only"},
      {"select 1 fetch first row only", "select 1 fetch first row only"},
      {"select 1 offset 2 rows fetch next ($1) rows only",
       "select 1 offset 2 rows fetch next least(($1), 10::bigint) rows only"},
      {"select 1 fetch next $1 row only", "select 1 fetch next least($1, 10::bigint) row only"},
      {"select 1 order by 1 fetch first 20 rows with ties",
       "select 1 order by 1 fetch first 10 rows ONLY"},
      {"select 1 order by 1 fetch first 10 rows with ties",
       "select 1 order by 1 fetch first 10 rows ONLY"},
      {"select 1 order by 1 fetch first 5 rows with ties", "!WITH TIES"},
      {"select 1 order by 1 fetch first $1 rows with ties", "!WITH TIES"},
      {"select 1 into t", "select 1 into t LIMIT 10"},
      {"explain select 1", "explain select 1 LIMIT 10"},
      {"prepare p as select 1", "prepare p as select 1 LIMIT 10"},
      {"declare c cursor for select 1", "declare c cursor for select 1 LIMIT 10"},
      {"copy (select 1) to stdout", "copy (select 1 LIMIT 10) to stdout"},
      {"copy t to stdout", "copy t to stdout"},
      {"update t set a = 1", "update t set a = 1"},
      {"delete from t returning *", "delete from t returning *"},
      {"begin", "begin"},
      {"create table t as select 1", "create table t as select 1"},
  };
  for (const Case& test : cases) expect(test, ten);
  EXPECT_EQ(made("select 1", {CapLimit{0}}), "select 1 LIMIT 0");
  EXPECT_EQ(made("select 1 fetch first row only", {CapLimit{0}}),
            "select 1 fetch first 0 row only");
  EXPECT_EQ(made("select 1 order by 1 fetch next rows with ties", {CapLimit{1}}),
            "select 1 order by 1 fetch next rows ONLY");
  EXPECT_EQ(made("select 1", {CapLimit{5'000'000'000}}), "select 1 LIMIT 5000000000");
  EXPECT_EQ(made("select 1", {CapLimit{-1}})[0], '!');
}

TEST(Edit, AddComment) {
  const std::vector<Edit> edits{AddComment{{{"who", "a b"}, {"why", "*/ ' \\ -- \xc3\xa9"}}}};
#define COMMENT " /*who='a%20b',why='%2A%2F%20%27%20%5C%20--%20%C3%A9'*/"
  const Case cases[] = {
      {"select 1", "select 1" COMMENT},
      {"select 1 ;", "select 1" COMMENT " ;"},
      {"select 1 -- x", "select 1" COMMENT " -- x"},
      {"select *", "select *" COMMENT},
      {"select '\xc3\xa9' -- \xc3\xa9", "select '\xc3\xa9'" COMMENT " -- \xc3\xa9"},
      {"begin;;", "begin" COMMENT ";;"},
      {"create table t()", "create table t()" COMMENT},
  };
  for (const Case& test : cases) expect(test, edits);
  EXPECT_EQ(made("select 1", {AddComment{}}), "select 1");
}

TEST(Edit, ReplaceRelation) {
  const std::vector<Edit> edits{ReplaceRelation{"public.orders", "archive.orders_old"}};
  const Case cases[] = {
      {"select * from x", "select * from x"},
      {"select orders.id from orders", "select orders.id from archive.orders_old AS orders"},
      {"select o.id from public.orders o", "select o.id from archive.orders_old o"},
      {"select * from only (orders)", "select * from only (archive.orders_old) AS orders"},
      {"select * from orders tablesample system (1)",
       "select * from archive.orders_old AS orders tablesample system (1)"},
      {"select * from orders*, audit.orders",
       "select * from archive.orders_old* AS orders, audit.orders"},
      {"table orders", "SELECT * FROM archive.orders_old AS orders"},
      {"update orders set a = orders.b", "update archive.orders_old AS orders set a = orders.b"},
      {"delete from orders using orders o",
       "delete from archive.orders_old AS orders using archive.orders_old o"},
      {"insert into orders values (1) on conflict (id) do update set a = orders.a + 1",
       "insert into archive.orders_old AS orders values (1) on conflict (id) do update set a = "
       "orders.a + 1"},
      {"merge into orders using x on true when matched then delete",
       "merge into archive.orders_old AS orders using x on true when matched then delete"},
      {"copy orders (id) from stdin", "copy archive.orders_old (id) from stdin"},
      {"truncate orders, x", "truncate archive.orders_old, x"},
      {"lock table public.orders", "lock table archive.orders_old"},
      {"select * from orders for update of orders",
       "select * from archive.orders_old AS orders for update of orders"},
      {"with orders as (select 1) select * from orders",
       "with orders as (select 1) select * from orders"},
      {"select public.orders.id from public.orders", "!qualified by its schema"},
      {"drop table orders", "!in a statement of this kind"},
      {"select query_to_xml('table orders', true, true, '')",
       "!in a text or a name cannot be replaced"},
      {"create table orders()", "!in a statement of this kind"},
      {"create view v as select * from orders", "!in a statement of this kind"},
  };
  for (const Case& test : cases) expect(test, edits);
  const std::vector<Edit> plain{ReplaceRelation{"orders", "\"New\".orders"}};
  expect({"select orders.id from orders, public.orders p",
          "select orders.id from \"New\".orders, public.orders p"},
         plain);
}

TEST(Edit, ReplaceTextMustBeAStatementOfTheSameKind) {
  const Case cases[] = {
      {"select $1", "select 2 + $1"},
  };
  for (const Case& test : cases) expect(test, {ReplaceText{"select 2 + $1"}});
  expect({"select 1", "!parameter"}, {ReplaceText{"select $1"}});
  expect({"select 1", "!another kind"}, {ReplaceText{"delete from x"}});
  expect({"select 1", "!Several"}, {ReplaceText{"select 1; select 2"}});
  expect({"select 1", "!syntax error"}, {ReplaceText{"select from from"}});
}

TEST(Edit, SettingsAreNotInTheText) {
  const auto rewritten = apply(
      "select 1", {}, {SetLocal{{{"statement_timeout", "5s"}, {"a.b", "x"}}}, ForceReadOnly{}});
  ASSERT_TRUE(rewritten);
  EXPECT_EQ(rewritten->sql, "select 1");
  EXPECT_TRUE(rewritten->patches.empty());
  using Settings = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(rewritten->settings,
            (Settings{{"statement_timeout", "5s"}, {"a.b", "x"}, {"transaction_read_only", "on"}}));
  EXPECT_FALSE(apply("select 1", {}, {SetLocal{{{"", "5s"}}}}));
}

TEST(Edit, OtherEncodingsOnlyWhereTheTextIsAscii) {
  Dialect latin;
  set_encoding(latin, "LATIN1");
  EXPECT_EQ(made("select 1", {CapLimit{1}}, latin), "select 1 LIMIT 1");
  EXPECT_NE(made("select '\xe9'", {CapLimit{1}}, latin).find("LATIN1"), std::string::npos);
  const std::vector<Edit> accent{AddFilter{{"t"}, "c", {Value::Type::text, "\xc3\xa9"}}};
  EXPECT_EQ(made("select 1 from t", accent, latin)[0], '!');
  EXPECT_NE(made("select 1 from t", accent)[0], '!');
}

TEST(Edit, ThePatchesTellWhereABytesCameFrom) {
  const std::string sql = "select a, b from orders where x = 1 limit 500 -- end";
  const std::vector<Edit> edits{kTenant[0], CapLimit{10}, AddComment{{{"k", "v"}}}};
  const auto rewritten = apply(sql, {}, edits);
  ASSERT_TRUE(rewritten) << rewritten.error();
  EXPECT_EQ(rewritten->sql, "select a, b from " WRAP " where x = 1 limit 10 /*k='v'*/ -- end");
  // Every byte that was kept comes from where it stood.
  std::uint32_t before = 0;
  for (std::uint32_t at = 0; at <= rewritten->sql.size(); ++at) {
    const std::uint32_t original = original_position(rewritten->patches, at);
    EXPECT_LE(before, original);
    EXPECT_LE(original, sql.size());
    before = original;
  }
  for (const char* kept : {"select a", "where x", "-- end", "orders WHERE"}) {
    const auto now = static_cast<std::uint32_t>(rewritten->sql.find(kept));
    const std::string word(kept, std::string(kept).find(' '));
    EXPECT_EQ(original_position(rewritten->patches, now), sql.find(word)) << kept;
  }
  EXPECT_EQ(original_position(rewritten->patches,
                              static_cast<std::uint32_t>(rewritten->sql.find("tenant_id"))),
            sql.find(" where"));
}

TEST(Edit, AnEditOfEditedTextIsStillRelativeToTheOriginal) {
  const auto rewritten =
      apply("select 1 limit 900", {}, {CapLimit{800}, CapLimit{70}, AddComment{{{"k", "v"}}}});
  ASSERT_TRUE(rewritten);
  EXPECT_EQ(rewritten->sql, "select 1 limit 70 /*k='v'*/");
  EXPECT_EQ(rewritten->patches, (std::vector<Patch>{{15, 3, 12}}));
  const auto replaced = apply("select 1", {}, {CapLimit{5}, ReplaceText{"select 22"}});
  ASSERT_TRUE(replaced);
  EXPECT_EQ(replaced->patches, (std::vector<Patch>{{0, 8, 9}}));
}

// Every level multiplies the ways to what is inside.
TEST(Edit, ATreeThatUnfoldsIsRefused) {
  std::string sql = "select 1, 2, 3, 4, 5, 6, 7, 8";
  for (int i = 0; i < 12; ++i) {
    sql = "with w as (update t set (a, b, c, d, e, f, g, h) = (" + sql +
          ") returning *) select * from w";
  }
  expect({sql.c_str(), "!too large"}, {AddComment{{{"k", "v"}}}});
}

TEST(Edit, LimitsHoldForTheNewTextToo) {
  Limits limits;
  limits.text_bytes = 20;
  EXPECT_TRUE(apply("select 1", {}, {CapLimit{1}}, limits));
  EXPECT_FALSE(apply("select 1", {}, {CapLimit{10000}, AddComment{{{"k", "v"}}}}, limits));
}

}  // namespace
}  // namespace pgmoat::sql
