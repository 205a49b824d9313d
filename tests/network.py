# SPDX-License-Identifier: LGPL-3.0-or-later
"""A network of its own for a test: two interfaces joined by a cable, cut off from all others."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import gen_packets as p
import pytest

CLONE_NEWNET = 0x40000000
UDP_SEGMENT = 103
_LIBC = ctypes.CDLL(None, use_errno=True)

BURST = 20
"""Packets that every capture buffer holds."""


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


class Network:
    """What is sent on `near` comes out of `far`. Nothing else is sent there."""

    near, far, loopback = "near", "far", "lo"

    def __init__(self) -> None:
        _ip("link", "add", self.near, "type", "veth", "peer", "name", self.far)
        for name in (self.near, self.far):
            _ip("link", "set", name, "addrgenmode", "none", "mtu", "1500", "up")
        _ip("link", "set", self.loopback, "mtu", "65536", "up")
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self._socket.bind((self.near, 0))

    def send(self, *frames: bytes) -> None:
        for frame in frames:
            self._socket.send(frame)

    def send_segments(self, payload: bytes, port: int = 9) -> None:
        """Sends datagrams of 1400 bytes that the kernel hands to the interface in one piece."""
        _ip("address", "replace", f"{p.SRC4}/24", "dev", self.near)
        _ip("neighbour", "replace", "192.0.2.2", "lladdr", p.MAC_B, "dev", self.near)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1400)
            udp.sendto(payload, ("192.0.2.2", port))

    def send_loopback(self, payload: bytes, port: int = 9) -> None:
        """Sends one datagram to this host itself."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(payload, ("127.0.0.1", port))

    def set(self, *options: str, interface: str = far) -> None:
        """Changes an interface, as ``ip link set`` does."""
        _ip("link", "set", interface, *options)
        if "up" in options:
            self._wait_for_carrier()

    def _wait_for_carrier(self) -> None:
        """The kernel drops what is sent before it has noticed that the other end is up."""
        show = ["ip", "-o", "link", "show", self.near]
        for _ in range(100):
            if " state UP " in subprocess.run(show, capture_output=True, text=True).stdout:
                return
            time.sleep(0.05)

    def close(self) -> None:
        self._socket.close()


def missing() -> str:
    """What keeps this process from making a network, or nothing."""
    if os.geteuid() != 0:
        return "needs root, as live capture does"
    if not shutil.which("ip"):
        return "needs the command ip (package iproute2)"
    return ""


def _enter(file: int) -> None:
    if _LIBC.setns(file, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def own_network() -> Iterator[Network]:
    """This thread, and those that it starts, in a network that goes away with the last of them."""
    if missing():
        pytest.skip(missing())
    old = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        if _LIBC.unshare(CLONE_NEWNET):
            pytest.skip("may not make a network namespace here")
        try:
            with contextlib.closing(Network()) as network:
                yield network
        finally:
            _enter(old)
    finally:
        os.close(old)


def udp_frame(payload: bytes, port: int = 9) -> bytes:
    """An Ethernet frame that holds a datagram."""
    return p.eth(p.ipv4(p.UDP, p.udp(1000, port, payload)))
