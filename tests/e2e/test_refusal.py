"""What a refusal looks like, place by place: the answer comes from where PostgreSQL's own would, with
its consequences (skip to Sync, failed transaction), in pgmoat's words. The many combinations are
test_refusal_oracle.py's; here each situation has a name.
"""
import os
import struct
import subprocess

import pytest

from pg import Pgmoat, pg_tool
from wire import (COPY_DONE, FLUSH, SYNC, Conn, bind, cancel_request, close, copy_data, describe, execute,
                  fields, function_call, parse, query, said)

LENGTH = 1317  # length(text), by OID: not one of the functions that clients call in this way


@pytest.fixture(scope="module")
def moat(postgres):
    with Conn(postgres.port) as conn:
        conn.ask(query("create table refused(i int)"))
    with Pgmoat(postgres.port, refuse={"words": ["secret"]}) as moat:
        yield moat
        assert moat.events("protocol_fault") == []


@pytest.fixture
def conn(moat):
    with Conn(moat.port) as conn:
        conn.ask(query("truncate refused"))
        yield conn


def rows(conn):
    return conn.value("select count(*) from refused")


def insert(number=1, name=""):
    return parse(name, f"insert into refused values ({number})") + bind("", name) + execute()


# What one refused message answers

def test_a_query_answers_an_error_and_ready(conn):
    conn.send(query("select 'secret'"))
    error, ready = conn.until("Z")
    assert ready == ("Z", b"I")
    assert fields(error[1]) == {
        "S": "ERROR", "V": "ERROR", "C": "42501", "M": "statement refused by pgmoat",
        "D": 'Rule "words.secret" refuses text that contains this word.',
        "H": "The words are in [refuse] of pgmoat's configuration."}


PLACES = {
    "Parse": (parse("", "select 'secret'"), "E42501 ZI"),
    "the name in a Parse": (parse("secret", "select 1"), "E42501 ZI"),
    "a parameter of a Bind": (parse("", "select $1::text") + bind("", "", [b"a Secret"]) + execute(),
                              "1 E42501 ZI"),
    "the statement in a Bind": (bind("", "secret") + execute(), "E42501 ZI"),
    "the portal in a Bind": (parse("", "select 1") + bind("secret") + execute("secret"), "1 E42501 ZI"),
    "Describe of a statement": (describe("S", "secret"), "E42501 ZI"),
    "Describe of a portal": (describe("P", "secret"), "E42501 ZI"),
    "Execute, by the portal's name": (execute("secret"), "E42501 ZI"),
}


@pytest.mark.parametrize("place", PLACES)
def test_an_extended_message_is_refused_in_its_place(conn, place):
    messages, answer = PLACES[place]
    assert conn.ask(messages, SYNC) == answer
    assert conn.value("select 1") == "1"


def test_the_error_of_an_extended_message_does_not_wait_for_sync(conn):
    conn.send(parse("", "select 'secret'"))
    assert said(conn.until("E")) == "E42501"
    assert conn.ask(SYNC) == "ZI"


def test_a_function_call_is_refused_by_oid(conn):
    conn.send(function_call(LENGTH, [b"four"]))
    error, _ = conn.until("Z")
    assert fields(error[1])["M"] == "function call by OID is not permitted"
    assert fields(error[1])["C"] == "42501"
    conn.ask(query("begin"))
    assert conn.ask(function_call(LENGTH, [b"four"])) == "E42501 ZE"


def test_a_function_call_is_refused_by_its_argument(conn):
    assert conn.ask(function_call(955, [struct.pack("!i", 0), b"secret"], [1])) == "E42501 ZI"


def test_a_refused_function_call_keeps_the_unnamed_statement(conn):
    assert conn.ask(insert(), SYNC) == "1 2 C:INSERT 0 1 ZI"
    assert conn.ask(function_call(LENGTH, [b"four"])) == "E42501 ZI"
    assert conn.ask(bind(), execute(), SYNC) == "2 C:INSERT 0 1 ZI"
    assert rows(conn) == "2"


# Segments and transactions

def test_what_came_before_in_the_segment_is_rolled_back(conn):
    assert conn.ask(insert(), parse("", "select 'secret'"), bind(), execute(), SYNC) \
        == "1 2 C:INSERT 0 1 E42501 ZI"
    assert rows(conn) == "0"


def test_an_earlier_error_wins(conn):
    assert conn.ask(parse("", "select 1/0"), bind(), execute(), parse("", "select 'secret'"), bind(),
                    execute(), SYNC) == "1 E22012 ZI"
    assert conn.ask(query("select 'secret'")) == "E42501 ZI"


def test_a_refusal_fails_the_transaction(conn):
    assert conn.ask(query("begin")) == "C:BEGIN ZT"
    assert conn.ask(query("select 'secret'")) == "E42501 ZE"
    assert conn.ask(query("select 1")) == "E25P02 ZE"
    assert conn.ask(query("select 'secret'")) == "E42501 ZE"
    assert conn.ask(query("rollback")) == "C:ROLLBACK ZI"


def test_commit_after_a_refusal_answers_rollback(conn):
    for sql in ("begin", "insert into refused values (1)", "select 'secret'"):
        conn.ask(query(sql))
    assert conn.ask(query("commit")) == "C:ROLLBACK ZI"
    assert rows(conn) == "0"


def test_a_savepoint_brings_the_transaction_back(conn):
    for sql in ("begin", "insert into refused values (1)", "savepoint s"):
        conn.ask(query(sql))
    assert conn.ask(query("insert into refused values (2) /* secret */")) == "E42501 ZE"
    assert conn.ask(query("rollback to s")) == "C:ROLLBACK ZT"
    assert conn.ask(insert(3), SYNC) == "1 2 C:INSERT 0 1 ZT"
    assert conn.ask(query("commit")) == "C:COMMIT ZI"
    assert rows(conn) == "2"


def test_a_driver_that_wraps_each_statement_in_a_savepoint(conn):
    """No Sync between: the error comes at once, and RELEASE is discarded with the rest."""
    assert conn.ask(parse("q", "select $1::text"), SYNC, query("begin"), count=2) == "1 ZI C:BEGIN ZT"
    conn.send(query("savepoint s"), bind("", "q", [b"secret"]), execute(), query("release savepoint s"))
    assert said(conn.until("E")) == "C:SAVEPOINT ZT E42501"
    assert conn.ask(SYNC) == "ZE"
    assert conn.ask(query("rollback to savepoint s")) == "C:ROLLBACK ZT"


def test_of_several_statements_none_is_executed(conn):
    assert conn.ask(query("insert into refused values (1); select 'secret'; select 1")) == "E42501 ZI"
    assert rows(conn) == "0"


def test_an_older_statement_survives_a_refused_parse_of_its_name(conn):
    assert conn.ask(insert(1, "a"), SYNC) == "1 2 C:INSERT 0 1 ZI"
    assert conn.ask(parse("a", "select 'secret'"), bind("", "a"), execute(), SYNC) == "E42501 ZI"
    assert conn.ask(bind("", "a"), execute(), SYNC) == "2 C:INSERT 0 1 ZI"
    assert conn.ask(close("S", "a"), SYNC) == "3 ZI"


def test_the_old_unnamed_statement_does_not_run_in_place_of_a_refused_one(conn):
    conn.ask(insert(), SYNC)
    assert conn.ask(parse("", "select 'secret'"), SYNC, bind(), execute(), SYNC, count=2) \
        == "E42501 ZI E26000 ZI"
    assert rows(conn) == "1"


def test_a_pipeline_goes_on_behind_the_next_sync(conn):
    """As libpq's pipeline mode sends: what is behind the refusal up to Sync is aborted, no more."""
    refused = parse("", "insert into refused values (2) /* secret */") + bind() + describe("P") + execute()
    conn.send(insert(1), SYNC, refused, insert(3), SYNC, insert(4), FLUSH)
    assert said(conn.until("C", count=2)) == "1 2 C:INSERT 0 1 ZI E42501 ZI 1 2 C:INSERT 0 1"
    assert conn.ask(SYNC) == "ZI"
    assert rows(conn) == "2"


# COPY

def test_a_refused_copy_ignores_the_data_that_was_sent_for_it(conn):
    data = copy_data(b"1\n") + copy_data(b"2\n") + COPY_DONE
    assert conn.ask(query("copy refused from stdin /* secret */"), data) == "E42501 ZI"
    assert conn.ask(parse("", "copy refused from stdin /* secret */"), bind(), execute(), SYNC, data, SYNC,
                    count=2) == "E42501 ZI ZI"
    assert rows(conn) == "0"


def test_refused_data_fails_a_simple_copy(conn):
    assert conn.ask(query("copy refused from stdin; insert into refused values (9)"), copy_data(b"1\n"),
                    copy_data(b"2 secret\n"), copy_data(b"3\n"), COPY_DONE) == "G E42501 ZI"
    assert rows(conn) == "0"


def test_refused_data_fails_an_extended_copy(conn):
    assert conn.ask(parse("", "copy refused from stdin"), bind(), execute(), SYNC, copy_data(b"1\n"),
                    copy_data(b"2 secret\n"), COPY_DONE, SYNC) == "1 2 G E42501 ZI"
    assert conn.ask(insert(), SYNC) == "1 2 C:INSERT 0 1 ZI"
    assert rows(conn) == "1"


def test_data_that_fails_before_the_refused_data_gives_its_own_error(conn):
    assert conn.ask(query("copy refused from stdin"), copy_data(b"bad\n"), copy_data(b"2 secret\n"),
                    COPY_DONE) == "G E22P02 ZI"


# Who else is told

def test_what_psql_shows(moat):
    said_to_psql = ("select 'secret';", "\\errverbose", "\\echo :SQLSTATE", "begin;", "select 'secret';",
                    "commit;", "select 6 * 7 as answer;")
    done = subprocess.run(
        [pg_tool("psql"), "-X", "-h", "127.0.0.1", "-p", str(moat.port), "-U", "postgres", "-d", "postgres"],
        input="\n".join(said_to_psql) + "\n",
        env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True, timeout=30, check=False)
    told = ("statement refused by pgmoat\n"
            'DETAIL:  Rule "words.secret" refuses text that contains this word.\n'
            "HINT:  The words are in [refuse] of pgmoat's configuration.\n")
    assert done.stderr == f"ERROR:  {told}ERROR:  42501: {told}ERROR:  {told}"
    assert done.stdout.startswith("42501\nBEGIN\nROLLBACK\n")
    assert "42" in done.stdout and done.returncode == 0


def test_a_monitor_reports_and_lets_go(postgres):
    with Pgmoat(postgres.port, mode="monitor", refuse={"words": ["secret"]}) as moat, Conn(moat.port) as conn:
        assert conn.ask(query("select 'secret'")) == "T D:secret C:SELECT 1 ZI"
        assert conn.ask(function_call(LENGTH, [b"four"])) == "V ZI"
        judged = moat.wait_event("statement_judged", 2)
        assert [(e["rule"], e["effect"]) for e in judged] \
            == [("words.secret", "would"), ("protocol.function_call", "would")]


# Cancelling

def test_every_cancel_arrives_and_hits_only_its_own_session(moat):
    """The key may be known to another worker than the one which the request came to."""
    with Conn(moat.port) as other:
        other.send(query("select pg_sleep(1.5)"))
        for _ in range(30):
            with Conn(moat.port) as conn:
                conn.send(query("select pg_sleep(30)"), query("select 'secret'"))
                while True:  # a request that comes before the statement runs is no request
                    Conn(moat.port, first=cancel_request(conn.pid, conn.key)).at_end()
                    reply = conn.message(0.5)
                    if reply is not None and reply[0] == "T":
                        reply = conn.message(0.5)
                    if reply is not None:
                        break
                assert said([reply] + conn.until("Z", count=2)) == "E57014 ZI E42501 ZI"
        assert said(other.until("Z")) == "T D: C:SELECT 1 ZI"
