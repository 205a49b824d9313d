# SPDX-License-Identifier: LGPL-3.0-or-later
"""Packets and bytes over time, by protocol: the counting behind ``libtrace plot``."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy

from libtrace.report import (
    CUT,
    IEEE_802_3,
    LONGEST_802_3,
    NONE,
    name_ethertype,
    name_protocol,
)

if TYPE_CHECKING:
    from libtrace.columns import Batch

__all__ = ["COLUMNS", "OTHER", "Rates", "Series"]

COLUMNS = ("timestamp", "wire_len", "ip_version", "proto", "ethertype", "headers_cut")

_US, _MS, _SECOND = 10**3, 10**6, 10**9
_MINUTE, _HOUR, _DAY = 60 * _SECOND, 3600 * _SECOND, 86400 * _SECOND

# Each divides the next: counts of one add up to those of the next.
_FINE = (
    *(10**exponent for exponent in range(3, 11)),
    _MINUTE,
    10 * _MINUTE,
    _HOUR,
    _DAY,
    *(_DAY * 10**exponent for exponent in range(1, 6)),
)
# What people read easily.
_ROUND = (
    *(digit * 10**exponent for exponent in range(3, 9) for digit in (1, 2, 5)),
    *(digit * _SECOND for digit in (1, 2, 5, 10, 20, 30)),
    *(digit * _MINUTE for digit in (1, 2, 5, 10, 20, 30)),
    *(digit * _HOUR for digit in (1, 2, 6, 12)),
    *(digit * _DAY * 10**exponent for exponent in range(6) for digit in (1, 2, 5)),
)
_MOST_COUNTS = 1 << 16
_GOOD_BINS = 300
_MOST_BINS = 100_000

# EtherTypes begin behind the numbers of IP protocols.
_ETHERTYPES = 256
OTHER = "other"


class Series(NamedTuple):
    """Amounts of a protocol.

    Attributes
    ----------
    name : str
    packets, bytes : numpy.ndarray
        One for every bin.
    """

    name: str
    packets: Any
    bytes: Any


def _protocols(columns: dict[str, Any]) -> Any:
    """Return a number of the protocol of each packet."""
    ethertypes = columns["ethertype"].astype("int64").filled(NONE)
    ethertypes[(ethertypes != NONE) & (ethertypes <= LONGEST_802_3)] = IEEE_802_3
    other = _ETHERTYPES + ethertypes
    other[columns["headers_cut"].astype(bool) & columns["ethertype"].mask] = CUT
    ip = columns["proto"].astype("int64").filled(CUT)
    return numpy.where(columns["ip_version"].mask, other, ip)


def _name(protocol: int) -> str:
    if protocol < _ETHERTYPES:
        return name_protocol(protocol)
    return name_ethertype(protocol - _ETHERTYPES)


class Rates:
    """Counts packets in bins of time. Memory is bounded: bins widen when there are too many.

    Parameters
    ----------
    width : int, optional
        Nanoseconds of a bin; by default chosen for the duration.

    Attributes
    ----------
    packets : int
        Packets counted so far.
    """

    def __init__(self, width: int | None = None) -> None:
        self._width, self._is_fixed = width or _FINE[0], width is not None
        self._packets: Counter[tuple[int, int]] = Counter()
        self._bytes: Counter[tuple[int, int]] = Counter()
        self._first = self._last = 0
        self.packets = 0

    def add(self, batch: Batch) -> None:
        """Count the packets of a batch with the columns `COLUMNS`.

        Raises
        ------
        ValueError
            Bins of the width asked for are too many.
        """
        columns = batch.to_numpy()
        times, lengths = columns["timestamp"].astype("int64"), columns["wire_len"]
        first, last = int(times.min()), int(times.max())
        self._first = min(first, self._first) if self.packets else first
        self._last = max(last, self._last) if self.packets else last
        self.packets += len(batch)
        self._check()
        numbers, bin_of = numpy.unique(times // self._width, return_inverse=True)
        kinds, kind_of = numpy.unique(_protocols(columns), return_inverse=True)
        cell_of = bin_of * len(kinds) + kind_of
        cells, counts = numpy.unique(cell_of, return_counts=True)
        sums = numpy.bincount(cell_of, lengths)[cells]
        keys = list(zip(numbers[cells // len(kinds)].tolist(), kinds[cells % len(kinds)].tolist()))
        self._packets.update(dict(zip(keys, counts.tolist())))
        self._bytes.update(dict(zip(keys, map(int, sums))))
        self._widen()

    def _check(self) -> None:
        if self._is_fixed and (self._last - self._first) // self._width > _MOST_BINS:
            seconds = (self._last - self._first) / _SECOND
            raise ValueError(f"{seconds:,.0f} s have too many bins: choose a wider --bin")

    def _widen(self) -> None:
        while len(self._packets) > _MOST_COUNTS and not self._is_fixed and self._width < _FINE[-1]:
            self._set_width(_FINE[_FINE.index(self._width) + 1])

    def _set_width(self, width: int) -> None:
        for name in ("_packets", "_bytes"):
            wide: Counter[tuple[int, int]] = Counter()
            for (number, protocol), amount in getattr(self, name).items():
                wide[number * self._width // width, protocol] += amount
            setattr(self, name, wide)
        self._width = width

    def series(self, top: int) -> tuple[int, int, list[Series]]:
        """Return amounts in bins.

        Parameters
        ----------
        top : int
            How many protocols to tell apart, those with most bytes.

        Returns
        -------
        first, width : int
            When the first bin begins, in nanoseconds since 1970, and how long each is.
        list of Series
            Those with most bytes first; the last one may be ``"other"``.
        """
        if not self._is_fixed:
            long_enough = (w for w in _ROUND if (self._last - self._first) // w < _GOOD_BINS)
            self._set_width(max(next(long_enough, _ROUND[-1]), self._width))
        first, last = self._first // self._width, self._last // self._width
        ranks: Counter[str] = Counter()
        for (_number, protocol), amount in self._bytes.items():
            ranks[_name(protocol)] += amount
        names = [name for name, _amount in ranks.most_common(top)]
        if len(ranks) > len(names):
            names.append(OTHER)
        shape = len(names), last - first + 1
        packets, lengths = numpy.zeros(shape, "int64"), numpy.zeros(shape, "int64")
        for (number, protocol), amount in self._packets.items():
            name = _name(protocol)
            row = names.index(name) if name in names else -1
            packets[row, number - first] += amount
            lengths[row, number - first] += self._bytes[number, protocol]
        return first * self._width, self._width, list(map(Series, names, packets, lengths))
