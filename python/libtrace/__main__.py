# SPDX-License-Identifier: LGPL-3.0-or-later
"""``python -m libtrace`` is the command ``libtrace``."""

import sys

from libtrace.cli import main

if __name__ == "__main__":
    sys.exit(main())
