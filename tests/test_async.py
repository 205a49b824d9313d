# SPDX-License-Identifier: LGPL-3.0-or-later
"""Traces in an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import pathlib
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import IO, Any, TypeVar

import gen_files as f
import libtrace
import pytest
from feed import write_pieces
from network import BURST, Network, udp_frame
from process import finish, run, start
from test_limits import descriptors

Item = TypeVar("Item")
FORMATS = ["int", "ring", "pcapint"]
every_format = pytest.mark.parametrize("scheme", FORMATS)
WAIT = 120.0
"""Seconds after which a test gives up; none takes as long."""


def frame(number: int) -> bytes:
    return udp_frame(b"%06d" % number)


def number_of(packet: libtrace.Packet) -> int:
    return int(bytes(packet)[42:48])


def open_files() -> int:
    return len(list(pathlib.Path("/proc/self/fd").iterdir()))


def run_in_loop(main: Callable[[], Coroutine[Any, Any, Item]]) -> Item:
    """Runs it in an event loop that complains, and that no descriptor may outlive."""

    async def limited() -> Item:
        return await asyncio.wait_for(main(), WAIT)

    before = open_files()
    result = asyncio.run(limited(), debug=True)
    assert open_files() <= before
    return result


def waiting_for() -> int:
    """How many descriptors the running loop waits for, not counting its own one."""
    selector = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
    return len(selector.get_map()) - 1


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


async def take(packets: AsyncIterator[libtrace.Packet], count: int) -> list[int]:
    return [number_of(await packets.__anext__()) for _ in range(count)]


async def rest(packets: AsyncIterator[libtrace.Packet] | libtrace.Trace) -> list[int]:
    return [number_of(packet) async for packet in packets]


@pytest.fixture
def uri(tmp_path: pathlib.Path) -> str:
    path = f.write_pcap(tmp_path / "trace", f.records(*map(frame, range(1000))))
    return f"pcapfile:{path}"


# Files


@pytest.mark.parametrize("compression", ["", "gz"])
@pytest.mark.parametrize("scheme", ["pcapfile", "pcap"])
def test_file(tmp_path_factory: pytest.TempPathFactory, scheme: str, compression: str) -> None:
    if scheme == "pcap" and compression:
        pytest.skip("libpcap does not decompress")
    folder = tmp_path_factory.mktemp("async")  # libtrace 3 never closes one of pcap:
    records = f.records(*map(frame, range(1000)))
    path = f.write_pcap(folder / "trace", records, compression=compression)

    async def main() -> None:
        with libtrace.open(f"{scheme}:{path}", filter="udp") as trace:
            assert await rest(trace) == list(range(1000))
            assert await rest(trace) == []
            assert trace.accepted_packets == 1000

    run_in_loop(main)


def test_kept_packets(uri: str) -> None:
    async def main() -> list[libtrace.Packet]:
        with libtrace.open(uri) as trace:
            return [packet async for packet in trace]

    assert [bytes(packet) for packet in run_in_loop(main)] == [frame(n) for n in range(1000)]


def test_plain_and_asynchronous_loops_continue_each_other(uri: str) -> None:
    async def main() -> None:
        with libtrace.open(uri) as trace:
            assert number_of(next(trace)) == 0
            async for packet in trace:
                if number_of(packet) == 10:
                    break
            assert number_of(next(trace)) == 11
            assert await rest(trace) == list(range(12, 1000))
            assert list(trace) == []

    run_in_loop(main)


def test_several_tasks_share_a_trace(uri: str) -> None:
    async def main() -> None:
        with libtrace.open(uri) as trace:
            packets = aiter_of(trace)

            async def share() -> list[int]:
                found = []
                async for packet in packets:
                    found.append(number_of(packet))
                    await asyncio.sleep(0)
                return found

            shares = await asyncio.gather(*[share() for _ in range(3)])
        assert sorted(chain(*shares)) == list(range(1000))
        assert all(len(share) > 100 for share in shares)  # on a slow machine turns differ

    run_in_loop(main)


def aiter_of(trace: libtrace.Trace) -> AsyncIterator[libtrace.Packet]:
    """What aiter() does, which Python 3.9 lacks."""
    return trace.__aiter__()


def test_error_comes_behind_all_good_packets(tmp_trace: Callable[..., str]) -> None:
    records = [f.pcap_record(frame(number)) for number in range(100)]
    uri = tmp_trace([f.pcap_header(), *records, records[0][:30]])

    async def main() -> None:
        found = []
        with libtrace.open(uri) as trace:
            with pytest.raises(libtrace.LibtraceError, match="cannot read on"):
                async for packet in trace:
                    found.append(number_of(packet))
            assert await rest(trace) == []
        assert found == list(range(100))

    run_in_loop(main)


@pytest.mark.parametrize(
    ("calls", "state"),
    [([], "not started"), (["start", "pause"], "paused"), (["start", "close"], "closed")],
)
def test_trace_that_is_not_started(uri: str, calls: list[str], state: str) -> None:
    async def main() -> None:
        trace = libtrace.Trace(uri)
        for call in calls:
            getattr(trace, call)()
        with pytest.raises(libtrace.TraceStateError, match=state):
            await aiter_of(trace).__anext__()
        trace.close()

    run_in_loop(main)


def test_close_within_the_loop(uri: str) -> None:
    async def main() -> None:
        trace = libtrace.open(uri)
        with pytest.raises(libtrace.TraceStateError, match="closed"):
            async for _ in trace:
                trace.close()

    run_in_loop(main)


# Taking turns


class Turns:
    """Counts how often another task gets to run."""

    async def __aenter__(self) -> Turns:
        self.count = 0
        self._task = asyncio.ensure_future(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.count += 1


def test_long_work_on_each_packet_lets_others_run(tmp_pcap: Callable[..., str]) -> None:
    async def main() -> None:
        async with Turns() as turns:
            with libtrace.open(tmp_pcap(*[frame(0)] * 40)) as trace:
                async for _ in trace:
                    time.sleep(0.01)
        assert turns.count >= 20

    run_in_loop(main)


@pytest.mark.parametrize("expression", ["udp", "tcp"])
def test_big_file_lets_others_run(tmp_trace: Callable[..., str], expression: str) -> None:
    """Delivered or rejected, so many packets take many times as long as a turn."""
    count = 1_000_000
    uri = tmp_trace([f.pcap_header(), f.pcap_record(frame(0)) * count])

    async def main() -> int:
        delivered = 0
        async with Turns() as turns:
            with libtrace.open(uri, filter=expression) as trace:
                async for _ in trace:
                    delivered += 1
        assert turns.count >= 5
        return delivered

    assert asyncio.run(main()) == (count if expression == "udp" else 0)


def test_small_file_takes_no_turns(tmp_pcap: Callable[..., str]) -> None:
    """A loop over few packets costs no detour through the event loop."""
    uri = tmp_pcap(frame(0), frame(1))

    async def main() -> None:
        with libtrace.open(uri) as trace:
            step = trace.__aiter__().__anext__().__await__()
            with pytest.raises(StopIteration) as caught:
                next(step)
            assert number_of(caught.value.value) == 0

    run_in_loop(main)


# Live traces


@every_format
def test_packets_as_they_come(network: Network, trace: libtrace.Trace) -> None:
    async def main() -> None:
        packets = aiter_of(trace)
        for number in range(5):
            step = asyncio.ensure_future(take(packets, 1))
            await until(waiting_for)
            network.send(frame(number))
            assert await step == [number]
            assert waiting_for() == 0
        network.send(*map(frame, range(5, 5 + BURST)))
        assert await take(packets, BURST) == list(range(5, 5 + BURST))
        assert trace.accepted_packets == 5 + BURST

    run_in_loop(main)


def test_many_traces_in_one_loop(network: Network, uri: str) -> None:
    async def main() -> None:
        traces = [libtrace.open(f"{scheme}:{network.far}") for scheme in FORMATS * 2]
        streams = [aiter_of(trace) for trace in traces]
        files = [libtrace.open(uri) for _ in range(2)]
        whole = [asyncio.ensure_future(rest(trace)) for trace in files]
        for first in range(0, 10 * BURST, BURST):
            sent = list(range(first, first + BURST))
            network.send(*map(frame, sent))
            assert await asyncio.gather(*[take(stream, BURST) for stream in streams]) == [sent] * 6
        assert await asyncio.gather(*whole) == [list(range(1000))] * 2
        for trace in traces + files:
            trace.close()

    run_in_loop(main)


@every_format
def test_several_tasks_wait_for_one_interface(network: Network, trace: libtrace.Trace) -> None:
    async def main() -> None:
        packets = aiter_of(trace)
        tasks = [asyncio.ensure_future(take(packets, 1)) for _ in range(3)]
        tasks.append(asyncio.ensure_future(take(aiter_of(trace), 1)))
        await until(lambda: waiting_for() == 2 * len(tasks))
        pending = set(tasks)
        for number in range(4):
            network.send(frame(number))
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            assert len(done) == 1
        assert sorted(chain(*[task.result() for task in tasks])) == [0, 1, 2, 3]

    run_in_loop(main)


@every_format
def test_silence_costs_nothing(
    network: Network, trace: libtrace.Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also behind a packet that is still in the kernel's ring."""
    waits = 0

    async def main() -> None:
        loop = asyncio.get_running_loop()
        add_reader = loop.add_reader

        def counting(*arguments: Any) -> None:
            nonlocal waits
            waits += 1
            add_reader(*arguments)

        monkeypatch.setattr(loop, "add_reader", counting)
        packets = aiter_of(trace)
        network.send(frame(0), frame(1))
        kept = [await packets.__anext__(), await packets.__anext__()]
        step = asyncio.ensure_future(take(packets, 1))
        await until(waiting_for)
        await asyncio.sleep(0.3)
        assert waits < 10
        network.send(frame(2))
        assert await step == [2]
        assert waits
        assert list(map(number_of, kept)) == [0, 1]

    run_in_loop(main)


@every_format
def test_forked_process_does_not_keep_the_loop_awake(trace: libtrace.Trace) -> None:
    """What wakes those that wait is one for both."""

    async def main() -> None:
        step = asyncio.ensure_future(trace.__aiter__().__anext__())
        await until(waiting_for)
        child = os.fork()
        if not child:
            trace.stop()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        await asyncio.sleep(0.1)
        before = time.process_time()
        await asyncio.sleep(0.5)
        assert time.process_time() - before < 0.25
        trace.stop()
        with pytest.raises(StopAsyncIteration):
            await step

    run_in_loop(main)


# Ends of a wait


@every_format
@pytest.mark.parametrize("turns", range(5))
def test_cancellation_loses_no_packet(network: Network, trace: libtrace.Trace, turns: int) -> None:
    """At whatever point between the packet's arrival and its delivery it comes."""

    async def main() -> None:
        packets = aiter_of(trace)
        found = []
        for number in range(20):
            step = asyncio.ensure_future(take(packets, 1))
            await until(waiting_for)
            network.send(frame(number))
            for _ in range(turns):
                await asyncio.sleep(0)
            step.cancel()
            try:
                found += await step
            except asyncio.CancelledError:
                found += await take(packets, 1)
            assert waiting_for() == 0
        assert found == list(range(20))
        network.send(frame(20), frame(21))
        assert await take(aiter_of(trace), 1) == [20]
        assert number_of(next(trace)) == 21

    run_in_loop(main)


@every_format
def test_wait_for(network: Network, trace: libtrace.Trace) -> None:
    async def main() -> None:
        packets = aiter_of(trace)
        for number in range(3):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(packets.__anext__(), 0.02)
            assert waiting_for() == 0
            network.send(frame(number))
            assert number_of(await asyncio.wait_for(packets.__anext__(), WAIT)) == number

    run_in_loop(main)


@every_format
def test_timeout(network: Network, trace: libtrace.Trace) -> None:
    async def main() -> None:
        packets = aiter_of(trace)
        trace.conf_timeout(0.2)
        for number in range(2):
            before = time.monotonic()
            with pytest.raises(libtrace.TraceTimeout, match="no packet on") as caught:
                await packets.__anext__()
            assert time.monotonic() - before >= 0.2
            assert caught.value.uri == trace.uri
            assert waiting_for() == 0
            network.send(frame(number))
            assert await take(packets, 1) == [number]
        trace.conf_timeout(0)
        step = asyncio.ensure_future(take(packets, 1))
        await asyncio.sleep(0.3)
        assert not step.done()
        network.send(frame(2))
        assert await step == [2]

    run_in_loop(main)


@every_format
def test_timeout_counts_delivered_packets(network: Network, trace: libtrace.Trace) -> None:
    """What the filter rejects does not prolong the wait, however much of it there is."""

    async def main() -> None:
        trace.conf_filter(libtrace.Filter("tcp"))
        trace.conf_timeout(0.2)
        step = asyncio.ensure_future(rest(trace))
        while not step.done():
            network.send(frame(0))
            await asyncio.sleep(0)
        with pytest.raises(libtrace.TraceTimeout):
            await step
        assert trace.statistics()["filtered"]

    run_in_loop(main)


@every_format
@pytest.mark.parametrize("how", ["close", "pause", "stop"])
@pytest.mark.parametrize("thread", [False, True], ids=["task", "thread"])
def test_end_of_trace_ends_the_wait(trace: libtrace.Trace, how: str, thread: bool) -> None:
    async def main() -> None:
        steps = [asyncio.ensure_future(rest(trace)) for _ in range(2)]
        await until(lambda: waiting_for() == 2 * len(steps))
        before = time.monotonic()
        if thread:
            other = threading.Thread(target=getattr(trace, how))
            other.start()
        else:
            getattr(trace, how)()
        assert await asyncio.gather(*steps) == [[], []]
        assert time.monotonic() - before < 1
        assert waiting_for() == 0
        if thread:
            other.join()
        if how == "stop":
            assert await rest(trace) == []
        else:
            with pytest.raises(libtrace.TraceStateError):
                await aiter_of(trace).__anext__()

    run_in_loop(main)


def closed_at_once(kind: type, others: list[int]) -> Any:
    """A class whose trace another thread closes, and opens other files, just before each wait."""

    def close(trace: libtrace.Trace) -> None:
        trace.close()
        others.extend(chain(*[os.pipe() for _ in range(4)]))

    def poll(*arguments: Any) -> object:
        found = kind._poll(*arguments)  # type: ignore[attr-defined]
        if isinstance(found, tuple) and not others:
            thread = threading.Thread(target=close, args=arguments[-2:-1])
            thread.start()
            thread.join()
        return found

    return type(kind.__name__, (kind,), {"_poll": poll})


@every_format
def test_close_at_the_beginning_of_a_wait(network: Network, scheme: str) -> None:
    others: list[int] = []

    async def main() -> None:
        with closed_at_once(libtrace.Trace, others)(f"{scheme}:{network.far}") as trace:
            trace.start()
            assert await asyncio.wait_for(rest(trace), 10) == []
        assert others
        for other in others:
            os.close(other)

    run_in_loop(main)


@every_format
def test_pause_and_start_during_a_wait(network: Network, trace: libtrace.Trace) -> None:
    async def main() -> None:
        step = asyncio.ensure_future(rest(trace))
        await until(waiting_for)
        trace.pause()
        assert await step == []
        trace.start()
        network.send(frame(1))
        assert await take(aiter_of(trace), 1) == [1]

    run_in_loop(main)


@every_format
@pytest.mark.parametrize("how", ["down", "gone"])
def test_interface_goes(network: Network, trace: libtrace.Trace, how: str) -> None:
    async def main() -> None:
        packets = aiter_of(trace)
        network.send(frame(0))
        assert await take(packets, 1) == [0]
        step = asyncio.ensure_future(take(packets, 1))
        await until(waiting_for)
        if how == "down":
            network.set("down")
        else:
            subprocess.run(["ip", "link", "delete", network.far], check=True)
        with pytest.raises(libtrace.LibtraceError) as caught:
            await step
        assert not isinstance(caught.value, libtrace.TraceTimeout)
        assert caught.value.code in (errno.ENETDOWN, errno.ENODEV, errno.ENXIO)
        assert waiting_for() == 0
        if how == "down":
            network.set("up")
            network.send(frame(1))
            assert await take(packets, 1) == [1]

    run_in_loop(main)


@every_format
def test_trace_in_use_by_a_thread(network: Network, trace: libtrace.Trace) -> None:
    """A thread that waits in a plain loop does not stop the event loop."""

    async def main() -> None:
        first: list[int] = []
        thread = threading.Thread(target=lambda: first.append(number_of(next(trace))))
        thread.start()
        time.sleep(0.05)
        step = asyncio.ensure_future(take(aiter_of(trace), 1))
        async with Turns() as turns:
            await until(lambda: turns.count > 10)
            network.send(frame(0), frame(1))
            second = await step
        thread.join()
        assert sorted(first + second) == [0, 1]

    run_in_loop(main)


@every_format
@pytest.mark.parametrize("free", [0, 1])
def test_no_descriptor_left(trace: libtrace.Trace, free: int) -> None:
    """A wait that cannot begin fails, and the trace is as before."""

    async def main() -> None:
        packets = aiter_of(trace)
        for _ in range(3):
            with descriptors(free), pytest.raises(libtrace.LibtraceError) as caught:
                await packets.__anext__()
            assert caught.value.code == errno.EMFILE
            assert str(caught.value) == f"cannot wait for '{trace.uri}': Too many open files"
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(packets.__anext__(), 0.01)

    run_in_loop(main)


def test_exception_in_the_loop_body(uri: str) -> None:
    async def main() -> None:
        with libtrace.open(uri) as trace:
            with pytest.raises(ZeroDivisionError):
                async for packet in trace:
                    number_of(packet) // 0
            assert await rest(trace) == list(range(1, 1000))

    run_in_loop(main)


# Programs


def test_import_leaves_asyncio_alone() -> None:
    program = """
        import sys
        import libtrace, plt, natkit, libtrace.cli
        assert "asyncio" not in sys.modules
        with libtrace.open(sys.argv[1]) as trace:
            for packet in trace:
                pass
        assert "asyncio" not in sys.modules
    """
    run(program, str(pathlib.Path(__file__).parent / "data" / "sample.pcap"))


@every_format
def test_control_c(network: Network, scheme: str) -> None:
    program = """
        import asyncio, libtrace, os, signal, sys, threading
        async def main():
            with libtrace.open(sys.argv[1]) as trace:
                threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
                async for packet in trace:
                    print("a packet")
        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            print("interrupted")
    """
    assert run(program, f"{scheme}:{network.far}") == "interrupted\n"


def test_loop_that_was_there_before(uri: str) -> None:
    """As in Jupyter: the loop runs already, and belongs to somebody else."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        with libtrace.open(uri) as trace:
            found = asyncio.run_coroutine_threadsafe(rest(trace), loop).result(WAIT)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
    assert found == list(range(1000))


# Pipes


LEAD = 5
"""Packets that come before a test begins."""
every_pipe = pytest.mark.parametrize(
    "scheme",
    [
        "pcapfile",
        pytest.param(
            "pcap",
            marks=pytest.mark.skipif(
                libtrace.features()["libtrace"] == 3,
                reason="libtrace 3 never closes what pcap: opens",
            ),
        ),
    ],
)
"""For the one the shim waits, for the other a thread, in libpcap."""


@contextlib.contextmanager
def piped(fifo: str, scheme: str) -> Iterator[tuple[libtrace.Trace, IO[bytes]]]:
    """A trace that waits for its packet number LEAD, and the end that a test writes to."""
    with ThreadPoolExecutor() as pool:
        begun = pool.submit(begin, fifo)
        trace = libtrace.open(f"{scheme}:{fifo}")
        lead = [number_of(next(trace)) for _ in range(LEAD)]
        assert lead == list(range(LEAD))
    with begun.result() as writer, trace:
        yield trace, writer


def begin(fifo: str) -> IO[bytes]:
    writer = open(fifo, "wb", buffering=0)  # noqa: PTH123, SIM115 - the caller closes it
    records = [f.pcap_record(frame(number)) for number in range(LEAD)]
    write_pieces(writer.fileno(), [f.pcap_header(), *records])
    return writer


@every_pipe
def test_pipe(fifo: str, scheme: str) -> None:
    async def main() -> None:
        with piped(fifo, scheme) as (trace, writer):
            packets = aiter_of(trace)
            for number in range(LEAD, 10):
                record = f.pcap_record(frame(number))
                step = asyncio.ensure_future(take(packets, 1))
                async with Turns() as turns:
                    writer.write(record[:20])
                    await until(lambda: turns.count > 100)
                    assert not step.done()
                writer.write(record[20:])
                assert await step == [number]
            for number in range(10, 50):
                writer.write(f.pcap_record(frame(number)))
            assert number_of(next(trace)) == 10
            writer.close()
            assert await rest(trace) == list(range(11, 50))
            assert trace.accepted_packets == 50

    run_in_loop(main)


@every_pipe
def test_cancelled_wait_for_a_pipe_loses_no_packet(fifo: str, scheme: str) -> None:
    async def main() -> None:
        with piped(fifo, scheme) as (trace, writer):
            packets = aiter_of(trace)
            for number in range(0, 9, 3):
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(packets.__anext__(), 0.02)
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(aiter_of(trace).__anext__(), 0.02)
                for offset in range(3):
                    writer.write(f.pcap_record(frame(number + offset)))
                assert await take(packets, 1) == [number]
                assert number_of(next(trace)) == number + 1
                assert await take(aiter_of(trace), 1) == [number + 2]

    run_in_loop(main)


@every_pipe
def test_one_iterator_in_two_loops(fifo: str, scheme: str) -> None:
    """The one that waited for the pipe is closed."""

    async def time_out() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(packets.__anext__(), 0.02)

    async def main() -> None:
        step = asyncio.ensure_future(take(packets, 2))
        await until(waiting_for)
        writer.write(f.pcap_record(frame(7)) + f.pcap_record(frame(8)))
        assert await asyncio.wait_for(step, 10) == [7, 8]

    with piped(fifo, scheme) as (trace, writer):
        packets = aiter_of(trace)
        asyncio.run(time_out())
        asyncio.run(main())


@pytest.mark.parametrize("how", ["close", "stop"])
@every_pipe
def test_end_of_trace_ends_the_wait_for_a_pipe(fifo: str, scheme: str, how: str) -> None:
    """Also where the pipe stays silent for ever."""

    async def main() -> None:
        with piped(fifo, scheme) as (trace, writer):
            step = asyncio.ensure_future(rest(trace))
            await until(waiting_for)
            getattr(trace, how)()
            assert await step == []
            trace.close()
            trace.close()
            with pytest.raises(libtrace.TraceStateError):
                await aiter_of(trace).__anext__()
            with pytest.raises(libtrace.TraceStateError):
                next(trace)
            assert trace.statistics()["accepted"] == LEAD
            writer.close()
            await until(lambda: threading.active_count() == before)

    before = threading.active_count()
    run_in_loop(main)


@every_pipe
def test_pause_ends_the_wait_for_a_pipe(fifo: str, scheme: str) -> None:
    """What it had fetched comes after the next start."""

    async def main() -> None:
        with piped(fifo, scheme) as (trace, writer):
            step = asyncio.ensure_future(rest(trace))
            await until(waiting_for)
            trace.pause()
            assert await step == []
            with pytest.raises(libtrace.TraceStateError, match="it is paused"):
                next(trace)
            trace.start()
            writer.write(f.pcap_record(frame(0)))
            assert await take(aiter_of(trace), 1) == [0]
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(aiter_of(trace).__anext__(), 0.02)
            for number in (1, 2):
                writer.write(f.pcap_record(frame(number)))
            await until(lambda: threading.active_count() == before)
            trace.pause()
            trace.start()
            assert [number_of(next(trace)) for _ in range(2)] == [1, 2]

    before = threading.active_count()
    run_in_loop(main)


@every_pipe
def test_stopped_pipe_that_is_silent(fifo: str, scheme: str) -> None:
    """Reading it and starting it again wait for nobody, though a thread of an event loop does."""

    async def main() -> None:
        with piped(fifo, scheme) as (trace, writer):
            step = asyncio.ensure_future(rest(trace))
            await until(waiting_for)
            trace.stop()
            assert await step == []
            assert list(trace) == []
            assert list(trace.batches(["src"])) == []
            trace.start()
            step = asyncio.ensure_future(rest(trace))
            await until(waiting_for)
            writer.write(f.pcap_record(frame(7)))
            writer.close()
            assert await step == [7]

    run_in_loop(main)


@every_pipe
def test_pipe_with_a_damaged_end(fifo: str, scheme: str) -> None:
    async def main() -> None:
        with piped(fifo, scheme) as (trace, writer):
            writer.write(f.pcap_record(frame(0)) * 2 + f.pcap_record(frame(1))[:30])
            writer.close()
            packets = aiter_of(trace)
            assert await take(packets, 2) == [0, 0]
            with pytest.raises(libtrace.LibtraceError, match="cannot read on"):
                await packets.__anext__()
            assert await rest(packets) == []

    run_in_loop(main)


def test_program_ends_though_a_pipe_is_silent(fifo: str) -> None:
    program = """
        import asyncio, libtrace, sys
        async def read(trace):
            async for packet in trace:
                print("a packet")
        async def main():
            with libtrace.open(sys.argv[1]) as trace:
                await asyncio.wait_for(read(trace), 0.5)
        try:
            asyncio.run(main())
        except asyncio.TimeoutError:
            print("timed out")
    """
    process = start(program, f"pcapfile:{fifo}")
    with begin(fifo):
        assert finish(process) == "a packet\n" * LEAD + "timed out\n"
