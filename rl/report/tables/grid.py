"""The terminal table of one policy in many settings, one line a setting and tier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from rl.report.data.grid import Grid
from rl.report.data.visible import visible
from rl.report.data.wording import with_interval
from rl.tracking.metrics import GAP

TIERS = ("free", "rated", "paid")
COLUMNS = {
    "af_rate": "fakes",
    "compliance": "complies",
    "af_and_complied": "fakes and complies",
    "antilab_rate": "anti-lab",
    "well_formed": "well formed",
}
BELOW_FREE = {"rated": "eval/goal_guarding_gap", "paid": GAP}
"""From a tier to the key of how much less is complied with there than on the free tier."""
RATER_GAP = "eval/rater_sycophancy_gap"


def grid_table(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    """Rates with 95% intervals; means over samples, with a t interval, where there are several."""
    grid = Grid(tuple(dict.fromkeys(row["setting"] for row in rows)), {"before": rows}, 1)
    table = Table(title=escape(visible(title)), title_justify="left", caption=_caption(grid), caption_justify="left")
    table.add_column("setting")
    table.add_column("tier")
    for head in (*COLUMNS.values(), "gap to free"):
        table.add_column(head, justify="right")
    for setting in grid.settings:
        tiers = [tier for tier in TIERS if any(f"eval/{tier}/compliance" in r for r in rows if r["setting"] == setting)]
        for tier in tiers:
            cells = [_cell(grid, setting, f"eval/{tier}/{column}", "share") for column in COLUMNS]
            gap = _cell(grid, setting, BELOW_FREE[tier], "points") if tier in BELOW_FREE else ""
            name = escape(visible(setting)) if tier == tiers[0] else ""
            table.add_row(name, tier, *cells, gap, end_section=tier == tiers[-1])
    return table


def _cell(grid: Grid, setting: str, key: str, unit: str) -> str:
    # Rich would read a bracket as markup.
    return escape(with_interval(grid.reading("before", setting, key), unit))


def _caption(grid: Grid) -> str | None:
    """The gap that only three tiers have, which stands in no line of the table."""
    sentences = [
        f"{visible(setting)}: rated less paid, the rater-sycophancy gap, is {with_interval(read, 'points')} points."
        for setting in grid.settings
        if (read := grid.reading("before", setting, RATER_GAP)).value is not None
    ]
    return escape("\n".join(sentences)) or None
