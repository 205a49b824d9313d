# SPDX-License-Identifier: LGPL-3.0-or-later
"""Captures for tests and benchmark: one frame of every kind, and a realistic mix."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

import gen_packets as p
from gen_files import (
    DLT_80211,
    DLT_ATM_RFC1483,
    DLT_C_HDLC,
    DLT_EN10MB,
    DLT_LINUX_SLL,
    DLT_LOOP,
    DLT_NULL,
    DLT_PFLOG,
    DLT_PPP,
    DLT_PPP_SERIAL,
    DLT_RADIOTAP,
    DLT_RAW,
    DLT_SLL2,
    NS,
    Record,
    records,
    write_erf,
    write_pcap,
    write_pcapng,
)

__all__ = ["KINDS", "Record", "mixed", "records", "write_erf", "write_pcap", "write_pcapng"]

# One frame of every kind

_TCP4 = p.ipv4(p.TCP, p.tcp(40000, 80, b"GET / HTTP/1.0\r\n\r\n", flags=p.PSH | p.ACK))
_UDP4 = p.ipv4(p.UDP, p.udp(40001, 53, p.dns_query("client.test")))
_TCP6 = p.ipv6(p.TCP, p.tcp(40002, 443, b"hello", options=b"\2\4\5\xb4", flags=p.SYN))
_UDP6 = p.ipv6(p.UDP, p.udp(40003, 53, p.dns_query("server.test", qtype=28)))

_ETHERNET = {
    "tcp4": p.eth(_TCP4),
    "udp4": p.eth(_UDP4),
    "icmp4": p.eth(p.ipv4(p.ICMP, p.echo(7, 1, b"abcdefgh"))),
    "icmp4_error": p.eth(p.ipv4(p.ICMP, p.icmp(3, 3, b"\0\0\0\0" + _UDP4[:28]))),
    "igmp": p.eth(p.ipv4(p.IGMP, p.icmp(0x16), options=b"\x94\4\0\0", ttl=1)),
    "sctp4": p.eth(p.ipv4(p.SCTP, p.sctp(5000, 5001, p.chunk(1, bytes(16)), p.chunk(6)))),
    "options4": p.eth(p.ipv4(p.TCP, p.tcp(1, 2), options=b"\7\7\4\0\0\0\0")),
    "fragment4_first": p.eth(p.ipv4_fragments(p.UDP, p.udp(5, 6, bytes(64)), 24)[0]),
    "fragment4_next": p.eth(p.ipv4_fragments(p.UDP, p.udp(5, 6, bytes(64)), 24)[1]),
    "gre": p.eth(p.ipv4(p.GRE, p.gre(_UDP4, key=9))),
    "ipip": p.eth(p.ipv4(4, _TCP4)),
    "six_in_four": p.eth(p.ipv4(41, _UDP6)),
    "tso4": p.eth(p.ipv4(p.TCP, p.tcp(9, 10, bytes(40)), total_length=0)),
    "padded": p.eth(p.ipv4(p.TCP, p.tcp(9, 10))).ljust(60, b"\0"),
    "tcp6": p.eth(_TCP6, p.IPV6),
    "udp6": p.eth(_UDP6, p.IPV6),
    "icmp6": p.eth(p.ipv6(p.ICMP6, p.echo(7, 1, b"abc", type_=128)), p.IPV6),
    "neighbour": p.eth(
        p.ipv6(p.ICMP6, p.neighbour_solicitation(), hop_limit=255), p.IPV6, dst="33:33:ff:00:00:02"
    ),
    "hop_by_hop": p.eth(p.ipv6(p.UDP, p.udp(7, 8, b"x"), extensions=[p.options_header()]), p.IPV6),
    "chain6": p.eth(
        p.ipv6(
            p.TCP,
            p.tcp(11, 12, b"chain"),
            extensions=[
                p.options_header(),
                p.options_header(p.DEST_OPTS),
                p.routing_header(p.DST6),
                p.auth_header(),
            ],
        ),
        p.IPV6,
    ),
    "fragment6_first": p.eth(
        p.ipv6(p.UDP, p.udp(13, 14, bytes(16)), extensions=[p.fragment_header(0, True)]), p.IPV6
    ),
    "fragment6_next": p.eth(
        p.ipv6(p.UDP, bytes(range(24)), extensions=[p.fragment_header(24)]), p.IPV6
    ),
    "no_next6": p.eth(p.ipv6(p.NO_NEXT, b""), p.IPV6),
    "arp": p.eth(p.arp(), p.ARP, dst=p.BROADCAST),
    "stp": p.dot3(p.llc(bytes(35)), dst="01:80:c2:00:00:00"),
    "snap": p.dot3(p.snap(_UDP4)),
    "vlan": p.eth(p.vlan(_TCP4, 100, pcp=5), p.VLAN),
    "vlan_vlan": p.eth(p.vlan(p.vlan(_TCP6, 20, p.IPV6), 10, p.VLAN), p.VLAN),
    "qinq": p.eth(p.vlan(p.vlan(_UDP4, 20), 10, p.VLAN), p.QINQ),
    "mpls": p.eth(p.mpls(_TCP4, 16, 17), p.MPLS),
    "mpls_vpls": p.eth(p.mpls(p.eth(_UDP4), 18), p.MPLS),
    "pppoe": p.eth(p.pppoe(_TCP4), p.PPPOE),
    "pppoe6": p.eth(p.pppoe(_TCP6, 0x57), p.PPPOE),
    "unknown_ethertype": p.eth(b"what?", 0x88B5),
}

KINDS: dict[str, tuple[int, bytes]] = {
    **{name: (DLT_EN10MB, frame) for name, frame in _ETHERNET.items()},
    "raw4": (DLT_RAW, _TCP4),
    "raw6": (DLT_RAW, _UDP6),
    "raw_linktype12": (12, _UDP4),
    "sll": (DLT_LINUX_SLL, p.sll(_TCP4)),
    "sll_out6": (DLT_LINUX_SLL, p.sll(_UDP6, p.IPV6, pkttype=4)),
    "sll_loop": (DLT_LINUX_SLL, p.sll(p.eth(_UDP4), p.LOOPBACK)),
    "sll_arp": (DLT_LINUX_SLL, p.sll(p.arp(), p.ARP, pkttype=1)),
    "sll_radiotap": (DLT_LINUX_SLL, p.sll(p.radiotap(p.dot11(_UDP4)), 4, arphrd=803)),
    "sll_odd_arphrd": (DLT_LINUX_SLL, p.sll(_UDP4, arphrd=0x1234)),
    "sll2": (DLT_SLL2, p.sll2(_TCP4)),
    "sll2_arp": (DLT_SLL2, p.sll2(p.arp(), p.ARP, pkttype=1)),
    "wifi": (DLT_80211, p.dot11(_TCP4)),
    "wifi_four_addresses": (DLT_80211, p.dot11(_TCP6, p.IPV6, from_ds=True)),
    "wifi_qos": (DLT_80211, p.dot11(_UDP4, subtype=8)),
    "wifi_from_ds": (DLT_80211, p.dot11(_UDP4, to_ds=False, from_ds=True)),
    "wifi_control": (DLT_80211, p.dot11(b"", type_=1, subtype=13, to_ds=False)[:10]),
    "wifi_beacon": (DLT_80211, p.dot11(bytes(20), type_=0, subtype=8, to_ds=False)),
    "radiotap": (DLT_RADIOTAP, p.radiotap(p.dot11(_TCP4))),
    "radiotap_fcs": (DLT_RADIOTAP, p.radiotap(p.dot11(_UDP4, subtype=8) + bytes(4), flags=0x10)),
    "radiotap_no_flags": (DLT_RADIOTAP, p.radiotap(p.dot11(_UDP4), flags=None)),
    "radiotap_words": (DLT_RADIOTAP, p.radiotap(p.dot11(_UDP4), presence_words=3)),
    "ppp": (DLT_PPP, p.ppp(_TCP4)),
    "ppp6": (DLT_PPP, p.ppp(_TCP6, 0x57)),
    "ppp_hdlc": (DLT_PPP_SERIAL, p.ppp_hdlc(_TCP4)),
    "ppp_hdlc_lcp": (DLT_PPP_SERIAL, p.ppp_hdlc(b"\1\1\0\4", 0xC021)),
    "chdlc": (DLT_C_HDLC, p.chdlc(_UDP4)),
    "chdlc6": (DLT_C_HDLC, p.chdlc(_UDP6, p.IPV6)),
    "loop": (DLT_LOOP, p.openbsd_loop(_TCP4)),
    "loop6": (DLT_LOOP, p.openbsd_loop(_UDP6, 24)),
    "null": (DLT_NULL, p.null(_TCP4)),
    "null6_big": (DLT_NULL, p.null(_UDP6, 30, big=True)),
    "pflog": (DLT_PFLOG, p.pflog(_TCP4)),
    "rfc1483": (DLT_ATM_RFC1483, p.snap(_TCP4)),
}
"""Pcap link type and frame of every kind of packet that this package decodes."""

# A realistic mix

_SERIAL = struct.Struct(">II")
# A number beside its complement adds nothing to an Internet checksum, so that
# every packet of the mix is different and still has right checksums.
_SLOT = _SERIAL.pack(0x5EED0001, 0x5EED0001 ^ 0xFFFFFFFF)


def _tcp_frame(rng: random.Random, version: int, size: int, flags: int) -> bytes:
    ports = rng.choice((80, 443, 443, 443, 22, 25, 8080)), rng.randrange(32768, 61000)
    client, server = ports if rng.random() < 0.5 else ports[::-1]
    segment = p.tcp(
        client,
        server,
        rng.randbytes(size),
        seq=rng.getrandbits(32),
        ack=rng.getrandbits(32),
        flags=flags,
        window=rng.getrandbits(16),
        options=b"\1\1\x08\x0a" + _SLOT,
    )
    return _ip_frame(rng, version, p.TCP, segment)


def _quic_frame(rng: random.Random, version: int) -> bytes:
    ports = rng.randrange(32768, 61000), 443
    sender, receiver = ports if rng.random() < 0.5 else ports[::-1]
    payload = b"\x40\0" + _SLOT + rng.randbytes(rng.randrange(20, 1242))
    return _ip_frame(rng, version, p.UDP, p.udp(sender, receiver, payload))


def _dns_frame(rng: random.Random, version: int) -> bytes:
    # A first label of even length puts the cookie on a 16-bit boundary.
    name = f"{rng.randbytes(rng.randrange(3, 24)).hex()}.test"
    query = p.dns_query(name, ident=rng.getrandbits(16), qtype=rng.choice((1, 28)), cookie=_SLOT)
    return _ip_frame(rng, version, p.UDP, p.udp(rng.randrange(32768, 61000), 53, query))


def _ip_frame(rng: random.Random, version: int, proto: int, segment: bytes) -> bytes:
    # The square makes low host numbers frequent, as a few hosts are in real traffic.
    a, b = (1 + int(250 * rng.random() ** 2) for _ in "ab")
    if version == 4:
        return p.eth(p.ipv4(proto, segment, f"192.0.2.{a}", f"198.51.100.{b}", ident=a << 8 | b))
    return p.eth(p.ipv6(proto, segment, f"2001:db8::{a:x}", f"2001:db8:1::{b:x}"), p.IPV6)


def _vlan_frame(rng: random.Random) -> bytes:
    frame = _tcp_frame(rng, 4, 1200, p.ACK)
    return frame[:12] + p.eth(p.vlan(frame[14:], rng.choice((100, 200))), p.VLAN)[12:]


def _fragment_frame(rng: random.Random) -> bytes:
    datagram = p.udp(2049, 2049, rng.randbytes(1496) + _SLOT)
    return p.eth(p.ipv4_fragments(p.UDP, datagram, 1480)[1])


def _neighbour_frame(rng: random.Random) -> bytes:
    message = p.icmp(135, 0, bytes(4) + p.ip("2001:db8::")[:8] + _SLOT + b"\1\1" + p.mac(p.MAC_A))
    return _ip_frame(rng, 6, p.ICMP6, message)


_WEIGHTS = {
    lambda rng: _tcp_frame(rng, 4, rng.choice((1448, 1448, 536, 300)), p.ACK): 27,
    lambda rng: _tcp_frame(rng, 4, 0, p.ACK): 26,
    lambda rng: _tcp_frame(rng, 4, 0, p.SYN): 4,
    lambda rng: _tcp_frame(rng, 6, rng.choice((1428, 1428, 700, 100)), p.ACK | p.PSH): 8,
    lambda rng: _tcp_frame(rng, 6, 0, p.ACK): 8,
    lambda rng: _dns_frame(rng, 4): 7,
    lambda rng: _dns_frame(rng, 6): 3,
    lambda rng: _quic_frame(rng, 4): 10,
    lambda rng: _ip_frame(rng, 4, p.ICMP, p.echo(data=_SLOT + bytes(48))): 2,
    lambda rng: _ip_frame(rng, 6, p.ICMP6, p.echo(data=_SLOT + bytes(48), type_=128)): 1,
    _neighbour_frame: 1,
    lambda rng: p.eth(p.arp() + _SLOT + bytes(10), p.ARP, dst=p.BROADCAST): 2,
    _vlan_frame: 4,
    _fragment_frame: 2,
}


def mixed(count: int, seed: int = 1, *, rate: int = 100_000) -> Iterator[Record]:
    """Yield `count` different Ethernet packets of 14 kinds, on average about 500 bytes long.

    `rate` is their number per second of capture time. The same arguments give the same packets.
    """
    rng = random.Random(seed)
    makers = rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=2000)
    pool = [tuple(make(rng).split(_SLOT)) for make in makers]
    ts_ns, gap = 1_700_000_000 * NS, 2 * NS // rate
    pack, pick, uniform = _SERIAL.pack, rng.choice, rng.random
    for serial in range(count):
        ts_ns += int(gap * uniform()) + 1
        head, tail = pick(pool)
        yield Record(ts_ns, head + pack(serial, serial ^ 0xFFFFFFFF) + tail)
