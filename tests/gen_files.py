# SPDX-License-Identifier: LGPL-3.0-or-later
"""Capture files as bytes, in every format that libtrace reads without hardware.

A ``*_record`` function gives one record and lets a test lie in each of its
fields; a ``write_*`` function writes a whole honest file.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import pathlib
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Union

Path = Union[str, "os.PathLike[str]"]

NS = 1_000_000_000

DLT_NULL, DLT_EN10MB, DLT_PPP, DLT_RAW, DLT_PPP_SERIAL = 0, 1, 9, 101, 50
DLT_ATM_RFC1483, DLT_C_HDLC, DLT_80211, DLT_LOOP, DLT_LINUX_SLL = 100, 104, 105, 108, 113
DLT_PFLOG, DLT_PRISM, DLT_RADIOTAP, DLT_SLL2 = 117, 119, 127, 276

ERF_HDLC, ERF_ETH, ERF_ATM, ERF_AAL5, ERF_DSM_ETH, ERF_IPV4, ERF_IPV6 = 1, 2, 3, 4, 16, 22, 23
ERF_VARYING, ERF_TRUNCATED, ERF_RXERROR, ERF_DSERROR = 0x04, 0x08, 0x10, 0x20


class Record(NamedTuple):
    """A captured packet; `wire_len` is its length where not all was captured."""

    ts_ns: int
    data: bytes
    wire_len: int | None = None

    @property
    def length(self) -> int:
        """Length on the wire."""
        return len(self.data) if self.wire_len is None else self.wire_len


def records(*frames: bytes, start: int = 1_700_000_000 * NS, step: int = 1_234_567) -> list[Record]:
    """The frames with regular time stamps that fill all nine digits."""
    return [Record(start + 1 + i * step, frame) for i, frame in enumerate(frames)]


def compress(data: bytes, kind: str) -> bytes:
    """`data` as a "gz", "bz2" or "xz" stream, or as it is for ""."""
    if kind == "gz":
        return gzip.compress(data, 6, mtime=0)
    if kind == "bz2":
        return bz2.compress(data)
    if kind == "xz":
        return lzma.compress(data)
    return data


def write(path: Path, parts: Iterable[bytes], compression: str = "") -> str:
    """Write the parts, give the path as text."""
    with pathlib.Path(path).open("wb") as out:
        if compression:
            out.write(compress(b"".join(parts), compression))
        else:
            out.writelines(parts)
    return os.fspath(path)


# pcap


def pcap_header(
    linktype: int = DLT_EN10MB, *, big: bool = False, nano: bool = False, snaplen: int = 65535
) -> bytes:
    """The 24 bytes at the start of a pcap file."""
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    return struct.pack((">" if big else "<") + "IHHiIII", magic, 2, 4, 0, 0, snaplen, linktype)


def pcap_record(
    data: bytes,
    *,
    sec: int = 1_700_000_000,
    frac: int = 0,
    caplen: int | None = None,
    wirelen: int | None = None,
    big: bool = False,
) -> bytes:
    """One pcap record; every header field may contradict the data."""
    cap = len(data) if caplen is None else caplen
    wire = cap if wirelen is None else wirelen
    return struct.pack((">" if big else "<") + "IIII", sec, frac, cap, wire) + data


def pcap(
    packets: Iterable[Record],
    *,
    linktype: int = DLT_EN10MB,
    big: bool = False,
    nano: bool = False,
    snaplen: int = 65535,
) -> Iterator[bytes]:
    """The parts of a pcap file."""
    yield pcap_header(linktype, big=big, nano=nano, snaplen=snaplen)
    pack = struct.Struct((">" if big else "<") + "IIII").pack
    tick = 1 if nano else 1000
    for ts_ns, data, wire_len in packets:
        sec, rest = divmod(ts_ns, NS)
        size = len(data) if wire_len is None else wire_len
        data = data[:snaplen]
        yield pack(sec, rest // tick, len(data), size) + data


def write_pcap(
    path: Path,
    packets: Iterable[Record],
    *,
    linktype: int = DLT_EN10MB,
    big: bool = False,
    nano: bool = False,
    snaplen: int = 65535,
    compression: str = "",
) -> str:
    """Write a pcap file."""
    parts = pcap(packets, linktype=linktype, big=big, nano=nano, snaplen=snaplen)
    return write(path, parts, compression)


# pcapng


def block(type_: int, body: bytes, *, big: bool = False) -> bytes:
    """A pcapng block, padded to four bytes."""
    order = ">" if big else "<"
    body += b"\0" * (-len(body) % 4)
    size = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", type_) + size + body + size


def section_block(*, big: bool = False) -> bytes:
    """A section header of unknown length."""
    body = struct.pack((">" if big else "<") + "IHHq", 0x1A2B3C4D, 1, 0, -1)
    return block(0x0A0D0D0A, body, big=big)


def interface_block(
    linktype: int = DLT_EN10MB, *, tsresol: int = 9, snaplen: int = 65535, big: bool = False
) -> bytes:
    """An interface description with its time resolution (a negative power of ten)."""
    order = ">" if big else "<"
    options = struct.pack(order + "HHB3xHH", 9, 1, tsresol, 0, 0)
    return block(1, struct.pack(order + "HHI", linktype, 0, snaplen) + options, big=big)


def pcapng(
    packets: Iterable[Record],
    *,
    linktype: int = DLT_EN10MB,
    tsresol: int = 9,
    simple: bool = False,
    big: bool = False,
) -> Iterator[bytes]:
    """The parts of a pcapng file, its packets in enhanced or simple blocks."""
    order = ">" if big else "<"
    yield section_block(big=big)
    yield interface_block(linktype, tsresol=tsresol, big=big)
    for packet in packets:
        if simple:
            yield block(3, struct.pack(order + "I", packet.length) + packet.data, big=big)
            continue
        high, low = divmod(packet.ts_ns * 10**tsresol // NS, 1 << 32)
        head = struct.pack(order + "IIIII", 0, high, low, len(packet.data), packet.length)
        yield block(6, head + packet.data, big=big)


def write_pcapng(
    path: Path,
    packets: Iterable[Record],
    *,
    linktype: int = DLT_EN10MB,
    tsresol: int = 9,
    simple: bool = False,
    big: bool = False,
    compression: str = "",
) -> str:
    """Write a pcapng file, which only libtrace 4 reads."""
    parts = pcapng(packets, linktype=linktype, tsresol=tsresol, simple=simple, big=big)
    return write(path, parts, compression)


# ERF and the older DAG formats


def erf_time(ts_ns: int) -> int:
    """The 32.32 fixed point time, rounded up so that it reads back exactly."""
    sec, rest = divmod(ts_ns, NS)
    return sec << 32 | -(-(rest << 32) // NS)


def erf_record(
    data: bytes,
    type_: int = ERF_ETH,
    *,
    ts_ns: int = 1_700_000_000 * NS,
    flags: int = ERF_VARYING,
    lctr: int = 0,
    rlen: int | None = None,
    wlen: int | None = None,
) -> bytes:
    """One ERF record; the low two bits of the flags are the interface."""
    pad = b"\0\0" if type_ in (ERF_ETH, ERF_DSM_ETH) else b""
    size = 16 + len(pad) + len(data) if rlen is None else rlen
    wire = len(data) if wlen is None else wlen
    head = struct.pack(">BBHHH", type_, flags, size, lctr, wire)
    return struct.pack("<Q", erf_time(ts_ns)) + head + pad + data


def write_erf(
    path: Path, packets: Iterable[Record], *, type_: int = ERF_ETH, compression: str = ""
) -> str:
    """Write an ERF file; a wire length of Ethernet counts the FCS in ERF."""
    fcs = 4 if type_ == ERF_ETH else 0
    parts = (erf_record(p.data, type_, ts_ns=p.ts_ns, wlen=p.length + fcs) for p in packets)
    return write(path, parts, compression)


def tsh_record(data: bytes, *, ts_ns: int = 1_700_000_000 * NS, interface: int = 1) -> bytes:
    """A TSH record: an IPv4 header without options and 16 bytes of transport."""
    sec, rest = divmod(ts_ns, NS)
    return struct.pack(">II", sec, interface << 24 | rest // 1000) + data[:36].ljust(36, b"\0")


def atmhdr_record(cell: bytes, *, ts_ns: int = 1_700_000_000 * NS) -> bytes:
    """An ATM cell header capture: the halves of the ERF time exchanged."""
    sec, fraction = divmod(erf_time(ts_ns), 1 << 32)
    return struct.pack("<II", fraction, sec) + cell[:4]


def legacy_record(data: bytes, framing: bytes, *, ts_ns: int = 1_700_000_000 * NS) -> bytes:
    """A 64-byte record of the DAG 2 era: ERF time, framing, data, zeros."""
    return (struct.pack("<Q", erf_time(ts_ns)) + framing + data).ljust(64, b"\0")[:64]


def legacyeth_record(
    data: bytes, *, ts_ns: int = 1_700_000_000 * NS, wlen: int | None = None
) -> bytes:
    """Legacy Ethernet: the wire length, then 54 bytes of the frame."""
    size = len(data) if wlen is None else wlen
    return legacy_record(data, struct.pack("<H", size), ts_ns=ts_ns)


def legacypos_record(
    data: bytes, *, ts_ns: int = 1_700_000_000 * NS, wlen: int | None = None
) -> bytes:
    """Legacy Packet over SONET: both lengths, then 48 bytes of the frame."""
    size = len(data) if wlen is None else wlen
    return legacy_record(data, struct.pack(">II", min(len(data), 48), size), ts_ns=ts_ns)


def legacyatm_record(cell: bytes, *, ts_ns: int = 1_700_000_000 * NS) -> bytes:
    """Legacy ATM: a CRC, then 52 bytes of the cell."""
    return legacy_record(cell, b"\0\0\0\0", ts_ns=ts_ns)


def legacynzix_record(data: bytes, *, ts_us: int = 0, wlen: int | None = None) -> bytes:
    """NZIX-I: microseconds since the start, and two bytes of padding inside the data.

    The start is in the name of the file, like ``19990101-120000`` in New Zealand's time.
    """
    size = len(data) if wlen is None else wlen
    data = data[:54].ljust(54, b"\0")
    return struct.pack("<III", ts_us << 2, 0, size) + data[:26] + b"\0\0" + data[26:]
