# SPDX-License-Identifier: LGPL-3.0-or-later
"""The command ``libtrace``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import libtrace
from libtrace.arguments import make_parser
from libtrace.commands import (
    Reading,
    complain,
    printable,
    progress,
    status_of,
    terminable,
    write,
)
from libtrace.report import Report, Summary

if TYPE_CHECKING:
    import argparse

    from libtrace.columns import Batch
    from libtrace.trace import Trace

__all__ = ["main"]

_PACKAGES = ("duckdb", "matplotlib", "numpy", "pyarrow", "rich")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        Its arguments; those of the process by default.

    Returns
    -------
    int
        The exit status: 0, 1 after an error, 130 after Ctrl-C, 141 when nobody reads the output,
        143 after SIGTERM.

    Raises
    ------
    SystemExit
        With status 2 after wrong usage, with 0 after ``--help`` and ``--version``.
    """
    try:
        options = make_parser().parse_args(argv)
        with terminable():
            return _COMMANDS[options.command](options)
    except KeyboardInterrupt as interrupt:
        return status_of(interrupt)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _PACKAGES:
            raise
        complain(f"this needs the Python package {package}: pip install {package}")
        return 1


# ---- report ----


def _read(uri: str, report: Report, options: argparse.Namespace) -> None:
    """Count the packets of a trace; what was counted stays when reading fails."""
    with libtrace.open(uri, filter=options.filter, snaplen=options.snaplen) as trace:
        summary = Summary(trace.uri)
        report.traces.append(summary)
        left = None if options.count is None else options.count - report.packets
        try:
            with progress(trace):
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
    ended = 0
    try:
        _read_all(options, report, errors)
    except KeyboardInterrupt as interrupt:
        ended = status_of(interrupt)
    status = write(render(report.as_dict(options.top))) if report.traces else 0
    for error in errors:
        complain(error)
    return ended or status or int(bool(errors))


# ---- tables ----


def _cannot_write(path: str, error: OSError) -> int:
    complain(f"cannot write '{path}': {error.strerror or error}")
    return 1


def _export_table(
    options: argparse.Namespace,
    table: str,
    columns: dict[str, libtrace.ColumnInfo],
    tables: Callable[[Trace, int | None], Iterator[Batch]],
) -> int:
    from libtrace.export import export

    reading = Reading(options)
    try:
        with closing(reading.batches(tables)) as batches:
            export(options.output, table, columns, reading, batches)
    except OSError as error:
        return reading.finish(_cannot_write(options.output, error))
    return reading.finish()


def _export(options: argparse.Namespace) -> int:
    """Run ``libtrace export``."""
    names = options.columns or libtrace.DEFAULT_COLUMNS
    columns = {name: libtrace.COLUMNS[name] for name in names}
    return _export_table(
        options, "packets", columns, lambda trace, limit: trace.batches(names, limit=limit)
    )


# ---- flows ----


def _flow_tables(
    options: argparse.Namespace, names: tuple[str, ...], tables: list[libtrace.Flows]
) -> Callable[[Trace, int | None], Iterator[Batch]]:
    """Return what makes the flows of a trace, and keeps each table of them."""

    def read(trace: Trace, _limit: int | None) -> Iterator[Batch]:
        flows = trace.flows(
            names, idle_timeout=options.idle_timeout, active_timeout=options.active_timeout
        )
        tables.append(flows)
        return flows

    return read


def _write_lines(batches: Iterable[Batch]) -> int:
    """Write each row as a line of JSON; return the exit status."""
    for batch in batches:
        rows = (dict(zip(batch, row)) for row in zip(*batch.values()))
        status = write("".join(json.dumps(row, default=bytes.hex) + "\n" for row in rows))
        if status:
            return status
    return 0


def _flows(options: argparse.Namespace) -> int:
    """Run ``libtrace flows``."""
    if options.columns and not (options.output or options.json):
        options.error("--columns needs --output or --json")
    names = options.columns or libtrace.DEFAULT_FLOW_COLUMNS
    if options.output:
        columns = {name: libtrace.FLOW_COLUMNS[name] for name in names}
        return _export_table(options, "flows", columns, _flow_tables(options, names, []))
    if not options.json:
        return _show_flows(options)
    reading = Reading(options)
    with closing(reading.batches(_flow_tables(options, names, []))) as batches:
        status = _write_lines(batches)
    return reading.finish(status)


def _show_flows(options: argparse.Namespace) -> int:
    from libtrace.flowlist import Flow, busiest
    from libtrace.terminal import render_flows

    reading = Reading(options)
    tables: list[libtrace.Flows] = []
    with closing(reading.batches(_flow_tables(options, Flow._fields, tables))) as batches:
        flows, total = busiest(batches, options.top)
    total["Packets in no flow"] = sum(table.ignored for table in tables)
    return reading.finish(write(render_flows(flows, total)) if reading.traces else 0)


# ---- plot ----


def _title(uris: list[str], packets: int) -> str:
    what = printable(Path(uris[0]).name) if len(uris) == 1 else f"{len(uris)} traces"
    return f"{what}: {packets:,} packets"


def _plot(options: argparse.Namespace) -> int:
    """Run ``libtrace plot``."""
    from libtrace.plot import plot
    from libtrace.rates import COLUMNS, Rates

    def read(trace: Trace, limit: int | None) -> Iterator[Batch]:
        return trace.batches(COLUMNS, limit=limit)

    reading, rates = Reading(options), Rates(options.bin)
    try:
        with closing(reading.batches(read)) as batches:
            for batch in batches:
                rates.add(batch)
        if rates.packets:
            plot(options.output, rates, _title(options.uris, rates.packets))
        elif reading.traces:
            complain("there are no packets to draw")
    except OSError as error:
        return reading.finish(_cannot_write(options.output, error))
    except ValueError as error:
        complain(error)
        return reading.finish(1)
    return reading.finish(int(not rates.packets))


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "report": _report,
    "export": _export,
    "flows": _flows,
    "plot": _plot,
}
