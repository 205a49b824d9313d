# SPDX-License-Identifier: LGPL-3.0-or-later
"""Live capture, in a network of the test's own."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import threading
import time
from collections.abc import Iterator

import gen
import gen_packets as p
import libtrace
import pytest
from network import Network
from process import run
from reading import touch

FORMATS = ["int", "ring", "pcapint"]
every_format = pytest.mark.parametrize("scheme", FORMATS)
WAIT = 5.0


def frame(payload: bytes = b"payload", port: int = 9) -> bytes:
    return p.eth(p.ipv4(p.UDP, p.udp(1000, port, payload)))


@pytest.fixture
def trace(network: Network, scheme: str) -> Iterator[libtrace.Trace]:
    with libtrace.open(f"{scheme}:{network.far}", timeout=WAIT) as trace:
        yield trace


# What is captured


# The kernel takes VLAN tags off before int: and ring: see the frame.
UNTAGGED = [
    data
    for name, (linktype, data) in gen.KINDS.items()
    if linktype == 1 and name not in ("vlan", "vlan_vlan", "qinq")
]


@every_format
def test_packets_as_sent(network: Network, trace: libtrace.Trace) -> None:
    before = time.time_ns()
    network.send(*UNTAGGED)
    found = [next(trace) for _ in UNTAGGED]
    for packet, data in zip(found, UNTAGGED):
        touch(packet)
        assert bytes(packet) == data
        assert packet.wire_len == len(data) + 4
        assert packet.linktype == libtrace.LinkType.ETH
        assert not packet.is_truncated
        assert abs(packet.timestamp_ns - before) < 60 * 10**9
    times = [packet.timestamp_ns for packet in found]
    assert times == sorted(times)
    assert trace.accepted_packets == len(UNTAGGED)


@every_format
@pytest.mark.parametrize("size", [14, 59, 1514])
def test_lengths(network: Network, trace: libtrace.Trace, size: int) -> None:
    data = p.eth(b"", 0x88B5).ljust(size, b"\x5a")
    network.send(data)
    packet = next(trace)
    assert bytes(packet) == data
    assert (packet.capture_len, packet.wire_len) == (size, size + 4)


@every_format
@pytest.mark.parametrize("snaplen", [20, 43, 76])
def test_snaplen(network: Network, scheme: str, snaplen: int) -> None:
    data = frame(bytes(range(200)))
    with libtrace.open(f"{scheme}:{network.far}", snaplen=snaplen, timeout=WAIT) as trace:
        network.send(data, data[:19])
        packet, short = next(trace), next(trace)
        assert bytes(packet) == data[:snaplen]
        assert packet.wire_len == len(data) + 4
        assert packet.is_truncated
        assert bytes(short) == data[:19]
        trace.conf_snaplen(20)
        network.send(data)
        assert bytes(next(trace)) == data[:20]


@pytest.mark.parametrize("scheme", ["int", "ring"])
def test_snaplen_0_is_none(network: Network, trace: libtrace.Trace) -> None:
    data = frame(bytes(range(200)))
    trace.conf_snaplen(30)
    network.send(data)
    assert bytes(next(trace)) == data[:30]
    trace.conf_snaplen(0)
    network.send(data)
    assert bytes(next(trace)) == data


@every_format
def test_filter(network: Network, scheme: str) -> None:
    with libtrace.open(f"{scheme}:{network.far}", filter="udp port 10", timeout=WAIT) as trace:
        network.send(frame(port=9), frame(port=10), frame(port=11), frame(port=10))
        assert [next(trace).dst_port for _ in range(2)] == [10, 10]
        trace.conf_filter(libtrace.Filter("udp port 9"))
        network.send(frame(port=10), frame(port=9))
        assert next(trace).dst_port == 9
        assert trace.accepted_packets == 3
        assert trace.statistics()["filtered"] == 3


def promiscuity(network: Network) -> int:
    command = ["ip", "-details", "-json", "link", "show", network.far]
    (link,) = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return int(link["promiscuity"])


@every_format
def test_promiscuous_mode(network: Network, scheme: str) -> None:
    uri = f"{scheme}:{network.far}"
    with libtrace.open(uri, promisc=True):
        assert promiscuity(network) == 1
    with libtrace.open(uri, promisc=False):
        assert promiscuity(network) == 0
    trace = libtrace.Trace(uri)
    trace.conf_promisc(True)
    trace.start()
    assert promiscuity(network) == 1
    trace.pause()
    assert promiscuity(network) == 0
    trace.start()
    assert promiscuity(network) == 1
    del trace
    assert promiscuity(network) == 0


@pytest.mark.parametrize("scheme", ["int", "ring"])
def test_direction(network: Network, scheme: str) -> None:
    uris = [f"{scheme}:{name}" for name in (network.near, network.far)]
    with libtrace.open(uris[0], timeout=WAIT) as out, libtrace.open(uris[1], timeout=WAIT) as into:
        network.send(p.eth(b"", 0x88B5, dst=p.BROADCAST))
        assert next(out).direction == libtrace.Direction.OUTGOING
        assert next(into).direction == libtrace.Direction.INCOMING


# Segmentation offload hands over packets longer than any wire's, and than libtrace's buffers


@every_format
@pytest.mark.parametrize("size", [3000, 63_000])
def test_packet_longer_than_the_mtu(network: Network, trace: libtrace.Trace, size: int) -> None:
    payload = bytes(range(256)) * (size // 256)
    after = frame(b"after")
    trace.conf_filter(libtrace.Filter("udp"))
    network.send_segments(payload)
    network.send(after)
    found = [next(trace)]
    while bytes(found[-1]) != after:
        found.append(next(trace))
    sent = b"".join(bytes(packet)[42:] for packet in found[:-1])
    if found[0].is_truncated:  # ring: frames are a bit longer than the MTU
        assert scheme_of(trace) == "ring"
        assert payload.startswith(sent)
        assert len(sent) > 1500
    else:
        assert sent == payload
    wire = sum(packet.wire_len - 4 - 42 for packet in found[:-1])
    assert wire == len(payload)


def scheme_of(trace: libtrace.Trace) -> str:
    return trace.uri.partition(":")[0]


@every_format
@pytest.mark.parametrize("mtu", [1500, 4040, 9000, 65_535])
def test_rings_of_any_mtu(network: Network, scheme: str, mtu: int) -> None:
    for interface in (network.near, network.far):
        network.set("mtu", str(mtu), interface=interface)
    data = p.eth(b"", 0x88B5) + bytes(range(256)) * 256
    data = data[: min(mtu + 14, 65_000)]
    with libtrace.open(f"{scheme}:{network.far}", timeout=WAIT) as trace:
        network.send(data, data[:100], data)
        found = [next(trace) for _ in range(3)]
    for packet, sent in zip(found, (data, data[:100], data)):
        assert packet.wire_len == len(sent) + 4
        assert sent.startswith(bytes(packet))
        assert packet.capture_len == len(sent) or scheme == "ring"
    assert found[0].capture_len > 0.9 * len(data)


@every_format
def test_packet_of_64_kib(network: Network, scheme: str) -> None:
    payload = bytes(range(256)) * 256
    payload = payload[:65_507]
    with libtrace.open(f"{scheme}:{network.loopback}", timeout=WAIT, filter="udp") as trace:
        network.send_loopback(payload)
        network.send_loopback(b"after")
        found = [next(trace)]
        while bytes(found[-1])[42:] != b"after":
            found.append(next(trace))
    long = found[0]
    touch(long)
    assert long.wire_len == 14 + 20 + 8 + 65_507 + 4 > 65_535
    assert long.is_truncated == (long.capture_len < 65_549)
    assert long.capture_len > 65_000
    assert payload.startswith(bytes(long)[42:])
    assert long.dst_port == 9


# Pause, keep, close


@every_format
def test_pause(network: Network, trace: libtrace.Trace) -> None:
    network.send(frame(b"one"))
    kept = next(trace)
    trace.pause()
    assert trace.state == "paused"
    assert None not in (trace.accepted_packets, trace.statistics()["accepted"])
    with pytest.raises(libtrace.TraceStateError, match="paused"):
        next(trace)
    network.send(frame(b"lost"))
    trace.conf_filter(libtrace.Filter("udp"))
    trace.start()
    network.send(frame(b"two"), frame(b"three"))
    assert [bytes(next(trace))[42:] for _ in range(2)] == [b"two", b"three"]
    assert bytes(kept)[42:] == b"one"
    assert trace.accepted_packets == 3


@every_format
def test_pause_again_and_again(network: Network, trace: libtrace.Trace) -> None:
    for turn in range(5):
        network.send(*[frame(b"%d" % turn)] * 3)
        assert bytes(next(trace))[42:] == b"%d" % turn
        trace.pause()
        trace.start()
    trace.pause()
    trace.close()
    trace.close()
    assert trace.accepted_packets == 5


@every_format
def test_kept_packets(network: Network, trace: libtrace.Trace) -> None:
    """More than a ring holds, kept beyond the trace's life."""
    sent = [frame(b"%06d" % number * 3) for number in range(600)]
    found = []
    for start in range(0, len(sent), 20):
        network.send(*sent[start : start + 20])
        found += [next(trace) for _ in range(20)]
    views = [memoryview(packet) for packet in found]
    trace.close()
    assert [bytes(packet) for packet in found] == sent
    del found
    assert views == sent


@every_format
def test_read_packet(network: Network, trace: libtrace.Trace) -> None:
    packet = libtrace.Packet()
    network.send(frame(b"one"), frame(b"two"))
    assert trace.read_packet(packet)
    view = memoryview(packet)
    assert trace.read_packet(packet)
    assert bytes(view)[42:] == b"one"
    assert bytes(packet)[42:] == b"two"


@every_format
def test_write_to_packet(network: Network, trace: libtrace.Trace) -> None:
    network.send(frame(b"one"), frame(b"two"))
    packet = next(trace)
    packet.data = bytearray(b"\xff" * 6)
    assert packet.dst_mac == "ff:ff:ff:ff:ff:ff"
    assert bytes(next(trace))[42:] == b"two"
    assert packet.dst_mac == "ff:ff:ff:ff:ff:ff"


# Counters


@every_format
def test_drops_are_counted_once_and_for_all(network: Network, scheme: str) -> None:
    with libtrace.open(f"{scheme}:{network.far}", timeout=WAIT) as trace:
        assert trace.pkt_drops() == 0
        for _ in range(50):
            network.send(*[frame(bytes(1400))] * 10_000)
            drops = trace.pkt_drops()
            if drops:
                break
        assert drops > 0
        assert trace.pkt_drops() == trace.packet_drops == trace.statistics()["dropped"] == drops
        trace.pause()
        assert trace.pkt_drops() == drops
        trace.start()
        assert trace.pkt_drops() == drops
    assert trace.pkt_drops() == drops


@every_format
def test_counters_hold_nothing_absurd(network: Network, scheme: str) -> None:
    """libtrace 4 subtracts what it cannot know to be less."""
    with libtrace.open(f"{scheme}:{network.loopback}", timeout=WAIT) as trace:
        for _ in range(2000):
            network.send_loopback(bytes(30_000))
        next(trace)
        counters = trace.statistics()
    assert counters["accepted"] == 1
    assert all(value is None or 0 <= value < 10_000 for value in counters.values())


# What can go wrong


@every_format
def test_timeout(network: Network, trace: libtrace.Trace) -> None:
    trace.conf_timeout(0.2)
    before = time.monotonic()
    with pytest.raises(libtrace.TraceTimeout, match="no packet on") as caught:
        next(trace)
    assert 0.2 <= time.monotonic() - before < 2
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.uri == trace.uri
    network.send(frame(b"late"))
    assert bytes(next(trace))[42:] == b"late"


@every_format
def test_timeout_counts_delivered_packets(network: Network, trace: libtrace.Trace) -> None:
    """What the filter rejects does not prolong the wait."""
    trace.conf_filter(libtrace.Filter("tcp"))
    trace.conf_timeout(0.3)
    stop = threading.Event()

    def chatter() -> None:
        while not stop.wait(0.02):
            network.send(frame())

    thread = threading.Thread(target=chatter)
    thread.start()
    try:
        with pytest.raises(libtrace.TraceTimeout):
            next(trace)
    finally:
        stop.set()
        thread.join()
    assert trace.statistics()["filtered"]


@every_format
@pytest.mark.parametrize("how", ["down", "gone"])
def test_interface_goes(network: Network, trace: libtrace.Trace, how: str) -> None:
    network.send(frame(b"last"))
    assert bytes(next(trace))[42:] == b"last"

    def go() -> None:
        if how == "down":
            network.set("down")
        else:
            subprocess.run(["ip", "link", "delete", network.far], check=True)

    timer = threading.Timer(0.1, go)
    timer.start()
    with pytest.raises(libtrace.LibtraceError) as caught:
        next(trace)
    timer.join()
    assert not isinstance(caught.value, libtrace.TraceTimeout)
    assert caught.value.code in (errno.ENETDOWN, errno.ENODEV, errno.ENXIO)
    if how == "down":
        network.set("up")
        network.send(frame(b"up again"))
        assert bytes(next(trace))[42:] == b"up again"
    for _ in range(2 if how == "gone" else 0):  # nothing comes any more: who tries again is told so
        with pytest.raises(libtrace.LibtraceError, match="No such device"):
            next(trace)


@every_format
@pytest.mark.parametrize("name", ["nosuch", "x" * 200, "../near"], ids=["plain", "long", "path"])
def test_no_such_interface(network: Network, scheme: str, name: str) -> None:
    trace = libtrace.Trace(f"{scheme}:{name}")
    for _ in range(2):
        with pytest.raises(libtrace.LibtraceError, match="cannot"):
            trace.start()
    with pytest.raises(libtrace.TraceStateError):
        next(trace)
    trace.close()


@every_format
def test_many_open_files(network: Network, scheme: str) -> None:
    """libtrace's select() would write behind its set of descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2000:
        pytest.skip("needs a limit of 2,000 open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2000, hard))
    files = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        with pytest.raises(libtrace.LibtraceError, match="too many files") as caught:
            libtrace.open(f"{scheme}:{network.far}")
        assert caught.value.code == errno.EMFILE
    finally:
        for file in files:
            os.close(file)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@every_format
def test_exit_while_capturing(network: Network, scheme: str) -> None:
    program = """
        import libtrace, sys, threading
        trace = libtrace.open(sys.argv[1])
        reader = threading.Thread(target=lambda: list(trace), daemon=True)
        reader.start()
        reader.join(0.1)
        print("done")
    """
    assert run(program, f"{scheme}:{network.far}") == "done\n"
