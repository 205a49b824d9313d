# SPDX-License-Identifier: LGPL-3.0-or-later
"""What packets cost in memory, and whether kept ones stay right.

``memory.py keep|loop TRACE`` reads a pcap file in a fresh process and prints
its peak beyond that of the import alone. ``keep`` also holds every packet
against a parser of its own, after the trace is closed.

``memory.py batches|arrow TRACE PACKETS`` repeats the first records of the file,
cut short, into a pipe until there are so many packets, and prints the peak of
a loop over the batches that come out of it beyond that of a first small one,
and the size of a batch.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice, zip_longest
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


def feed(path: str, packets: str, fifo: str) -> None:
    """Write a trace of so many packets."""
    head, snaplen, ethernet = 1000, 96, 1
    records = []
    for timestamp_ns, data in islice(parse_pcap(path), head):
        seconds, nanoseconds = divmod(timestamp_ns, 10**9)
        cut = data[:snaplen]
        records.append(struct.pack("=IIII", seconds, nanoseconds, len(cut), len(data)) + cut)
    whole, rest = divmod(int(packets), len(records))
    block = b"".join(records)
    with Path(fifo).open("wb") as pipe:
        pipe.write(struct.pack("=IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, snaplen, ethernet))
        for _ in range(whole):
            pipe.write(block)
        pipe.write(b"".join(records[:rest]))


@contextmanager
def stream(path: str, packets: str) -> Iterator[libtrace.Trace]:
    import libtrace

    with tempfile.TemporaryDirectory() as directory:
        fifo = str(Path(directory, "fifo"))
        os.mkfifo(fifo)
        command = [sys.executable, __file__, "feed", path, packets, fifo]
        with subprocess.Popen(command), libtrace.open(f"pcapfile:{fifo}") as trace:
            yield trace


def measure(trace: libtrace.Trace, sizes: Callable[[libtrace.Batches], Iterator[int]]) -> None:
    """Print the peak of a loop over the sizes of batches, beyond that of a first small one."""
    deque(sizes(trace.batches(limit=1000)), 0)
    baseline = peak_bytes()
    print("batch", max(sizes(trace.batches())))
    print("beyond", peak_bytes() - baseline)
    print("packets", trace.accepted_packets)


def batches(path: str, packets: str) -> None:
    def sizes(batches: libtrace.Batches) -> Iterator[int]:
        for batch in batches:
            parts = (column.buffer(part) for column in batch.values() for part in range(3))
            yield sum(part.nbytes for part in parts)

    with stream(path, packets) as trace:
        measure(trace, sizes)


def arrow(path: str, packets: str) -> None:
    def sizes(batches: libtrace.Batches) -> Iterator[int]:
        for batch in batches.to_arrow():
            yield batch.get_total_buffer_size()

    with stream(path, packets) as trace:
        measure(trace, sizes)


if __name__ == "__main__":
    modes = {"keep": keep, "loop": loop, "feed": feed, "batches": batches, "arrow": arrow}
    modes[sys.argv[1]](*sys.argv[2:])
