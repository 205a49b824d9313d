# SPDX-License-Identifier: LGPL-3.0-or-later
"""Several threads, signals and waiting."""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import os
import pathlib
import random
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from typing import IO

import gen_files as f
import gen_packets as p
import libtrace
import pytest
from feed import feed_pieces, write_pieces
from network import Network
from process import finish, run, start
from waiting import PROMPT, Alarm, alarm, interrupt, on_alarm

F_SETPIPE_SZ = 1031
FORMATS = ["int", "ring", "pcapint"]
every_format = pytest.mark.parametrize("scheme", FORMATS)


def numbered(count: int) -> list[bytes]:
    return [p.eth(p.ipv4(p.UDP, p.udp(1, 2, b"%08d" % number * 4))) for number in range(count)]


def number_of(packet: libtrace.Packet) -> int:
    text = bytes(packet)[42:]
    assert text == text[:8] * 4
    return int(text[:8])


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Where open files are not counted: libtrace 3 never closes one of pcap:."""
    return tmp_path_factory.mktemp("threads")


@pytest.fixture
def fifo(folder: pathlib.Path) -> str:
    path = folder / "fifo"
    os.mkfifo(path)
    return str(path)


# Files


@pytest.mark.parametrize(
    ("scheme", "compression"), [("pcapfile", ""), ("pcapfile", "gz"), ("pcap", "")]
)
def test_threads_on_one_trace(folder: pathlib.Path, scheme: str, compression: str) -> None:
    count = 20_000
    path = f.write_pcap(folder / "trace", f.records(*numbered(count)), compression=compression)
    with libtrace.open(f"{scheme}:{path}") as trace:

        def read() -> list[libtrace.Packet]:
            return list(trace)

        with ThreadPoolExecutor(3) as pool:
            shares = [job.result() for job in [pool.submit(read) for _ in range(3)]]
    numbers = [[number_of(packet) for packet in share] for share in shares]
    assert all(share == sorted(share) for share in numbers)
    assert sorted(chain(*numbers)) == list(range(count))


def test_two_traces_in_two_threads(tmp_path: pathlib.Path) -> None:
    paths = []
    for offset in (0, 5_000):
        records = f.records(*numbered(10_000)[offset:])
        paths.append(f.write_pcap(tmp_path / str(offset), records))

    def read(path: str) -> list[int]:
        with libtrace.open(path, filter="udp") as trace:
            return [number_of(packet) for packet in trace]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(read, paths * 4))
    assert found == [list(range(10_000)), list(range(5_000, 10_000))] * 4


def test_close_while_others_read(tmp_path: pathlib.Path) -> None:
    path = f.write_pcap(tmp_path / "trace", f.records(*numbered(20_000)))
    trace = libtrace.open(path)
    kept: list[libtrace.Packet] = []

    def read() -> None:
        with contextlib.suppress(libtrace.TraceStateError):
            kept.extend(trace)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    trace.close()
    for thread in threads:
        thread.join()
    assert trace.state == "closed"
    assert [number_of(packet) for packet in kept] == sorted(number_of(p) for p in kept)


def test_busy_thread_slows_little(tmp_path: pathlib.Path) -> None:
    record = f.pcap_record(numbered(1)[0])
    uri = "pcapfile:" + f.write(tmp_path / "trace", [f.pcap_header(), record * 400_000])

    def best_of_three() -> float:
        times = []
        for _ in range(3):
            before = time.perf_counter()
            with libtrace.open(uri) as trace:
                for _ in trace:
                    pass
            times.append(time.perf_counter() - before)
        return min(times)

    alone = best_of_three()
    stop = False

    def spin() -> None:
        while not stop:
            pass

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        accompanied = best_of_three()
    finally:
        stop = True
        thread.join()
    assert accompanied < 6 * alone


def test_rejecting_filter_lets_others_run(tmp_path: pathlib.Path) -> None:
    """One read that rejects a million packets does not hold the interpreter all the time."""
    data = f.pcap_header() + f.pcap_record(numbered(1)[0]) * 1_000_000
    uri = "pcapfile:" + f.write(tmp_path / "trace", [gzip.compress(data, 1)])
    ticks = 0
    stop = threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not stop.wait(0.001):
            ticks += 1

    thread = threading.Thread(target=tick)
    thread.start()
    with libtrace.open(uri, filter="tcp") as trace:
        before = ticks
        assert next(trace, None) is None
        during = ticks - before
    stop.set()
    thread.join()
    assert during > 2


def test_signal_during_a_long_read(tmp_path: pathlib.Path) -> None:
    record = f.pcap_record(numbered(1)[0])
    uri = "pcapfile:" + f.write(tmp_path / "trace", [f.pcap_header(), record * 1_000_000])
    with libtrace.open(uri, filter="tcp") as trace, on_alarm(trace.close, 0.01):
        assert next(trace, None) is None
        assert trace.state == "closed"


# Live traces


@every_format
def test_two_threads_on_one_interface(network: Network, scheme: str) -> None:
    frames = numbered(400)
    with libtrace.open(f"{scheme}:{network.far}", timeout=0.3) as trace:

        def read() -> list[int]:
            found = []
            with contextlib.suppress(libtrace.TraceTimeout):
                for packet in trace:
                    found.append(number_of(packet))
            return found

        with ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(read) for _ in range(2)]
            for at in range(0, len(frames), 20):
                network.send(*frames[at : at + 20])
                time.sleep(0.005)
            shares = [job.result() for job in jobs]
    assert sorted(chain(*shares)) == list(range(len(frames)))


@every_format
@pytest.mark.parametrize("readers", [1, 3])
def test_close_ends_a_read_that_waits(network: Network, scheme: str, readers: int) -> None:
    trace = libtrace.open(f"{scheme}:{network.far}")
    network.send(*numbered(1))
    kept = next(trace)
    ended = []

    def read() -> None:
        with contextlib.suppress(libtrace.TraceStateError):
            ended.append(list(trace))

    threads = [threading.Thread(target=read) for _ in range(readers)]
    for thread in threads:
        thread.start()
    time.sleep(0.15)
    before = time.monotonic()
    trace.close()
    for thread in threads:
        thread.join()
    assert time.monotonic() - before < PROMPT
    assert ended[0] == []
    assert number_of(kept) == 0


@every_format
def test_pause_ends_a_read_that_waits(network: Network, scheme: str) -> None:
    with libtrace.open(f"{scheme}:{network.far}") as trace:
        with ThreadPoolExecutor(1) as pool:
            reader = pool.submit(list, trace)
            time.sleep(0.15)
            trace.pause()
            assert reader.result(PROMPT) == []
        trace.start()
        network.send(*numbered(1))
        assert number_of(next(trace)) == 0


@every_format
def test_configure_while_another_waits(network: Network, scheme: str) -> None:
    with libtrace.open(f"{scheme}:{network.far}") as trace:
        with ThreadPoolExecutor(1) as pool:
            reader = pool.submit(next, trace)
            time.sleep(0.05)
            trace.conf_filter(libtrace.Filter("udp port 2"))
            trace.conf_snaplen(50)
            trace.conf_timeout(60)
            assert trace.statistics()["accepted"] == 0
            assert "started" in repr(trace)
            network.send(p.eth(b"not udp", 0x88B5), *numbered(1))
            packet = reader.result(PROMPT)
        assert (packet.capture_len, packet.dst_port) == (50, 2)


@every_format
def test_ctrl_c_on_a_silent_interface(network: Network, scheme: str) -> None:
    interrupt(f"{scheme}:{network.far}")


@every_format
def test_reading_goes_on_after_an_interrupt(network: Network, scheme: str) -> None:
    with libtrace.open(f"{scheme}:{network.far}", timeout=5) as trace:
        with pytest.raises(Alarm), on_alarm(alarm, 0.1):
            next(trace)
        network.send(*numbered(2))
        assert [number_of(next(trace)) for _ in range(2)] == [0, 1]


@every_format
@pytest.mark.parametrize("action", ["close", "pause"])
def test_signal_handler_stops_the_trace(network: Network, scheme: str, action: str) -> None:
    with libtrace.open(f"{scheme}:{network.far}") as trace:

        def stop() -> None:
            if trace.state == "started":
                getattr(trace, action)()

        with on_alarm(stop, 0.1):
            assert list(trace) == []
        assert trace.state == {"close": "closed", "pause": "paused"}[action]


@every_format
def test_signal_handler_reads_the_trace(network: Network, scheme: str) -> None:
    """What the handler reads and what the read that it interrupted gives are not mixed up."""
    frames = numbered(7)
    inner: list[libtrace.Packet] = []
    with libtrace.open(f"{scheme}:{network.far}", timeout=5) as trace:

        def read() -> None:
            if not inner:
                network.send(*frames[2:])
                inner.extend(next(trace) for _ in range(3))

        network.send(*frames[:2])
        outer = [next(trace), next(trace)]
        with on_alarm(read, 0.1):
            outer += [next(trace), next(trace)]
    assert [number_of(packet) for packet in inner] == [2, 3, 4]
    assert [number_of(packet) for packet in outer] == [0, 1, 5, 6]


@every_format
def test_signal_handler_that_returns(network: Network, scheme: str) -> None:
    calls = []
    trace = libtrace.open(f"{scheme}:{network.far}", timeout=0.5)
    with on_alarm(lambda: calls.append(1), 0.05), pytest.raises(libtrace.TraceTimeout):
        next(trace)
    assert len(calls) > 3


# Forks


INHERITED = {
    "packets": "next(trace)",
    "batches": "next(batches)",
    "flows": "next(flows)",
    "start": "waiting.start()",
    "packets, asynchronously": "asyncio.run(step(trace))",
    "batches, asynchronously": "asyncio.run(step(batches))",
    "flows, asynchronously": "asyncio.run(step(flows))",
}


@pytest.mark.parametrize("reads", INHERITED)
def test_forked_while_another_thread_waits(folder: pathlib.Path, reads: str) -> None:
    """What that thread was reading, within libpcap, the child can close, but not go on with."""
    program = """
        import asyncio, libtrace, os, sys, threading, time, warnings
        from feed import feed
        warnings.simplefilter("ignore", DeprecationWarning)  # of the fork
        source, fifo, silent, read = sys.argv[1:]
        async def step(source):
            return await source.__aiter__().__anext__()
        feeder = feed(fifo, source)
        waiting = libtrace.Trace("pcap:" + silent)
        trace = libtrace.open("pcap:" + fifo)
        batches, flows = trace.batches(["wire_len"]), trace.flows()
        next(trace)
        def wait():
            while True:
                exec(read)
        threading.Thread(target=wait, daemon=True).start()
        feeder.join()
        time.sleep(0.2)
        child = os.fork()
        if child:
            print(os.waitpid(child, 0)[1], flush=True)
            os._exit(0)
        for _ in range(2):
            try:
                exec(read)
            except libtrace.TraceStateError as error:
                print("forked" in str(error))
                break
        for closed in (trace, waiting):
            closed.close()
            print(closed.state)
    """
    source = f.write_pcap(folder / "source", f.records(*numbered(200)))
    for name in ("fifo", "silent"):
        os.mkfifo(folder / name)
    output = run(program, source, str(folder / "fifo"), str(folder / "silent"), INHERITED[reads])
    assert output.split() == ["True", "closed", "closed", "0"]


def test_forked_while_another_thread_waits_for_an_interface(network: Network) -> None:
    program = """
        import libtrace, os, sys, threading, time, warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # of the fork
        trace = libtrace.open(sys.argv[1])
        thread = threading.Thread(target=lambda: list(trace))
        thread.start()
        time.sleep(0.2)
        child = os.fork()
        if child:
            print(os.waitpid(child, 0)[1])
            trace.stop()
            thread.join()
        else:
            trace.close()
    """
    assert run(program, f"int:{network.far}") == "0\n"


# Pipes


def write_to(path: str, data: bytes) -> threading.Thread:
    """Starts a thread that writes to a pipe."""

    def write() -> None:
        with contextlib.suppress(BrokenPipeError), pathlib.Path(path).open("wb") as pipe:
            pipe.write(data)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("scheme", "compression"),
    [("pcapfile", ""), ("pcapfile", "gz"), ("pcapfile", "xz"), ("pcap", "")],
)
def test_pipe_from_a_thread_of_the_same_process(fifo: str, scheme: str, compression: str) -> None:
    data = f.compress(b"".join(f.pcap(f.records(*numbered(5_000)))), compression)
    writer = write_to(fifo, data)
    with libtrace.open(f"{scheme}:{fifo}") as trace:
        assert [number_of(packet) for packet in trace] == list(range(5_000))
    writer.join()


IN_PIECES = {
    "pcapfile": f.pcap,
    "erf": lambda records: (f.erf_record(record.data, ts_ns=record.ts_ns) for record in records),
    "pcapng": f.pcapng,
    "pcap": f.pcap,
}


@pytest.mark.parametrize(("piece", "longest"), [(7, 90), (300, 3_000), (4096, 60_000)])
@pytest.mark.parametrize("scheme", IN_PIECES)
def test_records_that_come_in_pieces(fifo: str, scheme: str, piece: int, longest: int) -> None:
    """As tcpdump writes those that are longer than its buffer."""
    if scheme == "pcapng" and not libtrace.features()["pcapng"]:
        pytest.skip("needs libtrace 4")
    frames = [bytes([n % 256]) * n for n in (60, longest, longest // 2, 60, longest - 1)]
    data = b"".join(IN_PIECES[scheme](f.records(*frames)))

    writer = feed_pieces(fifo, data, piece)
    with libtrace.open(f"{scheme}:{fifo}") as trace:
        assert [packet.data for packet in trace] == frames
    writer.join()


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz"])
def test_compressed_trace_that_comes_in_pieces(fifo: str, compression: str) -> None:
    data = f.compress(b"".join(f.pcap(f.records(*numbered(5)))), compression)
    writer = feed_pieces(fifo, data, 1)
    with libtrace.open(f"pcapfile:{fifo}") as trace:
        assert [number_of(packet) for packet in trace] == [0, 1, 2, 3, 4]
    writer.join()


@pytest.mark.parametrize("compression", ["", "gz"])
def test_damaged_file_after_a_pipe(fifo: str, folder: pathlib.Path, compression: str) -> None:
    """What the pipe needs of libwandio does not harm others."""
    writer = write_to(fifo, b"".join(f.pcap(f.records(*numbered(5)))))
    with libtrace.open(f"pcapfile:{fifo}") as trace:
        assert len(list(trace)) == 5
    writer.join()
    noise = random.Random(1).randbytes
    path = folder / "cut"
    f.write_pcap(path, f.records(*[noise(1000) for _ in range(5000)]), compression=compression)
    os.truncate(path, path.stat().st_size // 2)
    with libtrace.open(f"pcapfile:{path}") as trace, pytest.raises(libtrace.LibtraceError):
        list(trace)
    assert 1 <= trace.accepted_packets <= 2500


def test_pipe_whose_writer_is_late(fifo: str) -> None:
    """Other threads go on while start() waits for it."""
    data = b"".join(f.pcap(f.records(*numbered(3))))
    ticks = 0
    done = threading.Event()

    def write_late() -> None:
        nonlocal ticks
        for _ in range(10):
            time.sleep(0.01)
            ticks += 1
        write_to(fifo, data).join()
        done.set()

    thread = threading.Thread(target=write_late)
    thread.start()
    with libtrace.open(f"pcapfile:{fifo}") as trace:
        assert ticks == 10
        assert [number_of(packet) for packet in trace] == [0, 1, 2]
    assert done.wait(PROMPT)
    thread.join()


def test_start_in_a_signal_handler_of_start(fifo: str) -> None:
    trace = libtrace.Trace(f"pcapfile:{fifo}")
    writers: list[threading.Thread] = []

    def handler() -> None:
        if not writers:
            writers.append(write_to(fifo, b"".join(f.pcap(f.records(*numbered(9))))))
            trace.start()

    with trace, on_alarm(handler, 0.1):
        trace.start()
        assert [number_of(packet) for packet in trace] == list(range(9))
    writers[0].join()


@pytest.mark.parametrize("then", ["raise", "pause", "pause and raise"])
def test_start_in_a_signal_handler_of_start_that(fifo: str, then: str) -> None:
    """What the handler started stays as it is, and so does what it has read."""
    trace = libtrace.Trace(f"pcapfile:{fifo}")
    kept: list[libtrace.Packet] = []
    writer = threading.Thread()

    def handler() -> None:
        nonlocal writer
        if kept:
            return
        writer = write_to(fifo, b"".join(f.pcap(f.records(*numbered(9)))))
        trace.start()
        kept.append(next(trace))
        if "pause" in then:
            trace.pause()
        if "raise" in then:
            raise Alarm

    with trace, on_alarm(handler, 0.1):
        with pytest.raises(Alarm) if "raise" in then else contextlib.nullcontext():
            trace.start()
        trace.start()
        assert [number_of(packet) for packet in trace] == list(range(1, 9))
        assert number_of(kept[0]) == 0
    writer.join()


def test_start_again_though_the_pipe_has_no_name_any_more(fifo: str) -> None:
    data = b"".join(f.pcap(f.records(*numbered(3))))
    trace = libtrace.Trace(f"pcapfile:{fifo}")
    trace.conf_timeout(0.05)
    with open(fifo, "r+b", buffering=0) as pipe:  # noqa: PTH123
        pipe.write(data[:10])
        with pytest.raises(libtrace.TraceTimeout):
            trace.start()
        pathlib.Path(fifo).unlink()
        pipe.write(data[10:])
        trace.start()
        assert [number_of(next(trace)) for _ in range(3)] == [0, 1, 2]
    trace.close()


def test_pipe_in_the_place_of_a_file(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose short name libtrace 3 was to read instead; memory errors show under valgrind."""
    monkeypatch.chdir(folder)
    unknown_version = b"\t\0\t\0"
    path = pathlib.Path("f")
    path.write_bytes(f.pcap_header()[:4] + unknown_version + f.pcap_header()[8:])
    with libtrace.Trace("pcap:f") as trace:
        with pytest.raises(libtrace.LibtraceError, match="version"):
            trace.start()
        path.unlink()
        os.mkfifo(path)
        writer = write_to("f", b"".join(f.pcap(f.records(*numbered(3)))))
        trace.start()
        assert [number_of(packet) for packet in trace] == [0, 1, 2]
    writer.join()


def test_compressed_trace_opened_while_a_stream_waits(folder: pathlib.Path) -> None:
    """The stream gets no thread of wandio's, which would keep signals from its reader."""
    path = f.write_pcap(folder / "trace.gz", f.records(*numbered(1)), compression="gz")
    fifo = folder / "19990101-120000"
    os.mkfifo(fifo)
    records = [f.legacynzix_record(bytes(60)) for _ in range(8)]

    def others() -> int:
        return len(os.listdir("/proc/self/task")) - threading.active_count()  # noqa: PTH208

    def write() -> int:
        time.sleep(0.1)
        with libtrace.open(path) as other:
            assert len(list(other)) == 1
        with fifo.open("wb", buffering=0) as pipe:
            write_pieces(pipe.fileno(), records)
            return others()

    before = others()
    with ThreadPoolExecutor() as pool:
        wrote = pool.submit(write)
        with libtrace.open(f"legacynzix:{fifo}") as trace:
            assert len(list(trace)) == 8
        assert wrote.result() <= before


@contextlib.contextmanager
def full_pipe(fifo: str, count: int) -> Iterator[libtrace.Trace]:
    """All packets are in it: a read that waits is ended by a signal, and the trace with it."""
    data = b"".join(f.pcap(f.records(*numbered(count))))
    pipe = os.open(fifo, os.O_RDWR)
    assert fcntl.fcntl(pipe, F_SETPIPE_SZ, len(data)) >= len(data)
    assert os.write(pipe, data) == len(data)
    closing = threading.Timer(0.1, os.close, [pipe])  # libwandio waits for a whole megabyte
    closing.start()
    with libtrace.open(f"pcapfile:{fifo}") as trace:
        closing.join()
        yield trace


@pytest.mark.parametrize("how", ["packets", "batches"])
def test_signal_handler_that_reads_the_pipe(fifo: str, how: str) -> None:
    """What it keeps stays what it was, and neither gets what the other has."""
    count = 9_000
    kept: list[tuple[int, libtrace.Packet]] = []
    rest: list[int] = []
    with full_pipe(fifo, count) as trace:

        def handler() -> None:
            kept.extend((number_of(packet), packet) for packet in islice(trace, 2))

        with on_alarm(handler, 0.001):
            if how == "packets":
                rest.extend(map(number_of, trace))
            else:
                for batch in trace.batches(["payload"], 1000):
                    rest.extend(int(bytes(payload)[:8]) for payload in batch["payload"])
    assert kept
    assert all(number_of(packet) == number for number, packet in kept)
    assert sorted([*rest, *(number for number, _packet in kept)]) == list(range(count))


def test_limit_of_batches_that_a_signal_handler_reads_too(fifo: str) -> None:
    count, limit = 9_000, 7_000
    there: list[int] = []
    with full_pipe(fifo, count) as trace:
        batches = trace.batches(["src", "dst", "packet"], limit, limit=limit)
        with on_alarm(lambda: there.extend(map(len, batches)), 0.0005):
            here = list(map(len, batches))
        assert sum(here + there) == limit
        assert len(list(trace)) == count - limit


def test_filter_set_while_batches_wait_for_a_pipe(fifo: str) -> None:
    """It is that of the packet that comes, and the other one is not used any more."""
    with ThreadPoolExecutor() as pool:
        opened = pool.submit(libtrace.open, f"pcapfile:{fifo}", filter="len >= 1")
        with open(fifo, "wb", buffering=0) as pipe:  # noqa: PTH123
            write_slowly(pipe, numbered(5))
            with opened.result() as trace:
                found = pool.submit(lambda: [len(batch) for batch in trace.batches(["src"])])
                for filter in (libtrace.Filter("tcp"), libtrace.Filter("udp"), None):
                    time.sleep(0.05)
                    trace.conf_filter(filter)
                pipe.write(f.pcap_record(numbered(1)[0]))
                pipe.close()
                assert sum(found.result()) == 6


def write_slowly(pipe: IO[bytes], frames: list[bytes]) -> None:
    """Each when the one before was read."""
    write_pieces(pipe.fileno(), [f.pcap_header(), *map(f.pcap_record, frames)])


def test_error_names_the_pipe(fifo: str) -> None:
    """libtrace says what it has opened itself."""
    writer = write_to(fifo, f.tsh_record(bytes(44))[:-3])
    with libtrace.open(f"tsh:{fifo}") as trace, pytest.raises(libtrace.LibtraceError) as info:
        next(trace)
    writer.join()
    assert str(info.value).startswith(f"cannot read on in 'tsh:{fifo}': read({fifo})")


def test_packets_come_as_they_are_written(fifo: str) -> None:
    frames = numbered(10)
    seen = [threading.Event() for _ in frames]

    def write() -> None:
        with pathlib.Path(fifo).open("wb", buffering=0) as pipe:
            write_slowly(pipe, frames[:5])
            for number in range(5, 10):
                assert seen[number - 1].wait(PROMPT)
                pipe.write(f.pcap_record(frames[number]))

    thread = threading.Thread(target=write)
    thread.start()
    with libtrace.open(f"pcapfile:{fifo}") as trace:
        for number, packet in enumerate(trace):
            assert number_of(packet) == number
            seen[number].set()
    thread.join()
    assert seen[-1].is_set()


def test_close_from_another_thread_while_packets_come(fifo: str) -> None:
    record = f.pcap_record(numbered(1)[0])
    stop = threading.Event()

    def write() -> None:
        with contextlib.suppress(BrokenPipeError), pathlib.Path(fifo).open("wb") as pipe:
            pipe.write(f.pcap_header())
            while not stop.is_set():
                pipe.write(record * 100)

    writer = threading.Thread(target=write)
    writer.start()
    trace = libtrace.open(f"pcapfile:{fifo}")
    timer = threading.Timer(0.1, trace.close)
    timer.start()
    try:
        with contextlib.suppress(libtrace.TraceStateError):
            for _ in trace:
                pass
        timer.join(PROMPT)
        assert not timer.is_alive()
    finally:
        stop.set()
        writer.join()
    assert trace.accepted_packets > 0


def test_ctrl_c_on_a_silent_pipe(fifo: str) -> None:
    with contextlib.ExitStack() as stack:

        def open_and_wait() -> None:
            write_slowly(
                stack.enter_context(pathlib.Path(fifo).open("wb", buffering=0)), numbered(5)
            )

        thread = threading.Thread(target=open_and_wait)
        thread.start()
        interrupt(f"pcapfile:{fifo}")
        thread.join()


@contextlib.contextmanager
def open_pipe(fifo: str, content: bytes | None) -> Iterator[None]:
    """A pipe that holds no more than this; None if nobody has opened it."""
    if content is None:
        yield
        return
    with open(fifo, "r+b", buffering=0) as pipe:  # noqa: PTH123
        pipe.write(content)
        yield


BEGINNINGS = {"no writer": None, "nothing": b"", "less": f.pcap_header()[:10]}
HEADER = {"header": f.pcap_header()}


@pytest.mark.parametrize("content", BEGINNINGS.values(), ids=BEGINNINGS)
def test_ctrl_c_while_the_beginning_is_awaited(fifo: str, content: bytes | None) -> None:
    program = """
        import libtrace, sys
        print("waiting", flush=True)
        try:
            libtrace.open(sys.argv[1])
        except KeyboardInterrupt:
            print("interrupted")
    """
    with open_pipe(fifo, content):
        process = start(program, f"pcapfile:{fifo}")
        assert process.stdout
        assert process.stdout.readline() == "waiting\n"
        time.sleep(0.15)
        process.send_signal(signal.SIGINT)
        assert finish(process) == "interrupted\n"


@pytest.mark.parametrize("content", (BEGINNINGS | HEADER).values(), ids=BEGINNINGS | HEADER)
def test_signal_while_the_beginning_is_awaited(fifo: str, content: bytes | None) -> None:
    """Its handler returns, and the wait goes on."""
    handled = threading.Event()
    rest = b"".join(f.pcap(f.records(*numbered(3))))[len(content or b"") :]

    def write_rest() -> None:
        assert handled.wait(10)
        with pathlib.Path(fifo).open("wb") as pipe:
            pipe.write(rest)

    writer = threading.Thread(target=write_rest)
    writer.start()
    with contextlib.ExitStack() as stack:
        stack.enter_context(open_pipe(fifo, content))
        stack.enter_context(on_alarm(handled.set, 0.1))
        trace = stack.enter_context(libtrace.open(f"pcapfile:{fifo}"))
        assert [number_of(next(trace)) for _ in range(3)] == [0, 1, 2]
    writer.join()


@pytest.mark.parametrize("content", (BEGINNINGS | HEADER).values(), ids=BEGINNINGS | HEADER)
def test_timeout_while_the_beginning_is_awaited(fifo: str, content: bytes | None) -> None:
    """start() can be called again; nothing that came is lost."""
    rest = b"".join(f.pcap(f.records(*numbered(3))))[len(content or b"") :]
    trace = libtrace.Trace(f"pcapfile:{fifo}")
    trace.conf_timeout(0.1)
    with open_pipe(fifo, content):
        for _ in range(2):
            with pytest.raises(libtrace.TraceTimeout):
                trace.start()
                next(trace)
        writer = write_to(fifo, rest)
        trace.start()
        assert [number_of(next(trace)) for _ in range(3)] == [0, 1, 2]
    writer.join()
    trace.close()


@pytest.mark.parametrize("action", ["close", "stop"])
def test_another_thread_ends_the_wait_for_a_beginning(fifo: str, action: str) -> None:
    trace = libtrace.Trace(f"pcapfile:{fifo}")
    timer = threading.Timer(0.2, getattr(trace, action))
    timer.start()
    with pytest.raises(libtrace.TraceStateError, match="before its writer came"):
        trace.start()
    timer.join()
    trace.close()


def test_start_in_several_threads(fifo: str) -> None:
    trace = libtrace.Trace(f"pcapfile:{fifo}")
    with ThreadPoolExecutor(5) as pool:
        started = [pool.submit(trace.start) for _ in range(5)]
        time.sleep(0.1)
        assert not any(start.done() for start in started)
        writer = write_to(fifo, b"".join(f.pcap(f.records(*numbered(9)))))
        for start in started:
            start.result(10)
        assert [number_of(packet) for packet in trace] == list(range(9))
    writer.join()
    trace.close()


@contextlib.contextmanager
def silent_pipe(fifo: str, left: bytes) -> Iterator[tuple[libtrace.Trace, IO[bytes]]]:
    """One packet was read of it, and it holds the beginning of the next one."""
    with open(fifo, "r+b", buffering=0) as pipe:  # noqa: PTH123
        pipe.write(f.pcap_header() + f.pcap_record(numbered(1)[0]) + left)
        with libtrace.open(f"pcapfile:{fifo}") as trace:
            assert number_of(next(trace)) == 0
            yield trace, pipe


SECOND = f.pcap_record(numbered(2)[1])
CUTS = pytest.mark.parametrize("cut", [0, 5, 16, 40])


@CUTS
def test_stop_of_a_silent_pipe(fifo: str, cut: int) -> None:
    """From another thread; the next start goes on where it was."""
    with silent_pipe(fifo, SECOND[:cut]) as (trace, pipe):
        for _ in range(3):
            timer = threading.Timer(0.1, trace.stop)
            timer.start()
            before = time.monotonic()
            assert list(trace) == []
            assert time.monotonic() - before < 0.1 + PROMPT
            timer.join()
            trace.start()
        pipe.write(SECOND[cut:])
        assert number_of(next(trace)) == 1


@CUTS
@pytest.mark.parametrize("how", ["packets", "batches"])
def test_timeout_of_a_silent_pipe(fifo: str, cut: int, how: str) -> None:
    with silent_pipe(fifo, SECOND[:cut]) as (trace, pipe):
        trace.conf_timeout(0.1)
        batches = trace.batches(["index"], max_wait=60)
        for _ in range(3):
            before = time.monotonic()
            with pytest.raises(libtrace.TraceTimeout, match="within"):
                next(trace if how == "packets" else batches)
            assert 0.09 < time.monotonic() - before < 0.1 + PROMPT
        pipe.write(SECOND[cut:])
        assert number_of(next(trace)) == 1


@CUTS
def test_batch_of_a_silent_pipe(fifo: str, cut: int) -> None:
    """It is handed out after a while, and flows go on: the pipe's packets may be old."""
    with silent_pipe(fifo, SECOND + SECOND[:cut]) as (trace, pipe):
        trace.conf_timeout(0.2)
        assert len(next(trace.batches(["index"], max_wait=0.05))) == 1
        flows = trace.flows(["packets"], idle_timeout=0.1)
        pipe.write(SECOND[cut:])
        with pytest.raises(libtrace.TraceTimeout):
            next(flows)
        assert flows.active == 1


@CUTS
def test_signal_handler_that_raises_on_a_silent_pipe(fifo: str, cut: int) -> None:
    """As Ctrl-C: the reading can go on."""
    with silent_pipe(fifo, SECOND[:cut]) as (trace, pipe):
        for _ in range(3):
            with pytest.raises(Alarm), on_alarm(alarm, 0.05):
                next(trace)
        pipe.write(SECOND[cut:])
        assert number_of(next(trace)) == 1


@CUTS
def test_signal_handler_that_returns_on_a_silent_pipe(fifo: str, cut: int) -> None:
    calls: list[int] = []
    with silent_pipe(fifo, SECOND[:cut]) as (trace, pipe):

        def handler() -> None:
            calls.append(1)
            if len(calls) == 5:
                pipe.write(SECOND[cut:])

        with on_alarm(handler, 0.02):
            assert number_of(next(trace)) == 1
        assert len(calls) >= 5


@pytest.mark.parametrize("action", ["close", "stop"])
def test_signal_handler_ends_a_silent_pipe(fifo: str, action: str) -> None:
    with pathlib.Path(fifo).open("r+b", buffering=0) as pipe:
        thread = threading.Thread(target=write_slowly, args=(pipe, numbered(5)))
        thread.start()
        with libtrace.open(f"pcapfile:{fifo}") as trace, on_alarm(getattr(trace, action), 0.3):
            assert [number_of(packet) for packet in trace] == [0, 1, 2, 3, 4]
            assert trace.state == {"close": "closed", "stop": "stopped"}[action]
        thread.join()


@pytest.mark.parametrize("call", ["libtrace.open(uri)", "next(trace)", "next(batches)"])
def test_signal_handler_keeps_its_failure_to_itself(
    fifo: str, folder: pathlib.Path, call: str
) -> None:
    """The call that it interrupted may fail as well, but for a reason of its own."""
    program = f"""
        import libtrace, os, signal, sys
        from feed import feed
        source, fifo = sys.argv[1:]
        uri = "pcapfile:" + fifo
        if "uri" not in {call!r}:
            feed(fifo, source)
            trace = libtrace.open(uri)
            batches = trace.batches(["wire_len"])
            for _ in range(5):
                next(trace)
        handled = []
        def handle(*_):
            try:
                libtrace.open("pcapfile:/no/such/file")
            except FileNotFoundError:
                handled.append(1)
            if len(handled) == 3:
                os._exit(0)  # it goes on to wait
        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
        try:
            {call}
        except libtrace.LibtraceError as error:
            assert handled and not isinstance(error, FileNotFoundError), error
    """
    source = f.write_pcap(folder / "source", f.records(*numbered(5)))
    run(program, source, fifo)


def test_stop_from_another_thread_ends_a_pipe_at_its_next_packet(fifo: str) -> None:
    stopped = threading.Event()

    def write() -> None:
        with contextlib.suppress(BrokenPipeError), pathlib.Path(fifo).open("wb", 0) as pipe:
            write_slowly(pipe, numbered(5))
            assert stopped.wait(60)
            pipe.write(f.pcap_record(numbered(6)[5]))

    thread = threading.Thread(target=write)
    thread.start()
    with libtrace.open(f"pcapfile:{fifo}") as trace:

        def stop() -> None:
            trace.stop()
            stopped.set()

        timer = threading.Timer(0.3, stop)
        timer.start()
        found = [number_of(packet) for packet in trace]
        assert trace.state == "stopped"
        timer.join()
        trace.start()
        assert found + [number_of(packet) for packet in trace] == list(range(6))
    thread.join()
