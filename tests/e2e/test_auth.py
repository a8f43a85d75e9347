"""Logins that pgmoat ends: who gets in, by which method, as whom at the server, and who is refused and how."""
import contextlib
import os
import re
import signal
import subprocess
import time

import pytest

from fake import FakeServer
from pg import BINARY, ROOT, Pgmoat, pg_tool, toml_text
from test_tls import Shop, psql
from wire import Conn, fields, frame, password, said, startup, z

WHO = "select current_user || ' ' || session_user"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    made = Shop(hba="hostssl all svc_cert 127.0.0.1/32 cert\n"
                    "host all scram_t,svc,old,finder 127.0.0.1/32 scram-sha-256\nhost all md5_t 127.0.0.1/32 md5\n"
                    "hostssl all clear_t 127.0.0.1/32 password\nhost all clear_t 127.0.0.1/32 reject\n")
    made.svc = made.ca.make("svc_cert", names=None)
    with Conn(made.postgres.port) as conn:
        for sql in ("create role scram_t login password 'swordfish'", "create role clear_t login password 'swordfish'",
                    "create role svc login password 'of pgmoat'", "create role svc_cert login", "create role alice login",
                    "create role scram_k login", "create role old login password 'swordfish' valid until '2001-01-01'",
                    "set password_encryption = 'md5'; create role md5_t login password 'swordfish'"):
            assert conn.ask(query_of(sql)).endswith("ZI"), sql
        made.verifiers = dict(conn.value(f"select rolname || '=' || rolpassword from pg_authid where rolname = '{name}'")
                              .split("=", 1) for name in ("scram_t", "md5_t", "clear_t", "old"))
    made.files = tmp_path_factory.mktemp("auth")
    users = dict(made.verifiers, scram_k="swordfish", md5_k="swordfish", clear_k="swordfish")
    (made.files / "users.txt").write_text("; who may come\n" + "".join(f'"{n}" "{v}"\n' for n, v in users.items()))
    (made.files / "svc").write_text("of pgmoat\n")
    try:
        yield made
    finally:
        made.stop()


def query_of(sql):
    return frame("Q", z(sql))


def asked(conn):
    """The kind of the Authentication message that comes next."""
    return int.from_bytes(conn.until("R")[-1][1][:4], "big")


def rules(shop, *rows, **credentials):
    credentials = credentials or {"svc": {"user": "svc", "password": f"file:{shop.files}/svc"},
                                  "cert": {"user": "svc_cert"}}
    return {"auth": {"users": f"{shop.files}/users.txt", "rule": list(rows)}, "credential": credentials}


SERVER_LEGS = ["plain", "verify-full", "certificate"]
CLIENT_LEGS = ["plain", "tls", "direct", "certificate"]


def legs(shop, client, server):
    ca = shop.ca.path("ca.crt")
    client_tls = {} if client == "plain" else shop.client_tls()
    if client == "certificate":
        client_tls.update(ca=ca, client_certificates="require")
    server_tls = {"plain": {}, "verify-full": {"ca": ca, "name": "localhost"},
                  "certificate": {"ca": ca, "name": "localhost", "certificate": shop.svc[0], "key": shop.svc[1]}}[server]
    return client_tls, server_tls


def come(shop, port, client, user, secret="swordfish"):
    """Who the server takes us for, or the error."""
    context = None if client == "plain" else shop.context(shop.alice if client == "certificate" else None)
    try:
        with Conn(port, user=user, secret=secret, tls=context, direct=client == "direct") as conn:
            return conn.value(WHO)
    except (OSError, ConnectionError) as error:
        return str(error).rsplit(" ", 1)[-1]


@pytest.mark.parametrize("client", CLIENT_LEGS)
@pytest.mark.parametrize("server", SERVER_LEGS)
def test_every_method_logs_in_over_every_pair_of_legs(shop, client, server):
    """The client's own login where its method shows what the server wants to see, and pgmoat's otherwise."""
    client_tls, server_tls = legs(shop, client, server)
    ours = "cert" if server == "certificate" else "svc"
    rows = [{"users": ["scram_t"], "method": "scram-sha-256"}, {"users": ["scram_k"], "method": "scram-sha-256", "login": ours},
            {"users": ["md5_t"], "method": "md5"}, {"users": ["md5_k"], "method": "md5", "login": ours},
            {"users": ["nobody"], "method": "scram-sha-256"}, {"users": ["open"], "method": "trust", "login": ours}]
    if client != "plain":
        rows += [{"users": ["clear_t"], "method": "password"}, {"users": ["clear_k"], "method": "password", "login": ours}]
    if client == "certificate":
        rows += [{"users": ["alice"], "method": "cert", "login": ours}]
    as_ours = "svc_cert svc_cert" if server == "certificate" else "svc svc"
    with Pgmoat(shop.postgres.port, client_tls=client_tls, server_tls=server_tls, **rules(shop, *rows)) as moat:
        def got(user, secret="swordfish"):
            return come(shop, moat.port, client, user, secret)
        assert got("scram_t") == "scram_t scram_t"
        assert got("scram_k") == as_ours
        assert got("md5_t") == "md5_t md5_t"
        assert got("md5_k") == as_ours
        assert got("open") == as_ours
        for user in ("scram_t", "scram_k", "md5_t", "md5_k", "nobody"):
            assert got(user, "wrong") == "E!28P01", user
        assert "no rule of [auth]" in psql(moat.port, "stranger", sslmode="disable" if client == "plain" else "require") \
            if client != "certificate" else True
        if client != "plain":
            # In the clear only over TLS, on this side and on that one.
            assert got("clear_t") == ("clear_t clear_t" if server != "plain" else "E!08006")
            assert got("clear_k") == as_ours
            assert got("clear_t", "wrong") == "E!28P01"
        if client == "certificate":
            assert got("alice") == as_ours
        methods = [event["method"] for event in moat.events("client_proved")]
        assert methods[:5] == ["scram-sha-256", "scram-sha-256", "md5", "md5", "trust"]
        text = moat.text()
    for secret in ("swordfish", "of pgmoat", shop.verifiers["scram_t"].split("$")[2]):
        assert secret not in text


@pytest.mark.parametrize("server", SERVER_LEGS)
def test_channel_binding_from_libpq_with_different_certificates(shop, server):
    """Bound to pgmoat's certificate on one leg and to the server's on the other (issue's row 2)."""
    client_tls, server_tls = legs(shop, "tls", server)
    with Pgmoat(shop.postgres.port, client_tls=client_tls, server_tls=server_tls,
                **rules(shop, {"method": "scram-sha-256"})) as moat:
        for binding in ("require", "prefer", "disable"):
            got = psql(moat.port, "scram_t", WHO, sslmode="verify-full", sslrootcert=shop.ca.path("ca.crt"),
                       host="localhost", channel_binding=binding)
            assert got == "scram_t scram_t", binding
        got = psql(moat.port, "nobody", WHO, sslmode="require", channel_binding="require")
        assert 'password authentication failed for user "nobody"' in got


IMPOSSIBLE = [
    ("pass-through SCRAM between two TLS connections", {"client": "tls", "server": "verify-full"}, None,
     "SCRAM cannot be passed through"),
    ("the same as a row", {"client": "tls", "server": "verify-full"}, {"method": "pass-through"},
     "SCRAM cannot be passed through"),
    ("a certificate as the client's own login", {"client": "certificate", "server": "plain"}, {"method": "cert"},
     "shows no password"),
    ("certificates that nobody asks for", {"client": "tls", "server": "plain"}, {"method": "cert", "login": "svc"},
     "client_tls.client_certificates"),
    ("a password in the clear", {"client": "plain", "server": "plain"}, {"method": "password"}, "needs TLS with clients"),
    ("a row that TLS keeps everybody out of", {"client": "tls", "server": "plain"}, {"method": "md5", "tls": False},
     "fits nobody"),
    ("a row that nobody has TLS for", {"client": "plain", "server": "plain"}, {"method": "md5", "tls": True}, "fits nobody"),
    ("a login that is not there", {"client": "plain", "server": "plain"}, {"method": "md5", "login": "svx"},
     "did you mean 'svc'"),
    ("a login where none is made", {"client": "plain", "server": "plain"}, {"method": "pass-through", "login": "svc"},
     "login has no use"),
    ("a map without certificates", {"client": "plain", "server": "plain"}, {"method": "md5", "map": {"a": "b"}},
     "map is for method 'cert'"),
]


@pytest.mark.parametrize("what,leg,row,why", IMPOSSIBLE, ids=[i[0].replace(" ", "-") for i in IMPOSSIBLE])
def test_what_cannot_work_is_refused_before_it_is_tried(shop, tmp_path, what, leg, row, why):
    client_tls, server_tls = legs(shop, leg["client"], leg["server"])
    config = {"client_tls": client_tls, "server_tls": server_tls}
    config.update(rules(shop, row) if row else {})
    file = tmp_path / "pgmoat.toml"
    file.write_text(toml_text(config))
    done = subprocess.run([BINARY, "check", "--config", file], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and why in done.stderr, done.stdout + done.stderr
    assert str(file) in done.stderr
    if row:
        assert re.search(r"pgmoat\.toml:\d+:\d+: ", done.stderr)


@pytest.mark.parametrize("rule,why", [
    ({}, "needs 'method'"), ({"method": "scrum"}, "expected 'pass-through' or"),
    ({"method": "md5", "users": []}, "it is empty; leave it out"), ({"method": "md5", "addresses": []}, "it is empty; leave it out"),
    ({"method": "md5", "addresses": ["10.1.2.3/16"]}, 'write "10.1.0.0/16"'), ({"method": "md5", "user": ["x"]}, "did you mean 'users'"),
])
def test_mistakes_in_rows_have_their_place(tmp_path, rule, why):
    file = tmp_path / "pgmoat.toml"
    file.write_text(toml_text({"auth": {"rule": [rule]}}))
    done = subprocess.run([BINARY, "check", "--config", file], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and re.search(r"pgmoat\.toml:\d+:\d+: .*" + re.escape(why), done.stderr), done.stderr


@pytest.mark.parametrize("text,place,why", [
    ('"a" "b"\n"a" "c"\n', "2:4", "twice"), ('a "b"\n', "1:1", "double quotes"), ('"a" b\n', "1:5", "double quotes"),
    ('"a" "b" c\n', "1:9", "end of the line"), ('"" "b"\n', "1:3", "1 to 63"), ('"a" ""\n', "1:7", "lets nobody in"),
    ('"a" "SCRAM-SHA-256$x"\n', "1:22", "no SCRAM verifier"), (f'"{"a" * 64}" "b"\n', "1:67", "1 to 63"),
    ('"a" "b\n', "1:5", "double quotes"),
])
def test_mistakes_in_the_file_of_users_have_their_place(tmp_path, text, place, why):
    (tmp_path / "users.txt").write_text(text)
    (tmp_path / "pgmoat.toml").write_text('[auth]\nusers = "users.txt"\n[[auth.rule]]\nmethod = "md5"\n')
    done = subprocess.run([BINARY, "check", "--config", tmp_path / "pgmoat.toml"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and f"users.txt:{place}: " in done.stderr and why in done.stderr, done.stderr


def test_an_unknown_user_looks_like_a_known_one(shop):
    """The same questions with the same salt each time; only the log tells which it was."""
    with Pgmoat(shop.postgres.port, **rules(shop, {"method": "scram-sha-256"})) as moat:
        def first_message(user):
            with Conn(moat.port, first=startup([("user", user), ("database", "postgres")])) as conn:
                assert asked(conn) == 10
                data = b"n,,n=,r=abc"
                conn.send(password(z("SCRAM-SHA-256") + len(data).to_bytes(4, "big") + data))
                return conn.message()[1][4:].decode()

        def salt(user):
            return re.search(r"s=([^,]+),i=4096$", first_message(user)).group(1)

        assert salt("ghost") == salt("ghost") != salt("spook")
        assert salt("scram_k") == salt("scram_k") != salt("ghost")  # whose password is in the file
        assert len(salt("ghost")) == len(salt("scram_t")) == len(salt("scram_k"))
        assert salt("scram_t") == shop.verifiers["scram_t"].split("$")[1].split(":")[1]
        for user, why in (("ghost", "no such user"), ("scram_t", "the SCRAM proof does not fit")):
            assert come(shop, moat.port, "plain", user, "wrong") == "E!28P01", user
            assert moat.wait_line(f"login refused: {why}"), moat.text()


HOSTILE_CLIENTS = {
    "a query instead": frame("Q", z("select 1")), "an empty answer": frame("p"),
    "a mechanism that was not offered": frame("p", z("SCRAM-SHA-1") + b"\0\0\0\4n,,n"),
    "no data": frame("p", z("SCRAM-SHA-256") + b"\xff\xff\xff\xff"),
    "bytes behind": frame("p", z("SCRAM-SHA-256") + b"\0\0\0\1nn"),
    "too long": frame("p", z("SCRAM-SHA-256") + b"\0\0\x7f\xff" + b"n" * 0x7fff),
    "over the limit": frame("p", b"x" * 70000), "y": frame("p", z("SCRAM-SHA-256") + b"\0\0\0\x0by,,n=,r=abc"),
}


@pytest.mark.parametrize("mode", ["enforce", "monitor"])
@pytest.mark.parametrize("what", HOSTILE_CLIENTS)
def test_a_hostile_client_is_refused_in_every_mode(shop, what, mode):
    """Who may come in is not a matter of the policy's mode; nothing of it reaches the server."""
    with FakeServer() as server, Pgmoat(server.port, mode=mode, **rules(shop, {"method": "scram-sha-256"})) as moat:
        with Conn(moat.port, first=startup([("user", "scram_t"), ("database", "postgres")])) as conn:
            assert asked(conn) == 10
            conn.send(HOSTILE_CLIENTS[what])
            if what == "y":
                assert asked(conn) == 11  # it is right: there is no TLS
                conn.send(frame("p", b"c=biws,r=abc,p=AAAA"))
            assert re.fullmatch(r"E!(08P01|28P01|28000)", said(conn.at_end()))
        assert server.none_came()


def test_no_startup_packet_goes_round_the_rules(shop):
    """Monitoring relays what it cannot read; where pgmoat ends logins, it does not."""
    packets = [b"\0\0\0\x09\0\3\0\0x", b"\0\0\0\x08\0\2\0\0", b"\0\0\0\x08\0\4\0\0", b"\0\0\0\x10\0\3\0\0user\0abc",
               b"\0\0\0\x08\4\xd2\x16\x30"]
    with FakeServer() as server, Pgmoat(server.port, mode="monitor", **rules(shop, {"method": "reject"})) as moat:
        for packet in packets:
            with Conn(moat.port, first=packet) as conn:
                conn.drain(0.2)
        with Conn(moat.port, first=startup([("user", "a"), ("database", "b")])) as conn:
            assert said(conn.at_end()) == "E!28000"
        assert server.none_came()


def auth(kind, data=b""):
    return frame("R", kind.to_bytes(4, "big") + data)


SASL = auth(10, z("SCRAM-SHA-256") + b"\0")
HOSTILE_SERVERS = {
    "an OK in the middle": [SASL, auth(0)], "a nonce that is not ours": [SASL, auth(11, b"r=abc,s=QUJD,i=4096")],
    "no salt": [SASL, auth(11, b"r=,s=,i=1")], "work without end": [SASL, auth(11, b"r=abc,s=QUJD,i=4000000000")],
    "SCRAM twice": [SASL, SASL], "an end before the beginning": [auth(12, b"v=QUJD")],
    "a continuation of nothing": [auth(11, b"r=abc,s=QUJD,i=4096")], "the password in the clear": [auth(3)],
    "Kerberos": [auth(7)], "PLUS outside TLS": [auth(10, z("SCRAM-SHA-256-PLUS") + z("SCRAM-SHA-256") + b"\0")],
    "no known mechanism": [auth(10, z("OAUTHBEARER") + b"\0")], "no mechanism": [auth(10, b"\0")],
    "garbage": [b"garbage that is no message"], "a row": [frame("D", b"\0\0")], "ready": [frame("Z", b"I")],
    "key data first": [frame("K", b"\0\0\0\1abcd")], "md5 with a short salt": [auth(5, b"abc")],
    "an unknown kind": [auth(99)], "a login message without end": [b"R\x7f\xff\xff\xff"],
}


@pytest.mark.parametrize("what", HOSTILE_SERVERS)
def test_a_hostile_server_learns_nothing(shop, what):
    """The client hears that it is not its fault, the log why; no password leaves."""
    first, *second = HOSTILE_SERVERS[what]
    with FakeServer(login=first, reply=lambda tag, body: second[0] if second else b"") as server:
        row = {"method": "trust", "login": "svc"}
        with Pgmoat(server.port, mode="monitor", **rules(shop, row)) as moat:
            with Conn(moat.port, first=startup([("user", "a"), ("database", "b")])) as conn:
                assert said(conn.at_end()) == "E!08006", what
            assert moat.wait_line('"what":"login at the server failed: ')
            assert b"of pgmoat" not in server.seen[0].bytes


def test_what_concerns_the_session_is_the_servers_to_say(shop):
    with Pgmoat(shop.postgres.port, **rules(shop, {"method": "scram-sha-256", "login": "svc"})) as moat:
        got = psql(moat.port, "scram_k", dbname="absent")
        assert 'database "absent" does not exist' in got
        # What concerns our own login is not: it names a role that the client does not know.
    (shop.files / "wrong").write_text("not the password\n")
    credential = {"svc": {"user": "svc", "password": f"file:{shop.files}/wrong"}}
    with Pgmoat(shop.postgres.port, **rules(shop, {"method": "scram-sha-256", "login": "svc"}, **credential)) as moat:
        got = psql(moat.port, "scram_k")
        assert "could not log in at the server" in got and "svc" not in got, got
        assert moat.wait_line("28P01 password authentication failed")


def test_protocol_versions_are_ours_to_agree_on(shop):
    """A server of 3.0 behind us, and a client of 3.2 or newer before us: told once, by us, before it is asked."""
    with Pgmoat(shop.postgres.port, **rules(shop, {"method": "scram-sha-256"})) as moat:
        for version, options, told, key in ((0x30000, [], False, 4), (0x30002, [], False, 32), (0x3270f, [], True, 32),
                                            (0x30002, [("_pq_.x", "1"), ("_pq_.y", "2")], True, 32)):
            first = startup([("user", "scram_t"), ("database", "postgres"), *options], version)
            with Conn(moat.port, first=first) as conn:
                seen = conn.login("scram_t", "swordfish")
                negotiated = [body for tag, body in seen if tag == "v"]
                assert len(negotiated) == told and (not told or seen[0][0] == "v")
                if told:
                    names = b"".join(z(name) for name, _ in options)
                    assert negotiated[0] == b"\0\3\0\2" + len(options).to_bytes(4, "big") + names
                assert len(conn.key) == key
                assert conn.value("select 1") == "1"


def test_rules_know_how_a_client_has_logged_in(shop, tmp_path):
    """The pack of docs/auth.md passes its tests, and holds; Lua sees the method, too."""
    with open(os.path.join(ROOT, "docs", "auth.md"), encoding="utf-8") as page:
        text = next(block for block in re.findall(r"^```toml\n(.*?)^```$", page.read(), re.M | re.S) if "[pack]" in block)
    (tmp_path / "logins.toml").write_text(text.replace("migrator", "md5_t"))
    (tmp_path / "see.lua").write_text('pgmoat.api(1)\npgmoat.rule{ id = "see.method", mode = "enforce",\n'
                                      '  decide = function(s, q) return pgmoat.deny{ message = s.auth.method } end }\n')
    done = subprocess.run([BINARY, "check", "--with-tests", tmp_path / "logins.toml"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and " 0 failed" in done.stdout, done.stdout + done.stderr
    rows = [{"users": ["scram_t"], "method": "scram-sha-256"}, {"users": ["md5_t"], "method": "md5"}, {"method": "pass-through"}]
    policy = {"packs": [], "paths": [str(tmp_path / "logins.toml"), str(tmp_path / "see.lua")]}
    with Pgmoat(shop.postgres.port, policy=policy, **rules(shop, *rows)) as moat:
        assert "needs its certificate" in psql(moat.port, "md5_t")
        for user, method in (("scram_t", "scram-sha-256"), ("svc", "pass-through")):
            with Conn(moat.port, user=user, secret="of pgmoat" if user == "svc" else "swordfish") as conn:
                conn.send(query_of("select 1"))
                assert fields(conn.until("E")[-1][1])["M"] == method


@pytest.mark.parametrize("mode", ["enforce", "monitor"])
def test_statements_are_judged_after_a_login_of_ours(shop, mode):
    with Pgmoat(shop.postgres.port, mode=mode, policy={"packs": ["core"]}, **rules(shop, {"method": "scram-sha-256"})) as moat:
        with Conn(moat.port, user="scram_t", secret="swordfish") as conn:
            got = conn.ask(query_of("select pg_read_file('/etc/hostname')"))
            assert got.startswith("E42501")
            assert len(moat.wait_event("statement_judged")) == 1
            assert conn.ask(query_of("select 1")).startswith("T D")


def test_reload_brings_new_users_and_keeps_who_is_in(shop, tmp_path):
    users = tmp_path / "users.txt"
    users.write_text('"scram_k" "first"\n')
    config = rules(shop, {"method": "scram-sha-256", "login": "svc"})
    config["auth"]["users"] = str(users)
    with Pgmoat(shop.postgres.port, **config) as moat:
        with Conn(moat.port, user="scram_k", secret="first") as conn:
            users.write_text('"scram_k" "second"\n')
            moat.signal(signal.SIGHUP)
            assert moat.wait_line("is in force")
            with pytest.raises(ConnectionError):
                Conn(moat.port, user="scram_k", secret="first")
            Conn(moat.port, user="scram_k", secret="second").close()
            assert conn.value("select 1") == "1"
            # A broken file changes nothing, and says where.
            users.write_text('"scram_k" third\n')
            moat.signal(signal.SIGHUP)
            assert moat.wait_line(r"users\.txt:1:11: ") and moat.wait_line("nothing was reloaded")
            Conn(moat.port, user="scram_k", secret="second").close()


@pytest.fixture(scope="module")
def finder(shop):
    """A role that may ask for verifiers, and nothing else."""
    with Conn(shop.postgres.port) as conn:
        for sql in ("create role finder login password 'of the finder'", "create role barred nologin password 'swordfish'",
                    "create schema moat authorization postgres",
                    "create function moat.find(name text) returns text language sql security definer set search_path = pg_catalog "
                    "as $$select rolpassword from pg_authid where rolname = $1 and rolcanlogin and "
                    "(rolvaliduntil is null or rolvaliduntil > now())$$",
                    "revoke all on function moat.find(text) from public", "grant usage on schema moat to finder",
                    "grant execute on function moat.find(text) to finder"):
            assert conn.ask(query_of(sql)).endswith("ZI"), sql
    (shop.files / "finder").write_text("of the finder")
    return {"login": "finder", "sql": "select moat.find($1)", "keep": "1s"}


@pytest.mark.parametrize("server", ["plain", "verify-full"])
def test_verifiers_are_asked_of_the_server(shop, finder, server):
    """Who may not log in there may not log in here: no right, no longer, not at all."""
    client_tls, server_tls = legs(shop, "plain", server)
    config = rules(shop, {"method": "scram-sha-256"}, finder={"user": "finder", "password": f"file:{shop.files}/finder"})
    config["auth"] = {"query": finder, "rule": config["auth"]["rule"]}
    with Pgmoat(shop.postgres.port, client_tls=client_tls, server_tls=server_tls, **config) as moat:
        assert come(shop, moat.port, "plain", "scram_t") == "scram_t scram_t"
        for user in ("old", "barred", "nobody"):
            assert come(shop, moat.port, "plain", user) == "E!28P01", user
        assert come(shop, moat.port, "plain", "scram_t", "wrong") == "E!28P01"
        # A change at the server is seen once what was kept is old.
        with Conn(shop.postgres.port) as conn:
            conn.ask(query_of("alter role scram_t nologin"))
            time.sleep(1.1)
            assert come(shop, moat.port, "plain", "scram_t") == "E!28P01"
            conn.ask(query_of("alter role scram_t login"))


def test_a_server_that_cannot_be_asked_is_not_the_users_fault(shop, finder):
    config = rules(shop, {"method": "scram-sha-256"}, finder={"user": "finder", "password": f"file:{shop.files}/svc"})
    config["auth"] = {"query": finder, "rule": config["auth"]["rule"]}
    with Pgmoat(shop.postgres.port, **config) as moat:
        assert come(shop, moat.port, "plain", "scram_t") == "E!08006"
        assert moat.wait_line('verifiers cannot be asked for: .*password authentication failed')
        assert "of pgmoat" not in moat.text()


def test_a_session_of_pgmoats_own_is_asked_anew_when_the_server_was_restarted(shop, finder):
    config = rules(shop, {"method": "scram-sha-256"}, finder={"user": "finder", "password": f"file:{shop.files}/finder"})
    config["auth"] = {"query": dict(finder, keep="off"), "rule": config["auth"]["rule"]}
    with Pgmoat(shop.postgres.port, **config) as moat:
        assert come(shop, moat.port, "plain", "scram_t") == "scram_t scram_t"
        with Conn(shop.postgres.port) as conn:
            conn.ask(query_of("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'finder'"))
        assert come(shop, moat.port, "plain", "scram_t") == "scram_t scram_t"


def test_where_a_password_comes_from(shop, tmp_path):
    (tmp_path / "cred").mkdir()
    (tmp_path / "cred" / "svc").write_text("of pgmoat")
    program = tmp_path / "vault.sh"
    program.write_text("#!/bin/sh\necho 'of pgmoat'\n")
    program.chmod(0o755)
    row = {"method": "trust", "login": "svc"}
    for source in (f"file:{shop.files}/svc", "env:SVC_PASSWORD", "cred:svc", f"exec:{program} --role svc"):
        environment = {"SVC_PASSWORD": "of pgmoat", "CREDENTIALS_DIRECTORY": str(tmp_path / "cred")}
        with Pgmoat(shop.postgres.port, environment=environment, **rules(shop, row, svc={"user": "svc", "password": source})) as moat:
            assert come(shop, moat.port, "plain", "a") == "svc svc", source


@pytest.mark.parametrize("source,why", [
    ("of pgmoat", "referred to, not written here"), ("file:absent", "No such file"), ("env:ABSENT_HERE", "has no ABSENT_HERE"),
    ("cred:svc", "CREDENTIALS_DIRECTORY is not set"), ("exec:/absent/program", "cannot be started"), ("exec:false", "ended with status 1"),
    ("exec:true", "is empty"), ("exec:yes", "longer than a password may be"), ("exec:printf a\\nb", "more than one line"),
    ("file:.", "it is no file"), ("file:", "lacks what it refers to"), ("cred:../svc", "has no '/'"),
])
def test_a_password_that_cannot_be_had_is_told_at_the_start(tmp_path, source, why):
    file = tmp_path / "pgmoat.toml"
    file.write_text(toml_text({"auth": {"rule": [{"method": "trust", "login": "svc"}]}, "credential": {"svc": {"password": source}}}))
    environment = {k: v for k, v in os.environ.items() if k != "CREDENTIALS_DIRECTORY"}
    done = subprocess.run([BINARY, "check", "--config", file], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 1 and why in done.stderr and "pgmoat.toml:" in done.stderr, done.stderr


def rotate(shop, path, password):
    """The file first, then the server: a login finds the right one of the two in between."""
    path.write_text(password + "\n")
    time.sleep(0.5)
    with Conn(shop.postgres.port) as conn:
        assert conn.ask(query_of(f"alter role svc password '{password}'")).endswith("ZI")


@contextlib.contextmanager
def with_credential(shop, tmp_path, **settings):
    """Everybody is let in and goes on as svc, whose password is in the file that is given beside the moat."""
    path = tmp_path / "svc"
    path.write_text("of pgmoat\n")
    credential = {"svc": {"user": "svc", "password": f"file:{path}", "refresh": "100ms", **settings}}
    with Pgmoat(shop.postgres.port, **rules(shop, {"method": "trust", "login": "svc"}, **credential)) as moat:
        yield moat, path


def test_a_new_password_takes_over_without_a_failed_login(shop, tmp_path):
    """Once a second under pgbench that connects anew for each transaction (issue's row 4)."""
    (tmp_path / "select.sql").write_text("select 1;\n")
    seconds = int(os.environ.get("PGMOAT_ROTATE_SECONDS", "6"))
    with with_credential(shop, tmp_path) as (moat, path):
        bench = subprocess.Popen([pg_tool("pgbench"), "-n", "-C", "-c", "4", "-T", str(seconds), "-f", tmp_path / "select.sql",
                                  "-h", "127.0.0.1", "-p", str(moat.port), "-U", "a", "postgres"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        turn = 0
        while bench.poll() is None:
            turn += 1
            rotate(shop, path, f"password number {turn}")
            time.sleep(0.5)
        out, errors = bench.communicate()
        rotate(shop, path, "of pgmoat")
        assert bench.returncode == 0 and "number of failed transactions: 0 (0.000%)" in out, out + errors
        assert errors.count("error") == 0, errors
        assert not [e for e in moat.events("auth_finished") if not e["ok"]]
        taken = re.findall(r"generation (\d+) takes over; the one before it had (\d+) logins", moat.text())
        assert len(taken) >= turn - 1, moat.text()[-2000:]
        assert "password number" not in moat.text()


def test_a_password_that_comes_with_sighup_is_tried_as_well(shop, tmp_path):
    """Without any looking of pgmoat's own: the right one takes over, a wrong one does not."""
    with with_credential(shop, tmp_path, refresh="off") as (moat, path):
        path.write_text("a mistake\n")
        moat.signal(signal.SIGHUP)
        assert moat.wait_line("does not accept its new password yet")
        assert come(shop, moat.port, "plain", "a") == "svc svc" and "takes over" not in moat.text()
        rotate(shop, path, "another")
        moat.signal(signal.SIGHUP)
        assert moat.wait_line("generation 2 takes over")
        assert come(shop, moat.port, "plain", "a") == "svc svc"
        rotate(shop, path, "of pgmoat")
        moat.signal(signal.SIGHUP)
        assert moat.wait_line("generation 3 takes over")


@pytest.mark.parametrize("old", ["stay", "drain"])
def test_old_sessions_stay_or_drain_by_choice(shop, tmp_path, old):
    with with_credential(shop, tmp_path, old_sessions=old) as (moat, path):
        with Conn(moat.port, user="a") as idle, Conn(moat.port, user="a") as busy:
            assert busy.ask(query_of("begin")) == "C:BEGIN ZT"
            rotate(shop, path, "another")
            assert moat.wait_line("generation 2 takes over")
            if old == "drain":
                assert said(idle.at_end()) == "E!57P01"
            else:
                assert idle.value("select 1") == "1"
            assert busy.value("select 1") == "1"
            busy.send(query_of("commit"))
            assert said(busy.drain() if old == "stay" else busy.at_end()) == ("C:COMMIT ZI" if old == "stay" else "C:COMMIT ZI E!57P01")
            rotate(shop, path, "of pgmoat")
            assert moat.wait_line("generation 3 takes over")


def test_a_password_that_the_server_does_not_take_replaces_nothing(shop, tmp_path):
    with with_credential(shop, tmp_path) as (moat, path):
        path.write_text("a mistake\n")
        assert moat.wait_line("does not accept its new password yet")
        for _ in range(5):
            assert come(shop, moat.port, "plain", "a") == "svc svc"
        path.unlink()
        assert moat.wait_line("cannot be read again, and stays as it is")
        assert come(shop, moat.port, "plain", "a") == "svc svc"
        assert "takes over" not in moat.text()


def test_a_database_that_is_not_named_is_the_users_own(shop):
    """As PostgreSQL has it, and of the client's name: what the rules have looked at is where the session goes."""
    with Conn(shop.postgres.port) as conn:
        conn.ask(query_of("create database scram_k"))
    with Pgmoat(shop.postgres.port, **rules(shop, {"databases": ["scram_k"], "method": "scram-sha-256", "login": "svc"})) as moat:
        with Conn(moat.port, first=startup([("user", "scram_k")])) as conn:
            conn.login("scram_k", "swordfish")
            assert conn.value("select current_database() || ' ' || current_user") == "scram_k svc"


@pytest.mark.parametrize("mode", ["enforce", "monitor"])
@pytest.mark.parametrize("again", [auth(3), auth(5, b"salt"), SASL, auth(0), frame("v", b"\0\3\0\0\0\0\0\0")])
def test_a_server_cannot_ask_a_client_that_pgmoat_has_let_in(shop, again, mode):
    with FakeServer(login=auth(0) + again) as server:
        with Pgmoat(server.port, mode=mode, **rules(shop, {"method": "trust", "login": "svc"})) as moat:
            with Conn(moat.port, first=startup([("user", "a"), ("database", "b")])) as conn:
                assert said(conn.at_end()) == "R E!08P01"


def test_memory_is_in_no_core_file(shop):
    with Pgmoat(shop.postgres.port) as moat:
        with open(f"/proc/{moat.process.pid}/limits", encoding="ascii") as limits:
            assert re.search(r"^Max core file size +0 +0 ", limits.read(), re.M)


def test_who_guesses_waits_and_who_knows_does_not(shop):
    """Answers to wrong passwords are kept back once there were too many; the right one never is."""
    with Pgmoat(shop.postgres.port, limits={"failed_logins": 2}, timeouts={"login_penalty": "1s"}, workers=1,
                **rules(shop, {"method": "scram-sha-256"})) as moat:
        def seconds(secret):
            began = time.monotonic()
            got = come(shop, moat.port, "plain", "scram_t", secret)
            return got, time.monotonic() - began
        for _ in range(2):
            got, took = seconds("wrong")
            assert got == "E!28P01" and took < 0.5
        late = [seconds("wrong") for _ in range(8)]
        assert all(got == "E!28P01" for got, _ in late)
        assert max(took for _, took in late) > 0.7, late
        got, took = seconds("swordfish")
        assert got == "scram_t scram_t" and took < 0.5
        # A client that leaves while it waits is gone.
        with Conn(moat.port, first=startup([("user", "nobody"), ("database", "postgres")])) as conn:
            assert asked(conn) == 10
