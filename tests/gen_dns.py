# SPDX-License-Identifier: LGPL-3.0-or-later
"""DNS messages, byte by byte, and the payload objects that carry them."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import gen_packets as p
import libtrace

A, NS, CNAME, SOA, WKS, PTR, MX, TXT, AAAA, OPT, HIP, TSIG = (
    1,
    2,
    5,
    6,
    11,
    12,
    15,
    16,
    28,
    41,
    55,
    250,
)
POINTER = b"\xc0\x0c"  # to the name in the question


def name(*labels: str | bytes) -> bytes:
    parts = [label.encode() if isinstance(label, str) else label for label in labels]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


EXAMPLE = name("example", "test")


def question(owner: bytes = EXAMPLE, qtype: int = A, qclass: int = 1) -> bytes:
    return owner + struct.pack("!HH", qtype, qclass)


def record(
    qtype: int, data: bytes, *, owner: bytes = POINTER, rclass: int = 1, ttl: int = 300
) -> bytes:
    return owner + struct.pack("!HHIH", qtype, rclass, ttl, len(data)) + data


def message(
    answers: Sequence[bytes] = (),
    authority: Sequence[bytes] = (),
    additional: Sequence[bytes] = (),
    *,
    questions: Sequence[bytes] = (question(),),
    ident: int = 0x1234,
    flags: int = 0x8180,
) -> bytes:
    sections = (questions, answers, authority, additional)
    header = struct.pack("!6H", ident, flags, *map(len, sections))
    return header + b"".join(part for section in sections for part in section)


def udp(wire: bytes) -> libtrace.Transport:
    """The payload of a UDP datagram."""
    header = libtrace.UDP(bytearray(p.udp(4000, 53, wire, length=8)))
    assert header
    assert header.payload
    return header.payload


def tcp(stream: bytes) -> libtrace.Transport:
    """The payload of a TCP segment."""
    header = libtrace.TCP(bytearray(p.tcp(4000, 53, stream)))
    assert header
    assert header.payload
    return header.payload


def prefixed(wire: bytes) -> bytes:
    """A message as it goes over TCP."""
    return struct.pack("!H", len(wire)) + wire
