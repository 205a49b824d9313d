# SPDX-License-Identifier: LGPL-3.0-or-later
"""Tables of packets: every column has what the objects say, whatever happens meanwhile."""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import pathlib
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import gen
import gen_files as f
import gen_packets as p
import libtrace
import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import make_all
from network import BURST, Network
from reading import CUT, field
from steady import assert_steady, unsanitized
from test_threads import full_pipe, numbered
from waiting import Alarm, alarm, gather, on_alarm

DATA = pathlib.Path(__file__).parent / "data"
CAPTURES = sorted(path.name for path in DATA.glob("*.pcap"))
ALL = list(libtrace.COLUMNS)
FLOW = ("src", "dst", "ip_proto", "src_port", "dst_port")

# What the objects say


def maybe(read: Callable[[], Any]) -> Any:
    """The value; None where it is not there, or cut off."""
    try:
        return read()
    except libtrace.TruncatedError:
        return None


def layer(packet: libtrace.Packet, *names: str) -> Any:
    """The object of the first layer of one of these names; None where there is none.

    Behind IEEE 802.3 frames' LLC, only `layers` sees IP.
    """
    if maybe(lambda: packet.ip_proto is None):
        return None
    return next((item.object for item in packet.layers if item.name in names), None)


def transport(packet: libtrace.Packet) -> Any:
    """The TCP, ICMP or ICMPv6 object that the outermost IP header tells of."""
    names = {6: "tcp", 1: "icmp", 58: "icmpv6"}
    family = {1: ["ip"], 58: ["ipv6"]}
    proto = maybe(lambda: packet.ip_proto)
    outer = next((item.name for item in packet.layers if item.name in ("ip", "ipv6")), None)
    if proto not in names or outer not in family.get(proto, ["ip", "ipv6"]):
        return None
    return layer(packet, names[proto])


def of(owner: Any, name: str) -> Any:
    return None if owner is None else maybe(lambda: getattr(owner, name))


def option(tcp: Any, kind: type, index: int) -> Any:
    options = of(tcp, "options") or []
    return next((o[index] for o in options if isinstance(o, kind)), None)


def mapped(address: Any) -> bytes | None:
    if address is None:
        return None
    return address.packed if address.version == 6 else b"\0" * 10 + b"\xff\xff" + address.packed


def payload(packet: libtrace.Packet) -> bytes | None:
    length = maybe(lambda: packet.payload_length)
    if length is None:
        return None
    sizes = {17: 8, 136: 8, 1: 8, 58: 8, 132: 12}
    carrier = packet.transport
    data = bytes(carrier.data)
    proto = packet.ip_proto
    header = (data[12] >> 4) * 4 if proto == 6 else sizes[proto]
    return data[header : header + length]


def ip_columns(packet: libtrace.Packet) -> dict[str, Any]:
    ip4, ip6 = layer(packet, "ip"), layer(packet, "ipv6")
    outer = layer(packet, "ip", "ipv6")
    ip4, ip6 = (ip4 if ip4 is outer else None), (ip6 if ip6 is outer else None)
    four = outer is not None and isinstance(outer, libtrace.IP)
    six = outer is not None and not four
    flags = [of(outer, name) if four else None for name in ("has_rf", "has_df", "has_mf")]
    length = of(outer, "pkt_len" if four else "payload_len")
    jumbo = six and length == 0 and of(outer, "next_hdr") in (p.HOP_BY_HOP, None)
    if six and length is not None:
        length = None if jumbo else length + 40
    return {
        "ip_version": of(outer, "version"),
        "ttl": of(outer, "ttl"),
        "traffic_class": of(outer, "traffic_class"),
        "ip_id": of(outer, "ident") if four else None,
        "ip_flags": None if None in flags else sum(flag << 2 - n for n, flag in enumerate(flags)),
        "frag_offset": of(outer, "frag_offset") if four else None,
        "ip_len": length,
        "flow_label": of(outer, "flow_label") if six else None,
    }


def transport_columns(packet: libtrace.Packet) -> dict[str, Any]:
    found = transport(packet)
    tcp = found if isinstance(found, libtrace.TCP) else None
    icmp = None if tcp else found
    return {
        "tcp_seq": of(tcp, "seq_nbr"),
        "tcp_ack": of(tcp, "ack_nbr"),
        "tcp_flags": of(tcp, "flags"),
        "tcp_window": of(tcp, "window"),
        "tcp_mss": option(tcp, libtrace.MaximumSegmentSize, 0),
        "tcp_wscale": option(tcp, libtrace.WindowScale, 0),
        "tcp_tsval": option(tcp, libtrace.Timestamps, 0),
        "tcp_tsecr": option(tcp, libtrace.Timestamps, 1),
        "icmp_type": of(icmp, "type"),
        "icmp_code": of(icmp, "code"),
    }


def expected(packet: libtrace.Packet, index: int) -> dict[str, Any]:
    """Every column's value of a packet."""
    as_they_are = ["wire_len", "capture_len", "is_truncated", "direction", "linktype"]
    as_they_are += ["src_mac", "dst_mac", "vlan_ids", "src_port", "dst_port"]
    return {
        **{name: of(packet, name) for name in as_they_are},
        "timestamp": packet.timestamp_ns,
        "payload_len": of(packet, "payload_length"),
        "size_class": sum(packet.wire_len > last for last in (63, 127, 255, 511, 1023, 1518)),
        "headers_cut": any(field(packet, name) is CUT for name in FLOW),
        "ethertype": packet.ethertype or None,
        "vlan_id": next(iter(packet.vlan_ids), None),
        "mpls_label": next(iter(packet.mpls_labels), None),
        "src": of(packet, "src_text"),
        "dst": of(packet, "dst_text"),
        "src_ip": mapped(of(packet, "src")),
        "dst_ip": mapped(of(packet, "dst")),
        "proto": of(packet, "ip_proto"),
        "flow_hash": of(packet, "flow_hash"),
        "packet": bytes(packet),
        "payload": payload(packet),
        "index": index,
        **ip_columns(packet),
        **transport_columns(packet),
    }


def rows(batch: libtrace.Batch) -> list[dict[str, Any]]:
    columns = {name: list(column) for name, column in batch.items()}
    return [{name: columns[name][row] for name in batch} for row in range(len(batch))]


def assert_agree(uri: str | pathlib.Path) -> None:
    """Every column of every packet has what the object has."""
    with libtrace.open(uri) as trace:
        objects = [expected(packet, index) for index, packet in enumerate(trace)]
    with libtrace.open(uri) as trace:
        batches = list(trace.batches(ALL, 100))
    for column in (column for batch in batches for column in batch.values()):
        assert column.info.null or not column.null_count, column.name
    table = [row for batch in batches for row in rows(batch)]
    assert len(table) == len(objects)
    for row, wanted in zip(table, objects):
        assert row == wanted


@pytest.mark.parametrize("name", CAPTURES)
def test_agrees_with_the_objects(name: str) -> None:
    assert_agree(DATA / name)


@pytest.mark.parametrize("kind", gen.KINDS)
def test_agrees_when_cut_anywhere(tmp_path: pathlib.Path, kind: str) -> None:
    linktype, frame = gen.KINDS[kind]
    records = [f.pcap_record(frame[:size], wirelen=len(frame)) for size in range(len(frame) + 1)]
    assert_agree(f"pcapfile:{f.write(tmp_path / 'x', [f.pcap_header(linktype), *records])}")


@given(kind=st.sampled_from(sorted(gen.KINDS)), data=st.data())
def test_agrees_when_damaged(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject
) -> None:
    linktype, frame = gen.KINDS[kind]
    damaged = bytearray(frame)
    for at in data.draw(st.lists(st.integers(0, len(frame) - 1), max_size=4)):
        damaged[at] = data.draw(st.integers(0, 255))
    size = data.draw(st.integers(0, len(frame)))
    path = tmp_path_factory.getbasetemp() / "damaged"
    record = f.pcap_record(bytes(damaged[:size]), wirelen=len(frame))
    assert_agree(f"pcapfile:{f.write(path, [f.pcap_header(linktype), record])}")


OPTIONS = st.one_of(
    st.sampled_from([b"\0", b"\1"]),
    st.builds(
        lambda kind, length, value: bytes([kind, length]) + value,
        st.sampled_from([2, 3, 4, 5, 8, 34, 253]),
        st.integers(0, 12) | st.integers(0, 255),
        st.binary(max_size=10),
    ),
    st.sampled_from([b"\2\4\5\xb4", b"\3\3\7", b"\x08\x0a\0\0\0\1\0\0\0\2"]),
)
"""Good ones, ones whose length is not that of their kind, padding and ends."""

CARRIERS: list[Callable[[bytes], bytes]] = [
    lambda segment: p.eth(p.ipv4(p.TCP, segment)),
    lambda segment: p.eth(p.ipv4(p.TCP, segment, options=b"\x94\4\0\0")),
    lambda segment: p.eth(p.vlan(p.ipv6(p.TCP, segment), 9, p.IPV6), p.VLAN),
    lambda segment: p.eth(
        p.ipv6(p.TCP, segment, extensions=[p.options_header(), p.routing_header(p.DST6)]), p.IPV6
    ),
    lambda segment: p.eth(p.ipv4(4, p.ipv4(p.TCP, segment))),
    lambda segment: p.eth(p.ipv4(p.GRE, p.gre(p.ipv4(p.TCP, segment), key=9))),
]


@given(
    options=st.lists(OPTIONS, max_size=8).map(lambda parts: b"".join(parts)[:40]),
    carrier=st.sampled_from(CARRIERS),
)
def test_agrees_on_options_cut_anywhere(
    tmp_path_factory: pytest.TempPathFactory, options: bytes, carrier: Callable[[bytes], bytes]
) -> None:
    frame = carrier(p.tcp(1, 2, b"data", options=options))
    end = len(frame)
    records = [f.pcap_record(frame[:size], wirelen=end) for size in range(end - 48, end + 1)]
    path = tmp_path_factory.getbasetemp() / "options"
    assert_agree(f"pcapfile:{f.write(path, [f.pcap_header(), *records])}")


def test_agrees_in_erf(tmp_path: pathlib.Path) -> None:
    frames = [frame for linktype, frame in gen.KINDS.values() if linktype == f.DLT_EN10MB]
    assert_agree(f"erf:{f.write(tmp_path / 'x', map(f.erf_record, frames))}")


def test_flow_hash_is_that_of_both_directions() -> None:
    there = p.eth(p.ipv4(p.TCP, p.tcp(1, 2)))
    back = p.eth(p.ipv4(p.TCP, p.tcp(2, 1), src=p.DST4, dst=p.SRC4))
    other = p.eth(p.ipv4(p.TCP, p.tcp(1, 3)))
    udp = p.eth(p.ipv4(p.UDP, p.udp(1, 2)))
    hashes = [packet.flow_hash for packet in make_all([there, back, other, udp])]
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3
    assert make_all([p.eth(p.arp(), p.ARP)])[0].flow_hash is None


@pytest.mark.parametrize(
    ("segment", "padding", "length"),
    [(p.tcp(1, 2, b"abc"), 0, 3), (p.tcp(1, 2), 6, 0), (p.udp(1, 2, b"abcd"), 0, 4)],
)
def test_payload_is_what_the_ip_header_states(segment: bytes, padding: int, length: int) -> None:
    proto = p.UDP if segment[:2] == b"\0\1" and len(segment) == 12 else p.TCP
    frame = p.eth(p.ipv4(proto, segment)) + bytes(padding)
    (packet,) = make_all([frame])
    assert packet.payload_length == length
    assert payload(packet) == segment[len(segment) - length :]


def test_length_without_a_payload(tmp_pcap: Callable[..., str]) -> None:
    """No length in front of hop-by-hop options is that of a jumbogram, elsewhere it is none."""
    jumbo = bytearray(gen.KINDS["hop_by_hop"][1])
    jumbo[18:20] = bytes(2)
    with libtrace.open(tmp_pcap(gen.KINDS["no_next6"][1], bytes(jumbo))) as trace:
        (batch,) = trace.batches(["ip_len"])
    assert list(batch["ip_len"]) == [40, None]


def test_no_stated_length(tmp_path: pathlib.Path) -> None:
    """Segmentation offload leaves the length 0: what it would be is not guessed."""
    frame = bytearray(p.eth(p.ipv4(p.TCP, p.tcp(1, 2, b"abc"))))
    frame[16:18] = bytes(2)
    (packet,) = make_all([bytes(frame)])
    assert packet.payload_length is None


# Batches


def sample(columns: list[str] | None = None, **options: Any) -> libtrace.Batch:
    with libtrace.open(DATA / "sample.pcap") as trace:
        return next(trace.batches(columns, **options))


def test_default_columns() -> None:
    batch = sample()
    assert tuple(batch) == batch.keys() == libtrace.DEFAULT_COLUMNS
    assert len(batch) == 773
    assert "src" in batch
    assert "ttl" not in batch
    assert repr(batch) == f"<libtrace.Batch of 773 rows: {', '.join(batch)}>"
    assert dict(batch).keys() == set(batch)
    assert [len(column) for column in batch.values()] == [773] * 12


def test_size() -> None:
    with libtrace.open(DATA / "sample.pcap") as trace:
        sizes = [len(batch) for batch in trace.batches(["index"], 100)]
    assert sizes == [100] * 7 + [73]


def test_memory_of_a_column() -> None:
    batch = sample(["timestamp", "src_port", "direction", "is_truncated", "src_ip", "src"])
    view = memoryview(batch["src_port"])
    assert (view.format, view.shape, view.strides, view.readonly) == ("H", (773,), (2,), True)
    assert memoryview(batch["timestamp"]).format == "q"
    assert memoryview(batch["direction"]).format == "h"
    assert memoryview(batch["is_truncated"]).format == "?"
    assert memoryview(batch["src_ip"]).shape == (773, 16)
    assert memoryview(batch["src"]).shape == (774,)
    with pytest.raises(TypeError, match="read-only"):
        view[0] = 1


def test_column() -> None:
    column = sample(["src_port"])["src_port"]
    values = column.to_pylist()
    assert (column.name, column.type, column.null_count) == ("src_port", "uint16", 104)
    assert values.count(None) == 104
    assert (column[-1], column[10]) == (values[-1], values[10])
    assert repr(column) == "<libtrace.Column 'src_port', uint16, 773 rows>"
    with pytest.raises(IndexError):
        column[773]


@pytest.mark.parametrize("name", ALL)
def test_slices(name: str) -> None:
    whole = sample([name])
    values = list(whole[name])
    for start, stop in [(0, 773), (5, 9), (7, 7), (13, 700), (-3, 773), (9, 2)]:
        part = whole[start:stop]
        assert len(part) == len(part[name]) == len(values[start:stop])
        assert list(part[name]) == list(whole[name][start:stop]) == values[start:stop]
        assert part[name].null_count == values[start:stop].count(None)
    assert list(whole[100:200][50:60][name]) == values[150:160]
    with pytest.raises(ValueError, match="step"):
        whole[::2]


def test_wrong_arguments() -> None:
    with libtrace.open(DATA / "sample.pcap") as trace:
        with pytest.raises(ValueError, match="there is no column 'nonsense'"):
            trace.batches(["src", "nonsense"])
        with pytest.raises(ValueError, match="there is no column ''"):
            trace.batches([])
        with pytest.raises(ValueError, match="'src' is asked for twice"):
            trace.batches(["src", "dst", "src"])
        wrong: Any
        for wrong in ("src", 5, object()):
            with pytest.raises(TypeError, match="columns are a list of names, not a"):
                trace.batches(wrong)
        for wrong in ([None], ["src", 1], b"src"):
            with pytest.raises(TypeError, match="a column's name is a str, not a"):
                trace.batches(wrong)
        for wrong in ("src,dst", "src\0", "\udcff", " src"):
            with pytest.raises(ValueError, match="there is no column '"):
                trace.batches([wrong])
        assert trace.batches(name for name in ("src", "dst")).columns == ("src", "dst")
        for size in (0, -1, 2**24 + 1, 2**40):
            with pytest.raises(ValueError, match="rows"):
                trace.batches(size=size)
        for wait in (-1.0, float("nan"), float("inf")):
            with pytest.raises(ValueError, match="max_wait"):
                trace.batches(max_wait=wait)
        with pytest.raises(KeyError):
            next(trace.batches(["src"]))["dst"]


def test_wrong_keys() -> None:
    batch: Any = sample()
    column = batch["src_port"]
    for wrong in (5, None, ("src", "dst")):
        with pytest.raises(TypeError, match="names of columns and slices, not a"):
            batch[wrong]
    for wrong in ("x", None, 1.0):
        with pytest.raises(TypeError, match="rows are numbers or slices, not a"):
            column[wrong]
    for row in (773, -774, 2**70):
        with pytest.raises(IndexError, match=f"there is no row {row} of 773"):
            column[row]
    with pytest.raises(TypeError, match="not reversible"):
        reversed(batch)
    for value in (batch, column):
        with pytest.raises(TypeError, match="cannot pickle"):
            pickle.dumps(value)


def test_states(tmp_pcap: Callable[..., str]) -> None:
    trace = libtrace.Trace(tmp_pcap(*numbered(3)))
    batches = trace.batches(["index"])
    with pytest.raises(libtrace.TraceStateError, match="not started"):
        next(batches)
    trace.start()
    assert len(next(batches)) == 3
    assert next(batches, None) is None
    trace.close()
    with pytest.raises(libtrace.TraceStateError, match="closed"):
        next(batches)


def test_outlives_everything() -> None:
    column = sample(["src"])["src"]
    view = memoryview(column)[1:]
    values = list(column)
    del column
    gc.collect()
    assert view[0] == len(values[0])


def test_memory_in_use_is_not_reused(tmp_pcap: Callable[..., str]) -> None:
    frames = numbered(40)
    with libtrace.open(tmp_pcap(*frames)) as trace:
        batches = trace.batches(["index", "packet", "vlan_id"], 4)
        views = []
        for batch in batches:
            views.append((memoryview(batch["index"]), batch["packet"], batch["vlan_id"]))
            next(batches)
    found = [number for index, _packets, _vlans in views for number in index]
    assert found == [number for number in range(40) if number % 8 < 4]
    assert [p for _index, packets, _vlans in views for p in packets] == [frames[i] for i in found]
    assert all(vlans.null_count == 4 for _index, _packets, vlans in views)


def test_reused_memory_forgets_its_values(tmp_pcap: Callable[..., str]) -> None:
    uri = tmp_pcap(*(gen.KINDS[kind][1] for kind in ("vlan", "vlan", "arp", "arp", "arp")))
    with libtrace.open(uri) as trace:
        found = [list(batch["vlan_id"]) for batch in trace.batches(["vlan_id"], 2)]
    assert found[0] != [None, None]
    assert found[1:] == [[None, None], [None]]


def test_beside_packets(tmp_pcap: Callable[..., str]) -> None:
    """Packets and batches share the trace's position, and kept packets stay as they are."""
    frames = numbered(10)
    with libtrace.open(tmp_pcap(*frames)) as trace:
        batches = trace.batches(["index", "packet"], 3)
        first, second = next(trace), next(trace)
        batch = next(batches)
        third = next(trace)
        rest = next(batches)
    assert [bytes(packet) for packet in (first, second, third)] == [*frames[:2], frames[5]]
    assert list(batch["index"]) == [2, 3, 4]
    assert list(rest["packet"]) == frames[6:9]


def test_filter_and_snaplen(tmp_pcap: Callable[..., str]) -> None:
    uri = tmp_pcap(*(gen.KINDS[kind][1] for kind in ("tcp4", "udp6", "arp", "tcp6")))
    with libtrace.open(uri, filter="tcp", snaplen=20) as trace:
        (batch,) = trace.batches(["index", "capture_len", "ip_version", "src"])
        assert trace.accepted_packets == 2
    assert list(batch["index"]) == [0, 1]
    assert list(batch["capture_len"]) == [20, 20]
    assert list(batch["ip_version"]) == [4, 6]
    assert list(batch["src"]) == [None, None]


def test_much_data(tmp_pcap: Callable[..., str]) -> None:
    """A column's memory grows with what it holds."""
    frames = [p.eth(p.ipv4(p.UDP, p.udp(1, 2, bytes(size)))) for size in range(0, 9000, 37)]
    with libtrace.open(tmp_pcap(*frames)) as trace:
        (batch,) = trace.batches(["packet", "payload"])
    assert list(batch["packet"]) == frames
    assert [len(value) for value in batch["payload"]] == list(range(0, 9000, 37))


# Counts


@pytest.mark.parametrize("name", CAPTURES)
@pytest.mark.parametrize("size", [65536, 3])
def test_counts(name: str, size: int) -> None:
    """Equal packets are one row, and the rows of all batches add up."""
    columns = ["linktype", "ip_version", "src", "src_ip", "proto", "src_port", "vlan_ids"]
    wanted: dict[Any, list[int]] = {}
    with libtrace.open(DATA / name) as trace:
        for batch in trace.batches([*columns, "wire_len", "capture_len", "is_truncated"]):
            for *values, wire, captured, truncated in zip(*batch.values()):
                row = wanted.setdefault(repr(values), [0, 0, 0, 0])
                for at, value in enumerate((1, wire, captured, truncated)):
                    row[at] += value
    found: dict[Any, list[int]] = {}
    with libtrace.open(DATA / name) as trace:
        counts = trace.counts(columns, size)
        assert counts.columns == (*columns, *libtrace.COUNT_COLUMNS)
        for batch in counts:
            assert len(batch) <= size
            keys = list(map(repr, map(list, zip(*batch.values()[:7]))))
            assert len(set(keys)) == len(batch)
            for column in batch.values():
                assert column.null_count == list(column).count(None)
            for key, *sums in zip(keys, *batch.values()[7:11]):
                row = found.setdefault(key, [0, 0, 0, 0])
                for at, value in enumerate(sums):
                    row[at] += value
    assert found == wanted


def test_counts_of_times(tmp_path: pathlib.Path) -> None:
    frame = numbered(1)[0]
    records = [f.pcap_record(frame, sec=sec) for sec in (5, 3, 9, 4)]
    with libtrace.open(f"pcapfile:{f.write(tmp_path / 'x', [f.pcap_header(), *records])}") as trace:
        (batch,) = trace.counts(["proto"])
    assert list(batch["first"]) == [3 * f.NS]
    assert list(batch["last"]) == [9 * f.NS]
    assert list(batch["packets"]) == [4]


def test_limit(tmp_pcap: Callable[..., str]) -> None:
    with libtrace.open(tmp_pcap(*numbered(10))) as trace:
        batches = trace.batches(["index"], 4, limit=6)
        assert [list(batch["index"]) for batch in batches] == [[0, 1, 2, 3], [4, 5]]
        assert next(batches, None) is None
        (batch,) = trace.counts(["proto"], limit=3)
        assert list(batch["packets"]) == [3]
        assert list(trace.batches(limit=0)) == []
        assert len(list(trace)) == 1
        with pytest.raises(ValueError, match="limit is 0 or more"):
            trace.batches(limit=-1)


# What goes wrong


def test_error_behind_good_packets(tmp_pcap: Callable[..., str], tmp_path: pathlib.Path) -> None:
    uri = tmp_pcap(*numbered(10))
    path = pathlib.Path(uri.partition(":")[2])
    path.write_bytes(path.read_bytes()[:-3])
    with libtrace.open(uri) as trace:
        batches = trace.batches(["index"], 4)
        assert [len(next(batches)) for _ in range(3)] == [4, 4, 1]
        with pytest.raises(libtrace.LibtraceError, match="cannot read on"):
            next(batches)
        assert next(batches, None) is None


# Signals have their turn some times a second, and before a batch is handed out.
@pytest.mark.parametrize(("rows", "after"), [(200_000, 0.001), (2_000_000, 0.01)])
@pytest.mark.parametrize("size", [1, 2], ids=["full", "end"])
def test_signal_loses_nothing(tmp_path: pathlib.Path, rows: int, after: float, size: int) -> None:
    record = f.pcap_record(numbered(1)[0])
    uri = "pcapfile:" + f.write(tmp_path / "trace", [f.pcap_header(), record * rows])
    with libtrace.open(uri) as trace:
        batches = trace.batches(["index"], rows * size)
        with pytest.raises(Alarm), on_alarm(alarm, after):
            next(batches)
        (batch,) = batches
    assert len(batch) == rows
    assert memoryview(batch["index"])[rows - 1] == rows - 1


@pytest.mark.parametrize("source", ["file", "pipe", "int"])
def test_signals_lose_no_row(fifo: str, network: Network, source: str) -> None:
    """Each goes on with the next batch, whatever a handler's exception met."""
    count = 200_000 if source == "file" else 9_000
    with contextlib.ExitStack() as stack:
        if source == "file":
            path = f.write_pcap(pathlib.Path(f"{fifo}.pcap"), f.records(*numbered(1) * count))
            trace = stack.enter_context(libtrace.open(path))
        elif source == "pipe":
            trace = stack.enter_context(full_pipe(fifo, count))
        else:
            trace = stack.enter_context(libtrace.open(f"int:{network.far}"))
            sender = threading.Thread(target=network.send, args=numbered(count))
            stack.callback(sender.join)
            sender.start()
        found = gather(trace.batches(["index"], 20, limit=count))
    assert sum(map(len, found)) == count


def test_signal_handler_that_reads_the_batches(tmp_path: pathlib.Path) -> None:
    """What a handler has read is not handed out again."""
    rows = 2_000_000
    record = f.pcap_record(numbered(1)[0])
    uri = "pcapfile:" + f.write(tmp_path / "trace", [f.pcap_header(), record * rows])
    with libtrace.open(uri) as trace:
        batches = trace.batches(["index"], 50_000)
        found: list[libtrace.Batch] = []
        with on_alarm(lambda: found.extend(itertools.islice(batches, 1)), 0.005):
            found.extend(batches)
    indices = [index for batch in found for index in batch["index"]]
    assert sorted(indices) == list(range(rows))


@pytest.mark.parametrize("how", ["close", "pause"])
def test_end_in_the_middle_of_a_batch(tmp_path: pathlib.Path, how: str) -> None:
    """It waits for a while's reading, not for the batch."""
    rows = 4_000_000
    record = f.pcap_record(numbered(1)[0])
    uri = "pcapfile:" + f.write(tmp_path / "trace", [f.pcap_header(), record * rows])
    with libtrace.open(uri) as trace:
        timer = threading.Timer(0.02, getattr(trace, how))
        timer.start()
        batch = next(trace.batches(["src", "dst", "src_port"], rows))
        timer.join()
        assert trace.state == ("closed" if how == "close" else "paused")
    assert 0 < len(batch) < rows


def test_close_from_another_thread(tmp_path: pathlib.Path) -> None:
    record = f.pcap_record(numbered(1)[0])
    uri = "pcapfile:" + f.write(tmp_path / "trace", [f.pcap_header(), record * 500_000])
    with libtrace.open(uri, filter="tcp") as trace:
        thread = threading.Thread(target=trace.close)
        thread.start()
        with pytest.raises((StopIteration, libtrace.TraceStateError)):
            next(trace.batches(["index"]))
        thread.join()


def test_threads_on_one_trace(tmp_path: pathlib.Path) -> None:
    count = 50_000
    path = f.write_pcap(tmp_path / "trace", f.records(*numbered(count)))
    found: list[list[int]] = []
    with libtrace.open(path) as trace:
        batches = trace.batches(["index"], 100)

        def work() -> None:
            found.append([index for batch in batches for index in batch["index"]])

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(index for part in found for index in part) == list(range(count))


def test_reading_lets_others_run(tmp_path: pathlib.Path) -> None:
    """A batch is read without the interpreter lock: another thread computes all the while."""
    record = f.pcap_record(numbered(1)[0])
    uri = "pcapfile:" + f.write(tmp_path / "trace", [f.pcap_header(), record * 1_000_000])
    turns = 0
    done = threading.Event()

    def spin() -> None:
        nonlocal turns
        while not done.is_set():
            turns += 1

    thread = threading.Thread(target=spin)
    with libtrace.open(uri) as trace:
        thread.start()
        before = turns
        next(trace.batches(["src"], 1_000_000))
        during = turns - before
    done.set()
    thread.join()
    assert during > 100


@unsanitized
def test_steady() -> None:
    with libtrace.open(DATA / "sample.pcap") as trace:
        batch = next(trace.batches(ALL))
        assert_steady(lambda: [memoryview(column) for column in batch.values()], 2000)
    assert_steady(lambda: sample(ALL), 200)


@pytest.mark.slow
@unsanitized
@pytest.mark.parametrize("how", ["batches", "arrow"])
def test_memory_is_bounded(how: str) -> None:
    """Of a stream there are three batches in memory at most: make bench BENCHFLAGS=--memory."""
    if how == "arrow":
        pytest.importorskip("pyarrow")
    script = pathlib.Path(__file__).parent / "bench" / "memory.py"
    command = [sys.executable, str(script), how, str(DATA / "sample.pcap"), "1000000"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    figures = dict(line.split() for line in output.splitlines())
    assert figures["packets"] == "1000000"
    assert int(figures["beyond"]) <= 3 * int(figures["batch"])


# Round trip


@pytest.mark.parametrize("convert", [list, set, tuple, iter])
def test_write_chosen_rows(tmp_path: pathlib.Path, convert: Callable[..., Any]) -> None:
    batch = sample(["index", "dst_port"])
    rows = [row for row, port in zip(*batch.values()) if port == 53]
    with libtrace.open(DATA / "sample.pcap") as trace:
        packets = [bytes(packet) for packet in trace if packet.dst_port == 53]
    uri = f"pcapfile:{tmp_path / 'dns.pcap'}"
    with libtrace.open(DATA / "sample.pcap") as trace:
        assert libtrace.write(uri, trace, where=convert(rows)) == len(rows)
    with libtrace.open(uri) as trace:
        assert [bytes(packet) for packet in trace] == packets


@pytest.mark.parametrize(
    ("where", "left"), [([], 4), ([0], 3), ([2, 0], 1), ([True, False, True, False], 1)]
)
def test_write_takes_nothing_behind_the_last_row(
    tmp_path: pathlib.Path, where: list[int], left: int
) -> None:
    """It may have to be waited for, and is the next loop's."""
    packets = iter(make_all(numbered(4)))
    libtrace.write(f"pcapfile:{tmp_path / 'x'}", packets, where=where)
    assert len(list(packets)) == left


def test_write_a_mask(tmp_path: pathlib.Path) -> None:
    uri = f"pcapfile:{tmp_path / 'x'}"
    packets = make_all(numbered(4))
    assert libtrace.write(uri, packets, where=[True, False, None, True]) == 2
    with libtrace.open(uri) as trace:
        assert [bytes(packet) for packet in trace] == [numbered(4)[0], numbered(4)[3]]
    assert libtrace.write(uri, packets, where=[]) == 0
    assert libtrace.write(uri, packets, where=[False] * 9) == 0


@pytest.mark.parametrize("module", ["numpy", "pandas", "polars", "pyarrow"])
def test_write_a_mask_of(tmp_path: pathlib.Path, module: str) -> None:
    library = pytest.importorskip(module)
    make = {"numpy": "array", "pyarrow": "array"}.get(module, "Series")
    uri, packets = f"pcapfile:{tmp_path / 'x'}", make_all(numbered(4))
    for where in ([0, 2], [True, False, True, False]):
        assert libtrace.write(uri, packets, where=getattr(library, make)(where)) == 2


def test_write_what_is_not_there(tmp_path: pathlib.Path) -> None:
    uri, packets = f"pcapfile:{tmp_path / 'x'}", make_all(numbered(4))
    with pytest.raises(ValueError, match="there is no packet 4"):
        libtrace.write(uri, packets, where=[1, 4])
    with libtrace.open(uri) as trace:
        assert len(list(trace)) == 1
    with pytest.raises(ValueError, match="no packet 5"):
        libtrace.write(uri, packets, where=[False] * 5 + [True])
    for wrong in ([-1], [0.5], ["0"], [1, True]):
        with pytest.raises(ValueError, match="is no number of a packet"):
            libtrace.write(uri, packets, where=wrong)


# Streams and interfaces


def test_fifo(tmp_path_factory: pytest.TempPathFactory) -> None:
    fifo, frames = tmp_path_factory.mktemp("fifo") / "fifo", numbered(5)
    os.mkfifo(fifo)

    def write() -> None:
        with fifo.open("wb") as pipe:
            pipe.write(f.pcap_header() + b"".join(map(f.pcap_record, frames)))

    thread = threading.Thread(target=write)
    thread.start()
    with libtrace.open(f"pcapfile:{fifo}") as trace:
        found = [value for batch in trace.batches(["packet"], 2) for value in batch["packet"]]
    thread.join()
    assert found == frames


@pytest.mark.parametrize("scheme", ["int", "ring", "pcapint"])
def test_live(network: Network, scheme: str) -> None:
    frames = numbered(250)
    with libtrace.open(f"{scheme}:{network.far}", timeout=5.0) as trace:
        batches = trace.batches(["packet"], 8, max_wait=0.2)
        found: list[bytes] = []
        sizes = []
        for burst in (frames[at : at + BURST] for at in range(0, len(frames), BURST)):
            network.send(*burst)
            end = len(found) + len(burst)
            while len(found) < end:
                batch = next(batches)
                sizes.append(len(batch))
                found += batch["packet"]
        assert found == frames
        assert max(sizes) == 8
        trace.conf_timeout(0.1)
        with pytest.raises(libtrace.TraceTimeout):
            next(batches)
        network.send(frames[0])
        assert list(next(batches)["packet"]) == [frames[0]]


def test_live_signal(network: Network) -> None:
    """Ctrl-C ends the wait for a batch; what came before is in the next one."""
    with libtrace.open(f"int:{network.far}") as trace:
        batches = trace.batches(["packet"], 10, max_wait=60)
        network.send(*numbered(2))
        with pytest.raises(Alarm), on_alarm(alarm, 0.3):
            next(batches)
        network.send(*numbered(10)[2:])
        assert list(next(batches)["packet"]) == numbered(10)


def test_live_signal_handler_that_reads(network: Network) -> None:
    """What a handler that is interrupted, too, has read is in the next batch."""
    with libtrace.open(f"int:{network.far}") as trace:
        batches = trace.batches(["packet"], 10, max_wait=60)
        depth = 0

        def handler() -> None:
            nonlocal depth
            depth += 1
            network.send(*numbered(4)[depth:][:1])
            if depth > 2:
                raise Alarm
            next(batches)

        network.send(numbered(1)[0])
        with pytest.raises(Alarm), on_alarm(handler, 0.2):
            next(batches)
        network.send(*numbered(10)[4:])
        assert list(next(batches)["packet"]) == numbered(10)
