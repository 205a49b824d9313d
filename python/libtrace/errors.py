# SPDX-License-Identifier: LGPL-3.0-or-later
"""The exceptions of libtrace: each is also the standard type that a script would catch."""

from __future__ import annotations

import errno
import io

__all__ = [
    "FilterError",
    "LibtraceError",
    "TraceStateError",
    "TraceTimeout",
    "TruncatedError",
]


class LibtraceError(Exception):
    """A failure of libtrace, of the system below it, or of the trace file.

    Attributes
    ----------
    code : int
        libtrace's error number (``TRACE_ERR_*``, negative), or an `errno` (positive), or 0.
    uri : str or None
        The trace concerned.
    """

    def __init__(self, message: str = "", code: int = 0, uri: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.uri = uri

    def __str__(self) -> str:
        return str(self.args[0])


class FilterError(LibtraceError, ValueError):
    """An expression that libpcap cannot compile."""


class TruncatedError(LibtraceError, ValueError):
    """A field that the capture cuts off: the packet has it, the trace does not."""


class TraceTimeout(LibtraceError, TimeoutError):
    """No packet came within the time of :meth:`Trace.conf_timeout`. Reading can go on."""


class TraceStateError(LibtraceError, RuntimeError):
    """The trace is not started, or closed."""


class TraceNotFoundError(LibtraceError, FileNotFoundError):
    """There is no such file."""


class TracePermissionError(LibtraceError, PermissionError):
    """The file or the interface may not be read."""


class TraceIsADirectoryError(LibtraceError, IsADirectoryError):
    """A directory is no trace."""


class TraceUnsupportedError(LibtraceError, io.UnsupportedOperation):
    """The format of the trace has no such thing."""


# In the order of the shim's lts_error_kind.
_KINDS: tuple[type[Exception], ...] = (
    LibtraceError,
    LibtraceError,
    FilterError,
    TruncatedError,
    TraceTimeout,
    TraceStateError,
    ValueError,
    AttributeError,
    IndexError,
    TraceUnsupportedError,
)

_SYSTEM: dict[int, type[LibtraceError]] = {
    errno.ENOENT: TraceNotFoundError,
    errno.EACCES: TracePermissionError,
    errno.EPERM: TracePermissionError,
    errno.EISDIR: TraceIsADirectoryError,
}


def make_exception(kind: int, code: int, message: str, uri: str) -> Exception:
    """Make the exception for a failure of the shim; called by the C part.

    Parameters
    ----------
    kind : int
        The shim's ``lts_error_kind``.
    code : int
        libtrace's error number, or an errno.
    message : str
        What failed, on what, what to do.
    uri : str
        The trace concerned, or ``""``.
    """
    cls = _KINDS[kind]
    if not issubclass(cls, LibtraceError):
        return cls(message)
    if cls is LibtraceError:
        cls = _SYSTEM.get(code, cls)
    error = cls(message, code, uri or None)
    if isinstance(error, OSError):
        error.errno = code
    return error
