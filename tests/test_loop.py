# SPDX-License-Identifier: LGPL-3.0-or-later
"""What Python counts is what a loop in C over libtrace counts; make check gives its path."""

from __future__ import annotations

import os
import pathlib
import subprocess

import gen
import pytest
from reading import packets

LOOP = os.environ.get("LOOP")
PCAPS = [f"pcap-{order}-{unit}" for order in ("little", "big") for unit in ("us", "ns")]

pytestmark = pytest.mark.skipif(not LOOP, reason="needs the loop in C of make check")


def write(path: pathlib.Path, kind: str, compression: str) -> str:
    """Writes a mixed trace of that kind and gives its URI."""
    written = gen.mixed(500, seed=11)
    if kind == "erf":
        return "erf:" + gen.write_erf(path, written, compression=compression)
    return "pcapfile:" + gen.write_pcap(
        path,
        written,
        big="big" in kind,
        nano="ns" in kind,
        snaplen=200,
        compression=compression,
    )


def c_sums(uri: str) -> dict[str, int]:
    result = subprocess.run([str(LOOP), "sums", uri], check=True, capture_output=True, text=True)
    return {name: int(value) for name, value in map(str.split, result.stdout.splitlines())}


def sums(uri: str) -> dict[str, int | None]:
    kept = list(packets(uri))
    return {
        "packets": len(kept),
        "wire_len": sum(packet.wire_len for packet in kept),
        "capture_len": sum(packet.capture_len for packet in kept),
        "first_ns": kept[0].timestamp_ns,
        "last_ns": kept[-1].timestamp_ns,
    }


@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
@pytest.mark.parametrize("kind", [*PCAPS, "erf"])
def test_sums_are_those_of_c(tmp_path: pathlib.Path, kind: str, compression: str) -> None:
    uri = write(tmp_path / "trace", kind, compression)
    assert sums(uri) == c_sums(uri)


@pytest.mark.parametrize("name", ["sample", "dns", "any_sll", "any_sll2"])
def test_sums_of_real_captures_are_those_of_c(data: pathlib.Path, name: str) -> None:
    uri = f"pcapfile:{data / name}.pcap"
    assert sums(uri) == c_sums(uri)
