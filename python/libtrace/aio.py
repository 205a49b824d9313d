# SPDX-License-Identifier: LGPL-3.0-or-later
"""Traces in an event loop. Imported by the first `async for` only: asyncio takes long to load."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TypeVar

from libtrace import core

Item = TypeVar("Item")


def steps(
    ready: Callable[[], Item | None], poll: Callable[[float], Item | core.Wait | None]
) -> AsyncIterator[Item]:
    """Iterate asynchronously over what a source has that never waits by itself.

    A step that is cancelled has taken nothing out of the source, and several tasks may share it.

    Parameters
    ----------
    ready : Callable
        Returns the next item, or None where there is none yet, or no more.
    poll : Callable
        Returns the next item, None at the end, or what to wait for: descriptors (or -1) and
        seconds. Takes the seconds that this step has waited so far.

    Returns
    -------
    AsyncIterator
        Raises whatever the two raise.
    """

    async def wait() -> Item:
        clock = asyncio.get_running_loop().time
        begin = clock()
        found = poll(0)
        while isinstance(found, tuple):
            await _wait_for(*found)
            found = poll(max(clock() - begin, 1e-9))
        if found is None:
            raise StopAsyncIteration
        return found

    return core.make_steps(ready, wait)


async def _wait_for(descriptors: Iterable[int], seconds: float) -> None:
    """Wait until a descriptor is readable, -1 standing for none, and no longer than so many seconds."""
    loop = asyncio.get_running_loop()
    woken = loop.create_future()

    def wake() -> None:
        if not woken.done():
            woken.set_result(None)

    with contextlib.ExitStack() as undo:
        undo.callback(loop.call_later(seconds, wake).cancel)
        for descriptor in descriptors:
            if descriptor >= 0:
                # A number of its own: other tasks may wait for the same, and the trace may be closed.
                copy = os.dup(descriptor)
                undo.callback(os.close, copy)
                loop.add_reader(copy, wake)
                undo.callback(loop.remove_reader, copy)
        await woken
