# SPDX-License-Identifier: LGPL-3.0-or-later
"""Does a live capture account for every packet?

Run it by ``make bench-capture`` as root. A process of its own sends numbered
packets over a virtual cable in a network of its own; the capture at the other
end holds each against what was sent. Once they come at the rate that the reader
takes, which gives credit for more, once as fast as they can while it dawdles. ``--require``
exits 1 unless each packet was read and right, or counted as dropped.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import libtrace
from network import Network, own_network, udp_frame
from rich.console import Console
from rich.table import Table

SIZE = 400
WINDOWS = {"int": 100, "ring": 100, "pcapint": 12}
"""Packets of which two windows fit into the buffer; libtrace 4 has 32 places for pcapint:."""
PATIENCE = 1.0
"""Seconds after which a window is taken for lost."""
HEADERS = udp_frame(bytes(SIZE))[:42]


class Load(NamedTuple):
    name: str
    count: int
    credit: int
    """Windows that may be under way; 0 for any number."""
    dawdle: float
    """Seconds that the reader takes over each window."""


class Outcome(NamedTuple):
    sent: int
    """Packets that came out of the interface, as the kernel counts."""
    right: int
    wrong: int
    counters: dict[str, int | None]
    seconds: float

    @property
    def accounted(self) -> bool:
        read = self.right == self.counters["accepted"] == self.counters["captured"]
        dropped = self.counters["dropped"] == self.sent - self.right
        return read and dropped and not self.wrong and self.counters["received"] == self.sent


def frame(number: int) -> bytes:
    return HEADERS + b"%08d" % number * (SIZE // 8)


def send(interface: str, count: int, window: int, credit: int) -> None:
    """Waits for a byte on stdin before each window, once those that it has credit for are sent."""
    waits = credit > 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind((interface, 0))
        for number in range(count):
            if waits and number % window == 0:
                if not credit and select.select([0], [], [], PATIENCE)[0]:
                    credit += len(os.read(0, 100))
                credit = max(0, credit - 1)
            sender.send(frame(number))


def received(interface: str) -> int:
    for line in Path("/proc/thread-self/net/dev").read_text().splitlines():
        name, _, numbers = line.partition(":")
        if name.strip() == interface:
            return int(numbers.split()[1])
    raise LookupError(interface)


def until_silence(
    trace: libtrace.Trace, sender: subprocess.Popen[bytes]
) -> Iterator[libtrace.Packet]:
    """The packets until the sender is done and no more come."""
    done = False
    while not done:
        done = sender.poll() is not None
        try:
            yield from trace
        except libtrace.TraceTimeout:
            continue


def measure(network: Network, scheme: str, load: Load) -> Outcome:
    before, start = received(network.far), time.monotonic()
    right = wrong = 0
    expected = -1
    with libtrace.open(f"{scheme}:{network.far}", timeout=0.5) as trace:
        numbers = map(str, (load.count, WINDOWS[scheme], load.credit))
        command = [sys.executable, __file__, "--send", network.near, *numbers]
        sender = subprocess.Popen(command, stdin=subprocess.PIPE, bufsize=0)
        assert sender.stdin
        for packet in until_silence(trace, sender):
            data = bytes(packet)
            number = int(data[42:50])
            good = number > expected and data == frame(number)
            expected = number
            right, wrong = right + good, wrong + (not good)
            if (right + wrong) % WINDOWS[scheme] == 0:
                time.sleep(load.dawdle)
                with contextlib.suppress(BrokenPipeError):  # it has sent all
                    sender.stdin.write(b"+")
        counters = trace.statistics()
        sender.stdin.close()
    sent = received(network.far) - before
    assert sent == load.count, "the kernel did not carry all that was sent"
    return Outcome(sent, right, wrong, counters, time.monotonic() - start)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1_000_000, help="packets to send")
    parser.add_argument("--require", action="store_true", help="fail unless all are accounted for")
    parser.add_argument("--captures", nargs="+", default=list(WINDOWS), choices=WINDOWS)
    parser.add_argument("--send", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.send:
        send(options.send[0], *map(int, options.send[1:]))
        return 0
    loads = [
        Load("bearable", options.count, 2, 0),
        Load("overload", options.count // 5, 0, 0.01),
    ]
    table = Table("capture", "load", "sent", "read", "dropped", "wrong", "lost in all", "seconds")
    failed = False
    for scheme in options.captures:
        for load in loads:
            with own_network() as network:
                outcome = measure(network, scheme, load)
            failed |= not outcome.accounted
            lost = f"{(outcome.sent - outcome.right) / outcome.sent:.2%}"
            numbers = (outcome.sent, outcome.right, outcome.counters["dropped"], outcome.wrong)
            table.add_row(scheme, load.name, *map(str, numbers), lost, f"{outcome.seconds:.1f}")
    Console().print(table)
    print("all accounted for" if not failed else "NOT all accounted for")
    return options.require and failed


if __name__ == "__main__":
    sys.exit(main())
