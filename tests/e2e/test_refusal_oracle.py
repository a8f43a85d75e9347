"""Refusal, judged by PostgreSQL: random scripts through pgmoat and, beside them, the same scripts said
to PostgreSQL directly with a raw-parse error in the place of each message that is to be refused.

Every message that the client sees must be the same byte for byte, but for the refusals, which must
be ours exactly where PostgreSQL reported the substitute; so must the tables be afterwards. In
monitor mode the comparison is with the unchanged script. A script also runs in four chunkings,
since what happens may not depend on how bytes arrive. A mismatch is printed with its seed, made
smaller first: PGMOAT_ORACLE_SEED=n PGMOAT_ORACLE_SCRIPTS=1 repeats it.
"""
import collections
import contextlib
import dataclasses
import multiprocessing
import os
import random
import re
import socket
import struct
import time
import traceback

from pg import Pgmoat, SHORT, wait_until
from refusal_scripts import REFUSED_VALUE, TAIL, VETOES, script as write_script, written
from wire import Conn, cancel_request, fields, frame, query, said, z

WORKERS = 8
SCRIPTS = int(os.environ.get("PGMOAT_ORACLE_SCRIPTS", "100" if SHORT else "600"))
SEED = int(os.environ.get("PGMOAT_ORACLE_SEED", "1"))
CHUNKINGS = ["whole", "bytes", "pieces", "paced"]
ENDING = frame("D", struct.pack("!Hi", 1, 8) + b"sentinel") + frame("C", z("SELECT 1")) + frame("Z", b"I")
PATIENCE = 15.0
STRAY = "COPY data where no COPY is in progress"  # what a script without its COPY is rightly told
OURS = {"S": "ERROR", "V": "ERROR", "C": "42501", "M": "statement refused by pgmoat",
        "H": "The words are in [refuse] of pgmoat's configuration."}
RULE = re.compile(r'Rule "words\.(veto\d\d)" refuses text that contains this word\.')
SUBSTITUTE = re.compile(r'(?:syntax error at or near "(veto\d\d)"|COPY from stdin failed: (veto\d\d))')


class Session:
    """One connection, used by script after script until one of them ends it."""

    def __init__(self, port, user, database, name, observer):
        self.port, self.user, self.database, self.name = port, user, database, name
        self.observer = observer
        self.open = None

    def conn(self):
        if self.open is None:
            self.open = Conn(self.port, self.user, self.database, [("application_name", self.name)])
        return self.open

    def backends(self, condition="true"):
        return self.observer.value(
            f"select count(*) from pg_stat_activity where usename = '{self.user}' and"
            f" datname = '{self.database}' and application_name = '{self.name}' and {condition}")

    def cancel(self):
        with Conn(self.port, first=cancel_request(self.open.pid, self.open.key)) as request:
            request.at_end()

    def race(self, chance):
        """A cancel that comes before, during or after a short statement; what it was answered."""
        conn = self.conn()
        conn.send(query("select pg_sleep(0.01)"))
        time.sleep(chance.random() * 0.02)
        self.cancel()
        return said(conn.until("Z"))

    def cancel_sleep(self):
        if self.sleeps_or_ended(1):
            self.cancel()
            self.sleeps_or_ended(0)

    def sleeps_or_ended(self, count):
        """Waits for the sleeping statement to run, or not to; False when the session has ended before."""
        def reached():
            self.open.receive(0)
            return self.open.ended or self.backends("wait_event = 'PgSleep'") == str(count)
        if not wait_until(reached, PATIENCE, 0.003):
            raise TimeoutError(f"{self.name}: sleeping statements are not {count} after:"
                               f" {said(split(self.open.buffer))}")
        return not self.open.ended

    def say(self, data, chunking, chance):
        conn = self.open
        if chunking == "bytes":
            for byte in range(len(data)):
                conn.send(data[byte:byte + 1])
        elif chunking == "pieces":
            at = 0
            while at < len(data):
                size = chance.choice([1, 2, 4, 5, 6, 20, 60, 200])
                conn.send(data[at:at + size])
                at += size
                if chance.random() < 0.1:
                    time.sleep(0.0003)
        else:
            conn.send(data)

    def run(self, script, chunking="whole", direct=False):
        """Says the script; every reply. `direct`: with what stands in place of the refused messages."""
        self.conn()
        chance = random.Random(f"{script.number} {chunking}")
        steps = script.steps + ([] if script.ending else TAIL)
        held = []
        for at, step in enumerate(steps):
            if step.cancel:
                self.say(b"".join(held), chunking, chance)
                held = []
                self.cancel_sleep()
                continue
            message = step.direct() if direct else step.says
            if script.cut and at == len(steps) - 1:
                message = message[:script.cut]
            held.append(message)
            if chunking == "paced":
                self.say(held.pop(), chunking, chance)
                if chance.random() < 0.5:
                    self.open.receive(chance.random() * 0.003)
        self.say(b"".join(held), chunking, chance)
        return self.finish(script.ending)

    def finish(self, ending):
        conn = self.open
        if ending == "gone":
            self.leave()
            return []
        if ending in ("half", "cut"):
            with contextlib.suppress(OSError):  # the server may have ended it already
                conn.sock.shutdown(socket.SHUT_WR)
        until = time.monotonic() + PATIENCE
        while not conn.ended and (ending or not conn.buffer.endswith(ENDING)) and time.monotonic() < until:
            conn.receive(PATIENCE)
        replies = split(conn.buffer)
        if not conn.ended and not ending and conn.buffer.endswith(ENDING):
            conn.buffer.clear()
            return replies
        replies.append(("EOF", b"") if conn.ended else ("nothing more", b""))
        try:
            self.leave()
        except TimeoutError as error:
            raise TimeoutError(f"{error} after: {said(replies)}") from None
        return replies

    def leave(self):
        """Closes; what the server was doing for this session is done when this returns."""
        if self.open is not None:
            self.open.close()
        self.open = None
        if not wait_until(lambda: self.backends() == "0", PATIENCE, 0.003):
            raise TimeoutError(f"{self.name}: the server's session does not end")


def split(buffer):
    replies, at = [], 0
    while at + 5 <= len(buffer):
        size = struct.unpack_from("!I", buffer, at + 1)[0] + 1
        replies.append((chr(buffer[at]), bytes(buffer[at + 5:at + size])))
        at += size
    return replies + [("cut off", bytes(buffer[at:]))] * (at < len(buffer))


def refusal_seen(reply, script):
    """An enforcing pgmoat's reply; its refusals named by the word of the message that was refused."""
    error = fields(reply[1]) if reply[0] == "E" else {}
    if error.get("M") == "function call by OID is not permitted" and error["C"] == "42501":
        return ("refused", "function")
    rule = RULE.fullmatch(error.get("D", ""))
    if rule is None or {**OURS, "D": error["D"]} != error:
        return reply
    return ("refused", "function" if rule[1] in script.function_vetoes else rule[1])


def substitute_seen(reply, script):
    """PostgreSQL's reply; its answers to substitutes named likewise."""
    if reply[0] != "E":
        return reply
    error = fields(reply[1])
    word = SUBSTITUTE.fullmatch(error["M"])
    if word:
        return ("refused", word[1] or word[2])
    in_failed = error["C"] == "25P02" and error["R"] == "HandleFunctionRequest" and script.functions_refused
    refused = in_failed or error["M"] == "function with OID 0 does not exist"
    return ("refused", "function") if refused else reply


def without_line(reply):
    """Without the place in PostgreSQL's source."""
    return (reply[0], re.sub(rb"\0L\d+\0", b"\0", reply[1])) if reply[0] == "E" else reply


class Bench:
    """One worker's sessions: PostgreSQL directly, pgmoat enforcing, pgmoat monitoring."""

    def __init__(self, index, ports):
        self.user = f"w{index}"
        server, enforce, monitor = ports
        self.beside, self.behind = Conn(server, database="oracle"), Conn(server, database="moat")
        for observer in (self.beside, self.behind):
            observer.ask(query("set statement_timeout = '20s'"))
        self.direct = Session(server, self.user, "oracle", "direct", self.beside)
        self.enforce = Session(enforce, self.user, "moat", "enforce", self.behind)
        self.monitor = Session(monitor, self.user, "moat", "monitor", self.behind)
        self.counts = collections.Counter()
        self.mismatches = []

    def taken(self, observer):
        """What a script has left in tables and large objects, which are emptied."""
        user = self.user
        owned = f"(select oid from pg_largeobject_metadata where lomowner = '{user}'::regrole order by oid)"
        return observer.value(
            f"with t as (delete from {user}.t returning i, s), d as (delete from {user}.d returning i)"
            " select concat((select string_agg(i || ':' || s, ',' order by i, s) from t), '|',"
            f" (select string_agg(i::text, ',' order by i) from d), '|', array(select oid from {owned} o),"
            f" '|', (select count(lo_unlink(oid)) from {owned} o))")

    def difference(self, script, session, chunking, expected, left, seen):
        """None, or where this session's view or tables differ from the expected ones."""
        if script.race:
            answer = session.race(random.Random(f"race {script.number} {chunking}"))
            if not re.fullmatch(r"T D: C:SELECT 1 ZI|(T )?(D: )?E57014 ZI", answer):
                return f"the cancelled statement was answered: {answer}"
        got = [seen(reply, script) for reply in session.run(script, chunking)]
        tables = self.taken(self.behind)
        if session is self.enforce and re.search(rf"veto|\b{REFUSED_VALUE // 10}\d\b", tables):
            return f"a refused value is in the tables: {tables}"
        if script.ending == "gone":
            return None
        if script.ending == "cut":  # what is cut in the middle was let go by neither, but read by one
            got, expected = [[without_line(r) for r in replies] for replies in (got, expected)]
        if got != expected:
            return compared(got, expected)
        return None if tables == left else f"tables: {tables}\nexpected: {left}"

    def check(self, script, mode, chunking):
        enforcing = mode == "enforce"
        expected, left = [], ""
        if script.ending != "gone":
            expected = self.direct.run(script, direct=enforcing)
            left = self.taken(self.beside)
        if enforcing:
            expected = [substitute_seen(reply, script) for reply in expected]
            return self.difference(script, self.enforce, chunking, expected, left, refusal_seen)
        return self.difference(script, self.monitor, chunking, expected, left, lambda reply, _: reply)

    def one(self, number):
        script = write_script(number)
        self.counts.update({"scripts": 1, "messages": len(script.steps), "races": script.race,
                            "to be refused": sum(bool(s.instead) for s in script.steps),
                            "cancels": sum(s.cancel for s in script.steps),
                            f"ending '{script.ending}'": 1})
        for mode, chunking in [("enforce", c) for c in CHUNKINGS] + [("monitor", CHUNKINGS[number % 4])]:
            self.counts[mode] += 1
            what = self.check(script, mode, chunking)
            if what is not None and any(step.cancel for step in script.steps):
                # PostgreSQL signals a backend and its process group: the second SIGINT may hit the next
                # statement, with or without us. A mismatch of ours comes again.
                self.counts["cancelled twice over"] += 1
                what = self.check(script, mode, chunking)
            if what is not None:
                smaller, what = self.smaller(script, mode, chunking, what)
                steps = "\n".join(f"  {written(step)}" for step in smaller.steps)
                self.mismatches.append(
                    f"seed {number}, {mode}, {chunking}, ending '{script.ending}':\n{steps}\n{what}")

    def smaller(self, script, mode, chunking, what):
        """Leaves out what is not needed for the mismatch."""
        at, tries = 0, 0
        while at < len(script.steps) and tries < 150 and not any(s.cancel for s in script.steps):
            steps = script.steps[:at] + script.steps[at + 1:]
            trial = dataclasses.replace(script, steps=steps)
            tries += 1
            still = self.check(trial, mode, chunking) if steps and not script.cut else None
            if still is None or STRAY in still:
                at += 1
            else:
                script, what = trial, still
        return script, what


def compared(got, expected):
    at = next((i for i, (a, b) in enumerate(zip(got, expected)) if a != b), min(len(got), len(expected)))

    def shown(replies):
        return " ".join(f"[{r[1]} refused]" if r[0] == "refused" else said([r]) for r in replies)
    return f"reply {at} differs\n  got       {shown(got)}\n  expected  {shown(expected)}\n" \
           f"  got[{at}:]      {got[at:at + 2]}\n  expected[{at}:] {expected[at:at + 2]}"


def work(index, ports, numbers, pipe):
    bench = Bench(index, ports)
    try:
        for number in numbers:
            bench.one(number)
            if len(bench.mismatches) >= 3:
                break
    except Exception:  # the parent shows it
        bench.mismatches.append(f"seed {number}: {traceback.format_exc()}")
    pipe.send((bench.counts, bench.mismatches))


def prepare(server):
    """Two equal databases: the second is a copy, so that even the tables' OIDs are the same."""
    with Conn(server.port) as conn:
        conn.ask(query("create database oracle"))
        with Conn(server.port, database="oracle") as inside:
            for index in range(WORKERS):
                user = f"w{index}"
                inside.ask(query(f"create role {user} login; create schema authorization {user};"
                                 f"set role {user};"
                                 f"create table {user}.t(i int, s text not null default '');"
                                 f"create table {user}.d(i int unique deferrable initially deferred);"
                                 "reset role"))
        wait_until(lambda: conn.ask(query("create database moat template oracle")) == "C:CREATE DATABASE ZI")


def run_workers(ports):
    """The scripts, divided among processes; counts and mismatches together."""
    context = multiprocessing.get_context("fork")
    workers, counts, mismatches = [], collections.Counter(), []
    for index in range(WORKERS):
        here, there = context.Pipe()
        numbers = range(SEED + index, SEED + SCRIPTS, WORKERS)
        workers.append((context.Process(target=work, args=(index, ports, numbers, there)), here))
        workers[-1][0].start()
        there.close()
    for process, here in workers:
        try:
            some, bad = here.recv()
        except EOFError:
            some, bad = {}, [f"worker {process.pid} ended without a word"]
        counts.update(some)
        mismatches += bad
        process.join()
    return counts, mismatches


def test_scripts_are_answered_as_postgresql_would(postgres):
    prepare(postgres)
    print(f"PGMOAT_ORACLE_SEED={SEED} PGMOAT_ORACLE_SCRIPTS={SCRIPTS}")
    refuse = {"words": VETOES}
    with Pgmoat(postgres.port, refuse=refuse) as enforcing, \
            Pgmoat(postgres.port, mode="monitor", refuse=refuse) as monitoring:
        counts, mismatches = run_workers((postgres.port, enforcing.port, monitoring.port))
        print(dict(sorted(counts.items())))
        assert not mismatches, f"{len(mismatches)} mismatches\n" + "\n".join(mismatches)
        assert counts["scripts"] == SCRIPTS
        assert enforcing.events("protocol_fault") == []
        # Monitoring, a refusal by name is none, so data may follow what never was a COPY.
        assert {(e["side"], e["what"]) for e in monitoring.events("protocol_fault")} <= {("client", STRAY)}
        assert enforcing.events("turned_opaque") == monitoring.events("turned_opaque") == []
