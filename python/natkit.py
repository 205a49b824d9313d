# SPDX-License-Identifier: LGPL-3.0-or-later
"""The doorway for programs of the old python-libtrace: flows, and sequence numbers.

Importing it puts the modules ``ipp`` and ``plt`` into ``__main__`` where those names are free, as
the old module did.
"""

import sys

import ipp
import plt
from libtrace.core import (
    FlowHome,
    IPflow,
    ba_get_long,
    ba_get_short,
    seq_add,
    seq_ge,
    seq_gt,
    seq_lt,
    seq_sub,
)

for _name, _module in (("ipp", ipp), ("plt", plt)):
    vars(sys.modules["__main__"]).setdefault(_name, _module)

__all__ = [
    "FlowHome",
    "IPflow",
    "ba_get_long",
    "ba_get_short",
    "seq_add",
    "seq_ge",
    "seq_gt",
    "seq_lt",
    "seq_sub",
]
