#!/usr/bin/python3
"""How fast bulk data passes: results and COPY FROM STDIN through pgmoat and through HAProxy.

Both ends are stand-ins that cost next to nothing (fake_server, fake_client), so what is timed is
the proxy. Reported per direction: MB/s, the proxy's CPU seconds per GB, the median of the ratios
within each round, and pgmoat's resident memory, sampled while the data passes: it must stay flat.
"""
import argparse
import json
import statistics
import subprocess
import time

import rig

NAMES = ("pgmoat", "haproxy")


def transfer(client, port, process, what, options):
    """One run: MB/s, CPU seconds per GB and the highest VmRSS seen in KiB."""
    command = [client, str(port), what, str(options.bytes)]
    if what == "copyin":
        command.append(str(options.frame))
    before = rig.cpu_seconds(process.pid)
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    highest = 0
    while running.poll() is None:
        highest = max(highest, rig.memory_kib(process.pid))
        time.sleep(0.02)
    output = running.communicate()[0]
    if running.returncode != 0:
        raise RuntimeError(f"fake_client failed: {' '.join(command)}")
    done = json.loads(output)
    used = rig.cpu_seconds(process.pid) - before
    return {"mb_s": done["bytes"] / done["seconds"] / 1e6, "cpu_s_gb": used / done["bytes"] * 1e9,
            "rss_kib": highest}


def measure(made, what, options, client):
    rounds = []
    for number in range(options.rounds):
        order = list(made)
        order = order[number % len(order):] + order[:number % len(order)]
        rounds.append({name: transfer(client, *made[name], what, options) for name in order})
    return rounds


def report(what, rounds, made):
    result = {"what": what, "rounds": rounds}
    for field in ("mb_s", "cpu_s_gb"):
        only = [{name: figures[field] for name, figures in one.items()} for one in rounds]
        result[f"pgmoat/haproxy {field}"] = rig.median_ratio(only, "pgmoat", "haproxy")
    for name in made:
        figures = [one[name] for one in rounds]
        rss = [one["rss_kib"] for one in figures]
        print(f"| {what:6} | {name:8} | {statistics.median(f['mb_s'] for f in figures):7.0f} | "
              f"{statistics.median(f['cpu_s_gb'] for f in figures):6.3f} | "
              f"{rss[0]:6} .. {max(rss):6} |")
    if len(made) < 2:
        return result
    print(f"| {what:6} | pgmoat/haproxy | {rig.shown(result['pgmoat/haproxy mb_s'])} | "
          f"{rig.shown(result['pgmoat/haproxy cpu_s_gb'])} | |", flush=True)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bytes", type=int, default=1_000_000_000, help="per run")
    parser.add_argument("--frame", type=int, default=8192, help="CopyData size of the copy-in")
    parser.add_argument("--proxies", nargs="+", default=list(NAMES), choices=NAMES)
    parser.add_argument("--mode", default="enforce", choices=["monitor", "enforce"])
    parser.add_argument("--build", default=rig.BUILD)
    parser.add_argument("--pgmoat", help="the binary, if not BUILD/pgmoat")
    parser.add_argument("--json", help="write every round's figures to this file")
    options = parser.parse_args()

    with rig.Rig(options.build, options.pgmoat) as bench:
        client = rig.bench_program("fake_client", bench.build)
        backend, server = bench.fake_server()
        made = bench.proxies(options.proxies, backend, options.mode)
        direct = {"direct": (backend, server)}
        for what in ("rows", "copyin"):
            ends = transfer(client, *direct["direct"], what, options)
            print(f"{what} without a proxy: {ends['mb_s']:.0f} MB/s (the ends are not the limit)")
        print(f"\nmedians of {options.rounds} rounds of {options.bytes} bytes; memory is the "
              "first round's and the highest VmRSS in KiB\n")
        print("| what | proxy | MB/s | CPU s/GB | RSS |\n|---|---|---|---|---|")
        results = [report(what, measure(made, what, options, client), made)
                   for what in ("rows", "copyin")]
        if options.json:
            with open(options.json, "w", encoding="utf-8") as file:
                json.dump({"machine": rig.machine(), "options": vars(options),
                           "results": results}, file, indent=1)


if __name__ == "__main__":
    main()
