# SPDX-License-Identifier: LGPL-3.0-or-later
"""Captures read with nothing but struct and socket: what programs ought to print."""

from __future__ import annotations

import pathlib
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

VLAN, IPV4, IPV6 = 0x8100, 0x0800, 0x86DD
OPTIONS, FRAGMENT, AH = (0, 43, 60), 44, 51


class Ip(NamedTuple):
    """An IP header, and where what it carries begins: None where that is not there to decode."""

    version: int
    at: int
    src: str
    dst: str
    ttl: int
    proto: int
    transport: int | None


class Frame(NamedTuple):
    """A record of an Ethernet pcap file."""

    sec: int
    nanoseconds: int
    wire_len: int
    data: bytes

    def half(self, at: int) -> int:
        return int(struct.unpack_from("!H", self.data, at)[0])

    def word(self, at: int) -> int:
        return int(struct.unpack_from("!I", self.data, at)[0])

    @property
    def vlan_id(self) -> int:
        return self.half(14) & 0xFFF if self.half(12) == VLAN else 0

    @property
    def ethertype(self) -> int:
        return self.half(16) if self.half(12) == VLAN else self.half(12)

    @property
    def layer3(self) -> int:
        return 18 if self.half(12) == VLAN else 14

    @property
    def ip(self) -> Ip | None:
        at = self.layer3
        if self.ethertype == IPV4:
            return ipv4(self.data, at)
        return ipv6(self.data, at) if self.ethertype == IPV6 else None

    def transport(self, *protos: int) -> int | None:
        """Where a transport header of one of the protocols is."""
        ip = self.ip
        return ip.transport if ip is not None and ip.proto in protos else None


def ipv4(data: bytes, at: int) -> Ip:
    src, dst = (socket.inet_ntop(socket.AF_INET, data[at + x : at + x + 4]) for x in (12, 16))
    later = struct.unpack_from("!H", data, at + 6)[0] & 0x1FFF
    end = at + 4 * (data[at] & 15)
    return Ip(4, at, src, dst, data[at + 8], data[at + 9], None if later else end)


def ipv6(data: bytes, at: int) -> Ip:
    src, dst = (socket.inet_ntop(socket.AF_INET6, data[at + x : at + x + 16]) for x in (8, 24))
    proto, end, later = data[at + 6], at + 40, False
    while proto in (*OPTIONS, FRAGMENT, AH) and not later:
        later = proto == FRAGMENT and struct.unpack_from("!H", data, end + 2)[0] > 7
        size = 8 if proto == FRAGMENT else (data[end + 1] + 2) * 4 if proto == AH else 0
        proto, end = data[end], end + (size or (data[end + 1] + 1) * 8)
    return Ip(6, at, src, dst, data[at + 7], proto, None if later else end)


def frames(path: pathlib.Path) -> Iterator[Frame]:
    """The records of a little-endian pcap file."""
    content = path.read_bytes()
    tick = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}[struct.unpack_from("<I", content)[0]]
    at = 24
    while at < len(content):
        sec, fraction, captured, wire = struct.unpack_from("<IIII", content, at)
        at += 16
        yield Frame(sec, fraction * tick, wire, content[at : at + captured])
        at += captured


def internet_sum(data: bytes) -> int:
    """RFC 1071, two bytes at a time."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int(total ^ 0xFFFF)
