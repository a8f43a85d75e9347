"""Bytes that must never reach the server when enforcing. The server here is a FakeServer, which
records every byte it was sent, so that "nothing arrived" is seen and not inferred.

Each case is a list of bytes that a client says after login, or first. Enforcing, what was legal
before them arrives, of them and of what follows nothing does. Monitoring, the same bytes arrive
unchanged and an event tells of them.
"""
import itertools
import json
import struct
import time

import pytest

from fake import AUTH_OK, CLEARTEXT, READY, STATUS, FakeServer, key_data
from pg import Pgmoat, wait_until
from wire import (COPY_DONE, FLUSH, GSSENC_REQUEST, SSL_REQUEST, SYNC, TERMINATE, Conn, bind, close,
                  copy_data,
                  copy_fail, describe, execute, fields, frame, function_call, parse, password, query,
                  raw_frame, said, startup, z)

MIB = 1 << 20
QUERY_LIMIT = 64 << 10
SMALL_LIMIT = 10000
USER, DATABASE = ("user", "postgres"), ("database", "postgres")
LOGIN = startup([USER, DATABASE])
BEFORE, AFTER = query("select 'before'"), query("select 'after'")
LARGE_OBJECT_NAMES = ("lo_open", "lo_close", "lo_creat", "lo_create", "lo_unlink", "lo_lseek", "lo_lseek64",
                      "lo_tell", "lo_tell64", "lo_truncate", "lo_truncate64", "loread", "lowrite")
LARGE_OBJECTS = [715, 952, 953, 954, 955, 956, 957, 958, 964, 1004, 3170, 3171, 3172]
N63, N64 = "n" * 63, "n" * 64


def short(value):
    return struct.pack("!H", value & 0xFFFF)


def bind_body(formats=b"\0\0", params=b"\0\0", results=b"\0\0", names=b"\0\0"):
    return frame("B", names + formats + params + results)


def value(size, data=b""):
    return struct.pack("!i", size) + data


# Malformed after login: name -> bytes. FATAL 08P01 when enforcing.
LENGTHS = {f"{tag} of length {length}": raw_frame(tag, length, b"select 1\0")
           for tag, length in itertools.product("QPBXd", (3, 0, -1, -2 ** 31, 2 ** 31 - 1))}
SIZES = {
    "Query one past the limit": query("x" * QUERY_LIMIT),
    "Parse one past the limit": frame("P", b"\0" + b"x" * (QUERY_LIMIT - 3) + b"\0\0\0"),
    "Query of 9 MiB": query("x" * (9 * MIB)),
    "Query that declares 1 GiB": raw_frame("Q", 1 << 30, b"select 1\0"),
    "Query that declares 1 GiB - 1": raw_frame("Q", (1 << 30) - 1, b"select 1\0"),
    "Execute over PostgreSQL's limit": raw_frame("E", SMALL_LIMIT + 5, b"x" * 20),
    "CopyFail over PostgreSQL's limit": raw_frame("f", SMALL_LIMIT + 5, b"x" * 20),
}
TRAILING = {f"trailing byte in {name}": raw_frame(chr(good[0]), len(good), good[5:] + b"\0")
            for name, good in {
                "Query": query("select 1"), "Parse": parse("", "select 1", (23,)), "Bind": bind("", "",
                                                                                                [b"1"]),
                "Describe": describe("S"), "Close": close("P"), "Execute": execute(), "Sync": SYNC,
                "Flush": FLUSH, "FunctionCall": function_call(952, [b"1"]), "CopyDone": COPY_DONE,
                "CopyFail": copy_fail("why"), "Terminate": TERMINATE}.items()}
TEXTS = {
    "NUL in Query": frame("Q", b"select 1\0; drop table t\0"),
    "Query without NUL": frame("Q", b"select 1"),
    "empty Query body": frame("Q"),
    "NUL in Parse text": frame("P", b"\0select 1\0; drop\0\0\0"),
    "Parse without types": frame("P", b"\0select 1\0"),
    "Parse with more types than it has": frame("P", b"\0select 1\0" + short(2) + struct.pack("!I", 23)),
    "Parse with -1 types": frame("P", b"\0select 1\0" + short(-1)),
    "Describe of neither": frame("D", b"X\0"),
    "Close of neither": frame("C", b"s\0"),
    "Describe without NUL": frame("D", b"Sname"),
    "Execute without its row count": frame("E", b"\0\0\0\0\0"[:4]),
    "NUL in CopyFail": frame("f", b"a\0b\0"),
}
BINDS = {
    "Bind: 2 formats, 1 value": bind_body(short(2) + short(0) * 2, short(1) + value(1, b"1")),
    "Bind: 1 value declared, none there": bind_body(params=short(1), results=b""),
    "Bind: fewer values than declared": bind_body(params=short(2) + value(1, b"1")),
    "Bind: more values than declared": bind_body(params=short(1) + value(1, b"1") + value(1, b"1")),
    "Bind: 65535 values": bind_body(params=short(-1)),
    "Bind: 65535 formats": bind_body(short(-1)),
    "Bind: value of length -2": bind_body(params=short(1) + value(-2)),
    "Bind: value longer than the message": bind_body(params=short(1) + value(1000, b"1")),
    "Bind: value of length 2 GiB": bind_body(params=short(1) + value(2 ** 31 - 1, b"1")),
    "Bind: parameter format 7": bind_body(short(1) + short(7), short(1) + value(1, b"1")),
    "Bind: parameter format -1": bind_body(short(1) + short(-1), short(1) + value(1, b"1")),
    "Bind: result format 2": bind_body(results=short(1) + short(2)),
    "Bind: more result formats than there are": bind_body(results=short(3) + short(1)),
    "Bind: no result count": bind_body(results=b""),
    "FunctionCall: 2 formats, 1 value": function_call(952, [b"1"], (0, 0)),
    "FunctionCall: value of length -2": frame("F", struct.pack("!I", 952) + short(0) + short(1) + value(-2)
                                              + short(0)),
    "FunctionCall: result format 2": function_call(952, result=2),
    "FunctionCall: empty": frame("F"),
}
NAMES = {f"{name} of 64 bytes": make(N64) for name, make in {
    "Parse name": lambda n: parse(n, "select 1"), "Bind portal": lambda n: bind(n, ""),
    "Bind statement": lambda n: bind("", n), "Describe statement": lambda n: describe("S", n),
    "Describe portal": lambda n: describe("P", n), "Close statement": lambda n: close("S", n),
    "Close portal": lambda n: close("P", n), "Execute portal": execute}.items()}
PLACES = {
    "stray CopyData": copy_data(b"x" * 40),
    "stray CopyData, empty": copy_data(b""),
    "password after login": password(b"secret\0"),
    "a startup packet after login": LOGIN,
    "SSLRequest after login": SSL_REQUEST,
}
MALFORMED = {**LENGTHS, **SIZES, **TRAILING, **TEXTS, **BINDS, **NAMES, **PLACES}

# First packets that are refused: name -> (bytes, SQLSTATE; None: closed without a word).
OPTIONS = ("-c standard_conforming_strings=off", "-cstandard_conforming_strings=off",
           "--standard-conforming-strings=off", "-c\tStandard_Conforming_Strings=0",
           "-c geqo=on\n--standard_conforming_strings=no", "-c standard\\_conforming_strings=off",
           "-c client_encoding=SJIS", "--client-encoding=big5", "-c log_statement=none", "-W 1", "-c",
           "-c session_preload_libraries=x", "-c geqo=on -d5")


def with_pairs(*pairs):
    return startup([USER, DATABASE, *pairs])


FIRST = {
    "user twice": (with_pairs(USER), "08P01"),
    "User in capitals twice": (with_pairs(("USER", "other")), "08P01"),
    "DateStyle and datestyle": (with_pairs(("DateStyle", "ISO"), ("datestyle", "ISO")), "08P01"),
    "options twice": (with_pairs(("options", "-c geqo=on"), ("options", "-c geqo=on")), "08P01"),
    "user of 64 bytes": (startup([("user", N64), DATABASE]), "08P01"),
    "database of 64 bytes": (startup([USER, ("database", N64)]), "08P01"),
    "parameter of 64 bytes": (with_pairs((N64, "1")), "08P01"),
    "no user": (startup([DATABASE]), "28000"),
    "empty user": (startup([("user", ""), DATABASE]), "28000"),
    "disallowed parameter": (with_pairs(("local_preload_libraries", "x")), "42501"),
    "disallowed parameter in capitals": (with_pairs(("Session_Preload_Libraries", "x")), "42501"),
    "role": (with_pairs(("role", "admin")), "42501"),
    **{f"replication={v}": (with_pairs(("replication", v)), "42501")
       for v in ("true", "database", "on", "1", "yes", "tru", "T")},
    **{f"client_encoding={v}": (with_pairs(("client_encoding", v)), "42501")
       for v in ("SJIS", "sjis", "'Shift-JIS'", "BIG5", "GBK", "gb18030", "UHC", "JOHAB", "win_949",
                 "SHIFT_JIS_2004", "mskanji")},
    "CLIENT_ENCODING=SJIS": (with_pairs(("CLIENT_ENCODING", "SJIS")), "42501"),
    **{f"standard_conforming_strings={v}": (with_pairs(("standard_conforming_strings", v)), "42501")
       for v in ("off", "OFF", "of", "0", "no", "false", "f", "")},
    **{f"options {v!r}": (with_pairs(("options", v)), "42501") for v in OPTIONS},
    "bytes behind the terminator": (struct.pack("!I", len(LOGIN) + 4) + LOGIN[4:] + b"a\0b\0", "08P01"),
    "no terminator": (struct.pack("!I", len(LOGIN) - 1) + LOGIN[4:-1], "08P01"),
    "padded SSLRequest": (struct.pack("!II", 12, 80877103) + b"\0" * 4, "08P01"),
    "padded GSSENCRequest": (struct.pack("!II", 100, 80877104) + b"\0" * 92, "08P01"),
    "protocol 4.0": (startup([USER, DATABASE], 4 << 16), "0A000"),
    "protocol 2.0": (struct.pack("!II", 296, 2 << 16) + bytes(288), "0A000"),
    "length 3": (struct.pack("!I", 3) + b"abc", None),
    "length 10,005": (struct.pack("!II", 10005, 3 << 16) + b"a" * 9997, None),
    "length -1": (b"\xff\xff\xff\xff\0\3\0\0", None),
}


def answer(tag, body):
    """FakeServer's, and PostgreSQL's answer to a function that is not there."""
    if tag != "F":
        return FakeServer.answer(tag, body)
    error = frame("E", b"SERROR\0VERROR\0C42883\0Mfunction with OID 0 does not exist\0\0")
    return (error if body[:4] == b"\0\0\0\0" else frame("V", value(0))) + READY


@pytest.fixture(scope="module")
def fake():
    with FakeServer(reply=answer) as server:
        yield server


@pytest.fixture(scope="module")
def enforce(fake):
    with Pgmoat(fake.port, "enforce", limits={"query": f"{QUERY_LIMIT}B"}) as moat:
        yield moat


@pytest.fixture(scope="module")
def monitor(fake):
    with Pgmoat(fake.port, "monitor", workers=1, limits={"query": f"{QUERY_LIMIT}B"}) as moat:
        yield moat


def session(fake, moat):
    """A logged-in connection and what the server sees of it."""
    before = len(fake.seen)
    conn = Conn(moat.port)
    return conn, fake.connection(before)


def last_words(conn):
    """SQLSTATE of the one FATAL at the end; None without one."""
    errors = [fields(body) for tag, body in conn.at_end() if tag == "E"]
    assert [e["V"] for e in errors] in ([], ["FATAL"])
    return errors[0]["C"] if errors else None


def usable(fake, moat):
    conn, seen = session(fake, moat)
    with conn:
        assert conn.ask(query("select 1")) == "C:SELECT 0 ZI"
        assert seen.after_startup == query("select 1")


def refused(fake, moat, *chunks, arrives=BEFORE):
    """The session ends with 08P01, and the server has seen `arrives` and no byte more."""
    conn, seen = session(fake, moat)
    with conn:
        for number, chunk in enumerate(chunks):
            if number:
                time.sleep(0.002)  # so that it is another read; nothing tells when the last was done
            conn.send(chunk)
        assert last_words(conn) == "08P01"
    assert seen.ended.wait(5)
    assert seen.after_startup == arrives


# Enforcing

@pytest.mark.parametrize("bad", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_frame_ends_the_session_and_never_arrives(fake, enforce, bad):
    """FATAL 08P01, EOF, and 0 bytes of it or of what follows at the server."""
    refused(fake, enforce, BEFORE + bad + AFTER)
    usable(fake, enforce)


def test_an_unknown_tag_never_arrives(fake, enforce):
    """Every byte that is no message of a client's, in a frame that is otherwise good."""
    for tag in set(range(256)) - set(b"QPBDECSHFdcfX"):
        refused(fake, enforce, bytes([tag]) + query("select 1")[1:], arrives=b"")
    usable(fake, enforce)


SPLIT = ("Query one past the limit", "Q of length 3", "Q of length -1", "trailing byte in Bind",
         "NUL in Query",
         "Bind: 2 formats, 1 value", "Parse name of 64 bytes", "stray CopyData", "password after login")


@pytest.mark.parametrize("name", SPLIT)
def test_split_at_every_byte_the_result_is_the_same(fake, enforce, name):
    """TCP has no messages; large ones are split near their header only."""
    bad = MALFORMED[name]
    for at in range(1, min(len(bad), 40)):
        refused(fake, enforce, BEFORE + bad[:at], bad[at:] + AFTER)


@pytest.mark.parametrize("first, sqlstate", FIRST.values(), ids=FIRST.keys())
def test_a_refused_first_packet_never_arrives(fake, enforce, first, sqlstate):
    """The server is not even dialled."""
    before = len(fake.seen)
    with Conn(enforce.port, first=first) as conn:
        assert last_words(conn) == sqlstate
    usable(fake, enforce)
    assert len(fake.seen) == before + 1


def test_a_first_packet_split_at_every_byte(fake, enforce):
    """A good one logs in and arrives unchanged, a refused one does not arrive."""
    twice = FIRST["user twice"][0]
    for at in range(1, len(LOGIN)):
        before = len(fake.seen)
        for packet in (twice, LOGIN):
            with Conn(enforce.port, first=packet[:at]) as conn:
                time.sleep(0.002)
                conn.send(packet[at:])
                words = last_words(conn) if packet is twice else said(conn.until("Z"))
                assert words == ("08P01" if packet is twice else "R ZI")
        assert fake.connection(before).startup == LOGIN
        assert len(fake.seen) == before + 1


@pytest.mark.parametrize("behind", [b"\0", LOGIN, b"\x16\x03\x01\0\x05hello", SSL_REQUEST, GSSENC_REQUEST])
@pytest.mark.parametrize("request_", [SSL_REQUEST, GSSENC_REQUEST], ids=["SSL", "GSS"])
@pytest.mark.parametrize("mode", ["enforce", "monitor"])
def test_bytes_behind_an_encryption_request_never_arrive(request, fake, request_, behind, mode):
    """In both modes: the server never sees the request, so it could not refuse them itself."""
    moat = request.getfixturevalue(mode)
    before = len(fake.seen)
    with Conn(moat.port, first=request_ + behind) as conn:
        assert conn.byte() == b"N"
        assert last_words(conn) == "08P01"
    usable(fake, moat)
    assert len(fake.seen) == before + 1


@pytest.mark.parametrize("said_, arrives", [
    (query("select 1"), b""), (password(b"secret\0") + query("select 1"), password(b"secret\0")),
    (password(b"secret\0x"), b""), (password(b"secret"), b""), (raw_frame("p", 65535 + 5, b"x"), b""),
    (parse("", "select 1"), b""), (SYNC, b""), (TERMINATE, b""), (copy_data(b"x"), b"")])
def test_authentication_takes_nothing_but_the_answer(said_, arrives):
    """The server asks for a cleartext password; only a well-formed 'p' reaches it."""
    with FakeServer(login=CLEARTEXT, reply=lambda tag, _: CLEARTEXT if tag == "p" else b"") as fake, \
            Pgmoat(fake.port, "enforce") as moat, Conn(moat.port, first=LOGIN) as conn:
        assert said(conn.until("R")) == "R"
        conn.send(said_)
        assert last_words(conn) == "08P01"
        assert fake.connection().ended.wait(5)
        assert fake.connection().after_startup == arrives


def test_a_password_that_nobody_asked_for_never_arrives(fake, enforce):
    """It may ride behind the startup packet."""
    before = len(fake.seen)
    with Conn(enforce.port, first=LOGIN + password(b"secret\0")) as conn:
        assert last_words(conn) == "08P01"
    assert fake.connection(before).ended.wait(5)
    assert fake.connection(before).after_startup == b""


# Enforcing: what is at the limit, or only refused

AT_LIMIT = {
    "Query at the limit": query("x" * (QUERY_LIMIT - 1)),
    "Parse at the limit": frame("P", b"\0" + b"x" * (QUERY_LIMIT - 4) + b"\0\0\0"),
    "every name of 63 bytes": parse(N63, "select 1") + bind(N63, N63) + describe("S", N63) + describe("P",
                                                                                                      N63)
    + execute(N63) + close("S", N63) + close("P", N63),
    "Bind with one format for two values": bind("", "", [b"1", None], (1,), (0, 1)),
    "the large-object functions": b"".join(function_call(oid, [b"1"], (1,)) for oid in LARGE_OBJECTS),
}


@pytest.mark.parametrize("mode", ["enforce", "monitor"])
def test_at_the_limit_it_arrives_unchanged(fake, mode):
    """And nothing is reported."""
    with Pgmoat(fake.port, mode, limits={"query": f"{QUERY_LIMIT}B"}) as moat:
        for name, good in AT_LIMIT.items():
            conn, seen = session(fake, moat)
            with conn:
                conn.send(good + SYNC)
                assert seen.wait_bytes(len(good) + len(SYNC)), name
                assert seen.after_startup == good + SYNC
        assert len(moat.wait_event("session_closed", len(AT_LIMIT))) == len(AT_LIMIT)
        faults = moat.events("protocol_fault") + moat.events("statement_judged")
        assert not [event for event in faults if tells_of_the_client(event)]


def test_the_default_limit_of_a_query_is_8_mib(fake):
    """Its text and NUL: that many arrive, of one more nothing does."""
    with Pgmoat(fake.port, "enforce") as moat:
        good = query("x" * (8 * MIB - 1))
        conn, seen = session(fake, moat)
        with conn:
            assert conn.ask(good) == "C:SELECT 0 ZI"
            assert seen.after_startup == good
        refused(fake, moat, BEFORE + query("x" * (8 * MIB)) + AFTER)


def test_names_of_63_bytes_log_in(fake):
    """User, database and parameter; the packet arrives unchanged."""
    packet = startup([("user", N63), ("database", N63), (N63, "1"), ("client_encoding", "'utf-8'"),
                      ("standard_conforming_strings", "on"), ("replication", "off"),
                      ("options", "-c " + N63 + "=1")])
    before = len(fake.seen)
    with Pgmoat(fake.port, "enforce", protocol={"startup_parameters": [N63, "client_encoding"]}) as moat, \
            Conn(moat.port, first=packet) as conn:
        assert said(conn.until("Z")) == "R ZI"
        assert fake.connection(before).startup == packet


OTHER_OIDS = [0, 1, 714, 716, 951, 959, 963, 965, 1003, 1005, 1598, 2026, 3169, 3173, 16384, 2 ** 31,
              2 ** 32 - 1]


def test_a_refused_function_call_is_an_error_in_its_place(fake, enforce):
    """The server gets a call that it must refuse; the refused one never arrives; the session goes on."""
    conn, seen = session(fake, enforce)
    substitute = function_call(0, result=1)
    with conn:
        for oid in OTHER_OIDS:
            assert conn.ask(function_call(oid, [b"secret"])) == "E42501 ZI"
        replies = conn.ask(BEFORE, function_call(2026), AFTER, count=3)
        assert replies == "C:SELECT 0 ZI E42501 ZI C:SELECT 0 ZI"
    expected = substitute * len(OTHER_OIDS) + BEFORE + substitute + AFTER
    assert seen.wait_bytes(len(expected))
    assert seen.after_startup in (expected, expected + TERMINATE)


def test_a_refused_function_call_before_a_real_server(postgres):
    """The transaction fails as it does after any error, and nothing was executed."""
    with Pgmoat(postgres.port, "enforce") as moat, Conn(moat.port) as conn:
        oids = conn.value("select string_agg(oid::text, ' ' order by oid) from pg_proc where "
                          f"pronamespace = 'pg_catalog'::regnamespace and proname in {LARGE_OBJECT_NAMES}")
        assert [int(oid) for oid in oids.split()] == LARGE_OBJECTS
        assert conn.ask(function_call(1598)) == "E42501 ZI"
        assert conn.ask(query("begin")) == "C:BEGIN ZT"
        made = int(conn.value("select lo_create(0)"))
        opened = function_call(952, [struct.pack("!I", made), struct.pack("!i", 0x20000)], (1,))
        assert conn.ask(opened) == "V ZT"
        assert conn.ask(function_call(2026)) == "E42501 ZE"
        assert conn.ask(query("select 1")) == "E25P02 ZE"
        assert conn.ask(query("commit")) == "C:ROLLBACK ZI"
        use = bind("", "s") + execute() + SYNC
        assert conn.ask(parse("s", "select 5"), function_call(2026), use, count=2) \
            == "1 E42501 ZI 2 D:5 C:SELECT 1 ZI"


def test_stray_copy_ends_are_swallowed(fake, enforce):
    """CopyDone and CopyFail outside COPY: PostgreSQL ignores them, so they need not get there."""
    conn, seen = session(fake, enforce)
    with conn:
        assert conn.ask(COPY_DONE, copy_fail("why"), BEFORE) == "C:SELECT 0 ZI"
        assert seen.after_startup == BEFORE


# Monitoring

def tells_of_the_client(event):
    """The fake server leaves most messages unanswered, so faults of the server's side are no news."""
    if event["event"] == "protocol_fault":
        return event["side"] == "client"
    return event["event"] == "statement_judged" or event.get("why", "").startswith("startup packet")


class Reported:
    """Around a session: an event tells of it, and none says that it was not let through. The monitor
    has one worker, so that the session is the one with the highest number so far."""

    def __init__(self, moat):
        self.moat = moat

    def after(self, line, session_id=-1):
        found = [json.loads(text) for text in self.moat.lines[max(line, 0):] if '"session":' in text]
        return [event for event in found if event["session"] > session_id]

    def ours(self):
        return [event for event in self.after(self.line, self.last) if tells_of_the_client(event)]

    def __enter__(self):
        self.line = len(self.moat.lines)
        self.last = max((event["session"] for event in self.after(self.line - 20)), default=0)

    def __exit__(self, kind, *_):
        if kind is None:
            assert wait_until(self.ours, step=0.002), "nothing is reported"
            assert all(event.get("passed", True) and event.get("effect") != "done" for event in self.ours())


def passes(fake, monitor, stream):
    """The stream arrives unchanged, and an event of its session tells of it."""
    with Reported(monitor):
        conn, seen = session(fake, monitor)
        with conn:
            conn.send(stream)
            assert seen.wait_bytes(len(stream))
        assert seen.ended.wait(5)
        assert seen.after_startup == stream


@pytest.mark.parametrize("bad", MALFORMED.values(), ids=MALFORMED.keys())
def test_monitoring_a_malformed_frame_arrives_unchanged(fake, monitor, bad):
    """With what is behind it, except that the fake server takes nothing behind a Terminate."""
    passes(fake, monitor, BEFORE + bad + (b"" if bad[:1] == b"X" else AFTER))


def test_monitoring_unknown_tags_and_function_calls_arrive_unchanged(fake, monitor):
    """Each is reported."""
    for tag in set(range(256)) - set(b"QPBDECSHFdcfX"):
        passes(fake, monitor, bytes([tag]) + query("select 1")[1:] + AFTER)
    for oid in OTHER_OIDS:
        passes(fake, monitor, function_call(oid, [b"secret"]) + AFTER)


@pytest.mark.parametrize("name", SPLIT)
def test_monitoring_split_at_every_byte_it_arrives_unchanged(fake, monitor, name):
    """And is reported once it can be known."""
    bad = MALFORMED[name]
    for at in range(1, min(len(bad), 40)):
        with Reported(monitor):
            conn, seen = session(fake, monitor)
            with conn:
                conn.send(BEFORE + bad[:at])
                assert seen.wait_bytes(len(BEFORE))
                conn.send(bad[at:] + AFTER)
                assert seen.wait_bytes(len(BEFORE + bad + AFTER))
            assert seen.after_startup == BEFORE + bad + AFTER


@pytest.mark.parametrize("first", [packet for packet, _ in FIRST.values()], ids=FIRST.keys())
def test_monitoring_a_refused_first_packet_arrives_unchanged(fake, monitor, first):
    """Whatever the server makes of it."""
    before = len(fake.seen)
    with Reported(monitor):
        with Conn(monitor.port, first=first):
            seen = fake.connection(before)
            assert seen.wait_for(lambda s: len(s.bytes) >= len(first))
        assert seen.ended.wait(5)
        assert seen.bytes == first


def test_monitoring_a_query_during_authentication_arrives_unchanged():
    """The server is the one to refuse it."""
    login = AUTH_OK + STATUS + key_data(1, b"keys") + READY
    with FakeServer(login=CLEARTEXT, reply=lambda tag, _: login if tag == "Q" else b"") as fake, \
            Pgmoat(fake.port, "monitor") as moat, Conn(moat.port, first=LOGIN) as conn:
        conn.until("R")
        conn.send(query("select 1"))
        assert fake.connection().wait_bytes(len(query("select 1")))
        assert fake.connection().after_startup == query("select 1")
        assert moat.wait_event("protocol_fault")[0]["passed"]
