"""A proxy in front says who comes: taken from trusted addresses only, whole, and before anything else."""
import socket
import struct
import time

import pytest

from fake import FakeServer
from pg import Pgmoat
from test_tls import Shop
from wire import SSL_REQUEST, Conn, query, said, startup

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LINE = b"PROXY TCP4 10.1.2.3 10.0.0.1 40320 5432\r\n"
V2 = SIGNATURE + b"\x21\x11" + struct.pack("!H", 12 + 6) + bytes((10, 1, 2, 3, 10, 0, 0, 1)) + struct.pack("!HH", 40320, 5432) \
    + b"\x04\0\3abc"
LOCAL = SIGNATURE + b"\x20\0\0\0"
HELLO = startup([("user", "app"), ("database", "shop")])


def trusting(server, *networks, **more):
    return Pgmoat(server.port, proxy_protocol=list(networks or ["127.0.0.0/8"]), **more)


@pytest.mark.parametrize("header", [LINE, V2], ids=["1", "2"])
@pytest.mark.parametrize("pieces", ["whole", "header first", "byte by byte"])
def test_the_client_is_who_the_proxy_says(header, pieces):
    """In events, and for rules."""
    with FakeServer() as server, trusting(server) as moat:
        conn = Conn(moat.port, first=b"")
        conn.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in {"whole": [header + HELLO], "header first": [header, HELLO],
                     "byte by byte": [bytes((b,)) for b in header] + [HELLO]}[pieces]:
            conn.send(part)
            time.sleep(0 if pieces == "whole" else 0.002)
        assert said(conn.until("Z")).endswith("ZI")
        assert moat.wait_event("session_opened")[0]["client"] == "10.1.2.3:40320"
        assert server.connection().startup == HELLO
        assert conn.ask(query("select 1")) == "C:SELECT 0 ZI"
        conn.close()


def test_rules_judge_by_that_address(tmp_path):
    pack = tmp_path / "net.toml"
    pack.write_text('[pack]\nid = "net"\nversion = "1.0.0"\nrequires_api = 1\n[[rule]]\nid = "net.office"\ndescription = "x"\n'
                    'on = "connect"\nmode = "enforce"\nmatch = { none = [{ client = "10.1.0.0/16" }] }\ndeny = { message = "not from there" }\n')
    with FakeServer() as server, trusting(server, policy={"packs": [], "paths": [str(pack)]}) as moat:
        with Conn(moat.port, first=LINE + HELLO) as conn:
            assert said(conn.until("Z")).endswith("ZI")
        for header in (LINE.replace(b"10.1.2.3", b"10.2.2.3"), LOCAL):
            with Conn(moat.port, first=header + HELLO) as conn:
                assert said(conn.at_end()) == "E!28000"


@pytest.mark.parametrize("first", [HELLO, SSL_REQUEST, b"PROXY TCP4 nonsense\r\n" + HELLO, b"GET / HTTP/1.0\r\n\r\n",
                                   SIGNATURE + b"\x21\x11\0\4abcd" + HELLO, b"PROXY " + b"x" * 200])
def test_a_trusted_address_without_a_header_is_not_served(first):
    with FakeServer() as server, trusting(server) as moat:
        with Conn(moat.port, first=first) as conn:
            assert conn.at_end() == []
        assert moat.wait_line('"what":"connection from the proxy 127.0.0.1: its? ')
        assert server.none_came()


def test_nobody_else_may_say_who_he_is():
    for mode in ("enforce", "monitor"):
        with FakeServer() as server, Pgmoat(server.port, mode=mode, proxy_protocol=["10.0.0.0/8"]) as moat:
            with Conn(moat.port, first=LINE + HELLO) as conn:
                conn.drain(0.3)
            assert "10.1.2.3" not in moat.text()
            if mode == "enforce":
                assert server.none_came()
            with Conn(moat.port, first=HELLO) as conn:
                assert said(conn.until("Z")).endswith("ZI")


def test_a_proxy_that_says_nothing_is_given_up():
    with FakeServer() as server, trusting(server, timeouts={"handshake": "500ms"}) as moat:
        for first in (b"", LINE[:10], SIGNATURE):
            with Conn(moat.port, first=first) as conn:
                assert conn.at_end(3) == []
        assert moat.wait_line("its PROXY header did not come in time")
        conns = [Conn(moat.port, first=LINE[:5]) for _ in range(5)]  # and it stops with some of them
        time.sleep(0.05)
    for conn in conns:
        conn.close()


def test_tls_comes_behind_it():
    made = Shop()
    try:
        with Pgmoat(made.postgres.port, proxy_protocol=["127.0.0.1"], client_tls=made.client_tls()) as moat:
            for direct in (False, True):
                conn = Conn(moat.port, first=b"")
                conn.send(V2)
                conn.secure(made.context(), direct, "localhost")
                conn.send(startup([("user", "postgres"), ("database", "postgres")]))
                conn.login("postgres", None)
                assert conn.value("select 1") == "1"
                conn.close()
            assert {event["client"] for event in moat.wait_event("session_opened", 2)} == {"10.1.2.3:40320"}
    finally:
        made.stop()
