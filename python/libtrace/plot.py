# SPDX-License-Identifier: LGPL-3.0-or-later
"""Rates as a picture: all of ``libtrace plot`` that needs the package matplotlib."""

from __future__ import annotations

import warnings
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from libtrace.commands import Replacement
from libtrace.rates import OTHER

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from libtrace.rates import Rates, Series

__all__ = ["plot"]

_SECOND = 10**9
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

# Those of Okabe and Ito, which also the colour-blind tell apart.
_COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")
_OTHER_COLOR = "#999999"
_STYLE = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "text.parse_math": False,
}

# Below this many seconds, dates tell less than the time since the beginning.
_SHORT = 1.0


def _span(nanoseconds: int) -> str:
    """Return a span of time in the largest unit that has it whole."""
    for size, unit in (
        (86400 * _SECOND, "d"),
        (3600 * _SECOND, "h"),
        (60 * _SECOND, "min"),
        (_SECOND, "s"),
        (10**6, "ms"),
        (10**3, "µs"),
    ):
        if nanoseconds % size == 0:
            return f"{nanoseconds // size:,} {unit}"
    return f"{nanoseconds:,} ns"


def _date(nanoseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=nanoseconds / 1000)


def _stack(axes: Axes, edges: Any, width: int, series: list[Series], amounts: list[Any]) -> None:
    """Draw the rates of protocols on top of each other; each holds for the whole of its bin."""
    rates = numpy.array(amounts) * (_SECOND / width)
    base = numpy.zeros(rates.shape[1])
    for number, (it, rate) in enumerate(zip(series, rates)):
        color = _OTHER_COLOR if it.name == OTHER else _COLORS[number]
        top = base + rate
        axes.stairs(top, edges, baseline=base, fill=True, color=color, label=it.name)
        base = top
    axes.stairs(base, edges, color="#00000066", linewidth=0.5)
    axes.set_ylim(bottom=0)
    axes.margins(x=0)


def _scale(axes: Axes, first: int, width: int, bins: int) -> Any:
    """Label the axis of time; return the edges of the bins on it."""
    steps = numpy.arange(bins + 1) * (width / _SECOND)
    if steps[-1] < _SHORT:
        axes.xaxis.set_major_formatter(EngFormatter("s"))
        axes.set_xlabel(f"Time since {_date(first):%Y-%m-%d %H:%M:%S.%f} UTC")
        return steps
    locator = AutoDateLocator(tz=timezone.utc)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(
        ConciseDateFormatter(
            locator,
            tz=timezone.utc,
            formats=["%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M", "%H:%M:%S.%f"],
            zero_formats=["%Y", "%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M:%S.%f"],
            offset_formats=["", "", "%Y", *["%Y-%m-%d"] * 3],
        )
    )
    axes.set_xlabel("Time (UTC)")
    return first / (86400 * _SECOND) + steps / 86400


def _draw(rates: Rates, title: str) -> Figure:
    first, width, series = rates.series(len(_COLORS))
    figure = Figure(figsize=(11, 6.5), layout="constrained")
    upper, lower = figure.subplots(2, sharex=True)
    edges = _scale(lower, first, width, len(series[0].packets))
    _stack(upper, edges, width, series, [it.packets for it in series])
    _stack(lower, edges, width, series, [8 * it.bytes for it in series])
    upper.set_ylabel("Packets per second")
    upper.yaxis.set_major_formatter(EngFormatter(sep=""))
    lower.set_ylabel("Bits per second on the wire")
    lower.yaxis.set_major_formatter(EngFormatter(sep=""))
    upper.set_title(f"{title}, in bins of {_span(width)}", loc="left", pad=10)
    figure.align_ylabels()
    handles, names = upper.get_legend_handles_labels()
    figure.legend(handles[::-1], names[::-1], loc="outside right upper")
    return figure


def plot(path: str, rates: Rates, title: str) -> None:
    """Draw rates over time.

    Parameters
    ----------
    path : str
        The picture, whose suffix tells the format: ``.png``, ``.svg``, ``.pdf``.
    rates : Rates
        At least one packet.
    title : str
        What is above it.

    Raises
    ------
    OSError
        The file cannot be written; it is then what it was before.
    """
    with closing(Replacement(path)) as file, matplotlib.rc_context(_STYLE):
        with warnings.catch_warnings():
            # The font need not have every letter of a file name.
            warnings.filterwarnings("ignore", message="Glyph")
            _draw(rates, title).savefig(file.path, dpi=120)
        file.commit()
