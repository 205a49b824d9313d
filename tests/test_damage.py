# SPDX-License-Identifier: LGPL-3.0-or-later
"""Files cut anywhere and damaged anywhere: an error or an end, never a crash, and every good packet
before the damage delivered.
"""

from __future__ import annotations

import functools
import os
import pathlib
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import NamedTuple

import gen
import gen_files as f
import gen_packets as p
import libtrace
import pytest
from reading import packets, read

pytestmark = pytest.mark.usefixtures("silence")

FRAMES = [gen.KINDS[kind][1] for kind in ("tcp4", "padded", "udp6")]
VALUES = (0x00, 0x01, 0x7F, 0x80, 0xFF)


class Sample(NamedTuple):
    """A small file, as its URI's scheme, its header, its records, and a record's header length."""

    scheme: str
    header: bytes
    records: list[bytes]
    framing: int
    frames: list[bytes]

    @property
    def content(self) -> bytes:
        return self.header + b"".join(self.records)

    def starts(self) -> list[int]:
        """Where each record starts, and where the last one ends."""
        at = [len(self.header)]
        for record in self.records:
            at.append(at[-1] + len(record))
        return at


def pcap_sample(*, big: bool, nano: bool) -> Sample:
    header, *rest = f.pcap(f.records(*FRAMES), big=big, nano=nano)
    return Sample("pcapfile", header, rest, 16, FRAMES)


CELL = p.atm(p.snap(gen.KINDS["raw4"][1]))
IP4, PPP = gen.KINDS["raw4"][1], p.ppp_hdlc(gen.KINDS["raw4"][1])
LINKS = [gen.KINDS[kind] for kind in ("sll", "radiotap", "pflog", "loop")]
SAMPLES = {
    "pcap": pcap_sample(big=False, nano=False),
    "pcap nano": pcap_sample(big=False, nano=True),
    "pcap big": pcap_sample(big=True, nano=False),
    "pcap big nano": pcap_sample(big=True, nano=True),
    "erf": Sample("erf", b"", [f.erf_record(frame) for frame in FRAMES], 18, FRAMES),
    "tsh": Sample("tsh", b"", [f.tsh_record(IP4)] * 3, 8, [IP4[:36]] * 3),
    "atmhdr": Sample("atmhdr", b"", [f.atmhdr_record(CELL)] * 3, 12, [CELL[:4]] * 3),
    "legacyatm": Sample("legacyatm", b"", [f.legacyatm_record(CELL)] * 3, 12, [CELL[:52]] * 3),
    "legacypos": Sample("legacypos", b"", [f.legacypos_record(PPP)] * 3, 16, [PPP[:48]] * 3),
} | {
    f"pcap {linktype}": Sample(
        "pcapfile", f.pcap_header(linktype), [f.pcap_record(frame)] * 2, 16, [frame] * 2
    )
    for linktype, frame in LINKS
}

if libtrace.features()["pcapng"]:
    for big in (False, True):
        first, second, *blocks = f.pcapng(f.records(*FRAMES), big=big)
        name = "pcapng big" if big else "pcapng"
        SAMPLES[name] = Sample("pcapng", first + second, blocks, 28, FRAMES)


def damages(sample: Sample) -> Iterator[tuple[int, bytes]]:
    """Every byte of every header in turn takes several wrong values: its place and the file."""
    places = [*range(len(sample.header))]
    for start in sample.starts()[:-1]:
        places += range(start, start + sample.framing)
    for at in places:
        right = sample.content[at]
        for value in {*VALUES, right ^ 1, right ^ 0x20, right + 1 & 0xFF} - {right}:
            damaged = bytearray(sample.content)
            damaged[at] = value
            yield at, bytes(damaged)


SURVIVE = """
import sys
import reading
for line in sys.stdin:
    reading.read(line.rstrip("\\n"))
print("survived")
"""


@functools.cache
def survives(name: str) -> str:
    """Why another process that reads part of the damaged files crashed, or ""."""
    sample = SAMPLES[name]
    contents = [content for _, content in damages(sample)][::3]
    contents += [sample.content[:size] for size in range(0, len(sample.content), 3)]
    here = os.fspath(pathlib.Path(__file__).parent)
    with tempfile.TemporaryDirectory() as folder:
        paths = [
            f.write(pathlib.Path(folder) / str(n), [content]) for n, content in enumerate(contents)
        ]
        child = subprocess.run(
            [sys.executable, "-c", SURVIVE],
            input="".join(f"{sample.scheme}:{path}\n" for path in paths),
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([here, *sys.path])},
            timeout=300,
            check=False,
        )
    good = child.returncode == 0 and child.stdout == "survived\n"
    return "" if good else f"exit status {child.returncode}: {child.stderr}"


@pytest.fixture(params=SAMPLES)
def sample(request: pytest.FixtureRequest) -> Sample:
    """A sample that cannot end this process: a crash is a failed test, not the end of the run."""
    reason = survives(request.param)
    if reason:
        pytest.fail(reason)
    return SAMPLES[request.param]


def test_truncated_anywhere(tmp_trace: Callable[..., str], sample: Sample) -> None:
    starts = sample.starts()
    for size in range(len(sample.content) + 1):
        found, error = read(tmp_trace([sample.content[:size]], sample.scheme))
        whole = sum(end <= size for end in starts[1:])
        assert [bytes(packet) for packet in found] == sample.frames[:whole], size
        if size in starts:
            assert error is None, size
        elif sample.scheme == "pcapfile" and size:
            assert error is not None, size


def test_damaged_anywhere(tmp_trace: Callable[..., str], sample: Sample) -> None:
    starts = sample.starts()
    for at, content in damages(sample):
        found, _ = read(tmp_trace([content], sample.scheme))
        good = sum(end <= at for end in starts[1:])
        if at >= len(sample.header):
            frames = [bytes(packet) for packet in found[:good]]
            assert frames == sample.frames[:good], (at, content[at])


@pytest.mark.parametrize("kind", gen.KINDS)
def test_damaged_packets(tmp_trace: Callable[..., str], kind: str) -> None:
    """Damage inside of packets never stops the reading."""
    linktype, frame = gen.KINDS[kind]
    rng = random.Random(kind)
    damaged = []
    for at in range(len(frame)):
        for value in {*VALUES, rng.randrange(256)}:
            damaged.append(frame[:at] + bytes([value]) + frame[at + 1 :])
    found, error = read(tmp_trace([f.pcap_header(linktype), *map(f.pcap_record, damaged)]))
    assert error is None
    assert [bytes(packet) for packet in found] == damaged


@pytest.mark.parametrize("linktype", sorted({linktype for linktype, _ in gen.KINDS.values()}))
def test_noise(tmp_trace: Callable[..., str], linktype: int) -> None:
    rng = random.Random(linktype)
    frames = [rng.randbytes(rng.randrange(1, 200)) for _ in range(500)]
    found, error = read(tmp_trace([f.pcap_header(linktype), *map(f.pcap_record, frames)]))
    assert error is None
    assert [bytes(packet) for packet in found] == frames


@pytest.mark.parametrize("scheme", ["pcapfile", "erf", "tsh", "legacyeth", "legacyatm", "atmhdr"])
def test_noise_as_a_file(tmp_trace: Callable[..., str], scheme: str) -> None:
    rng = random.Random(scheme)
    for _ in range(100):
        content = rng.randbytes(rng.randrange(2000))
        read(tmp_trace([f.pcap_header() if scheme == "pcapfile" else b"", content], scheme))


@pytest.mark.parametrize("name", ["pcap", "erf", "tsh"])
def test_bare_path_of_a_damaged_file(tmp_path: pathlib.Path, name: str) -> None:
    for at, content in damages(SAMPLES[name]):
        path = f.write(tmp_path / "x", [content])
        try:
            assert len(list(packets(path))) <= len(FRAMES), at
        except libtrace.LibtraceError:
            continue
