# SPDX-License-Identifier: LGPL-3.0-or-later
"""Packets pickled and copied."""

from __future__ import annotations

import copy
import copyreg
import pathlib
import pickle
import random
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import gen
import gen_files as f
import libtrace
import pytest
from making import kind, make, plt
from reading import HEADER_FIELDS, RECORD_FIELDS, fields, packets, touch


def pickler(protocol: int) -> Callable[[libtrace.Packet], Any]:
    return lambda packet: pickle.loads(pickle.dumps(packet, protocol))


COPIERS: dict[str, Callable[[libtrace.Packet], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle {n}": pickler(n) for n in range(pickle.HIGHEST_PROTOCOL + 1)},
}


def assert_same(one: libtrace.Packet, other: libtrace.Packet) -> None:
    assert bytes(one) == bytes(other)
    for name in (*RECORD_FIELDS, "datetime", "data", "vlan_ids", "mpls_labels"):
        assert getattr(one, name) == getattr(other, name), name
    assert fields(one) == fields(other)
    assert [layer[:3] for layer in one.layers] == [layer[:3] for layer in other.layers]
    assert repr(one) == repr(other)


@pytest.mark.parametrize("how", COPIERS)
@pytest.mark.parametrize("name", ["tcp4", "sll", "radiotap", "raw6", "qinq", "arp", "wifi_beacon"])
def test_copy(how: str, name: str) -> None:
    packet = kind(name)
    copied = COPIERS[how](packet)
    assert type(copied) is libtrace.Packet
    assert copied is not packet
    assert copied != packet
    touch(copied)
    assert_same(packet, copied)


@pytest.mark.parametrize("name", gen.KINDS)
def test_every_kind(name: str) -> None:
    packet = kind(name)
    assert_same(packet, pickle.loads(pickle.dumps(packet)))


@pytest.mark.parametrize("how", COPIERS)
def test_copies_are_independent(how: str) -> None:
    packet = kind("tcp4")
    copied = COPIERS[how](packet)
    packet.ip.ttl = 9
    assert copied.ip.ttl == 64
    copied.tcp.checksum = 1
    assert bytes(packet)[50:52] == gen.KINDS["tcp4"][1][50:52]


@pytest.mark.parametrize("how", COPIERS)
def test_changes_are_copied(how: str) -> None:
    packet = kind("tcp4")
    packet.ip.ttl = 9
    with memoryview(packet) as view:
        view[0] = 0xAB
    assert_same(packet, COPIERS[how](packet))


@pytest.mark.parametrize("how", COPIERS)
def test_nothing_read(how: str) -> None:
    copied = COPIERS[how](plt.packet())
    assert copied.data == b""
    with pytest.raises(ValueError, match="nothing was read"):
        copied.wire_len  # noqa: B018


def test_record_is_kept(tmp_path: pathlib.Path) -> None:
    """Exact time, snap length, direction, ERF's own time."""
    frame = gen.KINDS["tcp4"][1]
    cut = make(frame[:30], wirelen=1500)
    copied = pickle.loads(pickle.dumps(cut))
    assert_same(cut, copied)
    assert copied.is_truncated
    record = f.erf_record(frame, ts_ns=1_600_000_000_123_456_789, flags=f.ERF_VARYING | 2)
    (packet,) = packets(f"erf:{f.write(tmp_path / 'x.erf', [record])}")
    copied = copy.copy(packet)
    assert_same(packet, copied)
    assert copied.direction == 2
    (old,) = packets(f"tsh:{f.write(tmp_path / 'x.tsh', [f.tsh_record(gen.KINDS['raw4'][1])])}")
    assert_same(old, copy.copy(old))


def test_filter_of_a_copy() -> None:
    for name in ("tcp4", "sll", "raw4", "radiotap"):
        copied = copy.copy(kind(name))
        assert copied.apply_filter(libtrace.Filter("tcp port 80")) is True
        assert copied.apply_filter(libtrace.Filter("udp")) is False


def test_another_process(tmp_path: pathlib.Path) -> None:
    packet = kind("tcp4")
    path = tmp_path / "packet"
    path.write_bytes(pickle.dumps([packet, packet]))
    script = """
import pickle, sys
with open(sys.argv[1], "rb") as file:
    one, two = pickle.load(file)
assert one is two
print(one, one.tcp.dst_port, one.timestamp_ns)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == f"{packet} 80 {packet.timestamp_ns}\n"


def test_lists_keep_identity() -> None:
    packet = kind("tcp4")
    one, two, other = copy.deepcopy([packet, packet, kind("tcp4")])
    assert one is two
    assert one is not other


@pytest.mark.parametrize("path", ["ip", "tcp", "layer2", "transport"])
def test_layers_are_not_copied(path: str) -> None:
    """A layer is a view of its packet: what to copy is the packet, or the layer's bytes."""
    layer = getattr(kind("tcp4"), path)
    for copier in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises((TypeError, ValueError, pickle.PicklingError)):
            copier(layer)


def frozen(name: str) -> bytes:
    """What a pickled packet consists of."""
    reduce: Any = copyreg.dispatch_table[libtrace.Packet]
    _, arguments = reduce(kind(name))
    return bytes(arguments[0])


def use(data: bytes) -> None:
    try:
        packet = libtrace.core.load(data)
    except ValueError:
        return
    for name in HEADER_FIELDS + RECORD_FIELDS:
        try:
            getattr(packet, name)
        except (ValueError, OverflowError, OSError):
            continue  # also a time that datetime cannot show
    assert bytes(packet) == bytes(memoryview(packet))
    try:
        packet.layers  # noqa: B018
        packet.apply_filter(libtrace.Filter("tcp"))
        repr(packet)
        pickle.loads(pickle.dumps(packet))
    except ValueError:
        return


def test_damaged_pickles() -> None:
    """Whatever the bytes are: a packet or an error, and the packet can be read to the bottom."""
    rng = random.Random(3)
    good = frozen("tcp4")
    for size in range(len(good) + 1):
        use(good[:size])
    for at in range(len(good)):
        for value in (0, 1, 4, 16, 0x7F, 0x80, 0xFF, good[at] ^ 1):
            use(good[:at] + bytes([value]) + good[at + 1 :])
    for _ in range(2000):
        noise = bytearray(rng.randbytes(rng.randrange(100)))
        if noise:
            noise[0] = 1
        use(bytes(noise))
    for wrong in (None, "text", 5, bytearray(good)):
        with pytest.raises(TypeError):
            libtrace.core.load(wrong)  # type: ignore[arg-type]
