"""Random client scripts, some of whose messages pgmoat must refuse, and what PostgreSQL itself is to
be told in the place of each.

A message is refused because it contains a veto: a word of its own, so that an answer shows *which*
refusal it is. Its substitute is a message that PostgreSQL refuses while parsing, and quotes the
same word. Thus the two conversations must be equal message by message, and whatever the refused
messages would have written (values over 1000) may never be found in a table.

Scripts use the tables t(i int, s text) and d(i int, unique at commit) of their user's own schema.
"""
import dataclasses
import random
import struct

from wire import (COPY_DONE, FLUSH, SYNC, TERMINATE, bind, close, copy_data, copy_fail, describe,
                  execute, function_call, parse, query)

VETOES = [f"veto{n:02}" for n in range(40)]
ELSEWHERE = "refusal_oracle"  # a statement name that no script uses
LENGTH, LO_CREATE, LOWRITE = 1317, 715, 955  # length(text); the last two are permitted by default
REFUSED_VALUE = 1000

STATEMENTS = [
    "select 1", "select i, s from t order by i, s", "insert into t values (%d)", "insert into t values (%d)",
    "insert into d values (%d)", "update t set s = 'u' where i = %d", "select 1/0", "bad sql", "begin",
    "begin", "commit", "rollback", "savepoint s", "rollback to s", "release s", "", " ; ",
    "select generate_series(1, 4)", "insert into nowhere values (%d)", "set constraints all immediate",
    "declare c cursor for select generate_series(1, 5)", "fetch 2 from c", "close c", "deallocate a",
    "prepare a as select 2", "execute a", "copy t to stdout", "deallocate all", "commit and chain"]
SEVERAL = [
    "select 1; insert into t values (%d); select 2", "insert into t values (%d); select 1/0",
    "insert into t values (%d); bad", "begin; insert into t values (%d); commit",
    "begin; insert into t values (%d)", "insert into t values (%d); commit", "select 1;; select 2",
    "insert into d values (7); insert into d values (7); select 1", "begin; select 1/0; commit",
    "insert into t values (%d); rollback; insert into t values (8)", "savepoint s; select 1"]
COPIES = [
    "copy t from stdin", "copy t from stdin", "copy nowhere from stdin", "copy t from stdin; select 1",
    "select 1; copy t from stdin; copy t from stdin", "copy t from stdin; select 1/0",
    "begin; copy t from stdin", "copy d from stdin", "COPY t (i) FROM STDIN; copy t from stdin; bad",
    "insert into t values (3); copy t from stdin; copy nowhere from stdin",
    "copy t from stdin; copy t to stdout; copy t(s, i) from stdin"]
ROWS = [b"1\tx\n", b"2\ty\n", b"3\tx\n4\tx\n", b"9\tha", b"lf\n", b"7\n", b"bad\tx\n", b"", b"5\tx\n"]


@dataclasses.dataclass(frozen=True)
class Step:
    """A message; or, with `cancel`, the moment at which the sleeping statement is cancelled."""
    says: bytes = b""
    instead: bytes = b""  # empty: the message is allowed
    cancel: bool = False

    def direct(self):
        return self.instead or self.says


@dataclasses.dataclass
class Script:
    number: int
    steps: list
    functions_refused: bool
    function_vetoes: set = dataclasses.field(default_factory=set)
    ending: str = ""        # "": the session is used again; half, cut, terminate, gone
    cut: int = 0            # bytes of the last message that are still sent, where it is "cut"
    race: bool = False      # a cancel races with a short statement beforehand


# Whatever a script left behind: a COPY, a segment, a transaction, names. Then a row that ends it.
RESET = [Step(copy_fail("end")), Step(SYNC), Step(copy_fail("end")), Step(SYNC), Step(query("rollback"))]
TAIL = RESET + [Step(query("deallocate all")), Step(query("close all")), Step(query("select 'sentinel'"))]


class Author:
    """Writes one script. Each `unit_*` adds a few messages that belong together."""

    def __init__(self, number):
        self.chance = random.Random(f"script {number}")
        self.vetoes = list(VETOES)
        self.script = Script(number, [], functions_refused=self.likely(0.6))
        self.large_object = 10**6 + number % 10**8 * 20  # sessions that run at once share a database

    def likely(self, probability):
        return self.chance.random() < probability

    def pick(self, *options):
        return self.chance.choice(options)

    def say(self, *messages):
        self.script.steps += [Step(message) for message in messages]

    def veto(self, probability):
        """A fresh word when this message is to be refused, else nothing."""
        return self.vetoes.pop(0) if self.vetoes and self.likely(probability) else ""

    def filled(self, sql, veto):
        number = self.chance.randint(1, 9) + (REFUSED_VALUE if veto else 0)
        return (sql % number if "%d" in sql else sql) + (f" /* {veto} */" if veto else "")

    # Messages, refused with a probability

    def query(self, sql, refuse=0.0):
        veto = self.veto(refuse)
        self.script.steps.append(Step(query(self.filled(sql, veto)), query(veto) if veto else b""))

    def parse(self, name, sql, refuse=0.0):
        veto = self.veto(refuse)
        if veto and self.likely(0.15):
            name, text = veto, self.filled(sql, "")
        else:
            text = self.filled(sql, veto)
        self.script.steps.append(Step(parse(name, text), parse(name, veto) if veto else b""))

    def refuse_elsewhere(self, message, veto):
        self.script.steps.append(Step(message, parse(ELSEWHERE, veto)))

    def bind(self, portal, name, params=(), refuse=0.0):
        veto = self.veto(refuse)
        if not veto:
            self.say(bind(portal, name, params))
            return
        place = self.pick("parameter", "parameter", "statement", "portal")
        if place == "parameter":
            params = [b"1007", veto.encode()] if params else [b"a " + veto.upper().encode()]
        self.refuse_elsewhere(bind(veto if place == "portal" else portal,
                                   veto if place == "statement" else name, params), veto)

    def describe(self, kind, name, refuse=0.0):
        veto = self.veto(refuse)
        if veto:
            self.refuse_elsewhere(describe(kind, veto), veto)
        else:
            self.say(describe(kind, name))

    def execute(self, portal, rows=0, refuse=0.0):
        veto = self.veto(refuse)
        if veto:
            self.refuse_elsewhere(execute(veto, rows), veto)
        else:
            self.say(execute(portal, rows))

    def call(self):
        """In one script all function calls are refused, or none is: in a failed transaction
        PostgreSQL's answers to both are the same."""
        self.large_object += 1
        if self.script.functions_refused:
            if self.vetoes and self.likely(0.4):
                veto = self.veto(1)
                self.script.function_vetoes.add(veto)
                message = function_call(LOWRITE, [struct.pack("!i", 0), veto.encode()], [1], 1)
            else:
                message = function_call(self.pick(LENGTH, LENGTH, 999999), [b"four"])
            self.script.steps.append(Step(message, function_call(0)))
        else:
            self.say(function_call(LO_CREATE, [struct.pack("!I", self.large_object)], [1], 1))

    def copy_end(self):
        self.say(self.pick(COPY_DONE, COPY_DONE, COPY_DONE, copy_fail("changed my mind")))

    def copy_rows(self, most=3):
        """No Sync once there was data: whether the server still is in COPY then, nobody can tell."""
        if self.likely(0.1):
            self.say(SYNC)
        for _ in range(self.chance.randint(0, most)):
            veto = self.veto(0.1)
            if veto:
                row = b"1009\t" + veto.encode() + b"\n"
                self.script.steps.append(Step(copy_data(row), copy_fail(veto)))
            else:
                self.say(copy_data(self.chance.choice(ROWS)))
            if self.likely(0.1):
                self.say(FLUSH)

    # Units

    def unit_query(self):
        self.query(self.chance.choice(STATEMENTS + SEVERAL), 0.25)

    def unit_segment(self):
        for _ in range(self.chance.randint(1, 3)):
            self.one_statement()
            if self.likely(0.06):
                self.call()
            if self.likely(0.06):
                self.unit_query()
        if self.likely(0.85):
            self.say(SYNC)

    def one_statement(self):
        name, portal = self.pick("", "", "a", "b"), self.pick("", "", "p")
        if self.likely(0.1):
            name = "pgmoat"
        if name and self.likely(0.7):
            self.say(close("S", name))
        params = [b"6", b"x"] if self.likely(0.2) else []
        if self.likely(0.9):
            sql = "insert into t values ($1::int, $2)" if params else self.chance.choice(STATEMENTS)
            self.parse(name, sql, 0.18)
        if self.likely(0.3):
            self.describe("S", name, 0.12)
        self.bind(portal, name, params, 0.08)
        if self.likely(0.3):
            self.describe("P", portal, 0.12)
        self.execute(portal, self.pick(0, 0, 2), 0.08)
        if self.likely(0.15):
            self.execute(portal, self.pick(0, 1), 0.1)
        if self.likely(0.2):
            self.say(FLUSH)
        if self.likely(0.12):
            self.say(close("P", portal))

    def unit_call(self):
        self.call()

    def unit_copy(self):
        self.query(self.chance.choice(COPIES), 0.2)
        for _ in range(self.pick(0, 1, 1, 1, 2, 3)):
            self.copy_rows()
            self.copy_end()
        if self.likely(0.2):
            self.say(copy_data(b"6\tlate\n"))
        if self.likely(0.1):
            self.copy_end()

    def unit_copy_extended(self):
        """Also libpq's habit: Sync behind Execute, though the server is going to swallow it."""
        name = self.pick("", "", "k", "a")
        if name and self.likely(0.5):
            self.say(close("S", name))
        if name != "k" or self.likely(0.8):
            table = self.pick("t", "t", "nowhere")
            self.parse(name, f"copy {table} from stdin", 0.15)
        self.bind("", name, (), 0.08)
        if self.likely(0.2):
            self.describe("P", "", 0.1)
        self.execute("", 0, 0.1)
        if self.likely(0.5):
            self.say(self.pick(SYNC, SYNC, FLUSH))
        self.copy_rows()
        self.copy_end()
        if self.likely(0.1):
            self.say(copy_data(b"6\tlate\n"))
        self.say(SYNC)

    def unit_copy_by_execute(self):
        """EXECUTE runs what Parse has prepared, a COPY too."""
        if self.likely(0.7):
            self.say(close("S", "k"))
        self.parse("k", "copy t from stdin", 0.1)
        self.say(SYNC)
        self.query(self.pick("execute k", "EXECUTE k", "select 1; execute k; execute k"), 0.2)
        self.copy_rows()
        self.copy_end()

    def unit_reuse(self):
        """A refused Parse leaves the older statement of its name; of the unnamed one, nothing."""
        name = self.pick("a", "a", "b", "")
        if name:
            self.say(close("S", name))
        self.parse(name, "insert into t values (%d)")
        if self.likely(0.5):
            self.say(SYNC)
        if self.likely(0.3):
            self.call()
        elif self.likely(0.5):
            self.bind("", name, (), 0.6)
        else:
            self.parse(name, self.chance.choice(STATEMENTS), 0.8)
        self.say(SYNC)
        self.bind("", name)
        self.execute("", 0, 0.1)
        self.say(SYNC)

    def unit_cursor(self):
        self.query("begin")
        self.parse("", "select generate_series(1, 6)", 0.1)
        self.bind("p", "", (), 0.1)
        for _ in range(self.chance.randint(1, 3)):
            self.execute("p", self.pick(1, 2, 4, 0), 0.15)
            if self.likely(0.3):
                self.say(self.pick(FLUSH, SYNC))
        self.say(SYNC)
        self.query("declare c cursor for select generate_series(1, 5)", 0.1)
        self.execute("c", 2, 0.1)
        self.say(SYNC)
        self.query("fetch 1 from c", 0.1)
        if self.likely(0.7):
            self.query(self.pick("commit", "rollback"), 0.1)

    def unit_savepoint(self):
        self.query("begin")
        self.query("insert into t values (%d)")
        self.query("savepoint s")
        if self.likely(0.5):
            self.query("insert into t values (%d)", 0.7)
        else:
            self.parse("", "insert into t values (%d)", 0.5)
            self.bind("", "", (), 0.2)
            self.execute("", 0, 0.2)
            self.say(SYNC)
        if self.likely(0.3):
            self.call()
        if self.likely(0.7):
            self.query("rollback to savepoint s", 0.05)
        self.query("insert into t values (%d)", 0.1)
        self.query("commit", 0.1)

    def unit_deferred(self):
        """A constraint that fails when Sync commits."""
        for _ in range(2):
            self.parse("", "insert into d values (4)", 0.1)
            self.bind("", "", (), 0.05)
            self.execute("", 0, 0.05)
        self.say(SYNC)
        self.unit_query()

    def unit_cancel(self):
        """PostgreSQL may be signalled twice for one request, so what is sent behind the sleeping
        statement is only what cannot be interrupted: what is skipped, or fails before it runs."""
        self.script.steps += RESET
        kind = self.pick("query", "transaction", "several", "extended")
        if kind == "transaction":
            self.say(query("begin"), query("insert into t values (5)"))
        if kind == "extended":
            self.say(parse("sleep", "select pg_sleep(60)"), bind("", "sleep"), execute(), close("S", "sleep"))
        elif kind == "several":
            self.say(query("insert into t values (5); select pg_sleep(60); insert into t values (6)"))
        else:
            self.say(query("select pg_sleep(60)"))
        for _ in range(self.chance.randint(0, 2)):
            if kind == "extended":
                self.one_statement()
            elif kind == "transaction":
                self.query(self.pick("select 1", "insert into t values (%d)", "select 1; select 2"), 0.5)
            else:
                self.query("insert into t values (%d)", 1)
        self.script.steps.append(Step(cancel=True))

    def unit_out_of_copy(self):
        """What ends the connection: any other message in COPY (F11)."""
        self.query("copy t from stdin")
        self.copy_rows(1)
        self.unit_query()

    UNITS = [(unit_query, 22), (unit_segment, 38), (unit_call, 6), (unit_copy, 14), (unit_copy_extended, 13),
             (unit_copy_by_execute, 2),
             (unit_reuse, 6), (unit_cursor, 5), (unit_savepoint, 6), (unit_deferred, 3), (unit_cancel, 1.5),
             (unit_out_of_copy, 0.6)]

    def write(self):
        units, weights = zip(*self.UNITS)
        for unit in self.chance.choices(units, weights, k=self.chance.randint(1, 6)):
            unit(self)
        self.choose_ending()
        return self.script

    def choose_ending(self):
        script = self.script
        script.race = self.likely(0.03)
        if not self.likely(0.1) or any(step.cancel for step in script.steps):
            return
        script.ending = self.pick("half", "cut", "terminate", "gone")
        del script.steps[self.chance.randint(1, len(script.steps)):]
        last = script.steps[-1]
        # PostgreSQL keeps to itself what nobody asked it to flush when its client leaves; pgmoat may
        # have asked. So everything is flushed first.
        if script.ending == "half":
            script.steps.append(Step(FLUSH))
        elif script.ending == "terminate":
            script.steps += [Step(FLUSH), Step(TERMINATE)]
        elif script.ending == "cut":
            script.steps.insert(-1, Step(FLUSH))
            script.cut = self.chance.randint(1, min(len(last.says), len(last.direct())) - 1)


def script(number):
    return Author(number).write()


def written(step):
    """One step, for a person."""
    if step.cancel:
        return "-- cancel"
    text = f"{chr(step.says[0])} {step.says[5:60]!r}"
    return f"{text}  refused" if step.instead else text
