# SPDX-License-Identifier: LGPL-3.0-or-later
"""TCP and UDP: fields, flags, options, payloads."""

from __future__ import annotations

from typing import Any

import gen_packets as p
import pytest
from libtrace import (
    MaximumSegmentSize,
    SACKPermitted,
    SelectiveAcknowledgment,
    TCPOption,
    Timestamps,
    WindowScale,
)
from making import cuts, make, plt

# Reserved bits, AE, and eight flags.
SEGMENT = bytearray(
    p.tcp(0xFFFE, 443, b"data", seq=0xFFFFFFFF, ack=0x80000000, window=65535, options=b"\1" * 4)
)
SEGMENT[12:14] = b"\x6f\xd5"
SEGMENT[16:20] = b"\xab\xcd\xff\xfe"
TCP_FIELDS = {
    "src_port": (2, 0xFFFE),
    "dst_port": (4, 443),
    "seq_nbr": (8, 0xFFFFFFFF),
    "ack_nbr": (12, 0x80000000),
    "doff": (13, 6),
    "flags": (14, 0xFD5),
    "urg_flag": (14, False),
    "ack_flag": (14, True),
    "psh_flag": (14, False),
    "rst_flag": (14, True),
    "syn_flag": (14, False),
    "fin_flag": (14, True),
    "flag_names": (14, ["FIN", "RST", "ACK", "ECE", "CWR", "AE"]),
    "window": (16, 65535),
    "checksum": (18, 0xABCD),
    "urg_ptr": (20, 0xFFFE),
    "options": (20, []),
}
UDP_FIELDS = {"src_port": (2, 0xFFFE), "dst_port": (4, 53), "len": (6, 9), "checksum": (8, 0xABCD)}
DATAGRAM = p.udp(0xFFFE, 53, b"", length=9)[:6] + b"\xab\xcdx"


def segment(options: bytes = b"", payload: bytes = b"", doff: int | None = None) -> Any:
    """The TCP object of a packet with these options."""
    packet = bytearray(p.eth(p.ipv4(p.TCP, p.tcp(1, 2, payload, options=options))))
    if doff is not None:
        packet[34 + 12] = doff << 4
    found = make(bytes(packet)).tcp
    assert found is not None
    return found


@pytest.mark.parametrize("name", TCP_FIELDS)
def test_tcp_field(name: str) -> None:
    needs, expected = TCP_FIELDS[name]
    packets = cuts(p.eth(p.ipv4(p.TCP, bytes(SEGMENT))))[34:]
    for size, packet in enumerate(packets):
        for tcp in (packet.tcp, plt.tcp(SEGMENT[:size])):
            if tcp is None:
                assert size < 4
            elif size >= needs:
                assert getattr(tcp, name) == expected
                assert type(getattr(tcp, name)) is type(expected)
            else:
                with pytest.raises(ValueError, match=r"cut off|captured"):
                    getattr(tcp, name)


@pytest.mark.parametrize("name", UDP_FIELDS)
def test_udp_field(name: str) -> None:
    needs, expected = UDP_FIELDS[name]
    packets = cuts(p.eth(p.ipv6(p.UDP, DATAGRAM), p.IPV6))[54:]
    for size, packet in enumerate(packets):
        for udp in (packet.udp, plt.udp(bytearray(DATAGRAM[:size]))):
            if udp is None:
                assert size < 4
            elif size >= needs:
                assert getattr(udp, name) == expected
            else:
                with pytest.raises(ValueError, match="cut off"):
                    getattr(udp, name)


@pytest.mark.parametrize("bit", range(12))
def test_flag(bit: int) -> None:
    raw = bytearray(p.tcp())
    raw[12:14] = (0x5000 | 1 << bit).to_bytes(2, "big")
    tcp = plt.tcp(raw)
    names = ["fin", "syn", "rst", "psh", "ack", "urg"]
    assert tcp.flags == 1 << bit
    assert [getattr(tcp, f"{name}_flag") for name in names] == [bit == i for i in range(6)]
    all_names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"]
    assert tcp.flag_names == ([all_names[bit]] if bit < 9 else [])


# Payloads


def test_tcp_payload() -> None:
    frame = p.eth(p.ipv4(p.TCP, p.tcp(1, 2, b"data", options=b"\2\4\5\xb4")))
    for size, packet in enumerate(cuts(frame)[38:], 38):
        if size < 58:
            with pytest.raises(ValueError, match="payload"):
                packet.tcp.payload  # noqa: B018
            assert packet.tcp_payload is None
        elif size == 58:
            assert packet.tcp.payload is packet.tcp_payload is None
        else:
            assert packet.tcp.payload.data == packet.tcp_payload.data == frame[58:size]
            assert type(packet.tcp.payload) is plt.Transport
    for doff in range(5):
        with pytest.raises(ValueError, match="payload"):
            segment(doff=doff).payload  # noqa: B018


def test_udp_payload() -> None:
    frame = p.eth(p.ipv4(p.UDP, p.udp(1, 2, b"data")))
    for size, packet in enumerate(cuts(frame)[38:], 38):
        if size < 42:
            with pytest.raises(ValueError, match="payload"):
                packet.udp.payload  # noqa: B018
            assert packet.udp_payload is None
        elif size == 42:
            assert packet.udp.payload is packet.udp_payload is None
        else:
            assert packet.udp.payload.data == packet.udp_payload.data == frame[42:size]


# Options

MSS, SCALE, PERMITTED = b"\2\4\5\xb4", b"\3\3\7", b"\4\2"
STAMPS = b"\x08\x0a\xff\xff\xff\xff\0\0\0\1"
SACK = b"\5\x12\0\0\0\1\0\0\0\2\xff\xff\xff\xfe\xff\xff\xff\xff"
FAST_OPEN, EXPERIMENT = b"\x22\2", b"\xfe\6\1\2\3\4"


def test_no_options() -> None:
    for tcp in (segment(), segment(payload=b"data")):
        assert tcp.options_data == bytearray()
        assert type(tcp.options_data) is bytearray
        assert tcp.option_numbers is False
        assert tcp.options == []
        assert all(tcp.option(n) is False for n in range(2, 256))
    padded = segment(b"\1\1\0\0")
    assert padded.options_data == b"\1\1\0\0"
    assert padded.option_numbers == bytearray()
    assert padded.options == []


def test_options_of_a_short_header() -> None:
    for doff in range(5):
        tcp = segment(doff=doff)
        assert tcp.options_data is tcp.option_numbers is tcp.option(2) is False
        assert tcp.options == []
    for size in range(20):
        tcp = plt.tcp(bytearray(SEGMENT[:size]))
        assert tcp.options_data is tcp.option_numbers is tcp.option(4) is False


def test_options() -> None:
    area = MSS + PERMITTED + STAMPS + b"\1" + SCALE
    tcp = segment(area, b"payload")
    assert tcp.options_data == area
    assert tcp.option_numbers == bytearray([2, 4, 8, 3])
    assert tcp.option(2) == bytearray(b"\5\xb4")
    assert type(tcp.option(2)) is bytearray
    assert tcp.option(4) is True
    assert tcp.option(8) == STAMPS[2:]
    assert tcp.option(3) == b"\7"
    assert tcp.option(5) is tcp.option(255) is False
    assert tcp.options == [
        MaximumSegmentSize(1460),
        SACKPermitted(),
        Timestamps(0xFFFFFFFF, 1),
        WindowScale(7),
    ]
    assert tcp.payload is not None
    assert tcp.payload.data == b"payload"


def test_typed_options() -> None:
    tcp = segment(SACK + b"\1\1" + FAST_OPEN + EXPERIMENT)
    assert tcp.options == [
        SelectiveAcknowledgment(((1, 2), (0xFFFFFFFE, 0xFFFFFFFF))),
        TCPOption(34, b""),
        TCPOption(254, b"\1\2\3\4"),
    ]
    assert [type(option) for option in tcp.options[1:]] == [TCPOption, TCPOption]
    assert tcp.option(34) == bytearray()
    assert tcp.option_numbers == bytearray([5, 34, 254])


MISSHAPEN = (
    [b"\2\3\5", b"\2\5\5\xb4\0", b"\3\2", b"\3\4\7\0", b"\4\3\0", b"\x08\2", b"\5\2"],
    [b"\5\7\0\0\0\1\0", b"\5\6\0\0\0\1", b"\x08\6\0\0\0\1"],
)


@pytest.mark.parametrize("option", [option for options in MISSHAPEN for option in options])
def test_options_of_a_wrong_length_are_bytes(option: bytes) -> None:
    tcp = segment(option + b"\0" * 4)
    assert tcp.options == [TCPOption(option[0], option[2:])]
    assert tcp.option(option[0]) == (True if option[0] == 4 else option[2:])


def test_every_kind_of_option() -> None:
    for number in range(2, 256):
        tcp = segment(bytes([number, 7]) + b"abcde")
        assert tcp.option_numbers == bytearray([number])
        assert tcp.option(number) == (b"abcde" if number != 4 else True)
        assert tcp.options == [TCPOption(number, b"abcde")]


@pytest.mark.parametrize("number", [-(1 << 40), -1, 0, 1, 256, 1 << 31, 1 << 40])
def test_option_out_of_range(number: int) -> None:
    with pytest.raises(ValueError, match=r"is not within 2\.\.255"):
        segment(MSS).option(number)


def test_option_of_another_type() -> None:
    for wrong in ("2", 2.0, None):
        with pytest.raises(TypeError):
            segment(MSS).option(wrong)


def test_repeated_options() -> None:
    tcp = segment(b"\xfd\4ab\xfd\4cd\1\xfd\2\0")
    assert tcp.option_numbers == bytearray([253] * 3)
    assert tcp.option(253) == b"ab"
    assert tcp.options == [TCPOption(253, b"ab"), TCPOption(253, b"cd"), TCPOption(253, b"")]


def test_nothing_behind_the_end() -> None:
    tcp = segment(MSS + b"\0" + SCALE)
    assert tcp.option_numbers == bytearray([2])
    assert tcp.option(3) is False
    assert tcp.options == [MaximumSegmentSize(1460)]


@pytest.mark.parametrize("length", [0, 1, 9, 255])
def test_damaged_length(length: int) -> None:
    """The walk ends; the kind is still listed, but there is no such option."""
    tcp = segment(MSS + bytes([253, length]) + b"ab" + b"\3\3\7\0")
    assert tcp.option_numbers == bytearray([2, 253])
    assert tcp.option(2) == b"\5\xb4"
    assert tcp.option(253) is False
    assert tcp.option(3) is False
    assert tcp.options == [MaximumSegmentSize(1460)]


def test_kind_without_a_length() -> None:
    tcp = segment(MSS + b"\1\1\1\x08")
    assert tcp.option_numbers == bytearray([2, 8])
    assert tcp.option(8) is False
    assert tcp.options == [MaximumSegmentSize(1460)]


def test_longest_options() -> None:
    tcp = segment(b"\x22\2" * 20)
    assert tcp.doff == 15
    assert tcp.option_numbers == bytearray([34] * 20)
    assert len(tcp.options) == 20
    many = segment(b"\xfd\x28" + bytes(range(38)))
    assert many.option(253) == bytes(range(38))
    blocks = segment(b"\5\x22" + bytes(range(32)) + b"\1" * 6).options
    assert len(blocks[0].blocks) == 4


def test_cut_options() -> None:
    """What the capture cuts off is not there."""
    area = MSS + PERMITTED + STAMPS
    for size, packet in enumerate(cuts(p.eth(p.ipv4(p.TCP, p.tcp(1, 2, b"x", options=area))))):
        left = size - 54
        tcp = packet.tcp
        if left < 0 or tcp is None:
            continue
        assert tcp.options_data == area[:left]
        whole = [end <= left for end in (4, 6, 16)]
        assert tcp.option(2) == (b"\5\xb4" if whole[0] else False)
        assert tcp.option(4) is whole[1]
        assert tcp.option(8) == (STAMPS[2:] if whole[2] else False)
        numbers = bytearray([2, 4, 8][: (left > 0) + (left > 4) + (left > 6)])
        assert tcp.option_numbers == (numbers if left else False)
        assert len(tcp.options) == sum(whole)


def test_option_argument() -> None:
    tcp = segment(MSS)
    for wrong in (-1, 0, 1, 256):
        with pytest.raises(ValueError, match="not within"):
            tcp.option(wrong)
    for text in ("2", 2.0, None, b"\2"):
        with pytest.raises(TypeError):
            tcp.option(text)
    with pytest.raises(TypeError):
        tcp.option()
