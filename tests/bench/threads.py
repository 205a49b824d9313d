# SPDX-License-Identifier: LGPL-3.0-or-later
"""How do a loop over a trace and other Python threads get on with each other?

Run it by ``make bench-threads``. The first table has what a loop takes beside
a thread that computes, as a multiple of the loop alone; DESIGN allows 3. The
second has what such a thread gets done beside a loop, and how often a thread
that sleeps for a millisecond wakes up, as shares of what they do beside a loop
in Python that reads no trace: 1 is fair, 0 is starved. ``--require`` exits 1
when a loop is slowed more than 3 times, or a thread gets less than a third.
"""

from __future__ import annotations

import argparse
import gzip
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import gen_files as f
import libtrace
from network import udp_frame
from rich.console import Console
from rich.table import Table

SLOWER = 3.0
SHARE = 1 / 3

Worker = Callable[[threading.Event], int]


def bare(uri: str) -> None:
    with libtrace.open(uri) as trace:
        for _ in trace:
            pass


def ports(uri: str) -> None:
    with libtrace.open(uri) as trace:
        for packet in trace:
            _ = packet.src_port, packet.dst_port


def rejecting(uri: str) -> None:
    """One read that finds nothing."""
    with libtrace.open(uri, filter="tcp") as trace:
        for _ in trace:
            pass


def compute(done: threading.Event) -> int:
    turns = 0
    while not done.is_set():
        turns += 1
    return turns


def doze(done: threading.Event) -> int:
    turns = 0
    while not done.wait(0.001):
        turns += 1
    return turns


def beside(loop: Callable[[], None], worker: Worker) -> tuple[float, float]:
    """Seconds that the loop takes, and turns a second of the worker meanwhile."""
    done, turns = threading.Event(), 0

    def work() -> None:
        nonlocal turns
        turns = worker(done)

    thread = threading.Thread(target=work)
    thread.start()
    start = time.perf_counter()
    loop()
    seconds = time.perf_counter() - start
    done.set()
    thread.join()
    return seconds, turns / seconds


class Round(NamedTuple):
    """What one turn of all contestants gave: seconds, and turns a second."""

    alone: float
    slowed: float
    computing: float
    computing_fairly: float
    dozing: float
    dozing_fairly: float


def computing_for(seconds: float) -> Callable[[], None]:
    """A loop in Python that reads no trace."""

    def loop() -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass

    return loop


def take_turns(loop: Callable[[], None]) -> Round:
    start = time.perf_counter()
    loop()
    alone = time.perf_counter() - start
    slowed, computing = beside(loop, compute)
    _, computing_fairly = beside(computing_for(alone), compute)
    _, dozing = beside(loop, doze)
    _, dozing_fairly = beside(computing_for(alone), doze)
    return Round(alone, slowed, computing, computing_fairly, dozing, dozing_fairly)


def write_traces(folder: Path, count: int) -> dict[str, str]:
    data = f.pcap_header() + f.pcap_record(udp_frame(b"x" * 400)) * count
    (folder / "plain.pcap").write_bytes(data)
    (folder / "packed.pcap.gz").write_bytes(gzip.compress(data, 1))
    return {name.name: f"pcapfile:{name}" for name in sorted(folder.iterdir())}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1_000_000, help="packets in the trace")
    parser.add_argument("--rounds", type=int, default=5, help="of which the best counts")
    parser.add_argument("--require", action="store_true", help="fail when a ratio is not met")
    options = parser.parse_args()
    slowed = Table("loop", "trace", "seconds alone", "slowed by a computing thread")
    starved = Table("beside the loop", "trace", "a computing thread", "a dozing thread")
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for name, uri in write_traces(Path(folder), options.count).items():
            for loop in (bare, ports, rejecting):
                rounds = [take_turns(partial(loop, uri)) for _ in range(options.rounds)]
                best = Round(*map(max, zip(*rounds)))
                seconds = min(turn.alone for turn in rounds)
                ratio = min(turn.slowed for turn in rounds) / seconds
                shares = best.computing / best.computing_fairly, best.dozing / best.dozing_fairly
                failed |= ratio > SLOWER or min(shares) < SHARE
                slowed.add_row(loop.__name__, name, f"{seconds:.2f}", f"{ratio:.2f}")
                starved.add_row(loop.__name__, name, *(f"{share:.2f}" for share in shares))
    Console().print(slowed)
    Console().print(starved)
    return options.require and failed


if __name__ == "__main__":
    sys.exit(main())
