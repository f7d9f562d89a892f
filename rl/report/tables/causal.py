"""The terminal table of the causal suite, one line an intervention (docs/results.md reads it)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from monitors.statistics.interval import Interval
from rl.report.data.visible import visible
from rl.report.data.wording import with_interval

TIERS = ("free", "paid")
CAPTION = (
    "Read: outputs the monitor could read, of those sampled, after so many different scratchpads. Change: points above "
    "natural. Share: of the natural gap, how much goes through the scratchpad. Brackets are 95% intervals."
)


def causal_table(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    """What was in front of the output, what followed on each tier, and what is left of the gap.

    Args:
        title: The policy's name.
        rows: As `monitors.statistics.causal.rows` gives them.
    """
    heading = f"{visible(title)}: does the scratchpad drive the output?"
    table = Table(title=escape(heading), title_justify="left", caption=CAPTION, caption_justify="left")
    table.add_column("in front of the output")
    for column in ("free: read", "complies", "change", "paid: read", "complies", "change", "gap", "share"):
        table.add_column(column, justify="right")
    for row in rows:
        cells = [cell for tier in TIERS for cell in _tier(row, tier)]
        name = " ".join(filter(None, (row["intervention"].replace("_", " "), row["source"])))
        table.add_row(name, *cells, _cell(row, "gap", "points"), _cell(row, "share", "share"))
    return table


def _tier(row: Mapping[str, Any], tier: str) -> list[str]:
    read, unread, scratchpads = (row[f"{tier}/{figure}"] for figure in ("n", "unread", "scratchpads"))
    counts = f"{read} of {read + unread}, {scratchpads}"
    return [counts, _cell(row, f"{tier}/compliance", "share"), _cell(row, f"{tier}/change", "points")]


def _cell(row: Mapping[str, Any], key: str, unit: str) -> str:
    # Rich would read a bracket as markup.
    return escape(with_interval(Interval.from_row(row, key), unit))
