# SPDX-License-Identifier: LGPL-3.0-or-later
"""What ends a read that waits, and what tells that it need not wait."""

from __future__ import annotations

import contextlib
import io
import os
import pathlib
import select
import selectors
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import gen_files as f
import libtrace
import pytest
from network import Network, udp_frame
from waiting import interrupt, on_alarm

FORMATS = ["int", "ring", "pcapint"]
every_format = pytest.mark.parametrize("scheme", FORMATS)
WAIT = 20.0
"""Seconds after which a test has failed; what it waits for comes at once."""

SLEPT = 0.06
"""Seconds of a processor: more than a wait of a second needs, less than a loop would take."""


def texts(packets: list[libtrace.Packet]) -> list[bytes]:
    return [bytes(packet)[42:] for packet in packets]


def until_it_waits() -> None:
    """Long enough for another thread to be inside its read; no test fails where it is not."""
    time.sleep(0.1)


# stop(): interfaces


@every_format
@pytest.mark.parametrize("readers", [1, 3])
def test_stop_from_a_thread(network: Network, trace: libtrace.Trace, readers: int) -> None:
    with ThreadPoolExecutor(readers) as pool:
        jobs = [pool.submit(list, trace) for _ in range(readers)]
        until_it_waits()
        trace.stop()
        assert [job.result(WAIT) for job in jobs] == [[]] * readers
    assert trace.state == "stopped"
    assert trace.statistics()["received"] == 0


@every_format
def test_stop_lasts_until_start(network: Network, trace: libtrace.Trace) -> None:
    network.send(udp_frame(b"one"), udp_frame(b"two"))
    found = [next(trace)]
    for _ in range(3):
        trace.stop()
        assert list(trace) == []
        assert next(trace, None) is None
        assert trace.read_packet(libtrace.Packet()) is False
    network.send(udp_frame(b"three"))
    trace.start()
    assert trace.state == "started"
    found += [next(trace), next(trace)]
    assert texts(found) == [b"one", b"two", b"three"]
    trace.stop()
    trace.pause()
    assert trace.state == "paused"
    trace.start()
    network.send(udp_frame(b"four"))
    assert texts([next(trace)]) == [b"four"]


@every_format
def test_stop_from_a_signal_handler(network: Network, trace: libtrace.Trace) -> None:
    with on_alarm(trace.stop, 0.1):
        assert list(trace) == []
    assert trace.state == "stopped"


@every_format
def test_stop_does_not_touch_another_trace(network: Network, trace: libtrace.Trace) -> None:
    other = libtrace.open(trace.uri, timeout=WAIT)
    with other, ThreadPoolExecutor(2) as pool:
        stopped, going_on = pool.submit(list, trace), pool.submit(next, other)
        until_it_waits()
        trace.stop()
        assert stopped.result(WAIT) == []
        assert not going_on.done()
        network.send(udp_frame(b"for the other"))
        assert texts([going_on.result(WAIT)]) == [b"for the other"]


@every_format
@pytest.mark.parametrize("filter", [None, "tcp"], ids=["all", "none"])
def test_stop_while_packets_come(
    network: Network, trace: libtrace.Trace, filter: str | None
) -> None:
    done = threading.Event()

    def chatter() -> None:
        while not done.is_set():
            network.send(*[udp_frame(b"chatter")] * 20)

    trace.conf_filter(filter and libtrace.Filter(filter))
    with ThreadPoolExecutor(2) as pool:
        sender, reader = pool.submit(chatter), pool.submit(list, trace)
        until_it_waits()
        trace.stop()
        try:
            found = reader.result(WAIT)
        finally:
            done.set()
        sender.result()
    assert set(texts(found)) == ({b"chatter"} if filter is None else set())
    assert len(found) == trace.accepted_packets


# stop(): files


@pytest.fixture
def uri(tmp_pcap: Callable[..., str]) -> str:
    return tmp_pcap(*[udp_frame(b"%d" % number) for number in range(5)])


def test_stop_in_the_loop_over_a_file(uri: str) -> None:
    with libtrace.open(uri) as trace:
        found = []
        for packet in trace:
            found.append(packet)
            if len(found) == 2:
                trace.stop()
        assert texts(found) == [b"0", b"1"]
        assert trace.state == "stopped"
        assert trace.accepted_packets == 2
        trace.start()
        assert texts(list(trace)) == [b"2", b"3", b"4"]
        trace.stop()
        trace.start()
        assert list(trace) == []


def test_stop_ends_a_read_that_finds_nothing(tmp_path: pathlib.Path) -> None:
    record = f.pcap_record(udp_frame(b"none"))
    uri = "pcapfile:" + f.write(tmp_path / "trace", [f.pcap_header(), record * 1_000_000])
    with libtrace.open(uri, filter="tcp") as trace, on_alarm(trace.stop, 0.01):
        assert next(trace, None) is None
        assert trace.state == "stopped"


def test_stop_before_the_start_and_after_the_end(uri: str) -> None:
    trace = libtrace.Trace(uri)
    trace.stop()
    assert trace.state == "new"
    with pytest.raises(libtrace.TraceStateError):
        next(trace)
    trace.start()
    assert len(list(trace)) == 5
    trace.pause()
    trace.stop()
    assert trace.state == "paused"
    trace.close()
    trace.stop()
    assert trace.state == "closed"
    with pytest.raises(libtrace.TraceStateError):
        next(trace)


# An interface that is down


@pytest.fixture
def down(network: Network, trace: libtrace.Trace) -> Iterator[libtrace.Trace]:
    """A trace that has told that its interface went down, and is read on."""
    network.set("down")
    with pytest.raises(libtrace.LibtraceError, match="down"):
        next(trace)
    yield trace


@every_format
def test_stop_on_a_downed_interface(down: libtrace.Trace) -> None:
    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(list, down)
        until_it_waits()
        down.stop()
        assert reader.result(WAIT) == []


@every_format
def test_timeout_on_a_downed_interface(down: libtrace.Trace) -> None:
    down.conf_timeout(0.1)
    for _ in range(2):
        with pytest.raises(libtrace.TraceTimeout):
            next(down)


@every_format
def test_signal_on_a_downed_interface(down: libtrace.Trace) -> None:
    def handler() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), on_alarm(handler, 0.1):
        next(down)


@pytest.mark.parametrize("scheme", ["int", "ring"])
def test_interface_that_is_down_at_the_start(network: Network, scheme: str) -> None:
    network.set("down")
    interrupt(f"{scheme}:{network.far}")
    with libtrace.open(f"{scheme}:{network.far}", timeout=0.1) as trace:
        with pytest.raises(libtrace.TraceTimeout):
            next(trace)
        network.set("up")
        network.send(udp_frame(b"up"))
        trace.conf_timeout(WAIT)
        assert texts([next(trace)]) == [b"up"]


def test_pcapint_does_not_start_on_an_interface_that_is_down(network: Network) -> None:
    network.set("down")
    with pytest.raises(libtrace.LibtraceError, match="not up"):
        libtrace.open(f"pcapint:{network.far}")


# What a wait costs


@every_format
def test_a_wait_sleeps(network: Network, trace: libtrace.Trace) -> None:
    """Also behind a packet, whose place in a ring looks to the kernel like another one."""
    trace.conf_timeout(0.3)
    network.send(udp_frame(b"last"))
    packet = next(trace)
    before = time.thread_time()
    for _ in range(2):
        with pytest.raises(libtrace.TraceTimeout):
            next(trace)
    assert time.thread_time() - before < SLEPT
    assert texts([packet]) == [b"last"]


def test_a_forked_process_does_not_touch_the_trace(network: Network) -> None:
    """What wakes those that wait is one for both."""
    with libtrace.open(f"int:{network.far}", timeout=1) as trace:
        child = os.fork()
        if not child:
            trace.stop()
            trace.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert trace.state == "started"
        before = time.thread_time()
        with pytest.raises(libtrace.TraceTimeout):
            next(trace)
        assert time.thread_time() - before < SLEPT
        network.send(udp_frame(b"parent's"))
        assert texts([next(trace)]) == [b"parent's"]


def test_a_thread_that_waits_for_another_has_a_timeout_too(network: Network) -> None:
    with libtrace.open(f"int:{network.far}", timeout=0.5) as trace, ThreadPoolExecutor(2) as pool:
        before = time.monotonic()
        for job in [pool.submit(next, trace) for _ in range(2)]:
            with pytest.raises(libtrace.TraceTimeout):
                job.result(WAIT)
        assert time.monotonic() - before >= 0.5


@every_format
def test_start_again_while_another_thread_waits(network: Network, trace: libtrace.Trace) -> None:
    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(next, trace)
        until_it_waits()
        trace.start()
        assert trace.state == "started"
        network.send(udp_frame(b"still there"))
        assert texts([reader.result(WAIT)]) == [b"still there"]


# fileno()


def is_readable(trace: libtrace.Trace, seconds: float = 0) -> bool:
    return bool(select.select([trace], [], [], seconds)[0])


def drain(trace: libtrace.Trace) -> list[bytes]:
    """What is there, without a wait worth mentioning."""
    found = []
    trace.conf_timeout(0.01)
    with contextlib.suppress(libtrace.TraceTimeout):
        for packet in trace:
            found.append(packet)
    return texts(found)


@every_format
def test_fileno_is_readable_when_packets_come(network: Network, trace: libtrace.Trace) -> None:
    assert not is_readable(trace)
    for turn in range(3):
        sent = [b"%d-%d" % (turn, number) for number in range(turn + 1)]
        network.send(*map(udp_frame, sent))
        assert is_readable(trace, WAIT)
        found: list[bytes] = []
        while len(found) < len(sent):
            found += drain(trace)
        assert found == sent
        assert not is_readable(trace)


@every_format
def test_fileno_in_a_selector(network: Network, scheme: str) -> None:
    uris = [f"{scheme}:{name}" for name in (network.near, network.far)]
    with libtrace.open(uris[0]) as out, libtrace.open(uris[1]) as into:
        with selectors.DefaultSelector() as selector:
            for trace in (out, into):
                selector.register(trace, selectors.EVENT_READ, trace)
            network.send(udp_frame(b"both"))
            waiting, found = {out.uri, into.uri}, []
            while waiting:
                events = selector.select(WAIT)
                assert events
                for key, _ in events:
                    if texts := drain(key.data):
                        found += texts
                        waiting.remove(key.data.uri)
        assert found == [b"both"] * 2


@every_format
def test_fileno_tells_that_the_interface_failed(network: Network, trace: libtrace.Trace) -> None:
    network.set("down")
    assert is_readable(trace, WAIT)
    with pytest.raises(libtrace.LibtraceError, match="down"):
        next(trace)


@every_format
def test_fileno_of_each_start(network: Network, trace: libtrace.Trace) -> None:
    assert not os.get_inheritable(trace.fileno())
    trace.pause()
    with pytest.raises(libtrace.TraceStateError, match="paused"):
        trace.fileno()
    trace.start()
    network.send(udp_frame(b"again"))
    assert is_readable(trace, WAIT)
    trace.close()
    with pytest.raises(libtrace.TraceStateError, match="closed"):
        trace.fileno()


def test_fileno_before_the_start() -> None:
    with pytest.raises(libtrace.TraceStateError, match="new"):
        libtrace.Trace("int:lo").fileno()


def test_a_file_has_no_fileno(uri: str) -> None:
    with libtrace.open(uri) as trace:
        with pytest.raises(io.UnsupportedOperation, match="int:, ring: and pcapint:") as caught:
            trace.fileno()
        assert isinstance(caught.value, libtrace.LibtraceError)
        assert caught.value.uri == trace.uri
        assert len(list(trace)) == 5
