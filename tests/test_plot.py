# SPDX-License-Identifier: LGPL-3.0-or-later
"""`libtrace plot`: the rates are those of the packets, and the picture is one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gen_files as f
import gen_packets as p
import libtrace
import pytest
from command import only_line
from libtrace.cli import main

pytest.importorskip("numpy")

from libtrace.rates import COLUMNS, Rates

SECOND = 10**9
UDP = p.eth(p.ipv4(p.UDP, p.udp(1, 2)))
MAGIC = {"png": b"\x89PNG\r\n", "svg": b"<?xml", "pdf": b"%PDF-"}


def rates_of(uri: str, width: int | None = None, size: int = 65536) -> Rates:
    rates = Rates(width)
    with libtrace.open(uri) as trace:
        for batch in trace.batches(COLUMNS, size):
            rates.add(batch)
    return rates


def at(tmp_path: Path, *times: int) -> str:
    """A trace with a packet at each time, in nanoseconds."""
    records = [f.Record(time, UDP) for time in times]
    return "pcapfile:" + f.write_pcap(tmp_path / f"{len(times)}", records, nano=True)


# Counts


@pytest.mark.parametrize("name", ["sample.pcap", "tags.pcap", "layers.pcap", "tunnels.pcap"])
@pytest.mark.parametrize("size", [7, 65536])
def test_amounts_are_those_of_the_report(data: Path, name: str, size: int) -> None:
    from libtrace.report import Report, Summary

    uri = str(data / name)
    report = Report()
    with libtrace.open(uri) as trace:
        report.count(trace, Summary())
    found = report.as_dict(0)
    expected = {
        row["name"]: (row["packets"], row["wire_bytes"])
        for row in (*found["transport"], *found["network"])
        if row["name"] not in ("IPv4", "IPv6")
    }
    _first, _width, series = rates_of(uri, size=size).series(100)
    assert {it.name: (it.packets.sum(), it.bytes.sum()) for it in series} == expected


def test_bins_are_exact(data: Path) -> None:
    uri, width = str(data / "sample.pcap"), SECOND // 4
    first, found, series = rates_of(uri, width).series(100)
    packets, lengths = Counter[int](), Counter[int]()
    with libtrace.open(uri) as trace:
        for packet in trace:
            packets[packet.timestamp_ns // width] += 1
            lengths[packet.timestamp_ns // width] += packet.wire_len
    assert found == width
    assert first == min(packets) * width
    numbers = range(min(packets), max(packets) + 1)
    assert sum(it.packets for it in series).tolist() == [packets[number] for number in numbers]
    assert sum(it.bytes for it in series).tolist() == [lengths[number] for number in numbers]


def test_others_are_one(data: Path) -> None:
    rates = rates_of(str(data / "sample.pcap"))
    _first, _width, series = rates.series(2)
    assert [it.name for it in series] == ["TCP", "UDP", "other"]
    assert sum(it.packets.sum() for it in series) == rates.packets == 773


@pytest.mark.parametrize("exponent", range(4, 18))
@pytest.mark.parametrize("digit", [1, 2, 3, 5, 9])
def test_bins_are_round_and_neither_few_nor_many(tmp_path: Path, exponent: int, digit: int) -> None:
    duration = digit * 10**exponent
    first, width, series = rates_of(at(tmp_path, SECOND, SECOND + duration)).series(9)
    bins = len(series[0].packets)
    assert bins <= 301
    assert bins >= 100 or width == 1000
    assert first <= SECOND < first + width
    assert (series[0].packets[0], series[0].packets[-1], series[0].packets.sum()) == (1, 1, 2)


def test_memory_is_bounded_and_counts_stay_exact(tmp_path: Path) -> None:
    """More packets than there are counts, each in a microsecond of its own."""
    times = [SECOND + 1_000_003 * number for number in range(70_000)]
    rates = rates_of(at(tmp_path, *times), size=9999)
    assert len(rates._packets) <= 1 << 16
    first, width, series = rates.series(9)
    expected = Counter((time - first) // width for time in times)
    assert width == SECOND // 2
    assert dict(enumerate(series[0].packets.tolist())) == expected


def test_times_that_go_back(tmp_path: Path) -> None:
    first, width, (udp,) = rates_of(
        at(tmp_path, 9 * SECOND, 3 * SECOND, 5 * SECOND), SECOND
    ).series(9)
    assert (first, width) == (3 * SECOND, SECOND)
    assert udp.packets.tolist() == [1, 0, 1, 0, 0, 0, 1]


def test_too_many_bins(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="wider"):
        rates_of(at(tmp_path, SECOND, 1000 * SECOND), 1000)


# Pictures


@pytest.fixture
def matplotlib() -> Any:
    return pytest.importorskip("matplotlib")


@pytest.mark.usefixtures("matplotlib")
@pytest.mark.parametrize("suffix", list(MAGIC))
def test_a_picture(
    capsys: pytest.CaptureFixture[str], data: Path, tmp_path: Path, suffix: str
) -> None:
    target = tmp_path / f"rates.{suffix}"
    assert main(["plot", str(data / "sample.pcap"), "-o", str(target)]) == 0
    assert tuple(capsys.readouterr()) == ("", "")
    assert target.read_bytes().startswith(MAGIC[suffix])
    assert [it.name for it in tmp_path.iterdir()] == [target.name]


def texts(path: Path) -> str:
    """All text of an SVG picture, which has it in comments."""
    return path.read_text()


@pytest.mark.usefixtures("matplotlib")
def test_labels(data: Path, tmp_path: Path) -> None:
    target = tmp_path / "rates.svg"
    uri = str(data / "sample.pcap")
    assert main(["plot", uri, uri, "-o", str(target), "--bin", "2", "--filter", "ip or ip6"]) == 0
    text = texts(target)
    for label in ("Packets per second", "Bits per second", "Time (UTC)", "TCP", "2026-11-22"):
        assert label in text
    assert "ARP" not in text
    with libtrace.open(uri, filter="ip or ip6") as trace:
        packets = 2 * len(list(trace))
    assert f"2 traces: {packets:,} packets, in bins of 2 s" in text


@pytest.mark.usefixtures("matplotlib")
@pytest.mark.parametrize("duration", [0, 1, 1000, 10**6, SECOND, 3600 * SECOND, 10**18])
def test_any_duration(tmp_path: Path, duration: int) -> None:
    target = tmp_path / "x.png"
    assert main(["plot", at(tmp_path, SECOND, SECOND + duration), "-o", str(target)]) == 0
    assert target.read_bytes().startswith(MAGIC["png"])


@pytest.mark.usefixtures("matplotlib")
@pytest.mark.parametrize("name", ["$x^{", "\u5305", "a_b%", "\n", "\udcff"])
def test_any_name(
    capsys: pytest.CaptureFixture[str], data: Path, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes((data / "dns.pcap").read_bytes())
    assert main(["plot", f"pcapfile:{path}", "-o", str(tmp_path / "x.svg")]) == 0
    assert tuple(capsys.readouterr()) == ("", "")


@pytest.mark.usefixtures("matplotlib")
def test_no_packets(
    capsys: pytest.CaptureFixture[str], tmp_pcap: Callable[..., str], tmp_path: Path
) -> None:
    target = tmp_path / "x.png"
    assert main(["plot", tmp_pcap(), "-o", str(target)]) == 1
    assert "no packets" in only_line(capsys.readouterr().err)
    assert main(["plot", "/nowhere", "-o", str(target)]) == 1
    assert "/nowhere" in only_line(capsys.readouterr().err)
    assert not target.exists()


@pytest.mark.usefixtures("matplotlib")
def test_errors(capsys: pytest.CaptureFixture[str], data: Path, tmp_path: Path) -> None:
    uri = str(data / "sample.pcap")
    assert main(["plot", uri, "-o", str(tmp_path / "no" / "x.png")]) == 1
    assert "No such file" in only_line(capsys.readouterr().err)
    assert main(["plot", uri, "-o", str(tmp_path / "x.png"), "--bin", "0.000001"]) == 1
    assert "wider --bin" in only_line(capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["x"], "--output"),
        (["x", "-o", "x.gif"], ".png, .svg, .pdf"),
        (["x", "-o", "x.png", "--bin", "0"], "'0'"),
        (["x", "-o", "x.png", "--bin", "nan"], "'nan'"),
        (["x", "-o", "x.png", "--bin", "1e99"], "'1e99'"),
    ],
)
def test_wrong_usage(capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str) -> None:
    with pytest.raises(SystemExit) as end:
        main(["plot", *arguments])
    assert end.value.code == 2
    assert reason in only_line(capsys.readouterr().err)


def test_without_matplotlib(
    capsys: pytest.CaptureFixture[str], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.delitem(sys.modules, "libtrace.plot", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["plot", str(data / "dns.pcap"), "-o", str(tmp_path / "x.png")]) == 1
    assert only_line(capsys.readouterr().err).endswith("pip install matplotlib")
