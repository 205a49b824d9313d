# SPDX-License-Identifier: LGPL-3.0-or-later
"""An independent reading of the outermost headers of a whole, well-formed frame.

For each field it also tells how much of the frame a capture must hold, so that
the same answer serves for a capture cut anywhere.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from typing import NamedTuple

import gen_files as f
import gen_packets as p

VLANS = (p.VLAN, p.QINQ)
PORTS = (p.TCP, p.UDP, p.SCTP)
EXTENSIONS = (p.HOP_BY_HOP, p.ROUTING, p.FRAGMENT, p.AH, p.DEST_OPTS)
PPP_TYPES = {0x0021: p.IPV4, 0x0057: p.IPV6}


class Field(NamedTuple):
    """A value, and the captured lengths from which it may and must be known."""

    value: object
    may: int
    must: int


class Link(NamedTuple):
    """Where the link header's payload starts, its ethertype, and where the MAC addresses are."""

    at: int
    ethertype: int
    src_mac: int | None = None
    dst_mac: int | None = None


def be16(frame: bytes, at: int) -> int:
    return int(struct.unpack_from("!H", frame, at)[0])


def ip_type(frame: bytes, at: int) -> int:
    return {4: p.IPV4, 6: p.IPV6}[frame[at] >> 4]


def ethernet(frame: bytes, at: int) -> Link:
    return Link(at + 14, be16(frame, at + 12), at + 6, at)


def cooked(frame: bytes, header: int, protocol_at: int) -> Link:
    protocol = be16(frame, protocol_at)
    return ethernet(frame, header) if protocol == p.LOOPBACK else Link(header, protocol)


def snap(frame: bytes, at: int) -> Link:
    return Link(at + 8, be16(frame, at + 6))


def wifi(frame: bytes, at: int) -> Link:
    kind, direction = frame[at], frame[at + 1] & 3
    if kind >> 2 & 3 == 1:
        return Link(len(frame), 0)
    dst, src = {0: (4, 10), 1: (16, 10), 2: (4, 16), 3: (16, 24)}[direction]
    if kind >> 2 & 3 == 0:
        return Link(len(frame), 0, at + src, at + dst)
    size = 24 + 6 * (direction == 3) + 2 * (kind >> 7)
    return snap(frame, at + size)._replace(src_mac=at + src, dst_mac=at + dst)


def radiotap(frame: bytes, at: int) -> Link:
    return wifi(frame, at + int(struct.unpack_from("<H", frame, at + 2)[0]))


def link(linktype: int, frame: bytes) -> Link:
    """The link header, pseudo-headers of the capture skipped."""
    if linktype == f.DLT_EN10MB:
        return ethernet(frame, 0)
    if linktype == f.DLT_LINUX_SLL:
        arphrd = be16(frame, 2)
        return radiotap(frame, 16) if arphrd == 803 else cooked(frame, 16, 14)
    if linktype == f.DLT_SLL2:
        return cooked(frame, 20, 0)
    if linktype == f.DLT_80211:
        return wifi(frame, 0)
    if linktype == f.DLT_RADIOTAP:
        return radiotap(frame, 0)
    if linktype == f.DLT_PPP:
        return Link(2, PPP_TYPES.get(be16(frame, 0), 0))
    if linktype == f.DLT_PPP_SERIAL:
        return Link(4, PPP_TYPES.get(be16(frame, 2), 0))
    if linktype == f.DLT_C_HDLC:
        return Link(4, be16(frame, 2))
    if linktype == f.DLT_ATM_RFC1483:
        return snap(frame, 0)
    header = {f.DLT_LOOP: 4, f.DLT_NULL: 4, f.DLT_PFLOG: 64}.get(linktype, 0)
    return Link(header, ip_type(frame, header))


def skip_tags(frame: bytes, at: int, ethertype: int) -> tuple[int, int]:
    """Where VLAN tags, MPLS labels and PPPoE end, and the type of what follows them."""
    while True:
        if ethertype in VLANS:
            at, ethertype = at + 4, be16(frame, at + 2)
        elif ethertype == p.PPPOE:
            at, ethertype = at + 8, PPP_TYPES.get(be16(frame, at + 6), 0)
        elif ethertype == p.MPLS:
            bottom = frame[at + 2] & 1
            at += 4
            if bottom:
                ethertype = {4: p.IPV4, 6: p.IPV6}.get(frame[at] >> 4, 0)
        else:
            return at, ethertype


class Ip(NamedTuple):
    """The outermost IP header; `transport` is None where there is none to decode."""

    src: bytes
    dst: bytes
    dst_at: int
    fixed: int  # where the fixed header ends
    proto: int
    proto_at: int
    end: int
    transport: int | None


def ipv4(frame: bytes, at: int) -> Ip:
    end = at + (frame[at] & 15) * 4
    later = be16(frame, at + 6) & 0x1FFF
    src, dst = frame[at + 12 : at + 16], frame[at + 16 : at + 20]
    return Ip(src, dst, at + 16, at + 20, frame[at + 9], at + 9, end, None if later else end)


def ipv6(frame: bytes, at: int) -> Ip:
    proto_at, end, later = at + 6, at + 40, False
    while frame[proto_at] in EXTENSIONS and not later:
        kind, proto_at = frame[proto_at], end
        if kind == p.FRAGMENT:
            later = bool(be16(frame, end + 2) & 0xFFF8)
            end += 8
        elif kind == p.AH:
            end += (frame[end + 1] + 2) * 4
        else:
            end += (frame[end + 1] + 1) * 8
    src, dst = frame[at + 8 : at + 24], frame[at + 24 : at + 40]
    transport = None if later else end
    return Ip(src, dst, at + 24, at + 40, frame[proto_at], proto_at, end, transport)


def mac(frame: bytes, at: int | None, known: int) -> Field:
    if at is None:
        return Field(None, known, known)
    return Field(":".join(f"{byte:02x}" for byte in frame[at : at + 6]), at + 6, known)


def text(address: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address)


def parse(linktype: int, frame: bytes) -> dict[str, Field]:
    """The header fields of libtrace.Packet."""
    outer = link(linktype, frame)
    at, ethertype = skip_tags(frame, outer.at, outer.ethertype)
    wanted: dict[str, Field] = {
        "src_mac": mac(frame, outer.src_mac, outer.at),
        "dst_mac": mac(frame, outer.dst_mac, outer.at),
    }
    if ethertype not in (p.IPV4, p.IPV6) or at >= len(frame):
        absent = Field(None, at, at + 1)
        names = ("src", "dst", "src_text", "dst_text", "ip_proto", "src_port", "dst_port")
        return {**wanted, **dict.fromkeys(names, absent)}
    ip = ipv4(frame, at) if ethertype == p.IPV4 else ipv6(frame, at)
    size = len(ip.dst)
    for name, raw, end in ("src", ip.src, ip.dst_at), ("dst", ip.dst, ip.dst_at + size):
        wanted[name] = Field(ipaddress.ip_address(raw), end, ip.fixed)
        wanted[f"{name}_text"] = Field(text(raw), end, ip.fixed)
    wanted["ip_proto"] = Field(ip.proto, ip.proto_at + 1, ip.end)
    wanted["src_port"] = wanted["dst_port"] = Field(None, ip.proto_at, ip.end)
    if ip.transport is not None and ip.proto in PORTS:
        first = ip.transport
        wanted["src_port"] = Field(be16(frame, first), first + 2, first + 4)
        wanted["dst_port"] = Field(be16(frame, first + 2), first + 4, first + 4)
    return wanted
