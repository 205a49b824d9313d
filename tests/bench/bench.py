# SPDX-License-Identifier: LGPL-3.0-or-later
"""How fast is the loop in Python beside the same loop in C, and beside other libraries?

Run it by ``make bench``, or by hand with the built package on PYTHONPATH::

    BENCH_CFLAGS=-I... BENCH_LDFLAGS=-L... python tests/bench/bench.py --cache DIR

It generates a mixed trace of 1,000,000 packets once into the cache, and then
lets the contestants take turns, each in a fresh process on a warm page cache:
the C program loop.c over libtrace, this package, `libtrace report`, and of
pcapy-ng, dpkt and scapy those that are installed. A contestant in Python times
its own loop from opening the trace to its end; the report counts in full, from
start to exit of its process. scapy reads only the head of the trace, and its
goal is held against scapy with no more layers loaded than the others decode,
which is faster than scapy.all.

Ratios and goals compare the best round of each. "of C" is the share of the
speed of the C loop that does the same work: without wandio's reader thread on
the plain file, with it on the compressed one. "ours is" is how many times as
fast as the contestant this package does the same. All that decode fields must
find the same ports.

``--memory`` measures instead what packets cost in memory: a list of all of
them, each checked after the trace is closed, a plain loop, and batches of a
stream that is larger than memory should be. ``--json FILE``
writes every number; ``--require`` exits 1 when a goal is not met.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import importlib.util
import json
import os
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

from loops import LOOPS, Loop
from rich.console import Console
from rich.progress import track
from rich.table import Table

HERE = Path(__file__).resolve().parent
PER_PACKET = 700
LOOP_MIB = 40
STREAM = 10_000_000
STREAM_BATCHES = 3


class Traces(NamedTuple):
    packets: int
    plain: Path
    gz: Path
    head_packets: int
    head: Path


@dataclass
class Contestant:
    """A command that reads a trace, and the seconds that each round took."""

    name: str
    command: list[str]
    packets: int
    c_loop: str
    ours: str = ""
    wandio: str | None = None
    whole_process: bool = False
    seconds: list[float] = field(default_factory=list)
    failure: str = ""

    def rate(self) -> float:
        return self.packets / min(self.seconds)

    def median_rate(self) -> float:
        return self.packets / statistics.median(self.seconds)


class Goal(NamedTuple):
    what: str
    ours: str
    other: str
    need: float


GOALS = [
    Goal("bare loop, of C", "ours read", "C read nothreads", 0.9),
    Goal("lengths and ports, of C", "ours ports", "C ports nothreads", 0.6),
    Goal("bare loop over gzip, of C", "ours read gz", "C read gz", 0.9),
    Goal("TCP object and ports, of C", "ours tcp", "C tcp nothreads", 0.7),
    Goal("address objects, of C", "ours addresses", "C addresses nothreads", 0.45),
    Goal("flow keys into a table, of C", "ours flows", "C flows nothreads", 0.35),
    Goal("copy, of C", "ours copy", "C copy nothreads", 0.6),
    Goal("times dpkt, TCP", "ours tcp", "dpkt tcp", 20),
    Goal("times dpkt, addresses", "ours addresses", "dpkt addresses", 20),
    Goal("times dpkt, flows", "ours flows", "dpkt flows", 20),
    Goal("times dpkt", "ours ports", "dpkt ports", 20),
    Goal("times scapy", "ours ports", "scapy ports", 300),
    Goal("times pcapy-ng", "ours read", "pcapy-ng read", 1.5),
    Goal("libtrace report, of C ports", "libtrace report", "C ports nothreads", 0.12),
]


# The loops that ask for layers, addresses and flows.
OBJECTS = ("tcp", "addresses", "flows")


class Verdict(NamedTuple):
    """What a goal came to; `got` is None when it could not be measured."""

    what: str
    need: str
    got: str | None
    met: bool


# The traces


def write_mixed(path: Path, packets: int) -> None:
    sys.path.append(str(HERE.parent))
    gen = importlib.import_module("gen")
    gen.write_pcap(path, gen.mixed(packets))


def write_gz(path: Path, source: Path) -> None:
    with source.open("rb") as plain, gzip.open(path, "wb", compresslevel=6) as packed:
        shutil.copyfileobj(plain, packed, 1 << 20)


@contextmanager
def complete(path: Path) -> Iterator[Path]:
    """Write to a file beside `path` that takes its name only when it is whole."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def make_traces(cache: Path, packets: int, head_packets: int) -> Traces:
    """Generate what the cache lacks, or what is older than the generators."""
    head_packets = min(packets, head_packets)
    plain, head = cache / f"mixed-{packets}.pcap", cache / f"mixed-{head_packets}.pcap"
    gz = cache / f"{plain.name}.gz"
    writers: dict[Path, Callable[[Path], None]] = {
        plain: lambda part: write_mixed(part, packets),
        head: lambda part: write_mixed(part, head_packets),
        gz: lambda part: write_gz(part, plain),
    }
    newest = max(source.stat().st_mtime for source in HERE.parent.glob("gen*.py"))
    for path, write in writers.items():
        if not path.exists() or path.stat().st_mtime < newest:
            with complete(path) as part:
                write(part)
    return Traces(packets, plain, gz, head_packets, head)


# The contestants


def build_loop(directory: Path) -> Path:
    target = directory / "loop"
    compiler = shlex.split(os.environ.get("CC", "cc"))
    cflags = shlex.split(os.environ.get("BENCH_CFLAGS", "-O2"))
    ldflags = shlex.split(os.environ.get("BENCH_LDFLAGS", ""))
    source = str(HERE / "loop.c")
    command = [*compiler, *cflags, source, *ldflags, "-ltrace", "-o", str(target)]
    subprocess.run(command, check=True)
    return target


def c_loops(loop: Path, traces: Traces) -> list[Contestant]:
    def contestant(mode: str, suffix: str, trace: Path, wandio: str | None) -> Contestant:
        command = [str(loop), "-t", mode, f"pcapfile:{trace}"]
        same_work = f"C {mode} {'gz' if suffix == 'gz' else 'nothreads'}"
        return Contestant(
            f"C {mode} {suffix}", command, traces.packets, same_work, f"ours {mode}", wandio
        )

    return [
        contestant("read", "nothreads", traces.plain, "nothreads"),
        contestant("read", "threads", traces.plain, None),
        contestant("ports", "nothreads", traces.plain, "nothreads"),
        contestant("ports", "threads", traces.plain, None),
        contestant("read", "gz", traces.gz, None),
        *(contestant(mode, "nothreads", traces.plain, "nothreads") for mode in (*OBJECTS, "copy")),
    ]


def python_loop(
    name: str, loop: str, trace: Path, packets: int, c_loop: str, ours: str = ""
) -> Contestant:
    command = [sys.executable, str(HERE / "loops.py"), loop, str(trace)]
    return Contestant(name, command, packets, c_loop, ours)


def report(traces: Traces) -> Contestant:
    command = [sys.executable, "-m", "libtrace", "report", "--json", f"pcapfile:{traces.plain}"]
    return Contestant(
        "libtrace report", command, traces.packets, "C ports nothreads", whole_process=True
    )


def contestants(loop: Path, traces: Traces) -> list[Contestant]:
    read, ports = "C read nothreads", "C ports nothreads"
    n, plain = traces.packets, traces.plain
    head, few = traces.head, traces.head_packets
    return [
        *c_loops(loop, traces),
        python_loop("ours read", "ours-read", plain, n, read),
        python_loop("ours ports", "ours-ports", plain, n, ports),
        python_loop("ours read gz", "ours-read", traces.gz, n, "C read gz"),
        *(
            python_loop(f"ours {mode}", f"ours-{mode}", plain, n, f"C {mode} nothreads")
            for mode in (*OBJECTS, "copy")
        ),
        report(traces),
        python_loop("pcapy-ng read", "pcapy-read", plain, n, read, "ours read"),
        python_loop("dpkt ports", "dpkt-ports", plain, n, ports, "ours ports"),
        *(
            python_loop(
                f"dpkt {mode}", f"dpkt-{mode}", head, few, f"C {mode} nothreads", f"ours {mode}"
            )
            for mode in OBJECTS
        ),
        python_loop("scapy ports", "scapy-ports", head, few, ports, "ours ports"),
        python_loop("scapy.all ports", "scapy.all-ports", head, few, ports, "ours ports"),
    ]


def installed(loop: Loop) -> bool:
    return importlib.util.find_spec(loop.modules[0].partition(".")[0]) is not None


# The rounds


def run(command: list[str], wandio: str | None = None) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "LIBTRACEIO"}
    if wandio:
        environment["LIBTRACEIO"] = wandio
    return subprocess.run(
        command, env=environment, check=True, text=True, capture_output=True
    ).stdout


def numbers(output: str) -> dict[str, float]:
    """Read the lines "name value" that the C program and its rivals print."""
    return {name: float(value) for name, value in (line.split() for line in output.splitlines())}


def warm(paths: Iterable[Path]) -> None:
    for path in paths:
        with path.open("rb") as file:
            while file.read(1 << 20):
                pass


def one_round(contestant: Contestant) -> None:
    try:
        start = time.perf_counter()
        output = run(contestant.command, contestant.wandio)
        elapsed = time.perf_counter() - start
        if contestant.whole_process:
            contestant.seconds.append(elapsed)
            return
        result = numbers(output)
        packets = result.get("packets", result.get("rows", 0))
        if packets != contestant.packets:
            raise ValueError(f"{packets:.0f} packets instead of {contestant.packets}")
        contestant.seconds.append(result["seconds"])
    except subprocess.CalledProcessError as error:
        contestant.failure = (error.stderr.splitlines() or [str(error)])[-1]
    except (ValueError, KeyError) as error:
        contestant.failure = str(error)


def race(entrants: list[Contestant], rounds: int, traces: Traces) -> None:
    for _round in track(range(rounds), "Rounds", console=Console(stderr=True), transient=True):
        warm((traces.plain, traces.gz, traces.head))
        for contestant in entrants:
            if not contestant.failure:
                one_round(contestant)


def port_sums(loop: Path, traces: Traces) -> dict[str, float | None]:
    """What each contestant that decodes ports makes of the head; None where it fails."""
    commands = {"C": [str(loop), "ports", f"pcapfile:{traces.head}"]}
    for name, candidate in LOOPS.items():
        if candidate.fields and installed(candidate):
            check = [sys.executable, str(HERE / "loops.py"), "--check", name, str(traces.head)]
            commands[name] = check
    sums: dict[str, float | None] = dict.fromkeys(commands)
    for name, command in commands.items():
        with suppress(subprocess.CalledProcessError):
            sums[name] = numbers(run(command))["ports"]
    return sums


# What it came to


def ratio(ours: Contestant | None, other: Contestant | None) -> float | None:
    if ours is None or other is None or ours.failure or other.failure:
        return None
    return ours.rate() / other.rate()


def speed_verdicts(entrants: dict[str, Contestant], goals: list[Goal]) -> list[Verdict]:
    verdicts = []
    for goal in goals:
        got = ratio(entrants.get(goal.ours), entrants.get(goal.other))
        verdicts.append(
            Verdict(
                goal.what,
                f">= {goal.need:g}",
                None if got is None else f"{got:.3g}",
                got is not None and got >= goal.need,
            )
        )
    return verdicts


def agreement(sums: dict[str, float | None]) -> Verdict:
    odd = [name for name, value in sums.items() if value != sums["C"]]
    got = f"not {', '.join(odd)}" if odd else "all"
    measured = "ours-ports" in sums
    return Verdict("decode the same ports", "all", got if measured else None, measured and not odd)


def number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def results_table(entrants: dict[str, Contestant], title: str) -> Table:
    table = Table(title=title)
    table.add_column("loop")
    for heading in ("best, packets/s", "median", "of C", "ours is"):
        table.add_column(heading, justify="right")
    for it in entrants.values():
        if not it.failure:
            table.add_row(
                it.name,
                f"{it.rate():,.0f}",
                f"{it.median_rate():,.0f}",
                number(ratio(it, entrants.get(it.c_loop)), ".4f"),
                number(ratio(entrants.get(it.ours), it), ".3g"),
            )
    return table


def verdicts_table(verdicts: list[Verdict]) -> Table:
    table = Table("goal", "need", "got", "")
    for it in verdicts:
        mark = "not measured" if it.got is None else "met" if it.met else "NOT MET"
        table.add_row(it.what, it.need, it.got or "-", mark)
    return table


def measure_memory(what: str, trace: Path, *arguments: str) -> dict[str, float]:
    command = [sys.executable, str(HERE / "memory.py"), what, str(trace), *arguments]
    try:
        return numbers(run(command))
    except subprocess.CalledProcessError as error:
        print(error.stderr, file=sys.stderr)
        return {}


def at_most(what: str, got: float | None, limit: float) -> Verdict:
    met = got is not None and got <= limit
    return Verdict(what, f"<= {limit:g}", None if got is None else f"{got:.5g}", met)


def memory_verdicts(traces: Traces) -> list[Verdict]:
    kept = measure_memory("keep", traces.plain)
    loop = measure_memory("loop", traces.plain)
    excess = (kept["beyond"] - kept["captured"]) / traces.packets if kept else None
    peak = loop["beyond"] / 2**20 if loop else None
    streams = {how: measure_memory(how, traces.plain, str(STREAM)) for how in ("batches", "arrow")}
    return [
        at_most("list(trace): wrong packets", kept.get("wrong"), 0),
        at_most("list(trace): bytes a packet beyond its data", excess, PER_PACKET),
        at_most("plain loop: MiB beyond the import", peak, LOOP_MIB),
        *(
            at_most(
                f"{how}: peak of a stream of {STREAM:,} packets, in batches",
                got["beyond"] / got["batch"] if got else None,
                STREAM_BATCHES,
            )
            for how, got in streams.items()
        ),
    ]


# The command


def machine() -> dict[str, str | int | None]:
    return {
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        "cores": os.cpu_count(),
    }


def write_json(path: Path, entrants: dict[str, Contestant], verdicts: list[Verdict]) -> None:
    result = {
        "machine": machine(),
        "loops": [asdict(contestant) for contestant in entrants.values()],
        "goals": [verdict._asdict() for verdict in verdicts],
    }
    path.write_text(json.dumps(result, indent=2) + "\n")


def run_race(
    entrants: dict[str, Contestant], rounds: int, traces: Traces, console: Console
) -> None:
    race(list(entrants.values()), rounds, traces)
    console.print(
        results_table(entrants, f"{traces.packets:,} packets, best and median of {rounds}")
    )
    for it in entrants.values():
        if it.failure:
            console.print(f"{it.name}: {it.failure}", markup=False)


def conclude(
    options: argparse.Namespace,
    entrants: dict[str, Contestant],
    verdicts: list[Verdict],
    console: Console,
) -> int:
    console.print(verdicts_table(verdicts))
    if options.json:
        write_json(options.json, entrants, verdicts)
    return int(options.require and not all(verdict.met for verdict in verdicts))


def make_parser(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, help="where traces stay (default: they do not)")
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--head", type=int, default=20_000, help="packets for the slow peers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--require", action="store_true", help="exit 1 if a goal is not met")
    return parser


def with_cache(options: argparse.Namespace, run: Callable[[argparse.Namespace, Path], int]) -> int:
    if options.cache:
        options.cache.mkdir(parents=True, exist_ok=True)
        return run(options, options.cache)
    with tempfile.TemporaryDirectory() as directory:
        return run(options, Path(directory))


def speed(
    options: argparse.Namespace, cache: Path, traces: Traces, console: Console
) -> tuple[dict[str, Contestant], list[Verdict]]:
    loop = options.loop.resolve() if options.loop else build_loop(cache)
    entrants = {it.name: it for it in contestants(loop, traces)}
    sums = port_sums(loop, traces)
    run_race(entrants, options.rounds, traces, console)
    return entrants, [*speed_verdicts(entrants, GOALS), agreement(sums)]


def bench(options: argparse.Namespace, cache: Path) -> int:
    console = Console()
    traces = make_traces(cache, options.packets, options.head)
    entrants: dict[str, Contestant] = {}
    if options.memory:
        verdicts = memory_verdicts(traces)
    else:
        entrants, verdicts = speed(options, cache, traces, console)
    return conclude(options, entrants, verdicts, console)


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--loop", type=Path, help="the built loop.c (default: build it by CC)")
    parser.add_argument("--memory", action="store_true", help="measure memory instead of speed")
    return with_cache(parser.parse_args(), bench)


if __name__ == "__main__":
    sys.exit(main())
