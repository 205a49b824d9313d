# SPDX-License-Identifier: LGPL-3.0-or-later
"""Packets as tables: the batches of rows that C fills, and their columns."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any, overload

from libtrace import core
from libtrace.schema import (
    ADDRESS,
    BYTES,
    COLUMNS,
    COUNT_COLUMNS,
    DEFAULT_COLUMNS,
    LIST,
    TEXT,
    TIME,
    ColumnInfo,
    column_names,
)

if TYPE_CHECKING:
    import numpy
    import pyarrow

    from libtrace.aio import Wait

__all__ = ["Batch", "Batches", "Column", "Counts"]

_VALIDITY, _VALUES, _DATA = range(3)


def arrow() -> ModuleType:
    """Return the module that hands tables over to Arrow."""
    try:
        return importlib.import_module("libtrace.arrow")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Arrow tables need the Python package pyarrow: pip install pyarrow", name=error.name
        ) from None


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
        if self.type == ADDRESS:
            flat = memoryview(self).tobytes()
            return (flat[at : at + 16] for at in range(0, len(flat), 16))
        if self.type not in (TEXT, BYTES, LIST):
            return iter(memoryview(self))
        offsets, data = memoryview(self), self.data
        parts = (data[start:end] for start, end in zip(offsets, offsets[1:]))
        if self.type == LIST:
            return (part.tolist() for part in parts)
        return map(bytes, parts) if self.type == BYTES else (str(part, "ascii") for part in parts)

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

        if self.type in (TEXT, BYTES, LIST):
            objects = numpy.empty(self._count, object)
            objects[:] = self.to_pylist()
            return objects
        values = numpy.asarray(self)
        if self.type == TIME:
            values = values.view("datetime64[ns]")
        if self.type == ADDRESS:
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


class ArrowStream:
    """An iterator of batches that speaks the Arrow PyCapsule interface: ``pyarrow.table(it)``."""

    __slots__ = ()
    schema: dict[str, ColumnInfo]

    if TYPE_CHECKING:

        def __next__(self) -> Batch: ...

    def __iter__(self) -> Iterator[Batch]:
        return self

    def to_arrow(self) -> pyarrow.RecordBatchReader:
        """Return the batches as a reader of pyarrow, which reads as it is read."""
        return arrow().reader(self.schema, self)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_arrow().__arrow_c_stream__(requested_schema)


class Batches(core.Batches, ArrowStream):
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

    def __repr__(self) -> str:
        return f"<libtrace.{type(self).__name__} of {self.uri!r}: {', '.join(self.columns)}>"

    def _batch_of(self, batch: core.Batch) -> Batch:
        return Batch(batch, self.schema, 0, batch.rows)

    def __aiter__(self) -> AsyncIterator[Batch]:
        """Return an asynchronous iterator over the batches, as the plain one delivers them.

        :meth:`Trace.close` and :meth:`Trace.stop` end its wait, from any task or thread: what it
        has is handed out. Files are read in a daemon thread, pipes and interfaces without one.
        """
        from libtrace.aio import steps

        def poll(waited: float) -> Batch | Wait | None:
            found = self._poll(self._trace, waited)
            return self._batch_of(found) if isinstance(found, core.Batch) else found

        # A batch is worth the event loop's detour.
        return steps(lambda: None, poll, lambda: self._fetch(self._trace))


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
