"""Every pair of legs, every way to end a login, every method: each cell logs in, or is refused before anybody tries,
with the reason. The table of docs/auth-matrix.md is what this finds; PGMOAT_UPDATE=1 writes it.
"""
import os
import re
import subprocess

from pg import BINARY, ROOT, Pgmoat, toml_text
from test_auth import CLIENT_LEGS, SERVER_LEGS, WHO, legs, rules, shop  # noqa: F401 (shop is a fixture)
from test_tls import psql
from wire import Conn

PAGE = os.path.join(ROOT, "docs", "auth-matrix.md")
WAYS = ["pass-through", "transform", "terminate"]
METHODS = ["scram", "scram-plus", "md5", "cert", "password"]
NAMES = {"scram": "scram-sha-256", "scram-plus": "scram-sha-256", "md5": "md5", "cert": "cert", "password": "password"}
# Who the server knows by this method, where it is asked to judge; and who pgmoat does.
AT_SERVER = {"scram": "scram_t", "scram-plus": "scram_t", "md5": "md5_t", "cert": "svc_cert", "password": "clear_t"}
AT_PGMOAT = {"scram": "scram_k", "scram-plus": "scram_k", "md5": "md5_k", "cert": "alice", "password": "clear_k"}


def row_of(way, method, server):
    if way == "pass-through":
        return {"method": "pass-through"}
    row = {"method": NAMES[method]}
    if way == "terminate":
        row["login"] = "cert" if server == "certificate" else "svc"
    return row


def config_of(shop, client, server, way, method):
    client_tls, server_tls = legs(shop, client, server)
    return {"client_tls": client_tls, "server_tls": server_tls, **rules(shop, row_of(way, method, server))}


def refusal(config, folder):
    """What `pgmoat check` says of the configuration; "": nothing."""
    file = folder / "pgmoat.toml"
    file.write_text(toml_text(config))
    done = subprocess.run([BINARY, "check", "--config", file], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    return re.sub(r"^.*?\.toml(:\d+:\d+)?: ", "", done.stderr.splitlines()[0])


def come(shop, port, client, user, bound):
    """Whether this client gets in; `bound`: it insists on channel binding."""
    if client == "direct":  # the libpq of these tests does not have it
        try:
            with Conn(port, user=user, secret="swordfish", tls=shop.context(), direct=True, bound=bound) as conn:
                return "" if conn.value(WHO) else "no answer"
        except (OSError, ConnectionError) as error:
            return str(error)
    words = {"sslmode": "disable" if client == "plain" else "verify-full", "host": "localhost",
             "sslrootcert": shop.ca.path("ca.crt"), "channel_binding": "require" if bound else "prefer"}
    if client == "certificate":
        words.update(sslcert=shop.alice[0], sslkey=shop.alice[1])
    got = psql(port, user, WHO, **words)
    return got if got.startswith("error") else ""


def why_not(client, server, way, method):
    """Cells that no configuration makes possible, since one of the peers does not have what it takes."""
    if method == "scram-plus" and client == "plain":
        return "the client has no TLS to bind to"
    if way == "pass-through":
        if method == "scram-plus" and server == "plain":
            return "the server has no TLS to bind to"
        if method == "password" and server == "plain":
            return "this server takes no password in the clear"
    if way == "transform" and method == "password" and server == "plain" and client != "plain":
        return "this server takes no password in the clear"
    return ""


def cell(shop, client, server, way, method, folder):
    config = config_of(shop, client, server, way, method)
    if said := refusal(config, folder):
        return said
    if (way, method) == ("pass-through", "cert"):
        return "a certificate proves its owner to pgmoat alone; what the server sees is pgmoat's"
    user = AT_SERVER[method] if way != "terminate" else AT_PGMOAT[method]
    with Pgmoat(shop.postgres.port, **config) as moat:
        got = come(shop, moat.port, client, user, method == "scram-plus")
    impossible = why_not(client, server, way, method)
    assert bool(got) == bool(impossible), (client, server, way, method, got, impossible)
    return impossible


def short(reason):
    """As the table's legend has it: up to the remedy."""
    return re.split(r": (?=have|name|it needs|users)|, since", reason)[0]


def test_every_cell_logs_in_or_says_why_not(shop, tmp_path):  # noqa: F811
    found = {(way, method, server, client): cell(shop, client, server, way, method, tmp_path)
             for way in WAYS for method in METHODS for server in SERVER_LEGS for client in CLIENT_LEGS}
    legend, lines = {}, ["| way | method | server | " + " | ".join(CLIENT_LEGS) + " |", "|" + "---|" * (3 + len(CLIENT_LEGS))]
    for way in WAYS:
        for method in METHODS:
            for server in SERVER_LEGS:
                marks = []
                for client in CLIENT_LEGS:
                    reason = short(found[way, method, server, client])
                    marks.append("yes" if not reason else legend.setdefault(reason, chr(ord("a") + len(legend))))
                lines.append(f"| {way} | {method} | {server} | " + " | ".join(marks) + " |")
    text = ("# Which logins work\n\nFor clients in the clear, over TLS, over direct TLS, and over TLS with a certificate; for servers in the "
            "clear, over TLS\n(verify-full), and over TLS with a certificate of pgmoat's; [passed through, with the client's own keys, or with a "
            "credential](auth.md).\nWritten by `tests/e2e/test_auth_matrix.py`, which tries each cell with psql 15 (direct TLS: with a client of its own) "
            "on PostgreSQL 15.\nA letter is a reason. All but those of peers that lack something are told by `pgmoat check`.\n\n"
            + "\n".join(lines) + "\n\n" + "\n".join(f"- **{mark}**: {reason}" for reason, mark in legend.items()) + "\n")
    if os.environ.get("PGMOAT_UPDATE"):
        with open(PAGE, "w", encoding="utf-8") as page:
            page.write(text)
    with open(PAGE, encoding="utf-8") as page:
        assert page.read() == text
