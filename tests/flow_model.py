# SPDX-License-Identifier: LGPL-3.0-or-later
"""A flow table in plain Python: dictionaries of packets, as the documentation of flows() says."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import libtrace
from libtrace import FlowEndReason as Reason
from reading import CUT, field

FIN, SYN, RST, ACK = 1, 2, 4, 16
NS = 10**9
LINGER = 5 * NS

Row = dict[str, Any]
End = tuple[str, Any]


class Seen(NamedTuple):
    """A packet of a flow."""

    forward: bool
    time: int
    size: int
    tcp: tuple[int, int, int] | None  # flags, sequence and acknowledgment number

    @property
    def opens(self) -> bool:
        return self.tcp is not None and self.tcp[0] & (SYN | ACK) == SYN


class Flow:
    """The packets of a flow, and when they came on the table's clock."""

    def __init__(self, fixed: Row, source: End, clock: int) -> None:
        self.fixed, self.source = fixed, source
        self.began = self.seen = clock
        self.packets: list[Seen] = []
        self.closed = False

    def add(self, seen: Seen) -> None:
        self.packets.append(seen)
        flags = [self.flags(forward) or 0 for forward in (True, False)]
        self.closed = bool((flags[0] | flags[1]) & RST or flags[0] & flags[1] & FIN)

    def flags(self, forward: bool) -> int | None:
        found = [seen.tcp[0] for seen in self.packets if seen.tcp and seen.forward is forward]
        union = 0
        for flags in found:
            union |= flags
        return union if found else None

    def rtt(self) -> int | None:
        syn = answer = None
        for seen in self.packets:
            if seen.tcp is None:
                continue
            flags, _, ack = seen.tcp
            if seen.opens and answer is None:
                syn = seen
            elif not flags & ACK or syn is None or syn.tcp is None:
                continue
            elif flags & SYN:
                if answer is None and seen.forward != syn.forward and follows(ack, syn.tcp[1]):
                    answer = seen
            elif answer and answer.tcp and seen.forward == syn.forward and not flags & RST:
                if not follows(ack, answer.tcp[1]):
                    continue
                return seen.time - syn.time if seen.time >= syn.time else None
        return None

    def row(self, reason: Reason) -> Row:
        ways = [[seen for seen in self.packets if seen.forward is way] for way in (True, False)]
        return {
            **self.fixed,
            "first": min(seen.time for seen in self.packets),
            "last": max(seen.time for seen in self.packets),
            "packets": len(ways[0]),
            "bytes": sum(seen.size for seen in ways[0]),
            "rev_packets": len(ways[1]),
            "rev_bytes": sum(seen.size for seen in ways[1]),
            "tcp_flags": self.flags(True),
            "rev_tcp_flags": self.flags(False),
            "rtt": self.rtt(),
            "end_reason": reason,
        }


def follows(ack: int, seq: int) -> bool:
    """Whether it acknowledges the SYN that has the sequence number."""
    return (ack - seq - 1) % 2**32 < 2**31


def known(packet: libtrace.Packet, name: str) -> Any:
    value = field(packet, name)
    return None if value is CUT else value


def segment(packet: libtrace.Packet) -> tuple[int, int, int] | None:
    if known(packet, "src_port") is None or packet.ip_proto != 6:
        return None
    tcp = next(layer.object for layer in packet.layers if layer.name == "tcp")
    try:
        return tcp.flags, tcp.seq_nbr, tcp.ack_nbr
    except libtrace.TruncatedError:
        return None


def mapped(address: Any) -> bytes:
    packed: bytes = address.packed
    return packed if len(packed) == 16 else bytes(10) + b"\xff\xff" + packed


class Table:
    """The flows of packets, and why they have ended."""

    def __init__(self, idle: float, active: float, most: int) -> None:
        self.idle, self.active, self.most = idle * NS, active * NS, most
        self.flows: dict[Any, Flow] = {}
        self.rows: list[Row] = []
        self.ignored = self.clock = 0
        self.time: int | None = None

    def end(self, key: Any, reason: Reason) -> Flow:
        flow = self.flows.pop(key)
        closed = flow.closed and reason != Reason.ACTIVE_TIMEOUT
        self.rows.append(flow.row(Reason.END_OF_FLOW if closed else reason))
        return flow

    def tick(self, time: int) -> None:
        if self.time is None or time >= self.time:
            self.clock += 0 if self.time is None else time - self.time
            self.time = time
        elif self.time - time >= min(self.idle, self.active):
            self.time = time
        for key, flow in list(self.flows.items()):
            limit = min(self.idle, LINGER) if flow.closed else self.idle
            if self.clock - flow.seen >= limit:
                self.end(key, Reason.IDLE_TIMEOUT)

    def evict(self) -> None:
        oldest = min(self.flows, key=lambda key: not self.flows[key].closed)
        self.end(oldest, Reason.LACK_OF_RESOURCES)

    def add(self, packet: libtrace.Packet) -> None:
        self.tick(packet.timestamp_ns)
        proto = known(packet, "ip_proto")
        if known(packet, "src") is None or known(packet, "dst") is None or proto is None:
            self.ignored += 1
            return
        ports = known(packet, "src_port"), known(packet, "dst_port")
        if None in ports:
            ports = None, None
        source, target = (packet.src_text or "", ports[0]), (packet.dst_text or "", ports[1])
        vlan = packet.vlan_ids[0] if packet.vlan_ids else None
        key = frozenset((source, target)), proto, vlan
        tcp = segment(packet)
        flow = self.flows.get(key)
        if flow and flow.closed and tcp and tcp[0] & (SYN | ACK) == SYN:
            self.end(key, Reason.END_OF_FLOW)
            flow = None
        elif flow and self.clock - flow.began >= self.active:
            old = self.end(key, Reason.ACTIVE_TIMEOUT)
            flow = Flow(old.fixed, old.source, self.clock)
        if key not in self.flows and len(self.flows) == self.most:
            self.evict()
        if flow is None:
            flow = Flow(self.fixed(packet, ports, vlan), source, self.clock)
        # The last in the dictionary is the one with the newest packet.
        self.flows.pop(key, None)
        self.flows[key] = flow
        flow.seen = self.clock
        flow.add(Seen(source == flow.source, packet.timestamp_ns, packet.wire_len, tcp))

    def fixed(self, packet: libtrace.Packet, ports: tuple[Any, Any], vlan: int | None) -> Row:
        src, dst = packet.src, packet.dst
        assert src is not None
        return {
            "ip_version": src.version,
            "src": packet.src_text,
            "dst": packet.dst_text,
            "src_ip": mapped(src),
            "dst_ip": mapped(dst),
            "proto": packet.ip_proto,
            "src_port": ports[0],
            "dst_port": ports[1],
            "vlan_id": vlan,
            "flow_hash": field(packet, "flow_hash"),
        }


def flows_of(
    packets: Iterable[libtrace.Packet],
    idle_timeout: float = 60,
    active_timeout: float = 1800,
    max_flows: float = math.inf,
) -> tuple[list[Row], int]:
    """The rows of the packets' flows, and how many packets are in none."""
    table = Table(idle_timeout, active_timeout, max_flows)  # type: ignore[arg-type]
    for packet in packets:
        table.add(packet)
    for key in list(table.flows):
        table.end(key, Reason.FORCED_END)
    return table.rows, table.ignored
