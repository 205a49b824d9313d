# SPDX-License-Identifier: LGPL-3.0-or-later
"""Tables of flows: what a table in plain Python has, whatever happens meanwhile."""

from __future__ import annotations

import math
import os
import pathlib
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import gen
import gen_files as f
import gen_packets as p
import libtrace
import pytest
import tshark
from flow_model import ACK, FIN, NS, RST, SYN, Row, flows_of
from libtrace import FlowEndReason as Reason
from network import Network
from process import run
from reading import CUT
from steady import assert_steady, unsanitized
from test_threads import numbered
from waiting import Alarm, alarm, on_alarm

hypothesis = pytest.importorskip("hypothesis")
from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

DATA = pathlib.Path(__file__).parent / "data"
CAPTURES = sorted(path.name for path in DATA.glob("*.pcap"))
ALL = list(libtrace.FLOW_COLUMNS)
START = 1_700_000_000 * NS
MS = 1_000_000


def rows(flows: Iterable[libtrace.Batch]) -> list[Row]:
    return [dict(zip(batch, row)) for batch in flows for row in zip(*batch.values())]


def order(row: Row) -> tuple[Any, ...]:
    # Not str(): before Python 3.11 that of an IntEnum is its name.
    return tuple((name, f"{row[name]}") for name in sorted(row) if name != "flow_hash")


def assert_agree(uri: str | pathlib.Path, size: int = 65536, **options: Any) -> list[Row]:
    """The flows of a trace; they are those of the model."""
    with libtrace.open(uri) as trace:
        expected, ignored = flows_of(trace, **options)
        accepted = trace.accepted_packets
    with libtrace.open(uri) as trace:
        flows = trace.flows(ALL, size, **options)
        batches = list(flows)
        assert (flows.ignored, flows.active) == (ignored, 0)
    found = rows(batches)
    assert all(len(batch) == size for batch in batches[:-1])
    for row, same in zip(sorted(found, key=order), sorted(expected, key=order)):
        # A packet whose ports are cut off has no hash.
        assert row == {
            **same,
            **({"flow_hash": row["flow_hash"]} if same["flow_hash"] is CUT else {}),
        }
    assert len(found) == len(expected)
    assert sum(row["packets"] + row["rev_packets"] for row in found) + ignored == accepted
    return found


def assert_hashes(uri: str | pathlib.Path) -> None:
    """The hash of a flow is that of all its packets, which no other has."""
    with libtrace.open(uri) as trace:
        packets = Counter(
            hash_ for batch in trace.batches(["flow_hash"]) for hash_ in batch["flow_hash"]
        )
    with libtrace.open(uri) as trace:
        found: Counter[int] = Counter()
        for row in rows(trace.flows(["flow_hash", "packets", "rev_packets"])):
            found[row["flow_hash"]] += row["packets"] + row["rev_packets"]
    del packets[None]
    assert found == packets


# Any traffic


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"idle_timeout": 0.01},
        {"idle_timeout": 0},
        {"active_timeout": 0.002},
        {"max_flows": 1},
        {"max_flows": 7, "idle_timeout": 0.5, "active_timeout": 0.1},
        {"idle_timeout": math.inf, "active_timeout": math.inf},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", CAPTURES)
def test_agrees_with_the_model(name: str, options: dict[str, Any]) -> None:
    assert_agree(DATA / name, 16, **options)


@pytest.mark.parametrize("name", CAPTURES)
def test_hash_is_that_of_the_packets(name: str) -> None:
    assert_hashes(DATA / name)


@pytest.mark.parametrize("kind", gen.KINDS)
def test_agrees_when_cut_anywhere(tmp_path: pathlib.Path, kind: str) -> None:
    linktype, frame = gen.KINDS[kind]
    records = [
        f.pcap_record(frame[:size], wirelen=len(frame), frac=size) for size in range(len(frame) + 1)
    ]
    assert_agree(f"pcapfile:{f.write(tmp_path / 'x', [f.pcap_header(linktype), *records])}")


HOSTS4, HOSTS6 = ("192.0.2.1", "192.0.2.2", "198.51.100.1"), ("2001:db8::1", "2001:db8::2")
ports = st.sampled_from([0, 80, 81])
steps = st.sampled_from([0, 1, 7 * MS, NS, 4 * NS, 5 * NS, 60 * NS, -1, -NS, -9 * NS, -500 * NS])
numbers = st.sampled_from([0, 1, 2, 2**31, 2**32 - 1])


@st.composite
def segments(draw: st.DrawFn) -> tuple[int, bytes]:
    kind = draw(st.sampled_from([p.TCP, p.TCP, p.TCP, p.UDP, p.ICMP, p.GRE]))
    if kind == p.TCP:
        flags = draw(st.sampled_from([SYN, SYN | ACK, ACK, ACK, FIN | ACK, RST, 0xFF]))
        data = draw(st.sampled_from([b"", b"data"]))
        return kind, p.tcp(
            draw(ports), draw(ports), data, seq=draw(numbers), ack=draw(numbers), flags=flags
        )
    if kind == p.UDP:
        return kind, p.udp(draw(ports), draw(ports), bytes(draw(st.integers(0, 20))))
    return kind, p.echo()


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    proto, segment = draw(segments())
    if draw(st.booleans()):
        src, dst = draw(st.sampled_from(HOSTS4)), draw(st.sampled_from(HOSTS4))
        offset = draw(st.sampled_from([0, 0, 0, 0, 8]))
        packet, ethertype = p.ipv4(proto, segment, src, dst, offset=offset), p.IPV4
    else:
        src, dst = draw(st.sampled_from(HOSTS6)), draw(st.sampled_from(HOSTS6))
        extensions = draw(st.sampled_from([[], [], [p.fragment_header(8)], [p.options_header()]]))
        packet, ethertype = p.ipv6(proto, segment, src, dst, extensions=extensions), p.IPV6
    tags = draw(st.sampled_from([[], [], [(1, p.VLAN)], [(0, p.VLAN)], [(2, p.VLAN), (1, p.QINQ)]]))
    for vid, kind in tags:
        packet, ethertype = p.vlan(packet, vid, ethertype), kind
    whole = p.eth(packet, ethertype)
    return whole[: draw(st.sampled_from([2000, 2000, 2000, 60, 40, 34, 20]))]


@given(
    traffic=st.lists(st.tuples(steps, frames()), max_size=40),
    idle=st.sampled_from([0, 1e-9, 1, 5, 60, math.inf]),
    active=st.sampled_from([0, 1, 30, 1800, math.inf]),
    most=st.integers(1, 6),
    size=st.integers(1, 5),
)
def test_agrees_on_any_traffic(
    tmp_path_factory: pytest.TempPathFactory,
    traffic: list[tuple[int, bytes]],
    idle: float,
    active: float,
    most: int,
    size: int,
) -> None:
    time, records = START, []
    for step, frame in traffic:
        time += step
        records.append(f.Record(time, frame, max(60, len(frame))))
    path = f.write_pcap(tmp_path_factory.getbasetemp() / "flows", records, nano=True)
    assert_agree(f"pcapfile:{path}", size, idle_timeout=idle, active_timeout=active, max_flows=most)


# One rule at a time

CLIENT, SERVER = "192.0.2.1", "198.51.100.2"


def there(flags: int = ACK, *, seq: int = 1, ack: int = 0, port: int = 40000) -> bytes:
    return p.eth(p.ipv4(p.TCP, p.tcp(port, 80, seq=seq, ack=ack, flags=flags), CLIENT, SERVER))


def back(flags: int = ACK, *, seq: int = 1, ack: int = 0, port: int = 40000) -> bytes:
    return p.eth(p.ipv4(p.TCP, p.tcp(80, port, seq=seq, ack=ack, flags=flags), SERVER, CLIENT))


Timed = tuple[int, bytes]


@pytest.fixture
def flows(tmp_path: pathlib.Path) -> Callable[..., list[Row]]:
    """The flows of frames, each with its time in nanoseconds; they are the model's, too."""

    def read(*timed: Timed, **options: Any) -> list[Row]:
        records = [f.Record(START + time, frame) for time, frame in timed]
        path = f.write_pcap(tmp_path / "flows", records, nano=True)
        return assert_agree(f"pcapfile:{path}", **options)

    return read


def pick(found: list[Row], *names: str) -> list[Any]:
    return [tuple(row[name] for name in names) if names[1:] else row[names[0]] for row in found]


def test_one_flow_both_ways(flows: Callable[..., list[Row]]) -> None:
    found = flows((0, there(SYN)), (5, back(SYN | ACK)), (7, there()), (9, there(0xFF)))
    assert found == [
        {
            "first": START,
            "last": START + 9,
            "vlan_id": None,
            "ip_version": 4,
            "src": CLIENT,
            "dst": SERVER,
            "src_ip": bytes(10) + b"\xff\xff\xc0\0\2\1",
            "dst_ip": bytes(10) + b"\xff\xff\xc6\x33\x64\2",
            "proto": 6,
            "src_port": 40000,
            "dst_port": 80,
            "packets": 3,
            "bytes": 3 * 58,
            "rev_packets": 1,
            "rev_bytes": 58,
            "tcp_flags": 0xFF,
            "rev_tcp_flags": SYN | ACK,
            "rtt": None,
            "end_reason": Reason.END_OF_FLOW,
            "flow_hash": found[0]["flow_hash"],
        }
    ]


def test_idle_timeout(flows: Callable[..., list[Row]]) -> None:
    times = [0, 60 * NS - 1, 120 * NS - 1, 120 * NS, 180 * NS, 240 * NS - 1]
    found = flows(*((time, there()) for time in times))
    assert pick(found, "packets", "end_reason") == [
        (2, Reason.IDLE_TIMEOUT),
        (2, Reason.IDLE_TIMEOUT),
        (2, Reason.FORCED_END),
    ]


def test_idle_flows_end_when_others_go_on(flows: Callable[..., list[Row]]) -> None:
    """Any packet tells how late it is, also one that is in no flow."""
    arp = gen.KINDS["arp"][1]
    found = flows((0, there()), (10 * NS, arp), (11 * NS, there(port=1)), idle_timeout=10)
    assert pick(found, "src_port", "end_reason") == [
        (40000, Reason.IDLE_TIMEOUT),
        (1, Reason.FORCED_END),
    ]


def test_active_timeout(flows: Callable[..., list[Row]]) -> None:
    """The parts of a flow keep its direction."""
    timed = [
        (0, there()),
        (9 * NS, there()),
        (10 * NS, back()),
        (19 * NS, back()),
        (21 * NS, there()),
    ]
    found = flows(*timed, active_timeout=10)
    assert pick(found, "src", "packets", "rev_packets", "end_reason") == [
        (CLIENT, 2, 0, Reason.ACTIVE_TIMEOUT),
        (CLIENT, 0, 2, Reason.ACTIVE_TIMEOUT),
        (CLIENT, 1, 0, Reason.FORCED_END),
    ]


def test_closed_by_fins(flows: Callable[..., list[Row]]) -> None:
    """What comes late is still of the flow; one FIN alone does not end it."""
    half = [(0, there(FIN | ACK)), (4 * NS, back()), (9 * NS, back())]
    closing = [(20 * NS, back(FIN | ACK)), (21 * NS, there()), (25 * NS, there())]
    found = flows(*half, *closing, (30 * NS, there()))
    assert pick(found, "packets", "rev_packets", "end_reason") == [
        (3, 3, Reason.END_OF_FLOW),
        (1, 0, Reason.FORCED_END),
    ]


def test_closed_by_reset(flows: Callable[..., list[Row]]) -> None:
    found = flows((0, there(SYN)), (1, back(RST | ACK)), (2, there(RST)), (5 * NS + 2, there()))
    assert pick(found, "packets", "rev_packets", "end_reason") == [
        (2, 1, Reason.END_OF_FLOW),
        (1, 0, Reason.FORCED_END),
    ]


def test_syn_begins_another_flow(flows: Callable[..., list[Row]]) -> None:
    """Not in a flow that TCP has not closed."""
    found = flows((0, there(SYN)), (1, there(SYN)), (2, back(RST)), (3, back(SYN)), (4, there(ACK)))
    assert pick(found, "src", "packets", "rev_packets", "end_reason") == [
        (CLIENT, 2, 1, Reason.END_OF_FLOW),
        (SERVER, 1, 1, Reason.FORCED_END),
    ]


def test_closed_flows_at_the_end_have_ended(flows: Callable[..., list[Row]]) -> None:
    assert pick(flows((0, there(RST))), "end_reason") == [Reason.END_OF_FLOW]


def test_lack_of_resources(flows: Callable[..., list[Row]]) -> None:
    """The flow goes whose last packet is the oldest, but those that TCP has closed go first."""
    timed = [there(port=1), there(port=2), there(port=1), there(port=3), back(RST, port=1)]
    found = flows(*enumerate([*timed, there(port=4), there(port=5)]), max_flows=2)
    assert pick(found, "src_port", "packets", "rev_packets", "end_reason") == [
        (2, 1, 0, Reason.LACK_OF_RESOURCES),
        (1, 2, 1, Reason.END_OF_FLOW),
        (3, 1, 0, Reason.LACK_OF_RESOURCES),
        (4, 1, 0, Reason.FORCED_END),
        (5, 1, 0, Reason.FORCED_END),
    ]


@pytest.mark.parametrize(
    ("timed", "rtt"),
    [
        ([(0, there(SYN, seq=9)), (5, back(SYN | ACK, ack=10)), (7, there(ack=2))], 7),
        ([(0, back(SYN, seq=9)), (5, there(SYN | ACK, ack=10)), (7, back(ack=2))], 7),
        # Data may come first, the SYN may carry some, the numbers may wrap.
        ([(0, there(SYN)), (5, back(SYN | ACK, ack=2)), (6, back(ack=2)), (9, there(ack=99))], 9),
        ([(0, there(SYN)), (5, back(SYN | ACK, ack=50)), (9, there(ack=2))], 9),
        (
            [
                (0, there(SYN, seq=2**32 - 1)),
                (5, back(SYN | ACK, seq=2**32 - 1, ack=0)),
                (9, there(ack=0)),
            ],
            9,
        ),
        # A SYN that was sent again, and what the two are sent again behind the answer.
        ([(0, there(SYN)), (2, there(SYN)), (5, back(SYN | ACK, ack=2)), (9, there(ack=2))], 7),
        (
            [
                (0, there(SYN)),
                (5, back(SYN | ACK, ack=2)),
                (6, there(SYN)),
                (7, back(SYN | ACK, ack=2)),
                (9, there(ack=2)),
                (11, there(ack=2)),
            ],
            9,
        ),
        # Not a handshake.
        ([(0, there(SYN)), (5, back(SYN | ACK, ack=1)), (9, there(ack=2))], None),
        ([(0, there(SYN)), (5, back(SYN | ACK, ack=2)), (9, there(ack=1))], None),
        ([(0, there(SYN)), (5, back(SYN | ACK, ack=2)), (9, back(ack=2))], None),
        ([(0, there(SYN)), (5, there(SYN | ACK, ack=2)), (9, there(ack=2))], None),
        ([(0, there(SYN)), (5, back(SYN | ACK, ack=2)), (9, there(RST | ACK, ack=2))], None),
        ([(0, there(SYN)), (5, back(SYN | ACK, ack=2)), (9, there(0, ack=2))], None),
        ([(5, back(SYN | ACK, ack=2)), (9, there(ack=2))], None),
        # Time goes back.
        ([(9, there(SYN)), (5, back(SYN | ACK, ack=2)), (7, there(ack=2))], None),
    ],
)
def test_rtt(flows: Callable[..., list[Row]], timed: list[Timed], rtt: int | None) -> None:
    assert pick(flows(*timed), "rtt") == [rtt]


@pytest.mark.skipif(tshark.TSHARK is None, reason="tshark is not installed")
@pytest.mark.parametrize("name", ["sample.pcap", "layers.pcap", "dns_types.pcap"])
def test_rtt_is_that_of_tshark(name: str) -> None:
    """But it takes a RST for the answer, too."""
    expected: dict[Any, set[int]] = {}
    answered = set()
    for packet in tshark.dissect(str(DATA / name)):
        ends = frozenset(packet.all("tcp.srcport")[:1] + packet.all("tcp.dstport")[:1])
        if packet.all("tcp.flags.syn")[:1] == packet.all("tcp.flags.ack")[:1] == ["1"]:
            answered.add(ends)
        for rtt in packet.all("tcp.analysis.initial_rtt"):
            expected.setdefault(ends, set()).add(round(float(rtt) * NS))
    found: dict[Any, set[int]] = {}
    with libtrace.open(DATA / name) as trace:
        for row in rows(trace.flows(["src_port", "dst_port", "rtt"])):
            if row["rtt"] is not None:
                ends = frozenset((str(row["src_port"]), str(row["dst_port"])))
                found.setdefault(ends, set()).add(row["rtt"])
    assert found == {ends: rtts for ends, rtts in expected.items() if ends in answered}
    assert found


@pytest.mark.parametrize(
    "jump", [-1, -59 * NS, -61 * NS, -(10**6) * NS, 10**6 * NS, 2 * 10**9 * NS]
)
def test_time_that_jumps(flows: Callable[..., list[Row]], jump: int) -> None:
    """One packet at a wrong time does no more than part a flow."""
    times = [0, NS, 2 * NS + jump, 3 * NS, 4 * NS, 100 * NS]
    found = flows(*((time, there()) for time in times))
    parts = pick(found, "packets")
    assert parts in ([5, 1], [2, 3, 1], [2, 1, 2, 1], [3, 2, 1])
    assert all(row["first"] <= row["last"] for row in found)
    if abs(jump) < 60 * NS:
        assert parts == [5, 1]


def test_times_are_the_extremes(flows: Callable[..., list[Row]]) -> None:
    assert pick(flows((5, there()), (9, back()), (2, there())), "first", "last") == [
        (START + 2, START + 9)
    ]


def test_fragments(flows: Callable[..., list[Row]]) -> None:
    """Only the first one has ports: the others are a flow of their own."""
    first, *later = (p.eth(x) for x in p.ipv4_fragments(p.UDP, p.udp(5, 6, bytes(64)), 24))
    found = flows(*enumerate([first, *later]))
    assert pick(found, "src_port", "dst_port", "packets") == [(5, 6, 1), (None, None, len(later))]
    assert {row["proto"] for row in found} == {p.UDP}


def test_vlans_part_flows(flows: Callable[..., list[Row]]) -> None:
    inner = there()[14:]
    tags = [
        p.eth(p.vlan(inner, vid), kind) for vid, kind in [(1, p.VLAN), (2, p.VLAN), (1, p.QINQ)]
    ]
    nested = p.eth(p.vlan(p.vlan(inner, 2), 1, p.VLAN), p.QINQ)
    found = flows(*enumerate([there(), *tags, nested, p.eth(p.vlan(inner, 0), p.VLAN)]))
    counts = pick(found, "vlan_id", "packets")
    assert sorted(counts, key=str) == [(0, 1), (1, 3), (2, 1), (None, 1)]


def test_protocols_without_ports(flows: Callable[..., list[Row]]) -> None:
    ask = p.eth(p.ipv6(p.ICMP6, p.echo(type_=128), p.SRC6, p.DST6), p.IPV6)
    answer = p.eth(p.ipv6(p.ICMP6, p.echo(type_=129), p.DST6, p.SRC6), p.IPV6)
    found = flows((0, ask), (1, answer))
    names = ("ip_version", "src", "src_port", "dst_port", "packets", "rev_packets", "tcp_flags")
    assert pick(found, *names) == [(6, p.SRC6, None, None, 1, 1, None)]


def test_to_itself(flows: Callable[..., list[Row]]) -> None:
    """Nobody can tell the directions of what an end sends to itself."""
    same = p.eth(p.ipv4(p.UDP, p.udp(7, 7), CLIENT, CLIENT))
    other = p.eth(p.ipv4(p.UDP, p.udp(8, 9), CLIENT, CLIENT))
    found = flows((0, same), (1, same), (2, other))
    assert pick(found, "src_port", "packets", "rev_packets") == [(7, 2, 0), (8, 1, 0)]


def test_mixed_trace(tmp_path: pathlib.Path) -> None:
    """The tables grow, and shrink, as flows come and go."""
    path = f.write_pcap(tmp_path / "x", gen.mixed(2500, seed=3, rate=1000))
    assert_agree(path, 100, idle_timeout=0.5)


# How they come


def open_sample() -> libtrace.Trace:
    return libtrace.open(DATA / "sample.pcap")


def test_columns() -> None:
    with open_sample() as trace:
        flows = trace.flows(max_flows=10, size=7)
        batch = next(flows)
        assert flows.columns == batch.keys() == libtrace.DEFAULT_FLOW_COLUMNS
        assert batch.schema == {name: libtrace.FLOW_COLUMNS[name] for name in flows.columns}
        assert batch["src"].info == libtrace.FLOW_COLUMNS["src"]
        assert len(batch) == 7
        assert 0 < flows.active <= 10
        assert list(batch[2:4]["rtt"]) == list(batch["rtt"])[2:4]
        assert batch["src"].null_count == 0
        assert batch["vlan_id"].null_count == sum(tag is None for tag in batch["vlan_id"])
        assert list(next(trace.flows(["bytes"]))) == ["bytes"]


def test_columns_are_null_only_where_they_may_be() -> None:
    seen = set()
    for name in CAPTURES:
        with libtrace.open(DATA / name) as trace:
            for batch in trace.flows(ALL):
                seen.update(column.name for column in batch.values() if column.null_count)
    assert seen <= {name for name, info in libtrace.FLOW_COLUMNS.items() if info.null}
    assert {"src_port", "vlan_id", "rtt", "tcp_flags"} <= seen


def test_wrong_arguments() -> None:
    with open_sample() as trace:
        for options in (
            {"idle_timeout": -1.0},
            {"active_timeout": math.nan},
            {"max_flows": 0},
            {"max_flows": 2**40},
            {"size": 0},
            {"max_wait": -1.0},
        ):
            with pytest.raises(ValueError, match=r"timeout|max_|rows"):
                trace.flows(**options)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=r"no column 'ttl'; libtrace\.FLOW_COLUMNS"):
            trace.flows(["ttl"])
        with pytest.raises(ValueError, match=r"no column 'rtt'; libtrace\.COLUMNS"):
            trace.batches(["rtt"])
        with pytest.raises(ValueError, match="twice"):
            trace.flows(["src", "src"])
        with pytest.raises(TypeError):
            trace.flows("src")
        with pytest.raises(TypeError):
            trace.flows(idle_timeout="1")  # type: ignore[arg-type]


def test_beside_packets(tmp_pcap: Callable[..., str]) -> None:
    with libtrace.open(tmp_pcap(*numbered(5))) as trace:
        flows = trace.flows(["packets"])
        kept = [next(trace), next(trace)]
        assert rows(flows) == [{"packets": 3}]
    assert [bytes(packet) for packet in kept] == numbered(5)[:2]


def test_filter(tmp_pcap: Callable[..., str]) -> None:
    with libtrace.open(tmp_pcap(*numbered(3), there(), back()), filter="tcp") as trace:
        assert rows(trace.flows(["packets", "rev_packets"])) == [{"packets": 1, "rev_packets": 1}]


def test_states(tmp_pcap: Callable[..., str]) -> None:
    trace = libtrace.Trace(tmp_pcap(*numbered(3)))
    flows = trace.flows(["packets"])
    with pytest.raises(libtrace.TraceStateError):
        next(flows)
    trace.start()
    assert rows(flows) == [{"packets": 3}]
    assert next(flows, None) is None
    trace.close()
    assert next(flows, None) is None
    with pytest.raises(libtrace.TraceStateError):
        next(trace.flows())


@pytest.mark.parametrize("end", ["close", "pause"])
def test_close_hands_out_what_is_left(tmp_pcap: Callable[..., str], end: str) -> None:
    frames = [there(port=port) for port in (1, 2, 3)]
    with libtrace.open(tmp_pcap(*frames)) as trace:
        flows = trace.flows(["src_port", "end_reason"], 1, max_flows=1)
        assert rows([next(flows)])[0]["src_port"] == 1
        getattr(trace, end)()
        assert pick(rows(flows), "src_port", "end_reason") == [(2, Reason.FORCED_END)]
        assert flows.active == 0


def test_outlives_the_trace() -> None:
    flows = open_sample().flows(["src"], 10)
    batch = next(flows)
    assert len(batch) == 10
    assert len(rows(flows)) == 82


def test_error_behind_good_packets(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "x"
    f.write_pcap(path, f.records(*(there(port=port) for port in range(1, 11))))
    path.write_bytes(path.read_bytes()[:-3])
    with libtrace.open(path) as trace:
        flows = trace.flows(["src_port", "end_reason"], 4)
        batches = [next(flows) for _ in range(3)]
        assert [len(batch) for batch in batches] == [4, 4, 1]
        assert pick(rows(batches), "src_port") == list(range(1, 10))
        assert set(pick(rows(batches), "end_reason")) == {Reason.FORCED_END}
        with pytest.raises(libtrace.LibtraceError, match="cannot read on"):
            next(flows)
        assert next(flows, None) is None


def many_flows(path: pathlib.Path, count: int, step: int = 1) -> str:
    """A trace of as many packets, each of another flow."""
    head, tail = (part for part in p.eth(p.ipv4(p.UDP, p.udp(1, 2), "1.2.3.4")).split(b"\1\2\3\4"))
    frame, pack = len(head) + 4 + len(tail), struct.Struct("<IIII").pack
    parts = [f.pcap_header(nano=True)]
    for number in range(count):
        seconds, rest = divmod(START + number * step, NS)
        parts += [pack(seconds, rest, frame, frame), head, number.to_bytes(4, "big"), tail]
    return "pcapfile:" + f.write(path, parts)


def test_signal_loses_nothing(tmp_path: pathlib.Path) -> None:
    count = 400_000
    with libtrace.open(many_flows(tmp_path / "x", count)) as trace:
        flows = trace.flows(["src"], count, max_flows=5000)
        with pytest.raises(Alarm), on_alarm(alarm, 0.02):
            next(flows)
        (batch,) = flows
    assert len(batch) == count
    assert len(set(batch["src"])) == count


def test_no_reading_within_reading(tmp_path: pathlib.Path) -> None:
    """A signal handler gets an error, and does no harm."""
    failures: list[str] = []
    taken: list[int] = []
    count = 400_000
    with libtrace.open(many_flows(tmp_path / "x", count)) as trace:
        flows = trace.flows(["packets"], count)

        def again() -> None:
            try:
                taken.extend(len(batch) for batch in flows)
            except libtrace.TraceStateError as error:
                failures.append(str(error))

        with on_alarm(again, 0.01):
            taken.extend(len(batch) for batch in flows)
    assert sum(taken) == count
    assert set(failures) == {"these flows are being read: no signal handler may"}


def test_threads_on_one_table(tmp_path: pathlib.Path) -> None:
    count = 100_000
    found: list[int] = []
    with libtrace.open(many_flows(tmp_path / "x", count)) as trace:
        flows = trace.flows(["packets"], 100, max_flows=500)

        def work() -> None:
            found.extend(sum(batch["packets"]) for batch in flows)

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(found) == count


def test_two_tables_of_one_trace(tmp_path: pathlib.Path) -> None:
    """They share the packets."""
    count = 50_000
    with libtrace.open(many_flows(tmp_path / "x", count)) as trace:
        tables = [trace.flows(["packets"], 100, max_flows=500) for _ in range(2)]
        found = [0, 0]

        def work(number: int) -> None:
            found[number] = sum(len(batch) for batch in tables[number])

        threads = [threading.Thread(target=work, args=[number]) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(found) == count


BOUNDED = """
    import sys
    import libtrace
    from steady import resident

    with libtrace.open(sys.argv[1]) as trace:
        before = resident()
        flows = trace.flows(size=1000, max_flows=2000)
        sizes = [resident() for batch in flows]
    assert len(sizes) == 300, len(sizes)
    print((max(sizes) - before) >> 20)
"""


@unsanitized
def test_memory_is_bounded(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """300,000 flows, which would take 50 MiB, pass a table of 2,000; wandio reads a few ahead."""
    monkeypatch.setenv(
        "PYTHONPATH", f"{pathlib.Path(__file__).parent}:{os.environ.get('PYTHONPATH', '')}"
    )
    assert int(run(BOUNDED, many_flows(tmp_path / "x", 300_000))) < 20


@unsanitized
def test_steady() -> None:
    def use() -> None:
        with open_sample() as trace:
            next(trace.flows(ALL, 5))

    assert_steady(use, 200)


# Interfaces


@pytest.mark.parametrize("scheme", ["int", "ring", "pcapint"])
def test_live(network: Network, scheme: str) -> None:
    """A silent interface hands out idle flows, and a close the others."""
    with libtrace.open(f"{scheme}:{network.far}", timeout=20.0) as trace:
        flows = trace.flows(["src_port", "end_reason"], idle_timeout=0.5, max_wait=0.1)
        network.send(there(port=1), there(port=2), there(port=3))
        found: list[Row] = []
        while len(found) < 3:
            found += rows([next(flows)])
        assert sorted(pick(found, "src_port", "end_reason")) == [
            (port, Reason.IDLE_TIMEOUT) for port in (1, 2, 3)
        ]
        flows = trace.flows(["src_port", "end_reason"])
        network.send(there(port=4))
        trace.conf_timeout(0.3)
        with pytest.raises(libtrace.TraceTimeout):
            next(flows)
        assert flows.active == 1
        trace.close()
        assert pick(rows(flows), "src_port", "end_reason") == [(4, Reason.FORCED_END)]


def test_live_waits_from_the_last_packet_on(network: Network) -> None:
    """Also from one that filled a batch."""
    with libtrace.open(f"int:{network.far}", timeout=20.0) as trace:
        flows = trace.flows(["end_reason"], 1, max_flows=1, idle_timeout=2)
        network.send(there(port=1))
        for port in range(2, 14):
            time.sleep(0.2)
            network.send(there(port=port))
            assert list(next(flows)["end_reason"]) == [Reason.LACK_OF_RESOURCES]
        trace.conf_timeout(0.2)
        with pytest.raises(libtrace.TraceTimeout):
            next(flows)
        assert flows.active == 1


def test_live_signal(network: Network) -> None:
    with libtrace.open(f"int:{network.far}") as trace:
        flows = trace.flows(["src_port", "packets"])
        network.send(there(port=1), there(port=1))
        with pytest.raises(Alarm), on_alarm(alarm, 0.5):
            next(flows)
        trace.close()
        assert rows(flows) == [{"src_port": 1, "packets": 2}]


# Arrow


@pytest.fixture
def table() -> list[Row]:
    """All flows of the sample."""
    with open_sample() as trace:
        return rows(trace.flows(ALL))


def test_pyarrow(table: list[Row]) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    with open_sample() as trace:
        found = pyarrow.table(trace.flows(ALL, 20))
    found.validate(full=True)
    assert found.schema.field("first").type == pyarrow.timestamp("ns", "UTC")
    assert {name for name in ALL if found.schema.field(name).nullable} == {
        name for name, info in libtrace.FLOW_COLUMNS.items() if info.null
    }
    for name in ALL:
        values = found[name].cast("int64") if name in ("first", "last") else found[name]
        assert values.to_pylist() == pick(table, name)


def test_polars(table: list[Row]) -> None:
    polars = pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    with open_sample() as trace:
        frame = polars.DataFrame(trace.flows(ALL, 20))
    assert frame.height == len(table)
    assert frame["rtt"].to_list() == pick(table, "rtt")
    assert frame["last"].to_physical().to_list() == pick(table, "last")


def test_pandas(table: list[Row]) -> None:
    pytest.importorskip("pandas")
    with open_sample() as trace:
        frame = trace.flows(ALL).to_arrow().read_pandas()
    assert frame["bytes"].tolist() == pick(table, "bytes")
    assert frame["src"].tolist() == pick(table, "src")


def test_duckdb(table: list[Row]) -> None:
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("pyarrow")
    with open_sample() as trace:
        flows = trace.flows(ALL, 20).to_arrow()
        (found,) = duckdb.sql("select sum(packets), max(rtt) from flows").fetchall()
        del flows
    assert found == (
        sum(pick(table, "packets")),
        max(rtt for rtt in pick(table, "rtt") if rtt is not None),
    )


def test_numpy(table: list[Row]) -> None:
    pytest.importorskip("numpy")
    with open_sample() as trace:
        (batch,) = trace.flows(ALL)
    assert batch.to_numpy()["rtt"].tolist() == pick(table, "rtt")
    assert batch.to_numpy()["packets"].tolist() == pick(table, "packets")
