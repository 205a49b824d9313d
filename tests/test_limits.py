# SPDX-License-Identifier: LGPL-3.0-or-later
"""Descriptors that run out, files that change while they are read, and traces nobody closes."""

from __future__ import annotations

import contextlib
import errno
import gc
import gzip
import os
import pathlib
import resource
from collections.abc import Callable, Iterator

import gen
import gen_files as f
import libtrace
import pytest
from conftest import open_files
from network import Network
from script import SANITIZED, run_script
from steady import CHECKED, resident

MakeTrace = Callable[..., str]
FRAME = gen.KINDS["tcp4"][1]
LONG = f.records(*[FRAME.ljust(1000, b"\1")] * 5000)


# Descriptors


@contextlib.contextmanager
def descriptors(free: int) -> Iterator[None]:
    """So many can be opened, no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    first = os.open("/dev/null", os.O_RDONLY)  # the lowest that is free, and none above is used
    os.close(first)
    fds = {int(entry.name) for entry in pathlib.Path("/proc/self/fd").iterdir()}
    used = {fd for fd in fds - {first} if fd < soft}  # valgrind's own are above
    limit = max(used, default=0) + 1
    holes = limit - len(used)
    held = [os.open("/dev/null", os.O_RDONLY) for _ in range(holes)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit + free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for fd in held:
            os.close(fd)


def assert_works_with_some(use: Callable[[], object], most: int) -> None:
    """With too few descriptors it fails clearly, and leaves none behind."""
    works = False
    for free in range(most + 1):
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        with descriptors(free):
            try:
                use()
                works = True
            except libtrace.LibtraceError as error:
                assert not works
                assert os.strerror(errno.EMFILE) in str(error)
                assert error.code == errno.EMFILE
        gc.collect()
        assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    assert works


@pytest.mark.parametrize(
    ("scheme", "compression"),
    [("pcapfile:", ""), ("pcapfile:", "gz"), ("pcap:", ""), ("", ""), ("", "gz")],
)
def test_trace_without_descriptors(tmp_path: pathlib.Path, scheme: str, compression: str) -> None:
    path = f.write_pcap(tmp_path / "x", f.records(FRAME), compression=compression)

    def use() -> None:
        with libtrace.open(f"{scheme}{path}") as trace:
            assert bytes(next(trace)) == FRAME

    assert_works_with_some(use, 1)


def test_output_without_descriptors(tmp_path: pathlib.Path, tmp_pcap: MakeTrace) -> None:
    packets = list(libtrace.open(tmp_pcap(FRAME)))
    assert_works_with_some(lambda: libtrace.write(f"pcapfile:{tmp_path}/out", packets), 1)


@pytest.mark.parametrize("scheme", ["int", "ring", "pcapint"])
def test_interface_without_descriptors(network: Network, scheme: str, tmp_pcap: MakeTrace) -> None:
    (packet,) = libtrace.open(tmp_pcap(FRAME))
    assert_works_with_some(lambda: libtrace.open(f"{scheme}:{network.far}").close(), 4)
    assert_works_with_some(lambda: libtrace.write(f"{scheme}:{network.near}", [packet]), 4)


# Files that change


def test_file_that_grows(tmp_path: pathlib.Path) -> None:
    """What is written before the end is reached belongs to the trace; what comes later does not."""
    path = tmp_path / "x"
    parts = list(f.pcap(LONG))
    path.write_bytes(b"".join(parts[:4001]))
    with libtrace.open(path) as trace, path.open("ab") as file:
        next(trace)
        file.write(b"".join(parts[4001:4501]))
        file.flush()
        assert len(list(trace)) == 4499
        file.write(b"".join(parts[4501:]))
        file.flush()
        assert list(trace) == []
    with libtrace.open(path) as trace:
        assert len(list(trace)) == 5000


@pytest.mark.parametrize(
    ("scheme", "compression"),
    [("pcapfile", ""), ("pcapfile", "gz"), ("erf", ""), ("erf", "gz"), ("pcap", "")],
)
def test_file_that_shrinks(tmp_path: pathlib.Path, scheme: str, compression: str) -> None:
    """The part that goes is far behind what libwandio reads ahead: a read beside os.truncate() may
    get zeros from the kernel.
    """
    path = tmp_path / "x"
    noise = [f.Record(n, os.urandom(1000)) for n in range(16_000)]
    if scheme == "erf":
        f.write_erf(path, noise, compression=compression)
    else:
        f.write_pcap(path, noise, compression=compression)
    size = path.stat().st_size
    kept = []
    with libtrace.open(f"{scheme}:{path}") as trace:
        kept.append(next(trace))
        os.truncate(path, size // 2 + 1)
        with contextlib.suppress(libtrace.LibtraceError):
            kept.extend(trace)
        os.truncate(path, 0)
        assert list(trace) == []
        assert trace.accepted_packets == len(kept)
    assert 7990 <= len(kept) <= 8000
    assert [bytes(packet)[:1000] for packet in kept] == [r.data for r in noise[: len(kept)]]


# Standard input


COUNT = """
    import sys, libtrace
    with libtrace.open(sys.argv[1]) as trace:
        print(len(list(trace)), trace.accepted_packets)
"""


@pytest.mark.parametrize("compression", ["", "gz"])
def test_erf_on_standard_input(tmp_path: pathlib.Path, compression: str) -> None:
    path = f.write_erf(tmp_path / "x", f.records(*[FRAME] * 9), compression=compression)
    stdin = pathlib.Path(path).read_bytes()
    assert run_script(COUNT, "erf:-", stdin=stdin) == "9 9\n"


@pytest.mark.parametrize("scheme", ["pcapfile", "erf"])
def test_empty_standard_input(scheme: str) -> None:
    code = """
        import sys, libtrace
        try:
            print(len(list(libtrace.open(sys.argv[1]))))
        except libtrace.LibtraceError as error:
            print("error", error)
    """
    assert run_script(code, f"{scheme}:-").startswith(("0", "error cannot"))


def test_standard_input_has_to_be_named() -> None:
    """It cannot be read twice, to find out what it is."""
    with pytest.raises(libtrace.LibtraceError, match="pcapfile:"):
        libtrace.open("-")
    with pytest.raises(libtrace.LibtraceError, match="pcapfile:"):
        libtrace.Trace("-").start()


def test_standard_input_stays_open() -> None:
    """The next file that is opened must not become the standard input."""
    code = """
        import os, libtrace
        try:
            list(libtrace.open("pcapfile:-"))
        except libtrace.LibtraceError:
            pass
        assert os.open("/dev/null", os.O_RDONLY) > 2
        print(os.readlink("/proc/self/fd/0")[:5])
    """
    pcap = b"".join(f.pcap(f.records(FRAME)))
    for stdin in (b"", pcap, gzip.compress(pcap)):
        assert run_script(code, stdin=stdin) == "pipe:\n"


# Traces that nobody closes

# Ten thousand traces; outputs write their files, which takes longer.
TIMES = {"plain": 5000, "gz": 2500, "new": 2500, "output": 500}


@pytest.mark.parametrize("how", TIMES)
def test_ten_thousand(tmp_path: pathlib.Path, how: str) -> None:
    path = f.write_pcap(tmp_path / "x", f.records(FRAME), compression=how if how == "gz" else "")
    (packet,) = libtrace.open(f"pcapfile:{path}")

    def use() -> None:
        if how == "output":
            output = libtrace.OutputTrace(f"pcapfile:{tmp_path}/out")
            output.start()
            output.write_packet(packet)
            return
        trace = libtrace.Trace(f"pcapfile:{path}")
        if how != "new":
            trace.start()
            next(trace)

    for _ in range(200):
        use()
    threads, size = len(os.listdir("/proc/self/task")), resident()  # noqa: PTH208
    for _ in range(TIMES[how] // 10 if SANITIZED else TIMES[how]):
        use()
    assert not open_files(tmp_path)
    assert len(os.listdir("/proc/self/task")) <= threads  # noqa: PTH208
    assert CHECKED or resident() - size < 4 << 20
