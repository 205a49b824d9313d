# SPDX-License-Identifier: LGPL-3.0-or-later
"""Programs as people wrote them for the old python-libtrace, each in a Python of its own, and what
they must print.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import pathlib
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator

import pytest
from independent import Frame, frames, internet_sum

zoneinfo = pytest.importorskip("zoneinfo")

DATA = pathlib.Path(__file__).parent / "data"
NEW_ZEALAND = "Pacific/Auckland"
TCP, UDP, ICMP, ICMP6, SCTP = 6, 17, 1, 58, 132
SAMPLES = ["sample.pcap", "layers.pcap", "tags.pcap", "tunnels.pcap", "sctp.pcap"]


def run(program: str, *arguments: object) -> list[str]:
    """The lines that a program prints; it must end well and write nothing to stderr."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program), *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "TZ": NEW_ZEALAND},
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def read(name: str) -> list[Frame]:
    return list(frames(DATA / name))


def uri(name: str) -> str:
    return f"pcapfile:{DATA / name}"


# What a trace says of its packets

LIST = """
import plt
import sys

t = plt.trace(sys.argv[1])
t.start()
n = 0
for pkt in t:
    n += 1
    print("%4d %s %r %d %d %d/%d %d 0x%04x %d %d" % (n, pkt.time, pkt.seconds, pkt.ts_sec,
        pkt.erf_time, pkt.wire_len, pkt.capture_len, pkt.vlan_id, pkt.ethertype, pkt.direction,
        pkt.linktype == plt.TRACE_TYPE_ETH))
print("%d packets, %d accepted, %d dropped" % (n, t.pkt_accepts(), t.pkt_drops()))
t.close()
print("the last one: %d bytes, %s" % (pkt.wire_len, pkt.time))
print(datetime.timedelta(0, 90), isinstance(pkt.time, datetime.datetime))
"""


def local_time(frame: Frame) -> datetime.datetime:
    zone = zoneinfo.ZoneInfo(NEW_ZEALAND)
    whole = datetime.datetime.fromtimestamp(frame.sec, zone)
    return whole.replace(microsecond=frame.nanoseconds // 1000, tzinfo=None)


@pytest.mark.parametrize("name", SAMPLES)
def test_list(name: str) -> None:
    expected = []
    for n, frame in enumerate(read(name), 1):
        seconds = frame.sec + frame.nanoseconds // 1000 / 1e6
        erf_time = (frame.sec << 32) + (frame.nanoseconds << 32) // 10**9
        expected.append(
            f"{n:4} {local_time(frame)} {seconds!r} {frame.sec} {erf_time} "
            f"{frame.wire_len + 4}/{len(frame.data)} {frame.vlan_id} 0x{frame.ethertype:04x} -1 1"
        )
    last = f"the last one: {frame.wire_len + 4} bytes, {local_time(frame)}"
    total = f"{n} packets, {n} accepted, {2**64 - 1} dropped"
    assert run(LIST, uri(name)) == [*expected, total, last, "0:01:30 True"]


# IP

ADDRESSES = """
import plt, sys

def show(ip):
    return "%s > %s ttl %d proto %s class %d" % (ip.src_prefix, ip.dst_prefix, ip.ttl, ip.proto,
        ip.traffic_class)

t = plt.trace(sys.argv[1]); t.start()
for pkt in t:
    ip = pkt.ip
    if not ip:
        ip6 = pkt.ip6
        if not ip6:
            print("not IP: %s" % pkt.layer3.ethertype)
            continue
        print("v%d %s len %d next %d" % (ip6.version, show(ip6), ip6.payload_len, ip6.next_hdr))
        continue
    flags = "".join([c for c, bit in (("R", ip.has_rf), ("D", ip.has_df), ("M", ip.has_mf)) if bit])
    print("v%d %s len %d id %04x [%s] off %d hdr %d sum %04x" % (ip.version, show(ip), ip.pkt_len,
        ip.ident, flags, ip.frag_offset, ip.hdr_len, ip.checksum))
"""


def address_line(frame: Frame) -> str:
    ip = frame.ip
    if ip is None:
        return f"not IP: {frame.ethertype}"
    at, data = ip.at, frame.data
    shown = f"{ip.src} > {ip.dst} ttl {ip.ttl} proto {ip.proto} class"
    if ip.version == 6:
        traffic_class = frame.half(at) >> 4 & 0xFF
        return f"v6 {shown} {traffic_class} len {frame.half(at + 4)} next {data[at + 6]}"
    bits = frame.half(at + 6)
    flags = "".join(c for c, bit in zip("RDM", (0x8000, 0x4000, 0x2000)) if bits & bit)
    return (
        f"v4 {shown} {data[at + 1]} len {frame.half(at + 2)} id {frame.half(at + 4):04x} "
        f"[{flags}] off {bits & 0x1FFF} hdr {data[at] & 15} sum {frame.half(at + 10):04x}"
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_addresses(name: str) -> None:
    assert run(ADDRESSES, uri(name)) == [address_line(frame) for frame in read(name)]


# TCP

SEGMENTS = """
import plt
import sys

t = plt.trace(sys.argv[1])
t.start()
for pkt in t:
    tcp = pkt.tcp
    if not tcp:
        continue
    s = ""
    for flag, letter in ((tcp.urg_flag, "U"), (tcp.ack_flag, "A"), (tcp.psh_flag, "P"),
            (tcp.rst_flag, "R"), (tcp.syn_flag, "S"), (tcp.fin_flag, "F")):
        s += letter if flag else "-"
    nbrs = tcp.option_numbers
    opts = "none" if nbrs is False else ",".join([str(n) for n in nbrs])
    mss = tcp.option(2)
    if mss:
        mss = mss[0] * 256 + mss[1]
    pl = tcp.payload
    print("%d > %d %s %d %d win %d urg %d doff %d opts %s mss %s sack %s len %d, %d on the wire" % (
        tcp.src_port, tcp.dst_port, s, tcp.seq_nbr, tcp.ack_nbr, tcp.window, tcp.urg_ptr,
        tcp.doff, opts, mss, tcp.option(4), len(pl.data) if pl else 0, tcp.wire_len))
"""


def options(area: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at < len(area) and area[at]:
        if area[at] == 1:
            at += 1
            continue
        found.append((area[at], area[at + 2 : at + area[at + 1]]))
        at += area[at + 1]
    return found


def segment_line(frame: Frame, at: int) -> str:
    data, bits, doff = frame.data, frame.data[at + 13], frame.data[at + 12] >> 4
    flags = "".join(c if bits & 0x20 >> i else "-" for i, c in enumerate("UAPRSF"))
    found = options(data[at + 20 : at + 4 * doff])
    mss = [int.from_bytes(value, "big") for number, value in found if number == 2]
    opts = ",".join(str(number) for number, _ in found) if doff > 5 else "none"
    return (
        f"{frame.half(at)} > {frame.half(at + 2)} {flags} {frame.word(at + 4)} "
        f"{frame.word(at + 8)} win {frame.half(at + 14)} urg {frame.half(at + 18)} doff {doff} "
        f"opts {opts} mss {mss[0] if mss else False} sack {4 in dict(found)} "
        f"len {len(data) - at - 4 * doff}, {frame.wire_len + 4} on the wire"
    )


@pytest.mark.parametrize("name", ["sample.pcap", "layers.pcap"])
def test_segments(name: str) -> None:
    located = [(frame, frame.transport(TCP)) for frame in read(name)]
    expected = [segment_line(frame, at) for frame, at in located if at is not None]
    assert len(expected) > 50
    assert run(SEGMENTS, uri(name)) == expected


# ICMP

MESSAGES = """
import plt
from sys import argv

def quoted(p):
    line = "about %s > %s proto %d" % (p.src_prefix, p.dst_prefix, p.proto)
    if p.udp:
        line += " ports %d %d" % (p.udp.src_port, p.udp.dst_port)
    return line

t = plt.trace(argv[1])
t.start()
for pkt in t:
    icmp = pkt.icmp
    v = 4
    if not icmp:
        icmp = pkt.icmp6
        v = 6
    if not icmp:
        continue
    line = "%.3f icmp%d %s > %s type %d code %d sum %04x" % (icmp.seconds, v, icmp.src_prefix,
        icmp.dst_prefix, icmp.type, icmp.code, icmp.checksum)
    if v == 4 and icmp.type in (0, 8) or v == 6 and icmp.type in (128, 129):
        line += " echo %d %d, %d bytes" % (icmp.echo.ident, icmp.echo.sequence, len(icmp.payload))
    elif v == 4 and icmp.type in (3, 11) or v == 6 and icmp.type in (1, 3):
        line += " " + quoted(icmp.payload)
    elif v == 4 and icmp.type == 5:
        line += " gateway %s %s" % (icmp.redirect.gateway, quoted(icmp.payload))
    elif v == 6 and icmp.type == 2:
        line += " mtu %d " % icmp.toobig.mtu + quoted(icmp.payload)
    elif v == 6 and icmp.type in (135, 136):
        line += " target %s" % icmp.neighbour.target_prefix
    print(line)
"""


def inner(frame: Frame, at: int, version: int) -> str:
    """What a message quotes, which the same functions can read as if it were a frame's."""
    quoted = Frame(
        0, 0, 0, bytes(12) + (b"\x08\0" if version == 4 else b"\x86\xdd") + frame.data[at:]
    )
    ip = quoted.ip
    assert ip is not None
    line = f"about {ip.src} > {ip.dst} proto {ip.proto}"
    if ip.proto == UDP and ip.transport is not None:
        line += f" ports {quoted.half(ip.transport)} {quoted.half(ip.transport + 2)}"
    return line


def message_line(frame: Frame, at: int) -> str:
    ip = frame.ip
    assert ip is not None
    kind, seconds = frame.data[at], frame.sec + frame.nanoseconds // 1000 / 1e6
    line = f"{seconds:.3f} icmp{ip.version} {ip.src} > {ip.dst} type {kind} "
    line += f"code {frame.data[at + 1]} sum {frame.half(at + 2):04x}"
    key = (ip.version, kind)
    if key in ((4, 0), (4, 8), (6, 128), (6, 129)):
        rest = len(frame.data) - at - 8
        line += f" echo {frame.half(at + 4)} {frame.half(at + 6)}, {rest} bytes"
    elif key in ((4, 3), (4, 11), (6, 1), (6, 3)):
        line += " " + inner(frame, at + 8, ip.version)
    elif key == (4, 5):
        gateway = ipaddress.ip_address(frame.data[at + 4 : at + 8])
        line += f" gateway {gateway} " + inner(frame, at + 8, 4)
    elif key == (6, 2):
        line += f" mtu {frame.word(at + 4)} " + inner(frame, at + 8, 6)
    elif key in ((6, 135), (6, 136)):
        line += f" target {ipaddress.ip_address(frame.data[at + 8 : at + 24])}"
    return line


@pytest.mark.parametrize("name", ["sample.pcap", "layers.pcap", "tags.pcap"])
def test_messages(name: str) -> None:
    located = [(frame, frame.transport(ICMP, ICMP6)) for frame in read(name)]
    # Old programs saw one VLAN tag, no second one.
    expected = [message_line(frame, at) for frame, at in located if at is not None]
    assert len(expected) > 30
    assert run(MESSAGES, uri(name)) == expected


# SCTP

CHUNKS = """
import plt, sys
t = plt.trace(sys.argv[1])
t.start()
for pkt in t:
    sctp = pkt.sctp
    if not sctp:
        continue
    print("%d > %d tag %08x sum %08x" % (sctp.src_port, sctp.dst_port, sctp.verification_tag,
        sctp.checksum))
    for chunk in sctp.chunks:
        print("  type %d flags %d length %d %s: %d" % (chunk.type, chunk.flags, chunk.length,
            chunk.is_ok, sum(chunk.bytes)))
"""


def chunk_lines(frame: Frame, at: int) -> Iterator[str]:
    data = frame.data
    yield (
        f"{frame.half(at)} > {frame.half(at + 2)} tag {frame.word(at + 4):08x} "
        f"sum {frame.word(at + 8):08x}"
    )
    at += 12
    while at < len(data):
        length = frame.half(at + 2)
        body = data[at + 4 : at + length]
        whole = len(body) == length - 4
        yield f"  type {data[at]} flags {data[at + 1]} length {length} {whole}: {sum(body)}"
        at += (length + 3) // 4 * 4


def test_chunks() -> None:
    expected: list[str] = []
    for frame in read("sctp.pcap"):
        at = frame.transport(SCTP)
        assert at is not None
        expected += chunk_lines(frame, at)
    assert run(CHUNKS, uri("sctp.pcap")) == expected


# Checksums

CHECKSUMS = """
import plt
import sys

t = plt.trace(sys.argv[1])
t.start()
for pkt in t:
    ip = pkt.ip or pkt.ip6
    if not ip or not pkt.udp:
        continue
    was = pkt.udp.checksum
    ok = ip.test_trans_cksm()
    pkt.udp.checksum = 0x1234
    bad = ip.test_trans_cksm()
    done = ip.set_trans_cksm()
    print("%04x %s %s %s %04x %s" % (was, ok, bad, done, pkt.udp.checksum, ip.test_l3_cksm()))
    if pkt.ip:
        ip.ttl = 1
        print("  %s %s %s" % (ip.test_l3_cksm(), ip.checksum_ok(), ip.set_checksum()))
        print("  %s %s %04x" % (ip.test_l3_cksm(), ip.checksum_ok(), ip.checksum))
        l3 = pkt.layer3
        ip.checksum = 0
        try:
            print("  %s %04x %d" % (l3.set_checksums(), pkt.ip.checksum, len(l3.data)))
        except ValueError:
            print("  not all captured")
"""


def checksum_lines(frame: Frame, at: int) -> Iterator[str]:
    ip = frame.ip
    assert ip is not None
    data = frame.data
    whole = len(data) >= frame.wire_len
    was = frame.half(at + 6)
    end = ip.at + (40 + frame.half(ip.at + 4) if ip.version == 6 else frame.half(ip.at + 2))
    computable = whole and end <= len(data)
    addresses = data[ip.at + 8 : ip.at + 40] if ip.version == 6 else data[ip.at + 12 : ip.at + 20]
    pseudo = addresses + (end - at).to_bytes(4, "big") + bytes([0, 0, 0, UDP])
    right = internet_sum(pseudo + data[at : at + 6] + bytes(2) + data[at + 8 : end])
    shown = (was == right, right == 0x1234, True) if computable else (None, None, None)
    l3 = True if ip.version == 4 else None
    yield f"{was:04x} {shown[0]} {shown[1]} {shown[2]} {right if computable else 0x1234:04x} {l3}"
    if ip.version == 4:
        header = bytearray(data[ip.at : ip.at + 4 * (data[ip.at] & 15)])
        header[8] = 1
        header[10:12] = b"\0\0"
        yield f"  {ip.ttl == 1} {ip.ttl == 1} None"
        yield f"  True True {internet_sum(bytes(header)):04x}"
        set_too = f"  True {internet_sum(bytes(header)):04x} {len(data) - frame.layer3}"
        yield set_too if computable else "  not all captured"


@pytest.mark.parametrize("name", ["sample.pcap", "layers.pcap", "dns.pcap"])
def test_checksums(name: str) -> None:
    expected: list[str] = []
    for frame in read(name):
        at = frame.transport(UDP)
        if at is not None:
            expected += checksum_lines(frame, at)
    assert run(CHECKSUMS, uri(name)) == expected


# Filters, and two ways to read

FILTERS = """
import plt, sys

dns, tcp, bad = plt.filter("udp port 53"), plt.filter("tcp"), plt.filter("no such filter")
t = plt.trace(sys.argv[1])
t.conf_filter(dns)
t.start()
pkt = plt.packet()
for n in range(5):
    print(t.read_packet(pkt), pkt.udp.src_port, pkt.udp.dst_port, pkt.apply_filter(dns),
        pkt.apply_filter(tcp), pkt.apply_filter(bad))
t.conf_filter(plt.filter('tcp'))
count = 0
for pkt in t:
    count += 1
    if count == 7:
        break
print("%d, %d in all, port %d" % (count, t.pkt_accepts(), pkt.tcp.dst_port))
for pkt in t:
    count += 1
print("%d, %d in all" % (count, t.pkt_accepts()))
print(t.read_packet(pkt), list(t), pkt.tcp is not None)
t.conf_snaplen(20)
t.close()
t.close()

t = plt.trace(sys.argv[1])
t.conf_snaplen(34)
t.conf_filter(bad)
t.start()
try:
    for pkt in t:
        print("never")
except Exception as e:
    print("an error")
t.close()

t = plt.trace(sys.argv[1]); t.conf_snaplen(30); t.start(); t.start()
print(sorted(set([p.capture_len for p in t])))
for wrong in ("pcapfile:/no/such/file", "nonsense:x"):
    t = plt.trace(wrong)
    try:
        t.start()
    except:
        print("cannot start")
for wrong in (5, None):
    try:
        plt.trace(wrong)
    except ValueError:
        print("ValueError")
"""


def test_filters() -> None:
    found = read("sample.pcap")
    udp = [(frame, frame.transport(UDP)) for frame in found]
    ports = [(frame.half(at), frame.half(at + 2)) if at else (0, 0) for frame, at in udp]
    dns = [n for n, pair in enumerate(ports) if 53 in pair]
    # A capture filter sees no TCP behind a VLAN tag, and none in later fragments.
    tcp = [
        n
        for n, frame in enumerate(found)
        if frame.vlan_id == 0 and frame.ip is not None and frame.ip.proto == TCP
    ]
    dns = [n for n in dns if found[n].vlan_id == 0]
    later = [n for n in tcp if n > dns[4]]
    seventh = found[later[6]]
    at = seventh.transport(TCP)
    assert at is not None
    expected = [f"True {ports[n][0]} {ports[n][1]} True False None" for n in dns[:5]]
    expected += [
        f"7, 12 in all, port {seventh.half(at + 2)}",
        f"{len(later)}, {len(later) + 5} in all",
        "False [] True",
        "an error",
        "[30]",
        "cannot start",
        "cannot start",
        "ValueError",
        "ValueError",
    ]
    assert run(FILTERS, uri("sample.pcap")) == expected


# Flows

FLOWS = """
import natkit
import sys

t = plt.trace(sys.argv[1])
t.start()
home = natkit.FlowHome(ipp.from_s("192.0.2.8/29"), ipp.IPprefix(6,
    bytearray([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10]), 128))
flows = {}
for pkt in t:
    f = natkit.IPflow(pkt)
    if not f:
        continue
    if f.rev_key in flows:
        flows[f.rev_key][1] += 1
    else:
        flows.setdefault(f.fwd_key, [0, 0, str(f.src_prefix), str(f.dst_prefix), 0])[0] += 1
    hf = home.flow(pkt)
    flows.get(f.rev_key, flows.get(f.fwd_key))[4] += hf.is_inward
for key in sorted(flows):
    out, back, a, b, inward = flows[key]
    print(" ".join(["%02x" % c for c in bytearray(key)]))
    print("  %d:%d %s > %s: %d, %d, %d inward" % (natkit.ba_get_short(bytearray(key), 2),
        natkit.ba_get_short(bytearray(key), 4), a, b, out, back, inward))
"""


def test_flows() -> None:
    found: dict[bytes, list[int]] = {}
    for frame in read("sample.pcap"):
        ip = frame.ip
        if ip is None:
            continue
        ports = bytes(4)
        if ip.transport is not None and ip.proto in (TCP, UDP):
            ports = frame.data[ip.transport : ip.transport + 4]
        src, dst = (ipaddress.ip_address(text).packed for text in (ip.src, ip.dst))
        proto = 0 if ip.transport is None else ip.proto
        head = bytes([ip.version, proto])
        forward = head + ports + src + dst
        reverse = head + ports[2:] + ports[:2] + dst + src
        ends = [ipaddress.ip_address(text) for text in (ip.src, ip.dst)]
        nets = [ipaddress.ip_network(text) for text in ("192.0.2.8/29", "2001:db8::10/128")]
        inward = sum(any(end in net for net in nets) for end in ends) == 1
        if reverse in found:
            found[reverse][1] += 1
        else:
            found.setdefault(forward, [0, 0, 0])[0] += 1
        found[reverse if reverse in found else forward][2] += inward
    expected = []
    for key in sorted(found):
        size = (len(key) - 6) // 2
        one, other = (ipaddress.ip_address(key[at : at + size]) for at in (6, 6 + size))
        first, second = (int.from_bytes(key[at : at + 2], "big") for at in (2, 4))
        counts = "{}, {}, {} inward".format(*found[key])
        expected.append(key.hex(" "))
        expected.append(f"  {first}:{second} {one} > {other}: {counts}")
    assert run(FLOWS, uri("sample.pcap")) == expected


# Objects from objects and bytes, and writing

COPY = """
import plt, sys

t = plt.trace(sys.argv[1])
o = plt.output_trace("pcapfile:" + sys.argv[2])
t.start()
o.start_output()
same = 0
for pkt in t:
    ip = plt.ip(pkt.layer3.data) if pkt.ip else plt.ip6(pkt.layer3.data) if pkt.ip6 else None
    if ip:
        wrapped = pkt.ip or pkt.ip6
        assert ip.data == wrapped.data and ip.kind == "copy" and wrapped.kind == "packet"
        for make, layer in ((plt.tcp, pkt.tcp), (plt.udp, pkt.udp), (plt.icmp, pkt.icmp),
                (plt.icmp6, pkt.icmp6)):
            made = make(wrapped)
            if layer:
                assert made.data == layer.data == make(layer.data).data
                same += 1
            else:
                assert made is None
        try:
            ip.time
        except ValueError:
            same += 1
        d = ip.data
        d[0] = 0xff
        assert ip.data != d
        pkt.ip and setattr(pkt.ip, "ttl", 99)
    o.write_packet(pkt)
o.close_output()
t.close()
print("%d the same" % same)
"""


def test_copy(tmp_path: pathlib.Path) -> None:
    for name in ("sample.pcap", "tags.pcap"):
        content = bytearray((DATA / name).read_bytes())
        at, same = 24, 0
        for frame in read(name):
            at += 16
            if frame.ip is not None:
                same += 1 + (frame.transport(TCP, UDP, ICMP, ICMP6) is not None)
                if frame.ip.version == 4:
                    content[at + frame.layer3 + 8] = 99
            at += len(frame.data)
        out = tmp_path / name
        assert run(COPY, uri(name), out) == [f"{same} the same"]
        assert out.read_bytes()[24:] == content[24:]


# Counting, in the loose style of a first script

COUNT = """
from plt import *
from collections import defaultdict
import sys
t = trace(sys.argv[1]); t.start()
ports, bytes_, hosts = defaultdict(int), 0, {}
for p in t:
    u = p.udp or p.tcp
    if u is not None:
        ports[min(u.src_port, u.dst_port)] += 1
        h = str(u.src_prefix)
        hosts[h] = hosts.get(h, 0) + p.wire_len
        pay = p.tcp_payload or p.udp_payload
        if pay:
            bytes_ += pay.size
for port, n in sorted(ports.items(), key=lambda x: (-x[1], x[0])): print("%5d %d" % (port, n))
for v in 4, 6:
    these = [h for h in hosts if ipp.from_s(h).version == v]
    for h in sorted(these, key=ipp.from_s): print("%s %d" % (h, hosts[h]))
print(bytes_)
"""


def test_count() -> None:
    ports: Counter[int] = Counter()
    hosts: Counter[str] = Counter()
    size = 0
    found = [f for f in read("sample.pcap") if f.transport(TCP, UDP) is not None]
    for frame in found:
        at = frame.transport(TCP, UDP)
        ip = frame.ip
        assert at is not None
        assert ip is not None
        ports[min(frame.half(at), frame.half(at + 2))] += 1
        hosts[ip.src] += frame.wire_len + 4
        size += len(frame.data) - at - (8 if ip.proto == UDP else 4 * (frame.data[at + 12] >> 4))
    by_count = sorted(ports.items(), key=lambda item: (-item[1], item[0]))
    four = sorted(ipaddress.IPv4Address(host) for host in hosts if ":" not in host)
    six = sorted(ipaddress.IPv6Address(host) for host in hosts if ":" in host)
    expected = [f"{port:5} {count}" for port, count in by_count]
    expected += [f"{host} {hosts[str(host)]}" for host in (*four, *six)]
    assert run(COUNT, uri("sample.pcap")) == [*expected, str(size)]


# Names

NAMES = """
import plt
print(plt.version(), ipp.version(), datetime.date(2001, 2, 3))
for name in ("NO_COMPRESSION", "ZLIB_COMPRESSION", "BZIP2_COMPRESSION", "LZO_COMPRESSION",
        "TRACE_DIR_OUTGOING", "TRACE_DIR_INCOMING", "TRACE_DIR_OTHER", "TRACE_TYPE_ETH",
        "TRACE_TYPE_ATM", "TRACE_TYPE_80211", "TRACE_TYPE_LINUX_SLL", "TRACE_TYPE_PFLOG",
        "TRACE_TYPE_DUCK", "TRACE_TYPE_80211_RADIO", "TRACE_TYPE_LLCSNAP", "TRACE_TYPE_PPP",
        "TRACE_TYPE_METADATA", "TRACE_TYPE_NONDATA", "O_APPEND"):
    value = getattr(plt, name)
    print("%s %d %s" % (name, value, type(value).__name__))
for name in ("trace filter packet output_trace Data Layer2 Layer3 Transport Internet ip ip6 tcp "
        "udp icmp icmp6 sctp echo redirect echo6 toobig6 param6 neighbour6 chunk").split():
    assert isinstance(getattr(plt, name), type), name
pkt = plt.packet()
print(isinstance(pkt, plt.Data), isinstance(pkt, plt.packet), pkt.kind, pkt.type, len(pkt.data))
print(pkt.tcp, pkt.ip, pkt.ethertype, pkt.linktype, pkt.vlan_id)
for name in ("time", "wire_len", "transport"):
    try:
        getattr(pkt, name)
    except ValueError:
        print("nothing there")
"""


def test_names() -> None:
    values = [0, 1, 2, 3, 0, 1, 2, 2, 3, 4, 6, 7, 14, 15, 16, 17, 18, 19, os.O_APPEND]
    lines = run(NAMES)
    assert lines[0] == "1.7 1.9 2001-02-03"
    assert [line.split()[1:] for line in lines[1:20]] == [[str(value), "int"] for value in values]
    assert lines[20:] == [
        "True True packet Packet 0",
        "None None 0 0 0",
        *["nothing there"] * 3,
    ]


def test_own_names_stay() -> None:
    """A program's own datetime is not replaced, and nothing is printed by imports."""
    program = """
    from datetime import datetime
    ipp = "mine"
    import plt, natkit
    print(datetime(2001, 2, 3), ipp)
    """
    assert run(program) == ["2001-02-03 00:00:00 mine"]
    for module in ("plt", "ipp", "natkit"):
        assert run(f"import {module}") == []
