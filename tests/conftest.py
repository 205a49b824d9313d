# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

import contextlib
import gc
import os
import pathlib
import signal
import sys
from collections.abc import Callable, Iterable, Iterator

import gen_files as f
import libtrace
import pytest
from network import Network, own_network

# A sanitizer is preloaded into Python alone: the other programs that tests run do not stand it.
if "SANITIZED_PYTHON" in os.environ:
    del os.environ["LD_PRELOAD"]
    sys.executable = os.environ["SANITIZED_PYTHON"]

with contextlib.suppress(ModuleNotFoundError):  # those that need it say so
    from hypothesis import settings

    # A busy machine is no fault, and the same code has the same result.
    settings.register_profile("suite", deadline=None, max_examples=150, derandomize=True)
    settings.load_profile("suite")

# A shell lets what it starts in the background ignore Ctrl-C, and so would what tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

DATA = pathlib.Path(__file__).parent / "data"


def open_files(folder: pathlib.Path) -> list[str]:
    """The files in the folder that this process has open."""
    found = []
    for entry in pathlib.Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(entry.readlink())
    return [str(name) for name in found if folder in name.parents]


@pytest.fixture
def data() -> pathlib.Path:
    """Where the real captures are."""
    return DATA


@pytest.fixture
def tmp_pcap(tmp_path: pathlib.Path) -> Callable[..., str]:
    """Writes frames to a pcap file and gives its URI."""

    def make(*frames: bytes, linktype: int = f.DLT_EN10MB) -> str:
        name = f"{linktype}-{len(list(tmp_path.iterdir()))}.pcap"
        path = f.write_pcap(tmp_path / name, f.records(*frames), linktype=linktype)
        return f"pcapfile:{path}"

    return make


@pytest.fixture
def tmp_trace(tmp_path: pathlib.Path) -> Callable[..., str]:
    """Writes the parts of a file as they are and gives its URI in a format."""

    def make(parts: Iterable[bytes], scheme: str = "pcapfile", *, name: str = "trace") -> str:
        return f"{scheme}:{f.write(tmp_path / name, parts)}"

    return make


@pytest.fixture
def network() -> Iterator[Network]:
    """Two joined interfaces, in a network of their own."""
    with own_network() as network:
        yield network


@pytest.fixture(autouse=True)
def no_open_files(tmp_path: pathlib.Path) -> Iterator[None]:
    """Fails a test after which one of its captures is still open."""
    yield
    if open_files(tmp_path):
        gc.collect()
    assert not open_files(tmp_path)


@pytest.fixture
def silence(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Fails a test in which libtrace wrote to stdout or stderr, as it does about odd packets."""
    yield
    assert tuple(capfd.readouterr()) == ("", "")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """80 columns; what the tests run in shall not matter."""
    for name in ("FORCE_COLOR", "NO_COLOR", "PYTHONUNBUFFERED", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def fifo(tmp_path: pathlib.Path) -> str:
    """A named pipe."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return str(path)


@pytest.fixture
def trace(network: Network, scheme: str) -> Iterator[libtrace.Trace]:
    """A live capture in the format that the test is for."""
    with libtrace.open(f"{scheme}:{network.far}") as trace:
        yield trace
