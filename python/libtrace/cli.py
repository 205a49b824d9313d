# SPDX-License-Identifier: LGPL-3.0-or-later
"""The command ``libtrace``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any, NoReturn

import libtrace
from libtrace.report import Report, Summary

__all__ = ["main"]

# As the shell reports a command that one of these signals ended.
_INTERRUPTED = 128 + 2
_BROKEN_PIPE = 128 + 13

_MOST_BYTES = 65536


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        Its arguments; those of the process by default.

    Returns
    -------
    int
        The exit status: 0, 1 after an error, 130 after Ctrl-C, 141 when nobody reads the output.

    Raises
    ------
    SystemExit
        With status 2 after wrong usage, with 0 after ``--help`` and ``--version``.
    """
    try:
        options = _make_parser().parse_args(argv)
        status: int = options.run(options)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "rich":
            raise
        _complain("tables need the Python package rich: install it, or use --json")
        return 1
    return status


# ---- arguments ----


class _Parser(argparse.ArgumentParser):
    """Reports wrong usage in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"libtrace: {message}; see '{self.prog} --help'\n")


def _number(least: int, most: int | None = None) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = int(text) if text.isdecimal() else -1
        if value < least or (most is not None and value > most):
            span = f"at least {least}" if most is None else f"between {least} and {most}"
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of {span}")
        return value

    return parse


def _filter(text: str) -> libtrace.Filter:
    try:
        return libtrace.Filter(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _add_trace_options(parser: argparse.ArgumentParser) -> None:
    """Add what every command that reads traces takes."""
    parser.add_argument(
        "uris",
        nargs="+",
        metavar="URI",
        help="a trace: the path of a file in any format that libtrace reads, compressed or not, "
        "or a libtrace URI such as erf:x.erf.gz or int:eth0",
    )
    parser.add_argument(
        "--filter", type=_filter, metavar="EXPR", help="only packets that match; see pcap-filter(7)"
    )
    parser.add_argument(
        "--snaplen", type=_number(1, _MOST_BYTES), metavar="N", help="cut packets to N bytes"
    )
    parser.add_argument("--count", type=_number(1), metavar="N", help="stop after N packets in all")


def _make_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="libtrace",
        description="Look into packet traces of every kind that libtrace reads.",
        allow_abbrev=False,
    )
    library = libtrace.features()["libtrace"]
    version = f"python-libtrace {libtrace.__version__} (libtrace {library})"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    report = commands.add_parser(
        "report",
        help="say what is in traces",
        description="Say what is in traces: totals, protocols, addresses, ports and sizes.",
        allow_abbrev=False,
    )
    _add_trace_options(report)
    report.add_argument("--json", action="store_true", help="write JSON, for programs")
    report.add_argument(
        "--top", type=_number(0), metavar="N", default=10, help="addresses and ports (default: 10)"
    )
    report.set_defaults(run=_report)
    return parser


# ---- output ----


def _complain(message: object) -> None:
    """Write one line, whatever a file name holds."""
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(message))
    with suppress(OSError):
        print(f"libtrace: {text}", file=sys.stderr, flush=True)


def _write(text: str) -> int:
    """Write to standard output, whatever its encoding lacks; return the exit status."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        print(text.encode(encoding, "backslashreplace").decode(encoding), end="", flush=True)
    except OSError as error:
        _discard_output()
        if isinstance(error, BrokenPipeError):
            return _BROKEN_PIPE
        _complain(f"cannot write: {error.strerror}")
        return 1
    return 0


def _discard_output() -> None:
    """Let the interpreter's last flush succeed: what is left in the buffer has nowhere to go."""
    with suppress(OSError), Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


# ---- report ----


def _progress(trace: libtrace.Trace) -> AbstractContextManager[object]:
    if sys.stderr is not None and sys.stderr.isatty():
        with suppress(ModuleNotFoundError):
            from libtrace.terminal import ReadingProgress

            return ReadingProgress(trace)
    return nullcontext()


def _read(uri: str, report: Report, options: argparse.Namespace) -> None:
    """Count the packets of a trace; what was counted stays when reading fails."""
    with libtrace.open(uri, filter=options.filter, snaplen=options.snaplen) as trace:
        summary = Summary(trace.uri)
        report.traces.append(summary)
        left = None if options.count is None else options.count - report.packets
        try:
            with _progress(trace):
                report.count(trace, summary, left)
        except libtrace.LibtraceError as error:
            summary.error = str(error)
            raise
        finally:
            summary.counters = trace.statistics()


def _read_all(options: argparse.Namespace, report: Report, errors: list[Exception]) -> None:
    for uri in options.uris:
        if report.packets == options.count:
            break
        try:
            _read(uri, report, options)
        except (libtrace.LibtraceError, OSError, ValueError) as error:
            errors.append(error)


def _formatter(as_json: bool) -> Callable[[dict[str, Any]], str]:
    if as_json:
        return lambda data: json.dumps(data, indent=2) + "\n"
    from libtrace.terminal import render

    return render


def _report(options: argparse.Namespace) -> int:
    """Run ``libtrace report``."""
    render = _formatter(options.json)
    report = Report()
    errors: list[Exception] = []
    interrupted = False
    try:
        _read_all(options, report, errors)
    except KeyboardInterrupt:
        interrupted = True
    status = _write(render(report.as_dict(options.top))) if report.traces else 0
    for error in errors:
        _complain(error)
    return _INTERRUPTED if interrupted else status or int(bool(errors))
