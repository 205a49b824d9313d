# SPDX-License-Identifier: LGPL-3.0-or-later
"""Traces in an event loop. Imported by the first `async for` only: asyncio takes long to load."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import TypeVar

from libtrace import core

Item = TypeVar("Item")
Wait = tuple[tuple[int, int], float]
_FETCH = -2


def steps(
    ready: Callable[[], Item | None],
    poll: Callable[[float], Item | Wait | None],
    fetch: Callable[[], object],
) -> AsyncIterator[Item]:
    """Iterate asynchronously over what a source has that never waits by itself.

    A step that is cancelled has taken nothing out of the source, and several tasks may share it.

    Parameters
    ----------
    ready : Callable
        Returns the next item, or None where there is none yet, or no more.
    poll : Callable
        Returns the next item, None at the end, or what to wait for: descriptors (-1: none; -2: that
        `fetch` is done), which are closed then, and seconds. Takes the seconds that this step has
        waited so far.
    fetch : Callable
        Waits until there is something, for a source that has no descriptor to wait for.

    Returns
    -------
    AsyncIterator
        Raises whatever the three raise.
    """
    fetched: asyncio.Future[None] | None = None

    def fetching() -> asyncio.Future[None]:
        nonlocal fetched
        mine = fetched
        if mine is None or mine.done() or mine.get_loop() is not asyncio.get_running_loop():
            mine = fetched = _in_thread(fetch)
        return mine

    async def wait() -> Item:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        found = poll(0)
        while isinstance(found, tuple):
            descriptors, seconds = found
            with _closing(descriptors) as readable:
                other = fetching() if _FETCH in descriptors else None
                await _wait_for(readable, seconds, other)
            found = poll(max(loop.time() - begin, 1e-9))
        if found is None:
            raise StopAsyncIteration
        return found

    return core.make_steps(ready, wait)


def _in_thread(call: Callable[[], object]) -> asyncio.Future[None]:
    """Call in a thread that nobody has to wait for, as for those of an executor."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def run() -> None:
        # A signal would make the call fail.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            call()
        finally:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(_wake, done)

    threading.Thread(target=run, daemon=True).start()
    return done


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


@contextlib.contextmanager
def _closing(descriptors: Iterable[int]) -> Iterator[list[int]]:
    """Give those that are descriptors, and close them at the end."""
    own = [descriptor for descriptor in descriptors if descriptor >= 0]
    try:
        yield own
    finally:
        for descriptor in own:
            os.close(descriptor)


async def _wait_for(
    descriptors: Iterable[int], seconds: float, other: asyncio.Future[None] | None
) -> None:
    """Wait until a descriptor is readable or the future is done, at most so many seconds."""
    loop = asyncio.get_running_loop()
    woken = loop.create_future()
    with contextlib.ExitStack() as undo:
        undo.callback(loop.call_later(seconds, _wake, woken).cancel)
        for descriptor in descriptors:
            loop.add_reader(descriptor, _wake, woken)
            undo.callback(loop.remove_reader, descriptor)
        if other and not other.done():
            wake = functools.partial(_wake_by, woken)
            other.add_done_callback(wake)
            undo.callback(other.remove_done_callback, wake)
        await woken


def _wake_by(future: asyncio.Future[None], _: asyncio.Future[None]) -> None:
    _wake(future)
