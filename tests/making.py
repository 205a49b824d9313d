# SPDX-License-Identifier: LGPL-3.0-or-later
"""Packets as objects, straight from the bytes of their frames."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Iterable
from typing import Any

import gen
import gen_files as f
import libtrace
import plt as _plt

# Tests know which layers their packets have, a type checker cannot.
plt: Any = _plt
TIME = 1_700_000_000 * f.NS + 123_456_789


def make_all(
    frames: Iterable[bytes], linktype: int = f.DLT_EN10MB, *, wirelen: int | None = None
) -> list[Any]:
    """The frames, captured at TIME."""
    sec, nanoseconds = divmod(TIME, f.NS)
    with tempfile.TemporaryDirectory() as folder:
        records = [f.pcap_record(x, sec=sec, frac=nanoseconds, wirelen=wirelen) for x in frames]
        parts = [f.pcap_header(linktype, nano=True), *records]
        with libtrace.open(f"pcapfile:{f.write(pathlib.Path(folder) / 'x', parts)}") as trace:
            return list(trace)


def make(frame: bytes, linktype: int = f.DLT_EN10MB, *, wirelen: int | None = None) -> Any:
    """A frame, captured at TIME."""
    (packet,) = make_all([frame], linktype, wirelen=wirelen)
    return packet


def kind(name: str) -> Any:
    """A packet of a kind of gen.KINDS."""
    linktype, frame = gen.KINDS[name]
    return make(frame, linktype)


def cuts(frame: bytes, linktype: int = f.DLT_EN10MB) -> list[Any]:
    """The frame captured to every length from 0 to its own."""
    return make_all((frame[:size] for size in range(len(frame) + 1)), linktype, wirelen=len(frame))
