# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

import contextlib
import errno
import os
import pathlib
import pickle
from collections.abc import Callable, Iterator

import gen
import gen_files as f
import libtrace
import plt
import pytest
from reading import read

MakeTrace = Callable[..., str]
FRAME = gen.KINDS["tcp4"][1]
SCHEMES = ["pcapfile", "pcap", "erf"]
NOBODY = 65534


@contextlib.contextmanager
def unprivileged() -> Iterator[None]:
    """Without the rights of root, who may read every file."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


# Classes


@pytest.mark.parametrize(
    ("kind", "standard"),
    [
        (libtrace.FilterError, ValueError),
        (libtrace.TruncatedError, ValueError),
        (libtrace.TraceTimeout, TimeoutError),
        (libtrace.TraceStateError, RuntimeError),
    ],
)
def test_each_is_what_a_script_would_catch(
    kind: type[libtrace.LibtraceError], standard: type[Exception]
) -> None:
    assert issubclass(kind, libtrace.LibtraceError)
    assert issubclass(kind, standard)
    assert issubclass(kind, plt.libtrace_exc)


def test_base_is_an_exception_and_no_more() -> None:
    assert libtrace.LibtraceError.__bases__ == (Exception,)


def test_attributes() -> None:
    error = libtrace.LibtraceError("what", -7, "erf:x")
    assert (str(error), error.code, error.uri, error.args) == ("what", -7, "erf:x", ("what",))
    empty = libtrace.LibtraceError()
    assert (str(empty), empty.code, empty.uri) == ("", 0, None)


def test_pickle() -> None:
    with pytest.raises(FileNotFoundError) as caught:
        libtrace.open("pcapfile:/no/such/file")
    assert isinstance(caught.value, libtrace.LibtraceError)
    for error in (caught.value, libtrace.FilterError("what", -9, "erf:x")):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert (again.code, again.uri) == (error.code, error.uri)


# What cannot be opened


@pytest.mark.parametrize("scheme", SCHEMES)
def test_missing_file(tmp_path: pathlib.Path, scheme: str) -> None:
    uri = f"{scheme}:{tmp_path}/none"
    with pytest.raises(FileNotFoundError) as caught:
        libtrace.open(uri)
    error = caught.value
    assert isinstance(error, libtrace.LibtraceError)
    assert (error.code, error.errno, error.uri) == (errno.ENOENT, errno.ENOENT, uri)
    assert str(error) == f"cannot open '{uri}': No such file or directory"


def test_missing_path(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError, match="/none': No such file"):
        libtrace.open(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        libtrace.open("")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_directory(tmp_path: pathlib.Path, scheme: str) -> None:
    for source in (f"{scheme}:{tmp_path}", tmp_path):
        with pytest.raises(IsADirectoryError) as caught:
            libtrace.open(source)
        assert isinstance(caught.value, libtrace.LibtraceError)
        assert caught.value.code == errno.EISDIR


@pytest.mark.parametrize("scheme", [*SCHEMES, ""])
def test_no_permission(tmp_path: pathlib.Path, scheme: str) -> None:
    path = tmp_path / "secret.pcap"
    path.touch()
    path.chmod(0)
    with unprivileged(), pytest.raises(PermissionError) as caught:
        libtrace.open(f"{scheme}:{path}" if scheme else path)
    assert isinstance(caught.value, libtrace.LibtraceError)
    assert caught.value.code == errno.EACCES
    assert "Permission denied" in str(caught.value)


@pytest.mark.parametrize(
    "name", ["nonsense:x", ":", "pcapfile", "x" * 300, "pcapfile:" + "x" * 300]
)
def test_what_is_no_trace(name: str) -> None:
    with pytest.raises(libtrace.LibtraceError) as caught:
        libtrace.open(name)
    assert caught.value.code != 0
    assert name in str(caught.value)


def test_no_such_interface() -> None:
    with pytest.raises(libtrace.LibtraceError) as caught:
        libtrace.open("int:no-such-interface")
    assert caught.value.uri == "int:no-such-interface"
    assert "no-such-interface" in str(caught.value)


def test_long_uri_is_cut_in_the_text_only() -> None:
    name = "x" * 200 + "/"
    with pytest.raises(libtrace.LibtraceError) as caught:
        libtrace.open("pcapfile:" + name * 20)
    assert str(caught.value).startswith("cannot open 'pcapfile:xxx")


# Files that are none, or end too soon


@pytest.mark.parametrize("scheme", SCHEMES)
def test_empty_file(tmp_trace: MakeTrace, scheme: str, capfd: pytest.CaptureFixture[str]) -> None:
    found, error = read(tmp_trace([], scheme))
    assert found == []
    if scheme == "erf":  # which has no header, so that an empty file is a trace
        assert error is None
    else:
        assert error is not None
        assert error.code < 0


def test_empty_path(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    with pytest.raises(libtrace.LibtraceError, match="it is empty") as caught:
        libtrace.open(path)
    assert caught.value.uri == str(path)


@pytest.mark.parametrize("scheme", ["pcapfile", "pcap"])
def test_foreign_file(tmp_trace: MakeTrace, scheme: str) -> None:
    found, error = read(tmp_trace([b"This is no packet trace.\n" * 9], scheme))
    assert found == []
    assert error is not None
    assert error.uri is not None
    assert error.uri in str(error)


@pytest.mark.parametrize("cut", [1, 8, 16, 16 + len(FRAME) - 1])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_truncated_file(tmp_path_factory: pytest.TempPathFactory, scheme: str, cut: int) -> None:
    if scheme == "erf":
        record = f.erf_record(FRAME)
        parts = [record * 2, record[:cut]]
    else:
        record = f.pcap_record(FRAME)
        parts = [f.pcap_header(), record * 2, record[:cut]]
    # Not in tmp_path, where open files are counted: libtrace 3 never closes a file of pcap:.
    uri = f"{scheme}:{f.write(tmp_path_factory.mktemp('cut') / 'trace', parts)}"
    found, error = read(uri)
    assert [bytes(packet)[: len(FRAME)] for packet in found] == [FRAME] * 2
    assert error is not None, "the loss has to be told"
    assert error.uri == uri
    assert not isinstance(error, (ValueError, OSError))


def test_after_a_truncated_record_the_trace_is_at_its_end(tmp_trace: MakeTrace) -> None:
    uri = tmp_trace([f.pcap_header(), f.pcap_record(FRAME), f.pcap_record(FRAME)[:-1]])
    with libtrace.open(uri) as trace:
        next(trace)
        with pytest.raises(libtrace.LibtraceError):
            next(trace)
        assert list(trace) == []
        assert not trace.read_packet(libtrace.Packet())
        assert trace.accepted_packets == 1


# Filters and states


@pytest.mark.parametrize("expression", ["no such filter", "port", "host 1.2.3.4.5", "tcp and"])
def test_bad_filter(expression: str) -> None:
    with pytest.raises(libtrace.FilterError) as caught:
        libtrace.Filter(expression)
    error = caught.value
    assert isinstance(error, ValueError)
    assert error.code < 0
    assert error.uri is None
    assert str(error).startswith(f"bad filter '{expression}': ")


def test_bad_filter_of_open(tmp_pcap: MakeTrace) -> None:
    with pytest.raises(libtrace.FilterError):
        libtrace.open(tmp_pcap(FRAME), filter="no such filter")


def test_state_error(tmp_pcap: MakeTrace) -> None:
    uri = tmp_pcap(FRAME)
    with pytest.raises(libtrace.TraceStateError) as caught:
        next(libtrace.Trace(uri))
    assert (caught.value.uri, str(caught.value)) == (uri, f"cannot read '{uri}': it is not started")
    assert caught.value.code < 0


def test_truncated_error(tmp_pcap: MakeTrace) -> None:
    with libtrace.open(tmp_pcap(FRAME[:28])) as trace, pytest.raises(ValueError) as caught:
        next(trace).src  # noqa: B018
    assert isinstance(caught.value, libtrace.TruncatedError)
    assert "src" in str(caught.value)


def test_an_error_leaves_nothing_behind(tmp_pcap: MakeTrace, tmp_path: pathlib.Path) -> None:
    trace = libtrace.Trace(f"pcapfile:{tmp_path}/later.pcap")
    with pytest.raises(FileNotFoundError):
        trace.start()
    pathlib.Path(tmp_pcap(FRAME).partition(":")[2]).rename(tmp_path / "later.pcap")
    trace.start()
    assert [bytes(packet) for packet in trace] == [FRAME]
    trace.close()
