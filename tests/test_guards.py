# SPDX-License-Identifier: LGPL-3.0-or-later
"""What libtrace does wrong on odd files. Each test's capture makes some version of it abort, read
stale bytes or give nonsense; ours delivers the packet with its true lengths and goes on.
"""

from __future__ import annotations

import contextlib
import pathlib
import struct
from collections.abc import Callable

import gen
import gen_files as f
import gen_packets as p
import libtrace
import oracle
import pytest
from reading import CUT, HEADER_FIELDS, field, fields, only, packets, read

pytestmark = pytest.mark.usefixtures("silence")

MakeTrace = Callable[..., str]
LINKTYPE, FRAME = gen.KINDS["tcp4"]
IP4 = gen.KINDS["raw4"][1]
LIBTRACE4 = libtrace.features()["libtrace"] >= 4
LONGEST = 65519 if LIBTRACE4 else 65535


def assert_plain(packet: libtrace.Packet) -> None:
    """The packet is FRAME, with nothing left of a hazard before it."""
    assert bytes(packet) == FRAME
    assert packet.src_text == p.SRC4
    assert packet.dst_port == 80


# Lengths


@pytest.mark.parametrize("size", [65507, 65519, 65520, 65521, 65534, 65535])
def test_longest_records(tmp_trace: MakeTrace, size: int) -> None:
    long = FRAME.ljust(size, b"\x5a")
    uri = tmp_trace(
        [f.pcap_header(), f.pcap_record(FRAME), f.pcap_record(long) * 3, f.pcap_record(FRAME)]
    )
    found, error = read(uri)
    assert_plain(found[0])
    if size > LONGEST:
        assert error is not None
        return
    assert error is None
    assert [bytes(packet) for packet in found[1:4]] == [long] * 3
    assert_plain(found[4])


@pytest.mark.parametrize("size", [65536, 65537, 1 << 20, (1 << 31) - 1, 1 << 31, (1 << 32) - 1])
def test_longer_records_are_an_error_after_the_packets_before(
    tmp_trace: MakeTrace, size: int
) -> None:
    parts = [f.pcap_header(), f.pcap_record(FRAME), f.pcap_record(FRAME, caplen=size), bytes(70000)]
    found, error = read(tmp_trace(parts))
    assert len(found) == 1
    assert_plain(found[0])
    assert error is not None


WIRE_LENGTHS = [65531, 65532, 65535, 65536, 70000, (1 << 31) - 20, 1 << 31, 0xFFFFFFFB, 0xFFFFFFFF]


@pytest.mark.parametrize("wirelen", WIRE_LENGTHS)
@pytest.mark.parametrize("kind", ["tcp4", "raw4", "sll", "radiotap", "wifi", "ppp"])
def test_wire_length_of_any_size(tmp_trace: MakeTrace, kind: str, wirelen: int) -> None:
    linktype, frame = gen.KINDS[kind]
    for big in (False, True):
        odd = f.pcap_record(frame, wirelen=wirelen, big=big)
        plain = f.pcap_record(frame, big=big)
        found, error = read(tmp_trace([f.pcap_header(linktype, big=big), odd, plain, odd, plain]))
        assert error is None
        assert [bytes(packet) for packet in found] == [frame] * 4
        fcs = 4 if kind in ("tcp4", "radiotap") else 0
        assert found[0].wire_len in (wirelen + fcs, 0xFFFFFFFF)
        assert found[1].wire_len == len(frame) + fcs
        assert [packet.is_truncated for packet in found] == [True, False] * 2
        assert {packet.dst_port for packet in found} == {80}


def test_filter_sees_a_long_packet(tmp_trace: MakeTrace) -> None:
    odd = f.pcap_record(FRAME, wirelen=100_000)
    uri = tmp_trace([f.pcap_header(), odd, f.pcap_record(FRAME)])
    for expression, count in (("tcp", 2), ("udp", 0), ("greater 90000", 1)):
        with libtrace.open(uri, filter=expression) as trace:
            assert sum(1 for _ in trace) == count
    (packet, _), _ = read(uri)
    assert packet.apply_filter(libtrace.Filter("tcp port 80"))


def test_captured_more_than_was_on_the_wire(tmp_trace: MakeTrace) -> None:
    """All captured bytes are there; `data`, as ever, ends where the wire's bytes do."""
    for wirelen in (0, 1, 14, 33):
        record = f.pcap_record(FRAME, wirelen=wirelen)
        found, error = read(tmp_trace([f.pcap_header(), record, f.pcap_record(FRAME)]))
        assert error is None
        assert found[0].capture_len == len(FRAME)
        assert found[0].wire_len == wirelen + 4
        assert bytes(found[0].data) == FRAME[: wirelen + 4]
        assert_plain(found[1])


ALL_LINKTYPES = sorted({linktype for linktype, _ in gen.KINDS.values()})


@pytest.mark.parametrize("linktype", ALL_LINKTYPES)
@pytest.mark.parametrize("first", [True, False])
def test_empty_record(tmp_trace: MakeTrace, linktype: int, first: bool) -> None:
    frame = next(frame for link, frame in gen.KINDS.values() if link == linktype)
    plain, empty = f.pcap_record(frame), f.pcap_record(b"", wirelen=60)
    for big in (False, True):
        plain, empty = f.pcap_record(frame, big=big), f.pcap_record(b"", wirelen=60, big=big)
        order = [empty, plain, empty] if first else [plain, empty, plain]
        found, error = read(tmp_trace([f.pcap_header(linktype, big=big), *order]))
        assert error is None
        assert [bytes(packet) for packet in found] == [frame if r is plain else b"" for r in order]
        for packet, record in zip(found, order):
            if record is empty:
                assert packet.capture_len == 0
                assert packet.wire_len in (60, 64)
                assert packet.timestamp_ns == 1_700_000_000 * f.NS
                assert set(fields(packet).values()) <= {CUT, None, 0}


@pytest.mark.parametrize("nano", [True, False])
@pytest.mark.parametrize("big", [True, False])
@pytest.mark.parametrize("sec", [0, 0x01010101, 0x12344321])
def test_empty_first_record_does_not_hide_the_byte_order(
    tmp_trace: MakeTrace, sec: int, big: bool, nano: bool
) -> None:
    empty = f.pcap_record(b"", sec=sec, frac=5, wirelen=60, big=big)
    plain = f.pcap_record(FRAME, sec=sec, frac=7, big=big)
    found, error = read(tmp_trace([f.pcap_header(big=big, nano=nano), empty, plain]))
    assert error is None
    unit = 1 if nano else 1000
    assert [packet.timestamp_ns for packet in found] == [sec * f.NS + n * unit for n in (5, 7)]
    assert [packet.wire_len for packet in found] == [64, len(FRAME) + 4]


# Link types


@pytest.mark.parametrize("linktype", [2, 147, 276, 299, 999, 1998, 1999, 2000, 65535])
def test_unknown_linktype(tmp_pcap: MakeTrace, linktype: int) -> None:
    packet = only(tmp_pcap(FRAME, linktype=linktype))
    assert bytes(packet) == FRAME
    assert packet.capture_len == len(FRAME)
    assert packet.wire_len == len(FRAME)


@pytest.mark.parametrize("high", [0x10000, 0x7FFF0000, 0x80000000, 0xFFFF0000])
def test_damaged_linktype(tmp_pcap: MakeTrace, high: int) -> None:
    packet = only(tmp_pcap(FRAME, linktype=high | f.DLT_EN10MB))
    assert bytes(packet) == FRAME
    assert packet.capture_len == len(FRAME)


def test_upper_bits_tell_of_an_fcs(tmp_pcap: MakeTrace) -> None:
    with_fcs = FRAME + b"\xde\xad\xbe\xef"
    packet = only(tmp_pcap(with_fcs, linktype=4 << 28 | 1 << 26 | f.DLT_EN10MB))
    assert packet.linktype == libtrace.LinkType.ETH
    assert packet.wire_len == len(with_fcs)
    assert packet.dst_port == 80


def test_filter_on_an_unknown_linktype_is_a_clear_error(tmp_pcap: MakeTrace) -> None:
    with libtrace.open(tmp_pcap(FRAME, FRAME, linktype=1999), filter="tcp") as trace:
        with pytest.raises(libtrace.FilterError):
            next(iter(trace))
        with pytest.raises(libtrace.FilterError):
            next(iter(trace))
        assert next(iter(trace), None) is None


# The order of questions, which changes libtrace's answers


@pytest.mark.parametrize("kind", gen.KINDS)
def test_answers_do_not_depend_on_the_order(tmp_pcap: MakeTrace, kind: str) -> None:
    linktype, frame = gen.KINDS[kind]
    uri = tmp_pcap(frame, linktype=linktype)
    (forward,) = packets(uri)
    wanted = fields(forward, *HEADER_FIELDS)
    for start in range(len(HEADER_FIELDS)):
        names = HEADER_FIELDS[start:] + HEADER_FIELDS[:start]
        (fresh,) = packets(uri)
        assert fields(fresh, *names) == wanted
        assert fields(fresh, *names[::-1]) == wanted


@pytest.mark.parametrize("kind", ["sll", "sll_loop", "radiotap", "radiotap_fcs", "pflog"])
def test_mac_after_layer_three(tmp_pcap: MakeTrace, kind: str) -> None:
    linktype, frame = gen.KINDS[kind]
    (packet,) = packets(tmp_pcap(frame, linktype=linktype))
    assert packet.ethertype == p.IPV4
    has_macs = kind not in ("sll", "pflog")
    assert packet.src_mac == (p.MAC_A if has_macs else None)
    dst_mac = p.MAC_B if kind == "sll_loop" else p.MAC_C
    assert packet.dst_mac == (dst_mac if has_macs else None)
    assert packet.src_text == p.SRC4


# Fields


@pytest.mark.parametrize("kind", gen.KINDS)
def test_fields(tmp_pcap: MakeTrace, kind: str) -> None:
    linktype, frame = gen.KINDS[kind]
    packet = only(tmp_pcap(frame, linktype=linktype))
    wanted = {name: answer.value for name, answer in oracle.parse(linktype, frame).items()}
    assert fields(packet, *wanted) == wanted


ETHERTYPES = {
    "tcp4": (p.IPV4, 0),
    "tcp6": (p.IPV6, 0),
    "arp": (p.ARP, 0),
    "stp": (38, 0),
    "vlan": (p.IPV4, 100),
    "vlan_vlan": (p.VLAN, 10),
    "qinq": (p.QINQ, 0),
    "mpls": (p.MPLS, 0),
    "pppoe": (p.PPPOE, 0),
    "raw4": (p.IPV4, 0),
    "raw6": (p.IPV6, 0),
    "sll": (p.IPV4, 0),
    "sll_arp": (p.ARP, 0),
    "sll_loop": (p.IPV4, 0),
    "radiotap": (p.IPV4, 0),
    "ppp": (p.IPV4, 0),
    "chdlc6": (p.IPV6, 0),
    "loop6": (p.IPV6, 0),
    "pflog": (p.IPV4, 0),
    "rfc1483": (p.IPV4, 0),
}


@pytest.mark.parametrize("kind", ETHERTYPES)
def test_ethertype_and_vlan(tmp_pcap: MakeTrace, kind: str) -> None:
    linktype, frame = gen.KINDS[kind]
    packet = only(tmp_pcap(frame, linktype=linktype))
    assert (packet.ethertype, packet.vlan_id) == ETHERTYPES[kind]
    assert packet.proto == 0


@pytest.mark.parametrize("kind", gen.KINDS)
def test_every_short_capture(tmp_trace: MakeTrace, kind: str) -> None:
    """Cut anywhere, a field is its true value or CUT; and None only where it is absent."""
    linktype, frame = gen.KINDS[kind]
    wanted = oracle.parse(linktype, frame)
    # Every record is followed by a whole one, whose bytes must not come back in the next.
    whole = f.pcap_record(frame)
    parts = [f.pcap_header(linktype), whole]
    for size in range(len(frame) + 1):
        parts += [f.pcap_record(frame[:size], wirelen=len(frame)), whole]
    found, error = read(tmp_trace(parts))
    assert error is None
    assert len(found) == 2 * len(frame) + 3
    for size, packet in enumerate(found[1::2]):
        assert bytes(packet) == frame[:size]
        assert packet.is_truncated == (size < len(frame))
        for name, answer in wanted.items():
            got = field(packet, name)
            if size >= answer.must:
                assert got == answer.value, (name, size)
            elif answer.value is None:
                assert got in (None, CUT), (name, size)
            elif size < answer.may:
                assert got is CUT, (name, size)
            else:
                assert got in (answer.value, CUT), (name, size)


@pytest.mark.parametrize("snaplen", [1, 14, 20, 34, 54, 60])
def test_snaplen_cuts_like_a_short_capture(tmp_pcap: MakeTrace, snaplen: int) -> None:
    with libtrace.open(tmp_pcap(FRAME), snaplen=snaplen) as trace:
        (packet,) = trace
        assert bytes(packet) == FRAME[:snaplen]
        assert packet.capture_len == min(snaplen, len(FRAME))
        assert packet.wire_len == len(FRAME) + 4
        assert packet.is_truncated
        assert field(packet, "dst_port") == (80 if snaplen >= 38 else CUT)


def test_truncated_error_tells_what_is_missing(tmp_trace: MakeTrace) -> None:
    record = f.pcap_record(FRAME[:30], wirelen=len(FRAME))
    packet = only(tmp_trace([f.pcap_header(), record]))
    with pytest.raises(libtrace.TruncatedError, match="30") as caught:
        _ = packet.dst
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, libtrace.LibtraceError)


@pytest.mark.parametrize(
    ("linktype", "frame"),
    [
        (f.DLT_PPP_SERIAL, p.ppp_hdlc(b"", 0xC021)),
        (f.DLT_PPP, p.ppp(b"", 0xC021)),
        (f.DLT_EN10MB, p.eth(p.pppoe(b"", 0xC021), p.PPPOE)),
        (f.DLT_80211, p.dot11(b"", subtype=4)[:24]),
    ],
    ids=["ppp hdlc", "ppp", "pppoe", "802.11 null data"],
)
def test_absent_is_not_cut(tmp_pcap: MakeTrace, linktype: int, frame: bytes) -> None:
    """The frame ends with its link header, which says that no IP follows."""
    packet = only(tmp_pcap(frame, linktype=linktype))
    assert (field(packet, "src"), field(packet, "dst_port")) == (None, None)


@pytest.mark.parametrize(
    "frame",
    [
        p.eth(p.ipv4(p.TCP, p.tcp(), ihl=0)),
        p.eth(p.ipv4(p.TCP, p.tcp(), ihl=4)),
        p.eth(p.ipv4(p.TCP, p.tcp(), ihl=15)),
        p.eth(p.ipv4(p.TCP, p.tcp(), total_length=65535)),
        p.eth(p.ipv4(p.TCP, p.tcp(), total_length=20)),
        p.eth(b"\x00" + IP4[1:]),
        p.eth(IP4, p.IPV6),
        p.eth(gen.KINDS["raw6"][1], p.IPV4),
        p.eth(p.ipv6(p.HOP_BY_HOP, b"\0\xff\0\0\0\0\0\0"), p.IPV6),
        p.eth(p.ipv6(p.ROUTING, b"\x2b\0\0\0\0\0\0\0" * 8), p.IPV6),
        p.eth(p.ipv6(p.AH, b"\x06\xff" + bytes(30)), p.IPV6),
        p.eth(p.ipv6(p.UDP, p.udp(1, 2), payload_length=0), p.IPV6),
        p.eth(p.ipv6(p.UDP, p.udp(1, 2), payload_length=65535), p.IPV6),
        p.eth(p.ipv4(p.SCTP, p.sctp(1, 2, p.chunk(1, length=0)))),
        p.eth(p.vlan(b"", 1, p.VLAN) * 12, p.VLAN),
        p.eth(p.mpls(b"", *range(20)), p.MPLS),
        p.eth(p.pppoe(b"", 0x0021), p.PPPOE),
    ],
)
def test_nonsense_in_headers(tmp_pcap: MakeTrace, frame: bytes) -> None:
    found, error = read(tmp_pcap(frame, FRAME))
    assert error is None
    assert bytes(found[0]) == frame
    assert_plain(found[1])


def test_ports_of_ipv6_fragments(tmp_pcap: MakeTrace) -> None:
    """libtrace 3 reads the offset of an IPv6 fragment from the wrong byte."""
    for ident in (0, 0xFFFFFFFF, 0x01000000, 8):
        head = p.fragment_header(0, True, ident)
        first = p.eth(p.ipv6(p.UDP, p.udp(13, 14, bytes(8)), extensions=[head]), p.IPV6)
        rest = p.fragment_header(8, False, ident)
        later = p.eth(p.ipv6(p.UDP, bytes(range(16)), extensions=[rest]), p.IPV6)
        (one, two), _ = read(tmp_pcap(first, later))
        assert (one.ip_proto, one.src_port, one.dst_port) == (p.UDP, 13, 14)
        assert (two.ip_proto, two.src_port, two.dst_port) == (p.UDP, None, None)


@pytest.mark.parametrize("length", [0, 4, 8, 100, 0xFFFF])
def test_radiotap_lies_about_its_length(tmp_pcap: MakeTrace, length: int) -> None:
    linktype, frame = gen.KINDS["radiotap"]
    odd = frame[:2] + length.to_bytes(2, "little") + frame[4:]
    found, error = read(tmp_pcap(odd, frame, linktype=linktype))
    assert error is None
    assert bytes(found[0]) == odd
    assert found[1].dst_port == 80


def test_radiotap_presence_words_without_end(tmp_pcap: MakeTrace) -> None:
    linktype, frame = gen.KINDS["radiotap"]
    endless = frame[:4] + b"\xff\xff\xff\xff" * 10
    found, error = read(tmp_pcap(endless, frame, linktype=linktype))
    assert error is None
    assert bytes(found[0]) == endless


# Times


@pytest.mark.parametrize("frac", [999_999, 1_000_000, 4_294_968, 0x7FFFFFFF, 0xFFFFFFFF])
def test_microseconds_above_a_second(tmp_trace: MakeTrace, frac: int) -> None:
    parts = [f.pcap_header(), f.pcap_record(FRAME, sec=5, frac=frac), f.pcap_record(FRAME, sec=9)]
    found, error = read(tmp_trace(parts))
    assert error is None
    assert found[0].timestamp_ns == 5 * f.NS + frac * 1000
    assert found[1].timestamp_ns == 9 * f.NS


@pytest.mark.parametrize("nano", [False, True])
@pytest.mark.parametrize("sec", [0, 1, (1 << 31) - 1, 1 << 31, (1 << 32) - 1])
def test_any_second(tmp_trace: MakeTrace, sec: int, nano: bool) -> None:
    parts = [f.pcap_header(nano=nano), f.pcap_record(FRAME, sec=sec, frac=999_999)]
    packet = only(tmp_trace(parts))
    assert packet.timestamp_ns == sec * f.NS + 999_999 * (1 if nano else 1000)
    assert packet.ts_sec == sec


@pytest.mark.parametrize("sec", [(1 << 31) - 1, 1 << 31, (1 << 32) - 1])
def test_any_second_through_libpcap(tmp_trace: MakeTrace, sec: int) -> None:
    packet = only(tmp_trace([f.pcap_header(), f.pcap_record(FRAME, sec=sec, frac=5)], "pcap"))
    assert packet.timestamp_ns == sec * f.NS + 5000


# The end


def test_end_right_behind_a_record_header(tmp_trace: MakeTrace) -> None:
    """libtrace calls it a clean end: the capture is damaged, and says so."""
    record = f.pcap_record(FRAME)
    for size in (16, 17, 8):
        found, error = read(tmp_trace([f.pcap_header(), record, record[:size]]))
        assert len(found) == 1
        assert_plain(found[0])
        assert error is not None


def test_an_error_ends_the_loop_but_not_the_process(tmp_trace: MakeTrace) -> None:
    uri = tmp_trace([f.pcap_header(), f.pcap_record(FRAME) * 3, b"\xff" * 100])
    with libtrace.open(uri) as trace:
        kept: list[libtrace.Packet] = []
        with pytest.raises(libtrace.LibtraceError):
            kept.extend(trace)
        assert len(kept) in (0, 3)
        for _ in range(3):
            with contextlib.suppress(libtrace.LibtraceError):
                assert next(iter(trace), None) is None


# ERF


ETH_RECORD = f.erf_record(FRAME)


@pytest.mark.parametrize("rlen", range(16))
def test_erf_record_shorter_than_its_header(tmp_trace: MakeTrace, rlen: int) -> None:
    parts = [ETH_RECORD, f.erf_record(FRAME, rlen=rlen), ETH_RECORD]
    found, _ = read(tmp_trace(parts, "erf"))
    assert_plain(found[0])


@pytest.mark.parametrize("type_", [f.ERF_ETH, f.ERF_HDLC, f.ERF_IPV4, f.ERF_ATM, f.ERF_AAL5])
def test_erf_record_without_payload(tmp_trace: MakeTrace, type_: int) -> None:
    head = f.erf_record(b"", type_, rlen=16, wlen=64)[:16]
    found, error = read(tmp_trace([head, ETH_RECORD, head, ETH_RECORD], "erf"))
    assert error is None
    assert [packet.capture_len for packet in found] == [0, len(FRAME)] * 2
    assert found[0].wire_len == 64
    assert_plain(found[3])


@pytest.mark.parametrize("size", range(0, 40, 3))
def test_erf_short_captures(tmp_trace: MakeTrace, size: int) -> None:
    parts = [f.erf_record(FRAME[:size], wlen=500), ETH_RECORD]
    found, error = read(tmp_trace(parts, "erf"))
    assert error is None
    assert bytes(found[0]) == FRAME[:size]
    assert found[0].wire_len == 500
    assert_plain(found[1])


def test_erf_receive_error(tmp_trace: MakeTrace) -> None:
    bad = f.erf_record(FRAME, flags=f.ERF_VARYING | f.ERF_RXERROR, wlen=99)
    found, error = read(tmp_trace([ETH_RECORD, bad, ETH_RECORD, bad], "erf"))
    assert error is None
    assert len(found) == 4
    assert found[1].wire_len == 99
    assert_plain(found[2])


@pytest.mark.parametrize("type_", range(0, 256))
def test_erf_of_any_type(tmp_trace: MakeTrace, type_: int) -> None:
    odd = f.erf_record(FRAME, type_)
    found, error = read(tmp_trace([ETH_RECORD, odd, ETH_RECORD], "erf"))
    assert_plain(found[0])
    if error is None:
        assert_plain(found[-1])


@pytest.mark.parametrize("type_", [10, 15, 17, 19])
def test_erf_hdlc_variants_have_no_padding(tmp_trace: MakeTrace, type_: int) -> None:
    frame = p.chdlc(IP4)
    assert bytes(only(tmp_trace([f.erf_record(frame, type_)], "erf"))) == frame


@pytest.mark.parametrize("wlen", [0, 1, 17, 65535])
def test_erf_wire_length(tmp_trace: MakeTrace, wlen: int) -> None:
    found, error = read(tmp_trace([f.erf_record(FRAME, wlen=wlen), ETH_RECORD], "erf"))
    assert error is None
    assert found[0].wire_len == wlen
    assert found[0].capture_len == min(wlen, len(FRAME))
    assert_plain(found[1])


def test_longest_erf_record(tmp_trace: MakeTrace) -> None:
    frame = FRAME.ljust(65535 - 18, b"\x5a")
    found, error = read(tmp_trace([f.erf_record(frame), ETH_RECORD], "erf"))
    assert error is None
    assert bytes(found[0]) == frame
    assert_plain(found[1])


@pytest.mark.parametrize("rlen", [24, 32, 65527, 65534, 65535])
def test_erf_extension_headers_without_end(tmp_trace: MakeTrace, rlen: int) -> None:
    """libtrace counts their bytes modulo 65,536, and walks on behind the record."""
    endless = f.erf_record(b"", 0x80 | f.ERF_ETH, rlen=rlen)[:16].ljust(rlen, b"\xff")
    found, error = read(tmp_trace([ETH_RECORD, endless, endless, ETH_RECORD], "erf"))
    assert_plain(found[0])
    if error is None:
        assert [packet.capture_len for packet in found[1:3]] == [0, 0]
        assert_plain(found[3])


# pcapng, which only libtrace 4 reads

needs_pcapng = pytest.mark.skipif(not libtrace.features()["pcapng"], reason="needs libtrace 4")


def pcapng_file(*blocks: bytes) -> list[bytes]:
    return [f.section_block(), *blocks]


def packet_block(count: int, *, interface: int = 0) -> bytes:
    high, low = divmod(count, 1 << 32)
    head = struct.pack("<IIIII", interface, high, low, len(FRAME), len(FRAME))
    return f.block(6, head + FRAME)


@needs_pcapng
@pytest.mark.parametrize("tsresol", [0, 3, 6, 7, 9, 12, 0x80, 0x80 | 10, 0x80 | 20, 0x80 | 32])
def test_pcapng_resolutions(tmp_trace: MakeTrace, tsresol: int) -> None:
    ticks = (2 if tsresol & 0x80 else 10) ** (tsresol & 0x7F)
    ns = 1_000_000 * f.NS + f.NS // 3
    count = ns * ticks // f.NS
    parts = pcapng_file(f.interface_block(tsresol=tsresol), packet_block(count))
    packet = only(tmp_trace(parts, "pcapng"))
    assert packet.timestamp_ns == count * f.NS // ticks


@needs_pcapng
@pytest.mark.parametrize("tsresol", [19, 20, 41, 64, 127, 0x80 | 63, 0x80 | 64, 0xFF])
def test_pcapng_absurd_resolutions(tmp_trace: MakeTrace, tsresol: int) -> None:
    """libtrace divides by a power that overflows to zero."""
    parts = pcapng_file(f.interface_block(tsresol=tsresol), packet_block(1 << 40))
    found, error = read(tmp_trace(parts, "pcapng"))
    assert error is None
    assert_plain(found[0])


@needs_pcapng
def test_pcapng_interfaces_and_sections(tmp_trace: MakeTrace) -> None:
    micro, nano = f.interface_block(tsresol=6), f.interface_block(tsresol=9)
    raw = f.interface_block(f.DLT_RAW)
    parts = pcapng_file(
        micro, nano, packet_block(5), packet_block(5, interface=1), packet_block(6)
    ) + pcapng_file(nano, packet_block(7), raw, packet_block(8, interface=1))
    found, error = read(tmp_trace(parts, "pcapng"))
    assert error is None
    assert [packet.timestamp_ns for packet in found] == [5000, 5, 6000, 7, 8]
    links = [libtrace.LinkType.ETH] * 4 + [libtrace.LinkType.NONE]
    assert [packet.linktype for packet in found] == links
    assert [bytes(packet) for packet in found] == [FRAME] * 5


@needs_pcapng
@pytest.mark.parametrize("linktype", [147, 276, 499, 500, 1000, 65535])
def test_pcapng_of_any_linktype(tmp_trace: MakeTrace, linktype: int) -> None:
    parts = pcapng_file(f.interface_block(linktype), packet_block(123))
    packet = only(tmp_trace(parts, "pcapng"))
    assert bytes(packet) == FRAME
    assert packet.timestamp_ns == 123
    assert packet.wire_len == len(FRAME)


@needs_pcapng
def test_pcapng_packet_of_an_unknown_interface(tmp_trace: MakeTrace) -> None:
    good = packet_block(1)
    for interface in (1, 7, 0xFFFFFFFF):
        odd = packet_block(1, interface=interface)
        found, _ = read(tmp_trace(pcapng_file(f.interface_block(), good, odd, good), "pcapng"))
        assert_plain(found[0])


@needs_pcapng
@pytest.mark.parametrize("length", [1, 2, 3])
@pytest.mark.parametrize("type_", [1, 6, 99])
def test_pcapng_block_shorter_than_its_length(
    tmp_trace: MakeTrace, type_: int, length: int
) -> None:
    """libtrace looks for its second length in front of its buffer."""
    odd = struct.pack("<II", type_, length) + bytes(24)
    parts = pcapng_file(f.interface_block(), packet_block(1), odd, packet_block(2))
    found, error = read(tmp_trace(parts, "pcapng"))
    assert_plain(found[0])
    assert len(found) == 1
    assert error is not None


@needs_pcapng
@pytest.mark.parametrize(
    ("tsresol", "count"),
    [(9, (1 << 63) - 1), (9, 1 << 63), (9, (1 << 64) - 1), (3, 10**16), (0, 10**10)],
)
def test_pcapng_time_that_is_too_late(tmp_trace: MakeTrace, tsresol: int, count: int) -> None:
    """It is the last there is, in every way of reading."""
    parts = pcapng_file(f.interface_block(tsresol=tsresol), packet_block(count))
    uri = tmp_trace(parts, "pcapng")
    last = (1 << 63) - 1
    assert only(uri).timestamp_ns == last
    with libtrace.open(uri) as trace:
        assert [list(batch["timestamp"]) for batch in trace.batches(["timestamp"])] == [[last]]
    with libtrace.open(uri) as trace:
        assert [list(batch["first"]) for batch in trace.flows(["first"])] == [[last]]


# The legacy formats


@pytest.mark.parametrize("wlen", [0, 1, 65536, 0xFFFFFFFF])
def test_legacypos_wire_length(tmp_trace: MakeTrace, wlen: int) -> None:
    odd = f.legacypos_record(p.ppp_hdlc(IP4), wlen=wlen)
    plain = f.legacypos_record(p.ppp_hdlc(IP4))
    found, error = read(tmp_trace([odd, plain], "legacypos"))
    assert error is None
    assert found[0].wire_len == wlen
    assert found[1].dst_port == 80


@pytest.mark.parametrize("wlen", [0, 65531, 65532, 65535])
def test_legacyeth_wire_length(tmp_trace: MakeTrace, wlen: int) -> None:
    odd = f.legacyeth_record(FRAME, wlen=wlen)
    found, error = read(tmp_trace([odd, f.legacyeth_record(FRAME)], "legacyeth"))
    assert error is None
    assert found[0].wire_len == wlen + 4
    assert found[1].dst_port == 80


@pytest.mark.parametrize("wlen", [65536, 0x7FFFFFFF, 0xFFFFFFFF])
def test_legacynzix_wire_length(tmp_trace: MakeTrace, wlen: int) -> None:
    parts = [f.legacynzix_record(FRAME, wlen=wlen), f.legacynzix_record(FRAME)]
    found, error = read(tmp_trace(parts, "legacynzix", name="20010203-040506"))
    assert error is None
    assert found[0].wire_len == wlen
    assert found[1].dst_port == 80


def test_legacynzix_without_a_time_in_its_name(tmp_trace: MakeTrace) -> None:
    _, error = read(tmp_trace([f.legacynzix_record(FRAME)], "legacynzix", name="x"))
    assert error is not None


@pytest.mark.parametrize("scheme", ["legacyeth", "legacyatm", "legacypos"])
def test_never_started_legacy_trace(tmp_trace: MakeTrace, scheme: str) -> None:
    uri = tmp_trace([bytes(64)], scheme)
    libtrace.Trace(uri).close()
    assert libtrace.Trace(uri).uri == uri
    missing = libtrace.Trace(f"{uri}.missing")
    with pytest.raises(FileNotFoundError):
        missing.start()


def test_tsh_total_length(tmp_trace: MakeTrace) -> None:
    for length in (0, 20, 65535):
        header = p.ipv4(p.TCP, p.tcp(), total_length=length)
        packet = only(tmp_trace([f.tsh_record(header)], "tsh"))
        assert packet.wire_len == length


# Detection


def test_detection_of_every_start(tmp_path: pathlib.Path) -> None:
    """Any two bytes at the start of any file: found out or refused."""
    base = b"".join(f.pcap(f.records(FRAME)))
    for first in range(0, 256, 5):
        path = f.write(tmp_path / "x", [bytes([first, 255 - first]) + base[2:]])
        with contextlib.suppress(libtrace.LibtraceError):
            assert len(list(packets(path))) <= 1
