# SPDX-License-Identifier: LGPL-3.0-or-later
"""A MemoryError for every allocation that fails, never a crash, a wrong value or a leak."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import libtrace
import pytest
from making import kind
from network import missing
from script import SANITIZED

PROGRAMS = pathlib.Path(__file__).with_name("without_memory.py")
SHIM = """read open_by_content keep refill layers made frozen filters write write_compressed
    prefixes flows"""
OBJECTS = "read refill layers fields prefixes flows made frozen"


def run(library: str, *names: str) -> dict[str, int]:
    """How many allocations of the library each program makes."""
    preload = os.environ.get("FAILING_MALLOC", "")
    if SANITIZED or not pathlib.Path(preload).is_file():
        pytest.skip("needs make check, and a build without a sanitizer, which has its own malloc()")
    environment = {**os.environ, "LD_PRELOAD": preload, "PYTHONMALLOC": "malloc"}
    command = [sys.executable, str(PROGRAMS), library, *names]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.returncode}: {done.stdout}{done.stderr[-3000:]}"
    counts = [line.split() for line in done.stdout.splitlines()]
    return {name: int(count) for name, count in counts}


def test_memory_of_the_shim() -> None:
    counts = run("_core", *SHIM.split())
    assert counts["keep"] > 70
    assert all(counts[name] for name in SHIM.split())


@pytest.mark.skipif(not libtrace.features()["pcapng"], reason="needs libtrace 4")
def test_memory_of_pcapng() -> None:
    assert run("_core", "pcapng")["pcapng"] > 5


def test_memory_of_objects() -> None:
    counts = run("python", *OBJECTS.split())
    assert all(counts[name] > 9 for name in OBJECTS.split())


@pytest.mark.skipif(not libtrace.features()["dns"], reason="python-libtrace was built without DNS")
def test_memory_of_dns() -> None:
    assert run("_core", "dns")["dns"] > 5
    assert run("python", "dns")["dns"] > 20


def test_memory_of_an_interface() -> None:
    if missing():
        pytest.skip(missing())
    assert run("_core", "live")["live"] > 1


def test_layers_whose_objects_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """As by a signal that comes while they are made."""
    packet, made = kind("gre"), []

    def fail_once(*arguments: object) -> object:
        made.append(arguments)
        if len(made) == 2:
            raise KeyboardInterrupt
        return tuple.__new__(*arguments[:1], arguments[1:])  # type: ignore[type-var]

    monkeypatch.setattr(libtrace.Layer, "__new__", fail_once)
    with pytest.raises(KeyboardInterrupt):
        packet.layers  # noqa: B018
    assert len(made) == 2
    assert len(packet.layers) > 3
