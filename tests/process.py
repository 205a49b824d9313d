# SPDX-License-Identifier: LGPL-3.0-or-later
"""Programs that tests run in a Python of their own, because they end it or wait in it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import IO

_DEADLINE = 60
_HERE = str(Path(__file__).parent)


def start(
    program: str, *arguments: str, stdin: IO[bytes] | int = subprocess.DEVNULL
) -> subprocess.Popen[str]:
    """Start a Python program, its output in pipes; it may import what is in this folder."""
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), _HERE]))
    command = [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(program), *arguments]
    return subprocess.Popen(
        command,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
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
