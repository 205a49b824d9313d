# SPDX-License-Identifier: LGPL-3.0-or-later
"""SCTP: the common header, and the walk from chunk to chunk."""

from __future__ import annotations

import struct
from typing import Any

import gen_packets as p
import libtrace
import pytest
from making import cuts, make, plt

DATA, SHUTDOWN = p.chunk(0, b"0123456789", flags=3), p.chunk(7, b"\0\0\0\1")
COOKIE_ACK = p.chunk(11)
PACKET = p.sctp(0xFFFE, 5001, DATA, COOKIE_ACK, SHUTDOWN, tag=0xFEDCBA98)
FIELDS = {
    "src_port": (2, 0xFFFE),
    "dst_port": (4, 5001),
    "verification_tag": (8, 0xFEDCBA98),
    "checksum": (12, int.from_bytes(PACKET[8:12], "big")),
}


def sctp(packet: bytes, padding: bytes = b"") -> Any:
    """The SCTP object of a packet, with padding of the link layer behind it."""
    found = make(p.eth(p.ipv4(p.SCTP, packet)) + padding).sctp
    assert found is not None
    return found


def shape(found: libtrace.SCTP) -> list[tuple[int, int, bool]]:
    return [(chunk.type, chunk.length, chunk.is_ok) for chunk in found.chunks]


@pytest.mark.parametrize("name", FIELDS)
def test_field(name: str) -> None:
    needs, expected = FIELDS[name]
    for size, packet in enumerate(cuts(p.eth(p.ipv4(p.SCTP, PACKET)))[34:]):
        for found in (packet.sctp, plt.sctp(bytearray(PACKET[:size]))):
            if found is None:
                assert size < 4
            elif size >= needs:
                assert getattr(found, name) == expected
            else:
                with pytest.raises(ValueError, match="cut off"):
                    getattr(found, name)


def test_checksum_is_read_only() -> None:
    with pytest.raises(TypeError):
        sctp(PACKET).checksum = 5
    assert not hasattr(sctp(PACKET), "payload")


def test_chunks() -> None:
    for family in (4, 6):
        ip = p.ipv4(p.SCTP, PACKET) if family == 4 else p.ipv6(p.SCTP, PACKET)
        packet = make(p.eth(ip, p.IPV4 if family == 4 else p.IPV6))
        chunks = packet.sctp.chunks
        assert [type(chunk) for chunk in chunks] == [plt.chunk] * 3
        assert [chunk.type for chunk in chunks] == [0, 11, 7]
        assert [chunk.flags for chunk in chunks] == [3, 0, 0]
        assert [chunk.length for chunk in chunks] == [14, 4, 8]
        assert [chunk.is_ok for chunk in chunks] == [True] * 3
        assert [chunk.bytes for chunk in chunks] == [b"0123456789", b"", b"\0\0\0\1"]
        assert {type(chunk.bytes) for chunk in chunks} == {bytearray}
        assert {chunk.ttl for chunk in chunks} == {64}
        assert {chunk.kind for chunk in chunks} == {"packet"}
        for name in ("type", "flags", "length", "is_ok", "bytes"):
            with pytest.raises(TypeError):
                setattr(chunks[0], name, 5)


def test_chunks_outlive_their_packet() -> None:
    chunks = sctp(PACKET).chunks
    assert [bytes(chunk.bytes) for chunk in chunks] == [b"0123456789", b"", b"\0\0\0\1"]


@pytest.mark.parametrize("length", range(4, 24))
def test_chunks_are_padded_to_four_bytes(length: int) -> None:
    found = sctp(p.sctp(1, 2, p.chunk(0, bytes(length - 4)), COOKIE_ACK))
    assert shape(found) == [(0, length, True), (11, 4, True)]


def test_last_chunk_without_its_padding() -> None:
    found = sctp(p.sctp(1, 2, COOKIE_ACK, b"\0\3\0\5x"))
    assert shape(found) == [(11, 4, True), (0, 5, True)]
    assert found.chunks[1].bytes == b"x"


def test_link_layer_padding_is_no_chunk() -> None:
    """The chunks end where IP says so."""
    for count in range(24):
        found = sctp(p.sctp(1, 2, COOKIE_ACK), bytes(count))
        assert shape(found) == [(11, 4, True)]
        found = sctp(p.sctp(1, 2, COOKIE_ACK), b"\xff" * count)
        assert shape(found) == [(11, 4, True)]
    ip6 = make(p.eth(p.ipv6(p.SCTP, p.sctp(1, 2, COOKIE_ACK)), p.IPV6) + b"\xff" * 9)
    assert shape(ip6.sctp) == [(11, 4, True)]


def test_padding_where_ip_does_not_tell() -> None:
    """Of a segment before segmentation the length in IP is 0."""
    frame = p.eth(p.ipv4(p.SCTP, p.sctp(1, 2, COOKIE_ACK), total_length=0)) + bytes(8)
    assert shape(make(frame).sctp) == [(11, 4, True)]


@pytest.mark.parametrize("length", range(4))
def test_length_below_four_ends_the_walk(length: int) -> None:
    found = sctp(p.sctp(1, 2, COOKIE_ACK, p.chunk(0, bytes(8), length=length), COOKIE_ACK))
    assert shape(found) == [(11, 4, True)]
    assert shape(sctp(p.sctp(1, 2, p.chunk(0, bytes(8), length=length)))) == []


@pytest.mark.parametrize("length", [13, 100, 65535])
def test_length_beyond_the_end(length: int) -> None:
    found = sctp(p.sctp(1, 2, COOKIE_ACK, p.chunk(0, b"12345678", length=length)))
    assert shape(found) == [(11, 4, True), (0, length, False)]
    assert found.chunks[1].bytes == b"12345678"


@pytest.mark.parametrize("left", [1, 2, 3])
def test_bytes_that_are_no_chunk(left: int) -> None:
    found = sctp(p.sctp(1, 2, COOKIE_ACK, bytes(left)))
    with pytest.raises(ValueError, match=f"last {left} bytes"):
        found.chunks  # noqa: B018


def test_cut_chunks() -> None:
    frame = p.eth(p.ipv4(p.SCTP, p.sctp(1, 2, DATA, SHUTDOWN)))
    for size, packet in enumerate(cuts(frame)[38:], 4):
        if size < 16 or 0 < size - 28 < 4:
            with pytest.raises(ValueError, match=r"chunks|chunk"):
                packet.sctp.chunks  # noqa: B018
            continue
        chunks = packet.sctp.chunks
        assert [chunk.length for chunk in chunks] == [14, 8][: 1 + (size > 28)]
        assert [chunk.is_ok for chunk in chunks] == [size >= 26, size >= 36][: len(chunks)]
        assert chunks[0].bytes == b"0123456789"[: size - 16]


def test_many_chunks() -> None:
    found = sctp(p.sctp(1, 2, *[COOKIE_ACK] * 340))
    assert len(found.chunks) == 340
    assert {chunk.type for chunk in found.chunks} == {11}


def test_constructed() -> None:
    raw = bytearray(PACKET)
    found = plt.sctp(raw)
    assert type(found) is plt.sctp
    assert shape(found) == [(0, 14, True), (11, 4, True), (7, 8, True)]
    chunk = found.chunks[0]
    del found
    assert chunk.bytes == b"0123456789"
    raw[20] = ord("X")
    assert chunk.bytes == b"0123X56789"
    with pytest.raises(BufferError):
        raw.append(0)
    del chunk
    raw.append(0)


def test_chunks_of_bytes_that_change() -> None:
    """A chunk stays within the packet, whatever is written to its header, and to IP's."""
    for at, value in ((0, 5), (16, 20), (20, 65535), (16, 0), (36, 0)):
        packet = make(p.eth(p.ipv4(p.SCTP, PACKET)))
        chunks = packet.sctp.chunks
        with memoryview(packet) as view:
            if at == 20:
                struct.pack_into("!H", view, 16, 20)
                for chunk in chunks:
                    struct.pack_into("!H", view, len(view) - chunk.size + 2, value)
            elif at:
                struct.pack_into("!H", view, at, value)
            else:
                view[14:] = b"\xff" * (len(view) - 14)
        for chunk in chunks:
            assert len(chunk.bytes) <= chunk.size
            assert chunk.is_ok in (True, False)
            assert 0 <= chunk.length <= 65535
