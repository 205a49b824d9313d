# SPDX-License-Identifier: LGPL-3.0-or-later
"""What this build is and can do."""

from __future__ import annotations

from importlib.util import find_spec

from libtrace import core

__all__ = ["__version__", "features"]

__version__: str = core.version()

_FEATURES = ("libtrace", "pcapng", "zstd", "statistics", "meta", "nanoseconds")


def features() -> dict[str, int | bool]:
    """Return what this build, and the libtrace that it uses, can do.

    Returns
    -------
    dict of str to (int or bool)
        ``libtrace``: its major version, 3 or 4; ``pcapng``: whether it reads pcapng;
        ``zstd``: whether it reads zstd and lz4; ``statistics``: whether it counts captured,
        missing and erroneous packets (trace_get_statistics); ``meta``: whether it reads a file's
        metadata (`Trace.conf_meta`); ``nanoseconds``: whether pcap files are written with the
        nanoseconds of pcap and pcapng files; ``dns``: whether it decodes DNS (`libtrace.dns`).

    Examples
    --------
    >>> import libtrace
    >>> libtrace.features()["libtrace"] >= 3
    True
    """
    major, *others = (core.feature(index) for index in range(len(_FEATURES)))
    can = {name: bool(on) for name, on in zip(_FEATURES[1:], others)}
    return {"libtrace": major, **can, "dns": find_spec("libtrace._dns_core") is not None}
