#!/usr/bin/python3
"""record_sessions.py FOLDER: records conversations that ordinary programs seldom have.

Each function below is one session with a private PostgreSQL, without pgmoat; both directions are
written as FOLDER/wire.NAME.c2s.bin and .s2c.bin. The tests read the stored files, not this program.
"""
import os
import struct
import sys

from pg import Postgres
from wire import (COPY_DONE, FLUSH, SYNC, TERMINATE, Conn, bind, close, copy_data, copy_fail, describe,
                  execute, function_call, parse, query, row)

DATA = copy_data(b"1\tone\n2\ttwo\n")


class Recorder(Conn):
    """A connection that remembers every byte."""

    def __init__(self, *arguments, **options):
        self.sent, self.received = b"", b""
        super().__init__(*arguments, **options)

    def send(self, *messages):
        self.sent += b"".join(messages)
        super().send(*messages)

    def receive(self, timeout):
        before = len(self.buffer)
        more = super().receive(timeout)
        self.received += bytes(self.buffer[before:])
        return more


def start(text, name=""):
    return parse(name, text) + bind("", name) + execute()


def copy_extended(conn):
    conn.send(start("COPY t FROM STDIN"), SYNC)  # the usual driver's way: Sync before the data
    conn.until("G")
    conn.ask(DATA, FLUSH, SYNC, DATA, COPY_DONE, SYNC)
    conn.send(start("COPY t FROM STDIN"), FLUSH)
    conn.until("G")
    conn.ask(DATA, COPY_DONE, SYNC)
    conn.ask(start("COPY t TO STDOUT"), SYNC)
    conn.ask(start("SELECT 'copy stdin'", "s"), describe("S", "s"), close("S", "s"), SYNC)


def copy_extended_failed(conn):
    conn.send(start("COPY t FROM STDIN"), SYNC)
    conn.until("G")
    conn.send(copy_data(b"no number\tone\n"), FLUSH)
    conn.send(copy_data(b"1" * 70000 + b"\n"))
    conn.until("E")
    conn.ask(DATA, COPY_DONE, SYNC)
    conn.send(start("COPY t FROM STDIN"), SYNC)
    conn.until("G")
    conn.ask(copy_fail("enough"), SYNC)


def copy_simple(conn):
    conn.send(query("COPY t FROM STDIN; COPY t FROM STDIN; SELECT 1"))
    conn.until("G")
    conn.send(DATA, COPY_DONE)
    conn.until("G")
    conn.ask(FLUSH, SYNC, DATA, COPY_DONE)
    conn.send(query("COPY t FROM STDIN"))
    conn.until("G")
    conn.send(copy_data(b"no number\tone\n" + b"1" * 70000 + b"\n"))
    conn.until("Z")
    conn.send(DATA, COPY_DONE)
    conn.ask(query("SELECT 1"))


def skipped(conn):
    conn.send(parse("", "SELEC"), FLUSH)
    conn.until("E")
    conn.ask(start("SELECT 1"), query("SELECT 2"), SYNC)
    conn.send(query("BEGIN"))
    conn.until("Z")
    conn.send(start("SELECT 1/0"), FLUSH)
    conn.until("E")
    conn.ask(SYNC)
    conn.ask(start("SELECT 1"), SYNC, query("ROLLBACK"), count=2)


def pipelined(conn):
    conn.ask(start("SELECT 1", "a"), start("SELECT 1/0", "b"), start("SELECT 2"), SYNC,
             bind("p", "a"), describe("P", "p"), execute("p"), close("P", "p"), SYNC, SYNC, count=3)
    conn.ask(parse("c", "SELECT generate_series(1, 5)"), bind("", "c"), execute("", 2), execute("", 2), SYNC)


def large_object(conn):
    conn.send(query("BEGIN"), function_call(957, [struct.pack("!i", -1)], [1]))
    oid = [body[4:] for tag, body in conn.until("Z", count=2) if tag == "V"][0]
    conn.ask(function_call(952, [oid, struct.pack("!i", 0x60000)], [1]))
    conn.ask(function_call(955, [struct.pack("!i", 0), b"some bytes"], [1]))
    conn.ask(function_call(952, [struct.pack("!i", 1), struct.pack("!i", 0x60000)], [1]))
    conn.ask(query("COMMIT"))


def notified(conn):
    conn.ask(query("LISTEN news; SET application_name = 'x'; DO $$ BEGIN RAISE NOTICE 'hear'; END $$"))
    conn.ask(query("NOTIFY news, 'good'"))
    conn.ask(query(""), start(""), SYNC, count=2)


def terminated(conn):
    conn.send(query("SELECT pg_terminate_backend(pg_backend_pid())"))
    conn.at_end()


def streamed(conn):
    conn.send(query("IDENTIFY_SYSTEM"))
    start_at = [row(body) for tag, body in conn.until("Z") if tag == "D"][0].split("|")[2]
    conn.send(query(f"START_REPLICATION PHYSICAL {start_at} TIMELINE 1"))
    conn.until("W")
    conn.send(copy_data(b"r" + bytes(24) + struct.pack("!QB", 1, 1)))
    conn.until("d")
    conn.ask(COPY_DONE)


def scram(_):
    """The login is all there is to it."""


SESSIONS = {copy_extended: {}, copy_extended_failed: {}, copy_simple: {}, skipped: {}, pipelined: {},
            large_object: {}, notified: {}, terminated: {}, streamed: {"params": [("replication", "true")]},
            scram: {"user": "scram", "secret": "swordfish"}}


def main(folder):
    server = Postgres().start()
    try:
        with Conn(server.port) as conn:
            conn.ask(query("CREATE TABLE t (id int, name text)"))
            conn.ask(query("CREATE ROLE scram LOGIN PASSWORD 'swordfish'"))
        for session, options in SESSIONS.items():
            with Recorder(server.port, **options) as conn:
                session(conn)
                conn.send(TERMINATE)
                conn.at_end()
            name = os.path.join(folder, f"wire.{session.__name__}")
            for suffix, content in (("c2s", conn.sent), ("s2c", conn.received)):
                with open(f"{name}.{suffix}.bin", "wb") as file:
                    file.write(content)
            print(name, len(conn.sent), len(conn.received))
    finally:
        server.stop()


if __name__ == "__main__":
    main(sys.argv[1])
