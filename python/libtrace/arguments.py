# SPDX-License-Identifier: LGPL-3.0-or-later
"""The arguments of the command ``libtrace``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NoReturn

import libtrace

__all__ = ["make_parser"]

_MOST_BYTES = 65536
_TABLES = (".parquet", ".csv", ".feather", ".duckdb")
_PICTURES = (".png", ".svg", ".pdf")


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


def _suffix(known: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if Path(text).suffix not in known:
            raise argparse.ArgumentTypeError(f"{text!r} ends in none of {', '.join(known)}")
        return text

    return parse


def _columns(known: Iterable[str]) -> Callable[[str], tuple[str, ...]]:
    def parse(text: str) -> tuple[str, ...]:
        names = tuple(known) if text == "all" else tuple(text.split(","))
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"there is no column {name!r}")
            if names.count(name) > 1:
                raise argparse.ArgumentTypeError(f"column {name!r} comes twice")
        return names

    return parse


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return value


def _nanoseconds(text: str) -> int:
    try:
        value = int(Decimal(text) * 10**9)
    except (InvalidOperation, OverflowError, ValueError):
        value = 0
    if not 0 < value < 1 << 63:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return value


def _add_trace_options(parser: argparse.ArgumentParser, *limits: str) -> None:
    """Add what commands that read traces take: all of them, or with these limits."""
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
    if "snaplen" in limits:
        parser.add_argument(
            "--snaplen", type=_number(1, _MOST_BYTES), metavar="N", help="cut packets to N bytes"
        )
    if "count" in limits:
        parser.add_argument(
            "--count", type=_number(1), metavar="N", help="stop after N packets in all"
        )


def _add_output(parser: Any, what: str, known: tuple[str, ...], *, required: bool = False) -> None:
    parser.add_argument(
        "-o",
        "--output",
        type=_suffix(known),
        metavar="FILE",
        required=required,
        help=f"{what}: FILE, whose suffix tells the format: {', '.join(known)}",
    )


def _add_columns(parser: argparse.ArgumentParser, known: dict[str, Any]) -> None:
    parser.add_argument(
        "--columns",
        type=_columns(known),
        metavar="NAMES",
        help=f"columns, with commas in between, or 'all'; out of: {', '.join(known)}",
    )


def _add_report(parser: argparse.ArgumentParser) -> None:
    _add_trace_options(parser, "snaplen", "count")
    parser.add_argument("--json", action="store_true", help="write JSON, for programs")
    parser.add_argument(
        "--top", type=_number(0), metavar="N", default=10, help="addresses and ports (default: 10)"
    )


def _add_export(parser: argparse.ArgumentParser) -> None:
    _add_trace_options(parser, "snaplen", "count")
    _add_output(parser, "write the table into", _TABLES, required=True)
    _add_columns(parser, libtrace.COLUMNS)


def _add_flows(parser: argparse.ArgumentParser) -> None:
    _add_trace_options(parser)
    form = parser.add_mutually_exclusive_group()
    _add_output(form, "write all flows into", _TABLES)
    form.add_argument("--json", action="store_true", help="write all flows, each as a line of JSON")
    form.add_argument(
        "--top", type=_number(0), metavar="N", default=10, help="flows to show (default: 10)"
    )
    _add_columns(parser, libtrace.FLOW_COLUMNS)
    parser.add_argument(
        "--idle-timeout",
        type=_seconds,
        metavar="SECONDS",
        default=60.0,
        help="a flow ends when it has no packet for so long (default: 60)",
    )
    parser.add_argument(
        "--active-timeout",
        type=_seconds,
        metavar="SECONDS",
        default=1800.0,
        help="a flow ends when it is so long (default: 1800)",
    )


def _add_plot(parser: argparse.ArgumentParser) -> None:
    _add_trace_options(parser, "count")
    _add_output(parser, "draw into", _PICTURES, required=True)
    parser.add_argument(
        "--bin",
        type=_nanoseconds,
        metavar="SECONDS",
        help="how long each rate is of; by default chosen for 120 to 300 rates",
    )


_COMMANDS: dict[str, tuple[str, str, Callable[[argparse.ArgumentParser], None]]] = {
    "report": (
        "say what is in traces",
        "Say what is in traces: totals, protocols, addresses, ports and sizes.",
        _add_report,
    ),
    "export": (
        "write the packets of traces as a table",
        "Write the packets of traces as a table: a file of Parquet, CSV, Feather or DuckDB.",
        _add_export,
    ),
    "flows": (
        "list the flows of traces",
        "List the bidirectional flows of traces, those with most bytes first.",
        _add_flows,
    ),
    "plot": (
        "draw rates over time",
        "Draw packets and bits per second over time, by protocol.",
        _add_plot,
    ),
}


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    parser = _Parser(
        prog="libtrace",
        description="Look into packet traces of every kind that libtrace reads.",
        allow_abbrev=False,
    )
    library = libtrace.features()["libtrace"]
    version = f"python-libtrace {libtrace.__version__} (libtrace {library})"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for name, (summary, description, add) in _COMMANDS.items():
        command = commands.add_parser(
            name, help=summary, description=description, allow_abbrev=False
        )
        add(command)
        command.set_defaults(error=command.error)
    return parser
