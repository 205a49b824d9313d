# SPDX-License-Identifier: LGPL-3.0-or-later
"""What columns tables of packets have, and what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from libtrace import core

__all__ = ["COLUMNS", "COUNT_COLUMNS", "DEFAULT_COLUMNS", "ColumnInfo"]

# In the order of the shim's lts_column_type.
_TYPES = (
    "bool",
    "int8",
    "uint8",
    "int16",
    "uint16",
    "uint32",
    "uint64",
    "timestamp[ns, UTC]",
    "fixed_size_binary[16]",
    "string",
    "binary",
    "list[uint16]",
)
TIME, ADDRESS, TEXT, BYTES, LIST = _TYPES[-5:]


class ColumnInfo(NamedTuple):
    """What a column holds.

    Attributes
    ----------
    type : str
        As Arrow calls it.
    unit : str
        Of its values; ``""`` where they have none.
    null : str
        When a value is null; ``""`` for never. A field that the capture cuts off is null, too.
    source : str
        Where the value comes from: the attribute that has the same, and the standard.
    """

    type: str
    unit: str
    null: str
    source: str


_NO_IP = "no IP"
_NO_IPV4 = "no IPv4"
_NO_IPV6 = "no IPv6"
_NO_PORTS = "no TCP, UDP, SCTP, DCCP or UDP-Lite, or a later fragment"
_NO_TCP = "no TCP, or a later fragment"
_NO_ICMP = "no ICMP or ICMPv6, or a later fragment"
_NO_OPTION = "no such TCP option"
_NO_PAYLOAD = "no TCP, UDP, UDP-Lite, ICMP or SCTP, a later fragment, or no stated length"

_ABOUT = {
    "timestamp": ("ns since 1970", "", "Packet.timestamp_ns"),
    "wire_len": ("bytes", "", "Packet.wire_len (trace_get_wire_length)"),
    "capture_len": ("bytes", "", "Packet.capture_len (trace_get_capture_length)"),
    "is_truncated": ("", "", "Packet.is_truncated"),
    "size_class": (
        "",
        "",
        "Packet.wire_len below 64, 128, 256, 512, 1024, 1519, or not (RFC 2819)",
    ),
    "direction": ("Direction", "", "Packet.direction (trace_get_direction)"),
    "linktype": ("LinkType", "", "Packet.linktype (trace_get_link_type)"),
    "src_mac": ("", "no Ethernet or 802.11", "Packet.src_mac"),
    "dst_mac": ("", "no Ethernet or 802.11", "Packet.dst_mac"),
    "ethertype": ("", "none", "Packet.ethertype"),
    "vlan_id": ("", "no tag", "the first of Packet.vlan_ids (IEEE 802.1Q, 9.6)"),
    "vlan_ids": ("", "", "Packet.vlan_ids"),
    "mpls_label": ("", "no label", "the first of Packet.mpls_labels (RFC 3032, 2.1)"),
    "ip_version": ("", _NO_IP, "Internet.version"),
    "src": ("", _NO_IP, "Packet.src_text"),
    "dst": ("", _NO_IP, "Packet.dst_text"),
    "src_ip": ("", _NO_IP, "Packet.src; IPv4 is mapped (RFC 4291, 2.5.5.2)"),
    "dst_ip": ("", _NO_IP, "Packet.dst; IPv4 is mapped (RFC 4291, 2.5.5.2)"),
    "proto": ("", _NO_IP, "Packet.ip_proto"),
    "ttl": ("", _NO_IP, "Internet.ttl"),
    "traffic_class": ("", _NO_IP, "Internet.traffic_class"),
    "ip_id": ("", _NO_IPV4, "IP.ident"),
    "ip_flags": ("bits", _NO_IPV4, "IP.has_rf, has_df, has_mf: 4, 2, 1 (RFC 791, 3.1)"),
    "frag_offset": ("8 bytes", _NO_IPV4, "IP.frag_offset"),
    "ip_len": ("bytes", "no IP, or a jumbogram", "IP.pkt_len; IP6.payload_len and 40"),
    "flow_label": ("", _NO_IPV6, "IP6.flow_label"),
    "src_port": ("", _NO_PORTS, "Packet.src_port"),
    "dst_port": ("", _NO_PORTS, "Packet.dst_port"),
    "tcp_seq": ("", _NO_TCP, "TCP.seq_nbr"),
    "tcp_ack": ("", _NO_TCP, "TCP.ack_nbr"),
    "tcp_flags": ("bits", _NO_TCP, "TCP.flags"),
    "tcp_window": ("", _NO_TCP, "TCP.window, not scaled"),
    "tcp_mss": ("bytes", _NO_OPTION, "TCP.options (RFC 9293, 3.7.1)"),
    "tcp_wscale": ("", _NO_OPTION, "TCP.options (RFC 7323, 2)"),
    "tcp_tsval": ("", _NO_OPTION, "TCP.options (RFC 7323, 3)"),
    "tcp_tsecr": ("", _NO_OPTION, "TCP.options (RFC 7323, 3)"),
    "icmp_type": ("", _NO_ICMP, "ICMP.type, ICMP6.type"),
    "icmp_code": ("", _NO_ICMP, "ICMP.code, ICMP6.code"),
    "payload_len": ("bytes", _NO_PAYLOAD, "Packet.payload_length"),
    "headers_cut": ("", "", "whether addresses, protocol or ports are cut off"),
    "flow_hash": ("", _NO_IP, "Packet.flow_hash"),
    "packet": ("", "", "bytes(Packet)"),
    "payload": ("", _NO_PAYLOAD, "the captured part of Packet.payload_length bytes"),
    "index": ("", "", "the number of the packet in its trace, from 0"),
}


PACKETS, FLOWS, COUNTS = range(3)


def _names(rows: int) -> Iterator[str]:
    number = 0
    while name := core.column_name(rows, number):
        yield name
        number += 1


def describe(rows: int, about: Mapping[str, tuple[str, str, str]]) -> dict[str, ColumnInfo]:
    """Return all columns of a kind of table, with what the shim does not know of them."""
    return {
        name: ColumnInfo(_TYPES[core.column_type(rows, number)], *about[name])
        for number, name in enumerate(_names(rows))
    }


COLUMNS: dict[str, ColumnInfo] = describe(PACKETS, _ABOUT)
"""All columns, by name. Headers are the outermost ones, behind all VLAN tags and MPLS labels."""

DEFAULT_COLUMNS = (
    "timestamp",
    "wire_len",
    "capture_len",
    "vlan_id",
    "ip_version",
    "src",
    "dst",
    "proto",
    "src_port",
    "dst_port",
    "tcp_flags",
    "payload_len",
)
"""The columns of a table where none are asked for."""


COUNT_COLUMNS: dict[str, ColumnInfo] = describe(
    COUNTS,
    {
        "packets": ("packets", "", "how many have the values in front"),
        "bytes": ("bytes", "", "the sum of their Packet.wire_len"),
        "captured_bytes": ("bytes", "", "the sum of their Packet.capture_len"),
        "truncated_packets": ("packets", "", "those with Packet.is_truncated"),
        "first": ("ns since 1970", "", "the earliest Packet.timestamp_ns"),
        "last": ("ns since 1970", "", "the latest Packet.timestamp_ns"),
    },
)
"""The columns that :meth:`Trace.counts` adds to those that are asked for."""


def column_names(columns: Iterable[str] | None, default: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the columns asked for."""
    if columns is None:
        return default
    if isinstance(columns, str) or not isinstance(columns, Iterable):
        raise TypeError(f"columns are a list of names, not a {type(columns).__name__}")
    names = tuple(columns)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"a column's name is a str, not a {type(name).__name__}")
        if not name.isidentifier():
            raise ValueError(f"there is no column {name!r}; libtrace.COLUMNS has all")
    return names


def check_columns(columns: Iterable[str] | None, size: int) -> tuple[str, ...]:
    """Return the names of the columns asked for, or raise what is wrong with an argument."""
    names = column_names(columns, DEFAULT_COLUMNS)
    core.Batches(",".join(names), size, 0.0, False, None)
    return names
