# SPDX-License-Identifier: LGPL-3.0-or-later
"""`libtrace export`: the file has the library's table, and is whole or absent."""

from __future__ import annotations

import csv
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gen
import gen_files as f
import gen_packets as p
import libtrace
import pytest
from command import COMMAND, only_line, running
from libtrace.cli import main

pyarrow = pytest.importorskip("pyarrow")

FILES = ["parquet", "feather", "csv"]
DEADLINE = 60


@pytest.fixture(params=[*FILES, "duckdb"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file of each format, in a folder of its own."""
    if request.param == "duckdb":
        pytest.importorskip("duckdb")
    (tmp_path / "out").mkdir()
    path: Path = tmp_path / "out" / f"table.{request.param}"
    return path


@pytest.fixture
def cut(tmp_trace: Callable[..., str]) -> str:
    """A trace whose last, the 20th, record is cut off."""
    return tmp_trace([b"".join(f.pcap(gen.mixed(20)))[:-5]])


def export(*arguments: object) -> None:
    assert main(["export", *map(str, arguments)]) == 0


def rows_in(path: Path, table: str = "packets") -> int:
    if path.suffix == ".csv":
        return len(path.read_text().splitlines()) - 1
    return int(read(path, table).num_rows)


def read(path: Path, table: str = "packets") -> Any:
    """The table of pyarrow that is in a file."""
    if path.suffix == ".parquet":
        from pyarrow import parquet

        return parquet.read_table(path)
    if path.suffix == ".feather":
        from pyarrow import feather

        return feather.read_table(path)
    import duckdb

    with duckdb.connect(str(path), read_only=True) as connection:
        return pyarrow.table(connection.table(table))


def only_file(path: Path) -> bool:
    return [it.name for it in path.parent.iterdir()] == [path.name]


def values(table: Any) -> dict[str, list[Any]]:
    """The values, times as integers."""
    return {
        name: (column.cast("int64") if pyarrow.types.is_timestamp(column.type) else column)
        .combine_chunks()
        .to_pylist()
        for name, column in zip(table.column_names, table.columns)
    }


# What is in the file


def test_all_columns_of_several_traces(target: Path, data: Path) -> None:
    uris = [str(data / name) for name in ("sample.pcap", "tags.pcap", "sctp.pcap")]
    export("--columns", "all", *uris, "-o", target)
    expected = libtrace.read_table(uris, list(libtrace.COLUMNS))
    assert only_file(target)
    if target.suffix == ".csv":
        check_text(target, values(expected))
    else:
        assert values(read(target)) == values(expected)
    if target.suffix in (".parquet", ".feather"):
        assert read(target).schema.equals(expected.schema)


def as_text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "timestamp":
        return (
            f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(value // 10**9))}.{value % 10**9:09}Z"
        )
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return " ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_text(path: Path, expected: dict[str, list[Any]]) -> None:
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == list(expected)
    for name, column in zip(header, zip(*rows)):
        assert list(column) == [as_text(name, value) for value in expected[name]]


def test_default_columns(target: Path, data: Path) -> None:
    export(data / "sample.pcap", "-o", target)
    if target.suffix == ".csv":
        assert target.read_text().startswith(",".join(libtrace.DEFAULT_COLUMNS) + "\n")
    else:
        assert read(target).column_names == list(libtrace.DEFAULT_COLUMNS)


def test_options(target: Path, data: Path) -> None:
    uri = str(data / "sample.pcap")
    options = ["--filter", "udp", "--snaplen", "20", "--count", "50"]
    export(uri, uri, "-o", target, "--columns", "capture_len,index", *options)
    assert rows_in(target) == 50
    if target.suffix != ".csv":
        assert set(values(read(target))["capture_len"]) == {20}


def test_count_goes_over_traces(tmp_path: Path, data: Path) -> None:
    uri, path = str(data / "dns.pcap"), tmp_path / "x.csv"
    export(uri, uri, "/nowhere", "-o", path, "--count", "52", "--columns", "index")
    assert path.read_text().split() == ["index", *map(str, range(26)), *map(str, range(26))]


def test_a_trace_without_packets(target: Path, tmp_pcap: Callable[..., str]) -> None:
    export(tmp_pcap(), "-o", target)
    assert rows_in(target) == 0
    assert only_file(target)


def test_many_batches(target: Path, tmp_path: Path) -> None:
    path = many(tmp_path / "many", 300_000)
    export(path, "-o", target, "--columns", "index,wire_len")
    assert rows_in(target) == 300_000
    if target.suffix != ".csv":
        assert values(read(target))["index"] == list(range(300_000))


def many(path: Path, packets: int) -> str:
    """A trace of so many equal packets."""
    header, record = (b"".join(f.pcap(f.records(p.eth(b"x"))[:n])) for n in (0, 1))
    path.write_bytes(header + record[len(header) :] * packets)
    return str(path)


def test_parquet_has_large_row_groups(tmp_path: Path) -> None:
    from pyarrow import parquet

    target = tmp_path / "x.parquet"
    export(many(tmp_path / "many", 300_000), "-o", target, "--columns", "timestamp")
    metadata = parquet.read_metadata(target)
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [
        262_144,
        300_000 - 262_144,
    ]


# Files that are there


def test_a_file_is_replaced(target: Path, data: Path) -> None:
    export(data / "sample.pcap", "-o", target)
    export(data / "dns.pcap", "-o", target)
    assert rows_in(target) == 26
    assert only_file(target)


def test_a_link_stays_one(tmp_path: Path, data: Path) -> None:
    (tmp_path / "link.csv").symlink_to("file.csv")
    export(data / "dns.pcap", "-o", tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert rows_in(tmp_path / "file.csv") == 26


def test_other_tables_of_a_database_stay(tmp_path: Path, data: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    target = tmp_path / "x.duckdb"
    with duckdb.connect(str(target)) as connection:
        connection.execute("create table mine as select 42 as answer")
    export(data / "dns.pcap", "-o", target)
    assert main(["flows", str(data / "dns.pcap"), "-o", str(target)]) == 0
    assert values(read(target, "mine")) == {"answer": [42]}
    assert rows_in(target) == 26
    with libtrace.open(data / "dns.pcap") as trace:
        assert values(read(target, "flows")) == values(pyarrow.table(trace.flows()))


@pytest.mark.parametrize(
    "name", ["a:b", "[x]*?", "é", "-", b"\xff".decode("utf-8", "surrogateescape")]
)
def test_names_of_files(target: Path, data: Path, name: str) -> None:
    if target.suffix == ".duckdb" and not name.isprintable():
        pytest.skip("DuckDB takes no such name")
    path = target.with_name(name + target.suffix)
    export(data / "dns.pcap", f"-o{path}")
    assert only_file(path)
    path.rename(target)
    assert rows_in(target) == 26


# Errors


def test_a_damaged_trace_is_told_and_what_came_before_is_kept(
    capsys: pytest.CaptureFixture[str], target: Path, cut: str, data: Path
) -> None:
    assert main(["export", cut, str(data / "dns.pcap"), "-o", str(target)]) == 1
    only_line(capsys.readouterr().err)
    assert rows_in(target) == 19 + 26


def test_without_a_trace_there_is_no_file(
    capsys: pytest.CaptureFixture[str], target: Path, data: Path
) -> None:
    assert main(["export", "/nowhere", "-o", str(target)]) == 1
    assert "/nowhere" in only_line(capsys.readouterr().err)
    assert list(target.parent.iterdir()) == []
    export(data / "dns.pcap", "-o", target)
    assert main(["export", "/nowhere", "-o", str(target)]) == 1
    assert rows_in(target) == 26


def test_a_missing_folder(capsys: pytest.CaptureFixture[str], target: Path, data: Path) -> None:
    path = target.parent / "no" / target.name
    assert main(["export", str(data / "dns.pcap"), "-o", str(path)]) == 1
    line = only_line(capsys.readouterr().err)
    assert str(path) in line
    assert "No such file or directory" in line


def test_a_folder_in_the_place(
    capsys: pytest.CaptureFixture[str], target: Path, data: Path
) -> None:
    target.mkdir()
    assert main(["export", str(data / "dns.pcap"), "-o", str(target)]) == 1
    assert str(target) in only_line(capsys.readouterr().err)
    assert only_file(target)


def test_a_file_that_is_no_database(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, data: Path
) -> None:
    pytest.importorskip("duckdb")
    target = tmp_path / "x.duckdb"
    target.write_text("no database" * 1000)
    assert main(["export", str(data / "dns.pcap"), "-o", str(target)]) == 1
    assert "not a valid DuckDB" in only_line(capsys.readouterr().err)
    assert target.read_text() == "no database" * 1000


@pytest.mark.parametrize("old", [True, False])
def test_a_full_disk(target: Path, tmp_path: Path, data: Path, old: bool) -> None:
    size = 0
    if old:
        export(data / "dns.pcap", "-o", target)
        size = target.stat().st_size
    most = size + 4096

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    command = [*COMMAND, "export", "--columns", "all", many(tmp_path / "many", 400_000)]
    result = subprocess.run(
        [*command, "-o", str(target)], capture_output=True, text=True, preexec_fn=limit
    )
    assert (result.returncode, result.stdout) == (1, "")
    line = only_line(result.stderr)
    assert str(target) in line
    assert "File too large" in line
    if old:
        assert only_file(target)
        assert rows_in(target) == 26
    else:
        assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_keeps_what_was_read(tmp_path: Path, number: int) -> None:
    fifo, folder = tmp_path / "fifo", tmp_path / "out"
    os.mkfifo(fifo)
    folder.mkdir()
    target = folder / "x.csv"
    arguments = ["export", f"pcapfile:{fifo}", "-o", str(target), "--columns", "index"]
    with running(*arguments) as process, fifo.open("wb") as out:
        out.write(Path(many(tmp_path / "many", 300_000)).read_bytes())
        out.flush()
        deadline = time.monotonic() + DEADLINE
        while not any(it.stat().st_size > 1000 for it in folder.iterdir()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(number)
        text, err = process.communicate(timeout=DEADLINE)
    assert (process.returncode, text, err) == (128 + number, "", "")
    assert only_file(target)
    rows = target.read_text().split()[1:]
    assert rows == [str(number) for number in range(len(rows))]
    assert len(rows) >= 262_144


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["x"], "--output"),
        (["-o", "x.csv"], "URI"),
        (["x", "-o", "x.txt"], ".parquet, .csv, .feather, .duckdb"),
        (["x", "-o", "csv"], "'csv'"),
        (["x", "-o", "x.csv", "--columns", "wire_len,what"], "'what'"),
        (["x", "-o", "x.csv", "--columns", ""], "''"),
        (["x", "-o", "x.csv", "--columns", "src,src"], "'src' comes twice"),
    ],
)
def test_wrong_usage(capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str) -> None:
    with pytest.raises(SystemExit) as end:
        main(["export", *arguments])
    assert end.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert reason in only_line(err)


@pytest.mark.parametrize(("package", "suffix"), [("pyarrow", "csv"), ("duckdb", "duckdb")])
def test_without_a_package(tmp_path: Path, data: Path, package: str, suffix: str) -> None:
    code = "import sys; sys.modules[sys.argv[1]] = None; import libtrace.cli as c; "
    code += "sys.exit(c.main(sys.argv[2:]))"
    target = tmp_path / f"x.{suffix}"
    arguments = [package, "export", str(data / "dns.pcap"), "-o", str(target)]
    result = subprocess.run([*COMMAND[:1], "-c", code, *arguments], capture_output=True, text=True)
    assert result.returncode == 1
    assert only_line(result.stderr).endswith(f"pip install {package}")
    assert not target.exists()
