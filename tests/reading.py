# SPDX-License-Identifier: LGPL-3.0-or-later
"""What the tests do with a trace again and again."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import libtrace

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER_FIELDS = (
    "ethertype",
    "vlan_id",
    "src",
    "dst",
    "src_text",
    "dst_text",
    "src_mac",
    "dst_mac",
    "ip_proto",
    "src_port",
    "dst_port",
)
RECORD_FIELDS = (
    "linktype",
    "proto",
    "time",
    "seconds",
    "ts_sec",
    "erf_time",
    "timestamp_ns",
    "wire_len",
    "capture_len",
    "direction",
    "is_truncated",
    "is_meta",
    "kind",
    "type",
    "size",
)


class Cut:
    """Stands for a field that the capture cuts off."""

    def __repr__(self) -> str:
        return "CUT"


CUT = Cut()


def field(packet: libtrace.Packet, name: str) -> object:
    """The attribute, or CUT. Any other failure is the test's."""
    try:
        return getattr(packet, name)
    except libtrace.TruncatedError:
        return CUT


def fields(packet: libtrace.Packet, *names: str) -> dict[str, object]:
    """The named header fields of a packet, by default all."""
    return {name: field(packet, name) for name in names or HEADER_FIELDS}


def touch(packet: libtrace.Packet) -> None:
    """Read everything that a packet offers; only header fields may be cut off."""
    for name in RECORD_FIELDS:
        getattr(packet, name)
    for name in HEADER_FIELDS + HEADER_FIELDS[::-1]:
        field(packet, name)
    assert len(bytes(packet)) == packet.capture_len
    assert memoryview(packet) == bytes(packet)
    assert bytes(packet.data) in bytes(packet)
    assert isinstance(packet.info(), str)


def packets(uri: str) -> Iterator[libtrace.Packet]:
    """The packets of a started trace, which is closed at the end."""
    with libtrace.open(uri) as trace:
        yield from trace


def read(
    uri: str, *, meta: bool = False
) -> tuple[list[libtrace.Packet], libtrace.LibtraceError | None]:
    """The packets, all read to the bottom, and the error that ended the reading."""
    found = []
    error = None
    with contextlib.closing(libtrace.Trace(uri)) as trace:
        try:
            trace.conf_meta(meta)
            trace.start()
            for packet in trace:
                touch(packet)
                found.append(packet)
        except libtrace.LibtraceError as failure:
            error = failure
    return found, error


def only(uri: str) -> libtrace.Packet:
    """The single packet of a trace, all read to the bottom."""
    (packet,), error = read(uri)
    assert error is None
    return packet
