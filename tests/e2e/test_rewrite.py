"""Rewritten statements on a real database.

Two databases: `full` holds the rows of three tenants, `twin` only those of tenant 7. A statement with
add_filter on `full` must answer what the statement itself answers on `twin`, leave tenant 7's rows as
they are left there, and leave everybody else's alone. That the tables do differ is checked too: most
statements answer otherwise where they are not rewritten.

Of positions: the server's error in a rewritten text is mapped back to the place in the client's own.
"""
import itertools
import json
import os
import subprocess

import pytest

from pg import BINARY
from wire import Conn, fields, row

TOOL = os.path.join(os.path.dirname(BINARY), "tests", "rewrite_tool")
FILTERED = ["public.customers", "public.orders", "public.items"]
SCHEMA = """
create table customers (id int primary key, tenant_id int, name text, city text, parent int);
create table orders (id int primary key, tenant_id int, customer_id int, total numeric, note text);
create table items (id int primary key, tenant_id int, order_id int, sku text, qty int);
create table skus (sku text primary key, price numeric);
create table log (id int, what text);
create function twice(n int) returns int language sql as 'select 2 * n';
insert into skus select 's' || n, n * 1.5 from generate_series(1, 6) n;
insert into customers select n, (array[7, 8, null])[n % 3 + 1], 'c' || n % 9, (array['Rome', 'Oslo', null])[n % 4],
  nullif(n / 2, 0) from generate_series(1, 40) n;
insert into orders select n, (array[8, 7, 7, null])[n % 4 + 1], n % 45, (n * 37 % 101) / 2.0, nullif('n' || n % 7, 'n3')
  from generate_series(1, 120) n;
insert into items select n, (array[7, 8, 7])[n % 3 + 1], n % 130, 's' || n % 8, n % 5 from generate_series(1, 300) n;
"""
ONLY_SEVEN = "".join(f"delete from {t} where tenant_id is distinct from 7;" for t in ("customers", "orders", "items"))

JOINS = [f"select c.id, o.id, o.total from customers c {join} orders o on {on}{where}"
         for join, on, where in itertools.product(
             ("join", "left join", "right join", "full join"),
             ("c.id = o.customer_id", "c.id = o.customer_id and o.total > 20 and c.id > 0"),
             ("", " where o.note is null", " where c.city is distinct from 'Rome'"))
         if not (join == "full join" and "and" in on)]

READS = JOINS + """
select * from orders
select orders.* from orders
table orders
select * from only orders
select * from only (public.orders) o
select * from orders *
select o from orders o
select row_to_json(o) from orders o
select count(o), count(o.*), count(*) from orders o
select (o).total from orders as o
select a, b, c from orders as o(a, b, c)
select count(*) from public.orders
select distinct customer_id from orders
select distinct on (customer_id) customer_id, id from orders order by customer_id, total desc, id
select * from orders order by total desc nulls last, id limit 7
select * from orders order by id offset 5 rows fetch next 4 rows only
select id from orders order by total fetch first 3 rows with ties
select customer_id, count(*), sum(total), min(note) from orders group by customer_id
select customer_id, sum(total) from orders group by 1 having sum(total) > 40
select customer_id, note, sum(total) from orders group by rollup (customer_id, note)
select note, customer_id, count(*) from orders group by grouping sets ((note), (customer_id), ())
select count(*) filter (where total > 20), avg(total), array_agg(id order by id) from orders
select string_agg(note, ',' order by id) from orders
select percentile_cont(0.5) within group (order by total) from orders
select id, rank() over (partition by customer_id order by total, id) from orders
select id, sum(total) over w, lag(id) over w from orders window w as (order by id rows 3 preceding)
select id from orders where total > (select avg(total) from orders)
select id from customers where exists (select 1 from orders where customer_id = customers.id)
select id from customers c where not exists (select from orders o where o.customer_id = c.id)
select id from customers where id in (select customer_id from orders where total > 30)
select id from customers where id not in (select customer_id from orders where customer_id is not null)
select id from orders where total >= all (select total from orders o where o.note = 'n1')
select id from orders where customer_id = any (array(select id from customers))
select id, (select count(*) from items i where i.order_id = o.id) from orders o
select c.id, l.* from customers c, lateral (select id, total from orders o where o.customer_id = c.id order by id limit 2) l
select c.id, l.n from customers c left join lateral (select count(*) n from orders where customer_id = c.id) l on true
select * from orders natural join (select id from customers) c
select * from customers join orders using (id)
select * from customers join orders using (id, tenant_id) where total > 3
select * from customers cross join skus where customers.id < 9
select c.id, p.id from customers c left join customers p on p.id = c.parent
select c.id, o.id, i.id from customers c join orders o on o.customer_id = c.id join items i on i.order_id = o.id
select c.id, o.id, i.id from customers c left join (orders o left join items i on i.order_id = o.id) on o.customer_id = c.id
select j.* from (customers c join orders o on o.customer_id = c.id) as j(a, b, c, d, e, f)
select s.sku, i.qty from skus s left join items i on i.sku = s.sku and i.qty > 2
select s.sku, sum(i.qty) from skus s full join items i using (sku) group by s.sku
select i.id, price from items i, skus s where i.sku = s.sku and i.qty * price > 5
select id from orders union select id from customers
select id from orders union all select id from customers
select id from orders intersect select id from customers
select id from orders except select order_id from items
select id from orders except all (select id from customers union select 5) order by 1
(select id from orders order by id limit 3) union all (select id from customers order by id desc limit 3)
select * from (select id, total from orders union all select id, 0 from customers) u where id < 20
with big as (select * from orders where total > 30) select * from big join customers c on c.id = big.customer_id
with a as materialized (select id from orders), b as not materialized (select * from a) select count(*) from b
with orders as (select * from orders where total > 20) select count(*) from orders
with orders as (select * from skus) select * from orders
with recursive up as (select id, parent, 1 as n from customers where parent is null union all select c.id, c.parent, n + 1 from customers c join up on c.parent = up.id) select * from up
with recursive n as (select 1 as i union all select i + 1 from n where i < 5) select i, (select count(*) from orders where customer_id = i) from n
with recursive t as (select id, parent from customers where id = 4 union select c.id, c.parent from customers c, t where c.parent = t.id) search depth first by id set o select id from t
select case when exists (select 1 from orders where total > 40) then 'y' else 'n' end
select coalesce((select max(id) from orders), 0), array(select id from customers order by id)
select * from (values (1), (2), (3)) v(id) left join orders using (id)
select o.id, twice(o.id) from orders o
select g, (select count(*) from orders where id < g) from generate_series(1, 30, 10) g
select o.id, g from orders o, generate_series(1, o.id % 3) g
select o.id, x.* from orders o cross join lateral (values (o.total), (1)) x(v)
select id from orders o where (customer_id, total) in (select customer_id, max(total) from orders group by 1)
select id from orders where row(customer_id, id) > row(20, 30)
select o1.id, o2.id from orders o1 join orders o2 on o1.customer_id = o2.customer_id and o1.id < o2.id
select a.id from orders a where not exists (select 1 from orders b where b.customer_id = a.customer_id and b.id > a.id)
select sum(qty) from items where order_id in (select id from orders where customer_id in (select id from customers where city = 'Rome'))
select "id" from "public"."orders" "O" where "O"."total" > 10
select orders.id as "from", total as "where" from orders
select 'from orders', $$ from orders $$, id from orders -- from orders
select /* from orders */ id /* a /* nested */ one */ from orders
select u&"\\0069d" from u&"order\\0073"
select * from orders where note like 'n%' escape '!' order by id
select id from orders where total between symmetric 40 and 10
select id from orders where note is distinct from 'n1'
select o.tenant_id, count(*) from orders o group by o.tenant_id
select tenant_id from orders where tenant_id = 8
select count(*) from orders where tenant_id = 7 or true
select count(*) from customers where city = 'Rome' or 1 = 1 -- injected
select id from orders where false union select id from customers
select x.id from orders x where x.id in (with y as (select id from orders) select id from y)
select grouping(customer_id), customer_id from orders group by cube (customer_id)
select ntile(3) over (order by id), first_value(note) over (partition by customer_id order by id) from orders
select json_agg(o order by o.id) from orders o
select extract(year from '2020-01-01'::date) from orders
select * from orders where id = 4 for update
select * from orders where id < 20 order by id limit 3 for update skip locked
select o.id, c.id from orders o join customers c on c.id = o.customer_id for share of o
select o.id, c.id from orders o, customers c where c.id = o.customer_id for no key update
select o.id, s.sku from orders o, skus s for key share of s
explain (costs off, timing off, summary off, analyze) select 1 from skus
copy (select * from orders order by id) to stdout
copy (select c.id from customers c left join orders o on o.customer_id = c.id and o.total > 40 where o.id is null) to stdout
declare c cursor for select id from orders order by id; fetch all from c
prepare p(numeric) as select id from orders where total > $1; execute p(20)
create table made as select * from orders; select * from made
select * into made from orders; select * from made
create temp table made on commit drop as select customer_id, count(*) n from orders group by 1; select * from made
""".strip().split("\n")

WRITES = """
update orders set total = total + 1
update orders set total = 0 where id < 50
update orders set total = 0 where id < 50 or true
update orders set note = 'x' where note = 'n1' and total > 3 returning *
update orders o set note = c.name from customers c where c.id = o.customer_id
update only orders as o set total = 1 where o.id % 2 = 0 returning o.id
update orders set total = (select max(total) from orders)
update orders set (total, note) = (select sum(qty), max(sku) from items where order_id = orders.id)
update orders set total = i.qty from items i left join skus s using (sku) where i.order_id = orders.id and s.sku is null
update skus set price = (select count(*) from items where items.sku = skus.sku)
update skus set price = price + 1 from items where items.sku = skus.sku
update orders set tenant_id = 7, total = 5
update orders set total = 3 -- everything
update orders set total = 3 /* everything */ returning id -- end
delete from orders
delete from orders where note is null
delete from orders where true or false returning id
delete from orders o where not exists (select 1 from items i where i.order_id = o.id)
delete from orders using customers c where c.id = customer_id and c.city = 'Rome' returning orders.id, c.name
delete from only orders where id in (select id from orders order by id limit 5) returning *
delete from skus where sku in (select sku from items)
delete from skus using items where items.sku = skus.sku returning skus.sku
with gone as (delete from orders where total > 20 returning *) select count(*) from gone
with gone as (delete from items returning order_id) update orders set note = 'gone' where id in (select order_id from gone)
with o as (update orders set total = 1 returning id) insert into log select id, 'u' from o
with c as (select id from customers where city = 'Rome') delete from orders where customer_id in (select id from c)
insert into log select id, note from orders
insert into log select id, name from customers returning *
insert into log values ((select count(*) from orders), 'count')
insert into log with x as (select id from orders) select id, 'x' from x
insert into skus select distinct sku, qty from items where qty = 1 on conflict (sku) do update set price = (select max(total) from orders)
merge into skus s using items i on s.sku = i.sku and i.id = 7 when matched then update set price = 99
merge into log l using (select max(id) m from orders) o on l.id = o.m when not matched then insert values (o.m, 'm')
""".strip().split("\n")

TABLES = ["customers", "orders", "items", "skus", "log"]


class Rewriter:
    def __init__(self):
        self.process = subprocess.Popen([TOOL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, sql, *edits):
        self.process.stdin.write(json.dumps({"sql": sql, "edits": edits}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def filtered(self, sql):
        """Each statement of the text by itself, as rules see them."""
        out = [self(part, {"add_filter": {"relations": FILTERED, "column": "tenant_id", "type": "integer",
                                          "equals": "7"}}) for part in sql.split("; ")]
        for answer in out:
            assert "error" not in answer, (sql, answer)
        return "; ".join(answer["sql"] for answer in out)


@pytest.fixture(scope="module")
def rewrite():
    rewriter = Rewriter()
    yield rewriter
    rewriter.process.stdin.close()
    assert rewriter.process.wait(10) == 0


@pytest.fixture(scope="module")
def databases(postgres):
    with Conn(postgres.port) as admin:
        for name in ("full", "twin"):
            admin.query_replies(f'create database "{name}"')
    with Conn(postgres.port, database="full") as full, Conn(postgres.port, database="twin") as twin:
        for conn, script in ((full, SCHEMA), (twin, SCHEMA + ONLY_SEVEN)):
            replies = conn.query_replies(script)
            assert not [b for t, b in replies if t == "E"], replies
        yield full, twin
    with Conn(postgres.port) as admin:
        for name in ("full", "twin"):
            admin.query_replies(f'drop database "{name}" with (force)')


def answer(conn, sql):
    """Rows, without an order, and command tags; and the tables afterwards. Nothing of it stays."""
    conn.query_replies("begin")
    try:
        replies = conn.query_replies(sql)
        errors = [fields(body)["M"] for tag, body in replies if tag == "E"]
        assert not errors, (sql, errors)
        rows = sorted(row(body) if tag == "D" else body.decode() for tag, body in replies if tag in "Dd")
        tags = [body.decode() for tag, body in replies if tag == "C"]
        tables = {name: content(conn, name) for name in TABLES}
        return rows, tags, tables
    finally:
        conn.query_replies("rollback")
        conn.query_replies("deallocate all")


def content(conn, table):
    """What is tenant 7's or everybody's, and what is others'."""
    mine = "true" if table in ("skus", "log") else "tenant_id is not distinct from 7"
    replies = conn.query_replies(f"select {mine}, * from {table} order by 2, 3")
    found = [row(body) for tag, body in replies if tag == "D"]
    return [[line for line in found if line[0] == which] for which in "tf"]


@pytest.mark.parametrize("statements", [READS, WRITES], ids=["reads", "writes"])
def test_a_filtered_statement_sees_what_is_there_for_the_tenant(databases, rewrite, statements):
    full, twin = databases
    others = {name: content(full, name)[1] for name in TABLES}
    assert all(others[name] for name in ("customers", "orders", "items"))
    differs = 0
    for sql in statements:
        rewritten = rewrite.filtered(sql)
        rows, tags, tables = answer(full, rewritten)
        expected_rows, expected_tags, expected_tables = answer(twin, sql)
        assert rows == expected_rows, (sql, rewritten)
        assert tags == expected_tags, (sql, rewritten)
        for name in TABLES:
            assert tables[name][0] == expected_tables[name][0], (sql, rewritten, name)
            assert tables[name][1] == others[name], (sql, rewritten, name)
        unfiltered = answer(full, sql)
        differs += (unfiltered[0], unfiltered[1]) != (expected_rows, expected_tags) or \
            any(unfiltered[2][name] != [expected_tables[name][0], others[name]] for name in TABLES)
    print(f"{len(statements)} statements, {differs} answer otherwise where they are not rewritten")
    assert differs >= 0.8 * len(statements)


LOCKED = [("select id from orders where id < 20 for update", "id < 20 and tenant_id = 7"),
          ("select id from orders order by id limit 2 for update", "id in (select id from orders where tenant_id = 7"
           " order by id limit 2)"),
          ("select o.id from orders o join customers c on c.id = o.customer_id where o.id < 9 for update of o",
           "id < 9 and tenant_id = 7 and customer_id in (select id from customers where tenant_id = 7)")]


@pytest.mark.parametrize("sql,rows", LOCKED)
def test_only_the_rows_that_are_found_are_locked(databases, rewrite, postgres, sql, rows):
    full = databases[0]
    with Conn(postgres.port, database="full") as other:
        full.query_replies("begin")
        try:
            full.query_replies(rewrite.filtered(sql))
            free = {row(b) for t, b in other.query_replies("select id from orders for update skip locked")
                    if t == "D"}
        finally:
            full.query_replies("rollback")
    every = {row(b) for t, b in full.query_replies("select id from orders") if t == "D"}
    expected = {row(b) for t, b in full.query_replies(f"select id from orders where {rows}") if t == "D"}
    assert expected and every - free == expected


CAPPED = [("select id from orders", 5), ("select id from orders limit all", 5), ("select id from orders limit 3", 3),
          ("select id from orders limit null", 5), ("select id from orders limit 4 + 4", 5),
          ("select id from orders limit (select null::int)", 5), ("select id from orders limit 1 + 1", 2),
          ("select id from orders limit '70'", 5), ("select id from orders limit 7.7", 5),
          ("select id from orders order by 1 fetch first 9 rows with ties", 5), ("table orders", 5),
          ("values (1), (2), (3), (4), (5), (6)", 5), ("select id from orders union select id from items", 5),
          ("select id from orders offset 100000", 0), ("select id from orders offset 118 rows", 2),
          ("(select id from orders) union all (select id from orders limit 3)", 5), ("select 1 -- end", 1),
          ("select id from orders order by id for update", 5), ("select id from orders offset 2 for update", 5),
          ("with o as (select * from orders) select * from o;", 5), ("select id from orders fetch first row only", 1),
          ("copy (select id from orders) to stdout", 5)]


@pytest.mark.parametrize("sql,rows", CAPPED)
def test_a_capped_statement_gives_no_more_rows(databases, rewrite, sql, rows):
    rewritten = rewrite(sql, {"cap_limit": 5}, {"add_comment": {"rule": "it's */ capped"}})
    got, _, _ = answer(databases[0], rewritten["sql"])
    assert len(got) == rows, rewritten


def test_the_type_of_a_parameter_stays(databases, rewrite):
    full = databases[0]
    for sql in ("select id from orders limit $1", "select id from orders where id = $2 offset $1"):
        rewritten = rewrite(sql, {"cap_limit": 5}, {"add_filter": {
            "relations": ["orders"], "column": "tenant_id", "type": "integer", "equals": "7"}})["sql"]
        types = []
        for text in (sql, rewritten):
            full.query_replies("deallocate all")
            full.query_replies("prepare p as " + text)
            types.append(full.value("select parameter_types from pg_prepared_statements"))
        assert types[0] == types[1] and "bigint" in types[0]


def test_another_relation_under_the_old_name(databases, rewrite):
    full = databases[0]
    full.query_replies("create table spare (like orders including all)")
    for sql, count in (("select count(*) from orders where orders.id > 0", "0"), ("select count(orders) from orders", "0"),
                       ("select count(*) from orders o where o.id > 0", "0")):
        assert full.value(rewrite(sql, {"replace_relation": ["public.orders", "public.spare"]})["sql"]) == count
        assert full.value(sql) == "120"
    insert = rewrite("insert into orders values (1, 7, 1, 1) on conflict (id) do update set total = orders.total + 1"
                     " returning orders.id", {"replace_relation": ["public.orders", "public.spare"]})
    assert full.value(insert["sql"]) == "1" and full.value("select count(*) from spare") == "1"
    full.query_replies("drop table spare")


WRONG = ["select id from orders o where o.nothing = 1",
         "select o.id from orders o join customers c on c.id = o.customer_id where c.nothing = 3 limit 4000",
         "update orders set total = 1 where nothing = 2",
         "select count(*) from customers, orders, nothing",
         "select id from orders where total > 3 group by customer_id /* nothing */ order by nothing limit 3000"]


@pytest.mark.parametrize("sql", WRONG)
def test_an_error_is_mapped_to_the_clients_own_text(databases, rewrite, sql):
    full = databases[0]
    rewritten = rewrite(sql, {"add_filter": {"relations": FILTERED, "column": "tenant_id", "equals": "7"}},
                        {"cap_limit": 10}, {"add_comment": {"k": "v"}})
    places = []
    for text in (sql, rewritten["sql"]):
        places.append([int(fields(b)["P"]) - 1 for t, b in full.query_replies(text) if t == "E"])
    assert places[0] and places[1] != places[0]
    assert [rewritten["positions"][at] for at in places[1]] == places[0]
