# SPDX-License-Identifier: LGPL-3.0-or-later
"""Agreement with tshark on every field of every header of every packet, tunnels and quoted packets
included. Where the two may differ, a table says why, and a difference that is gone fails, too.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice, repeat
from typing import Any, NamedTuple

import gen
import gen_files as f
import libtrace
import pytest
import tshark

pytestmark = [
    pytest.mark.skipif(tshark.TSHARK is None, reason="tshark is not installed"),
    pytest.mark.slow,
]

DATA = pathlib.Path(__file__).parent / "data"

# What is compared


def number(text: str) -> int:
    return int(text, 0)


def flag(text: str) -> bool:
    return {"1": True, "0": False, "True": True, "False": False}[text]


def octets(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def since_1970(text: str) -> int:
    """Nanoseconds; tshark 4.4 and later give a date."""
    whole, fraction = text.rstrip("Z").split(".")
    if "T" in whole:
        whole = str(int(datetime.fromisoformat(whole + "+00:00").timestamp()))
    return int(whole) * f.NS + int(fraction.ljust(9, "0"))


class Field(NamedTuple):
    """tshark's name of a field, how its text is read, the layers that have it, our value."""

    name: str
    read: Callable[[str], object]
    layer: str
    get: Callable[[Any], object]


def options_of(kind: type, name: str) -> Callable[[Any], list[object]]:
    return lambda tcp: [getattr(o, name) for o in tcp.options if isinstance(o, kind)]


def edges(tcp: libtrace.TCP, side: int) -> list[int]:
    sacks = [o for o in tcp.options if isinstance(o, libtrace.SelectiveAcknowledgment)]
    return [block[side] for sack in sacks for block in sack.blocks]


def of_type(get: Callable[[Any], object], *types: int) -> Callable[[Any], object]:
    return lambda message: get(message) if message.type in types else []


def whole_chunks(sctp: libtrace.SCTP) -> list[libtrace.Chunk]:
    return [chunk for chunk in sctp.chunks if chunk.is_ok]


FIELDS = [
    Field("ip.version", number, "ip", lambda ip: ip.version),
    Field("ip.hdr_len", number, "ip", lambda ip: 4 * ip.hdr_len),
    Field("ip.dsfield", number, "ip", lambda ip: ip.traffic_class),
    Field("ip.len", number, "ip", lambda ip: ip.pkt_len),
    Field("ip.id", number, "ip", lambda ip: ip.ident),
    Field("ip.flags.rb", flag, "ip", lambda ip: ip.has_rf),
    Field("ip.flags.df", flag, "ip", lambda ip: ip.has_df),
    Field("ip.flags.mf", flag, "ip", lambda ip: ip.has_mf),
    Field("ip.frag_offset", number, "ip", lambda ip: ip.frag_offset),
    Field("ip.ttl", number, "ip", lambda ip: ip.ttl),
    Field("ip.proto", number, "ip", lambda ip: ip.proto),
    Field("ip.checksum", number, "ip", lambda ip: ip.checksum),
    Field("ip.src", str, "ip", lambda ip: str(ip.src_prefix)),
    Field("ip.dst", str, "ip", lambda ip: str(ip.dst)),
    Field("ipv6.version", number, "ipv6", lambda ip6: ip6.version),
    Field("ipv6.tclass", number, "ipv6", lambda ip6: ip6.traffic_class),
    Field("ipv6.flow", number, "ipv6", lambda ip6: ip6.flow_label),
    Field("ipv6.plen", number, "ipv6", lambda ip6: ip6.payload_len),
    Field("ipv6.nxt", number, "ipv6", lambda ip6: ip6.next_hdr),
    Field("ipv6.hlim", number, "ipv6", lambda ip6: ip6.hop_limit),
    Field("ipv6.src", str, "ipv6", lambda ip6: ip6.src_text),
    Field("ipv6.dst", str, "ipv6", lambda ip6: str(ip6.dst_prefix)),
    Field("tcp.srcport", number, "tcp", lambda tcp: tcp.src_port),
    Field("tcp.dstport", number, "tcp", lambda tcp: tcp.dst_port),
    Field("tcp.seq", number, "tcp", lambda tcp: tcp.seq_nbr),
    Field("tcp.ack", number, "tcp", lambda tcp: tcp.ack_nbr),
    Field("tcp.hdr_len", number, "tcp", lambda tcp: 4 * tcp.doff),
    Field("tcp.flags", number, "tcp", lambda tcp: tcp.flags),
    Field("tcp.flags.urg", flag, "tcp", lambda tcp: tcp.urg_flag),
    Field("tcp.flags.ack", flag, "tcp", lambda tcp: tcp.ack_flag),
    Field("tcp.flags.push", flag, "tcp", lambda tcp: tcp.psh_flag),
    Field("tcp.flags.reset", flag, "tcp", lambda tcp: tcp.rst_flag),
    Field("tcp.flags.syn", flag, "tcp", lambda tcp: tcp.syn_flag),
    Field("tcp.flags.fin", flag, "tcp", lambda tcp: tcp.fin_flag),
    Field("tcp.flags.ece", flag, "tcp", lambda tcp: "ECE" in tcp.flag_names),
    Field("tcp.flags.cwr", flag, "tcp", lambda tcp: "CWR" in tcp.flag_names),
    Field("tcp.flags.ae", flag, "tcp", lambda tcp: "AE" in tcp.flag_names),
    Field("tcp.window_size_value", number, "tcp", lambda tcp: tcp.window),
    Field("tcp.checksum", number, "tcp", lambda tcp: tcp.checksum),
    Field("tcp.urgent_pointer", number, "tcp", lambda tcp: tcp.urg_ptr),
    Field("tcp.options", octets, "tcp", lambda tcp: bytes(tcp.options_data) or []),
    Field("tcp.option_kind", number, "tcp", lambda tcp: [*(tcp.option_numbers or [])]),
    Field("tcp.options.mss_val", number, "tcp", options_of(libtrace.MaximumSegmentSize, "mss")),
    Field("tcp.options.wscale.shift", number, "tcp", options_of(libtrace.WindowScale, "shift")),
    Field("tcp.options.timestamp.tsval", number, "tcp", options_of(libtrace.Timestamps, "value")),
    Field(
        "tcp.options.timestamp.tsecr", number, "tcp", options_of(libtrace.Timestamps, "echo_reply")
    ),
    Field("tcp.options.sack_le", number, "tcp", lambda tcp: edges(tcp, 0)),
    Field("tcp.options.sack_re", number, "tcp", lambda tcp: edges(tcp, 1)),
    Field("udp.srcport", number, "udp", lambda udp: udp.src_port),
    Field("udp.dstport", number, "udp", lambda udp: udp.dst_port),
    Field("udp.length", number, "udp", lambda udp: udp.len),
    Field("udp.checksum", number, "udp", lambda udp: udp.checksum),
    Field("icmp.type", number, "icmp", lambda icmp: icmp.type),
    Field("icmp.code", number, "icmp", lambda icmp: icmp.code),
    Field("icmp.checksum", number, "icmp", lambda icmp: icmp.checksum),
    Field("icmp.ident", number, "icmp", of_type(lambda m: m.echo.ident, 0, 8)),
    Field("icmp.seq", number, "icmp", of_type(lambda m: m.echo.sequence, 0, 8)),
    Field("icmp.redir_gw", str, "icmp", of_type(lambda m: str(m.redirect.gateway), 5)),
    Field("icmpv6.type", number, "icmpv6", lambda icmp6: icmp6.type),
    Field("icmpv6.code", number, "icmpv6", lambda icmp6: icmp6.code),
    Field("icmpv6.checksum", number, "icmpv6", lambda icmp6: icmp6.checksum),
    Field("icmpv6.echo.identifier", number, "icmpv6", of_type(lambda m: m.echo.ident, 128, 129)),
    Field(
        "icmpv6.echo.sequence_number",
        number,
        "icmpv6",
        of_type(lambda m: m.echo.sequence, 128, 129),
    ),
    Field("icmpv6.mtu", number, "icmpv6", of_type(lambda m: m.toobig.mtu, 2)),
    Field("icmpv6.pointer", number, "icmpv6", of_type(lambda m: m.param.pointer, 4)),
    Field(
        "icmpv6.nd.ns.target_address",
        str,
        "icmpv6",
        of_type(lambda m: str(m.neighbour.target_prefix), 135),
    ),
    Field(
        "icmpv6.nd.na.target_address",
        str,
        "icmpv6",
        of_type(lambda m: str(m.neighbour.target_prefix), 136),
    ),
    Field(
        "icmpv6.nd.rd.target_address",
        str,
        "icmpv6",
        of_type(lambda m: str(m.neighbour.target_prefix), 137),
    ),
    Field(
        "icmpv6.rd.na.destination_address",
        str,
        "icmpv6",
        of_type(lambda m: str(m.neighbour.dest_prefix), 137),
    ),
    Field("sctp.srcport", number, "sctp", lambda sctp: sctp.src_port),
    Field("sctp.dstport", number, "sctp", lambda sctp: sctp.dst_port),
    Field("sctp.verification_tag", number, "sctp", lambda sctp: sctp.verification_tag),
    Field("sctp.checksum", number, "sctp", lambda sctp: sctp.checksum),
    # Of a chunk that the capture cuts off tshark says nothing.
    Field("sctp.chunk_type", number, "sctp", lambda sctp: [c.type for c in whole_chunks(sctp)]),
    Field("sctp.chunk_flags", number, "sctp", lambda sctp: [c.flags for c in whole_chunks(sctp)]),
    Field("sctp.chunk_length", number, "sctp", lambda sctp: [c.length for c in whole_chunks(sctp)]),
]


def ours(packet: libtrace.Packet, field: Field) -> list[object]:
    """Our values of a field, outermost first; none where the capture cuts it off."""
    found: list[object] = []
    for layer in packet.layers:
        if layer.name != field.layer:
            continue
        try:
            value = field.get(layer.object)
        except libtrace.TruncatedError:
            continue
        found += value if isinstance(value, list) else [value]
    return found


def their_values(field: Field, dissected: tshark.Packet) -> list[object]:
    values = [field.read(text) for text in dissected.all(field.name)]
    if field.name == "tcp.option_kind":  # plt lists no padding
        return [value for value in values if value not in (0, 1)]
    return values


# Headers

SAME = [
    "eth", "vlan", "mpls", "ppp", "arp", "wlan", "llc", "null", "chdlc", "radiotap", "pflog", "sll",
    "ip", "ipv6", "ipv6.hopopts", "ipv6.routing", "ipv6.fraghdr", "ipv6.dstopts", "ah", "esp",
    "gre", "vxlan", "tcp", "udp", "icmp", "icmpv6", "sctp",
]  # fmt: skip
NAMES = {
    **dict(zip(SAME, SAME)),
    "ieee8021ad": "vlan",  # the type of a tag is in the header before it
    "pppoes": "pppoe",
}
"""tshark's protocols that we have, too. Others, applications among them, are data to us."""

FIXED = {"eth", "vlan", "mpls", "sll", "null", "radiotap", "ip", "ah", "gre", "vxlan", "tcp", "udp"}
"""Where tshark gives the size of the header itself, not of all that it covers."""


def headers_of(packet: libtrace.Packet) -> list[tuple[str, int]]:
    return [
        ("sll" if layer.name == "sll2" else layer.name, layer.offset)
        for layer in packet.layers
        if layer.name != "data"
    ]


def theirs(dissected: tshark.Packet) -> list[tuple[str, int]]:
    return [(NAMES[p.name], p.at) for p in dissected.protocols if p.name in NAMES]


def sizes_of(packet: libtrace.Packet) -> list[tuple[int, int]]:
    return [
        (layer.offset, layer.length)
        for layer in packet.layers
        if layer.name.replace("sll2", "sll") in FIXED
    ]


def their_sizes(dissected: tshark.Packet) -> list[tuple[int, int]]:
    return [(p.at, p.size) for p in dissected.protocols if NAMES.get(p.name) in FIXED]


# Tags


def their_tags(dissected: tshark.Packet) -> list[int]:
    """The VLANs in front of IP."""
    values = {"vlan": "vlan.id", "ieee8021ad": "ieee8021ad.id"}
    left = {name: iter(dissected.all(field)) for name, field in values.items()}
    found = []
    for protocol in dissected.protocols:
        if protocol.name in ("ip", "ipv6"):
            break
        found += [number(text) for text in islice(left.get(protocol.name, iter(())), 1)]
    return found


def their_ethertype(dissected: tshark.Packet) -> int | None:
    """As libtrace has it: behind at most one 802.1Q tag, or a length."""
    field = {"0x8100": "vlan.etype"}.get("".join(dissected.all("eth.type")[:1]), "eth.type")
    texts = dissected.all(field) or dissected.all("eth.len")
    return number(texts[0]) if texts else None


# The comparison


def compare(
    packet: libtrace.Packet, dissected: tshark.Packet
) -> Iterator[tuple[str, object, object]]:
    """Each thing that is compared: its name, our value and tshark's."""
    ethernet = packet.linktype == libtrace.LinkType.ETH
    yield "frame.len", packet.wire_len - 4 * ethernet, number(dissected.all("frame.len")[0])
    yield "frame.cap_len", packet.capture_len, number(dissected.all("frame.cap_len")[0])
    yield "frame.time", packet.timestamp_ns, since_1970(dissected.all("frame.time_epoch")[0])
    yield "headers", headers_of(packet), theirs(dissected)
    yield "sizes", sizes_of(packet), their_sizes(dissected)
    yield "vlan.id", packet.vlan_ids, their_tags(dissected)
    yield "mpls.label", packet.mpls_labels, [number(text) for text in dissected.all("mpls.label")]
    if dissected.all("eth.src"):
        yield "eth.src", packet.src_mac, dissected.all("eth.src")[0]
        yield "eth.dst", packet.dst_mac, dissected.all("eth.dst")[0]
        yield "eth.type", packet.ethertype, their_ethertype(dissected)
    for field in FIELDS:
        values = their_values(field, dissected)
        yield field.name, ours(packet, field), values


def pairs(path: str) -> Iterator[tuple[libtrace.Packet, tshark.Packet]]:
    """Every packet of a capture as both see it."""
    with libtrace.open(path) as trace:
        dissection = tshark.dissect(path)
        yield from zip(trace, dissection)
        assert next(trace, None) is None
        assert next(dissection, None) is None


# Where they differ

UDP = {"udp.srcport", "udp.dstport", "udp.length", "udp.checksum"}
IP = {field.name for field in FIELDS if field.layer == "ip"}
HEADERS = {"headers", "sizes"}

EXCEPTIONS: dict[str, tuple[set[str], str]] = {
    "layers.pcap": (UDP, "UDP-Lite, for which tshark uses the names of UDP's fields"),
    "tso4": (
        {"ip.len"},
        "of a segment before segmentation tshark computes what is 0 in the header",
    ),
    "mpls_vpls": (HEADERS, "tshark guesses that there is Ethernet behind a label"),
    "sll_loop": (HEADERS | IP | UDP, "tshark does not know Ethernet within a cooked capture"),
    "wifi_control": ({"headers"}, "of 802.11 only data frames are headers of packets"),
    "wifi_beacon": ({"headers"}, "the same"),
    "radiotap": ({"frame.len"}, "libtrace counts an FCS that was not captured"),
    "radiotap_no_flags": ({"frame.len"}, "the same"),
    "radiotap_words": ({"frame.len"}, "the same"),
}
"""Fields that differ in a capture or in a kind of packet, and why: the whole list."""


def exceptions_of(name: str) -> set[str]:
    return EXCEPTIONS[name][0] if name in EXCEPTIONS else set()


def check(path: str, names: Iterable[str]) -> None:
    """Compare a capture; `names` says of each packet which exceptions hold."""
    expected: set[str] = set()
    seen: set[str] = set()
    for count, ((packet, dissected), name) in enumerate(zip(pairs(path), names), 1):
        fields = exceptions_of(name)
        expected |= {f"{field} of {name}" for field in fields}
        for field, our, their in compare(packet, dissected):
            if our != their:
                assert field in fields, f"{field} of packet {count}: {our!r}, tshark {their!r}"
                seen.add(f"{field} of {name}")
    assert seen == expected


@pytest.mark.parametrize("name", sorted(path.name for path in DATA.glob("*.pcap")))
def test_recorded(name: str) -> None:
    check(str(DATA / name), repeat(name))


@pytest.mark.parametrize("linktype", sorted({linktype for linktype, _ in gen.KINDS.values()}))
def test_kinds(tmp_path: pathlib.Path, linktype: int) -> None:
    kinds = {name: frame for name, (link, frame) in gen.KINDS.items() if link == linktype}
    path = f.write_pcap(
        tmp_path / "x.pcap", f.records(*kinds.values()), linktype=linktype, nano=True
    )
    check(path, kinds)


def test_mixed(tmp_path: pathlib.Path) -> None:
    path = f.write_pcap(tmp_path / "x.pcap", gen.mixed(1000), nano=True)
    check(path, repeat("mixed"))


# Checksums

# tshark's bad, good and unverified; a UDP checksum that is not there is wrong in plt's eyes.
VERDICTS = {"0": False, "1": True, "2": None, "3": False}
CARRIED = {"tcp": "tcp", "udp": "udp", "icmp": "icmp", "icmp6": "icmpv6"}


@pytest.mark.parametrize("name", sorted(path.name for path in DATA.glob("*.pcap")))
def test_checksums(name: str) -> None:
    """Of the outermost headers, which are those that a packet's objects test."""
    for packet, dissected in pairs(str(DATA / name)):
        ip = packet.ip or packet.ip6
        if packet.ip is not None:
            status = dissected.all("ip.checksum.status")[0]
            assert packet.ip.test_l3_cksm() is packet.ip.checksum_ok() is VERDICTS[status]
        for attribute, protocol in CARRIED.items():
            if ip is not None and getattr(packet, attribute) is not None:
                status = dissected.all(f"{protocol}.checksum.status")[0]
                assert ip.test_trans_cksm() is VERDICTS[status], repr(packet)


# What is left of options is bytes, of chunks an error where fewer than 4 bytes are.
LISTS = {
    "tcp.options",
    "tcp.option_kind",
    "sctp.chunk_type",
    "sctp.chunk_flags",
    "sctp.chunk_length",
}


def is_prefix(start: list[object], whole: list[object]) -> bool:
    return whole[: len(start)] == start


@pytest.mark.parametrize("snaplen", [14, 16, 22, 31, 37, 46, 58, 65, 74, 103])
def test_cut(tmp_path: pathlib.Path, snaplen: int) -> None:
    """Of a header that is cut off tshark reads whole words only, so that it may know less."""
    kinds = [(name, frame) for name, (link, frame) in gen.KINDS.items() if link == f.DLT_EN10MB]
    whole = f.write_pcap(tmp_path / "whole", f.records(*(frame for _, frame in kinds)))
    cut = f.write_pcap(tmp_path / "cut", f.records(*(frame for _, frame in kinds)), snaplen=snaplen)
    with libtrace.open(whole) as trace:
        for (name, _), (packet, dissected), uncut in zip(kinds, pairs(cut), trace):
            for field in FIELDS:
                if field.name in exceptions_of(name) | LISTS:
                    continue
                known = their_values(field, dissected)
                our = ours(packet, field)
                assert is_prefix(known, our), (name, field.name)
                assert is_prefix(our, ours(uncut, field)), (name, field.name)
