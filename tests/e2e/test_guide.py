"""docs/policy/guide.md is run: every `$ command` of its console blocks, in order, in one empty folder, in front of
the test's own PostgreSQL; what it prints must be what the page shows. Decision ids, times and ports differ from
run to run and are masked on both sides.

    python3 tests/e2e/test_guide.py --update      writes what the commands print into the page
"""
import os
import re
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))

from pg import BINARY, ROOT, Postgres, bin_dir, free_port  # noqa: E402

PAGE = os.path.join(ROOT, "docs", "policy", "guide.md")
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
MASKS = [(r"Decision [0-9A-Za-z-]+", "Decision ID"), (r"\b\d+(\.\d+)? (ns|µs|us|ms)\b", "TIME"),
         (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"), (r"(?m)[ \t]+$", "")]


def commands(text):
    """[(command, output)]: a command may go on over lines that begin with '> '."""
    found = []
    for block in BLOCK.findall(text):
        for line in block.splitlines(keepends=True):
            if line.startswith("$ "):
                found.append([line[2:], ""])
            elif line.startswith("> ") and not found[-1][1]:
                found[-1][0] += line[2:]
            else:
                found[-1][1] += line
    return found


def masked(text):
    for pattern, word in MASKS:
        text = re.sub(pattern, word, text)
    return text.strip()


class Terminal:
    """A shell in an empty folder, with pgmoat and PostgreSQL's tools on its PATH."""

    def __init__(self, server):
        self.folder = tempfile.TemporaryDirectory(prefix="pgmoat-guide-")
        self.port = free_port()
        os.symlink(BINARY, os.path.join(self.folder.name, ".pgmoat"))
        tools = os.path.join(self.folder.name, ".bin")
        os.mkdir(tools)
        os.symlink(os.path.abspath(BINARY), os.path.join(tools, "pgmoat"))
        self.environment = {**os.environ, "PATH": f"{tools}:{bin_dir()}:{os.environ['PATH']}",
                            "PGHOST": "127.0.0.1", "PGUSER": "postgres", "PGDATABASE": "postgres",
                            "DB": f"127.0.0.1:{server.port}", "MOAT": str(self.port), "PGOPTIONS": "",
                            "LC_ALL": "C.UTF-8", "PSQLRC": "/dev/null", "NO_COLOR": "1"}
        # The shell itself stays, so that `cd` and background jobs last.
        self.shell = subprocess.Popen(["bash", "--norc"], cwd=self.folder.name, env=self.environment, text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run(self, command):
        self.shell.stdin.write(command.rstrip("\n") + "\nprintf '\\n%s\\n' __done__\n")
        self.shell.stdin.flush()
        output = ""
        for line in self.shell.stdout:
            if line == "__done__\n":
                break
            output += line
        return output.removesuffix("\n")

    def close(self):
        self.run("jobs -p | xargs -r kill -QUIT; wait")
        self.shell.stdin.close()
        self.shell.wait(timeout=20)
        self.folder.cleanup()


@pytest.fixture
def terminal(postgres):
    terminal = Terminal(postgres)
    yield terminal
    terminal.close()


def test_the_guide_shows_what_happens(terminal):
    with open(PAGE, encoding="utf-8") as page:
        steps = commands(page.read())
    assert len(steps) >= 8
    for command, expected in steps:
        assert masked(terminal.run(command)) == masked(expected), command


def update():
    with open(PAGE, encoding="utf-8") as page:
        text = page.read()
    server = Postgres()
    server.start()
    terminal = Terminal(server)
    try:
        def again(block):
            out = ""
            for command, _ in commands(block.group(0)):
                lines = command.rstrip("\n").split("\n")
                out += "$ " + lines[0] + "\n" + "".join(f"> {line}\n" for line in lines[1:])
                printed = terminal.run(command).rstrip("\n")
                out += printed + "\n" if printed else ""
            return f"```console\n{out}```"
        text = BLOCK.sub(again, text)
    finally:
        terminal.close()
        server.stop()
    with open(PAGE, "w", encoding="utf-8") as page:
        page.write(text)


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(__doc__)
    update()
