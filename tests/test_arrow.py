# SPDX-License-Identifier: LGPL-3.0-or-later
"""Tables of packets in the libraries that read Arrow, and in numpy."""

from __future__ import annotations

import datetime
import pathlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import gen
import gen_files as f
import gen_packets as p
import libtrace
import pytest
from test_columns import ALL, rows

DATA = pathlib.Path(__file__).parent / "data"
TIME = 1_700_000_000_123_456_789
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
NAMES = ["timestamp", "src", "src_port", "vlan_ids", "is_truncated", "src_ip", "packet"]


@pytest.fixture
def trace(tmp_path: pathlib.Path) -> Iterator[libtrace.Trace]:
    """Three packets with exact nanoseconds, nulls, lists and a truncated one."""
    tagged = p.eth(p.vlan(p.vlan(p.ipv4(p.TCP, p.tcp(80, 2)), 20), 10, p.VLAN), p.VLAN)
    frames = [tagged, p.eth(p.arp(), p.ARP), gen.KINDS["udp6"][1]]
    seconds, fraction = divmod(TIME, f.NS)
    records = [f.pcap_record(frame, sec=seconds, frac=fraction) for frame in frames[:2]]
    records.append(f.pcap_record(frames[2][:40], sec=seconds, frac=fraction, wirelen=200))
    path = f.write(tmp_path / "x", [f.pcap_header(nano=True), *records])
    with libtrace.open(f"pcapfile:{path}") as opened:
        yield opened


SRC = [p.SRC4, None, p.SRC6]
PORTS = [80, None, None]
TAGS: list[list[int]] = [[10, 20], [], []]
TRUNCATED = [False, False, True]


def nanoseconds(stamp: Any) -> int:
    """Of pandas' Timestamp."""
    value: int = stamp.value
    return value


def test_pyarrow(trace: libtrace.Trace) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    with trace:
        table = pyarrow.table(trace.batches(NAMES, 2))
    table.validate(full=True)
    assert table.num_rows == 3
    assert table["timestamp"].cast("int64").to_pylist() == [TIME] * 3
    assert table.schema.field("timestamp").type == pyarrow.timestamp("ns", "UTC")
    assert table["src"].to_pylist() == SRC
    assert table["src_port"].to_pylist() == PORTS
    assert table["vlan_ids"].to_pylist() == TAGS
    assert table["is_truncated"].to_pylist() == TRUNCATED


@pytest.mark.parametrize("name", sorted(path.name for path in DATA.glob("*.pcap")))
def test_pyarrow_has_all_values(name: str) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    with libtrace.open(DATA / name) as trace:
        for batch in trace.batches(ALL, 200):
            for part in (batch, batch[3:50], batch[60:]):
                found = pyarrow.record_batch(part)
                found.validate(full=True)
                stamps = found["timestamp"].cast("int64").to_pylist()
                table = [
                    {**row, "timestamp": stamp}
                    for row, stamp in zip(found.drop_columns(["timestamp"]).to_pylist(), stamps)
                ]
                assert table == [{name: row[name] for name in row} for row in rows(part)]
                assert pyarrow.array(part["src"]).to_pylist() == list(part["src"])


def test_pyarrow_shares_the_memory(trace: libtrace.Trace) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    numpy = pytest.importorskip("numpy")
    with trace:
        batch = next(trace.batches(["wire_len"]))
    array = pyarrow.array(batch["wire_len"])
    address = numpy.asarray(batch["wire_len"]).__array_interface__["data"][0]
    assert array.buffers()[1].address == address


def test_pyarrow_reads_a_trace_as_it_goes(trace: libtrace.Trace) -> None:
    """A stream reads no more of the trace than it is asked for, and tells of errors."""
    pyarrow = pytest.importorskip("pyarrow")
    with trace:
        reader = pyarrow.RecordBatchReader.from_stream(trace.batches(["src"], 1))
        assert reader.read_next_batch().to_pylist() == [{"src": SRC[0]}]
        assert trace.accepted_packets == 1
        trace.close()
        with pytest.raises(Exception, match="closed"):
            reader.read_next_batch()


def test_pyarrow_of_a_trace(trace: libtrace.Trace) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    with trace:
        table = pyarrow.table(trace)
    assert tuple(table.column_names) == libtrace.DEFAULT_COLUMNS
    assert table.num_rows == 3


def test_polars(trace: libtrace.Trace) -> None:
    polars = pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    with trace:
        frame = polars.DataFrame(trace.batches(NAMES))
    assert frame["timestamp"].dtype == polars.Datetime("ns", "UTC")
    assert frame["timestamp"].to_physical().to_list() == [TIME] * 3
    assert frame["src"].to_list() == SRC
    assert frame["src_port"].to_list() == PORTS
    assert frame["vlan_ids"].to_list() == TAGS
    assert frame["is_truncated"].to_list() == TRUNCATED


def test_pandas(trace: libtrace.Trace) -> None:
    pytest.importorskip("pandas")
    pyarrow = pytest.importorskip("pyarrow")
    with trace:
        frame = pyarrow.table(trace.batches(NAMES)).to_pandas()
    assert [nanoseconds(stamp) for stamp in frame["timestamp"]] == [TIME] * 3
    assert [value if value == value else None for value in frame["src_port"]] == PORTS
    assert [value if isinstance(value, str) else None for value in frame["src"]] == SRC
    assert [list(tags) for tags in frame["vlan_ids"]] == TAGS


def test_duckdb(trace: libtrace.Trace) -> None:
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("pyarrow")
    with trace:
        packets = trace.batches(NAMES).to_arrow()
        query = "select epoch_ns(timestamp), src, src_port, vlan_ids, is_truncated from packets"
        found = duckdb.sql(query).fetchall()
        del packets
    assert found == list(zip([TIME] * 3, SRC, PORTS, TAGS, TRUNCATED))


def test_duckdb_of_a_trace(trace: libtrace.Trace) -> None:
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("pyarrow")
    with trace:
        (found,) = duckdb.sql("select sum(wire_len), count(src) from trace").fetchall()
    with libtrace.open(trace.uri) as again:
        packets = list(again)
    assert found == (sum(packet.wire_len for packet in packets), 2)


def test_numpy(trace: libtrace.Trace) -> None:
    numpy = pytest.importorskip("numpy")
    with trace:
        batch = next(trace.batches(NAMES))
    found = batch.to_numpy()
    assert found["timestamp"].dtype == "datetime64[ns]"
    assert list(found["timestamp"].astype("int64")) == [TIME] * 3
    assert found["src_port"].tolist() == PORTS
    assert found["is_truncated"].tolist() == TRUNCATED
    assert list(found["src"]) == SRC
    assert list(found["vlan_ids"]) == TAGS
    assert found["src_ip"].tolist() == list(batch["src_ip"])
    assert batch[1:].to_numpy()["src_port"].tolist() == PORTS[1:]
    ports = numpy.asarray(batch["src_port"])
    assert ports.dtype == "uint16"
    assert not ports.flags.writeable
    assert list(ports) == [80, 0, 0]


@pytest.mark.parametrize("name", ALL)
def test_numpy_has_all_values(name: str) -> None:
    pytest.importorskip("numpy")
    with libtrace.open(DATA / "tags.pcap") as trace:
        batch = next(trace.batches([name]))
    found = batch.to_numpy()[name]
    values = found.astype("int64") if name == "timestamp" else found
    assert values.tolist() == list(batch[name])


def test_without_pyarrow(trace: libtrace.Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "libtrace.arrow", raising=False)
    with trace, pytest.raises(ModuleNotFoundError, match="pip install pyarrow"):
        next(trace.batches()).to_arrow()


def test_of_an_empty_trace(tmp_pcap: Callable[..., str]) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    with libtrace.open(tmp_pcap()) as trace:
        table = pyarrow.table(trace.batches(ALL))
    assert table.num_rows == 0
    assert table.column_names == ALL
