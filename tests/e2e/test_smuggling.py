"""Text that the server reads otherwise than its bytes look: standard_conforming_strings = off, and client
encodings in which 0x5C can be the second byte of a character. Under each way these can be set, simple,
extended and pipelined, a call of canary() is hidden in what looks like a string constant. A policy refuses
canary(); so it must never run through pgmoat, and it must run directly, or the test proves nothing.
"""
import itertools

import pytest

from pg import Pgmoat
from wire import SYNC, Conn, bind, execute, function_call, parse, query, said, startup

RULES = """
[pack]
id = "t"
version = "1"
requires_api = 1
[[rule]]
id = "t.canary"
match = { functions = ["canary"] }
deny = { message = "the canary is not to be called" }
"""
SET_CONFIG_OID = 2078

# setting -> (name, value, how the hidden call looks)
SETTINGS = {
    "scs": ("standard_conforming_strings", "off", b"select '\\'' || canary() --'"),
    "SJIS": ("client_encoding", "SJIS", b"select E'\x95\x5c' || canary() --'"),
    "SJIS as UTF-8": ("client_encoding", "SJIS", b"select E'\xe3\x81\x95\x5c' || canary() --'"),
    "SHIFT_JIS_2004": ("client_encoding", "SHIFT_JIS_2004", b"select E'\x95\x5c' || canary() --'"),
    "SHIFT_JIS_2004 as UTF-8": ("client_encoding", "SHIFT_JIS_2004",
                                b"select E'\xe3\x81\x95\x5c' || canary() --'"),
    "BIG5": ("client_encoding", "BIG5", b"select E'\xa5\x5c' || canary() --'"),
    "BIG5 as UTF-8": ("client_encoding", "BIG5", b"select E'\xe3\xa4\xa5\x5c' || canary() --'"),
    "GBK": ("client_encoding", "GBK", b"select E'\x95\x5c' || canary() --'"),
    "GBK as UTF-8": ("client_encoding", "GBK", b"select E'\xe3\xa4\x95\x5c' || canary() --'"),
    "GB18030": ("client_encoding", "GB18030", b"select E'\x95\x5c' || canary() --'"),
    "GB18030 as UTF-8": ("client_encoding", "GB18030", b"select E'\xe3\xa4\x95\x5c' || canary() --'"),
}


def messages(style, sql):
    if style == "simple":
        return b"Q" + (len(sql) + 5).to_bytes(4, "big") + sql + b"\0"
    body = b"\0" + sql + b"\0" + b"\0\0"
    return b"P" + (len(body) + 4).to_bytes(4, "big") + body + bind() + execute()


def by_set(name, value):
    return [query(f"set {name} = '{value}'")]


def by_set_quoted_name(name, value):
    return [query(f'set session "{name}" to \'{value}\'')]


def by_set_local(name, value):
    return [query(f"begin; set local {name} = '{value}'")]


def by_set_config(name, value):
    return [query(f"select set_config('{name}', '{value}', false)")]


def by_built_set_config(name, value):
    return [query(f"select set_config('{name[:5]}' || '{name[5:]}', lower('{value}'), false)")]


def by_function_body(name, value):
    return [query(f"do $$begin perform set_config('{name}', '{value}', false); end$$")]


def by_dynamic_body(name, value):
    return [query(f"do $$begin execute 'set {name} = ' || quote_literal('{value}'); end$$")]


def by_stored_function(name, _value):
    return [query(f"select turn_on_{name}('{_value}')")]


def by_rollback(name, value):
    """The transaction's end brings the bad value back that was set before it."""
    good = {"standard_conforming_strings": "on", "client_encoding": "UTF8"}[name]
    return [query(f"set {name} = '{value}'"), query(f"begin; set {name} = '{good}'"), query("rollback")]


def by_function_call(name, value):
    return [function_call(SET_CONFIG_OID, [name.encode(), value.encode(), b"f"], formats=[0, 0, 0], result=0)]


WAYS = [by_set, by_set_quoted_name, by_set_local, by_set_config, by_built_set_config, by_function_body,
        by_dynamic_body, by_stored_function, by_rollback, by_function_call]


@pytest.fixture(scope="module")
def canary(postgres):
    with Conn(postgres.port) as conn:
        conn.ask(query("create table caught(i int)"))
        conn.ask(query("create function canary() returns text language sql volatile as "
                       "'insert into caught values (1) returning ''x''::text'"))
        for name in ("standard_conforming_strings", "client_encoding"):
            conn.ask(query(f"create function turn_on_{name}(v text) returns text language sql as "
                           f"'select set_config(''{name}'', v, false)'"))
        for role in ("stored_scs", "stored_sjis"):
            conn.ask(query(f"create role {role} login superuser"))
        conn.ask(query("alter role stored_scs set standard_conforming_strings = off"))
        conn.ask(query("alter role stored_sjis set client_encoding = 'SJIS'"))
    yield postgres.port


@pytest.fixture(scope="module")
def moat(postgres, canary, tmp_path_factory):
    pack = tmp_path_factory.mktemp("smuggling") / "t.toml"
    pack.write_text(RULES, encoding="utf-8")
    with Pgmoat(postgres.port, protocol={"function_call": "allow"},
                policy={"packs": [], "paths": [str(pack)]}) as moat:
        yield moat.port


def caught(port):
    with Conn(port) as conn:
        return int(conn.value("select count(*) from caught"))


def attack(port, canary, setup, style, sql, user="postgres"):
    """How often the canary ran."""
    before = caught(canary)
    with Conn(port, user=user) as conn:
        for message in setup:
            conn.ask(message)
        conn.send(messages(style, sql) + (b"" if style == "simple" else SYNC))
        conn.until("Z", timeout=5)
        conn.send(query("commit"))
        conn.until("Z", timeout=5)
    return caught(canary) - before


def pipelined(port, canary, name, value, sql):
    """The change and the attack in one write, before the server has said a word."""
    before = caught(canary)
    with Conn(port) as conn:
        change = parse("", f"set {name} = '{value}'") + bind() + execute()
        conn.send(change + messages("extended", sql) + SYNC)
        conn.until("Z", timeout=5)
    return caught(canary) - before


def two_queries_at_once(port, canary, name, value, sql):
    before = caught(canary)
    with Conn(port) as conn:
        conn.send(query(f"set {name} = '{value}'") + messages("simple", sql))
        conn.until("Z", timeout=5, count=2)
    return caught(canary) - before


COMBINATIONS = list(itertools.product(WAYS, ("simple", "extended"), SETTINGS))


@pytest.mark.parametrize("way, style, setting", COMBINATIONS,
                         ids=[f"{w.__name__}-{s}-{k}" for w, s, k in COMBINATIONS])
def test_nothing_hidden_runs(moat, canary, way, style, setting):
    name, value, sql = SETTINGS[setting]
    assert attack(moat, canary, way(name, value), style, sql) == 0


@pytest.mark.parametrize("setting", SETTINGS)
def test_nothing_pipelined_runs(moat, canary, setting):
    assert pipelined(moat, canary, *SETTINGS[setting]) == 0
    assert two_queries_at_once(moat, canary, *SETTINGS[setting]) == 0


@pytest.mark.parametrize("setting", SETTINGS)
def test_directly_each_of_them_runs(canary, setting):
    name, value, sql = SETTINGS[setting]
    assert attack(canary, canary, by_set(name, value), "simple", sql) == 1
    assert attack(canary, canary, by_set_config(name, value), "extended", sql) == 1
    assert pipelined(canary, canary, name, value, sql) == 1


@pytest.mark.parametrize("way", WAYS, ids=[w.__name__ for w in WAYS])
def test_directly_each_way_works(canary, way):
    name, value, sql = SETTINGS["SJIS"]
    assert attack(canary, canary, way(name, value), "simple", sql) == 1


@pytest.mark.parametrize("style", ["simple", "extended"])
@pytest.mark.parametrize("user, setting", [("stored_scs", "scs"), ("stored_sjis", "SJIS"),
                                           ("stored_sjis", "SJIS as UTF-8")])
def test_a_stored_default_is_known(moat, canary, user, setting, style):
    """Known from the login's ParameterStatus; RESET and DISCARD lead back to it."""
    sql = SETTINGS[setting][2]
    assert attack(canary, canary, [], style, sql, user=user) == 1
    assert attack(moat, canary, [], style, sql, user=user) == 0
    name = SETTINGS[setting][0]
    good = "on" if name.startswith("standard") else "UTF8"
    for back in (f"reset {name}", "reset all", "discard all", f"set {name} to default"):
        setup = [query(f"set {name} = '{good}'"), query(back)]
        assert attack(moat, canary, setup, style, sql, user=user) == 0, back
        before = caught(canary)
        with Conn(moat, user=user) as conn:
            conn.ask(query(f"set {name} = '{good}'"))
            if style == "simple":
                conn.send(query(back) + messages("simple", sql))
                conn.until("Z", timeout=5, count=2)
            elif not back.startswith("discard"):
                conn.send(parse("", back) + bind() + execute() + messages("extended", sql) + SYNC)
                conn.until("Z", timeout=5)
        assert caught(canary) == before, f"{back}, pipelined"


@pytest.mark.parametrize("parameter", [("client_encoding", "SJIS"), ("standard_conforming_strings", "off"),
                                       ("options", "-c standard_conforming_strings=off"),
                                       ("options", "-c client_encoding=SJIS"), ("options", "-cclient_encoding=big5")])
def test_at_startup_it_is_refused(moat, parameter):
    with Conn(moat, first=startup([("user", "postgres"), ("database", "postgres"), parameter])) as conn:
        replies = said(conn.at_end())
        assert "42501" in replies or "FATAL" in replies, replies


def test_what_is_readable_is_not_refused(moat):
    """Backslashes and other scripts in honest statements, pipelined after something that could have changed
    how they are read."""
    with Conn(moat) as conn:
        honest = ["select 'C:\\temp'", "select 'été'", "select E'it\\'s'", "select 'élan vital', 'naïve'"]
        conn.send(b"".join(parse("", "select now()") + bind() + execute() + parse("", sql) + bind() + execute()
                           for sql in honest) + SYNC)
        assert "E" not in [reply[0] for reply in conn.until("Z")]
