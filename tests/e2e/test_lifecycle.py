"""How sessions begin, stall and end: draining, a server that is away or silent, peers that do not
read, deadlines, limits and cancelling.
"""
import contextlib
import os
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

from fake import FakeServer
from pg import BINARY, Pgmoat, Postgres, SHORT, free_port, pg_tool, wait_until
from wire import (TERMINATE, Conn, bind, cancel_request, copy_data, execute, fields, frame, parse,
                  query, said, startup)

MIB = 1 << 20
LOGIN = startup([("user", "postgres"), ("database", "postgres")])
MODES = pytest.mark.parametrize("mode", ["monitor", "enforce"])
ROWS = 100 if SHORT else 500
LARGE = f"select repeat('x', 1000000) from generate_series(1, {ROWS})"


def last_words(conn, timeout=5.0):
    """SQLSTATE of the FATAL that ends a connection; None where it ends without one."""
    errors = [fields(body) for tag, body in conn.at_end(timeout) if tag == "E"]
    assert all(e["S"] == e["V"] == "FATAL" for e in errors[-1:])
    return errors[-1]["C"] if errors else None


def sleeping(port, seconds=30):
    """A session whose query is running."""
    conn = Conn(port)
    conn.send(query(f"select pg_sleep({seconds})"))
    time.sleep(0.15)
    return conn


class SilentServer:
    """Accepts and says `hello`, if anything; reads only when told to."""

    def __init__(self, hello=b"", small=False):
        self.hello = hello
        self.listener = socket.create_server(("127.0.0.1", 0))
        if small:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.port = self.listener.getsockname()[1]

    def accept(self):
        self.listener.settimeout(5)
        sock = self.listener.accept()[0]
        sock.settimeout(10)
        if self.hello:
            sock.recv(65536)
            sock.sendall(self.hello)
        return sock

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


HELLO = frame("R", struct.pack("!I", 0)) + frame("K", struct.pack("!I", 7) + b"keys") + frame("Z", b"I")


# Stopping

def test_term_waits_for_clients_until_the_drain_deadline(postgres):
    """Idle sessions stay usable after SIGTERM, new ones are turned away, the deadline says 57P01."""
    with Pgmoat(postgres.port, drain="1s") as moat:
        conn = Conn(moat.port)
        moat.signal(signal.SIGTERM)
        time.sleep(0.2)
        assert conn.value("select 7") == "7"
        with pytest.raises(ConnectionError):
            Conn(moat.port)
        assert last_words(conn) == "57P01"
        moat.ended()


def test_term_ends_as_soon_as_the_last_client_leaves(postgres):
    """A drain of a minute takes no longer than its clients; what runs is finished."""
    with Pgmoat(postgres.port, drain="60s") as moat:
        conn = sleeping(moat.port, 0.6)
        moat.signal(signal.SIGTERM)
        assert said(conn.until("Z")).endswith("C:SELECT 1 ZI")
        conn.send(TERMINATE)
        assert conn.at_end() == []
        moat.ended(3)


@pytest.mark.parametrize("last", ["commit", "rollback"])
def test_int_lets_each_session_finish_its_transaction(postgres, last):
    """SIGINT ends idle sessions at once and the others when they become idle."""
    with Pgmoat(postgres.port, drain="60s") as moat:
        idle, busy, inside = Conn(moat.port), sleeping(moat.port, 0.6), Conn(moat.port)
        inside.ask(query("begin"))
        moat.signal(signal.SIGINT)
        assert last_words(idle) == "57P01"
        assert said(busy.at_end()) == "T D: C:SELECT 1 ZI E!57P01"
        assert inside.value("select 1") == "1"
        inside.send(query(last))
        assert said(inside.at_end()) == f"C:{last.upper()} ZI E!57P01"
        moat.ended(3)


@pytest.mark.parametrize("first, then", [
    (signal.SIGQUIT, None), (signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGINT),
    (signal.SIGTERM, signal.SIGQUIT)])
def test_stopping_now(postgres, first, then):
    """SIGQUIT, or a second signal: 57P01 to everyone, whatever they are doing."""
    with Pgmoat(postgres.port, drain="60s") as moat:
        conns = [Conn(moat.port), sleeping(moat.port)]
        conns.append(Conn(moat.port, first=LOGIN[:6]))
        conns[0].ask(query("begin"))
        moat.signal(first)
        if then:
            time.sleep(0.1)
            moat.signal(then)
        assert [last_words(c) for c in conns] == ["57P01"] * 3
        moat.ended(5)


def test_a_running_statement_is_ended_by_the_drain_deadline(postgres):
    """Draining is bounded: who still runs at the deadline is told 57P01."""
    with Pgmoat(postgres.port, drain="500ms") as moat:
        conn = sleeping(moat.port)
        moat.signal(signal.SIGTERM)
        assert last_words(conn) == "57P01"
        moat.ended(3)


def test_hangup_takes_the_policy_over_or_nothing(postgres):
    """SIGHUP reads the file; what is wrong with it is said, and sessions go on."""
    with Pgmoat(postgres.port) as moat, Conn(moat.port) as conn:
        moat.signal(signal.SIGHUP)
        assert moat.wait_line("policy 2 is in force: 0 rules; .* takes a restart")
        with open(moat.file.name, "a", encoding="ascii") as file:
            file.write("[limit]\n")
        moat.signal(signal.SIGHUP)
        assert moat.wait_line(r"unknown key 'limit', did you mean 'limits'\?")
        assert moat.wait_line("nothing was reloaded: policy 2 stays in force")
        assert conn.value("select 1") == "1"


def test_a_second_pgmoat_does_not_share_the_port(postgres):
    """Not even of the same user, whose sockets could: it would take some of the clients."""
    with Pgmoat(postgres.port) as moat, Conn(moat.port) as conn:
        done = subprocess.run([BINARY, "run", "--backend", f"127.0.0.1:{postgres.port}",
                               "--listen", f"127.0.0.1:{moat.port}"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=10)
        assert done.returncode == 1 and "Address already in use" in done.stderr, done.stderr
        assert conn.value("select 1") == "1"


def test_signals_of_pause_and_resume_are_ignored(postgres):
    """SIGUSR1 and SIGUSR2 pause and resume PgBouncer; here they are reported, and end nothing."""
    with Pgmoat(postgres.port) as moat, Conn(moat.port) as conn:
        for sig in (signal.SIGUSR1, signal.SIGUSR2):
            moat.signal(sig)
        assert moat.wait_line("SIGUSR1 and SIGUSR2.*ignored")
        assert conn.value("select 1") == "1"


def test_it_ends_though_nobody_reads_its_events(postgres):
    """A pipe that is full of events holds up neither sessions nor the end."""
    port = free_port()
    process = subprocess.Popen([BINARY, "run", "--backend", f"127.0.0.1:{postgres.port}",
                                "--listen", f"127.0.0.1:{port}", "--mode", "enforce"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        assert wait_until(lambda: can_connect(port))
        refused = startup([("user", "x"), ("nonsense", "y" * 200)])
        for _ in range(1000):
            with Conn(port, first=refused) as conn:
                conn.at_end()
        with Conn(port) as conn:
            assert conn.value("select 1") == "1"
        process.send_signal(signal.SIGTERM)
        process.wait(6)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    assert process.returncode == 0


def can_connect(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


def test_terminate_and_half_close_deliver_what_is_owed(route):
    """Answers still owed when a client says goodbye are delivered before the end."""
    slow = query("select pg_sleep(0.2), 'x'")
    cases = [(slow + TERMINATE, "T D:|x C:SELECT 1 ZI"), (slow, "T D:|x C:SELECT 1 ZI"),
             (parse("", "select x y z") + TERMINATE, "E42601"),
             (parse("", "select 5") + bind() + execute() + frame("S"), "1 2 D:5 C:SELECT 1 ZI"),
             (TERMINATE, ""), (b"", "")]
    for sent, expected in cases:
        with Conn(route) as conn:
            conn.send(sent)
            conn.sock.shutdown(socket.SHUT_WR)
            assert said(conn.at_end()) == expected


@MODES
def test_an_end_that_comes_with_the_last_bytes(postgres, mode):
    """A reset or a closed half right behind a query is noticed, however the reads fall."""
    others = "select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"
    with Pgmoat(postgres.port, mode) as moat, Conn(postgres.port) as watch:
        before = watch.value(others)
        for linger in (struct.pack("ii", 1, 0), struct.pack("ii", 0, 0)) * 40:
            conn = Conn(moat.port)
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            conn.send(query("select 1"))
            conn.close()
        assert wait_until(lambda: watch.value(others) == before, 5), watch.value(others)


# The server is away, silent, or dies

def refused_port():
    return contextlib.nullcontext(free_port())


@contextlib.contextmanager
def full_backlog():
    """A port that answers no SYN: its accept queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = []
        for _ in range(4):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for sock in waiting:
            sock.close()


@contextlib.contextmanager
def closes_at_once():
    with FakeServer(login=b"", reply=lambda *_: None) as fake:
        fake.serve = lambda sock, seen: sock.close()
        yield fake.port


@contextlib.contextmanager
def says_nothing():
    with SilentServer() as server:
        yield server.port


@pytest.mark.parametrize("server, sqlstate", [
    (refused_port, "08006"), (full_backlog, "08006"), (closes_at_once, "08006"), (says_nothing, "57014")])
@MODES
def test_a_server_that_is_away(server, sqlstate, mode):
    """The client is told quickly, in words of the protocol."""
    with server() as port, Pgmoat(port, mode, timeouts={"connect": "300ms", "handshake": "1s"}) as moat:
        began = time.monotonic()
        with Conn(moat.port, first=LOGIN) as conn:
            assert last_words(conn) == sqlstate
        assert time.monotonic() - began < 2.5


@pytest.mark.parametrize("sent", [b"", LOGIN[:3], LOGIN[:20], struct.pack("!II", 8, 80877103)])
@MODES
def test_a_client_that_does_not_log_in(postgres, sent, mode):
    """The handshake has a deadline of its own."""
    with Pgmoat(postgres.port, mode, timeouts={"handshake": "500ms"}) as moat:
        began = time.monotonic()
        with Conn(moat.port, first=sent or b"") as conn:
            conn.send(sent and b"")
            if len(sent) == 8:
                assert conn.byte() == b"N"
            assert last_words(conn) == "57014"
        assert 0.4 < time.monotonic() - began < 2


@pytest.fixture(scope="module")
def mortal():
    """A PostgreSQL that tests may end and start again."""
    server = Postgres()
    try:
        yield server
    finally:
        server.stop()


def started(server):
    """Starts it, also after a crash whose last processes still hold its memory."""
    until = time.monotonic() + 20
    while True:
        with contextlib.suppress(RuntimeError):
            return server.start()
        assert time.monotonic() < until, "PostgreSQL does not come back"
        time.sleep(0.2)


@MODES
def test_a_server_that_crashes_and_comes_back(mortal, mode):
    """Every client hears of the crash at once, and new sessions work when the server does."""
    started(mortal)
    with Pgmoat(mortal.port, mode) as moat:
        conns = [Conn(moat.port), sleeping(moat.port), Conn(moat.port)]
        conns[2].ask(query("begin"))
        result = Conn(moat.port)
        result.send(query(LARGE))
        result.message()
        mortal.end(signal.SIGKILL)
        # An idle backend may still say 57P01 ("unexpected postmaster exit") before it goes.
        assert all(last_words(c, 3) in ("08006", "57P01") for c in conns)
        # The backend in the middle of a result may say its own last words, or be cut inside a row.
        assert last_words(result) in ("08006", "57P01", None)
        with Conn(moat.port, first=LOGIN) as conn:
            assert last_words(conn) == "08006"
        started(mortal)
        with Conn(moat.port) as conn:
            assert conn.value("select 1") == "1"
        mortal.end(signal.SIGINT)


@MODES
def test_a_crash_under_fifty_clients(mortal, mode):
    """pgbench with 50 clients, the postmaster killed: every client is told, none hangs, none is kept."""
    started(mortal)
    with Pgmoat(mortal.port, mode) as moat:
        script = os.path.join(mortal.folder, "script")
        with open(script, "w", encoding="ascii") as file:
            file.write("begin;\nselect pg_sleep(0.005);\nselect repeat('x', 5000);\ncommit;\n")
        bench = subprocess.Popen([pg_tool("pgbench"), "-h", "127.0.0.1", "-p", str(moat.port), "-U", "postgres",
                                  "-n", "-c", "50", "-j", "2", "-T", "60", "-f", script, "postgres"],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert moat.wait_event("auth_finished", 50, 20)
        with Conn(mortal.port) as watch:
            assert wait_until(lambda: int(watch.value(
                "select count(*) from pg_stat_activity where application_name = 'pgbench' and state <> 'idle'")) > 10)
        mortal.end(signal.SIGKILL)
        said_by_bench = bench.communicate(timeout=20)[0]
        assert bench.returncode != 0
        assert said_by_bench.count("aborted") >= 50, said_by_bench[-3000:]
        assert len(moat.wait_event("session_closed", 50, 10)) >= 50
        assert [e for e in moat.events("protocol_fault") if e["side"] == "client"] == []
        started(mortal)
        with Conn(moat.port) as conn:
            assert conn.value("select 1") == "1"
        mortal.end(signal.SIGINT)


@MODES
def test_a_server_that_restarts_says_so_itself(mortal, mode):
    """PostgreSQL's own 57P01 reaches the clients, and nothing is added to it."""
    started(mortal)
    with Pgmoat(mortal.port, mode) as moat:
        conns = [Conn(moat.port), sleeping(moat.port)]
        mortal.end(signal.SIGINT)
        assert [said(c.at_end()).split()[-1] for c in conns] == ["E!57P01"] * 2
        started(mortal)
        with Conn(moat.port) as conn:
            assert conn.value("select 1") == "1"
        mortal.end(signal.SIGINT)


# Peers that do not read

@MODES
def test_a_client_that_does_not_read(postgres, mode):
    """Its server is stopped, memory stays bounded, and all of the result arrives when it reads."""
    with Pgmoat(postgres.port, mode) as moat, Conn(postgres.port) as watch:
        conn = Conn(moat.port)
        conn.ask(query("select 1"))
        before = moat.rss()
        conn.send(query(LARGE))
        waits = f"select wait_event from pg_stat_activity where pid = {conn.pid}"
        assert wait_until(lambda: watch.value(waits) == "ClientWrite")
        time.sleep(0.5)
        assert watch.value(waits) == "ClientWrite"
        assert moat.rss() < before + 16 * MIB
        rows = conn.until("Z", timeout=10)
        assert [tag for tag, _ in rows] == ["T"] + ["D"] * ROWS + ["C", "Z"]
        assert all(len(body) == 1000006 for tag, body in rows if tag == "D")
        assert moat.rss() < before + 16 * MIB
        conn.close()


@MODES
def test_a_client_that_does_not_read_cannot_hold_up_the_end(postgres, mode):
    """A drain ends in time, whoever does not read."""
    with Pgmoat(postgres.port, mode, drain="200ms") as moat:
        conn = Conn(moat.port)
        conn.send(query(LARGE))
        time.sleep(0.5)
        moat.signal(signal.SIGTERM)
        moat.ended(9)
        conn.close()


@pytest.mark.parametrize("mode", ["monitor", "enforce"])
def test_the_last_words_of_a_server_that_reads_no_more_are_told(mode):
    """Writing to it fails before they were read; the client hears them all the same. Which of the two
    pgmoat meets first when it goes on is not ours to choose, hence the repetition."""
    with SilentServer(HELLO) as server, Pgmoat(server.port, mode=mode) as moat:
        for _ in range(25):
            with Conn(moat.port, first=LOGIN) as conn, server.accept() as sock:
                conn.until("Z")
                moat.signal(signal.SIGSTOP)
                conn.send(query("select 1"))
                time.sleep(0.01)
                sock.sendall(frame("E", b"SFATAL\0VFATAL\0C57P01\0Mgood bye\0\0"))
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                sock.close()  # a reset
                moat.signal(signal.SIGCONT)
                assert said(conn.at_end()) == "E!57P01"


@MODES
def test_a_server_that_does_not_read(mode):
    """Its client is stopped, memory stays bounded, and every byte arrives when it reads."""
    message = query("select '" + "x" * MIB + "'")
    count = 20 if SHORT else 60
    with SilentServer(HELLO, small=True) as server, \
            Pgmoat(server.port, mode, timeouts={"message": "500ms"}) as moat:
        conn = Conn(moat.port, first=LOGIN)
        sock = server.accept()
        conn.until("Z")
        before = moat.rss()
        conn.sock.setblocking(False)
        left = memoryview(message * count)
        sent = stuffed(conn.sock, left)
        assert sent < len(left), "nothing held the client back"
        assert moat.rss() < before + 16 * MIB
        conn.sock.settimeout(10)
        writer = threading.Thread(target=conn.send, args=(left[sent:],))
        writer.start()
        got = received(sock, len(left))
        writer.join()
        assert got == len(left), f"{got} of {len(left)}: {said(conn.drain())}"
        conn.close()
        sock.close()


def stuffed(sock, data, quiet=1.5):
    """Writes until nothing more fits for `quiet` seconds; how much went."""
    at, last = 0, time.monotonic()
    while at < len(data) and time.monotonic() < last + quiet:
        try:
            at += sock.send(data[at:])
            last = time.monotonic()
        except BlockingIOError:
            time.sleep(0.02)
        except OSError:
            break
    return at


def received(sock, size):
    got = 0
    with contextlib.suppress(OSError):
        while got < size and (data := sock.recv(MIB)):
            got += len(data)
    return got


# Deadlines, limits, cancelling

@pytest.mark.parametrize("half", [b"Q", b"Q\0\0", query("select 1")[:-3], copy_data(b"x" * 50)[:9]])
def test_a_message_that_is_never_completed(postgres, half):
    """A frame has a deadline; monitor mode only reports it."""
    for mode in ("enforce", "monitor"):
        with Pgmoat(postgres.port, mode, timeouts={"message": "500ms"}) as moat, Conn(moat.port) as conn:
            conn.ask(query("create temp table t (a text)"))
            if half[:1] == b"d":
                conn.send(query("copy t from stdin"))
                conn.until("G")
            conn.send(half)
            if mode == "enforce":
                assert last_words(conn) == "08P01"
            faults = moat.wait_event("protocol_fault")
            assert [f["what"] for f in faults] == ["a message was not completed in time"]
            if mode == "monitor":
                assert conn.message(0.7) is None


@pytest.mark.parametrize("kind", ["Query", "CopyData"])
def test_a_steady_client_is_not_late(postgres, kind):
    """Many messages in a row whose chunks never end where a message ends: each is in time."""
    message = copy_data(b"1\n" * 8) if kind == "CopyData" else query("select 1")
    with Pgmoat(postgres.port, timeouts={"message": "600ms"}) as moat, Conn(moat.port) as conn:
        conn.ask(query("create temp table t (a int)"))
        if kind == "CopyData":
            conn.send(query("copy t from stdin"))
            conn.until("G")
        count = 20
        stream = message * count
        for at in range(-5, len(stream), len(message)):
            conn.send(stream[max(at, 0):at + len(message)])
            time.sleep(0.1)
        if kind == "CopyData":
            assert conn.ask(frame("c")) == f"C:COPY {8 * count} ZI"
        else:
            assert len(conn.until("Z", count=count)) == 4 * count


def test_one_session_too_many(postgres):
    """At limits.sessions all work; one past it is told 53300; a place given back is taken again."""
    with Pgmoat(postgres.port, limits={"sessions": 3}) as moat:
        conns = [Conn(moat.port) for _ in range(3)]
        for _ in range(5):
            with Conn(moat.port, first=LOGIN) as late:
                assert last_words(late) == "53300"
        psql = subprocess.run([pg_tool("psql"), "-h", "127.0.0.1", "-p", str(moat.port), "-U", "postgres"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        conns.pop().close()
        time.sleep(0.6)
        conns.append(Conn(moat.port))
        assert [c.value("select 1") for c in conns] == ["1"] * 3
        assert psql.returncode == 2 and "too many clients" in psql.stderr, psql.stderr


@pytest.mark.parametrize("workers", [1, 2, 4])
@MODES
def test_cancelling_with_the_key_one_was_given(postgres, mode, workers):
    """Each of several sessions is cancelled by its own key, whichever worker serves it."""
    with Pgmoat(postgres.port, mode, workers=workers) as moat:
        conns = [sleeping(moat.port) for _ in range(6)]
        for conn in conns:
            with Conn(moat.port, first=cancel_request(conn.pid, conn.key)) as cancel:
                assert cancel.at_end() == []
        seen = [said(c.drain(1.0)) for c in conns]
        assert seen == ["T E57014 ZI"] * 6


@pytest.mark.parametrize("mode, forwarded", [("enforce", [b"real"]), ("monitor", [b"real", b"wron", b"real"])])
def test_only_our_own_keys_reach_the_server(mode, forwarded):
    """Enforcing, the client's key is not the server's, and no other key is passed on."""
    with FakeServer() as fake, Pgmoat(fake.port, mode) as moat, Conn(moat.port) as conn:
        assert conn.pid == 4711
        assert (conn.key == b"real") == (mode == "monitor")
        for key in (conn.key, b"wron", b"real"):
            Conn(moat.port, first=cancel_request(conn.pid, key)).close()
            time.sleep(0.3)
        Conn(moat.port, first=cancel_request(4712, conn.key)).close()
        time.sleep(0.3)
        got = [seen.bytes[12:] for seen in fake.seen[1:] if seen.bytes[8:12] == struct.pack("!I", 4711)]
        assert got == forwarded
        events = [(e["result"], e["passed"]) for e in moat.wait_event("cancel_requested", 4)]
        assert [result for result, _ in events].count("forwarded") == (1 if mode == "enforce" else 2)
        assert [passed for _, passed in events].count(True) == (1 if mode == "enforce" else 4)


def test_who_guesses_cancel_keys_is_not_looked_at(postgres):
    """At limits.unknown_cancels a right key still works; one past it, it does not, until some are forgiven."""
    with Pgmoat(postgres.port, limits={"unknown_cancels": 2}) as moat:
        def ask(key):
            with Conn(moat.port, first=cancel_request(conn.pid, key)) as request:
                assert request.at_end() == []

        conn = sleeping(moat.port)
        wrong = bytes([conn.key[0] ^ 1]) + conn.key[1:]
        for _ in range(2):
            ask(wrong)
        ask(conn.key)
        assert said(conn.drain(1.0)) == "T E57014 ZI"
        ended = Conn(moat.port)
        ended.close()
        time.sleep(0.3)
        for key in (wrong, wrong, wrong, conn.key):
            ask(key)
        with Conn(moat.port, first=cancel_request(ended.pid, ended.key)) as request:
            assert request.at_end() == []
        results = [(e["result"], e["passed"]) for e in moat.wait_event("cancel_requested", 8)]
        assert results[:3] == [("unknown_key", False)] * 2 + [("forwarded", True)]
        assert results[-2:] == [("too_many_unknown", False)] * 2, results


def test_a_wrong_key_cancels_nothing(postgres):
    """The statement runs on to its end."""
    with Pgmoat(postgres.port) as moat:
        conn = sleeping(moat.port, 1)
        wrong = [conn.key[:3] + bytes([conn.key[3] ^ 1]), conn.key + b"x", bytes(4), bytes(32)]
        for key in wrong:
            with Conn(moat.port, first=cancel_request(conn.pid, key)) as cancel:
                assert cancel.at_end() == []
        assert said(conn.until("Z")) == "T D: C:SELECT 1 ZI"


def test_three_hundred_connections_leave_nothing_behind():
    """Opened together and left in every manner, they give back their descriptors."""
    with FakeServer() as fake, Pgmoat(fake.port) as moat:
        count = lambda: len(os.listdir(f"/proc/{moat.process.pid}/fd"))  # noqa: E731
        before = count()
        conns = [Conn(moat.port, first=(LOGIN, b"", LOGIN[:9], b"GET / HTTP/1.1\r\n")[i % 4]) for i in range(300)]
        for conn in conns[::4]:
            conn.until("Z")
        for number, conn in enumerate(conns):
            if number % 3 == 0:
                conn.send(TERMINATE)
            if number % 3 == 1:
                conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            conn.close()
        assert wait_until(lambda: count() == before, 5), f"{before} descriptors, now {count()}"
        with Conn(moat.port) as conn:
            assert conn.ask(query("select 1")) == "C:SELECT 0 ZI"
