# SPDX-License-Identifier: LGPL-3.0-or-later
"""What the commands of ``libtrace`` share: reading traces in order, complaints and output."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import libtrace

if TYPE_CHECKING:
    import argparse

    from libtrace.columns import Batch
    from libtrace.trace import Trace

    _Handler = Callable[[int, FrameType | None], object]

__all__ = [
    "BROKEN_PIPE",
    "Reading",
    "Replacement",
    "Terminated",
    "complain",
    "printable",
    "progress",
    "status_of",
    "stopping",
    "terminable",
    "write",
]

# As the shell reports a command that this signal ended.
BROKEN_PIPE = 128 + signal.SIGPIPE

# ---- signals ----


class Terminated(KeyboardInterrupt):
    """SIGTERM, as timeout(1) sends it: it ends a command as Ctrl-C does."""


def status_of(interrupt: KeyboardInterrupt) -> int:
    """Return the exit status, as the shell reports a command that this signal ended."""
    return 128 + (signal.SIGTERM if isinstance(interrupt, Terminated) else signal.SIGINT)


@contextmanager
def _handling(handlers: dict[int, _Handler]) -> Iterator[None]:
    """Handle signals so, and as before at the end; only the main thread gets any."""
    main = threading.current_thread() is threading.main_thread()
    before = [(number, signal.getsignal(number)) for number in handlers if main]
    try:
        for number, _ in before:
            signal.signal(number, handlers[number])
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise Terminated


def terminable() -> AbstractContextManager[None]:
    """Let SIGTERM raise :exc:`Terminated`, unless the process does otherwise with it already."""
    default = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    return _handling({signal.SIGTERM: _terminate} if default else {})


@contextmanager
def stopping(trace: Trace) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the reading of a trace, but not the work on what was read."""
    interrupts: list[tuple[int, FrameType | None]] = []

    def stop(number: int, frame: FrameType | None) -> None:
        interrupts.append((number, frame))
        trace.stop()

    numbers: tuple[int, ...] = (signal.SIGINT, signal.SIGTERM)
    known = {number: signal.getsignal(number) for number in numbers}
    # A shell lets what it starts in the background ignore Ctrl-C.
    handlers = {number: handler for number, handler in known.items() if callable(handler)}
    try:
        with _handling(dict.fromkeys(handlers, stop)):
            yield
    finally:
        for number, frame in interrupts[:1]:
            handlers[number](number, frame)


# ---- reading ----


def progress(trace: Trace) -> AbstractContextManager[object]:
    """Return what shows, where somebody looks, how far the reading of a trace is."""
    if sys.stderr is not None and sys.stderr.isatty():
        with suppress(ModuleNotFoundError):
            from libtrace.terminal import ReadingProgress

            return ReadingProgress(trace)
    return nullcontext()


class Reading:
    """The traces of a command line, one after the other.

    A trace that cannot be read, Ctrl-C and SIGTERM end none of the work on what was read: they are
    kept for :meth:`finish`.

    Parameters
    ----------
    options : argparse.Namespace
        Where `uris` and `filter` are, and perhaps `snaplen` and `count`.

    Attributes
    ----------
    traces : int
        How many could be opened.
    packets : int
        How many rows were handed out.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._limit: int | None = getattr(options, "count", None)
        self._errors: list[Exception] = []
        self._interrupt: KeyboardInterrupt | None = None
        self.traces = self.packets = 0

    def batches(
        self, tables: Callable[[Trace, int | None], Iterator[Batch]]
    ) -> Generator[Batch, None, None]:
        """Read all traces.

        Parameters
        ----------
        tables : callable
            Makes the batches of a trace, of at most so many packets.
        """
        for uri in self._options.uris:
            if self.packets == self._limit:
                return
            try:
                yield from self._read(uri, tables)
            except (libtrace.LibtraceError, OSError, ValueError) as error:
                self._errors.append(error)
            except KeyboardInterrupt as interrupt:
                self._interrupt = interrupt
                return

    def _read(
        self, uri: str, tables: Callable[[Trace, int | None], Iterator[Batch]]
    ) -> Iterator[Batch]:
        snaplen = getattr(self._options, "snaplen", None)
        with libtrace.open(uri, filter=self._options.filter, snaplen=snaplen) as trace:
            self.traces += 1
            left = None if self._limit is None else self._limit - self.packets
            with progress(trace), stopping(trace):
                for batch in tables(trace, left):
                    self.packets += len(batch)
                    yield batch

    def finish(self, status: int = 0) -> int:
        """Tell what went wrong.

        Parameters
        ----------
        status : int, optional
            That of the work on what was read.

        Returns
        -------
        int
            The exit status.
        """
        for error in self._errors:
            complain(error)
        if self._interrupt:
            return status_of(self._interrupt)
        return status or int(bool(self._errors))


# ---- output ----


class Replacement:
    """A file that takes the place of another, or of none, when it is whole.

    Without :meth:`commit` nothing changes.

    Parameters
    ----------
    path : str
        Its name; a symbolic link stays one.

    Attributes
    ----------
    path : Path
        Where to write, beside it.

    Raises
    ------
    OSError
        There is something else than a file.
    """

    def __init__(self, path: str) -> None:
        self._target = Path(path).resolve()
        if self._target.exists() and not self._target.is_file():
            raise OSError(f"'{path}' is there and no file")
        self.path = self._target.with_name(f".libtrace-{os.getpid()}{self._target.suffix}")

    def commit(self) -> None:
        """Take the place."""
        self.path.replace(self._target)

    def close(self) -> None:
        """Remove what has not taken the place."""
        self.path.unlink(missing_ok=True)


def printable(text: str) -> str:
    """Return text on one line and without what could not be shown, whatever a file name holds."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def complain(message: object) -> None:
    """Write one line to standard error."""
    with suppress(OSError):
        print(f"libtrace: {printable(str(message))}", file=sys.stderr, flush=True)


def write(text: str) -> int:
    """Write to standard output, whatever its encoding lacks; return the exit status."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        print(text.encode(encoding, "backslashreplace").decode(encoding), end="", flush=True)
    except OSError as error:
        _discard_output()
        if isinstance(error, BrokenPipeError):
            return BROKEN_PIPE
        complain(f"cannot write: {error.strerror}")
        return 1
    return 0


def _discard_output() -> None:
    """Let the interpreter's last flush succeed: what is left in the buffer has nowhere to go."""
    with suppress(OSError), Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
