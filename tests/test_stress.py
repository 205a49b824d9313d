# SPDX-License-Identifier: LGPL-3.0-or-later
"""Random programs, a few; ``make check-stress`` runs many."""

from __future__ import annotations

import pathlib

import pytest

pytest.importorskip("hypothesis")
from stress import run_there

pytestmark = pytest.mark.slow


def test_random_programs(tmp_path: pathlib.Path) -> None:
    assert run_there(600, 1, tmp_path / "log") > 400
