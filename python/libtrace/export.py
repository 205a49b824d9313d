# SPDX-License-Identifier: LGPL-3.0-or-later
"""Tables as files: the writing behind ``libtrace export``, all with the package pyarrow."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow

from libtrace.arrow import record_batch, schema
from libtrace.commands import Replacement

if TYPE_CHECKING:
    from libtrace.columns import Batch
    from libtrace.commands import Reading
    from libtrace.schema import ColumnInfo

__all__ = ["export"]

# Of a group of rows, which Parquet and DuckDB like large.
_ROWS = 1 << 18
_BYTES = 1 << 26


class _Output(ABC):
    """A table that becomes another file; without :meth:`commit` nothing changes."""

    @abstractmethod
    def write(self, rows: pyarrow.Table) -> None: ...

    @abstractmethod
    def commit(self) -> None: ...

    @abstractmethod
    def close(self) -> None: ...


# ---- files ----


class _File(_Output):
    """A file that pyarrow writes."""

    def __init__(self, path: str, columns: pyarrow.Schema) -> None:
        self._file = Replacement(path)
        self._sink = self._file.path.open("wb")
        self._writer: Any = None
        try:
            self._writer = self._open(columns)
        except BaseException:
            self.close()
            raise

    @abstractmethod
    def _open(self, columns: pyarrow.Schema) -> Any:
        """Return a writer of pyarrow."""

    def write(self, rows: pyarrow.Table) -> None:
        self._writer.write_table(rows)

    def commit(self) -> None:
        self._writer.close()
        self._writer = None
        self._sink.close()
        self._file.commit()

    def close(self) -> None:
        self._file.close()
        # On a full disk, what is left has nowhere to go.
        with suppress(OSError, ValueError):
            if self._writer:
                self._writer.close()
        with suppress(OSError):
            self._sink.close()


class _Parquet(_File):
    def _open(self, columns: pyarrow.Schema) -> Any:
        import pyarrow.parquet

        # Where values hardly come twice, a dictionary costs and saves nothing.
        unique = pyarrow.types.is_timestamp, pyarrow.types.is_binary
        return pyarrow.parquet.ParquetWriter(
            self._sink,
            columns,
            compression="zstd",
            compression_level=1,
            use_dictionary=[it.name for it in columns if not any(is_a(it.type) for is_a in unique)],
        )

    def write(self, rows: pyarrow.Table) -> None:
        self._writer.write_table(rows, row_group_size=_ROWS)


class _Feather(_File):
    def _open(self, columns: pyarrow.Schema) -> Any:
        options = pyarrow.ipc.IpcWriteOptions(compression="zstd")
        return pyarrow.ipc.new_file(self._sink, columns, options=options)


class _CSV(_File):
    """Text, which needs no quotes: bytes are hexadecimal, and lists have spaces."""

    def _open(self, columns: pyarrow.Schema) -> Any:
        import pyarrow.csv

        self._columns = pyarrow.schema(
            [(it.name, pyarrow.string() if _writes(it.type) else it.type) for it in columns]
        )
        self._sink.write((",".join(columns.names) + "\n").encode())
        options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
        return pyarrow.csv.CSVWriter(self._sink, self._columns, write_options=options)

    def write(self, rows: pyarrow.Table) -> None:
        texts = [_text(column) for column in rows.columns]
        super().write(pyarrow.Table.from_arrays(texts, schema=self._columns))


def _writes(kind: pyarrow.DataType) -> Any:
    """Return what writes a value as text, or None where pyarrow does."""
    if pyarrow.types.is_list(kind):
        return lambda numbers: " ".join(map(str, numbers))
    is_bytes = pyarrow.types.is_binary(kind) or pyarrow.types.is_fixed_size_binary(kind)
    return bytes.hex if is_bytes else None


def _text(column: pyarrow.ChunkedArray[Any]) -> pyarrow.ChunkedArray[Any]:
    as_text = _writes(column.type)
    if not as_text:
        return column
    texts = [None if value is None else as_text(value) for value in column.to_pylist()]
    return pyarrow.chunked_array([pyarrow.array(texts, pyarrow.string())])


# ---- databases ----


class _DuckDB(_Output):
    """A table of a database, whose other tables stay.

    DuckDB's times with a time zone lack nanoseconds: they become ones without, in UTC.
    """

    def __init__(self, path: str, columns: pyarrow.Schema, table: str) -> None:
        import duckdb

        self._path, self._table = Path(path), table
        self._is_new = not self._path.exists()
        self._error = duckdb.Error
        self._connection: Any = None
        try:
            self._connection = self._try(duckdb.connect, path)
            self._try(self._create, columns.empty_table())
        except BaseException:
            self.close()
            raise

    def _try(self, do: Any, *arguments: Any) -> Any:
        try:
            return do(*arguments)
        except self._error as error:
            raise OSError(" ".join(str(error).split())) from None

    def _create(self, rows: pyarrow.Table) -> None:
        self._connection.execute("BEGIN")
        self._connection.register("new_rows", _without_zones(rows))
        self._connection.execute(f"CREATE OR REPLACE TABLE {self._table} AS FROM new_rows")

    def _insert(self, rows: pyarrow.Table) -> None:
        self._connection.register("new_rows", _without_zones(rows))
        self._connection.execute(f"INSERT INTO {self._table} FROM new_rows")

    def write(self, rows: pyarrow.Table) -> None:
        self._try(self._insert, rows)

    def _commit(self) -> None:
        self._connection.unregister("new_rows")
        self._connection.execute("COMMIT")
        self._connection.execute("CHECKPOINT")

    def commit(self) -> None:
        self._try(self._commit)
        self._is_new = False

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        if self._is_new:
            for name in (self._path, Path(f"{self._path}.wal")):
                name.unlink(missing_ok=True)


def _without_zones(rows: pyarrow.Table) -> pyarrow.Table:
    kinds = [
        (it.name, pyarrow.timestamp("ns") if pyarrow.types.is_timestamp(it.type) else it.type)
        for it in rows.schema
    ]
    return rows.cast(pyarrow.schema(kinds))


# ---- all ----

_FILES: dict[str, type[_File]] = {".parquet": _Parquet, ".csv": _CSV, ".feather": _Feather}


def _open(path: str, columns: pyarrow.Schema, table: str) -> _Output:
    kind = _FILES.get(Path(path).suffix)
    return kind(path, columns) if kind else _DuckDB(path, columns, table)


def _groups(batches: Iterable[Batch]) -> Iterator[pyarrow.Table]:
    group: list[pyarrow.RecordBatch] = []
    for batch in batches:
        group.append(record_batch(batch))
        if sum(map(len, group)) >= _ROWS or sum(it.nbytes for it in group) >= _BYTES:
            yield pyarrow.Table.from_batches(group)
            group = []
    if group:
        yield pyarrow.Table.from_batches(group)


def export(
    path: str,
    table: str,
    columns: Mapping[str, ColumnInfo],
    reading: Reading,
    batches: Iterator[Batch],
) -> None:
    """Write a table to a file, unless no trace can be opened.

    Parameters
    ----------
    path : str
        The file, whose suffix tells the format: ``.parquet``, ``.csv``, ``.feather``, ``.duckdb``.
    table : str
        How a database calls it.
    columns : mapping of str to ColumnInfo
        The columns.
    reading : Reading
        Where the rows come from.
    batches : iterator of Batch
        The rows.

    Raises
    ------
    OSError
        The file cannot be written; it is then what it was before.
    """
    with closing(_open(path, schema(columns), table)) as output:
        for rows in _groups(batches):
            output.write(rows)
        if reading.traces:
            output.commit()
