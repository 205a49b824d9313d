# SPDX-License-Identifier: LGPL-3.0-or-later
"""Any prefix and any frame: prefixes agree with `ipaddress`, flows with an independent parser."""

from __future__ import annotations

import functools
import ipaddress
import pathlib
import pickle
import tempfile

import gen_files as f
import pytest
from ipp import IPprefix, from_s
from natkit import FlowHome, IPflow
from reading import packets
from test_natkit import expected_key

hypothesis = pytest.importorskip("hypothesis")
from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from test_properties import by_linktype, frames  # noqa: E402

pytestmark = pytest.mark.slow

BITS = {4: 32, 6: 128}
versions = st.sampled_from([4, 6])


@st.composite
def prefixes(draw: st.DrawFn, version: int | None = None, near: bytes | None = None) -> IPprefix:
    """A prefix, perhaps like another address but for a few bits."""
    version = version or draw(versions)
    bits = BITS[version]
    number = int.from_bytes(near or b"", "big")
    if near is None or draw(st.booleans()):
        number = draw(st.integers(0, (1 << bits) - 1))
    elif draw(st.booleans()):
        number ^= 1 << draw(st.integers(0, bits - 1))
    raw = bytearray(number.to_bytes(bits // 8, "big"))
    return IPprefix(version, raw, draw(st.sampled_from([-1, *range(1, bits + 1)])))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[IPprefix, IPprefix]:
    """Two prefixes of one version."""
    one = draw(prefixes())
    return one, draw(prefixes(one.version, bytes(one.addr)))


def length(prefix: IPprefix) -> int | None:
    return getattr(prefix, "length", None)


def network(prefix: IPprefix) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(str(prefix), strict=False)


def order(a: IPprefix, b: IPprefix) -> int:
    if a.addr != b.addr or length(a) is None or length(b) is None:
        return (a.addr > b.addr) - (a.addr < b.addr)
    return b.length - a.length


@given(prefixes())
def test_text_and_back(prefix: IPprefix) -> None:
    text = str(prefix)
    again = from_s(text)
    assert (again.version, again.addr, length(again)) == (
        prefix.version,
        prefix.addr,
        length(prefix),
    )
    host, _, bits = text.partition("/")
    assert ipaddress.ip_address(host) == prefix.address
    assert bits == str(length(prefix) or "")
    assert hash(again) == hash(prefix)
    assert again == prefix
    assert str(pickle.loads(pickle.dumps(prefix))) == text


@given(st.one_of(st.text(), st.from_regex(r"[0-9a-fA-F:./]{1,24}", fullmatch=True)))
def test_from_s_like_ipaddress(text: str) -> None:
    host, slash, bits = text.partition("/")
    try:
        address = ipaddress.ip_address(host)
        good = "%" not in host and (not slash or (bits.isascii() and bits.isdigit()))
        good = good and (not slash or int(bits) <= address.max_prefixlen)
    except ValueError:
        good = False
    try:
        prefix = from_s(text)
    except ValueError:
        assert not good
    else:
        assert good
        assert prefix.address == address
        assert length(prefix) == (int(bits) if slash else None)


@given(pairs())
def test_order(pair: tuple[IPprefix, IPprefix]) -> None:
    a, b = pair
    expected = order(a, b)
    assert (a < b, a <= b, a == b, a != b, a >= b, a > b) == (
        expected < 0,
        expected <= 0,
        expected == 0,
        expected != 0,
        expected >= 0,
        expected > 0,
    )
    assert a.equal(b) is (a.addr == b.addr)
    if not expected and length(a) == length(b):
        assert hash(a) == hash(b)


@given(st.lists(prefixes(4)))
def test_sorting(drawn: list[IPprefix]) -> None:
    with_lengths = [prefix for prefix in drawn if length(prefix)]
    expected = sorted(with_lengths, key=functools.cmp_to_key(order))
    assert list(map(str, sorted(with_lengths))) == list(map(str, expected))


@given(pairs())
def test_bits(pair: tuple[IPprefix, IPprefix]) -> None:
    a, b = pair
    bits = BITS[a.version]
    numbers = [int.from_bytes(prefix.addr, "big") for prefix in pair]
    assert int.from_bytes(a.complement.addr, "big") == numbers[0] ^ (1 << bits) - 1
    assert length(a.complement) == length(a)
    assert [a.has_bit_set(n) for n in range(bits)] == [
        bool(numbers[0] >> (bits - 1 - n) & 1) for n in range(bits)
    ]
    if length(a) is None:
        return
    same = bits - (numbers[0] ^ numbers[1]).bit_length()
    inside = length(b) is None or b.length >= a.length
    assert a.is_prefix(b) is (inside and same >= a.length)
    if inside:
        assert a.is_prefix(b) is (b.address in network(a))
    if length(b) is not None:
        assert a.first_bit_different(b) == min(same, a.length, b.length)


PRIVATE = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]


@given(st.sampled_from(PRIVATE).flatmap(lambda net: prefixes(4, net.network_address.packed)))
def test_is_rfc1918(prefix: IPprefix) -> None:
    inside = any(network(prefix).subnet_of(private) for private in PRIVATE)  # type: ignore[arg-type]
    assert prefix.is_rfc1918 is inside


@given(st.lists(frames(), min_size=1, max_size=30))
def test_flows(drawn: list[tuple[int, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for linktype, group in by_linktype(drawn).items():
            path = f.write_pcap(pathlib.Path(folder) / "x", f.records(*group), linktype=linktype)
            for frame, packet in zip(group, packets(path)):
                flow = IPflow(packet)
                assert (flow and flow.fwd_key) == expected_key(linktype, frame), frame.hex()


@given(st.data())
def test_homes(data: st.DataObject) -> None:
    linktype, frame = data.draw(frames())
    with tempfile.TemporaryDirectory() as folder:
        path = f.write_pcap(pathlib.Path(folder) / "x", f.records(frame), linktype=linktype)
        (packet,) = packets(path)
    plain = IPflow(packet)
    if plain is None:
        return
    near = [bytes(plain.src_prefix.addr), bytes(plain.dst_prefix.addr)]
    anything = st.sampled_from(near).flatmap(lambda raw: prefixes(plain.version, raw))
    home = [prefix for prefix in data.draw(st.lists(anything)) if length(prefix)]
    flow = FlowHome(*home).flow(packet)
    assert flow is not None
    inside = [any(end in network(net) for net in home) for end in (flow.src, flow.dst)]
    assert [flow.src_in_home, flow.dst_in_home] == inside
    assert flow.is_inward is (inside[0] != inside[1])
    assert flow.home_key == (flow.fwd_key if inside[1] else flow.rev_key)
