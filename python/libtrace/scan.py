# SPDX-License-Identifier: LGPL-3.0-or-later
"""Many traces as one table, read in parallel."""

from __future__ import annotations

import errno
import glob
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple, Union

from libtrace.columns import ArrowStream, Batch, arrow
from libtrace.errors import TraceNotFoundError
from libtrace.schema import COLUMNS, check_columns
from libtrace.trace import Filter, Trace, open

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Scan", "ScanProgress", "read_table", "scan"]

Source = Union[str, "os.PathLike[str]"]
_AHEAD = 2
"""Batches of a worker that may wait for the reader."""


class ScanProgress(NamedTuple):
    """How far a scan is.

    Attributes
    ----------
    traces : int
        All traces.
    traces_done : int
        Those read to their end, or to an error.
    packets : int
        Packets handed out so far.
    """

    traces: int
    traces_done: int
    packets: int


# ---- names ----


def _expand(source: Source) -> list[Source]:
    """Return what a pattern stands for; what names a file, or needs none, stands for itself."""
    scheme, colon, path = str(source).rpartition(":") if isinstance(source, str) else ("", "", "")
    pattern = path if isinstance(source, str) else os.fspath(source)
    if not glob.has_magic(pattern) or Path(os.fspath(source)).exists() or Path(pattern).exists():
        return [source]
    # pathlib takes no absolute pattern.
    found = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207
    if not found:
        raise TraceNotFoundError(f"no file matches '{source}'", errno.ENOENT, os.fspath(source))
    return [f"{scheme}{colon}{name}" for name in found]


def _expand_all(sources: Source | Iterable[Source]) -> list[Source]:
    if isinstance(sources, (str, os.PathLike)):
        return _expand(sources)
    return [name for source in sources for name in _expand(source)]


# ---- workers ----


class _Read(NamedTuple):
    """What a worker has of a trace: a batch, or its end, or the error that is it."""

    number: int
    batch: Batch | None = None
    rows: int = 0
    error: Exception | None = None


class _Bell:
    """Wakes all that wait.

    One listens before looking at what may change, and waits by ``get()``. Unlike a
    `threading.Condition`, no signal handler that raises harms it.
    """

    def __init__(self) -> None:
        self.listeners: set[SimpleQueue[None]] = set()

    def listen(self) -> SimpleQueue[None]:
        listener: SimpleQueue[None] = SimpleQueue()
        self.listeners.add(listener)
        return listener

    def ring(self) -> None:
        for listener in tuple(self.listeners):
            listener.put(None)
            self.listeners.discard(listener)


class _Work:
    """What workers and readers share. The `Scan` is not in it, so that it ends when it is dropped.

    In order, every trace has a queue of its own; else, one has the batches as they come. `returned`
    goes before them: what a reader took, but could not hand out. At the end is an empty one.
    """

    def __init__(
        self,
        sources: list[Source],
        columns: tuple[str, ...],
        filter: str | None,
        size: int,
        ordered: bool,
    ) -> None:
        self.sources, self.columns, self.filter, self.size = sources, columns, filter, size
        self.numbers = iter(range(len(sources)))
        self.traces: dict[int, Trace] = {}
        self.queues: list[deque[_Read]] = [deque() for _ in sources[: None if ordered else 1]]
        if not ordered:
            self.queues *= len(sources)
        self.returned, self.end = deque[_Read](), deque[_Read]()
        self.queues.append(self.end)
        self.done = self.packets = 0
        self.lock, self.changed = threading.Lock(), _Bell()
        self.stopped = False

    def run(self) -> None:
        """Read one trace after the other."""
        while not self.stopped:
            with self.lock:
                number = next(self.numbers, None)
            if number is None:
                return
            self.read_one(number)

    def read_one(self, number: int) -> None:
        """Read a trace to its end."""
        error = None
        try:
            # Filters are not shared: each trace reads on its own.
            with open(self.sources[number], filter=self.filter) as trace:
                self.traces[number] = trace
                if self.stopped:
                    return
                for batch in trace.batches(self.columns, self.size):
                    if not self.put(_Read(number, batch, len(batch))):
                        return
        except Exception as failure:
            error = failure
        finally:
            self.traces.pop(number, None)
        self.put(_Read(number, error=error))

    def put(self, read: _Read) -> bool:
        """Wait for room, and queue what was read. After `stop` nobody wants it: return False."""
        waiting = self.queues[read.number]
        while True:
            bell = self.changed.listen()
            if self.stopped:
                return False
            with self.lock:
                room = len(waiting) < _AHEAD
                if room:
                    waiting.append(read)
            if room:
                self.changed.ring()
                return True
            bell.get()

    def give_back(self, read: _Read) -> None:
        """Let the next reader have it."""
        self.returned.appendleft(read)
        self.changed.ring()

    def stop(self) -> None:
        """Let readers and workers end, also those that wait.

        A signal handler or the garbage collector may call it anywhere, so it takes no lock.
        """
        self.stopped = True
        for trace in tuple(self.traces.values()):
            trace.stop()
        for waiting in (self.returned, *self.queues):
            waiting.clear()
        self.changed.ring()


class Scan(ArrowStream):
    """The batches of many traces: an iterator, which `scan` makes.

    It speaks the Arrow PyCapsule interface: ``polars.DataFrame(libtrace.scan("*.pcap.gz"))``. A
    trace that cannot be read raises when all its good packets were handed out; iterating again goes
    on with the others. What a signal handler or `progress` raises loses no batch. Threads may share
    it: each batch goes to one of them. As a context manager, it stops reading at the end of the
    block.

    Attributes
    ----------
    columns : tuple of str
        The names of the columns.
    schema : dict of str to ColumnInfo
        What they hold, by name.
    """

    def __init__(
        self,
        work: _Work,
        columns: tuple[str, ...],
        workers: int,
        progress: Callable[[ScanProgress], object] | None,
    ) -> None:
        self.columns = columns
        self.schema = {name: COLUMNS[name] for name in columns}
        self._work, self._progress = work, progress
        self._finalizer = weakref.finalize(self, work.stop)
        for _ in range(min(workers, len(work.sources))):
            threading.Thread(target=work.run, name="libtrace scan", daemon=True).start()

    def __enter__(self) -> Scan:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __next__(self) -> Batch:
        return self._next()[1]

    def _next(self) -> tuple[int, Batch]:
        """Return the next batch, and the number of its trace in front of it."""
        while True:
            read = self._take()
            if read.error:
                raise read.error
            if read.batch is not None:
                return read.number, read.batch

    def _take(self) -> _Read:
        """Wait for the next one. It is not lost if a signal handler or the progress raises."""
        work, read = self._work, None
        try:
            while not read:
                bell = work.changed.listen()
                # No call in here, after which a signal handler runs: it is in a queue or in `read`.
                with work.lock:
                    waiting = work.returned or work.queues[work.done]
                    if waiting:
                        read = waiting[0]
                        del waiting[0]
                        new = waiting is not work.returned
                        if new:
                            work.done += read.batch is None
                            work.packets += read.rows
                if work.stopped or waiting is work.end:
                    raise StopIteration
                if not read:
                    bell.get()
            work.changed.ring()
            if self._progress and new:
                self._progress(ScanProgress(len(work.sources), work.done, work.packets))
        except BaseException:
            if read:
                work.give_back(read)
            raise
        return read

    def close(self) -> None:
        """Stop reading; again, it does nothing.

        Any thread or signal handler may do so: a loop over the batches ends at once. It does not
        wait for the threads that read; they end soon, or when a silent pipe has begun.
        """
        self._finalizer()


# ---- for scripts ----


def scan(
    uris: Source | Iterable[Source],
    columns: Iterable[str] | None = None,
    *,
    filter: Filter | str | None = None,
    size: int = 65536,
    workers: int | None = None,
    ordered: bool = False,
    progress: Callable[[ScanProgress], object] | None = None,
) -> Scan:
    """Read many traces as one table, several at a time.

    Parameters
    ----------
    uris : str or os.PathLike, or an iterable of them
        Traces as for `libtrace.open`; a pattern (``*``, ``?``, ``[]``, ``**``) stands for all files
        that match, by name.
    columns, size
        As for :meth:`Trace.batches`.
    filter : Filter or str, optional
        Only the packets that match.
    workers : int, optional
        How many traces are read at the same time; by default one a processor.
    ordered : bool, optional
        Hand out the batches of one trace after those of the other. Fewer are then read at the same
        time: of the next traces, two batches wait for their turn.
    progress : callable, optional
        Called with a `ScanProgress` for every batch, and at the end of every trace.

    Returns
    -------
    Scan
        An iterator of `Batch`.

    Raises
    ------
    FileNotFoundError
        No file matches a pattern. That a trace cannot be read is told by the iterator.
    ValueError
        There is no such column; an argument is out of range.

    Examples
    --------
    >>> import libtrace
    >>> sum(len(batch) for batch in libtrace.scan("tests/data/dns*.pcap", filter="udp port 53"))
    92
    """
    names = check_columns(columns, size)
    if workers is not None and workers < 1:
        raise ValueError(f"a scan needs at least one worker, not {workers}")
    expression = filter if filter is None or isinstance(filter, str) else filter.expression
    if expression is not None:
        Filter(expression)

    work = _Work(_expand_all(uris), names, expression, size, ordered)
    return Scan(work, names, workers or os.cpu_count() or 1, progress)


def read_table(
    uris: Source | Iterable[Source],
    columns: Iterable[str] | None = None,
    *,
    filter: Filter | str | None = None,
    workers: int | None = None,
) -> pyarrow.Table:
    """Read traces into a table of pyarrow, in order.

    Parameters
    ----------
    uris, columns, filter, workers
        As for `scan`.

    Returns
    -------
    pyarrow.Table
        Of all packets; ``.to_pandas()`` makes a data frame of it.

    Raises
    ------
    LibtraceError
        A trace cannot be read to its end.
    ImportError
        The package pyarrow is not installed.

    Examples
    --------
    >>> import libtrace
    >>> libtrace.read_table("tests/data/sample.pcap").num_rows  # doctest: +SKIP
    773
    """
    found = arrow()
    with scan(uris, columns, filter=filter, workers=workers) as batches:
        parts: list[tuple[int, Batch]] = []
        with suppress(StopIteration):
            while True:
                parts.append(batches._next())
        parts.sort(key=lambda part: part[0])
        return found.table(batches.schema, [batch for _, batch in parts])
