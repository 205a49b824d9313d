# SPDX-License-Identifier: LGPL-3.0-or-later
"""Programs whose allocations fail, each once: ``without_memory.py LIBRARY NAME...``.

Run with failing_malloc.so preloaded. The allocations are those of a library, which is told by a
part of its name: ``_core`` for our own code, ``python`` for objects.
"""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import itertools
import pathlib
import pickle
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import gen
import gen_dns
import ipp
import libtrace
import natkit
from making import kind
from network import own_network
from surface import snapshot

faulthandler.enable()
DATA = pathlib.Path(__file__).parent / "data"
PRELOADED = ctypes.CDLL(None)
PRELOADED.live_blocks.restype = ctypes.c_long
OURS = "_core"
SLACK = 2  # blocks that Python keeps for itself
MANY = 70 if sys.argv[1] == OURS else 2  # more than the spare structs that the shim keeps


class Works:
    """What is done without memory. Each gives the same again and again, or a MemoryError."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.sctp = kind("sctp4")
        self.tcp = kind("options4")
        self.stack = kind("gre")
        self.flow = natkit.IPflow(kind("tcp4"))
        self.packets = [kind("tcp4"), kind("udp6"), kind("vlan")]
        answers = [gen_dns.record(gen_dns.TXT, b"\1a\1b"), gen_dns.record(gen_dns.A, b"\1\2\3\4")]
        self.payload = gen_dns.udp(gen_dns.message(answers))

    def _start(self, name: str) -> libtrace.Trace:
        trace = libtrace.Trace(f"pcapfile:{DATA / name}")
        trace.start()
        return trace

    def read(self) -> Any:
        with self._start("sctp.pcap") as trace:
            return [packet.wire_len for packet in trace]

    def pcapng(self) -> Any:
        """Each of its interfaces is noted."""
        path = gen.write_pcapng(f"{self.folder}/pcapng", gen.records(*map(bytes, self.packets)))
        trace = libtrace.Trace(f"pcapng:{path}")
        trace.start()
        with trace:
            return [(packet.timestamp_ns, packet.linktype) for packet in trace]

    def open_by_content(self) -> Any:
        with libtrace.open(DATA / "sctp.pcap") as trace:
            return next(trace).timestamp_ns

    def keep(self) -> Any:
        with self._start("sample.pcap") as trace:
            kept = [next(trace) for _ in range(MANY)]
        return [bytes(packet) for packet in kept]

    def refill(self) -> Any:
        packet = libtrace.Packet()
        with self._start("sctp.pcap") as trace:
            return [trace.read_packet(packet) and packet.src_text for _ in range(3)]

    def layers(self) -> Any:
        held = [self.sctp.sctp.chunks for _ in range(MANY)], [self.stack.layers for _ in range(9)]
        return len(held[0]), [layer.name for layer in self.stack.layers]

    def fields(self) -> Any:
        return snapshot(self.tcp.tcp)

    def prefixes(self) -> Any:
        prefix = self.tcp.ip.src_prefix
        prefix.addr[0] = 10
        return str(prefix), pickle.loads(pickle.dumps(prefix)) == prefix, prefix.complement.address

    def flows(self) -> Any:
        home = natkit.FlowHome(ipp.from_s("10.0.0.0/8"))
        flows = [home.flow(packet) for packet in self.packets * MANY]
        return [(flow.fwd_key, flow.home_key, flow.src, repr(flow)) for flow in flows[:3]]

    def made(self) -> Any:
        ip: Any = libtrace.IP(bytearray(bytes(self.tcp))[14:])
        held = [libtrace.TCP(ip) for _ in range(MANY)]
        return len(ip.tcp.options), bytes(held[0]), memoryview(ip).tobytes(), ip.hexdump()

    def frozen(self) -> Any:
        return [bytes(pickle.loads(pickle.dumps(packet))) for packet in self.packets]

    def filters(self) -> Any:
        with libtrace.open(DATA / "sample.pcap", filter="udp port 53", snaplen=60) as trace:
            found = next(trace)
        return found.src_port, self.packets[1].apply_filter(libtrace.Filter("ip6"))

    def write(self) -> Any:
        return self._write("pcapfile", None)

    def write_compressed(self) -> Any:
        return self._write("erf", libtrace.Compression.ZLIB)

    def _write(self, scheme: str, compression: int | None) -> Any:
        uri = f"{scheme}:{self.folder}/out"
        with libtrace.OutputTrace(uri, compression=compression) as output:
            for packet in self.packets:
                output.write_packet(packet)
        with libtrace.open(uri) as trace:
            return output.packets_written, [bytes(packet)[:40] for packet in trace]

    def dns(self) -> Any:
        from libtrace.dns import Message, typestr

        message: Any = Message(self.payload)
        return repr(message), repr(message.response_rr_list), typestr(999)

    def live(self) -> Any:
        with own_network() as network, libtrace.open(f"int:{network.far}", timeout=5) as trace:
            network.send(bytes(self.tcp))
            return bytes(next(trace))


def attempt(work: Callable[[], Any], number: int, library: str) -> tuple[Any, bool]:
    """What it gives when its allocation of that number fails, and whether it has as many."""
    result, name = MemoryError, library.encode()
    try:
        PRELOADED.fail_at(number, name)
        result = work()
    except (MemoryError, pickle.PicklingError):  # pickle's word for it
        pass
    finally:
        failed = PRELOADED.fail_no_more()
    return result, bool(failed)


def attempts(work: Callable[[], Any], library: str, expected: Any) -> int:
    """Every allocation fails once; how many there are."""
    for number in itertools.count(1):
        print(number, file=sys.stderr, flush=True)  # a crash tells nothing
        result, failed = attempt(work, number, library)
        assert result in (expected, MemoryError), (number, result)
        if not failed:
            break
    return number


def leaks(work: Callable[[], Any], number: int, library: str) -> bool:
    """Whether one failing allocation leaves something behind each time, as no cache does."""
    for times in (10, 100, 1000):
        gc.collect()
        before = PRELOADED.live_blocks()
        for _ in range(times):
            attempt(work, number, library)
        gc.collect()
        if PRELOADED.live_blocks() - before < times:
            return False
    return True


def check(name: str, work: Callable[[], Any], library: str) -> None:
    expected = work()
    assert work() == expected
    count = attempts(work, library, expected)
    gc.collect()
    before = PRELOADED.live_blocks()
    if library == OURS:  # Python's own caches take long to settle
        attempts(work, library, expected)
    gc.collect()
    if PRELOADED.live_blocks() - before > SLACK:
        found = [number for number in range(1, count) if leaks(work, number, library)]
        assert not found, f"{name}: these allocations of {library} leave something: {found}"
    print(name, count - 1, flush=True)


def main(library: str, *names: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        works = Works(folder)
        for name in names:
            check(name, getattr(works, name), library)


if __name__ == "__main__":
    main(*sys.argv[1:])
