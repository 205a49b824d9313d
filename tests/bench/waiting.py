# SPDX-License-Identifier: LGPL-3.0-or-later
"""How long does a live read take to end when it is told to?

Run it by ``make bench-waiting`` as root. Ctrl-C, stop() from another thread
and from a signal handler, and the timeout end reads of an interface that is
silent and of one that is flooded; the table has the time from the event to the
end of the loop. ``--require`` exits 1 when one took longer than 200 ms.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import libtrace
from network import own_network, udp_frame
from rich.console import Console
from rich.table import Table

LIMIT = 0.2
FLOOD = """
import socket, sys
sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
sender.bind((sys.argv[1], 0))
while True:
    sender.send(bytes.fromhex(sys.argv[2]))
"""


class Event:
    """Something that happens while the loop over a trace waits, and when it did."""

    def __init__(self, action: Callable[[], object]) -> None:
        self._action = action
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._act)
        self._time = 0.0

    def _act(self) -> None:
        self._begun.wait()
        time.sleep(random.uniform(0.02, 0.12))
        self._time = time.monotonic()
        self._action()

    def seconds_until_the_end(self, trace: libtrace.Trace) -> float:
        self._thread.start()
        try:
            self._begun.set()
            exhaust(trace)
        except KeyboardInterrupt:
            pass
        end = time.monotonic()
        self._thread.join()
        return end - self._time


def exhaust(trace: libtrace.Trace) -> None:
    for _ in trace:
        pass


def ctrl_c(trace: libtrace.Trace) -> float:
    took = Event(lambda: os.kill(os.getpid(), signal.SIGINT)).seconds_until_the_end(trace)
    assert trace.state == "started"
    return took


def stop_from_a_thread(trace: libtrace.Trace) -> float:
    took = Event(trace.stop).seconds_until_the_end(trace)
    trace.start()
    return took


def stop_from_a_handler(trace: libtrace.Trace) -> float:
    old = signal.signal(signal.SIGUSR1, lambda *_: trace.stop())
    took = Event(lambda: os.kill(os.getpid(), signal.SIGUSR1)).seconds_until_the_end(trace)
    signal.signal(signal.SIGUSR1, old)
    trace.start()
    return took


def timeout(trace: libtrace.Trace) -> float:
    """Nothing passes the filter; how much later than due."""
    seconds = random.uniform(0.01, 0.12)
    trace.conf_filter(libtrace.Filter("tcp"))
    trace.conf_timeout(seconds)
    start = time.monotonic()
    with contextlib.suppress(libtrace.TraceTimeout):
        exhaust(trace)
    end = time.monotonic()
    trace.conf_filter(None)
    trace.conf_timeout(0)
    return end - start - seconds


@contextlib.contextmanager
def flooded(interface: str) -> Iterator[None]:
    command = [sys.executable, "-c", FLOOD, interface, udp_frame(bytes(400)).hex()]
    with subprocess.Popen(command) as sender:
        try:
            yield
        finally:
            sender.kill()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tries", type=int, default=50)
    parser.add_argument("--require", action="store_true", help="fail when one took too long")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    table = Table("capture", "interface", "ended by", "median ms", "longest ms", "tries")
    longest = 0.0
    for scheme in ("int", "ring", "pcapint"):
        for busy in (False, True):
            for event in (ctrl_c, stop_from_a_thread, stop_from_a_handler, timeout):
                with own_network() as network, contextlib.ExitStack() as stack:
                    trace = stack.enter_context(libtrace.open(f"{scheme}:{network.far}"))
                    if busy:
                        stack.enter_context(flooded(network.near))
                    took = [event(trace) for _ in range(options.tries)]
                longest = max(longest, *took)
                milliseconds = [f"{1000 * t:.2f}" for t in (statistics.median(took), max(took))]
                name = event.__name__.replace("_", " ")
                interface = "flooded" if busy else "silent"
                table.add_row(scheme, interface, name, *milliseconds, str(len(took)))
    Console().print(table)
    return options.require and longest > LIMIT


if __name__ == "__main__":
    sys.exit(main())
