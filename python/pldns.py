# SPDX-License-Identifier: LGPL-3.0-or-later
"""The doorway for programs of the old python-libtrace that decode DNS."""

from libtrace.dns import Message as ldns
from libtrace.dns import Record as ldnsrr
from libtrace.dns import opcodestr, rcodestr, typestr

__all__ = ["ldns", "ldnsrr", "opcodestr", "rcodestr", "typestr"]
