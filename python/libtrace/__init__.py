# SPDX-License-Identifier: LGPL-3.0-or-later
"""Packet traces of every kind that WAND's libtrace reads, at the speed of C.

>>> import libtrace
>>> with libtrace.open("tests/data/sample.pcap") as trace:
...     for packet in trace:
...         size, port = packet.wire_len, packet.src_port
"""

from libtrace.build import __version__, features
from libtrace.columns import Batch, Batches, Column, Counts
from libtrace.core import (
    ICMP,
    ICMP6,
    IP,
    IP6,
    SCTP,
    TCP,
    UDP,
    Chunk,
    Echo,
    Echo6,
    Internet,
    Layer2,
    Layer3,
    Neighbour6,
    Packet,
    Param6,
    Redirect,
    TooBig6,
    Transport,
)
from libtrace.enums import Compression, Direction, FlowEndReason, LinkType
from libtrace.errors import (
    FilterError,
    LibtraceError,
    TraceStateError,
    TraceTimeout,
    TruncatedError,
)
from libtrace.flows import DEFAULT_FLOW_COLUMNS, FLOW_COLUMNS, Flows
from libtrace.layers import (
    Layer,
    MaximumSegmentSize,
    SACKPermitted,
    SelectiveAcknowledgment,
    TCPOption,
    Timestamps,
    WindowScale,
)
from libtrace.output import OutputTrace, write
from libtrace.scan import Scan, ScanProgress, read_table, scan
from libtrace.schema import COLUMNS, COUNT_COLUMNS, DEFAULT_COLUMNS, ColumnInfo
from libtrace.trace import Filter, Trace, open

__all__ = [
    "COLUMNS",
    "COUNT_COLUMNS",
    "DEFAULT_COLUMNS",
    "DEFAULT_FLOW_COLUMNS",
    "FLOW_COLUMNS",
    "ICMP",
    "ICMP6",
    "IP",
    "IP6",
    "SCTP",
    "TCP",
    "UDP",
    "Batch",
    "Batches",
    "Chunk",
    "Column",
    "ColumnInfo",
    "Compression",
    "Counts",
    "Direction",
    "Echo",
    "Echo6",
    "Filter",
    "FilterError",
    "FlowEndReason",
    "Flows",
    "Internet",
    "Layer",
    "Layer2",
    "Layer3",
    "LibtraceError",
    "LinkType",
    "MaximumSegmentSize",
    "Neighbour6",
    "OutputTrace",
    "Packet",
    "Param6",
    "Redirect",
    "SACKPermitted",
    "Scan",
    "ScanProgress",
    "SelectiveAcknowledgment",
    "TCPOption",
    "Timestamps",
    "TooBig6",
    "Trace",
    "TraceStateError",
    "TraceTimeout",
    "Transport",
    "TruncatedError",
    "WindowScale",
    "__version__",
    "features",
    "open",
    "read_table",
    "scan",
    "write",
]
