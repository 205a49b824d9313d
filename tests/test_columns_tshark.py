# SPDX-License-Identifier: LGPL-3.0-or-later
"""Agreement with tshark on every column of every packet. Where the two may differ, a table says
why, and a difference that is gone fails, too.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address
from itertools import repeat, takewhile
from typing import Any

import gen
import gen_files as f
import libtrace
import pytest
import tshark
from test_columns import mapped, rows
from test_tshark import flag, number, since_1970, their_ethertype, their_tags

pytestmark = [
    pytest.mark.skipif(tshark.TSHARK is None, reason="tshark is not installed"),
    pytest.mark.slow,
]

DATA = pathlib.Path(__file__).parent / "data"

WITHOUT = {
    "size_class": "a range of wire_len, which is compared",
    "headers_cut": "says of other columns that the capture cuts them off",
    "flow_hash": "a number of our own",
    "packet": "tshark's XML has the places of headers, not the bytes; `payload` is compared so",
}
"""Columns of which tshark says nothing, and why."""

COMPARED = [name for name in libtrace.COLUMNS if name not in WITHOUT]

# What tshark says

ETHERNET_FCS = 4
ENCAPSULATIONS = {
    "1": libtrace.LinkType.ETH,
    "7": libtrace.LinkType.NONE,
    "25": libtrace.LinkType.NONE,
    "210": libtrace.LinkType.NONE,
}
"""By wiretap's number; of a cooked capture libtrace tells what it holds, IP."""

INTERNET = {"ip", "ipv6"}
NEXT_HEADER = {
    "ipv6.hopopts": "ipv6.hopopts.nxt",
    "ipv6.routing": "ipv6.routing.nxt",
    "ipv6.fraghdr": "ipv6.fraghdr.nxt",
    "ipv6.dstopts": "ipv6.dstopts.nxt",
    "ah": "ah.next_header",
}
PORTS = {"tcp": "tcp", "udp": "udp", "udplite": "udplite/udp", "sctp": "sctp", "dccp": "dccp"}
HEADER = {"udp": 8, "udplite": 8, "icmp": 8, "icmpv6": 8, "sctp": 12}


class Dissected:
    """A packet as tshark sees it: its outermost headers. IPv4 has no header between it and the
    transport's, AH is one.
    """

    def __init__(self, packet: tshark.Packet) -> None:
        self.packet = packet
        names = [protocol.name for protocol in packet.protocols]
        at = next((at for at, name in enumerate(names) if name in INTERNET), len(names))
        self.links = set(names[:at])
        behind = packet.protocols[at:]
        self.internet = behind[0] if behind else None
        headers = NEXT_HEADER if self.network == "ipv6" else {}
        self.extensions = [x.name for x in takewhile(lambda x: x.name in headers, behind[1:])]
        behind = behind[1 + len(self.extensions) :]
        self.transport = behind[0] if behind else None

    @property
    def network(self) -> str:
        return self.internet.name if self.internet else ""

    @property
    def carried(self) -> str:
        return self.transport.name if self.transport else ""

    def first(self, name: str, read: Callable[[str], Any] = number) -> Any:
        """The value of the outermost header that has this field; None where there is none."""
        return next(map(read, self.packet.all(name)), None)

    def of(self, header: str, name: str, read: Callable[[str], Any] = number) -> Any:
        mine = self.network if header in INTERNET else self.carried
        return self.first(name, read) if header == mine else None

    def of_links(self, header: str, name: str, read: Callable[[str], Any] = number) -> Any:
        return self.first(name, read) if header in self.links else None


def either(*values: Any) -> Any:
    """The one that is there."""
    return next((value for value in values if value is not None), None)


def record_columns(d: Dissected) -> dict[str, Any]:
    length, captured = d.first("frame.len"), d.first("frame.cap_len")
    linktype = d.first("frame.encap_type", lambda text: ENCAPSULATIONS[text])
    return {
        "index": d.first("frame.number") - 1,
        "timestamp": d.first("frame.time_epoch", since_1970),
        "wire_len": length + ETHERNET_FCS * (linktype == libtrace.LinkType.ETH),
        "capture_len": captured,
        "is_truncated": captured < length,
        "linktype": linktype,
    }


def link_columns(d: Dissected) -> dict[str, Any]:
    tags = their_tags(d.packet)
    sent = {4: libtrace.Direction.OUTGOING, None: libtrace.Direction.UNKNOWN}
    kind = d.of_links("sll", "sll.pkttype")
    ethertype = their_ethertype(d.packet) if "eth" in d.links else None
    return {
        "direction": sent.get(kind, libtrace.Direction.INCOMING),
        "src_mac": d.of_links("eth", "eth.src", str),
        "dst_mac": d.of_links("eth", "eth.dst", str),
        "ethertype": either(ethertype, d.of_links("sll", "sll.etype")),
        "vlan_id": next(iter(tags), None),
        "vlan_ids": tags,
        "mpls_label": d.of_links("mpls", "mpls.label"),
    }


def proto(d: Dissected) -> Any:
    values = {name: iter(d.packet.all(field)) for name, field in NEXT_HEADER.items()}
    chain = [number(next(values[name])) for name in d.extensions]
    return either(*chain[-1:], d.of("ip", "ip.proto"), d.of("ipv6", "ipv6.nxt"))


def ip_columns(d: Dissected) -> dict[str, Any]:
    src = either(d.of("ip", "ip.src", str), d.of("ipv6", "ipv6.src", str))
    dst = either(d.of("ip", "ip.dst", str), d.of("ipv6", "ipv6.dst", str))
    flags = [d.of("ip", name, flag) for name in ("ip.flags.rb", "ip.flags.df", "ip.flags.mf")]
    payload = d.of("ipv6", "ipv6.plen")
    return {
        "ip_version": either(d.of("ip", "ip.version"), d.of("ipv6", "ipv6.version")),
        "src": src,
        "dst": dst,
        "src_ip": src and mapped(ip_address(src)),
        "dst_ip": dst and mapped(ip_address(dst)),
        "proto": proto(d),
        "ttl": either(d.of("ip", "ip.ttl"), d.of("ipv6", "ipv6.hlim")),
        "traffic_class": either(d.of("ip", "ip.dsfield"), d.of("ipv6", "ipv6.tclass")),
        "ip_id": d.of("ip", "ip.id"),
        "ip_flags": None if None in flags else flags[0] << 2 | flags[1] << 1 | flags[2],
        "frag_offset": d.of("ip", "ip.frag_offset"),
        "ip_len": either(d.of("ip", "ip.len"), None if payload is None else payload + 40),
        "flow_label": d.of("ipv6", "ipv6.flow"),
    }


def payload_columns(d: Dissected, data: bytes) -> dict[str, Any]:
    """What the IP header states, without the headers up to the transport's."""
    size = d.first("tcp.hdr_len") if d.carried == "tcp" else HEADER.get(d.carried)
    if d.internet is None or d.transport is None or size is None:
        return {"payload_len": None, "payload": None}
    start = d.transport.at + size
    length = ip_columns(d)["ip_len"] - (start - d.internet.at)
    if d.carried == "tcp":
        length = d.first("tcp.len")
    return {"payload_len": length, "payload": data[start : start + length]}


def transport_columns(d: Dissected) -> dict[str, Any]:
    ports = PORTS.get(d.carried, "")
    return {
        "src_port": d.first(f"{ports}.srcport"),
        "dst_port": d.first(f"{ports}.dstport"),
        "tcp_seq": d.of("tcp", "tcp.seq"),
        "tcp_ack": d.of("tcp", "tcp.ack"),
        "tcp_flags": d.of("tcp", "tcp.flags"),
        "tcp_window": d.of("tcp", "tcp.window_size_value"),
        "tcp_mss": d.of("tcp", "tcp.options.mss_val"),
        "tcp_wscale": d.of("tcp", "tcp.options.wscale.shift"),
        "tcp_tsval": d.of("tcp", "tcp.options.timestamp.tsval"),
        "tcp_tsecr": d.of("tcp", "tcp.options.timestamp.tsecr"),
        "icmp_type": either(d.of("icmp", "icmp.type"), d.of("icmpv6", "icmpv6.type")),
        "icmp_code": either(d.of("icmp", "icmp.code"), d.of("icmpv6", "icmpv6.code")),
    }


def theirs(packet: tshark.Packet, data: bytes) -> dict[str, Any]:
    """Every column's value, as tshark's fields have it."""
    d = Dissected(packet)
    headers = {**link_columns(d), **ip_columns(d), **transport_columns(d)}
    return {**record_columns(d), **headers, **payload_columns(d, data)}


def ours(path: str) -> Iterator[dict[str, Any]]:
    with libtrace.open(path) as trace:
        for batch in trace.batches([*COMPARED, "packet"]):
            yield from rows(batch)


# Where they differ

LINK = {"wire_len", "linktype", "src_mac", "dst_mac", "ethertype"}
IP = {"ip_version", "src", "dst", "src_ip", "dst_ip", "proto", "ttl", "traffic_class"}
IP |= {"ip_id", "ip_flags", "frag_offset", "ip_len"}
TO_HOST = "in a cooked capture libtrace counts all that is not sent to this host as outgoing"
NO_ETHERTYPE = "of what has no EtherType libtrace gives that of IP"

EXCEPTIONS: dict[str, tuple[set[str], str]] = {
    "any_sll.pcap": ({"direction"}, TO_HOST),
    "any_sll2.pcap": ({"direction"}, TO_HOST),
    "raw.pcap": ({"ethertype"}, NO_ETHERTYPE),
    "raw4": ({"ethertype"}, NO_ETHERTYPE),
    "raw6": ({"ethertype"}, NO_ETHERTYPE),
    "raw_linktype12": ({"ethertype"}, NO_ETHERTYPE),
    "sll_arp": ({"direction"}, TO_HOST),
    "sll2_arp": ({"direction"}, TO_HOST),
    "tso4": (
        {"ip_len", "payload_len", "payload"},
        "of a segment before segmentation tshark computes what is 0 in the header",
    ),
    "snap": (IP | {"src_port", "dst_port", "payload_len", "payload"}, "libtrace passes LLC over"),
    "sll_loop": (
        IP | LINK | {"src_port", "dst_port", "payload_len", "payload"},
        "tshark does not know Ethernet within a cooked capture",
    ),
    "sll_radiotap": (LINK - {"wire_len"}, "libtrace tells of the 802.11 frame within"),
}
"""Columns that differ in a capture or in a kind of packet, and why: the whole list."""


def check(path: str, names: Iterable[str]) -> None:
    """Compare a capture; `names` says of each packet which exceptions hold."""
    expected: set[str] = set()
    seen: set[str] = set()
    table, dissection = ours(path), tshark.dissect(path)
    for row, packet, name in zip(table, dissection, names):
        columns = EXCEPTIONS.get(name, (set(), ""))[0]
        expected |= {f"{column} of {name}" for column in columns}
        their = theirs(packet, row.pop("packet"))
        assert their.keys() == row.keys()
        for column, our in row.items():
            if our != their[column]:
                assert column in columns, (
                    f"{column} of packet {row['index']}: {our!r}, tshark {their[column]!r}"
                )
                seen.add(f"{column} of {name}")
    assert next(table, None) is None
    assert next(dissection, None) is None
    assert seen == expected


@pytest.mark.parametrize("name", sorted(path.name for path in DATA.glob("*.pcap")))
def test_recorded(name: str) -> None:
    check(str(DATA / name), repeat(name))


@pytest.mark.parametrize("linktype", [f.DLT_EN10MB, f.DLT_RAW, 12, f.DLT_LINUX_SLL, f.DLT_SLL2])
def test_kinds(tmp_path: pathlib.Path, linktype: int) -> None:
    """Of the link types of the recorded captures; 12 is raw IP, too."""
    kinds = {name: frame for name, (link, frame) in gen.KINDS.items() if link == linktype}
    path = tmp_path / "x.pcap"
    check(f.write_pcap(path, f.records(*kinds.values()), linktype=linktype, nano=True), kinds)


def test_says_why() -> None:
    assert WITHOUT.keys() < libtrace.COLUMNS.keys()
    assert all(WITHOUT.values())
    assert all(columns and why for columns, why in EXCEPTIONS.values())
