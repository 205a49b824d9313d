# SPDX-License-Identifier: LGPL-3.0-or-later
"""Columns as Arrow's arrays: all that needs the package pyarrow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pyarrow

if TYPE_CHECKING:
    from libtrace.columns import Batch, Column
    from libtrace.schema import ColumnInfo

__all__ = ["array", "reader", "record_batch", "schema", "table"]

_TYPES = {
    "bool": pyarrow.bool_(),
    "int8": pyarrow.int8(),
    "uint8": pyarrow.uint8(),
    "int16": pyarrow.int16(),
    "uint16": pyarrow.uint16(),
    "uint32": pyarrow.uint32(),
    "uint64": pyarrow.uint64(),
    "timestamp[ns, UTC]": pyarrow.timestamp("ns", "UTC"),
    "fixed_size_binary[16]": pyarrow.binary(16),
    "string": pyarrow.string(),
    "binary": pyarrow.binary(),
    "list[uint16]": pyarrow.list_(pyarrow.uint16()),
}


def schema(columns: Mapping[str, ColumnInfo]) -> pyarrow.Schema:
    """Return the schema of a table with these columns."""
    return pyarrow.schema(
        [
            pyarrow.field(name, _TYPES[info.type], nullable=bool(info.null))
            for name, info in columns.items()
        ]
    )


def array(column: Column) -> pyarrow.Array[Any]:
    """Return a column as an array that shares its memory; a `bool` has a bit there, not a byte."""
    kind = _TYPES[column.type]
    nulls = column.null_count
    validity, values, data = (pyarrow.py_buffer(column.buffer(part)) for part in range(3))
    buffers, children, stored = [validity if nulls else None, values], [], kind
    if pyarrow.types.is_boolean(kind):
        stored = pyarrow.uint8()
    elif pyarrow.types.is_list(kind):
        children = [_flat(kind.value_type, data)]
    elif not pyarrow.types.is_primitive(kind) and not pyarrow.types.is_fixed_size_binary(kind):
        buffers.append(data)
    made = pyarrow.Array.from_buffers(stored, len(column), buffers, nulls, column.offset, children)
    return made if stored is kind else made.cast(kind)


def _flat(kind: pyarrow.DataType, data: pyarrow.Buffer) -> pyarrow.Array[Any]:
    return pyarrow.Array.from_buffers(kind, data.size // (kind.bit_width // 8), [None, data])


def record_batch(batch: Batch) -> pyarrow.RecordBatch:
    """Return a batch as a record batch that shares its memory."""
    return pyarrow.RecordBatch.from_arrays(
        [array(column) for column in batch.values()], schema=schema(batch.schema)
    )


def reader(
    columns: Mapping[str, ColumnInfo], batches: Iterable[Batch]
) -> pyarrow.RecordBatchReader:
    """Return batches with these columns as a reader, which takes them as it is read itself."""
    return pyarrow.RecordBatchReader.from_batches(schema(columns), map(record_batch, batches))


def table(columns: Mapping[str, ColumnInfo], batches: Iterable[Batch]) -> pyarrow.Table:
    """Return batches with these columns as a table."""
    return pyarrow.Table.from_batches(map(record_batch, batches), schema(columns))
