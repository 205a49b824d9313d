# SPDX-License-Identifier: LGPL-3.0-or-later
"""Compressed traces: whole, joined, cut off and damaged."""

from __future__ import annotations

import bz2
import lzma
import os
import random
import struct
import threading
import zlib
from pathlib import Path

import gen_files as f
import libtrace
import pytest
from feed import feed_pieces, write_pieces
from process import run
from waiting import on_alarm

pytestmark = pytest.mark.usefixtures("silence")

NOISE = random.Random(7)
RECORDS = f.records(*[NOISE.randbytes(NOISE.randrange(60, 1500)) for _ in range(4000)])
PCAP = b"".join(f.pcap(RECORDS))
FRAMES = [record.data for record in RECORDS]
OURS = {"zst": libtrace.Compression.ZSTD, "lz4": libtrace.Compression.LZ4}
"""What Python has no module for."""
KINDS = ["gz", "bz2", "xz", *(OURS if libtrace.features()["zstd"] else [])]
every_kind = pytest.mark.parametrize("kind", KINDS)
pythons_kind = pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The trace in each compression."""
    folder = tmp_path_factory.mktemp("whole")
    plain = f.write(folder / "plain", [PCAP])
    made = {}
    for kind in KINDS:
        if kind in OURS:
            libtrace.write(
                f"pcapfile:{folder / kind}", libtrace.open(plain), compression=OURS[kind]
            )
            made[kind] = (folder / kind).read_bytes()
        else:
            made[kind] = f.compress(PCAP, kind)
    return made


def read(path: Path, *parts: bytes) -> tuple[list[bytes], libtrace.LibtraceError | None]:
    """The frames in the file that the parts make, and the error that ended the reading."""
    return read_from(f"pcapfile:{f.write(path, parts)}")


def read_from(uri: str) -> tuple[list[bytes], libtrace.LibtraceError | None]:
    found: list[bytes] = []
    try:
        with libtrace.open(uri) as trace:
            found.extend(bytes(packet) for packet in trace)
    except libtrace.LibtraceError as failure:
        return found, failure
    return found, None


def decompressed(data: bytes, kind: str) -> int:
    """Bytes of the trace that Python gets out of what is left of it."""
    if kind == "gz":
        return len(zlib.decompressobj(31).decompress(data))
    if kind == "bz2":
        return len(bz2.BZ2Decompressor().decompress(data))
    return len(lzma.LZMADecompressor().decompress(data))


def records_in(size: int) -> int:
    """The whole ones in so many bytes of the trace."""
    at, count = 24, 0
    for record in RECORDS:
        at += 16 + len(record.data)
        count += at <= size
    return count


@every_kind
def test_whole(tmp_path: Path, whole: dict[str, bytes], kind: str) -> None:
    assert read(tmp_path / "x", whole[kind]) == (FRAMES, None)


@every_kind
def test_cut_off(tmp_path: Path, whole: dict[str, bytes], kind: str) -> None:
    """All in front of the cut is delivered, then an error tells of it."""
    data = whole[kind]
    before = 0
    for size in (200, len(data) // 3, len(data) * 2 // 3, len(data) - 8, len(data) - 1):
        found, error = read(tmp_path / "x", data[:size])
        assert error is not None
        assert found == FRAMES[: len(found)]
        assert len(found) >= before
        if kind not in OURS:
            assert len(found) == records_in(decompressed(data[:size], kind))
        before = len(found)
    assert len(found) >= len(FRAMES) - 1  # zstd's last block is not packed here


@pythons_kind
@pytest.mark.parametrize("scheme", ["erf", "tsh"])
def test_cut_off_behind_the_last_record(tmp_path: Path, kind: str, scheme: str) -> None:
    """The packets are whole, the file is not."""
    frames = [bytes([0x45]) + bytes(35)] * 3000
    make = f.erf_record if scheme == "erf" else f.tsh_record
    data = f.compress(b"".join(map(make, frames)), kind)
    (tmp_path / "x").write_bytes(data[:-6])
    found, error = read_from(f"{scheme}:{tmp_path / 'x'}")
    assert error is not None
    assert len(found) in (0, 3000)


@pythons_kind
def test_joined(tmp_path: Path, whole: dict[str, bytes], kind: str) -> None:
    """As cat(1), bgzip and pbzip2 make them."""
    rest = f.compress(PCAP[24:], kind)
    assert read(tmp_path / "x", whole[kind], rest, rest) == (FRAMES * 3, None)


@pythons_kind
def test_joined_in_pieces(fifo: str, kind: str) -> None:
    """Of which none holds a whole magic number."""
    parts = [f.pcap_header(), *(f.pcap_record(frame) for frame in FRAMES[:5])]
    data = b"".join(f.compress(part, kind) + bytes(4) for part in parts)
    writer = feed_pieces(fifo, data, 2)
    assert read_from(f"pcapfile:{fifo}") == (FRAMES[:5], None)
    writer.join()


@pytest.mark.skipif(not libtrace.features()["zstd"], reason="needs libtrace 4")
@pytest.mark.parametrize("kind", OURS)
def test_frames_to_skip(tmp_path: Path, whole: dict[str, bytes], kind: str) -> None:
    """As in front of or behind what pzstd and the seekable format make (RFC 8878, 3.1.2)."""
    skip = struct.pack("<II", 0x184D2A5E, 9) + bytes(9)
    assert read(tmp_path / "x", skip, whole[kind], skip) == (FRAMES, None)


@pytest.mark.parametrize("scheme", ["erf", "rawerf"])
def test_erf_that_looks_compressed(tmp_path: Path, scheme: str) -> None:
    """rawerf: is libtrace's way to say that it is not."""
    first = bytearray(f.erf_record(FRAMES[0]))
    first[:4] = b"\x1f\x8b\x08\0"
    path = f.write(tmp_path / "x", [bytes(first), f.erf_record(FRAMES[1])])
    found, error = read_from(f"{scheme}:{path}")
    if scheme == "erf":
        assert (found, error is None) == ([], False)
    else:
        assert ([len(frame) for frame in found], error) == ([len(FRAMES[0]), len(FRAMES[1])], None)


def test_libtraceio_without_detection(tmp_path: Path, whole: dict[str, bytes]) -> None:
    program = """
        import libtrace, os, sys
        print(len(list(libtrace.open(sys.argv[1]))))
        os.environ["LIBTRACEIO"] = "noautodetect"
        try:
            libtrace.open("pcapfile:" + sys.argv[1])
        except libtrace.LibtraceError as error:
            print("Not a pcap tracefile" in str(error))
    """
    path = f.write(tmp_path / "x", [whole["gz"]])
    assert run(program, path).split() == [str(len(FRAMES)), "True"]


@every_kind
def test_zeros_behind(tmp_path: Path, whole: dict[str, bytes], kind: str) -> None:
    """Padding, as tapes, block devices and xz make it."""
    assert read(tmp_path / "x", whole[kind], bytes(512)) == (FRAMES, None)


@every_kind
def test_junk_behind(tmp_path: Path, whole: dict[str, bytes], kind: str) -> None:
    found, error = read(tmp_path / "x", whole[kind], b"junk")
    assert found == FRAMES
    assert error is not None


@every_kind
def test_damaged_in_the_middle(tmp_path: Path, whole: dict[str, bytes], kind: str) -> None:
    """The checksum, at the latest, tells."""
    data = bytearray(whole[kind])
    data[len(data) // 2] ^= 0xFF
    found, error = read(tmp_path / "x", bytes(data))
    assert len(found) <= len(FRAMES)
    assert error is not None or kind in OURS  # whose files have no checksum


@pythons_kind
@pytest.mark.parametrize("scheme", ["legacyatm", "legacyeth", "legacypos", "legacynzix"])
def test_damaged_legacy_trace(tmp_path: Path, kind: str, scheme: str) -> None:
    """libtrace 3 reads on after the error, and wandio wrote over its memory then."""
    path = tmp_path / "19990101-120000"
    for extra in range(0, 64, 9):
        data = bytearray(f.compress(NOISE.randbytes(64 * 6 + extra), kind))
        data[-6] ^= 0x55
        path.write_bytes(data)
        found, error = read_from(f"{scheme}:{path}")
        assert len(found) <= 6
        assert error is not None


@every_kind
def test_pipe_that_ends_too_early(fifo: str, whole: dict[str, bytes], kind: str) -> None:
    data = whole[kind]
    writer = threading.Thread(target=Path(fifo).write_bytes, args=[data[:-1]])
    writer.start()
    found, error = read_from(f"pcapfile:{fifo}")
    writer.join()
    assert found in (FRAMES, FRAMES[:-1])
    assert error is not None


@pythons_kind
def test_pipe_gives_what_it_has(fifo: str, kind: str) -> None:
    """It need not end, nor fill libwandio's buffer, which only looks at the first piece."""
    pieces = [f.compress(b"".join(f.pcap(RECORDS[:3])), kind)]
    pieces += [f.compress(b"".join(f.pcap([record]))[24:], kind) for record in RECORDS[3:6]]
    seen = threading.Event()

    def write() -> None:
        with open(fifo, "wb", buffering=0) as pipe:  # noqa: PTH123
            write_pieces(pipe.fileno(), pieces[:2])
            assert seen.wait(10)
            write_pieces(pipe.fileno(), pieces[2:])

    writer = threading.Thread(target=write)
    writer.start()
    with libtrace.open(f"pcapfile:{fifo}") as trace:
        found = [bytes(next(trace)) for _ in range(3)]
        seen.set()
        found.extend(bytes(packet) for packet in trace)
    writer.join()
    assert found == FRAMES[:6]


@every_kind
def test_pipe_that_pauses_within_a_stream(fifo: str, whole: dict[str, bytes], kind: str) -> None:
    """However often it is asked for more."""
    asked = threading.Event()

    def write() -> None:
        with open(fifo, "wb", buffering=0) as pipe:  # noqa: PTH123
            pipe.write(whole[kind][:50_000])
            assert asked.wait(10)
            pipe.write(whole[kind][50_000:])

    writer = threading.Thread(target=write)
    writer.start()
    trace = libtrace.Trace(f"pcapfile:{fifo}")
    trace.conf_timeout(0.002)
    found: list[bytes] = []
    waits = 0
    while len(found) < len(FRAMES):
        try:
            trace.start()
            found.append(bytes(next(trace)))
        except libtrace.TraceTimeout:
            waits += 1
            if waits == 50:
                asked.set()
    assert asked.is_set()
    assert found == FRAMES
    trace.close()
    writer.join()


def test_signal_behind_the_first_piece(fifo: str) -> None:
    """The pipe gave something, and the read goes on: nothing is lost or repeated."""
    handled = threading.Event()
    data = f.compress(b"".join(f.pcap(RECORDS)), "gz")

    def write() -> None:
        with open(fifo, "wb", buffering=0) as pipe:  # noqa: PTH123
            pipe.write(data[:1000])
            handled.wait(10)
            pipe.write(data[1000:])

    writer = threading.Thread(target=write)
    writer.start()
    with on_alarm(handled.set, 0.2):
        found, error = read_from(f"pcapfile:{fifo}")
    writer.join()
    assert found == FRAMES
    assert error is None


def test_descriptors(tmp_path: Path, whole: dict[str, bytes]) -> None:
    """Also of those that are dropped in the middle."""
    path = f.write(tmp_path / "x", [whole["gz"]])
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(50):
        with libtrace.open(path) as trace:
            next(trace)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
