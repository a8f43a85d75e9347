#!/usr/bin/python3
"""What reading SQL costs in instructions, which do not depend on how busy the machine is.

callgrind runs sql_bench; what one call of the parser's grammar takes is the same in both benchmarks,
so it tells how many statements each of them has read.
"""
import argparse
import os
import re
import subprocess
import tempfile

import rig

NAMES = ("pgbench's select", "SELECT 1", "join of four tables", "insert of 50 values")
RAW = ("pg_query_enter_memory_context", "pg_query_raw_parse", "pg_query_exit_memory_context")


def inclusive(program, benchmark, folder):
    """{function: instructions in it and below it}."""
    file = os.path.join(folder, benchmark.replace("/", "."))
    subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={file}", program,
                    f"--benchmark_filter={benchmark}$", "--benchmark_min_time=0.3"], check=True, capture_output=True)
    shown = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", file], check=True,
                           capture_output=True, text=True).stdout
    found = {}
    for count, name in re.findall(r"^\s*([\d,]+) \([^)]*\)\s+\S+?:(.+?)(?: \[|$)", shown, re.M):
        found.setdefault(re.sub(r"\(.*", "", name), int(count.replace(",", "")))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default=rig.BUILD)
    options = parser.parse_args()
    program = os.path.join(options.build, "tests", "bench", "sql_bench")
    print("| statement | analysis / raw parse |\n|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for number, name in enumerate(NAMES):
            raw = inclusive(program, f"raw_parse/{number}", folder)
            whole = inclusive(program, f"analysis/{number}", folder)
            parse = sum(raw[part] for part in RAW) / raw["base_yyparse"]
            print(f"| {name} | {whole['pgmoat::sql::Analyzer::analyze'] / whole['base_yyparse'] / parse:.2f} |", flush=True)


if __name__ == "__main__":
    main()
