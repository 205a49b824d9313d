# SPDX-License-Identifier: LGPL-3.0-or-later
"""Run a command under valgrind: its faults fail, and so do the leaks that pass through our code.

CPython, and with it what numpy or pyarrow load, never frees much of what it made at the start.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

_FAULT = 99
"""How a program ends that had a fault, as also one that a test starts by forking."""

_OURS = ("/libtrace/_core.", "/libtrace/_dns_core.")

_OPTIONS = (
    "-q",
    f"--error-exitcode={_FAULT}",
    "--leak-check=full",
    "--show-leak-kinds=definite",
    "--errors-for-leak-kinds=none",
    "--num-callers=40",
    "--xml=yes",
    "--child-silent-after-fork=yes",
)


def _is_ours(error: Element) -> bool:
    objects = [frame.findtext("obj", "") for frame in error.iter("frame")]
    return any(name in path for path in objects for name in _OURS)


def _is_leak(error: Element) -> bool:
    return error.findtext("kind", "").startswith("Leak_")


def _lines(error: Element) -> Iterator[str]:
    for part in error:
        if part.tag in ("what", "auxwhat"):
            yield part.text or ""
        elif part.tag == "xwhat":
            yield part.findtext("text", "")
        elif part.tag == "stack":
            for frame in part:
                place = frame.findtext("file") or frame.findtext("obj", "?")
                line = frame.findtext("line", "")
                yield f"    {frame.findtext('fn', '?')} ({place}{':' if line else ''}{line})"


def main(command: list[str]) -> int:
    """Run ``valgrind OPTION... PROGRAM ARGUMENT...``; its exit status, or 99 when we leak."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "memcheck.xml"
        valgrind, *rest = command
        status = subprocess.call(
            [valgrind, *_OPTIONS, f"--xml-file={log}", *rest],
            env={**os.environ, "PYTHONMALLOC": "malloc", "MEMCHECK": "1"},
        )
        errors = ElementTree.parse(log).getroot().findall("error")
    leaks = [error for error in errors if _is_leak(error)]
    shown = [error for error in errors if not _is_leak(error) or _is_ours(error)]
    for error in shown:
        print(*_lines(error), sep="\n", end="\n\n")
    print(f"memcheck: {len(shown)} errors; {len(leaks)} leaks, those of others included")
    return status or (_FAULT if shown else 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
