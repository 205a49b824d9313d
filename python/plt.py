# SPDX-License-Identifier: LGPL-3.0-or-later
"""The doorway for programs of the old python-libtrace: its names for libtrace's objects.

Importing it puts the modules ``datetime`` and ``ipp`` into ``__main__`` where those names are
free, as the old module did.
"""

import datetime
import sys

import ipp
import libtrace
from libtrace.core import ICMP as icmp
from libtrace.core import ICMP6 as icmp6
from libtrace.core import IP as ip
from libtrace.core import IP6 as ip6
from libtrace.core import SCTP as sctp
from libtrace.core import TCP as tcp
from libtrace.core import UDP as udp
from libtrace.core import Chunk as chunk
from libtrace.core import Echo as echo
from libtrace.core import Echo6 as echo6
from libtrace.core import Internet, Layer2, Layer3, Transport
from libtrace.core import Neighbour6 as neighbour6
from libtrace.core import Packet as packet
from libtrace.core import Param6 as param6
from libtrace.core import Redirect as redirect
from libtrace.core import TooBig6 as toobig6
from libtrace.enums import HISTORIC
from libtrace.errors import LibtraceError as libtrace_exc
from libtrace.errors import LibtraceError as plt_exc_libtrace
from libtrace.output import OutputTrace as output_trace
from libtrace.trace import Trace as trace

globals().update(HISTORIC)

Data = packet


class filter(libtrace.Filter):
    """A `libtrace.Filter` that is compiled only when it is first used."""

    __slots__ = ()
    _check = False


def version() -> str:
    """Return the version of the old module whose behaviour this is."""
    return "1.7"


for _name, _module in (("datetime", datetime), ("ipp", ipp)):
    vars(sys.modules["__main__"]).setdefault(_name, _module)

__all__ = [
    "Data",
    "Internet",
    "Layer2",
    "Layer3",
    "Transport",
    "chunk",
    "echo",
    "echo6",
    "icmp",
    "icmp6",
    "ip",
    "ip6",
    "neighbour6",
    "param6",
    "redirect",
    "sctp",
    "tcp",
    "toobig6",
    "udp",
    "filter",
    "libtrace_exc",
    "output_trace",
    "packet",
    "plt_exc_libtrace",
    "trace",
    "version",
    *HISTORIC,
]
