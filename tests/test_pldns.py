# SPDX-License-Identifier: LGPL-3.0-or-later
"""DNS: the fields of messages and records, their text, and what damaged messages do."""

from __future__ import annotations

import contextlib
import gc
import ipaddress
import json
import os
import pathlib
import random
import re
import resource
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import gen_dns as d
import libtrace
import pytest
from gen_dns import message, name, prefixed, question, record, tcp, udp
from steady import assert_steady, unsanitized

try:
    import pldns
except ImportError as error:
    pytest.skip(str(error), allow_module_level=True)

CAPTURES = ("dns.pcap", "dns_types.pcap")
SECTIONS = ("query_rr_list", "response_rr_list", "auth_rr_list", "addit_rr_list")
HEADER = ("ident", "is_response", "opcode", "rcode", "response_type")
HEADER_INCOMPLETE, QUESTION, ANSWER, AUTHORITY, ADDITIONAL = range(46, 51)

ADDRESS = record(d.A, bytes([192, 0, 2, 1]))
SERVER = record(d.NS, name("ns", "test"))
EDNS = b"\0" + struct.pack("!HHIH", d.OPT, 1232, 0, 0)
SIGNATURE = record(d.TSIG, name("hmac-md5") + bytes(6) + bytes([1, 44]) + bytes(8), owner=b"\0")


def decode(wire: bytes) -> pldns.ldns:
    return pldns.ldns(udp(wire))


def answers(found: pldns.ldns) -> list[pldns.ldnsrr]:
    """The answers of a message that has some."""
    assert found.response_rr_list
    return found.response_rr_list


def answer(data: bytes, qtype: int = d.A, **fields: Any) -> pldns.ldnsrr:
    """The only record of a response."""
    (only,) = answers(decode(message([record(qtype, data, **fields)])))
    return only


def payloads(capture: pathlib.Path) -> Iterator[libtrace.Transport]:
    """Those of a capture of DNS."""
    with libtrace.open(capture) as trace:
        for packet in trace:
            payload = packet.udp.payload if packet.udp else packet.tcp and packet.tcp.payload
            if payload:
                yield payload


def wires(capture: pathlib.Path) -> list[bytes]:
    """The messages of a capture, without length prefixes."""
    return [bytes(load.data[2 if load.proto == 6 else 0 :]) for load in payloads(capture)]


def records(found: pldns.ldns) -> Iterator[pldns.ldnsrr]:
    for section in SECTIONS:
        yield from getattr(found, section) or []


def show(found: pldns.ldns) -> None:
    """Reads everything: a value or, when the message is not ok, ValueError."""
    assert found.is_ok() is (found.status == 0)
    assert isinstance(found.errorstr(found.status), str)
    assert repr(found).startswith("<libtrace.dns.Message")
    if found.is_ok():
        assert all(isinstance(getattr(found, field), int) for field in HEADER)
        for item in records(found):
            assert item.owner.endswith(".")
            assert item.str.startswith(item.owner + "\t")
            assert item.rdata in item.str
            assert 0 <= item.type < 65536
            assert 0 <= item.ttl < 1 << 32
            assert repr(item).startswith("<libtrace.dns.Record")
        return
    for field in HEADER + SECTIONS:
        with pytest.raises(ValueError, match="cannot be read"):
            getattr(found, field)


# The doorway


def test_doorway() -> None:
    assert libtrace.features()["dns"] is True
    assert sorted(pldns.__all__) == ["ldns", "ldnsrr", "opcodestr", "rcodestr", "typestr"]
    assert isinstance(decode(message()), pldns.ldns)
    assert isinstance(answer(bytes(4)), pldns.ldnsrr)


def test_importing_leaves_no_trace() -> None:
    script = "before = {*globals(), 'before'}\nimport pldns\nprint({*globals()} - before)"
    command = [sys.executable, "-c", script]
    assert subprocess.run(command, check=True, capture_output=True).stdout == b"{'pldns'}\n"


# What a message is read from


def test_payloads_of_every_kind(data: pathlib.Path) -> None:
    with libtrace.open(data / "dns_types.pcap") as trace:
        for packet in trace:
            header = packet.udp or packet.tcp
            whole = packet.udp_payload or packet.tcp_payload
            if header is None or header.payload is None or whole is None:
                continue
            found = pldns.ldns(header.payload)
            again = pldns.ldns(whole)
            assert found.is_ok()
            assert (header.payload.kind, whole.kind) == ("copy", "packet")
            assert found.ident == again.ident


def test_other_arguments(data: pathlib.Path) -> None:
    with libtrace.open(data / "sample.pcap") as trace:
        ping = next(packet for packet in trace if packet.icmp)
    header = libtrace.UDP(bytearray(8))
    wire = message()
    odd: Any
    for odd in (None, 1, object, wire, bytearray(wire), header, libtrace.Packet(), ping.transport):
        with pytest.raises(ValueError, match="payload of UDP or TCP"):
            pldns.ldns(odd)


def test_objects_without_a_message() -> None:
    odd: Any
    for odd in (pldns.ldns, pldns.ldnsrr):
        with pytest.raises(TypeError):
            odd()
    with pytest.raises(ValueError, match="never initialised"):
        pldns.ldns.__new__(pldns.ldns).is_ok()


# Header and sections


@pytest.mark.parametrize("ident", [0, 1, 0x1234, 65535])
@pytest.mark.parametrize("flags", [0, 0x8000, 0x7800, 0x0800, 0x000F, 0x0003, 0x87F0, 0xFFFF])
def test_header(ident: int, flags: int) -> None:
    found = decode(message(ident=ident, flags=flags))
    assert found.is_ok() is True
    assert found.status == 0
    assert found.ident == ident
    assert found.is_response is bool(flags & 0x8000)
    assert found.opcode == flags >> 11 & 15
    assert found.rcode == found.response_type == flags & 15


def test_empty_sections() -> None:
    found = decode(message())
    assert [rr.str for rr in found.query_rr_list or []] == ["example.test.\tIN\tA"]
    assert found.response_rr_list is None
    assert found.auth_rr_list == []
    assert found.addit_rr_list == []


def test_no_question_hides_no_records() -> None:
    address = record(d.A, bytes(4), owner=name("x"))
    found = decode(message([address], [address], [address] * 2, questions=()))
    assert found.query_rr_list is None
    assert [len(getattr(found, section)) for section in SECTIONS[1:]] == [1, 1, 2]
    assert decode(message(questions=())).auth_rr_list == []


def test_sections_keep_their_order() -> None:
    parts = [record(d.A, bytes([10, 0, 0, last])) for last in range(9)]
    found = decode(message(parts[:4], parts[4:7], parts[7:]))
    assert [rr.rdata for rr in answers(found)] == [f"10.0.0.{n}" for n in range(4)]
    assert [rr.rdata for rr in found.auth_rr_list] == [f"10.0.0.{n}" for n in range(4, 7)]
    assert [rr.rdata for rr in found.addit_rr_list] == [f"10.0.0.{n}" for n in range(7, 9)]


def test_opt_and_tsig_are_taken_out() -> None:
    everything = [EDNS, ADDRESS, SIGNATURE, EDNS, SERVER, SIGNATURE]
    found = decode(message([ADDRESS], additional=everything))
    assert [rr.type for rr in found.addit_rr_list] == [d.A, d.NS]
    assert decode(message([ADDRESS], additional=[EDNS])).addit_rr_list == []
    elsewhere = decode(message([EDNS], [SIGNATURE]))
    assert [rr.type for rr in records(elsewhere)] == [d.A, d.OPT, d.TSIG]


# Records


def test_record() -> None:
    rr = answer(bytes([192, 0, 2, 1]), ttl=86400)
    assert (rr.owner, rr.type, rr.ttl, rr.rdata) == ("example.test.", d.A, 86400, "192.0.2.1")
    assert rr.str == "example.test.\t86400\tIN\tA\t192.0.2.1"
    assert repr(rr) == "<libtrace.dns.Record example.test. 86400 IN A 192.0.2.1>"


def test_question_has_neither_ttl_nor_data() -> None:
    (rr,) = decode(message(questions=[question(name("A", "b"), 255, 3)])).query_rr_list or []
    assert (rr.owner, rr.type, rr.ttl, rr.rdata) == ("A.b.", 255, 3600, "")
    assert rr.str == "A.b.\tCH\tANY"


@pytest.mark.parametrize("ttl", [0, 1, (1 << 31) - 1, 1 << 31, (1 << 32) - 1])
def test_ttl_is_unsigned(ttl: int) -> None:
    rr = answer(bytes(4), ttl=ttl)
    assert rr.ttl == ttl
    assert rr.str.split("\t")[1] == str(ttl)


CLASSES = {1: "IN", 2: "CLASS2", 3: "CH", 4: "HS", 254: "NONE", 255: "ANY", 65280: "CLASS65280"}


@pytest.mark.parametrize("rclass", CLASSES)
def test_classes(rclass: int) -> None:
    assert answer(bytes(4), rclass=rclass).str.split("\t")[2] == CLASSES[rclass]


def test_empty_data() -> None:
    for qtype in (d.A, d.TXT, d.MX, 65280):
        assert answer(b"", qtype).rdata == ""


NAMES = [
    (b"\0", "."),
    (name("Example", "TEST"), "Example.TEST."),
    (name("a.b", "c;d", "(e)", "f\\g"), "a\\.b.c\\;d.\\(e\\).f\\\\g."),
    (name("@$", "\"'", "*", "_x-y"), "@$.\"'.*._x-y."),
    (name(b"a b\t\x00\x1f\x7f\x80\xff!~"), "a\\032b\\009\\000\\031\\127\\128\\255!~."),
    (name("x" * 63, "y" * 63, "z" * 63, "w" * 61), f"{'x' * 63}.{'y' * 63}.{'z' * 63}.{'w' * 61}."),
]


@pytest.mark.parametrize(("wire", "text"), NAMES)
def test_names_in_text(wire: bytes, text: str) -> None:
    assert answer(bytes(4), owner=wire).owner == text
    assert answer(wire, d.PTR).rdata == text


STRINGS = [
    (b"", '""'),
    (b"a b;c", '"a b;c"'),
    (b'say "hi"\\', '"say \\"hi\\"\\\\"'),
    (b"\t\n\x00\x7f\x80\xff", '"\t\\010\\000\\127\\128\\255"'),
    (b"x" * 255, f'"{"x" * 255}"'),
]


@pytest.mark.parametrize(("wire", "text"), STRINGS)
def test_strings_in_text(wire: bytes, text: str) -> None:
    assert answer(bytes([len(wire)]) + wire, d.TXT).rdata == text
    assert answer((bytes([len(wire)]) + wire) * 3, d.TXT).rdata == " ".join([text] * 3)


# What a zone file has, and what we give for it.
KEY = "AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3"
TYPES = [
    ("A", "192.0.2.1", None),
    ("AAAA", "2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
    ("AAAA", "::ffff:192.0.2.1", None),
    ("NS", "ns.test.", None),
    ("CNAME", "C.test.", None),
    ("PTR", "p.test.", None),
    ("DNAME", "d.test.", None),
    ("MX", "10 mx.test.", None),
    ("SOA", "ns.test. root.test. 4294967295 3600 600 86400 60", None),
    ("TXT", '"v=1" "two words"', None),
    ("SPF", '"v=spf1 -all"', None),
    ("HINFO", '"x86-64" "Linux"', None),
    ("SRV", "10 20 5060 sip.test.", None),
    ("NAPTR", '100 10 "S" "SIP+D2U" "!^.*$!sip:info@test!" _sip._udp.test.', None),
    ("DS", f"60485 8 2 {'AB12' * 16}", f"60485 8 2 {'ab12' * 16}"),
    ("DNSKEY", f"257 3 8 {KEY}", None),
    ("RRSIG", "A 8 2 3600 20301231235959 20200101000000 60485 test. oJB1W6WN", None),
    ("NSEC", "next.test. A MX RRSIG NSEC TYPE1234", "next.test. A MX RRSIG NSEC TYPE1234 "),
    (
        "NSEC3",
        "1 1 10 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr A RRSIG",
        "1 1 10 aabbccdd  2t7b4g4vsa5smi47k61mv5bv1a22bojr A RRSIG ",
    ),
    (
        "NSEC3",
        "1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr",
        "1 0 0 -  2t7b4g4vsa5smi47k61mv5bv1a22bojr",
    ),
    ("TLSA", f"3 1 1 {'cd34' * 16}", None),
    ("SSHFP", f"4 2 {'ef56' * 16}", None),
    ("CAA", '0 issue "ca.test; policy=x"', None),
    ("RP", "admin.test. about.test.", None),
    ("NULL", "\\# 4 00010203", None),
    ("TYPE65280", "\\# 3 010203", None),
    ("URI", '10 1 "https://a.test/"', None),
    ("LOC", "36 52 0.000 S 174 46 0.000 E 20m 10m 100m 10m", None),
    ("APL", "1:192.0.2.0/24 !1:192.0.2.64/26", "1:192.0.2.0/24 !1:192.0.2.64/26 "),
]


@pytest.mark.parametrize(("rdtype", "zone", "text"), TYPES)
def test_data_in_text(rdtype: str, zone: str, text: str | None) -> None:
    rdata = pytest.importorskip("dns.rdata")
    parsed = rdata.from_text("IN", rdtype, zone)
    rr = answer(parsed.to_wire(), parsed.rdtype)
    assert rr.rdata == (text or zone)
    assert rr.str.startswith(f"example.test.\t300\tIN\t{rdtype}\t{rr.rdata}")
    assert rdata.from_text("IN", rdtype, rr.rdata) == parsed


def test_key_has_a_comment() -> None:
    rdata = pytest.importorskip("dns.rdata")
    dnssec = pytest.importorskip("dns.dnssec")
    key = rdata.from_text("IN", "DNSKEY", f"257 3 8 {KEY}")
    rr = answer(key.to_wire(), key.rdtype)
    comment = f" ;{{id = {dnssec.key_id(key)} (ksk), size = {(len(key.key) - 4) * 8}b}}"
    assert rr.str == f"example.test.\t300\tIN\tDNSKEY\t{rr.rdata}{comment}"


# Data that its type's format does not fit: ldns has no text for it.
@pytest.mark.parametrize(
    ("qtype", "data"),
    [
        (29, bytes(4)),  # LOC
        (42, b"\0\1\x18\5abc"),  # APL
        (45, b"\1\3"),  # IPSECKEY
        (47, name("n") + b"\0\x20ab"),  # NSEC
        (257, b"\0\3a-bx"),  # CAA
    ],
)
def test_data_of_no_format(qtype: int, data: bytes) -> None:
    rr = answer(data, qtype)
    assert rr.rdata == f"\\# {len(data)} {data.hex()}"
    assert rr.str == f"example.test.\t300\tIN\t{pldns.typestr(qtype)}\t{rr.rdata}"


def test_lifetimes() -> None:
    (rr,) = answers(decode(message([record(d.TXT, b"\3abc")])))
    gc.collect()
    assert rr.rdata == '"abc"'
    found = decode(message([ADDRESS] * 50, [SERVER] * 50))
    kept = [*answers(found)[::7], *found.auth_rr_list[::7]]
    owners = [item.owner for item in answers(found)]
    del found
    gc.collect()
    assert [item.rdata for item in kept] == ["192.0.2.1"] * 8 + ["ns.test."] * 8
    assert set(owners) == {"example.test."}


def test_message_outlives_its_packet(data: pathlib.Path) -> None:
    with libtrace.open(data / "dns.pcap") as trace:
        packet = libtrace.Packet()
        assert trace.read_packet(packet)
        payload = packet.udp_payload
        assert payload
        first = pldns.ldns(payload)
        text = repr(first)
        for _ in trace:
            pass
    del packet, payload
    gc.collect()
    assert repr(first) == text


def test_everything_is_read_only() -> None:
    found = decode(message([ADDRESS]))
    (rr,) = answers(found)
    for item, fields in (
        (found, (*HEADER, *SECTIONS, "status")),
        (rr, ("owner", "type", "ttl", "str")),
    ):
        for field in fields:
            with pytest.raises((AttributeError, TypeError)):
                setattr(item, field, 1)
            with pytest.raises((AttributeError, TypeError)):
                delattr(item, field)
    with pytest.raises(AttributeError):
        rr.comment = "mine"  # type: ignore[attr-defined]


# TCP


def test_first_message_of_a_segment(capfd: pytest.CaptureFixture[str]) -> None:
    first, second = message([ADDRESS], ident=1), message(ident=2)
    for stream in (prefixed(first), prefixed(first) + prefixed(second), prefixed(first) + b"xyz"):
        found = pldns.ldns(tcp(stream))
        assert found.ident == 1
        assert len(answers(found)) == 1
        assert found.missing == 0
    assert tuple(capfd.readouterr()) == ("", "")


def test_message_beyond_the_segment(capfd: pytest.CaptureFixture[str]) -> None:
    whole = prefixed(message([ADDRESS]))
    found = pldns.ldns(tcp(whole[:-1]))
    assert (found.status, found.missing) == (ANSWER, 1)
    assert tuple(capfd.readouterr()) == ("", "libtrace.dns: 1 bytes of a message are missing\n")
    found = pldns.ldns(tcp(struct.pack("!H", 4000) + message([ADDRESS])))
    assert found.is_ok()
    assert found.missing == 4000 - len(message([ADDRESS]))
    assert "missing" in capfd.readouterr().err


@pytest.mark.parametrize("stream", [b"\0", b"\0\0", b"\0\0" + message(), b"\0\5" + message()])
def test_no_message_in_a_segment(stream: bytes) -> None:
    assert pldns.ldns(tcp(stream)).status == HEADER_INCOMPLETE


# Damage


def test_status_of_cut_messages() -> None:
    parts = [message()[:12], question(), ADDRESS, SERVER, ADDRESS]
    whole = message([ADDRESS], [SERVER], [ADDRESS])
    assert whole == message([ADDRESS], [SERVER], [ADDRESS])[:12] + b"".join(parts[1:])
    ends = [sum(map(len, parts[: index + 1])) for index in range(5)]
    for length in range(1, len(whole)):
        section = next(index for index, end in enumerate(ends) if length < end)
        # A name that ends with the message runs out of labels instead.
        status = decode(whole[:length]).status
        assert status in ((HEADER_INCOMPLETE + section,) if section == 0 else (46 + section, 2))
        if length in ends:
            assert status == HEADER_INCOMPLETE + section
    assert decode(whole).is_ok()
    assert decode(whole + b"padding").is_ok()


@pytest.mark.parametrize(
    ("owner", "status", "text"),
    [
        (b"\x40" + b"x" * 64 + b"\0", 2, "Label length overflow"),
        (b"\x3fxx", 2, "Label length overflow"),
        (name(*["x" * 63] * 4), 3, "Domainname length overflow"),
        (b"\1x\xc0\x0c", 3, "Domainname length overflow"),
        (b"\xc0\x0c", 7, "Invalid compression pointer"),
        (b"\xc0\x0e\xc0\x0c", 7, "Invalid compression pointer"),
        (b"\xc0\x00", 7, "Invalid compression pointer"),
        (b"\xff\xff", 7, "Invalid compression pointer"),
    ],
)
def test_status_of_bad_names(owner: bytes, status: int, text: str) -> None:
    found = decode(message(questions=[question(owner)]))
    assert (found.status, found.errorstr(found.status)) == (status, text)


def test_texts_of_status() -> None:
    found = decode(b"x")
    assert found.errorstr(0) == "All OK"
    sections = ("header", "question", "answer", "authority", "additional")
    assert [found.errorstr(46 + n) for n in range(5)] == [
        f"{s} section incomplete" for s in sections
    ]
    for unknown in (9999, -1, 1 << 40):
        assert found.errorstr(unknown) == f"ERR{unknown}"
    odd: Any
    for odd in ("1", None, 1.5):
        with pytest.raises(TypeError):
            found.errorstr(odd)


@pytest.mark.slow
@pytest.mark.parametrize("capture", CAPTURES)
def test_every_length(data: pathlib.Path, capture: str, capfd: pytest.CaptureFixture[str]) -> None:
    for wire in set(wires(data / capture)):
        for length in range(1, len(wire) + 1):
            show(decode(wire[:length]))
        for length in range(2, len(wire) + 2, 5):
            show(pldns.ldns(tcp(prefixed(wire)[:length])))


@pytest.mark.slow
@pytest.mark.parametrize("capture", CAPTURES)
def test_every_byte(data: pathlib.Path, capture: str) -> None:
    for wire in sorted(set(wires(data / capture))):
        for at in range(len(wire)):
            for value in {0, 1, 0x40, 0xC0, 0xFF, wire[at] ^ 1, wire[at] ^ 0x80}:
                show(decode(wire[:at] + bytes([value]) + wire[at + 1 :]))


@pytest.mark.slow
def test_noise(data: pathlib.Path) -> None:
    noise = random.Random(53)
    seeds = sorted(set(wires(data / "dns_types.pcap")))
    for _ in range(20000):
        wire = bytearray(noise.choice(seeds))
        for _ in range(noise.randint(1, 8)):
            wire[noise.randrange(12, len(wire))] = noise.randrange(256)
        show(decode(bytes(wire)))
        show(decode(noise.randbytes(noise.randint(1, 60))))


# Each of these would take minutes, or gigabytes, if ldns were left alone with it.


@unsanitized
def test_strings_take_little_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rr = answer(bytes(65000), d.TXT)
    assert rr.rdata == " ".join(['""'] * 65000)
    kept = decode(message([struct.pack("!HHHIH", 0xC00C, d.SOA, 1, 0, 60000) + bytes(22)] * 2000))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000
    del kept


PORT = b"\0\3\0\2\1\xbb"


@pytest.mark.parametrize("qtype", [64, 65])
@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        (b"", ""),
        (PORT, " port=443"),
        (b"\0\0\0\2\0\3" + PORT, " mandatory=port port=443"),
        (b"\0\1\0\3\2h2", " alpn=h2"),
        (b"\0\4\0\4\1\2\3\4", " ipv4hint=1.2.3.4"),
        (b"\0\6\0\x10" + bytes(15) + b"\1", " ipv6hint=::1"),
        (b"\0\0\1\0" + b"\0\3" * 128, " mandatory=" + ",".join(["port"] * 128)),
    ],
)
def test_services(qtype: int, parameters: bytes, text: str) -> None:
    """RFC 9460; also what is longer than the room that ldns begins with."""
    assert answer(b"\0\1\0" + parameters, qtype).rdata == f"1 .{text}"


@pytest.mark.parametrize(
    "parameters",
    [
        *(PORT[:size] for size in range(1, len(PORT))),
        b"\0\0\0\0",  # mandatory
        b"\0\0\0\3abc",
        b"\0\1\0\0",  # alpn
        b"\0\1\0\1\0",
        b"\0\1\0\3\3h2",
        b"\0\2\0\1a",  # no-default-alpn
        b"\0\3\0\1a",  # port
        b"\0\4\0\5abcde",  # ipv4hint
        b"\0\6\0\4abcd",  # ipv6hint
    ],
)
def test_services_with_broken_parameters(parameters: bytes) -> None:
    data = b"\0\1\0" + parameters
    assert answer(data, 65).rdata == f"\\# {len(data)} {data.hex()}"


def test_services_take_little_time() -> None:
    short = answer(bytes([10, 0, 0, 1, 6, 0, 0, 0, 0x40]), d.WKS)
    assert short.rdata.startswith("10.0.0.1 ")
    long = bytes([10, 0, 0, 1, 6]) + b"\xff" * 8192
    assert answer(long, d.WKS).rdata == f"\\# {len(long)} {long.hex()}"


def test_chains_of_pointers_end() -> None:
    start = 12 + len(question()) + 12
    chain = b"".join(struct.pack("!H", 0xC000 | start + 2 * n + 2) for n in range(8000)) + b"\0"
    owners = [record(d.A, bytes(4), owner=struct.pack("!H", 0xC000 | start))] * 1000
    found = decode(message([record(10, chain), *owners]))
    assert found.is_ok()
    assert answers(found)[-1].owner == "."


# Against independent decoders


def independent_name(labels: tuple[bytes, ...]) -> str:
    text = ""
    for label in labels:
        for byte in label:
            char = chr(byte)
            if char in ".;()\\":
                char = "\\" + char
            elif not 0x21 <= byte <= 0x7E:
                char = f"\\{byte:03}"
            text += char
        text += "." if label else ""
    return text or "."


@pytest.mark.parametrize("capture", CAPTURES)
def test_agrees_with_dnspython(data: pathlib.Path, capture: str) -> None:
    dns_message = pytest.importorskip("dns.message")
    rdata = pytest.importorskip("dns.rdata")
    seen = 0
    for payload, wire in zip(payloads(data / capture), wires(data / capture)):
        found = pldns.ldns(payload)
        theirs = dns_message.from_wire(wire, one_rr_per_rrset=True, keyring=False)
        assert (found.ident, found.opcode, found.rcode) == (
            theirs.id,
            int(theirs.opcode()),
            int(theirs.rcode()) & 15,
        )
        for section, expected in zip(SECTIONS, theirs.sections):
            ours = getattr(found, section) or []
            assert len(ours) == len(expected)
            for rr, rrset in zip(ours, expected):
                seen += 1
                assert rr.owner == independent_name(rrset.name.labels)
                assert rr.type == rrset.rdtype
                if section == "query_rr_list":
                    continue
                assert rr.ttl == rrset.ttl
                assert rdata.from_text(rrset.rdclass, rrset.rdtype, rr.rdata) == rrset[0]
    assert seen > 20


TSHARK = shutil.which("tshark")
FIELDS = {d.A: "dns.a", d.AAAA: "dns.aaaa", d.NS: "dns.ns", d.CNAME: "dns.cname"}


def plain(name: str) -> str:
    """A name as tshark has it: nothing escaped, no final dot."""
    bare = re.sub(r"\\(\d{3}|.)", lambda m: m[1] if len(m[1]) == 1 else chr(int(m[1])), name)
    return bare[:-1]


Pairs = list[tuple[str, Any]]


def first(pairs: Pairs, *path: str) -> Any:
    """What lies at the end of a path of keys, which may be there more than once."""
    for step in path:
        pairs = next((value for key, value in pairs if key == step), [])
    return pairs


@pytest.mark.slow
@pytest.mark.skipif(not TSHARK, reason="needs tshark")
@pytest.mark.parametrize("capture", CAPTURES)
def test_agrees_with_tshark(data: pathlib.Path, capture: str) -> None:
    command = [str(TSHARK), "-r", str(data / capture), "-Y", "dns", "-T", "json"]
    # The sanitizers are preloaded, which tshark would not survive.
    bare = {**os.environ, "LD_PRELOAD": ""}
    output = subprocess.run(command, check=True, capture_output=True, env=bare).stdout
    packets: list[Pairs] = json.loads(output, object_pairs_hook=list)
    found = [pldns.ldns(payload) for payload in payloads(data / capture)]
    assert len(packets) == len(found)
    for ours, packet in zip(found, packets):
        theirs = first(packet, "_source", "layers", "dns")
        flags = dict(first(theirs, "dns.flags_tree"))
        assert ours.ident == int(first(theirs, "dns.id"), 16)
        assert ours.is_response == (flags["dns.flags.response"] in ("1", True))
        assert ours.opcode == int(flags["dns.flags.opcode"])
        assert ours.rcode == int(flags.get("dns.flags.rcode", 0))
        for section, key in zip(SECTIONS[1:3], ("Answers", "Authoritative nameservers")):
            records_of = getattr(ours, section) or []
            assert len(records_of) == len(first(theirs, key))
            for rr, (_, pairs) in zip(records_of, first(theirs, key)):
                compare_with_tshark(rr, pairs)


def compare_with_tshark(rr: pldns.ldnsrr, pairs: Pairs) -> None:
    # tshark shows the parts of an SRV record's name instead of it.
    assert plain(rr.owner) == (first(pairs, "dns.resp.name") or plain(rr.owner))
    assert rr.type == int(first(pairs, "dns.resp.type"))
    assert rr.ttl == int(first(pairs, "dns.resp.ttl"))
    if rr.type in FIELDS:
        assert first(pairs, FIELDS[rr.type]) in (rr.rdata, plain(rr.rdata))


def test_addresses_are_those_of_ipaddress() -> None:
    chance = random.Random(6)
    for _ in range(500):
        # Runs of zeros, which are shortened.
        raw = bytes(chance.randrange(256) if chance.random() < 0.4 else 0 for _ in range(16))
        address = ipaddress.IPv6Address(raw)
        text = answer(raw, d.AAAA).rdata
        assert ipaddress.IPv6Address(text) == address
        if "." not in text:
            assert text == str(address)


# Names of numbers


def test_opcodes() -> None:
    names = {0: "QUERY", 1: "IQUERY", 2: "STATUS", 4: "NOTIFY", 5: "UPDATE"}
    for number in (*range(20), -1, 1 << 40):
        assert pldns.opcodestr(number) == names.get(number, f"OPCODE{number}")


def test_rcodes() -> None:
    first = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMPL", "REFUSED"]
    others = ["YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE"]
    assert [pldns.rcodestr(number) for number in range(11)] == first + others
    for number in (11, 15, 16, -1, 1 << 40):
        assert pldns.rcodestr(number) == f"RCODE{number}"


def test_types() -> None:
    names = {1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV"}
    names.update({41: "OPT", 46: "RRSIG", 252: "AXFR", 255: "ANY", 257: "CAA"})
    for number, text in names.items():
        assert pldns.typestr(number) == text
    for number in (0, 65280, 65535, 65536, 65537, -1, 1 << 40):
        assert pldns.typestr(number) == f"TYPE{number}"


@pytest.mark.parametrize("function", [pldns.opcodestr, pldns.rcodestr, pldns.typestr])
def test_names_of_what_is_no_number(function: Callable[[Any], str]) -> None:
    for odd in ("1", None, 1.5, b"1"):
        with pytest.raises(TypeError):
            function(odd)


def test_repr() -> None:
    query = decode(message(flags=0x0100))
    assert repr(query) == "<libtrace.dns.Message query 4660 QUERY: example.test. A 0/0/0>"
    response = decode(message([ADDRESS], flags=0x8183))
    assert repr(response) == "<libtrace.dns.Message response 4660 NXDOMAIN: example.test. A 1/0/0>"
    assert repr(decode(b"x")) == "<libtrace.dns.Message, header section incomplete>"


# Memory


@pytest.mark.slow
@unsanitized
def test_no_growth(data: pathlib.Path) -> None:
    messages = list(payloads(data / "dns_types.pcap"))
    broken = [udp(bytes(load.data[:-7])) for load in messages if len(load.data) > 20]
    nothing: Any = None
    leaking = udp(message([ADDRESS], additional=[EDNS, SIGNATURE] * 3))

    def use() -> None:
        for load in messages:
            for rr in records(pldns.ldns(load)):
                assert rr.owner and rr.str and rr.rdata is not None
        for load in (*broken, leaking):
            pldns.ldns(load)
        with contextlib.suppress(ValueError):
            pldns.ldns(nothing)

    each = len(messages) + len(broken) + 1
    assert_steady(use, 100_000 // each)
