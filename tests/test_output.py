# SPDX-License-Identifier: LGPL-3.0-or-later
"""Writing: what was read is what is written, in every format, and every failure is told."""

from __future__ import annotations

import bz2
import contextlib
import copy as copy_module
import errno
import gc
import gzip
import itertools
import lzma
import os
import pathlib
import pickle
import random
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import gen
import gen_files as f
import libtrace
import plt
import pytest
from libtrace import Compression
from process import finish, start
from reading import only, packets, read
from test_formats import ERF, LEGACY

pytestmark = pytest.mark.usefixtures("silence")

MakeTrace = Callable[..., str]
LIBTRACE4 = libtrace.features()["libtrace"] >= 4
FRAME = gen.KINDS["tcp4"][1]
IP4, IP6 = gen.KINDS["raw4"][1], gen.KINDS["raw6"][1]
SNAPLEN = 65536
FILE_HEADER = 24
UNPACK: dict[int, Callable[[bytes], bytes]] = {
    Compression.NONE: bytes,
    Compression.ZLIB: gzip.decompress,
    Compression.BZIP2: bz2.decompress,
    Compression.LZMA: lzma.decompress,
}


def is_built_with(compression: int) -> bool:
    try:
        libtrace.OutputTrace("pcapfile:x", compression=compression)
    except libtrace.LibtraceError:
        return False
    return True


BUILT_WITH = [compression for compression in Compression if is_built_with(compression)]


def copy(source: str, target: str, **options: int) -> int:
    """Copies a trace, and gives the number of packets."""
    with libtrace.open(source) as trace:
        return libtrace.write(target, trace, **options)


def copied(source: str, path: pathlib.Path, scheme: str = "pcapfile") -> bytes:
    copy(source, f"{scheme}:{path}")
    return path.read_bytes()


def by_linktype() -> dict[int, list[bytes]]:
    groups: dict[int, list[bytes]] = {}
    for linktype, frame in gen.KINDS.values():
        groups.setdefault(linktype, []).append(frame)
    return groups


# pcap to pcap


@pytest.mark.parametrize("linktype", by_linktype())
def test_pcap_is_copied_as_it_is(tmp_path: pathlib.Path, linktype: int) -> None:
    parts = list(f.pcap(f.records(*by_linktype()[linktype]), linktype=linktype, snaplen=SNAPLEN))
    source = f.write(tmp_path / "x", parts)
    parts[0] = f.pcap_header({12: f.DLT_RAW}.get(linktype, linktype), snaplen=SNAPLEN)
    assert copied(f"pcapfile:{source}", tmp_path / "y") == b"".join(parts)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("nano", [False, True])
def test_byte_order_and_resolution(tmp_path: pathlib.Path, big: bool, nano: bool) -> None:
    """Written is the machine's byte order, in microseconds unless libtrace 4 copies nanoseconds."""
    records = list(gen.mixed(300, seed=8))
    records[0] = f.Record(1_700_000_000 * f.NS, FRAME)  # whose fraction tells no resolution
    source = f.write_pcap(tmp_path / "x", records, big=big, nano=nano)
    expected = f.pcap(records, nano=nano and LIBTRACE4, snaplen=SNAPLEN)
    assert copied(f"pcapfile:{source}", tmp_path / "y") == b"".join(expected)


def test_first_packet_decides_on_the_resolution(tmp_path: pathlib.Path) -> None:
    records = f.records(FRAME)
    nano = only(f.write_pcap(tmp_path / "n", records, nano=True))
    micro = only(f.write_pcap(tmp_path / "m", records))
    rounded = [f.Record(records[0].ts_ns // 1000 * 1000, FRAME)]
    libtrace.write(f"pcapfile:{tmp_path / 'x'}", [micro, nano])
    libtrace.write(f"pcapfile:{tmp_path / 'y'}", [nano, micro])
    expected = b"".join(f.pcap(rounded * 2, snaplen=SNAPLEN))
    assert (tmp_path / "x").read_bytes() == expected
    if LIBTRACE4:
        expected = b"".join(f.pcap(records + rounded, nano=True, snaplen=SNAPLEN))
    assert (tmp_path / "y").read_bytes() == expected


@pytest.mark.slow
@pytest.mark.parametrize("wirelen", [0, 1, 30, 65531, 65532, 65536, 70000, 1 << 31, 0xFFFFFFFF])
@pytest.mark.parametrize("kind", ["tcp4", "raw4", "sll_loop", "radiotap", "radiotap_fcs"])
def test_lengths_that_contradict_each_other(
    tmp_trace: MakeTrace, tmp_path: pathlib.Path, kind: str, wirelen: int
) -> None:
    linktype, frame = gen.KINDS[kind]
    parts = [f.pcap_header(linktype, snaplen=SNAPLEN), f.pcap_record(frame, wirelen=wirelen)]
    assert copied(tmp_trace(parts), tmp_path / "y") == b"".join(parts)


@pytest.mark.parametrize("size", [0, 1, 65519, 65535])
def test_shortest_and_longest_packets(
    tmp_trace: MakeTrace, tmp_path: pathlib.Path, size: int
) -> None:
    if LIBTRACE4 and size > 65519:
        pytest.skip("libtrace 4 cannot read it")
    records = [f.pcap_record(bytes(size)), f.pcap_record(FRAME)] * 9
    parts = [f.pcap_header(snaplen=SNAPLEN), *records]
    assert copied(tmp_trace(parts), tmp_path / "y") == b"".join(parts)


@pytest.mark.parametrize("scheme", ["pcapfile", "erf"])
def test_time_that_the_format_does_not_have(
    tmp_trace: MakeTrace, tmp_path: pathlib.Path, scheme: str
) -> None:
    """2,000,000 microseconds behind the last second of pcap; what came before stays."""
    late = f.pcap_record(FRAME, sec=0xFFFFFFFF, frac=2_000_000)
    source = tmp_trace([f.pcap_header(), f.pcap_record(FRAME), late])
    target = f"{scheme}:{tmp_path / 'x'}"
    with pytest.raises(libtrace.LibtraceError, match=r"1970 to 2106.* 4294967297 seconds"):
        libtrace.write(target, libtrace.open(source))
    assert only(target).ts_sec == 1_700_000_000


@pytest.mark.parametrize("linktype", [147, 195, 1000])
def test_unknown_link_type_is_kept(
    tmp_trace: MakeTrace, tmp_path: pathlib.Path, linktype: int
) -> None:
    parts = [f.pcap_header(linktype, snaplen=SNAPLEN), f.pcap_record(b"?" * 20)]
    assert copied(tmp_trace(parts), tmp_path / "y") == b"".join(parts)


@pytest.mark.parametrize("name", ["sample.pcap", "any_sll.pcap", "any_sll2.pcap"])
def test_real_traffic(data: pathlib.Path, tmp_path: pathlib.Path, name: str) -> None:
    found = copied(f"pcapfile:{data / name}", tmp_path / name)
    assert found[FILE_HEADER:] == (data / name).read_bytes()[FILE_HEADER:]


def test_pcap_format_is_the_same_as_pcapfile(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    source = str(data / "dns.pcap")
    assert copied(source, tmp_path / "x", "pcap") == copied(source, tmp_path / "y", "PcapFile")


# ERF to ERF


def extended(record: bytes, *headers: bytes) -> bytes:
    """An ERF record with extension headers."""
    size = len(record) + 8 * len(headers)
    chain = [bytes([0x80 | header[0]]) + header[1:] for header in headers[:-1]] + [headers[-1]]
    head = record[:8] + bytes([record[8] | 0x80, record[9]]) + struct.pack(">H", size)
    return head + record[12:16] + b"".join(chain) + record[16:]


ODD_ERF = {
    "plain": f.erf_record(FRAME, wlen=len(FRAME) + 4),
    "padded": f.erf_record(FRAME + b"\1\2\3\4\5\6", wlen=len(FRAME)),
    "with loss": f.erf_record(FRAME, lctr=77),
    "receive error": f.erf_record(FRAME, flags=f.ERF_VARYING | f.ERF_RXERROR),
    "flags": f.erf_record(FRAME, flags=0xCF | f.ERF_DSERROR),
    "empty": f.erf_record(b"", wlen=60),
    "cut": f.erf_record(FRAME[:20], wlen=1500),
    "coloured": f.erf_record(FRAME, 11),
    "longest": f.erf_record(FRAME.ljust(65516, b"\x5a")),
    **{
        kind: f.erf_record(frame, type_, wlen=len(frame)) for kind, (type_, frame, _) in ERF.items()
    },
}


@pytest.mark.parametrize("scheme", ["erf", "rawerf"])
@pytest.mark.parametrize("kind", ODD_ERF)
def test_erf_is_copied_as_it_is(
    tmp_trace: MakeTrace, tmp_path: pathlib.Path, kind: str, scheme: str
) -> None:
    parts = [ODD_ERF[kind]] * 3 + [ODD_ERF["plain"]]
    source = tmp_trace(parts, scheme)
    assert copied(source, tmp_path / "y", scheme) == b"".join(parts)
    kept = list(packets(source))
    libtrace.write(f"{scheme}:{tmp_path / 'z'}", kept)
    assert (tmp_path / "z").read_bytes() == b"".join(parts)


def test_erf_extension_headers_are_copied(tmp_trace: MakeTrace, tmp_path: pathlib.Path) -> None:
    if not LIBTRACE4:
        pytest.skip("libtrace 3 cannot read them")
    record = ODD_ERF["padded"]
    parts = [
        extended(record, b"\x03abcdefg"),
        extended(record, b"\x03abcdefg", b"\x04hijklmn"),
        record,
    ]
    assert copied(tmp_trace(parts, "erf"), tmp_path / "y", "erf") == b"".join(parts)


def test_all_bits_of_erf_time_are_copied(tmp_trace: MakeTrace, tmp_path: pathlib.Path) -> None:
    record = bytearray(ODD_ERF["plain"])
    record[:8] = (1_600_000_000 << 32 | 0xDEADBEEF).to_bytes(8, "little")
    assert copied(tmp_trace([bytes(record)], "erf"), tmp_path / "y", "erf") == record


def test_snapped_erf_record_says_so(tmp_trace: MakeTrace, tmp_path: pathlib.Path) -> None:
    with libtrace.open(tmp_trace([ODD_ERF["padded"]], "erf"), snaplen=30) as trace:
        libtrace.write(f"erf:{tmp_path / 'y'}", trace)
    expected = f.erf_record(FRAME[:30], wlen=len(FRAME))
    assert (tmp_path / "y").read_bytes() == expected


# From one format to another


def floor_time(record: bytes, ts_ns: int) -> bytes:
    """libtrace rounds a time down when it makes one of ERF; the builder, up."""
    sec, rest = divmod(ts_ns, f.NS)
    return struct.pack("<Q", sec << 32 | (rest << 32) // f.NS) + record[8:]


TO_ERF = {
    "tcp4": (f.ERF_ETH, 0, 1),
    "chdlc": (f.ERF_HDLC, 0, 1),
    "raw4": (f.ERF_IPV4, 0, 1),
    "raw6": (f.ERF_IPV6, 0, 1),
    "raw_linktype12": (f.ERF_IPV4, 0, 1),
    "sll": (f.ERF_IPV4, 16, 1),
    "sll_out6": (f.ERF_IPV6, 16, 0),
    "sll_loop": (f.ERF_ETH, 16, 1),
}


@pytest.mark.parametrize("kind", TO_ERF)
def test_pcap_to_erf(tmp_pcap: MakeTrace, tmp_path: pathlib.Path, kind: str) -> None:
    type_, skipped, flags = TO_ERF[kind]
    linktype, frame = gen.KINDS[kind]
    source = tmp_pcap(frame, linktype=linktype)
    inner = frame[skipped:]
    ts_ns = only(source).timestamp_ns
    fcs = 4 if type_ == f.ERF_ETH else 0
    record = f.erf_record(inner, type_, flags=flags, wlen=len(inner) + fcs)
    assert copied(source, tmp_path / "y", "erf") == floor_time(record, ts_ns)
    assert only(f"erf:{tmp_path / 'y'}").erf_time == only(source).erf_time


@pytest.mark.parametrize("kind", ["wifi", "radiotap", "ppp", "ppp_hdlc", "null", "sll_arp", "sll2"])
def test_what_erf_cannot_hold(tmp_pcap: MakeTrace, tmp_path: pathlib.Path, kind: str) -> None:
    linktype, frame = gen.KINDS[kind]
    packet = only(tmp_pcap(frame, linktype=linktype))
    with libtrace.OutputTrace(f"erf:{tmp_path / 'y'}") as output:
        with pytest.raises(libtrace.LibtraceError, match=f"erf has nothing.*{linktype}"):
            output.write_packet(packet)
        output.write_packet(only(tmp_pcap(FRAME)))
        assert output.packets_written == 1
    assert bytes(only(f"erf:{tmp_path / 'y'}")) == FRAME


def test_lengths_of_erf_have_16_bits(tmp_trace: MakeTrace, tmp_path: pathlib.Path) -> None:
    parts = [f.pcap_header(), f.pcap_record(FRAME, wirelen=70000), f.pcap_record(bytes(65519))]
    long, longest = packets(tmp_trace(parts))
    with libtrace.OutputTrace(f"erf:{tmp_path / 'y'}") as output:
        output.write_packet(long)
        with pytest.raises(libtrace.LibtraceError, match=r"65519.*65517"):
            output.write_packet(longest)
    assert only(f"erf:{tmp_path / 'y'}").wire_len == 65535


FROM_ERF = {
    "ethernet": (f.DLT_EN10MB, 0),
    "dsm ethernet": (f.DLT_EN10MB, 0),
    "hdlc": (f.DLT_C_HDLC, 0),
    "atm": (f.DLT_ATM_RFC1483, 4),
    "ipv4": (f.DLT_RAW, 0),
    "ipv6": (f.DLT_RAW, 0),
}


@pytest.mark.parametrize("kind", FROM_ERF)
@pytest.mark.parametrize("whole", [True, False])
def test_erf_to_pcap(tmp_trace: MakeTrace, tmp_path: pathlib.Path, kind: str, whole: bool) -> None:
    """The FCS, which ERF counts and may hold, is left out."""
    type_, frame, _ = ERF[kind]
    linktype, skipped = FROM_ERF[kind]
    fcs = 4 if linktype == f.DLT_EN10MB else 0
    ts_ns, wire = 1_600_000_000_123_456_789, len(frame) + fcs if whole else 1500
    held = frame + bytes(fcs) if whole else frame
    source = tmp_trace([f.erf_record(held, type_, ts_ns=ts_ns, wlen=wire)], "erf")
    record = f.Record(ts_ns, frame[skipped:], wire - fcs - skipped)
    expected = b"".join(f.pcap([record], linktype=linktype, snaplen=SNAPLEN))
    assert copied(source, tmp_path / "y") == expected


def test_what_pcap_cannot_hold(tmp_trace: MakeTrace, tmp_path: pathlib.Path) -> None:
    type_, frame, _ = ERF["aal5"]
    parts = [f.erf_record(frame, type_), ODD_ERF["plain"]]
    for scheme in ("pcapfile", "pcapng"):
        strange, plain = packets(tmp_trace(parts, "erf"))
        with libtrace.OutputTrace(f"{scheme}:{tmp_path / 'y'}") as output:
            with pytest.raises(libtrace.LibtraceError, match=f"{scheme} has nothing"):
                output.write_packet(strange)
            output.write_packet(plain)


def pcapng_parts(linktypes: Iterable[int], *blocks: bytes) -> bytes:
    interfaces = (f.interface_block(linktype, snaplen=SNAPLEN) for linktype in linktypes)
    return b"".join([f.section_block(), *interfaces, *blocks])


def enhanced(interface: int, record: f.Record) -> bytes:
    high, low = divmod(record.ts_ns, 1 << 32)
    head = struct.pack("=IIIII", interface, high, low, len(record.data), record.length)
    return f.block(6, head + record.data)


@pytest.mark.parametrize("nano", [False, True])
def test_pcap_to_pcapng(tmp_path: pathlib.Path, nano: bool) -> None:
    """With nanoseconds, whatever the source has."""
    tick = 1 if nano else 1000
    records = [f.Record(r.ts_ns // tick * tick, r.data[:99], len(r.data)) for r in gen.mixed(50)]
    source = f.write_pcap(tmp_path / "x", records, nano=nano)
    blocks = [enhanced(0, record) for record in records]
    expected = pcapng_parts([f.DLT_EN10MB], *blocks)
    assert copied(source, tmp_path / "y", "pcapng") == expected


def test_pcapng_takes_every_link_type(tmp_path: pathlib.Path, tmp_pcap: MakeTrace) -> None:
    sources = [only(tmp_pcap(frame, linktype=link)) for link, frame in gen.KINDS.values()]
    assert libtrace.write(f"pcapng:{tmp_path / 'y'}", sources) == len(sources)
    if not LIBTRACE4:
        return
    found, error = read(f"pcapng:{tmp_path / 'y'}")
    assert error is None
    assert [bytes(packet) for packet in found] == [bytes(packet) for packet in sources]
    assert [packet.wire_len for packet in found] == [packet.wire_len for packet in sources]
    assert [packet.linktype for packet in found] == [packet.linktype for packet in sources]


Facts = tuple[int, bytes, int]


def facts(packet: libtrace.Packet, tick: int = 1) -> Facts:
    return packet.timestamp_ns // tick * tick, bytes(packet), packet.wire_len


def sources(folder: pathlib.Path) -> Iterator[str]:
    """A file of every format that holds Ethernet packets, of every readable compression."""
    records = list(gen.mixed(40, seed=11))
    for number, kind in enumerate(("", "gz", "bz2", "xz")):
        for big, nano in itertools.product([False, True], repeat=2):
            name = folder / f"{number}{big}{nano}.pcap"
            path = f.write_pcap(name, records, big=big, nano=nano, compression=kind)
            yield f"pcapfile:{path}"
        yield f"erf:{f.write_erf(folder / f'{number}.erf', records, compression=kind)}"
        if LIBTRACE4:
            yield f"pcapng:{f.write_pcapng(folder / f'{number}.ng', records, compression=kind)}"
    parts = [f.legacyeth_record(record.data, ts_ns=record.ts_ns) for record in records]
    yield f"legacyeth:{f.write(folder / 'legacyeth', parts)}"


WRITABLE = [scheme for scheme in ("pcapfile", "erf", "pcapng") if scheme != "pcapng" or LIBTRACE4]


@pytest.mark.slow
@pytest.mark.parametrize("compression", BUILT_WITH)
@pytest.mark.parametrize("scheme", WRITABLE)
def test_every_format_and_compression(
    tmp_path: pathlib.Path, scheme: str, compression: int
) -> None:
    for source in sources(tmp_path):
        target = f"{scheme}:{tmp_path / 'copy'}"
        count = copy(source, target, compression=compression, level=1)
        written, found = list(packets(source)), list(packets(target))
        assert len(found) == len(written) == count
        for before, after in zip(written, found):
            assert bytes(after) == bytes(before)
            assert after.wire_len == before.wire_len
            assert abs(after.timestamp_ns - before.timestamp_ns) <= 1000
            if scheme == "erf":
                assert after.erf_time == before.erf_time
            elif scheme == "pcapng":
                assert after.timestamp_ns == before.timestamp_ns
            else:
                assert after.timestamp_ns // 1000 == before.timestamp_ns // 1000


@pytest.mark.skipif(not LIBTRACE4, reason="needs libtrace 4")
@pytest.mark.parametrize("target", ["pcapfile", "pcapng"])
@pytest.mark.parametrize("source", [f.write_pcap, f.write_pcapng])
@pytest.mark.parametrize("big", [False, True])
def test_no_nanosecond_is_lost(
    tmp_path: pathlib.Path, source: Callable[..., str], target: str, big: bool
) -> None:
    """libtrace's own pcapng times are often one short, and its pcap files of them have none."""
    draw = random.Random(9)
    records = [f.Record(draw.randrange(f.NS << 32), FRAME) for _ in range(3000)]
    finest = {"nano": True} if source == f.write_pcap else {"tsresol": 9}
    path = source(tmp_path / "x", records, big=big, **finest)
    copy(path, f"{target}:{tmp_path / 'y'}")
    times = [record.ts_ns for record in records]
    assert [packet.timestamp_ns for packet in packets(path)] == times
    assert [packet.timestamp_ns for packet in packets(f"{target}:{tmp_path / 'y'}")] == times


@pytest.mark.skipif(not LIBTRACE4, reason="needs libtrace 4")
@pytest.mark.parametrize(
    ("tsresol", "nano"), [(6, False), (7, True), (9, True), (0x80 | 19, False), (0x80 | 20, True)]
)
def test_resolution_of_pcapng_is_kept_in_pcap(
    tmp_path: pathlib.Path, tsresol: int, nano: bool
) -> None:
    ticks = (2 if tsresol & 0x80 else 10) ** (tsresol & 0x7F)
    head = struct.pack("<5I", 0, *divmod(1_700_000_000 * ticks + 1, 1 << 32), *[len(FRAME)] * 2)
    parts = [f.section_block(), f.interface_block(tsresol=tsresol), f.block(6, head + FRAME)]
    source = f.write(tmp_path / "x", parts)
    time = 1_700_000_000 * f.NS + f.NS // ticks
    expected = b"".join(f.pcap([f.Record(time, FRAME)], nano=nano, snaplen=SNAPLEN))
    assert copied(source, tmp_path / "y") == expected


@pytest.mark.parametrize("scheme", [name for name in LEGACY if name != "atmhdr"])
def test_legacy_formats_to_pcap(tmp_trace: MakeTrace, tmp_path: pathlib.Path, scheme: str) -> None:
    record, frame, wire_len, linktype = LEGACY[scheme]
    source = tmp_trace([record] * 5, scheme)
    assert copy(source, f"pcapfile:{tmp_path / 'y'}") == 5
    skipped = 4 if linktype == libtrace.LinkType.ATM else 0
    for packet in packets(f"pcapfile:{tmp_path / 'y'}"):
        assert bytes(packet) == frame[skipped:]
        assert packet.wire_len == wire_len - skipped
        assert packet.timestamp_ns == only(tmp_trace([record], scheme)).timestamp_ns


@pytest.mark.parametrize(("version", "other"), [(13, 14), (14, 19), (19, 13)])
def test_duck(
    tmp_trace: MakeTrace, tmp_path: pathlib.Path, tmp_pcap: MakeTrace, version: int, other: int
) -> None:
    noise = random.Random(version).randbytes(1000)
    reports, _ = read(tmp_trace([struct.pack("<I", version), noise], "duck"), meta=LIBTRACE4)
    others, _ = read(tmp_trace([struct.pack("<I", other), noise], "duck"), meta=LIBTRACE4)
    with libtrace.OutputTrace(f"duck:{tmp_path / 'y'}") as output:
        for report in reports:
            output.write_packet(report)
        for stranger, reason in (others[0], "another version"), (only(tmp_pcap(FRAME)), "nothing"):
            with pytest.raises(libtrace.LibtraceError, match=reason):
                output.write_packet(stranger)
    expected = struct.pack("<I", version) + noise[: len(reports) * reports[0].capture_len]
    assert (tmp_path / "y").read_bytes() == expected


# Packets of every origin


def test_kept_packets_of_a_closed_trace(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with libtrace.open(str(data / "sample.pcap")) as trace:
        kept = list(trace)
    del trace
    libtrace.write(f"pcapfile:{tmp_path / 'x'}", kept)
    expected = (data / "sample.pcap").read_bytes()[FILE_HEADER:]
    assert (tmp_path / "x").read_bytes()[FILE_HEADER:] == expected
    libtrace.write(f"pcapfile:{tmp_path / 'y'}", reversed(kept))
    found = list(packets(f"pcapfile:{tmp_path / 'y'}"))
    assert [facts(packet) for packet in found] == [facts(packet) for packet in reversed(kept)]


def test_packet_is_written_as_it_is_now(tmp_pcap: MakeTrace, tmp_path: pathlib.Path) -> None:
    packet = only(tmp_pcap(FRAME))
    with libtrace.OutputTrace(f"pcapfile:{tmp_path / 'x'}") as output:
        output.write_packet(packet)
        packet.data = bytearray(b"\xff" * 6)
        output.write_packet(packet)
        memoryview(packet)[6:12] = b"\xee" * 6
        output.write_packet(packet)
    found = [bytes(packet) for packet in packets(f"pcapfile:{tmp_path / 'x'}")]
    assert found == [FRAME, b"\xff" * 6 + FRAME[6:], b"\xff" * 6 + b"\xee" * 6 + FRAME[12:]]


def test_changes_of_layers_are_written(tmp_pcap: MakeTrace, tmp_path: pathlib.Path) -> None:
    packet = only(tmp_pcap(FRAME))
    assert packet.ip is not None
    packet.ip.ttl = 9
    libtrace.write(f"pcapfile:{tmp_path / 'x'}", [packet])
    assert bytes(only(f"pcapfile:{tmp_path / 'x'}")) == FRAME[:22] + b"\x09" + FRAME[23:]


@pytest.mark.parametrize(
    "twin", [copy_module.copy, lambda packet: pickle.loads(pickle.dumps(packet))]
)
def test_copied_and_pickled_packets(
    tmp_trace: MakeTrace, tmp_path: pathlib.Path, twin: Callable[[libtrace.Packet], libtrace.Packet]
) -> None:
    parts = list(ODD_ERF.values())
    libtrace.write(f"erf:{tmp_path / 'x'}", map(twin, packets(tmp_trace(parts, "erf"))))
    assert (tmp_path / "x").read_bytes() == b"".join(parts)
    nano = f.write_pcap(tmp_path / "n", gen.mixed(9), nano=True)
    libtrace.write(f"pcapfile:{tmp_path / 'y'}", map(twin, packets(nano)))
    assert (tmp_path / "y").read_bytes() == copied(nano, tmp_path / "z")


def test_snapped_packets(tmp_pcap: MakeTrace, tmp_path: pathlib.Path) -> None:
    with libtrace.open(tmp_pcap(FRAME, FRAME[:20]), snaplen=30) as trace:
        libtrace.write(f"pcapfile:{tmp_path / 'x'}", trace)
    long, short = packets(f"pcapfile:{tmp_path / 'x'}")
    assert (bytes(long), long.wire_len) == (FRAME[:30], len(FRAME) + 4)
    assert (bytes(short), short.wire_len) == (FRAME[:20], 24)


def test_read_packet(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    packet = libtrace.Packet()
    with contextlib.ExitStack() as stack:
        trace = stack.enter_context(libtrace.open(str(data / "any_sll.pcap")))
        output = stack.enter_context(libtrace.OutputTrace(f"pcapfile:{tmp_path / 'x'}"))
        while trace.read_packet(packet):
            output.write_packet(packet)
        output.write_packet(packet)
    written = (tmp_path / "x").read_bytes()[FILE_HEADER:]
    expected = (data / "any_sll.pcap").read_bytes()[FILE_HEADER:]
    assert written == expected + written[len(expected) :]
    assert written.endswith(bytes(packet))


def test_one_packet_into_many_outputs(tmp_path: pathlib.Path, data: pathlib.Path) -> None:
    with contextlib.ExitStack() as stack:
        outputs = [
            stack.enter_context(libtrace.OutputTrace(f"pcapfile:{tmp_path / str(number)}"))
            for number in range(20)
        ]
        for number, packet in enumerate(packets(str(data / "sample.pcap"))):
            outputs[number % 20].write_packet(packet)
    counts = [len(list(packets(f"pcapfile:{tmp_path / str(number)}"))) for number in range(20)]
    assert sum(counts) == 773


# Compression


@pytest.mark.parametrize("compression", UNPACK)
@pytest.mark.parametrize("level", [1, 6, 9])
def test_compressed_is_what_was_written(
    data: pathlib.Path, tmp_path: pathlib.Path, compression: int, level: int
) -> None:
    source = str(data / "sample.pcap")
    plain = copied(source, tmp_path / "x")
    copy(source, f"pcapfile:{tmp_path / 'y'}", compression=compression, level=level)
    packed = (tmp_path / "y").read_bytes()
    assert UNPACK[compression](packed) == plain
    assert compression == Compression.NONE or len(packed) < len(plain) / 2


@pytest.mark.slow
@pytest.mark.parametrize("compression", BUILT_WITH)
@pytest.mark.parametrize("size", [1, 60_000, 500_000, 1_050_000, 1_100_000, 2_090_000, 5_000_000])
def test_noise_of_every_length(tmp_path: pathlib.Path, compression: int, size: int) -> None:
    """wandio's bzip2 writer loses the end of those of 1,100,000 and of 2,090,000 bytes."""
    noise = random.Random(size).randbytes(size)
    records = [f.Record(n, noise[n : n + 60_000]) for n in range(0, size, 60_000)]
    source = f.write_pcap(tmp_path / "x", records, snaplen=SNAPLEN)
    target = f"pcapfile:{tmp_path / 'y'}"
    copy(source, target, compression=compression)
    assert b"".join(bytes(packet) for packet in packets(target)) == noise
    if compression in UNPACK:
        found = UNPACK[compression]((tmp_path / "y").read_bytes())
        assert found == pathlib.Path(source).read_bytes()


def test_level_without_type_and_type_without_level(
    data: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """Historic: both are needed, and neither alone does anything."""
    for kind, level, packed in ((1, None, False), (None, 9, False), (1, 0, False), (1, 1, True)):
        output = plt.output_trace(f"pcapfile:{tmp_path / 'x'}")
        if kind is not None:
            output.conf_compress_type(kind)
        if level is not None:
            output.conf_compress_level(level)
        output.start_output()
        for packet in packets(str(data / "dns.pcap")):
            output.write_packet(packet)
        output.close_output()
        assert (tmp_path / "x").read_bytes().startswith(b"\x1f\x8b") is packed


def test_lzo_is_left_out_by_old_programs_only(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    output = plt.output_trace(f"pcapfile:{tmp_path / 'x'}")
    output.conf_compress_type(Compression.LZO)
    output.conf_compress_level(1)
    with output:
        for packet in packets(str(data / "dns.pcap")):
            output.write_packet(packet)
    assert (tmp_path / "x").read_bytes() == copied(str(data / "dns.pcap"), tmp_path / "y")
    with pytest.raises(libtrace.LibtraceError, match="LZO"):
        libtrace.OutputTrace("pcapfile:x", compression=Compression.LZO)


@pytest.mark.parametrize("kind", [5, 6])
def test_compression_that_needs_libtrace_4(
    kind: int, tmp_pcap: MakeTrace, tmp_path: pathlib.Path
) -> None:
    if kind in BUILT_WITH:
        pytest.skip("this build has it")
    with pytest.raises(libtrace.LibtraceError, match="libtrace 4"):
        libtrace.OutputTrace("pcapfile:x", compression=kind)
    output = plt.output_trace(f"pcapfile:{tmp_path / 'x'}")
    output.conf_compress_type(kind)
    with output, pytest.raises(plt.libtrace_exc, match="libtrace 4"):
        output.write_packet(only(tmp_pcap(FRAME)))


@pytest.mark.parametrize(("kind", "level"), [(7, 1), (9, 0), (1, 10), (1, -1), (1, 10**30)])
def test_compression_that_does_not_exist(
    kind: int, level: int, tmp_pcap: MakeTrace, tmp_path: pathlib.Path
) -> None:
    output = plt.output_trace(f"pcapfile:{tmp_path / 'x'}")
    output.conf_compress_type(kind)
    output.conf_compress_level(level)
    with output, pytest.raises(plt.libtrace_exc, match="compress"):
        output.write_packet(only(tmp_pcap(FRAME)))
    assert not (tmp_path / "x").exists()
    with pytest.raises((ValueError, libtrace.LibtraceError)):
        libtrace.OutputTrace("pcapfile:x", compression=kind, level=level)


@pytest.mark.parametrize(
    "options",
    [
        {"compression": 10},
        {"compression": -1},
        {"level": 3},
        {"compression": "gzip"},
        {"compression": 1, "level": 0},
    ],
)
def test_wrong_keywords(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        libtrace.OutputTrace("pcapfile:x", **options)


# The life of an output


@pytest.mark.parametrize("uri", ["", "x.pcap", ":x", "nosuch:x", "tsh:x", "dag:x", "pcap file:x"])
def test_uri_without_a_writable_format(uri: str) -> None:
    with pytest.raises(ValueError, match="pcapfile"):
        plt.output_trace(uri)


@pytest.mark.parametrize("uri", [None, 1, b"pcapfile:x", pathlib.Path("x"), "pcapfile:a\0b"])
def test_uri_of_another_kind(uri: Any) -> None:
    with pytest.raises(ValueError):
        plt.output_trace(uri)


def test_names() -> None:
    assert plt.output_trace is libtrace.OutputTrace
    assert issubclass(plt.output_trace, libtrace.core.OutputTrace)
    make: Any = plt.output_trace
    with pytest.raises(TypeError):
        make()
    with pytest.raises(TypeError):
        make("pcapfile:x").uri = "y"
    with pytest.raises(TypeError):
        del make("pcapfile:x").uri


@pytest.mark.parametrize("method", ["conf_file_flags", "conf_compress_type", "conf_compress_level"])
@pytest.mark.parametrize("value", ["1", None, 1.0, b"1"])
def test_options_are_ints(method: str, value: object) -> None:
    with pytest.raises(ValueError):
        getattr(plt.output_trace("pcapfile:x"), method)(value)


def test_ranges_of_options() -> None:
    output = plt.output_trace("pcapfile:x")
    for kind in range(10):
        output.conf_compress_type(kind)
    for kind in (-1, 10, 10**30):
        with pytest.raises(ValueError):
            output.conf_compress_type(kind)
    for level in (-1, 0, 9, 99, 10**30):
        output.conf_compress_level(level)
    output.conf_file_flags(os.O_APPEND)


def test_file_flags_do_nothing(tmp_pcap: MakeTrace, tmp_path: pathlib.Path) -> None:
    for flags in (0, os.O_APPEND, os.O_EXCL, os.O_RDONLY | os.O_CREAT):
        output = plt.output_trace(f"pcapfile:{tmp_path / 'x'}")
        output.conf_file_flags(flags)
        with output:
            output.write_packet(only(tmp_pcap(FRAME)))
        assert len(list(packets(f"pcapfile:{tmp_path / 'x'}"))) == 1


def test_calls_return_none_and_can_be_repeated(tmp_pcap: MakeTrace, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "x"
    output: Any = plt.output_trace(f"pcapfile:{path}")
    assert output.state == "new"
    assert output.start_output() is output.start_output() is None
    assert output.state == "started"
    assert not path.exists()
    assert output.write_packet(only(tmp_pcap(FRAME))) is None
    assert path.exists()
    assert output.start_output() is None
    output.write_packet(only(tmp_pcap(FRAME)))
    assert output.close_output() is output.close_output() is None
    assert output.state == "closed"
    assert output.packets_written == 2
    assert len(list(packets(f"pcapfile:{path}"))) == 2


def test_no_packet_no_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    for name in ("old", "new"):
        assert libtrace.write(f"pcapfile:{tmp_path / name}", []) == 0
        plt.output_trace(f"erf:{tmp_path / name}").close_output()
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old").read_bytes() == b"old"


def test_mode_of_the_file(tmp_pcap: MakeTrace, tmp_path: pathlib.Path) -> None:
    before = os.umask(0o022)
    try:
        libtrace.write(f"pcapfile:{tmp_path / 'x'}", [only(tmp_pcap(FRAME))])
    finally:
        os.umask(before)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("state", ["new", "closed"])
def test_not_started_or_closed(state: str, tmp_pcap: MakeTrace, tmp_path: pathlib.Path) -> None:
    output = plt.output_trace(f"pcapfile:{tmp_path / 'x'}")
    if state == "closed":
        output.close()
    with pytest.raises(libtrace.TraceStateError, match=r"cannot write to 'pcapfile:.*x'"):
        output.write_packet(only(tmp_pcap(FRAME)))
    if state == "closed":
        for again in (output.start, lambda: output.conf_compress_level(1), output.__enter__):
            with pytest.raises(libtrace.TraceStateError, match="closed"):
                again()


def test_what_is_no_packet(tmp_path: pathlib.Path, tmp_pcap: MakeTrace) -> None:
    packet = only(tmp_pcap(FRAME))
    with libtrace.OutputTrace(f"pcapfile:{tmp_path / 'x'}") as output:
        wrongs: list[Any] = [None, 1, "packet", b"packet", output]
        wrongs += [packet.layer2, packet.layer3, packet.transport, packet.ip, packet.tcp]
        for wrong in wrongs:
            with pytest.raises(ValueError):
                output.write_packet(wrong)
        with pytest.raises(ValueError, match="nothing was read"):
            output.write_packet(libtrace.Packet())
    assert not (tmp_path / "x").exists()


def test_context_manager(tmp_pcap: MakeTrace, tmp_path: pathlib.Path) -> None:
    output = libtrace.OutputTrace(f"pcapfile:{tmp_path / 'x'}")
    with pytest.raises(ZeroDivisionError), output as entered:
        assert entered is output
        output.write_packet(only(tmp_pcap(FRAME)))
        raise ZeroDivisionError
    assert output.state == "closed"
    assert len(list(packets(f"pcapfile:{tmp_path / 'x'}"))) == 1


def test_repr(tmp_pcap: MakeTrace, tmp_path: pathlib.Path) -> None:
    uri = f"pcapfile:{tmp_path / 'x'}"
    with libtrace.OutputTrace(uri) as output:
        output.write_packet(only(tmp_pcap(FRAME)))
        assert repr(output) == f"<libtrace.OutputTrace {uri!r}, started, 1 packets written>"
        assert output.uri == uri


def test_file_name_of_bytes(tmp_pcap: MakeTrace, tmp_path: pathlib.Path) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe caf\xc3\xa9")
    libtrace.write(f"pcapfile:{name}", [only(tmp_pcap(FRAME))])
    assert bytes(only(f"pcapfile:{name}")) == FRAME


def test_uninitialised() -> None:
    output = libtrace.OutputTrace.__new__(libtrace.OutputTrace)
    for call in (output.start, output.close, lambda: output.uri, lambda: repr(output)):
        with pytest.raises(ValueError, match="never initialised"):
            call()


# What does not fit, and what cannot be written


def test_second_link_type(tmp_pcap: MakeTrace, tmp_path: pathlib.Path) -> None:
    ethernet, raw = only(tmp_pcap(FRAME)), only(tmp_pcap(IP4, linktype=f.DLT_RAW))
    with libtrace.OutputTrace(f"pcapfile:{tmp_path / 'x'}") as output:
        output.write_packet(ethernet)
        with pytest.raises(
            plt.libtrace_exc, match=r"link type 1, this one has 101; pcapng:"
        ) as info:
            output.write_packet(raw)
        assert info.value.uri == output.uri
        output.write_packet(ethernet)
    assert [bytes(packet) for packet in packets(f"pcapfile:{tmp_path / 'x'}")] == [FRAME] * 2


@pytest.mark.parametrize(
    ("name", "cls", "code"),
    [
        ("no/such/x", FileNotFoundError, errno.ENOENT),
        ("", FileNotFoundError, errno.ENOENT),
        (".", IsADirectoryError, errno.EISDIR),
        ("f/x", libtrace.LibtraceError, errno.ENOTDIR),
    ],
)
@pytest.mark.parametrize("compression", [0, 1])
def test_path_that_cannot_be_opened(
    tmp_pcap: MakeTrace,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    cls: type[Exception],
    code: int,
    compression: int,
) -> None:
    (tmp_path / "f").touch()
    packet = only(tmp_pcap(FRAME))
    monkeypatch.chdir(tmp_path)
    with libtrace.OutputTrace(f"pcapfile:{name}", compression=compression) as output:
        for _ in range(2):
            with pytest.raises(cls, match=f"cannot open 'pcapfile:{name}' to write") as info:
                output.write_packet(packet)
            assert isinstance(info.value, libtrace.LibtraceError)
            assert info.value.code == code
        assert output.packets_written == 0


def test_path_is_tried_anew(tmp_pcap: MakeTrace, tmp_path: pathlib.Path) -> None:
    packet = only(tmp_pcap(FRAME))
    with libtrace.OutputTrace(f"pcapfile:{tmp_path / 'd' / 'x'}") as output:
        with pytest.raises(FileNotFoundError):
            output.write_packet(packet)
        (tmp_path / "d").mkdir()
        output.write_packet(packet)
    assert bytes(only(f"pcapfile:{tmp_path / 'd' / 'x'}")) == FRAME


@pytest.mark.slow
@pytest.mark.skipif(not pathlib.Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("compression", BUILT_WITH)
@pytest.mark.parametrize("count", [1, 20_000])
def test_full_device(tmp_pcap: MakeTrace, compression: int, count: int) -> None:
    packet = only(tmp_pcap(FRAME))
    output = libtrace.OutputTrace("pcapfile:/dev/full", compression=compression, level=1)
    output.start()
    with pytest.raises(libtrace.LibtraceError, match=r"cannot write to.*No space left") as info:
        for _ in range(count):
            output.write_packet(packet)
        output.close()
    assert info.value.code == errno.ENOSPC
    if output.state == "started":
        with pytest.raises(libtrace.LibtraceError, match="No space left"):
            output.close()
    assert output.state == "closed"
    assert compression or output.packets_written == 0
    output.close()


def run(script: str, *arguments: object, status: int = 0) -> str:
    """What a script prints that ran in an interpreter of its own."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr if status == 0 else "") == (status, ""), done.stderr
    return done.stdout


# Like a full disk, with a limit that is no multiple of anything.
LIMIT = """
    import resource, sys, libtrace
    source, target, compression, limit = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
    kept = list(libtrace.open(source))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    output = libtrace.OutputTrace(target, compression=compression, level=1)
    output.start()
    failures = written = 0
    for packet in kept * 3:
        try:
            output.write_packet(packet)
        except libtrace.LibtraceError as error:
            assert error.code == 27 and "File too large" in str(error), error
            failures += 1
    try:
        output.close()
    except libtrace.LibtraceError as error:
        assert error.code == 27, error
        failures += 1
    print(failures, output.packets_written)
"""


@pytest.mark.parametrize("scheme", WRITABLE)
@pytest.mark.parametrize("limit", [1, 23, 24, 50, 4096, 10_001, 262_144, 300_001, 314_159])
def test_full_disk_leaves_whole_records(
    data: pathlib.Path, tmp_path: pathlib.Path, scheme: str, limit: int
) -> None:
    path = tmp_path / "x"
    failures, written = map(
        int, run(LIMIT, data / "sample.pcap", f"{scheme}:{path}", 0, limit).split()
    )
    assert failures
    size = path.stat().st_size
    assert size <= limit
    whole = copied(str(data / "sample.pcap"), tmp_path / "y", scheme)
    assert (whole * 3).startswith(path.read_bytes()) or size > len(whole)
    if size:
        found, error = read(f"{scheme}:{path}")
        assert error is None
        assert len(found) == written
        assert limit - size < 400
    else:
        assert written == 0


@pytest.mark.parametrize("compression", list(UNPACK)[1:])
def test_full_disk_leaves_what_can_be_decompressed(
    data: pathlib.Path, tmp_path: pathlib.Path, compression: int
) -> None:
    path = tmp_path / "x"
    failures, _ = run(
        LIMIT, data / "sample.pcap", f"pcapfile:{path}", int(compression), 15_001
    ).split()
    assert failures != "0"
    packed = path.read_bytes()
    assert len(packed) == 15_001
    unpack: dict[int, Callable[[bytes], bytes]] = {
        Compression.ZLIB: zlib.decompressobj(31).decompress,
        Compression.BZIP2: bz2.BZ2Decompressor().decompress,
        Compression.LZMA: lzma.LZMADecompressor().decompress,
    }
    found = unpack[compression](packed)
    assert found or compression == Compression.BZIP2  # which has only whole blocks
    assert copied(str(data / "sample.pcap"), tmp_path / "y").startswith(found)


def test_disk_that_has_room_again(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Nothing is lost of what write_packet() has taken."""
    script = """
        import resource, sys, libtrace
        source, target = sys.argv[1:]
        kept = list(libtrace.open(source)) * 4
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        for compression in (0, 1, 2, 4):
            failures = 0
            with libtrace.OutputTrace(target + str(compression), compression=compression) as output:
                resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, most))
                for packet in kept:
                    try:
                        output.write_packet(packet)
                    except libtrace.LibtraceError:
                        failures += 1
                        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
                        output.write_packet(packet)
                resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            print(failures)
    """
    printed = run(script, data / "sample.pcap", f"pcapfile:{tmp_path / 'x'}").split()
    assert printed[0] == "1"
    whole = copied(str(data / "sample.pcap"), tmp_path / "y")
    for compression in (0, 1, 2, 4):
        found = UNPACK[compression]((tmp_path / f"x{compression}").read_bytes())
        assert found == whole + whole[FILE_HEADER:] * 3


def test_small_file_system(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """A real full disk, of 64 KiB."""
    mount = ["unshare", "-m", "sh", "-c"]
    script = 'mount -t tmpfs -o size=64k tmpfs "$1" && "$2" -c "$3" "$4" "$1/x" && cp "$1/x" "$5"'
    code = """
import sys, libtrace
try:
    libtrace.write("pcapfile:" + sys.argv[2], libtrace.open(sys.argv[1]))
except libtrace.LibtraceError as error:
    print(error.code)
"""
    (tmp_path / "m").mkdir()
    arguments = [tmp_path / "m", sys.executable, code, data / "sample.pcap", tmp_path / "y"]
    command = [*mount, script, "sh", *map(str, arguments)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        pytest.skip("needs unshare")
    if "mount:" in done.stderr or "unshare:" in done.stderr:
        pytest.skip("needs the right to mount")
    assert (done.stdout, done.stderr) == (f"{errno.ENOSPC}\n", "")
    found, error = read(f"pcapfile:{tmp_path / 'y'}")
    assert error is None
    assert 65_536 - (tmp_path / "y").stat().st_size < 400
    assert len(found) > 100


def test_pipe_whose_reader_is_gone(tmp_pcap: MakeTrace, tmp_path: pathlib.Path) -> None:
    packet = only(tmp_pcap(FRAME))
    os.mkfifo(tmp_path / "x")
    reader = os.open(tmp_path / "x", os.O_RDONLY | os.O_NONBLOCK)
    output = libtrace.OutputTrace(f"pcapfile:{tmp_path / 'x'}")
    output.start()
    output.write_packet(packet)
    os.close(reader)
    with pytest.raises(libtrace.LibtraceError, match="Broken pipe"):
        output.close()
    assert output.state == "closed"


# The end


def written(path: pathlib.Path) -> int:
    return len(list(packets(f"pcapfile:{path}")))


def test_destroyed_outputs_are_flushed(tmp_pcap: MakeTrace, tmp_path: pathlib.Path) -> None:
    packet = only(tmp_pcap(FRAME))
    for number, compression in enumerate(BUILT_WITH):
        output = libtrace.OutputTrace(f"pcapfile:{tmp_path / str(number)}", compression=compression)
        output.start()
        output.write_packet(packet)
        del output
        assert written(tmp_path / str(number)) == 1


def test_orders_of_destruction(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    for order in itertools.permutations("tpo"):
        path = tmp_path / "".join(order)
        things: dict[str, object] = {}
        things["t"] = trace = libtrace.open(str(data / "dns.pcap"))
        things["p"] = packet = next(trace)
        things["o"] = output = libtrace.OutputTrace(f"pcapfile:{path}")
        output.start()
        output.write_packet(packet)
        del trace, packet, output
        for name in order:
            del things[name]
        assert written(path) == 1


def test_cycle(tmp_pcap: MakeTrace, tmp_path: pathlib.Path) -> None:
    output = libtrace.OutputTrace(f"pcapfile:{tmp_path / 'x'}")
    output.start()
    output.write_packet(only(tmp_pcap(FRAME)))
    cycle: list[object] = [output]
    cycle.append(cycle)
    del output, cycle
    gc.collect()
    assert written(tmp_path / "x") == 1


def test_failure_of_a_destroyed_output_is_reported(
    tmp_pcap: MakeTrace, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    monkeypatch.setattr(sys, "unraisablehook", lambda what: told.append(what.exc_value))
    output = libtrace.OutputTrace("pcapfile:/dev/full")
    output.start()
    output.write_packet(only(tmp_pcap(FRAME)))
    del output
    assert [error.code for error in told] == [errno.ENOSPC]
    told.clear()


ENDINGS = {
    "at the end": "",
    "sys.exit": "sys.exit(0)",
    "exception": "1 / 0",
    "cycle": "cycle = [output]; cycle.append(cycle)",
    "module": "import json; json.output = output",
    "kept by C": """
        import ctypes
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(output))
    """,
    "atexit": "import atexit; atexit.register(lambda: output.write_packet(packet))",
    "thread": """
        import threading, time
        threading.Thread(target=lambda o: time.sleep(3600), args=[output], daemon=True).start()
    """,
    "local": """
        def keep(output):
            threading.local().output = output
        import threading
        keep(output)
    """,
}


@pytest.mark.parametrize("compression", [Compression.NONE, Compression.ZLIB, Compression.LZMA])
@pytest.mark.parametrize("ending", ENDINGS)
def test_interpreter_exit(
    tmp_pcap: MakeTrace, tmp_path: pathlib.Path, ending: str, compression: int
) -> None:
    script = textwrap.dedent("""
        import sys, plt
        trace = plt.trace(sys.argv[1])
        trace.start()
        packet = next(trace)
        output = plt.output_trace(sys.argv[2])
        output.conf_compress_type(int(sys.argv[3]))
        output.conf_compress_level(1)
        output.start_output()
        output.write_packet(packet)
    """)
    target = f"pcapfile:{tmp_path / 'x'}"
    run(
        script + textwrap.dedent(ENDINGS[ending]),
        tmp_pcap(FRAME),
        target,
        int(compression),
        status=ending == "exception",
    )
    assert written(tmp_path / "x") == (2 if ending == "atexit" else 1)


@pytest.mark.parametrize("compression", [Compression.NONE, Compression.ZLIB])
def test_daemon_thread_writes_to_the_end(
    tmp_pcap: MakeTrace, tmp_path: pathlib.Path, compression: int
) -> None:
    """The process ends; what the thread has written until then is a whole file."""
    script = """
        import sys, threading, libtrace
        packet = next(libtrace.open(sys.argv[1]))
        output = libtrace.OutputTrace(sys.argv[2], compression=int(sys.argv[3]), level=1)
        output.start()
        def write():
            while True:
                output.write_packet(packet)
        threading.Thread(target=write, daemon=True).start()
        while output.packets_written < 3000:
            pass
    """
    run(script, tmp_pcap(FRAME + bytes(1400)), f"pcapfile:{tmp_path / 'x'}", int(compression))
    assert written(tmp_path / "x") >= 3000


def test_daemon_thread_waits_for_a_full_pipe_at_the_end(tmp_pcap: MakeTrace, fifo: str) -> None:
    script = """
        import os, select, sys, threading, libtrace
        packet = next(libtrace.open(sys.argv[1]))
        reader = os.open(sys.argv[2], os.O_RDONLY | os.O_NONBLOCK)
        output = libtrace.OutputTrace("pcapfile:" + sys.argv[2])
        output.start()
        def write():
            while True:
                output.write_packet(packet)
        threading.Thread(target=write, daemon=True).start()
        select.select([reader], [], [], 30)
    """
    run(script, tmp_pcap(FRAME), fifo)


def test_daemon_thread_reads_while_an_output_is_flushed(tmp_path: pathlib.Path, fifo: str) -> None:
    """It must not come back to an interpreter that is gone."""
    script = """
        import sys, threading, time, libtrace
        from feed import feed
        source, fifo, target = sys.argv[1:]
        feed(fifo, source)
        trace = libtrace.open(f"pcapfile:{fifo}")
        packet = next(trace)
        output = libtrace.OutputTrace(f"pcapfile:{target}")
        output.start()
        for _ in range(200):
            output.write_packet(packet)
        def keep(trace, output):
            for _ in trace:
                time.sleep(0)
        threading.Thread(target=keep, args=(trace, output), daemon=True).start()
        del output
    """
    os.mkfifo(tmp_path / "x")
    reader = os.open(tmp_path / "x", os.O_RDONLY | os.O_NONBLOCK)
    source = f.write_pcap(tmp_path / "source", f.records(*[bytes(1000)] * 9))
    process = start(script, source, fifo, str(tmp_path / "x"))
    assert select.select([reader], [], [], 30)[0]  # only the end of the process writes so little
    writer = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    os.write(writer, f.pcap_record(bytes(1000)))
    time.sleep(0.2)
    while select.select([reader], [], [], 30)[0] and os.read(reader, 1 << 16):
        pass
    os.close(reader)
    os.close(writer)
    assert finish(process) == ""


def test_forked_child_writes_nothing_twice(tmp_pcap: MakeTrace, tmp_path: pathlib.Path) -> None:
    """Unless it writes itself: a daemon goes on with what its parent opened."""
    script = """
        import os, sys, libtrace
        packet = next(libtrace.open(sys.argv[1]))
        output = libtrace.OutputTrace(sys.argv[2], compression=int(sys.argv[3]), level=1)
        output.start()
        for _ in range(3):
            output.write_packet(packet)
        child = os.fork()
        if sys.argv[4] == "daemon":
            if child:
                os.waitpid(child, 0)
                os._exit(0)
            output.write_packet(packet)
        elif child:
            os.waitpid(child, 0)
            output.write_packet(packet)
        elif sys.argv[4] == "close":
            output.close()
            os._exit(0)
        sys.exit(0)
    """
    for kind, compression in itertools.product(("exit", "close", "daemon"), (0, 1)):
        path = tmp_path / f"{kind}{compression}"
        run(script, tmp_pcap(FRAME), f"pcapfile:{path}", compression, kind)
        assert written(path) == 4


def test_forked_while_another_thread_writes(tmp_pcap: MakeTrace, fifo: str) -> None:
    """The packets are the parent's, and the child ends."""
    script = """
        import libtrace, os, select, sys, threading, time, warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # of the fork
        packet = next(libtrace.open(sys.argv[1]))
        reader = os.open(sys.argv[2], os.O_RDONLY | os.O_NONBLOCK)
        output = libtrace.OutputTrace("pcapfile:" + sys.argv[2])
        output.start()
        def write():
            for _ in range(9000):
                output.write_packet(packet)
        thread = threading.Thread(target=write)
        thread.start()
        select.select([reader], [], [], 30)
        time.sleep(0.1)
        child = os.fork()
        if not child:
            try:
                output.write_packet(packet)
            except libtrace.TraceStateError as error:
                print("forked" in str(error))
            if sys.argv[3] == "close":
                output.close()
            sys.exit()
        print(os.waitpid(child, 0)[1])
        threading.Thread(target=lambda: (thread.join(), output.close())).start()
        size = 0
        while data := select.select([reader], [], [], 30)[0] and os.read(reader, 1 << 16):
            size += len(data)
        print(size)
    """
    size = FILE_HEADER + 9000 * len(f.pcap_record(FRAME))
    for end in ("close", "exit"):
        assert run(script, tmp_pcap(FRAME), fifo, end).split() == ["True", "0", str(size)]


def test_standard_output(tmp_pcap: MakeTrace, tmp_path: pathlib.Path) -> None:
    script = """
        import sys, libtrace
        print("first", flush=True)
        libtrace.write("pcapfile:-", libtrace.open(sys.argv[1]))
        print("last")
    """
    command = [sys.executable, "-c", textwrap.dedent(script), tmp_pcap(FRAME)]
    printed = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    copy(tmp_pcap(FRAME), f"pcapfile:{tmp_path / 'x'}")
    assert printed == b"first\n" + (tmp_path / "x").read_bytes() + b"last\n"


# Threads and signals


@pytest.mark.slow
def test_two_threads_on_one_output(tmp_pcap: MakeTrace, tmp_path: pathlib.Path) -> None:
    frames = [FRAME + bytes([n]) * 1000 for n in range(2)]
    found = [only(tmp_pcap(frame)) for frame in frames]
    for compression in (0, 1):
        with libtrace.OutputTrace(
            f"pcapfile:{tmp_path / 'x'}", compression=compression, level=1
        ) as output:

            def work(packet: libtrace.Packet, output: libtrace.OutputTrace = output) -> None:
                for _ in range(2000):
                    output.write_packet(packet)

            threads = [threading.Thread(target=work, args=[packet]) for packet in found]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        counts = [0, 0]
        for packet in packets(f"pcapfile:{tmp_path / 'x'}"):
            counts[frames.index(bytes(packet))] += 1
        assert counts == [2000, 2000]


@pytest.mark.slow
def test_close_while_another_thread_writes(tmp_pcap: MakeTrace, tmp_path: pathlib.Path) -> None:
    packet = only(tmp_pcap(FRAME + bytes(1400)))
    for _ in range(20):
        output = libtrace.OutputTrace(f"pcapfile:{tmp_path / 'x'}")
        output.start()
        counts: list[int] = []

        def work(output: libtrace.OutputTrace = output, counts: list[int] = counts) -> None:
            count = 0
            with contextlib.suppress(libtrace.TraceStateError):
                while True:
                    output.write_packet(packet)
                    count += 1
            counts.append(count)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        while output.packets_written < 500:
            pass
        output.close()
        for thread in threads:
            thread.join()
        assert sum(counts) == output.packets_written == written(tmp_path / "x")


def test_packet_that_is_refilled_while_it_is_written(
    tmp_path: pathlib.Path, data: pathlib.Path
) -> None:
    """The thread that waits for the pipe still has the packet that it was given."""
    os.mkfifo(tmp_path / "x")
    source = f.write_pcap(tmp_path / "s", f.records(*(bytes([n]) * 60_000 for n in range(9))))
    packet = libtrace.Packet()
    with libtrace.open(source) as trace:
        assert trace.read_packet(packet)

        def work() -> None:
            with libtrace.OutputTrace(f"pcapfile:{tmp_path / 'x'}") as output:
                for _ in range(50):
                    output.write_packet(packet)

        thread = threading.Thread(target=work)
        thread.start()
        with (tmp_path / "x").open("rb") as pipe:
            while trace.read_packet(packet):
                pipe.read(60_000)
            trace.close()
            while pipe.read(60_000):
                pass
        thread.join()


def test_interrupted_while_the_pipe_is_full(tmp_pcap: MakeTrace, tmp_path: pathlib.Path) -> None:
    script = """
        import os, signal, sys, threading, time, libtrace
        packet = next(libtrace.open(sys.argv[1]))
        os.mkfifo(sys.argv[2])
        reader = os.open(sys.argv[2], os.O_RDONLY | os.O_NONBLOCK)
        output = libtrace.OutputTrace("pcapfile:" + sys.argv[2])
        output.start()
        threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT]).start()
        start = time.monotonic()
        try:
            while True:
                output.write_packet(packet)
        except KeyboardInterrupt:
            print(time.monotonic() - start < 5)
        threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT]).start()
        try:
            output.close()
        except KeyboardInterrupt:
            print(output.state)
    """
    assert run(script, tmp_pcap(FRAME), tmp_path / "x").split() == ["True", "closed"]


@pytest.mark.parametrize("call", ["close()", "write_packet(packet)"])
def test_signal_handler_during_a_write(tmp_pcap: MakeTrace, fifo: str, call: str) -> None:
    """It may not wait for what it has interrupted, which goes on behind it."""
    script = f"""
        import os, select, signal, sys, libtrace
        packet = next(libtrace.open(sys.argv[1]))
        reader = os.open(sys.argv[2], os.O_RDONLY | os.O_NONBLOCK)
        output = libtrace.OutputTrace("pcapfile:" + sys.argv[2])
        output.start()
        refused = False
        def handle(*_):
            global refused
            try:
                output.{call}
            except libtrace.TraceStateError as error:
                refused = "handler" in str(error)
            while select.select([reader], [], [], 0)[0] and os.read(reader, 1 << 16):
                pass
        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.3, 0.3)
        while not refused:
            output.write_packet(packet)
        print(output.state, flush=True)
        os._exit(0)
    """
    assert run(script, tmp_pcap(FRAME), fifo) == "started\n"


# Interfaces


def test_interface(tmp_pcap: MakeTrace) -> None:
    """Sent on one end of a virtual cable, in a network of its own, and read at the other."""
    script = """
        import subprocess, sys, libtrace
        ip = lambda *words: subprocess.run(["ip", *words], check=True)
        ip("link", "add", "left", "type", "veth", "peer", "name", "right")
        for name in "left", "right":
            ip("link", "set", name, "up")
        packet = next(libtrace.open(sys.argv[1]))
        with libtrace.open("int:right", filter="tcp port 80", timeout=10) as trace:
            for scheme in ("int", "ring", "pcapint"):
                libtrace.write(scheme + ":left", [packet] * 3)
            for _, found in zip(range(9), trace):
                assert bytes(found) == bytes(packet)
        print("ok")
    """
    script = textwrap.dedent(script)
    command = ["unshare", "-n", sys.executable, "-c", script, tmp_pcap(FRAME)]
    if not shutil.which("unshare") or not shutil.which("ip"):
        pytest.skip("needs unshare and ip")
    done = subprocess.run(command, capture_output=True, text=True)
    if "unshare" in done.stderr or "RTNETLINK" in done.stderr:
        pytest.skip("needs the right to make a network")
    assert (done.stdout, done.stderr) == ("ok\n", "")


@pytest.mark.parametrize("scheme", ["int", "ring", "pcapint"])
def test_interface_that_is_not_there(scheme: str, tmp_pcap: MakeTrace) -> None:
    packet = only(tmp_pcap(FRAME))
    output = libtrace.OutputTrace(f"{scheme}:nosuch0")
    output.start()
    with pytest.raises(libtrace.LibtraceError, match=r"cannot open.*No such device"):
        output.write_packet(packet)


# Independent readers


def printed(*command: str) -> list[list[str]]:
    """What a tool prints, which no sanitizer of ours shall slow down, as lines of columns."""
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def tshark(path: pathlib.Path) -> list[list[str]]:
    names = ("time_epoch", "len", "cap_len", "protocols", "encap_type")
    fields = [word for name in names for word in ("-e", f"frame.{name}")]
    return printed("tshark", "-n", "-r", str(path), "-T", "fields", *fields)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("tshark"), reason="needs tshark")
@pytest.mark.parametrize("name", ["sample.pcap", "any_sll.pcap", "any_sll2.pcap"])
def test_tshark_sees_the_same(data: pathlib.Path, tmp_path: pathlib.Path, name: str) -> None:
    expected = tshark(data / name)
    for scheme in ("pcapfile", "pcapng"):
        for compression in (Compression.NONE, Compression.ZLIB):
            path = tmp_path / f"{scheme}{compression}"
            copy(str(data / name), f"{scheme}:{path}", compression=compression)
            assert tshark(path) == expected


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("tshark"), reason="needs tshark")
def test_tshark_reads_erf(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    copy(str(data / "dns.pcap"), f"erf:{tmp_path / 'x'}")
    expected, found = tshark(data / "dns.pcap"), tshark(tmp_path / "x")
    assert len(found) == len(expected)
    for before, after in zip(expected, found):
        assert abs(float(before[0]) - float(after[0])) < 1e-6
        assert int(after[2]) == int(before[2])
        assert before[3].split(":")[2:] == [
            layer for layer in after[3].split(":") if layer not in ("erf", "eth", "ethertype")
        ]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("capinfos"), reason="needs capinfos")
def test_capinfos(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    for scheme in ("pcapfile", "pcapng"):
        path = tmp_path / scheme
        copy(str(data / "sample.pcap"), f"{scheme}:{path}")
        table = printed("capinfos", "-T", "-r", "-c", "-d", "-E", str(path))
        assert table[0][1:] == ["ether", "773", "419688"]


# Properties

try:
    from hypothesis import given
    from hypothesis import strategies as st
except ImportError:
    pass
else:
    u32 = st.integers(0, (1 << 32) - 1)
    some_records = st.lists(
        st.builds(
            f.Record,
            st.integers(0, (1 << 32) * f.NS - 1),
            st.binary(max_size=300),
            st.one_of(st.none(), u32),
        ),
        min_size=1,
        max_size=20,
    )

    @pytest.mark.slow
    @given(
        some_records,
        st.sampled_from([f.DLT_EN10MB, f.DLT_RAW, f.DLT_RADIOTAP, f.DLT_LINUX_SLL, 147]),
        st.booleans(),
        st.booleans(),
        st.sampled_from(sorted(UNPACK)),
    )
    def test_pcap_round_trip(
        records: list[f.Record], linktype: int, big: bool, nano: bool, compression: int
    ) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "x"
            source = f.write_pcap(path, records, linktype=linktype, big=big, nano=nano)
            target = pathlib.Path(folder) / "y"
            copy(source, f"pcapfile:{target}", compression=compression)
            found = UNPACK[compression](target.read_bytes())
        expected = f.pcap(records, linktype=linktype, nano=nano and LIBTRACE4, snaplen=SNAPLEN)
        assert found == b"".join(expected)

    @pytest.mark.slow
    @given(some_records, st.integers(0, 255), st.integers(0, 7), st.sampled_from([1, 2, 3, 22, 23]))
    def test_erf_round_trip(records: list[f.Record], flags: int, padding: int, type_: int) -> None:
        parts = [
            f.erf_record(
                record.data + bytes(padding),
                type_,
                ts_ns=record.ts_ns,
                flags=flags,
                wlen=record.length & 0xFFFF,
            )
            for record in records
        ]
        with tempfile.TemporaryDirectory() as folder:
            source = f.write(pathlib.Path(folder) / "x", parts)
            target = pathlib.Path(folder) / "y"
            copy(f"erf:{source}", f"erf:{target}")
            assert target.read_bytes() == b"".join(parts)


# Memory


@pytest.mark.slow
def test_nothing_is_left_behind(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    script = """
        import os, sys, libtrace
        packet = next(libtrace.open(sys.argv[1]))
        def fields(name):
            text = open(f"/proc/self/{name}").read()
            return int(text.split("VmRSS:")[1].split()[0])
        def work(count):
            for number in range(count):
                with libtrace.OutputTrace(sys.argv[2], compression=number % 3, level=1) as output:
                    output.write_packet(packet)
        work(300)
        before, files = fields("status"), len(os.listdir("/proc/self/fd"))
        work(1500)
        print(fields("status") - before < 4000, len(os.listdir("/proc/self/fd")) - files)
    """
    assert run(script, data / "dns.pcap", f"pcapfile:{tmp_path / 'x'}").split() == ["True", "0"]
