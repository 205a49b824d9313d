# SPDX-License-Identifier: LGPL-3.0-or-later
"""Traces and filters: what Python adds to the types of the C part."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from libtrace import core
from libtrace.columns import Batches, Counts
from libtrace.errors import make_exception
from libtrace.flows import Flows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from typing_extensions import Self

core.register_exceptions(make_exception)

_UNKNOWN = 2**64 - 1
_STATISTICS = ("accepted", "filtered", "received", "dropped", "captured", "missing", "errors")


# SWIG's types take weak references since 4.5.
SLOTS = () if core.Trace.__weakrefoffset__ else ("__weakref__",)


class ArgumentError(TypeError, ValueError):
    """The wrong kind of argument; old programs expect a `ValueError`, new ones a `TypeError`."""


_Function = TypeVar("_Function", bound=Callable[..., Any])


def _counted(function: _Function) -> _Function:
    """Let a call with the wrong number of arguments raise `ArgumentError`."""

    @functools.wraps(function)
    def checked(*arguments: Any, **keywords: Any) -> Any:
        try:
            return function(*arguments, **keywords)
        except TypeError as error:
            raise ArgumentError(str(error)) from error.__cause__

    return checked  # type: ignore[return-value]


class Filter(core.Filter):
    """A packet filter in the syntax of pcap-filter(7).

    Parameters
    ----------
    expression : str
        The filter, such as ``"udp port 53"``.

    Raises
    ------
    FilterError
        libpcap cannot compile the expression.
    """

    __slots__ = SLOTS
    _check = True

    def __init__(self, expression: str) -> None:
        super().__init__(expression, self._check)

    def __repr__(self) -> str:
        return f"<libtrace.{type(self).__name__} {self.expression!r}>"


class Trace(core.Trace):
    """A source of packets: a trace file or a live interface.

    Nothing is opened before :meth:`start`. :func:`libtrace.open` makes a trace and starts it.

    Parameters
    ----------
    uri : str
        A libtrace URI such as ``pcapfile:x.pcap.gz``, ``erf:x.erf`` or ``int:eth0``, or the path
        of a file whose format its content tells.

    Raises
    ------
    ValueError
        `uri` is no str, or holds a null character.

    Examples
    --------
    >>> import libtrace
    >>> with libtrace.open("tests/data/sample.pcap") as trace:
    ...     total = sum(packet.wire_len for packet in trace)

    ``async for packet in trace`` reads it in an event loop, beside other traces and tasks. It waits
    for an interface without a thread, and lets the other tasks run every few milliseconds while it
    reads a file. A wait that is cancelled, as by `asyncio.wait_for`, loses no packet.

    >>> import asyncio
    >>> async def count(trace: libtrace.Trace) -> int:
    ...     return len([packet async for packet in trace])
    >>> with libtrace.open("tests/data/sample.pcap") as trace:
    ...     asyncio.run(count(trace)) > 0
    True
    """

    __slots__ = SLOTS

    @_counted
    def __init__(self, uri: str) -> None:
        if not isinstance(uri, str):
            raise ArgumentError(f"a trace's URI is a str, not {type(uri).__name__}")
        super().__init__(uri)

    def __repr__(self) -> str:
        return f"<libtrace.Trace {self.uri!r}, {self.state}, {self.accepted_packets} packets read>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    conf_filter = _counted(core.Trace.conf_filter)

    def __aiter__(self) -> AsyncIterator[core.Packet]:
        """Return an asynchronous iterator over the packets, as the plain one delivers them.

        :meth:`close`, :meth:`pause` and :meth:`stop` end its wait at once, from any task or thread.
        Pipes that ``pcap:`` or ``legacynzix:`` reads, and ``http://``, have nothing to wait for but
        a read, for which each wait starts a daemon thread.
        """
        from libtrace.aio import steps

        return steps(self._ready, self._poll, self._fetch)

    promisc = core.Trace.conf_promisc

    @property
    def accepted_packets(self) -> int:
        """Packets delivered so far, those that the filter rejected not counted, as `int`."""
        return self.pkt_accepts()

    @property
    def packet_drops(self) -> int | None:
        """Packets lost before they could be read, as `int`; None where nobody knows.

        Source: the kernel for ``int:``, ``ring:`` and ``pcapint:`` (PACKET_STATISTICS of
        packet(7)), trace_get_dropped_packets for others.
        """
        return self.statistic(_STATISTICS.index("dropped"))

    def pkt_accepts(self) -> int:
        """Return how many packets were delivered so far, as `accepted_packets`."""
        return self.statistic(_STATISTICS.index("accepted")) or 0

    def pkt_drops(self) -> int:
        """Return `packet_drops`, with the historic 2**64 - 1 for an unknown number."""
        drops = self.packet_drops
        return _UNKNOWN if drops is None else drops

    def batches(
        self,
        columns: Iterable[str] | None = None,
        size: int = 65536,
        *,
        max_wait: float = 1.0,
        limit: int | None = None,
    ) -> Batches:
        """Read the trace as a table, batch by batch.

        Parameters
        ----------
        columns : iterable of str, optional
            Names out of `libtrace.COLUMNS`; by default `libtrace.DEFAULT_COLUMNS`. Only what these
            need is decoded.
        size : int, optional
            Most rows of a batch. The last one has less, one that gets very large too.
        max_wait : float, optional
            Seconds after its first packet at which a batch of an interface or a pipe is handed
            out, full or not.
        limit : int, optional
            Most packets to read.

        Returns
        -------
        Batches
            An iterator of `Batch`, also an asynchronous one. It shares the trace's position with
            the loop over packets. What ends the trace with an error is raised after every packet in
            front of it.

        Raises
        ------
        ValueError
            There is no such column; `size` or `max_wait` are out of range.

        Examples
        --------
        >>> import libtrace
        >>> with libtrace.open("tests/data/sample.pcap") as trace:
        ...     sum(sum(batch["wire_len"]) for batch in trace.batches(["wire_len"]))
        422780
        """
        return Batches(self, columns, size, max_wait, limit=limit)

    def flows(
        self,
        columns: Iterable[str] | None = None,
        size: int = 65536,
        *,
        idle_timeout: float = 60.0,
        active_timeout: float = 1800.0,
        max_flows: int = 1 << 20,
        max_wait: float = 1.0,
    ) -> Flows:
        """Read the trace as a table of bidirectional flows (RFC 5103), batch by batch.

        A flow is the packets between two ends: of the same addresses, protocol, ports, and VLAN.
        Its first packet tells which end is the source. It is handed out when it has ended:

        - no packet came for `idle_timeout`;
        - a packet came `active_timeout` or more after its first one: that packet begins another
          flow, which keeps source and destination;
        - TCP has closed it, by a RST or by FINs both ways. It still takes what comes until no
          packet came for 5 seconds (or `idle_timeout`), or a SYN begins another flow;
        - `max_flows` were there when another began: of those that TCP has closed, else of all, the
          one ends whose last packet is the oldest;
        - the trace has ended, also by an error, or is paused or closed. The error is raised when
          all flows were handed out.

        Time is that of the packets. Where it goes back, timeouts wait for it to catch up, unless it
        goes back by a timeout or more: then they go on from there. On a silent interface it passes
        as usual.

        Parameters
        ----------
        columns : iterable of str, optional
            Names out of `libtrace.FLOW_COLUMNS`; by default `libtrace.DEFAULT_FLOW_COLUMNS`.
        size : int, optional
            Most rows of a batch.
        idle_timeout, active_timeout : float, optional
            Seconds; ``math.inf`` for never. With an `idle_timeout` of 0, every packet is a flow.
        max_flows : int, optional
            Most flows to keep in memory, where each takes about 170 bytes.
        max_wait : float, optional
            Seconds after its first flow at which a batch of an interface or a pipe is handed out,
            full or not.

        Returns
        -------
        Flows
            An iterator of `Batch`, in the order in which flows end. It shares the trace's position
            with the loop over packets.

        Raises
        ------
        ValueError
            There is no such column; another argument is out of range.

        Notes
        -----
        Headers are the outermost ones. Later fragments, and packets whose capture ends before the
        ports, have none: they are in a flow of their addresses and protocol. Packets without an IP
        header, or with one that is cut off, are in no flow (`Flows.ignored`).

        Examples
        --------
        >>> import libtrace
        >>> with libtrace.open("tests/data/sample.pcap", filter="tcp port 80") as trace:
        ...     for batch in trace.flows(["src", "packets", "rev_packets", "rtt"]):
        ...         flows = list(zip(*batch.values()))
        >>> flows[0]
        ('192.0.2.10', 16, 18, 43000)
        """
        cache = core.FlowCache(idle_timeout, active_timeout, max_flows)
        return Flows(self, columns, size, max_wait, cache)

    def counts(
        self,
        columns: Iterable[str],
        size: int = 65536,
        *,
        max_wait: float = 1.0,
        limit: int | None = None,
    ) -> Counts:
        """Count the packets that have the same values.

        Parameters
        ----------
        columns : iterable of str
            Names out of `libtrace.COLUMNS`.
        size : int, optional
            Most rows of a batch, which bounds the memory. When there are more, the same values come
            again in a later batch: add them up.
        max_wait, limit
            As for :meth:`batches`.

        Returns
        -------
        Counts
            An iterator of `Batch`, with the columns of `libtrace.COUNT_COLUMNS` behind those.

        Raises
        ------
        ValueError
            There is no such column; `size` or `max_wait` are out of range.

        Examples
        --------
        >>> import libtrace
        >>> with libtrace.open("tests/data/sample.pcap") as trace:
        ...     (batch,) = trace.counts(["ip_version", "proto"])
        >>> sorted(zip(batch["packets"], batch["ip_version"], batch["proto"]), reverse=True)[0]
        (309, 4, 6)
        """
        return Counts(self, columns, size, max_wait, limit=limit)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.batches().__arrow_c_stream__(requested_schema)

    def statistics(self) -> dict[str, int | None]:
        """Return the counters of this trace.

        Returns
        -------
        dict of str to (int or None)
            ``accepted`` (delivered), ``filtered`` (rejected by the filter), ``received`` (reached
            the capture), ``dropped`` (of these, lost because they were not read in time),
            ``captured`` (the others), ``missing`` and ``errors``, in packets since the first
            :meth:`start`; None where nobody knows. Of an interface they are the kernel's own
            (PACKET_STATISTICS of packet(7)), of others libtrace's (trace_get_statistics). After
            :meth:`close` the last known values.
        """
        return {name: self.statistic(index) for index, name in enumerate(_STATISTICS)}


def _uri_of(source: str | os.PathLike[str]) -> str:
    """Return a URI. A path tells its format by content."""
    if isinstance(source, os.PathLike):
        return core.detect(os.fspath(source))
    if not isinstance(source, str):
        raise ArgumentError(f"a trace is a URI or a path, not {type(source).__name__}")
    return core.detect(source) if _is_path(source) else source


def _is_path(source: str) -> bool:
    try:
        return ":" not in source or Path(source).exists()
    except OSError:  # too long for one
        return False


def open(
    uri_or_path: str | os.PathLike[str],
    *,
    filter: Filter | str | None = None,
    snaplen: int | None = None,
    promisc: bool | None = None,
    timeout: float | None = None,
    meta: bool = False,
) -> Trace:
    """Open a trace and start it.

    Parameters
    ----------
    uri_or_path : str or os.PathLike
        A libtrace URI (``erf:x.erf.gz``, ``int:eth0``), or the path of a file, compressed or not.
    filter : Filter or str, optional
        Deliver only the packets that match.
    snaplen : int, optional
        Cut packets to this many bytes; 0 does not.
    promisc : bool, optional
        Whether an interface takes packets for others too.
    timeout : float, optional
        Seconds without a packet after which reading an interface or a pipe raises `TraceTimeout`.
    meta : bool, optional
        Whether a file's metadata is delivered, too, as packets whose `is_meta` is True: pcapng's
        blocks of sections, interfaces, names and statistics, ERF's provenance records, DUCK's
        clock reports. Neither the filter nor the counters see them. Needs libtrace 4.

    Returns
    -------
    Trace
        Started; a context manager that closes it.

    Raises
    ------
    LibtraceError
        The trace cannot be opened; also a `FileNotFoundError` or `PermissionError` where that is
        why, a `FilterError` for a bad filter.
    """
    trace = Trace(_uri_of(uri_or_path))
    if filter is not None:
        trace.conf_filter(Filter(filter) if isinstance(filter, str) else filter)
    if snaplen is not None:
        trace.conf_snaplen(snaplen)
    if promisc is not None:
        trace.conf_promisc(promisc)
    if timeout is not None:
        trace.conf_timeout(timeout)
    if meta:
        trace.conf_meta(True)
    trace.start()
    return trace
