# SPDX-License-Identifier: LGPL-3.0-or-later
"""Packet traces of every kind that WAND's libtrace reads, at the speed of C.

>>> import libtrace
>>> with libtrace.open("tests/data/sample.pcap") as trace:
...     for packet in trace:
...         size, port = packet.wire_len, packet.src_port
"""

from libtrace.build import __version__, features
from libtrace.core import Packet
from libtrace.enums import Compression, Direction, LinkType
from libtrace.errors import (
    FilterError,
    LibtraceError,
    TraceStateError,
    TraceTimeout,
    TruncatedError,
)
from libtrace.trace import Filter, Trace, open

__all__ = [
    "Compression",
    "Direction",
    "Filter",
    "FilterError",
    "LibtraceError",
    "LinkType",
    "Packet",
    "Trace",
    "TraceStateError",
    "TraceTimeout",
    "TruncatedError",
    "__version__",
    "features",
    "open",
]
