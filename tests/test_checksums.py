# SPDX-License-Identifier: LGPL-3.0-or-later
"""Checksums, tested and set, against the packet builder's and scapy's."""

from __future__ import annotations

import pathlib
import random
from typing import Any

import gen
import gen_files as f
import gen_packets as p
import libtrace
import pytest
from making import cuts, kind, make, make_all, plt
from reading import packets

RAW = f.DLT_RAW
DATA = pathlib.Path(__file__).parent / "data"
IPV4 = ["tcp4", "udp4", "icmp4", "icmp4_error", "options4", "padded", "vlan", "raw4", "sll", "wifi"]
IPV6 = ["tcp6", "udp6", "icmp6", "neighbour", "hop_by_hop", "chain6", "raw6", "loop6"]
CHECKED = IPV4 + IPV6
OTHERS = ["igmp", "sctp4", "fragment4_next", "fragment6_next", "gre", "no_next6", "tso4", "ipip"]


def internet(packet: libtrace.Packet) -> Any:
    return packet.ip or packet.ip6


def layers_of(packet: libtrace.Packet) -> list[Any]:
    parts = (packet.ip, packet.ip6, packet.tcp, packet.udp, packet.icmp, packet.icmp6)
    return [part for part in parts if part is not None]


# Testing


@pytest.mark.parametrize("name", CHECKED)
def test_right(name: str) -> None:
    packet = kind(name)
    before = bytes(packet)
    for _ in range(2):
        for layer in layers_of(packet):
            assert layer.test_l3_cksm() is (True if name in IPV4 else None)
            assert layer.test_trans_cksm() is True
        for ip in (packet.ip, packet.icmp):
            if ip is not None:
                assert ip.checksum_ok() is True
    assert bytes(packet) == before


@pytest.mark.parametrize("name", CHECKED)
def test_wrong(name: str) -> None:
    """Damage to any byte that a checksum covers is seen, and testing never repairs."""
    linktype, frame = gen.KINDS[name]
    whole = kind(name)
    ip_at = len(frame) - internet(whole).size
    trans_at = len(frame) - whole.transport.size
    end = len(frame) - (6 if name == "padded" else 0)
    damaged = [frame[:at] + bytes([frame[at] ^ 0x10]) + frame[at + 1 :] for at in range(len(frame))]
    for at, packet in enumerate(make_all(damaged, linktype)):
        found = internet(packet)
        if found is None:
            continue
        if name in IPV4 and ip_at < at < ip_at + 20 and at != ip_at:
            assert found.test_l3_cksm() is False
            assert packet.ip.checksum_ok() is False
        if trans_at <= at < end and packet.transport is not None:
            assert found.test_trans_cksm() is False, at
        assert bytes(packet) == damaged[at]


@pytest.mark.parametrize("name", OTHERS)
def test_not_computable(name: str) -> None:
    packet = kind(name)
    found = internet(packet)
    before = bytes(packet)
    assert found.test_trans_cksm() is found.set_trans_cksm() is None
    assert bytes(packet) == before
    assert found.set_checksums() is None


def test_cut_packets() -> None:
    """A packet counts as whole if only an FCS may be missing."""
    for linktype, allowed in ((f.DLT_EN10MB, 4), (RAW, 0)):
        name = "udp4" if linktype == f.DLT_EN10MB else "raw4"
        frame = gen.KINDS[name][1]
        for size, packet in enumerate(cuts(frame, linktype)):
            if packet.ip is None:
                continue
            header = size >= len(frame) - len(gen.KINDS[name][1]) + (34 if allowed else 20)
            assert packet.ip.test_l3_cksm() is (True if header else None)
            assert packet.ip.checksum_ok() is (True if header else None)
            whole = size == len(frame)
            assert packet.ip.test_trans_cksm() is (True if whole else None), size
            assert packet.ip.set_trans_cksm() is (True if whole else None)
            if size < len(frame) and packet.layer3 is not None:
                with pytest.raises(ValueError, match="in full"):
                    packet.layer3.set_checksums()
            assert bytes(packet) == frame[:size]


def test_lengths_beyond_the_capture() -> None:
    for frame in (
        p.eth(p.ipv4(p.UDP, p.udp(1, 2, b"abc"), total_length=60)),
        p.eth(p.ipv6(p.UDP, p.udp(1, 2, b"abc"), payload_length=60), p.IPV6),
        p.eth(p.ipv4(p.UDP, p.udp(1, 2, b"abc"), total_length=27)),
        p.eth(p.ipv4(p.TCP, p.tcp(1, 2), total_length=20)),
        p.eth(p.ipv4(p.TCP, p.tcp(1, 2), ihl=15)),
    ):
        packet = make(frame)
        found = internet(packet)
        assert found.test_trans_cksm() is found.set_trans_cksm() is None
        assert found.set_checksums() is None or found.version == 4
        assert bytes(packet)[34:] == frame[34:]


def test_padding_is_not_covered() -> None:
    for pad in (b"\0" * 6, b"\xff" * 7):
        for ip in (gen.KINDS["raw4"][1], gen.KINDS["raw6"][1]):
            packet = make(p.eth(ip, p.IPV4 if ip[0] >> 4 == 4 else p.IPV6) + pad)
            assert internet(packet).test_trans_cksm() is True
            assert internet(packet).set_trans_cksm() is True
            assert bytes(packet)[14:] == ip + pad


def test_zero_in_udp() -> None:
    """0 is tested as it stands, and a computed 0 is written as 0."""
    packet = kind("udp4")
    packet.udp.checksum = 0
    assert packet.ip.test_trans_cksm() is False
    for last in range(65536):
        body = p.udp(1, 2, last.to_bytes(2, "big"))
        pseudo = p.ip(p.SRC4) + p.ip(p.DST4) + (len(body) << 32 | p.UDP).to_bytes(8, "big")
        if p.ones_sum(pseudo + body) == 0xFFFF:
            break
    packet = make(p.eth(p.ipv4(p.UDP, body)))
    assert packet.udp.checksum == 0xFFFF
    assert packet.ip.test_trans_cksm() is True
    packet.udp.checksum = 0
    assert packet.ip.test_trans_cksm() is True
    packet.udp.checksum = 5
    assert packet.ip.set_trans_cksm() is True
    assert packet.udp.checksum == 0
    assert packet.ip.test_trans_cksm() is True


# Setting


@pytest.mark.parametrize("name", CHECKED)
def test_set(name: str) -> None:
    linktype, frame = gen.KINDS[name]
    for method in ("set_trans_cksm", "set_l3_cksm", "set_checksum", "set_checksums"):
        packet = make(frame, linktype)
        layers = layers_of(packet)
        layers[-1].checksum = 0xDEAD
        if packet.ip is not None:
            packet.ip.checksum = 0xBEEF
        if not hasattr(layers[0], method):
            continue
        result = getattr(layers[0], method)()
        headers = method != "set_trans_cksm" and name in IPV4
        transport = method in ("set_trans_cksm", "set_checksums")
        expected = {"set_checksum": None, "set_l3_cksm": True if headers else None}
        assert result is expected.get(method, True)
        assert layers[0].test_l3_cksm() is (headers if name in IPV4 else None)
        assert layers[0].test_trans_cksm() is transport
        if transport and (headers or name in IPV6):
            assert bytes(packet) == frame
        assert layers[0].size == len(layers[0].data)
        assert layers[0].type in ("IP", "IP6")


@pytest.mark.parametrize("layer", ["ip", "layer3", "tcp", "transport"])
def test_set_checksums_leaves_the_object_alone(layer: str) -> None:
    packet = kind("tcp4")
    found = getattr(packet, layer)
    before = found.data
    packet.ip.checksum = packet.tcp.checksum = 1
    assert found.set_checksums() is True
    assert found.data == before
    assert bytes(packet) == gen.KINDS["tcp4"][1]


def test_set_checksums_is_for_layers() -> None:
    packet = kind("tcp4")
    with pytest.raises(ValueError, match="layer3"):
        packet.set_checksums()
    assert packet.layer2.set_checksums() is None
    for name in ("arp", "stp", "unknown_ethertype"):
        packet = kind(name)
        assert packet.layer3.set_checksums() is None
        assert bytes(packet) == gen.KINDS[name][1]


@pytest.mark.parametrize("name", ["mpls", "pppoe", "pppoe6", "vlan_vlan", "qinq"])
def test_set_checksums_behind_tags(name: str) -> None:
    packet = kind(name)
    before = bytes(packet)
    packet.transport.data = bytearray(b"\1\2")
    assert packet.layer3.set_checksums() is True
    assert packet.layer3.set_checksums() is True
    packet.transport.data = bytearray(before[-packet.transport.size :][:2])
    assert packet.layer3.set_checksums() is True
    assert bytes(packet) == before


def test_without_arguments() -> None:
    ip = kind("tcp4").ip
    for name in ("test_l3_cksm", "set_l3_cksm", "test_trans_cksm", "set_trans_cksm"):
        with pytest.raises(TypeError):
            getattr(ip, name)(1)
    for name in ("checksum_ok", "set_checksum", "set_checksums"):
        with pytest.raises(TypeError):
            getattr(ip, name)(1)


# Others' checksums


def test_random_packets() -> None:
    """The builder's sums are made in another way: as one big number modulo 2**16 - 1."""
    rng = random.Random(5)
    frames = []
    for _ in range(300):
        body = rng.randbytes(rng.randrange(0, 70))
        proto, segment = rng.choice(
            [
                (p.TCP, p.tcp(rng.getrandbits(16), 80, body, options=rng.randbytes(8))),
                (p.UDP, p.udp(rng.getrandbits(16), 53, body)),
            ]
        )
        if rng.random() < 0.5:
            options = rng.randbytes(rng.randrange(0, 41))
            frames.append(p.eth(p.ipv4(proto, segment, options=options, tos=rng.getrandbits(8))))
        else:
            chain = [p.options_header(), p.auth_header()][: rng.randrange(3)]
            frames.append(p.eth(p.ipv6(proto, segment, extensions=chain), p.IPV6))
    for frame, packet in zip(frames, make_all(frames)):
        found = internet(packet)
        assert found.test_trans_cksm() is True
        layers_of(packet)[-1].checksum = 0x1234
        assert found.set_checksums() is True
        if packet.udp is None or packet.udp.checksum:
            assert bytes(packet) == frame


@pytest.mark.parametrize("name", ["layers.pcap", "tags.pcap", "tunnels.pcap", "sample.pcap"])
def test_recorded(name: str) -> None:
    """The kernel's checksums are right, wherever the packet is whole."""
    counted = {True: 0, None: 0}
    for packet in packets(str(DATA / name)):
        found = internet(packet)
        if found is None or packet.transport is None or packet.transport.proto == 136:
            continue
        if found.version == 4 and found.has_mf:
            continue  # a datagram's checksum is that of all its fragments
        if packet.udp is not None and packet.udp.checksum == 0:
            continue
        if found.version == 6 and found.next_hdr == 44:
            continue
        result = found.test_trans_cksm()
        counted[result] += 1
        if found.version == 4:
            assert found.test_l3_cksm() is True
        if result:
            assert found.set_trans_cksm() is True
            assert found.test_trans_cksm() is True
    assert counted[True] > 20


def test_scapy() -> None:
    inet: Any = pytest.importorskip("scapy.layers.inet")
    inet6: Any = pytest.importorskip("scapy.layers.inet6")
    IP, TCP, UDP, ICMP, IPv6 = inet.IP, inet.TCP, inet.UDP, inet.ICMP, inet6.IPv6
    load = bytes(range(33))
    made = [
        IP(src="10.0.0.1", dst="10.0.0.2", options=[inet.IPOption_NOP()] * 4) / TCP(sport=1) / load,
        IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=1, dport=2) / load,
        IP(src="10.0.0.1", dst="10.0.0.2") / ICMP() / load,
        IPv6(src="2001:db8::1", dst="2001:db8::2") / TCP(options=[("MSS", 1460)]) / load,
        IPv6(src="2001:db8::1", dst="2001:db8::2") / UDP() / load,
        IPv6(src="2001:db8::1", dst="2001:db8::2") / inet6.ICMPv6EchoRequest(data=load),
        IPv6(src="2001:db8::1", dst="2001:db8::2")
        / inet6.IPv6ExtHdrHopByHop()
        / inet6.IPv6ExtHdrDestOpt()
        / UDP()
        / load,
    ]
    for packet in make_all([bytes(one) for one in made], RAW):
        before = bytes(packet)
        found = internet(packet)
        assert found.test_l3_cksm() is (True if found.version == 4 else None)
        assert found.test_trans_cksm() is True
        for layer in layers_of(packet):
            if hasattr(layer, "checksum"):
                layer.checksum = 0x1111
        assert found.set_checksums() is True
        assert bytes(packet) == before


def test_nothing_of_a_constructed_packet() -> None:
    ip = plt.ip(bytearray(gen.KINDS["raw4"][1]))
    for name in ("test_l3_cksm", "set_l3_cksm", "test_trans_cksm", "set_trans_cksm"):
        with pytest.raises(ValueError, match="copy"):
            getattr(ip, name)()
    for name in ("checksum_ok", "set_checksum", "set_checksums"):
        with pytest.raises(ValueError, match="copy"):
            getattr(ip, name)()
