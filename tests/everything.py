# SPDX-License-Identifier: LGPL-3.0-or-later
"""Every attribute of every object of a packet."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import libtrace
from libtrace import core

# Methods that need no argument and change nothing.
READERS = {
    "info",
    "hexdump",
    "dump",
    "test_l3_cksm",
    "test_trans_cksm",
    "checksum_ok",
}
WRITERS = {"set_checksums", "set_checksum", "set_l3_cksm", "set_trans_cksm"}
WITH_ARGUMENT = {"apply_filter", "option"}
# SWIG's own.
_OTHERS = set(dir(core.Trace)) & set(dir(core.Filter))


class Cut:
    """Stands for a value that the capture cuts off."""

    def __repr__(self) -> str:
        return "CUT"


CUT = Cut()


@functools.cache
def attributes(cls: type) -> tuple[str, ...]:
    """The public attributes of a class that are to be read."""
    names = {name for name in dir(cls) if not name.startswith("_")}
    return tuple(sorted(names - _OTHERS - WRITERS - WITH_ARGUMENT))


@functools.cache
def own_attributes(cls: type) -> tuple[str, ...]:
    """Those that a layer's class adds to a packet's, or has in another sense."""
    inherited = vars(libtrace.Packet)
    return tuple(
        name
        for name in attributes(cls)
        if name not in inherited or getattr(cls, name) is not inherited[name]
    )


def read(owner: object, name: str) -> Any:
    """The attribute's or method's value, or CUT."""
    try:
        value = getattr(owner, name)
        return value() if name in READERS else value
    except ValueError:
        return CUT


def children(name: str, value: object) -> Iterator[tuple[str, libtrace.Packet]]:
    """The objects in a value."""
    if isinstance(value, libtrace.Packet):
        yield name, value
    elif isinstance(value, list):
        for number, item in enumerate(value):
            found = item.object if isinstance(item, libtrace.Layer) else item
            if isinstance(found, libtrace.Packet):
                yield f"{name}[{number}]", found


def explore(
    owner: libtrace.Packet, path: str = "", depth: int = 3
) -> Iterator[tuple[str, libtrace.Packet, str, Any]]:
    """Path, object, name and value of everything: all of a packet, and what each layer adds."""
    names = own_attributes(type(owner)) if path else attributes(type(owner))
    for name in (*names, "data") if path else names:
        value = read(owner, name)
        yield f"{path}{name}", owner, name, value
        for where, child in children(name, value) if depth else ():
            yield from explore(child, f"{path}{where}.", depth - 1)
