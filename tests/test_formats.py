# SPDX-License-Identifier: LGPL-3.0-or-later
"""Every format, byte order, resolution and compression: what was written is what is read."""

from __future__ import annotations

import contextlib
import itertools
import pathlib
import time
from collections.abc import Callable

import gen
import gen_files as f
import gen_packets as p
import libtrace
import pytest
from feed import feed_pieces
from reading import only, packets, read

BIG_NANO = list(itertools.product([False, True], repeat=2))
COMPRESSIONS = ("", "gz", "bz2", "xz")
MakeTrace = Callable[..., str]
FCS = 4


def facts(packet: libtrace.Packet) -> tuple[int, bytes, int, int]:
    return packet.timestamp_ns, bytes(packet), packet.capture_len, packet.wire_len


def expected(record: f.Record, *, fcs: int, tick: int = 1) -> tuple[int, bytes, int, int]:
    ts_ns = record.ts_ns // tick * tick
    return ts_ns, record.data, len(record.data), record.length + fcs


# pcap


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize(("big", "nano"), BIG_NANO)
def test_pcap(tmp_path: pathlib.Path, big: bool, nano: bool, compression: str) -> None:
    written = list(gen.mixed(200, seed=3))
    path = gen.write_pcap(
        tmp_path / "mix", written, big=big, nano=nano, snaplen=300, compression=compression
    )
    cut = [f.Record(r.ts_ns, r.data[:300], len(r.data)) for r in written]
    for uri in (path, f"pcapfile:{path}"):
        found = [facts(packet) for packet in packets(uri)]
        assert found == [expected(r, fcs=FCS, tick=1 if nano else 1000) for r in cut]


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_compression_is_told_by_content_not_by_name(
    tmp_path: pathlib.Path, compression: str
) -> None:
    frame = gen.KINDS["tcp4"][1]
    for name in ("x.pcap", "x.gz", "x.bz2", "x.erf"):
        f.write_pcap(tmp_path / name, f.records(frame), compression=compression)
        (packet,) = packets(str(tmp_path / name))
        assert bytes(packet) == frame


@pytest.mark.parametrize(("big", "nano"), BIG_NANO)
def test_empty_pcap(tmp_trace: MakeTrace, big: bool, nano: bool) -> None:
    assert list(packets(tmp_trace([f.pcap_header(big=big, nano=nano)]))) == []


@pytest.mark.parametrize("big", [False, True])
def test_pcap_through_libpcap(tmp_path: pathlib.Path, big: bool) -> None:
    """libpcap lends its buffer, which the next read overwrites: kept packets must not change.

    The file is closed, too, which libtrace 3 leaves out.
    """
    written = list(gen.mixed(200, seed=6))
    path = gen.write_pcap(tmp_path / "mix", written, big=big)
    kept = list(packets(f"pcap:{path}"))
    assert [facts(packet) for packet in kept] == [expected(r, fcs=FCS, tick=1000) for r in written]


@pytest.mark.parametrize("magic", [b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18"], ids=["zstd", "lz4"])
def test_compression_of_libtrace_4(tmp_path: pathlib.Path, magic: bytes) -> None:
    path = f.write(tmp_path / "x.pcap", [magic + bytes(60)])
    needs = None if libtrace.features()["zstd"] else "libtrace 4"
    for uri in (path, f"pcapfile:{path}"):
        with pytest.raises(libtrace.LibtraceError, match=needs):
            libtrace.open(uri)


@pytest.mark.parametrize("kind", gen.KINDS)
def test_every_kind_of_frame(tmp_pcap: MakeTrace, kind: str) -> None:
    linktype, frame = gen.KINDS[kind]
    has_fcs = linktype in (f.DLT_EN10MB, f.DLT_RADIOTAP) or kind == "sll_loop"
    packet = only(tmp_pcap(frame, linktype=linktype))
    assert bytes(packet) == frame
    assert packet.capture_len == len(frame)
    assert packet.wire_len == len(frame) + (FCS if has_fcs and kind != "radiotap_fcs" else 0)
    assert not packet.is_truncated


LINKTYPES = {
    "tcp4": libtrace.LinkType.ETH,
    "raw4": libtrace.LinkType.NONE,
    "raw_linktype12": libtrace.LinkType.NONE,
    "sll": libtrace.LinkType.NONE,
    "sll_loop": libtrace.LinkType.ETH,
    "sll_radiotap": libtrace.LinkType.IEEE80211,
    "wifi": libtrace.LinkType.IEEE80211,
    "radiotap": libtrace.LinkType.IEEE80211,
    "ppp": libtrace.LinkType.PPP,
    "ppp_hdlc": libtrace.LinkType.POS,
    "chdlc": libtrace.LinkType.HDLC_POS,
    "loop": libtrace.LinkType.OPENBSD_LOOP,
    "pflog": libtrace.LinkType.NONE,
    "rfc1483": libtrace.LinkType.LLCSNAP,
}


@pytest.mark.parametrize("kind", LINKTYPES)
def test_linktype_is_that_below_the_pseudo_headers(tmp_pcap: MakeTrace, kind: str) -> None:
    linktype, frame = gen.KINDS[kind]
    assert only(tmp_pcap(frame, linktype=linktype)).linktype == LINKTYPES[kind]


def test_direction(tmp_pcap: MakeTrace) -> None:
    def direction(frame: bytes, linktype: int) -> int:
        return only(tmp_pcap(frame, linktype=linktype)).direction

    inner = gen.KINDS["raw4"][1]
    assert direction(p.eth(inner), f.DLT_EN10MB) == -1
    assert direction(p.sll(inner, pkttype=0), f.DLT_LINUX_SLL) == libtrace.Direction.INCOMING
    assert direction(p.sll(inner, pkttype=4), f.DLT_LINUX_SLL) == libtrace.Direction.OUTGOING
    assert direction(p.pflog(inner, direction=0), f.DLT_PFLOG) == libtrace.Direction.INCOMING
    assert direction(p.pflog(inner, direction=1), f.DLT_PFLOG) == libtrace.Direction.OUTGOING


# pcapng


@pytest.mark.parametrize("tsresol", [6, 9])
@pytest.mark.parametrize("big", [False, True])
def test_pcapng(tmp_path: pathlib.Path, big: bool, tsresol: int) -> None:
    written = list(gen.mixed(200, seed=5))
    path = gen.write_pcapng(tmp_path / "mix", written, big=big, tsresol=tsresol)
    if not libtrace.features()["pcapng"]:
        with pytest.raises(libtrace.LibtraceError, match="pcapng"):
            libtrace.open(path)
        return
    found = [facts(packet) for packet in packets(path)]
    assert found == [expected(r, fcs=FCS, tick=10 ** (9 - tsresol)) for r in written]


def test_simple_packet_blocks_of_pcapng_have_no_padding(tmp_path: pathlib.Path) -> None:
    if not libtrace.features()["pcapng"]:
        pytest.skip("needs libtrace 4")
    frames = [gen.KINDS["tcp4"][1] + bytes(extra) for extra in range(4)]
    path = gen.write_pcapng(tmp_path / "simple", f.records(*frames), simple=True)
    assert [bytes(packet) for packet in packets(path)] == frames


# ERF

IP4, IP6 = gen.KINDS["raw4"][1], gen.KINDS["raw6"][1]
ERF = {
    "ethernet": (f.ERF_ETH, p.eth(IP4), libtrace.LinkType.ETH),
    "dsm ethernet": (f.ERF_DSM_ETH, p.eth(IP6, p.IPV6), libtrace.LinkType.ETH),
    "hdlc": (f.ERF_HDLC, p.chdlc(IP4), libtrace.LinkType.HDLC_POS),
    "atm": (f.ERF_ATM, p.atm(p.snap(IP4))[:52], libtrace.LinkType.ATM),
    "aal5": (f.ERF_AAL5, p.atm(p.snap(IP4)), libtrace.LinkType.AAL5),
    "ipv4": (f.ERF_IPV4, IP4, libtrace.LinkType.NONE),
    "ipv6": (f.ERF_IPV6, IP6, libtrace.LinkType.NONE),
}


@pytest.mark.parametrize("scheme", ["erf", "rawerf"])
@pytest.mark.parametrize("kind", ERF)
def test_erf_types(tmp_trace: MakeTrace, kind: str, scheme: str) -> None:
    type_, frame, linktype = ERF[kind]
    record = f.erf_record(frame, type_, ts_ns=1_600_000_000_123_456_789, flags=0x06, wlen=1500)
    found, error = read(tmp_trace([record] * 3, scheme))
    assert error is None
    assert len(found) == 3
    for packet in found:
        assert facts(packet) == (1_600_000_000_123_456_789, frame, len(frame), 1500)
        assert packet.linktype == linktype
        assert packet.direction == 2


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_erf_file(tmp_path: pathlib.Path, compression: str) -> None:
    written = list(gen.mixed(200, seed=4))
    path = gen.write_erf(tmp_path / "mix", written, compression=compression)
    for uri in (path, f"erf:{path}"):
        assert [facts(packet) for packet in packets(uri)] == [expected(r, fcs=FCS) for r in written]


def test_erf_time_keeps_all_its_bits(tmp_trace: MakeTrace) -> None:
    record = bytearray(f.erf_record(p.eth(IP4)))
    record[:8] = (1_600_000_000 << 32 | 0xDEADBEEF).to_bytes(8, "little")
    packet = only(tmp_trace([record], "erf"))
    assert packet.erf_time == 1_600_000_000 << 32 | 0xDEADBEEF
    assert packet.timestamp_ns == 1_600_000_000 * f.NS + (0xDEADBEEF * f.NS >> 32)


def test_erf_loss_counters_are_the_drops(tmp_trace: MakeTrace) -> None:
    parts = [f.erf_record(p.eth(IP4), lctr=lctr) for lctr in (0, 3, 0, 700)]
    with libtrace.open(tmp_trace(parts, "erf")) as trace:
        assert sum(1 for _ in trace) == 4
        assert trace.packet_drops == 703
        assert trace.statistics()["dropped"] == 703


def test_erf_padding_behind_the_packet_is_not_data(tmp_trace: MakeTrace) -> None:
    packet = only(tmp_trace([f.erf_record(p.eth(IP4) + bytes(6), wlen=14 + len(IP4))], "erf"))
    assert bytes(packet) == p.eth(IP4)


# The older DAG formats. Their records have one size, their times that of ERF.

TS = 1_000_000_000_250_000_000
LEGACY: dict[str, tuple[bytes, bytes, int, libtrace.LinkType]] = {
    "tsh": (f.tsh_record(IP4, ts_ns=TS), IP4[:36], len(IP4), libtrace.LinkType.NONE),
    "fr+": (f.tsh_record(IP4, ts_ns=TS), IP4[:36], len(IP4), libtrace.LinkType.NONE),
    "legacyeth": (
        f.legacyeth_record(p.eth(IP4), ts_ns=TS),
        p.eth(IP4)[:54],
        14 + len(IP4) + FCS,
        libtrace.LinkType.ETH,
    ),
    "legacypos": (
        f.legacypos_record(p.ppp_hdlc(IP4), ts_ns=TS),
        p.ppp_hdlc(IP4)[:48],
        4 + len(IP4),
        libtrace.LinkType.POS,
    ),
    "legacyatm": (
        f.legacyatm_record(p.atm(p.snap(IP4)), ts_ns=TS),
        p.atm(p.snap(IP4))[:52],
        53,
        libtrace.LinkType.ATM,
    ),
    "atmhdr": (f.atmhdr_record(p.atm(b""), ts_ns=TS), p.atm(b""), 53, libtrace.LinkType.ATM),
}


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("scheme", LEGACY)
def test_legacy_format(tmp_trace: MakeTrace, scheme: str, compression: str) -> None:
    record, frame, wire_len, linktype = LEGACY[scheme]
    found, error = read(tmp_trace([f.compress(record * 5, compression)], scheme))
    assert error is None
    assert len(found) == 5
    for packet in found:
        assert facts(packet) == (TS, frame, len(frame), wire_len)
        assert packet.linktype == linktype


@pytest.mark.parametrize(
    ("link", "linktype"),
    [
        (p.ppp_hdlc, libtrace.LinkType.POS),
        (p.chdlc, libtrace.LinkType.HDLC_POS),
        (p.ppp, libtrace.LinkType.PPP),
    ],
)
def test_legacypos_guesses_its_link(
    tmp_trace: MakeTrace, link: Callable[[bytes], bytes], linktype: libtrace.LinkType
) -> None:
    packet = only(tmp_trace([f.legacypos_record(link(IP4))], "legacypos"))
    assert packet.linktype == linktype
    assert packet.src_text == p.SRC4


@pytest.mark.parametrize("scheme", LEGACY)
def test_legacy_format_that_comes_in_pieces(fifo: str, scheme: str) -> None:
    record, data, _wire_len, _link = LEGACY[scheme]
    writer = feed_pieces(fifo, record * 5, 3)
    with libtrace.open(f"{scheme}:{fifo}") as trace:
        assert [bytes(packet) for packet in trace] == [data] * 5
    writer.join()


def test_legacynzix(tmp_trace: MakeTrace) -> None:
    parts = [f.legacynzix_record(p.eth(IP4), ts_us=n * 1_500_000) for n in range(4)]
    parts.insert(2, f.legacynzix_record(p.eth(IP4), wlen=0))  # a mark of the clock, no packet
    before = time.localtime(0)
    found, error = read(tmp_trace(parts, "legacynzix", name="19990101-120000"))
    assert error is None
    assert time.localtime(0) == before, "libtrace's time zone stayed in the process"
    # Noon in New Zealand's summer time is 23:00 UTC the day before.
    start = 915_145_200 * f.NS
    assert [packet.timestamp_ns - start for packet in found] == [
        n * 1_500_000_000 for n in range(4)
    ]
    for packet in found:
        assert bytes(packet) == p.eth(IP4)[:54].ljust(54, b"\0")
        assert packet.wire_len == 14 + len(IP4)
        assert packet.dst_text == p.DST4


def test_tsh_interface_is_the_direction(tmp_trace: MakeTrace) -> None:
    interfaces = [0, 1, 2, 200, 255]
    uri = tmp_trace([f.tsh_record(IP4, interface=n) for n in interfaces], "tsh")
    found, _ = read(uri)
    assert [packet.direction for packet in found] == interfaces
    with libtrace.open(uri) as trace:
        (batch,) = trace.batches(["direction"])
        assert list(batch["direction"]) == interfaces


def test_bare_path_finds_tsh(tmp_path: pathlib.Path) -> None:
    path = f.write(tmp_path / "x", [f.tsh_record(IP4)] * 4)
    assert len(list(packets(path))) == 4


# What cannot be read says so


@pytest.mark.parametrize("content", [b"", b"\0", b"hello\n", bytes(100), b"\xff" * 5000])
def test_unknown_content(tmp_path: pathlib.Path, content: bytes) -> None:
    path = f.write(tmp_path / "x", [content])
    for uri in (path, f"pcapfile:{path}"):
        with pytest.raises(libtrace.LibtraceError):
            libtrace.open(uri)


@pytest.mark.parametrize("uri", ["nosuch:x", "pcapfile:", "erf:", ":", "x" * 5000 + ":y"])
def test_bad_uri(uri: str) -> None:
    trace = libtrace.Trace(uri)
    with contextlib.closing(trace), pytest.raises(libtrace.LibtraceError):
        trace.start()


# Real traffic: the numbers are those of capinfos and tshark.


def test_sample(data: pathlib.Path) -> None:
    found = list(packets(str(data / "sample.pcap")))
    assert len(found) == 773
    assert sum(packet.wire_len - FCS for packet in found) == 419_688
    assert sum(packet.capture_len for packet in found) == 114_731
    assert found[0].timestamp_ns == 1_795_338_189_188_425_000
    assert found[-1].timestamp_ns == 1_795_338_203_024_476_000
    assert sum(packet.vlan_id == 100 for packet in found) == 98
    assert sum(packet.ip_proto == p.TCP for packet in found) == 568


@pytest.mark.parametrize("name", ["any_sll.pcap", "any_sll2.pcap"])
def test_cooked_capture(data: pathlib.Path, name: str) -> None:
    found = list(packets(str(data / name)))
    assert len(found) == 118
    addresses = {packet.src_text for packet in found}
    assert {"192.0.2.10", "192.0.2.20", "2001:db8::10", "2001:db8::20"} <= addresses
    assert {packet.direction for packet in found} == {0, 1}


def test_nanoseconds_of_a_real_capture(data: pathlib.Path) -> None:
    found = list(packets(str(data / "dns.pcap")))
    assert len(found) == 26
    assert all(53 in (packet.src_port, packet.dst_port) for packet in found)
    assert any(packet.timestamp_ns % 1000 for packet in found)
