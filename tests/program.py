# SPDX-License-Identifier: LGPL-3.0-or-later
"""Random programs: any call on any object, in any order, with any argument."""

from __future__ import annotations

import functools
import gc
import itertools
import os
import pathlib
import random
import signal
import threading
import weakref
from collections.abc import Callable
from typing import Any, ClassVar

import gen_dns
import libtrace
from conftest import open_files
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)
from libtrace import core
from model import FILTERS, Held, Reading, Source, Writing, samples
from surface import (
    CLASSES,
    OPERATIONS,
    PUBLIC,
    Boom,
    Evil,
    constants,
    is_documented,
    members,
    writes,
)

POOL = 80
OUTPUTS = [(scheme, c) for scheme in ("pcapfile", "erf", "pcapng") for c in (None, 1, 2)]


class Shared:
    """What the programs of a process have in common."""

    folder: pathlib.Path
    sources: list[Source]
    log: int
    steps = 0
    surprises: ClassVar[list[BaseException]] = []


# Independent of the state, as hypothesis needs it to repeat a program.
numbers = st.integers(0, 1 << 20)
several = st.lists(numbers, max_size=4)


class Program(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        os.ftruncate(Shared.log, 0)
        self.pool: list[Held] = []
        self.types: list[type] = []
        first = Shared.sources[0]
        frame = bytes(first.packets[first.times[0]])
        self.constants = constants([source.uri for source in Shared.sources], frame) + FILTERS
        self.opened = 0
        for source in Shared.sources[:2]:
            self.hold_trace(libtrace.open(source.uri), source)
        for payload in (gen_dns.udp(gen_dns.message()), gen_dns.tcp(gen_dns.prefixed(b"x"))):
            self.hold(payload)
        for group in samples():
            family = object()
            for value in group:
                self.hold(value, family)

    # What there is

    def note(self, *words: object) -> None:
        os.write(Shared.log, (" ".join(map(str, words)) + "\n").encode("utf-8", "replace"))

    def hold(
        self, value: Any, family: object = None, model: Reading | Writing | None = None
    ) -> None:
        if isinstance(value, (list, tuple)):
            for item in value[:3]:
                self.hold(item, family)
        elif isinstance(value, type):
            self.types = [*self.types[-5:], value]
        elif self.is_interesting(value) and not any(held.value is value for held in self.pool):
            shares = isinstance(value, (libtrace.Packet, memoryview, bytearray)) and family
            if len(self.pool) >= POOL:
                del self.pool[random.randrange(POOL)]
            self.pool.append(Held(value, shares or object(), model))

    def is_interesting(self, value: object) -> bool:
        ours = isinstance(value, (*CLASSES, memoryview, bytearray, weakref.ref))
        return ours or (hasattr(value, "__next__") and not isinstance(value, Evil))

    def hold_trace(self, trace: libtrace.Trace, source: Source) -> None:
        self.hold(trace, model=Reading(trace, source))

    def pick(self, number: int) -> Held:
        if not self.pool:
            self.hold(bytearray(4))
        return self.pool[number % len(self.pool)]

    def pick_of(self, number: int, *kinds: type) -> Held | None:
        found = [held for held in self.pool if isinstance(held.value, kinds)]
        return found[number % len(found)] if found else None

    def argument(self, number: int) -> tuple[Any, object]:
        """A value, and whom it shares its memory with."""
        kind, rest = number % 8, number // 8
        if kind < 4:
            held = self.pick(rest)
            return held.value, held.family
        if kind == 4:
            return Evil(lambda: self.strike(rest), self.constants[rest % len(self.constants)]), None
        return self.constants[rest % len(self.constants)], None

    # What happens

    def attempt(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Exception as error:
            if not is_documented(error):
                raise
            self.note("  ", type(error).__name__)
            return NotImplemented

    def strike(self, number: int) -> None:
        kind, rest = number % 6, number // 6
        self.note("   strike", kind)
        if kind == 0:
            raise Boom
        if kind == 1:
            gc.collect()
        elif kind == 2:
            del self.pool[: len(self.pool) // 2]
        elif kind in (3, 4) and (held := self.pick_of(rest, libtrace.Trace)):
            core.Trace.close(held.value) if kind == 3 else next(held.value, None)
        elif held := self.pick_of(rest, core.OutputTrace):
            core.OutputTrace.close(held.value)

    def refresh(self, family: object) -> None:
        for held in self.pool:
            if held.family is family:
                held.refresh()

    def settle(self) -> None:
        for held in self.pool:
            if held.model:
                held.model.settle()

    def use(self, held: Held, name: str, function: Callable[..., Any], *words: int) -> None:
        """Calls what an object has; some of it changes the object, or gives a packet."""
        picked = [self.argument(word) for word in words]
        arguments = [value for value, _ in picked]
        if name == "read_packet" and isinstance(held.value, libtrace.Trace) and arguments:
            self.refill(held, arguments[0])
            return
        result = self.attempt(function, *arguments)
        if isinstance(held.model, Reading) and result is None and arguments:
            held.model.configure(name, arguments[0])
        if writes(name):
            self.refresh(held.family)
        self.settle()
        self.hold(result, held.family)

    def refill(self, held: Held, packet: Any) -> None:
        result = self.attempt(held.value.read_packet, packet)
        for other in self.pool:
            if other.value is packet and result is True:
                other.family = object()
                other.refresh()
        if isinstance(held.model, Reading):
            if result is True:
                held.model.deliver(packet)
            elif result is False:
                held.model.end()

    @rule(number=numbers, name=numbers, words=several)
    def get(self, number: int, name: int, words: list[int]) -> None:
        held = self.pick(number)
        attribute = members(type(held.value))[name % len(members(type(held.value)))]
        self.note("get", type(held.value).__name__, attribute, words)
        found = self.attempt(getattr, held.value, attribute)
        if callable(found) and not isinstance(found, type):
            self.use(held, attribute, found, *words)
            if len(words) > 1:
                self.use(held, attribute, found, words[0])
        else:
            self.hold(found, held.family)

    @rule(number=numbers, name=numbers, word=numbers)
    def set(self, number: int, name: int, word: int) -> None:
        held = self.pick(number)
        attribute = members(type(held.value))[name % len(members(type(held.value)))]
        self.note("set", type(held.value).__name__, attribute, word)
        if word % 9:
            self.attempt(setattr, held.value, attribute, self.argument(word)[0])
        else:
            self.attempt(delattr, held.value, attribute)
        self.refresh(held.family)
        self.settle()

    @rule(number=numbers, which=numbers, words=several)
    def operate(self, number: int, which: int, words: list[int]) -> None:
        held, operation = self.pick(number), OPERATIONS[which % len(OPERATIONS)]
        self.note("operate", getattr(operation, "__name__", operation), type(held.value), words)
        picked = [self.argument(word)[0] for word in words]
        result = self.attempt(operation, held.value, *picked)
        self.refresh(held.family)
        self.settle()
        self.hold(result, held.family if isinstance(result, memoryview) else None)

    @rule(which=numbers, words=several)
    def call(self, which: int, words: list[int]) -> None:
        functions = [*PUBLIC, *self.types]
        function = functions[which % len(functions)]
        self.note("call", function, words)
        picked = [self.argument(word) for word in words]
        result = self.attempt(function, *[value for value, _ in picked])
        family = next((family for _, family in picked if family), None)
        if not family and picked and isinstance(picked[0][0], bytearray):
            family = object()
            self.hold(picked[0][0], family)
        self.settle()
        self.hold(result, family)

    @rule(number=numbers, times=st.integers(1, 6))
    def read(self, number: int, times: int) -> None:
        held = self.pick_of(number, libtrace.Trace)
        if not held:
            return
        self.note("read", times)
        for _ in range(times):
            packet = self.attempt(next, held.value, None)
            if isinstance(packet, libtrace.Packet):
                if isinstance(held.model, Reading):
                    held.model.deliver(packet)
                self.hold(packet)
            elif packet is None and isinstance(held.model, Reading):
                held.model.end()

    @rule(number=numbers, other=numbers)
    def read_again(self, number: int, other: int) -> None:
        held, packet = self.pick_of(number, libtrace.Trace), self.pick_of(other, libtrace.Packet)
        if held and packet:
            self.note("read again", type(packet.value).__name__)
            self.refill(held, packet.value)

    @rule(which=numbers, started=st.booleans(), expression=st.none() | numbers)
    def open(self, which: int, started: bool, expression: int | None) -> None:
        source = Shared.sources[which % len(Shared.sources)]
        self.note("open", source.uri, started)
        trace = libtrace.open(source.uri) if started else libtrace.Trace(source.uri)
        self.hold_trace(trace, source)
        if expression is not None:
            chosen = libtrace.Filter(FILTERS[expression % len(FILTERS)])
            trace.conf_filter(chosen)
            self.pool[-1].model.configure("conf_filter", chosen)  # type: ignore[union-attr]
            self.hold(chosen)

    @rule(number=numbers, which=numbers)
    def iterate(self, number: int, which: int) -> None:
        held = self.pick_of(number, libtrace.Trace)
        if held:
            self.note("iterate", which % 4)
            makers: list[Callable[[Any], Any]] = [iter, enumerate, lambda t: (p.size for p in t)]
            maker = [*makers, lambda t: itertools.islice(t, 5)][which % 4]
            self.hold(maker(held.value))

    @rule(which=numbers)
    def open_output(self, which: int) -> None:
        scheme, compression = OUTPUTS[which % len(OUTPUTS)]
        self.opened += 1
        self.note("open output", scheme, compression)
        uri = f"{scheme}:{Shared.folder}/out{self.opened}"
        output = libtrace.OutputTrace(uri, compression=compression)
        output.start()
        self.hold(output, model=Writing(output))

    @rule(number=numbers, other=numbers)
    def write(self, number: int, other: int) -> None:
        held, packet = self.pick_of(number, core.OutputTrace), self.pick_of(other, libtrace.Packet)
        if held and packet:
            self.note("write", type(packet.value).__name__)
            result = self.attempt(held.value.write_packet, packet.value)
            if isinstance(held.model, Writing) and result is None:
                held.model.taken.append(bytes(packet.value))

    @rule(number=numbers, at=numbers, value=st.integers(0, 255))
    def poke(self, number: int, at: int, value: int) -> None:
        held = self.pick_of(number, memoryview, bytearray)
        if held and len(self.attempt(bytes, held.value) or b""):
            self.note("poke", at, value)
            self.attempt(held.value.__setitem__, at % len(held.value), value)
            self.refresh(held.family)

    @rule(number=numbers, at=numbers, value=st.integers(0, 255))
    def thaw(self, number: int, at: int, value: int) -> None:
        """A pickled packet that somebody has changed."""
        held = self.pick_of(number, libtrace.Packet)
        frozen = self.attempt(held.value._freeze) if held else NotImplemented
        if isinstance(frozen, bytes):
            self.note("thaw", at, value)
            at %= min(len(frozen), 64)
            damaged = frozen[:at] + bytes([value]) + frozen[at + 1 :]
            self.hold(self.attempt(core.load, damaged))

    @rule(number=numbers)
    def refer(self, number: int) -> None:
        self.note("refer")
        self.hold(self.attempt(weakref.ref, self.pick(number).value))

    @rule(first=numbers, count=st.integers(1, 10), cycle=st.booleans())
    def drop(self, first: int, count: int, cycle: bool) -> None:
        first %= max(len(self.pool), 1)
        self.note("drop", first, count, cycle)
        dropped: list[Any] = self.pool[first : first + count]
        del self.pool[first : first + count]
        if cycle:
            dropped.append(dropped)

    @rule(threshold=st.integers(1, 2000))
    def collect(self, threshold: int) -> None:
        self.note("collect", threshold)
        gc.set_threshold(threshold, 2, 2)
        gc.collect()

    @rule(number=numbers, microseconds=st.integers(1, 500))
    def interrupt(self, number: int, microseconds: int) -> None:
        """A signal whose handler closes a trace, wherever it comes."""
        held = self.pick_of(number, libtrace.Trace)
        if held:
            self.note("interrupt", microseconds)
            trace = weakref.ref(held.value)

            def close(*_: object) -> None:
                if (found := trace()) is not None:
                    self.attempt(core.Trace.close, found)

            signal.signal(signal.SIGALRM, close)
            signal.setitimer(signal.ITIMER_REAL, microseconds / 1e6)

    # Threads

    def run_threads(self, *functions: Callable[[], object]) -> None:
        def run(function: Callable[[], object]) -> None:
            try:
                function()
            except BaseException as error:
                if not is_documented(error):
                    Shared.surprises.append(error)

        threads = [threading.Thread(target=run, args=(function,)) for function in functions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    @rule(number=numbers, count=st.integers(1, 12), closes=st.booleans())
    def read_in_threads(self, number: int, count: int, closes: bool) -> None:
        held = self.pick_of(number, libtrace.Trace)
        if held:
            self.note("read in threads", count, closes)
            packets: list[libtrace.Packet] = []
            trace, end = held.value, held.value.close if closes else gc.collect
            read = [lambda: packets.extend(itertools.islice(trace, count))] * 3
            self.run_threads(*read, end)
            packets.sort(key=lambda packet: packet.timestamp_ns)
            for packet in packets:
                if isinstance(held.model, Reading):
                    held.model.deliver(packet)
            self.hold(packets)

    @rule(chosen=st.lists(st.tuples(numbers, numbers), min_size=2, max_size=12))
    def get_in_threads(self, chosen: list[tuple[int, int]]) -> None:
        functions = []
        for number, name in chosen:
            value = self.pick(number).value
            names = [name for name in members(type(value)) if not writes(name)]
            functions.append(functools.partial(touch, value, names[name % len(names)]))
        self.note("get in threads", chosen)
        self.run_threads(*functions)
        self.settle()
        for held in self.pool:
            if isinstance(held.value, bytearray):  # clear() and its like
                self.refresh(held.family)

    # What holds

    @invariant()
    def holds(self) -> None:
        Shared.steps += 1
        for held in random.sample(self.pool, k=min(4, len(self.pool))):
            held.check()
        if Shared.surprises:
            raise Shared.surprises.pop()

    def check_all(self) -> None:
        for held in self.pool:
            held.check()
            if isinstance(held.model, Writing):
                held.model.finish()

    def teardown(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.check_all()
        self.pool.clear()
        self.types.clear()
        self.constants.clear()
        gc.set_threshold(700, 10, 10)
        gc.collect()
        left = open_files(Shared.folder)
        assert not left, left


def touch(value: Any, name: str) -> None:
    found = getattr(value, name)
    if callable(found):
        found()


def note_unraisable(unraisable: Any) -> None:
    """What an object raises while it is destroyed."""
    if not is_documented(unraisable.exc_value):
        Shared.surprises.append(unraisable.exc_value)
