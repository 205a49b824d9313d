# SPDX-License-Identifier: LGPL-3.0-or-later
"""The command `libtrace`, as a person, a program and a shell meet it."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import command
import gen
import gen_files as f
import gen_packets as p
import libtrace
import pytest
from command import COMMAND, LONG, only_line
from libtrace.cli import main

pytestmark = pytest.mark.usefixtures("terminal")

FCS = 4


@pytest.fixture
def mixed(tmp_path: Path) -> str:
    """A realistic trace of 2,000 packets."""
    return "pcapfile:" + gen.write_pcap(tmp_path / "mixed.pcap", gen.mixed(2000), nano=True)


@pytest.fixture
def cut(tmp_trace: Callable[..., str]) -> str:
    """A trace whose last, the 20th, record is cut off."""
    return tmp_trace([b"".join(f.pcap(gen.mixed(20)))[:-5]])


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, **options)


def report(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    """Standard output of a report that complains of nothing."""
    assert main(["report", *arguments]) == status
    out, err = capsys.readouterr()
    assert err == ""
    return out


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(report(capsys, "--json", *arguments))
    return result


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The line that tells why nothing could be reported."""
    assert main(["report", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    return only_line(err)


# Totals


def capinfos(path: str) -> dict[str, Any]:
    if not shutil.which("capinfos"):
        pytest.skip("capinfos is not installed")
    flags = ["-T", "-r", "-M", "-c", "-d", "-a", "-e", "-S"]
    line = subprocess.run(
        ["capinfos", *flags, path], check=True, capture_output=True, text=True
    ).stdout.strip()
    _name, packets, size, first, last = line.split("\t")
    return {"packets": int(packets), "size": int(size), "first": first, "last": last}


def seconds(nanoseconds: int, like: str) -> str:
    """The time in as many digits as another."""
    digits = len(like.partition(".")[2])
    return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09}"[: 11 + digits]


@pytest.mark.parametrize("name", ["sample.pcap", "dns.pcap"])
def test_totals_are_those_of_capinfos(
    capsys: pytest.CaptureFixture[str], data: Path, name: str
) -> None:
    """libtrace counts the FCS of Ethernet frames, capinfos does not."""
    expected = capinfos(str(data / name))
    total = as_json(capsys, str(data / name))["total"]
    assert total["packets"] == expected["packets"]
    assert total["wire_bytes"] - FCS * total["packets"] == expected["size"]
    assert seconds(total["first_ns"], expected["first"]) == expected["first"]
    assert seconds(total["last_ns"], expected["last"]) == expected["last"]


@pytest.mark.parametrize("compression", ["", "gz"])
def test_totals_of_a_mixed_trace_are_those_of_capinfos(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, compression: str
) -> None:
    path = gen.write_pcap(tmp_path / "x", gen.mixed(5000), compression=compression)
    expected, total = capinfos(path), as_json(capsys, path)["total"]
    assert (total["packets"], total["captured_bytes"]) == (expected["packets"], expected["size"])


def test_erf_counts_the_fcs_as_capinfos_does(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = gen.write_erf(tmp_path / "x.erf", gen.mixed(500))
    expected, total = capinfos(path), as_json(capsys, f"erf:{path}")["total"]
    assert (total["packets"], total["wire_bytes"]) == (expected["packets"], expected["size"])


# For people


def numbers(line: str) -> list[int]:
    """The whole numbers with separators of a line, its shares left out."""
    return [int(text.replace(",", "")) for text in re.findall(r"(?<![\d.])[\d,]+(?![\d.,])", line)]


def test_people_and_programs_are_told_the_same(
    capsys: pytest.CaptureFixture[str], mixed: str
) -> None:
    text, result = report(capsys, mixed), as_json(capsys, mixed)
    lines = {line.split("  ")[0]: line for line in text.splitlines()}
    total = result["total"]
    assert numbers(lines["Packets"]) == [total["packets"]]
    assert numbers(lines["Bytes on the wire"]) == [total["wire_bytes"]]
    assert numbers(lines["Bytes captured"]) == [total["captured_bytes"]]
    assert total["first"] in lines["First packet"]
    assert total["last"] in lines["Last packet"]
    for key in ("link_types", "network", "transport", "addresses", "ports", "sizes"):
        for row in result[key]:
            line = lines[row["name"]]
            assert line.startswith(row["name"])
            assert numbers(line[len(row["name"]) :]) == [row["packets"], row["wire_bytes"]]
            assert f"{100 * row['packets'] / total['packets']:.1f}" in line
    for name, value in total["counters"].items():
        assert lines[name].split()[-1] == ("-" if value is None else f"{value:,}")


def test_output_for_a_file_is_plain(capsys: pytest.CaptureFixture[str], mixed: str) -> None:
    text = report(capsys, mixed)
    assert text.isascii()
    assert "\x1b" not in text
    assert all(line == line.rstrip() for line in text.splitlines())
    assert text == text.strip() + "\n"


def test_long_addresses_fit_80_columns(
    capsys: pytest.CaptureFixture[str], tmp_pcap: Callable[..., str]
) -> None:
    frame = p.eth(p.ipv6(p.TCP, p.tcp(1, 2, bytes(1000)), *LONG), p.IPV6)
    lines = report(capsys, tmp_pcap(*[frame] * 20)).splitlines()
    assert max(len(line) for line in lines) <= 80
    for address in LONG:
        (line,) = (line for line in lines if line.startswith(address))
        assert line.split() == [address, "20", "100.0", f"{20 * (len(frame) + FCS):,}", "100.0"]


def test_large_numbers_beside_long_addresses_fit_80_columns() -> None:
    from libtrace.terminal import render

    counts = {"packets": 999_999_999, "wire_bytes": 999_999_999_999}
    data = libtrace_report() | {"addresses": [{"name": name, **counts} for name in LONG]}
    data["total"].update(counts)
    text = render(data)
    assert max(len(line) for line in text.splitlines()) <= 80
    for address in LONG:
        assert f"{address} 999,999,999 100.0 999,999,999,999 100.0\n" in text


def test_packets_without_a_length_on_the_wire(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    linktype, frame = gen.KINDS["raw4"]
    path = f.write(tmp_path / "x", [f.pcap_header(linktype), f.pcap_record(frame, wirelen=0)])
    assert re.search(r"^NONE +1 +100\.0 +0 +0\.0$", report(capsys, path), re.MULTILINE)


def libtrace_report() -> dict[str, Any]:
    """The report of nothing."""
    from libtrace.report import Report, Summary

    report = Report()
    report.traces.append(Summary("int:none"))
    return report.as_dict(10)


def test_a_narrow_terminal_loses_nothing(
    capsys: pytest.CaptureFixture[str], mixed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = as_json(capsys, mixed)["addresses"]
    monkeypatch.setenv("COLUMNS", "40")
    text = report(capsys, mixed)
    assert max(len(line) for line in text.splitlines()) <= 40
    assert all(f"{row['wire_bytes']:,}" in text for row in rows)


def test_each_of_several_traces_has_a_line(
    capsys: pytest.CaptureFixture[str], mixed: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(data / "dns.pcap", Path(mixed.partition(":")[2]).parent)
    monkeypatch.chdir(Path(mixed.partition(":")[2]).parent)
    text = report(capsys, "mixed.pcap", "dns.pcap")
    head = text.partition("\n\n")[0]
    assert re.search(r"mixed\.pcap +2,000 +[\d,]+ +0\.\d{9} s\n", head)
    assert re.search(r"dns\.pcap +26 +2,540 +0\.161435196 s", head)
    assert re.search(r"^Packets +2,026$", text, re.MULTILINE)


def test_a_trace_without_packets_has_a_report(
    capsys: pytest.CaptureFixture[str], tmp_pcap: Callable[..., str]
) -> None:
    text = report(capsys, tmp_pcap())
    assert re.search(r"^Packets +0$", text, re.MULTILINE)
    assert re.search(r"^First packet +-$", text, re.MULTILINE)
    assert "Network protocol" not in text


@pytest.mark.parametrize("name", ["[bold]x", "a\nb", "\x1b[31mred", "é", ":smile:"])
def test_file_names_are_shown_as_they_are(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    shutil.copyfile(mixed_file(tmp_path), tmp_path / name)
    text = report(capsys, f"pcapfile:{tmp_path}/{name}", "--count", "1")
    shown = "".join(text.partition("Packets")[0].split())
    assert "".join((name if name.isprintable() else ascii(name)[1:-1]).split()) in shown
    assert "\x1b" not in text


def mixed_file(folder: Path) -> str:
    return gen.write_pcap(folder / "trace", gen.mixed(10))


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("name", ["é".encode(), b"\xff"])
def test_file_names_that_cannot_be_encoded(tmp_path: Path, name: bytes, encoding: str) -> None:
    path = os.fsencode(tmp_path / "x") + name
    Path(mixed_file(tmp_path)).rename(os.fsdecode(path))
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    command = [*COMMAND, "report", path, b"/nowhere/" + name]
    result = subprocess.run(command, capture_output=True, env=environment)
    assert result.returncode == 1
    assert result.stdout.startswith(b"Trace")
    only_line(result.stderr.decode())


# Options


def test_filter(capsys: pytest.CaptureFixture[str], mixed: str) -> None:
    everything, result = as_json(capsys, mixed), as_json(capsys, mixed, "--filter", "udp")
    (udp,) = (row for row in everything["transport"] if row["name"] == "UDP")
    assert result["transport"] == [udp]
    assert result["total"]["counters"]["filtered"] == 2000 - udp["packets"]


def test_snaplen(capsys: pytest.CaptureFixture[str], mixed: str) -> None:
    everything = as_json(capsys, mixed)["total"]
    result = as_json(capsys, mixed, "--snaplen", "64")["total"]
    assert result["captured_bytes"] < everything["captured_bytes"]
    assert result["wire_bytes"] == everything["wire_bytes"]
    assert result["truncated_packets"] > 0


def test_count_is_of_all_traces_together(capsys: pytest.CaptureFixture[str], mixed: str) -> None:
    traces = as_json(capsys, mixed, mixed, mixed, "--count", "2500")["traces"]
    assert [trace["packets"] for trace in traces] == [2000, 500]
    assert [trace["counters"]["accepted"] for trace in traces] == [2000, 500]


def test_count_that_a_trace_ends_with(capsys: pytest.CaptureFixture[str], mixed: str) -> None:
    assert len(as_json(capsys, mixed, "/nowhere", "--count", "2000")["traces"]) == 1


def test_top(capsys: pytest.CaptureFixture[str], mixed: str) -> None:
    result = as_json(capsys, mixed, "--top", "3")
    assert len(result["addresses"]) == len(result["ports"]) == 3
    assert len(as_json(capsys, mixed)["addresses"]) == 10
    assert "Top" not in report(capsys, mixed, "--top", "0")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert libtrace.__version__ in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--help"], ["report", "--help"]])
def test_help(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("usage: libtrace ")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "COMMAND"),
        (["what"], "'what'"),
        (["report"], "URI"),
        (["report", "--count", "0", "x"], "--count"),
        (["report", "--count", "many", "x"], "'many'"),
        (["report", "--snaplen", "65537", "x"], "between 1 and 65536"),
        (["report", "--top", "-1", "x"], "--top"),
        (["report", "--filter", "no such thing", "x"], "no such thing"),
        (["report", "--co", "1", "x"], "--co"),
        (["report", "--what", "x"], "--what"),
    ],
)
def test_wrong_usage(capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert reason in only_line(err)


def test_rich_is_imported_only_where_it_is_used(mixed: str) -> None:
    code = "import sys, libtrace.cli as c; c.main(sys.argv[1:]); sys.exit('rich' in sys.modules)"
    command = [sys.executable, "-c", code, "report", "--json", mixed]
    assert subprocess.run(command, stdout=subprocess.DEVNULL).returncode == 0


def test_without_rich(
    capsys: pytest.CaptureFixture[str], mixed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "rich"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "libtrace.terminal", raising=False)
    monkeypatch.setitem(sys.modules, "rich", None)
    assert "pip install rich" in fails(capsys, mixed)
    assert as_json(capsys, mixed)["total"]["packets"] == 2000


def test_no_progress_without_rich(
    capsys: pytest.CaptureFixture[str], mixed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "libtrace.terminal", None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert as_json(capsys, mixed)["total"]["packets"] == 2000


# Errors


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_missing_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, form: tuple[str, ...]
) -> None:
    line = fails(capsys, *form, f"{tmp_path}/nowhere.pcap")
    assert "nowhere.pcap" in line
    assert "No such file" in line


def test_files_that_are_no_traces(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no trace")
    (tmp_path / "empty").touch()
    for uri in (tmp_path, tmp_path / "text", tmp_path / "empty", "what:ever", "erf:/nowhere"):
        assert str(uri).rpartition("/")[2] in fails(capsys, str(uri))


def test_a_name_of_several_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert r"no\nwhere\x1b" in fails(capsys, "no\nwhere\x1b")


def test_a_bad_trace_among_good_ones(
    capsys: pytest.CaptureFixture[str], mixed: str, data: Path
) -> None:
    assert main(["report", "--json", mixed, "/nowhere", str(data / "dns.pcap")]) == 1
    out, err = capsys.readouterr()
    assert [trace["packets"] for trace in json.loads(out)["traces"]] == [2000, 26]
    assert "/nowhere" in only_line(err)


def test_a_damaged_trace(capsys: pytest.CaptureFixture[str], cut: str) -> None:
    assert main(["report", cut]) == 1
    out, err = capsys.readouterr()
    assert re.search(r"^Packets +19$", out, re.MULTILINE)
    only_line(err)
    assert main(["report", "--json", cut, cut]) == 1
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert result["total"]["packets"] == 38
    assert [f"libtrace: {trace['error']}" for trace in result["traces"]] == err.splitlines()


def test_complaints_follow_the_report(cut: str) -> None:
    result = subprocess.run(
        [*COMMAND, "report", cut], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert result.returncode == 1
    assert result.stdout.splitlines()[-1].startswith("libtrace: ")


# Shells


def test_closed_pipe(mixed: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as out:
        result = subprocess.run([*COMMAND, "report", mixed], stdout=out, stderr=subprocess.PIPE)
    assert (result.returncode, result.stderr) == (141, b"")


def test_head(mixed: str) -> None:
    line = f"{sys.executable} -m libtrace report --json --top 100000 {mixed} | head -1"
    result = subprocess.run(line, shell=True, capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("{\n", "")


def test_full_disk(mixed: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [*COMMAND, "report", mixed], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert result.returncode == 1
    assert "No space left" in only_line(result.stderr)


def test_closed_output(mixed: str) -> None:
    result = subprocess.run(
        f"{sys.executable} -m libtrace report {mixed} >&- 2>&-", shell=True, capture_output=True
    )
    assert (result.stdout, result.stderr) == (b"", b"")


def running(*arguments: str, **options: Any) -> AbstractContextManager[subprocess.Popen[str]]:
    return command.running("report", "--json", *arguments, **options)


def interrupt(
    process: subprocess.Popen[str], after: float, number: int = signal.SIGINT
) -> tuple[str, str]:
    time.sleep(after)
    process.send_signal(number)
    return process.communicate(timeout=20)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_while_waiting_for_packets(tmp_path: Path, number: int) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with running(f"pcapfile:{fifo}") as process, fifo.open("wb") as out:
        # More than wandio reads at once, so that some packets come through.
        out.writelines(f.pcap(gen.mixed(20_000)))
        out.flush()
        text, err = interrupt(process, 1, number)
    assert (process.returncode, err) == (128 + number, "")
    result = json.loads(text)
    assert 0 < result["total"]["packets"] <= 20_000
    assert sum(row["packets"] for row in result["sizes"]) == result["total"]["packets"]


def test_ignored_interrupt(tmp_path: Path) -> None:
    """As of a command that a script starts in the background: it reads on."""

    def ignore() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    fifo, parts = tmp_path / "fifo", list(f.pcap(gen.mixed(20_000)))
    os.mkfifo(fifo)
    with running(f"pcapfile:{fifo}", preexec_fn=ignore) as process, fifo.open("wb") as out:
        out.writelines(parts[:-100])
        out.flush()
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        out.writelines(parts[-100:])
        out.close()
        text, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    assert json.loads(text)["total"]["packets"] == 20_000


@pytest.mark.slow
def test_interrupt_in_the_middle_of_a_file(tmp_path: Path) -> None:
    path = gen.write_pcap(tmp_path / "x", gen.mixed(2000))
    with running(*[path] * 2000) as process:
        text, err = interrupt(process, 1.5)
    assert (process.returncode, err) == (130, "")
    result = json.loads(text)
    packets = result["total"]["packets"]
    assert 0 < packets < 4_000_000
    for key in ("sizes", "network", "link_types"):
        assert sum(row["packets"] for row in result[key]) == packets
    assert result["total"]["counters"]["accepted"] - packets in (0, 1)


def test_interrupt_in_process(
    capsys: pytest.CaptureFixture[str], mixed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(libtrace, "open", interrupted)
    assert report(capsys, mixed, status=130) == ""
    assert signal.getsignal(signal.SIGTERM) is before


# Live interfaces


@pytest.fixture
def loopback() -> Iterator[Callable[[], None]]:
    """Sends a packet over the loopback interface, whose packets libtrace can capture."""
    try:
        libtrace.open("int:lo").close()
    except libtrace.LibtraceError as error:
        pytest.skip(f"cannot capture here: {error}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        yield lambda: sender.sendto(b"hello", ("127.0.0.1", 9)) and None


def send_until(process: subprocess.Popen[str], send: Callable[[], None], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        send()
        time.sleep(0.01)


def test_a_live_interface_is_read_until_count(loopback: Callable[[], None]) -> None:
    with running("--count", "5", "--filter", "udp port 9", "int:lo") as process:
        send_until(process, loopback, 20)
        text, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    result = json.loads(text)
    assert result["total"]["packets"] == 5
    assert result["traces"][0]["uri"] == "int:lo"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_live_interface_is_read_until_interrupt(
    loopback: Callable[[], None], number: int
) -> None:
    with running("--filter", "udp port 9", "int:lo") as process:
        send_until(process, loopback, 1.5)
        text, err = interrupt(process, 0, number)
    assert (process.returncode, err) == (128 + number, "")
    assert json.loads(text)["total"]["packets"] > 0


# Progress


def in_terminal(
    *arguments: str, until: bytes = b"", then: Callable[[], None] | None = None
) -> tuple[bytes, dict[str, Any]]:
    """What appears on a terminal at standard error, and the report."""
    master, slave = pty.openpty()
    seen = b""
    with running(*arguments, stderr=slave) as process, os.fdopen(master, "rb", 0) as terminal:
        os.close(slave)
        while select.select([terminal], [], [], 20)[0]:
            try:
                seen += terminal.read(65536)
            except OSError:  # nobody has the other end any more
                break
            if then and until in seen:
                then()
                then = None
        text, _none = process.communicate(timeout=20)
    assert process.returncode == 0
    return seen, json.loads(text)


def test_progress_is_shown_on_a_terminal(mixed: str) -> None:
    seen, result = in_terminal(*[mixed] * 3)
    assert result["total"]["packets"] == 6000
    assert b"mixed.pcap" in seen
    assert b"packets" in seen
    assert b"Traceback" not in seen


def test_progress_of_a_stream(tmp_path: Path) -> None:
    fifo = tmp_path / "a-very-long-name-of-a-stream-of-packets"
    os.mkfifo(fifo)
    shown = threading.Event()

    def feed() -> None:
        with fifo.open("wb") as out:
            # More than wandio reads at once.
            out.writelines(f.pcap(gen.mixed(10_000)))
            out.flush()
            shown.wait(20)

    feeder = threading.Thread(target=feed)
    feeder.start()
    seen, result = in_terminal(f"pcapfile:{fifo}", until=b" packets", then=shown.set)
    feeder.join()
    assert result["total"]["packets"] == 10_000
    assert re.search("a-very-long-name-of-a-st?…".encode(), seen)


def test_progress_follows_the_file(mixed: str) -> None:
    from libtrace.terminal import _Position

    size = Path(mixed.partition(":")[2]).stat().st_size
    with libtrace.open(mixed) as trace:
        position = _Position(trace.uri)
        assert position.size == size
        for _packet in trace:
            assert position.offset() <= size
        assert position.offset() == size


@pytest.mark.parametrize("uri", ["int:lo", "pcapfile:/nowhere", "pcapfile:/dev/null", "pcapfile:-"])
def test_progress_without_a_file(uri: str) -> None:
    from libtrace.terminal import _Position

    position = _Position(uri)
    assert (position.size, position.offset()) == (None, 0)


# Manual

MAN = Path(__file__).parent.parent / "man" / "libtrace.1"


def test_manual_has_every_option_and_key(capsys: pytest.CaptureFixture[str], mixed: str) -> None:
    text = MAN.read_text().replace("Fl -", "--")
    with pytest.raises(SystemExit):
        main(["report", "--help"])
    for option in re.findall(r"--[a-z]+", capsys.readouterr().out):
        assert option in text
    result = as_json(capsys, mixed)
    keys = {*result, *result["total"], *(key for name in result for key in keys_of(result[name]))}
    for key in keys:
        assert re.search(rf"\b{key}\b", text), key


def keys_of(rows: object) -> set[str]:
    return {key for row in rows for key in row} if isinstance(rows, list) else set()


@pytest.mark.skipif(not shutil.which("man"), reason="man is not installed")
def test_manual_is_well_formed() -> None:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "80"}
    command = ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(MAN)]
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (result.returncode, result.stderr) == (0, "")
