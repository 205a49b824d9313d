# SPDX-License-Identifier: LGPL-3.0-or-later
"""Signals that come while a test waits."""

from __future__ import annotations

import contextlib
import gc
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from process import finish, start

Item = TypeVar("Item")
PROMPT = 1.0
"""Seconds within which a wait must end; far more than the shim needs."""


class Alarm(Exception):
    """What a signal handler raises."""


def alarm() -> None:
    raise Alarm


def ignore(*_: object) -> None:
    """Unlike SIG_IGN, not inherited by programs that are started."""


@contextlib.contextmanager
def on_alarm(handler: Callable[[], object], after: float) -> Iterator[None]:
    """Runs the handler, as a signal's, after some seconds and regularly from then on."""

    def run(*_: object) -> None:
        try:
            handler()
        except BaseException:  # once, or it could raise again while this one is handled
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise

    old = signal.signal(signal.SIGALRM, run)
    signal.setitimer(signal.ITIMER_REAL, after, after)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        # One may still be on its way, which must not end the tests.
        signal.signal(signal.SIGALRM, ignore if old is signal.SIG_DFL else old)


def gather(source: Iterable[Item]) -> list[Item]:
    """Takes all, in a loop that a signal handler's exception ends again and again."""
    found: list[Item] = []
    raised, armed = 0, True

    def handle() -> None:
        nonlocal raised
        if armed:
            raised += 1
            raise Alarm

    gc.disable()  # a collection's callbacks would swallow the exception
    try:
        while armed:
            # Ever later, or a slow machine would get nowhere.
            with contextlib.suppress(Alarm), on_alarm(handle, 0.0005 * (1 + raised / 50)):
                found.extend(source)  # a `for` loop of Python 3.9 would lose some itself
                armed = False
    finally:
        gc.enable()
    assert raised
    return found


INTERRUPTED = """
    import libtrace, sys
    trace = libtrace.open(sys.argv[1])
    print("waiting", flush=True)
    try:
        for packet in trace:
            pass
    except KeyboardInterrupt:
        print("interrupted")
    print(trace.state)
"""


def interrupt(uri: str) -> None:
    """Interrupts a loop over the trace, which must end at once and leave it started."""
    process = start(INTERRUPTED, uri)
    assert process.stdout
    assert process.stdout.readline() == "waiting\n"
    time.sleep(0.15)
    process.send_signal(signal.SIGINT)
    before = time.monotonic()
    assert finish(process) == "interrupted\nstarted\n"
    assert time.monotonic() - before < PROMPT
