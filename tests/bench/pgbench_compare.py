#!/usr/bin/python3
"""What a transaction costs the proxy: pgbench -S through pgmoat, PgBouncer and HAProxy.

PgBouncer (session pooling) is the comparison: it reads PostgreSQL's protocol too. HAProxy in TCP
mode reads nothing and is the floor under any proxy in user space. For every query mode and number
of clients the proxies take turns, round after round; reported are medians of CPU microseconds per
transaction and the median of the ratios within each round.
"""
import argparse
import json
import os
import re
import statistics
import subprocess

import rig

NAMES = ("pgmoat", "pgbouncer", "haproxy")


# pgbench's own select, of a hundred keys: in simple mode a hundred texts.
REPEATING = r"""\set aid random(1, 100)
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
"""


def come_and_go(port, what, build, seconds):
    """Full handshakes one after another, with a login each or without; how many, and the rate."""
    count = 400 * seconds
    done = subprocess.run([rig.bench_program("fake_client", build), str(port), what, str(count), "tls"], check=True,
                          text=True, capture_output=True, env={**os.environ, "FAKE_USER": "postgres"})
    return count, count / json.loads(done.stdout)["seconds"]


def pgbench(port, mode, clients, seconds, build):
    """One run; the transactions it did and its rate."""
    if mode in ("logins", "handshakes"):
        return come_and_go(port, mode, build, seconds)
    what = ["-M", mode, "-S"] if mode != "repeating" else ["-M", "simple", "-f", "-"]
    command = [rig.found("pgbench"), "-h", "127.0.0.1", "-p", str(port), "-U", "postgres",
               "-n", *what, "-c", str(clients), "-j", "1", "-T", str(seconds), "postgres"]
    done = subprocess.run(command, check=False, text=True, capture_output=True, input=REPEATING)
    count = re.search(r"actually processed: (\d+)", done.stdout)
    rate = re.search(r"^tps = ([0-9.]+)", done.stdout, re.M)
    failed = re.search(r"failed transactions: (\d+)", done.stdout)
    if done.returncode != 0 or not count or (failed and failed.group(1) != "0"):
        raise RuntimeError(f"pgbench failed: {done.stdout}\n{done.stderr}")
    return int(count.group(1)), float(rate.group(1))


def measure(made, mode, clients, options):
    """The rounds of one setting: [{proxy: microseconds per transaction}], and the same of tps."""
    costs, rates = [], []
    for number in range(options.rounds):
        cost, rate = {}, {}
        # Another one starts each round, so that none always runs on the heels of the same other.
        order = list(made)
        order = order[number % len(order):] + order[:number % len(order)]
        for name in order:
            port, process = made[name]
            before = rig.cpu_seconds(process.pid)
            transactions, rate[name] = pgbench(port, mode, clients, options.seconds, options.build)
            cost[name] = (rig.cpu_seconds(process.pid) - before) * 1e6 / transactions
        costs.append(cost)
        rates.append(rate)
    return costs, rates


def report(result, made):
    medians = {name: statistics.median(one[name] for one in result["cpu_us"]) for name in made}
    rates = {name: statistics.median(one[name] for one in result["tps"]) for name in made}
    cells = [f"{result['mode']:9}", f"{result['clients']:3}"]
    cells += [f"{medians[name]:7.2f} ({rates[name]:6.0f}/s)" for name in made]
    cells += [rig.shown(result["pgmoat/" + other]) for other in NAMES[1:]]
    print("| " + " | ".join(cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each pgbench run")
    parser.add_argument("--scale", type=int, default=5)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--query-modes", nargs="+", default=["simple", "repeating", "extended", "prepared"])
    parser.add_argument("--proxies", nargs="+", default=list(NAMES), choices=NAMES)
    parser.add_argument("--mode", default="enforce", choices=["monitor", "enforce"])
    parser.add_argument("--tls", action="store_true", help="clients speak TLS; logins are measured, too; without HAProxy")
    parser.add_argument("--build", default=rig.BUILD)
    parser.add_argument("--pgmoat", help="the binary, if not BUILD/pgmoat")
    parser.add_argument("--json", help="write every round's figures to this file")
    options = parser.parse_args()

    if options.tls:
        options.proxies = [name for name in options.proxies if name != "haproxy"]
        options.query_modes += ["logins", "handshakes"]
    with rig.Rig(options.build, options.pgmoat) as bench:
        backend = bench.postgres()
        subprocess.run([rig.found("pgbench"), "-h", "127.0.0.1", "-p", str(backend), "-U",
                        "postgres", "-i", "-q", "-s", str(options.scale), "postgres"],
                       check=True, capture_output=True)
        os.environ["PGSSLMODE"] = "require" if options.tls else "disable"
        made = bench.proxies(options.proxies, backend, options.mode, options.tls)
        for port, _ in made.values():
            pgbench(port, "simple", 8, 1, options.build)  # warms caches, pools and the branch predictor
        print(f"CPU microseconds of the proxy per transaction (transactions/s); ratios are medians "
              f"of {options.rounds} rounds (min-max)\n")
        heads = ["mode", "clients", *made, "pgmoat/pgbouncer", "pgmoat/haproxy"]
        print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
        results = []
        for clients in options.clients:
            for mode in options.query_modes:
                costs, rates = measure(made, mode, clients, options)
                result = {"mode": mode, "clients": clients, "cpu_us": costs, "tps": rates}
                for other in NAMES[1:]:
                    result["pgmoat/" + other] = rig.median_ratio(costs, "pgmoat", other)
                report(result, made)
                results.append(result)
        if options.json:
            with open(options.json, "w", encoding="utf-8") as file:
                json.dump({"machine": rig.machine(), "options": vars(options),
                           "results": results}, file, indent=1)


if __name__ == "__main__":
    main()
