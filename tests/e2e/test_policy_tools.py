"""The tools of a policy author, as they are typed: `init`, `new rule`, `check`, `test` in every format, `explain`,
`schema`; what they print and the status they end with.
"""
import json
import os
import subprocess
import xml.etree.ElementTree as xml

import pytest

from pg import BINARY, ROOT

PACK = """[pack]
id = "t"
version = "1"
requires_api = 1

[[rule]]
id = "t.drop"
match = { command = "DROP TABLE" }
deny = { message = "not dropped" }
  [[rule.test]]
  sql = "DROP TABLE a"
  expect = "deny"
  [[rule.test]]
  name = "deliberately wrong: <&>"
  sql = "SELECT 1"
  expect = "deny"

[[rule]]
id = "t.never"
match = { user = "nobody" }
alert = { message = "seen" }
"""


def pgmoat(*arguments, cwd=None):
    return subprocess.run([os.path.abspath(BINARY), *arguments], capture_output=True, text=True, check=False, cwd=cwd,
                          timeout=60)


@pytest.fixture
def pack(tmp_path):
    path = tmp_path / "t.toml"
    path.write_text(PACK, encoding="utf-8")
    return str(path)


# init and new rule

def test_what_init_writes_is_checked_and_tested(tmp_path):
    assert pgmoat("init", "shop", "--backend", "db:5432", cwd=tmp_path).returncode == 0
    done = pgmoat("check", "--config", "shop/pgmoat.toml", "--with-tests", cwd=tmp_path)
    assert done.returncode == 0 and " 0 failed" in done.stdout and done.stderr == "", done.stderr
    assert "backend db:5432" in done.stdout


def test_init_overwrites_nothing(tmp_path):
    (tmp_path / "pgmoat.toml").write_text("mine", encoding="ascii")
    done = pgmoat("init", cwd=tmp_path)
    assert done.returncode == 1 and "exists already; nothing was written" in done.stderr
    assert os.listdir(tmp_path) == ["pgmoat.toml"]
    assert (tmp_path / "pgmoat.toml").read_text(encoding="ascii") == "mine"


@pytest.mark.parametrize("backend", ["nonsense", "db:0", "db:", 'a"b'])
def test_init_refuses_what_is_no_address(tmp_path, backend):
    done = pgmoat("init", "shop", "--backend", backend, cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.startswith("--backend: "), done.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("form", [[], ["--lua"]], ids=["toml", "lua"])
def test_a_new_rule_passes_its_tests(tmp_path, form):
    assert pgmoat("new", "rule", "shop.x-1", *form, cwd=tmp_path).returncode == 0
    done = pgmoat("test", ".", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.startswith("2 passed, 0 failed"), done.stdout + done.stderr


def test_a_second_new_rule_of_a_pack_joins_the_first(tmp_path):
    assert pgmoat("new", "rule", "shop.first", cwd=tmp_path).stdout == "wrote ./shop.first.toml\n"
    first = (tmp_path / "shop.first.toml").read_text(encoding="utf-8")
    assert pgmoat("new", "rule", "shop.second", cwd=tmp_path).stdout == "added to ./shop.first.toml\n"
    assert (tmp_path / "shop.first.toml").read_text(encoding="utf-8").startswith(first)
    assert pgmoat("new", "rule", "store.first", cwd=tmp_path).stdout == "wrote ./store.first.toml\n"
    done = pgmoat("check", "--with-tests", ".", cwd=tmp_path)
    assert done.returncode == 0 and "6 passed, 0 failed" in done.stdout, done.stdout + done.stderr
    done = pgmoat("new", "rule", "shop.second", cwd=tmp_path)
    assert done.returncode == 1 and "has a rule 'shop.second' already; nothing was written" in done.stderr


def test_a_new_rule_does_not_break_a_pack(tmp_path):
    pack = '[pack]\nid = "shop"\nversion = "1"\nrequires_api = 1\n'
    (tmp_path / "p.toml").write_text('rule = [{ id = "shop.a", deny = {} }]\n' + pack, encoding="utf-8")
    done = pgmoat("new", "rule", "shop.b", cwd=tmp_path)
    assert done.returncode == 1 and "nothing was written" in done.stderr
    assert os.listdir(tmp_path) == ["p.toml"]


def test_a_new_rule_beside_a_shipped_pack_of_its_name(tmp_path):
    assert pgmoat("new", "rule", "core.mine", cwd=tmp_path).returncode == 0
    done = pgmoat("check", "--pack", "core", ".", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.splitlines()[-1].startswith("2 packs"), done.stderr


def test_the_longest_id_is_one_for_check_too(tmp_path):
    assert pgmoat("new", "rule", "x" * 100, cwd=tmp_path).returncode == 0
    assert pgmoat("check", "--with-tests", ".", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("name", ["", "A", "a b", "../a", ".a", "a.", "-a", "x" * 101])
def test_what_is_no_rule_id(tmp_path, name):
    done = pgmoat("new", "rule", name, cwd=tmp_path)
    assert done.returncode == 2 and os.listdir(tmp_path) == []


# check

def test_check_names_what_it_has_read(tmp_path, pack):
    assert pgmoat("check", pack).stdout.startswith(f"{pack}: ok\n")
    assert pgmoat("check").stdout.startswith("built-in defaults: ok\n")
    (tmp_path / "c.toml").write_text("", encoding="ascii")
    assert pgmoat("check", "--config", "c.toml", "t.toml", cwd=tmp_path).stdout.startswith("c.toml, t.toml: ok\n")


# test

def test_for_people(pack):
    done = pgmoat("test", pack)
    assert done.returncode == 1 and done.stdout.endswith("1 passed, 1 failed\n")
    assert f"{pack}:13:3: expected deny, the rule says pass" in done.stdout


def test_as_tap(pack):
    lines = pgmoat("test", pack, "--format", "tap").stdout.splitlines()
    assert lines[:2] == ["TAP version 13", "1..2"]
    assert lines[2] == "ok 1 - t.drop: DROP TABLE a" and lines[3].startswith("not ok 2 - t.drop: deliberately wrong")


def test_as_junit(pack):
    suite = xml.fromstring(pgmoat("test", pack, "--format", "junit").stdout)
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert suite[1].get("name") == "t.drop: deliberately wrong: <&>" and suite[1][0].tag == "failure"


def test_as_json(pack):
    told = json.loads(pgmoat("test", pack, "--format", "json").stdout)
    assert (told["passed"], told["failed"]) == (1, 1) and told["tests"][0]["ok"] and not told["tests"][1]["ok"]


def test_some_of_them(pack):
    done = pgmoat("test", pack, "--run", "DROP TABLE")
    assert done.returncode == 0 and done.stdout == "1 passed, 0 failed\n"
    assert pgmoat("test", pack, "--run", "(").returncode == 2
    done = pgmoat("test", pack, "--run", "zzz")
    assert done.returncode == 1 and done.stderr == "pgmoat: --run: no test's name matches 'zzz'\n"


def test_coverage_and_its_threshold(pack):
    run = ["test", pack, "--run", "DROP TABLE", "--coverage"]
    done = pgmoat(*run, "--threshold", "50")
    assert done.returncode == 0
    assert "coverage: 1 of 2 rules matched in a test (50 %)\nnever matched:\n  t.never\n" in done.stdout
    assert pgmoat(*run, "--threshold", "51").returncode == 1


def test_what_rules_cost(pack):
    assert "t.drop" in pgmoat("test", pack, "--bench").stdout.split("cost of a rule")[1]


@pytest.mark.parametrize("text", ["[pack", PACK.replace("command", "comand"), PACK.replace('"deny"', '"refuse"', 1)])
def test_a_policy_that_does_not_load(tmp_path, text):
    (tmp_path / "t.toml").write_text(text, encoding="utf-8")
    done = pgmoat("test", "t.toml", cwd=tmp_path)
    assert done.returncode == 3 and "t.toml:" in done.stderr


def test_tables_and_their_mistakes(tmp_path, pack):
    table = tmp_path / "t.test.toml"
    case = '[[case]]\nsql = "DROP TABLE a"\nexpect = { verdict = "%s", rule = "%s", sqlstate = "42501" }\n'
    table.write_text(case % ("deny", "t.drop"), encoding="utf-8")
    run = ["test", pack, "--run", "^DROP"]
    assert pgmoat(*run).returncode == 0
    for verdict, rule, says in (("allow", "t.drop", "expected allow, decided deny by t.drop: not dropped"),
                                ("deny", "t.other", "rule t.other had no part in it; decided by t.drop")):
        table.write_text(case % (verdict, rule), encoding="utf-8")
        done = pgmoat(*run)
        assert done.returncode == 1 and says in done.stdout
    table.write_text('[[case]]\nsq = "SELECT 1"\nexpect = "maybe"\n', encoding="utf-8")
    done = pgmoat(*run)
    assert done.returncode == 3 and "t.test.toml:2:1: unknown key 'sq' in [[case]]" in done.stderr
    assert "t.test.toml:3:10: expected 'allow', 'deny', 'terminate' or 'rewrite'" in done.stderr


@pytest.mark.parametrize("key", ["params", "parameters"])
def test_parameters_have_one_name_in_rules_and_in_tables(tmp_path, key):
    (tmp_path / "t.toml").write_text(PACK.split("[[rule]]", maxsplit=1)[0] + f"""
[[rule]]
id = "t.secret"
on = "execute"
match = {{ app = "x" }}
deny = {{ message = "no" }}
  [[rule.test]]
  sql = "SELECT $1"
  session = {{ application = "x", protocol = "extended", transaction = "idle" }}
  {key} = ["a"]
  expect = "deny"
  [[rule.test]]
  sql = "SELECT $1"
  {key} = ["a"]
  expect = "pass"
""", encoding="utf-8")
    (tmp_path / "t.test.toml").write_text(
        f'[[case]]\nsql = "SELECT $1"\nsession = {{ app = "x" }}\n{key} = ["a"]\nexpect = "deny"\n', encoding="utf-8")
    done = pgmoat("check", "--with-tests", "t.toml", cwd=tmp_path)
    assert done.returncode == 0 and "3 passed" in done.stdout, done.stdout + done.stderr


def test_a_session_of_a_test_takes_certain_words(tmp_path, pack):
    with open(pack, "a", encoding="utf-8") as file:
        file.write('[[rule.test]]\nsql = "SELECT 1"\nsession = { protocol = "fast" }\nexpect = "pass"\n')
    done = pgmoat("check", pack)
    assert done.returncode == 1 and "protocol: expected 'simple' or 'extended'" in done.stderr


def test_lua_tests_that_fail_say_where(tmp_path, pack):
    file = tmp_path / "t_test.lua"
    file.write_text('local function ask(t, sql)\n  return t:eval({}, sql)\nend\n'
                    'test("wrong", function(t)\n  local d = ask(t, "SELECT 1")\n  t:expect(d):denies("t.drop")\nend)\n'
                    'test("wrong session", function(t)\n  t:eval({ usr = "app" }, "SELECT 1")\nend)\n'
                    'test("right", function(t)\n  t:expect(ask(t, "DROP TABLE a")):denies("t.drop")\nend)\n',
                    encoding="utf-8")
    run = ["test", pack, "--run", "^(wrong|right)"]
    done = pgmoat(*run)
    assert done.returncode == 1
    assert f"  {file}:6:1: expected a refusal by t.drop, got allow\n" in done.stdout
    assert f"  {file}:9:1: unknown key 'usr'" in done.stdout
    told = {one["name"]: one for one in json.loads(pgmoat(*run, "--format", "json").stdout)["tests"]}
    assert {name: one["line"] for name, one in told.items()} == {"wrong": 6, "wrong session": 9, "right": 11}
    suite = xml.fromstring(pgmoat(*run, "--format", "junit").stdout)
    assert {one.get("name"): one.get("line") for one in suite} == {"wrong": "6", "wrong session": "9", "right": "11"}
    assert {one.get("file") for one in suite} == {str(file)}


@pytest.mark.parametrize("expects", ["denies", "passes", "alerts", "terminates"])
def test_lua_tests_of_a_rule_that_there_is_not(tmp_path, pack, expects):
    (tmp_path / "t_test.lua").write_text(
        f'test("wrong", function(t)\n  t:expect(t:eval({{}}, "SELECT 1")):{expects}("t.dorp")\nend)\n', encoding="utf-8")
    done = pgmoat("test", pack, "--run", "^wrong")
    assert done.returncode == 1
    assert "t_test.lua:2:1: no rule has the id 't.dorp', did you mean 't.drop'?" in done.stdout


# explain and schema

def test_explain_as_json():
    told = json.loads(pgmoat("explain", "copy t from program 'id'", "--format", "json").stdout)
    assert told["verdict"] == "deny" and told["rule"] == "core.copy-program" and told["sqlstate"] == "42501"
    assert told["statements"][0]["kind"] == "copy"


def test_explain_knows_who_asks(tmp_path):
    path = tmp_path / "t.toml"
    path.write_text(PACK.split("[[rule]]", maxsplit=1)[0] +
                    '[[rule]]\nid = "t.a"\nmatch = { user = "ann", tags = "x" }\nwhen = \'s.guc["app.t"] == "7"\'\n'
                    'deny = { message = "no" }\n', encoding="utf-8")
    run = ["explain", "SELECT 1", "--policy", str(path), "--user", "ann", "--tag", "x"]
    assert "verdict    DENY" in pgmoat(*run, "--set", "app.t=7").stdout
    assert "when() is false" in pgmoat(*run, "--set", "app.t=8").stdout
    other = pgmoat("explain", "SELECT 1", "--policy", str(path), "--user", "bob", "--tag", "x", "--all").stdout
    assert "no match: user" in other and "verdict    ALLOW" in other
    assert "would deny if it were enforced: t.a" in pgmoat(*run, "--set", "app.t=7", "--mode", "monitor").stdout


@pytest.mark.parametrize("option, file", [([], "docs/policy/pack.schema.json"), (["--lua"], "lua/types/pgmoat.d.lua"),
                                          (["--reference"], "docs/policy/reference.md")])
def test_schema_prints_what_is_committed(option, file):
    with open(os.path.join(ROOT, file), encoding="utf-8") as committed:
        assert pgmoat("schema", *option).stdout == committed.read()


def test_a_pack_by_its_file_has_the_level_it_says(tmp_path):
    """Shipped packs start at level 1; a file of the same name, wherever it lies, is the user's own."""
    (tmp_path / "rules").mkdir()
    path = tmp_path / "rules" / "t.toml"
    path.write_text(PACK.replace('id = "t.drop"', 'id = "t.drop"\nlevel = 3'), encoding="utf-8")
    said = pgmoat("explain", "DROP TABLE a", "--policy", "rules/t.toml", cwd=tmp_path).stdout
    assert "verdict    DENY" in said


def test_explain_tells_what_a_higher_level_would_do():
    told = pgmoat("explain", "alter table t disable trigger all").stdout
    assert "core.disable-triggers  off      its level is 3; would deny: switching triggers off is not allowed" in told, told
    assert "verdict    ALLOW" in told
    told = json.loads(pgmoat("explain", "alter table t disable trigger all", "--format", "json").stdout)
    assert [rule["mode"] for rule in told["rules"] if rule["id"] == "core.disable-triggers"] == ["off"]


def test_explain_says_what_the_client_reads():
    """The words of a rule with the statement's in them, not its template."""
    told = pgmoat("explain", "selct 1").stdout
    assert "sql.opaque.unparsable  enforce  deny: statement refused because it cannot be read: syntax error" in told, told


def test_explain_judges_bound_values(tmp_path):
    (tmp_path / "p.lua").write_text(
        'pgmoat.api(1)\npgmoat.rule{ id = "p.seven", on = "execute", mode = "enforce",\n'
        '  when = function(s, q, p) return p.all[2].value == "7" or p.all[2].is_null end,\n'
        '  verdict = pgmoat.deny{ message = "no seven" } }\n', encoding="utf-8")
    for value, verdict in (("7", "DENY"), ("8", "ALLOW"), ("\\N", "DENY"), ("N", "ALLOW")):
        told = pgmoat("explain", "select $1, $2", "--policy", str(tmp_path), "--param", "1", "--param", value).stdout
        assert f"verdict    {verdict}" in told, told


def test_check_reports_to_programs(tmp_path):
    (tmp_path / "bad.lua").write_text("pgmoat.api(1)\nlocal x = = 1\n", encoding="utf-8")
    (tmp_path / "pack.toml").write_text(
        '[pack]\nid = "p"\nversion = "1"\nrequires_api = 1\n[[rule]]\nid = "p.r"\nmode = "monitor"\n'
        'match = { command = "DROP TABEL" }\ndeny = {}\n', encoding="utf-8")
    done = pgmoat("check", "--format", "json", str(tmp_path / "bad.lua"))
    assert done.returncode == 1 and done.stderr == ""
    assert json.loads(done.stdout) == {"problems": [{
        "level": "error", "file": str(tmp_path / "bad.lua"), "line": 2, "column": 1,
        "message": "unexpected symbol near '='"}]}
    done = pgmoat("check", "--format", "sarif", str(tmp_path / "pack.toml"))
    run, = json.loads(done.stdout)["runs"]
    assert done.returncode == 0 and run["tool"]["driver"]["name"] == "pgmoat"
    result = run["results"][0]
    assert result["level"] == "warning" and "DROP TABEL" in result["message"]["text"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == str(tmp_path / "pack.toml") and place["region"]["startLine"] == 8
    done = pgmoat("check", "--format", "json", str(tmp_path / "gone.toml"))
    problem, = json.loads(done.stdout)["problems"]
    assert done.returncode == 1 and "gone.toml" in problem["message"] and problem["line"] == 0
