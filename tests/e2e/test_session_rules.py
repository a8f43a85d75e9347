"""Rules that depend on what a session is and was: what the server really did with its role and settings is asked of
the server, what pgmoat believed is seen from a rule that reads it. Each case is one that an attacker would try.
"""
import struct
import time

import pytest

from pg import Pgmoat, is_sanitized
from wire import (COPY_DONE, SYNC, Conn, bind, copy_data, execute, fields, function_call, parse, query, said, startup)

POLICY = """pgmoat.api(1)
pgmoat.rule{ id="admin", match={ role="admin", relations={"vault"} }, verdict=pgmoat.deny{ message="not for admin" } }
pgmoat.rule{ id="migrator", match={ text_re2="needs migrator" }, when=function(s, q) return s.role ~= "migrator" end,
             verdict=pgmoat.deny{ message="only for the migrator" } }
pgmoat.rule{ id="tenant", match={ text_re2="needs tenant 7" }, when=function(s, q) return s.guc["app.tenant"] ~= "7" end,
             verdict=pgmoat.deny{ message="only for tenant 7" } }
pgmoat.rule{ id="idle", match={ transaction="idle", text_re2="in a block" }, verdict=pgmoat.deny{ message="begin first" } }
pgmoat.rule{ id="copied", on="copy", match={ relations={"vault"} }, verdict=pgmoat.deny{ message="no copy" } }
pgmoat.rule{ id="seen", on="complete", match={ relations={"witness"} }, verdict=pgmoat.terminate{ message="seen" } }
pgmoat.rule{ id="value", on="execute", match={ relations={"numbers"} },
             when=function(s, q, p) return p[1] ~= nil and p[1].value == "7" end,
             verdict=pgmoat.deny{ message="not seven" } }
pgmoat.rule{ id="sealed", match={ relations={"public.sealed"} }, verdict=pgmoat.deny{ message="sealed" } }
pgmoat.rule{ id="rows", on_error="deny", match={ relations={"public.rows"} }, verdict=pgmoat.rewrite{
               pgmoat.edit.add_filter{ relations={"public.rows"}, column="tenant", equals="7" } } }
pgmoat.rule{ id="objects", match={ functions={"lo_creat"} }, verdict=pgmoat.deny{ message="no objects" } }
pgmoat.rule{ id="told", match={ text_re2="tell once" }, verdict=pgmoat.alert{ message="told" } }
"""


@pytest.fixture(scope="module")
def moat(postgres, tmp_path_factory):
    with Conn(postgres.port) as conn:
        for sql in ("create table vault(i int)", "insert into vault values (42)", "create table open(i int)",
                    "create table witness(i int)", "create table numbers(n numeric)", "create role admin superuser",
                    "create table sealed(i int)", "insert into sealed values (43)",
                    "create table rows(id int, tenant text)", "insert into rows values (1, '7'), (2, '8')"):
            ask(conn, query(sql))
    file = tmp_path_factory.mktemp("rules") / "session.lua"
    file.write_text(POLICY)
    with Pgmoat(postgres.port, policy={"packs": [], "paths": [str(file)]}, workers=1,
                protocol={"startup_parameters": ["app.tenant", "options"]}) as moat:
        yield moat
        assert moat.events("protocol_fault") == []


def words(reply):
    """The message of the error, or what was said."""
    errors = [fields(body)["M"] for tag, body in reply if tag == "E"]
    return errors[0] if errors else said(reply)


def ask(conn, *messages):
    conn.send(*messages)
    return words(conn.until("Z", timeout=30))


def run(name):
    return bind("", name) + execute("") + SYNC


NOT_CALLED = ["select exists(select {})", "select row(1, {}) is null", "select row(1, {}) = row(2, 'x')",
              "select 1 where false and {} is null", "select case when true then '' else {} end"]


@pytest.mark.parametrize("frame", NOT_CALLED)
def test_a_set_config_that_may_not_have_been_called_is_not_believed(conn, frame):
    ask(conn, query(frame.format("set_config('role', 'migrator', false)")))
    assert ask(conn, query("select 'needs migrator'")) == "only for the migrator"
    ask(conn, query(frame.format("set_config('app.tenant', '7', false)")))
    assert ask(conn, query("select 'needs tenant 7'")) == "only for tenant 7"


def test_a_plain_set_config_is_believed(conn):
    ask(conn, query("select set_config('app.tenant', '7', false)"))
    assert "needs tenant 7|7" in ask(conn, query("select 'needs tenant 7', current_setting('app.tenant')"))


def test_a_role_that_was_computed_may_be_the_denied_one(conn):
    ask(conn, query("select set_config('role', lower('ADMIN'), false)"))
    assert "admin" in ask(conn, query("select current_user"))
    assert ask(conn, query("select * from vault")) == "not for admin"
    ask(conn, query("reset role"))
    assert "42" in ask(conn, query("select * from vault"))


def test_options_come_before_parameters(moat):
    pairs = [("user", "postgres"), ("database", "postgres"), ("app.tenant", "8"), ("options", "-c app.tenant=7")]
    with Conn(moat.port, first=startup(pairs)) as conn:
        conn.until("Z")
        assert ask(conn, query("select 'needs tenant 7'")) == "only for tenant 7"
        assert "D:8 " in ask(conn, query("select current_setting('app.tenant')"))


def test_each_copy_of_a_query_is_judged_as_itself(conn, postgres):
    conn.send(query("copy open from stdin; copy vault from stdin"))
    conn.until("G")
    conn.send(copy_data(b"1\n"), COPY_DONE)
    assert "no copy" in words(conn.until("Z"))
    with Conn(postgres.port) as direct:
        assert "D:1 " in ask(direct, query("select count(*) from vault"))


def test_each_completion_is_of_its_statement(moat):
    with Conn(moat.port) as conn:
        conn.send(query("select 1; select * from witness"))
        assert "seen" in words(conn.at_end())


def test_a_prepared_statement_is_judged_as_it_was_read(conn):
    hidden = "select 'a\\', i from vault --'"
    ask(conn, parse("u", hidden), SYNC)
    assert "42" in ask(conn, run("u"))
    ask(conn, query("set standard_conforming_strings = off"))
    ask(conn, query("set role admin"))
    assert ask(conn, run("u")) == "not for admin"


def test_what_was_prepared_in_a_block_is_judged_outside(conn):
    ask(conn, query("begin"))
    ask(conn, parse("s", "select 'in a block'"), SYNC)
    assert "in a block" in ask(conn, run("s"))
    ask(conn, query("commit"))
    assert ask(conn, run("s")) == "begin first"


def test_an_alert_is_told_once_for_what_was_prepared(moat, conn):
    before = len(moat.events("statement_judged"))
    ask(conn, parse("t", "select 'tell once'"), SYNC)
    for _ in range(3):
        assert "tell once" in ask(conn, run("t"))
    events = moat.wait_event("statement_judged", before + 1)[before:]
    assert [event["rule"] for event in events] == ["told"]


def test_large_numbers_in_few_bytes_stall_nobody(moat, conn):
    """20,000 values of 8 bytes stand for 2.6 GB of digits."""
    hostile = struct.pack("!hHHH", 0, 0x7fff, 0, 0)
    places = 20000
    ask(conn, parse("n", "select * from numbers where n in (" + ", ".join(f"${i + 1}" for i in range(places)) + ")",
                   (1700,) * places), SYNC)
    before, began = moat.rss(), time.monotonic()
    ask(conn, bind("", "n", [hostile] * places, formats=(1,)), execute(""), SYNC)
    assert moat.rss() - before < 64 << 20
    assert time.monotonic() - began < 10


SHIFTS = ["create temp view knobs as select name, setting from pg_settings",
          "create temp view caller as select set_config('standard_conforming_strings', 'off', false) as x"]


@pytest.mark.parametrize("way", ["update knobs set setting = 'off' where name = 'standard_conforming_strings'",
                                 "select x from caller"])
def test_what_a_view_may_set_is_not_sure_in_a_pipeline(conn, way):
    """On its own the first hides the second text's end from no one; sent together it must not either."""
    for sql in SHIFTS:
        ask(conn, query(sql))
    hidden = "select '\\', i from sealed --'"
    conn.send(query(way), query(hidden))
    conn.until("Z")
    reply = words(conn.until("Z"))
    assert reply == "sealed", "off, this reads the table"
    assert "off" in ask(conn, query("show standard_conforming_strings"))


@pytest.mark.parametrize("sql", [
    "select schema_to_xml('public', true, true, '')", "select database_to_xml(true, true, '')",
    "select table_to_xml(oid, true, true, '') from pg_class where relname = 'sealed'",
    "select table_to_xml((select oid from pg_class where relname = 'sealed'), true, true, '')",
    "alter schema public rename to other", "drop schema public cascade", "grant select on all tables in schema public to public"])
def test_what_names_a_whole_schema_names_the_table(conn, sql):
    assert ask(conn, query(sql)) == "sealed"


def test_a_function_call_is_judged_as_a_call_of_that_function(conn):
    assert ask(conn, function_call(957, [struct.pack("!i", -1)], [1])) == "no objects"
    assert "large object 1 does not exist" in ask(conn, function_call(952, [struct.pack("!i", 1), struct.pack("!i", 0x40000)], [1, 1]))


def test_renamed_columns_of_locked_rows_are_not_filtered_by_name(conn):
    assert "1|7" in ask(conn, query("select * from rows for update"))
    assert "could not be evaluated" in ask(conn, query("select * from rows r(tenant, id) for update"))
    assert "D:1|7 C:SELECT 1" in ask(conn, query("select * from rows r(tenant, id)"))


def prepared_as_clerk(conn):
    ask(conn, parse("s", "select * from vault"), SYNC)
    ask(conn, query("prepare q as select * from vault"))
    ask(conn, query("begin"))
    ask(conn, query("declare k cursor with hold for select * from vault"))
    ask(conn, query("commit"))
    ask(conn, query("set role admin"))


@pytest.mark.parametrize("sql", ["execute q", "explain analyze execute q", "create temp table t as execute q", "fetch k"])
def test_what_was_prepared_is_judged_wherever_it_is_run(conn, sql):
    prepared_as_clerk(conn)
    assert ask(conn, query(sql)) == "not for admin"


def test_a_prepare_that_fails_gives_a_name_no_new_meaning(conn):
    prepared_as_clerk(conn)
    conn.send(query("prepare s as select 2"), bind("", "s"), execute(""), SYNC)
    conn.until("Z")
    assert words(conn.until("Z")) == "not for admin"
    conn.send(query("prepare q as select 2"), query("execute q"))
    conn.until("Z")
    assert words(conn.until("Z")) == "not for admin"


def test_a_role_that_changes_ahead_in_the_pipeline_may_be_the_denied_one(conn):
    conn.send(query("set role admin"), query("select * from vault"))
    conn.until("Z")
    assert words(conn.until("Z")) == "not for admin"
    ask(conn, query("reset role"))
    assert ask(conn, query("set role admin; select * from vault")) == "not for admin"
    assert "42" in ask(conn, query("select * from vault"))


def test_a_transaction_that_ends_ahead_in_the_pipeline_may_have_ended(conn):
    conn.send(query("begin"), query("commit"), query("select 'in a block'"))
    conn.until("Z", count=2)
    assert words(conn.until("Z")) == "begin first"
    assert ask(conn, query("begin; commit; select 'in a block'")) == "begin first"
    assert "in a block" in (ask(conn, query("begin")), ask(conn, query("select 'in a block'")))[1]


def test_large_statements_without_a_sync_are_not_heaped_up(moat):
    """45 MB of Parse, of each of which some five times its size is kept until it is answered."""
    with Conn(moat.port) as conn:
        texts = ["select 'x' in (" + f"'{number:06}', " * 30000 + "'')" for number in range(150)]
        before = moat.rss()
        for text in texts:
            conn.send(parse("", text))
        reply = ask(conn, SYNC)
        assert reply.split() == ["1"] * 150 + ["ZI"]
        assert moat.rss() - before < (600 if is_sanitized() else 150) << 20
