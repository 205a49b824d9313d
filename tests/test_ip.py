# SPDX-License-Identifier: LGPL-3.0-or-later
"""The fields of IPv4 and IPv6 headers: their values, the bytes they need, what may be set."""

from __future__ import annotations

import gen
import gen_packets as p
import ipp
import libtrace
import pytest
from making import cuts, kind, make, plt

FIELDS4 = {
    "version": (1, 4),
    "hdr_len": (1, 6),
    "traffic_class": (2, 0xB9),
    "pkt_len": (4, 27),
    "ident": (6, 0xABCD),
    "has_rf": (7, True),
    "has_df": (7, False),
    "has_mf": (7, True),
    "frag_offset": (8, 0),
    "ttl": (9, 33),
    "hop_limit": (9, 33),
    "proto": (10, 253),
    "checksum": (12, None),
    "src_prefix": (16, "192.0.2.1"),
    "dst_prefix": (20, "198.51.100.2"),
}
FIELDS6 = {
    "version": (1, 6),
    "traffic_class": (2, 0xB9),
    "flow_label": (4, 0xABCDE),
    "payload_len": (7, 11),
    "next_hdr": (7, 60),
    "ttl": (8, 33),
    "hop_limit": (8, 33),
    "src_prefix": (24, "2001:db8::1"),
    "dst_prefix": (40, "2001:db8:1::2"),
}
# Reserved and more fragments: the builder takes both bits together.
IP4 = p.ipv4(253, b"abc", tos=0xB9, ident=0xABCD, flags=5, ttl=33, options=b"\1" * 4)
IP6 = p.ipv6(
    253,
    b"abc",
    traffic_class=0xB9,
    flow=0xABCDE,
    hop_limit=33,
    extensions=[p.options_header(p.DEST_OPTS)],
)


def value(found: object) -> object:
    return str(found) if isinstance(found, ipp.IPprefix) else found


@pytest.mark.parametrize("name", FIELDS4)
def test_ipv4_field(name: str) -> None:
    needs, expected = FIELDS4[name]
    if name == "checksum":
        expected = int.from_bytes(IP4[10:12], "big")
    frame = p.eth(IP4)
    for size, packet in enumerate(cuts(frame)[14:]):
        captured = packet.ip, plt.ip(bytearray(IP4[:size]))
        for ip in captured:
            if size >= needs:
                assert value(getattr(ip, name)) == expected
                assert type(getattr(ip, name)) is not float
            else:
                with pytest.raises(ValueError, match=r"cut off|captured"):
                    getattr(ip, name)


@pytest.mark.parametrize("name", FIELDS6)
def test_ipv6_field(name: str) -> None:
    needs, expected = FIELDS6[name]
    frame = p.eth(IP6, p.IPV6)
    for size, packet in enumerate(cuts(frame)[14:]):
        captured = packet.ip6, plt.ip6(bytearray(IP6[:size]))
        for ip6 in captured:
            if size >= needs:
                assert value(getattr(ip6, name)) == expected
            else:
                with pytest.raises(ValueError, match=r"cut off|captured"):
                    getattr(ip6, name)


def test_only_of_ipv4() -> None:
    ip6 = kind("udp6").ip6
    assert ip6.hdr_len is ip6.pkt_len is None
    for name in ("ident", "has_df", "frag_offset", "checksum"):
        assert not hasattr(ip6, name)
    for name in ("flow_label", "payload_len", "next_hdr"):
        assert not hasattr(kind("udp4").ip, name)
    assert not hasattr(ip6, "hdr_checksum")
    assert not hasattr(kind("udp4").ip, "src_address")


def test_names_of_the_old_manual() -> None:
    packet, ip6, icmp = kind("tcp4"), kind("udp6").ip6, kind("icmp4").icmp
    packet.ip.hdr_checksum = 0x1234
    assert packet.ip.hdr_checksum == packet.ip.checksum == 0x1234
    assert icmp.hdr_checksum == icmp.ip.checksum != icmp.checksum
    memoryview(packet.tcp)[18:20] = b"\5\6"
    assert packet.tcp.urgent == packet.tcp.urg_ptr == 0x506
    ip6.src_address, ip6.dst_address = ip6.dst_prefix, ip6.src_prefix
    assert (ip6.src_address, ip6.dst_address) == (ip6.src_prefix, ip6.dst_prefix)
    assert [str(ip6.src_address), str(ip6.dst_address)] == [p.DST6, p.SRC6]


def test_thresholds_of_ipv6_are_kept_where_there_is_nothing() -> None:
    """`hdr_len`, `pkt_len` and `proto` of IPv6 are None, but need the bytes of IPv4's."""
    for name, needs in (("hdr_len", 1), ("pkt_len", 4), ("proto", 11)):
        for size in range(40):
            ip6 = plt.ip6(bytearray(IP6[:size]))
            if size >= needs:
                assert getattr(ip6, name) is None
            else:
                with pytest.raises(ValueError, match="cut off"):
                    getattr(ip6, name)


@pytest.mark.parametrize("flags", range(8))
@pytest.mark.parametrize("offset", [0, 8, 65528])
def test_fragment_fields(flags: int, offset: int) -> None:
    ip = make(p.eth(p.ipv4(253, bytes(8), flags=flags, offset=offset))).ip
    assert (ip.has_rf, ip.has_df, ip.has_mf) == (flags > 3, flags & 2 > 0, flags & 1 > 0)
    assert ip.frag_offset == offset // 8
    assert ip.proto == 253
    assert (ip.transport is None) == (offset > 0)
    if offset:
        with pytest.raises(ValueError, match="fragment"):
            ip.payload  # noqa: B018
    else:
        assert ip.payload == bytearray(8)


# The family is what the version says


def test_family_is_in_the_data() -> None:
    six_in_v4 = make(p.eth(gen.KINDS["raw6"][1], p.IPV4))
    ip = six_in_v4.ip
    assert type(ip) is libtrace.IP
    assert (ip.version, ip.ttl, ip.hdr_len) == (6, 64, None)
    assert str(ip.src_prefix) == p.SRC6
    assert six_in_v4.transport is six_in_v4.udp is None
    four_in_v6 = make(p.eth(gen.KINDS["raw4"][1], p.IPV6))
    assert (four_in_v6.ip6.version, four_in_v6.ip6.ttl) == (4, 64)
    assert str(four_in_v6.ip6.dst_prefix) == p.DST4
    odd = make(p.eth(b"\x95" + gen.KINDS["raw4"][1][1:]))
    assert odd.ip.version == 9
    assert odd.transport is odd.tcp is None


# proto and payload behind extension headers

CHAIN = gen.KINDS["chain6"][1]
END_OF_CHAIN = 14 + 40 + 8 + 8 + 24 + 24


def test_ipv6_chain() -> None:
    for size, packet in enumerate(cuts(CHAIN)):
        if size < 14 + 11:
            continue
        ip6 = packet.ip6
        assert ip6.proto == (6 if size >= END_OF_CHAIN else None)
        assert (packet.transport is None) == (size < END_OF_CHAIN)
        if size >= END_OF_CHAIN:
            assert ip6.payload == CHAIN[END_OF_CHAIN:size]
            assert type(ip6.payload) is bytearray
        else:
            with pytest.raises(ValueError, match="payload"):
                ip6.payload  # noqa: B018


@pytest.mark.parametrize(
    ("extension", "size"),
    [
        (p.options_header(), 8),
        (p.options_header(p.HOP_BY_HOP, b"\1\x20" + bytes(0x20)), 40),
        (p.routing_header(), 8),
        (p.routing_header(p.SRC6, p.DST6), 40),
        (p.options_header(p.DEST_OPTS), 8),
        (p.fragment_header(), 8),
        (p.auth_header(), 24),
        (p.auth_header(bytes(32)), 44),
    ],
)
def test_extension_lengths(extension: p.Extension, size: int) -> None:
    packet = make(p.eth(p.ipv6(p.UDP, p.udp(1, 2, b"abc"), extensions=[extension]), p.IPV6))
    assert packet.ip6.next_hdr == extension[0]
    assert packet.ip6.proto == packet.transport.proto == 17
    assert packet.udp.dst_port == 2
    assert packet.ip6.payload == packet.udp.data == bytes(packet)[54 + size :]


@pytest.mark.parametrize("proto", [50, 59, 135, 139, 140, 253])
def test_other_headers_end_the_chain(proto: int) -> None:
    packet = make(p.eth(p.ipv6(proto, bytes(24)), p.IPV6))
    assert packet.ip6.proto == packet.transport.proto == proto
    assert packet.ip6.payload == bytearray(24)


def test_later_fragments_of_ipv6_have_no_transport() -> None:
    packet = kind("fragment6_next")
    assert packet.ip6.proto == 17
    assert packet.transport is packet.udp is None
    assert kind("fragment6_first").udp.src_port == 13


def test_ipv4_payload() -> None:
    frame = gen.KINDS["options4"][1]
    for size, packet in enumerate(cuts(frame)[14:], 14):
        if size >= 42:
            assert packet.ip.payload == frame[42:size]
        else:
            with pytest.raises(ValueError, match="payload"):
                packet.ip.payload  # noqa: B018


# Setting

V4, V6 = ipp.from_s("203.0.113.7/24"), ipp.from_s("2001:db8:9::7")
OBJECTS = [("tcp4", "ip"), ("tcp4", "tcp"), ("icmp4", "icmp"), ("tcp6", "ip6"), ("tcp6", "tcp")]
OBJECTS += [("icmp6", "icmp6"), ("sctp4", "sctp"), ("udp4", "udp"), ("vlan", "ip")]


@pytest.mark.parametrize(("name", "layer"), OBJECTS)
def test_setters(name: str, layer: str) -> None:
    packet = kind(name)
    before = bytes(packet)
    found = getattr(packet, layer)
    at = 18 if name == "vlan" else 14
    expected = bytearray(before)
    for number in (0, 255, 0x5A):
        found.traffic_class = number
        assert found.traffic_class == getattr(packet, layer).traffic_class == number
    for number in (1, 255, 77):
        found.ttl = number
        assert found.ttl == found.hop_limit == number
    found.hop_limit = 78
    if packet.ip is not None:
        found.src_prefix, found.dst_prefix = V4, V4
        expected[at + 1], expected[at + 8] = 0x5A, 78
        expected[at + 12 : at + 20] = V4.addr * 2
    else:
        found.src_prefix, found.dst_prefix = V6, V6
        expected[at : at + 2] = b"\x65\xa0"
        expected[at + 7] = 78
        expected[at + 8 : at + 40] = V6.addr * 2
    assert bytes(packet) == expected
    assert str(found.dst_prefix) == str(packet.src) == packet.dst_text


@pytest.mark.parametrize("layer", ["ip", "tcp"])
def test_setters_refuse(layer: str) -> None:
    packet = kind("tcp4")
    found = getattr(packet, layer)
    for name, numbers in (("traffic_class", (-1, 256)), ("ttl", (0, 256)), ("hop_limit", (0, -5))):
        for wrong in (*numbers, 1 << 40, -(1 << 70)):
            with pytest.raises(ValueError, match="not within"):
                setattr(found, name, wrong)
        for text in ("5", 5.0, None, b"5"):
            with pytest.raises(TypeError):
                setattr(found, name, text)
    for name in ("src_prefix", "dst_prefix"):
        with pytest.raises(ValueError, match="IPv6"):
            setattr(found, name, V6)
        for wrong_type in (5, None, "192.0.2.1", bytearray(4)):
            with pytest.raises(TypeError):
                setattr(found, name, wrong_type)
        with pytest.raises((TypeError, AttributeError)):
            delattr(found, name)
    assert bytes(packet) == gen.KINDS["tcp4"][1]
    with pytest.raises(ValueError, match="IPv4"):
        kind("tcp6").ip6.src_prefix = V4


def test_setters_need_the_bytes() -> None:
    for name, layer in (("tcp4", "ip"), ("tcp6", "ip6")):
        frame = gen.KINDS[name][1]
        prefix = V4 if layer == "ip" else V6
        fields = FIELDS4 if layer == "ip" else FIELDS6
        for size, packet in enumerate(cuts(frame)[14:54]):
            found = getattr(packet, layer)
            for field, new in (("traffic_class", 1), ("ttl", 1), ("dst_prefix", prefix)):
                if size >= fields[field][0]:
                    setattr(found, field, new)
                else:
                    before = bytes(packet)
                    with pytest.raises(ValueError, match="cut off"):
                        setattr(found, field, new)
                    assert bytes(packet) == before


def test_setters_leave_checksums_alone() -> None:
    packet = kind("tcp4")
    before = packet.ip.checksum, packet.tcp.checksum
    packet.ip.ttl = 1
    packet.ip.src_prefix = V4
    assert (packet.ip.checksum, packet.tcp.checksum) == before
    assert packet.ip.test_l3_cksm() is False
    assert packet.ip.test_trans_cksm() is False


def test_setters_of_quoted_and_constructed_headers() -> None:
    packet = kind("icmp4_error")
    quoted = packet.icmp.payload
    quoted.ttl = 9
    quoted.dst_prefix = V4
    assert packet.icmp.payload.ttl == bytes(packet)[42 + 8] == 9
    assert str(packet.icmp.payload.dst_prefix) == "203.0.113.7"
    assert packet.ip.ttl == 64
    raw = bytearray(gen.KINDS["raw6"][1])
    plt.ip6(raw).ttl = 3
    plt.ip6(raw).src_prefix = V6
    assert raw[7] == 3
    assert raw[8:24] == V6.addr


@pytest.mark.parametrize("name", ["tcp4", "tcp6", "udp4", "icmp4", "icmp6"])
def test_checksum_is_settable(name: str) -> None:
    packet = kind(name)
    for layer in (packet.ip, packet.tcp, packet.udp, packet.icmp, packet.icmp6):
        if layer is None:
            continue
        before = bytes(packet)
        for number in (0, 0xFFFF, 0x1234):
            layer.checksum = number
            assert layer.checksum == number
        assert bytes(packet).count(b"\x12\x34") == before.count(b"\x12\x34") + 1
        for wrong in (-1, 65536, 1 << 40):
            with pytest.raises(ValueError, match="within"):
                layer.checksum = wrong
        for text in ("5", 5.0, None):
            with pytest.raises(TypeError):
                layer.checksum = text
        assert layer.checksum == 0x1234


NEEDED = {"tcp4": ("tcp", 34 + 18), "udp4": ("udp", 42), "icmp4": ("icmp", 38)}
NEEDED |= {"raw4": ("ip", 12), "icmp6": ("icmp6", 58)}


@pytest.mark.parametrize("name", NEEDED)
def test_setting_a_checksum_needs_its_bytes(name: str) -> None:
    linktype, frame = gen.KINDS[name]
    layer, needs = NEEDED[name]
    for size, packet in enumerate(cuts(frame, linktype)):
        found = getattr(packet, layer)
        if found is None:
            continue
        if size >= needs:
            found.checksum = 0x1234
            assert found.checksum == 0x1234
        else:
            with pytest.raises(ValueError, match="cut off"):
                found.checksum = 0x1234
            assert bytes(packet) == frame[:size]


# Around other layers


def test_layers_have_the_fields_of_their_ip_header() -> None:
    packet = kind("icmp4")
    assert packet.icmp.ident == packet.ip.ident
    assert packet.icmp.ttl == packet.icmp.echo.ttl == packet.ip.ttl
    assert packet.icmp.frag_offset == 0
    assert packet.icmp.checksum != packet.ip.checksum
    assert str(packet.icmp.echo.src_prefix) == p.SRC4
    for name in ("tcp4", "udp4", "tcp6", "udp6", "sctp4", "chain6"):
        packet = kind(name)
        ip = packet.ip or packet.ip6
        layer = packet.tcp or packet.udp or packet.sctp
        for field in ("version", "ttl", "traffic_class", "proto", "hdr_len", "pkt_len"):
            assert getattr(layer, field) == getattr(ip, field)
        assert layer.src_prefix == ip.src_prefix
        assert layer.dst_prefix == ip.dst_prefix
    assert kind("icmp6").icmp6.flow_label == 0
    assert kind("icmp6").icmp6.next_hdr == 58
    inner = kind("icmp4_error").icmp.payload
    assert inner.udp.ttl == inner.ttl == 64
