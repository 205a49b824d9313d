# SPDX-License-Identifier: LGPL-3.0-or-later
"""How fast are tables of packets, beside the same arrays filled in C and beside other libraries?

Run it by ``make bench-tables``, or by hand as bench.py, whose traces and rounds it uses. The C
program columns.c fills the same arrays through libtrace's own functions. ``--columns`` takes each
column on its own, too.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import bench
import libtrace
from bench import Contestant, Goal, Traces
from loops import SCAPY, import_all

TEXT = ("src", "dst")
GOALS = [
    Goal("default columns, of C", "ours default", "C default", 0.9),
    Goal("text addresses, of C", "ours src,dst", "C src,dst", 0.6),
    Goal("times dpkt, the same table", "ours default", "dpkt", 35),
    Goal("times scapy, the same table", "ours default", "scapy", 600),
    Goal("times tshark -T fields", "ours default", "tshark", 50),
    Goal("libtrace report, of C", "libtrace report", "C ports", 0.5),
    Goal("libtrace export to Parquet, of C", "libtrace export", "C default", 0.35),
    Goal("two workers, times one", "ours 2 workers", "ours 1 worker", 1.6),
]
EACH = 0.8


# The contestants in Python; each prints its packets and seconds


def fill(columns: str, path: str) -> int:
    names = libtrace.DEFAULT_COLUMNS if columns == "default" else columns.split(",")
    with libtrace.open(f"pcapfile:{path}") as trace:
        return sum(len(batch) for batch in trace.batches(names))


def fill_parallel(workers: str, path: str) -> int:
    paths = [f"pcapfile:{path}", f"pcapfile:{path}.twin"]
    return sum(len(batch) for batch in libtrace.scan(paths, workers=int(workers)))


def fill_with_dpkt(_columns: str, path: str) -> int:
    from dpkt.ethernet import Ethernet
    from dpkt.icmp import ICMP
    from dpkt.ip import IP
    from dpkt.ip6 import IP6
    from dpkt.pcap import Reader
    from dpkt.tcp import TCP
    from dpkt.udp import UDP
    from dpkt.utils import inet_to_str

    rows: list[tuple[Any, ...]] = []
    with Path(path).open("rb") as file:
        for timestamp, frame in Reader(file):
            ethernet = Ethernet(frame)
            ip = ethernet.data
            tags = getattr(ethernet, "vlan_tags", None)
            vlan = tags[0].id if tags else None
            if not isinstance(ip, (IP, IP6)):
                rows.append((timestamp, len(frame) + 4, len(frame), vlan, *(None,) * 8))
                continue
            inner = ip.data
            ports = (inner.sport, inner.dport) if isinstance(inner, (TCP, UDP)) else (None, None)
            flags = inner.flags if isinstance(inner, TCP) else None
            size = len(inner.data) if isinstance(inner, (TCP, UDP, ICMP)) else None
            ends = inet_to_str(ip.src), inet_to_str(ip.dst)
            lengths = len(frame) + 4, len(frame)
            rows.append((timestamp, *lengths, vlan, ip.v, *ends, ip.p, *ports, flags, size))
    return len(rows)


def fill_with_scapy(_columns: str, path: str) -> int:
    from scapy.layers.inet import IP, TCP, UDP
    from scapy.layers.inet6 import IPv6
    from scapy.layers.l2 import Dot1Q
    from scapy.utils import PcapReader

    rows: list[tuple[Any, ...]] = []
    with PcapReader(path) as reader:
        for packet in reader:
            tag = packet.getlayer(Dot1Q)
            ip = packet.getlayer(IP) or packet.getlayer(IPv6)
            tcp = packet.getlayer(TCP)
            transport = tcp or packet.getlayer(UDP)
            ends = (ip.src, ip.dst) if ip else (None, None)
            ports = (transport.sport, transport.dport) if transport else (None, None)
            rows.append(
                (
                    packet.time,
                    packet.wirelen,
                    len(packet),
                    tag.vlan if tag else None,
                    ip.version if ip else None,
                    *ends,
                    (ip.proto if ip.version == 4 else ip.nh) if ip else None,
                    *ports,
                    int(tcp.flags) if tcp else None,
                    len(transport.payload) if transport else None,
                )
            )
    return len(rows)


FILLERS = {
    "ours": fill,
    "workers": fill_parallel,
    "dpkt": fill_with_dpkt,
    "scapy": fill_with_scapy,
}
MODULES = {"dpkt": ("dpkt",), "scapy": SCAPY}


def clock(filler: str, argument: str, path: str) -> None:
    import_all(MODULES.get(filler, ()))
    start = time.perf_counter()
    packets = FILLERS[filler](argument, path)
    print("packets", packets)
    print("seconds", time.perf_counter() - start)


# The race


def in_python(name: str, filler: str, argument: str, path: Path, packets: int) -> Contestant:
    command = [sys.executable, __file__, "--fill", filler, argument, str(path)]
    return Contestant(name, command, packets, "C default", "ours default")


def in_c(program: Path, columns: str, traces: Traces) -> Contestant:
    names = ",".join(libtrace.DEFAULT_COLUMNS) if columns == "default" else columns
    command = [str(program), "-t", names, f"pcapfile:{traces.plain}"]
    return Contestant(f"C {columns}", command, traces.packets, f"C {columns}", "", "nothreads")


def ours(columns: str, traces: Traces) -> Contestant:
    contestant = in_python(f"ours {columns}", "ours", columns, traces.plain, traces.packets)
    contestant.c_loop, contestant.ours = f"C {columns}", ""
    return contestant


def command(name: str, arguments: list[str], packets: int, c_loop: str) -> Contestant:
    return Contestant(name, arguments, packets, c_loop, "ours default", whole_process=True)


def tshark(traces: Traces) -> Contestant:
    names = "frame.time_epoch frame.len frame.cap_len vlan.id ip.version ip.src ip.dst ip.proto"
    names += " tcp.srcport tcp.dstport tcp.flags tcp.len ipv6.src ipv6.dst udp.srcport udp.dstport"
    fields = [word for name in names.split() for word in ("-e", name)]
    arguments = ["tshark", "-n", "-r", str(traces.head), "-T", "fields", *fields]
    return command("tshark", arguments, traces.head_packets, "C default")


def commands(traces: Traces, target: Path) -> list[Contestant]:
    libtrace_command = [sys.executable, "-m", "libtrace"]
    uri, n = f"pcapfile:{traces.plain}", traces.packets
    found = [
        command("libtrace report", [*libtrace_command, "report", "--json", uri], n, "C ports"),
        command(
            "libtrace export", [*libtrace_command, "export", uri, "-o", str(target)], n, "C default"
        ),
    ]
    return [*found, tshark(traces)] if shutil.which("tshark") else found


def contestants(options: argparse.Namespace, traces: Traces, folder: Path) -> list[Contestant]:
    twin = traces.plain.with_name(f"{traces.plain.name}.twin")
    if not twin.exists():
        os.link(traces.plain, twin)
    tables = ["default", ",".join(TEXT), *(list(libtrace.COLUMNS) if options.columns else ())]
    ports = [str(options.loop), "-t", "ports", f"pcapfile:{traces.plain}"]
    return [
        *(in_c(options.program, columns, traces) for columns in tables),
        *(ours(columns, traces) for columns in tables),
        Contestant("C ports", ports, traces.packets, "C ports", "", "nothreads"),
        in_python("ours 1 worker", "workers", "1", traces.plain, 2 * traces.packets),
        in_python("ours 2 workers", "workers", "2", traces.plain, 2 * traces.packets),
        in_python("dpkt", "dpkt", "", traces.head, traces.head_packets),
        in_python("scapy", "scapy", "", traces.head, traces.head_packets),
        *commands(traces, folder / "out.parquet"),
    ]


def goals(options: argparse.Namespace) -> list[Goal]:
    each = list(libtrace.COLUMNS) if options.columns else []
    singles = [
        Goal(f"column {name}, of C", f"ours {name}", f"C {name}", 0.6 if name in TEXT else EACH)
        for name in each
    ]
    return [*GOALS, *singles]


def scaling_of_c(program: Path, traces: Traces) -> float:
    """How much faster two C programs at once are than one after the other."""
    one = in_c(program, "default", traces)
    environment = {**os.environ, "LIBTRACEIO": "nothreads"}

    def elapsed(rounds: int, at_once: int) -> float:
        start = time.perf_counter()
        for _ in range(rounds):
            running = [
                subprocess.Popen(one.command, env=environment, stdout=subprocess.DEVNULL)
                for _ in range(at_once)
            ]
            for process in running:
                process.wait()
        return time.perf_counter() - start

    return elapsed(2, 1) / elapsed(1, 2)


def run(options: argparse.Namespace, cache: Path) -> int:
    console = bench.Console()
    traces = bench.make_traces(cache, options.packets, options.head)
    entrants = {it.name: it for it in contestants(options, traces, cache)}
    bench.run_race(entrants, options.rounds, traces, console)
    scaling = scaling_of_c(options.program, traces)
    console.print(f"two C programs at once: {scaling:.2f} times one")
    return bench.conclude(
        options, entrants, bench.speed_verdicts(entrants, goals(options)), console
    )


def main() -> int:
    if sys.argv[1:2] == ["--fill"]:
        clock(*sys.argv[2:])
        return 0
    parser = bench.make_parser(__doc__)
    parser.add_argument("--loop", type=Path, required=True, help="the built loop.c")
    parser.add_argument("--program", type=Path, required=True, help="the built columns.c")
    parser.add_argument("--columns", action="store_true", help="each column on its own, too")
    options = parser.parse_args()
    options.loop, options.program = options.loop.resolve(), options.program.resolve()
    return bench.with_cache(options, run)


if __name__ == "__main__":
    sys.exit(main())
