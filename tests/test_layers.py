# SPDX-License-Identifier: LGPL-3.0-or-later
"""What all objects of a packet share: which there are, what they are, where their bytes are, what
may be set.
"""

from __future__ import annotations

import operator
import pathlib
from functools import reduce
from typing import Any

import gen
import gen_files as f
import gen_packets as p
import libtrace
import pytest
from making import TIME, cuts, kind, make, plt

BASES = {
    "Data": "packet",
    "Layer2": "Data",
    "Layer3": "Data",
    "Transport": "Layer3",
    "Internet": "Data",
    "ip": "Internet",
    "icmp": "ip",
    "echo": "icmp",
    "redirect": "icmp",
    "ip6": "Internet",
    "icmp6": "ip6",
    "echo6": "icmp6",
    "toobig6": "icmp6",
    "param6": "icmp6",
    "neighbour6": "icmp6",
    "tcp": "Internet",
    "udp": "Internet",
    "sctp": "Internet",
    "chunk": "Internet",
}

TCP_PARTS = ["layer2", "layer3", "transport", "ip", "tcp", "tcp_payload", "tcp.payload"]
UDP6_PARTS = ["layer2", "layer3", "transport", "ip6", "udp", "udp_payload", "udp.payload"]
ICMP_PARTS = ["icmp", "icmp.echo", "icmp.redirect"]
ICMP6_PARTS = ["icmp6", "icmp6.echo", "icmp6.toobig", "icmp6.param", "icmp6.neighbour"]
PARTS = {
    "tcp4": TCP_PARTS,
    "udp6": UDP6_PARTS,
    "icmp4": ICMP_PARTS,
    "icmp4_error": ["icmp.payload", "icmp.payload.udp"],
    "icmp6": ICMP6_PARTS,
    "sctp4": ["sctp"],
}
ALL_PARTS = [(name, path) for name, paths in PARTS.items() for path in paths]
COPIES = {
    "tcp.payload",
    "udp.payload",
    "icmp.echo",
    "icmp.redirect",
    "icmp.payload",
    "icmp.payload.udp",
    "icmp6.echo",
    "icmp6.toobig",
    "icmp6.param",
    "icmp6.neighbour",
}


def part(packet: libtrace.Packet, path: str) -> Any:
    return operator.attrgetter(path)(packet)


# Classes


def test_classes() -> None:
    for name, base in BASES.items():
        assert issubclass(getattr(plt, name), getattr(plt, base)), name
    assert not issubclass(plt.chunk, plt.sctp)
    assert plt.Data is plt.packet is libtrace.Packet
    assert plt.ip is libtrace.IP
    assert not issubclass(plt.tcp, plt.ip)


CLASSES = {
    "layer2": "Layer2",
    "layer3": "Layer3",
    "transport": "Transport",
    "tcp_payload": "Transport",
    "tcp.payload": "Transport",
    "udp_payload": "Transport",
    "udp.payload": "Transport",
    "icmp.echo": "echo",
    "icmp.redirect": "redirect",
    "icmp.payload": "ip",
    "icmp.payload.udp": "udp",
    "icmp6.echo": "echo6",
    "icmp6.toobig": "toobig6",
    "icmp6.param": "param6",
    "icmp6.neighbour": "neighbour6",
}


@pytest.mark.parametrize(("name", "path"), ALL_PARTS)
def test_objects(name: str, path: str) -> None:
    packet = kind(name)
    found = part(packet, path)
    assert type(found) is getattr(plt, CLASSES.get(path, path))
    assert isinstance(found, plt.Data)
    again = part(packet, path)
    assert found is not again
    assert found != again
    assert found == found
    assert len({found, again, found}) == 2
    assert bool(found) is True
    with pytest.raises(TypeError):
        len(found)
    with pytest.raises(TypeError):
        iter(found)


@pytest.mark.parametrize("name", ["Layer2", "Layer3", "Transport", "Internet", "echo", "chunk"])
def test_parts_are_not_made(name: str) -> None:
    for arguments in ((), (kind("tcp4"),), (bytearray(40),)):
        with pytest.raises(TypeError):
            getattr(plt, name)(*arguments)


def test_hash_is_that_of_the_object(tmp_path: pathlib.Path) -> None:
    """What is read into a packet does not change it as a key."""
    frames = [frame for link, frame in gen.KINDS.values() if link == f.DLT_EN10MB]
    with libtrace.open(f.write_pcap(tmp_path / "x.pcap", f.records(*frames))) as trace:
        packet = plt.packet()
        before = hash(packet)
        while trace.read_packet(packet):
            assert hash(packet) == before


def test_empty_payloads_are_true() -> None:
    assert kind("no_next6").transport
    assert kind("no_next6").transport.data == bytearray()


# Which layers there are

LAYERS = ("ip", "ip6", "transport", "tcp", "udp", "icmp", "icmp6", "sctp")
PRESENT = {
    "tcp4": {"ip", "transport", "tcp"},
    "udp4": {"ip", "transport", "udp"},
    "icmp4": {"ip", "transport", "icmp"},
    "icmp4_error": {"ip", "transport", "icmp"},
    "igmp": {"ip", "transport"},
    "sctp4": {"ip", "transport", "sctp"},
    "options4": {"ip", "transport", "tcp"},
    "fragment4_first": {"ip", "transport", "udp"},
    "fragment4_next": {"ip"},
    "gre": {"ip", "transport"},
    "ipip": {"ip", "transport"},
    "six_in_four": {"ip", "transport"},
    "padded": {"ip", "transport", "tcp"},
    "tcp6": {"ip6", "transport", "tcp"},
    "udp6": {"ip6", "transport", "udp"},
    "icmp6": {"ip6", "transport", "icmp6"},
    "hop_by_hop": {"ip6", "transport", "udp"},
    "chain6": {"ip6", "transport", "tcp"},
    "fragment6_first": {"ip6", "transport", "udp"},
    "fragment6_next": {"ip6"},
    "no_next6": {"ip6", "transport"},
    "arp": set(),
    "stp": set(),
    "snap": set(),
    "vlan": {"ip", "transport", "tcp"},
    # One 802.1Q tag is taken off, no more; `transport` looks through all.
    "vlan_vlan": {"transport"},
    "qinq": {"transport"},
    "mpls": {"transport"},
    "pppoe": {"transport"},
    "pppoe6": {"transport"},
    "raw4": {"ip", "transport", "tcp"},
    "raw6": {"ip6", "transport", "udp"},
    "sll": {"ip", "transport", "tcp"},
    "sll_out6": {"ip6", "transport", "udp"},
    "sll_arp": set(),
    "wifi": {"ip", "transport", "tcp"},
    "wifi_beacon": set(),
    "radiotap": {"ip", "transport", "tcp"},
    "ppp": {"ip", "transport", "tcp"},
    "ppp_hdlc": {"ip", "transport", "tcp"},
    "ppp_hdlc_lcp": set(),
    "chdlc": {"ip", "transport", "udp"},
    "loop6": {"ip6", "transport", "udp"},
}


@pytest.mark.parametrize("name", PRESENT)
def test_presence(name: str) -> None:
    packet = kind(name)
    assert {layer for layer in LAYERS if getattr(packet, layer) is not None} == PRESENT[name]
    for other in (packet.layer2, packet.layer3, packet.transport):
        if other is not None:
            assert {x for x in LAYERS if getattr(other, x) is not None} == PRESENT[name]


def test_no_mixing_of_families() -> None:
    assert make(p.eth(p.ipv4(p.ICMP6, p.echo()))).icmp6 is None
    assert make(p.eth(p.ipv6(p.ICMP, p.echo()), p.IPV6)).icmp is None


LEAST = {"tcp4": ("tcp", 34, 4), "udp6": ("udp", 54, 4), "sctp4": ("sctp", 34, 4)}
LEAST |= {"icmp4": ("icmp", 34, 1), "icmp6": ("icmp6", 54, 1)}


@pytest.mark.parametrize("name", LEAST)
def test_least_bytes_of_a_transport_header(name: str) -> None:
    layer, at, least = LEAST[name]
    for size, packet in enumerate(cuts(gen.KINDS[name][1])):
        assert (getattr(packet, layer) is not None) == (size >= at + least), size
        assert (packet.transport is not None) == (size >= at), size
        # ip and ip6 depend on the EtherType alone.
        assert (packet.ip or packet.ip6 or None) is not None or size < 14
        assert packet.layer2 is not None
        assert packet.layer3 is not None


@pytest.mark.parametrize("ihl", range(5))
def test_header_shorter_than_20_bytes(ihl: int) -> None:
    packet = make(p.eth(p.ipv4(p.TCP, p.tcp(), ihl=ihl)))
    assert packet.ip is not None
    assert packet.ip.hdr_len == ihl
    assert packet.transport is packet.tcp is packet.tcp_payload is None
    assert packet.ip.test_l3_cksm() is None
    with pytest.raises(ValueError, match="payload"):
        packet.ip.payload  # noqa: B018


# Where the bytes are

EXTENTS = {
    ("tcp4", "layer2"): 0,
    ("tcp4", "layer3"): 14,
    ("tcp4", "ip"): 14,
    ("tcp4", "transport"): 34,
    ("tcp4", "tcp"): 34,
    ("tcp4", "tcp_payload"): 54,
    ("tcp4", "tcp.payload"): 54,
    ("options4", "ip"): 14,
    ("options4", "transport"): 42,
    ("options4", "tcp"): 42,
    ("chain6", "ip6"): 14,
    ("chain6", "tcp"): 14 + 40 + 8 + 8 + 24 + 24,
    ("udp6", "udp_payload"): 62,
    ("udp6", "udp.payload"): 62,
    ("icmp4", "icmp"): 34,
    ("icmp4", "icmp.echo"): 34,
    ("icmp4", "icmp.redirect"): 34,
    ("icmp4_error", "icmp.payload"): 42,
    ("icmp4_error", "icmp.payload.udp"): 62,
    ("icmp6", "icmp6.neighbour"): 54,
    ("sctp4", "sctp"): 34,
    ("vlan", "layer2"): 0,
    ("vlan", "layer3"): 18,
    ("vlan", "tcp"): 38,
    ("vlan_vlan", "layer3"): 18,
    ("mpls", "layer3"): 14,
    ("mpls", "transport"): 14 + 8 + 20,
    ("pppoe", "transport"): 14 + 8 + 20,
    ("arp", "layer3"): 14,
    ("raw4", "layer2"): 0,
    ("raw4", "layer3"): 0,
    ("sll", "layer2"): 16,
    ("sll", "layer3"): 16,
    ("sll", "transport"): 36,
    ("loop", "layer2"): 0,
    ("loop", "layer3"): 4,
    ("ppp", "layer3"): 2,
    ("ppp_hdlc", "layer3"): 4,
    ("chdlc", "layer3"): 4,
    ("wifi", "layer2"): 0,
    ("wifi", "layer3"): 32,
}


@pytest.mark.parametrize(("name", "path"), EXTENTS)
def test_extent(name: str, path: str) -> None:
    frame = gen.KINDS[name][1]
    found = part(kind(name), path)
    expected = frame[EXTENTS[name, path] :]
    assert found.data == expected
    assert type(found.data) is bytearray
    assert found.size == len(expected)
    assert bytes(found) == expected
    assert memoryview(found) == expected
    found.data[:] = bytes(len(expected))
    assert found.data == expected


def test_packet_data() -> None:
    for name in ("tcp4", "vlan", "qinq", "arp"):
        assert kind(name).data == gen.KINDS[name][1]
        assert kind(name).size == len(gen.KINDS[name][1])
    frame = gen.KINDS["sll"][1]
    assert kind("sll").data == frame[16:]
    assert bytes(kind("sll")) == frame


def test_padding_is_kept() -> None:
    """Lengths in IP, IPv6 and UDP headers trim nothing."""
    reply = make(p.eth(p.ipv4(p.ICMP, p.echo(type_=0))).ljust(60, b"\0"))
    assert reply.icmp.payload == bytearray(18)
    ack = make(p.eth(p.ipv4(p.TCP, p.tcp())).ljust(60, b"\0"))
    assert ack.tcp.payload.data == bytearray(6)
    assert ack.ip.payload == ack.tcp.data
    datagram = make(p.eth(p.ipv4(p.UDP, p.udp(1, 2, b"abc", length=9))) + b"pad")
    assert datagram.udp.payload.data == b"abcpad"
    assert datagram.udp_payload.data == b"abcpad"
    short = make(p.eth(p.ipv6(p.UDP, p.udp(1, 2, b"abc"), payload_length=9), p.IPV6))
    assert short.ip6.payload == short.udp.data


def test_payload_of_nothing() -> None:
    packet = make(p.eth(p.ipv4(p.TCP, p.tcp())))
    assert packet.tcp.payload is packet.tcp_payload is None
    packet = make(p.eth(p.ipv4(p.UDP, p.udp())))
    assert packet.udp.payload is packet.udp_payload is None
    for size, cut in enumerate(cuts(gen.KINDS["tcp4"][1])):
        assert (cut.tcp_payload is not None) == (size > 54)
    for size, cut in enumerate(cuts(gen.KINDS["udp4"][1])):
        assert (cut.udp_payload is not None) == (size > 42)


# kind, type, info, dump

TYPES: dict[str, object] = {
    "layer2": "Layer2",
    "layer3": "Layer3",
    "transport": "Transport",
    "ip": "IP",
    "ip6": "IP6",
    "tcp": "TCP",
    "udp": "UDP",
    "sctp": "SCTP",
    "icmp.payload": "IP",
    "icmp.payload.udp": "UDP",
    **dict.fromkeys(("tcp_payload", "tcp.payload", "udp_payload", "udp.payload"), "payload"),
    **dict.fromkeys(ICMP_PARTS, 8),
    **dict.fromkeys(ICMP6_PARTS, 128),
}


@pytest.mark.parametrize(("name", "path"), ALL_PARTS)
def test_kind_and_type(name: str, path: str) -> None:
    found = part(kind(name), path)
    assert found.kind == ("copy" if path in COPIES else "packet")
    assert found.type == TYPES[path]


def test_info() -> None:
    packet = kind("tcp4")
    assert packet.info() == "Data: type=Packet, kind=packet, inrem=58, rem=72"
    assert packet.layer2.info() == "Data: type=Layer2, kind=packet, inrem=58, rem=72"
    assert packet.ip.info() == "Data: type=IP, kind=packet, inrem=58, rem=58"
    assert packet.tcp.payload.info() == "Data: type=payload, kind=copy, inrem=58, rem=18"
    long = make(p.eth(p.ipv4(p.UDP, p.udp(1, 2, bytes(1400)))))
    assert long.transport.info() == "Data: type=Transport, kind=packet, inrem=1428, re"[:49]
    assert len(long.transport.info()) == 49


def test_dump_does_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    packet = kind("tcp4")
    for found in (packet, packet.ip, packet.tcp.payload, plt.packet(), plt.ip(bytearray(20))):
        assert found.dump() is None
    assert tuple(capfd.readouterr()) == ("", "")


# Only from a packet

RECORD = ("time", "seconds", "ts_sec", "erf_time", "wire_len", "capture_len", "direction")
OWN = ("layer2", "layer3", "transport", "ip", "ip6", *RECORD)
METHODS = ("test_l3_cksm", "set_l3_cksm", "test_trans_cksm", "set_trans_cksm")
ALWAYS: tuple[str, ...] = ("tcp", "udp", "icmp", "icmp6", "sctp", "tcp_payload", "udp_payload")
ALWAYS += ("ethertype", "linktype", "proto", "vlan_id", "data")


def copies() -> list[Any]:
    packet = kind("icmp4_error")
    return [
        *(part(kind(name), path) for name, path in ALL_PARTS if path in COPIES),
        packet.icmp.payload.udp,
        plt.ip(packet.ip),
        plt.icmp(packet),
        plt.ip(bytearray(packet.ip.data)),
        plt.tcp(bytearray(20)),
    ]


@pytest.mark.parametrize("number", range(len(copies())))
def test_copies(number: int) -> None:
    found = copies()[number]
    assert found.kind == "copy"
    for name in OWN:
        with pytest.raises(ValueError, match="copy"):
            getattr(found, name)
    for name in ALWAYS:
        if not (name == "proto" and isinstance(found, plt.Internet)):
            getattr(found, name)
    for name in METHODS:
        if isinstance(found, plt.Internet):
            with pytest.raises(ValueError, match="copy"):
                getattr(found, name)()
    with pytest.raises(ValueError, match="copy"):
        found.set_checksums()
    if hasattr(found, "checksum"):
        with pytest.raises(ValueError, match="copy"):
            found.checksum = 1


@pytest.mark.parametrize(("name", "path"), [x for x in ALL_PARTS if x[1] not in COPIES])
def test_layers_show_the_record(name: str, path: str) -> None:
    packet = kind(name)
    found = part(packet, path)
    for field in (*RECORD, "linktype", "ethertype", "vlan_id", "datetime", "timestamp_ns"):
        assert getattr(found, field) == getattr(packet, field)
    for field in ("src", "dst", "src_text", "dst_text", "src_mac", "dst_mac", "ip_proto"):
        assert getattr(found, field) == getattr(packet, field)
    for field in ("vlan_ids", "mpls_labels"):
        assert getattr(found, field) == getattr(packet, field)
    assert found.timestamp_ns == TIME
    assert [layer[:3] for layer in found.layers] == [layer[:3] for layer in packet.layers]


# proto


def test_proto() -> None:
    packet = kind("tcp4")
    assert packet.proto == packet.layer2.proto == packet.layer3.proto == 0
    assert packet.tcp_payload.proto == 0
    assert packet.transport.proto == packet.ip.proto == packet.tcp.proto == 6
    assert packet.tcp.payload.proto == 6
    assert kind("udp6").udp.payload.proto == 17
    assert kind("udp6").udp_payload.proto == 0
    assert kind("chain6").transport.proto == kind("chain6").ip6.proto == 6
    assert kind("igmp").transport.proto == 2
    assert kind("no_next6").transport.proto == 59
    assert kind("mpls").transport.proto == 6


# Setting

READ_ONLY = {
    "vlan": ["kind", "type", "size", "ethertype", "time", "ip", "tcp", "wire_len", "vlan_id"],
    "tcp4": ["ip.version", "ip.ident", "ip.hdr_len", "ip.payload", "ip.has_df", "tcp.src_port"],
    "raw4": ["tcp.flags", "tcp.payload", "tcp.options_data", "tcp.urg_ptr", "layers", "datetime"],
    "sll": ["ip.wire_len", "tcp.kind", "transport.proto"],
    "udp6": ["udp.len", "udp.payload", "ip6.flow_label", "ip6.next_hdr", "ip6.payload_len"],
    "icmp4": ["icmp.type", "icmp.code", "icmp.echo", "icmp.payload", "icmp.echo.sequence"],
    "icmp6": ["icmp6.type", "icmp6.toobig", "icmp6.toobig.mtu", "icmp6.param.pointer"],
    "sctp4": ["sctp.checksum", "sctp.chunks", "sctp.verification_tag"],
}


@pytest.mark.parametrize(("name", "path"), [(n, x) for n, xs in READ_ONLY.items() for x in xs])
def test_read_only(name: str, path: str) -> None:
    packet = kind(name)
    *owners, field = path.split(".")
    owner = reduce(getattr, owners, packet)
    with pytest.raises(TypeError):
        setattr(owner, field, 5)
    with pytest.raises((TypeError, AttributeError)):
        delattr(owner, field)
    assert bytes(packet) == gen.KINDS[name][1]


@pytest.mark.parametrize("path", ["data", "ip.ttl", "ip.data", "ip.traffic_class", "tcp.checksum"])
def test_nothing_is_deleted(path: str) -> None:
    packet = kind("tcp4")
    *owners, field = path.split(".")
    with pytest.raises((TypeError, AttributeError)):
        delattr(reduce(getattr, owners, packet), field)
    assert bytes(packet) == gen.KINDS["tcp4"][1]


def test_unknown_attribute() -> None:
    packet = kind("tcp4")
    for found in (packet, packet.ip, packet.tcp.payload):
        with pytest.raises(AttributeError):
            found.nonsense = 1
        with pytest.raises(AttributeError):
            found.nonsense  # noqa: B018
        with pytest.raises(AttributeError):
            del found.nonsense


@pytest.mark.parametrize(("name", "path"), ALL_PARTS)
def test_set_data(name: str, path: str) -> None:
    packet = kind(name)
    found = part(packet, path)
    before = bytes(packet)
    at = len(before) - found.size
    for wrong in (b"abc", "abc", None, 5, type("B", (bytearray,), {})(b"abc")):
        with pytest.raises(ValueError, match="bytearray"):
            found.data = wrong
    with pytest.raises(ValueError, match="fit"):
        found.data = bytearray(found.size + 1)
    assert bytes(packet) == before
    found.data = bytearray()
    assert bytes(packet) == before
    found.data = bytearray(b"\xee\xee")
    assert bytes(packet) == before[:at] + b"\xee\xee" + before[at + 2 :]
    found.data = bytearray(range(found.size))
    assert found.data == bytes(range(found.size))
    assert bytes(packet) == before[:at] + bytes(range(found.size))


def test_what_is_set_is_seen_everywhere() -> None:
    packet = kind("tcp4")
    ip, tcp, transport, layer3 = packet.ip, packet.tcp, packet.transport, packet.layer3
    ip.ttl = 9
    assert packet.ip.ttl == tcp.ttl == layer3.ip.hop_limit == 9
    assert bytes(packet)[22] == layer3.data[8] == 9
    transport.data = bytearray(b"\x12\x34")
    assert packet.tcp.src_port == tcp.src_port == packet.src_port == 0x1234
    packet.data = bytearray(gen.KINDS["udp6"][1][:72])
    assert packet.ip is packet.tcp is None
    assert packet.udp.dst_port == 53
    assert packet.ethertype == packet.layer3.ethertype == 0x86DD


def test_memoryview_is_seen_everywhere() -> None:
    packet = kind("tcp4")
    tcp = packet.tcp
    with memoryview(packet) as view:
        view[34:36] = b"\x12\x34"
        assert tcp.src_port == packet.tcp.src_port == packet.src_port == 0x1234
        view[12:14] = b"\x86\xdd"
        assert packet.ip is None
        assert packet.ip6 is not None
    with memoryview(tcp) as view:
        view[2:4] = b"\x43\x21"
        assert packet.layer2.data[36:38] == b"\x43\x21"
        del packet, tcp
        assert bytes(view[2:4]) == b"\x43\x21"


# A packet that nothing was read into


def test_unread_packet() -> None:
    packet = plt.packet()
    assert (packet.kind, packet.type, packet.size, packet.data) == ("packet", "Packet", 0, b"")
    assert packet.ethertype == packet.linktype == packet.vlan_id == packet.proto == 0
    for name in ("ip", "ip6", "tcp", "udp", "icmp", "icmp6", "sctp", "tcp_payload", "udp_payload"):
        assert getattr(packet, name) is None
    assert packet.layer2.data == packet.layer3.data == b""
    for name in ("transport", *RECORD, "datetime", "timestamp_ns", "layers", "vlan_ids"):
        with pytest.raises(ValueError, match="nothing was read"):
            getattr(packet, name)
    with pytest.raises(ValueError, match="nothing was read"):
        packet.apply_filter(plt.filter("tcp"))
    with pytest.raises(ValueError, match="nothing was read"):
        packet.set_checksums()
    with pytest.raises(ValueError, match="fit"):
        packet.data = bytearray(1)
    assert bytes(packet) == b""
    assert packet.hexdump() == ""


# Filters


def test_filters_are_for_packets() -> None:
    packet = kind("tcp4")
    assert packet.apply_filter(plt.filter("tcp")) is True
    assert packet.apply_filter(plt.filter("udp port 53")) is False
    assert packet.apply_filter(plt.filter("no such thing")) is None
    assert packet.apply_filter(plt.filter("")) is True
    for found in (packet.ip, packet.layer2, packet.tcp.payload, plt.ip(bytearray(20))):
        with pytest.raises(ValueError, match="packet"):
            found.apply_filter(plt.filter("tcp"))
    for wrong in (None, "tcp", 5):
        with pytest.raises(TypeError):
            packet.apply_filter(wrong)


# Packets outlive what they come from


def test_layers_keep_their_packet(tmp_path: pathlib.Path) -> None:
    path = f.write_pcap(tmp_path / "x.pcap", f.records(gen.KINDS["tcp4"][1], gen.KINDS["udp4"][1]))
    trace = plt.trace(f"pcapfile:{path}")
    trace.start()
    packet = plt.packet()
    assert trace.read_packet(packet)
    ip, payload, view = packet.ip, packet.tcp.payload, memoryview(packet.tcp)
    assert trace.read_packet(packet)
    assert packet.tcp is None
    assert packet.udp.dst_port == 53
    trace.close()
    del trace, packet
    assert ip.tcp.dst_port == 80
    assert payload.data == b"GET / HTTP/1.0\r\n\r\n"
    assert bytes(view[2:4]) == b"\0\x50"
    ip.ttl = 3
    assert ip.data[8] == 3
