# SPDX-License-Identifier: LGPL-3.0-or-later
"""Metadata of files: skipped unless asked for, and then whole, uncounted and never a packet."""

from __future__ import annotations

import pathlib
import pickle
import random
import struct
from collections.abc import Callable

import gen
import gen_files as f
import libtrace
import process
import pytest
from feed import feed_pieces
from libtrace import LinkType
from reading import HEADER_FIELDS, packets, read, touch

pytestmark = pytest.mark.usefixtures("silence")
needs_meta = pytest.mark.skipif(not libtrace.features()["meta"], reason="needs libtrace 4")

MakeTrace = Callable[..., str]
FRAME = gen.KINDS["tcp4"][1]
TIME = 1_700_000_000_123_456_789


def statistics(count: int = TIME, *, interface: int = 0, big: bool = False) -> bytes:
    """An interface statistics block, with the packets that were received and dropped."""
    order = ">" if big else "<"
    options = struct.pack(order + "HHQHHQHH", 4, 8, 1000, 5, 8, 7, 0, 0)
    time = divmod(count, 1 << 32)
    return f.block(5, struct.pack(order + "III", interface, *time) + options, big=big)


def names(*, big: bool = False) -> bytes:
    """A name resolution block."""
    order = ">" if big else "<"
    record = struct.pack(order + "HH", 1, 4 + 5) + b"\xc0\0\2\1host\0" + bytes(3)
    return f.block(4, record + bytes(4), big=big)


def custom(type_: int = 0xBAD, *, big: bool = False) -> bytes:
    """A custom block, of a number that looks swapped where it must not be copied."""
    return f.block(type_, struct.pack((">" if big else "<") + "I", 32473) + b"text", big=big)


def enhanced(time: int = TIME, *, interface: int = 0, big: bool = False) -> bytes:
    head = (interface, *divmod(time, 1 << 32), len(FRAME), len(FRAME))
    return f.block(6, struct.pack((">" if big else "<") + "5I", *head) + FRAME, big=big)


def section(*, big: bool) -> list[bytes]:
    """Every block that libtrace gives, a packet in the middle."""
    return [
        f.section_block(big=big),
        f.interface_block(big=big),
        names(big=big),
        enhanced(big=big),
        custom(big=big),
        custom(0x40000BAD, big=big),
        statistics(big=big),
    ]


@pytest.fixture
def uri(tmp_trace: MakeTrace) -> str:
    return tmp_trace(section(big=False), "pcapng")


def provenance(text: bytes, **kwargs: int) -> bytes:
    """An ERF provenance record with one section (type 4, host) and one tag (comment)."""
    tag = struct.pack(">HH", 1, len(text)) + text + bytes(-len(text) % 4)
    body = struct.pack(">HHI", 4, 8, 0) + tag
    return f.erf_record(body + bytes(-len(body) % 8), 27, ts_ns=TIME, **kwargs)


# pcapng


@needs_meta
@pytest.mark.parametrize("orders", [[False], [True], [False, True], [True, False, True]])
def test_every_block_is_delivered_whole(tmp_trace: MakeTrace, orders: list[bool]) -> None:
    blocks = [block for big in orders for block in section(big=big)]
    with libtrace.open(tmp_trace(blocks, "pcapng"), meta=True) as trace:
        found = list(trace)
    assert [packet.is_meta for packet in found] == [n % 7 != 3 for n in range(len(blocks))]
    for packet, block in zip(found, blocks):
        touch(packet)
        assert bytes(packet) == (block if packet.is_meta else FRAME)


@needs_meta
def test_metadata_is_no_packet(uri: str) -> None:
    with libtrace.open(uri, meta=True) as trace:
        found = [packet for packet in trace if packet.is_meta]
    assert len(found) == 6
    for packet in found:
        values = {name: getattr(packet, name) for name in HEADER_FIELDS}
        assert not any(values.values()), values
        for name in ("ip", "ip6", "tcp", "udp", "icmp", "sctp", "transport"):
            assert getattr(packet, name) is None
        assert packet.linktype == LinkType.PCAPNG_META
        assert packet.wire_len == 0
        assert packet.capture_len == len(bytes(packet))
        assert not packet.is_truncated
        assert packet.direction == libtrace.Direction.UNKNOWN
        assert packet.vlan_ids == packet.mpls_labels == []
        assert repr(packet).endswith(f", metadata, {packet.capture_len} bytes>")


@needs_meta
def test_metadata_is_skipped_unless_asked_for(uri: str) -> None:
    with libtrace.open(uri) as trace:
        (packet,) = trace
    assert bytes(packet) == FRAME
    assert packet.is_meta is False


@needs_meta
@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
def test_compressed(tmp_path: pathlib.Path, compression: str) -> None:
    path = f.write(tmp_path / "x.pcapng", section(big=False), compression)
    with libtrace.open(path, meta=True) as trace:
        assert sum(packet.is_meta for packet in trace) == 6


@needs_meta
def test_standard_input(uri: str) -> None:
    program = """
        import libtrace
        with libtrace.open("pcapng:-", meta=True) as trace:
            print(*(packet.is_meta for packet in trace))
    """
    with pathlib.Path(uri.partition(":")[2]).open("rb") as file:
        found = process.run(program, stdin=file)
    assert found.split() == ["True"] * 3 + ["False"] + ["True"] * 3


@needs_meta
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("tsresol", [3, 6, 9, 0x80 | 20])
def test_time_is_that_of_statistics_and_exact(
    tmp_trace: MakeTrace, big: bool, tsresol: int
) -> None:
    ticks = (2 if tsresol & 0x80 else 10) ** (tsresol & 0x7F)
    count = TIME * ticks // f.NS
    interface = f.interface_block(tsresol=tsresol, big=big)
    parts = [f.section_block(big=big), interface, statistics(count, big=big)]
    with libtrace.open(tmp_trace(parts, "pcapng"), meta=True) as trace:
        times = [packet.timestamp_ns for packet in trace]
    assert times == [0, 0, count * f.NS // ticks]


@needs_meta
def test_packets_are_the_same_with_and_without(tmp_path: pathlib.Path) -> None:
    """Also the nanoseconds, on each of two interfaces of each of two sections."""
    draw = random.Random(4)
    written = [(draw.randrange(1 << 60), draw.randrange(2)) for _ in range(500)]
    blocks = []
    for big in (False, True):
        blocks += [f.section_block(big=big), f.interface_block(big=big), names(big=big)]
        blocks += [f.interface_block(tsresol=6, big=big)]
        for time, interface in written:
            count = time // 1000 if interface else time
            blocks += [enhanced(count, interface=interface, big=big), statistics(time, big=big)]
    path = f.write(tmp_path / "x", blocks)
    times = [time // 1000 * 1000 if interface else time for time, interface in written]
    assert [packet.timestamp_ns for packet in packets(path)] == times * 2
    with libtrace.open(path, meta=True) as trace:
        found = list(trace)
    assert [packet.timestamp_ns for packet in found if not packet.is_meta] == times * 2
    stamped = [packet.timestamp_ns for packet in found if packet.is_meta]
    assert stamped == ([0] * 4 + [time for time, _ in written]) * 2


# Counters, filter, snap length


COUNTERS = {
    "none": {},
    "received": {4: 1000},
    "received and dropped": {4: 1000, 5: 7},
    "dropped by the system": {7: 3},
    "all": {4: 1000, 5: 7, 6: 900, 7: 3},
}


@needs_meta
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("told", COUNTERS.values(), ids=COUNTERS)
def test_counters_are_those_of_the_file(
    tmp_trace: MakeTrace, told: dict[int, int], big: bool
) -> None:
    """The others are unknown, not 0. Options of a block: draft-ietf-opsawg-pcapng, 4.6."""
    order = ">" if big else "<"
    options = b"".join(struct.pack(order + "HHQ", code, 8, n) for code, n in told.items())
    interface = f.interface_block(1, big=big)
    counters = f.block(5, struct.pack(order + "III", 0, 0, 9) + options + bytes(4), big=big)
    blocks = [f.section_block(big=big), interface, enhanced(big=big), *([counters] * bool(told))]
    with libtrace.open(tmp_trace(blocks, "pcapng")) as trace:
        assert len(list(trace)) == 1
        found = trace.statistics()
    dropped = told.get(5, 0) + told.get(7, 0) if {5, 7} & set(told) else None
    assert found["received"] == told.get(4)
    assert found["dropped"] == dropped
    assert found["captured"] == told.get(6)


@needs_meta
def test_neither_filter_nor_counters_see_it(uri: str) -> None:
    with libtrace.open(uri, meta=True, filter="udp", snaplen=10) as trace:
        found = [bytes(packet) for packet in trace]
        assert trace.accepted_packets == 0
        assert trace.statistics()["filtered"] == 1
    assert found == [block for block in section(big=False) if block != enhanced()]
    with libtrace.open(uri, meta=True, filter="tcp", snaplen=10) as trace:
        assert len(list(trace)) == 7
        assert trace.accepted_packets == 1
        assert trace.statistics()["filtered"] == 0


@needs_meta
def test_every_filter_lets_it_pass(uri: str) -> None:
    with libtrace.open(uri, meta=True) as trace:
        for packet in trace:
            assert packet.apply_filter(libtrace.Filter("udp")) is packet.is_meta


@needs_meta
def test_asked_for_in_the_middle(uri: str) -> None:
    with libtrace.open(uri) as trace:
        assert bytes(next(trace)) == FRAME
        trace.conf_meta(True)
        assert bytes(next(trace)) == custom()
        trace.conf_meta(False)
        assert list(trace) == []


# A packet that is kept


@needs_meta
def test_kept_metadata_is_yours(uri: str) -> None:
    with libtrace.open(uri, meta=True) as trace:
        kept = list(trace)
    del trace
    kept += pickle.loads(pickle.dumps(kept))
    for packet, block in zip(kept, section(big=False) * 2):
        assert bytes(packet) == (block if packet.is_meta else FRAME)
    assert sum(packet.is_meta for packet in kept) == 12


@needs_meta
def test_read_packet(uri: str) -> None:
    packet, found = libtrace.Packet(), []
    with libtrace.open(uri, meta=True) as trace:
        while trace.read_packet(packet):
            found.append(packet.is_meta)
    assert found == [True, True, True, False, True, True, True]


@needs_meta
def test_longest_block(tmp_trace: MakeTrace) -> None:
    """A block of 64 KiB, and a section whose fixed part comes on top."""
    long = f.block(4, bytes(65536 - 12))
    head = f.section_block()
    options = struct.pack("<HH", 1, 65500) + b"x" * 65500 + bytes(4)
    opening = f.block(0x0A0D0D0A, head[8:24] + options)
    with libtrace.open(tmp_trace([opening, long, long], "pcapng"), meta=True) as trace:
        assert [bytes(packet) for packet in trace] == [opening, long, long]


# ERF and DUCK


@needs_meta
@pytest.mark.parametrize("scheme", ["erf", "rawerf"])
def test_erf_provenance(tmp_trace: MakeTrace, scheme: str) -> None:
    record, packet = provenance(b"lab"), f.erf_record(FRAME)
    uri = tmp_trace([record, packet, record], scheme)
    assert [bytes(found) for found in packets(uri)] == [FRAME]
    with libtrace.open(uri, meta=True, filter="udp") as trace:
        found = list(trace)
        assert trace.accepted_packets == 0
    for meta in found:
        touch(meta)
        assert meta.is_meta
        assert meta.linktype == LinkType.ERF_META
        assert meta.timestamp_ns == TIME
        assert bytes(meta) == record[16:]
    assert len(found) == 2


@needs_meta
@pytest.mark.parametrize("version", [13, 14, 19])
def test_duck_reports(tmp_trace: MakeTrace, version: int) -> None:
    noise = random.Random(version).randbytes(1000)
    uri = tmp_trace([struct.pack("<I", version), noise], "duck")
    found, _ = read(uri, meta=True)
    assert len(found) > 1
    assert noise.startswith(b"".join(bytes(packet) for packet in found))
    assert {packet.is_meta for packet in found} == {True}
    assert {packet.linktype for packet in found} == {LinkType.DUCK}


@needs_meta
def test_duck_reports_that_come_in_pieces(tmp_trace: MakeTrace, fifo: str) -> None:
    """libtrace reads the version in front of them once."""
    data = struct.pack("<I", 13) + random.Random(1).randbytes(1000)
    found, _ = read(tmp_trace([data], "duck"), meta=True)
    writer = feed_pieces(fifo, data, 3)
    in_pieces, _ = read(f"duck:{fifo}", meta=True)
    writer.join()
    assert [bytes(packet) for packet in in_pieces] == [bytes(packet) for packet in found]


# Writing


@needs_meta
@pytest.mark.parametrize("scheme", ["pcapng", "pcapfile", "erf", "duck"])
def test_pcapng_metadata_is_not_written(uri: str, tmp_path: pathlib.Path, scheme: str) -> None:
    with (
        libtrace.open(uri, meta=True) as trace,
        libtrace.OutputTrace(f"{scheme}:{tmp_path / 'y'}") as output,
    ):
        with pytest.raises(libtrace.LibtraceError, match="is_meta"):
            output.write_packet(next(trace))
        assert output.packets_written == 0


@needs_meta
def test_erf_provenance_is_copied_to_erf_as_it_is(
    tmp_trace: MakeTrace, tmp_path: pathlib.Path
) -> None:
    parts = [provenance(b"a"), f.erf_record(FRAME), provenance(b"some more text")]
    with libtrace.open(tmp_trace(parts, "erf"), meta=True) as trace:
        libtrace.write(f"erf:{tmp_path / 'y'}", trace)
    assert (tmp_path / "y").read_bytes() == b"".join(parts)


@needs_meta
def test_metadata_is_not_for_the_wire(uri: str) -> None:
    with libtrace.open(uri, meta=True) as trace:
        packet = next(trace)
    output = libtrace.OutputTrace("int:lo")
    with output, pytest.raises(libtrace.LibtraceError, match="no packet"):
        output.write_packet(packet)


# What cannot be asked for


@pytest.mark.skipif(libtrace.features()["meta"], reason="needs libtrace 3")
def test_libtrace_3_has_none(tmp_pcap: MakeTrace) -> None:
    uri = tmp_pcap(FRAME)
    with pytest.raises(libtrace.LibtraceError, match="libtrace 4"):
        libtrace.open(uri, meta=True)
    with libtrace.open(uri, meta=False) as trace:
        with pytest.raises(libtrace.LibtraceError, match="libtrace 4"):
            trace.conf_meta(True)
        assert bytes(next(trace)) == FRAME


@needs_meta
def test_an_interface_has_none() -> None:
    trace = libtrace.Trace("int:lo")
    with pytest.raises(libtrace.LibtraceError, match="interface"):
        trace.conf_meta(True)
    trace.conf_meta(False)


@needs_meta
def test_a_pcap_file_has_none_to_deliver(tmp_pcap: MakeTrace) -> None:
    with libtrace.open(tmp_pcap(FRAME, FRAME), meta=True) as trace:
        assert [packet.is_meta for packet in trace] == [False, False]


# Damage


@needs_meta
@pytest.mark.parametrize("big", [False, True])
def test_damaged_blocks(tmp_path: pathlib.Path, big: bool) -> None:
    """Any byte wrong: what is delivered can be read, what was in front of it is right."""
    blocks = section(big=big)
    content = b"".join(blocks)
    for at in range(len(content)):
        for value in (0, 0xFF):
            path = f.write(tmp_path / "x", [content[:at], bytes([value]), content[at + 1 :]])
            found, whole = read(f"pcapng:{path}", meta=True)[0], 0
            for packet, block in zip(found, blocks):
                whole += len(block)
                if whole <= at:
                    assert bytes(packet) == (block if packet.is_meta else FRAME)


@needs_meta
def test_truncated_blocks(tmp_path: pathlib.Path) -> None:
    blocks = section(big=False)
    content = b"".join(blocks)
    ends = [sum(len(block) for block in blocks[: n + 1]) for n in range(len(blocks))]
    for size in range(1, len(content)):
        path = f.write(tmp_path / "x", [content[:size]])
        assert len(read(f"pcapng:{path}", meta=True)[0]) == sum(end <= size for end in ends)
