# SPDX-License-Identifier: LGPL-3.0-or-later
"""The complete header stack: packet.layers, vlan_ids, mpls_labels."""

from __future__ import annotations

import gen
import gen_files as f
import gen_packets as p
import libtrace
import pytest
from making import cuts, kind, make, plt

# Every kind's headers with their lengths; "data" is whatever is left.
STACKS = {
    "tcp4": "eth 14, ip 20, tcp 20, data",
    "udp4": "eth 14, ip 20, udp 8, data",
    "icmp4": "eth 14, ip 20, icmp 8, data",
    "icmp4_error": "eth 14, ip 20, icmp 8, ip 20, udp 8",
    "igmp": "eth 14, ip 24, data",
    "sctp4": "eth 14, ip 20, sctp 12, data",
    "options4": "eth 14, ip 28, tcp 20",
    "fragment4_first": "eth 14, ip 20, udp 8, data",
    "fragment4_next": "eth 14, ip 20, data",
    "gre": "eth 14, ip 20, gre 8, ip 20, udp 8, data",
    "ipip": "eth 14, ip 20, ip 20, tcp 20, data",
    "six_in_four": "eth 14, ip 20, ipv6 40, udp 8, data",
    "tso4": "eth 14, ip 20, tcp 20, data",
    "padded": "eth 14, ip 20, tcp 20, data",
    "tcp6": "eth 14, ipv6 40, tcp 24, data",
    "udp6": "eth 14, ipv6 40, udp 8, data",
    "icmp6": "eth 14, ipv6 40, icmpv6 8, data",
    "neighbour": "eth 14, ipv6 40, icmpv6 8, data",
    "hop_by_hop": "eth 14, ipv6 40, ipv6.hopopts 8, udp 8, data",
    "chain6": "eth 14, ipv6 40, ipv6.hopopts 8, ipv6.dstopts 8, ipv6.routing 24, ah 24, tcp 20, "
    "data",
    "fragment6_first": "eth 14, ipv6 40, ipv6.fraghdr 8, udp 8, data",
    "fragment6_next": "eth 14, ipv6 40, ipv6.fraghdr 8, data",
    "no_next6": "eth 14, ipv6 40",
    "arp": "eth 14, arp 28",
    "stp": "eth 14, llc 3, data",
    "snap": "eth 14, llc 8, ip 20, udp 8, data",
    "vlan": "eth 14, vlan 4, ip 20, tcp 20, data",
    "vlan_vlan": "eth 14, vlan 4, vlan 4, ipv6 40, tcp 24, data",
    "qinq": "eth 14, vlan 4, vlan 4, ip 20, udp 8, data",
    "mpls": "eth 14, mpls 4, mpls 4, ip 20, tcp 20, data",
    "mpls_vpls": "eth 14, mpls 4, data",
    "pppoe": "eth 14, pppoe 6, ppp 2, ip 20, tcp 20, data",
    "pppoe6": "eth 14, pppoe 6, ppp 2, ipv6 40, tcp 24, data",
    "unknown_ethertype": "eth 14, data",
    "raw4": "ip 20, tcp 20, data",
    "raw6": "ipv6 40, udp 8, data",
    "raw_linktype12": "ip 20, udp 8, data",
    "sll": "sll 16, ip 20, tcp 20, data",
    "sll_out6": "sll 16, ipv6 40, udp 8, data",
    "sll_loop": "sll 16, eth 14, ip 20, udp 8, data",
    "sll_arp": "sll 16, arp 28",
    "sll_radiotap": "sll 16, radiotap 18, wlan 24, llc 8, ip 20, udp 8, data",
    "sll_odd_arphrd": "sll 16, ip 20, udp 8, data",
    "sll2": "sll2 20, ip 20, tcp 20, data",
    "sll2_arp": "sll2 20, arp 28",
    "wifi": "wlan 24, llc 8, ip 20, tcp 20, data",
    "wifi_four_addresses": "wlan 30, llc 8, ipv6 40, tcp 24, data",
    "wifi_qos": "wlan 26, llc 8, ip 20, udp 8, data",
    "wifi_from_ds": "wlan 24, llc 8, ip 20, udp 8, data",
    "wifi_control": "data",
    "wifi_beacon": "data",
    "radiotap": "radiotap 18, wlan 24, llc 8, ip 20, tcp 20, data",
    "radiotap_fcs": "radiotap 18, wlan 26, llc 8, ip 20, udp 8, data",
    "radiotap_no_flags": "radiotap 17, wlan 24, llc 8, ip 20, udp 8, data",
    "radiotap_words": "radiotap 58, wlan 24, llc 8, ip 20, udp 8, data",
    "ppp": "ppp 2, ip 20, tcp 20, data",
    "ppp6": "ppp 2, ipv6 40, tcp 24, data",
    "ppp_hdlc": "ppp 4, ip 20, tcp 20, data",
    "ppp_hdlc_lcp": "ppp 4, data",
    "chdlc": "chdlc 4, ip 20, udp 8, data",
    "chdlc6": "chdlc 4, ipv6 40, udp 8, data",
    "loop": "null 4, ip 20, tcp 20, data",
    "loop6": "null 4, ipv6 40, udp 8, data",
    "null": "null 4, ip 20, tcp 20, data",
    "null6_big": "null 4, ipv6 40, udp 8, data",
    "pflog": "pflog 64, ip 20, tcp 20, data",
    "rfc1483": "llc 8, ip 20, tcp 20, data",
}
CLASSES = {
    "ip": libtrace.IP,
    "ipv6": libtrace.IP6,
    "tcp": libtrace.TCP,
    "udp": libtrace.UDP,
    "icmp": libtrace.ICMP,
    "icmpv6": libtrace.ICMP6,
    "sctp": libtrace.SCTP,
}


def text(packet: libtrace.Packet) -> str:
    return ", ".join(
        layer.name if layer.name == "data" else f"{layer.name} {layer.length}"
        for layer in packet.layers
    )


def check(packet: libtrace.Packet) -> None:
    """The headers follow each other and fill the packet, and objects are where they should be."""
    at = 0
    for layer in packet.layers:
        assert layer.offset == at
        assert layer.length > 0
        at += layer.length
        if layer.name in CLASSES:
            assert type(layer.object) is CLASSES[layer.name]
            assert bytes(layer.object) == bytes(packet)[layer.offset :]
        else:
            assert layer.object is None
    assert at <= packet.capture_len


def test_all_kinds_are_listed() -> None:
    assert STACKS.keys() == gen.KINDS.keys()


@pytest.mark.parametrize("name", STACKS)
def test_stack(name: str) -> None:
    packet = kind(name)
    assert text(packet) == STACKS[name]
    check(packet)
    assert sum(layer.length for layer in packet.layers) == packet.capture_len
    assert isinstance(packet.layers[0], libtrace.Layer)
    first = packet.layers[0]
    assert first == (first.name, first.offset, first.length, first.object)


@pytest.mark.parametrize("name", STACKS)
def test_cut_stack(name: str) -> None:
    """Of a cut packet the headers are the same ones, the last one perhaps in part."""
    linktype, frame = gen.KINDS[name]
    whole = kind(name).layers
    for size, packet in enumerate(cuts(frame, linktype)):
        found = packet.layers
        check(packet)
        for ours, uncut in zip(found, whole):
            if ours.name != uncut.name:
                assert ours.name == "data", size
                break
            assert ours.offset == uncut.offset
            assert ours.length == min(uncut.length, size - uncut.offset)
        assert len(found) <= len(whole)


def test_objects() -> None:
    packet = kind("icmp4_error")
    eth, ip, icmp, inner, udp = packet.layers
    assert eth.object is None
    assert ip.object.kind == icmp.object.kind == "packet"
    assert inner.object.kind == udp.object.kind == "copy"
    assert icmp.object.type == 3
    assert udp.object.src_port == 40001
    assert str(udp.object.src_prefix) == p.SRC4
    ip.object.ttl = 3
    inner.object.ttl = 4
    assert packet.ip.ttl == 3
    assert packet.icmp.payload.ttl == 4
    for layers in (packet.ip.layers, packet.transport.layers):
        assert [layer[:3] for layer in layers] == [layer[:3] for layer in packet.layers]
    assert inner.object.layers == []


def redirect(*options: bytes) -> str:
    """The stack of an ICMPv6 redirect."""
    message = p.icmp(137, 0, bytes(4) + p.ip(p.DST6) * 2 + b"".join(options))
    packet = make(p.eth(p.ipv6(p.ICMP6, message), p.IPV6))
    check(packet)
    return text(packet).replace("eth 14, ipv6 40, ", "")


def test_redirect() -> None:
    """What an ICMPv6 redirect quotes is in an option of it (RFC 4861, 4.6.3)."""
    quoted = gen.KINDS["raw6"][1]
    address = b"\2\1" + p.mac(p.MAC_B)
    size = 1 + (len(quoted) + 7) // 8
    header = bytes([4, size, *bytes(6)]) + quoted
    assert redirect(header) == "icmpv6 48, ipv6 40, udp 8, data"
    assert redirect(address, header) == "icmpv6 56, ipv6 40, udp 8, data"
    assert redirect(address) == redirect(b"\2\0" + address) == "icmpv6 8, data"
    assert redirect(b"\2\xff" + address, header) == redirect() == "icmpv6 8, data"


LLC = {
    "snap6": (p.snap(gen.KINDS["raw6"][1], p.IPV6), "llc 8, ipv6 40, udp 8, data"),
    "snap vlan": (
        p.snap(p.vlan(gen.KINDS["raw4"][1], 7), 0x8100),
        "llc 8, vlan 4, ip 20, tcp 20, data",
    ),
    "other SNAP": (p.llc(b"\0\0\x0c" + b"\x20\0" + bytes(20), sap=0xAA), "llc 8, data"),
    "unnumbered": (p.llc(bytes(4), control=0xE3), "llc 3, data"),
    "information": (p.llc(bytes(4), control=0x02), "llc 4, data"),
    "supervisory": (p.llc(bytes(4), control=0x01), "llc 4, data"),
    "Novell": (b"\xff\xff" + bytes(28), "data"),
    "cut SNAP": (p.snap(b"")[:5], "llc 5"),
    "cut": (p.llc(b"")[:1], "llc 1"),
}


@pytest.mark.parametrize("name", LLC)
@pytest.mark.parametrize("tagged", [False, True])
def test_llc(name: str, tagged: bool) -> None:
    payload, expected = LLC[name]
    frame = p.dot3(payload)
    if tagged:
        frame = p.eth(p.vlan(payload, 5, len(payload)), 0x8100)
    packet = make(frame)
    assert text(packet) == f"eth 14, {'vlan 4, ' if tagged else ''}{expected}"
    check(packet)
    assert packet.ethertype == len(payload)  # old programs see no LLC
    assert packet.ip is packet.ip6 is packet.transport is packet.ip_proto is None


def test_objects_behind_tags_have_no_old_attribute() -> None:
    """`ip` stays what it was in plt; the stack knows more."""
    packet = kind("qinq")
    assert packet.ip is None
    ip = next(layer.object for layer in packet.layers if layer.name == "ip")
    assert str(ip.src_prefix) == p.SRC4
    assert ip.test_l3_cksm() is True


# Tags

TAGS = {
    "vlan": ([100], []),
    "vlan_vlan": ([10, 20], []),
    "qinq": ([10, 20], []),
    "mpls": ([], [16, 17]),
    "mpls_vpls": ([], [18]),
}


@pytest.mark.parametrize("name", STACKS)
def test_tags(name: str) -> None:
    packet = kind(name)
    assert (packet.vlan_ids, packet.mpls_labels) == TAGS.get(name, ([], []))
    assert packet.vlan_id == (packet.vlan_ids or [0])[0] * (name != "qinq")


@pytest.mark.parametrize("tag", [p.VLAN, p.QINQ, 0x9100])
def test_vlan_tags(tag: int) -> None:
    inner = p.vlan(gen.KINDS["raw4"][1], 4095, p.IPV4, pcp=7, dei=1)
    packet = make(p.eth(p.vlan(inner, 1, tag, pcp=7, dei=1), tag))
    assert packet.vlan_ids == [1, 4095]
    assert packet.ethertype == tag
    assert packet.vlan_id == (1 if tag == p.VLAN else 0)


def test_label_stack() -> None:
    labels = [0, 0xFFFFF, *range(16, 40)]
    packet = make(p.eth(p.mpls(gen.KINDS["raw6"][1], *labels), p.MPLS))
    assert packet.mpls_labels == labels
    assert packet.layers[-2].name == "udp"
    assert packet.src_text == p.SRC6


def test_tags_of_other_packets() -> None:
    tagged = p.eth(p.vlan(p.arp(), 5, p.ARP), p.VLAN)
    assert make(tagged).vlan_ids == [5]
    assert [layer.name for layer in make(tagged).layers] == ["eth", "vlan", "arp"]
    inner = p.eth(p.vlan(gen.KINDS["raw4"][1], 9), p.VLAN)
    vxlan = p.eth(p.ipv4(p.UDP, p.udp(1, 4789, b"\x08\0\0\0\0\0\x2a\0" + inner)))
    assert make(vxlan).vlan_ids == []
    for size, packet in enumerate(cuts(tagged)):
        assert packet.vlan_ids == ([5] if size >= 18 else [])


# Tunnels

TCP4, UDP6 = gen.KINDS["raw4"][1], gen.KINDS["raw6"][1]
VXLAN = b"\x08\0\0\0\0\0\x2a\0" + p.eth(UDP6, p.IPV6)
GRE = p.ipv4(p.GRE, p.gre(TCP4))
TUNNELS = [
    (GRE, "ip, gre, ip, tcp, data"),
    (p.ipv4(p.GRE, p.gre(UDP6, p.IPV6)), "ip, gre, ipv6, udp, data"),
    (p.ipv4(p.GRE, p.gre(p.eth(TCP4), p.TEB)), "ip, gre, eth, ip, tcp, data"),
    (p.ipv4(p.GRE, p.gre(p.mpls(TCP4, 5), p.MPLS)), "ip, gre, mpls, ip, tcp, data"),
    (p.ipv4(p.GRE, p.gre(b"abcd", 0x1234)), "ip, gre, data"),
    (p.ipv4(p.GRE, b"\xb0\0\x08\0" + bytes(12) + TCP4), "ip, gre, ip, tcp, data"),
    (p.ipv4(p.GRE, b"\x30\x81\x88\x0b" + bytes(40)), "ip, gre, data"),
    (p.ipv6(p.GRE, p.gre(TCP4)), "ipv6, gre, ip, tcp, data"),
    (p.ipv6(4, TCP4), "ipv6, ip, tcp, data"),
    (p.ipv6(41, UDP6), "ipv6, ipv6, udp, data"),
    (p.ipv4(4, p.ipv4(4, TCP4)), "ip, ip, ip, tcp, data"),
    (p.ipv4(137, p.mpls(TCP4, 5)), "ip, mpls, ip, tcp, data"),
    (p.ipv4(50, bytes(20)), "ip, esp"),
    (p.ipv4(51, b"\6" + p.auth_header()[1] + TCP4[20:]), "ip, ah, tcp, data"),
    (p.ipv6(50, bytes(20)), "ipv6, esp"),
    (p.ipv4(p.UDP, p.udp(1, 4789, VXLAN)), "ip, udp, vxlan, eth, ipv6, udp, data"),
    (p.ipv4(p.UDP, p.udp(4789, 1, VXLAN)), "ip, udp, data"),
    (p.ipv4(p.ICMP, p.icmp(11, 0, bytes(4) + GRE)), "ip, icmp, ip, gre, ip, tcp, data"),
    (p.ipv4(4, UDP6), "ip, data"),
]


@pytest.mark.parametrize("number", range(len(TUNNELS)))
def test_tunnel(number: int) -> None:
    packet, expected = TUNNELS[number]
    found = make(packet, f.DLT_RAW)
    assert ", ".join(layer.name for layer in found.layers) == expected
    check(found)
    for cut in cuts(packet, f.DLT_RAW):
        check(cut)
    for layer in found.layers:
        if layer.name in ("tcp", "udp") and layer.offset > 40:
            assert layer.object.kind == ("packet" if "ah" in expected else "copy")
            assert layer.object.dst_port in (80, 53)


@pytest.mark.parametrize("depth", [1, 10, 40, 200, 3000])
def test_depth(depth: int) -> None:
    """The stack ends somewhere, the recursion as well."""
    nested = b"\x45" + bytes(8) + b"\x04" + bytes(10)
    packet = make(nested * depth, f.DLT_RAW)
    assert 0 < len(packet.layers) <= min(depth, 32)
    extensions = bytes([0, 0, 1, 4, 0, 0, 0, 0]) * depth
    packet = make(p.ipv6(0, extensions + bytes(8)), f.DLT_RAW)
    assert 0 < len(packet.layers) <= 32
    tags = bytes.fromhex("00058100") * depth
    packet = make(p.eth(tags + bytes(40), p.VLAN))
    assert packet.vlan_ids == [5] * min(depth, 31) + [0] * (depth < 31)
    labels = make(p.eth(bytes.fromhex("0001003f") * depth + bytes(30), p.MPLS))
    assert labels.mpls_labels[: min(depth, 31)] == [16] * min(depth, 31)


def test_nothing_read() -> None:
    for name in ("layers", "vlan_ids", "mpls_labels"):
        with pytest.raises(ValueError, match="nothing was read"):
            getattr(plt.packet(), name)
    made = plt.ip(bytearray(TCP4))
    assert made.layers == made.vlan_ids == made.mpls_labels == []


def test_stack_after_writing() -> None:
    packet = kind("tcp4")
    with memoryview(packet) as view:
        view[12:14] = b"\x88\x47"
    assert text(packet).startswith("eth 14, mpls 4")
    assert packet.mpls_labels[0] == 0x45000
