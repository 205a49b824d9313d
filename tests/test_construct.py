# SPDX-License-Identifier: LGPL-3.0-or-later
"""Layers made from bytes and from other layers."""

from __future__ import annotations

import gc
import sys
from typing import Any

import gen
import gen_packets as p
import pytest
from making import cuts, kind, make, plt

MAKERS = {
    "ip": plt.ip,
    "ip6": plt.ip6,
    "tcp": plt.tcp,
    "udp": plt.udp,
    "icmp": plt.icmp,
    "icmp6": plt.icmp6,
    "sctp": plt.sctp,
}
KIND_OF = {
    "ip": "tcp4",
    "ip6": "udp6",
    "tcp": "tcp4",
    "udp": "udp6",
    "icmp": "icmp4",
    "icmp6": "icmp6",
    "sctp": "sctp4",
}
ALL = sorted(MAKERS)

# From bytes


@pytest.mark.parametrize("name", ALL)
def test_from_bytes(name: str) -> None:
    original = getattr(kind(KIND_OF[name]), name)
    raw = original.data
    made: Any = MAKERS[name](raw)
    assert type(made) is MAKERS[name]
    assert made.data == raw == original.data
    assert made.size == len(raw)
    assert (made.kind, made.linktype, made.vlan_id) == ("copy", 0, 0)
    assert made.type == original.type
    assert made.src_mac is made.dst_mac is None
    assert repr(made)
    assert bytes(made) == memoryview(made) == raw


def test_shared_memory() -> None:
    raw = bytearray(gen.KINDS["raw4"][1])
    ip = plt.ip(raw)
    ip.ttl = 7
    assert raw[8] == 7
    raw[8] = 9
    assert ip.ttl == 9
    tcp = plt.tcp(ip)
    raw[22:24] = b"\x12\x34"
    assert tcp.dst_port == ip.tcp.dst_port == 0x1234
    ip.data = bytearray(b"\x46")
    assert raw[0] == 0x46
    assert ip.hdr_len == 6
    with memoryview(tcp) as view:
        view[0] = 0xAB
    assert raw[20] == 0xAB


def test_headers_move_with_the_bytes() -> None:
    """A layer over bytes shows where the headers are, not where they were."""
    raw = bytearray(gen.KINDS["raw4"][1])
    ip = plt.ip(raw)
    tcp = ip.tcp
    raw[0] = 0x46  # an option
    assert ip.payload == raw[24:]
    assert ip.tcp.data == plt.tcp(ip).data == raw[24:]
    assert tcp.data == raw[20:]
    raw[9] = p.UDP
    assert ip.tcp is None
    assert plt.tcp(ip) is None
    assert (ip.proto, ip.udp.data) == (p.UDP, raw[24:])
    assert (ip.ip_proto, ip.src_port) == (p.UDP, int.from_bytes(raw[24:26], "big"))
    raw[6:8] = b"\0\1"  # a later fragment
    assert ip.udp is None
    with pytest.raises(ValueError, match="later fragment"):
        ip.payload  # noqa: B018


def test_extension_headers_move_with_the_bytes() -> None:
    raw = bytearray(p.ipv6(p.UDP, bytes([p.UDP, 0, *range(6)]) + p.udp(5, 6, bytes(8))))
    ip6 = plt.ip6(raw)
    assert ip6.udp.data == raw[40:]
    raw[6] = 60  # destination options
    assert ip6.udp.data == ip6.payload == raw[48:]
    assert (ip6.proto, ip6.udp.src_port) == (p.UDP, 5)


def test_chunks_end_where_the_bytes_say() -> None:
    chunk = p.chunk(0, b"abcd")
    raw = bytearray(p.ipv4(p.SCTP, p.sctp(1, 2, chunk, chunk)))
    sctp = plt.sctp(plt.ip(raw))
    assert len(sctp.chunks) == 2
    raw[2:4] = (len(raw) - len(chunk)).to_bytes(2, "big")
    assert len(sctp.chunks) == 1


def test_bytes_cannot_be_resized() -> None:
    raw = bytearray(gen.KINDS["raw4"][1])
    ip = plt.ip(raw)
    for resize in (raw.clear, lambda: raw.append(1), lambda: raw.pop(), lambda: raw.extend(b"12")):
        with pytest.raises(BufferError):
            resize()
    tcp = ip.tcp
    del ip
    with pytest.raises(BufferError):
        raw.append(1)
    payload = tcp.payload
    del tcp
    with pytest.raises(BufferError):
        raw.append(1)
    assert payload.data == b"GET / HTTP/1.0\r\n\r\n"
    del payload
    raw.append(1)
    assert raw[-1] == 1


def test_source_lives_as_long_as_needed() -> None:
    """Old programs pass temporary objects."""
    ip = plt.ip(kind("tcp4").layer3.data)
    tcp = plt.tcp(plt.ip(kind("tcp4").layer3.data))
    udp = plt.ip6(bytearray(gen.KINDS["raw6"][1])).udp
    gc.collect()
    assert [bytearray(1000) for _ in range(100)]
    assert ip.data == gen.KINDS["raw4"][1]
    assert tcp.dst_port == 80
    assert udp.payload.data == gen.KINDS["raw6"][1][48:]


def test_source_is_let_go() -> None:
    raw = bytearray(1000)
    before = sys.getrefcount(raw)
    for _ in range(1000):
        for make_layer in MAKERS.values():
            make_layer(raw)
    assert sys.getrefcount(raw) == before
    packet = kind("tcp4")
    before = sys.getrefcount(packet)
    for _ in range(1000):
        plt.ip(packet.ip)
        plt.tcp(packet.ip)
        plt.udp(packet.ip)
        plt.icmp(packet)
    assert sys.getrefcount(packet) == before


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("size", [0, 1, 3, 7, 19, 39])
def test_any_length(name: str, size: int) -> None:
    raw = bytearray(b"\x45\x60" * 20)[:size]
    made: Any = MAKERS[name](raw)
    assert made.data == raw
    assert made.size == size


def test_no_version_check() -> None:
    assert plt.ip(bytearray(gen.KINDS["raw6"][1])).version == 6
    assert plt.ip6(bytearray(gen.KINDS["raw4"][1])).version == 4


@pytest.mark.parametrize("name", ALL)
def test_wrong_arguments(name: str) -> None:
    class Bytes(bytearray):
        pass

    make_layer: Any = MAKERS[name]
    for wrong in (b"bytes", "text", None, 5, memoryview(bytearray(40)), Bytes(40), [], object()):
        with pytest.raises(ValueError, match="bytearray"):
            make_layer(wrong)
    for arguments in ((), (bytearray(40), bytearray(40))):
        with pytest.raises((ValueError, TypeError)):
            make_layer(*arguments)
    with pytest.raises((ValueError, TypeError)):
        make_layer(source=bytearray(40))


def test_without_an_ip_header() -> None:
    for made in (
        plt.tcp(bytearray(p.tcp())),
        plt.udp(bytearray(p.udp())),
        plt.icmp(bytearray(p.echo())),
        plt.icmp6(bytearray(p.echo())),
        plt.sctp(bytearray(p.sctp(1, 2))),
    ):
        for field in ("version", "ttl", "traffic_class", "src_prefix", "dst_prefix", "proto"):
            with pytest.raises(ValueError, match="no IP header"):
                getattr(made, field)
        with pytest.raises(ValueError, match="no IP header"):
            made.ttl = 5
        assert made.src is made.dst is made.src_text is made.ip_proto is None
        assert made.ethertype == 0
        for other in ("tcp", "udp", "icmp", "icmp6", "sctp", "tcp_payload", "udp_payload"):
            assert getattr(made, other) is None


def test_constructors_are_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    for make_layer in MAKERS.values():
        make_layer(bytearray(60))
    assert tuple(capfd.readouterr()) == ("", "")


# From layers


@pytest.mark.parametrize("source", ["ip", "layer3", "transport", "tcp", "layer2", None])
def test_ip_from_layer(source: str | None) -> None:
    packet = kind("tcp4")
    found = packet if source is None else getattr(packet, source)
    made = plt.ip(found)
    assert made.data == packet.ip.data
    assert (made.kind, made.type, made.linktype, made.vlan_id) == ("copy", "IP", 0, 0)
    assert made.tcp.dst_port == 80
    made.ttl = 5
    assert packet.ip.ttl == 5
    assert plt.ip6(found) is None


def test_ip6_from_layer() -> None:
    packet = kind("udp6")
    for found in (packet, packet.ip6, packet.layer3, packet.transport, packet.udp):
        assert plt.ip6(found).data == packet.ip6.data
        assert plt.ip6(found).udp.dst_port == 53
        assert plt.ip(found) is None
    assert plt.ip(plt.ip6(packet)) is None
    assert plt.ip6(plt.ip6(packet)).data == packet.ip6.data


TRANSPORTS = {"tcp": "tcp4", "udp": "udp6", "sctp": "sctp4", "icmp": "icmp4", "icmp6": "icmp6"}


@pytest.mark.parametrize("name", TRANSPORTS)
def test_transport_from_ip(name: str) -> None:
    packet = kind(TRANSPORTS[name])
    found = packet.ip or packet.ip6
    made: Any = MAKERS[name](found)
    assert made.data == getattr(packet, name).data
    assert made.kind == "copy"
    assert made.src_prefix == found.src_prefix
    assert made.ttl == 64
    for other in TRANSPORTS:
        if other != name:
            assert MAKERS[other](found) is None
    raw: Any = (plt.ip if packet.ip else plt.ip6)(bytearray(found.data))
    assert MAKERS[name](raw).data == made.data


@pytest.mark.parametrize("name", ["tcp", "udp", "sctp"])
def test_transport_from_other_layers_is_none(name: str) -> None:
    packet = kind(TRANSPORTS[name])
    layer = getattr(packet, name)
    for found in (packet, packet.layer2, packet.layer3, packet.transport, layer):
        assert MAKERS[name](found) is None


def test_icmp_from_any_layer() -> None:
    packet = kind("icmp4")
    for found in (packet, packet.layer3, packet.ip, packet.transport, packet.icmp):
        assert plt.icmp(found).data == packet.icmp.data
        assert plt.icmp6(found) is None
    packet = kind("icmp6")
    for found in (packet, packet.layer3, packet.ip6, packet.transport, packet.icmp6):
        assert plt.icmp6(found).data == packet.icmp6.data
        assert plt.icmp(found) is None
    assert plt.icmp(make(p.eth(p.ipv6(p.ICMP, p.echo()), p.IPV6))) is None


def test_from_a_quoted_packet() -> None:
    inner = kind("icmp4_error").icmp.payload
    assert plt.udp(inner).src_port == 40001
    assert plt.tcp(inner) is None
    assert plt.ip(inner).data == inner.data


def test_tunnels() -> None:
    packet = kind("six_in_four")
    assert plt.ip6(packet.transport) is None
    for found in (packet.transport.data, packet.ip.payload):
        inner = plt.ip6(found)
        assert inner.udp.dst_port == 53
        assert str(inner.src_prefix) == p.SRC6
    assert plt.ip(packet.transport).data == packet.ip.data


def test_no_transport_to_be_found() -> None:
    later = kind("fragment4_next").ip
    assert plt.udp(later) is plt.tcp(later) is plt.icmp(later) is None
    for size, packet in enumerate(cuts(gen.KINDS["options4"][1])[14:], 14):
        assert (plt.tcp(packet.ip) is None) == (size < 42)
    short = make(p.eth(p.ipv4(p.TCP, p.tcp(), ihl=4)))
    assert plt.tcp(short.ip) is None


def test_from_nothing() -> None:
    for make_layer in MAKERS.values():
        assert make_layer(plt.packet()) is None
        assert make_layer(kind("arp").layer3) is None
        assert make_layer(kind("tcp4").tcp.payload) is None
