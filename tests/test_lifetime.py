# SPDX-License-Identifier: LGPL-3.0-or-later
"""A kept packet is its keeper's, whatever becomes of the trace."""

from __future__ import annotations

import contextlib
import gc
import itertools
import pathlib
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import gen
import gen_files as f
import ipp
import libtrace
import natkit
import plt
import pytest
from reading import HEADER_FIELDS, RECORD_FIELDS, fields
from script import run_script
from steady import assert_steady, unsanitized

pytestmark = pytest.mark.usefixtures("silence")

SOURCES = ["pcapfile", "pcapfile.gz", "pcap", "erf"]
TCP = gen.KINDS["tcp4"][1]
KINDS = ["tcp4", "udp4", "icmp4", "tcp6", "udp6", "icmp6", "vlan", "arp", "sctp4", "padded"]
# Longer and shorter by turns, so that what is read over shows.
FRAMES = [gen.KINDS[kind][1] for kind in KINDS] * 3


@pytest.fixture(params=SOURCES)
def uri(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    # Not in tmp_path, where open files are counted: libtrace 3 never closes a file of pcap:.
    scheme, _, compression = request.param.partition(".")
    path = tmp_path_factory.mktemp("source") / "trace"
    write = f.write_erf if scheme == "erf" else f.write_pcap
    write(path, f.records(*FRAMES), compression=compression)
    return f"{scheme}:{path}"


Snapshot = tuple[Any, ...]


def snapshot(packet: libtrace.Packet) -> Snapshot:
    """Everything that a packet shows, as values."""
    record = tuple(getattr(packet, name) for name in RECORD_FIELDS)
    layers = [
        (layer.name, layer.offset, layer.length, layer.object and bytes(layer.object.data))
        for layer in packet.layers
    ]
    return bytes(packet), record, fields(packet), layers


# 1. Packets of the iterator


def test_kept_packets_stay_as_they_were(uri: str) -> None:
    kept: list[libtrace.Packet] = []
    seen: list[Snapshot] = []

    def assert_unchanged() -> None:
        assert [snapshot(packet) for packet in kept] == seen

    trace = libtrace.open(uri)
    for packet in trace:
        kept.append(packet)
        seen.append(snapshot(packet))
    assert_unchanged()
    assert len({id(packet) for packet in kept}) == len(FRAMES)
    trace.pause()
    assert_unchanged()
    trace.close()
    assert_unchanged()
    del trace
    gc.collect()
    assert_unchanged()
    assert [bytes(packet)[: len(frame)] for packet, frame in zip(kept, FRAMES)] == FRAMES


@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_some_kept_packets(uri: str, step: int) -> None:
    with libtrace.open(uri) as trace:
        kept = [packet for number, packet in enumerate(trace) if number % step == 0]
        undecoded = [bytes(packet)[: len(FRAMES[0])] for packet in kept]
    expected = FRAMES[::step]
    assert [data[: len(frame)] for data, frame in zip(undecoded, expected)] == [
        frame[: len(FRAMES[0])] for frame in expected
    ]
    assert [bytes(packet)[: len(frame)] for packet, frame in zip(kept, expected)] == expected


def test_decoding_waits_until_the_trace_is_gone(uri: str) -> None:
    with libtrace.open(uri) as trace:
        early = [snapshot(packet) for packet in trace]
    with libtrace.open(uri) as trace:
        kept = list(trace)
    del trace
    assert [snapshot(packet) for packet in kept] == early


@pytest.mark.parametrize("end", ["pause", "close", "delete"])
def test_last_packet_outlives_the_trace(uri: str, end: str) -> None:
    trace = libtrace.open(uri)
    packet = next(trace)
    if end == "delete":
        del trace
    else:
        getattr(trace, end)()
    assert bytes(packet)[: len(TCP)] == TCP
    assert packet.src_port == 40000


def test_packet_outlives_a_reading_that_failed(tmp_trace: Callable[..., str]) -> None:
    parts = [f.pcap_header(), f.pcap_record(TCP), f.pcap_record(TCP)[:-1]]
    trace = libtrace.open(tmp_trace(parts))
    packet = next(trace)
    with pytest.raises(libtrace.LibtraceError):
        next(trace)
    assert bytes(packet) == TCP
    del trace
    assert bytes(packet) == TCP


# 2. and 3. Layers, views and refilled packets


def test_layers_keep_their_packet(uri: str) -> None:
    with libtrace.open(uri) as trace:
        layers = [(packet.layer2, packet.layer3, packet.tcp_payload) for packet in trace]
    for (layer2, layer3, payload), frame in zip(layers, FRAMES):
        assert layer2.data[: len(frame)] == frame
        assert bytes(layer3)[:1] in frame
        if payload:
            assert payload.data in layer2.data


def test_read_packet_leaves_layers_and_views(uri: str) -> None:
    packet = libtrace.Packet()
    held = []
    trace = libtrace.open(uri)
    while trace.read_packet(packet):
        held.append((packet.layer2, memoryview(packet), packet.layer2.layer3))
    trace.close()
    del trace, packet
    for (layer2, view, layer3), frame in zip(held, FRAMES):
        assert layer2.data[: len(frame)] == bytes(view)[: len(frame)] == frame
        assert layer3.data in layer2.data


def test_read_packet_changes_the_packet_alone(uri: str) -> None:
    with libtrace.open(uri) as trace:
        first, second = next(trace), next(trace)
        before = snapshot(second)
        assert trace.read_packet(first)
        assert snapshot(second) == before
        assert bytes(first)[: len(FRAMES[2])] == FRAMES[2]


# 4. Setters


def test_setters_are_seen_by_every_layer(uri: str) -> None:
    with libtrace.open(uri) as trace:
        packet = next(trace)
        neighbour = next(trace)
        before = snapshot(neighbour)
        ip, again, view = packet.ip, packet.ip, memoryview(packet)
        assert ip is not None
        assert again is not None
        ip.ttl = 7
        list(trace)
        again.traffic_class = 9
    assert (packet.data[22], view[15], ip.traffic_class, again.ttl) == (7, 9, 9, 7)
    assert snapshot(neighbour) == before


# 5. Every order of destruction


@contextlib.contextmanager
def quick_collections() -> Iterator[None]:
    """The collector looks only at what is made from now on."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def make_all(uri: str) -> dict[str, Any]:
    trace = libtrace.Trace(uri)
    chosen = libtrace.Filter("tcp or udp")
    trace.conf_filter(chosen)
    trace.start()
    packet = next(trace)
    return {
        "trace": trace,
        "packet": packet,
        "layer": packet.tcp,
        "view": memoryview(packet),
        "filter": chosen,
        "iterator": iter(trace),
    }


CHECKS: dict[str, Callable[[Any], object]] = {
    "trace": lambda trace: trace.state == "started" and list(trace.statistics()),
    "packet": lambda packet: bytes(packet)[: len(TCP)] == TCP and packet.src_port == 40000,
    "layer": lambda layer: layer.src_port == 40000 and layer.src_prefix.version == 4,
    "view": lambda view: bytes(view)[: len(TCP)] == TCP,
    "filter": lambda chosen: chosen.expression == "tcp or udp",
    "iterator": lambda iterator: next(iterator).ip_proto in (6, 17),
}


def test_every_order_of_destruction(uri: str) -> None:
    with quick_collections():
        for order in itertools.permutations(CHECKS):
            things = make_all(uri)
            for name in order:
                del things[name]
                for left, thing in things.items():
                    assert CHECKS[left](thing), (order, name, left)
            gc.collect()


def test_destruction_in_a_cycle(uri: str) -> None:
    class Holder:
        pass

    with quick_collections():
        dead = []
        for _ in range(20):
            holder = Holder()
            holder.__dict__.update(make_all(uri), itself=holder)
            dead.append(weakref.ref(holder))
            del holder
        gc.collect()
        assert not any(reference() for reference in dead)


def test_interpreter_exits_with_live_objects(uri: str) -> None:
    code = """
        import atexit, sys
        import libtrace, plt

        trace = libtrace.open(sys.argv[1])
        packet, other = next(trace), next(trace)
        layer, view, payload = packet.tcp, memoryview(packet), packet.tcp_payload
        chosen = libtrace.Filter("tcp")
        waiting = libtrace.Trace(sys.argv[1])
        filled = libtrace.Packet()
        trace.read_packet(filled)

        class Holder:
            def __del__(self):
                assert self.packet.src_port == 40000
                bytes(self.view)

        holder = Holder()
        holder.packet, holder.view, holder.trace, holder.me = packet, view, trace, holder
        sys.modules["kept"] = [trace, packet, layer, view, holder]
        atexit.register(lambda: print(next(trace).capture_len > 0, layer.src_port))
    """
    assert run_script(code, uri) == "True 40000\n"


def test_generator_that_is_not_used_up(uri: str) -> None:
    def ports() -> Iterator[int | None]:
        with libtrace.open(uri) as trace:
            for packet in trace:
                yield packet.src_port

    generator = ports()
    assert next(generator) == 40000
    del generator
    gc.collect()


# Subclasses, and __init__ again


class MyTrace(libtrace.Trace):
    limit = 2

    def __init__(self, uri: str) -> None:
        super().__init__(uri)
        self.label = "mine"

    def close(self) -> None:
        self.label = "closed"
        super().close()


class MyPacket(libtrace.Packet):
    note = ""

    def sizes(self) -> tuple[int, int]:
        return self.capture_len, self.wire_len


class MyFilter(libtrace.Filter):
    reason = "because"


def test_subclasses(uri: str) -> None:
    with MyTrace(uri) as trace:
        chosen = MyFilter("tcp")
        trace.conf_filter(chosen)
        trace.start()
        packet = MyPacket()
        packet.note = "kept"
        assert trace.read_packet(packet)
        assert packet.apply_filter(chosen) is True
        assert packet.sizes()[0] == len(bytes(packet))
        with pytest.raises(TypeError):
            packet.wire_len = 5  # type: ignore[misc]
        with pytest.raises(TypeError):
            del packet.data
        packet.data = bytearray(b"\x01")
        packet.note += "!"
        packet.fresh = 5  # type: ignore[attr-defined]
        assert (bytes(packet)[0], packet.note, vars(packet)["fresh"]) == (1, "kept!", 5)
        del packet.note
        assert packet.note == ""
        assert type(next(trace)) is libtrace.Packet
    assert (trace.label, trace.limit, trace.state) == ("closed", 2, "closed")
    assert repr(chosen) == "<libtrace.MyFilter 'tcp'>"


def test_subclass_that_forgets_init(uri: str) -> None:
    class Forgetful(libtrace.Trace):
        def __init__(self) -> None:
            pass

    trace = Forgetful()
    uses: list[Callable[[], object]] = [
        trace.start,
        trace.close,
        trace.statistics,
        lambda: next(trace),
    ]
    for use in uses:
        with pytest.raises(ValueError, match="never initialised"):
            use()


def test_cycle_through_own_attributes(uri: str) -> None:
    dead = []
    for thing in (MyTrace(uri), MyPacket(), MyFilter("tcp")):
        thing.itself = thing  # type: ignore[union-attr]
        dead.append(weakref.ref(thing))
    del thing
    gc.collect()
    assert not any(reference() for reference in dead)


def test_no_script_may_free_what_is_in_use() -> None:
    swig = {"acquire", "append", "disown", "next", "own", "this", "thisown"}
    for cls in (libtrace.Packet, libtrace.TCP, libtrace.Trace, libtrace.OutputTrace):
        assert not swig & set(dir(cls))


def test_weak_references(uri: str) -> None:
    trace = libtrace.open(uri)
    chosen = plt.filter("tcp")
    references: list[weakref.ref[Any]] = [weakref.ref(trace), weakref.ref(chosen)]
    assert [reference() for reference in references] == [trace, chosen]
    del trace, chosen
    assert [reference() for reference in references] == [None, None]


def test_init_twice(uri: str) -> None:
    with libtrace.open(uri) as trace:
        packet, chosen = next(trace), libtrace.Filter("tcp")
        again: list[Callable[[], None]] = [
            lambda: trace.__init__(uri),  # type: ignore[misc]
            lambda: packet.__init__(),  # type: ignore[misc]
            lambda: chosen.__init__("udp"),  # type: ignore[misc]
        ]
        for call in again:
            with pytest.raises(RuntimeError, match="initialised already"):
                call()
        assert packet.apply_filter(chosen) is True
        assert len(list(trace)) == len(FRAMES) - 1


def test_init_with_bad_arguments_changes_nothing(uri: str) -> None:
    with libtrace.open(uri) as trace:
        packet, chosen = next(trace), libtrace.Filter("tcp")
        wrong: list[Callable[[], None]] = [
            lambda: trace.__init__(5),  # type: ignore[misc]
            lambda: packet.__init__(5),  # type: ignore[misc]
            lambda: chosen.__init__(5),  # type: ignore[misc]
        ]
        for call in wrong:
            with pytest.raises(TypeError):
                call()
        assert packet.apply_filter(chosen) is True
        assert len(list(trace)) == len(FRAMES) - 1


# Memory


LAYERS = """layer2 layer3 transport ip ip6 tcp udp icmp icmp6 sctp tcp_payload udp_payload
    layers"""
ATTRIBUTES = [*RECORD_FIELDS, *HEADER_FIELDS, *LAYERS.split(), "data", "datetime"]


@pytest.fixture
def packet(tmp_pcap: Callable[..., str]) -> libtrace.Packet:
    with libtrace.open(tmp_pcap(TCP)) as trace:
        return next(trace)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_reading_keeps_reference_counts(packet: libtrace.Packet, name: str) -> None:
    shared = [packet, None, True, False, libtrace.Packet]
    getattr(packet, name)
    before = [sys.getrefcount(thing) for thing in shared]
    for _ in range(1000):
        getattr(packet, name)
    after = [sys.getrefcount(thing) for thing in shared]
    assert max(abs(more - less) for less, more in zip(before, after)) < 100


# More than there is room for spare objects.
MANY = 200


def test_objects_used_again_are_as_new(packet: libtrace.Packet) -> None:
    """The memory of an object is used again by the next, of any type: nothing is left in it."""
    names = ["tcp", "ip", "layer2", "transport"]
    dropped = [getattr(packet, names[i % len(names)]) for i in range(MANY)]
    marked = dropped[: MANY // 2]
    references: list[weakref.ref[Any]] = []
    for thing in marked:
        vars(thing)["mark"] = packet
        if type(thing).__weakrefoffset__:  # SWIG's types since 4.5
            references.append(weakref.ref(thing))
    count = sys.getrefcount(packet)
    del dropped, marked, thing
    assert sys.getrefcount(packet) == count - MANY // 2
    assert not any(reference() for reference in references)
    fresh = [getattr(packet, names[i % 3]) for i in range(MANY)]
    assert len({id(thing) for thing in fresh}) == MANY
    assert [type(thing) for thing in fresh[:3]] == [libtrace.TCP, libtrace.IP, libtrace.Layer2]
    assert not any(vars(thing) for thing in fresh)
    assert {thing.src_port for thing in fresh} == {40000}


def test_types_keep_their_reference_counts(packet: libtrace.Packet) -> None:
    types = [libtrace.Packet, libtrace.TCP, libtrace.IP, ipp.IPprefix, natkit.IPflow]
    before = [sys.getrefcount(kind) for kind in types]
    for _ in range(MANY):
        ip = packet.ip
        assert packet.tcp and ip and ip.src_prefix and natkit.IPflow(ip)
    assert max(abs(sys.getrefcount(kind) - old) for kind, old in zip(types, before)) < MANY // 10


def test_dropping_what_no_init_filled() -> None:
    for kind in (libtrace.Packet, ipp.IPprefix):
        for _ in range(MANY):
            kind.__new__(kind)


@pytest.mark.slow
@unsanitized
@pytest.mark.parametrize("name", ATTRIBUTES)
def test_reading_keeps_memory(packet: libtrace.Packet, name: str) -> None:
    assert_steady(lambda: getattr(packet, name), 100_000)


USES: dict[str, Callable[[libtrace.Packet], object]] = {
    "bytes": bytes,
    "memoryview": memoryview,
    "repr": repr,
    "hexdump": libtrace.Packet.hexdump,
    "info": libtrace.Packet.info,
    "filter": lambda packet: packet.apply_filter(libtrace.Filter("tcp")),
    "bad filter": lambda packet: packet.apply_filter(plt.filter("no such filter")),
    "set data": lambda packet: setattr(packet, "data", bytearray(TCP)),
}


def raise_quietly(packet: libtrace.Packet) -> None:
    for name in ("data", "wire_len", "nonsense"):
        with contextlib.suppress(TypeError, ValueError, AttributeError):
            setattr(packet, name, bytearray(1 << 16))
    with contextlib.suppress(RuntimeError):
        packet.__init__()  # type: ignore[misc]
    with contextlib.suppress(ValueError):
        libtrace.Packet().time  # noqa: B018


USES["errors"] = raise_quietly


@pytest.mark.slow
@unsanitized
@pytest.mark.parametrize("name", USES)
def test_using_keeps_memory(packet: libtrace.Packet, name: str) -> None:
    assert_steady(lambda: USES[name](packet), 5_000)


@pytest.mark.slow
@unsanitized
def test_traces_keep_memory(tmp_pcap: Callable[..., str]) -> None:
    uri = tmp_pcap(*FRAMES)

    def use() -> None:
        with libtrace.open(uri, filter="tcp", snaplen=60) as trace:
            kept = [next(trace), next(trace)]
            trace.pause()
            trace.start()
            trace.read_packet(kept[0])
            trace.statistics()
            trace.conf_filter(None)
            with contextlib.suppress(libtrace.LibtraceError):
                trace.conf_promisc(True)
        libtrace.Trace(uri)
        with contextlib.suppress(libtrace.LibtraceError):
            libtrace.open("pcapfile:/no/such/file")

    assert_steady(use, 1_000)


@pytest.mark.slow
@unsanitized
@pytest.mark.parametrize("scheme", ["pcapfile", "pcap", "erf"])
def test_memory_of_a_list(tmp_path: pathlib.Path, scheme: str) -> None:
    count = 40_000
    write = f.write_erf if scheme == "erf" else f.write_pcap
    path = write(tmp_path / "mixed", gen.mixed(count))
    code = """
        import sys
        import libtrace
        sys.path.insert(0, sys.argv[2])
        from steady import resident
        list(libtrace.open(sys.argv[1], filter="less 0"))
        before = resident()
        packets = list(libtrace.open(sys.argv[1]))
        print(len(packets), resident() - before, sum(packet.capture_len for packet in packets))
    """
    output = run_script(code, f"{scheme}:{path}", str(pathlib.Path(__file__).parent))
    packets, used, captured = map(int, output.split())
    assert packets == count
    assert used <= captured + 700 * count
