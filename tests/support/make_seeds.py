#!/usr/bin/python3
"""make_seeds.py [--check]: the seeds of the fuzz targets, written from their meaning.

A seed is named for what it shows; `broken-` says that the decoder must refuse it. Each section
below speaks one target's input format (see the opening of its fuzz/*_fuzz.cc). Running it again
gives the same files; files that it does not know are left alone. --check writes nothing and fails
where a file is missing or differs.
"""
import os
import struct
import sys

from wire import (COPY_DONE, FLUSH, GSSENC_REQUEST, SSL_REQUEST, SYNC, TERMINATE, bind, cancel_request, close,
                  copy_data, copy_fail, describe, execute, frame, function_call, parse, password, query,
                  raw_frame,
                  startup, values, z)

CORPUS = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "corpus")
V32 = 3 << 16 | 2


def u16(*numbers):
    return b"".join(struct.pack("!H", n) for n in numbers)


def u32(*numbers):
    return b"".join(struct.pack("!I", n) for n in numbers)


def body(whole):
    """The body of a frame that a builder of wire.py made."""
    return whole[5:]


def report(*fields):
    """Fields of an error or a notice: (letter, text)."""
    return b"".join(letter.encode() + z(text) for letter, text in fields) + b"\0"


def error(sqlstate, message, severity="ERROR"):
    return frame("E", report(("S", severity), ("V", severity), ("C", sqlstate), ("M", message)))


def field(name, type_oid, size):
    return z(name) + u32(0) + u16(0) + u32(type_oid) + struct.pack("!h", size) + u32(0xFFFFFFFF) + u16(0)


def row(*cells):
    return u16(len(cells)) + values(cells)


# frontend and backend: a byte that picks the decoder, then the body; in the order of the target's switch.

FRONTEND = [
    ("query", {"select": z("select 1"), "empty": z(""), "broken-no-nul": b"select 1",
               "broken-text-after-nul": z("select 1") + b"; drop table t\0"}),
    ("parse",
     {"unnamed": body(parse("", "select 1")),
      "three-types": body(parse("s", "select $1, $2, $3", (23, 25, 0))),
               "name-of-63": body(parse("n" * 63, "select 1")),
               "broken-name-of-64": body(parse("n" * 64, "select 1")),
               "broken-type-missing": body(parse("", "select $1", (23,)))[:-4],
               "broken-byte-left-over": body(parse("", "select 1")) + b"\0"}),
    ("bind", {"no-params": body(bind()), "two-params-one-null": body(bind("p", "s", (b"42", None))),
              "binary-in-and-out": body(bind("", "s", (u32(7),), (1,), (1,))),
              "a-format-for-each": body(bind("", "", (b"a", b"b"), (0, 1), (0, 1))),
              "broken-format-7": body(bind("", "", (b"a",), (7,))),
              "broken-two-formats-three-params": body(bind("", "", (b"a", b"b", b"c"), (0, 1))),
              "broken-length-minus-2": z("") + z("") + u16(0, 1) + struct.pack("!i", -2) + u16(0),
              "broken-length-past-the-end": z("") + z("") + u16(0, 1) + u32(1000) + b"short" + u16(0),
              "broken-65535-params": z("") + z("") + u16(0, 65535, 0)}),
    ("describe", {"statement": b"S" + z("s"), "portal": b"P" + z(""), "broken-kind": b"X" + z("s")}),
    ("close", {"statement": b"S" + z("s"), "portal": b"P" + z("c"), "broken-no-name": b"S"}),
    ("execute", {"all-rows": body(execute()), "ten-rows": body(execute("c", 10)),
                 "negative-is-all": body(execute("c", -1)),
                 "broken-no-limit": z("c") + b"\0\0"}),
    ("flush", {"empty": b"", "broken-body": b"x"}),
    ("sync", {"empty": b"", "broken-body": b"\0"}),
    ("terminate", {"empty": b"", "broken-body": b"x"}),
    ("function-call", {"lo-open": body(function_call(952, (u32(16400), u32(0x20000)), (1,))),
                       "no-args": body(function_call(2026)),
                       "null-arg": body(function_call(1, (None,), (0,), 0)),
                       "broken-result-format-2": body(function_call(952, (), (), 2)),
                       "broken-argument-cut": body(function_call(952, (b"abcd",)))[:-4]}),
    ("copy-data",
     {"text-row": b"1\tone\n", "empty": b"", "binary-header": b"PGCOPY\n\xff\r\n\0" + u32(0, 0)}),
    ("copy-done", {"empty": b"", "broken-body": b"\0"}),
    ("copy-fail", {"reason": z("no more rows"), "broken-no-nul": b"no more rows"}),
    ("password", {"md5": z("md5" + "0" * 32), "empty": z(""), "broken-no-nul": b"made-up"}),
    ("sasl-initial", {"scram": z("SCRAM-SHA-256") + u32(20) + b"n,,n=,r=madeup+nonce",
                      "without-data": z("SCRAM-SHA-256") + u32(0xFFFFFFFF),
                      "broken-length-minus-2": z("SCRAM-SHA-256") + struct.pack("!i", -2),
                      "broken-length-too-large": z("SCRAM-SHA-256") + u32(99) + b"n,,"}),
    ("sasl", {"final": b"c=biws,r=madeup+nonce,p=bWFkZSB1cA=="}),
    ("gss", {"token": b"\x60\x06\x06\x04made"}),
]

ERROR_BODY = report(("S", "ERROR"), ("V", "ERROR"), ("C", "42601"), ("M", "syntax error"), ("P", "8"))
COPY_DECODERS = {"text-two-columns": b"\0" + u16(2, 0, 0), "binary-column": b"\1" + u16(1, 1),
                 "broken-binary-column-of-text": b"\0" + u16(1, 1), "broken-format-2": b"\2" + u16(0),
                 "broken-column-missing": b"\0" + u16(2, 0)}

BACKEND = [
    ("authentication", {"ok": u32(0), "cleartext": u32(3), "md5": u32(5) + b"salt",
                        "sasl": u32(10) + z("SCRAM-SHA-256-PLUS") + z("SCRAM-SHA-256") + b"\0",
                        "sasl-continue": u32(11) + b"r=madeup,s=c2FsdA==,i=4096",
                        "sasl-final": u32(12) + b"v=bWFkZSB1cA==",
                        "broken-kind-1": u32(1), "broken-short-salt": u32(5) + b"sal",
                        "broken-list-without-end": u32(10) + z("SCRAM-SHA-256"),
                        "broken-ok-with-more": u32(0) + b"x"}),
    ("backend-key-data", {"four-bytes": u32(4711) + b"made", "32-bytes": u32(4711) + b"k" * 32,
                          "broken-three-bytes": u32(4711) + b"mad",
                          "broken-257-bytes": u32(4711) + b"k" * 257}),
    ("parameter-status", {"encoding": z("client_encoding") + z("UTF8"),
                          "broken-no-value": z("client_encoding")}),
    ("negotiate", {"3-0-no-options": u32(3 << 16, 0), "one-option": u32(3 << 16, 1) + z("_pq_.made_up"),
                   "broken-two-announced": u32(3 << 16, 2) + z("_pq_.made_up"),
                   "broken-four-billion-announced": u32(3 << 16, 0xFFFFFFFF)}),
    ("ready-for-query", {"idle": b"I", "in-block": b"T", "failed": b"E", "broken-status": b"X"}),
    ("parse-complete", {"empty": b"", "broken-body": b"x"}),
    ("bind-complete", {"empty": b"", "broken-body": b"x"}),
    ("close-complete", {"empty": b"", "broken-body": b"x"}),
    ("no-data", {"empty": b"", "broken-body": b"x"}),
    ("portal-suspended", {"empty": b"", "broken-body": b"x"}),
    ("empty-query", {"empty": b"", "broken-body": b"x"}),
    ("row-description", {"int4-and-text": u16(2) + field("id", 23, 4) + field("name", 25, -1),
                         "no-fields": u16(0),
                         "broken-1665-fields": u16(1665),
                         "broken-field-cut": u16(1) + field("id", 23, 4)[:-1]}),
    ("parameter-description", {"two": u16(2) + u32(23, 25), "none": u16(0),
                               "broken-one-missing": u16(2) + u32(23)}),
    ("data-row", {"text-and-null": row(b"one", None), "empty-value": row(b""), "no-columns": u16(0),
                  "broken-length-minus-2": u16(1) + struct.pack("!i", -2), "broken-1665-columns": u16(1665),
                  "broken-byte-left-over": row(b"one") + b"x"}),
    ("command-complete", {"insert": z("INSERT 0 1"), "deallocate": z("DEALLOCATE ALL"),
                          "broken-no-nul": b"SELECT 1"}),
    ("function-call-response", {"int4": u32(4) + u32(7), "null": u32(0xFFFFFFFF),
                                "broken-length-minus-2": struct.pack("!i", -2),
                                "broken-value-cut": u32(4) + b"ab"}),
    ("copy-in-response", COPY_DECODERS),
    ("copy-out-response", COPY_DECODERS),
    ("copy-both-response", {"no-columns": b"\0" + u16(0), "broken-no-count": b"\0"}),
    ("notification", {"payload": u32(4711) + z("channel") + z("hello"),
                      "broken-no-payload": u32(4711) + z("channel")}),
    ("error", {"syntax": ERROR_BODY, "without-V": report(("S", "FATAL"), ("C", "57P01"), ("M", "going down")),
               "broken-no-sqlstate": report(("S", "ERROR"), ("M", "no code")), "broken-sqlstate-of-4": report(
                   ("S", "ERROR"), ("C", "4260"), ("M", "short code")), "broken-two-messages": report(
                       ("S", "ERROR"), ("C", "42601"), ("M", "one"), ("M", "two")),
                       "broken-no-end": ERROR_BODY[:-1]}),
    ("notice", {"warning": report(("S", "WARNING"), ("V", "WARNING"), ("C", "01000"), ("M", "look out")),
                "broken-empty": b"\0"}),
]


def picked(decoders):
    """{name: input} of a target whose first byte is the decoder's place in the list."""
    found = {}
    for at, (decoder, seeds) in enumerate(decoders):
        for what, data in seeds.items():
            broken = "broken-" if what.startswith("broken-") else ""
            found[f"{broken}{decoder}-{what.removeprefix('broken-')}"] = bytes([at]) + data
    return found


# data_row: how many bytes a chunk has, less one, then the row.

def data_row():
    rows = {"text-and-null": row(b"one", None), "empty-values": row(b"", b""), "no-columns": u16(0),
            "long-value": row(b"x" * 300), "broken-length-minus-2": u16(1) + struct.pack("!i", -2),
            "broken-1665-columns": u16(1665), "broken-sum-too-small": row(b"one") + b"x",
            "broken-sum-too-large": row(b"one")[:-1]}
    seeds = {f"{name}-whole": b"\xff" + data for name, data in rows.items()}
    seeds.update({f"{name}-byte-by-byte": b"\0" + data for name, data in rows.items()})
    seeds["length-cut-in-the-middle"] = b"\2" + row(b"one", b"two")
    return seeds


# dump: a frame, of either side; or a first packet.

def dump():
    return {"query": query("select 1"),
            "bind-with-binary-value": bind("p", "s", (b"\0\1\xff", None), (1,), (0,)),
            "error-with-position": frame("E", ERROR_BODY), "password-is-masked": password(z("made-up")),
            "key-is-masked": frame("K", u32(4711) + b"made"),
            "sasl-request": frame("R", u32(10) + z("SCRAM-SHA-256") + b"\0"),
            "row-description": frame("T", u16(1) + field("id", 23, 4)),
            "negotiate": frame("v", u32(3 << 16, 1) + z("_pq_.x")),
            "startup": startup([("user", "app"), ("database", "shop")]), "ssl-request": SSL_REQUEST,
            "cancel": cancel_request(4711, b"made"), "broken-no-header": b"Q\0\0",
            "broken-text-cut": frame("Q", b"select"),
            "broken-unknown-tag": frame("y", b"abc"), "broken-list-cut": frame("D", u16(900)),
            "broken-bytes-after": frame("Z", b"I") + b"more"}


# frame_buffer: settings (1 client, 2 authentication, 4 COPY data gathered, 8 oversize passes), size of a
# read less one, bytes.

def frame_buffer():
    client, login, gather, passes = 1, 2, 4, 8

    def seed(flags, *frames, step=2):
        return bytes([flags, step]) + b"".join(frames)

    pipeline = parse("", "select 1") + bind() + describe("P") + execute() + SYNC
    return {"client-pipeline": seed(client, pipeline),
            "client-pipeline-in-bytes": seed(client, pipeline, step=0),
            "client-copy-streams": seed(client, copy_data(b"x" * 100), COPY_DONE),
            "client-copy-gathered": seed(client | gather, copy_data(b"x" * 50), COPY_DONE),
            "client-query-of-64-is-the-limit": seed(client, query("x" * 63)),
            "client-password": seed(client | login, password(z("made-up"))),
            "server-rows": seed(0, frame("T", u16(1) + field("id", 23, 4)), frame("D", row(b"x" * 40)),
                                frame("Z", b"I")),
            "server-login": seed(login, frame("R", u32(0)), frame("K", u32(4711) + b"made"),
                                 frame("Z", b"I")),
            "oversize-passes": seed(client | passes, query("x" * 200), SYNC),
            "broken-oversize": seed(client, query("x" * 64)),
            "broken-length-3": seed(client, raw_frame("Q", 3)),
            "broken-length-minus-1": seed(client, raw_frame("Q", -1)),
            "broken-length-1-gib": seed(client, raw_frame("B", 0x40000000)),
            "broken-sync-with-body": seed(client, frame("S", b"x")), "broken-tag": seed(client, frame("y")),
            "broken-query-in-login": seed(client | login, query("select 1")),
            "broken-frame-cut": seed(client, query("select 1")[:-3])}


# replication: what CopyData carries.

def replication():
    def u64(*numbers):
        return b"".join(struct.pack("!Q", n) for n in numbers)

    return {"xlog-data": b"w" + u64(0x1000000, 0x1000100, 7) + b"wal", "xlog-data-empty": b"w" + u64(1, 1, 1),
            "keepalive": b"k" + u64(0x1000100, 7) + b"\1", "standby-status": b"r" + u64(1, 2, 3, 7) + b"\0",
            "hot-standby-feedback": b"h" + u64(7) + u32(750, 0, 740, 0),
            "broken-xlog-data-cut": b"w" + u64(1, 1), "broken-keepalive-left-over": b"k" + u64(1, 7) + b"\1x",
            "broken-standby-status-cut": b"r" + u64(1, 2, 3),
            "broken-hot-standby-feedback-cut": b"h" + u64(7) + u32(750),
            "broken-kind": b"q" + u64(1)}


# startup: a first packet; its body alone, for the decoders below the switch; the text of `options`.

def first_packets():
    user = ("user", "app")
    return {"startup-30": startup([user, ("database", "shop")]),
            "startup-32": startup([user], V32),
            "startup-32-with-pq-option": startup([user, ("_pq_.made_up", "1")], V32),
            "startup-39": startup([user], 3 << 16 | 9), "startup-20": startup([user], 2 << 16),
            "startup-with-options": startup([user, ("options", "-c statement_timeout=5s --work-mem=4MB")]),
            "ssl-request": SSL_REQUEST, "gssenc-request": GSSENC_REQUEST,
            "cancel-four-byte-key": cancel_request(4711, b"made"),
            "cancel-32-byte-key": cancel_request(4711, b"k" * 32),
            "body-ssl-request": SSL_REQUEST[4:], "body-gssenc-request": GSSENC_REQUEST[4:],
            "body-cancel": cancel_request(4711, b"made")[4:], "body-startup": startup([user])[4:],
            "options-all-spellings": b"-c a=b -cc=d --e-f=g\t-c h=i\\ j",
            "broken-options-other-switch": b"-d 5", "broken-options-not-ascii": b"-c a=b\xa0-c c=d",
            "broken-options-no-argument": b"-c", "broken-length-7": u32(7, 80877103),
            "broken-length-over-10000": u32(10005, 3 << 16),
            "broken-ssl-request-padded": u32(9, 80877103) + b"\0",
            "broken-gssenc-request-padded": u32(9, 80877104) + b"\0",
            "broken-cancel-three-byte-key": cancel_request(4711, b"mad"),
            "broken-startup-no-final-nul": u32(17, 3 << 16) + z("user") + z("app"),
            "broken-startup-pairs-after-the-end":
                u32(22, 3 << 16) + z("user") + z("app") + b"\0" + z("a") + z("b"),
            "broken-http": b"GET / HTTP/1.1\r\n\r\n"}


# session: settings (chunk - 1, 8 not logged in, 16 with ends and timeouts), then records {what, size, bytes}.

CLIENT, SERVER, LATER, END, LEAVE = 0, 3, 5, 6, 7
AT_CLIENT = 8  # of END: the client's end; of LEAVE: now
TOKEN = "PGMOAT_DENIED_0123456789abcdef"
POISONED = error("42601", f'syntax error at or near "{TOKEN}"')
READY, FAILED, PARSED, BOUND = frame("Z", b"I"), frame("Z", b"E"), frame("1"), frame("2")
ONE_ROW = frame("T", u16(1) + field("n", 23, 4)) + frame("D", row(b"1")) + frame("C", z("SELECT 1"))


def record(what, data=b""):
    if len(data) < 256:
        return bytes([what, len(data)]) + data
    return bytes([what | 0x80]) + struct.pack("<H", len(data)) + data


def client(*frames):
    return record(CLIENT, b"".join(frames))


def server(*frames):
    return record(SERVER, b"".join(frames))


def conversation(*records, fresh=False, disturbed=False, chunk=3):
    return bytes([chunk - 1 | (8 if fresh else 0) | (16 if disturbed else 0)]) + b"".join(records)


def sessions():
    login = [client(startup([("user", "app"), ("database", "shop")])),
             server(frame("R", u32(10) + z("SCRAM-SHA-256") + b"\0")),
             client(password(z("SCRAM-SHA-256") + u32(3) + b"n,,")),
             server(frame("R", u32(11) + b"r=x,s=eA==,i=4096")),
             client(password(b"c=biws,r=x,p=eA==")),
             server(frame("R", u32(12) + b"v=eA=="), frame("R", u32(0))),
             server(frame("S", z("client_encoding") + z("UTF8")), frame("K", u32(4711) + b"made"), READY)]
    secret = parse("", "select * from secrets")
    copy_in = query("copy t from stdin")
    begun = frame("G", b"\0" + u16(1, 0))
    return {
        "login-scram": conversation(*login, fresh=True),
        "login-refused": conversation(client(startup([("user", "app")])),
                                      server(error("28P01", "no", "FATAL")), fresh=True),
        "login-32-with-pq-option": conversation(client(startup([("user", "app"), ("_pq_.made_up", "1")],
                                                               V32)),
                                                server(frame("v", u32(3 << 16, 1) + z("_pq_.made_up")),
                                                       frame("R", u32(0)), READY),
                                                fresh=True),
        "login-and-query-in-one-read": conversation(client(startup([("user", "app")]), query("select 1")),
                                                    server(frame("R", u32(0)), READY), server(ONE_ROW, READY),
                                                    fresh=True),
        "ssl-request-then-login": conversation(client(SSL_REQUEST), *login, fresh=True, chunk=8),
        "ssl-request-twice": conversation(client(SSL_REQUEST), client(SSL_REQUEST), fresh=True, chunk=8),
        "ssl-request-with-bytes-behind": conversation(client(SSL_REQUEST + startup([("user", "app")])),
                                                      fresh=True),
        "cancel": conversation(client(cancel_request(4711, b"made")), fresh=True),
        "startup-parameter-not-allowed": conversation(client(startup([("user", "app"),
                                                                      ("local_preload_libraries", "x")])),
                                                                      fresh=True),
        "query": conversation(client(query("select 1")), server(ONE_ROW, READY)),
        "query-split-in-single-bytes": conversation(client(query("select 1")), server(ONE_ROW, READY),
                                                    chunk=1),
        "query-refused": conversation(client(query("select * from secrets")), server(POISONED, READY)),
        "query-refused-in-transaction": conversation(
            client(query("begin")), server(frame("C", z("BEGIN")), frame("Z", b"T")),
            client(query("select * from secrets")), server(POISONED, FAILED),
            client(query("commit")), server(frame("C", z("ROLLBACK")), READY)),
        "query-over-the-limit": conversation(client(query("x" * 300)),
                                             server(error("42601", "syntax"), READY)),
        "pipeline": conversation(client(parse("s", "select 1"), describe("S", "s"), bind("", "s"), execute(),
                                        close("S", "s"), SYNC),
                                 server(PARSED, frame("t", u16(0)), frame("T", u16(1) + field("n", 23, 4)),
                                        BOUND,
                                        frame("D", row(b"1")), frame("C", z("SELECT 1")), frame("3"), READY)),
        "pipeline-with-refused-statement": conversation(
            client(parse("", "insert into t values (1)"), bind(), execute(), secret, bind(), execute(), SYNC),
            server(PARSED, BOUND, frame("C", z("INSERT 0 1")), POISONED, READY)),
        "pipeline-earlier-error-wins": conversation(client(parse("", "select 1/0"), secret, SYNC),
                                                    server(error("22012", "division by zero"), READY)),
        "pipeline-error-skips-a-query": conversation(client(parse("", "selekt"), FLUSH),
                                                     server(error("42601", "syntax")),
                                                     client(query("select 1"), SYNC), server(READY)),
        "bind-refused-by-a-value": conversation(client(parse("", "select $1"), bind("", "", (b"secrets",)),
                                                       execute(), SYNC),
                                                server(PARSED, POISONED, READY)),
        "portal-suspended": conversation(client(parse("", "select 1"), bind("c"), execute("c", 1), FLUSH),
                                         server(PARSED, BOUND, frame("D", row(b"1")), frame("s")),
                                         client(execute("c", 1), SYNC),
                                         server(frame("C", z("SELECT 0")), READY)),
        "copy-in": conversation(client(copy_in), server(begun),
                                client(copy_data(b"1\n"), copy_data(b"2\n"), COPY_DONE),
                                server(frame("C", z("COPY 2")), READY)),
        "copy-in-extended-swallows-sync": conversation(
            client(parse("", "copy t from stdin"), bind(), execute(), SYNC), server(PARSED, BOUND, begun),
            client(copy_data(b"1\n"), COPY_DONE, SYNC), server(frame("C", z("COPY 1")), READY)),
        "copy-in-refused-by-its-data": conversation(client(copy_in), server(begun),
                                                    client(copy_data(b"secrets\n"), COPY_DONE),
                                                    server(error("57014", f"COPY from stdin failed: {TOKEN}"),
                                                           READY)),
        "copy-in-failed-by-the-client": conversation(client(copy_in), server(begun), client(copy_fail("no")),
                                                     server(error("57014", "COPY from stdin failed: no"),
                                                            READY)),
        "copy-in-that-was-none": conversation(client(copy_in, query("select 1")),
                                              server(error("42P01", "no t"), READY),
                                              server(ONE_ROW, READY)),
        "copy-data-without-copy": conversation(client(copy_data(b"1\n"))),
        "copy-out": conversation(client(query("copy t to stdout")), server(
            frame("H", b"\0" + u16(1, 0)), frame("d", b"1\n"), frame("c"), frame("C", z("COPY 1")), READY)),
        "function-call": conversation(client(function_call(952, (u32(16400), u32(0x20000)), (1,))),
                                      server(frame("V", u32(4) + u32(0)), READY)),
        "function-call-refused": conversation(client(function_call(2026)),
                                              server(error("42883", "no function 0"), READY)),
        "notifications-between-answers": conversation(
            client(query("listen c")), server(frame("C", z("LISTEN")), READY),
            server(frame("A", u32(9) + z("c") + z("")),
                   frame("N", report(("S", "NOTICE"), ("C", "00000"), ("M", "n"))))),
        "server-answers-unasked": conversation(server(frame("C", z("SELECT 1")))),
        "server-copies-unasked-in-two-reads": conversation(server(frame("d", b"1\n"))),
        # The Close that is held behind the barrier is found broken first, or its answer is found unasked.
        "server-answers-a-broken-request-that-is-held": conversation(
            client(bind("", "unknown"), execute(), raw_frame("C", 0x800007)),
            server(BOUND, frame("C", z("SELECT 1")), frame("3"), READY)),
        "server-row-lies-about-a-length": conversation(client(query("select 1")), server(
            frame("T", u16(1) + field("n", 23, 4)), frame("D", u16(1) + u32(99) + b"1"))),
        "server-fatal": conversation(client(query("select 1")), server(error("57P01", "going down", "FATAL")),
                                     record(END), disturbed=True),
        "terminate": conversation(client(query("select 1"), TERMINATE), server(ONE_ROW, READY), record(END),
                                  disturbed=True),
        "client-leaves-inside-a-frame": conversation(client(query("select 1")[:-3]), record(END | AT_CLIENT),
                                                     disturbed=True),
        "frame-is-never-finished": conversation(client(query("select 1")[:-3]), record(LATER, b"\x3d"),
                                                disturbed=True),
        "login-is-never-finished": conversation(client(b"\0\0\0"), record(LATER, b"\x3d"), fresh=True,
                                                disturbed=True),
        "leave-when-idle": conversation(client(query("select 1")), record(LEAVE), server(ONE_ROW, READY),
                                        disturbed=True),
        "leave-now": conversation(client(query("select 1")), record(LEAVE | AT_CLIENT), disturbed=True),
        "broken-length": conversation(client(raw_frame("Q", 3))),
        "broken-tag": conversation(client(frame("y"))),
    }


# gate: a byte, scs off in bit 0 and the encoding above it in the order of the target's list; then the text.

def gate():
    on, off = 0, 1
    sjis, shift_jis_2004, gb18030 = 4 << 1, 5 << 1, 10 << 1
    texts = {
        "statements": (on, b"select a.b, 'c''d' from t where x >= 1.5e-3; ; insert into t values ($1, DEFAULT)"),
        "constants": (on, b"E'a\\'b' U&'\\0061' B'01' X'1F' N'n' $$a$$ $tag$ $$ ' $tag$ \"a\"\"b\" U&\"x\""),
        "continued": (on, b"select 'a' -- c\n 'b' \r'c' /* d */\n 'e' B'1'\n'0' E'\\''\n'\\''"),
        "backslashes-off": (off, b"select 'x\\'' as c; -- ' \n U&'a'"),
        "comments": (on, b"/* a /* b */ c */ 1 -- d\r + /**//***/-- e"),
        "operators": (on, b"a+-1 =-1 @-1 <=+- |/*x*/| *--\n<> => :: := .. ->> ~!@#%^&|`? +-+-+-"),
        "numbers": (on, b"1 1. .5 1.5 1e5 1.5E-3 1..10 1...5 $1 $12"),
        "broken-quote": (on, b"select 'a"), "broken-comment": (on, b"1 /* /* */"),
        "broken-number": (on, b"1e+"), "broken-name": (on, b'""'), "broken-dollar": (on, b"$a$ $A$"),
        "levels": (on, b"((a[1], case when b then case c end end)) begin atomic a; b end union x join y"),
        "sjis-trail-byte": (sjis, b"select E'\x95\\'; drop table t; select $$hit$$ --'"),
        "broken-sjis": (sjis, b"\x95'"),
        "shift-jis-2004-backslash": (shift_jis_2004, b"E'\x81\x5f'"),
        "gb18030-four-bytes": (gb18030, b"'\x81\x30\x81\x30\x95\x5c'"),
        "utf8": (on, "é\u3055\U0001F600 'é\\'".encode()), "broken-utf8": (on, b"\xed\xa0\x80\xc0\xaf\xf4\x90\x80\x80"),
    }
    return {name: bytes([flags]) + text for name, (flags, text) in texts.items()}


# sandbox: a file of a policy.

SANDBOX = {
    "full-of-lists": "t = {} while true do t = { t } end",
    "rule": "pgmoat.rule(function(s, q) return q.kind == 'select' and #q.relations > 1 end)",
    "rule-with-list": "local t = { a = true }\nallowed = t\npgmoat.rule(function(s, q)\n"
                      "  for i, r in ipairs(q.relations) do if not allowed[r] then return i end end\nend)",
    "rule-with-method": "pgmoat.rule(function(s, q) return q:reads('a', 1), q.self.self.other end)",
    "table-answer": "pgmoat.rule(function(s, q) return { 1, 'x', { y = 2.5 }, n = pgmoat.a.echo(q.relations) } end)",
    "kept-object": "local k = pgmoat.kept{}\npgmoat.rule(function() return k.kind .. k.relations[1] end)",
    "class": "local C = {} C.__index = C\nfunction C:n() return self.x end\nlocal o = setmetatable({ x = 1 }, C)\n"
             "pgmoat.rule(function() return o:n() end)",
    "default-values": "local d = setmetatable({}, { __index = function(t, k) return k end, __len = function() return 9 "
                      "end, __call = function(_, x) return x end })\npgmoat.rule(function() return d.x, #d, d(1) end)",
    "frozen-write": "t = { 1, a = {} }\npgmoat.rule(function() t.a.b = 1 end)\npgmoat.rule(function() t[2] = 1 end)",
    "frozen-walk": "t = { 1, 2, k = 3 }\npgmoat.rule(function() for k, v in pairs(t) do next(t, k) end "
                   "return table.concat(t, ','), #t, rawlen(t), table.unpack(t) end)",
    "state-in-local": "local n = 0\npgmoat.rule(function() n = n + 1 return n end)",
    "closures": "local function make(i) return function() return i end end\nfor i = 1, 3 do pgmoat.rule(make(i)) end",
    "text": "return ('abc'):find('b', 1, true), ('x'):rep(3, ','), ('X'):lower(), string.format('%s %5.2f %q', {}, 1, 'a')",
    "text-parts": "return ('abc'):sub(-2), ('abc'):byte(1, -1), string.char(1, 2), ('abc'):reverse(), ('x'):len()",
    "tables": "local t = { 3, 1, 2 } table.sort(t) table.insert(t, 1, 0) table.remove(t, 2) table.move(t, 1, 3, 2)\n"
              "return table.concat(t, ' ', 1, #t), table.pack(table.unpack(t, 1, 2)).n",
    "numbers": "return 7 // 2, 7 % -3, 2 ^ 0.5, 1 << 62, ~0, 0x1p4, math.mininteger // -1, tonumber('z', 36), 5 // 0.0",
    "utf8": "return utf8.len('h\\u{e9}'), utf8.char(233, 0x10ffff), utf8.codepoint('abc', 1, -1), utf8.offset('abc', 2)",
    "goto": "for i = 1, 3 do if i == 2 then goto next end ::next:: end",
    "constants": "local a <const>, b <const> = 1, 'x' return a | 2, b .. a, -a, not b",
    "broken-syntax": "function (",
    "broken-bytecode": b"\x1bLuaT\0\x19\x93\r\n\x1a\n\4\x08\x08",
    "broken-nesting": "return " + "(" * 300,
    "broken-string": "x = 'abc",
    "broken-env": "local _ENV = {}",
    "hostile-loop": "pgmoat.rule(function() while true do end end)\nwhile true do end",
    "hostile-memory": "local t = {} while true do t = { t } end",
    "hostile-doubling": "local s = 'x' while true do s = s .. s end",
    "hostile-recursion": "local function f(...) return 1 + f(1, ...) end f()",
    "hostile-index": "local t t = setmetatable({}, { __index = function(_, k) return t[k .. 1] end }) return t.x",
    "hostile-sort": "local t = {} for i = 1, 99 do t[i] = i % 7 end table.sort(t, function() return true end)",
    "hostile-close": "local x <close> = setmetatable({}, { __close = function() while true do end end })",
    "hostile-gc": "setmetatable({}, { __gc = function() while true do end end })",
    "hostile-pattern": "return ('a'):rep(26):find(('a*'):rep(8) .. 'b')",
    "hostile-move": "table.move({}, 1, math.maxinteger - 1, 2)",
    "hostile-concat": "return table.concat({}, ('x'):rep(4000), math.mininteger, math.maxinteger)",
    "hostile-error": "error(setmetatable({}, { __tostring = function() error({}) end }))",
    "hostile-pcall": "pcall(function() while true do end end)",
    "hostile-cycle": "local t = {} t[1] = t pgmoat.a.echo(t)",
    "hostile-libraries": "for k in pairs(string) do string[k] = nil end",
    "hostile-churn": "local t = {} for i = 1, 999 do t['k' .. i], t['k' .. i - 9] = 1, nil end",
}


def sandbox():
    return {name: text if isinstance(text, bytes) else text.encode() for name, text in SANDBOX.items()}


# facts: a byte, scs off in bit 0, a walsender in bit 1, another encoding in bit 2; then the text.

def facts():
    plain, off, walsender, sjis = 0, 1, 2, 4
    texts = {
        "query": (plain, b"with x as (select 1) select a.b, f('x'||'y'), (c).d, e::int from x join s.t u using (id) "
                         b"where a = 1 or 1=1 order by 1 limit $1"),
        "writes": (plain, b"insert into t (a) values (1, default) on conflict (a) do update set b = excluded.b "
                          b"returning *; update t set (a, b) = (select 1, 2); delete from t using u where id = id; "
                          b"merge into t using u on true when matched then delete"),
        "do": (plain, b"do $$ declare x int := f(); begin x := g(); execute 'a'; perform h() from t; end $$"),
        "function": (plain, b"create function f(a int default g()) returns int language sql set role = b "
                            b"as 'select h($1)'"),
        "atomic": (plain, b"create function f() returns int begin atomic select g(); end"),
        "texts-in-texts": (plain, b"select query_to_xml('select query_to_xml(''select f()'', true, true, "
                                  b"'''')', true, true, '')"),
        "relations-in-texts": (plain, b"select table_to_xml('S.\"T\"', true, true, ''), 'a.b'::regclass, "
                                      b"connectby('t', 'a', 'b')"),
        "settings": (plain, b"set a = 1, 'x'; select set_config('a', b, true); alter role r set c = d; discard all; "
                            b"set transaction read write; reset role"),
        "definitions": (plain, b"create operator ### (function = f); create aggregate a (int) (sfunc = 's.f', "
                               b"stype = int); create table t (like u, a int references v check (f(a))); "
                               b"drop trigger a on s.t"),
        "access": (plain, b"grant a to b; grant select on t to public; alter table t owner to c; "
                          b"copy t from program 'x'"),
        "union": (plain, b"select a from t union select null, null union select b from pg_user -- it's"),
        "comments": (plain, b"select a not /*traceparent='00%2D1'*/ in (1) from t/**/where b"),
        "backslashes-off": (off, b"select '\\'' || f($$x$$) --'"),
        "walsender": (walsender, b"START_REPLICATION SLOT a LOGICAL 0/0"),
        "sjis": (sjis, b"select E'\x95\\', f($$x$$) --'"),
        "broken": (plain, b"select from from"),
    }
    return {name: bytes([flags]) + text for name, (flags, text) in texts.items()}


# scram: bindings, then messages in turn, each ended by 0xFF.


def scram_seeds():
    def turn(*parts):
        return b"\xff".join(part if isinstance(part, bytes) else part.encode() for part in parts)
    return {
        "server-plain": turn("", "SCRAM-SHA-256", "n,,n=,r=abc", "c=biws,r=abcnonce,p=" + "A" * 43 + "="),
        "server-bound": turn("x", "SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,n=,r=abc",
                             "c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsYmluZGluZw==,r=abcnonce,p=" + "A" * 43 + "="),
        "server-extension": turn("", "SCRAM-SHA-256", "n,,n=,r=abc,x=1", "c=biws,r=abcnonce,y=2,p=" + "A" * 43 + "="),
        "broken-server-downgrade": turn("x", "SCRAM-SHA-256", "y,,n=,r=abc"),
        "client-plain": turn("", "SCRAM-SHA-256", "r=nonceabc,s=QQ==,i=4096", "v=" + "A" * 43 + "="),
        "client-bound": turn("x", b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256", "r=nonceabc,s=QQ==,i=4096", "v=" + "A" * 43 + "="),
        "broken-client-another-nonce": turn("", "SCRAM-SHA-256", "r=abc,s=QQ==,i=4096"),
        "verifier-scram": b"SCRAM-SHA-256$4096:QQ==$" + b"A" * 43 + b"=:" + b"A" * 43 + b"=",
        "verifier-md5": b"md5" + b"0123456789abcdef" * 2,
    }


# login: settings, the user, then records {what, size, bytes}: even from the client, odd from the server.


def login_seeds():
    def script(settings, user, *records):
        return bytes((settings, user)) + b"".join(bytes((what, len(data))) + data for what, data in records)
    first = z("SCRAM-SHA-256") + u32(11) + b"n,,n=,r=abc"
    sasl = frame("R", u32(10) + z("SCRAM-SHA-256") + b"\0")
    ok = frame("R", u32(0)) + frame("K", u32(1) + b"abcd") + frame("Z", b"I")
    trust, monitor, tls, asks = 3, 4, 8, 16
    return {
        "scram": script(0, 0, (0, frame("p", first)), (0, frame("p", b"c=biws,r=abc,p=AAAA"))),
        "scram-of-nobody": script(asks, 3, (0, frame("p", first))),
        "scram-over-tls": script(tls, 4, (0, SSL_REQUEST), (0, startup([("user", "scram")]))),
        "scram-monitor": script(monitor, 1, (0, frame("p", first))),
        "md5": script(1, 2, (0, frame("p", z("md5" + "a" * 32)))),
        "password": script(2, 1, (0, frame("p", z("wrong")))),
        "trust-ok": script(trust, 0, (1, ok), (0, query("select 1"))),
        "trust-md5": script(trust, 0, (1, frame("R", u32(5) + b"salt")), (1, ok)),
        "trust-cleartext": script(trust, 0, (1, frame("R", u32(3)))),
        "trust-scram": script(trust, 0, (1, sasl), (1, frame("R", u32(11) + b"r=abc,s=QQ==,i=1"))),
        "trust-refused-once": script(trust, 0, (1, error("28P01", "no", "FATAL")), (1, ok)),
        "trust-no-database": script(trust, 0, (1, error("3D000", "no", "FATAL"))),
    }


def all_seeds():
    folders = {"wire/frontend": picked(FRONTEND), "wire/backend": picked(BACKEND),
               "wire/data_row": data_row(),
               "wire/dump": dump(), "wire/frame_buffer": frame_buffer(), "wire/replication": replication(),
                "wire/startup": first_packets(), "session/session": sessions(), "sql/gate": gate(),
                "script/sandbox": sandbox(), "sql/facts": facts(), "auth/scram": scram_seeds(), "session/login": login_seeds()}
    return {f"{folder}/{name}": data for folder, seeds in folders.items() for name, data in seeds.items()}


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    seeds = all_seeds()
    wrong = [name for name, data in seeds.items() if read(os.path.join(CORPUS, name)) != data]
    if sys.argv[1:]:
        for name in wrong:
            print(f"corpus/{name}: not what tests/support/make_seeds.py gives")
        return 1 if wrong else 0
    for name in wrong:
        path = os.path.join(CORPUS, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(seeds[name])
    print(f"{len(seeds)} seeds, {len(wrong)} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
