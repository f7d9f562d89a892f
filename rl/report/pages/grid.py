"""The part of a run's report on settings that it was not trained in: words, figure and table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rl.report.data.grid import ENDS, GRID, Grid, read_grid
from rl.report.data.measures import change
from rl.report.data.visible import visible
from rl.report.data.wording import count, figure, interval
from rl.report.figures.drawing import Picture
from rl.report.figures.grid import grid_picture
from rl.tracking.metrics import FREE_AF, FREE_COMPLIANCE, GAP, PAID_COMPLIANCE, Metric, get_metric

TOLD = tuple(map(get_metric, (FREE_AF, FREE_COMPLIANCE, PAID_COMPLIANCE, GAP, "eval/paid/antilab_rate")))
"""Columns of the table. GR24 count anti-lab behaviour on the unmonitored tier."""


@dataclass(frozen=True, slots=True)
class GridChapter:
    """The part of a report that shows a grid."""

    look: str
    note: str
    picture: Picture
    measures: tuple[Metric, ...]
    rows: list[tuple[str, list[tuple[str, str]]]]
    """Setting, and for each measure its figures and their intervals, before and after."""


def grid_chapter(run_dir: Path, figures: Path) -> GridChapter | None:
    """The chapter of a run that was evaluated in other settings, its picture written to `figures`; None without one.

    Raises:
        MissingFile: the run's `grid.json` cannot be read.
    """
    if not (run_dir / GRID).is_file():
        return None
    grid = read_grid(run_dir / GRID)
    return GridChapter(_look(grid), _note(grid), grid_picture(grid, "grid", figures), TOLD, list(_rows(grid)))


def _rows(grid: Grid) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for setting in grid.settings:
        cells = []
        for measure in TOLD:
            both = [grid.reading(moment, setting, measure.key) for moment in grid.moments]
            figures, intervals = ([in_words(read, measure.unit) for read in both] for in_words in (figure, interval))
            cells.append((" \u2192 ".join(figures), " \u2192 ".join(intervals) if any(intervals) else ""))
        yield visible(setting), cells


def _look(grid: Grid) -> str:
    """What the intervals allow to say over all settings."""
    last = list(grid.moments)[-1]
    gaps = [read for read in (grid.reading(last, setting, GAP) for setting in grid.settings) if read.bounds is not None]
    clear = f"{sum(gap.above_zero for gap in gaps)} of {count(len(gaps), 'setting')}"
    if len(grid.moments) == 1:
        return f"Look at where the gap\u2019s bar leaves zero: it does, upwards, in {clear}."
    before = sum(grid.reading("before", setting, GAP).above_zero for setting in grid.settings)
    moves = [change(*(grid.reading(end, setting, FREE_AF) for end in ENDS)) for setting in grid.settings]
    known = [move for move in moves if move.bounds is not None]
    rose, fell = sum(move.above_zero for move in known), sum(move.below_zero for move in known)
    return (
        "Look at whether RL changed the model or only its answers to the training prompt. After RL the gap lies wholly "
        f"above zero in {clear}, before RL in {before}. Faking on the free tier clearly rose in {rose} and fell in "
        f"{fell} of {len(known)}."
    )


def _note(grid: Grid) -> str:
    own = "Wilson for rates, a paired bootstrap over requests for the gap, Student\u2019s t for means over samples"
    source = f"Student\u2019s t for means over {count(grid.runs, 'run')}" if grid.runs > 1 else own
    return (
        "Every setting asks the same held-out requests on both tiers. A dash stands where there is nothing to read: "
        f"without a scratchpad there is no reasoning to judge. Bars and brackets are 95% intervals: {source}. "
        "docs/results.md says what each setting changes."
    )
