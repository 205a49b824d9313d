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


def feed_pieces(fifo: str, data: bytes, size: int) -> threading.Thread:
    """Start to write into a named pipe, in pieces of so many bytes."""

    def write() -> None:
        with open(fifo, "wb", buffering=0) as pipe:  # noqa: PTH123
            write_pieces(pipe.fileno(), pieces_of(data, size))

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


def _unread(pipe: int) -> int:
    (count,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))
    return int(count)


def feed(fifo: str, source: str) -> threading.Thread:
    """Start to write a file, in pieces, into a pipe that stays open."""
    pipe = os.open(fifo, os.O_RDWR)
    data = Path(source).read_bytes()
    pieces = pieces_of(data, len(data) // PIECES + 1)
    thread = threading.Thread(target=write_pieces, args=(pipe, pieces))
    thread.start()
    return thread
