"""What PostgreSQL 15 does, as executed facts that pgmoat's design rests on. Every test runs against
PostgreSQL itself and through pgmoat in both modes (`route`): a fact that fails direct is a wrong
fact, one that fails only through pgmoat is a bug.

The first packets differ by design in a few places. Those tests say what enforce mode does instead.
"""
import struct
import time

import pytest

from fake import FakeServer
from pg import Pgmoat
from wire import (COPY_DONE, FLUSH, SSL_REQUEST, SYNC, TERMINATE, V3, Conn, bind, cancel_request, close,
                  copy_data, copy_fail, describe, execute, fields, function_call, parse, query, said,
                  startup, z)

BAD = "/* pgmoat */ PGMOAT_DENIED"
USER = [("user", "postgres"), ("database", "postgres")]
BACKEND_PID, PI = 2026, 1610  # pg_proc: functions without arguments


@pytest.fixture
def conn(route):
    with Conn(route) as opened:
        yield opened


@pytest.fixture
def mode(request):
    """direct, monitor or enforce."""
    return request.node.callspec.params["route"]


@pytest.fixture
def table(conn):
    """A connection with an empty temporary table t (i int)."""
    conn.ask(query("create temp table t (i int)"))
    return conn


def count(conn):
    return conn.value("select count(*) from t")


def run(sql, portal="", rows=0):
    """Parse, Bind, Execute of the unnamed statement."""
    return parse("", sql) + bind(portal) + execute(portal, rows)


def nothing_more(conn, quiet=0.15):
    """The peer says nothing, and the connection is open."""
    return conn.message(quiet) is None


def works(conn):
    """Nothing is owed from before, and the session goes on."""
    return conn.ask(query("select 42")) == "T D:42 C:SELECT 1 ZI"


def silent_end(port, first):
    """True when the peer closes without one byte."""
    with Conn(port, first=first) as conn:
        return conn.at_end() == [] and not conn.buffer


def test_f01_an_error_discards_everything_up_to_sync(conn):
    """After an error in an extended message Query and FunctionCall are discarded too, and no
    ReadyForQuery answers them."""
    conn.send(parse("", BAD), query("select 1"), function_call(PI), query("select 2"))
    assert said(conn.until("E")) == "E42601"
    assert nothing_more(conn)
    assert conn.ask(SYNC) == "ZI"
    assert works(conn)


def test_f02_the_error_is_flushed_at_once(conn):
    """Neither Flush nor Sync is needed."""
    began = time.monotonic()
    conn.send(parse("a1", "select 1"), parse("x", BAD))
    assert said(conn.until("E")) == "1 E42601"
    assert time.monotonic() - began < 2
    assert conn.ask(SYNC) == "ZI"


def test_f03_a_segment_is_one_implicit_transaction(table):
    """With an error in it nothing stays; with the message merely dropped the insert is committed."""
    insert = run("insert into t values (1)")
    assert table.ask(insert, parse("x", BAD), SYNC) == "1 2 C:INSERT 0 1 E42601 ZI"
    assert count(table) == "0"
    assert table.ask(insert, SYNC) == "1 2 C:INSERT 0 1 ZI"
    assert count(table) == "1"


def test_f04_a_raw_parse_error_fails_the_transaction_also_a_failed_one(conn):
    """It gives Z(E), and 42601 rather than 25P02 inside a transaction that failed already."""
    conn.ask(query("begin"))
    assert conn.ask(query(BAD)) == "E42601 ZE"
    assert conn.ask(parse("", BAD), SYNC) == "E42601 ZE"
    assert conn.ask(query(BAD)) == "E42601 ZE"
    assert conn.ask(query("select 1")) == "E25P02 ZE"
    assert conn.ask(query("rollback")) == "C:ROLLBACK ZI"


def test_f05_what_a_failed_parse_does_to_older_statements(conn):
    """Of the unnamed statement it destroys the old one; of another name, or of the same name, it
    leaves what is there: the raw parse comes before the check for duplicates."""
    use = bind() + execute() + SYNC
    assert conn.ask(parse("", "select 7"), SYNC) == "1 ZI"
    assert conn.ask(parse("", BAD), SYNC) == "E42601 ZI"
    assert conn.ask(use) == "E26000 ZI"
    assert conn.ask(parse("", "select 7"), SYNC) == "1 ZI"
    assert conn.ask(parse("other", BAD), SYNC) == "E42601 ZI"
    assert conn.ask(use) == "2 D:7 C:SELECT 1 ZI"
    assert conn.ask(bind("", "other"), SYNC) == "E26000 ZI"
    assert conn.ask(parse("a", "select 8"), SYNC) == "1 ZI"
    assert conn.ask(parse("a", BAD), SYNC) == "E42601 ZI"
    assert conn.ask(bind("", "a"), execute(), SYNC) == "2 D:8 C:SELECT 1 ZI"


def test_f06_the_first_error_of_a_segment_is_the_only_one(conn):
    """A later bad Parse is skipped, whether Bind failed (a constant is folded there) or Execute."""
    assert conn.ask(run("select 1/0"), parse("x", BAD), SYNC) == "1 E22012 ZI"
    late = run("select 1/i from generate_series(0, 0) i")
    assert conn.ask(late, parse("x", BAD), SYNC) == "1 2 E22012 ZI"
    assert works(conn)


def test_f07_a_query_with_a_syntax_error_anywhere_executes_nothing(table):
    """The whole text is parsed first."""
    assert table.ask(query(f"insert into t values (9); {BAD}")) == "E42601 ZI"
    assert count(table) == "0"


def test_f08_a_deferred_constraint_fails_at_sync(conn):
    """One E, one Z, and no skipping afterwards."""
    conn.ask(query("create temp table dc (i int unique deferrable initially deferred);"
                   "insert into dc values (1)"))
    assert conn.ask(run("insert into dc values (1)"), SYNC) == "1 2 C:INSERT 0 1 E23505 ZI"
    assert works(conn)


def test_f09_copy_in_swallows_flush_and_sync(table):
    """After CopyDone nothing comes until a second Sync."""
    table.send(run("copy t from stdin"), SYNC, FLUSH, copy_data(b"1\n"), COPY_DONE)
    assert said(table.until("G")) == "1 2 G"
    assert nothing_more(table)
    assert table.ask(SYNC) == "C:COPY 1 ZI"
    assert count(table) == "1"


def test_f10_late_copy_messages_are_ignored(table):
    """CopyData, CopyDone and CopyFail of a COPY that has failed already."""
    table.send(query("copy t from stdin"))
    assert said(table.until("G")) == "G"
    table.send(copy_data(b"no number\n"))
    assert said(table.until("Z")) == "E22P02 ZI"
    table.send(copy_data(b"1\n"), COPY_DONE, copy_fail("late"), copy_data(b"2\n"))
    assert nothing_more(table)
    assert works(table)
    assert count(table) == "0"


@pytest.mark.parametrize("message", [query("select 1"), parse("", "select 1"), bind(), execute(),
                                     describe("S"),
                                     close("S", "a"), function_call(PI)], ids=list("QPBEDCF"))
def test_f11_any_other_message_in_copy_in_kills_the_connection(table, message):
    """First an ERROR, then FATAL: protocol synchronization was lost."""
    table.send(query("copy t from stdin"))
    assert said(table.until("G")) == "G"
    table.send(message)
    assert said(table.at_end()) == "E08P01 E!08P01"


def test_f12_copy_fail_is_57014(table):
    """The client's words become the message, never the code."""
    table.send(query("copy t from stdin"))
    table.until("G")
    table.send(copy_fail("23505 no more"))
    replies = table.until("Z")
    assert said(replies) == "E57014 ZI"
    assert "23505 no more" in fields(replies[0][1])["M"]


def test_f13_flush_keeps_portals_and_sync_closes_them(conn):
    """Outside a transaction block."""
    conn.send(run("select generate_series(1, 3)", rows=1), FLUSH, execute("", 1), FLUSH)
    assert said(conn.until("s", count=2)) == "1 2 D:1 s D:2 s"
    assert conn.ask(SYNC) == "ZI"
    assert conn.ask(execute("", 1), SYNC) == "E34000 ZI"


def test_f14_function_calls_in_good_and_failed_transactions(conn):
    """V and Z, or 25P02 and Z(E)."""
    assert conn.ask(function_call(BACKEND_PID)) == "V ZI"
    conn.ask(query("begin"))
    assert conn.ask(function_call(PI)) == "V ZT"
    conn.ask(query(BAD))
    assert conn.ask(function_call(PI)) == "E25P02 ZE"
    assert conn.ask(query("rollback")) == "C:ROLLBACK ZI"


def test_f15_a_physical_walsender_runs_no_sql(route):
    """SQL gives 0A000, the extended protocol 08P01, and the connection survives both."""
    identify = query("IDENTIFY_SYSTEM")
    with Conn(route, params=[("replication", "true")]) as conn:
        assert conn.ask(identify).endswith(" C:IDENTIFY_SYSTEM ZI")
        for sql in ("select 1", "PGMOAT_DENIED", BAD):
            assert conn.ask(query(sql)) == "E0A000 ZI"
        assert conn.ask(parse("", "select 1"), SYNC) == "E08P01 ZI"
        assert conn.ask(identify).endswith(" C:IDENTIFY_SYSTEM ZI")


def test_f15_a_logical_walsender_runs_sql(route):
    """Poison is 42601 there, as in any session."""
    with Conn(route, params=[("replication", "database")]) as conn:
        assert works(conn)
        assert conn.ask(query(BAD)) == "E42601 ZI"
        conn.ask(query("begin"))
        assert conn.ask(query(BAD)) == "E42601 ZE"
        assert conn.ask(query("rollback")) == "C:ROLLBACK ZI"


@pytest.mark.parametrize("version, options, refused", [
    (V3 | 9, [], []), (V3 | 2, [], []), (V3, [("_pq_.foo", "1")], ["_pq_.foo"]),
    (V3 | 9, [("_pq_.foo", "1"), ("_pq_.bar", "2")], ["_pq_.foo", "_pq_.bar"])])
def test_f16_the_protocol_is_negotiated(route, version, options, refused):
    """A newer minor version and unknown options are answered once, before authentication, with what
    the server speaks: 3.0. Enforcing, pgmoat says the same in its own message."""
    with Conn(route, first=startup(USER + options, version)) as conn:
        replies = conn.until("Z")
        assert said(replies).split()[:3] == ["v", "R", "ZI"]
        names = b"".join(z(name) for name in refused)
        assert replies[0][1] == struct.pack("!II", V3, len(refused)) + names
        assert works(conn)


def test_f16_another_major_version_is_refused(route):
    """4.0 gives FATAL 0A000."""
    with Conn(route, first=startup(USER, 4 << 16)) as conn:
        assert said(conn.at_end()) == "E!0A000"


def test_f17_startup_packets_have_10000_bytes(route):
    """Counted behind the length word: that size logs in, one more is closed without a word."""
    def sized(size):
        rest = size - len(startup(USER + [("application_name", "")]))
        return startup(USER + [("application_name", "n" * rest)])
    with Conn(route, first=sized(10004)) as conn:
        assert said(conn.until("Z")) == "R ZI"
    assert silent_end(route, sized(10005))


@pytest.mark.parametrize("first", [struct.pack("!I", 4), struct.pack("!I", 7) + b"abc",
                                   struct.pack("!I", 0) + b"abcd", b"\xff\xff\xff\xff" + b"abcd",
                                   b"GET / HTTP/1.1\r\nHost: db\r\n\r\n"])
def test_f17_an_impossible_length_is_closed_silently(route, first):
    """It may not be our protocol at all."""
    assert silent_end(route, first)


@pytest.mark.parametrize("key", [b"\0\0\0\2", b"\1" * 32], ids=["4 bytes", "32 bytes"])
def test_f18_an_unknown_cancel_key_is_closed_silently(route, key):
    """Also the 3.2 form, which PostgreSQL 15 takes for a wrong length."""
    assert silent_end(route, cancel_request(1, key))


@pytest.mark.parametrize("key", [b"\0\0\0\2", b"\1" * 32], ids=["4 bytes", "32 bytes"])
def test_f18_enforcing_an_unknown_cancel_key_does_not_reach_the_server(key):
    """PostgreSQL forks a process for every guess; pgmoat knows its keys."""
    with FakeServer() as fake, Pgmoat(fake.port, "enforce") as moat:
        assert silent_end(moat.port, cancel_request(1, key))
        assert fake.none_came()


def test_f19_a_second_ssl_request_is_a_startup_packet_of_version_1234(route, mode):
    """PostgreSQL refuses version 1234.5679 with FATAL 0A000, inside TLS and, as here, outside it.
    pgmoat has no TLS yet: it answers N itself, so the server sees neither request and pgmoat refuses
    the second in its place. Enforcing, that is a violation like any other: 08P01."""
    with Conn(route, first=SSL_REQUEST) as conn:
        assert conn.byte() == b"N"
        conn.send(SSL_REQUEST)
        assert said(conn.at_end()) == ("E!08P01" if mode == "enforce" else "E!0A000")


def test_f20_bytes_behind_an_ssl_request_are_fatal(route):
    """PostgreSQL 17 hands a ClientHello in the same segment to TLS, 15 never does: without TLS it
    says N, then FATAL 08P01. pgmoat has no TLS yet, answers N to every request and does the same in
    both modes, since the server can not check bytes behind a request that it never sees."""
    client_hello = b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03" + b"\x11" * 32
    for behind in (client_hello, startup(USER), b"\0"):
        with Conn(route, first=SSL_REQUEST + behind) as conn:
            assert conn.byte() == b"N"
            assert said(conn.at_end()) == "E!08P01"


def test_f20_after_n_the_session_goes_on_in_plaintext(route):
    """What every libpq client with sslmode=prefer does."""
    with Conn(route, first=SSL_REQUEST) as conn:
        assert conn.byte() == b"N"
        conn.send(startup(USER))
        assert said(conn.until("Z")) == "R ZI"
        assert works(conn)


@pytest.mark.parametrize("message, sqlstate", [
    (parse("", BAD), "42601"), (bind("", "nowhere"), "26000"), (describe("S", "nowhere"), "26000"),
    (describe("P", "nowhere"), "34000"), (execute("nowhere"), "34000")], ids=["P", "B", "DS", "DP", "E"])
def test_f21_failures_that_start_skipping(conn, message, sqlstate):
    """Parse, Bind, Describe and Execute; a Sync that fails does not (F8). Close and Flush fail only
    when malformed, which enforce mode never lets through."""
    conn.send(message, query("select 1"), close("S", "a"), FLUSH)
    assert said(conn.until("E")) == "E" + sqlstate
    assert conn.ask(SYNC) == "ZI"
    assert works(conn)


def test_f22_what_is_owed_is_said_after_terminate(conn):
    """Then the connection closes."""
    conn.send(run("select 5"), parse("", BAD), TERMINATE)
    assert said(conn.at_end()) == "1 2 D:5 C:SELECT 1 E42601"


def test_f23_a_failing_query_destroys_the_unnamed_statement_a_failing_function_call_does_not(conn):
    """OID 0 is 42883, and aborts a transaction like any error."""
    use = bind() + execute() + SYNC
    assert conn.ask(parse("", "select 7"), SYNC) == "1 ZI"
    assert conn.ask(function_call(0)) == "E42883 ZI"
    assert conn.ask(use) == "2 D:7 C:SELECT 1 ZI"
    assert conn.ask(query(BAD)) == "E42601 ZI"
    assert conn.ask(use) == "E26000 ZI"
    conn.ask(query("begin"))
    assert conn.ask(function_call(0)) == "E42883 ZE"
    assert conn.ask(function_call(0)) == "E25P02 ZE"


def test_f24_a_query_inside_a_segment_ends_the_implicit_transaction(table):
    """What came before a good Query stays; before a poisoned one it is rolled back, and there are
    two ReadyForQuery: the Query's and the Sync's."""
    insert = run("insert into t values (1)")
    kept = table.ask(insert, query("select 1"), parse("", BAD), SYNC, count=2)
    assert kept == "1 2 C:INSERT 0 1 T D:1 C:SELECT 1 ZI E42601 ZI"
    assert count(table) == "1"
    lost = table.ask(insert, query(BAD), SYNC, count=2)
    assert lost == "1 2 C:INSERT 0 1 E42601 ZI ZI"
    assert count(table) == "1"


def test_f25_savepoints_recover_and_commit_answers_rollback(conn):
    """After poison in a transaction."""
    assert conn.ask(query("begin"), query("savepoint s"), query(BAD), count=3).endswith("E42601 ZE")
    assert conn.ask(query("rollback to s")) == "C:ROLLBACK ZT"
    assert conn.ask(query("select 1")) == "T D:1 C:SELECT 1 ZT"
    assert conn.ask(query(BAD)) == "E42601 ZE"
    assert conn.ask(query("commit")) == "C:ROLLBACK ZI"
