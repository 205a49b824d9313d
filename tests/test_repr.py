# SPDX-License-Identifier: LGPL-3.0-or-later
"""What an interactive session shows."""

from __future__ import annotations

import operator
import pathlib

import gen
import gen_files as f
import gen_packets as p
import libtrace
import pytest
from making import cuts, kind, make, plt

REPRS = {
    ("tcp4", ""): "<Packet 1700000000.123456 192.0.2.1:40000 > 198.51.100.2:80, 72 of 72 bytes>",
    ("tcp4", "layer2"): "<Layer2 192.0.2.1:40000 > 198.51.100.2:80, 72 bytes>",
    ("tcp4", "ip"): "<IP 192.0.2.1:40000 > 198.51.100.2:80 proto=6 ttl=64, 58 bytes>",
    (
        "tcp4",
        "tcp",
    ): "<TCP 192.0.2.1:40000 > 198.51.100.2:80 [P.] seq=1 ack=0 win=65535, 38 bytes>",
    ("tcp4", "tcp.payload"): "<payload, 18 bytes>",
    ("tcp4", "tcp_payload"): "<payload 192.0.2.1:40000 > 198.51.100.2:80, 18 bytes>",
    (
        "tcp6",
        "tcp",
    ): "<TCP [2001:db8::1]:40002 > [2001:db8:1::2]:443 [S] seq=1 ack=0 win=65535, 29 bytes>",
    ("udp6", "udp"): "<UDP [2001:db8::1]:40003 > [2001:db8:1::2]:53, 37 bytes>",
    ("udp6", "ip6"): "<IP6 [2001:db8::1]:40003 > [2001:db8:1::2]:53 proto=17 ttl=64, 77 bytes>",
    ("icmp4", "icmp"): "<ICMP 192.0.2.1 > 198.51.100.2 type=8 code=0, 16 bytes>",
    ("icmp6", "icmp6"): "<ICMP6 2001:db8::1 > 2001:db8:1::2 type=128 code=0, 11 bytes>",
    (
        "icmp4_error",
        "icmp.payload",
    ): "<IP 192.0.2.1:40001 > 198.51.100.2:53 proto=17 ttl=64, 28 bytes>",
    ("sctp4", "sctp"): "<SCTP 192.0.2.1:5000 > 198.51.100.2:5001, 36 bytes>",
    (
        "arp",
        "",
    ): "<Packet 1700000000.123456 02:00:00:00:00:0a > ff:ff:ff:ff:ff:ff, 42 of 42 bytes>",
    ("arp", "layer3"): "<Layer3 02:00:00:00:00:0a > ff:ff:ff:ff:ff:ff, 28 bytes>",
    ("ppp_hdlc_lcp", ""): "<Packet 1700000000.123456, 8 of 8 bytes>",
}


@pytest.mark.parametrize(("name", "path"), REPRS)
def test_repr(name: str, path: str) -> None:
    packet = kind(name)
    found = operator.attrgetter(path)(packet) if path else packet
    assert repr(found) == str(found) == f"{found}" == REPRS[name, path]


def test_repr_of_what_is_cut_or_made() -> None:
    assert repr(plt.packet()) == "<Packet, nothing read>"
    assert repr(plt.packet().layer2) == "<Layer2, 0 bytes>"
    assert repr(plt.tcp(bytearray(20))) == "<TCP [] seq=0 ack=0 win=0, 20 bytes>"
    assert repr(plt.ip(bytearray())) == "<IP, 0 bytes>"
    cut = make(gen.KINDS["tcp4"][1][:40], wirelen=72)
    assert repr(cut).endswith("192.0.2.1:40000 > 198.51.100.2:80, 40 of 72 bytes>")
    assert repr(cut.tcp) == "<TCP 192.0.2.1:40000 > 198.51.100.2:80, 6 bytes>"


def test_chunk() -> None:
    first, last = kind("sctp4").sctp.chunks
    assert repr(first) == "<Chunk 192.0.2.1:5000 > 198.51.100.2:5001 type=1 length=20, 24 bytes>"
    assert repr(last) == "<Chunk 192.0.2.1:5000 > 198.51.100.2:5001 type=6 length=4, 4 bytes>"


def test_tables(data: pathlib.Path) -> None:
    with libtrace.open(data / "sample.pcap") as trace:
        tables = {
            "Batches": trace.batches(["src", "proto"]),
            "Flows": trace.flows(["src", "proto"]),
            "Counts": trace.counts(["src", "proto"]),
        }
        for name, table in tables.items():
            assert str(table) == repr(table)
            assert repr(table).startswith(f"<libtrace.{name} of '{trace.uri}': src, proto")


@pytest.mark.parametrize("bit", range(8))
def test_flags_as_tcpdump_shows_them(bit: int) -> None:
    tcp = plt.tcp(bytearray(p.tcp(flags=1 << bit)))
    assert f"[{'FSRP.UEW'[bit]}]" in repr(tcp)
    assert "[S.]" in repr(plt.tcp(bytearray(p.tcp(flags=p.SYN | p.ACK))))


def test_repr_of_anything_is_one_line() -> None:
    for linktype, frame in gen.KINDS.values():
        for packet in cuts(frame, linktype):
            parts = [packet, packet.layer2, packet.layer3, packet.transport, packet.ip, packet.tcp]
            parts += [layer.object for layer in packet.layers]
            for found in parts:
                assert repr(found).isprintable()
                assert len(repr(found)) < 250


# hexdump


def reference(data: bytes) -> str:
    """In the manner of tcpdump and Wireshark."""
    lines = []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{at & 0xFFFF:04x}  {row.hex(' '):<48} {text}\n")
    return "".join(lines)


@pytest.mark.parametrize("size", [1, 15, 16, 17, 31, 32, 255, 256, 1514, 65500])
def test_hexdump(size: int) -> None:
    data = (bytes(range(256)) * 256)[:size]
    assert make(data, f.DLT_RAW).hexdump() == reference(data)


def test_hexdump_of_layers() -> None:
    packet = kind("tcp4")
    for found in (packet, packet.ip, packet.tcp, packet.tcp.payload, plt.tcp(bytearray(b"abc"))):
        assert found.hexdump() == reference(bytes(found))
    assert plt.packet().hexdump() == plt.ip(bytearray()).hexdump() == ""
    assert kind("sll").hexdump() == reference(gen.KINDS["sll"][1])
