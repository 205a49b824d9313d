# SPDX-License-Identifier: LGPL-3.0-or-later
"""libtrace's constants, and the names that the old ``plt`` module had for them."""

from __future__ import annotations

import os
from enum import IntEnum

__all__ = ["Compression", "Direction", "FlowEndReason", "LinkType"]


class LinkType(IntEnum):
    """What a packet begins with (``libtrace_linktype_t``)."""

    UNKNOWN = -1
    HDLC_POS = 1
    ETH = 2
    ATM = 3
    IEEE80211 = 4
    NONE = 5
    LINUX_SLL = 6
    PFLOG = 7
    POS = 9
    IEEE80211_PRISM = 12
    AAL5 = 13
    DUCK = 14
    IEEE80211_RADIO = 15
    LLCSNAP = 16
    PPP = 17
    METADATA = 18
    NONDATA = 19
    OPENBSD_LOOP = 20
    ERF_META = 21
    PCAPNG_META = 23


class Direction(IntEnum):
    """Which way a packet went (``libtrace_direction_t``); ERF has interface numbers instead."""

    UNKNOWN = -1
    OUTGOING = 0
    INCOMING = 1
    OTHER = 2


class Compression(IntEnum):
    """How an output file is compressed (``trace_option_compresstype_t``)."""

    NONE = 0
    ZLIB = 1
    BZIP2 = 2
    LZO = 3
    LZMA = 4
    ZSTD = 5
    LZ4 = 6


class FlowEndReason(IntEnum):
    """Why a flow has ended (IANA's IPFIX registry, flowEndReason, 136)."""

    IDLE_TIMEOUT = 1
    ACTIVE_TIMEOUT = 2
    END_OF_FLOW = 3
    FORCED_END = 4
    LACK_OF_RESOURCES = 5


HISTORIC: dict[str, int] = {
    "NO_COMPRESSION": 0,
    "ZLIB_COMPRESSION": 1,
    "BZIP2_COMPRESSION": 2,
    "LZO_COMPRESSION": 3,
    "O_APPEND": os.O_APPEND,
    "TRACE_DIR_OUTGOING": 0,
    "TRACE_DIR_INCOMING": 1,
    "TRACE_DIR_OTHER": 2,
    "TRACE_TYPE_ETH": 2,
    "TRACE_TYPE_ATM": 3,
    "TRACE_TYPE_80211": 4,
    "TRACE_TYPE_NONE": 5,
    "TRACE_TYPE_LINUX_SLL": 6,
    "TRACE_TYPE_PFLOG": 7,
    "TRACE_TYPE_DUCK": 14,
    "TRACE_TYPE_80211_RADIO": 15,
    "TRACE_TYPE_LLCSNAP": 16,
    "TRACE_TYPE_PPP": 17,
    "TRACE_TYPE_METADATA": 18,
    "TRACE_TYPE_NONDATA": 19,
}
