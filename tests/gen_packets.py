# SPDX-License-Identifier: LGPL-3.0-or-later
"""Packets as bytes, built from the inside out.

Every function returns the header followed by the payload it was given, so a
frame reads like its layers: ``eth(ipv4(UDP, udp(5353, 53, b"...")))``. The IP
builders fill in the checksum of the transport header they carry.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Sequence

ICMP, IGMP, TCP, UDP, GRE, AH, ICMP6, SCTP = 1, 2, 6, 17, 47, 51, 58, 132
HOP_BY_HOP, ROUTING, FRAGMENT, NO_NEXT, DEST_OPTS = 0, 43, 44, 59, 60

IPV4, ARP, VLAN, IPV6 = 0x0800, 0x0806, 0x8100, 0x86DD
MPLS, PPPOE, QINQ, LOOPBACK = 0x8847, 0x8864, 0x88A8, 0x0060
TEB = 0x6558

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

MAC_A, MAC_B, MAC_C = "02:00:00:00:00:0a", "02:00:00:00:00:0b", "02:00:00:00:00:0c"
BROADCAST = "ff:ff:ff:ff:ff:ff"
SRC4, DST4 = "192.0.2.1", "198.51.100.2"
SRC6, DST6 = "2001:db8::1", "2001:db8:1::2"


def mac(text: str) -> bytes:
    """The six bytes of a MAC address."""
    return bytes.fromhex(text.replace(":", ""))


def ip(text: str) -> bytes:
    """The four or sixteen bytes of an IP address."""
    return ipaddress.ip_address(text).packed


# Checksums


def ones_sum(data: bytes) -> int:
    """Ones' complement sum of 16-bit words: the number itself modulo 2^16 - 1."""
    number = int.from_bytes(data + b"\0" * (len(data) % 2), "big")
    return number % 0xFFFF or (0xFFFF if number else 0)


def checksum(data: bytes) -> int:
    """The Internet checksum of RFC 1071."""
    return 0xFFFF - ones_sum(data)


def _crc32c_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC32C = _crc32c_table()


def crc32c(data: bytes) -> int:
    """The CRC that SCTP uses."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC32C[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


_CHECKSUM_AT = {ICMP: 2, TCP: 16, UDP: 6, ICMP6: 2}


def seal(proto: int, segment: bytes, src: bytes, dst: bytes) -> bytes:
    """Fill in the checksum of a transport header that is long enough for it."""
    at = _CHECKSUM_AT.get(proto)
    if at is None or len(segment) < at + 2 or segment[at : at + 2] != b"\0\0":
        return segment
    pseudo = src + dst + struct.pack("!II", len(segment), proto)
    value = checksum(segment if proto == ICMP else pseudo + segment)
    if proto == UDP and value == 0:
        value = 0xFFFF
    return segment[:at] + struct.pack("!H", value) + segment[at + 2 :]


# Layer 2


def eth(payload: bytes, ethertype: int = IPV4, src: str = MAC_A, dst: str = MAC_B) -> bytes:
    """Ethernet II."""
    return mac(dst) + mac(src) + struct.pack("!H", ethertype) + payload


def dot3(payload: bytes, src: str = MAC_A, dst: str = MAC_B) -> bytes:
    """IEEE 802.3: a length where Ethernet II has its type."""
    return eth(payload, len(payload), src, dst)


def llc(payload: bytes, sap: int = 0x42, control: int = 3) -> bytes:
    """IEEE 802.2 LLC, by default of spanning tree."""
    return struct.pack("!BBB", sap, sap, control) + payload


def snap(payload: bytes, ethertype: int = IPV4) -> bytes:
    """LLC with a SNAP header."""
    return llc(b"\0\0\0" + struct.pack("!H", ethertype) + payload, sap=0xAA)


def vlan(payload: bytes, vid: int, ethertype: int = IPV4, pcp: int = 0, dei: int = 0) -> bytes:
    """An 802.1Q or 802.1ad tag; the outer type says which."""
    return struct.pack("!HH", pcp << 13 | dei << 12 | vid, ethertype) + payload


def mpls(payload: bytes, *labels: int, ttl: int = 64) -> bytes:
    """A stack of MPLS labels, outermost first."""
    last = len(labels) - 1
    stack = (label << 12 | (i == last) << 8 | ttl for i, label in enumerate(labels))
    return b"".join(struct.pack("!I", entry) for entry in stack) + payload


def pppoe(payload: bytes, protocol: int = 0x0021, session: int = 1) -> bytes:
    """A PPPoE session header with the PPP protocol field."""
    return struct.pack("!BBHHH", 0x11, 0, session, len(payload) + 2, protocol) + payload


def arp(
    src: str = SRC4, dst: str = DST4, *, op: int = 1, src_mac: str = MAC_A, dst_mac: str = MAC_B
) -> bytes:
    """An ARP request (1) or reply (2) for IPv4 over Ethernet."""
    head = struct.pack("!HHBBH", 1, IPV4, 6, 4, op)
    return head + mac(src_mac) + ip(src) + mac(dst_mac) + ip(dst)


# Capture pseudo-headers and other links


def sll(
    payload: bytes, protocol: int = IPV4, *, pkttype: int = 0, arphrd: int = 1, src: str = MAC_A
) -> bytes:
    """Linux cooked capture, version 1 (DLT 113)."""
    return struct.pack("!HHH8sH", pkttype, arphrd, 6, mac(src), protocol) + payload


def sll2(
    payload: bytes, protocol: int = IPV4, *, pkttype: int = 0, arphrd: int = 1, src: str = MAC_A
) -> bytes:
    """Linux cooked capture, version 2 (DLT 276)."""
    return struct.pack("!HHIHBB8s", protocol, 0, 2, arphrd, pkttype, 6, mac(src)) + payload


def dot11(
    payload: bytes,
    ethertype: int = IPV4,
    *,
    to_ds: bool = True,
    from_ds: bool = False,
    type_: int = 2,
    subtype: int = 0,
) -> bytes:
    """An 802.11 frame; both DS bits make it a four-address one, subtype 8 is QoS data."""
    control = type_ << 2 | subtype << 4 | (to_ds | from_ds << 1) << 8
    frame = struct.pack("<HH", control, 44) + mac(MAC_B) + mac(MAC_A) + mac(MAC_C)
    frame += struct.pack("<H", 0x0010)
    if to_ds and from_ds:
        frame += mac(MAC_A)
    if type_ == 2 and subtype & 8:
        frame += struct.pack("<H", 0)
    return frame + snap(payload, ethertype)


def radiotap(frame: bytes, *, flags: int | None = 0, presence_words: int = 1) -> bytes:
    """A radiotap header with TSFT, perhaps flags (0x10: FCS present), and rate."""
    present = 0x1 | 0x4 | (0x2 if flags is not None else 0)
    words = [0x80000000 | present] * (presence_words - 1) + [present]
    head = b"".join(struct.pack("<I", word) for word in words)
    # Radiotap aligns every field to its size, counted from the header's start.
    head += b"\0" * (-(4 + len(head)) % 8)
    for _ in words:
        head += b"\0" * (-(4 + len(head)) % 8) + struct.pack("<Q", 1000)
        head += (b"" if flags is None else bytes([flags])) + bytes([12])
    return struct.pack("<BBH", 0, 0, 4 + len(head)) + head + frame


def prism(frame: bytes) -> bytes:
    """The 144 bytes of a Prism monitoring header (DLT 119)."""
    return struct.pack("<II16s", 0x44, 144, b"wlan0") + b"\0" * 120 + frame


def ppp(payload: bytes, protocol: int = 0x0021) -> bytes:
    """PPP without address and control (DLT 9)."""
    return struct.pack("!H", protocol) + payload


def ppp_hdlc(payload: bytes, protocol: int = 0x0021) -> bytes:
    """PPP in HDLC-like framing (DLT 50)."""
    return b"\xff\x03" + ppp(payload, protocol)


def chdlc(payload: bytes, ethertype: int = IPV4) -> bytes:
    """Cisco HDLC (DLT 104)."""
    return struct.pack("!BBH", 0x0F, 0, ethertype) + payload


def null(payload: bytes, family: int = 2, *, big: bool = False) -> bytes:
    """BSD loopback in host byte order (DLT 0)."""
    return struct.pack(">I" if big else "<I", family) + payload


def openbsd_loop(payload: bytes, family: int = 2) -> bytes:
    """OpenBSD loopback (DLT 108)."""
    return null(payload, family, big=True)


def pflog(payload: bytes, family: int = 2, *, direction: int = 1) -> bytes:
    """The packet filter log header of OpenBSD (DLT 117)."""
    head = struct.pack("!BBBB16s16sII", 61, family, 0, 0, b"em0", b"", 1, 0xFFFFFFFF)
    return head + struct.pack("!IIIIB3x", 0, 0, 0, 0, direction) + payload


def atm(payload: bytes, *, vpi: int = 1, vci: int = 32, pt: int = 0) -> bytes:
    """An ATM cell header as DAG cards capture it, without the HEC."""
    return struct.pack("!I", vpi << 20 | vci << 4 | pt << 1) + payload


# Layer 3


def ipv4(
    proto: int,
    payload: bytes,
    src: str = SRC4,
    dst: str = DST4,
    *,
    ttl: int = 64,
    ident: int = 1,
    tos: int = 0,
    flags: int = 0,
    offset: int = 0,
    options: bytes = b"",
    total_length: int | None = None,
    ihl: int | None = None,
) -> bytes:
    """IPv4; `flags` is 1 for more fragments, 2 for don't fragment; `offset` in bytes."""
    options += b"\0" * (-len(options) % 4)
    if not offset and not flags & 1:
        payload = seal(proto, payload, ip(src), ip(dst))
    length = 20 + len(options) + len(payload) if total_length is None else total_length
    words = 5 + len(options) // 4 if ihl is None else ihl
    fragment = flags << 13 | offset // 8
    first = struct.pack("!BBHHHBB", 0x40 | words, tos, length, ident, fragment, ttl, proto)
    rest = ip(src) + ip(dst) + options
    return first + struct.pack("!H", checksum(first + rest)) + rest + payload


def ipv4_fragments(
    proto: int, payload: bytes, size: int, src: str = SRC4, dst: str = DST4, *, ident: int = 1
) -> list[bytes]:
    """The datagram in IPv4 fragments of at most `size` payload bytes (a multiple of 8)."""
    whole = seal(proto, payload, ip(src), ip(dst))
    cuts = range(0, len(whole), size)
    return [
        ipv4(
            proto,
            whole[at : at + size],
            src,
            dst,
            ident=ident,
            offset=at,
            flags=int(at != cuts[-1]),
        )
        for at in cuts
    ]


Extension = tuple[int, bytes]
"""An IPv6 extension header: its number, and its bytes after the next-header field."""


def options_header(number: int = HOP_BY_HOP, options: bytes = b"") -> Extension:
    """Hop-by-hop or destination options, filled up with PadN."""
    room = -(len(options) + 2) % 8
    pad = b"" if room == 0 else b"\0" if room == 1 else bytes([1, room - 2]) + b"\0" * (room - 2)
    return number, bytes([(len(options) + 2 + room) // 8 - 1]) + options + pad


def routing_header(*hops: str, segments_left: int = 0) -> Extension:
    """A type 0 routing header."""
    head = struct.pack("!BBBI", 2 * len(hops), 0, segments_left, 0)
    return ROUTING, head + b"".join(map(ip, hops))


def fragment_header(offset: int = 0, more: bool = False, ident: int = 1) -> Extension:
    """A fragment header; `offset` in bytes."""
    return FRAGMENT, struct.pack("!BHI", 0, offset | more, ident)


def auth_header(icv: bytes = b"\xaa" * 12) -> Extension:
    """An IPsec authentication header, whose length counts 4-byte words minus two."""
    return AH, struct.pack("!BHII", (12 + len(icv)) // 4 - 2, 0, 0x100, 1) + icv


def ipv6(
    proto: int,
    payload: bytes,
    src: str = SRC6,
    dst: str = DST6,
    *,
    hop_limit: int = 64,
    traffic_class: int = 0,
    flow: int = 0,
    extensions: Sequence[Extension] = (),
    payload_length: int | None = None,
) -> bytes:
    """IPv6 with a chain of extension headers before `proto`."""
    if not any(number == FRAGMENT for number, _ in extensions):
        payload = seal(proto, payload, ip(src), ip(dst))
    following = proto
    for number, body in reversed(extensions):
        payload = bytes([following]) + body + payload
        following = number
    length = len(payload) if payload_length is None else payload_length
    head = struct.pack("!IHBB", 6 << 28 | traffic_class << 20 | flow, length, following, hop_limit)
    return head + ip(src) + ip(dst) + payload


# Layer 4


def tcp(
    src_port: int = 40000,
    dst_port: int = 80,
    payload: bytes = b"",
    *,
    seq: int = 1,
    ack: int = 0,
    flags: int = ACK,
    window: int = 65535,
    options: bytes = b"",
) -> bytes:
    """TCP; the options are filled up with zeros."""
    options += b"\0" * (-len(options) % 4)
    offset = 5 + len(options) // 4
    head = struct.pack("!HHIIBBHHH", src_port, dst_port, seq, ack, offset << 4, flags, window, 0, 0)
    return head + options + payload


def udp(
    src_port: int = 40000, dst_port: int = 53, payload: bytes = b"", *, length: int | None = None
) -> bytes:
    """UDP."""
    size = 8 + len(payload) if length is None else length
    return struct.pack("!HHHH", src_port, dst_port, size, 0) + payload


def icmp(type_: int, code: int = 0, body: bytes = b"\0\0\0\0") -> bytes:
    """ICMP or ICMPv6: the body starts right after the checksum."""
    return struct.pack("!BBH", type_, code, 0) + body


def echo(ident: int = 1, seq: int = 1, data: bytes = b"", *, type_: int = 8) -> bytes:
    """An ICMP echo (8, 0) or ICMPv6 echo (128, 129) message."""
    return icmp(type_, 0, struct.pack("!HH", ident, seq) + data)


def neighbour_solicitation(target: str = DST6, src_mac: str = MAC_A) -> bytes:
    """An ICMPv6 neighbour solicitation."""
    return icmp(135, 0, b"\0\0\0\0" + ip(target) + b"\x01\x01" + mac(src_mac))


def sctp(src_port: int, dst_port: int, *chunks: bytes, tag: int = 1) -> bytes:
    """SCTP, with its CRC."""
    start, body = struct.pack("!HHI", src_port, dst_port, tag), b"".join(chunks)
    return start + struct.pack("<I", crc32c(start + bytes(4) + body)) + body


def chunk(type_: int, value: bytes = b"", *, flags: int = 0, length: int | None = None) -> bytes:
    """One SCTP chunk, padded to four bytes."""
    size = 4 + len(value) if length is None else length
    return struct.pack("!BBH", type_, flags, size) + value + b"\0" * (-len(value) % 4)


def gre(payload: bytes, protocol: int = IPV4, *, key: int | None = None) -> bytes:
    """GRE, perhaps with a key."""
    if key is None:
        return struct.pack("!HH", 0, protocol) + payload
    return struct.pack("!HHI", 0x2000, protocol, key) + payload


def dns_query(name: str, *, ident: int = 1, qtype: int = 1, cookie: bytes = b"") -> bytes:
    """A DNS question, with a client cookie of EDNS if one is given."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    question = struct.pack("!HHHHHH", ident, 0x0100, 1, 0, 0, int(bool(cookie)))
    question += labels + struct.pack("!BHH", 0, qtype, 1)
    if not cookie:
        return question
    option = struct.pack("!HH", 10, len(cookie)) + cookie
    return question + struct.pack("!BHHIH", 0, 41, 1232, 0, len(option)) + option
