"""What docs/configuration.md shows must be so: its files are valid, and its file of every key has the
defaults that its tables name.
"""
import os
import re
import subprocess

import pytest

from pg import BINARY, ROOT

with open(os.path.join(ROOT, "docs", "configuration.md"), encoding="utf-8") as page:
    MANUAL = page.read()
EXAMPLES = re.findall(r"^```toml\n(.*?)^```$", MANUAL, re.M | re.S)


def by_section(text, heading, entry):
    """{(section, key): value}; what stands before the first section has section ""."""
    parts = re.split(heading, text, flags=re.M)
    return {(section, key): value for section, part in zip(["", *parts[1::2]], parts[0::2])
            for key, value in re.findall(entry, part, re.M)}


with open(os.path.join(ROOT, "docs", "policy", "packs.md"), encoding="utf-8") as page:
    TENANTS = next(text for text in re.findall(r"^```toml\n(.*?)^```$", page.read(), re.M | re.S) if "app.tenant" in text)


# Sections that are there once for each name are not in the complete file.
DEFAULTS = {(section, key): value for (section, key), value in by_section(MANUAL, r"^##+ \[(.+)\]$", r"^\| `(\w+)` \| [^|]+ \| `?([^|]+?)`? \|").items() if "." not in section}


def check(text, folder):
    file = folder / "example.toml"
    file.write_text(text, encoding="utf-8")
    return subprocess.run([BINARY, "check", "--config", str(file)], capture_output=True, text=True, check=False)


def test_there_are_examples():
    assert len(EXAMPLES) >= 2 and len(DEFAULTS) >= 20


@pytest.mark.parametrize("text", EXAMPLES, ids=["complete", "least"])
def test_an_example_is_valid(text, tmp_path):
    done = check(text, tmp_path)
    assert done.returncode == 0, done.stderr


def startup_parameters(text):
    return re.findall(r'"([^"]+)"', re.search(r"^startup_parameters = \[(.*?)\]", text, re.M | re.S).group(1))


def test_the_list_for_tenants_is_the_default_and_the_tenant(tmp_path):
    assert startup_parameters(TENANTS) == ["app.tenant", *startup_parameters(EXAMPLES[0])]
    assert check(TENANTS, tmp_path).returncode == 0


def test_a_mistake_in_an_example_would_be_seen(tmp_path):
    done = check(EXAMPLES[0] + "\nmade_up = 1\n", tmp_path)
    assert done.returncode == 1 and "unknown key 'made_up'" in done.stderr


def test_the_complete_example_has_the_defaults_of_the_tables():
    shown = by_section(EXAMPLES[0], r"^\[(\w+)\]", r"^(\w+) = (\"[^\"]*\"|\d+)(?:$| )")
    assert len(shown) >= 20
    assert {key: DEFAULTS.get(key) for key in shown if key[0] != "on_failure"} == {
        key: value for key, value in shown.items() if key[0] != "on_failure"}


def test_every_key_of_the_tables_is_in_the_complete_example():
    keys = {(section, key) for section, key in by_section(EXAMPLES[0], r"^\[(\w+)\]", r"^(\w+) =()")}
    assert keys == set(DEFAULTS)


def test_the_allow_list_of_the_cookbook_is_closed(tmp_path):
    with open(os.path.join(ROOT, "docs", "policy", "cookbook.md"), encoding="utf-8") as cookbook:
        text = next(block for block in re.findall(r"^```toml\n(.*?)^```$", cookbook.read(), re.M | re.S)
                    if 'id = "reporting"' in block)
    (tmp_path / "reporting.toml").write_text(text, encoding="utf-8")
    done = subprocess.run([BINARY, "check", "--with-tests", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and " 0 failed" in done.stdout and done.stderr == "", done.stdout + done.stderr
    for sql, verdict in (("select sum(price) from mart.sales", "ALLOW"), ("BEGIN", "ALLOW"), ("show server_version", "ALLOW"),
                         ("select lo_get(1)", "DENY"), ("select (s).get_salaries from mart.sales s", "DENY"),
                         ("select 1; drop table mart.sales", "DENY"), ("copy mart.sales to stdout", "DENY"),
                         ("with d as (delete from mart.sales returning 1) select * from d", "DENY"),
                         ("select set_config('search_path', 'own', false)", "DENY"), ("set role postgres", "DENY")):
        said = subprocess.run([BINARY, "explain", "--policy", str(tmp_path), "--user", "reporting", sql], capture_output=True,
                              text=True, check=False).stdout
        assert f"verdict    {verdict}" in said, said
