# SPDX-License-Identifier: LGPL-3.0-or-later
"""Packets as tables: what columns there are, and the batches of rows that C fills."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from libtrace import core

if TYPE_CHECKING:
    import numpy
    import pyarrow

    from libtrace.aio import Wait

__all__ = [
    "COLUMNS",
    "COUNT_COLUMNS",
    "DEFAULT_COLUMNS",
    "Batch",
    "Batches",
    "Column",
    "ColumnInfo",
    "Counts",
]

# ---- what there is ----

# In the order of the shim's lts_column_type.
_TYPES = (
    "bool",
    "int8",
    "uint8",
    "int16",
    "uint16",
    "uint32",
    "uint64",
    "timestamp[ns, UTC]",
    "fixed_size_binary[16]",
    "string",
    "binary",
    "list[uint16]",
)
_TIME, _ADDRESS, _TEXT, _BYTES, _LIST = _TYPES[-5:]
_VALIDITY, _VALUES, _DATA = range(3)


class ColumnInfo(NamedTuple):
    """What a column holds.

    Attributes
    ----------
    type : str
        As Arrow calls it.
    unit : str
        Of its values; ``""`` where they have none.
    null : str
        When a value is null; ``""`` for never. A field that the capture cuts off is null, too.
    source : str
        Where the value comes from: the attribute that has the same, and the standard.
    """

    type: str
    unit: str
    null: str
    source: str


_NO_IP = "no IP"
_NO_IPV4 = "no IPv4"
_NO_IPV6 = "no IPv6"
_NO_PORTS = "no TCP, UDP, SCTP, DCCP or UDP-Lite, or a later fragment"
_NO_TCP = "no TCP, or a later fragment"
_NO_ICMP = "no ICMP or ICMPv6, or a later fragment"
_NO_OPTION = "no such TCP option"
_NO_PAYLOAD = "no TCP, UDP, UDP-Lite, ICMP or SCTP, a later fragment, or no stated length"

_ABOUT = {
    "timestamp": ("ns since 1970", "", "Packet.timestamp_ns"),
    "wire_len": ("bytes", "", "Packet.wire_len (trace_get_wire_length)"),
    "capture_len": ("bytes", "", "Packet.capture_len (trace_get_capture_length)"),
    "is_truncated": ("", "", "Packet.is_truncated"),
    "size_class": (
        "",
        "",
        "Packet.wire_len below 64, 128, 256, 512, 1024, 1519, or not (RFC 2819)",
    ),
    "direction": ("Direction", "", "Packet.direction (trace_get_direction)"),
    "linktype": ("LinkType", "", "Packet.linktype (trace_get_link_type)"),
    "src_mac": ("", "no Ethernet or 802.11", "Packet.src_mac"),
    "dst_mac": ("", "no Ethernet or 802.11", "Packet.dst_mac"),
    "ethertype": ("", "none", "Packet.ethertype"),
    "vlan_id": ("", "no tag", "the first of Packet.vlan_ids (IEEE 802.1Q, 9.6)"),
    "vlan_ids": ("", "", "Packet.vlan_ids"),
    "mpls_label": ("", "no label", "the first of Packet.mpls_labels (RFC 3032, 2.1)"),
    "ip_version": ("", _NO_IP, "Internet.version"),
    "src": ("", _NO_IP, "Packet.src_text"),
    "dst": ("", _NO_IP, "Packet.dst_text"),
    "src_ip": ("", _NO_IP, "Packet.src; IPv4 is mapped (RFC 4291, 2.5.5.2)"),
    "dst_ip": ("", _NO_IP, "Packet.dst; IPv4 is mapped (RFC 4291, 2.5.5.2)"),
    "proto": ("", _NO_IP, "Packet.ip_proto"),
    "ttl": ("", _NO_IP, "Internet.ttl"),
    "traffic_class": ("", _NO_IP, "Internet.traffic_class"),
    "ip_id": ("", _NO_IPV4, "IP.ident"),
    "ip_flags": ("bits", _NO_IPV4, "IP.has_rf, has_df, has_mf: 4, 2, 1 (RFC 791, 3.1)"),
    "frag_offset": ("8 bytes", _NO_IPV4, "IP.frag_offset"),
    "ip_len": ("bytes", "no IP, or a jumbogram", "IP.pkt_len; IP6.payload_len and 40"),
    "flow_label": ("", _NO_IPV6, "IP6.flow_label"),
    "src_port": ("", _NO_PORTS, "Packet.src_port"),
    "dst_port": ("", _NO_PORTS, "Packet.dst_port"),
    "tcp_seq": ("", _NO_TCP, "TCP.seq_nbr"),
    "tcp_ack": ("", _NO_TCP, "TCP.ack_nbr"),
    "tcp_flags": ("bits", _NO_TCP, "TCP.flags"),
    "tcp_window": ("", _NO_TCP, "TCP.window, not scaled"),
    "tcp_mss": ("bytes", _NO_OPTION, "TCP.options (RFC 9293, 3.7.1)"),
    "tcp_wscale": ("", _NO_OPTION, "TCP.options (RFC 7323, 2)"),
    "tcp_tsval": ("", _NO_OPTION, "TCP.options (RFC 7323, 3)"),
    "tcp_tsecr": ("", _NO_OPTION, "TCP.options (RFC 7323, 3)"),
    "icmp_type": ("", _NO_ICMP, "ICMP.type, ICMP6.type"),
    "icmp_code": ("", _NO_ICMP, "ICMP.code, ICMP6.code"),
    "payload_len": ("bytes", _NO_PAYLOAD, "Packet.payload_length"),
    "headers_cut": ("", "", "whether addresses, protocol or ports are cut off"),
    "flow_hash": ("", _NO_IP, "Packet.flow_hash"),
    "packet": ("", "", "bytes(Packet)"),
    "payload": ("", _NO_PAYLOAD, "the captured part of Packet.payload_length bytes"),
    "index": ("", "", "the number of the packet in its trace, from 0"),
}


PACKETS, FLOWS, COUNTS = range(3)


def _names(rows: int) -> Iterator[str]:
    number = 0
    while name := core.column_name(rows, number):
        yield name
        number += 1


def describe(rows: int, about: Mapping[str, tuple[str, str, str]]) -> dict[str, ColumnInfo]:
    """Return all columns of a kind of table, with what the shim does not know of them."""
    return {
        name: ColumnInfo(_TYPES[core.column_type(rows, number)], *about[name])
        for number, name in enumerate(_names(rows))
    }


COLUMNS: dict[str, ColumnInfo] = describe(PACKETS, _ABOUT)
"""All columns, by name. Headers are the outermost ones, behind all VLAN tags and MPLS labels."""

DEFAULT_COLUMNS = (
    "timestamp",
    "wire_len",
    "capture_len",
    "vlan_id",
    "ip_version",
    "src",
    "dst",
    "proto",
    "src_port",
    "dst_port",
    "tcp_flags",
    "payload_len",
)
"""The columns of a table where none are asked for."""


COUNT_COLUMNS: dict[str, ColumnInfo] = describe(
    COUNTS,
    {
        "packets": ("packets", "", "how many have the values in front"),
        "bytes": ("bytes", "", "the sum of their Packet.wire_len"),
        "captured_bytes": ("bytes", "", "the sum of their Packet.capture_len"),
        "truncated_packets": ("packets", "", "those with Packet.is_truncated"),
        "first": ("ns since 1970", "", "the earliest Packet.timestamp_ns"),
        "last": ("ns since 1970", "", "the latest Packet.timestamp_ns"),
    },
)
"""The columns that :meth:`Trace.counts` adds to those that are asked for."""


def column_names(columns: Iterable[str] | None, default: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the columns asked for."""
    if columns is None:
        return default
    if isinstance(columns, str) or not isinstance(columns, Iterable):
        raise TypeError(f"columns are a list of names, not a {type(columns).__name__}")
    names = tuple(columns)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"a column's name is a str, not a {type(name).__name__}")
        if not name.isidentifier():
            raise ValueError(f"there is no column {name!r}; libtrace.COLUMNS has all")
    return names


def check_columns(columns: Iterable[str] | None, size: int) -> tuple[str, ...]:
    """Return the names of the columns asked for, or raise what is wrong with an argument."""
    names = column_names(columns, DEFAULT_COLUMNS)
    core.Batches(",".join(names), size, 0.0, False, None)
    return names


def arrow() -> ModuleType:
    """Return the module that hands tables over to Arrow."""
    try:
        return importlib.import_module("libtrace.arrow")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Arrow tables need the Python package pyarrow: pip install pyarrow", name=error.name
        ) from None


# ---- batches ----


class Column(core.Buffer):
    """A column of a batch: a read-only sequence of values, null as None.

    The buffer protocol (``memoryview(column)``, ``numpy.asarray(column)``) gives the values without
    a copy, zero for null. For types without a fixed width it gives int32 offsets into `data`, one
    more than there are rows.

    Attributes
    ----------
    name : str
    info : ColumnInfo
    type : str
        As `ColumnInfo.type`.
    """

    __slots__ = ("_batch", "_count", "_index", "_start", "info", "name", "type")

    def __init__(
        self, batch: core.Batch, index: int, name: str, info: ColumnInfo, start: int, count: int
    ) -> None:
        super().__init__(batch, index, _VALUES, start, count)
        self._batch, self._index, self._start, self._count = batch, index, start, count
        self.name, self.info, self.type = name, info, info.type

    def __repr__(self) -> str:
        return f"<libtrace.Column {self.name!r}, {self.type}, {self._count} rows>"

    def __len__(self) -> int:
        return self._count

    def buffer(self, part: int) -> memoryview:
        """Return one of Arrow's buffers of the whole batch: 0, validity; 1, values; 2, data."""
        return memoryview(core.Buffer(self._batch, self._index, part, 0, self._batch.rows))

    @property
    def offset(self) -> int:
        """int: Which row of the whole batch is the first."""
        return self._start

    @property
    def validity(self) -> memoryview:
        """memoryview: A bit a row of the whole batch, the lowest first: 0 for null."""
        return self.buffer(_VALIDITY)

    @property
    def data(self) -> memoryview:
        """memoryview: What the offsets point into; empty for types of fixed width."""
        return self.buffer(_DATA)

    @property
    def null_count(self) -> int:
        """int: How many values are null."""
        if self._count == self._batch.rows:
            return self._batch.nulls(self._index)
        return sum(not valid for valid in self._valid())

    def _valid(self) -> Iterator[bool]:
        bits = self.validity
        for row in range(self._start, self._start + self._count):
            yield bool(bits[row >> 3] >> (row & 7) & 1)

    @overload
    def __getitem__(self, row: int) -> Any: ...
    @overload
    def __getitem__(self, row: slice) -> Column: ...
    def __getitem__(self, row: int | slice) -> Any:
        if isinstance(row, slice):
            start, count = _span(row, self._count)
            start += self._start
            return Column(self._batch, self._index, self.name, self.info, start, count)
        if not hasattr(row, "__index__"):
            raise TypeError(f"rows are numbers or slices, not a {type(row).__name__}")
        number = row.__index__()
        if not -self._count <= number < self._count:
            raise IndexError(f"there is no row {number} of {self._count}")
        number %= self._count
        return next(iter(self[number : number + 1]))

    def __iter__(self) -> Iterator[Any]:
        for value, valid in zip(self._values(), self._valid()):
            yield value if valid else None

    def _values(self) -> Iterator[Any]:
        if self.type == _ADDRESS:
            flat = memoryview(self).tobytes()
            return (flat[at : at + 16] for at in range(0, len(flat), 16))
        if self.type not in (_TEXT, _BYTES, _LIST):
            return iter(memoryview(self))
        offsets, data = memoryview(self), self.data
        parts = (data[start:end] for start, end in zip(offsets, offsets[1:]))
        if self.type == _LIST:
            return (part.tolist() for part in parts)
        return map(bytes, parts) if self.type == _BYTES else (str(part, "ascii") for part in parts)

    def to_pylist(self) -> list[Any]:
        """Return the values as a list.

        Returns
        -------
        list
            Of `int` (a timestamp in nanoseconds), `bool`, `str`, `bytes` or `list`; None for null.
        """
        return list(self)

    def to_numpy(self) -> numpy.ndarray[Any, Any]:
        """Return the values as an array of numpy.

        Returns
        -------
        numpy.ndarray or numpy.ma.MaskedArray
            Without a copy of the values. Masked where a column can have nulls; of objects for
            strings, bytes and lists; ``datetime64[ns]`` for timestamps.
        """
        import numpy

        if self.type in (_TEXT, _BYTES, _LIST):
            objects = numpy.empty(self._count, object)
            objects[:] = self.to_pylist()
            return objects
        values = numpy.asarray(self)
        if self.type == _TIME:
            values = values.view("datetime64[ns]")
        if self.type == _ADDRESS:
            values = values.view("V16").reshape(self._count)
        if not self.info.null:
            return values
        bits = numpy.unpackbits(numpy.asarray(self.validity), bitorder="little")
        valid = bits[self._start : self._start + self._count].astype(bool)
        return numpy.ma.MaskedArray(values, ~valid)

    def to_arrow(self) -> pyarrow.Array[Any]:
        """Return the values as an array of pyarrow, without a copy (but for `bool`)."""
        return arrow().array(self)

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        capsules: tuple[object, object] = self.to_arrow().__arrow_c_array__(requested_schema)
        return capsules


def _span(rows: slice, count: int) -> tuple[int, int]:
    start, stop, step = rows.indices(count)
    if step != 1:
        raise ValueError("rows are sliced without a step")
    return start, max(0, stop - start)


class Batch:
    """Rows of a table, of packets or of flows: a mapping of names to columns.

    ``batch["src_port"]`` is a `Column`, ``batch[10:20]`` a batch of some of the rows,
    ``len(batch)`` the number of rows; iterating gives the names of the columns. It speaks the Arrow
    PyCapsule interface: ``pyarrow.record_batch(batch)``, ``polars.DataFrame(batch)``. A batch and
    its columns equal themselves only, and do not pickle: what :meth:`to_arrow` makes does.

    Attributes
    ----------
    schema : dict of str to ColumnInfo
        What its columns hold, by name.
    """

    __slots__ = ("_batch", "_count", "_start", "schema")

    def __init__(
        self, batch: core.Batch, schema: dict[str, ColumnInfo], start: int, count: int
    ) -> None:
        self._batch, self.schema, self._start, self._count = batch, schema, start, count

    def __repr__(self) -> str:
        return f"<libtrace.Batch of {self._count} rows: {', '.join(self.schema)}>"

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        return iter(self.schema)

    def __contains__(self, name: object) -> bool:
        return name in self.schema

    __reversed__ = None  # len() and [] are not those of one sequence

    @overload
    def __getitem__(self, key: str) -> Column: ...
    @overload
    def __getitem__(self, key: slice) -> Batch: ...
    def __getitem__(self, key: str | slice) -> Column | Batch:
        if isinstance(key, slice):
            start, count = _span(key, self._count)
            return Batch(self._batch, self.schema, self._start + start, count)
        if not isinstance(key, str):
            raise TypeError(f"a batch has names of columns and slices, not a {type(key).__name__}")
        info = self.schema[key]
        index = self.keys().index(key)
        return Column(self._batch, index, key, info, self._start, self._count)

    def keys(self) -> tuple[str, ...]:
        """Return the names of the columns, as `tuple` of `str`."""
        return tuple(self.schema)

    def values(self) -> list[Column]:
        """Return the columns, as `list` of `Column`."""
        return [self[name] for name in self]

    def items(self) -> list[tuple[str, Column]]:
        """Return names and columns, as `list` of pairs."""
        return [(name, self[name]) for name in self]

    def to_numpy(self) -> dict[str, numpy.ndarray[Any, Any]]:
        """Return every column as :meth:`Column.to_numpy`, by name, as `dict`."""
        return {name: column.to_numpy() for name, column in self.items()}

    def to_arrow(self) -> pyarrow.RecordBatch:
        """Return the rows as a record batch of pyarrow, without a copy."""
        return arrow().record_batch(self)

    def __arrow_c_schema__(self) -> object:
        return self.to_arrow().schema.__arrow_c_schema__()

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        capsules: tuple[object, object] = self.to_arrow().__arrow_c_array__(requested_schema)
        return capsules


class Batches(core.Batches):
    """The batches of a trace, as :meth:`Trace.batches` makes them: an iterator.

    It speaks the Arrow PyCapsule interface, too: ``pyarrow.table(batches)``.

    ``async for batch in batches`` reads them in an event loop. A step that is cancelled loses no
    row: the next one, of either loop, has what there was.

    Attributes
    ----------
    columns : tuple of str
        The names of the columns.
    schema : dict of str to ColumnInfo
        What they hold, by name.
    uri : str
        Where the packets come from.
    """

    __slots__ = ("_trace", "columns", "schema", "uri")
    _all = COLUMNS
    _default: tuple[str, ...] = DEFAULT_COLUMNS
    _counted = False

    def __init__(
        self,
        trace: core.Trace,
        columns: Iterable[str] | None,
        size: int,
        max_wait: float,
        cache: core.FlowCache | None = None,
        *,
        limit: int | None = None,
    ) -> None:
        names = column_names(columns, self._default)
        super().__init__(",".join(names), size, max_wait, self._counted, cache)
        if limit is not None:
            self.limit(limit)
        self._trace, self.uri, self.columns = trace, trace.uri, names
        self.schema = {name: self._all[name] for name in names}

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        return self._batch_of(self.read(self._trace))

    def _batch_of(self, batch: core.Batch) -> Batch:
        return Batch(batch, self.schema, 0, batch.rows)

    def __aiter__(self) -> AsyncIterator[Batch]:
        """Return an asynchronous iterator over the batches, as the plain one delivers them.

        :meth:`Trace.close` and :meth:`Trace.stop` end its wait, from any task or thread: what it
        has is handed out. Files and pipes are read in a daemon thread, interfaces without one.
        """
        from libtrace.aio import steps

        def poll(waited: float) -> Batch | Wait | None:
            found = self._poll(self._trace, waited)
            return self._batch_of(found) if isinstance(found, core.Batch) else found

        # A batch is worth the event loop's detour.
        return steps(lambda: None, poll, lambda: self._fetch(self._trace))

    def to_arrow(self) -> pyarrow.RecordBatchReader:
        """Return the batches as a reader of pyarrow, which reads as it is read."""
        return arrow().reader(self.schema, self)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_arrow().__arrow_c_stream__(requested_schema)


class Counts(Batches):
    """What packets have in common, as :meth:`Trace.counts` counts it: an iterator of `Batch`."""

    __slots__ = ()
    _counted = True

    def __init__(
        self,
        trace: core.Trace,
        columns: Iterable[str],
        size: int,
        max_wait: float,
        *,
        limit: int | None = None,
    ) -> None:
        super().__init__(trace, columns, size, max_wait, limit=limit)
        self.columns += tuple(COUNT_COLUMNS)
        self.schema |= COUNT_COLUMNS
