#!/usr/bin/python3
"""pcap_streams.py against captures made up here: order, repetition, gaps, links, and what is refused."""
import contextlib
import io
import os
import struct
import tempfile
import unittest

import pcap_streams

CLIENT, SERVER = bytes([127, 0, 0, 1]), bytes([127, 0, 0, 2])
SYN, ACK = 0x02, 0x10


def segment(to_server, sequence, payload=b"", flags=ACK, port=40000):
    ports = (port, 5432) if to_server else (5432, port)
    tcp = struct.pack("!HHIIBBHHH", *ports, sequence & 0xffffffff, 0, 5 << 4, flags, 1000, 0, 0) + payload
    addresses = CLIENT + SERVER if to_server else SERVER + CLIENT
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + addresses + tcp


def capture(packets, link=101, order="<"):
    out = struct.pack(order + "IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, link)
    return out + b"".join(struct.pack(order + "IIII", 0, 0, len(p), len(p)) + p for p in packets)


class Streams(unittest.TestCase):
    def streams(self, data):
        self.said = io.StringIO()
        with contextlib.redirect_stderr(self.said):
            found = pcap_streams.conversations(data, 5432)
            return [tuple(side.bytes("x") for side in pair) for pair in found]

    def test_order_repetition_and_overlap(self):
        packets = [segment(True, 99, flags=SYN), segment(True, 103, b"def"), segment(True, 100, b"abc"),
                   segment(True, 100, b"XYZ"), segment(True, 104, b"efgh"), segment(True, 107, b"h")]
        self.assertEqual(self.streams(capture(packets)), [(b"abcdefgh", b"")])
        self.assertEqual(self.said.getvalue(), "")

    def test_sequence_numbers_wrap(self):
        packets = [segment(False, 0xfffffffd, flags=SYN | ACK), segment(False, 0xfffffffe, b"abc"),
                   segment(False, 1, b"def")]
        self.assertEqual(self.streams(capture(packets)), [(b"", b"abcdef")])

    def test_a_gap_ends_the_stream_and_is_said(self):
        packets = [segment(True, 99, flags=SYN), segment(True, 100, b"abc"), segment(True, 104, b"e")]
        self.assertEqual(self.streams(capture(packets)), [(b"abc", b"")])
        self.assertIn("ends at byte 3", self.said.getvalue())

    def test_a_capture_may_begin_in_the_middle(self):
        packets = [segment(True, 7, b"a"), segment(False, 8, b"b")]
        self.assertEqual(self.streams(capture(packets)), [(b"a", b"b")])

    def test_conversations_are_told_apart(self):
        packets = [segment(True, 9, flags=SYN), segment(True, 10, b"a"),
                   segment(True, 5, flags=SYN, port=40001), segment(True, 6, b"b", port=40001),
                   segment(True, 9, flags=SYN),
                   segment(True, 49, flags=SYN), segment(True, 50, b"c")]
        self.assertEqual(self.streams(capture(packets)), [(b"a", b""), (b"b", b""), (b"c", b"")])

    def test_links_and_byte_order(self):
        packet = segment(True, 1, b"abc")
        ethernet = bytes(12) + b"\x08\x00" + packet + bytes(6)  # padded as short frames are
        tagged = bytes(12) + b"\x81\x00\x00\x05\x08\x00" + packet
        cooked = bytes(14) + b"\x08\x00" + packet
        for link, whole in ((1, ethernet), (1, tagged), (113, cooked), (0, bytes(4) + packet), (228, packet)):
            for order in "<>":
                self.assertEqual(self.streams(capture([whole], link, order)), [(b"abc", b"")])

    def test_other_traffic_is_not_taken(self):
        udp = segment(True, 1, b"abc")
        udp = udp[:9] + b"\x11" + udp[10:]
        self.assertEqual(self.streams(capture([udp, bytes(12), bytes(40)])), [])

    def test_what_is_no_capture_is_refused(self):
        for data in (b"", b"\x0a\x0d\x0d\x0a" + bytes(40), capture([segment(True, 1, b"a")])[:-1],
                     capture([bytes(60)], link=147)):
            with self.assertRaises(pcap_streams.Refused):
                list(self.streams(data))

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            pcap = os.path.join(folder, "p")
            with open(pcap, "wb") as file:
                file.write(capture([segment(True, 9, flags=SYN), segment(True, 10, b"a"),
                                    segment(False, 5, b"bc")]))
            with contextlib.redirect_stdout(io.StringIO()):
                self.assertEqual(pcap_streams.main([pcap, folder, "n"]), 0)
            for name, content in (("n.1.c2s.bin", b"a"), ("n.1.s2c.bin", b"bc")):
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertEqual(file.read(), content)


if __name__ == "__main__":
    unittest.main()
