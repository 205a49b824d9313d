# SPDX-License-Identifier: LGPL-3.0-or-later
"""What writes a trace into a pipe, also in the programs that tests start."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

PIECES = 10


def feed(fifo: str, source: str) -> threading.Thread:
    """Start to write a file into a pipe that stays open.

    In pieces: before its first packet libwandio wants more than one, to find a compression.
    """
    pipe = os.open(fifo, os.O_RDWR)
    data = Path(source).read_bytes()
    size = len(data) // PIECES + 1

    def write() -> None:
        for begin in range(0, len(data), size):
            os.write(pipe, data[begin : begin + size])
            time.sleep(0.02)

    thread = threading.Thread(target=write)
    thread.start()
    return thread
