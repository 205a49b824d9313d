# SPDX-License-Identifier: LGPL-3.0-or-later
"""The flows with most bytes: the sorting behind ``libtrace flows``."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from libtrace.columns import Batch

__all__ = ["Flow", "busiest"]


class Flow(NamedTuple):
    """What is shown of a flow: columns of `libtrace.FLOW_COLUMNS`, with their names."""

    first: int
    last: int
    src: str
    dst: str
    proto: int
    src_port: int | None
    dst_port: int | None
    packets: int
    bytes: int
    rev_packets: int
    rev_bytes: int


def busiest(batches: Iterable[Batch], top: int) -> tuple[list[Flow], dict[str, int]]:
    """Return the flows with most bytes both ways, the largest first, and totals of all.

    Parameters
    ----------
    batches : iterable of Batch
        Flows, with at least the columns of `Flow`.
    top : int
        How many to return.
    """
    total = {"Flows": 0, "Packets": 0, "Bytes on the wire": 0}

    def rows() -> Iterator[Flow]:
        for batch in batches:
            for row in zip(*(batch[name] for name in Flow._fields)):
                flow = Flow(*row)
                total["Flows"] += 1
                total["Packets"] += flow.packets + flow.rev_packets
                total["Bytes on the wire"] += flow.bytes + flow.rev_bytes
                yield flow

    ranked = heapq.nlargest(top, rows(), key=lambda flow: flow.bytes + flow.rev_bytes)
    return ranked, total
