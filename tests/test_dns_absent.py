# SPDX-License-Identifier: LGPL-3.0-or-later
"""A build without ldns: all works but DNS, and DNS says what it needs."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
sys.modules["libtrace.dns_core"] = None
import libtrace, plt
try:
    import pldns
except ImportError as error:
    print(error)
"""


def test_import_names_the_packages() -> None:
    command = [sys.executable, "-c", SCRIPT]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for word in ("libldns-dev", "ldns-devel", "--with-ldns"):
        assert word in output
