# SPDX-License-Identifier: LGPL-3.0-or-later
"""Inputs for the fuzz targets to start from: ``seeds.py FOLDER`` makes a folder for each."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Iterator

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import gen
import gen_files as f
import gen_packets as p

# As in file.c and packet.c.
SCHEMES = [
    "",
    "pcapfile",
    "pcap",
    "erf",
    "rawerf",
    "tsh",
    "fr+",
    "legacyatm",
    "legacypos",
    "legacyeth",
    "legacynzix",
    "atmhdr",
    "duck",
    "pcapng",
    "etsifile",
    "corsarotag",
]
LINKS = {
    f.DLT_EN10MB: 2,
    f.DLT_RAW: 5,
    12: 5,
    f.DLT_LINUX_SLL: 6,
    f.DLT_80211: 4,
    f.DLT_RADIOTAP: 15,
    f.DLT_PPP: 17,
    f.DLT_PPP_SERIAL: 9,
    f.DLT_C_HDLC: 1,
    f.DLT_ATM_RFC1483: 16,
    f.DLT_PFLOG: 7,
    f.DLT_LOOP: 20,
    f.DLT_NULL: 28,
    f.DLT_SLL2: 29,
}
EXPRESSIONS = [
    "tcp port 80 and host 192.0.2.1",
    "ip6 proto 6 or vlan 100 and not arp",
    "ip[6:2] & 0x1fff = 0 and tcp[tcpflags] & tcp-syn != 0",
    "wlan type data or ether host 02:00:00:00:00:0a",
    "greater 60 and mpls 16 and pppoes and udp portrange 1-1023",
    "src net 192.0.2.0/24 and icmp6 or sctp",
]
IP4 = gen.KINDS["raw4"][1]
PPP = p.ppp_hdlc(IP4)
CELL = p.atm(p.snap(IP4))


def packets() -> Iterator[bytes]:
    """One packet of every kind, and Ethernet's beginning of each of a few lengths."""
    for linktype, frame in gen.KINDS.values():
        yield bytes([LINKS[linktype]]) + frame


def objects() -> Iterator[bytes]:
    """Each layer from the bytes of one, as in lts_layer_kind; no pickles."""
    segments = {6: p.tcp(1, 2, b"x", options=b"\2\4\5\xb4\1\3\3\7\4\2\1\1"), 7: p.udp(1, 2, b"x")}
    segments |= {8: p.echo(7, 1, b"abc"), 9: p.neighbour_solicitation()}
    segments |= {10: p.sctp(1, 2, p.chunk(1, bytes(16))), 11: p.chunk(1, bytes(16))}
    segments |= {4: IP4, 5: gen.KINDS["raw6"][1]}
    for kind, data in segments.items():
        yield bytes([kind]) + data


def filters() -> Iterator[bytes]:
    """Each expression with a packet."""
    frames = list(packets())
    for number, expression in enumerate(EXPRESSIONS):
        yield expression.encode() + b"\0" + frames[number]


def pcap_files() -> Iterator[bytes]:
    """Both byte orders and resolutions, and every link type."""
    frames = [gen.KINDS[kind][1] for kind in ("tcp4", "padded", "udp6")]
    for big in (False, True):
        for nano in (False, True):
            yield b"".join(f.pcap(f.records(*frames), big=big, nano=nano))
    for linktype in LINKS:
        of_type = [frame for link, frame in gen.KINDS.values() if link == linktype][:2]
        yield b"".join(f.pcap(f.records(*of_type), linktype=linktype))
    longest = f.pcap_record(frames[0].ljust(65535, b"\0"))
    yield f.compress(f.pcap_header() + longest * 2, "gz")


def record_files() -> Iterator[tuple[str, bytes]]:
    """The formats that are records and nothing else."""
    frame = gen.KINDS["tcp4"][1]
    for type_ in (*range(1, 28), 48):
        yield "erf", f.erf_record(frame, type_) * 2
    yield "erf", f.erf_record(frame, 0x80 | 2) * 2
    yield "rawerf", f.erf_record(frame) * 2
    yield "tsh", f.tsh_record(IP4) * 2
    yield "fr+", f.tsh_record(IP4) * 2
    yield "legacyatm", f.legacyatm_record(CELL) * 2
    yield "legacypos", f.legacypos_record(PPP) * 2
    yield "legacyeth", f.legacyeth_record(frame) * 2
    yield "legacynzix", f.legacynzix_record(frame) * 2
    yield "atmhdr", f.atmhdr_record(CELL) * 2
    for scheme in ("etsifile", "corsarotag"):
        yield scheme, bytes(200)
    for version in (13, 14, 19):
        yield "duck", version.to_bytes(4, "little") + bytes(200)


def pcapng_files() -> Iterator[bytes]:
    """Both byte orders, simple and enhanced packet blocks."""
    frames = [gen.KINDS[kind][1] for kind in ("tcp4", "udp6")]
    for big in (False, True):
        for simple in (False, True):
            yield b"".join(f.pcapng(f.records(*frames), big=big, simple=simple))


def files() -> Iterator[bytes]:
    """A format, a way to read it that is another one each time, and a file."""
    every = [("pcapfile", data) for data in pcap_files()]
    every += [("pcap", data) for data in list(pcap_files())[:2]]
    every += [("pcapng", data) for data in pcapng_files()]
    every += record_files()
    for number, (scheme, data) in enumerate(every):
        yield bytes([SCHEMES.index(scheme), 37 * number & 255]) + data
    for compression in ("", "gz", "bz2", "xz"):
        packed = f.compress(every[0][1], compression)
        yield b"\0\0" + packed
        yield b"\0\0" + packed + packed + bytes(9)
        yield b"\0\0" + packed[: len(packed) * 2 // 3]


def pipes() -> Iterator[bytes]:
    """The files, and the size of the pieces in which they come."""
    for number, data in enumerate(files()):
        yield bytes([number * 5 & 255]) + data


def messages() -> Iterator[bytes]:
    """The payloads of the kinds that carry DNS."""
    for name in ("client.test", "server.test"):
        query = p.dns_query(name)
        yield b"\0" + query
        yield b"\1" + len(query).to_bytes(2, "big") + query
        answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"
        text = b"\xc0\x0c\0\x10\0\1\0\0\0\x3c\0\6\2ab\2cd"
        yield b"\0" + query[:2] + b"\x84\0\0\1\0\2\0\0\0\0" + query[12:] + answer + text


SEEDS = {
    "dns": messages,
    "file": files,
    "filter": filters,
    "object": objects,
    "packet": packets,
    "pipe": pipes,
}

if __name__ == "__main__":
    for target, make in SEEDS.items():
        folder = pathlib.Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(make()):
            (folder / f"seed-{number:03}").write_bytes(data)
