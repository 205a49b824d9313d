# SPDX-License-Identifier: LGPL-3.0-or-later
"""Runs random programs: ``stress.py STEPS [SEED]``.

They run in processes of their own, so that a crash is told together with what repeats it.
"""

from __future__ import annotations

import faulthandler
import gc
import itertools
import os
import pathlib
import random
import subprocess
import sys
import tempfile

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from model import sources
from program import Program, Shared, note_unraisable

LENGTH, CHUNK, TIME = 100, 5_000, 1200


def run_here(steps: int, number: int, log: str) -> None:
    """Random programs in this process; what is done is logged, as far as a crash lets it be."""
    sys.unraisablehook = note_unraisable
    sys.setswitchinterval(1e-5)
    faulthandler.enable()
    faulthandler.dump_traceback_later(TIME, exit=True)
    random.seed(number)
    options = settings(
        max_examples=steps // LENGTH + 1,  # the first has no step
        stateful_step_count=LENGTH,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Shared.log = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        Shared.folder = pathlib.Path(folder)
        Shared.sources = sources(Shared.folder)
        gc.freeze()
        run_state_machine_as_test(seed(number)(Program), settings=options)
        os.chdir("/")
    print(Shared.steps)


def run_there(steps: int, number: int, log: pathlib.Path) -> int:
    """The same in a process of its own; the steps that it made."""
    command = [sys.executable, *("-X", "dev", "-W", "error"), __file__, "--here"]
    done = subprocess.run(
        [*command, str(steps), str(number), str(log)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode:
        last = "".join(log.read_text().splitlines(keepends=True)[-40:]) if log.exists() else ""
        sys.exit(
            f"{done.stdout}\nThe last steps were\n{last}\n"
            f"Exit status {done.returncode}; again: stress.py {steps} {number}"
        )
    return int(done.stdout.splitlines()[-1])


def main(steps: int, first: int | None = None) -> None:
    start = random.randrange(1 << 32) if first is None else first
    done = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in itertools.count(start):
            done += run_there(min(CHUNK, steps - done), number, pathlib.Path(folder) / "log")
            print(f"{done} steps, seed {number}", flush=True)
            if done >= steps:
                break


if __name__ == "__main__":
    if sys.argv[1] == "--here":
        run_here(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    else:
        main(*map(int, sys.argv[1:]))
