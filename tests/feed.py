# SPDX-License-Identifier: LGPL-3.0-or-later
"""What writes a trace into a pipe, also in the programs that tests start."""

from __future__ import annotations

import fcntl
import os
import struct
import termios
import threading
import time
from collections.abc import Iterable
from pathlib import Path

PIECES = 10
_PATIENCE = 0.5


def write_pieces(pipe: int, pieces: Iterable[bytes]) -> None:
    """Write each piece when the one before was read, so that none comes together with another."""
    for piece in pieces:
        os.write(pipe, piece)
        end = time.monotonic() + _PATIENCE
        while _unread(pipe) and time.monotonic() < end:
            time.sleep(0.001)


def pieces_of(data: bytes, size: int) -> list[bytes]:
    return [data[begin : begin + size] for begin in range(0, len(data), size)]


def _unread(pipe: int) -> int:
    (count,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))
    return int(count)


def feed(fifo: str, source: str) -> threading.Thread:
    """Start to write a file into a pipe that stays open.

    In pieces: before its first packet libwandio wants more than one, to find a compression.
    """
    pipe = os.open(fifo, os.O_RDWR)
    data = Path(source).read_bytes()
    pieces = pieces_of(data, len(data) // PIECES + 1)
    thread = threading.Thread(target=write_pieces, args=(pipe, pieces))
    thread.start()
    return thread
