"""The bench rig: starts the servers and proxies that the benchmarks compare, each privately, on a
free port of 127.0.0.1 and in a temporary folder, and stops exactly those again.

The yardstick is CPU time of the proxy process per unit of work, read from the kernel's per-process
CPU clock (nanoseconds, all threads): unlike transactions per second it does not depend on who else
uses the machine's cores, and it is what a proxy costs its owner. Rounds are interleaved (A, B, C,
A, B, C, ...) and what is compared are ratios within a round, so slow drifts cancel out.
"""
import glob
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(HERE, "..", "..", "build")
READY_SECONDS = 20


def cpu_seconds(pid):
    """CPU time that a process has used: user and system, all threads, dead ones included."""
    return time.clock_gettime((~pid << 3) | 2)  # what clock_getcpuclockid(3) computes


def memory_kib(pid, field="VmRSS"):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1])
    raise RuntimeError(f"process {pid} has no {field}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def found(name, *more):
    """The path of a program, also where only root's PATH or a version's folder has it."""
    places = os.environ["PATH"].split(":") + ["/usr/sbin", *more]
    for place in places:
        path = os.path.join(place, name)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    return None


def bench_program(name, build):
    path = found(name, os.path.join(build, "tests", "bench"))
    if path is None:
        sys.exit(f"{name} is not built: cmake --build {os.path.relpath(build)} --target {name}")
    return path


def as_postgres(command):
    """PostgreSQL and PgBouncer refuse to run as root; anybody else runs them as themselves."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--", *command]


class Rig:
    """A temporary folder and the processes started in it; a context manager that ends both."""

    def __init__(self, build=BUILD, pgmoat=None):
        self.build = os.path.abspath(build)
        self.pgmoat_path = pgmoat or os.path.join(self.build, "pgmoat")
        self.folder = tempfile.mkdtemp(prefix="pgmoat-bench-")
        os.chmod(self.folder, 0o755)
        self.started = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.started):
            self.end(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def end(self, process, how=signal.SIGINT):
        if process.poll() is None:
            process.send_signal(how)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process in self.started:
            self.started.remove(process)

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o644)
        return path

    def start(self, name, command, port, ready_line=None):
        """Starts a program, and waits for its own ready line or else until its port accepts."""
        log = os.path.join(self.folder, f"{name}-{port}.log")
        with open(log, "w", encoding="utf-8") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, cwd=self.folder,
                                       stdin=subprocess.DEVNULL)
        self.started.append(process)
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            with open(log, encoding="utf-8", errors="replace") as file:
                if (ready_line in file.read()) if ready_line else accepts(port):
                    return process
            time.sleep(0.05)
        with open(log, encoding="utf-8", errors="replace") as file:
            sys.exit(f"{name} did not start:\n{file.read()[-2000:]}")

    def postgres(self):
        """A throwaway PostgreSQL, durability off: the proxies are measured, not the disk."""
        tools = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        initdb, server = found("initdb", *tools), found("postgres", *tools)
        if not initdb or not server:
            sys.exit("initdb and postgres are needed (Debian: apt-get install postgresql)")
        data, port = os.path.join(self.folder, "data"), free_port()
        os.mkdir(data, 0o700)
        if os.geteuid() == 0:
            shutil.chown(data, "postgres", "postgres")
        subprocess.run(as_postgres([initdb, "-D", data, "-A", "trust", "-U", "postgres", "-N"]),
                       check=True, stdout=subprocess.DEVNULL, cwd="/")
        self.start("postgres", as_postgres([
            server, "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1",
            "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "full_page_writes=off",
            "-c", "max_connections=60"]), port, "ready to accept connections")
        return port

    def fake_server(self):
        port = free_port()
        process = self.start("fake_server", [bench_program("fake_server", self.build), str(port)],
                             port, "ready: listening on")
        return port, process

    def certificate(self):
        """A key (P-256) and a certificate for it, made once."""
        crt, key = (os.path.join(self.folder, name) for name in ("tls.crt", "tls.key"))
        if not os.path.exists(crt):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                            "-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", crt], check=True, capture_output=True)
            if os.geteuid() == 0:
                shutil.chown(key, "postgres")
        return crt, key

    def client_tls(self):
        """pgmoat's section that takes clients over TLS."""
        return '[client_tls]\ncertificate = "{}"\nkey = "{}"\n'.format(*self.certificate())

    def pgbouncer(self, backend, database="postgres", tls=False):
        port = free_port()
        more = "client_tls_sslmode = require\nclient_tls_cert_file = {}\nclient_tls_key_file = {}\n".format(
            *self.certificate()) if tls else ""
        # Session pooling, the only mode that passes everything through; the rest is its default.
        config = self.file(f"pgbouncer-{port}.ini", f"""[databases]
{database} = host=127.0.0.1 port={backend} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = session
log_connections = 0
log_disconnections = 0
log_stats = 0
{more}""")
        return port, self.start("pgbouncer", as_postgres([found("pgbouncer"), "-q", config]), port)

    def haproxy(self, backend):
        port = free_port()
        config = self.file(f"haproxy-{port}.cfg", f"""global
  nbthread 1
  maxconn 9000
defaults
  mode tcp
  timeout connect 5s
  timeout client 10m
  timeout server 10m
listen bench
  bind 127.0.0.1:{port}
  server only 127.0.0.1:{backend}
""")
        return port, self.start("haproxy", [found("haproxy"), "-db", "-q", "-f", config], port)

    def pgmoat(self, backend, mode="enforce", more=""):
        port = free_port()
        config = self.file(f"pgmoat-{port}.toml", "workers = 1\n" + more)
        command = [self.pgmoat_path, "run", "--backend", f"127.0.0.1:{backend}",
                   "--listen", f"127.0.0.1:{port}", "--mode", mode, "--config", config]
        return port, self.start("pgmoat", command, port, "ready: listening on")

    def proxies(self, names, backend, mode, tls=False):
        """{name: (port, process)} of those that this machine has; says which it has not."""
        made = {}
        for name in names:
            if name == "pgmoat" and not os.access(self.pgmoat_path, os.X_OK):
                print(f"pgmoat is not built ({os.path.relpath(self.pgmoat_path)}): left out")
            elif name != "pgmoat" and found(name) is None:
                print(f"{name} is not installed: left out")
            elif name == "pgmoat":
                made[name] = self.pgmoat(backend, mode, self.client_tls() if tls else "")
            elif tls:
                made[name] = self.pgbouncer(backend, tls=True)
            else:
                made[name] = getattr(self, name)(backend)
        if not made:
            sys.exit("no proxy to measure")
        return made


def median_ratio(rounds, a, b):
    """The median over rounds of a's figure by b's of the same round, with the extremes."""
    ratios = [one[a] / one[b] for one in rounds if a in one and b in one]
    if not ratios:
        return None
    return {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)}


def shown(ratio):
    if ratio is None:
        return "-"
    return f"{ratio['median']:.3f} ({ratio['min']:.3f}-{ratio['max']:.3f})"


def machine():
    """What a figure is worthless without."""
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {"cpu": model, "cores": os.cpu_count(), "kernel": os.uname().release,
            "load": os.getloadavg()[0]}
