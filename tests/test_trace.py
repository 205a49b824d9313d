# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

import ctypes
import gc
import inspect
import os
import pathlib
import re
import subprocess
import time
from collections.abc import Callable, Iterator

import gen
import gen_files as f
import libtrace
import plt
import pytest
from script import run_script

pytestmark = pytest.mark.usefixtures("silence")

MakeTrace = Callable[..., str]
TCP = gen.KINDS["tcp4"][1]
UDP = gen.KINDS["udp4"][1]
FRAMES = [TCP, UDP, UDP, TCP, UDP]
UNKNOWN = 2**64 - 1
STATISTICS = ["accepted", "filtered", "received", "dropped", "captured", "missing", "errors"]


@pytest.fixture
def uri(tmp_pcap: MakeTrace) -> str:
    return tmp_pcap(*FRAMES)


@pytest.fixture
def trace(uri: str) -> Iterator[libtrace.Trace]:
    with libtrace.open(uri) as opened:
        yield opened


def frames(trace: libtrace.Trace) -> list[bytes]:
    return [bytes(packet) for packet in trace]


# Opening


@pytest.mark.parametrize(
    "name",
    [
        "plain.pcap",
        "no-ending",
        "with space.pcap",
        "colon:inside.pcap",
        "erf:looks-like-a-uri",
        "ünïcödé.pcap",
        os.fsdecode(b"\xff\xfe not UTF-8.pcap"),
        "100%s.pcap",
    ],
)
def test_paths_of_any_name(
    tmp_path: pathlib.Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    f.write_pcap(path, f.records(*FRAMES))
    monkeypatch.chdir(tmp_path)
    for source in (path, str(path), name, pathlib.Path(name), f"pcapfile:{path}"):
        with libtrace.open(source) as trace:
            assert frames(trace) == FRAMES
            assert trace.uri.startswith("pcapfile:")
            assert trace.uri.endswith(name)
            assert name in repr(trace) or not name.isprintable()


@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
def test_compression_is_told_by_content(tmp_path: pathlib.Path, compression: str) -> None:
    path = tmp_path / "misnamed.pcap"
    f.write_pcap(path, f.records(*FRAMES), compression=compression)
    for source in (path, f"pcapfile:{path}"):
        with libtrace.open(source) as trace:
            assert frames(trace) == FRAMES


def test_format_is_told_by_content(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "misnamed.pcap"
    f.write_erf(path, f.records(*FRAMES))
    with libtrace.open(path) as trace:
        assert trace.uri == f"erf:{path}"
        assert len(list(trace)) == len(FRAMES)


def test_trace_takes_a_bare_path(tmp_path: pathlib.Path) -> None:
    path = f.write_pcap(tmp_path / "x", f.records(*FRAMES))
    trace = libtrace.Trace(path)
    assert trace.uri == path
    trace.start()
    assert trace.uri == f"pcapfile:{path}"
    assert frames(trace) == FRAMES
    trace.close()


def test_unknown_format_tells_what_is_known(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("nothing that anybody has captured\n" * 9)
    with pytest.raises(libtrace.LibtraceError) as caught:
        libtrace.open(path)
    words = ["pcap", "ERF", "TSH", "gzip", "bzip2", "xz", "legacyatm:", "int:", "pcapint:"]
    words += ["pcapng"] if libtrace.features()["pcapng"] else []
    words += ["zstd"] if libtrace.features()["zstd"] else []
    for word in [*words, str(path)]:
        assert word in str(caught.value)


def test_open_takes_keywords(uri: str) -> None:
    with libtrace.open(uri, filter="udp", snaplen=30, timeout=1.5) as trace:
        assert frames(trace) == [UDP[:30]] * 3
    with libtrace.open(uri, filter=libtrace.Filter("tcp"), snaplen=0, timeout=0) as trace:
        assert frames(trace) == [TCP] * 2
    with libtrace.open(uri, filter=None, snaplen=None, promisc=None, timeout=None) as trace:
        assert frames(trace) == FRAMES
    with pytest.raises(TypeError):
        libtrace.open(uri, "udp")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("keywords", "error"),
    [
        ({"filter": "no such filter"}, libtrace.FilterError),
        ({"filter": 5}, TypeError),
        ({"snaplen": -1}, ValueError),
        ({"snaplen": "x"}, TypeError),
        ({"promisc": True}, libtrace.LibtraceError),
        ({"promisc": 1}, ValueError),
        ({"timeout": -1}, ValueError),
        ({"nonsense": 1}, TypeError),
    ],
)
def test_open_with_bad_keywords(
    uri: str, keywords: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        libtrace.open(uri, **keywords)  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [libtrace.Trace, libtrace.open])
def test_bad_uris(make: Callable[[object], object]) -> None:
    for wrong in (None, 5, b"pcapfile:x", ["x"]):
        with pytest.raises(ValueError):
            make(wrong)
        with pytest.raises(TypeError):
            make(wrong)
    for cut in ("x\0", "pcapfile:x\0y", "\0"):
        with pytest.raises(ValueError, match="null"):
            make(cut)


def test_nothing_is_opened_before_start(tmp_path: pathlib.Path) -> None:
    trace = libtrace.Trace(f"pcapfile:{tmp_path}/later")
    other = libtrace.Trace("nonsense:x")
    f.write_pcap(tmp_path / "later", f.records(*FRAMES))
    trace.start()
    assert frames(trace) == FRAMES
    trace.close()
    with pytest.raises(libtrace.LibtraceError):
        other.start()
    other.close()


# Starting, pausing, closing


def test_second_start_does_not_rewind(trace: libtrace.Trace) -> None:
    assert bytes(next(trace)) == FRAMES[0]
    assert trace.start() is None  # type: ignore[func-returns-value]
    assert frames(trace) == FRAMES[1:]
    trace.start()
    assert frames(trace) == []


def test_start_after_pause_goes_on(trace: libtrace.Trace) -> None:
    first = next(trace)
    trace.pause()
    assert bytes(first) == FRAMES[0]
    trace.conf_filter(libtrace.Filter("udp"))
    trace.start()
    assert frames(trace) == [UDP] * 3
    assert bytes(first) == FRAMES[0]


def test_iterator_is_the_trace(trace: libtrace.Trace) -> None:
    assert iter(trace) is trace
    for packet in trace:
        assert bytes(packet) == FRAMES[0]
        break
    assert frames(trace) == FRAMES[1:]
    for _ in range(3):
        with pytest.raises(StopIteration):
            next(trace)


def read_by_next(trace: libtrace.Trace) -> object:
    return next(trace)


def read_by_refill(trace: libtrace.Trace) -> object:
    return trace.read_packet(libtrace.Packet())


@pytest.mark.parametrize("read", [read_by_next, read_by_refill])
def test_reading_in_the_wrong_state(uri: str, read: Callable[[libtrace.Trace], object]) -> None:
    trace = libtrace.Trace(uri)
    with pytest.raises(libtrace.TraceStateError, match="not started"):
        read(trace)
    trace.start()
    read(trace)
    trace.pause()
    with pytest.raises(libtrace.TraceStateError, match="paused"):
        read(trace)
    trace.start()
    read(trace)
    trace.close()
    with pytest.raises(libtrace.TraceStateError, match="closed"):
        read(trace)
    assert trace.accepted_packets == 2


def test_other_calls_in_the_wrong_state(uri: str) -> None:
    trace = libtrace.Trace(uri)
    with pytest.raises(libtrace.TraceStateError):
        trace.pause()
    trace.start()
    trace.pause()
    with pytest.raises(libtrace.TraceStateError):
        trace.pause()
    trace.close()
    closed: list[Callable[[], object]] = [
        trace.start,
        trace.pause,
        lambda: trace.conf_filter(None),
        lambda: trace.conf_snaplen(1),
        lambda: trace.conf_promisc(True),
        lambda: trace.conf_timeout(1),
        lambda: trace.conf_meta(False),
    ]
    for call in closed:
        with pytest.raises(libtrace.TraceStateError):
            call()


def test_close_again_and_again(uri: str) -> None:
    unstarted = libtrace.Trace(uri)
    started = libtrace.open(uri)
    paused = libtrace.open(uri)
    paused.pause()
    for trace in (unstarted, started, paused):
        for _ in range(3):
            assert trace.close() is None  # type: ignore[func-returns-value]
        assert trace.state == "closed"


def test_close_inside_the_loop(trace: libtrace.Trace) -> None:
    seen = []
    with pytest.raises(libtrace.TraceStateError):
        for packet in trace:
            trace.close()
            seen.append(bytes(packet))
    assert seen == FRAMES[:1]


def test_context_manager(uri: str) -> None:
    with libtrace.Trace(uri) as trace:
        assert isinstance(trace, libtrace.Trace)
        assert trace.state == "new"
        trace.start()
        assert trace.state == "started"
    assert trace.state == "closed"
    with pytest.raises(ZeroDivisionError), libtrace.open(uri) as trace:
        raise ZeroDivisionError
    assert trace.state == "closed"


def test_reprs(uri: str) -> None:
    trace = libtrace.Trace(uri)
    assert repr(trace) == f"<libtrace.Trace '{uri}', new, 0 packets read>"
    trace.start()
    next(trace), next(trace)
    assert repr(trace) == f"<libtrace.Trace '{uri}', started, 2 packets read>"
    trace.pause()
    assert ", paused, 2 " in repr(trace)
    trace.close()
    assert repr(trace) == f"<libtrace.Trace '{uri}', closed, 2 packets read>"
    assert repr(libtrace.Filter("udp port 53")) == "<libtrace.Filter 'udp port 53'>"


# read_packet


def test_read_packet_shares_the_position(trace: libtrace.Trace) -> None:
    packet = libtrace.Packet()
    seen = []
    while trace.read_packet(packet):
        seen.append(bytes(packet))
        seen += [bytes(other) for other in [next(trace, None)] if other]
    assert seen == FRAMES
    assert trace.read_packet(packet) is False
    assert bytes(packet) == FRAMES[-1], "after the last packet the object still shows it"


def test_read_packet_into_an_iterated_packet(trace: libtrace.Trace) -> None:
    first, second = next(trace), next(trace)
    assert trace.read_packet(first) is True
    assert [bytes(first), bytes(second)] == [FRAMES[2], FRAMES[1]]


def test_wrong_number_of_arguments(uri: str) -> None:
    """Old programs expect a `ValueError`, new ones a `TypeError`."""
    trace = libtrace.Trace(uri)
    for kind in (ValueError, TypeError):
        for call in (libtrace.Trace, lambda: libtrace.Trace(uri, uri), trace.conf_filter):  # type: ignore[call-arg]
            with pytest.raises(kind):
                call()  # type: ignore[call-arg]
        with pytest.raises(kind):
            libtrace.Trace(url=uri)  # type: ignore[call-arg]
    assert list(inspect.signature(libtrace.Trace).parameters) == ["uri"]


@pytest.mark.parametrize("wrong", [None, 5, "packet", b"", libtrace.Filter("udp"), libtrace.Packet])
def test_read_packet_into_what_is_none(trace: libtrace.Trace, wrong: object) -> None:
    with pytest.raises(ValueError):
        trace.read_packet(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        trace.read_packet()  # type: ignore[call-arg]
    assert frames(trace) == FRAMES


# Counters


def test_counters_of_a_file(uri: str) -> None:
    trace = libtrace.Trace(uri)
    assert (trace.pkt_accepts(), trace.pkt_drops(), trace.packet_drops) == (0, UNKNOWN, None)
    assert list(trace.statistics()) == STATISTICS
    trace.conf_filter(libtrace.Filter("tcp"))
    trace.start()
    next(trace)
    assert (trace.pkt_accepts(), trace.accepted_packets) == (1, 1)
    assert list(trace) != []
    assert (trace.pkt_accepts(), trace.pkt_drops(), trace.packet_drops) == (2, UNKNOWN, None)
    before = trace.statistics()
    assert list(before) == STATISTICS
    assert (before["accepted"], before["filtered"], before["dropped"]) == (2, 3, None)
    trace.close()
    trace.close()
    assert trace.statistics() == before
    assert (trace.pkt_accepts(), trace.pkt_drops()) == (2, UNKNOWN)


def test_counters_are_read_only(trace: libtrace.Trace) -> None:
    for name in ("accepted_packets", "packet_drops", "uri", "state"):
        with pytest.raises((AttributeError, TypeError)):
            setattr(trace, name, 1)


# Configuration


@pytest.mark.parametrize(
    ("method", "argument", "error"),
    [
        ("conf_snaplen", "5", TypeError),
        ("conf_snaplen", 1.5, TypeError),
        ("conf_snaplen", None, TypeError),
        ("conf_snaplen", -1, ValueError),
        ("conf_snaplen", 65537, ValueError),
        ("conf_snaplen", 2**31, ValueError),
        ("conf_snaplen", 2**40, ValueError),
        ("conf_snaplen", -(2**70), ValueError),
        ("conf_timeout", "5", TypeError),
        ("conf_timeout", None, TypeError),
        ("conf_timeout", -1, ValueError),
        ("conf_timeout", float("nan"), ValueError),
        ("conf_timeout", float("inf"), ValueError),
        ("conf_timeout", 10**400, ValueError),
        ("conf_promisc", 1, ValueError),
        ("conf_promisc", "yes", ValueError),
        ("conf_promisc", None, ValueError),
        ("conf_meta", 1, TypeError),
        ("conf_meta", None, TypeError),
        ("conf_filter", "udp", TypeError),
        ("conf_filter", 5, TypeError),
        ("conf_filter", libtrace.Filter, TypeError),
    ],
)
def test_bad_configuration(uri: str, method: str, argument: object, error: type[Exception]) -> None:
    trace = libtrace.Trace(uri)
    for _ in ("before", "after the start"):
        with pytest.raises(error):
            getattr(trace, method)(argument)
        with pytest.raises(TypeError):
            getattr(trace, method)()
        with pytest.raises(TypeError):
            getattr(trace, method)(argument, argument)
        trace.start()
    assert frames(trace) == FRAMES
    trace.close()


@pytest.mark.parametrize(
    ("method", "name", "number", "message"),
    [
        ("batches", "limit", 2**63, "limit is 0 or more packets, below 2^63"),
        ("batches", "limit", -(2**70), "limit is 0 or more packets, below 2^63"),
        ("batches", "max_wait", 10**400, "max_wait: out of range"),
        ("flows", "max_wait", 10**400, "max_wait: out of range"),
        ("flows", "idle_timeout", 10**400, "idle_timeout: out of range"),
        ("flows", "active_timeout", -(10**400), "active_timeout: out of range"),
        ("flows", "max_flows", 2**31, "max_flows is 1 or more, below 2^31"),
        ("conf_timeout", "", 10**400, "seconds: out of range"),
        ("conf_snaplen", "", 2**31, "a snap length is 0 to 65536 bytes"),
    ],
)
def test_number_too_large(uri: str, method: str, name: str, number: int, message: str) -> None:
    """For C, too: it is out of range as others are, and not another kind of error."""
    trace = libtrace.Trace(uri)
    call = getattr(trace, method)
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        call(**{name: number}) if name else call(number)
    assert type(caught.value) is ValueError


@pytest.mark.parametrize("value", [True, False])
def test_promisc_of_a_file_leaves_no_error_behind(uri: str, value: bool) -> None:
    trace = libtrace.Trace(uri)
    for call in (trace.conf_promisc, trace.promisc):
        with pytest.raises(libtrace.LibtraceError, match="promiscuous"):
            call(value)
    trace.start()
    next(trace)
    with pytest.raises(libtrace.LibtraceError):
        trace.conf_promisc(value)
    assert frames(trace) == FRAMES[1:]
    trace.close()


@pytest.mark.parametrize("seconds", [0, 1, 0.25, 86400])
def test_timeout_of_a_file_does_nothing(uri: str, seconds: float) -> None:
    with libtrace.open(uri, timeout=seconds) as trace:
        assert frames(trace) == FRAMES


# The snap length


@pytest.mark.parametrize("snaplen", [1, 13, 14, 40, len(TCP), len(TCP) + 1, 65536])
def test_snaplen_cuts(uri: str, snaplen: int) -> None:
    with libtrace.open(uri) as whole, libtrace.open(uri, snaplen=snaplen) as cut:
        for full, packet in zip(whole, cut):
            assert bytes(packet) == bytes(full)[:snaplen]
            assert bytes(packet.data) == bytes(full)[:snaplen]
            assert packet.capture_len == min(snaplen, full.capture_len)
            assert packet.wire_len == full.wire_len
            assert packet.is_truncated is (snaplen < full.capture_len)


def test_snaplen_while_reading(trace: libtrace.Trace) -> None:
    lengths = []
    for snaplen in (20, 0, 30):
        trace.conf_snaplen(snaplen)
        lengths.append(next(trace).capture_len)
    assert lengths == [20, len(UDP), 30]


def test_filter_sees_what_snaplen_cuts(uri: str) -> None:
    with libtrace.open(uri, snaplen=14, filter="udp port 53") as trace:
        assert frames(trace) == [UDP[:14]] * 3


# Filters


def test_filter_changes_while_reading(trace: libtrace.Trace) -> None:
    trace.conf_filter(libtrace.Filter("udp"))
    seen = [bytes(next(trace))]
    trace.conf_filter(libtrace.Filter("tcp"))
    seen.append(bytes(next(trace)))
    trace.conf_filter(None)
    seen += frames(trace)
    assert seen == [UDP, TCP, UDP]


def test_trace_keeps_its_filter(uri: str) -> None:
    trace = libtrace.Trace(uri)
    trace.conf_filter(libtrace.Filter("udp"))
    gc.collect()
    trace.start()
    assert frames(trace) == [UDP] * 3
    trace.close()


def test_one_filter_for_many_traces(tmp_pcap: MakeTrace) -> None:
    shared = libtrace.Filter("tcp or udp port 53")
    for kind in ("tcp4", "raw4", "sll", "radiotap", "ppp_hdlc", "wifi", "tcp6", "raw6", "udp4"):
        linktype, frame = gen.KINDS[kind]
        with libtrace.open(tmp_pcap(frame, linktype=linktype), filter=shared) as trace:
            assert len(list(trace)) == 1
    assert shared.expression == "tcp or udp port 53"


def test_empty_filter_takes_all(trace: libtrace.Trace) -> None:
    trace.conf_filter(libtrace.Filter(""))
    assert frames(trace) == FRAMES


def test_filter_of_plt_is_compiled_late(trace: libtrace.Trace) -> None:
    bad = plt.filter("no such filter")
    trace.conf_filter(bad)
    with pytest.raises(libtrace.FilterError, match="no such filter"):
        next(trace)
    trace.conf_filter(plt.filter("tcp"))
    assert frames(trace) == [TCP]
    assert trace.accepted_packets == 1


@pytest.mark.parametrize("make", [libtrace.Filter, plt.filter])
def test_bad_arguments_of_a_filter(make: Callable[..., object]) -> None:
    for wrong in (None, 5, b"udp"):
        with pytest.raises(TypeError):
            make(wrong)
    with pytest.raises(TypeError):
        make()
    with pytest.raises(ValueError, match="null"):
        make("udp\0tcp")


# The rest of the process

READ_ALL = """
    import sys, libtrace
    with libtrace.open(sys.argv[1]) as trace:
        print(*(packet.capture_len for packet in trace))
"""
SIZES = " ".join(str(len(frame)) for frame in FRAMES) + "\n"


@pytest.mark.parametrize("compression", ["", "gz"])
def test_fifo(tmp_path: pathlib.Path, compression: str) -> None:
    path = f.write_pcap(tmp_path / "x", f.records(*FRAMES), compression=compression)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["sh", "-c", 'cat "$0" > "$1"', path, str(fifo)]) as writer:
        try:
            assert run_script(READ_ALL, f"pcapfile:{fifo}") == SIZES
        finally:
            writer.kill()


@pytest.mark.parametrize("compression", ["", "gz"])
def test_stdin(tmp_path: pathlib.Path, compression: str) -> None:
    path = f.write_pcap(tmp_path / "x", f.records(*FRAMES), compression=compression)
    stdin = pathlib.Path(path).read_bytes()
    assert run_script(READ_ALL, "pcapfile:-", stdin=stdin) == SIZES


def test_bare_fifo_has_to_be_named(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(libtrace.LibtraceError, match="pcapfile:"):
        libtrace.open(tmp_path / "fifo")


def c_environment(name: str) -> bytes | None:
    """The variable as C sees it; Python's os.environ is a copy."""
    getenv = ctypes.CDLL(None).getenv
    getenv.restype = ctypes.c_char_p
    value: bytes | None = getenv(name.encode())
    return value


@pytest.mark.parametrize("setting", [None, "nothreads", "threads=2"])
def test_libtraceio_stays_as_it_was(
    uri: str, monkeypatch: pytest.MonkeyPatch, setting: str | None
) -> None:
    monkeypatch.delenv("LIBTRACEIO", raising=False)
    if setting:
        monkeypatch.setenv("LIBTRACEIO", setting)
    with libtrace.open(uri) as trace:
        assert frames(trace) == FRAMES
        assert c_environment("LIBTRACEIO") == (setting.encode() if setting else None)
    with pytest.raises(libtrace.LibtraceError):
        libtrace.open("pcapfile:/dev/null")
    assert c_environment("LIBTRACEIO") == (setting.encode() if setting else None)


@pytest.mark.parametrize(
    ("setting", "compression", "threads"),
    [
        ("", "", 0),
        ("nothreads", "", 0),
        ("threads=2", "", 1),
        ("nothreads", "gz", 0),
        ("", "gz", 1),
    ],
)
def test_libtraceio_is_respected(
    tmp_path: pathlib.Path, setting: str, compression: str, threads: int
) -> None:
    # More than the thread reads ahead, so that it is still there.
    path = f.write_pcap(
        tmp_path / "long", f.records(*[TCP.ljust(65000)] * 200), compression=compression
    )
    code = """
        import os, sys, libtrace
        with libtrace.open("pcapfile:" + sys.argv[1]) as trace:
            next(trace)
            print(len(os.listdir("/proc/self/task")) - 1)
    """
    environment = {"LIBTRACEIO": setting} if setting else {}
    assert run_script(code, path, environment=environment) == f"{threads}\n"


@pytest.mark.parametrize("zone", [None, "America/Lima", "UTC"])
def test_time_zone_stays_as_it_was(
    tmp_trace: MakeTrace, monkeypatch: pytest.MonkeyPatch, zone: str | None
) -> None:
    monkeypatch.delenv("TZ", raising=False)
    if zone:
        monkeypatch.setenv("TZ", zone)
    time.tzset()
    before = time.localtime(0)
    parts = [f.legacynzix_record(TCP)]
    with libtrace.open(tmp_trace(parts, "legacynzix", name="19990101-120000")) as trace:
        next(trace)
        assert c_environment("TZ") == (zone.encode() if zone else None)
    time.tzset()
    assert time.localtime(0) == before
    monkeypatch.undo()
    time.tzset()
