# SPDX-License-Identifier: LGPL-3.0-or-later
"""What `libtrace report` counts."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import gen
import gen_files as f
import gen_packets as p
import libtrace
import pytest
import reading
from libtrace import report as module
from libtrace.report import Report, Summary, total
from test_threads import on_alarm

FCS = 4


def count(*uris: str) -> Report:
    """The report of traces that have no errors."""
    report = Report()
    for uri in uris:
        with libtrace.open(uri) as trace:
            report.traces.append(Summary(trace.uri))
            report.count(trace, report.traces[-1])
            report.traces[-1].counters = trace.statistics()
    return report


def tell(*uris: str, top: int = 10) -> dict[str, Any]:
    return count(*uris).as_dict(top)


def names(rows: Iterable[dict[str, Any]]) -> list[str]:
    return [row["name"] for row in rows]


def packets_of(rows: Iterable[dict[str, Any]]) -> dict[str, int]:
    return {row["name"]: row["packets"] for row in rows}


def amount(rows: Iterable[dict[str, Any]]) -> tuple[int, int]:
    """Packets and bytes of a whole table."""
    rows = list(rows)
    return sum(row["packets"] for row in rows), sum(row["wire_bytes"] for row in rows)


def conversation(number: int, *, size: int = 100, src: str = "", dst: str = "") -> bytes:
    """A frame of a flow of its own."""
    segment = p.udp(1000 + number % 60000, 53, bytes(size))
    src = src or f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    return p.eth(p.ipv4(p.UDP, segment, src, dst or "192.0.2.1"))


# Totals


def test_totals_are_those_of_the_records(tmp_path: Path) -> None:
    records = list(gen.mixed(3000))
    result = tell("pcapfile:" + gen.write_pcap(tmp_path / "x", records, nano=True))["total"]
    captured = sum(len(record.data) for record in records)
    duration = records[-1].ts_ns - records[0].ts_ns
    assert result["packets"] == 3000
    assert result["captured_bytes"] == captured
    assert result["wire_bytes"] == captured + 3000 * FCS
    assert result["truncated_packets"] == 0
    assert (result["first_ns"], result["last_ns"]) == (records[0].ts_ns, records[-1].ts_ns)
    assert result["duration_ns"] == duration
    assert result["packets_per_second"] == pytest.approx(3000e9 / duration)
    assert result["bits_per_second"] == pytest.approx(8e9 * result["wire_bytes"] / duration)


def test_times_are_exact_utc(tmp_path: Path) -> None:
    record = gen.Record(1_700_000_000 * f.NS + 7, conversation(1))
    result = tell("pcapfile:" + gen.write_pcap(tmp_path / "x", [record], nano=True))["total"]
    assert result["first"] == result["last"] == "2023-11-14T22:13:20.000000007Z"


def test_first_and_last_are_earliest_and_latest(tmp_path: Path) -> None:
    times = [5, 9, 3, 7]
    records = [gen.Record(ns * f.NS, conversation(ns)) for ns in times]
    summary = count("pcapfile:" + gen.write_pcap(tmp_path / "x", records)).traces[0]
    assert (summary.first_ns, summary.last_ns) == (3 * f.NS, 9 * f.NS)


def test_one_packet_has_no_rate(tmp_pcap: Callable[..., str]) -> None:
    result = tell(tmp_pcap(conversation(1)))["total"]
    assert result["duration_ns"] == 0
    assert result["packets_per_second"] is None
    assert result["bits_per_second"] is None


def test_a_trace_without_packets(tmp_pcap: Callable[..., str]) -> None:
    result = tell(tmp_pcap())
    assert amount(result["sizes"]) == (0, 0)
    assert all(not result[key] for key in ("link_types", "network", "addresses", "ports"))
    known = {key: value for key, value in result["total"].items() if key != "counters"}
    assert {value for value in known.values() if value} == set()
    assert result["total"]["first"] is None
    assert result["total"]["duration_ns"] is None


def test_nothing_read() -> None:
    assert total([]).packets == 0
    assert Report().as_dict(10)["traces"] == []


def test_several_traces_are_one_total(tmp_path: Path) -> None:
    parts = [list(gen.mixed(200, seed)) for seed in (1, 2)]
    uris = [
        "pcapfile:" + gen.write_pcap(tmp_path / str(i), part, nano=True)
        for i, part in enumerate(parts)
    ]
    both, single = tell(*uris), [tell(uri) for uri in uris]
    for key in ("packets", "wire_bytes", "captured_bytes"):
        assert both["total"][key] == sum(one["total"][key] for one in single)
    assert both["traces"] == [one["traces"][0] for one in single]
    assert both["total"]["uri"] is None
    assert both["total"]["first_ns"] == min(one["total"]["first_ns"] for one in single)
    assert both["total"]["last_ns"] == max(one["total"]["last_ns"] for one in single)
    assert both["total"]["counters"]["accepted"] == 400


def test_an_unknown_counter_makes_the_sum_unknown() -> None:
    one, other = Summary(), Summary()
    one.counters, other.counters = {"a": 1, "b": 1}, {"a": 2, "b": None}
    assert total([one, other]).counters == {"a": 3, "b": None}


def test_truncated_packets(tmp_path: Path) -> None:
    records = [gen.Record(0, conversation(i, size=size)) for i, size in enumerate((10, 200, 300))]
    result = tell("pcapfile:" + gen.write_pcap(tmp_path / "x", records, snaplen=100))["total"]
    assert result["truncated_packets"] == 2
    assert result["captured_bytes"] == len(records[0].data) + 200
    assert result["wire_bytes"] == sum(len(record.data) + FCS for record in records)


# Tables

KINDS = {
    "tcp4": ("IPv4", "TCP"),
    "icmp6": ("IPv6", "ICMPv6"),
    "sctp4": ("IPv4", "SCTP"),
    "ipip": ("IPv4", "IPv4 in IP"),
    "six_in_four": ("IPv4", "IPv6 in IP"),
    "fragment6_next": ("IPv6", "UDP"),
    "no_next6": ("IPv6", "No next header"),
    "arp": ("ARP", None),
    "stp": ("IEEE 802.3", None),
    "vlan": ("IPv4", "TCP"),
    "vlan_vlan": ("IPv6", "TCP"),
    "qinq": ("IPv4", "UDP"),
    "mpls": ("IPv4", "TCP"),
    "mpls_vpls": ("MPLS", None),
    "pppoe6": ("IPv6", "TCP"),
    "unknown_ethertype": ("0x88b5", None),
    "raw6": ("IPv6", "UDP"),
    "sll_arp": ("ARP", None),
    "ppp6": ("IPv6", "TCP"),
    "wifi_qos": ("IPv4", "UDP"),
    "wifi_beacon": ("(none)", None),
    "null6_big": ("IPv6", "UDP"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_protocols(tmp_pcap: Callable[..., str], kind: str) -> None:
    linktype, frame = gen.KINDS[kind]
    result = tell(tmp_pcap(frame, linktype=linktype))
    network, transport = KINDS[kind]
    assert packets_of(result["network"]) == {network: 1}
    assert packets_of(result["transport"]) == ({transport: 1} if transport else {})


def test_numbers_stand_beside_the_names(tmp_pcap: Callable[..., str]) -> None:
    other = p.eth(p.ipv4(253, bytes(8)))
    result = tell(tmp_pcap(conversation(1), other, p.dot3(p.llc(bytes(35)))))
    assert [(row["name"], row["link_type"]) for row in result["link_types"]] == [("ETH", 2)]
    assert {row["name"]: row["ethertype"] for row in result["network"]} == {
        "IPv4": 0x0800,
        "IEEE 802.3": None,
    }
    assert {row["name"]: row["protocol"] for row in result["transport"]} == {
        "UDP": 17,
        "protocol 253": 253,
    }
    assert {"name": "53/udp", "protocol": 17, "port": 53}.items() <= result["ports"][0].items()


def test_link_types_keep_apart(tmp_pcap: Callable[..., str]) -> None:
    uris = [tmp_pcap(gen.KINDS[kind][1], linktype=gen.KINDS[kind][0]) for kind in ("tcp4", "ppp")]
    odd = tmp_pcap(b"what?", linktype=147)
    assert packets_of(tell(*uris, odd)["link_types"]) == {"ETH": 1, "PPP": 1, "UNKNOWN": 1}


def brute_force(uri: str) -> dict[str, Counter[object]]:
    """Packets of each key, one attribute at a time."""
    found: dict[str, Counter[object]] = {
        key: Counter() for key in ("addresses", "ports", "transport", "lengths")
    }
    for packet in reading.packets(uri):
        found["addresses"].update({packet.src_text, packet.dst_text} - {None})
        ports = {packet.src_port, packet.dst_port} - {None}
        found["ports"].update((packet.ip_proto, port) for port in ports)
        found["transport"][packet.ip_proto] += 1
        found["lengths"][packet.wire_len] += 1
    return found


def test_tables_equal_a_count_of_each_attribute(tmp_path: Path) -> None:
    uri = "pcapfile:" + gen.write_pcap(tmp_path / "x", gen.mixed(5000))
    result, expected = tell(uri, top=10**6), brute_force(uri)
    assert packets_of(result["addresses"]) == expected["addresses"]
    ports = {(row["protocol"], row["port"]): row["packets"] for row in result["ports"]}
    assert ports == expected["ports"]
    del expected["transport"][None]
    transport = {row["protocol"]: row["packets"] for row in result["transport"]}
    assert transport == expected["transport"]
    for row in result["sizes"]:
        last = row["to"] or 1 << 32
        lengths = {n: m for n, m in expected["lengths"].items() if row["from"] <= n <= last}
        assert row["packets"] == sum(lengths.values())
        assert row["wire_bytes"] == sum(n * m for n, m in lengths.items())


@pytest.mark.parametrize("key", ["link_types", "network", "sizes"])
def test_tables_add_up(data: Path, key: str) -> None:
    for trace in sorted(data.glob("*.pcap")):
        result = tell(f"pcapfile:{trace}")
        assert amount(result[key]) == (result["total"]["packets"], result["total"]["wire_bytes"])


def test_transport_adds_up_to_ip(data: Path) -> None:
    result = tell(f"pcapfile:{data / 'sample.pcap'}")
    ip = [row for row in result["network"] if row["name"] in ("IPv4", "IPv6")]
    assert amount(result["transport"]) == amount(ip)


def test_rows_are_ranked(tmp_path: Path) -> None:
    result = tell("pcapfile:" + gen.write_pcap(tmp_path / "x", gen.mixed(2000)), top=7)
    assert len(result["addresses"]) == len(result["ports"]) == 7
    for key in ("network", "transport", "addresses", "ports"):
        counts = [row["packets"] for row in result[key]]
        assert counts == sorted(counts, reverse=True)


def test_top_0_leaves_the_lists_out(tmp_pcap: Callable[..., str]) -> None:
    result = tell(tmp_pcap(conversation(1)), top=0)
    assert result["addresses"] == result["ports"] == []


def test_a_packet_counts_once_for_an_address_and_a_port(tmp_pcap: Callable[..., str]) -> None:
    frame = p.eth(p.ipv4(p.UDP, p.udp(123, 123), "192.0.2.1", "192.0.2.1"))
    result = tell(tmp_pcap(frame, frame))
    assert packets_of(result["addresses"]) == {"192.0.2.1": 2}
    assert packets_of(result["ports"]) == {"123/udp": 2}


def test_a_port_is_of_its_protocol(tmp_pcap: Callable[..., str]) -> None:
    frames = (p.eth(p.ipv4(p.TCP, p.tcp(1, 53))), p.eth(p.ipv4(p.UDP, p.udp(1, 53))))
    assert set(names(tell(tmp_pcap(*frames))["ports"])) == {"1/tcp", "53/tcp", "1/udp", "53/udp"}


def test_sizes_are_those_on_the_wire(tmp_pcap: Callable[..., str]) -> None:
    bounds = [0, 63, 64, 127, 128, 255, 256, 511, 512, 1023, 1024, 1518, 1519, 65000]
    uri = tmp_pcap(*(bytes(max(n - FCS, 14)) for n in bounds))
    sizes = tell(uri)["sizes"]
    assert [row["packets"] for row in sizes] == [2] * 7
    assert names(sizes)[0] == "0-63"
    assert [row["from"] for row in sizes[1:]] == [row["to"] + 1 for row in sizes[:-1]]
    assert sizes[-1]["to"] is None


# What the capture cuts off


@pytest.mark.parametrize("kind", ["tcp4", "udp6", "vlan_vlan", "chain6", "wifi", "sll_out6"])
def test_every_cut_is_counted(tmp_path: Path, kind: str) -> None:
    linktype, frame = gen.KINDS[kind]
    records = [gen.Record(0, frame[:n], len(frame)) for n in range(len(frame) + 1)]
    uri = "pcapfile:" + gen.write_pcap(tmp_path / "x", records, linktype=linktype)
    result = tell(uri)
    packets = result["total"]["packets"]
    assert packets == len(records)
    assert result["total"]["truncated_packets"] == len(records) - 1
    assert amount(result["network"])[0] == amount(result["link_types"])[0] == packets
    assert packets_of(result["network"])["(cut off)"] > 0
    assert packets_of(result["transport"])["(cut off)"] > 0


def test_what_is_left_of_a_cut_packet_counts(tmp_path: Path) -> None:
    frame = p.eth(p.ipv4(p.TCP, p.tcp(1000, 80)))
    ethernet, ip = 14, 34

    def of(length: int) -> dict[str, Any]:
        record = gen.Record(0, frame[:length], len(frame))
        return tell("pcapfile:" + gen.write_pcap(tmp_path / str(length), [record]))

    assert names(of(ethernet - 1)["network"]) == ["(cut off)"]
    assert names(of(ethernet)["network"]) == ["IPv4"]
    assert names(of(ethernet)["transport"]) == ["(cut off)"]
    assert names(of(ip)["transport"]) == ["TCP"]
    assert sorted(names(of(ip)["addresses"])) == sorted([p.SRC4, p.DST4])
    assert names(of(ip - 1)["addresses"]) == [p.SRC4]
    assert names(of(ip + 2)["ports"]) == ["1000/tcp"]
    assert sorted(names(of(ip + 4)["ports"])) == ["1000/tcp", "80/tcp"]


# Reading that ends early


def test_packets_before_an_error_are_counted(tmp_trace: Callable[..., str]) -> None:
    whole = b"".join(f.pcap(gen.mixed(20)))
    report, summary = Report(), Summary()
    with libtrace.open(tmp_trace([whole[:-5]])) as trace, pytest.raises(libtrace.LibtraceError):
        report.count(trace, summary)
    assert summary.packets == 19
    assert summary.first_ns is not None


def test_packets_before_an_interrupt_are_counted(tmp_path: Path) -> None:
    fifo, report = tmp_path / "fifo", Report()
    os.mkfifo(fifo)
    count = 500_000  # which takes longer than signals wait
    records = f.pcap_record(conversation(0)) * count
    report.traces.append(Summary())
    thread = threading.Thread(target=lambda: fifo.write_bytes(f.pcap_header() + records))

    def interrupt() -> None:
        if trace.accepted_packets > 0:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.raise_signal(signal.SIGINT)

    thread.start()
    with libtrace.open(f"pcapfile:{fifo}") as trace:
        with on_alarm(interrupt, 0.001), pytest.raises(KeyboardInterrupt):
            report.count(trace, report.traces[0])
        counted = report.as_dict(10)
        assert counted["total"]["packets"] == amount(counted["sizes"])[0] == trace.accepted_packets
        trace.start()
        report.count(trace, report.traces[0])
    thread.join()
    assert report.packets == count


# Bounds of memory


def test_very_many_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan of a network: busy addresses stay right within the bound that is told."""
    monkeypatch.setattr(module, "_MOST_ADDRESSES", 64)
    monkeypatch.setattr(module, "_MOST_ROWS", 16)
    busy = [conversation(1, src="192.0.2.7", dst="192.0.2.8")] * 300
    frames = [conversation(i, dst="192.0.2.9") for i in range(1000)]
    frames[::5] = itertools.islice(itertools.cycle(busy), len(frames[::5]))
    uri = "pcapfile:" + gen.write_pcap(tmp_path / "x", gen.records(*frames))
    report = count(uri)
    result = report.as_dict(3)
    assert len(report._addresses) <= 64
    assert packets_of(result["network"]) == {"IPv4": 1000}
    assert set(names(result["addresses"])) == {"192.0.2.7", "192.0.2.8", "192.0.2.9"}
    exact = {"192.0.2.7": 200, "192.0.2.8": 200, "192.0.2.9": 800}
    for name, packets in packets_of(result["addresses"]).items():
        assert exact[name] - result["address_error"] <= packets <= exact[name]
    assert 0 < result["address_error"] < 100
