#!/usr/bin/python3
"""What an idle session costs: resident memory of a proxy that holds thousands of them.

Every session logs in and runs one query, so that whatever a session allocates lazily is allocated;
then a settling time passes and VmRSS is compared with that before the first session. At the end
every session answers one more query: a dropped one would look free. A session takes two descriptors
of the proxy, so a process limit below 2 x sessions lowers the number, and the script says so.
"""
import argparse
import json
import resource
import subprocess
import time

import rig

SPARE_DESCRIPTORS = 100  # listeners, epoll, logs, and what the libraries open


def possible_sessions(wanted):
    """Raises the descriptor limit (children inherit it) and returns what it allows."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    need = 2 * wanted + SPARE_DESCRIPTORS
    if need > hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (need, need))
            return wanted
        except (ValueError, OSError):
            pass
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(need, hard), hard))
    able = min(wanted, (hard - SPARE_DESCRIPTORS) // 2)
    if able < wanted:
        print(f"the descriptor limit {hard} allows {able} sessions, not {wanted}")
    return able


def measure(client, port, process, sessions, settle, tls=False):
    time.sleep(0.5)
    before = rig.memory_kib(process.pid)
    used = rig.cpu_seconds(process.pid)
    holder = subprocess.Popen([client, str(port), "idle", str(sessions), *(["tls"] if tls else [])], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    opened = json.loads(holder.stdout.readline() or "null")
    if opened is None:
        raise RuntimeError("fake_client could not open its sessions")
    used = rig.cpu_seconds(process.pid) - used
    time.sleep(settle)
    idle_from = rig.cpu_seconds(process.pid)
    time.sleep(settle)
    after = rig.memory_kib(process.pid)
    idle_cpu = (rig.cpu_seconds(process.pid) - idle_from) / settle
    alive = json.loads(holder.communicate("")[0] or "null")
    if holder.returncode != 0 or alive["bytes"] != sessions:
        raise RuntimeError("sessions were lost while idle")
    time.sleep(settle)
    return {"sessions": sessions, "before_kib": before, "after_kib": after,
            "closed_kib": rig.memory_kib(process.pid),
            "bytes_per_session": (after - before) * 1024 / sessions,
            "open_us": used * 1e6 / sessions, "idle_cpu": idle_cpu}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--settle", type=float, default=1.0, help="seconds")
    parser.add_argument("--mode", default="enforce", choices=["monitor", "enforce"])
    parser.add_argument("--build", default=rig.BUILD)
    parser.add_argument("--pgmoat", help="the binary, if not BUILD/pgmoat")
    parser.add_argument("--haproxy", action="store_true", help="measure HAProxy instead")
    parser.add_argument("--tls", action="store_true", help="clients speak TLS")
    parser.add_argument("--json", help="write the figures to this file")
    options = parser.parse_args()

    sessions = possible_sessions(options.sessions)
    with rig.Rig(options.build, options.pgmoat) as bench:
        client = rig.bench_program("fake_client", bench.build)
        backend, _ = bench.fake_server()
        if options.haproxy:
            port, process = bench.haproxy(backend)
            sessions = min(sessions, 8900)  # its maxconn in rig.py: it sets aside memory per one
        else:
            port, process = bench.pgmoat(backend, options.mode,
                                         f"[limits]\nsessions = {sessions + 10}\n" + (bench.client_tls() if options.tls else ""))
        result = measure(client, port, process, sessions, options.settle, options.tls)
        print(f"{result['sessions']} idle sessions: {result['bytes_per_session']:.0f} bytes each "
              f"(VmRSS {result['before_kib']} -> {result['after_kib']} KiB, "
              f"{result['closed_kib']} after all left)\n"
              f"opening one, with its query: {result['open_us']:.1f} us of proxy CPU; "
              f"holding them: {result['idle_cpu'] * 100:.2f}% of a core")
        if options.json:
            with open(options.json, "w", encoding="utf-8") as file:
                json.dump({"machine": rig.machine(), "result": result}, file, indent=1)


if __name__ == "__main__":
    main()
