# SPDX-License-Identifier: LGPL-3.0-or-later
"""Many traces as one table."""

from __future__ import annotations

import os
import pathlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator

import gen_files as f
import libtrace
import pytest
from conftest import open_files
from network import Network
from test_threads import numbered
from waiting import alarm, gather, on_alarm

WORKERS = "libtrace scan"


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    """Three traces, of which the second is compressed and the third is not pcap."""
    f.write_pcap(tmp_path / "a.pcap", f.records(*numbered(500)))
    f.write_pcap(tmp_path / "b.pcap.gz", f.records(*numbered(300)), compression="gz")
    f.write(tmp_path / "c.erf", [f.erf_record(frame) for frame in numbered(200)])
    return tmp_path


@pytest.fixture(autouse=True)
def no_worker_left() -> Iterator[None]:
    yield
    for _ in range(200):
        if not any(thread.name == WORKERS for thread in threading.enumerate()):
            return
        time.sleep(0.05)
    pytest.fail("a worker of a scan goes on")


def indices(batches: libtrace.Scan) -> list[int]:
    return [index for batch in batches for index in batch["index"]]


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("size", [7, 65536])
def test_all_packets(folder: pathlib.Path, workers: int, size: int) -> None:
    found = indices(libtrace.scan(f"{folder}/*", ["index"], workers=workers, size=size))
    assert sorted(found) == sorted([*range(500), *range(300), *range(200)])


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_in_order(folder: pathlib.Path, workers: int) -> None:
    paths = sorted(folder.iterdir())
    scan = libtrace.scan(paths, ["index"], workers=workers, size=7, ordered=True)
    assert scan.columns == ("index",)
    assert indices(scan) == [*range(500), *range(300), *range(200)]
    assert next(scan, None) is None


def test_names(folder: pathlib.Path) -> None:
    def count(*uris: str | pathlib.Path) -> int:
        return len(indices(libtrace.scan(uris, ["index"])))

    assert count(f"pcapfile:{folder}/*.pcap*") == 800
    assert count(folder / "[bc].*") == 500
    assert count(f"{folder}/**/a.pcap") == 500
    assert count(folder / "a.pcap", f"erf:{folder}/c.erf", f"{folder}/b*") == 1000
    (folder / "a.pcap").rename(folder / "[a]*.pcap")
    assert count(folder / "[a]*.pcap") == 500
    assert count(f"pcapfile:{folder}/[a]*.pcap") == 500
    assert count() == 0
    with pytest.raises(FileNotFoundError, match="no file matches") as caught:
        libtrace.scan(f"{folder}/*.nothing")
    assert isinstance(caught.value, libtrace.LibtraceError)


def test_filter(folder: pathlib.Path) -> None:
    assert indices(libtrace.scan(f"{folder}/*", ["index"], filter="tcp")) == []
    udp = libtrace.Filter("udp")
    assert len(indices(libtrace.scan(f"{folder}/*", ["index"], filter=udp))) == 1000
    with pytest.raises(libtrace.FilterError):
        libtrace.scan(f"{folder}/*", filter="nonsense")


def test_progress(folder: pathlib.Path) -> None:
    told: list[libtrace.ScanProgress] = []
    assert len(indices(libtrace.scan(f"{folder}/*", ["index"], progress=told.append))) == 1000
    assert told[-1] == (3, 3, 1000)
    assert [step.packets for step in told] == sorted(step.packets for step in told)
    assert [step.traces_done for step in told] == sorted(step.traces_done for step in told)


@pytest.mark.parametrize("ordered", [False, True])
def test_progress_that_raises(folder: pathlib.Path, ordered: bool) -> None:
    """What it was told of, a batch or an error, comes next, and it is not told again."""
    (folder / "d.pcap").write_bytes(b"nothing")
    told: list[libtrace.ScanProgress] = []

    def progress(step: libtrace.ScanProgress) -> None:
        told.append(step)
        raise KeyboardInterrupt

    scan = libtrace.scan(f"{folder}/*", ["index"], size=50, ordered=ordered, progress=progress)
    found: list[int] = []
    raised: list[BaseException] = []
    while len(raised) < 100:
        try:
            for batch in scan:
                found += batch["index"]
            break
        except (KeyboardInterrupt, libtrace.LibtraceError) as error:
            raised.append(error)
    assert sorted(found) == sorted([*range(500), *range(300), *range(200)])
    assert [type(error) for error in raised].count(KeyboardInterrupt) == len(told) == 20 + 4
    assert len(raised) == len(told) + 1
    assert told[-1] == (4, 4, 1000)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="handlers also run where a call returns")
def test_signal_handlers_that_raise(tmp_path: pathlib.Path) -> None:
    path = f.write_pcap(tmp_path / "trace", f.records(*numbered(20_000)))
    batches = gather(libtrace.scan([path] * 2, ["index"], size=10))
    assert sum(map(len, batches)) == 40_000


@pytest.mark.parametrize("ordered", [False, True])
def test_one_that_cannot_be_read(folder: pathlib.Path, ordered: bool) -> None:
    """Its good packets come first, and the other traces can still be read."""
    path = folder / "a.pcap"
    path.write_bytes(path.read_bytes()[:-1])
    scan = libtrace.scan(f"{folder}/*", ["index"], size=50, ordered=ordered)
    found: list[int] = []
    with pytest.raises(libtrace.LibtraceError, match="cannot read on") as caught:
        for batch in scan:
            found += batch["index"]
    assert caught.value.uri == f"pcapfile:{path}"
    assert found.count(498) == 1
    found += indices(scan)
    assert sorted(found) == sorted([*range(499), *range(300), *range(200)])


def test_missing_file(folder: pathlib.Path) -> None:
    scan = libtrace.scan([folder / "none.pcap", folder / "a.pcap"], ["index"])
    with pytest.raises(FileNotFoundError):
        indices(scan)
    assert len(indices(scan)) in (0, 500)


def test_left_early(folder: pathlib.Path) -> None:
    with libtrace.scan(f"{folder}/*", ["index"], size=1, ordered=True) as scan:
        assert len(next(scan)) == 1
    assert next(scan, None) is None
    next(libtrace.scan(f"{folder}/*", ["index"], size=1))


def test_workers_that_wait_for_room_end(folder: pathlib.Path) -> None:
    scan = libtrace.scan([folder / "a.pcap"] * 20, ["index"], size=1, workers=4)
    next(scan)
    time.sleep(0.1)
    scan.close()
    end = time.monotonic() + 10
    while open_files(folder) and time.monotonic() < end:
        time.sleep(0.01)
    assert not open_files(folder)


def test_workers_that_wait_for_packets_end(network: Network) -> None:
    with libtrace.scan(f"int:{network.far}", ["index"]):
        time.sleep(0.1)


def by_thread(close: Callable[[], None]) -> None:
    threading.Timer(0.1, close).start()


def by_signal(close: Callable[[], None]) -> None:
    signal.signal(signal.SIGUSR1, lambda *_: close())
    reader = threading.get_ident()
    by_thread(lambda: signal.pthread_kill(reader, signal.SIGUSR1))


@pytest.mark.parametrize("by", [by_thread, by_signal])
@pytest.mark.parametrize("ordered", [False, True])
def test_close_ends_a_loop(
    tmp_path: pathlib.Path, by: Callable[[Callable[[], None]], None], ordered: bool
) -> None:
    """Also one that waits for a pipe, which is silent."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)
    scan = libtrace.scan(f"pcapfile:{pipe}", ["index"], ordered=ordered)
    old = signal.getsignal(signal.SIGUSR1)
    try:
        by(scan.close)
        with on_alarm(alarm, 10):
            assert indices(scan) == []
    finally:
        signal.signal(signal.SIGUSR1, old)
        os.close(writer)


@pytest.mark.parametrize("ordered", [False, True])
def test_threads_share_a_scan(folder: pathlib.Path, ordered: bool) -> None:
    """Each batch goes to one of them, and all of them end."""
    scan = libtrace.scan([folder / "a.pcap"] * 20, ["index"], size=10, ordered=ordered)
    found: list[int] = []
    readers = [
        threading.Thread(target=lambda: found.extend(indices(scan)), daemon=True) for _ in range(3)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(10)
    assert not any(reader.is_alive() for reader in readers)
    assert sorted(found) == sorted([*range(500)] * 20)


def test_wrong_arguments(folder: pathlib.Path) -> None:
    with pytest.raises(ValueError, match="no column 'nonsense'"):
        libtrace.scan(f"{folder}/*", ["nonsense"])
    with pytest.raises(ValueError, match="at least one worker"):
        libtrace.scan(f"{folder}/*", workers=0)
    with pytest.raises(ValueError, match="rows"):
        libtrace.scan(f"{folder}/*", size=0)


def test_read_table(folder: pathlib.Path) -> None:
    pytest.importorskip("pyarrow")
    table = libtrace.read_table(f"{folder}/*", ["index", "src"])
    assert table["index"].to_pylist() == [*range(500), *range(300), *range(200)]
    assert table.column_names == ["index", "src"]
    assert libtrace.read_table([], ["src"]).num_rows == 0


def test_arrow_stream(folder: pathlib.Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    assert pyarrow.table(libtrace.scan(f"{folder}/*", size=10)).num_rows == 1000
