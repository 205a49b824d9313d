# SPDX-License-Identifier: LGPL-3.0-or-later
"""Module natkit: flows, numbers out of bytes, sequence numbers; what the doorways import."""

from __future__ import annotations

import gc
import ipaddress
import random
import subprocess
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import gen
import gen_files as f
import gen_packets as p
import ipp
import libtrace
import natkit
import oracle
import plt
import pytest
from ipp import from_s
from natkit import FlowHome, IPflow
from reading import packets
from steady import assert_steady

MakePcap = Callable[..., str]
MakeTrace = Callable[..., str]

TCP4, UDP6 = gen.KINDS["tcp4"][1], gen.KINDS["udp6"][1]


def read(make: MakePcap, frame: bytes, linktype: int = f.DLT_EN10MB) -> libtrace.Packet:
    (packet,) = packets(make(frame, linktype=linktype))
    return packet


def flow_of(packet: libtrace.Packet) -> IPflow:
    """The flow of a packet that is IP."""
    flow = IPflow(packet)
    assert flow is not None
    return flow


def ends(source: str, destination: str) -> bytes:
    """An Ethernet frame of TCP, from port 1000 to port 80."""
    if ":" in source:
        return p.eth(p.ipv6(p.TCP, p.tcp(1000, 80), source, destination), p.IPV6)
    return p.eth(p.ipv4(p.TCP, p.tcp(1000, 80), source, destination))


# Importing


def run(code: str, tmp_path: Any) -> str:
    """What a script prints in an interpreter of its own."""
    (tmp_path / "importer.py").write_text("import natkit\n")
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(code))
    return subprocess.run(
        [sys.executable, script], check=True, capture_output=True, text=True, timeout=60
    ).stdout


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import natkit\nprint(ipp.version(), plt.version(), datetime.date)", "1.9 1.7 "),
        ("import plt\nprint(ipp.version(), datetime.date)\nassert 'natkit' not in dir()", "1.9 "),
        ("import ipp\nprint('plt' in dir(), 'datetime' in dir())", "False False"),
        ("import importer\nprint(ipp.version(), plt.version(), datetime.date)", "1.9 1.7 "),
        ("from datetime import datetime\nimport natkit\nprint(datetime.now().year > 1)", "True"),
        ("ipp = plt = datetime = 1\nimport natkit\nprint(ipp, plt, datetime)", "1 1 1"),
        ("import natkit, plt, ipp", ""),
    ],
)
def test_import(code: str, expected: str, tmp_path: Any) -> None:
    printed = run(code, tmp_path)
    assert printed.startswith(expected)
    assert bool(printed) is bool(expected)


def test_names() -> None:
    assert not hasattr(natkit, "version")
    assert IPflow.__module__ == FlowHome.__module__ == "natkit"
    assert sorted(natkit.__all__) == natkit.__all__
    assert len(natkit.__all__) == 9
    assert plt.version() == "1.7"


# Numbers out of bytes


@pytest.mark.parametrize("kind", [bytearray, bytes, memoryview])
def test_numbers_out_of_bytes(kind: Callable[[bytes], Any]) -> None:
    raw = random.Random(1).randbytes(9)
    data = kind(raw)
    for function, size in (natkit.ba_get_short, 2), (natkit.ba_get_long, 4):
        for at in range(12):
            whole = at + size <= len(raw)
            number = int.from_bytes(raw[at : at + size], "big") if whole else None
            assert function(data, at) == number
        assert function(kind(b""), 0) is None
        assert function(data, 1 << 80) is None
        for at in (-1, -9, -(1 << 80)):
            with pytest.raises(IndexError):
                function(data, at)
    assert natkit.ba_get_long(bytearray(b"\xff" * 4), 0) == 0xFFFFFFFF
    assert natkit.ba_get_short(bytearray(b"\xff" * 4), 2) == 0xFFFF


@pytest.mark.parametrize("function", [natkit.ba_get_short, natkit.ba_get_long])
@pytest.mark.parametrize(
    "arguments",
    [("text", 0), (None, 0), ([1, 2, 3, 4], 0), (bytes(9), 0.0), (bytes(9), "0"), (bytes(9),), ()],
)
def test_no_bytes(function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError):
        function(*arguments)


def test_bytes_can_be_resized_afterwards() -> None:
    array = bytearray(4)
    natkit.ba_get_long(array, 0)
    with pytest.raises(IndexError):
        natkit.ba_get_long(array, -1)
    array.append(1)
    assert natkit.ba_get_long(array, 1) == 1


# Sequence numbers

NUMBERS = [0, 1, 2, (1 << 31) - 1, 1 << 31, (1 << 31) + 1, (1 << 32) - 1, 1 << 32]
NUMBERS += [-1, -2, -(1 << 31), -(1 << 32), 1 << 63, 1 << 64, (1 << 70) + 5, -(1 << 70) - 5, True]


@pytest.mark.parametrize("a", NUMBERS)
@pytest.mark.parametrize("b", NUMBERS)
def test_sequence_numbers(a: int, b: int) -> None:
    assert natkit.seq_add(a, b) == (a + b) % (1 << 32)
    assert natkit.seq_sub(a, b) == (a - b) % (1 << 32)
    distance = (a - b + (1 << 31)) % (1 << 32) - (1 << 31)
    assert natkit.seq_gt(a, b) is (distance > 0)
    assert natkit.seq_ge(a, b) is (distance >= 0)
    assert natkit.seq_lt(a, b) is (distance < 0)


def test_half_way_round() -> None:
    for a, b in (0, 1 << 31), (1 << 31, 0), (5, (1 << 31) + 5):
        assert (natkit.seq_gt(a, b), natkit.seq_ge(a, b), natkit.seq_lt(a, b)) == (
            False,
            False,
            True,
        )


@pytest.mark.parametrize("name", ["seq_add", "seq_sub", "seq_gt", "seq_ge", "seq_lt"])
@pytest.mark.parametrize("arguments", [(1.0, 1), (1, 1.0), ("1", 1), (None, 1), (1,), (1, 1, 1)])
def test_no_sequence_numbers(name: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError):
        getattr(natkit, name)(*arguments)


# Flows


def expected_key(linktype: int, frame: bytes) -> bytes | None:
    """The forward key of a whole frame, by an independent parser."""
    outer = oracle.link(linktype, frame)
    at, ethertype = outer.at, outer.ethertype
    if ethertype == p.VLAN:
        at, ethertype = at + 4, oracle.be16(frame, at + 2)
    if ethertype not in (p.IPV4, p.IPV6):
        return None
    ip = oracle.ipv4(frame, at) if ethertype == p.IPV4 else oracle.ipv6(frame, at)
    located = ip.transport is not None
    ports = frame[ip.end : ip.end + 4] if located and ip.proto in (p.TCP, p.UDP) else bytes(4)
    version = 4 if ethertype == p.IPV4 else 6
    return bytes([version, ip.proto if located else 0]) + ports + ip.src + ip.dst


@pytest.mark.parametrize("kind", gen.KINDS)
def test_flow_of_every_kind(kind: str, tmp_pcap: MakePcap) -> None:
    linktype, frame = gen.KINDS[kind]
    flow = IPflow(read(tmp_pcap, frame, linktype))
    key = expected_key(linktype, frame)
    assert (flow and flow.fwd_key) == key
    if key is None or flow is None:
        assert key is None
        assert flow is None
        return
    size = 4 if key[0] == 4 else 16
    src, dst = key[6 : 6 + size], key[6 + size :]
    assert type(flow) is IPflow
    assert type(flow.fwd_key) is type(flow.rev_key) is bytes
    assert flow.rev_key == key[:2] + key[4:6] + key[2:4] + dst + src
    assert (flow.version, flow.proto) == (key[0], key[1])
    assert flow.src_port == int.from_bytes(key[2:4], "big")
    assert flow.dst_port == int.from_bytes(key[4:6], "big")
    assert flow.src_prefix.addr == src
    assert flow.dst_prefix.addr == dst
    assert type(flow.src_prefix) is ipp.IPprefix
    assert not hasattr(flow.src_prefix, "length")
    assert (flow.src, flow.dst) == (ipaddress.ip_address(src), ipaddress.ip_address(dst))
    assert (flow.home_key, flow.src_in_home, flow.dst_in_home, flow.is_inward) == (None,) * 4


def test_some_flows(tmp_pcap: MakePcap) -> None:
    flow = flow_of(read(tmp_pcap, TCP4))
    assert flow.fwd_key.hex() == "04069c400050c0000201c6336402"
    assert flow.rev_key.hex() == "040600509c40c6336402c0000201"
    assert repr(flow) == "<natkit.IPflow 192.0.2.1:40000 > 198.51.100.2:80, protocol 6>"
    flow = flow_of(read(tmp_pcap, UDP6))
    assert (len(flow.fwd_key), len(flow.rev_key)) == (38, 38)
    assert repr(flow) == "<natkit.IPflow [2001:db8::1]:40003 > [2001:db8:1::2]:53, protocol 17>"
    flow = flow_of(read(tmp_pcap, gen.KINDS["icmp6"][1]))
    assert repr(flow) == "<natkit.IPflow 2001:db8::1 > 2001:db8:1::2, protocol 58>"
    assert (flow.proto, flow.src_port, flow.dst_port) == (58, 0, 0)


@pytest.mark.parametrize(
    ("kind", "proto"),
    [
        ("sctp4", 132),
        ("icmp4", 1),
        ("gre", 47),
        ("fragment4_first", 17),
        ("fragment4_next", 0),
        ("fragment6_first", 17),
        ("fragment6_next", 0),
        ("no_next6", 59),
        ("chain6", 6),
        ("vlan", 6),
        ("tso4", 6),
    ],
)
def test_protocols(kind: str, proto: int, tmp_pcap: MakePcap) -> None:
    flow = flow_of(read(tmp_pcap, gen.KINDS[kind][1]))
    assert flow.proto == proto
    assert bool(flow.src_port) is bool(flow.dst_port) is (proto in (6, 17))


@pytest.mark.parametrize(
    "kind", ["arp", "stp", "vlan_vlan", "qinq", "mpls", "pppoe", "unknown_ethertype", "wifi_beacon"]
)
def test_no_ip(kind: str, tmp_pcap: MakePcap) -> None:
    linktype, frame = gen.KINDS[kind]
    packet = read(tmp_pcap, frame, linktype)
    assert IPflow(packet) is None
    assert FlowHome().flow(packet) is None


def test_damaged_ip(tmp_pcap: MakePcap) -> None:
    """A header of less than 20 bytes has no transport header; one of another version is no IP."""
    for first in range(256):
        frame = TCP4[:14] + bytes([first]) + TCP4[15:]
        flow = IPflow(read(tmp_pcap, frame))
        if flow is None:
            assert first >> 4 != 4
            continue
        assert first >> 4 == 4
        if first & 15 < 5:
            assert (flow.proto, flow.src_port, flow.dst_port) == (0, 0, 0)
            assert flow.fwd_key == b"\4" + bytes(5) + p.ip(p.SRC4) + p.ip(p.DST4)


@pytest.mark.parametrize(
    ("kind", "network", "addresses", "proto", "ports"),
    [
        ("tcp4", 14, 20, 20, 24),
        ("options4", 14, 20, 28, 32),
        ("udp6", 14, 40, 40, 44),
        ("hop_by_hop", 14, 40, 48, 52),
        ("vlan", 18, 20, 20, 24),
        ("raw4", 0, 20, 20, 24),
        ("sll", 16, 20, 20, 24),
    ],
)
def test_cut(
    kind: str, network: int, addresses: int, proto: int, ports: int, tmp_trace: MakeTrace
) -> None:
    linktype, frame = gen.KINDS[kind]
    key = expected_key(linktype, frame)
    assert key is not None
    records = [f.pcap_record(frame[:size], wirelen=len(frame)) for size in range(len(frame) + 1)]
    for size, packet in enumerate(packets(tmp_trace([f.pcap_header(linktype), *records]))):
        if size < network + addresses:
            with pytest.raises(libtrace.TruncatedError):
                IPflow(packet)
            continue
        flow = flow_of(packet)
        whole = key[:6] if size >= network + ports else key[:2] + bytes(4)
        whole = whole if size >= network + proto else key[:1] + bytes(5)
        assert flow.fwd_key == whole + key[6:]


@pytest.mark.parametrize("size", range(18))
def test_cut_before_what_is_no_ip(size: int, tmp_trace: MakeTrace) -> None:
    """4 bytes of the network layer must be there, whatever it is."""
    frame = gen.KINDS["arp"][1]
    (packet,) = packets(tmp_trace([f.pcap_header(), f.pcap_record(frame[:size], wirelen=42)]))
    with pytest.raises(ValueError, match=r"needs|cut off"):
        IPflow(packet)


def test_every_damage(tmp_trace: MakeTrace) -> None:
    """Whatever a single byte is: a flow, None, or ValueError."""
    for kind in "vlan", "chain6", "options4", "fragment6_first":
        linktype, frame = gen.KINDS[kind]
        records = []
        for at in range(len(frame)):
            for value in (0, 1, 0x45, 0x60, 0x7F, 0x80, 0xFF, frame[at] ^ 1, frame[at] ^ 0x80):
                records.append(f.pcap_record(frame[:at] + bytes([value]) + frame[at + 1 :]))
        for packet in packets(tmp_trace([f.pcap_header(linktype), *records])):
            try:
                flow = IPflow(packet)
            except ValueError:
                continue
            if flow is not None:
                assert len(flow.fwd_key) == (14 if flow.version == 4 else 38)


@pytest.mark.parametrize("make", [IPflow, FlowHome().flow])
def test_no_packet(make: Callable[..., Any]) -> None:
    for wrong in (None, 1, "x", b"", object(), libtrace.Packet, from_s("::"), FlowHome()):
        with pytest.raises(ValueError) as caught:
            make(wrong)
        assert caught.type is ValueError
    with pytest.raises(ValueError, match="nothing was read"):
        make(libtrace.Packet())
    with pytest.raises(ValueError):
        make(libtrace.Packet.__new__(libtrace.Packet))
    for arguments in ((), (libtrace.Packet(),) * 2):
        with pytest.raises(TypeError):
            make(*arguments)
    with pytest.raises(TypeError):
        make(packet=libtrace.Packet())


def test_flow_of_layers(tmp_pcap: MakePcap) -> None:
    """Every object of the packet itself has its flow, a copy has none."""
    packet = read(tmp_pcap, TCP4)
    layers = [packet.layer2, packet.layer3, packet.transport, packet.ip, packet.tcp]
    for layer in layers:
        assert layer is not None
        assert flow_of(layer).fwd_key == flow_of(packet).fwd_key
    assert packet.ip is not None
    assert packet.tcp is not None
    for made in plt.ip(bytearray(40)), packet.tcp.payload, plt.tcp(packet.ip):
        assert made is not None
        assert made.kind == "copy"
        with pytest.raises(ValueError, match="copy"):
            IPflow(made)


def test_flow_of_hidden_ip(tmp_pcap: MakePcap) -> None:
    """Behind two VLAN tags a packet is no IP to old programs; its IP object is."""
    packet = read(tmp_pcap, gen.KINDS["qinq"][1])
    assert IPflow(packet) is None
    (ip,) = (layer.object for layer in packet.layers if layer.name == "ip")
    assert ip is not None
    assert flow_of(ip).dst_port == 53


def test_flows_are_read_only(tmp_pcap: MakePcap) -> None:
    flow = FlowHome().flow(read(tmp_pcap, TCP4))
    assert flow is not None
    for name in ("version", "proto", "src_port", "dst_port", "src_prefix", "dst_prefix"):
        with pytest.raises(TypeError):
            setattr(flow, name, 1)
        with pytest.raises(TypeError):
            delattr(flow, name)
    for name in ("fwd_key", "rev_key", "home_key", "src_in_home", "dst_in_home", "is_inward"):
        with pytest.raises(TypeError):
            setattr(flow, name, 1)
    flow.src_prefix.addr[0] = 0
    assert str(flow.src_prefix) == p.SRC4


def test_flows_are_equal_by_identity(tmp_pcap: MakePcap) -> None:
    packet = read(tmp_pcap, TCP4)
    one, other = flow_of(packet), flow_of(packet)
    assert one == one
    assert one != other
    assert len({one, other, one}) == 2
    assert {one.fwd_key: 1} == {other.fwd_key: 1}
    assert bool(one)
    with pytest.raises(TypeError):
        one < other  # type: ignore[operator]  # noqa: B015


def test_a_flow_is_its_own(tmp_pcap: MakePcap) -> None:
    """It needs neither packet nor trace, and a packet refilled is another flow."""
    uri = tmp_pcap(TCP4, UDP6)
    trace = libtrace.open(uri)
    packet = libtrace.Packet()
    trace.read_packet(packet)
    first = flow_of(packet)
    trace.read_packet(packet)
    second = flow_of(packet)
    trace.close()
    del packet, trace
    gc.collect()
    assert (first.fwd_key, second.fwd_key) == (
        expected_key(f.DLT_EN10MB, TCP4),
        expected_key(f.DLT_EN10MB, UDP6),
    )


def test_a_flow_sees_what_was_set(tmp_pcap: MakePcap) -> None:
    packet = read(tmp_pcap, TCP4)
    packet.data = bytearray(ends("9.9.9.9", "8.8.8.8"))
    assert str(flow_of(packet).src_prefix) == "9.9.9.9"


def test_flow_subclass(tmp_pcap: MakePcap) -> None:
    class Flow(IPflow):
        __slots__ = ()

        def service(self) -> int:
            return min(self.src_port, self.dst_port)

    class Named(IPflow):
        def __init__(self, packet: libtrace.Packet) -> None:
            super().__init__()
            self.name = "x"

    flow = Flow(read(tmp_pcap, TCP4))
    assert type(flow) is Flow
    assert flow.service() == 80
    assert Flow(read(tmp_pcap, gen.KINDS["arp"][1])) is None
    named = Named(read(tmp_pcap, TCP4))
    assert (named.name, named.dst_port) == ("x", 80)


# Homes


@pytest.mark.parametrize(
    ("home", "source", "destination", "inside"),
    [
        (["10.0.0.0/8"], "10.1.1.1", "8.8.8.8", (True, False)),
        (["10.0.0.0/8"], "8.8.8.8", "10.1.1.1", (False, True)),
        (["10.0.0.0/8"], "10.1.1.1", "10.1.1.2", (True, True)),
        (["10.0.0.0/8"], "8.8.8.8", "9.9.9.9", (False, False)),
        ([], "10.1.1.1", "8.8.8.8", (False, False)),
        (["10.1.2.3/8"], "10.200.1.1", "8.8.8.8", (True, False)),
        (["1.0.0.0/8", "8.8.8.8/32"], "10.1.1.1", "8.8.8.8", (False, True)),
        (["8.8.8.9/32"], "10.1.1.1", "8.8.8.8", (False, False)),
        (["10.0.0.0/9"], "10.127.255.255", "10.128.0.0", (True, False)),
        (["0.0.0.0/0"], "10.1.1.1", "8.8.8.8", (True, True)),
        (["32.1.13.184/32", "0.0.0.0/0"], "2001:db8::1", "::2", (False, False)),
        (["2001:db8::/32"], "2001:db8::1", "2001:db9::1", (True, False)),
        (["::2/128"], "2001:db8::1", "::2", (False, True)),
        (["::2/128"], "2001:db8::1", "::3", (False, False)),
        (["2001:db8::/32"], "32.1.13.184", "1.1.1.1", (False, False)),
    ],
)
def test_home(
    home: list[str],
    source: str,
    destination: str,
    inside: tuple[bool, bool],
    tmp_pcap: MakePcap,
) -> None:
    flow = FlowHome(*map(from_s, home)).flow(read(tmp_pcap, ends(source, destination)))
    assert flow is not None
    assert (flow.src_in_home, flow.dst_in_home) == inside
    assert flow.is_inward is (inside[0] != inside[1])
    assert flow.home_key == (flow.fwd_key if inside[1] else flow.rev_key)


def test_both_ways_have_one_home_key(tmp_pcap: MakePcap) -> None:
    home = FlowHome(from_s("10.0.0.0/8"))
    there = home.flow(read(tmp_pcap, ends("10.1.1.1", "8.8.8.8")))
    back = p.eth(p.ipv4(p.TCP, p.tcp(80, 1000), "8.8.8.8", "10.1.1.1"))
    again = home.flow(read(tmp_pcap, back))
    assert there is not None
    assert again is not None
    assert there.home_key == again.home_key
    assert there.is_inward
    assert again.is_inward


def test_home_errors() -> None:
    for wrong in ("10.0.0.0/8", None, 1, b"", FlowHome()):
        with pytest.raises(ValueError, match="IPprefix"):
            FlowHome(from_s("::/1"), wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="length"):
        FlowHome(from_s("10.0.0.0/8"), from_s("10.0.0.0"))
    with pytest.raises(TypeError):
        FlowHome(prefix=from_s("::/1"))  # type: ignore[call-arg]


def test_home_copies_its_prefixes(tmp_pcap: MakePcap) -> None:
    prefix = from_s("10.0.0.0/8")
    home = FlowHome(prefix)
    prefix.addr[0] = 11
    prefix.length = 32
    flow = home.flow(read(tmp_pcap, ends("10.1.1.1", "11.0.0.0")))
    assert flow is not None
    assert (flow.src_in_home, flow.dst_in_home) == (True, False)


def test_home_object(tmp_pcap: MakePcap) -> None:
    home = FlowHome(from_s("10.0.0.0/8"), from_s("::/1"))
    assert home.owner == "dummy"
    assert repr(home) == "<natkit.FlowHome of 2 prefixes>"
    with pytest.raises(TypeError):
        home.owner = "me"  # type: ignore[misc]
    home.__init__()  # type: ignore[misc]
    assert repr(home) == "<natkit.FlowHome of 0 prefixes>"
    with pytest.raises(ValueError, match="never initialised"):
        FlowHome.__new__(FlowHome).flow(read(tmp_pcap, TCP4))


# Memory


@pytest.mark.slow
def test_memory(tmp_pcap: MakePcap) -> None:
    packet, other = read(tmp_pcap, TCP4), read(tmp_pcap, gen.KINDS["arp"][1])
    home = FlowHome(from_s("10.0.0.0/8"))

    def use() -> None:
        flow = home.flow(packet)
        assert flow is not None
        flow.home_key, flow.fwd_key, flow.src_prefix.addr, flow.src, repr(flow)
        home.flow(other), IPflow(other)
        FlowHome(from_s("::/1")), home.__init__(from_s("10.0.0.0/8"))  # type: ignore[misc]
        with pytest.raises(ValueError, match="expected"):
            IPflow(None)  # type: ignore[arg-type]
        natkit.ba_get_long(bytearray(4), natkit.seq_sub(1 << 40, 1))

    assert_steady(use, 3000)


@pytest.mark.slow
def test_memory_of_many(tmp_pcap: MakePcap) -> None:
    packet = read(tmp_pcap, TCP4)

    def use() -> None:
        assert flow_of(packet).fwd_key

    assert_steady(use, 100_000)
