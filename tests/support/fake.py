"""A server that is not PostgreSQL: it lets anyone in, records every byte it was ever sent, and
misbehaves on request. It answers the question a real server cannot: did one byte of a refused
message arrive?

It understands frames only as far as it must to answer them; `Seen.bytes` is raw and complete.
"""
import socket
import struct
import threading
import time

from wire import frame, z

AUTH_OK = frame("R", struct.pack("!I", 0))
CLEARTEXT = frame("R", struct.pack("!I", 3))
READY = frame("Z", b"I")
STATUS = frame("S", z("server_version") + z("15.0")) + frame("S", z("client_encoding") + z("UTF8")) \
    + frame("S", z("standard_conforming_strings") + z("on"))


def key_data(pid, key):
    return frame("K", struct.pack("!I", pid) + key)


class Seen:
    """What one connection brought."""

    def __init__(self):
        self.bytes = b""
        self.startup = b""
        self.ended = threading.Event()
        self.changed = threading.Condition()

    @property
    def after_startup(self):
        return self.bytes[len(self.startup):]

    def wait_for(self, predicate, timeout=5.0):
        with self.changed:
            return self.changed.wait_for(lambda: predicate(self), timeout)

    def wait_bytes(self, count, timeout=5.0):
        """True when this many bytes have arrived after the startup packet."""
        return self.wait_for(lambda seen: len(seen.after_startup) >= count, timeout)


class FakeServer:
    """`login`: what answers a startup packet (None: nothing). `reply(tag, body)`: bytes for a frame,
    or None to close. Default: one command completion for each Query, nothing else."""

    def __init__(self, login=AUTH_OK + STATUS + key_data(4711, b"real") + READY, reply=None):
        self.login = login
        self.reply = reply or self.answer
        self.seen = []
        self.accepted = threading.Condition()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.sockets = []
        threading.Thread(target=self.accept, daemon=True).start()

    @staticmethod
    def answer(tag, _body):
        if tag == "Q":
            return frame("C", z("SELECT 0")) + READY
        return READY if tag == "S" else b""

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            seen = Seen()
            with self.accepted:
                self.sockets.append(sock)
                self.seen.append(seen)
                self.accepted.notify_all()
            threading.Thread(target=self.serve, args=(sock, seen), daemon=True).start()

    def serve(self, sock, seen):
        at, logged_in = 0, False
        try:
            while data := sock.recv(1 << 20):
                with seen.changed:
                    seen.bytes += data
                    seen.changed.notify_all()
                if not logged_in:
                    if len(seen.bytes) < 4 or len(seen.bytes) < struct.unpack("!I", seen.bytes[:4])[0]:
                        continue
                    at = struct.unpack("!I", seen.bytes[:4])[0]
                    if not 8 <= at <= 10004:
                        break
                    seen.startup = seen.bytes[:at]
                    logged_in = True
                    if self.login is not None:
                        sock.sendall(self.login)
                at = self.frames(sock, seen, at)
                if at < 0:
                    break
        except OSError:
            pass
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        sock.close()
        seen.ended.set()
        with seen.changed:
            seen.changed.notify_all()

    def frames(self, sock, seen, at):
        """Answers the whole frames from `at` on; where the next begins, -1 to close."""
        while len(seen.bytes) >= at + 5:
            length = struct.unpack("!I", seen.bytes[at + 1:at + 5])[0]
            if length < 4 or length > 1 << 24:
                return at  # not a frame we could answer: only recorded
            if len(seen.bytes) < at + 1 + length:
                return at
            tag = chr(seen.bytes[at])
            answer = self.reply(tag, seen.bytes[at + 5:at + 1 + length])
            if answer is None or tag == "X":
                return -1
            sock.sendall(answer)
            at += 1 + length
        return at

    def connection(self, index=0, timeout=5.0):
        with self.accepted:
            if not self.accepted.wait_for(lambda: len(self.seen) > index, timeout):
                raise TimeoutError(f"connection {index} never came")
            return self.seen[index]

    def none_came(self, within=0.3):
        time.sleep(within)
        return not self.seen

    def stop(self):
        self.listener.close()
        for sock in self.sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
