# SPDX-License-Identifier: LGPL-3.0-or-later
"""What nobody should do, and files that nobody should write: no crash, no wrong value."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import gen
import gen_files as f
import libtrace
import pytest
from libtrace import core
from making import kind
from process import run
from reading import only, read
from script import SANITIZED

MakeTrace = Callable[..., str]
FRAME = gen.KINDS["tcp4"][1]
# Those whose objects point to something of their own.
ROOTS = [core.Packet, core.Trace, core.Filter, core.OutputTrace, core.IPprefix, core.IPflow]
ROOTS += [core.FlowHome]


@pytest.mark.parametrize("wlen", range(6))
def test_record_shorter_on_the_wire_than_its_fcs(tmp_trace: MakeTrace, wlen: int) -> None:
    packet = only(tmp_trace([f.erf_record(FRAME, wlen=wlen)], "erf"))
    assert packet.wire_len == wlen
    assert f"{wlen} of {max(0, wlen - 4)} bytes" in repr(packet)
    assert packet.apply_filter(libtrace.Filter("less 100"))
    assert not packet.apply_filter(libtrace.Filter("greater 100"))


@pytest.mark.parametrize("scheme", ["erf", "rawerf", "RawERF"])
@pytest.mark.parametrize("flags", [f.ERF_VARYING, f.ERF_RXERROR])
def test_erf_type_0(tmp_trace: MakeTrace, scheme: str, flags: int) -> None:
    """libtrace 3 looks for its link type in the payload, before it has any."""
    plain = f.erf_record(FRAME)
    odd = f.erf_record(FRAME, 0, flags=flags)
    found, error = read(tmp_trace([odd, plain, odd, plain], scheme))
    assert error is None
    assert [packet.linktype for packet in found] == [-1, 2, -1, 2]
    assert bytes(found[3]) == FRAME


# Types


@pytest.mark.parametrize(("first", "second"), [*itertools.permutations(ROOTS, 2)])
def test_class_of_two_types(first: type, second: type) -> None:
    """Its objects would have the pointer of one and the methods of the other."""
    with pytest.raises(TypeError, match="lay-out conflict"):
        type("Both", (first, second), {})


@pytest.mark.parametrize("root", ROOTS)
def test_pointers_are_hidden(root: type) -> None:
    assert not {"this", "thisown"} & {*dir(root)}


@pytest.mark.parametrize("name", [5, None, b"ttl", 1 << 70])
def test_attribute_whose_name_is_no_string(name: object) -> None:
    packet = kind("tcp4")
    for owner in (packet, packet.ip, packet.tcp, packet.ip.src_prefix, core.FlowHome()):
        for change in (owner.__delattr__, lambda key, owner=owner: owner.__setattr__(key, 1)):
            with pytest.raises((TypeError, AttributeError)):
                change(name)


@pytest.mark.parametrize("index", [7, -1, 2**31 - 1, -(2**31)])
def test_statistic_that_there_is_not(tmp_pcap: MakeTrace, index: int) -> None:
    with libtrace.open(tmp_pcap(FRAME)) as trace:
        assert trace.statistic(index) is None


# Interrupted within C

INTERRUPTED = """
import libtrace.layers, sys

made = 0
def interrupted(*arguments):
    global made
    made += 1
    if made == 2:
        raise KeyboardInterrupt
    return arguments

libtrace.layers.Layer = interrupted
packet = next(libtrace.open(sys.argv[1]))
try:
    packet.layers
except KeyboardInterrupt:
    print("interrupted at", made)
print(len(packet.layers))
"""


def test_layers_interrupted(tmp_trace: MakeTrace) -> None:
    """Ctrl-C may come while the list is being made."""
    assert run(INTERRUPTED, tmp_trace(f.pcap(f.records(FRAME)))) == "interrupted at 2\n4\n"


# Without memory

HUNGRY = """
import libtrace, resource, sys

kept = [libtrace.open(sys.argv[1])]
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + (64 << 20),) * 2)
try:
    while True:
        trace = libtrace.open(sys.argv[1])
        kept.append((trace, [(packet, packet.layers) for packet in trace]))
except MemoryError:
    kept.clear()
    print("no memory")
"""


@pytest.mark.skipif(SANITIZED, reason="the sanitizer needs all of the address space")
def test_no_memory_to_open_a_trace(tmp_trace: MakeTrace) -> None:
    """wandio goes on without the buffers that it could not have."""
    frames = [FRAME] * 100
    assert run(HUNGRY, tmp_trace(f.pcap(f.records(*frames)))) == "no memory\n"


# Pickles that nobody made


def frozen_at(nanoseconds: int) -> bytes:
    """What pickle keeps of a packet, with another time."""
    frozen: bytes = kind("tcp4")._freeze()
    return frozen[:4] + nanoseconds.to_bytes(8, "little", signed=True) + frozen[12:]


@pytest.mark.parametrize("time", [-(2**63), -(2**63) + 1, -1, 2**63 - 1])
def test_times_at_the_limits(time: int) -> None:
    packet: Any = core.load(frozen_at(time))
    seconds, nanoseconds = divmod(time, f.NS)
    assert packet.timestamp_ns == max(time, -(2**63) + 2)  # those before stand for no value
    assert packet.ts_sec == seconds
    assert packet.erf_time == ((seconds << 32) + (nanoseconds << 32) // f.NS) % 2**64
    assert packet.seconds == seconds + nanoseconds // 1000 / 1e6
