"""What src/sql believes of PostgreSQL's lexer and client encodings, asked of a real server.

tests/sql reads the same files: what stands in commented.sql0 must be taken here and, blanked, by
libpg_query there; what stands in refused.sql0 must be refused by both. The maps in corpus/sql/encoding
say which two-byte characters the server takes: one bit each, by lead and trail byte.
"""
import os

import pytest

from pg import ROOT
from wire import Conn, query, said

SQL = os.path.join(ROOT, "corpus", "sql")
ENCODINGS = ["SJIS", "SHIFT_JIS_2004", "BIG5", "GBK", "UHC", "JOHAB", "GB18030"]
HIT = b"$$hit$$"


@pytest.fixture(scope="module")
def conn(postgres):
    yield Conn(postgres.port)


def texts(name):
    with open(os.path.join(SQL, name), "rb") as file:
        return file.read().split(b"\0")


def ask(conn, text):
    conn.send(query(text))
    return said(conn.until())


def test_comments_are_taken_where_the_gate_blanks_them(conn):
    for text in texts("lexer/commented.sql0"):
        assert " E" not in " " + ask(conn, text), text


def test_what_the_gate_must_not_make_readable_is_refused(conn):
    for text in texts("lexer/refused.sql0"):
        assert ask(conn, text).startswith("E42601"), text


@pytest.mark.parametrize("text, rows", [
    (b"select 'x\\'' as c; -- '", ["x'"]),
    (b"select '\\'' || $$hit$$ --'", ["'hit"]),
    (b"select 'a\\\\', 'b'", ["a\\", "b"]),
    (b"select 'a\\'\n'b' as c --", None),
    (b"select 'a\\', 'b' , 'c'", None),
    (b"select U&'\\0041'", None),
])
def test_backslashes_without_conforming_strings(conn, text, rows):
    ask(conn, b"set standard_conforming_strings = off")
    answer = ask(conn, text)
    ask(conn, b"set standard_conforming_strings = on")
    assert ("E42601" in answer or "E0A000" in answer) if rows is None else "D:" + "|".join(rows) in answer


SMUGGLED = {"SJIS": b"\x95", "SHIFT_JIS_2004": b"\x95", "BIG5": b"\xa5", "GBK": b"\x95", "GB18030": b"\x95"}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_trail_byte_hides_no_statement_from_the_server(conn, encoding):
    """The texts of tests/sql/readings_test.cc: what a reader of UTF-8 or LATIN1 takes for one constant."""
    ask(conn, f"set client_encoding = {encoding}".encode())
    for lead in [SMUGGLED[encoding]] if encoding in SMUGGLED else [b"\x81", b"\xd9"]:
        answer = ask(conn, b"select E'" + lead + b"\\'; select " + HIT + b" --'")
        assert ("D:hit" in answer) == (encoding in SMUGGLED), answer
    ask(conn, b"set client_encoding = UTF8")


@pytest.mark.parametrize("pair, becomes", [(b"\x81\x5f", "92"), (b"\x81\xb0", "126")])
def test_the_characters_that_become_ascii(conn, pair, becomes):
    ask(conn, b"set client_encoding = SHIFT_JIS_2004")
    answer = ask(conn, b"select ascii('" + pair + b"')")
    ask(conn, b"set client_encoding = UTF8")
    assert f"D:{becomes} " in answer


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_two_byte_characters(conn, encoding):
    ask(conn, b"""create or replace function pg_temp.takes(bytes bytea, encoding text) returns boolean
                  language plpgsql as $$ begin perform convert_from(bytes, encoding); return true;
                  exception when others then return false; end $$""")
    answer = ask(conn, f"""select string_agg(pg_temp.takes(set_byte(set_byte('\\x0000', 0, lead), 1, trail),
        '{encoding}')::int::text, '' order by lead, trail)
        from generate_series(128, 255) lead, generate_series(1, 255) trail""".encode())
    bits = answer[answer.index("D:") + 2:].split(" ")[0]
    assert len(bits) == 128 * 255
    packed = int(bits, 2).to_bytes(128 * 255 // 8, "big")
    with open(os.path.join(SQL, "encoding", encoding), "rb") as file:
        assert file.read() == packed
