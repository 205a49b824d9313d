# SPDX-License-Identifier: LGPL-3.0-or-later
"""What old programs relied on in passing: exceptions of wrong calls, answers of DNS as text. Each
program runs in a Python of its own, and must print the same in every version.
"""

from __future__ import annotations

import pathlib
import struct

import gen
import gen_dns as d
import gen_files as f
import gen_packets as p
import libtrace
import pytest
from script import run_script

NEW_ZEALAND = {"TZ": "Pacific/Auckland"}

# Wrong calls, and odd ones

CALLS = """
import plt, natkit, sys

def kinds(e):
    names = []
    for kind in (AttributeError, IndexError, StopIteration, TypeError, ValueError,
            plt.libtrace_exc):
        if isinstance(e, kind):
            names.append(kind.__name__)
    return "+".join(names)

def put(thing, name, value):
    setattr(thing, name, value)

t = plt.trace(sys.argv[1])
t.start()
pkt = next(t)
ip, tcp, copy = pkt.ip, pkt.tcp, plt.ip(pkt.layer3.data)
q = ipp.from_s("1.2.3.4/24")
six = ipp.from_s("2001:db8::1")
empty = plt.packet()
out = plt.output_trace("pcapfile:/nowhere/x.pcap")
out.start_output()
new = plt.trace(sys.argv[1])
flow = natkit.IPflow(pkt)
home = natkit.FlowHome(ipp.rfc1918s8)
for line in sys.stdin.read().splitlines():
    try:
        print("%s -> %r" % (line, eval(line)))
    except:
        e = sys.exc_info()[1]
        print("%s -> %s" % (line, kinds(e)))
"""
TRACES = {
    "plt.trace()": "TypeError+ValueError",
    "plt.trace('a', 'b')": "TypeError+ValueError",
    "plt.trace(5)": "TypeError+ValueError",
    "plt.trace(b'x')": "TypeError+ValueError",
    "plt.trace('pcapfile:a' + chr(0))": "ValueError",
    "next(new)": "LibtraceError",
    "new.pause()": "LibtraceError",
    "new.conf_filter()": "TypeError+ValueError",
    "new.conf_snaplen('5')": "TypeError",
    "new.conf_snaplen(-1)": "ValueError",
    "new.conf_promisc(1)": "ValueError",
    "new.conf_promisc(True)": "LibtraceError",
    "new.conf_timeout('x')": "TypeError",
    "put(new, 'foo', 1)": "AttributeError",
    "new.start(), new.start()": "(None, None)",
    "new.pkt_accepts(), new.pkt_drops()": "(0, 18446744073709551615)",
    "new.read_packet(5)": "ValueError",
    "new.pause(), new.start(), new.close(), new.close()": "(None, None, None, None)",
    "new.start()": "LibtraceError",
    "next(t)": "StopIteration",
    "t.read_packet(pkt), iter(t) is t, t.pkt_accepts()": "(False, True, 1)",
    "plt.filter()": "TypeError",
    "plt.filter(5)": "TypeError",
    "pkt.apply_filter(plt.filter('tcp')), pkt.apply_filter(plt.filter('x y'))": "(True, None)",
    "ip.apply_filter(plt.filter('tcp'))": "ValueError",
    "plt.output_trace('x')": "ValueError",
    "plt.output_trace(None)": "TypeError+ValueError",
    "out.conf_compress_type(10)": "ValueError",
    "out.conf_compress_level(-7), out.conf_file_flags(plt.O_APPEND)": "(None, None)",
    "out.write_packet(ip)": "ValueError",
    "out.write_packet(empty)": "ValueError",
    "out.write_packet(pkt)": "LibtraceError",
    "out.close_output(), out.close_output()": "(None, None)",
}
OBJECTS = {
    "pkt.ip is pkt.ip, pkt.ip == pkt.ip, bool(pkt.layer3)": "(False, False, True)",
    "len(pkt)": "TypeError",
    "put(pkt, 'foo', 1)": "AttributeError",
    "put(pkt, 'time', 1)": "TypeError",
    "put(tcp, 'src_port', 1)": "TypeError",
    "delattr(tcp, 'src_port')": "TypeError",
    "put(ip, 'data', b'x')": "ValueError",
    "put(ip, 'data', bytearray(9999))": "ValueError",
    "put(ip, 'ttl', 0)": "ValueError",
    "put(ip, 'ttl', '1')": "TypeError",
    "put(ip, 'checksum', 65536)": "ValueError",
    "put(ip, 'src_prefix', six)": "ValueError",
    "put(copy, 'checksum', 1)": "ValueError",
    "copy.time": "ValueError",
    "copy.kind, copy.tcp.kind, copy.linktype, copy.proto": "('copy', 'copy', 0, 6)",
    "tcp.payload.kind, tcp.payload.type, tcp.payload.proto": "('copy', 'payload', 6)",
    "tcp.payload.wire_len": "ValueError",
    "pkt.proto, pkt.layer3.proto, pkt.transport.proto, pkt.tcp_payload.proto": "(0, 0, 6, 0)",
    "pkt.layer2.payload": "AttributeError",
    "tcp.option(0)": "ValueError",
    "tcp.option('2')": "TypeError",
    "tcp.options_data, tcp.option_numbers, tcp.option(4)": "(bytearray(b''), False, False)",
    "plt.tcp(pkt), plt.udp(ip), plt.ip6(ip)": "(None, None, None)",
    "plt.tcp(b'x')": "ValueError",
    "plt.tcp()": "ValueError",
    "plt.tcp(bytearray(60)).src_prefix": "ValueError",
    "plt.tcp(bytearray(3)).seq_nbr": "ValueError+LibtraceError",
    "plt.Layer3()": "TypeError",
    "plt.echo(ip)": "TypeError",
    "empty.time": "ValueError",
    "empty.data, empty.ip, empty.ethertype, empty.kind": "(bytearray(b''), None, 0, 'packet')",
    "pkt.set_checksums()": "ValueError",
    "copy.test_trans_cksm()": "ValueError",
    "str(pkt.time), repr(pkt.seconds)": "('2008-03-29 11:22:20.180375', '1206742940.180375')",
    "pkt.erf_time, pkt.direction": "(5182921462753594966, -1)",
    "pkt.icmp, pkt.icmp6, pkt.udp, pkt.sctp, pkt.ip6": "(None, None, None, None, None)",
}
NUMBERS = {
    "ipp.IPprefix()": "AttributeError",
    "ipp.IPprefix(4)": "ValueError",
    "ipp.IPprefix('4', bytearray(4))": "TypeError",
    "ipp.IPprefix(4, b'1234')": "ValueError",
    "ipp.IPprefix(4, bytearray(5))": "AttributeError",
    "ipp.IPprefix(4, bytearray(4), 0)": "AttributeError",
    "str(ipp.IPprefix(6, bytearray([32, 1])))": "'2001::'",
    "six.length": "AttributeError",
    "q == six": "AttributeError",
    "q == None": "ValueError",
    "q.is_prefix(5)": "ValueError",
    "six.first_bit_different(six)": "AttributeError",
    "q.has_bit_set('1')": "TypeError",
    "hash(q), str(q.complement), q.width": "(1706822707, '254.253.252.251/24', 23)",
    "ipp.from_s('1.2.3.4/33')": "ValueError",
    "ipp.from_s(5)": "TypeError",
    "natkit.IPflow(5)": "ValueError",
    "natkit.IPflow(copy)": "ValueError",
    "natkit.IPflow(empty)": "ValueError",
    "put(flow, 'proto', 1)": "TypeError",
    "flow.home_key, flow.is_inward, home.flow(pkt).is_inward": "(None, None, False)",
    "natkit.FlowHome(six)": "ValueError",
    "natkit.FlowHome('10.0.0.0/8')": "ValueError",
    "home.owner": "'dummy'",
    "natkit.ba_get_short(bytearray(3), 2), natkit.ba_get_long(bytearray(4), 0)": "(None, 0)",
    "natkit.ba_get_short(bytearray(3), -1)": "IndexError",
    "natkit.ba_get_long(5, 0)": "TypeError",
    "natkit.seq_add(2**32 - 1, 2), natkit.seq_sub(1, 2)": "(1, 4294967295)",
    "natkit.seq_gt(0, 2**31), natkit.seq_lt(0, 2**31)": "(False, True)",
    "natkit.seq_ge('1', 1)": "TypeError",
}
MESSAGES = """
import ipp

def attempt(p, name, value):
    try:
        setattr(p, name, value)
    except Exception as e:
        print("%s: %s" % (type(e).__name__, e))

four, six = ipp.from_s("1.2.3.4"), ipp.from_s("::1")
attempt(four, "length", 0)
attempt(six, "length", 129)
attempt(four, "length", 33)
attempt(four, "length", "4")
attempt(four, "version", 4)
attempt(four, "foo", 4)
"""


@pytest.mark.parametrize("calls", [TRACES, OBJECTS, NUMBERS], ids=["traces", "objects", "numbers"])
def test_calls(tmp_path: pathlib.Path, calls: dict[str, str]) -> None:
    frame = gen.KINDS["tcp4"][1]
    record = f.pcap_record(frame, sec=1206742940, frac=180375)
    path = f.write(tmp_path / "x.pcap", [f.pcap_header(), record])
    printed = run_script(
        CALLS, f"pcapfile:{path}", stdin="\n".join(calls).encode(), environment=NEW_ZEALAND
    )
    assert printed.splitlines() == [f"{call} -> {result}" for call, result in calls.items()]


def test_messages() -> None:
    assert run_script(MESSAGES).splitlines() == [
        "ValueError: length must be > 0",
        "ValueError: IPv6 length must be <= 128",
        "ValueError: IPv4 length must be <= 32",
        "TypeError: length must be an integer",
        "AttributeError: version and addr are READONLY",
        "AttributeError: version and addr are READONLY",
    ]


# Answers

ANSWERS = """
import plt, pldns, sys

t = plt.trace(sys.argv[1])
t.start()
for pkt in t:
    l4 = pkt.udp or pkt.tcp
    pay = l4.payload
    if not pay:
        continue
    msg = pldns.ldns(pay)
    if not msg.is_ok():
        print("bad: %d %s" % (msg.status, msg.errorstr(msg.status)))
        try:
            msg.ident
        except:
            print("  nothing more")
        continue
    print("%d %s %s %s" % (msg.ident, msg.is_response, pldns.opcodestr(msg.opcode),
        pldns.rcodestr(msg.rcode)))
    for rr in msg.query_rr_list:
        print("  ? %s %s [%s]" % (rr.owner, pldns.typestr(rr.type), rr.rdata))
    for rr in msg.response_rr_list or []:
        print("  %s" % rr.str)
    print("  auth %s addit %s" % ([rr.str for rr in msg.auth_rr_list],
        ["%s %d %s" % (rr.owner, rr.ttl, rr.rdata) for rr in msg.addit_rr_list]))
"""


@pytest.mark.skipif(not libtrace.features()["dns"], reason="python-libtrace was built without DNS")
def test_answers(tmp_path: pathlib.Path) -> None:
    other = d.name("Mail Box", "test")
    answers = [
        d.record(d.A, bytes([192, 0, 2, 1])),
        d.record(d.AAAA, p.ip("2001:db8::1")),
        d.record(d.CNAME, other),
        d.record(d.MX, struct.pack("!H", 10) + other),
        d.record(d.TXT, b'\x05a "b"'),
    ]
    soa = d.record(d.SOA, d.EXAMPLE + d.EXAMPLE + struct.pack("!5I", 1, 2, 3, 4, 5))
    extra = [d.record(d.OPT, b"", owner=b"\0"), d.record(d.A, bytes([192, 0, 2, 2]))]
    message = d.message(answers, authority=[soa], additional=extra)
    question = d.message()
    payloads = [p.udp(1, 53, message), p.udp(1, 53, question), p.udp(1, 53, message[:-1])]
    frames = [p.eth(p.ipv4(p.UDP, payload)) for payload in payloads]
    frames.append(p.eth(p.ipv4(p.TCP, p.tcp(1, 53, d.prefixed(message)))))
    path = f.write_pcap(tmp_path / "x.pcap", f.records(*frames))
    printed = run_script(ANSWERS, f"pcapfile:{path}").splitlines()
    ident, flags = struct.unpack_from("!HH", message)
    head = f"{ident} {bool(flags >> 15)} QUERY NOERROR"
    asked = "  ? example.test. A []"
    full = [
        head,
        asked,
        "  example.test.\t300\tIN\tA\t192.0.2.1",
        "  example.test.\t300\tIN\tAAAA\t2001:db8::1",
        "  example.test.\t300\tIN\tCNAME\tMail\\032Box.test.",
        "  example.test.\t300\tIN\tMX\t10 Mail\\032Box.test.",
        '  example.test.\t300\tIN\tTXT\t"a \\"b\\""',
        "  auth ['example.test.\\t300\\tIN\\tSOA\\texample.test. example.test. 1 2 3 4 5'] "
        "addit ['example.test. 300 192.0.2.2']",
    ]
    cut = ["bad: 50 additional section incomplete", "  nothing more"]
    assert printed == [*full, head, asked, "  auth [] addit []", *cut, *full]
