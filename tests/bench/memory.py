# SPDX-License-Identifier: LGPL-3.0-or-later
"""What packets cost in memory, and whether kept ones stay right.

``memory.py keep|loop TRACE`` reads a pcap file in a fresh process and prints
its peak beyond that of the import alone. ``keep`` also holds every packet
against a parser of its own, after the trace is closed.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import libtrace

# The magic number as read with each byte order, and its nanoseconds per unit.
MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}


class Record(NamedTuple):
    timestamp_ns: int
    data: bytes


def parse_pcap(path: str) -> Iterator[Record]:
    with Path(path).open("rb") as file:
        order, unit = MAGICS[file.read(24)[:4]]
        header = struct.Struct(f"{order}IIII")
        while raw := file.read(header.size):
            seconds, fraction, captured, _length = header.unpack(raw)
            yield Record(seconds * 10**9 + fraction * unit, file.read(captured))


def peak_bytes() -> int:
    """Peak resident memory: unlike ru_maxrss, VmHWM starts anew with the program."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) * 1024


def same(packet: libtrace.Packet | None, record: Record | None) -> bool:
    if packet is None or record is None:
        return False
    return bytes(packet) == record.data and packet.timestamp_ns == record.timestamp_ns


def wrong_packets(packets: list[libtrace.Packet], path: str) -> int:
    """Count packets that differ from the file, are one object twice, or are missing."""
    twice = len(packets) - len({id(packet) for packet in packets})
    pairs = zip_longest(packets, parse_pcap(path))
    return twice + sum(not same(packet, record) for packet, record in pairs)


def keep(path: str) -> None:
    import libtrace

    baseline = peak_bytes()
    with libtrace.open(f"pcapfile:{path}") as trace:
        packets = list(trace)
    print("beyond", peak_bytes() - baseline)
    print("packets", len(packets))
    print("wrong", wrong_packets(packets, path))
    print("captured", sum(len(record.data) for record in parse_pcap(path)))


def loop(path: str) -> None:
    import libtrace

    baseline = peak_bytes()
    with libtrace.open(f"pcapfile:{path}") as trace:
        for _packet in trace:
            pass
    print("beyond", peak_bytes() - baseline)


if __name__ == "__main__":
    {"keep": keep, "loop": loop}[sys.argv[1]](sys.argv[2])
