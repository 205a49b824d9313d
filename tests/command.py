# SPDX-License-Identifier: LGPL-3.0-or-later
"""The command `libtrace` in a process of its own."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

COMMAND = [sys.executable, "-m", "libtrace"]
LONG = "2001:db8:1111:2222:3333:4444:5555:6666", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"
"""Addresses that a terminal has hardly room for."""


@contextlib.contextmanager
def running(*arguments: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A command that never stays."""
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def only_line(err: str) -> str:
    """What the command says that is wrong."""
    assert err.startswith("libtrace: ")
    assert err.endswith("\n")
    assert len(err.splitlines()) == 1
    return err[len("libtrace: ") : -1]
