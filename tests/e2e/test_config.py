"""What a user meets who gets the command line, the configuration or the machine wrong: an exit status,
one sentence that says what is wrong and where, and the remedy. Nothing is half started.

2: the command line could not be understood. 1: it was understood and can not be done. 0: done.
"""
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from pg import BINARY, ROOT, Pgmoat, Postgres, free_port, wait_until, SHORT
from wire import V3, Conn, fields, query, startup

LOGIN = startup([("user", "postgres"), ("database", "postgres")], V3)


with open(os.path.join(ROOT, "rules", "core.toml"), encoding="utf-8") as pack:
    CORE = str(len(re.findall(r"^\[\[rule\]\]$", pack.read(), re.M)))  # how many rules it has


def pgmoat(*arguments, prefix=(), **more):
    """Runs it to its end."""
    return subprocess.run([*prefix, BINARY, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True,
                          timeout=10, check=False, **more)


def complaint(done, status=1):
    """What it said to a person: every line of stderr that is no event."""
    assert done.returncode == status, done
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert not [line for line in lines if "terminate called" in line or "what():" in line]
    return "\n".join(lines)


@pytest.fixture
def file(tmp_path):
    """Writes a configuration, returns its path."""
    def write(text):
        path = tmp_path / "pgmoat.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)
    return write


# The command line

def test_help_is_for_people():
    """It lists the verbs, says what each is for, and shows whole command lines that work."""
    done = pgmoat("--help")
    assert done.returncode == 0 and done.stderr == ""
    for word in ("run", "check", "explain", "test", "init", "new", "schema", "version", "--config", "--backend", "--listen", "Examples:"):
        assert word in done.stdout
    assert "Without a configuration: monitor mode, 127.0.0.1:6432 in front of 127.0.0.1:5432" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


@pytest.mark.parametrize("verb, words", [("run", ["--config", "--backend", "--listen", "--mode",
                                                  "--workers"]),
                                         ("check", ["--config", "--with-tests", "--pack"]),
                                         ("explain", ["--user", "--set", "--all", "--format"]),
                                         ("test", ["--run", "--coverage", "--format"]),
                                         ("init", ["--backend"]), ("version", [])])
def test_every_verb_has_help(verb, words):
    """With its options."""
    done = pgmoat(verb, "--help")
    assert done.returncode == 0
    assert all(word in done.stdout for word in words)


def test_version():
    """One line: name and number."""
    done = pgmoat("version")
    assert done.returncode == 0
    assert re.fullmatch(r"pgmoat \d+\.\d+\.\d+\n", done.stdout)


@pytest.mark.parametrize("arguments, says", [
    (["rnu"], "unknown command 'rnu', did you mean 'run'?"),
    (["chekc"], "unknown command 'chekc', did you mean 'check'?"),
    (["frobnicate"], "unknown command 'frobnicate'; see pgmoat --help"),
    ([], "--help"), (["--frobnicate"], "--help"),
    (["run", "--bakend", "x:1"], "--bakend"), (["run", "--mode", "watch"], "{monitor,enforce}"),
    (["run", "--workers", "257"], "range 0 to 256"), (["run", "--workers", "many"], "--workers"),
    (["run", "--listen"], "--listen"), (["run", "db:5432"], "db:5432"),
    (["version", "please"], "please")])
def test_a_command_line_that_is_not_understood(arguments, says):
    """Status 2, the wrong word named, and where to read more."""
    text = complaint(pgmoat(*arguments), 2)
    assert says in text
    assert "help" in text or "did you mean" in text


@pytest.mark.parametrize("option", ["--listen", "--backend"])
@pytest.mark.parametrize("address", ["nonsense", "host:", ":5432", "host:99999", "host:-1", "host:5432x",
                                     "::1:5432"])
def test_an_address_that_is_none(option, address):
    """The option, the text, and how an address is written."""
    text = complaint(pgmoat("run", f"{option}={address}"))
    assert text == f"{option}: '{address}' is no address; write HOST:PORT or [IPV6]:PORT\n1 error"


# The configuration

MISTAKES = [
    ('mode = "enforce"\nlistn = "127.0.0.1:1"\n', "2:1: unknown key 'listn', did you mean 'listen'?"),
    ("[limit]\nquery = \"1MiB\"\n", "1:2: unknown key 'limit', did you mean 'limits'?"),
    ("[limits]\n  querry = \"1MiB\"\n", "2:3: unknown key 'querry' in [limits], did you mean 'query'?"),
    ("[timeouts]\nfrobnicate = 1\n", "2:1: unknown key 'frobnicate' in [timeouts]"),
    ('mode = "watch"\n', "1:8: mode: expected 'monitor' or 'enforce'"),
    ("mode = 1\n", "1:8: mode: expected 'monitor' or 'enforce'"),
    ('workers = "two"\n', "1:11: workers: expected a whole number from 0 to 256"),
    ("workers = 257\n", "1:11: workers: expected a whole number from 0 to 256"),
    ("workers = -1\n", "1:11: workers: expected a whole number from 0 to 256"),
    ("listen = 6432\n", '1:10: listen: expected "HOST:PORT"'),
    ('backend = "db"\n', "1:11: backend: 'db' is no address; write HOST:PORT or [IPV6]:PORT"),
    ("[limits]\nquery = 1048576\n", '2:9: query: expected a size with its unit, such as "8MiB"'),
    ('[limits]\nquery = "1MB"\n',
     "2:9: query: '1MB' is no size; write a whole number with B, KiB, MiB or GiB"),
    ('[limits]\nquery = "1023B"\n', "2:9: query: expected 1024B to 1073741819B"),
    ('[limits]\nquery = "1GiB"\n', "2:9: query: expected 1024B to 1073741819B"),
    ("[limits]\nsessions = 0\n", "2:12: sessions: expected a whole number from 1 to 1000000"),
    ("[timeouts]\nconnect = 5\n", '2:11: connect: expected a duration with its unit, such as "60s"'),
    ('[timeouts]\nconnect = "99ms"\n', "2:11: connect: expected 100ms to 24h"),
    ('[timeouts]\nconnect = "25h"\n', "2:11: connect: expected 100ms to 24h"),
    ('[on_failure]\noversize = "drop"\n', "2:12: oversize: expected 'close' or 'pass'"),
    ('[refuse]\nwords = "drop"\n', "2:9: words: expected an array of strings"),
    ('limits = 1\n', "1:10: 'limits' is a section"),
]


@pytest.mark.parametrize("text, says", MISTAKES, ids=[says for _, says in MISTAKES])
@pytest.mark.parametrize("verb", ["check", "run"])
def test_a_mistake_in_the_configuration(file, verb, text, says):
    """File, line, column, what is wrong, and what it should be; nothing is started."""
    path = file(text)
    assert complaint(pgmoat(verb, "--config", path)) == f"{path}:{says}\n1 error"


def test_all_mistakes_are_said_at_once(file):
    """One line each, in the order of the file's sections."""
    path = file('mode = "x"\nworkers = -1\n[limits]\nquerry = "1MiB"\n')
    lines = complaint(pgmoat("check", "--config", path)).splitlines()
    assert [line.split(":")[1] for line in lines[:-1]] == ["1", "2", "4"]
    assert lines[-1] == "3 errors"


@pytest.mark.parametrize("text, where", [("mode = \n", "1:"), ("[limits\n", "1:"), ("a = 1\na = 2\n", "2:")])
def test_a_file_that_is_no_toml(file, text, where):
    """Line and column of what the parser could not read."""
    path = file(text)
    assert complaint(pgmoat("check", "--config", path)).startswith(f"{path}:{where}")


def test_a_file_that_can_not_be_read(file):
    """It does not exist, or a folder of its path is no folder."""
    for path in (file("") + ".missing", file("") + "/below"):
        for verb in ("run", "check"):
            text = complaint(pgmoat(verb, "--config", path))
            assert text == f"{path}: cannot be read; check that it exists and its permissions\n1 error"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give the right to read away")
def test_a_file_without_the_right_to_read_it(file, tmp_path):
    """Said like any file that can not be read."""
    path = file("")
    binary = tmp_path / "pgmoat"
    binary.write_bytes(open(BINARY, "rb").read())
    binary.chmod(0o755)
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    os.chmod(path, 0o600)
    done = subprocess.run(Postgres.as_owner([str(binary), "check", "--config", path]),
                          stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=10, check=False)
    assert complaint(done) == f"{path}: cannot be read; check that it exists and its permissions\n1 error"


def test_check_accepts_what_run_accepts(file):
    """It says what would be run, and binds nothing."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path = file(f'mode = "enforce"\nlisten = "127.0.0.1:{port}"\nbackend = "[::1]:5433"\n')
        done = pgmoat("check", "--config", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{path}: ok\nmode enforce, listen 127.0.0.1:{port}, backend [::1]:5433\n" \
                          "1 pack, " + CORE + " rules, 0 warnings\n"
    done = pgmoat("check")
    assert done.stdout == "built-in defaults: ok\n" \
                          "mode monitor, listen 127.0.0.1:6432, backend 127.0.0.1:5432\n" \
                          "1 pack, " + CORE + " rules, 0 warnings\n"


# The machine

def test_a_port_in_use():
    """Named, with the likely reason."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        text = complaint(pgmoat("run", "--listen", address))
    assert text == f"pgmoat: cannot listen on {address}: Address already in use; " \
                   "is another program using the port?"


def test_an_address_of_another_machine():
    """192.0.2.0/24 belongs to nobody (RFC 5737)."""
    text = complaint(pgmoat("run", "--listen", "192.0.2.1:6432"))
    assert text == "pgmoat: cannot listen on 192.0.2.1:6432: Cannot assign requested address; " \
                   "no network interface here has that address"


@pytest.mark.parametrize("option, what", [("--backend", "backend"), ("--listen", "listen")])
def test_a_host_that_can_not_be_resolved(option, what):
    """.invalid never exists (RFC 2606)."""
    other = ("--listen", "127.0.0.1:0") if option == "--backend" else ()
    text = complaint(pgmoat("run", option, "db.invalid:5432", *other))
    says = rf"pgmoat: cannot resolve the {what} address db\.invalid:5432: .+; check the host name"
    assert re.fullmatch(says, text)


# The sanitizers look at memory through a pipe: with 4 descriptors they report what is none.
@pytest.mark.parametrize("limit", [8, 16, 64, 72, 73] if SHORT else [4, 5, 8, 16, 64, 72, 73])
def test_too_few_open_files_to_start(limit):
    """Two workers with one listener each need 72 descriptors, and a session two more."""
    text = complaint(pgmoat("run", "--listen", "127.0.0.1:0", "--workers", "2",
                            prefix=("prlimit", f"--nofile={limit}:{limit}")))
    assert text == "pgmoat: the limit of open files is too low for 2 workers and one session; " \
                   "raise LimitNOFILE (ulimit -n) to at least 74"


@contextlib.contextmanager
def running(*arguments, prefix=()):
    """pgmoat run with these arguments: its port, its process, and the lines before `ready`."""
    process = subprocess.Popen([*prefix, BINARY, "run", *arguments], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    lines = []
    try:
        for line in process.stderr:
            lines.append(json.loads(line))
            if "ready: " in line:
                break
        yield int(re.search(r"ready: listening on 127\.0\.0\.1:(\d+)", str(lines[-1])).group(1)), lines
    finally:
        process.send_signal(signal.SIGQUIT)
        process.stderr.read()
        assert process.wait(10) == 0


@pytest.mark.parametrize("limit, sessions", [(74, 1), (80, 4)])
def test_fewer_open_files_than_sessions(postgres, limit, sessions):
    """It says how many sessions fit and starts; those work, and one more is told 53300."""
    backend = f"127.0.0.1:{postgres.port}"
    with running("--listen", "127.0.0.1:0", "--backend", backend, "--workers", "2",
                 prefix=("prlimit", f"--nofile={limit}:{limit}")) as (port, lines):
        assert lines[0]["what"] == f"the limit of open files allows {sessions} sessions, not 10000; " \
                                   "raise LimitNOFILE"
        conns = [Conn(port) for _ in range(sessions)]
        with Conn(port, first=LOGIN) as late:
            assert [fields(body)["C"] for tag, body in late.at_end()] == ["53300"]
        assert [conn.value("select 1") for conn in conns] == ["1"] * sessions
        for conn in conns:
            conn.close()


def test_without_a_configuration(postgres):
    """Addresses on the command line are enough; monitor is the mode."""
    with running("--listen", "127.0.0.1:0", "--backend", f"127.0.0.1:{postgres.port}") as (port, lines):
        assert lines[-1]["message"].endswith(f"in front of 127.0.0.1:{postgres.port}, mode monitor, {CORE} rules")
        with Conn(port) as conn:
            assert conn.value("select 7") == "7"


def test_the_command_line_overrules_the_file(postgres, file):
    """Mode, both addresses, and several to listen on."""
    path = file('mode = "monitor"\nlisten = "192.0.2.1:6432"\nbackend = "db.invalid:5432"\n')
    backend = f"127.0.0.1:{postgres.port}"
    with running("--config", path, "--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--backend", backend,
                 "--mode", "enforce") as (port, lines):
        said = re.search(r"127\.0\.0\.1:(\d+), 127\.0\.0\.1:(\d+), in front of \S+, mode enforce",
                         str(lines[-1]))
        ports = [int(number) for number in said.groups()]
        assert port in ports and ports[0] != ports[1]
        for number in ports:
            with Conn(number) as conn:
                assert conn.value("select 7") == "7"


@pytest.mark.parametrize("mode", ["monitor", "enforce"])
def test_a_backend_that_is_down(mode):
    """pgmoat starts; each client is told at once which server is away, and why. It serves as soon as
    the server is there."""
    port = free_port()
    with Pgmoat(port, mode) as moat:
        began = time.monotonic()
        with Conn(moat.port, first=LOGIN) as conn:
            error = [fields(body) for tag, body in conn.at_end() if tag == "E"][0]
        assert time.monotonic() - began < 2
        assert (error["S"], error["C"]) == ("FATAL", "08006")
        assert f"127.0.0.1:{port}" in error["M"] and "Connection refused" in error["M"]
        with socket.create_server(("127.0.0.1", port)):
            with Conn(moat.port, first=LOGIN) as conn:
                assert conn.message(0.2) is None
        ends = lambda: [event["why"] for event in moat.events("session_closed")]  # noqa: E731
        assert wait_until(lambda: any("Connection refused" in why for why in ends()))


def test_the_configuration_of_a_user(postgres, file):
    """One that sets everything is valid and is what runs."""
    path = file(f"""
mode = "enforce"
listen = ["127.0.0.1:0"]
backend = "127.0.0.1:{postgres.port}"
workers = 1
drain = "1s"
[protocol]
function_call = "deny"
replication = "deny"
startup_parameters = ["client_encoding", "application_name"]
[refuse]
words = ["forbidden_table"]
[limits]
query = "2KiB"
statements = 5
sessions = 10
[timeouts]
handshake = "5s"
connect = "1s"
message = "5s"
[on_failure]
bad_frame = "close"
oversize = "close"
""")
    assert pgmoat("check", "--config", path).returncode == 0
    with running("--config", path) as (port, _):
        with Conn(port) as conn:
            assert conn.ask(query("select * from forbidden_table")) == "E42501 ZI"
            assert conn.ask(query("select 1")) == "T D:1 C:SELECT 1 ZI"
            conn.send(query("x" * 2048))
            assert [fields(body)["C"] for tag, body in conn.at_end() if tag == "E"] == ["08P01"]
