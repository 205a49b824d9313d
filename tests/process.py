# SPDX-License-Identifier: LGPL-3.0-or-later
"""Programs that tests run in a Python of their own, because they end it or wait in it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import IO

_DEADLINE = 60


def start(
    program: str, *arguments: str, stdin: IO[bytes] | int = subprocess.DEVNULL
) -> subprocess.Popen[str]:
    """Start a Python program, its output in pipes."""
    command = [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(program), *arguments]
    return subprocess.Popen(
        command,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a program that must end well and silently on stderr; what it printed."""
    try:
        output, errors = process.communicate(timeout=_DEADLINE)
    finally:
        process.kill()
    assert (process.returncode, errors) == (0, ""), f"{process.returncode}: {output}{errors}"
    return output


def run(program: str, *arguments: str, stdin: IO[bytes] | int = subprocess.DEVNULL) -> str:
    """Run a Python program, which must end well and silently on stderr; what it printed."""
    return finish(start(program, *arguments, stdin=stdin))
