# SPDX-License-Identifier: LGPL-3.0-or-later
"""Flows as tables: what columns there are, and the batches of rows that C fills."""

from __future__ import annotations

from collections.abc import Iterable

from libtrace import core
from libtrace.columns import Batches
from libtrace.schema import FLOWS, ColumnInfo, describe

__all__ = ["DEFAULT_FLOW_COLUMNS", "FLOW_COLUMNS", "Flows"]

_NO_PORTS = "no TCP, UDP, SCTP, DCCP or UDP-Lite, or later fragments, or cut off"
_NO_RTT = "no TCP, or the three segments are not all there, in order, in this flow"

_ABOUT = {
    "first": ("ns since 1970", "", "the earliest Packet.timestamp_ns (flowStartNanoseconds)"),
    "last": ("ns since 1970", "", "the latest Packet.timestamp_ns (flowEndNanoseconds)"),
    "vlan_id": ("", "no tag", "the first of Packet.vlan_ids (vlanId)"),
    "ip_version": ("", "", "Internet.version (ipVersion)"),
    "src": ("", "", "Packet.src_text of the first packet (sourceIPv4Address, IPv6)"),
    "dst": ("", "", "Packet.dst_text of the first packet (destinationIPv4Address, IPv6)"),
    "src_ip": ("", "", "Packet.src of the first packet; IPv4 is mapped (RFC 4291, 2.5.5.2)"),
    "dst_ip": ("", "", "Packet.dst of the first packet; IPv4 is mapped (RFC 4291, 2.5.5.2)"),
    "proto": ("", "", "Packet.ip_proto (protocolIdentifier)"),
    "src_port": ("", _NO_PORTS, "Packet.src_port of the first packet (sourceTransportPort)"),
    "dst_port": ("", _NO_PORTS, "Packet.dst_port of the first packet (destinationTransportPort)"),
    "packets": ("packets", "", "from source to destination (packetTotalCount)"),
    "bytes": ("bytes", "", "the sum of their Packet.wire_len, which counts link headers and FCS"),
    "rev_packets": ("packets", "", "from destination to source (reverse packetTotalCount)"),
    "rev_bytes": ("bytes", "", "the sum of their Packet.wire_len"),
    "tcp_flags": ("bits", "no TCP header", "TCP.flags of all packets (tcpControlBits)"),
    "rev_tcp_flags": ("bits", "no TCP header", "TCP.flags of all packets (reverse tcpControlBits)"),
    "rtt": (
        "ns",
        _NO_RTT,
        "from the last SYN in front of the SYN-ACK that acknowledges it, to the first segment that "
        "acknowledges the SYN-ACK (RFC 9293, 3.5), as the capture has seen them",
    ),
    "end_reason": ("FlowEndReason", "", "why it has ended (flowEndReason)"),
    "flow_hash": ("", "", "Packet.flow_hash"),
}

FLOW_COLUMNS: dict[str, ColumnInfo] = describe(FLOWS, _ABOUT)
"""All columns of flows, by name; in parentheses what IPFIX calls them."""

DEFAULT_FLOW_COLUMNS = (
    "first",
    "last",
    "vlan_id",
    "ip_version",
    "src",
    "dst",
    "proto",
    "src_port",
    "dst_port",
    "packets",
    "bytes",
    "rev_packets",
    "rev_bytes",
    "tcp_flags",
    "rev_tcp_flags",
    "rtt",
    "end_reason",
)
"""The columns of a table of flows where none are asked for."""


class Flows(Batches):
    """The flows of a trace, as :meth:`Trace.flows` makes them: an iterator of `Batch`.

    It speaks the Arrow PyCapsule interface, too: ``pyarrow.table(flows)``. What a signal or a
    `TraceTimeout` interrupts is kept: go on iterating, or close the trace and iterate on, which
    hands out what is left.

    Attributes
    ----------
    columns : tuple of str
        The names of the columns.
    schema : dict of str to ColumnInfo
        What they hold, by name.
    """

    __slots__ = ("_cache",)
    _all = FLOW_COLUMNS
    _default = DEFAULT_FLOW_COLUMNS

    def __init__(
        self,
        trace: core.Trace,
        columns: Iterable[str] | None,
        size: int,
        max_wait: float,
        cache: core.FlowCache,
    ) -> None:
        super().__init__(trace, columns, size, max_wait, cache)
        self._cache = cache

    @property
    def active(self) -> int:
        """int: How many flows have not ended yet."""
        return self._cache.count

    @property
    def ignored(self) -> int:
        """int: How many packets so far are in no flow: without IP, or with a header cut off."""
        return self._cache.ignored
