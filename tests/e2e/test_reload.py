"""A policy that changes under load: clients notice nothing but the policy. One that does not load changes
nothing, and says why.
"""
import os
import signal
import subprocess
import threading
import time

import pytest

from pg import Pgmoat, pg_tool
from wire import SYNC, Conn, bind, execute, parse, query

SHORT = bool(os.environ.get("PGMOAT_SHORT"))


def pack(revision, relation="forbidden"):
    return f"""
[pack]
id = "t"
version = "{revision}"
requires_api = 1
[[rule]]
id = "t.relation"
match = {{ relations = ["{relation}"] }}
deny = {{ message = "revision {revision} refuses {relation}" }}
[[rule]]
id = "t.when"
match = {{ kind = "select" }}
when = 'q.limit.value == {revision}'
alert = {{ message = "seen" }}
"""


BROKEN = ["[pack", pack(1).replace("relations", "relation"), pack(1).replace("q.limit.value", "q.limit."),
          pack(1).replace("requires_api = 1", "requires_api = 2")]


class Policy:
    """A pack in a file of its own, and the pgmoat that has it."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "t.toml")
        self.write(pack(1))

    def write(self, text):
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(self.path + ".new", self.path)

    def start(self, port, **config):
        return Pgmoat(port, policy={"packs": [], "paths": [self.path]}, **config)


@pytest.fixture
def policy(tmp_path):
    return Policy(str(tmp_path))


def refusal(conn, *messages):
    return [reply for reply in conn.ask(*messages).split() if reply.startswith("E")]


@pytest.fixture(scope="module", autouse=True)
def tables(postgres):
    with Conn(postgres.port) as conn:
        conn.ask(query("create table if not exists forbidden(i int); create table if not exists allowed(i int)"))


def test_a_new_policy_is_in_force_for_sessions_that_are_open(postgres, policy):
    with policy.start(postgres.port) as moat, Conn(moat.port) as conn:
        assert refusal(conn, query("select * from forbidden")) and not refusal(conn, query("select * from allowed"))
        policy.write(pack(2, "allowed"))
        moat.signal(signal.SIGHUP)
        assert moat.wait_line("policy 2 is in force: 2 rules")
        assert not refusal(conn, query("select * from forbidden")) and refusal(conn, query("select * from allowed"))


def test_a_prepared_statement_is_judged_again(postgres, policy):
    with policy.start(postgres.port) as moat, Conn(moat.port) as conn:
        assert not refusal(conn, parse("p", "select * from allowed"), bind("", "p"), execute(), SYNC)
        policy.write(pack(2, "allowed"))
        moat.signal(signal.SIGHUP)
        assert moat.wait_line("policy 2 is in force")
        assert refusal(conn, bind("", "p"), execute(), SYNC)
        policy.write(pack(3))
        moat.signal(signal.SIGHUP)
        assert moat.wait_line("policy 3 is in force")
        assert not refusal(conn, bind("", "p"), execute(), SYNC)


@pytest.mark.parametrize("text", BROKEN, ids=["toml", "matcher", "lua", "api"])
def test_a_policy_that_does_not_load_changes_nothing(postgres, policy, text):
    with policy.start(postgres.port) as moat, Conn(moat.port) as conn:
        policy.write(text)
        moat.signal(signal.SIGHUP)
        assert moat.wait_line("nothing was reloaded: policy 1 stays in force")
        assert moat.wait_line(r"t\.toml:\d+")
        assert refusal(conn, query("select * from forbidden"))


@pytest.mark.slow
def test_reloading_under_load(postgres, policy):
    """50 clients, a reload a second, one in ten broken: no client sees an error."""
    seconds = 6 if SHORT else 20
    with policy.start(postgres.port) as moat:
        bench = subprocess.Popen(
            [pg_tool("pgbench"), "-h", "127.0.0.1", "-p", str(moat.port), "-U", "postgres", "-n", "-S", "-M", "prepared",
             "-c", "50", "-j", "2", "-T", str(seconds), "postgres"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = []
        reader = threading.Thread(target=lambda: said.append(bench.stdout.read()))
        reader.start()
        good, bad, revision = 0, 0, 1
        while bench.poll() is None:
            revision += 1
            broken = revision % 10 == 5
            policy.write(BROKEN[revision // 10 % len(BROKEN)] if broken else pack(revision))
            moat.signal(signal.SIGHUP)
            if broken:
                bad += 1
                assert moat.wait_line(rf"nothing was reloaded: policy {good + 1} stays in force")
            else:
                good += 1
                assert moat.wait_line(rf"policy {good + 1} is in force")
            time.sleep(1)
        reader.join()
        assert bench.returncode == 0, said[0]
        assert "ERROR" not in said[0] and "error" not in said[0], said[0]
        assert "number of failed transactions: 0 (0.000%)" in said[0], said[0]
        assert good >= 3 and bad >= 1
        assert not moat.events("protocol_fault") and not moat.events("statement_judged")


@pytest.fixture(scope="module", autouse=True)
def pgbench_tables(postgres):
    done = subprocess.run([pg_tool("pgbench"), "-h", "127.0.0.1", "-p", str(postgres.port), "-U", "postgres", "-i", "-q",
                           "postgres"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
