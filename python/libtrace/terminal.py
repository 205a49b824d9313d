# SPDX-License-Identifier: LGPL-3.0-or-later
"""Tables and progress bars for people: all that needs the package rich."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table

from libtrace.report import name_protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from libtrace.flowlist import Flow
    from libtrace.trace import Trace

__all__ = ["ReadingProgress", "render", "render_flows"]

_SECTIONS = {
    "link_types": "Link type",
    "network": "Network protocol",
    "transport": "Transport protocol",
    "addresses": "Top addresses",
    "ports": "Top ports",
    "sizes": "Packet size",
}

_HEADINGS = ("Packets", "%", "Bytes", "%")

# ---- the report ----


def _printable(text: str) -> str:
    """Return foreign text without what would confuse a terminal, or could not be printed."""
    return text if text.isprintable() else ascii(text)[1:-1]


def _number(value: float | None, unit: str = "") -> str:
    if value is None:
        return "-"
    return f"{value:,}{unit}" if isinstance(value, int) else f"{value:,.1f}{unit}"


def _bit_rate(value: float | None) -> str:
    if value is None:
        return "-"
    for prefix in ("", "k", "M"):
        if value < 1000:
            return f"{value:.1f} {prefix}bit/s"
        value /= 1000
    return f"{value:,.1f} Gbit/s"


def _duration(nanoseconds: int | None) -> str:
    if nanoseconds is None:
        return "-"
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{seconds:,}.{rest:09} s"


def _totals(data: dict[str, Any]) -> Table:
    total = data["total"]
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for trace in data["traces"] if len(data["traces"]) == 1 else ():
        table.add_row("Trace", _printable(trace["uri"]))
    table.add_row("Packets", _number(total["packets"]))
    table.add_row("Truncated", _number(total["truncated_packets"]))
    table.add_row("Bytes on the wire", _number(total["wire_bytes"]))
    table.add_row("Bytes captured", _number(total["captured_bytes"]))
    table.add_row("First packet", total["first"] or "-")
    table.add_row("Last packet", total["last"] or "-")
    table.add_row("Duration", _duration(total["duration_ns"]))
    table.add_row("Packet rate", _number(total["packets_per_second"], " packets/s"))
    table.add_row("Bit rate", _bit_rate(total["bits_per_second"]))
    return table


def _counters(counters: dict[str, int | None]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("Counter")
    table.add_column("Packets", justify="right")
    for name, value in counters.items():
        table.add_row(name, _number(value))
    return table


def _traces(traces: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("Trace", overflow="fold")
    for heading in ("Packets", "Bytes", "Duration"):
        table.add_column(heading, justify="right", no_wrap=True)
    for trace in traces:
        numbers = _number(trace["packets"]), _number(trace["wire_bytes"])
        table.add_row(_printable(trace["uri"]), *numbers, _duration(trace["duration_ns"]))
    return table


def _sections(data: dict[str, Any]) -> Table:
    """Make one table of all sections, so that their columns stand in line."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(overflow="fold")
    for _heading in _HEADINGS:
        table.add_column(justify="right", no_wrap=True)
    for key, title in _SECTIONS.items():
        if not data[key]:
            continue
        if table.row_count:
            table.add_row()
        table.add_row(title, *_HEADINGS, style="bold")
        for row in data[key]:
            table.add_row(row["name"], *_amounts(row, data["total"]))
        if key == "addresses" and data["address_error"]:
            table.add_row(f"(up to {data['address_error']:,} packets too low)")
    return table


def _amounts(row: dict[str, Any], total: dict[str, Any]) -> Iterable[str]:
    for amount in ("packets", "wire_bytes"):
        yield _number(row[amount])
        yield f"{100 * row[amount] / (total[amount] or 1):.1f}"


def _parts(data: dict[str, Any], console: Console) -> Iterable[Table]:
    total = data["total"]
    if len(data["traces"]) > 1:
        yield _traces(data["traces"])
    yield _totals(data)
    if total["packets"]:
        sections = _sections(data)
        unlimited = console.options.update(max_width=1 << 16)
        if console.measure(sections, options=unlimited).maximum > console.width:
            sections.padding = (0, 1, 0, 0)
        yield sections
    yield _counters(total["counters"])


def render(data: dict[str, Any]) -> str:
    """Return a report as text for standard output, with colours if that is a terminal.

    Parameters
    ----------
    data : dict
        What `Report.as_dict` gives.
    """
    return _text(lambda console: _parts(data, console))


def _text(parts: Callable[[Console], Iterable[RenderableType]]) -> str:
    # Only a console of its own never touches standard output, which may be a full disk.
    text = StringIO()
    console = Console(
        file=text,
        force_terminal=Console().is_terminal,
        markup=False,
        emoji=False,
        highlight=False,
    )
    for number, part in enumerate(parts(console)):
        if number:
            console.print()
        console.print(part)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


# ---- flows ----


def _end(address: str, port: int | None) -> str:
    """Return an address and a port as RFC 5952, section 6, writes them."""
    if port is None:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _flow_rows(flows: list[Flow]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("Source", "Destination"):
        table.add_column(heading, overflow="fold")
    table.add_column("Protocol", overflow="fold")
    for heading in ("Packets", "Bytes", "Seconds"):
        table.add_column(heading, justify="right", no_wrap=True)
    for flow in flows:
        table.add_row(
            _end(flow.src, flow.src_port),
            _end(flow.dst, flow.dst_port),
            name_protocol(flow.proto),
            _number(flow.packets + flow.rev_packets),
            _number(flow.bytes + flow.rev_bytes),
            f"{(flow.last - flow.first) / 10**9:,.3f}",
        )
    return table


def _flow_totals(total: dict[str, int]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, value in total.items():
        table.add_row(name, _number(value))
    return table


def render_flows(flows: list[Flow], total: dict[str, int]) -> str:
    """Return flows as text for standard output, with colours if that is a terminal.

    Parameters
    ----------
    flows : list of Flow
        Those to show, in this order.
    total : dict of str to int
        What to say of all, by name.
    """
    parts = [_flow_totals(total), *([_flow_rows(flows)] if flows else ())]
    return _text(lambda _console: parts)


# ---- progress ----


class _Position:
    """How far the file of a trace is read, by the offset of its descriptor.

    That holds for compressed files too, and for packets that a filter drops.
    """

    def __init__(self, uri: str) -> None:
        self._descriptor = None
        self.size = None
        with suppress(OSError, ValueError):
            status = Path(uri.partition(":")[2]).stat()
            if stat.S_ISREG(status.st_mode):
                self._descriptor = self._find(status)
                self.size = status.st_size if self._descriptor is not None else None

    @staticmethod
    def _find(status: os.stat_result) -> int | None:
        for entry in Path("/dev/fd").iterdir():
            with suppress(OSError):
                if os.path.samestat(os.fstat(int(entry.name)), status):
                    return int(entry.name)
        return None

    def offset(self) -> int:
        return 0 if self._descriptor is None else os.lseek(self._descriptor, 0, os.SEEK_CUR)


class ReadingProgress(Progress):
    """A bar on standard error while a trace is read.

    It looks at the trace from a thread of its own, so that the loop over the packets loses no time.

    Parameters
    ----------
    trace : Trace
        A started trace.
    """

    def __init__(self, trace: Trace) -> None:
        self._trace, self._position = trace, _Position(trace.uri)
        self._task: TaskID | None = None
        column = Column(max_width=24, no_wrap=True, overflow="ellipsis")
        super().__init__(
            TextColumn("{task.description}", markup=False, table_column=column),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[packets]:,} packets"),
            TextColumn("{task.fields[rate]:,.0f}/s"),
            TimeRemainingColumn() if self._position.size else TimeElapsedColumn(),
            console=Console(stderr=True),
            refresh_per_second=5,
            transient=True,
            expand=True,
        )
        name = _printable(Path(trace.uri.partition(":")[2]).name)
        self._task = self.add_task(name, total=self._position.size, packets=0, rate=0.0)

    def get_renderables(self) -> Iterable[RenderableType]:
        """Return what is shown, up to date; rich asks whenever it draws."""
        if self._task is not None:
            self._look(self._task)
        return super().get_renderables()

    def _look(self, task: TaskID) -> None:
        counters = self._trace.statistics()
        packets = (counters["accepted"] or 0) + (counters["filtered"] or 0)
        elapsed = self.tasks[0].elapsed
        self.update(
            task,
            completed=self._position.offset(),
            packets=packets,
            rate=packets / elapsed if elapsed else 0.0,
        )
