# SPDX-License-Identifier: LGPL-3.0-or-later
"""What tshark says of a capture: every packet's protocols with their places, and its fields."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree

TSHARK = shutil.which("tshark")

# Every packet for itself, as libtrace sees it.
_PREFERENCES = (
    "ip.defragment:FALSE",
    "ipv6.defragment:FALSE",
    "tcp.desegment_tcp_streams:FALSE",
    "tcp.relative_sequence_numbers:FALSE",
    "sctp.reassembly:FALSE",
    "ip.check_checksum:TRUE",
    "tcp.check_checksum:TRUE",
    "udp.check_checksum:TRUE",
)


class Protocol(NamedTuple):
    """A header, or with it all that belongs to it."""

    name: str
    at: int
    size: int


class Packet(NamedTuple):
    """All of a packet: its protocols in order, and the values of each field in order."""

    protocols: list[Protocol]
    fields: dict[str, list[str]]

    def all(self, name: str) -> list[str]:
        """The values of a field, outermost first."""
        return self.fields.get(name, [])


def _packet(element: ElementTree.Element) -> Packet:
    protocols = [
        Protocol(proto.get("name", ""), int(proto.get("pos", "0")), int(proto.get("size", "0")))
        for proto in element.iter("proto")
    ]
    fields: dict[str, list[str]] = {}
    for proto in element:
        # UDP-Lite borrows UDP's fields.
        prefix = "udplite/" if proto.get("name") == "udplite" else ""
        for field in proto.iter("field"):
            if field.get("hide") != "yes":
                fields.setdefault(prefix + field.get("name", ""), []).append(field.get("show", ""))
    return Packet(protocols, fields)


def dissect(path: str) -> Iterator[Packet]:
    """The packets of a capture file."""
    assert TSHARK is not None
    options = [word for preference in _PREFERENCES for word in ("-o", preference)]
    # The file comes from a test: nothing in it can reach beyond this process.
    command = [TSHARK, "-n", "-r", path, "-T", "pdml", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        for _, element in ElementTree.iterparse(process.stdout, events=["end"]):
            if element.tag == "packet":
                yield _packet(element)
                element.clear()
    assert process.returncode == 0
