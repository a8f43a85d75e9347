"""The two programs that the tests run: Postgres, a private throwaway server, and Pgmoat, the binary
under test in front of something.

Both are started on ports of their own in folders of their own, and only process ids that were
started here are ever ended. Pgmoat is a black box: flags and a TOML file go in, JSON lines and an
exit status come out, and every run must end cleanly: status 0, and no sanitizer report.
"""
import contextlib
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.environ.get("PGMOAT_BIN", os.path.join(ROOT, "build", "pgmoat"))
SHORT = bool(os.environ.get("PGMOAT_SHORT"))


def is_sanitized():
    """The address sanitizer keeps what was freed: no bound on memory holds."""
    with open(BINARY, "rb") as program:
        return b"__asan_init" in program.read()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def wait_until(predicate, timeout=10.0, step=0.02):
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        if predicate():
            return True
        time.sleep(step)
    return bool(predicate())


def bin_dir():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(p.split("/")[4]))
    on_path = shutil.which("initdb")
    return found[-1] if found else os.path.dirname(os.path.realpath(on_path or "initdb"))


def pg_tool(name):
    return os.path.join(bin_dir(), name)


class Postgres:
    """PostgreSQL refuses to run as root, so root hands it to the account `postgres`."""

    def __init__(self, settings="", hba=""):
        self.folder = tempfile.mkdtemp(prefix="pgmoat-e2e-")
        self.data = os.path.join(self.folder, "data")
        self.log = os.path.join(self.folder, "log")
        self.port = free_port()
        self.process = None
        os.chmod(self.folder, 0o777)
        password = os.path.join(self.folder, "password")
        with open(password, "w", encoding="ascii") as file:
            file.write("swordfish\n")
        os.chmod(password, 0o644)
        self.run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "--pwfile", password,
                 "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync")
        hba += "host all scram 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n" \
              "host replication all 127.0.0.1/32 trust\nlocal all all trust\n"
        self.write("pg_hba.conf", "w", hba)
        self.write("postgresql.conf", "a",
                   "fsync=off\nsynchronous_commit=off\nfull_page_writes=off\nmax_connections=200\n"
                   "wal_level=logical\nlisten_addresses='127.0.0.1'\nshared_buffers=32MB\n"
                   f"port={self.port}\nunix_socket_directories='{self.folder}'\n"
                   "max_wal_senders=4\nlog_min_messages=warning\n" + settings)

    def write(self, name, mode, text):
        with open(os.path.join(self.data, name), mode, encoding="utf-8") as file:
            file.write(text)

    @staticmethod
    def as_owner(command):
        if os.geteuid() != 0:
            return command
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]

    def run(self, tool, *arguments):
        done = subprocess.run(self.as_owner([pg_tool(tool), *arguments]), cwd=self.folder,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{tool}: {done.stdout}{done.stderr}")

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.as_owner([pg_tool("postgres"), "-D", self.data]), cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if not wait_until(self.answers, 30):
            with open(self.log, encoding="utf-8", errors="replace") as log:
                raise RuntimeError("PostgreSQL does not start: " + log.read()[-2000:])
        return self

    def answers(self):
        if self.process.poll() is not None:
            return False
        from wire import Conn
        with contextlib.suppress(OSError):
            Conn(self.port).close()
            return True
        return False

    def end(self, sig):
        """SIGINT fast, SIGQUIT immediate, SIGKILL crash: of the postmaster that we started."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(sig)
            self.process.wait(30)

    def stop(self):
        self.end(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)


def toml(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(v) for v in value) + "]"
    return json.dumps(value)


def toml_text(config):
    """{"mode": .., "limits": {..}}: plain keys first, then sections."""
    lines = [f"{k} = {toml(v)}" for k, v in config.items() if not isinstance(v, dict)]
    for name, section in config.items():
        if isinstance(section, dict):
            lines += [f"[{name}]"] + [f"{k} = {toml(v)}" for k, v in section.items() if not isinstance(v, dict)]
            for inner, table in section.items():
                if isinstance(table, dict):
                    lines += [f"[{name}.{inner}]"] + [f"{json.dumps(k)} = {toml(v)}" for k, v in table.items()]
    return "\n".join(lines) + "\n"


class Pgmoat:
    """Started by the constructor, in front of `backend` (a port). `stop()` asserts a clean end."""

    def __init__(self, backend, mode="enforce", environment=None, **config):
        config = {"mode": mode, "listen": "127.0.0.1:0", "backend": f"127.0.0.1:{backend}",
                  "workers": 2, "drain": "1s",
                  # The relay alone, unless a test brings rules: what it proves must not depend on packs.
                  "policy": {"packs": []}, **config}
        self.file = tempfile.NamedTemporaryFile("w", prefix="pgmoat-", suffix=".toml")
        self.file.write(toml_text(config))
        self.file.flush()
        self.lines = []
        self.more = threading.Condition()
        self.process = subprocess.Popen([BINARY, "run", "--config", self.file.name],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, env={**os.environ, **(environment or {})})
        self.reader = threading.Thread(target=self.collect, daemon=True)
        self.reader.start()
        ready = self.wait_line(r"ready: listening on 127\.0\.0\.1:(\d+)", 20)
        if ready is None:
            self.process.kill()
            raise RuntimeError("pgmoat does not start:\n" + self.text())
        self.port = int(ready.group(1))

    def collect(self):
        for line in self.process.stderr:
            with self.more:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self.more.notify_all()

    def text(self):
        return "\n".join(self.lines)

    def wait_line(self, pattern, timeout=5.0):
        """The match of the first line that has this pattern."""
        found = []

        def look():
            found[:] = [m for m in (re.search(pattern, line) for line in self.lines) if m]
            return found or self.process.poll() is not None

        with self.more:
            self.more.wait_for(look, timeout)
        return found[0] if found else None

    def events(self, name):
        """The event lines of this name."""
        out = []
        for line in list(self.lines):
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict) and event.get("event") == name:
                    out.append(event)
        return out

    def wait_event(self, name, count=1, timeout=5.0):
        wait_until(lambda: len(self.events(name)) >= count, timeout)
        return self.events(name)

    def rss(self):
        """Resident bytes now."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) * 1024

    def signal(self, sig):
        self.process.send_signal(sig)

    def ended(self, timeout=15.0):
        """Waits for the end that was asked for, and holds it to be clean."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("pgmoat did not end:\n" + self.text()[-3000:]) from None
        self.reader.join(5)
        self.file.close()
        text = self.text()
        assert status == 0, f"pgmoat ended with {status}:\n{text[-6000:]}"
        assert "Sanitizer" not in text and "runtime error:" not in text, text[-6000:]

    def stop(self):
        """TERM waits for clients; a second one ends their sessions."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            time.sleep(0.02)
            with contextlib.suppress(ProcessLookupError):
                self.signal(signal.SIGTERM)
        self.ended()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
            return
        # The test has failed already: its own error is the one to be seen.
        with contextlib.suppress(AssertionError):
            self.stop()
        print("pgmoat said:\n" + self.text()[-4000:])
