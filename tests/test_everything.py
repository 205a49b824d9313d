# SPDX-License-Identifier: LGPL-3.0-or-later
"""Every attribute of every class: on packets cut and damaged anywhere, and over and over."""

from __future__ import annotations

import gc
import inspect
import operator
import pathlib
import random
import sys
from collections import deque
from collections.abc import Callable
from itertools import repeat
from typing import Any

import gen
import gen_files as f
import gen_packets as p
import libtrace
import pytest
from everything import CUT, READERS, WRITERS, attributes, explore, read
from libtrace import core
from making import cuts, kind, make, make_all
from steady import assert_steady, unsanitized

try:
    from libtrace import dns
except ImportError:  # it is optional
    dns = None  # type: ignore[assignment]

pytestmark = pytest.mark.slow

KINDS = [
    "tcp4", "icmp4", "icmp4_error", "sctp4", "options4", "fragment4_first", "gre", "six_in_four",
    "padded", "tcp6", "neighbour", "chain6", "fragment6_first", "arp", "vlan", "qinq", "mpls",
    "pppoe", "raw4", "sll", "sll_radiotap", "wifi_qos", "radiotap_words", "ppp_hdlc", "chdlc",
    "loop6", "pflog", "rfc1483",
]  # fmt: skip
TCP_OPTIONS = b"\2\4\5\xb4\4\2\x08\x0a" + bytes(8) + b"\5\x0a" + bytes(8) + b"\xfd\4ab"
FRAMES = {name: gen.KINDS[name] for name in KINDS} | {
    "tcp options": (f.DLT_EN10MB, p.eth(p.ipv4(p.TCP, p.tcp(options=TCP_OPTIONS)))),
    "vxlan": (
        f.DLT_RAW,
        p.ipv4(p.UDP, p.udp(1, 4789, bytes(8) + p.eth(gen.KINDS["raw6"][1], p.IPV6))),
    ),
    "icmp6 error": (
        f.DLT_RAW,
        p.ipv6(p.ICMP6, p.icmp(3, 0, bytes(4) + gen.KINDS["raw6"][1])),
    ),
    "sctp chunks": (
        f.DLT_RAW,
        p.ipv4(p.SCTP, p.sctp(1, 2, p.chunk(0, b"abcde"), p.chunk(6), p.chunk(7, b"abcd"))),
    ),
}

# Cut anywhere

# Lengths, and what is 0 or that of an outer header where a header is cut off.
FREE = {"size", "capture_len", "is_truncated", "info", "hexdump", "layers"}
FREE |= {"ethertype", "linktype", "vlan_id", "direction", "is_ok"}


DATA = {"data", "layer2.data", "layer3.data"}


def agrees(name: str, cut: Any, whole: Any) -> bool:
    """What is read of a cut packet is true, or the start of it, or nothing."""
    if name in FREE or cut is CUT or cut is None or (cut is False and not isinstance(whole, bool)):
        return True
    if type(cut) is not type(whole):
        return False
    if isinstance(cut, libtrace.Packet) or name == "chunks":
        return True
    if isinstance(cut, (bytearray, list)):
        return bool(cut == whole[: len(cut)])
    return bool(cut == whole)


@pytest.mark.parametrize("name", FRAMES)
def test_cut(name: str) -> None:
    linktype, frame = FRAMES[name]
    *cut_packets, packet = cuts(frame, linktype)
    whole = {path: value for path, _, _, value in explore(packet)}
    assert len(whole) > 40
    end = len(frame) - packet.layer3.size
    for size, cut in enumerate(cut_packets):
        for path, _, attribute, value in explore(cut):
            if path.startswith("layers[") or (path in DATA and size < end):
                continue  # a header that is cut off may be data
            assert agrees(attribute, value, whole[path]), (size, path, value, whole[path])


# Damaged anywhere

TYPES = (int, str, float, bytearray, list, type(None), libtrace.Packet, type(CUT))


def touch(packet: libtrace.Packet) -> None:
    """Read everything; all bytes that come out must be the packet's."""
    raw = bytes(packet)
    for path, owner, name, value in explore(packet, depth=2):
        if isinstance(value, bytearray) and name != "option_numbers":
            assert value in raw, path
        if name == "data":
            assert len(value) == owner.size


def damages(frame: bytes, seed: int) -> list[bytes]:
    """The frame with each byte of its first hundred damaged in four ways."""
    rng = random.Random(seed)
    found = []
    for at in range(min(len(frame), 100)):
        for value in {0, 0xFF, frame[at] ^ 1 << rng.randrange(8), rng.randrange(256)}:
            found.append(frame[:at] + bytes([value]) + frame[at + 1 :])
    return found


@pytest.mark.parametrize("name", FRAMES)
def test_damaged(name: str) -> None:
    linktype, frame = FRAMES[name]
    for packet in make_all(damages(frame, len(name)), linktype):
        touch(packet)


@pytest.mark.parametrize("name", FRAMES)
def test_damaged_and_cut(name: str) -> None:
    linktype, frame = FRAMES[name]
    rng = random.Random(name)
    damaged = [one[: rng.randrange(len(one) + 1)] for one in damages(frame, 5)]
    for packet in make_all(damaged, linktype, wirelen=len(frame)):
        touch(packet)


@pytest.mark.parametrize("name", FRAMES)
def test_damaged_while_objects_are_held(name: str) -> None:
    """What was right about a layer when it was made need not be so any more."""
    linktype, frame = FRAMES[name]
    rng = random.Random(name)
    packet = make(frame, linktype)
    held = {id(owner): (path, owner) for path, owner, _, _ in explore(packet)}
    with memoryview(packet) as view:
        for _ in range(60):
            view[:] = frame
            for _ in range(rng.randrange(1, 6)):
                view[rng.randrange(len(view))] = rng.choice([0, 0xFF, rng.randrange(256)])
            raw = bytes(packet)
            for path, owner in held.values():
                for attribute in attributes(type(owner)):
                    value = read(owner, attribute)
                    assert isinstance(value, TYPES) or path in ("", "layers") or value is not None
                    if isinstance(value, bytearray) and attribute != "option_numbers":
                        assert value in raw, (path, attribute)


@pytest.mark.parametrize("name", FRAMES)
def test_writers_write_within_the_packet(name: str) -> None:
    """Checksums and fields set on damaged packets: what lies around stays as it is."""
    linktype, frame = FRAMES[name]
    for packet in make_all(damages(frame, 7)[::3], linktype):
        size = len(bytes(packet))
        for path, owner, _, _ in list(explore(packet, depth=1)):
            for method in WRITERS:
                if hasattr(type(owner), method):
                    write(getattr(owner, method))
            for field, value in (("ttl", 9), ("traffic_class", 0xAA), ("checksum", 0x1234)):
                if hasattr(type(owner), field):
                    write(setattr, owner, field, value)
            assert len(bytes(packet)) == size, path
        touch(packet)


def write(function: Any, *arguments: object) -> None:
    try:
        function(*arguments)
    except (ValueError, TypeError):
        return  # too short, a copy, or not settable


# Over and over


def samples() -> dict[tuple[str, str], tuple[object, str]]:
    """One object for every attribute of every class."""
    found: dict[tuple[str, str], tuple[object, str]] = {}
    for linktype, frame in FRAMES.values():
        packet = make(frame, linktype)
        for _, owner, _, _ in explore(packet):
            for name in attributes(type(owner)):
                key = type(owner).__name__, name
                if key not in found or read(found[key][0], name) is CUT:
                    found[key] = (owner, name)
    return found


SAMPLES = samples()


def test_every_class_is_there() -> None:
    classes = {name for name, _ in SAMPLES}
    expected = "Packet Layer2 Layer3 Transport IP IP6 TCP UDP ICMP ICMP6 SCTP Chunk Echo Redirect"
    assert classes == {*expected.split(), "Echo6", "TooBig6", "Param6", "Neighbour6"}


ACCESSES, AT_ONCE = 1_000_000, 1000


def own_samples() -> list[tuple[str, str]]:
    """An inherited attribute is the same function on every class: once is enough."""
    seen = set()
    found = []
    for (cls, name), _ in sorted(SAMPLES.items(), key=lambda item: item[0][0] != "Packet"):
        descriptor = getattr(getattr(libtrace, cls), name)
        if descriptor not in seen:
            seen.add(descriptor)
            found.append((cls, name))
    return sorted(found)


def accesses(owner: object, name: str) -> Callable[[], object]:
    """Many of them, in a loop of C."""
    if read(owner, name) is CUT:
        return lambda: [read(owner, name) for _ in range(AT_ONCE)]
    access = operator.methodcaller(name) if name in READERS else operator.attrgetter(name)
    return lambda: deque(map(access, repeat(owner, AT_ONCE)), maxlen=0)


def check_steady(owner: object, name: str) -> None:
    held = (None, True, False, owner, type(owner))
    gc.collect()  # of what other tests have left
    before = [sys.getrefcount(x) for x in held]
    assert_steady(accesses(owner, name), ACCESSES // AT_ONCE)
    after = [sys.getrefcount(x) for x in held]
    assert all(abs(a - b) < 100 for a, b in zip(before, after))


@unsanitized
@pytest.mark.parametrize(("cls", "name"), own_samples())
def test_steady(cls: str, name: str) -> None:
    check_steady(SAMPLES[cls, name][0], name)


# Those that are no packets

SAMPLE = pathlib.Path(__file__).parent / "data" / "dns.pcap"
OTHERS: dict[type, Callable[[], object]] = {
    libtrace.Trace: lambda: libtrace.open(SAMPLE),
    libtrace.Filter: lambda: libtrace.Filter("tcp"),
    libtrace.OutputTrace: lambda: libtrace.OutputTrace("pcapfile:x"),
    core.IPprefix: lambda: core.IPprefix.from_s("2001:db8::/32"),
    core.IPflow: lambda: core.FlowHome(core.IPprefix.from_s("0.0.0.0/0")).flow(kind("tcp4")),
    core.FlowHome: lambda: core.FlowHome(core.IPprefix.from_s("0.0.0.0/0")),
}
if dns is not None:
    MESSAGE = next(libtrace.open(SAMPLE, filter="udp src port 53")).udp_payload
    OTHERS[dns.Message] = lambda: dns.Message(MESSAGE)
    OTHERS[dns.Record] = lambda: dns.Message(MESSAGE).response_rr_list[0]


def other_samples() -> list[tuple[type, str]]:
    return [
        (cls, name)
        for cls in OTHERS
        for name in attributes(cls)
        if inspect.isdatadescriptor(getattr(cls, name))
    ]


@unsanitized
@pytest.mark.parametrize(("cls", "name"), other_samples())
def test_steady_others(cls: type, name: str) -> None:
    check_steady(OTHERS[cls](), name)


@unsanitized
def test_steady_failures() -> None:
    cut = cuts(gen.KINDS["tcp4"][1])[40]
    for owner, name in ((cut.tcp, "window"), (cut.tcp, "payload"), (cut.tcp.ip, "checksum_ok")):
        assert_steady(lambda owner=owner, name=name: read(owner, name), 20_000)  # type: ignore[misc]


@unsanitized
def test_steady_constructors() -> None:
    raw = bytearray(gen.KINDS["raw4"][1])
    packet = kind("tcp4")
    ip: Any = libtrace.IP
    assert_steady(lambda: ip(raw).tcp.payload, 20_000)
    assert_steady(lambda: libtrace.TCP(packet.ip), 20_000)
    assert_steady(lambda: libtrace.UDP(packet.ip), 20_000)
    assert_steady(lambda: libtrace.core.load(packet._freeze()).tcp, 20_000)
    assert_steady(lambda: setattr(packet.ip, "ttl", 9), 20_000)
    assert_steady(lambda: memoryview(packet.tcp).release(), 20_000)
    prefix = packet.ip.src_prefix
    assert_steady(lambda: setattr(packet.ip, "src_prefix", prefix), 20_000)
    assert_steady(lambda: packet.tcp.option(2), 20_000)
