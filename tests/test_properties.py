# SPDX-License-Identifier: LGPL-3.0-or-later
"""Generated packets: fields equal an independent parser's, bytes are those that were written."""

from __future__ import annotations

import ipaddress
import pathlib
import tempfile

import gen_files as f
import gen_packets as p
import oracle
import pytest
from reading import CUT, field, packets, read

hypothesis = pytest.importorskip("hypothesis")
from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

pytestmark = pytest.mark.slow

u8, u16, u32 = (st.integers(0, (1 << bits) - 1) for bits in (8, 16, 32))
payloads = st.binary(max_size=64)
macs = st.binary(min_size=6, max_size=6).map(lambda raw: raw.hex(":"))
addresses4 = u32.map(lambda n: str(ipaddress.IPv4Address(n)))
addresses6 = st.one_of(
    st.integers(0, (1 << 128) - 1),
    st.sampled_from([0, 1, 0x102, 0xFFFF01020304, 1 << 127, (1 << 112) - 1, 0x1_0000_0000_0001]),
).map(lambda n: str(ipaddress.IPv6Address(n)))

segments = st.one_of(
    st.tuples(st.just(p.TCP), st.builds(p.tcp, u16, u16, payloads, options=st.binary(max_size=40))),
    st.tuples(st.just(p.UDP), st.builds(p.udp, u16, u16, payloads)),
    st.tuples(st.just(p.SCTP), st.builds(p.sctp, u16, u16, payloads.map(lambda b: p.chunk(0, b)))),
    st.tuples(st.sampled_from([p.ICMP, p.ICMP6]), st.builds(p.echo, u16, u16, payloads)),
    st.tuples(st.sampled_from([p.IGMP, p.GRE, 89, 103, 253]), payloads),
)
extensions = st.one_of(
    st.builds(
        p.options_header,
        st.sampled_from([p.HOP_BY_HOP, p.DEST_OPTS]),
        st.binary(max_size=20).map(lambda raw: bytes([1, len(raw)]) + raw),
    ),
    st.builds(p.routing_header, addresses6),
    st.builds(p.fragment_header, st.integers(0, 100).map(lambda n: n * 8), st.booleans(), u32),
    st.builds(p.auth_header, st.integers(1, 8).map(lambda n: bytes(4 * n))),
)


@st.composite
def ip_packets(draw: st.DrawFn) -> tuple[int, bytes]:
    """An ethertype, and the IPv4 or IPv6 packet of it."""
    proto, segment = draw(segments)
    if draw(st.booleans()):
        packet = p.ipv4(
            proto,
            segment,
            draw(addresses4),
            draw(addresses4),
            tos=draw(u8),
            ident=draw(u16),
            flags=draw(st.integers(0, 3)),
            offset=draw(st.sampled_from([0, 0, 0, 8, 1480, 65528])),
            options=draw(st.binary(max_size=40)),
        )
        return p.IPV4, packet
    packet = p.ipv6(
        proto,
        segment,
        draw(addresses6),
        draw(addresses6),
        traffic_class=draw(u8),
        flow=draw(st.integers(0, 0xFFFFF)),
        extensions=draw(st.lists(extensions, max_size=4)),
    )
    return p.IPV6, packet


@st.composite
def tagged(draw: st.DrawFn) -> tuple[int, bytes]:
    """An IP packet below any stack of VLAN tags, MPLS labels and PPPoE."""
    ethertype, packet = draw(ip_packets())
    for layer in draw(st.lists(st.sampled_from(["vlan", "qinq", "mpls", "pppoe"]), max_size=3)):
        if layer in ("vlan", "qinq"):
            vid = draw(st.integers(0, 4095))
            packet = p.vlan(packet, vid, ethertype, draw(st.integers(0, 7)), draw(u8) & 1)
            ethertype = p.VLAN if layer == "vlan" else p.QINQ
        elif ethertype in (p.IPV4, p.IPV6):
            if layer == "mpls":
                labels = draw(st.lists(st.integers(0, 0xFFFFF), min_size=1, max_size=3))
                packet, ethertype = p.mpls(packet, *labels), p.MPLS
            else:
                protocol = 0x0021 if ethertype == p.IPV4 else 0x0057
                packet, ethertype = p.pppoe(packet, protocol, draw(u16)), p.PPPOE
    return ethertype, packet


ETHERNETS = [f.DLT_EN10MB] * 4
WIFIS = [f.DLT_80211, f.DLT_RADIOTAP]
OTHERS = [f.DLT_LINUX_SLL, f.DLT_SLL2, f.DLT_C_HDLC, f.DLT_RAW, f.DLT_LOOP, f.DLT_PFLOG]
PPPS = [f.DLT_PPP, f.DLT_PPP_SERIAL, f.DLT_ATM_RFC1483]
linktypes = st.sampled_from(ETHERNETS + WIFIS + OTHERS + PPPS)


@st.composite
def frames(draw: st.DrawFn) -> tuple[int, bytes]:
    """A pcap link type and a frame of it."""
    linktype = draw(linktypes)
    if linktype == f.DLT_EN10MB:
        ethertype, packet = draw(tagged())
        return linktype, p.eth(packet, ethertype, draw(macs), draw(macs))
    ethertype, packet = draw(ip_packets())
    ppp_type = 0x0021 if ethertype == p.IPV4 else 0x0057
    if linktype in WIFIS:
        frame = p.dot11(
            packet,
            ethertype,
            to_ds=draw(st.booleans()),
            from_ds=draw(st.booleans()),
            subtype=draw(st.sampled_from([0, 8])),
        )
        if linktype == f.DLT_80211:
            return linktype, frame
        flags, words = draw(st.sampled_from([None, 0, 0x10])), draw(st.integers(1, 4))
        return linktype, p.radiotap(frame, flags=flags, presence_words=words)
    build = {
        f.DLT_LINUX_SLL: lambda: p.sll(packet, ethertype, pkttype=draw(st.integers(0, 4))),
        f.DLT_SLL2: lambda: p.sll2(packet, ethertype, pkttype=draw(st.integers(0, 4))),
        f.DLT_C_HDLC: lambda: p.chdlc(packet, ethertype),
        f.DLT_RAW: lambda: packet,
        f.DLT_LOOP: lambda: p.openbsd_loop(packet),
        f.DLT_PFLOG: lambda: p.pflog(packet),
        f.DLT_ATM_RFC1483: lambda: p.snap(packet, ethertype),
        f.DLT_PPP: lambda: p.ppp(packet, ppp_type),
        f.DLT_PPP_SERIAL: lambda: p.ppp_hdlc(packet, ppp_type),
    }
    return linktype, build[linktype]()


def by_linktype(drawn: list[tuple[int, bytes]]) -> dict[int, list[bytes]]:
    groups: dict[int, list[bytes]] = {}
    for linktype, frame in drawn:
        groups.setdefault(linktype, []).append(frame)
    return groups


@given(st.lists(frames(), min_size=1, max_size=30))
def test_fields_equal_those_of_an_independent_parser(drawn: list[tuple[int, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for linktype, group in by_linktype(drawn).items():
            path = f.write_pcap(pathlib.Path(folder) / "x", f.records(*group), linktype=linktype)
            for frame, packet in zip(group, packets(path)):
                for name, answer in oracle.parse(linktype, frame).items():
                    # The segment itself may be shorter than its ports.
                    cut = len(frame) < answer.must
                    got = field(packet, name)
                    assert got == answer.value or (cut and got is CUT), (name, frame.hex())


@given(st.lists(st.tuples(frames(), st.floats(0, 1)), min_size=1, max_size=20))
def test_cut_fields_are_true_or_cut(drawn: list[tuple[tuple[int, bytes], float]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for (linktype, frame), share in drawn:
            size = int(len(frame) * share)
            record = f.pcap_record(frame[:size], wirelen=len(frame))
            path = f.write(pathlib.Path(folder) / "x", [f.pcap_header(linktype), record])
            (packet,) = packets(path)
            for name, answer in oracle.parse(linktype, frame).items():
                got = field(packet, name)
                if size >= answer.must:
                    assert got == answer.value, (name, frame.hex(), size)
                elif got is not CUT:
                    true = answer.value if size >= answer.may else None
                    assert got == true, (name, frame.hex(), size)
                    assert got is None or size >= answer.may


records = st.builds(
    f.Record,
    st.integers(0, (1 << 32) * f.NS - 1),
    st.binary(min_size=1, max_size=200),
    st.one_of(st.none(), u32),
)


@given(st.lists(records, max_size=20), st.booleans(), st.booleans(), st.sampled_from(["", "gz"]))
def test_pcap_round_trip(written: list[f.Record], big: bool, nano: bool, compression: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = f.write_pcap(
            pathlib.Path(folder) / "x", written, big=big, nano=nano, compression=compression
        )
        found, error = read(f"pcapfile:{path}")
    assert error is None
    assert [(packet.timestamp_ns, bytes(packet)) for packet in found] == [
        (r.ts_ns if nano else r.ts_ns // 1000 * 1000, r.data) for r in written
    ]
    assert [packet.wire_len for packet in found] == [
        r.length + 4 if r.length + 4 < 1 << 32 else r.length for r in written
    ]


@given(st.lists(records, min_size=1, max_size=20), st.integers(0, 3))
def test_erf_round_trip(written: list[f.Record], interface: int) -> None:
    parts = [
        f.erf_record(
            r.data, f.ERF_ETH, ts_ns=r.ts_ns, flags=f.ERF_VARYING | interface, wlen=1 << 15
        )
        for r in written
    ]
    with tempfile.TemporaryDirectory() as folder:
        found, error = read(f"erf:{f.write(pathlib.Path(folder) / 'x', parts)}")
    assert error is None
    assert [(packet.timestamp_ns, bytes(packet)) for packet in found] == [
        (r.ts_ns, r.data) for r in written
    ]
    assert {packet.direction for packet in found} == {interface}
