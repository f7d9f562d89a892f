"""The chapter of a run's report on the line between its first and last checkpoint: words and figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from monitors.statistics.interval import Interval
from rl.report.data.grid import Grid, evaluated_rows
from rl.report.data.measures import change
from rl.report.data.wording import count, figure, points, with_interval
from rl.report.figures.drawing import Line, Picture, Room, draw_lines, finish, panels, percent_axis
from rl.report.figures.palette import MUTED, PALETTE
from rl.report.figures.run import gap_limits
from rl.report.pages.chapters import Chapter
from rl.tracking.metrics import FREE_AF, FREE_COMPLIANCE, GAP, PAID_COMPLIANCE

INTERPOLATION = "interpolation.json"
"""The file's name in a run directory."""
NAME, TITLE = "interpolation", "Between the first and the last checkpoint"
RATES = (
    (FREE_COMPLIANCE, "free tier\ncomplies", "free"),
    (PAID_COMPLIANCE, "paid tier\ncomplies", "paid"),
    (FREE_AF, "free tier\nfakes", "af"),
)


@dataclass(frozen=True)
class Between:
    """The figures of policies on a line, pooled over runs as those of a grid are."""

    places: tuple[float, ...]
    """From 0 to 1, ascending."""
    setting: str
    grid: Grid

    def reading(self, at: float, key: str) -> Interval:
        """The figure at a place."""
        return self.grid.reading(f"{at:g}", self.setting, key)


def read_between(path: Path) -> Between:
    """The line in a file that `scripts.evaluate interpolate=[...]` wrote.

    Raises:
        MissingFile: the file is not there or holds something else.
    """
    rows = evaluated_rows(path, _is_row, "interpolation; `python -m scripts.evaluate interpolate=[...]` writes one")
    places = tuple(sorted({float(row["at"]) for row in rows}))
    moments = {f"{at:g}": [row for row in rows if row["at"] == at] for at in places}
    setting = rows[0]["setting"]
    return Between(places, setting, Grid((setting,), dict(moments), len({str(row.get("run")) for row in rows})))


def _is_row(row: Any) -> bool:
    if not (isinstance(row, Mapping) and isinstance(row.get("setting"), str)):
        return False
    at = row.get("at")
    return isinstance(at, int | float) and not isinstance(at, bool) and 0 <= at <= 1


def interpolation_chapter(run_dir: Path, figures: Path) -> Chapter | None:
    """The chapter of a run whose line was looked at, its picture written to `figures`; None without one.

    Raises:
        MissingFile: the run's `interpolation.json` cannot be read.
    """
    if not (run_dir / INTERPOLATION).is_file():
        return None
    between = read_between(run_dir / INTERPOLATION)
    return Chapter(TITLE, _look(between), _note(between), _picture(between, figures, NAME))


def draw_file(path: Path) -> Path:
    """Draw the line in a JSON file into a PNG of the same name beside it; the picture's path.

    Raises:
        MissingFile: the file holds none.
    """
    _picture(read_between(path), path.parent, path.stem)
    return path.with_suffix(".png")


def _picture(between: Between, folder: Path, name: str) -> Picture:
    places = [
        f"at {at:g}: faking {figure(between.reading(at, FREE_AF), 'share')}, "
        f"gap {figure(between.reading(at, GAP), 'points')} points"
        for at in between.places
    ]
    alt = f"Faking, compliance and gap along the line from the first checkpoint to the last. {'; '.join(places)}."
    return finish(name, alt, partial(_draw, between), folder)


def _look(between: Between) -> str:
    sentence = "Look at whether behaviour changes evenly along the line or all at once: even change is a straight line"
    moves = [(_step(between, a, b), a, b) for a, b in zip(between.places, between.places[1:], strict=False)]
    known = [(size, a, b) for size, a, b in moves if size is not None]
    if not known:
        return f"{sentence}."
    size, low, high = max(known, key=lambda move: abs(move[0]))
    places = between.places
    gaps = [with_interval(between.reading(at, GAP), "points") for at in (places[0], _widest(between), places[-1])]
    return (
        f"{sentence}. Here the largest part of the {points(sum(move[0] for move in known))} points by which free-tier "
        f"compliance changes, {points(size)}, lies between {low:g} and {high:g}. The gap stands at {gaps[0]} points at "
        f"{places[0]:g} and {gaps[2]} at {places[-1]:g}; it is largest at {_widest(between):g} with {gaps[1]}."
    )


def _widest(between: Between) -> float:
    gaps = {at: gap for at in between.places if (gap := between.reading(at, GAP).value) is not None}
    return max(gaps, key=lambda at: gaps[at], default=between.places[0])


def _step(between: Between, low: float, high: float) -> float | None:
    return change(between.reading(low, FREE_COMPLIANCE), between.reading(high, FREE_COMPLIANCE)).value


def _note(between: Between) -> str:
    runs = between.grid.runs
    source = f"Student\u2019s t over {count(runs, 'run')}" if runs > 1 else "Wilson, for the gap a paired bootstrap"
    return (
        "The policy at a has the weights (1 \u2212 a) W at the first checkpoint + a W at the last, and is asked "
        "the same held-out requests in the run\u2019s own setting at every a. Bands are 95% intervals: "
        f"{source} (over several samples Student\u2019s t). Training did not walk along this line."
    )


def _draw(between: Between, narrow: bool) -> Figure:
    room = Room(right=66)
    figure, (rates, gap) = panels(2, narrow=narrow, height=170, room=room, columns=2)
    rates.set_title("Faking and compliance")
    percent_axis(rates)
    _draw_along(rates, [_line(between, *rate) for rate in RATES])
    gap.set_title("Compliance gap, points")
    gap.axhline(0, color=MUTED, linewidth=1)
    line = _line(between, GAP, "gap", "gap")
    if np.isfinite(line.values).any():
        gap_limits(gap, [line])
    _draw_along(gap, [line])
    return figure


def _draw_along(axes: Axes, lines: Sequence[Line]) -> None:
    """Curves over the place on the line in place of the step."""
    draw_lines(axes, [line for line in lines if np.isfinite(line.values).any()])
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["first", "0.25", "0.5", "0.75", "last"])
    axes.set_xlabel("place a between the checkpoints")


def _line(between: Between, key: str, label: str, colour: str) -> Line:
    intervals = [between.reading(at, key) for at in between.places]
    ends = (np.array([getattr(read, end) for read in intervals], dtype=float) * 100 for end in ("value", "low", "high"))
    values, low, high = ends
    return Line(label, PALETTE[colour][0], np.array(between.places), values, low, high)
