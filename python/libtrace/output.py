# SPDX-License-Identifier: LGPL-3.0-or-later
"""Outputs: what Python adds to the type of the C part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

from libtrace import core
from libtrace.trace import SLOTS, ArgumentError

if TYPE_CHECKING:
    from typing_extensions import Self

_DEFAULT_LEVEL = 6


class OutputTrace(core.OutputTrace):
    """A file to write packets to, or an interface to send them on.

    As a context manager it is started at the beginning and closed at the end of the block. One
    that is never closed is closed when it is destroyed, or at the latest when the process ends.

    A pcap file takes the link type of its first packet, and no other; a pcapng file takes any.

    Parameters
    ----------
    uri : str
        ``pcapfile:NAME``, ``pcapng:NAME`` or ``erf:NAME``, where ``-`` is the standard output, or
        ``int:INTERFACE``. An existing file is overwritten with the first packet; without any
        packet, nothing is created.
    compression : Compression, optional
        How a file is compressed; by default, not.
    level : int, optional
        From 1, fast, to 9, small; by default 6.

    Raises
    ------
    ValueError
        `uri` is no str, or names no format that can be written; `compression` or `level` are out
        of range.
    LibtraceError
        This build lacks the compression.

    Examples
    --------
    >>> import libtrace, os, tempfile
    >>> from libtrace import Compression
    >>> uri = "pcapfile:" + os.path.join(tempfile.mkdtemp(), "web.pcap.gz")
    >>> with libtrace.OutputTrace(uri, compression=Compression.ZLIB) as output:
    ...     for packet in libtrace.open("tests/data/sample.pcap", filter="tcp port 80"):
    ...         output.write_packet(packet)
    """

    __slots__ = SLOTS

    def __init__(
        self, uri: str, *, compression: int | None = None, level: int | None = None
    ) -> None:
        if not isinstance(uri, str):
            raise ArgumentError(f"an output's URI is a str, not {type(uri).__name__}")
        super().__init__(uri)
        if compression is not None:
            self.compress(compression, _DEFAULT_LEVEL if level is None else level)
        elif level is not None:
            raise ArgumentError("a level needs a compression")

    def __repr__(self) -> str:
        written = f"{self.packets_written} packets written"
        return f"<libtrace.OutputTrace {self.uri!r}, {self.state}, {written}>"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    start_output = core.OutputTrace.start
    close_output = core.OutputTrace.close


def _rows(where: Iterable[Any]) -> set[int]:
    """Return the numbers of the rows that are chosen."""
    convert = next((n for n in ("tolist", "to_pylist", "to_list") if hasattr(where, n)), None)
    values = list(where if convert is None else getattr(where, convert)())
    if all(value is None or isinstance(value, bool) for value in values):
        return {row for row, value in enumerate(values) if value}
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(f"where: {value!r} is no number of a packet")
    return set(values)


def _choose(packets: Iterable[core.Packet], rows: set[int]) -> Iterator[core.Packet]:
    """Yield the packets of these rows, and take the rows away."""
    if not rows:  # no packet is taken that may have to be waited for
        return
    for row, packet in enumerate(packets):
        if row in rows:
            rows.remove(row)
            yield packet
            if not rows:
                return


def write(
    uri: str,
    packets: Iterable[core.Packet],
    *,
    where: Iterable[Any] | None = None,
    compression: int | None = None,
    level: int | None = None,
) -> int:
    """Write packets to a file, or send them on an interface.

    Parameters
    ----------
    uri, compression, level
        As for `OutputTrace`.
    packets : iterable of Packet
        Such as a started `Trace`, or a list of packets that were kept.
    where : iterable, optional
        Which of the packets: their numbers from 0, as the column ``index`` has them, or a bool for
        each. Lists, and arrays and columns of numpy, pandas, polars and pyarrow.

    Returns
    -------
    int
        How many packets were written.

    Raises
    ------
    ValueError
        `where` holds something else, or names packets that are not there; those before are written.
    LibtraceError
        The output cannot be opened or written, or cannot hold one of the packets; those before
        are written.

    Examples
    --------
    >>> import libtrace, os, tempfile
    >>> uri = "erf:" + os.path.join(tempfile.mkdtemp(), "copy.erf")
    >>> libtrace.write(uri, libtrace.open("tests/data/sample.pcap"))
    773
    """
    rows = None if where is None else _rows(where)
    with OutputTrace(uri, compression=compression, level=level) as output:
        for packet in packets if rows is None else _choose(packets, rows):
            output.write_packet(packet)
    if rows:
        raise ValueError(f"where: there is no packet {min(rows)}")
    return output.packets_written
