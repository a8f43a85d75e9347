"""A differential probe: scripts of raw messages are played to PostgreSQL itself and through pgmoat,
and every message that comes back is compared. Monitoring, all are the same, byte for byte;
enforcing, all but those in EXCEPTIONS, each with the reason why pgmoat must answer otherwise.

Every script ends with Terminate, after which all that is owed is said before the end; so the whole
is known without a clock. Where a step's replies end is found direct, by a moment of quiet; through
pgmoat exactly as many are awaited. A late reply then counts for the next step on both sides.
"""
import concurrent.futures
import re
import struct

import pytest

from pg import Pgmoat
from wire import (COPY_DONE, EOF_REPLY, FLUSH, GSSENC_REQUEST, SSL_REQUEST, SYNC, TERMINATE, V3, Conn, bind,
                  cancel_request, close, copy_data, copy_fail, execute, frame, function_call, parse, query,
                  said, startup)

QUIET = 0.1
POISON = "/* pgmoat */ PGMOAT_DENIED"
PI = 1610
USER = [("user", "postgres"), ("database", "postgres")]


def run(sql, portal="", rows=0):
    return parse("", sql) + bind(portal) + execute(portal, rows)


def logical(*params, version=V3):
    return startup(USER + list(params), version)


MAKE = query("create temp table t (i int)")
COUNT = query("select count(*) from t")
USE = bind() + execute() + SYNC
COPY = run("copy t from stdin")

# name -> what a logged-in client says, step by step
SESSIONS = {
    "skip until Sync swallows Query and FunctionCall": [
        parse("", "syntax err") + query("select 1") + function_call(PI) + query("select 2"), SYNC,
        query("select 3")],
    "skip until Sync swallows a malformed FunctionCall": [
        parse("", "syntax err"), frame("F", bytes(8)) + query("select 2"), SYNC, query("select 3")],
    "an error rolls back the segment, a dropped message does not": [
        MAKE, run("insert into t values (1)") + parse("x", POISON) + SYNC, COUNT,
        run("insert into t values (2)") + SYNC, COUNT],
    "poison in an explicit transaction": [
        query("begin"), query("PGMOAT_DENIED"), query("select 1"), query("rollback"),
        query("begin"), parse("", POISON) + SYNC, query("rollback")],
    "poison and the unnamed statement": [
        parse("", "select 7") + SYNC, parse("", POISON) + SYNC, USE, parse("", "select 7") + SYNC,
        parse("pgmoat", POISON) + SYNC, USE, bind("", "pgmoat") + SYNC],
    "an earlier error wins": [run("select 1/0") + parse("x", POISON) + SYNC],
    "an error is flushed": [parse("a1", "select 1") + parse("x", POISON), SYNC],
    "poison in a failed transaction": [
        query("begin"), query("select 1/0"), parse("x", POISON) + SYNC, query("PGMOAT_DENIED"),
        query("rollback")],
    "a duplicate name and a bad text": [
        parse("a", "select 1") + SYNC, parse("a", POISON) + SYNC, bind("", "a") + execute() + SYNC,
        parse("a", "select 2") + SYNC],
    "CopyFail in place of data": [
        MAKE, query("copy t from stdin"),
        copy_fail("denied") + copy_data(b"1\n") + copy_data(b"2\n") + COPY_DONE,
        query("select 1")],
    "COPY swallows Sync": [MAKE, COPY + SYNC + copy_data(b"1\n") + COPY_DONE, SYNC, COUNT],
    "COPY by Execute, failed by the client": [
        MAKE, COPY + FLUSH, copy_fail("denied"), copy_data(b"1\n") + COPY_DONE, SYNC, query("select 1")],
    "COPY by Execute, bad data": [
        MAKE, COPY + FLUSH, copy_data(b"xx\n") + copy_data(b"1\n") + COPY_DONE + SYNC, query("select 1")],
    "COPY by Query, bad data": [
        MAKE, query("copy t from stdin"), copy_data(b"xx\n") + copy_data(b"1\n") + COPY_DONE,
        query("select 1")],
    "two COPY in one Query": [
        MAKE, query("copy t from stdin; copy t from stdin; select 1"), copy_data(b"1\n") + COPY_DONE,
        copy_data(b"2\n") + COPY_DONE, COUNT],
    "COPY out": [query("copy (values (1), (2)) to stdout"), run("copy (values (3)) to stdout") + SYNC],
    "a Query in COPY": [MAKE, query("copy t from stdin"), query("select 1")],
    "a Parse in COPY": [MAKE, query("copy t from stdin"), parse("", "select 1")],
    "syntax error at the end of a Query": [MAKE, query(f"insert into t values (9); {POISON}"), COUNT],
    "runtime error inside a Query": [
        MAKE, query("insert into t values (9); select 1/0; insert into t values (10)"), COUNT],
    "a deferred constraint at Sync": [
        query("create temp table dc (i int unique deferrable initially deferred); insert into dc values (1)"),
        run("insert into dc values (1)") + SYNC, query("select 1")],
    "Terminate while skipping": [parse("", "bad bad") + TERMINATE],
    "poison in place of Execute": [
        parse("a", "select 5") + SYNC, bind("", "a") + parse("pgmoat", POISON) + close("S", "a") + SYNC,
        bind("", "a") + execute() + SYNC],
    "empty texts": [query(";"), query(""), parse("", "") + bind() + execute() + SYNC],
    "Flush keeps portals, Sync closes them": [
        run("select generate_series(1, 3)", rows=1) + FLUSH, execute("", 1) + FLUSH, SYNC, execute("",
                                                                                                   1) + SYNC],
    "FunctionCall in a failed transaction": [query("begin"), query("x"), function_call(PI),
                                             query("rollback")],
    "FunctionCall": [function_call(PI), query("select 1")],
    "FunctionCall of OID 0 keeps the unnamed statement": [parse("", "select 7") + SYNC, function_call(0),
                                                          USE],
    "a failed Query drops the unnamed statement": [parse("", "select 7") + SYNC, query("PGMOAT_DENIED"), USE],
    "FunctionCall of OID 0 in a transaction": [
        query("begin"), function_call(0), function_call(0), query("rollback")],
    "FunctionCall inside a segment": [run("select 1") + function_call(0) + SYNC],
    "a Query inside a segment": [
        MAKE, run("insert into t values (1)") + query("select 1") + parse("", "bad") + SYNC, COUNT],
    "a poisoned Query inside a segment": [
        MAKE, run("insert into t values (1)") + query("PGMOAT_DENIED") + SYNC, COUNT],
    "COMMIT of a failed transaction": [query("begin"), query("PGMOAT_DENIED"), query("commit")],
    "a savepoint recovers": [
        query("begin; savepoint s"), query("PGMOAT_DENIED"), query("rollback to savepoint s"),
        query("select 1"),
        query("commit")],
    "a named portal survives Sync in a transaction": [
        query("begin"), parse("", "select generate_series(1, 3)") + bind("c1") + execute("c1", 1) + SYNC,
        execute("c1", 1) + SYNC, query("rollback")],
    "a large-object call": [query("begin"), query("select lo_create(4242)"),
                            function_call(964, [struct.pack("!I", 4242)], (1,)), query("rollback")],
    "a stray CopyData": [copy_data(b"1\n"), query("select 1")],
    "stray CopyDone and CopyFail": [COPY_DONE + copy_fail("why"), query("select 1")],
}

IDENTIFY = query("IDENTIFY_SYSTEM")
CLIENT_HELLO = b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03" + b"\x11" * 32

# name -> what a client says first, step by step
FIRST = {
    "a physical walsender": [logical(("replication", "true")), IDENTIFY, query("PGMOAT_DENIED"),
                             query(POISON),
                             IDENTIFY, parse("", "select 1") + SYNC, IDENTIFY],
    "a logical walsender": [logical(("replication", "database")), query("select 1"), query(POISON),
                            query("begin"),
                            query("PGMOAT_DENIED"), query("rollback")],
    "protocol 3.9": [logical(version=V3 | 9)],
    "protocol 3.2": [logical(version=V3 | 2), query("select 1")],
    "an unknown protocol option": [logical(("_pq_.foo", "1"))],
    "protocol 4.0": [logical(version=4 << 16)],
    "GSSENCRequest": [GSSENC_REQUEST],
    "SSLRequest": [SSL_REQUEST, logical(), query("select 1")],
    "SSLRequest twice": [SSL_REQUEST, SSL_REQUEST],
    "SSLRequest with a startup packet behind it": [SSL_REQUEST + logical()],
    "SSLRequest after GSSENCRequest": [GSSENC_REQUEST, SSL_REQUEST],
    "SSLRequest with a ClientHello behind it": [SSL_REQUEST + CLIENT_HELLO],
    "a padded SSLRequest": [struct.pack("!II", 12, 80877103) + bytes(4)],
    "CancelRequest of nobody": [cancel_request(1, b"\0\0\0\2")],
    "CancelRequest of 44 bytes": [cancel_request(1, b"\1" * 32)],
    "a startup packet without a terminator": [struct.pack("!II", 10001, V3) + b"a" * 9993],
    "a length of 4": [struct.pack("!I", 4)],
    "HTTP": [b"GET / HTTP/1.1\r\n\r\n"],
    "a user twice": [logical(("user", "postgres"))],
    "an unsafe client_encoding": [logical(("client_encoding", "SJIS")), query("select 1")],
    "no user": [startup([("database", "postgres")])],
}
# Terminate among the first packets is an impossible length: that closes, too.
SCRIPTS = {name: [*steps, TERMINATE] for name, steps in {**SESSIONS, **FIRST}.items()}
CASES = list(SCRIPTS)
ENCRYPTION = (SSL_REQUEST, GSSENC_REQUEST)

# Where pgmoat must answer otherwise: name -> (why, all that the client is told)
CALLS = "protocol.function_call: by default only the 13 large-object functions may be called by OID"
N_TO_GSS = "GSSENCRequest is answered N: pgmoat has no GSS encryption, the server's build may"
BOTH = {
    "GSSENCRequest": (N_TO_GSS, "N"),
    "SSLRequest after GSSENCRequest": (N_TO_GSS, "N N"),
}
EXCEPTIONS = {
    **BOTH,
    "skip until Sync swallows a malformed FunctionCall": ("malformed frames never pass, also while skipping",
                                                          "E42601 E!08P01 EOF"),
    "FunctionCall in a failed transaction": (CALLS, "C:BEGIN ZT E42601 ZE E42501 ZE C:ROLLBACK ZI"),
    "FunctionCall": (CALLS, "E42501 ZI T D:1 C:SELECT 1 ZI"),
    "FunctionCall of OID 0 keeps the unnamed statement": (CALLS, "1 ZI E42501 ZI 2 D:7 C:SELECT 1 ZI"),
    "FunctionCall of OID 0 in a transaction": (CALLS, "C:BEGIN ZT E42501 ZE E42501 ZE C:ROLLBACK ZI"),
    "FunctionCall inside a segment": (CALLS, "1 2 D:1 C:SELECT 1 E42501 ZI ZI"),
    "a stray CopyData": ("COPY data where no COPY can be in progress is a smuggling sled", "E!08P01 EOF"),
    "a physical walsender": ("replication is refused unless protocol.replication allows it", "E!42501 EOF"),
    "a logical walsender": ("replication is refused unless protocol.replication allows it", "E!42501 EOF"),
    "protocol 4.0": ("the same FATAL 0A000; pgmoat names the versions that it speaks", "E!0A000 EOF"),
    "SSLRequest twice": ("at most one SSLRequest: a violation, not a version", "N E!08P01 EOF"),
    "SSLRequest with a startup packet behind it": ("the same FATAL 08P01 in pgmoat's words", "N E!08P01 EOF"),
    "SSLRequest with a ClientHello behind it": ("the same FATAL 08P01 in pgmoat's words", "N E!08P01 EOF"),
    "a padded SSLRequest": ("an SSLRequest has exactly 8 bytes", "E!08P01 EOF"),
    "a startup packet without a terminator": ("the same FATAL 08P01 in pgmoat's words", "E!08P01 EOF"),
    "a user twice": ("no startup key twice: the last would win", "E!08P01 EOF"),
    "an unsafe client_encoding": ("characters that can contain a quote byte", "E!42501 EOF"),
    "no user": ("the same FATAL 28000 in pgmoat's words", "E!28000 EOF"),
}
# Monitoring, pgmoat stands in for the server where encryption is asked for.
STANDS_IN = "the same FATAL in pgmoat's words: the server never sees an SSLRequest"
MONITOR_EXCEPTIONS = {
    **BOTH,
    "SSLRequest twice": (STANDS_IN, "N E!0A000 EOF"),
    "SSLRequest with a startup packet behind it": (STANDS_IN, "N E!08P01 EOF"),
    "SSLRequest with a ClientHello behind it": (STANDS_IN, "N E!08P01 EOF"),
}
SAME_WORDS = "the same FATAL"  # a reason that begins so keeps severity, SQLSTATE and end


def alike(reply):
    """What differs from session to session is left out: keys, temporary schemas, where the WAL is."""
    tag, body = reply
    if tag == "K" or (tag == "D" and b"/" in body):
        return tag, bytes(2)
    return tag, re.sub(rb"pg_temp_\d+", b"pg_temp", body)


def encryption_answer(conn):
    """One byte; but an ErrorResponse stays what it is."""
    answer = conn.byte()
    if answer == b"E":
        conn.buffer[:0] = answer
        return []
    return [("byte", answer)]


def read(conn, done, patience):
    """Replies until `done` of them holds, until one takes longer than this, or to the end."""
    replies = []
    while not done(replies) and (reply := conn.message(patience)) is not None:
        replies.append(alike(reply))
        if reply == EOF_REPLY:
            break
    return replies


def play(port, name, expected=None):
    """The replies to each step: as many as `expected` has, without it until it is quiet."""
    steps = []
    with Conn(port, first=b"") if name in FIRST else Conn(port) as conn:
        for number, messages in enumerate(SCRIPTS[name]):
            conn.send(messages)
            steps.append(encryption_answer(conn) if messages[:8] in ENCRYPTION else [])
            if number + 1 == len(SCRIPTS[name]):
                steps[-1] += read(conn, lambda _: False, 20)
                assert steps[-1][-1:] == [EOF_REPLY], f"the connection is still open: {told(steps)}"
            elif expected is None:
                steps[-1] += read(conn, lambda _: False, QUIET)
            else:
                left = len(expected[number]) - len(steps[-1])
                steps[-1] += read(conn, lambda replies: len(replies) >= left, 10)
    return steps


def told(steps):
    """All that the client was told, in notation, up to the first end."""
    out = []
    for tag, body in [reply for replies in steps for reply in replies]:
        out.append(body.decode() if tag == "byte" else said([(tag, body)]))
        if tag == "EOF":
            break
    return " ".join(word for word in out if word)


@pytest.fixture(scope="module")
def direct(postgres):
    """name -> PostgreSQL's own replies, step by step."""
    with concurrent.futures.ThreadPoolExecutor(len(CASES)) as pool:
        return dict(zip(CASES, pool.map(lambda name: play(postgres.port, name), CASES)))


@pytest.fixture(scope="module")
def enforce(postgres):
    with Pgmoat(postgres.port, "enforce") as moat:
        yield moat


@pytest.fixture(scope="module")
def monitor(postgres):
    with Pgmoat(postgres.port, "monitor") as moat:
        yield moat


def compare(moat, direct, name, exceptions):
    if name not in exceptions:
        through = play(moat.port, name, direct[name])
        assert told(through) == told(direct[name])
        assert through == direct[name]
        return
    why, expected = exceptions[name]
    expected = expected.removesuffix(" EOF") + " EOF"
    through = play(moat.port, name)
    assert told(through) == expected, why
    if why.startswith(SAME_WORDS):
        assert told(direct[name]) == expected, why
    assert through != direct[name], f"no exception any more: {why}"


@pytest.mark.parametrize("name", CASES)
def test_monitoring_nothing_differs(direct, monitor, name):
    """Every message, byte for byte."""
    compare(monitor, direct, name, MONITOR_EXCEPTIONS)


@pytest.mark.parametrize("name", CASES)
def test_enforcing_nothing_differs_but_what_must(direct, enforce, name):
    """The refusals that the design demands, each by name."""
    compare(enforce, direct, name, EXCEPTIONS)


def test_every_exception_is_a_case():
    """No reason outlives its case."""
    assert set(EXCEPTIONS) | set(MONITOR_EXCEPTIONS) <= set(CASES)
