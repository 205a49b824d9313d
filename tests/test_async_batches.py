# SPDX-License-Identifier: LGPL-3.0-or-later
"""Tables of packets and flows in an event loop."""

from __future__ import annotations

import asyncio
import os
import pathlib
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import gen_files as f
import libtrace
import pytest
from network import BURST, Network
from test_async import (
    FORMATS,
    LEAD,
    Turns,
    closed_at_once,
    every_format,
    every_pipe,
    frame,
    piped,
    run_in_loop,
    until,
    waiting_for,
)
from test_flows import there

SAMPLE = str(pathlib.Path(__file__).parent / "data" / "sample.pcap")
LONG = 60.0
"""Seconds that no test waits."""


def aiter_of(batches: libtrace.Batches) -> AsyncIterator[libtrace.Batch]:
    """What aiter() does, which Python 3.9 lacks."""
    return batches.__aiter__()


def numbers(batch: libtrace.Batch) -> list[int]:
    return [int(packet[42:48]) for packet in batch["packet"]]


async def rest(batches: libtrace.Batches | AsyncIterator[libtrace.Batch]) -> list[list[int]]:
    return [numbers(batch) async for batch in batches]


async def step(batches: libtrace.Batches) -> list[int]:
    return numbers(await aiter_of(batches).__anext__())


async def take(batches: libtrace.Batches, count: int) -> list[int]:
    """So many rows, in as many batches as they come in."""
    found: list[int] = []
    while len(found) < count:
        found += await step(batches)
    return found


def parts(count: int, size: int, first: int = 0) -> list[list[int]]:
    numbers = list(range(first, first + count))
    return [numbers[at : at + size] for at in range(0, count, size)]


@pytest.fixture
def uri(tmp_path: pathlib.Path) -> str:
    path = f.write_pcap(tmp_path / "trace", f.records(*map(frame, range(1000))))
    return f"pcapfile:{path}"


# Files


@pytest.mark.parametrize("compression", ["", "gz"])
def test_file(tmp_path: pathlib.Path, compression: str) -> None:
    records = f.records(*map(frame, range(1000)))
    path = f.write_pcap(tmp_path / "trace", records, compression=compression)

    async def main() -> None:
        with libtrace.open(path, filter="udp") as trace:
            batches = trace.batches(["packet"], 300)
            assert await rest(batches) == parts(1000, 300)
            assert await rest(batches) == []
            assert trace.accepted_packets == 1000

    run_in_loop(main)


@pytest.mark.parametrize("size", [7, 65536])
@pytest.mark.parametrize("kind", ["batches", "flows", "counts"])
def test_same_as_the_plain_loop(kind: str, size: int) -> None:
    columns = ["ip_version", "proto"] if kind == "counts" else None

    def table(trace: libtrace.Trace) -> libtrace.Batches:
        batches: libtrace.Batches = getattr(trace, kind)(columns, size)
        return batches

    def rows(batch: libtrace.Batch) -> list[tuple[Any, ...]]:
        return list(zip(*batch.values()))

    async def main() -> list[list[tuple[Any, ...]]]:
        with libtrace.open(SAMPLE) as trace:
            return [rows(batch) async for batch in table(trace)]

    with libtrace.open(SAMPLE) as trace:
        expected = [rows(batch) for batch in table(trace)]
    assert expected
    assert run_in_loop(main) == expected


def test_limit(uri: str) -> None:
    async def main() -> None:
        with libtrace.open(uri) as trace:
            assert await rest(trace.batches(["packet"], 4, limit=6)) == parts(6, 4)
            assert await rest(trace.batches(["packet"], limit=0)) == []
            assert await rest(trace.batches(["packet"], limit=3)) == [[6, 7, 8]]

    run_in_loop(main)


def test_plain_and_asynchronous_loops_continue_each_other(uri: str) -> None:
    async def main() -> None:
        with libtrace.open(uri) as trace:
            batches = trace.batches(["packet"], 100)
            assert numbers(next(batches)) == list(range(100))
            async for batch in batches:
                assert numbers(batch) == list(range(100, 200))
                break
            assert numbers(next(batches)) == list(range(200, 300))
            assert await rest(batches) == parts(700, 100, 300)
            assert list(batches) == []

    run_in_loop(main)


def test_big_file_lets_others_run(tmp_path: pathlib.Path) -> None:
    count = 500_000
    uri = f.write(tmp_path / "trace", [f.pcap_header(), f.pcap_record(frame(0)) * count])

    async def main() -> None:
        async with Turns() as turns:
            with libtrace.open(uri) as trace:
                batches = [batch async for batch in trace.batches(["index"], count)]
        assert [len(batch) for batch in batches] == [count]
        assert turns.count >= 5

    run_in_loop(main)


def test_flows_at_the_end_let_others_run(tmp_path: pathlib.Path) -> None:
    count = 20_000
    records = f.records(*[there(port=port) for port in range(count)])
    path = f.write_pcap(tmp_path / "trace", records)

    async def main() -> None:
        found = []
        with libtrace.open(path) as trace:
            async for batch in trace.flows(["src_port"], 1):
                if not found:
                    turns = await Turns().__aenter__()
                found += batch["src_port"]
        assert found == list(range(count))
        assert turns.count >= 2
        await turns.__aexit__()

    run_in_loop(main)


@pytest.mark.parametrize("kind", ["batches", "flows"])
def test_error_comes_behind_all_good_packets(tmp_trace: Callable[..., str], kind: str) -> None:
    records = [f.pcap_record(there(port=number)) for number in range(10)]
    uri = tmp_trace([f.pcap_header(), *records, records[0][:30]])

    async def main() -> None:
        with libtrace.open(uri) as trace:
            batches = getattr(trace, kind)(["src_port"], 4)
            steps = aiter_of(batches)
            assert [len(await steps.__anext__()) for _ in range(3)] == [4, 4, 2]
            with pytest.raises(libtrace.LibtraceError, match="cannot read on"):
                await steps.__anext__()
            with pytest.raises(StopAsyncIteration):
                await steps.__anext__()

    run_in_loop(main)


@pytest.mark.parametrize("turns", range(5))
def test_cancellation_loses_no_row_of_a_file(uri: str, turns: int) -> None:
    async def main() -> None:
        with libtrace.open(uri) as trace:
            batches = trace.batches(["packet"], 100)
            found = []
            for count in range(5):
                task = asyncio.ensure_future(step(batches))
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                try:
                    found += await task
                except asyncio.CancelledError:
                    found += numbers(next(batches)) if count % 2 else await step(batches)
            assert found == list(range(500))
            assert await rest(batches) == parts(500, 100, 500)
        await until(lambda: threading.active_count() == before)

    before = threading.active_count()
    run_in_loop(main)


@pytest.mark.parametrize("how", ["close", "pause", "stop"])
def test_end_of_trace_within_a_read(tmp_path: pathlib.Path, how: str) -> None:
    """What was read until then is handed out."""
    record = f.pcap_record(frame(0))
    uri = f.write(tmp_path / "trace", [f.pcap_header(), record * 2_000_000])

    async def main() -> None:
        with libtrace.open(uri) as trace:
            batches = trace.batches(["index"], 2_000_000)
            task = asyncio.ensure_future(lengths(batches))
            await until(lambda: threading.active_count() > before or task.done())
            getattr(trace, how)()
            assert sum(await task) == trace.accepted_packets

    async def lengths(batches: libtrace.Batches) -> list[int]:
        return [len(batch) async for batch in batches]

    before = threading.active_count()
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
            await step(trace.batches(["packet"]))
        trace.close()

    run_in_loop(main)


# Interfaces


@every_format
def test_full_batches(network: Network, trace: libtrace.Trace) -> None:
    async def main() -> None:
        batches = trace.batches(["packet"], 5, max_wait=LONG)
        threads = threading.active_count()
        task = asyncio.ensure_future(step(batches))
        await until(waiting_for)
        assert threading.active_count() == threads
        network.send(*map(frame, range(4)))
        await asyncio.sleep(0.05)
        assert not task.done()
        network.send(*map(frame, range(4, BURST)))
        assert await task == list(range(5))
        assert waiting_for() == 0
        assert await take(batches, BURST - 5) == list(range(5, BURST))

    run_in_loop(main)


@every_format
def test_max_wait(network: Network, trace: libtrace.Trace) -> None:
    async def main() -> None:
        batches = trace.batches(["packet"], max_wait=0.1)
        for number in range(3):
            network.send(frame(number))
            assert await step(batches) == [number]
        batches = trace.batches(["packet"], max_wait=0)
        network.send(*map(frame, range(BURST)))
        assert await take(batches, BURST) == list(range(BURST))

    run_in_loop(main)


def test_many_traces_in_one_loop(network: Network, uri: str) -> None:
    async def main() -> None:
        traces = [libtrace.open(f"{scheme}:{network.far}") for scheme in FORMATS]
        tables = [trace.batches(["packet"], 7, max_wait=0.05) for trace in traces]
        file = libtrace.open(uri)
        whole = asyncio.ensure_future(rest(file.batches(["packet"], 300)))
        for first in range(0, 5 * BURST, BURST):
            sent = list(range(first, first + BURST))
            network.send(*map(frame, sent))
            assert await asyncio.gather(*[take(table, BURST) for table in tables]) == [sent] * 3
        assert await whole == parts(1000, 300)
        for trace in [*traces, file]:
            trace.close()

    run_in_loop(main)


@every_format
def test_timeout(network: Network, trace: libtrace.Trace) -> None:
    async def main() -> None:
        trace.conf_timeout(0.2)
        batches = trace.batches(["packet"], max_wait=LONG)
        for number in range(2):
            with pytest.raises(libtrace.TraceTimeout, match="no packet on"):
                await step(batches)
            assert waiting_for() == 0
            network.send(frame(number))
            assert await step(batches) == [number]

    run_in_loop(main)


@every_format
@pytest.mark.parametrize("plain", [False, True], ids=["async", "plain"])
def test_cancellation_loses_no_row(network: Network, trace: libtrace.Trace, plain: bool) -> None:
    async def main() -> None:
        batches = trace.batches(["packet"], 4, max_wait=LONG)
        for first in range(0, 20, 4):
            network.send(frame(first), frame(first + 1))
            task = asyncio.ensure_future(step(batches))
            await until(lambda sent=first + 2: trace.accepted_packets == sent)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert waiting_for() == 0
            network.send(frame(first + 2), frame(first + 3))
            found = numbers(next(batches)) if plain else await step(batches)
            assert found == list(range(first, first + 4))

    run_in_loop(main)


@every_format
@pytest.mark.parametrize("how", ["close", "pause", "stop"])
@pytest.mark.parametrize("thread", [False, True], ids=["task", "thread"])
def test_end_of_trace_ends_the_wait(
    network: Network, trace: libtrace.Trace, how: str, thread: bool
) -> None:
    async def main() -> None:
        batches = trace.batches(["packet"], max_wait=LONG)
        network.send(frame(0), frame(1))
        task = asyncio.ensure_future(rest(batches))
        await until(lambda: trace.accepted_packets == 2 and waiting_for())
        if thread:
            other = threading.Thread(target=getattr(trace, how))
            other.start()
        else:
            getattr(trace, how)()
        assert await task == [[0, 1]]
        assert waiting_for() == 0
        if thread:
            other.join()
        if how == "stop":
            assert await rest(batches) == []
        else:
            with pytest.raises(libtrace.TraceStateError):
                await step(batches)

    run_in_loop(main)


@every_format
def test_close_at_the_beginning_of_a_wait(trace: libtrace.Trace) -> None:
    others: list[int] = []

    async def main() -> None:
        batches = closed_at_once(libtrace.Batches, others)(trace, ["packet"], 10, LONG)
        assert await asyncio.wait_for(rest(batches), 10) == []
        assert others
        for other in others:
            os.close(other)

    run_in_loop(main)


@every_format
def test_what_was_cancelled_outlives_the_trace(network: Network, trace: libtrace.Trace) -> None:
    async def main() -> None:
        batches = trace.batches(["packet"], max_wait=LONG)
        network.send(frame(0))
        task = asyncio.ensure_future(step(batches))
        await until(lambda: trace.accepted_packets)
        task.cancel()
        trace.close()
        assert [numbers(batch) for batch in batches] == [[0]]
        with pytest.raises(libtrace.TraceStateError):
            next(batches)

    run_in_loop(main)


@every_format
def test_live_flows(network: Network, trace: libtrace.Trace) -> None:
    """A silent interface hands out idle flows, and the end of the trace the others."""

    async def main() -> None:
        flows = trace.flows(["src_port"], idle_timeout=0.3, max_wait=0.05)
        network.send(there(port=1), there(port=2))
        found: list[int] = []
        while len(found) < 2:
            found += (await aiter_of(flows).__anext__())["src_port"]
        assert sorted(found) == [1, 2]
        flows = trace.flows(["src_port"])
        network.send(there(port=3))
        task = asyncio.ensure_future(aiter_of(flows).__anext__())
        await until(lambda: flows.active)
        trace.close()
        assert list((await task)["src_port"]) == [3]
        assert [batch async for batch in flows] == []

    run_in_loop(main)


@every_format
def test_live_counts(network: Network, trace: libtrace.Trace) -> None:
    async def main() -> None:
        counts = trace.counts(["proto"], max_wait=LONG)
        network.send(*map(frame, range(BURST)))
        task = asyncio.ensure_future(aiter_of(counts).__anext__())
        await until(lambda: trace.accepted_packets == BURST)
        trace.stop()
        assert list((await task)["packets"]) == [BURST]

    run_in_loop(main)


@every_format
def test_trace_in_use_by_a_thread(network: Network, trace: libtrace.Trace) -> None:
    """A thread that waits in a plain loop does not stop the event loop."""

    async def main() -> None:
        flows = trace.flows(["src_port"], 1, max_flows=1)
        first: list[int] = []
        thread = threading.Thread(target=lambda: first.extend(next(flows)["src_port"]))
        thread.start()
        task = asyncio.ensure_future(aiter_of(flows).__anext__())
        async with Turns() as turns:
            await until(lambda: turns.count > 10)
            network.send(there(port=1), there(port=2), there(port=3))
            second = list((await task)["src_port"])
        thread.join()
        assert sorted(first + second) == [1, 2]

    run_in_loop(main)


# Pipes


@every_pipe
def test_pipe(fifo: str, scheme: str) -> None:
    async def main() -> None:
        with piped(fifo, scheme) as (trace, writer):
            batches = trace.batches(["packet"], 10, max_wait=LONG)
            task = asyncio.ensure_future(step(batches))
            async with Turns() as turns:
                writer.write(f.pcap_record(frame(LEAD)))
                await until(lambda: turns.count > 100)
                assert not task.done()
            for number in range(LEAD + 1, LEAD + 35):
                writer.write(f.pcap_record(frame(number)))
            assert await task == list(range(LEAD, LEAD + 10))
            assert numbers(next(batches)) == list(range(LEAD + 10, LEAD + 20))
            writer.close()
            assert await rest(batches) == parts(15, 10, LEAD + 20)

    run_in_loop(main)


@every_pipe
def test_max_wait_of_a_silent_pipe(fifo: str, scheme: str) -> None:
    async def main() -> None:
        with piped(fifo, scheme) as (trace, writer):
            batches = trace.batches(["packet"], max_wait=0.05)
            for number in range(3):
                writer.write(f.pcap_record(frame(number)))
                assert await step(batches) == [number]
            writer.close()
            assert await rest(batches) == []

    run_in_loop(main)


@every_pipe
def test_cancelled_wait_for_a_pipe_loses_no_row(fifo: str, scheme: str) -> None:
    async def main() -> None:
        with piped(fifo, scheme) as (trace, writer):
            batches = trace.batches(["packet"], 3, max_wait=LONG)
            for first in range(0, 9, 3):
                writer.write(f.pcap_record(frame(first)))
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(step(batches), 0.02)
                writer.write(f.pcap_record(frame(first + 1)) + f.pcap_record(frame(first + 2)))
                assert await step(batches) == [first, first + 1, first + 2]

    run_in_loop(main)


@every_pipe
def test_one_iterator_in_two_loops(fifo: str, scheme: str) -> None:
    async def time_out() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(batches.__anext__(), 0.02)

    async def take_one() -> list[int]:
        return numbers(await batches.__anext__())

    async def main() -> None:
        task = asyncio.ensure_future(take_one())
        await until(waiting_for)
        writer.write(f.pcap_record(frame(7)) + f.pcap_record(frame(8)))
        assert await asyncio.wait_for(task, 10) == [7, 8]

    with piped(fifo, scheme) as (trace, writer):
        batches = aiter_of(trace.batches(["packet"], 2, max_wait=LONG))
        asyncio.run(time_out())
        asyncio.run(main())


@pytest.mark.parametrize("how", ["close", "stop"])
@pytest.mark.parametrize("kind", ["batches", "flows"])
@every_pipe
def test_end_of_trace_ends_the_wait_for_a_pipe(fifo: str, scheme: str, how: str, kind: str) -> None:
    """Also where the pipe stays silent for ever."""

    async def lengths(batches: libtrace.Batches) -> list[int]:
        return [len(batch) async for batch in batches]

    async def main() -> None:
        with piped(fifo, scheme) as (trace, writer):
            batches = getattr(trace, kind)(["src_port"], max_wait=LONG)
            task = asyncio.ensure_future(lengths(batches))
            writer.write(f.pcap_record(there(port=1)))
            await until(lambda: trace.accepted_packets == LEAD + 1)
            getattr(trace, how)()
            assert await task == [1]
            trace.close()
            writer.close()
            await until(lambda: threading.active_count() == before)

    before = threading.active_count()
    run_in_loop(main)


@every_pipe
def test_pause_ends_the_wait_for_a_pipe(fifo: str, scheme: str) -> None:
    """What it had fetched comes after the next start."""

    async def main() -> None:
        with piped(fifo, scheme) as (trace, writer):
            batches = trace.batches(["packet"])
            waiting = asyncio.ensure_future(rest(batches))
            await until(waiting_for)
            trace.pause()
            assert await waiting == []
            for number in range(3):
                writer.write(f.pcap_record(frame(number)))
            trace.start()
            writer.close()
            assert [number for batch in await rest(batches) for number in batch] == [0, 1, 2]

    run_in_loop(main)


@every_pipe
def test_pipe_with_a_damaged_end(fifo: str, scheme: str) -> None:
    async def main() -> None:
        with piped(fifo, scheme) as (trace, writer):
            writer.write(f.pcap_record(frame(0)) * 2 + f.pcap_record(frame(1))[:30])
            writer.close()
            batches = trace.batches(["packet"], max_wait=LONG)
            assert await step(batches) == [0, 0]
            with pytest.raises(libtrace.LibtraceError, match="cannot read on"):
                await step(batches)
            assert await rest(batches) == []

    run_in_loop(main)
