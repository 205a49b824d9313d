# SPDX-License-Identifier: LGPL-3.0-or-later
"""Whether something leaves memory behind."""

from __future__ import annotations

import gc
import os
import pathlib
import resource
import sys
from collections.abc import Callable

import pytest
from script import SANITIZED

CHECKED = SANITIZED or "MEMCHECK" in os.environ
"""What is in memory tells nothing: it is kept when it is freed."""

unsanitized = pytest.mark.skipif(SANITIZED, reason="the sanitizer keeps freed memory")


def resident() -> int:
    """Bytes of this process that are in memory."""
    pages = pathlib.Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def growth(use: Callable[[], object], times: int) -> tuple[int, int]:
    """By how many blocks of Python's and bytes of memory it grows."""
    gc.collect()
    blocks, size = sys.getallocatedblocks(), resident()
    for _ in range(times):
        use()
    gc.collect()
    return sys.getallocatedblocks() - blocks, resident() - size


def assert_steady(use: Callable[[], object], times: int) -> None:
    """Using it over and over must leave no block of Python's behind, and nothing below Python.

    What leaks does so each time; what other threads do meanwhile passes.
    """
    for _ in range(times // 10 + 10):
        use()
    for _ in range(3):
        blocks, size = growth(use, times)
        if blocks < times // 10 and (CHECKED or size < max(times * 8, 1 << 20)):
            return
    raise AssertionError(f"{times} times left {blocks} blocks and {size} bytes")
