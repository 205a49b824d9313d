# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a live capture is told, what it says of its losses, and what it says when it cannot be."""

from __future__ import annotations

import itertools
import json
import pathlib
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import libtrace
import pytest
from network import Network, udp_frame
from process import run, start

FORMATS = ["int", "ring", "pcapint"]
every_format = pytest.mark.parametrize("scheme", FORMATS)
WAIT = 20.0
WINDOW = 20
"""Packets that every capture buffer holds; libtrace 4 has 32 places for `pcapint:`."""


_HEADERS = udp_frame(bytes(60))[:42]


def numbered(number: int, size: int = 60) -> bytes:
    """A frame that shows its number from end to end; made fast, its checksum is not right."""
    return _HEADERS + b"%08d" % number * (size // 8)


@pytest.fixture
def trace(network: Network, scheme: str) -> Iterator[libtrace.Trace]:
    with libtrace.open(f"{scheme}:{network.far}", timeout=WAIT) as trace:
        yield trace


def received_by_kernel(interface: str) -> int:
    """Packets that came out of the interface since it was made."""
    for line in pathlib.Path("/proc/thread-self/net/dev").read_text().splitlines():
        name, _, numbers = line.partition(":")
        if name.strip() == interface:
            return int(numbers.split()[1])
    raise LookupError(interface)


def read_until_silence(trace: libtrace.Trace) -> list[bytes]:
    """Everything that is there; a read of `pcapint:` may wait for some milliseconds until it is."""
    found = []
    trace.conf_timeout(0.3)
    try:
        for packet in trace:
            found.append(bytes(packet))
    except libtrace.TraceTimeout:
        pass
    trace.conf_timeout(WAIT)
    return found


# Nothing is lost


def exchange(network: Network, trace: libtrace.Trace, count: int) -> None:
    """Sends packets in windows that fit into the buffer, and compares them all."""
    window = WINDOW if trace.uri.startswith("pcapint:") else 5 * WINDOW
    for first in range(0, count, window):
        sent = [numbered(number) for number in range(first, min(first + window, count))]
        network.send(*sent)
        assert [bytes(next(trace)) for _ in sent] == sent
    counters = trace.statistics()
    assert counters["accepted"] == counters["received"] == counters["captured"] == count
    assert counters["dropped"] == 0


@every_format
def test_all_packets_arrive(network: Network, trace: libtrace.Trace) -> None:
    exchange(network, trace, 2_000)


@pytest.mark.slow
@every_format
def test_many_packets_arrive(network: Network, trace: libtrace.Trace) -> None:
    """A million and more: make bench-capture."""
    exchange(network, trace, 50_000)


@every_format
def test_several_traces_in_several_threads(network: Network, scheme: str) -> None:
    """Each of four gets all packets, in order, while another thread sends."""
    sent = [numbered(number) for number in range(2_000)]
    traces = [libtrace.open(f"{scheme}:{network.far}", timeout=WAIT) for _ in range(4)]
    windows = threading.Semaphore(0)

    def read(trace: libtrace.Trace) -> list[bytes]:
        found = []
        with trace:
            for packet in itertools.islice(trace, len(sent)):
                found.append(bytes(packet))
                if len(found) % WINDOW == 0:
                    windows.release()
        return found

    with ThreadPoolExecutor(len(traces)) as pool:
        jobs = [pool.submit(read, trace) for trace in traces]
        for first in range(0, len(sent), WINDOW):
            network.send(*sent[first : first + WINDOW])
            for _ in traces:
                assert windows.acquire(timeout=WAIT)
        assert [job.result() for job in jobs] == [sent] * len(traces)


CHATTER = """
    import socket
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        while True:
            udp.sendto(b"from elsewhere", ("127.0.0.1", 9))
"""


@pytest.mark.parametrize("scheme", ["int", "ring"])
def test_nothing_from_other_interfaces(network: Network, scheme: str) -> None:
    """The kernel gives a socket the packets of all until it is bound to one."""
    chatter = start(CHATTER)
    before = received_by_kernel(network.loopback)
    try:
        while received_by_kernel(network.loopback) == before:
            assert chatter.poll() is None
        for _ in range(50):
            with libtrace.open(f"{scheme}:{network.far}", timeout=WAIT) as trace:
                network.send(numbered(1))
                assert bytes(next(trace)) == numbered(1)
    finally:
        chatter.kill()
        chatter.communicate()


# What is lost is told


@every_format
def test_counters_under_overload(network: Network, trace: libtrace.Trace) -> None:
    before = received_by_kernel(network.far)
    sent = 0
    while not trace.packet_drops:
        network.send(*[numbered(number, 1400) for number in range(sent, sent + 5_000)])
        sent += 5_000
    found = read_until_silence(trace)
    assert received_by_kernel(network.far) - before == sent
    counters = trace.statistics()
    assert counters["received"] == sent
    assert counters["accepted"] == counters["captured"] == len(found)
    assert counters["dropped"] == sent - len(found)
    assert counters["missing"] is counters["errors"] is None
    numbers = [int(data[42:50]) for data in found]
    assert found == [numbered(number, 1400) for number in numbers]
    assert numbers == sorted(set(numbers))
    network.send(numbered(sent))
    assert bytes(next(trace)) == numbered(sent)
    trace.pause()
    trace.start()
    network.send(numbered(0))
    next(trace)
    trace.close()
    counters["received"] = sent + 2
    counters["accepted"] = counters["captured"] = len(found) + 2
    assert trace.statistics() == counters


@every_format
def test_what_the_filter_rejects_is_captured(network: Network, trace: libtrace.Trace) -> None:
    trace.conf_filter(libtrace.Filter("udp port 10"))
    network.send(*[udp_frame(b"x", 9 + number % 2) for number in range(WINDOW)])
    for _ in range(WINDOW // 2):
        next(trace)
    counters = trace.statistics()
    assert counters["accepted"] == counters["filtered"] == WINDOW // 2
    assert counters["captured"] == WINDOW


@every_format
def test_counters_of_a_trace_that_was_never_started(scheme: str) -> None:
    counters = libtrace.Trace(f"{scheme}:lo").statistics()
    assert (counters.pop("accepted"), counters.pop("filtered")) == (0, 0)
    assert set(counters.values()) == {None}


@every_format
def test_the_interface_that_sends_counts_too(network: Network, scheme: str) -> None:
    """libtrace 4 would take it from the interface's counter of what came in."""
    with libtrace.open(f"{scheme}:{network.near}", timeout=WAIT) as trace:
        network.send(*[numbered(number) for number in range(10)])
        for _ in range(10):
            next(trace)
        assert trace.statistics()["received"] == 10


@every_format
def test_what_is_sent_arrives(network: Network, trace: libtrace.Trace, scheme: str) -> None:
    network.send(*[numbered(number) for number in range(WINDOW)])
    packets = [next(trace) for _ in range(WINDOW)]
    with libtrace.OutputTrace(f"int:{network.near}") as output:
        for packet in packets:
            output.write_packet(packet)
        assert output.packets_written == WINDOW
    assert [bytes(next(trace)) for _ in packets] == [bytes(packet) for packet in packets]
    assert trace.packet_drops == 0


# Options


def promiscuity(interface: str) -> int:
    command = ["ip", "-details", "-json", "link", "show", interface]
    (link,) = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return int(link["promiscuity"])


@every_format
def test_promiscuous_mode_while_running(network: Network, trace: libtrace.Trace) -> None:
    for wanted in (True, True, False, False, True):
        trace.conf_promisc(wanted)
        assert promiscuity(network.far) == wanted
    network.send(numbered(1))
    next(trace)
    trace.close()
    assert promiscuity(network.far) == 0


@every_format
def test_configure_before_the_start(network: Network, scheme: str) -> None:
    trace = libtrace.Trace(f"{scheme}:{network.far}")
    trace.conf_filter(libtrace.Filter("udp port 10"))
    trace.conf_snaplen(50)
    trace.conf_promisc(True)
    trace.conf_timeout(WAIT)
    trace.start()
    network.send(udp_frame(bytes(100), 9), udp_frame(bytes(100), 10))
    packet = next(trace)
    assert (packet.dst_port, packet.capture_len) == (10, 50)
    assert promiscuity(network.far) == 1
    trace.pause()
    trace.conf_filter(None)
    trace.conf_snaplen(0)
    trace.conf_promisc(False)
    trace.conf_timeout(0.05)
    trace.start()
    assert promiscuity(network.far) == 0
    network.send(udp_frame(bytes(100), 9))
    packet = next(trace)
    assert (packet.dst_port, packet.capture_len) == (9, 142)
    with pytest.raises(libtrace.TraceTimeout):
        next(trace)
    trace.close()


def test_pcapint_cannot_raise_the_snap_length_while_it_runs(network: Network) -> None:
    with libtrace.open(f"pcapint:{network.far}", snaplen=60, timeout=WAIT) as trace:
        for longer in (61, 65536, 0):
            with pytest.raises(libtrace.LibtraceError, match="while it runs: pause"):
                trace.conf_snaplen(longer)
        for snaplen in (50, 60):
            trace.conf_snaplen(snaplen)
            network.send(numbered(1, 400))
            assert next(trace).capture_len == snaplen
        trace.pause()
        trace.conf_snaplen(0)
        trace.start()
        network.send(numbered(1, 400))
        assert next(trace).capture_len == 442


@every_format
@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("conf_snaplen", -1),
        ("conf_snaplen", 65537),
        ("conf_timeout", -0.1),
        ("conf_timeout", float("inf")),
        ("conf_promisc", 2),
    ],
)
def test_bad_option_leaves_no_error_behind(
    network: Network, trace: libtrace.Trace, method: str, value: float
) -> None:
    network.send(numbered(1), numbered(2))
    for number in (1, 2):
        with pytest.raises(ValueError):
            getattr(trace, method)(value)
        assert bytes(next(trace)) == numbered(number)


# What keeps it from starting

REFUSED = """
    import libtrace, os, sys, time
    with libtrace.open(sys.argv[2]) as file:
        packet = next(file)
    os.setuid(65534)
    for kind in libtrace.Trace, libtrace.OutputTrace:
        trace, before = kind(sys.argv[1]), time.monotonic()
        try:
            trace.start()
            trace.write_packet(packet)
        except PermissionError as error:
            assert isinstance(error, libtrace.LibtraceError)
            assert error.errno == error.code == 1
            assert time.monotonic() - before < 1
            print(error)
"""


@every_format
def test_no_permission(network: Network, scheme: str, tmp_pcap: Callable[..., str]) -> None:
    messages = run(REFUSED, f"{scheme}:{network.far}", tmp_pcap(numbered(1))).splitlines()
    assert len(messages) == 2
    for message in messages:
        assert f"{scheme}:{network.far}" in message
        assert "setcap cap_net_raw+ep" in message


@pytest.mark.parametrize("scheme", ["int", "ring"])
def test_no_such_interface_names_those_that_are(network: Network, scheme: str) -> None:
    before = time.monotonic()
    with pytest.raises(libtrace.LibtraceError, match="no interface 'nosuch'") as caught:
        libtrace.open(f"{scheme}:nosuch")
    assert time.monotonic() - before < 1
    for name in (network.near, network.far, network.loopback):
        assert f" {name}" in str(caught.value)
