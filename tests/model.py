# SPDX-License-Identifier: LGPL-3.0-or-later
"""What holds however a program goes on: which packets a trace gives, and what is in them."""

from __future__ import annotations

import importlib.util
import pathlib
from typing import Any

import gen
import gen_dns
import gen_files as f
import ipp
import libtrace
import natkit
import plt
from everything import explore
from libtrace import core
from making import kind
from surface import snapshot

FILTERS = ["", "tcp", "udp port 53", "ip6", "greater 90", "vlan", "not ip"]
_FRAMES = [frame for linktype, frame in gen.KINDS.values() if linktype == f.DLT_EN10MB]


def samples() -> list[list[Any]]:
    """New objects of every class that is not a trace; those of a list share their memory."""
    found: dict[type, Any] = {}
    groups = []
    for name in ("tcp4", "udp6", "icmp4", "icmp4_error", "icmp6", "neighbour", "sctp4"):
        fresh = {type(owner): owner for _, owner, _, _ in explore(kind(name), depth=2)}
        groups.append([owner for cls, owner in fresh.items() if cls not in found])
        found.update(fresh)
    prefix = ipp.from_s("10.0.0.0/8")
    objects = [found[libtrace.TCP].src_prefix, natkit.IPflow(kind("tcp6")), libtrace.Filter("tcp")]
    objects += [prefix, natkit.FlowHome(prefix), plt.filter("udp"), kind("udp4")]
    if importlib.util.find_spec("libtrace.dns_core"):
        answers = [gen_dns.record(gen_dns.A, b"\1\2\3\4")]
        message = importlib.import_module("pldns").ldns(gen_dns.udp(gen_dns.message(answers)))
        objects += [message, *message.response_rr_list]
    return [*groups, *([value] for value in objects), [libtrace.Packet()]]


class Source:
    """A trace file, and what its packets are by their times, which differ."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        with libtrace.open(uri) as trace:
            self.packets = {packet.timestamp_ns: packet for packet in trace}
        self.fields = {time: snapshot(packet) for time, packet in self.packets.items()}
        self.times = list(self.packets)
        self._matches: dict[str, set[int]] = {}

    def matches(self, expression: str) -> set[int]:
        """The times of the packets that pass a filter."""
        if expression not in self._matches:
            code = libtrace.Filter(expression)
            passing = {time for time, p in self.packets.items() if p.apply_filter(code)}
            self._matches[expression] = passing
        return self._matches[expression]


def sources(folder: pathlib.Path) -> list[Source]:
    """Trace files of every kind: read with and without a thread, and lent by libpcap."""
    records = f.records(*_FRAMES, *_FRAMES)
    pcap = f.write_pcap(folder / "plain", records, nano=True)
    packed = f.write_pcap(folder / "packed", records, compression="gz")
    erf = f.write_erf(folder / "erf", records)
    uris = [f"pcapfile:{pcap}", f"pcapfile:{packed}", f"erf:{erf}", f"pcap:{pcap}", pcap]
    if libtrace.features()["pcapng"]:
        uris.append(f"pcapng:{f.write_pcapng(folder / 'pcapng', records)}")
    return [Source(uri) for uri in uris]


class Reading:
    """A trace that is read: every packet once, in order, as it is in the file."""

    def __init__(self, trace: libtrace.Trace, source: Source) -> None:
        self.trace, self.source = trace, source
        self.at = self.delivered = 0
        self.expression: str | None = ""  # None: one that does not compile
        self.cut = False  # by a snap length
        self.known = True  # where the trace is

    def configure(self, name: str, argument: Any) -> None:
        """Takes note of a method that has just been called."""
        if name == "conf_filter":
            self.expression = argument.expression if argument else ""
            self.known = False
        self.cut = self.cut or name == "conf_snaplen"

    def deliver(self, packet: libtrace.Packet) -> None:
        time = packet.timestamp_ns
        index = self.source.times.index(time)
        assert index >= self.at, "a packet came twice"
        if self.known and self.expression is not None:
            missed = set(self.source.times[self.at : index])
            assert not missed & self.source.matches(self.expression), "a packet is missing"
        if self.expression is not None:
            assert time in self.source.matches(self.expression), "the filter rejects this packet"
        if not self.cut:
            assert snapshot(packet) == self.source.fields[time], "a packet is not as in the file"
        self.at, self.known = index + 1, True
        self.delivered += 1

    def end(self) -> None:
        """The trace says that there is no more."""
        if (
            self.known
            and self.expression is not None
            and core.Trace.state.__get__(self.trace) == "started"
        ):
            left = set(self.source.times[self.at :])
            assert not left & self.source.matches(self.expression), "packets are missing"

    def settle(self) -> None:
        """After calls that may have read packets which nobody looked at."""
        if self.accepted() != self.delivered:
            assert self.accepted() > self.delivered
            self.delivered, self.known = self.accepted(), False

    def accepted(self) -> int | None:
        """Whatever a script has put in the place of the trace's own attributes."""
        return core.Trace.statistic(self.trace, 0)

    def check(self) -> None:
        assert self.accepted() == self.delivered


class Writing:
    """An output, and the packets that it took."""

    def __init__(self, output: libtrace.OutputTrace) -> None:
        self.output, self.taken = output, list[bytes]()

    def settle(self) -> None:
        """After calls that may have written packets."""
        self.taken += [b"?"] * (self.written() - len(self.taken))

    def written(self) -> int:
        written: int = core.OutputTrace.packets_written.__get__(self.output)
        return written

    def check(self) -> None:
        assert self.written() == len(self.taken)

    def finish(self) -> None:
        """All that was taken is in the file."""
        core.OutputTrace.close(self.output)
        uri = core.OutputTrace.uri.__get__(self.output)
        if not self.taken or (uri.startswith("pcapng:") and not libtrace.features()["pcapng"]):
            return
        with libtrace.open(uri) as trace:
            found = [bytes(packet) for packet in trace]
        assert len(found) == len(self.taken)
        assert all(wrote in (read, b"?") for read, wrote in zip(found, self.taken))


class Held:
    """An object, what shares its memory, and what its fields were when they were last set."""

    def __init__(self, value: Any, family: object, model: Reading | Writing | None = None) -> None:
        self.value, self.family, self.model = value, family, model
        self.refresh()

    def refresh(self) -> None:
        self.fields = snapshot(self.value)

    def check(self) -> None:
        if self.model:
            self.model.check()
        now = snapshot(self.value)
        changed = [name for name in self.fields if now.get(name) != self.fields[name]]
        assert not changed, f"{type(self.value).__name__}: {changed} changed"
