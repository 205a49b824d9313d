# SPDX-License-Identifier: LGPL-3.0-or-later
"""The whole public surface by introspection, and values of every kind to call it with."""

from __future__ import annotations

import contextlib
import copy
import functools
import importlib
import operator
import pathlib
import pickle
import types
from collections.abc import Callable
from typing import Any

import libtrace
from everything import WRITERS, attributes, read
from libtrace import core

MODULES = ("libtrace", "plt", "ipp", "natkit", "pldns", "libtrace.dns")


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:  # built without ldns
        return types.SimpleNamespace(__all__=())


def _public() -> list[Any]:
    modules = [_import(name) for name in MODULES]
    found = [getattr(module, name) for module in modules for name in module.__all__]
    return [*found, core.detect, core.load, core.feature, core.version]


# By way of id(): some of them are not hashable.
PUBLIC = list({id(x): x for x in _public() if callable(x)}.values())
CLASSES = tuple(
    x for x in PUBLIC if isinstance(x, type) and not issubclass(x, (BaseException, int, tuple))
)

# What Python does with an object, each with as many operands as it takes.
OPERATIONS: list[Callable[..., Any]] = [
    *(bytes, bool, hash, len, iter, next, repr, str, dir, vars, memoryview, bytearray, list),
    *(int, float, abs, format, reversed, callable, type, operator.index, operator.length_hint),
    *(operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge, operator.is_),
    *(operator.add, operator.contains, operator.getitem, operator.delitem, operator.setitem),
    *(isinstance, issubclass, getattr, hasattr, setattr, delattr, divmod, pow, operator.iadd),
    *(copy.copy, copy.deepcopy, pickle.dumps),
    lambda x: pickle.loads(pickle.dumps(x)),
    lambda x: type(x).__new__(type(x)),
    lambda x: type("Sub", (type(x),), {}),
    lambda x: object.__sizeof__(x),
    lambda x: x.__reduce_ex__(4),
]


@functools.cache
def members(cls: type) -> tuple[str, ...]:
    """All that an object of the class has; of Python's own names those that do something."""
    python = set(dir(object)) - {"__init__"}
    return tuple(sorted({"data", *dir(cls)} - python - {"_abc_impl"}))


def writes(name: str) -> bool:
    """Whether a method of this name changes its object."""
    return name in WRITERS or name in ("__init__", "__setstate__") or name.startswith("set_")


_PLAIN = {int, str, float, bool, bytes, bytearray, type(None)}


def _plain(value: Any) -> Any:
    """What can be compared; of an object of ours only its class."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return type(value).__name__ if isinstance(value, CLASSES) else value


_LIVE = (core.Trace, core.OutputTrace)


def _read(value: object, name: str) -> Any:
    try:
        return read(value, name)
    except AttributeError:  # the length of a prefix without one
        return None


def snapshot(value: object) -> dict[str, Any]:
    """The fields of an object that only its own setters may change."""
    if not isinstance(value, CLASSES) or isinstance(value, _LIVE):
        return {}
    fields = {name: _read(value, name) for name in attributes(type(value))}
    found = {k: _plain(v) for k, v in fields.items() if not callable(v)}
    if isinstance(value, libtrace.Packet):
        with contextlib.suppress(ValueError):  # never initialised
            found["bytes"] = bytes(value)
    return found


# Arguments and failures


class Boom(Exception):
    """Raised by arguments that misbehave."""


# What the documentation names. A MemoryError is for what is asked beyond all bounds.
DOCUMENTED = (
    *(libtrace.LibtraceError, ValueError, TypeError, AttributeError, LookupError, StopIteration),
    *(BufferError, OSError, OverflowError, NotImplementedError, MemoryError, Boom),
    *(pickle.PicklingError, copy.Error),
)


def is_documented(error: BaseException) -> bool:
    again = type(error) is RuntimeError and "initialised already" in str(error)
    return again or isinstance(error, DOCUMENTED)


class Evil:
    """An argument that does something else when it is asked what it is."""

    def __init__(self, strike: Callable[[], None], value: Any) -> None:
        self._strike, self._value = strike, value

    def _answer(self, *_: object) -> Any:
        self._strike()
        return self._value

    __index__ = __int__ = __float__ = __len__ = __bool__ = __hash__ = __eq__ = __lt__ = _answer
    __iter__ = __next__ = __fspath__ = __str__ = __call__ = __getitem__ = __contains__ = _answer
    __radd__ = __format__ = __buffer__ = __instancecheck__ = __length_hint__ = _answer


def constants(uris: list[str], frame: bytes) -> list[Any]:
    """Arguments of every kind; new ones, since some can be changed."""
    texts = ["not a (filter", "\0", "\udcff", "é" * 300, "10.0.0.0/8", "::1", "data", "x"]
    numbers = [0, 1, -1, 2, 4, 6, 9, 32, 64, 128, 255, 65535, 65536, 2**31, -(2**31), 2**63, 2**70]
    arrays = [bytearray(n) for n in (0, 1, 4, 16, 40)] + [bytearray(frame), bytearray(frame[14:])]
    others = [
        None,
        True,
        False,
        0.5,
        -0.0,
        float("nan"),
        float("inf"),
        1e300,
        1j,
        b"",
        b"\x45" * 44,
    ]
    paths = [pathlib.Path(uris[-1]), "pcapfile:-", "pcapfile:", ":", "erf:/dev/null", "/dev/null"]
    groups = [[], (), {}, set(), [1, 2], (1,) * 9, object(), object, len, Ellipsis, slice(2, 5)]
    return [*uris, *texts, *numbers, *arrays, *others, *paths, *groups, *CLASSES]
