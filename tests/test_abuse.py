# SPDX-License-Identifier: LGPL-3.0-or-later
"""What nobody should do, and files that nobody should write: no crash, no wrong value."""

from __future__ import annotations

from collections.abc import Callable

import gen
import gen_files as f
import libtrace
import pytest
from reading import only, read

MakeTrace = Callable[..., str]
FRAME = gen.KINDS["tcp4"][1]


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
