# SPDX-License-Identifier: LGPL-3.0-or-later
"""The doorway for programs of the old python-libtrace: IP addresses and prefixes.

>>> import ipp
>>> str(ipp.from_s("2001:DB8::/32"))
'2001:db8::/32'
"""

from libtrace.core import IPprefix

from_s = IPprefix.from_s


def version() -> str:
    """Return the version of the old module whose behaviour this is."""
    return "1.9"


rfc1918s16 = from_s("192.168.0.0/16")
rfc1918s12 = from_s("172.16.0.0/12")
rfc1918s8 = from_s("10.0.0.0/8")

__all__ = ["IPprefix", "from_s", "rfc1918s8", "rfc1918s12", "rfc1918s16", "version"]
