# SPDX-License-Identifier: LGPL-3.0-or-later
"""What the C part hands over in types of Python's."""

from __future__ import annotations

import copyreg
from typing import Any, Callable, NamedTuple

from libtrace import core

__all__ = [
    "Layer",
    "MaximumSegmentSize",
    "SACKPermitted",
    "SelectiveAcknowledgment",
    "TCPOption",
    "Timestamps",
    "WindowScale",
]


class Layer(NamedTuple):
    """A header of a packet's complete stack, as :attr:`Packet.layers` lists them.

    Attributes
    ----------
    name : str
        The protocol, as tshark names it: ``eth``, ``vlan``, ``ip``, ``tcp``, ``data`` ...
    offset : int
        Where it starts in the captured bytes.
    length : int
        How many of its bytes are captured.
    object : Packet or None
        The layer's object, where there is a class for it.
    """

    name: str
    offset: int
    length: int
    object: core.Packet | None


class TCPOption(NamedTuple):
    """A TCP option of a kind that has no type of its own, or of a wrong length.

    Attributes
    ----------
    kind : int
        Its kind (IANA, TCP Option Kind Numbers).
    value : bytes
        What follows kind and length.
    """

    kind: int
    value: bytes


class MaximumSegmentSize(NamedTuple):
    """The TCP option Maximum Segment Size (RFC 9293, 3.7.1), in bytes."""

    mss: int


class WindowScale(NamedTuple):
    """The TCP option Window Scale (RFC 7323, 2), a power of two."""

    shift: int


class SACKPermitted(NamedTuple):
    """The TCP option SACK-Permitted (RFC 2018, 2)."""


class SelectiveAcknowledgment(NamedTuple):
    """The TCP option SACK (RFC 2018, 3): blocks as pairs of left and right edge."""

    blocks: tuple[tuple[int, int], ...]


class Timestamps(NamedTuple):
    """The TCP option Timestamps (RFC 7323, 3)."""

    value: int
    echo_reply: int


def _sack(*edges: int) -> SelectiveAcknowledgment:
    return SelectiveAcknowledgment(tuple(zip(edges[::2], edges[1::2])))


_OPTIONS: dict[int, Callable[..., Any]] = {
    2: MaximumSegmentSize,
    3: WindowScale,
    5: _sack,
    8: Timestamps,
}


def make_tcp_option(kind: int, value: bytes, numbers: list[int]) -> Any:
    """Make the object of a TCP option; called by the C part, which has read its numbers."""
    if kind == 4 and not value:
        return SACKPermitted()
    return _OPTIONS[kind](*numbers) if numbers else TCPOption(kind, value)


def _reduce(packet: core.Packet) -> tuple[Callable[[bytes], core.Packet], tuple[bytes]]:
    return core.load, (packet._freeze(),)


copyreg.pickle(core.Packet, _reduce)
