"""TLS on either leg and on both, before a PostgreSQL that has it: who gets in, who is refused and how,
and that nothing in the clear is taken for what was said under TLS, or the other way round.
"""
import os
import re
import select
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time

import pytest

from certs import Authority
from pg import BINARY, ROOT, Pgmoat, Postgres, free_port, is_sanitized, pg_tool, wait_until
from wire import (GSSENC_REQUEST, SSL_REQUEST, Conn, cancel_request, fields, frame, query, said, startup)


class Shop:
    """A server with TLS, its authority, and everybody's certificates."""

    def __init__(self, hba=""):
        self.ca, self.other = Authority(), Authority("somebody else's")
        self.server = self.ca.make("server")
        self.moat = self.ca.make("moat")
        self.alice = self.ca.make("alice", names=None)
        self.gone = self.ca.make("gone", names=None)
        self.crl = self.ca.revoke("gone")
        self.folder = tempfile.mkdtemp(prefix="pgmoat-shop-")
        for name in (*self.server, self.ca.path("ca.crt")):
            shutil.copy(name, self.folder)
        os.chmod(self.folder, 0o755)
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "postgres", self.folder], check=True)
        self.postgres = Postgres(
            settings=f"ssl=on\nssl_cert_file='{self.folder}/server.crt'\nssl_key_file='{self.folder}/server.key'\n"
                     f"ssl_ca_file='{self.folder}/ca.crt'\npassword_encryption='scram-sha-256'\n",
            hba=hba + "hostssl all bound 127.0.0.1/32 scram-sha-256\nhost all bound 127.0.0.1/32 scram-sha-256\n"
                "hostssl all moat 127.0.0.1/32 cert\n")
        self.postgres.start()
        with Conn(self.postgres.port) as conn:
            made = conn.ask(query("create role bound login password 'swordfish'; create role moat login"))
            assert made == "C:CREATE ROLE C:CREATE ROLE ZI"

    def client_tls(self, **more):
        return {"certificate": self.moat[0], "key": self.moat[1], **more}

    def context(self, who=None, alpn=True, ca=None):
        context = ssl.create_default_context(cafile=ca or self.ca.path("ca.crt"))
        if alpn:
            context.set_alpn_protocols(["postgresql"])
        if who:
            context.load_cert_chain(*who)
        return context

    def stop(self):
        self.postgres.stop()
        for folder in (self.folder, self.ca.folder, self.other.folder):
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def shop():
    made = Shop()
    try:
        yield made
    finally:
        made.stop()


def relaying(backend, **config):
    """Logins passed through, SCRAM between two TLS connections too: what then happens is what is tested."""
    return Pgmoat(backend, **{"auth": {"unbound_scram": True}, **config})


def psql(port, user="postgres", sql="select 1", timeout=20, **words):
    words = {"host": "127.0.0.1", "port": port, "user": user, "dbname": "postgres", **words}
    environment = {"PATH": os.environ["PATH"], "PGPASSWORD": "swordfish", "HOME": "/nonexistent"}
    done = subprocess.run([pg_tool("psql"), "-XAtc", sql, " ".join(f"{k}={v}" for k, v in words.items())],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=environment,
                          timeout=timeout)
    return done.stdout.strip() if done.returncode == 0 else "error: " + done.stderr


SSL_OF_SERVER = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"


@pytest.mark.parametrize("client", ["plain", "tls", "direct", "certificate"])
@pytest.mark.parametrize("server", ["plain", "prefer", "require", "verify-ca", "verify-full", "certificate"])
def test_every_client_reaches_every_server(shop, client, server):
    """Each leg has what it was configured for, whatever the other has."""
    ca = shop.ca.path("ca.crt")
    server_tls = {"plain": {}, "prefer": {"mode": "prefer"}, "require": {"mode": "require"},
                  "verify-ca": {"mode": "verify-ca", "ca": ca}, "verify-full": {"ca": ca, "name": "localhost"},
                  "certificate": {"ca": ca, "certificate": shop.moat[0], "key": shop.moat[1]}}[server]
    client_tls = {} if client == "plain" else shop.client_tls()
    if client == "certificate":
        client_tls.update(ca=ca, client_certificates="require")
    with relaying(shop.postgres.port, client_tls=client_tls, server_tls=server_tls) as moat:
        context = None if client == "plain" else shop.context(shop.alice if client == "certificate" else None)
        user = "moat" if server == "certificate" else "postgres"
        with Conn(moat.port, user=user, tls=context, direct=client == "direct") as conn:
            assert conn.value(SSL_OF_SERVER) == ("f" if server == "plain" else "t")
            assert len(conn.value("select repeat('x', 3000000)")) == 3000000
            rows = conn.query_replies("select repeat('y', 999) from generate_series(1, 5000)")
            assert len(rows) == 5003
        opened = moat.wait_event("session_opened")[0]
        assert opened.get("tls", "") == ("" if client == "plain" else "TLSv1.3")


def identity_rules(folder):
    """The pack of docs/tls.md, as a file."""
    with open(os.path.join(ROOT, "docs", "tls.md"), encoding="utf-8") as page:
        text = next(block for block in re.findall(r"^```toml\n(.*?)^```$", page.read(), re.M | re.S) if "[pack]" in block)
    path = os.path.join(folder, "identity.toml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def test_the_pack_of_the_page_passes_its_tests(tmp_path):
    done = subprocess.run([BINARY, "check", "--with-tests", identity_rules(tmp_path)], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0 and " 0 failed" in done.stdout and done.stderr == "", done.stdout + done.stderr


def test_rules_know_who_a_client_is(shop, tmp_path):
    """A user that must show its certificate; and what Lua sees of a connection."""
    with Conn(shop.postgres.port) as conn:
        conn.ask(query("create role billing login"))
    app = shop.ca.make("billing-app", subject="/O=Shop/CN=billing-app", names="DNS:billing.internal,email:b@shop.example")
    (tmp_path / "see.lua").write_text(
        'pgmoat.api(1)\npgmoat.rule{ id = "see.tls", mode = "enforce", decide = function(s, q)\n'
        '  local t = s.client.tls\n  if not t then return pgmoat.deny{ message = "clear" } end\n'
        '  local c = t.certificate\n  if not c then return pgmoat.deny{ message = t.version .. " " .. t.sni } end\n'
        '  return pgmoat.deny{ message = c.common_name .. " " .. c.subject .. " " .. table.concat({ c.names[1], c.names[2] }, " ")\n'
        '    .. " " .. #c.digest .. " " .. c.issuer }\nend }\n', encoding="utf-8")
    tls = shop.client_tls(mode="allow", ca=shop.ca.path("ca.crt"), client_certificates="optional")
    with relaying(shop.postgres.port, client_tls=tls, policy={"packs": [], "paths": [identity_rules(tmp_path)]}) as moat:
        with Conn(moat.port, user="billing", tls=shop.context(app)) as conn:
            assert conn.value("select 1") == "1"
        for context in (None, shop.context(), shop.context(shop.alice)):
            with pytest.raises(ConnectionError, match="E!28000"):
                Conn(moat.port, user="billing", tls=context)
    with relaying(shop.postgres.port, client_tls=tls, policy={"packs": [], "paths": [str(tmp_path / "see.lua")]}) as moat:
        for context, seen in ((None, "clear"), (shop.context(), "TLSv1.3 localhost"),
                              (shop.context(app), "billing-app CN=billing-app,O=Shop billing.internal b@shop.example 64 "
                                                  "CN=pgmoat test authority")):
            with Conn(moat.port, tls=context) as conn:
                error = next(body for tag, body in conn.query_replies("select 1") if tag == "E")
                assert fields(error)["M"] == seen


def test_who_must_speak_tls_is_told_so(shop):
    """`require` is what a certificate means; `allow` takes both."""
    with relaying(shop.postgres.port, client_tls=shop.client_tls()) as moat:
        told = psql(moat.port, sslmode="disable")
        assert "FATAL:  pgmoat: this server takes connections over TLS only" in told
        assert "HINT:  Connect with sslmode=require or stricter." in told
        assert psql(moat.port, sslmode="verify-full", sslrootcert=shop.ca.path("ca.crt")) == "1"
    with relaying(shop.postgres.port, client_tls=shop.client_tls(mode="allow")) as moat:
        assert psql(moat.port, sslmode="disable") == psql(moat.port, sslmode="require") == "1"


def test_monitoring_does_not_let_the_unreadable_past_tls(shop):
    """What is no startup packet is relayed when monitoring, but not in the clear where TLS is required."""
    for mode, reaches in (("allow", True), ("require", False)):
        with relaying(shop.postgres.port, mode="monitor", client_tls=shop.client_tls(mode=mode)) as moat:
            with Conn(moat.port, first=struct.pack("!II", 9, 99) + b"x") as conn:
                conn.at_end()
            assert bool(moat.wait_event("turned_opaque", timeout=1.0 if not reaches else 5.0)) == reaches


@pytest.mark.parametrize("first", [
    SSL_REQUEST + startup([("user", "postgres")]),  # CVE-2021-23214
    SSL_REQUEST + b"\x16",
    SSL_REQUEST + SSL_REQUEST,
])
def test_nothing_comes_before_the_handshake(shop, first):
    """Bytes behind an SSLRequest: no `S`, no words, the end."""
    with relaying(shop.postgres.port, client_tls=shop.client_tls()) as moat:
        with Conn(moat.port, first=first) as conn:
            assert conn.byte() == b"" and conn.ended
        assert moat.wait_event("protocol_fault")[0]["what"] == "bytes behind an encryption request"


def test_encryption_is_asked_for_once(shop):
    """GSS and then TLS, as libpq does; TLS inside TLS, never."""
    with relaying(shop.postgres.port, client_tls=shop.client_tls()) as moat:
        with Conn(moat.port, first=GSSENC_REQUEST) as conn:
            assert conn.byte() == b"N"
            conn.secure(shop.context(), False, "localhost")
            conn.send(startup([("user", "postgres"), ("database", "postgres")]))
            assert conn.until("Z")[-1][0] == "Z"
        for request in (SSL_REQUEST, GSSENC_REQUEST):
            with Conn(moat.port, first=request, tls=shop.context()) as conn:
                assert said(conn.at_end()) == "E!08P01"


def test_direct_tls_names_its_protocol(shop):
    """Without ALPN a TLS client could be anybody's; PostgreSQL 17 refuses it too. Asked for, it may be missing."""
    with relaying(shop.postgres.port, client_tls=shop.client_tls()) as moat:
        with pytest.raises((OSError, ConnectionError)):
            with Conn(moat.port, tls=shop.context(alpn=False), direct=True) as conn:
                conn.value("select 1")
        assert moat.wait_line('"what":"TLS with the client failed: .*needs ALPN')
        with Conn(moat.port, tls=shop.context(alpn=False)) as conn:
            assert conn.value("select 1") == "1"
        wrong = shop.context(alpn=False)
        wrong.set_alpn_protocols(["h2", "http/1.1"])
        with pytest.raises(OSError):
            Conn(moat.port, tls=wrong, direct=True)


def test_direct_tls_where_none_is_offered(shop):
    """The first byte of TLS is then an impossible length: the end, as PostgreSQL does it."""
    with relaying(shop.postgres.port) as moat:
        with pytest.raises(OSError):
            Conn(moat.port, tls=shop.context(), direct=True)


def test_certificates_of_clients(shop):
    """Required, checked against the authority and its revocation list."""
    tls = shop.client_tls(ca=shop.ca.path("ca.crt"), crl=shop.crl, client_certificates="require")
    mallory = shop.other.make("mallory", names=None)
    with relaying(shop.postgres.port, client_tls=tls) as moat:
        with Conn(moat.port, tls=shop.context(shop.alice)) as conn:
            assert conn.value("select 1") == "1"
        for who, why in ((None, "peer did not return a certificate"), (shop.gone, "certificate revoked"),
                         (mallory, "unable to get local issuer certificate")):
            with pytest.raises((OSError, ConnectionError)):  # under TLS 1.3 the client learns it afterwards
                with Conn(moat.port, tls=shop.context(who)) as conn:
                    conn.value("select 1")
            assert moat.wait_line("TLS with the client failed: " + why), moat.text()[-2000:]
    tls["client_certificates"] = "optional"
    with relaying(shop.postgres.port, client_tls=tls) as moat:
        with Conn(moat.port, tls=shop.context()) as conn:
            assert conn.value("select 1") == "1"
        with pytest.raises((OSError, ConnectionError)):
            with Conn(moat.port, tls=shop.context(mallory)) as conn:
                conn.value("select 1")


@pytest.mark.parametrize("tls, why", [
    ({"name": "db.example"}, "(hostname|Hostname) mismatch"),
    ({"other": True}, "unable to get local issuer certificate|self-signed"),
])
def test_a_server_that_cannot_be_verified_is_not_used(shop, tls, why):
    """Whatever the handshake says: 08006 to the client, and never a plain attempt."""
    ca = shop.other.path("ca.crt") if tls.pop("other", False) else shop.ca.path("ca.crt")
    with relaying(shop.postgres.port, server_tls={"ca": ca, **tls}) as moat:
        with Conn(moat.port, first=startup([("user", "postgres")])) as conn:
            replies = conn.at_end()
        assert said(replies) == "E!08006"
        assert "TLS with the server failed" in fields(replies[0][1])["M"]
        assert moat.wait_line(why), moat.text()


class FakeServer:
    """Answers the first packet with these bytes, and remembers all it was sent."""

    def __init__(self, answer):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.heard = []
        self.answer = answer
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with sock:
                heard = sock.recv(4096)
                sock.sendall(self.answer)
                sock.settimeout(2)
                try:
                    while more := sock.recv(4096):
                        heard += more
                except OSError:
                    pass
                self.heard.append(heard)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


@pytest.mark.parametrize("answer, mode, why", [
    (b"N", "require", "the server offers no TLS"),
    (b"E\0\0\0\x20SERROR\0", "prefer", "answered the request for TLS with an error"),  # CVE-2024-10977
    (b"SE", "require", "malformed"),  # CVE-2021-23222
    (b"NN", "prefer", "malformed"),
    (b"X", "prefer", "malformed"),
])
def test_a_server_that_answers_oddly(shop, answer, mode, why):
    """Nothing of the answer reaches the client, and nothing of the client's the server."""
    with FakeServer(answer) as server, relaying(server.port, server_tls={"mode": mode}) as moat:
        with Conn(moat.port, first=startup([("user", "postgres")])) as conn:
            replies = conn.at_end()
            assert said(replies) == "E!08006" and why in fields(replies[0][1])["M"]
    server.thread.join(3)
    assert all(heard in (b"", SSL_REQUEST) for heard in server.heard)


class DirectServer:
    """PostgreSQL 17's direct TLS before a server that has none: TLS from the first byte, and ALPN."""

    def __init__(self, shop):
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(*shop.server)
        self.context.set_alpn_protocols(["postgresql"])
        self.backend = shop.postgres.port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.seen = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.relay, args=(sock,), daemon=True).start()

    def relay(self, sock):
        with self.context.wrap_socket(sock, server_side=True) as client, \
                socket.create_connection(("127.0.0.1", self.backend)) as server:
            self.seen.append(client.selected_alpn_protocol())
            try:
                while True:
                    ready = [client] if client.pending() else select.select([client, server], [], [])[0]
                    for one in ready:
                        data = one.recv(65536)
                        if not data:
                            return
                        (server if one is client else client).sendall(data)
            except OSError:
                return

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def test_direct_tls_with_the_server(shop):
    """No SSLRequest, our ALPN; cancel requests too."""
    server_tls = {"ca": shop.ca.path("ca.crt"), "direct": True}
    with DirectServer(shop) as server, relaying(server.port, server_tls=server_tls) as moat:
        with Conn(moat.port) as conn:
            assert len(conn.value("select repeat('x', 300000)")) == 300000
            sleep(shop, conn)
            with Conn(moat.port, first=cancel_request(conn.pid, conn.key)) as cancel:
                assert cancel.at_end() == []
            assert said(conn.until("Z")) == "T E57014 ZI"
        assert server.seen == ["postgresql", "postgresql"]


def test_prefer_takes_a_plain_server(postgres):
    """The one mode that goes on without."""
    with relaying(postgres.port, server_tls={"mode": "prefer"}) as moat, Conn(moat.port) as conn:
        assert conn.value("select 1") == "1"


def test_channel_binding_passed_through(shop):
    """The table of channel_binding.h, with libpq and a server that asks for SCRAM."""
    both = {"server_tls": {"mode": "require"}}
    with relaying(shop.postgres.port, **both) as moat:  # clear, TLS
        assert psql(moat.port, "bound", sslmode="disable") == "1"
    with relaying(shop.postgres.port, client_tls=shop.client_tls()) as moat:  # TLS, clear
        assert psql(moat.port, "bound", sslmode="require") == "1"
        assert "channel binding is required" in psql(moat.port, "bound", sslmode="require", channel_binding="require")
    with relaying(shop.postgres.port, client_tls=shop.client_tls(), **both) as moat:  # TLS, TLS
        told = psql(moat.port, "bound", sslmode="require")
        assert "FATAL:  pgmoat: SCRAM channel binding cannot pass from one TLS connection to another" in told
        assert psql(moat.port, "bound", sslmode="require", channel_binding="disable") == "1"
    same = {"certificate": shop.server[0], "key": shop.server[1]}
    with relaying(shop.postgres.port, client_tls=same, **both) as moat:  # TLS, TLS, the server's certificate
        assert psql(moat.port, "bound", sslmode="require", channel_binding="require") == "1"


def sleep(shop, conn):
    """A cancel request that comes before the statement has begun cancels nothing."""
    conn.send(query("select pg_sleep(20)"))
    with Conn(shop.postgres.port) as watch:
        assert wait_until(lambda: watch.value(f"select wait_event from pg_stat_activity where pid = {conn.pid}") == "PgSleep")


@pytest.mark.parametrize("client", ["plain", "tls"])
@pytest.mark.parametrize("server", ["plain", "tls"])
def test_a_cancel_request_goes_the_way_its_session_goes(shop, client, server):
    """In the clear or in TLS from the client (libpq below 17 never encrypts it), as the session to the server."""
    client_tls = {} if client == "plain" else shop.client_tls()
    server_tls = {} if server == "plain" else {"ca": shop.ca.path("ca.crt")}
    with relaying(shop.postgres.port, client_tls=client_tls, server_tls=server_tls) as moat:
        context = None if client == "plain" else shop.context()
        with Conn(moat.port, tls=context) as conn:
            for by_tls in {False, client == "tls"}:
                sleep(shop, conn)
                with Conn(moat.port, first=cancel_request(conn.pid, conn.key),
                          tls=context if by_tls else None) as cancel:
                    assert cancel.at_end() == []
                assert said(conn.until("Z")) == "T E57014 ZI"
            with Conn(moat.port, first=cancel_request(conn.pid, b"\0\0\0\0")) as cancel:
                assert cancel.at_end() == []
            assert conn.value("select 1") == "1"


def test_certificates_are_renewed_by_sighup(shop):
    """New sessions get the new one; the old ones go on; broken files change nothing and say why."""
    folder = tempfile.mkdtemp(prefix="pgmoat-renew-")
    crt, key = os.path.join(folder, "own.crt"), os.path.join(folder, "own.key")

    def install(pair):
        shutil.copy(pair[0], crt)
        shutil.copy(pair[1], key)

    def shown(port):
        with Conn(port, tls=shop.context()) as conn:
            return ssl.DER_cert_to_PEM_cert(conn.sock.getpeercert(binary_form=True)).strip()

    def pem(path):
        with open(path, encoding="ascii") as file:
            return file.read().strip()

    try:
        install(shop.moat)
        with relaying(shop.postgres.port, client_tls={"certificate": crt, "key": key}) as moat:
            with Conn(moat.port, tls=shop.context()) as old:
                assert shown(moat.port) == pem(shop.moat[0])
                install(shop.server)
                moat.signal(signal.SIGHUP)
                assert moat.wait_line("policy 2 is in force")
                assert shown(moat.port) == pem(shop.server[0])
                shutil.copy(shop.moat[1], key)  # not this certificate's
                moat.signal(signal.SIGHUP)
                assert moat.wait_line(r"own\.key: no private key can be read, or not this certificate's")
                assert moat.wait_line("nothing was reloaded: policy 2 stays in force")
                assert shown(moat.port) == pem(shop.server[0])
                assert old.value("select 1") == "1"
    finally:
        shutil.rmtree(folder)


def test_idle_sessions_give_their_buffers_back(shop):
    """Idle sessions over TLS on both legs: what one takes is measured and bounded."""
    with relaying(shop.postgres.port, client_tls=shop.client_tls(), server_tls={"mode": "require"}) as moat:
        context, conns = shop.context(), []
        for _ in range(20):
            conns.append(Conn(moat.port, tls=context))
        before = moat.rss()
        for _ in range(100):
            conns.append(Conn(moat.port, tls=context))
            assert len(conns[-1].value("select repeat('x', 100000)")) == 100000
        each = (moat.rss() - before) / 100
        for conn in conns:
            conn.close()
        assert is_sanitized() or each < 100_000, f"{each:.0f} bytes a session"


class RecordServer:
    """A server that chooses which TLS records share a segment. It logs anybody in."""

    def __init__(self, shop):
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(*shop.server)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def accept(self):
        """To be called while a client waits to be let in."""
        self.sock, _ = self.listener.accept()
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        assert self.sock.recv(8) == SSL_REQUEST
        self.sock.sendall(b"S")
        self.into, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = self.context.wrap_bio(self.into, self.out, server_side=True)
        self.with_more(self.tls.do_handshake)
        self.with_more(lambda: self.tls.read(4096))
        self.send(frame("R", b"\0\0\0\0") + frame("Z", b"I"))

    def with_more(self, step):
        while True:
            try:
                step()
                break
            except ssl.SSLWantReadError:
                self.sock.sendall(self.out.read())
                self.into.write(self.sock.recv(65536))
        self.sock.sendall(self.out.read())

    def send(self, *records):
        for record in records:
            self.tls.write(record)
        self.sock.sendall(self.out.read())

    def close(self):
        self.sock.close()
        self.listener.close()


def test_many_small_records_are_all_read(shop):
    """What arrives while earlier records are still being handed on has an event of its own, which may have passed: a
    record is sent at every distance behind five that share a segment."""
    notice = frame("N", b"SNOTICE\0VNOTICE\0C00000\0Mm\0\0")
    server = RecordServer(shop)
    with relaying(server.port, workers=1, server_tls={"mode": "require"}) as moat:
        login = threading.Thread(target=server.accept, daemon=True)
        login.start()
        with Conn(moat.port) as conn:
            login.join(5)
            for number in range(3000):
                server.send(*[notice] * 5)
                until = time.perf_counter() + (number % 150) * 1e-6
                while time.perf_counter() < until:
                    pass
                server.send(notice)
                for _ in range(6):
                    assert conn.message(3) == ("N", notice[5:]), f"round {number}"
        server.close()


def test_an_end_in_tls_is_an_end(shop):
    """A client that goes, with and without close_notify; a server that is shut down."""
    with relaying(shop.postgres.port, client_tls=shop.client_tls(), server_tls={"mode": "require"}) as moat:
        for polite in (True, False):
            conn = Conn(moat.port, tls=shop.context())
            count = len(moat.events("session_closed"))
            if polite:
                conn.sock.settimeout(2)
                try:
                    conn.sock.unwrap()
                except OSError:
                    pass
            conn.close()
            assert len(moat.wait_event("session_closed", count + 1)) == count + 1, moat.text()[-1500:]


def test_a_client_that_dies_takes_its_statement_with_it(shop):
    """In the middle of a COPY that it does not read, with a reset: the server hears of it at once."""
    with relaying(shop.postgres.port, client_tls=shop.client_tls(), server_tls={"mode": "require"}) as moat:
        with Conn(shop.postgres.port) as watch, Conn(moat.port, tls=shop.context()) as conn:
            conn.send(query("copy (select repeat('x', 1000) from generate_series(1, 100000000)) to stdout"))
            waits = f"select count(*) from pg_stat_activity where pid = {conn.pid} and wait_event = 'ClientWrite'"
            assert wait_until(lambda: watch.value(waits) == "1")
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            conn.close()
            there = f"select count(*) from pg_stat_activity where pid = {conn.pid}"
            assert wait_until(lambda: watch.value(there) == "0", timeout=3)


def test_a_handshake_that_never_comes_is_ended(shop):
    """`timeouts.handshake` counts from the first byte of the connection."""
    with relaying(shop.postgres.port, client_tls=shop.client_tls(), timeouts={"handshake": "500ms"}) as moat:
        with Conn(moat.port, first=SSL_REQUEST) as conn:
            assert conn.byte() == b"S"
            assert conn.at_end(5) == []
        with Conn(moat.port, first=b"\x16\x03\x01\x02\x00\x01") as conn:
            conn.drain(3)
            assert conn.ended


def test_a_dead_server_port_is_told(shop):
    with relaying(free_port(), client_tls=shop.client_tls(), server_tls={"mode": "require"}) as moat:
        assert "cannot connect to the server" in psql(moat.port, sslmode="require")
