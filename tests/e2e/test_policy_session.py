"""How rulings are carried out before a real PostgreSQL: rewritten texts, positions, settings for one
statement or one session, warnings, refusal at login, names that SQL and the protocol share. The judge is
a table (tests/support/table_moat.cc); what it rules on is not the matter here.
"""
import json
import os
import tempfile
import time

import pytest

import pg
from wire import (SYNC, Conn, bind, close, describe, execute, fields, parse, query, said)

PROGRAM = os.path.join(os.path.dirname(pg.BINARY), "tests", "table_moat")
pytestmark = pytest.mark.skipif(not os.path.exists(PROGRAM), reason="built without the tests")

NARROW = {"sql": "select i, wrong from narrowed", "action": "rewrite",
          "rewrite": "select i, wrong from (select * from narrowed where i < 3) narrowed",
          "patches": [[21, 8, 45]]}
LATER = {"sql": "select i from narrowed where ä = 1", "action": "rewrite",
         "rewrite": "select i from (select * from narrowed where i < 3) narrowed where ä = 1",
         "patches": [[14, 8, 45]]}
ROWS = {"sql": "select i from narrowed", "action": "rewrite",
        "rewrite": "select i from (select * from narrowed where i < 3) narrowed", "patches": [[14, 8, 45]]}
TIMES = {"sql": "select pg_sleep(3)", "action": "rewrite", "settings": [["statement_timeout", "50"]]}
TENANT = {"sql": "select current_setting('app.tenant', true), $1::int", "action": "rewrite",
          "settings": [["app.tenant", "it's 7"]]}
SIMPLE = {"sql": "select current_setting('app.tenant', true)", "action": "rewrite",
          "settings": [["app.tenant", "it's \\7"]]}
READ_ONLY = {"sql": "insert into narrowed values (99)", "action": "rewrite",
             "settings": [["transaction_read_only", "on"]]}
WRONG = {"sql": "select 'wrong setting'", "action": "rewrite", "settings": [["work_mem", "no number"]]}
MISPLACED = {"sql": "select missing, 'x'", "action": "rewrite", "settings": [["app.tenant", "ä"]]}
TABLE = {
    "rulings": [NARROW, LATER, ROWS, TIMES, TENANT, SIMPLE, READ_ONLY, WRONG, MISPLACED,
                {"sql": "select 'refused'", "action": "deny"},
                {"sql": "select 'thrown out'", "action": "terminate", "message": "enough"},
                {"sql": "select 'warned'", "warn": "this will be refused"}],
    "set": [["app.site", "vienna"], ["application_name", "set by pgmoat"]],
    "deny_connect": "nobody", "deny_auth": "stranger",
}


class TableMoat(pg.Pgmoat):
    def __init__(self, backend, table, **config):
        self.table = tempfile.NamedTemporaryFile("w", prefix="table-", suffix=".json")
        json.dump(table, self.table)
        self.table.flush()
        before = pg.BINARY
        os.environ["PGMOAT_TABLE"], pg.BINARY = self.table.name, PROGRAM
        try:
            super().__init__(backend, **config)
        finally:
            pg.BINARY = before


@pytest.fixture(scope="module")
def moat(postgres):
    with Conn(postgres.port) as conn:
        conn.ask(query("create table narrowed(i int)"))
        conn.ask(query("insert into narrowed select generate_series(1, 5)"))
        conn.ask(query("create role stranger login"))
        conn.ask(query("create function prepares() returns int language plpgsql as "
                       "$$ begin execute 'prepare hidden as select 1'; return 1; end $$"))
    with TableMoat(postgres.port, TABLE) as moat:
        yield moat
        assert moat.events("protocol_fault") == []


def extended(sql, params=(), name="", portal=""):
    return parse(name, sql) + bind(portal, name, params) + execute(portal)


def error_of(replies):
    return fields(next(body for tag, body in replies if tag == "E"))


# Rewritten texts

def test_the_rewritten_text_runs(conn):
    assert conn.ask(query("select i from narrowed")) == "T D:1 D:2 C:SELECT 2 ZI"
    assert conn.ask(extended("select i from narrowed"), SYNC) == "1 2 D:1 D:2 C:SELECT 2 ZI"
    assert conn.ask(query("select i  from narrowed")) == "T D:1 D:2 D:3 D:4 D:5 C:SELECT 5 ZI"


def test_a_prepared_text_was_rewritten_once(conn):
    assert conn.ask(parse("k", "select i from narrowed"), describe("S", "k"), SYNC) == "1 t T ZI"
    for _ in range(3):
        assert conn.ask(bind("", "k"), execute(), SYNC) == "2 D:1 D:2 C:SELECT 2 ZI"


@pytest.mark.parametrize("ruling", [NARROW, LATER, MISPLACED], ids=lambda r: r["sql"])
@pytest.mark.parametrize("way", ["simple", "extended"])
def test_positions_are_those_of_the_clients_text(conn, postgres, ruling, way):
    sql = ruling["sql"]
    message = query(sql) if way == "simple" else parse("", sql) + SYNC
    with Conn(postgres.port) as direct:
        direct.send(message)
        wanted = error_of(direct.until("Z"))
    conn.send(message)
    got = error_of(conn.until("Z"))
    assert (got["C"], got["P"]) == (wanted["C"], wanted["P"])
    assert got["M"] == wanted["M"]


# Settings of one statement

@pytest.mark.parametrize("block", [False, True])
def test_a_setting_applies_to_its_statement_and_ends_with_the_transaction(conn, block):
    status = "T" if block else "I"
    if block:
        conn.ask(query("begin"))
    shown = "select coalesce(current_setting('app.tenant', true), '') = ''"
    assert conn.ask(query(SIMPLE["sql"])) == f"T D:it's \\7 C:SELECT 1 Z{status}"
    if block:
        assert conn.value(shown) == "f"
        conn.ask(query("commit"))
    assert conn.value(shown) == "t"
    if block:
        conn.ask(query("begin"))
    assert conn.ask(extended(TENANT["sql"], [b"1"]), SYNC) == f"1 2 D:it's 7|1 C:SELECT 1 Z{status}"
    if block:
        assert conn.value(shown) == "f"
        conn.ask(query("rollback"))
    assert conn.value(shown) == "t"


def test_settings_in_a_pipeline(conn):
    prepared = parse("k", TENANT["sql"]) + SYNC
    use = bind("", "k", [b"5"]) + execute() + SYNC
    other = extended("select coalesce(nullif(current_setting('app.tenant', true), ''), 'none')") + SYNC
    assert conn.ask(prepared, use, other, use, other, count=5) == (
        "1 ZI 2 D:it's 7|5 C:SELECT 1 ZI 1 2 D:none C:SELECT 1 ZI "
        "2 D:it's 7|5 C:SELECT 1 ZI 1 2 D:none C:SELECT 1 ZI")
    simple = query(SIMPLE["sql"])
    assert conn.ask(simple, simple, query("select 1"), count=3) == (
        "T D:it's \\7 C:SELECT 1 ZI T D:it's \\7 C:SELECT 1 ZI T D:1 C:SELECT 1 ZI")


@pytest.mark.parametrize("way", ["simple", "extended"])
def test_a_timeout_applies_to_its_statement_only(conn, way):
    began = time.monotonic()
    sql = TIMES["sql"]
    message = query(sql) if way == "simple" else extended(sql) + SYNC
    assert "E57014" in conn.ask(message)
    assert time.monotonic() - began < 2
    assert conn.value("show statement_timeout") == "0"


@pytest.mark.parametrize("way", ["simple", "extended", "block"])
def test_a_statement_is_forced_to_only_read(conn, way):
    sql = READ_ONLY["sql"]
    if way == "block":
        conn.ask(query("begin"))
    message = query(sql) if way == "simple" else extended(sql) + SYNC
    assert "E25006" in conn.ask(message)
    conn.ask(query("rollback"))
    assert conn.value("show transaction_read_only") == "off"
    assert conn.value("select count(*) from narrowed where i = 99") == "0"


def test_a_setting_that_cannot_be_made_is_the_statements_error(conn):
    assert conn.ask(query(WRONG["sql"])) == "E22023 ZI"
    assert conn.ask(extended(WRONG["sql"]), SYNC) == "E22023 ZI"
    conn.ask(query("begin"))
    assert conn.ask(query(WRONG["sql"])) == "E22023 ZE"
    assert conn.ask(extended(WRONG["sql"]), SYNC) == "E25P02 ZE"
    assert conn.ask(query("rollback")) == "C:ROLLBACK ZI"


def test_nothing_of_ours_stays_prepared(conn):
    conn.ask(extended(TENANT["sql"], [b"1"]), SYNC)
    assert conn.value("select count(*) from pg_prepared_statements where name like 'pgmoat%'") == "0"
    assert conn.value("select count(*) from pg_cursors") == "0"


# Warnings and ends

@pytest.mark.parametrize("way", ["simple", "extended"])
def test_a_warning_comes_before_the_answer(conn, way):
    sql = "select 'warned'"
    conn.send(query(sql) if way == "simple" else extended(sql) + SYNC)
    replies = conn.until("Z")
    assert replies[0][0] == "N"
    assert fields(replies[0][1])["M"] == "this will be refused"
    assert fields(replies[0][1])["V"] == "WARNING"
    assert "C:SELECT 1 ZI" in said(replies)


def test_termination(moat):
    with Conn(moat.port) as conn:
        conn.send(query("select 'thrown out'"))
        replies = conn.at_end()
        assert error_of(replies)["C"] == "57P01"
        assert error_of(replies)["M"] == "enough"


# Login

@pytest.mark.parametrize("user", ["nobody", "stranger"])
def test_a_login_is_refused_before_and_after_the_server_was_asked(moat, user):
    with Conn(moat.port, first=pg_startup(user)) as conn:
        replies = conn.at_end()
    error = error_of(replies)
    assert (error["C"], error["V"], error["M"]) == ("28000", "FATAL", f"not {user}")
    assert ("R" in said(replies)) == (user == "stranger")


def pg_startup(user):
    from wire import startup
    return startup([("user", user), ("database", "postgres")])


def test_the_sessions_settings_are_there_before_its_first_statement(conn):
    assert not any(tag in "TDC" for tag, _ in conn.greeting)
    assert conn.greeting[-1] == ("Z", b"I")
    assert ("S", b"application_name\0set by pgmoat\0") in conn.greeting
    assert conn.value("select current_setting('app.site')") == "vienna"
    assert conn.value("show application_name") == "set by pgmoat"


# Names

def test_sql_and_protocol_share_their_names(conn):
    assert conn.ask(query("prepare shared as select 1")) == "C:PREPARE ZI"
    assert conn.ask(bind("", "shared"), execute(), SYNC) == "2 D:1 C:SELECT 1 ZI"
    assert conn.ask(parse("other", "select 2"), SYNC) == "1 ZI"
    assert conn.ask(query("execute other")) == "T D:2 C:SELECT 1 ZI"
    assert conn.ask(query("deallocate shared")) == "C:DEALLOCATE ZI"
    assert conn.ask(bind("", "shared"), execute(), SYNC) == "E26000 ZI"
    assert conn.ask(close("S", "other"), SYNC) == "3 ZI"
    assert conn.ask(query("execute other")) == "E26000 ZI"


def test_what_a_function_prepared_is_refused(conn, postgres):
    with Conn(postgres.port) as direct:
        direct.ask(query("select prepares()"))
        assert direct.ask(bind("", "hidden"), execute(), SYNC) == "2 D:1 C:SELECT 1 ZI"
    assert conn.ask(query("select prepares()")) == "T D:1 C:SELECT 1 ZI"
    assert conn.ask(bind("", "hidden"), execute(), SYNC) == "E26000 ZI"
    assert conn.ask(query("execute hidden")) == "E26000 ZI"
    assert conn.value("select 1") == "1"


def test_cursors_are_portals(conn):
    conn.ask(query("begin"))
    conn.ask(query("declare c cursor for select 1"))
    assert conn.ask(execute("c"), SYNC) == "D:1 C:SELECT 1 ZT"
    assert conn.ask(query("commit")) == "C:COMMIT ZI"
    assert conn.ask(execute("c"), SYNC) == "E34000 ZI"


# Monitoring

def test_monitoring_changes_nothing(moat, postgres):
    messages = [query(r["sql"]) for r in TABLE["rulings"] if r is not TIMES] + [
        extended(TENANT["sql"], [b"1"]) + SYNC, bind("", "unknown") + SYNC]
    with TableMoat(postgres.port, TABLE, mode="monitor") as monitor:
        with Conn(postgres.port) as direct, Conn(monitor.port) as through:
            for message in messages:
                direct.send(message)
                through.send(message)
                assert through.until("Z") == direct.until("Z")
        assert all(e["effect"] == "would" for e in monitor.events("statement_judged"))
        assert len(monitor.wait_event("statement_judged", len(TABLE["rulings"]) - 1)) >= 11
