# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a type checker sees of the package."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import textwrap

import libtrace
import pytest

PACKAGE = pathlib.Path(libtrace.__file__).parent

PROGRAM = """
    import datetime
    import ipaddress
    from pathlib import Path
    from typing import Optional, Union

    import libtrace
    import plt
    from typing_extensions import assert_type

    Address = Optional[Union[ipaddress.IPv4Address, ipaddress.IPv6Address]]

    with libtrace.open(Path("x"), filter="udp", snaplen=64, promisc=True, timeout=0.5) as trace:
        assert_type(trace, libtrace.Trace)
        for packet in trace:
            assert_type(packet, libtrace.Packet)
            assert_type(packet.wire_len, int)
            assert_type(packet.seconds, float)
            assert_type(packet.time, datetime.datetime)
            assert_type(packet.datetime, datetime.datetime)
            assert_type(packet.is_truncated, bool)
            assert_type(packet.is_meta, bool)
            assert_type(packet.data, bytearray)
            assert_type(packet.src, Address)
            assert_type(packet.src_text, Optional[str])
            assert_type(packet.src_port, Optional[int])
            assert_type(packet.tcp, Optional[libtrace.TCP])
            assert_type(packet.layer3, libtrace.Layer3)
            assert_type(packet.layers, list[libtrace.Layer])
            assert_type(packet.apply_filter(libtrace.Filter("tcp")), Optional[bool])
            assert_type(bytes(packet), bytes)
            assert_type(memoryview(packet)[0], int)
            if packet.ip is not None:
                packet.ip.ttl = 5
                assert_type(packet.ip.src_prefix.version, int)
        assert_type(next(trace), libtrace.Packet)
        assert_type(trace.read_packet(libtrace.Packet()), bool)
        assert_type(trace.packet_drops, Optional[int])
        assert_type(trace.pkt_drops(), int)
        assert_type(trace.statistics(), dict[str, Optional[int]])
    assert_type(libtrace.features(), dict[str, Union[int, bool]])
    assert_type(libtrace.__version__, str)
    assert_type(plt.trace("pcapfile:x"), libtrace.Trace)

    try:
        libtrace.Filter("port")
    except libtrace.LibtraceError as error:
        assert_type(error.code, int)
        assert_type(error.uri, Optional[str])
"""

WRONG = {
    "libtrace.open(5)": "arg-type",
    "libtrace.open('x', 'udp')": "call-arg",
    "libtrace.Filter(None)": "arg-type",
    "libtrace.Packet().nonsense": "attr-defined",
    "libtrace.Packet().wire_len = 5": "misc",
    "libtrace.Packet().data = 'text'": "assignment",
    "libtrace.Packet().src_port + 1": "operator",
    "libtrace.Trace('x').read_packet(None)": "arg-type",
}


def check(tmp_path: pathlib.Path, program: str) -> list[str]:
    """What mypy finds wrong with a program."""
    pytest.importorskip("mypy", reason="mypy is not installed")
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(program))
    # mypy finds an installed package by itself, and refuses to be told where it is.
    where = {} if PACKAGE.parent.name.endswith("-packages") else {"MYPYPATH": str(PACKAGE.parent)}
    options = ["--strict", "--no-error-summary", f"--cache-dir={tmp_path / 'cache'}"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, "--config-file=", script.name],
        cwd=tmp_path,
        env={**os.environ, **where},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_package_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()
    assert (PACKAGE / "core.pyi").exists()


@pytest.mark.slow
def test_types(tmp_path: pathlib.Path) -> None:
    wrong = "\n".join(WRONG)
    program = f"{textwrap.dedent(PROGRAM)}\n{wrong}\n"
    first = program.count("\n") - len(WRONG) + 1
    found = [line for line in check(tmp_path, program) if ": error: " in line]
    lines = [int(line.split(":")[1]) for line in found]
    codes = [line.rpartition("[")[2].rstrip("]") for line in found]
    assert (lines, codes) == ([*range(first, first + len(WRONG))], [*WRONG.values()]), found
