# SPDX-License-Identifier: LGPL-3.0-or-later
"""`libtrace flows`: for people, for programs, and as a file."""

from __future__ import annotations

import json
import os
import re
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
from command import COMMAND, LONG, only_line, running
from libtrace.cli import main

pytestmark = pytest.mark.usefixtures("terminal")


def flows(capsys: pytest.CaptureFixture[str], *arguments: object, status: int = 0) -> str:
    """Standard output of the command, which complains of nothing."""
    assert main(["flows", *map(str, arguments)]) == status
    out, err = capsys.readouterr()
    assert err == ""
    return out


def expected(uri: Path, names: tuple[str, ...], **options: Any) -> list[dict[str, Any]]:
    with libtrace.open(uri, filter=options.pop("filter", None)) as trace:
        return [
            dict(zip(names, row))
            for batch in trace.flows(names, **options)
            for row in zip(*batch.values())
        ]


def size(flow: dict[str, Any]) -> int:
    return int(flow["bytes"] + flow["rev_bytes"])


def test_lines_of_json(capsys: pytest.CaptureFixture[str], data: Path) -> None:
    path = data / "sample.pcap"
    found = [json.loads(line) for line in flows(capsys, "--json", path).splitlines()]
    assert found == expected(path, libtrace.DEFAULT_FLOW_COLUMNS)
    assert len(found) > 50


def test_columns_of_json(capsys: pytest.CaptureFixture[str], data: Path) -> None:
    path, names = data / "sample.pcap", ("src_ip", "rtt", "flow_hash")
    lines = flows(capsys, "--json", "--columns", ",".join(names), path).splitlines()
    found = [json.loads(line) for line in lines]
    rows = expected(path, names)
    assert found == [{**row, "src_ip": row["src_ip"].hex()} for row in rows]
    assert set(
        json.loads(flows(capsys, "--json", "--columns", "all", path).splitlines()[0])
    ) == set(libtrace.FLOW_COLUMNS)


def test_the_largest_flows_come_first(capsys: pytest.CaptureFixture[str], data: Path) -> None:
    path = data / "sample.pcap"
    rows = sorted(expected(path, libtrace.DEFAULT_FLOW_COLUMNS), key=size, reverse=True)
    text = flows(capsys, path, "--top", "20")
    totals, _empty, table = text.partition("\n\n")
    shown = table.splitlines()[1:]
    assert len(shown) == 20
    for line, row in zip(shown, rows):
        assert row["src"] in line
        assert row["dst"] in line
        assert f" {size(row):,} " in line
        assert f" {row['packets'] + row['rev_packets']} " in line
    assert re.search(rf"^Flows +{len(rows)}$", totals, re.M)
    assert re.search(rf"^Bytes on the wire +{sum(map(size, rows)):,}$", totals, re.M)
    packets = sum(row["packets"] + row["rev_packets"] for row in rows)
    assert re.search(rf"^Packets +{packets}$", totals, re.M)
    assert re.search(rf"^Packets in no flow +{773 - packets}$", totals, re.M)


def test_top(capsys: pytest.CaptureFixture[str], data: Path) -> None:
    path = data / "sample.pcap"
    assert len(flows(capsys, path).partition("Source")[2].splitlines()) == 11
    assert "Source" not in flows(capsys, path, "--top", "0")


def test_long_addresses_fit_80_columns(
    capsys: pytest.CaptureFixture[str], tmp_pcap: Callable[..., str]
) -> None:
    frame = p.eth(p.ipv6(p.TCP, p.tcp(10000, 20000, bytes(1000)), *LONG), p.IPV6)
    text = flows(capsys, tmp_pcap(*[frame] * 20))
    assert text.isascii()
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    (start,) = (number for number, line in enumerate(lines) if line.startswith("Source"))
    columns = [lines[start].index(name) for name in ("Source", "Destination", "Protocol")]
    for number, (address, port) in enumerate(zip(LONG, (10000, 20000))):
        part = "".join(
            line[columns[number] : columns[number + 1]].strip() for line in lines[start + 1 :]
        )
        assert part == f"[{address}]:{port}"


def test_filter_and_timeouts(capsys: pytest.CaptureFixture[str], data: Path) -> None:
    path, names = data / "sample.pcap", libtrace.DEFAULT_FLOW_COLUMNS
    options = ["--filter", "udp", "--idle-timeout", "0.01", "--active-timeout", "0.1"]
    found = [json.loads(line) for line in flows(capsys, path, "--json", *options).splitlines()]
    assert found == expected(path, names, filter="udp", idle_timeout=0.01, active_timeout=0.1)
    assert len(found) > len(expected(path, names, filter="udp"))
    assert flows(capsys, path, "--json", "--idle-timeout", "inf")


def test_a_file(capsys: pytest.CaptureFixture[str], data: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    path, target = data / "sample.pcap", tmp_path / "x.parquet"
    assert flows(capsys, path, "-o", target, "--columns", "src,rev_bytes") == ""
    names = ("src", "rev_bytes")
    assert parquet.read_table(target).to_pylist() == expected(path, names)


def test_each_trace_has_its_own_flows(capsys: pytest.CaptureFixture[str], data: Path) -> None:
    one = flows(capsys, "--json", data / "dns.pcap")
    assert flows(capsys, "--json", data / "dns.pcap", data / "dns.pcap") == 2 * one


def test_a_trace_without_flows(
    capsys: pytest.CaptureFixture[str], tmp_pcap: Callable[..., str]
) -> None:
    assert re.search(r"^Flows +0$", flows(capsys, tmp_pcap()), re.M)
    assert flows(capsys, "--json", tmp_pcap()) == ""


def test_errors(
    capsys: pytest.CaptureFixture[str], tmp_trace: Callable[..., str], data: Path
) -> None:
    assert main(["flows", "/nowhere"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "/nowhere" in only_line(err)
    cut = tmp_trace([b"".join(f.pcap(gen.mixed(20)))[:-5]])
    assert main(["flows", cut, str(data / "dns.pcap")]) == 1
    out, err = capsys.readouterr()
    counts = dict(re.findall(r"^(Packets|Packets in no flow) +(\d+)$", out, re.M))
    assert sum(map(int, counts.values())) == 19 + 26
    only_line(err)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["x", "--columns", "src"], "--columns needs"),
        (["x", "--json", "--columns", "wire_len"], "'wire_len'"),
        (["x", "--json", "-o", "x.csv"], "not allowed with"),
        (["x", "--json", "--top", "3"], "not allowed with"),
        (["x", "--idle-timeout", "-1"], "'-1'"),
        (["x", "--active-timeout", "nan"], "'nan'"),
        (["x", "-o", "x.json"], ".parquet"),
    ],
)
def test_wrong_usage(capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str) -> None:
    with pytest.raises(SystemExit) as end:
        main(["flows", *arguments])
    assert end.value.code == 2
    assert reason in only_line(capsys.readouterr().err)


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_closed_pipe(data: Path, form: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as out:
        result = subprocess.run(
            [*COMMAND, "flows", *form, str(data / "sample.pcap")],
            stdout=out,
            stderr=subprocess.PIPE,
        )
    assert (result.returncode, result.stderr) == (141, b"")


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_full_disk(data: Path, form: tuple[str, ...]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [*COMMAND, "flows", *form, str(data / "sample.pcap")],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert result.returncode == 1
    assert "No space left" in only_line(result.stderr)


def test_interrupt_lists_the_flows_so_far(tmp_path: Path) -> None:
    """Ends that came before are seen on the pipe first: an idle timeout makes them."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    frames = f.records(*[p.eth(p.ipv4(p.UDP, p.udp(1, 2)))] * 140_000)
    arguments = ["flows", "--json", "--idle-timeout", "0", f"pcapfile:{fifo}"]
    target = tmp_path / "lines"
    with (
        target.open("w") as lines,
        running(*arguments, stdout=lines) as process,
        fifo.open("wb") as out,
    ):
        out.writelines(f.pcap(frames))
        out.flush()
        deadline = time.monotonic() + 60
        while not target.stat().st_size:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _none, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    found = [json.loads(line) for line in target.read_text().splitlines()]
    assert 65_536 <= len(found) <= 140_000
    assert found[-1]["packets"] == 1
