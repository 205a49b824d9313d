# SPDX-License-Identifier: LGPL-3.0-or-later
"""The doorway for programs of the old python-libtrace: its names for libtrace's objects.

Importing it puts the modules ``datetime`` and ``ipp`` into ``__main__`` where those names are
free, as the old module did.
"""

import datetime
import sys

import ipp
import libtrace
from libtrace.core import Packet as packet
from libtrace.enums import HISTORIC
from libtrace.errors import LibtraceError as libtrace_exc
from libtrace.errors import LibtraceError as plt_exc_libtrace
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
    "filter",
    "libtrace_exc",
    "packet",
    "plt_exc_libtrace",
    "trace",
    "version",
    *HISTORIC,
]
