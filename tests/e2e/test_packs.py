"""The shipped packs: that their paperwork is complete, that they load without a warning, that their own tests and those
of the Lua examples pass, and that PostgreSQL's programs work behind core at level 1, enforcing.

What the packs refuse of the corpora is measured in tests/packs.
"""
import glob
import os
import re
import shutil
import subprocess
import tomllib

import pytest

from pg import BINARY, ROOT, Pgmoat, pg_tool

RULES = sorted(glob.glob(os.path.join(ROOT, "rules", "*.toml")))
EXAMPLES = os.path.join(ROOT, "lua", "examples")
PACKS = {os.path.splitext(os.path.basename(path))[0]: path for path in RULES}
# No statement, or no clock, that a test beside the rule could be asked with.
UNTESTED = {"core.replication-connection", "humans.tag", "change-control.when"}


def rules_of(path):
    with open(path, "rb") as file:
        return tomllib.load(file)


def pgmoat(*arguments):
    done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_packs_are_these():
    assert set(PACKS) == {"core", "injection", "humans", "agents", "change-control", "multitenant", "virtual-patches"}


@pytest.mark.parametrize("name", PACKS)
def test_every_rule_has_its_paperwork(name):
    seen = set()
    for rule in rules_of(PACKS[name])["rule"]:
        assert rule["id"].startswith(name + "."), rule["id"]
        assert rule["id"] not in seen
        seen.add(rule["id"])
        assert rule["severity"] in ("info", "low", "medium", "high", "critical")
        assert 1 <= rule["level"] <= 4
        assert rule["owner"] and rule["tags"] and rule["description"], rule["id"]


@pytest.mark.parametrize("name", PACKS)
def test_messages_are_worded_as_postgresql_words_them(name):
    """Errors begin small and end without a full stop; hints are sentences."""
    for rule in rules_of(PACKS[name])["rule"]:
        deny = rule.get("deny")
        if deny is None:
            continue
        message, hint = deny["message"], deny.get("hint", "Hint.")
        assert not message.endswith("."), rule["id"]
        first = message.split()[0]
        assert first[0].islower() or first[0] == "{" or re.fullmatch(r"[A-Z]+|PL/\w+", first), message
        assert hint.endswith("."), hint


@pytest.mark.parametrize("name", PACKS)
def test_every_rule_is_tested_for_what_it_does_and_does_not(name):
    for rule in rules_of(PACKS[name])["rule"]:
        if rule["id"] in UNTESTED:
            continue
        expected = [test["expect"] for test in rule["test"]]
        assert "pass" in expected, rule["id"]
        assert set(expected) - {"pass"}, rule["id"]


@pytest.mark.parametrize("name", PACKS)
def test_check_finds_nothing_to_say(name):
    code, said = pgmoat("check", PACKS[name])
    assert code == 0, said
    assert ", 0 warnings" in said, said


@pytest.mark.parametrize("name", PACKS)
def test_the_rules_own_tests_pass(name):
    code, said = pgmoat("test", PACKS[name])
    assert code == 0, said


def test_the_examples_pass_their_tests():
    """Each alone: they are alternatives, not one policy."""
    for path in sorted(glob.glob(os.path.join(EXAMPLES, "*.lua"))):
        if path.endswith("_test.lua"):
            continue
        tests = path[:-len(".lua")] + "_test.lua"
        assert os.path.exists(tests), path
        code, said = pgmoat("test", path, tests)
        assert code == 0, said


def test_the_examples_are_clean():
    luacheck = shutil.which("luacheck")
    if luacheck is None:
        pytest.skip("luacheck is not installed")
    done = subprocess.run([luacheck, "-q", "."], cwd=os.path.join(ROOT, "lua"), capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def moat(postgres):
    with Pgmoat(postgres.port, policy={"packs": ["core", "injection"]}) as running:
        yield running


def run(tool, moat, *arguments):
    done = subprocess.run([pg_tool(tool), "-h", "127.0.0.1", "-p", str(moat.port), "-U", "postgres", *arguments],
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_core_refuses_at_the_server_what_it_refuses_here(moat):
    for sql in ("COPY (SELECT 1) TO PROGRAM 'cat'", "SELECT ('/etc/passwd').pg_read_file", "SET ROLE postgres",
                "ALTER SYSTEM SET work_mem = '1MB'"):
        code, _, said = run("psql", moat, "-X", "-d", "postgres", "-v", "VERBOSITY=verbose", "-c", sql)
        assert code != 0 and "42501" in said, (sql, said)


def test_postgresqls_own_programs_work_behind_core_and_injection(moat, tmp_path):
    """pgbench makes its tables, runs; pg_dump and pg_restore take them away and back."""
    assert run("createdb", moat, "packs")[0] == 0
    code, _, said = run("pgbench", moat, "-i", "-s", "1", "-q", "packs")
    assert code == 0, said
    for mode in ("simple", "extended", "prepared"):
        code, _, said = run("pgbench", moat, "-M", mode, "-t", "50", "-c", "2", "-n", "packs")
        assert code == 0, said
    archive = str(tmp_path / "dump")
    code, _, said = run("pg_dump", moat, "-Fc", "-f", archive, "packs")
    assert code == 0, said
    assert run("createdb", moat, "packs2")[0] == 0
    code, _, said = run("pg_restore", moat, "-d", "packs2", archive)
    assert code == 0, said
    code, out, said = run("psql", moat, "-X", "-At", "-d", "packs2", "-c", "SELECT count(*) FROM pgbench_accounts")
    assert out.strip() == "100000", said
    assert run("vacuumdb", moat, "-z", "packs2")[0] == 0
