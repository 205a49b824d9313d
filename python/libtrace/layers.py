# SPDX-License-Identifier: LGPL-3.0-or-later
"""What the C part hands over in a type of Python's."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from libtrace.core import Packet

__all__ = ["Layer"]


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
    object: Packet | None
