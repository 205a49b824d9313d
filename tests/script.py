# SPDX-License-Identifier: LGPL-3.0-or-later
"""Scripts in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping

SANITIZED = "SANITIZED_PYTHON" in os.environ


def run_script(
    code: str, *arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None
) -> str:
    """What the script prints; it has to end well and to write no error."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", textwrap.dedent(code), *arguments],
        input=stdin,
        capture_output=True,
        env={**os.environ, **(environment or {})},
        timeout=120,
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")
    return done.stdout.decode()
