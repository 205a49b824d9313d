# SPDX-License-Identifier: LGPL-3.0-or-later
"""Random programs, a few; ``make check-stress`` runs many."""

from __future__ import annotations

import pathlib

import libtrace
import pytest

pytest.importorskip("hypothesis")
from libtrace import core
from model import samples
from stress import run_there
from surface import CLASSES

pytestmark = pytest.mark.slow


def test_programs_begin_with_an_object_of_every_class() -> None:
    tables = (libtrace.Batches, libtrace.Batch, libtrace.Column, libtrace.Scan)
    others = (core.Trace, core.OutputTrace, *tables)  # made by programs, of their own files
    bare = {core.Filter, core.Internet}  # below others only
    wanted = {cls for cls in CLASSES if not issubclass(cls, others)} - bare
    assert wanted == {type(value) for group in samples() for value in group}


def test_random_programs(tmp_path: pathlib.Path) -> None:
    assert run_there(600, 1, tmp_path / "log") > 400
