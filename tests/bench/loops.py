# SPDX-License-Identifier: LGPL-3.0-or-later
"""One Python contestant of the benchmark, in a process of its own.

``loops.py NAME TRACE`` prints the number of packets and the seconds from
opening the trace to its end, without the imports. ``loops.py --check NAME
TRACE`` prints the sum of all ports instead, to show that every contestant
decodes the same fields.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Optional

Fields = tuple[int, Optional[int], Optional[int]]


def ours_read(path: str) -> int:
    import libtrace

    with libtrace.open(f"pcapfile:{path}") as trace:
        for _packet in trace:
            pass
        return trace.accepted_packets or 0


def ours_ports(path: str) -> int:
    import libtrace

    with libtrace.open(f"pcapfile:{path}") as trace:
        for packet in trace:
            _length, _source, _target = packet.wire_len, packet.src_port, packet.dst_port
        return trace.accepted_packets or 0


def ours_fields(path: str) -> Iterator[Fields]:
    import libtrace

    with libtrace.open(f"pcapfile:{path}") as trace:
        for packet in trace:
            yield packet.wire_len, packet.src_port, packet.dst_port


def ours_tcp(path: str) -> int:
    import libtrace

    with libtrace.open(f"pcapfile:{path}") as trace:
        for packet in trace:
            tcp = packet.tcp
            if tcp is not None:
                _source, _target = tcp.src_port, tcp.dst_port
        return trace.accepted_packets


def ours_addresses(path: str) -> int:
    import libtrace

    with libtrace.open(f"pcapfile:{path}") as trace:
        for packet in trace:
            ip = packet.ip or packet.ip6
            if ip is not None:
                _source, _target = ip.src_prefix, ip.dst_prefix
        return trace.accepted_packets


def ours_flows(path: str) -> int:
    import libtrace
    from natkit import IPflow

    flows: dict[bytes, int] = {}
    with libtrace.open(f"pcapfile:{path}") as trace:
        for packet in trace:
            flow = IPflow(packet)
            if flow is not None:
                key = flow.fwd_key
                flows[key] = flows.get(key, 0) + 1
        return trace.accepted_packets


def ours_copy(path: str) -> int:
    import libtrace

    target = Path(f"{path}.copy")
    output = libtrace.OutputTrace(f"pcapfile:{target}")
    with libtrace.open(f"pcapfile:{path}") as trace, output:
        for packet in trace:
            output.write_packet(packet)
    target.unlink()
    return output.packets_written


def pcapy_read(path: str) -> int:
    import pcapy

    packets = 0
    reader = pcapy.open_offline(path)
    header, _data = reader.next()
    while header is not None:
        packets += 1
        header, _data = reader.next()
    return packets


def dpkt_fields(path: str) -> Iterator[Fields]:
    from dpkt.ethernet import Ethernet
    from dpkt.ip import IP
    from dpkt.ip6 import IP6
    from dpkt.pcap import Reader
    from dpkt.sctp import SCTP
    from dpkt.tcp import TCP
    from dpkt.udp import UDP

    with Path(path).open("rb") as file:
        for _time, frame in Reader(file):
            network = Ethernet(frame).data
            transport = network.data if isinstance(network, (IP, IP6)) else None
            if isinstance(transport, (TCP, UDP, SCTP)):
                yield len(frame), transport.sport, transport.dport
            else:
                yield len(frame), None, None


def dpkt_packets(path: str) -> Iterator[Any]:
    from dpkt.ethernet import Ethernet
    from dpkt.pcap import Reader

    with Path(path).open("rb") as file:
        for _time, frame in Reader(file):
            yield Ethernet(frame).data


def dpkt_tcp(path: str) -> int:
    from dpkt.tcp import TCP

    packets = 0
    for network in dpkt_packets(path):
        packets += 1
        transport = getattr(network, "data", None)
        if isinstance(transport, TCP):
            _source, _target = transport.sport, transport.dport
    return packets


def dpkt_addresses(path: str) -> int:
    from dpkt.ip import IP
    from dpkt.ip6 import IP6

    packets = 0
    for network in dpkt_packets(path):
        packets += 1
        if isinstance(network, (IP, IP6)):
            _source, _target = network.src, network.dst
    return packets


def dpkt_flows(path: str) -> int:
    from dpkt.ip import IP
    from dpkt.ip6 import IP6
    from dpkt.tcp import TCP
    from dpkt.udp import UDP

    packets = 0
    flows: dict[tuple[Any, ...], int] = {}
    for network in dpkt_packets(path):
        packets += 1
        if isinstance(network, (IP, IP6)):
            data = network.data
            ports = (data.sport, data.dport) if isinstance(data, (TCP, UDP)) else (0, 0)
            key = (network.p, *ports, network.src, network.dst)
            flows[key] = flows.get(key, 0) + 1
    return packets


def scapy_fields(path: str) -> Iterator[Fields]:
    from scapy.layers.inet import TCP, UDP
    from scapy.layers.sctp import SCTP
    from scapy.utils import PcapReader

    with PcapReader(path) as reader:
        for packet in reader:
            transport = packet.getlayer(TCP) or packet.getlayer(UDP) or packet.getlayer(SCTP)
            if transport is not None:
                yield packet.wirelen or 0, transport.sport, transport.dport
            else:
                yield packet.wirelen or 0, None, None


def exhaust(fields: Callable[[str], Iterator[Fields]]) -> Callable[[str], int]:
    """Make a timed loop of a generator, whose own cost is lost beside a peer's decoding."""

    def loop(path: str) -> int:
        packets = 0
        for _length, _source, _target in fields(path):
            packets += 1
        return packets

    return loop


class Loop(NamedTuple):
    """A contestant: what it imports, what is timed, and how its fields are checked."""

    modules: tuple[str, ...]
    run: Callable[[str], int]
    fields: Callable[[str], Iterator[Fields]] | None = None


# Without the layers above the transport, scapy does the work that the others do;
# scapy.all, which its users import, decodes those too.
SCAPY = ("scapy.layers.inet", "scapy.layers.inet6", "scapy.layers.sctp")

LOOPS = {
    "ours-read": Loop(("libtrace",), ours_read),
    "ours-ports": Loop(("libtrace",), ours_ports, ours_fields),
    "ours-tcp": Loop(("libtrace",), ours_tcp),
    "ours-addresses": Loop(("libtrace",), ours_addresses),
    "ours-flows": Loop(("libtrace", "natkit"), ours_flows),
    "ours-copy": Loop(("libtrace",), ours_copy),
    "pcapy-read": Loop(("pcapy",), pcapy_read),
    "dpkt-ports": Loop(("dpkt",), exhaust(dpkt_fields), dpkt_fields),
    "dpkt-tcp": Loop(("dpkt",), dpkt_tcp),
    "dpkt-addresses": Loop(("dpkt",), dpkt_addresses),
    "dpkt-flows": Loop(("dpkt",), dpkt_flows),
    "scapy-ports": Loop(SCAPY, exhaust(scapy_fields), scapy_fields),
    "scapy.all-ports": Loop(("scapy.all",), exhaust(scapy_fields), scapy_fields),
}


def import_all(modules: Iterable[str]) -> None:
    """Import what a contestant needs, which is not timed."""
    for module in modules:
        importlib.import_module(module)


def check(loop: Loop, path: str) -> None:
    ports = 0
    assert loop.fields is not None
    for _length, source, target in loop.fields(path):
        ports += (source or 0) + (target or 0)
    print("ports", ports)


def clock(loop: Loop, path: str) -> None:
    start = time.perf_counter()
    packets = loop.run(path)
    seconds = time.perf_counter() - start
    print("packets", packets)
    print("seconds", seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("name", choices=LOOPS)
    parser.add_argument("trace")
    options = parser.parse_args()
    loop = LOOPS[options.name]
    import_all(loop.modules)
    (check if options.check else clock)(loop, options.trace)


if __name__ == "__main__":
    main()
