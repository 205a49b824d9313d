# SPDX-License-Identifier: LGPL-3.0-or-later
"""What traces hold: the counting behind ``libtrace report``."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from datetime import datetime, timedelta, timezone
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any, Optional, TypeVar

from libtrace.commands import stopping
from libtrace.enums import LinkType

if TYPE_CHECKING:
    from libtrace.trace import Trace

__all__ = [
    "CUT",
    "IEEE_802_3",
    "LONGEST_802_3",
    "NONE",
    "Report",
    "Summary",
    "name_ethertype",
    "name_protocol",
    "total",
]

_SECOND = 10**9
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

# ---- names ----

_IPV4, _IPV6 = 0x0800, 0x86DD
# Beside EtherTypes and protocol numbers, what a packet can have in their place.
CUT, NONE, IEEE_802_3 = -1, 0, 1
LONGEST_802_3 = 1500

_ETHERTYPES = {
    CUT: "(cut off)",
    NONE: "(none)",
    IEEE_802_3: "IEEE 802.3",
    _IPV4: "IPv4",
    0x0806: "ARP",
    0x22F3: "TRILL",
    0x6558: "Ethernet bridging",
    0x8035: "RARP",
    0x809B: "AppleTalk",
    0x8100: "802.1Q VLAN",
    0x8137: "IPX",
    _IPV6: "IPv6",
    0x8808: "Ethernet PAUSE",
    0x8809: "Slow protocols",
    0x8847: "MPLS",
    0x8848: "MPLS multicast",
    0x8863: "PPPoE discovery",
    0x8864: "PPPoE session",
    0x888E: "802.1X",
    0x88A8: "802.1ad VLAN",
    0x88CC: "LLDP",
    0x88E5: "MACsec",
    0x88F7: "PTP",
    0x8906: "FCoE",
    0x9000: "Loopback",
}

_PROTOCOLS = {
    CUT: "(cut off)",
    0: "Hop-by-hop",
    1: "ICMP",
    2: "IGMP",
    4: "IPv4 in IP",
    6: "TCP",
    17: "UDP",
    33: "DCCP",
    41: "IPv6 in IP",
    43: "IPv6 routing",
    44: "IPv6 fragment",
    46: "RSVP",
    47: "GRE",
    50: "ESP",
    51: "AH",
    58: "ICMPv6",
    59: "No next header",
    60: "IPv6 options",
    88: "EIGRP",
    89: "OSPF",
    97: "EtherIP",
    103: "PIM",
    112: "VRRP",
    115: "L2TP",
    132: "SCTP",
    136: "UDP-Lite",
    137: "MPLS in IP",
}


def _name_link(value: int) -> str:
    return LinkType(value).name if value in set(LinkType) else str(value)


def name_ethertype(ethertype: int) -> str:
    """Return what people call an EtherType, or `CUT`, `NONE` or `IEEE_802_3` in its place."""
    return _ETHERTYPES.get(ethertype, f"0x{ethertype:04x}")


def name_protocol(protocol: int) -> str:
    """Return what people call the protocol of an IP packet, or `CUT` in its place."""
    return _PROTOCOLS.get(protocol, f"protocol {protocol}")


# ---- keys ----

# The last bytes of the classes of RMON (RFC 2819, etherStatsPkts64Octets and following).
_SIZES = (63, 127, 255, 511, 1023, 1518)
_LARGEST = len(_SIZES)

_COLUMNS = (
    "linktype",
    "ethertype",
    "headers_cut",
    "ip_version",
    "src_ip",
    "dst_ip",
    "proto",
    "src_port",
    "dst_port",
    "size_class",
)

# An address with its version, since IPv4 ones are mapped.
_Address = tuple[int, bytes]
# Link type, network protocol, IP protocol, class of size.
_Kind = tuple[int, int, Optional[int], int]
_K = TypeVar("_K", bound=Hashable)
_Table = dict[_K, list[int]]
"""Packets and bytes on the wire of each key."""

_MOST_ROWS = 1 << 16
_MOST_ADDRESSES = 1 << 19


def _network(version: int | None, ethertype: int | None, cut: bool) -> int:
    """Return the network protocol.

    Of an IP packet its header tells, also behind several tags; of another the EtherType.
    """
    if version:
        return _IPV4 if version == 4 else _IPV6
    if ethertype is None:
        return CUT if cut else NONE
    return IEEE_802_3 if ethertype <= LONGEST_802_3 else ethertype


def _add(table: _Table[_K], key: _K, packets: int, length: int) -> None:
    counts = table.get(key)
    if counts is None:
        table[key] = [packets, length]
    else:
        counts[0] += packets
        counts[1] += length


# ---- totals ----


class Summary:
    """The totals of a trace, or of several.

    Attributes
    ----------
    uri : str or None
        The trace; None for several.
    error : str or None
        Why reading ended before the end of the trace.
    packets, truncated_packets : int
        All packets, and those of which not all bytes were captured.
    wire_bytes, captured_bytes : int
        Lengths as `Packet.wire_len` and `Packet.capture_len` have them.
    first_ns, last_ns : int or None
        The earliest and the latest time of capture; None without packets.
    counters : dict of str to (int or None)
        What `Trace.statistics` said at the end.
    """

    def __init__(self, uri: str | None = None) -> None:
        self.uri = uri
        self.error: str | None = None
        self.packets = 0
        self.wire_bytes = 0
        self.captured_bytes = 0
        self.truncated_packets = 0
        self.first_ns: int | None = None
        self.last_ns: int | None = None
        self.counters: dict[str, int | None] = {}

    def add(
        self, packets: int, wire: int, captured: int, truncated: int, first: int, last: int
    ) -> None:
        """Add packets with these totals."""
        self.packets += packets
        self.wire_bytes += wire
        self.captured_bytes += captured
        self.truncated_packets += truncated
        self.first_ns = first if self.first_ns is None else min(first, self.first_ns)
        self.last_ns = last if self.last_ns is None else max(last, self.last_ns)

    @property
    def duration_ns(self) -> int | None:
        """Nanoseconds from the earliest to the latest packet."""
        if self.first_ns is None or self.last_ns is None:
            return None
        return self.last_ns - self.first_ns

    def rate(self, amount: int) -> float | None:
        """Return an amount per second; None for a trace without duration."""
        return amount * _SECOND / self.duration_ns if self.duration_ns else None

    def as_dict(self) -> dict[str, Any]:
        """Return everything, also what follows from it, for JSON."""
        return {
            **vars(self),
            "first": _iso(self.first_ns),
            "last": _iso(self.last_ns),
            "duration_ns": self.duration_ns,
            "packets_per_second": self.rate(self.packets),
            "bits_per_second": self.rate(8 * self.wire_bytes),
        }


def _iso(time_ns: int | None) -> str | None:
    if time_ns is None:
        return None
    seconds, rest = divmod(time_ns, _SECOND)
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"


def _sum_known(values: Iterable[int | None]) -> int | None:
    known = list(values)
    return None if None in known else sum(value or 0 for value in known)


def total(traces: list[Summary]) -> Summary:
    """Return the summary of all traces together; a counter that one does not know is None."""
    whole = Summary()
    for it in traces:
        if it.first_ns is not None and it.last_ns is not None:
            lengths = it.wire_bytes, it.captured_bytes
            whole.add(it.packets, *lengths, it.truncated_packets, it.first_ns, it.last_ns)
    names = traces[0].counters if traces else ()
    whole.counters = {name: _sum_known(it.counters[name] for it in traces) for name in names}
    return whole


# ---- the report ----


class Report:
    """Counts the packets of traces.

    All totals and protocols are exact. Memory is bounded by keeping of very many addresses those
    with most packets: `address_error` is how many packets the others may miss.

    Attributes
    ----------
    traces : list of Summary
        One for every trace that was read.
    """

    def __init__(self) -> None:
        self.traces: list[Summary] = []
        self.address_error = 0
        self._kinds: _Table[_Kind] = {}
        self._addresses: _Table[_Address] = {}
        self._ports: _Table[tuple[int, int]] = {}

    @property
    def packets(self) -> int:
        """Packets counted so far."""
        return sum(trace.packets for trace in self.traces)

    def count(self, trace: Trace, summary: Summary, limit: int | None = None) -> None:
        """Count packets. When they end in an exception, all before it are counted.

        Parameters
        ----------
        trace : Trace
            A started trace.
        summary : Summary
            Whose totals grow.
        limit : int, optional
            Most packets to count.
        """
        with stopping(trace):
            for batch in trace.counts(_COLUMNS, _MOST_ROWS, limit=limit):
                for row in zip(*batch.values()):
                    self._add_row(row[: len(_COLUMNS)], row[len(_COLUMNS) :], summary)
                if len(self._addresses) > _MOST_ADDRESSES:
                    self._forget_addresses()

    def _add_row(self, key: tuple[Any, ...], counts: tuple[Any, ...], summary: Summary) -> None:
        link, ethertype, cut, version, src, dst, protocol, src_port, dst_port, size = key
        packets, length, captured, truncated, first, last = counts
        summary.add(packets, length, captured, truncated, first, last)
        if cut and protocol is None:
            protocol = CUT
        network = _network(version, ethertype, cut)
        _add(self._kinds, (link, network, protocol, size), packets, length)
        for address in {src, dst} - {None}:
            _add(self._addresses, (version, address), packets, length)
        for port in {src_port, dst_port} - {None}:
            _add(self._ports, (protocol, port), packets, length)

    def _forget_addresses(self) -> None:
        """Drop the half of the addresses that has fewest packets."""
        ranked = sorted(self._addresses.items(), key=lambda item: -item[1][0])
        half = len(ranked) // 2
        self.address_error += ranked[half][1][0]
        self._addresses = dict(ranked[:half])

    def as_dict(self, top: int) -> dict[str, Any]:
        """Return the report for JSON, with at most `top` addresses and ports."""
        links: _Table[int] = {}
        networks: _Table[int] = {}
        transports: _Table[int] = {}
        sizes: _Table[int] = {size: [0, 0] for size in range(_LARGEST + 1)}
        for (link, network, protocol, size), counts in self._kinds.items():
            _add(links, link, *counts)
            _add(networks, network, *counts)
            _add(sizes, size, *counts)
            if protocol is not None and network in (_IPV4, _IPV6):
                _add(transports, protocol, *counts)
        return {
            "total": total(self.traces).as_dict(),
            "traces": [trace.as_dict() for trace in self.traces],
            "link_types": _rows(links, _identify_link),
            "network": _rows(networks, _identify_network),
            "transport": _rows(transports, _identify_transport),
            "addresses": _rows(self._addresses, _identify_address, top),
            "address_error": self.address_error,
            "ports": _rows(self._ports, _identify_port, top),
            "sizes": [_row(_identify_size(size), counts) for size, counts in sizes.items()],
        }


# ---- rows ----


def _row(identity: dict[str, Any], counts: list[int]) -> dict[str, Any]:
    return {**identity, "packets": counts[0], "wire_bytes": counts[1]}


def _rows(
    table: _Table[_K], identify: Callable[[_K], dict[str, Any]], top: int | None = None
) -> list[dict[str, Any]]:
    """Return rows, those with most packets first."""
    ranked = sorted(table.items(), key=lambda item: (-item[1][0], -item[1][1], item[0]))
    return [_row(identify(key), counts) for key, counts in ranked[:top]]


def _identify_link(key: int) -> dict[str, Any]:
    return {"name": _name_link(key), "link_type": key}


def _identify_address(key: _Address) -> dict[str, Any]:
    version, mapped = key
    if version == 4:
        return {"name": str(IPv4Address(mapped[12:]))}
    return {"name": str(IPv6Address(mapped))}


def _identify_network(key: int) -> dict[str, Any]:
    return {"name": name_ethertype(key), "ethertype": key if key > LONGEST_802_3 else None}


def _identify_transport(key: int) -> dict[str, Any]:
    return {"name": name_protocol(key), "protocol": None if key == CUT else key}


def _identify_port(key: tuple[int, int]) -> dict[str, Any]:
    protocol, port = key
    name = f"{port}/{name_protocol(protocol).lower()}"
    return {"name": name, "protocol": protocol, "port": port}


def _identify_size(key: int) -> dict[str, Any]:
    first = _SIZES[key - 1] + 1 if key else 0
    last = _SIZES[key] if key < _LARGEST else None
    name = f"{first}-{last}" if last is not None else f"{first} and more"
    return {"name": name, "from": first, "to": last}
