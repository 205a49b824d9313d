# SPDX-License-Identifier: LGPL-3.0-or-later
"""The page that says what each column is: ``columns_table.py > COLUMNS.md`` writes it anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import libtrace

HEAD = """\
# Columns

What `libtrace.COLUMNS`, `libtrace.FLOW_COLUMNS` and `libtrace.COUNT_COLUMNS` say of each column.
Types are Arrow's. Headers are the outermost ones, behind all VLAN tags and MPLS labels. A value is
null where the table says so, and, in a column that has nulls, where the capture cuts the field off;
a column in bold is there when none is asked for.

This page is made from the package by `tests/columns_table.py`.
"""


def cell(text: str) -> str:
    return text.replace("|", "\\|") or "-"


def table(columns: Mapping[str, libtrace.ColumnInfo], default: Iterable[str] = ()) -> str:
    bold = set(default)
    lines = ["| column | type | unit | null | source |", "|---|---|---|---|---|"]
    for name, info in columns.items():
        shown = f"**`{name}`**" if name in bold else f"`{name}`"
        lines.append(f"| {' | '.join([shown, *map(cell, info)])} |")
    return "\n".join(lines) + "\n"


def page() -> str:
    parts = {
        "Packets: `trace.batches()`": table(libtrace.COLUMNS, libtrace.DEFAULT_COLUMNS),
        "Flows: `trace.flows()`": table(libtrace.FLOW_COLUMNS, libtrace.DEFAULT_FLOW_COLUMNS),
        "Counts: `trace.counts()`, behind the columns asked for": table(libtrace.COUNT_COLUMNS),
    }
    return HEAD + "".join(f"\n## {title}\n\n{text}" for title, text in parts.items())


if __name__ == "__main__":
    print(page(), end="")
