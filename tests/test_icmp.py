# SPDX-License-Identifier: LGPL-3.0-or-later
"""ICMP and ICMPv6: fields, parts, quoted packets."""

from __future__ import annotations

import gen
import gen_packets as p
import ipp
import pytest
from making import cuts, kind, make, plt

MESSAGE = bytes(range(0x30, 0x30 + 48))
FIELDS = {
    "type": (1, 0x30),
    "code": (2, 0x31),
    "checksum": (4, 0x3233),
    "echo.ident": (6, 0x3435),
    "echo.sequence": (8, 0x3637),
}
FIELDS4 = FIELDS | {"redirect.gateway": (8, MESSAGE[4:8])}
FIELDS6 = FIELDS | {
    "toobig.mtu": (8, 0x34353637),
    "param.pointer": (8, 0x34353637),
    "neighbour.target_prefix": (24, MESSAGE[8:24]),
    "neighbour.dest_prefix": (40, MESSAGE[24:40]),
}


def value(message: object, path: str) -> object:
    found = message
    for name in path.split("."):
        found = getattr(found, name)
    if not isinstance(found, ipp.IPprefix):
        return found
    with pytest.raises(AttributeError):
        found.length  # noqa: B018
    return bytes(found.addr)


def check(message: object, size: int, path: str, needs: int, expected: object) -> None:
    if message is None:
        assert size == 0  # no byte of it is captured
    elif size >= needs:
        assert value(message, path) == expected
    else:
        with pytest.raises(ValueError, match="cut off"):
            value(message, path)


@pytest.mark.parametrize("path", FIELDS4)
def test_icmp_field(path: str) -> None:
    for size, packet in enumerate(cuts(p.eth(p.ipv4(p.ICMP, MESSAGE)))[34:]):
        check(packet.icmp, size, path, *FIELDS4[path])
        check(plt.icmp(bytearray(MESSAGE[:size])), size, path, *FIELDS4[path])


@pytest.mark.parametrize("path", FIELDS6)
def test_icmp6_field(path: str) -> None:
    for size, packet in enumerate(cuts(p.eth(p.ipv6(p.ICMP6, MESSAGE), p.IPV6))[54:]):
        check(packet.icmp6, size, path, *FIELDS6[path])
        check(plt.icmp6(bytearray(MESSAGE[:size])), size, path, *FIELDS6[path])


def test_fields_of_a_part_are_not_those_of_the_message() -> None:
    """An echo's identifier stands beside that of the IPv4 header."""
    packet = make(p.eth(p.ipv4(p.ICMP, p.echo(7, 8, b"abcd"), ident=99)))
    assert packet.icmp.ident == packet.icmp.redirect.ident == 99
    assert packet.icmp.echo.ident == 7
    assert packet.icmp.echo.sequence == 8
    assert not hasattr(packet.icmp, "sequence")
    assert not hasattr(kind("icmp6").icmp6, "ident")


@pytest.mark.parametrize("name", ["icmp4", "icmp6", "icmp4_error", "neighbour"])
def test_parts_are_messages(name: str) -> None:
    packet = kind(name)
    message = packet.icmp or packet.icmp6
    parts = ("echo", "redirect") if packet.icmp else ("echo", "toobig", "param", "neighbour")
    for part in parts:
        found = getattr(message, part)
        for field in ("type", "code", "checksum", "data", "size", "ttl", "version", "proto"):
            assert getattr(found, field) == getattr(message, field)
        assert found.src_prefix == message.src_prefix
        assert found.kind == "copy"
        assert type(found.echo) is type(message.echo)
        for field in ("wire_len", "time", "seconds", "ip", "direction"):
            with pytest.raises(ValueError, match="copy"):
                getattr(found, field)
        with pytest.raises(ValueError, match="copy"):
            found.checksum = 1


# Payloads

QUOTED4, QUOTED6 = gen.KINDS["raw4"][1], gen.KINDS["raw6"][1]


@pytest.mark.parametrize("type_", range(256))
def test_icmp_payload(type_: int) -> None:
    packet = make(p.eth(p.ipv4(p.ICMP, p.icmp(type_, 0, bytes(4) + QUOTED4))))
    payload = packet.icmp.payload
    if type_ in (3, 4, 5, 11, 12):
        assert type(payload) is plt.ip
        assert (payload.kind, payload.type, payload.ethertype) == ("copy", "IP", 0x0800)
        assert payload.data == QUOTED4
        assert payload.tcp.dst_port == 80
        assert payload.tcp.payload.data == payload.tcp_payload.data == b"GET / HTTP/1.0\r\n\r\n"
        assert payload.udp is payload.icmp is payload.sctp is None
        assert payload.payload == payload.tcp.data
    else:
        assert payload == QUOTED4
        assert type(payload) is bytearray


@pytest.mark.parametrize("type_", range(256))
def test_icmp6_payload(type_: int) -> None:
    packet = make(p.eth(p.ipv6(p.ICMP6, p.icmp(type_, 0, bytes(4) + QUOTED6)), p.IPV6))
    payload = packet.icmp6.payload
    if type_ in (1, 2, 3, 4):
        assert type(payload) is plt.ip6
        assert (payload.kind, payload.type, payload.ethertype) == ("copy", "IP6", 0x86DD)
        assert payload.data == QUOTED6
        assert payload.udp.dst_port == 53
        assert payload.udp.payload.data == QUOTED6[48:]
        assert payload.tcp is payload.icmp6 is None
        assert payload.next_hdr == payload.proto == 17
    else:
        assert payload == QUOTED6


def test_payload_needs_twelve_bytes() -> None:
    for type_ in (0, 3, 8, 11):
        frame = p.eth(p.ipv4(p.ICMP, p.icmp(type_, 0, bytes(4) + QUOTED4)))
        for size, packet in enumerate(cuts(frame)[35:], 1):
            if size < 12:
                with pytest.raises(ValueError, match="cut off"):
                    packet.icmp.payload  # noqa: B018
            elif type_ in (3, 11):
                assert packet.icmp.payload.data == QUOTED4[: size - 8]
            else:
                assert packet.icmp.payload == QUOTED4[: size - 8]
    for type_ in (1, 128):
        frame = p.eth(p.ipv6(p.ICMP6, p.icmp(type_, 0, bytes(4) + QUOTED6)), p.IPV6)
        for size, packet in enumerate(cuts(frame)[55:], 1):
            if size < 12:
                with pytest.raises(ValueError, match="cut off"):
                    packet.icmp6.payload  # noqa: B018
            else:
                data = packet.icmp6.payload
                assert (data if type_ == 128 else data.data) == QUOTED6[: size - 8]


def test_bare_echo_has_no_payload() -> None:
    with pytest.raises(ValueError, match="cut off"):
        make(p.eth(p.ipv4(p.ICMP, p.echo()))).icmp.payload  # noqa: B018


def test_cut_quotation() -> None:
    """A quoted header says what of it is there."""
    frame = p.eth(p.ipv4(p.ICMP, p.icmp(11, 0, bytes(4) + QUOTED4)))
    for size, packet in enumerate(cuts(frame)[46:], 4):
        inner = packet.icmp.payload
        assert (inner.tcp is not None) == (size >= 24)
        if size >= 28:
            assert inner.tcp.seq_nbr == 1
        if size >= 20:
            assert str(inner.dst_prefix) == p.DST4
            assert inner.proto == 6
        else:
            with pytest.raises(ValueError, match="cut off"):
                inner.dst_prefix  # noqa: B018
        if size >= 22:
            assert inner.src_port == 40000


@pytest.mark.parametrize("through", ["view", "data"])
def test_quotation_that_changes(through: str) -> None:
    """What is quoted is read anew, as every layer of the packet is."""
    packet = kind("icmp4_error")
    quoted = packet.icmp.payload
    stack = packet.layers[3].object
    at = len(packet.data) - quoted.size
    whole = packet.data
    assert quoted.udp.size == len(whole) - at - 20
    whole[at] = 0x46
    if through == "view":
        memoryview(packet)[at] = 0x46
    else:
        packet.data = whole
    for ip in (quoted, stack):
        assert ip.hdr_len == 6
        assert ip.payload == whole[at + 24 :]
        assert ip.udp.data == whole[at + 24 :]


def test_quotation_of_another_family() -> None:
    """The type says what is quoted; where it is not, there is nothing behind it."""
    packet = make(p.eth(p.ipv4(p.ICMP, p.icmp(3, 1, bytes(4) + QUOTED6))))
    assert type(packet.icmp.payload) is plt.ip
    assert packet.icmp.payload.version == 6
    assert packet.icmp.payload.udp is packet.icmp.payload.tcp is None
    packet = make(p.eth(p.ipv6(p.ICMP6, p.icmp(1, 4, bytes(4) + QUOTED4)), p.IPV6))
    assert packet.icmp6.payload.version == 4
    assert packet.icmp6.payload.tcp is None


def test_quotation_of_a_quotation() -> None:
    inner = p.ipv4(p.ICMP, p.icmp(3, 3, bytes(4) + QUOTED4))
    packet = make(p.eth(p.ipv4(p.ICMP, p.icmp(11, 0, bytes(4) + inner))))
    assert packet.icmp.payload.icmp.type == 3
    assert packet.icmp.payload.icmp.payload.tcp.dst_port == 80
    assert packet.icmp.payload.icmp.kind == "copy"


def test_neighbour() -> None:
    packet = kind("neighbour")
    assert str(packet.icmp6.neighbour.target_prefix) == p.DST6
    with pytest.raises(ValueError, match="cut off"):
        packet.icmp6.neighbour.dest_prefix  # noqa: B018
    redirect = p.icmp(137, 0, bytes(4) + p.ip("2001:db8::7") + p.ip("2001:db8::8"))
    packet = make(p.eth(p.ipv6(p.ICMP6, redirect), p.IPV6))
    assert str(packet.icmp6.neighbour.target_prefix) == "2001:db8::7"
    assert str(packet.icmp6.neighbour.dest_prefix) == "2001:db8::8"


def test_redirect() -> None:
    packet = make(p.eth(p.ipv4(p.ICMP, p.icmp(5, 1, p.ip("192.0.2.254") + QUOTED4))))
    assert str(packet.icmp.redirect.gateway) == "192.0.2.254"
    assert packet.icmp.payload.tcp.src_port == 40000
