"""The PostgreSQL wire protocol as the tests speak it: builders for every message, and Conn, a raw
client that says exactly the bytes it is told and reports exactly the messages that come back.

Nothing here is lenient or clever: a test must be able to send what no driver would send. Replies
are compared in a short notation (`said`), in which two servers that behave alike look alike.
"""
import base64
import hashlib
import hmac
import os
import re
import select
import socket
import ssl
import struct
import time

SSL_REQUEST = struct.pack("!II", 8, 80877103)
GSSENC_REQUEST = struct.pack("!II", 8, 80877104)
V3 = 3 << 16
EOF_REPLY = ("EOF", b"")


def z(text):
    return (text if isinstance(text, bytes) else text.encode()) + b"\0"


def frame(tag, body=b""):
    return tag.encode() + struct.pack("!I", len(body) + 4) + body


def raw_frame(tag, length, body=b""):
    """A frame whose length word is whatever we say."""
    return tag.encode() + struct.pack("!I", length & 0xFFFFFFFF) + body


def query(sql):
    return frame("Q", z(sql))


def parse(name, sql, types=()):
    return frame("P", z(name) + z(sql) + struct.pack("!H", len(types)) + b"".join(struct.pack("!I", t) for t in types))


def values(params):
    return b"".join(struct.pack("!i", -1) if p is None else struct.pack("!i", len(p)) + p for p in params)


def bind(portal="", statement="", params=(), formats=(), results=()):
    """params: bytes or None each."""
    return frame("B", z(portal) + z(statement)
                 + struct.pack("!H", len(formats)) + b"".join(struct.pack("!H", f) for f in formats)
                 + struct.pack("!H", len(params)) + values(params)
                 + struct.pack("!H", len(results)) + b"".join(struct.pack("!H", f) for f in results))


def execute(portal="", rows=0):
    return frame("E", z(portal) + struct.pack("!i", rows))


def describe(kind, name=""):
    return frame("D", kind.encode() + z(name))


def close(kind, name=""):
    return frame("C", kind.encode() + z(name))


def function_call(oid, args=(), formats=(), result=1):
    return frame("F", struct.pack("!I", oid)
                 + struct.pack("!H", len(formats)) + b"".join(struct.pack("!H", f) for f in formats)
                 + struct.pack("!H", len(args)) + values(args) + struct.pack("!H", result))


def copy_data(data):
    return frame("d", data)


def copy_fail(why):
    return frame("f", z(why))


def password(data):
    return frame("p", data)


SYNC, FLUSH, TERMINATE, COPY_DONE = frame("S"), frame("H"), frame("X"), frame("c")


def startup(params, version=V3):
    """params: pairs, in order, duplicates allowed."""
    body = struct.pack("!I", version) + b"".join(z(k) + z(v) for k, v in params) + b"\0"
    return struct.pack("!I", len(body) + 4) + body


def cancel_request(pid, key):
    return struct.pack("!III", 12 + len(key), 80877102, pid) + key


def fields(body):
    """An ErrorResponse's fields by letter."""
    return {chr(f[0]): f[1:].decode(errors="replace") for f in body.split(b"\0") if f}


def said(replies):
    """Replies in the notation that is compared: E with severity and SQLSTATE, rows with their text."""
    out = []
    for tag, body in replies:
        if tag == "E":
            f = fields(body)
            out.append(("E!" if f.get("V") in ("FATAL", "PANIC") else "E") + f.get("C", "?"))
        elif tag == "Z":
            out.append("Z" + body.decode())
        elif tag == "C":
            out.append("C:" + body[:-1].decode())
        elif tag == "D":
            out.append("D:" + row(body))
        elif tag not in ("N", "S", "A", "K"):
            out.append(tag)
    return " ".join(out)


def row(body):
    at, cells = 2, []
    for _ in range(struct.unpack("!H", body[:2])[0]):
        size = struct.unpack("!i", body[at:at + 4])[0]
        at += 4
        cells.append("null" if size < 0 else body[at:at + size].decode(errors="replace"))
        at += max(size, 0)
    return "|".join(cells)


class Conn:
    """One connection. Without `first` it logs in; with `first` it says that and nothing else.
    `tls`: an ssl.SSLContext; `direct`: without asking first."""

    def __init__(self, port, user="postgres", database="postgres", params=(), first=None,
                 secret=None, host="127.0.0.1", timeout=10, tls=None, direct=False, sni="localhost", bound=False):
        self.sock = socket.create_connection((host, port), timeout=timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.ended = False
        self.pid, self.key = 0, b""
        if tls is not None:
            self.secure(tls, direct, sni)
        if first is None:
            self.send(startup([("user", user), ("database", database), *params]))
            self.greeting = self.login(user, secret, bound)
        elif first:
            self.send(first)

    def secure(self, tls, direct, sni):
        if not direct:
            self.send(SSL_REQUEST)
            if (answer := self.byte()) != b"S":
                raise ConnectionError(f"no TLS: {answer!r}")
        self.sock = tls.wrap_socket(self.sock, server_hostname=sni)

    def login(self, user, secret, bound=False):
        """Reads to ReadyForQuery, answering what is asked; the messages seen. `bound`: by SCRAM-SHA-256-PLUS or not at all."""
        certificate = self.sock.getpeercert(True) if isinstance(self.sock, ssl.SSLSocket) else None
        seen, scram = [], Scram(secret or "", user, certificate)
        while True:
            reply = self.message(15)
            seen.append(reply)
            if reply is None or reply[0] == "EOF" or reply[0] == "E":
                raise ConnectionError(f"login: {said([r for r in seen if r])}")
            if reply[0] == "R":
                if bound and reply[1][:4] == b"\0\0\0\x0a" and b"SCRAM-SHA-256-PLUS" not in reply[1]:
                    raise ConnectionError("login: no channel binding is offered")
                answer = scram.answer(struct.unpack("!I", reply[1][:4])[0], reply[1][4:])
                if answer is not None:
                    self.send(password(answer))
            if reply[0] == "K":
                self.pid, self.key = struct.unpack("!I", reply[1][:4])[0], reply[1][4:]
            if reply[0] == "Z":
                return seen

    def send(self, *messages):
        """What the peer closed before we were done is seen by reading, not here."""
        try:
            self.sock.sendall(b"".join(messages))
        except OSError:
            pass

    def message(self, timeout=5.0):
        """The next message, EOF_REPLY, or None when none came in time."""
        until = time.monotonic() + timeout
        while True:
            buffer = self.buffer
            if len(buffer) >= 5:
                size = struct.unpack_from("!I", buffer, 1)[0] + 1
                if len(buffer) >= size:
                    reply = (chr(buffer[0]), bytes(buffer[5:size]))
                    del buffer[:size]
                    return reply
            if self.ended or not self.receive(max(0.0, until - time.monotonic())):
                return EOF_REPLY if self.ended else None

    def receive(self, timeout):
        """More bytes into the buffer; False when none came."""
        held = isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0
        if not held and not select.select([self.sock], [], [], timeout)[0]:
            return False
        try:
            data = self.sock.recv(262144)
        except OSError:
            data = b""
        if not data:
            self.ended = True
            return False
        self.buffer += data
        return True

    def until(self, tag="Z", timeout=10.0, count=1):
        """Messages up to the count-th one of this tag, or to the end."""
        out = []
        while count:
            reply = self.message(timeout)
            if reply is None:
                raise TimeoutError(f"no {tag} within {timeout} s after: {said(out)}")
            out.append(reply)
            count -= reply[0] == tag
            if reply[0] == "EOF":
                break
        return out

    def drain(self, quiet=0.3):
        """Everything until the peer has said nothing for `quiet` seconds."""
        out = []
        while (reply := self.message(quiet)) is not None:
            out.append(reply)
            if reply[0] == "EOF":
                break
        return out

    def ask(self, *messages, count=1):
        """Sends, reads to the count-th ReadyForQuery, in notation."""
        self.send(*messages)
        return said(self.until("Z", count=count))

    def value(self, sql):
        """The first cell of a simple query's answer."""
        for tag, body in self.query_replies(sql):
            if tag == "D":
                return row(body)
        return None

    def query_replies(self, sql):
        self.send(query(sql))
        return self.until("Z")

    def at_end(self, timeout=5.0):
        """Reads to EOF: what came before it, or an error when the peer keeps the connection."""
        out = []
        while True:
            reply = self.message(timeout)
            if reply is None:
                raise TimeoutError(f"the connection is still open after: {said(out)}")
            if reply[0] == "EOF":
                return out
            out.append(reply)

    def byte(self, timeout=5.0):
        """One raw byte: the answer to SSLRequest and GSSENCRequest. Empty at the end."""
        until = time.monotonic() + timeout
        while not self.buffer and not self.ended and time.monotonic() < until:
            self.receive(until - time.monotonic())
        got = bytes(self.buffer[:1])
        del self.buffer[:1]
        return got

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Scram:
    """The client's side of SCRAM-SHA-256 (RFC 5802, 7677), bound to the server's certificate where it is offered
    (SHA-256 signatures), MD5 and cleartext."""

    def __init__(self, secret, user="", certificate=None):
        self.secret, self.user, self.certificate = secret.encode(), user.encode(), certificate
        self.header, self.bound = b"n,,", b""
        self.nonce = base64.b64encode(os.urandom(18)).decode()

    def answer(self, kind, data):
        if kind == 3:
            return z(self.secret)
        if kind == 5:
            digest = hashlib.md5(self.secret + self.user).hexdigest().encode()
            return z(b"md5" + hashlib.md5(digest + data).hexdigest().encode())
        if kind == 10:
            mechanism = "SCRAM-SHA-256"
            if self.certificate and b"SCRAM-SHA-256-PLUS" in data.split(b"\0"):
                mechanism, self.header = "SCRAM-SHA-256-PLUS", b"p=tls-server-end-point,,"
                self.bound = hashlib.sha256(self.certificate).digest()
            self.first = f"n=,r={self.nonce}"
            said_first = self.header + self.first.encode()
            return z(mechanism) + struct.pack("!I", len(said_first)) + said_first
        if kind == 11:
            return self.proof(data.decode())
        return None

    def proof(self, server_first):
        part = dict(re.findall(r"(\w)=([^,]*)", server_first))
        channel = base64.b64encode(self.header + self.bound).decode()
        bare = f"c={channel},r={part['r']}"
        salted = hashlib.pbkdf2_hmac("sha256", self.secret, base64.b64decode(part["s"]), int(part["i"]))
        client = hmac.digest(salted, b"Client Key", "sha256")
        signed = f"{self.first},{server_first},{bare}".encode()
        mask = hmac.digest(hashlib.sha256(client).digest(), signed, "sha256")
        proof = bytes(a ^ b for a, b in zip(client, mask))
        return f"{bare},p={base64.b64encode(proof).decode()}".encode()
