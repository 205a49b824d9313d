# SPDX-License-Identifier: LGPL-3.0-or-later
"""Traces in an event loop. Imported by the first `async for` only: asyncio takes long to load."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from libtrace.core import Wait

Item = TypeVar("Item")


class Reader(Generic[Item]):
    """An asynchronous iterator over what a source that never waits has ready.

    Several may read one source, and a step that is cancelled has taken nothing out of it.

    Parameters
    ----------
    ready : Callable
        Returns the next item, or None where there is none yet, or no more.
    poll : Callable
        Returns the next item, None at the end, or what to wait for: a descriptor (or -1) and
        seconds. Takes the seconds that this step has waited so far.
    """

    __slots__ = ("_poll", "_ready")

    def __init__(
        self, ready: Callable[[], Item | None], poll: Callable[[float], Item | Wait | None]
    ) -> None:
        self._ready = ready
        self._poll = poll

    def __aiter__(self) -> Reader[Item]:
        return self

    async def __anext__(self) -> Item:
        item = self._ready()
        return await self._wait() if item is None else item

    async def _wait(self) -> Item:
        clock = asyncio.get_running_loop().time
        begin = clock()
        found = self._poll(0)
        while isinstance(found, tuple):
            await _wait_for(*found)
            found = self._poll(max(clock() - begin, 1e-9))
        if found is None:
            raise StopAsyncIteration
        return found


async def _wait_for(descriptor: int, seconds: float) -> None:
    """Wait until the descriptor, unless it is -1, is readable, and no longer than so many seconds."""
    if descriptor < 0:
        await asyncio.sleep(seconds)
        return
    loop = asyncio.get_running_loop()
    woken = loop.create_future()

    def wake() -> None:
        if not woken.done():
            woken.set_result(None)

    with contextlib.ExitStack() as undo:
        # A number of its own: other tasks may wait for the same, and the trace may be closed.
        copy = os.dup(descriptor)
        undo.callback(os.close, copy)
        loop.add_reader(copy, wake)
        undo.callback(loop.remove_reader, copy)
        undo.callback(loop.call_later(seconds, wake).cancel)
        await woken
