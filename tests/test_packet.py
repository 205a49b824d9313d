# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

import contextlib
import copy
import datetime
import pickle
import time
from collections.abc import Callable, Iterator
from typing import Any

import gen
import gen_files as f
import gen_packets as p
import ipp
import libtrace
import natkit
import plt
import pytest
from reading import HEADER_FIELDS, RECORD_FIELDS, only

pytestmark = pytest.mark.usefixtures("silence")

MakeTrace = Callable[..., str]
TCP = gen.KINDS["tcp4"][1]
UDP = gen.KINDS["udp4"][1]
LAYERS = [
    "layer2",
    "layer3",
    "transport",
    "ip",
    "ip6",
    "tcp",
    "udp",
    "icmp",
    "icmp6",
    "sctp",
    "tcp_payload",
    "udp_payload",
    "layers",
    "vlan_ids",
    "mpls_labels",
]
FIELDS = [*HEADER_FIELDS, *RECORD_FIELDS, *LAYERS, "datetime", "flow_hash", "payload_length"]
METHODS = ["apply_filter", "dump", "hexdump", "info", "set_checksums"]


@pytest.fixture
def trace(tmp_pcap: MakeTrace) -> Iterator[libtrace.Trace]:
    with libtrace.open(tmp_pcap(TCP, UDP, TCP)) as opened:
        yield opened


@pytest.fixture
def packet(trace: libtrace.Trace) -> libtrace.Packet:
    return next(trace)


def test_every_public_attribute_is_tested_here() -> None:
    public = {name for name in dir(libtrace.Packet) if not name.startswith("_")}
    assert public == {*FIELDS, *METHODS, "data"}


# A packet that nothing was read into


def test_unread_packet() -> None:
    packet = libtrace.Packet()
    assert (packet.kind, packet.type) == ("packet", "Packet")
    for name in ("ethertype", "linktype", "vlan_id", "size", "proto"):
        assert getattr(packet, name) == 0
    for name in ("ip", "ip6", "tcp", "udp", "icmp", "icmp6", "sctp", "tcp_payload", "udp_payload"):
        assert getattr(packet, name) is None
    for empty in (packet, packet.layer2, packet.layer3):
        assert empty.data == bytearray()
        assert bytes(empty) == b""
    assert len(memoryview(packet)) == 0
    assert packet.hexdump() == ""
    assert repr(packet) == "<Packet, nothing read>"
    assert packet.info() == "Data: type=Packet, kind=packet, inrem=0, rem=0"


UNKNOWN = """time datetime seconds ts_sec erf_time timestamp_ns wire_len capture_len direction
    is_truncated is_meta transport src dst src_text dst_text src_mac dst_mac ip_proto src_port
    dst_port"""


@pytest.mark.parametrize("name", UNKNOWN.split())
def test_unread_packet_does_not_know(name: str) -> None:
    with pytest.raises(ValueError, match="nothing was read"):
        getattr(libtrace.Packet(), name)


def test_unread_packet_matches_no_filter() -> None:
    with pytest.raises(ValueError, match="nothing was read"):
        libtrace.Packet().apply_filter(libtrace.Filter("tcp"))


def test_unread_packet_has_no_room() -> None:
    packet = libtrace.Packet()
    packet.data = bytearray()
    with pytest.raises(ValueError):
        packet.data = bytearray(1)


def test_packet_takes_no_arguments() -> None:
    with pytest.raises(TypeError):
        libtrace.Packet(TCP)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        libtrace.Packet(data=TCP)  # type: ignore[call-arg]


# Its bytes


def test_data_is_a_copy(packet: libtrace.Packet) -> None:
    data = packet.data
    assert type(data) is bytearray
    assert data == TCP
    data[:] = b""
    assert packet.data == bytes(packet) == TCP
    assert packet.size == len(TCP)


def test_data_is_without_pseudo_headers(tmp_pcap: MakeTrace) -> None:
    linktype, frame = gen.KINDS["sll"]
    packet = only(tmp_pcap(frame, linktype=linktype))
    assert bytes(packet) == frame
    assert packet.data == frame[16:]
    packet.data = bytearray(b"\x46")
    assert bytes(packet) == frame[:16] + b"\x46" + frame[17:]


def test_data_is_written_in_place(packet: libtrace.Packet) -> None:
    view, ip = memoryview(packet), packet.ip
    assert ip is not None
    packet.data = bytearray(b"\x01\x02")
    assert packet.data == b"\x01\x02" + TCP[2:]
    packet.data = bytearray()
    assert packet.src_port == 40000
    packet.data = bytearray(UDP[: len(TCP)])
    expected = UDP[: len(TCP)] + TCP[len(UDP) :]
    assert bytes(packet) == bytes(view) == expected
    assert ip.data == expected[14:]
    assert (packet.src_port, packet.ip_proto) == (40001, 17), "headers are decoded anew"
    assert packet.udp is not None
    assert packet.tcp is None


class Subclass(bytearray):
    pass


@pytest.mark.parametrize(
    "wrong", [b"xx", "xx", None, 5, [1], memoryview(b"x"), Subclass(b"x"), bytearray(len(TCP) + 1)]
)
def test_data_takes_only_what_fits(packet: libtrace.Packet, wrong: object) -> None:
    with pytest.raises(ValueError):
        packet.data = wrong  # type: ignore[assignment]
    assert bytes(packet) == TCP


def test_memoryview_is_writable(packet: libtrace.Packet) -> None:
    view = memoryview(packet)
    assert (view.readonly, view.format, view.itemsize, view.nbytes) == (False, "B", 1, len(TCP))
    view[26:30] = b"\x0a\x01\x02\x03"
    assert packet.src_text == "10.1.2.3"
    assert packet.data[26:30] == b"\x0a\x01\x02\x03"
    assert packet.ip is not None
    assert packet.ip.data[12:16] == b"\x0a\x01\x02\x03"


def test_memoryview_keeps_what_it_shows(trace: libtrace.Trace) -> None:
    packet = next(trace)
    view = memoryview(packet)
    assert trace.read_packet(packet)
    newer = memoryview(packet)
    assert (bytes(view), bytes(newer)) == (TCP, UDP)
    view[0] = 0xEE
    trace.close()
    del packet
    assert bytes(view) == b"\xee" + TCP[1:]
    assert bytes(newer) == UDP
    view.release()
    assert bytes(newer) == UDP


def test_other_readers_of_the_buffer(packet: libtrace.Packet) -> None:
    assert bytearray(packet) == TCP
    assert b"".join([packet, packet]) == TCP * 2
    assert memoryview(packet) == memoryview(packet)
    assert packet.hexdump().startswith("0000  " + TCP[:16].hex(" "))


# Filters


def test_apply_filter(packet: libtrace.Packet) -> None:
    assert packet.apply_filter(libtrace.Filter("tcp port 80")) is True
    assert packet.apply_filter(libtrace.Filter("udp")) is False
    assert packet.apply_filter(plt.filter("no such filter")) is None
    assert packet.apply_filter(libtrace.Filter("")) is True
    for wrong in (None, "tcp", 5, libtrace.Filter, packet):
        with pytest.raises(TypeError):
            packet.apply_filter(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        packet.apply_filter()  # type: ignore[call-arg]


def test_filter_is_for_packets(packet: libtrace.Packet) -> None:
    for layer in (packet.layer2, packet.layer3, packet.ip, packet.tcp):
        assert layer is not None
        with pytest.raises(ValueError):
            layer.apply_filter(libtrace.Filter("tcp"))


def test_refused_filter_leaves_no_error_behind(packet: libtrace.Packet) -> None:
    assert packet.apply_filter(plt.filter("no such filter")) is None
    packet.data = bytearray(b"\x01")
    assert packet.data[0] == 1


# Attributes


@pytest.mark.parametrize("name", [*FIELDS, *METHODS])
def test_read_only(packet: libtrace.Packet, name: str) -> None:
    with pytest.raises(TypeError, match=f"'{name}' of a .*Packet cannot be assigned"):
        setattr(packet, name, getattr(packet, name))
    with pytest.raises(TypeError, match=f"'{name}' of a .*Packet cannot be deleted"):
        delattr(packet, name)
    getattr(packet, name)


def test_data_cannot_be_deleted(packet: libtrace.Packet) -> None:
    with pytest.raises(TypeError):
        del packet.data


def test_unknown_names(packet: libtrace.Packet, trace: libtrace.Trace) -> None:
    output = libtrace.OutputTrace("pcapfile:x")
    for target in (packet, libtrace.Packet(), packet.ip, trace, libtrace.Filter("ip"), output):
        with pytest.raises(AttributeError):
            target.nonsense  # type: ignore[union-attr] # noqa: B018
        with pytest.raises(AttributeError):
            target.nonsense = 1  # type: ignore[union-attr]
        with pytest.raises(AttributeError):
            del target.nonsense  # type: ignore[union-attr]


class Open(libtrace.Trace):
    """One whose objects have attributes of their own, as of any class in Python."""


class Slotted(libtrace.Packet):
    """One with a place for one attribute, and for no other."""

    __slots__ = ("note",)


def test_attributes_of_subclasses(tmp_pcap: Callable[..., str]) -> None:
    trace: Any = Open(tmp_pcap(TCP))
    trace.note = 5
    trace.start = "replaced"
    assert (trace.note, trace.start) == (5, "replaced")
    del trace.note, trace.start
    assert not hasattr(trace, "note")
    packet: Any = Slotted()
    packet.note = 6
    assert packet.note == 6
    del packet.note
    with pytest.raises(AttributeError):
        packet.other = 7
    with pytest.raises(TypeError):
        packet.ip = 7


def test_identity(trace: libtrace.Trace) -> None:
    first, second = next(trace), next(trace)
    assert first != second
    assert first == first
    assert len({first, second}) == 2
    assert first
    assert libtrace.Packet()
    with pytest.raises(TypeError):
        len(first)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        first < second  # type: ignore[operator] # noqa: B015


def test_repr(packet: libtrace.Packet) -> None:
    size = len(TCP)
    ends = f"{p.SRC4}:40000 > {p.DST4}:80"
    assert repr(packet) == f"<Packet 1700000000.000000 {ends}, {size} of {size} bytes>"


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_copies_are_independent(
    packet: libtrace.Packet, copied: Callable[[libtrace.Packet], libtrace.Packet]
) -> None:
    other = copied(packet)
    assert [getattr(other, name) for name in RECORD_FIELDS] == [
        getattr(packet, name) for name in RECORD_FIELDS
    ]
    other.data = bytearray(b"\xff")
    assert bytes(packet) == TCP
    assert bytes(other) == b"\xff" + TCP[1:]


# Time

AUCKLAND = "Pacific/Auckland"


@pytest.fixture
def in_auckland(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", AUCKLAND)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("in_auckland")
def test_known_time(tmp_trace: MakeTrace) -> None:
    packet = only(tmp_trace([f.pcap_header(), f.pcap_record(TCP, sec=1206742940, frac=180375)]))
    assert packet.erf_time == 5182921462753594966
    assert repr(packet.seconds) == "1206742940.180375"
    assert packet.time == datetime.datetime(2008, 3, 29, 11, 22, 20, 180375)
    assert packet.ts_sec == 1206742940
    assert packet.timestamp_ns == 1206742940180375000
    assert packet.datetime.isoformat() == "2008-03-28T22:22:20.180375+00:00"


@pytest.mark.usefixtures("in_auckland")
@pytest.mark.parametrize("nano", [False, True])
@pytest.mark.parametrize("sec", [0, 1, 1_206_742_940, 1_700_000_000, 2**31 - 1, 2**31, 2**32 - 1])
@pytest.mark.parametrize("part", [0, 1, 180_375_001, 999_999_999])
def test_time(tmp_trace: MakeTrace, nano: bool, sec: int, part: int) -> None:
    fraction = part if nano else part // 1000
    nanoseconds = part if nano else part // 1000 * 1000
    uri = tmp_trace([f.pcap_header(nano=nano), f.pcap_record(TCP, sec=sec, frac=fraction)])
    packet = only(uri)
    microseconds = nanoseconds // 1000
    local = datetime.datetime.fromtimestamp(sec).replace(microsecond=microseconds)
    utc = datetime.datetime.fromtimestamp(sec, datetime.timezone.utc)
    assert packet.timestamp_ns == sec * f.NS + nanoseconds
    assert packet.ts_sec == sec
    assert packet.seconds == sec + microseconds / 1e6
    assert packet.erf_time == (sec << 32) + (nanoseconds << 32) // f.NS
    assert packet.time == local
    assert packet.time.tzinfo is None
    assert packet.datetime == utc.replace(microsecond=microseconds)
    assert packet.datetime.utcoffset() == datetime.timedelta(0)


# Lengths and direction


def test_wire_len_counts_the_fcs_of_ethernet(tmp_pcap: MakeTrace) -> None:
    for kind, fcs in {"tcp4": 4, "vlan": 4, "raw4": 0, "sll": 0, "ppp": 0, "wifi": 0}.items():
        linktype, frame = gen.KINDS[kind]
        packet = only(tmp_pcap(frame, linktype=linktype))
        assert packet.wire_len == len(frame) + fcs
        assert packet.capture_len == len(frame)
        assert packet.is_truncated is False


@pytest.mark.parametrize(("lost", "truncated"), [(0, False), (1, True), (4, True), (1000, True)])
def test_is_truncated(tmp_trace: MakeTrace, lost: int, truncated: bool) -> None:
    parts = [f.pcap_header(), f.pcap_record(TCP, wirelen=len(TCP) + lost)]
    packet = only(tmp_trace(parts))
    assert packet.is_truncated is truncated
    assert packet.wire_len == len(TCP) + lost + 4


def test_is_truncated_by_erf(tmp_path: object, tmp_trace: MakeTrace) -> None:
    packet = only(tmp_trace([f.erf_record(TCP)], "erf"))
    assert packet.is_truncated is False


def test_direction(tmp_pcap: MakeTrace) -> None:
    assert only(tmp_pcap(TCP)).direction == libtrace.Direction.UNKNOWN
    for pkttype, direction in {0: 1, 1: 0, 2: 0, 3: 0, 4: 0}.items():
        frame = p.sll(gen.KINDS["raw4"][1], pkttype=pkttype)
        assert only(tmp_pcap(frame, linktype=f.DLT_LINUX_SLL)).direction == direction


def test_linktype_is_of_the_enum(packet: libtrace.Packet) -> None:
    assert packet.linktype == libtrace.LinkType.ETH
    assert type(packet.linktype) is int


# Objects that __new__() made and no __init__() filled


def unfilled() -> list[Any]:
    kinds: list[Any] = [
        libtrace.Packet,
        libtrace.Trace,
        libtrace.Filter,
        plt.filter,
        ipp.IPprefix,
        natkit.FlowHome,
    ]
    return [kind.__new__(kind) for kind in kinds]


@pytest.mark.parametrize("empty", unfilled(), ids=lambda empty: type(empty).__name__)
def test_never_initialised(empty: Any) -> None:
    for name in dir(empty):
        if name.startswith("__"):
            continue
        try:
            value = getattr(empty, name)
        except ValueError:
            continue
        if callable(value):
            for arguments in ((), (libtrace.Packet(),), (1,), (None,)):
                with pytest.raises((ValueError, TypeError)):
                    value(*arguments)
        else:
            assert name == "_check"
    uses: list[Callable[[Any], object]] = [repr, bytes, memoryview, next, iter, pickle.dumps, hash]
    for use in uses:
        with contextlib.suppress(ValueError, TypeError, BufferError):
            use(empty)


def test_never_initialised_as_an_argument(packet: libtrace.Packet, trace: libtrace.Trace) -> None:
    no_packet = libtrace.Packet.__new__(libtrace.Packet)
    no_filter = libtrace.Filter.__new__(libtrace.Filter)
    with pytest.raises(ValueError):
        trace.read_packet(no_packet)
    with pytest.raises((ValueError, TypeError)):
        trace.conf_filter(no_filter)
    with pytest.raises((ValueError, TypeError)):
        packet.apply_filter(no_filter)
    with pytest.raises(ValueError):
        no_packet.data = bytearray()
    for make in (plt.ip, plt.ip6, plt.tcp, plt.udp, plt.icmp, plt.icmp6, plt.sctp, natkit.IPflow):
        with pytest.raises((ValueError, TypeError)):
            make(no_packet)
    assert bytes(next(trace)) == UDP


@pytest.mark.parametrize(
    "name",
    [
        "Layer2",
        "Layer3",
        "Transport",
        "Internet",
        "IP",
        "IP6",
        "TCP",
        "UDP",
        "ICMP",
        "ICMP6",
        "SCTP",
        "Chunk",
        "Echo",
        "Redirect",
        "Echo6",
        "TooBig6",
        "Param6",
        "Neighbour6",
    ],
)
def test_layers_are_not_made_from_nothing(name: str) -> None:
    kind = getattr(libtrace, name)
    for make in (kind, lambda: kind.__new__(kind), lambda: object.__new__(kind)):
        with pytest.raises((ValueError, TypeError)):
            make()
