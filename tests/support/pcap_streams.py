#!/usr/bin/python3
"""pcap_streams.py PCAP FOLDER NAME [PORT]: the TCP conversations of a capture as raw byte files.

Writes NAME.1.c2s.bin and NAME.1.s2c.bin for the first conversation with PORT (5432 if not given),
NAME.2... for the next, in order of first appearance; the side that owns PORT is the server. Reads
classic pcap files (both byte orders; Ethernet, Linux cooked, loopback and raw IP links; IPv4 and
IPv6 without extension headers). Segments are put in order by sequence number, of bytes sent twice
the first copy counts, and a direction ends where bytes are missing: that, and packets that were not
captured whole, is said on stderr. Conversations without payload are not written.
"""
import os
import struct
import sys

ETHERNET, LOOPBACK, COOKED = 1, 0, 113
RAW = (101, 228, 229)  # either IP, IPv4, IPv6
SYN = 0x02


class Refused(Exception):
    """The file is not a capture that this program can read."""


def packets(data):
    """(link type, bytes) of each captured packet."""
    order = {0xa1b2c3d4: ">", 0xa1b23c4d: ">", 0xd4c3b2a1: "<", 0x4d3cb2a1: "<"}.get(
        int.from_bytes(data[:4], "big"))
    if order is None or len(data) < 24:
        raise Refused("no classic pcap file")
    link = struct.unpack(order + "I", data[20:24])[0]
    at = 24
    while at + 16 <= len(data):
        kept, real = struct.unpack(order + "II", data[at + 8:at + 16])
        if at + 16 + kept > len(data):
            raise Refused(f"the packet at offset {at} is cut short")
        if kept < real:
            print(f"packet at offset {at}: {real - kept} bytes were not captured", file=sys.stderr)
        yield link, data[at + 16:at + 16 + kept]
        at += 16 + kept


def network_layer(link, packet):
    """The IP packet inside, or nothing."""
    if link in RAW:
        return packet
    if link == LOOPBACK:  # behind the address family
        return packet[4:]
    if link == COOKED:
        return packet[16:] if packet[14:16] in (b"\x08\x00", b"\x86\xdd") else b""
    if link != ETHERNET:
        raise Refused(f"link type {link}")
    at = 12
    while packet[at:at + 2] == b"\x81\x00":  # VLAN tags
        at += 4
    return packet[at + 2:] if packet[at:at + 2] in (b"\x08\x00", b"\x86\xdd") else b""


def transport_layer(ip):
    """(source, destination, TCP segment) or nothing; addresses are bytes. Ethernet padding is cut off."""
    if len(ip) >= 20 and ip[0] >> 4 == 4:
        header, total = (ip[0] & 15) * 4, struct.unpack("!H", ip[2:4])[0]
        fragment = struct.unpack("!H", ip[6:8])[0] & 0x3fff
        if ip[9] != 6 or fragment:
            return None
        # A total of 0 is what segmentation offload leaves behind.
        return ip[12:16], ip[16:20], ip[header:total or len(ip)]
    if len(ip) >= 40 and ip[0] >> 4 == 6 and ip[6] == 6:
        return ip[8:24], ip[24:40], ip[40:40 + struct.unpack("!H", ip[4:6])[0]]
    return None


class Direction:
    """One side's bytes: segments as captured, put in order at the end."""

    def __init__(self):
        self.start = None
        self.segments = []

    def add(self, sequence, flags, payload):
        if flags & SYN:
            self.start = (sequence + 1) & 0xffffffff
        elif self.start is None:
            self.start = sequence  # the capture began in the middle
        if payload:
            self.segments.append((sequence, payload))

    def bytes(self, name):
        out = b""
        # Offsets are signed: a keepalive repeats the byte before the next one.
        rest = [(((s - self.start + 0x80000000) & 0xffffffff) - 0x80000000, p) for s, p in self.segments]
        for offset, payload in sorted(rest, key=lambda segment: segment[0]):
            if offset > len(out):
                print(f"{name}: ends at byte {len(out)}, the next captured byte is {offset}", file=sys.stderr)
                break
            out += payload[len(out) - offset:]
        return out


def conversations(data, port):
    """[(client to server, server to client)] as Directions; a client's SYN begins a new conversation."""
    latest, found = {}, []
    for link, packet in packets(data):
        parts = transport_layer(network_layer(link, packet))
        if parts is None or len(parts[2]) < 20:
            continue
        source, destination, segment = parts
        from_port, to_port, sequence = struct.unpack("!HHI", segment[:8])
        if port not in (from_port, to_port):
            continue
        flags, payload = segment[13], segment[(segment[12] >> 4) * 4:]
        to_server = to_port == port
        key = (source, from_port, destination) if to_server else (destination, to_port, source)
        known = latest.get(key)
        again = known is not None and known[0].start == (sequence + 1) & 0xffffffff
        if known is None or (to_server and flags & SYN and not again):
            known = latest[key] = (Direction(), Direction())
            found.append(known)
        known[0 if to_server else 1].add(sequence, flags, payload)
    return found


def main(arguments):
    if len(arguments) not in (3, 4):
        print(__doc__.split("\n", maxsplit=1)[0], file=sys.stderr)
        return 2
    pcap, folder, name = arguments[:3]
    with open(pcap, "rb") as file:
        data = file.read()
    number = 0
    try:
        for pair in conversations(data, int(arguments[3]) if len(arguments) == 4 else 5432):
            if not pair[0].segments and not pair[1].segments:
                continue
            number += 1
            for direction, suffix in zip(pair, ("c2s", "s2c")):
                path = os.path.join(folder, f"{name}.{number}.{suffix}.bin")
                content = direction.bytes(path)
                with open(path, "wb") as file:
                    file.write(content)
                print(f"{path}: {len(content)} bytes")
    except Refused as refused:
        print(f"{pcap}: {refused}", file=sys.stderr)
        return 1
    return 0 if number else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
