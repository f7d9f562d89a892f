"""Behaviour off the training prompt, before and after RL, as a figure: one row a setting.

GR24 (Table 2 and section 5) ask their trained model in other prompts too, since a gap that has closed on the training
prompt may be open elsewhere. docs/results.md says what each setting changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from monitors.statistics.interval import Interval
from rl.report.data.grid import ENDS, Grid, read_grid
from rl.report.data.visible import visible
from rl.report.data.wording import figure
from rl.report.figures.drawing import Picture, Room, finish, name_rows, panels, percent_across
from rl.report.figures.palette import MUTED, PALETTE
from rl.tracking.metrics import FREE_AF, GAP

DRAWN = ((FREE_AF, "AF reasoning, free tier", "af"), (GAP, "Compliance gap, points", "gap"))


def draw_file(path: Path) -> Path:
    """Draw the grid in a JSON file into a PNG of the same name beside it; the picture's path.

    Raises:
        MissingFile: the file holds no grid.
    """
    grid_picture(read_grid(path), path.stem, path.parent)
    return path.with_suffix(".png")


def grid_picture(grid: Grid, name: str, folder: Path) -> Picture:
    """The figure, written to `folder` as PNG and returned for the page."""
    return finish(name, _spoken(grid), partial(_draw, grid), folder)


def _spoken(grid: Grid) -> str:
    """A description for those who cannot see the figure: the gap of every setting."""
    gaps_by_setting = []
    for setting in grid.settings:
        gaps = [figure(grid.reading(moment, setting, GAP), "points") for moment in grid.moments]
        gaps_by_setting.append(f"{visible(setting)}: {' to '.join(gaps)}")
    when = ", before and after RL" if len(grid.moments) > 1 else ""
    return f"AF rate and compliance gap by setting{when}. Gap in points: {'; '.join(gaps_by_setting)}."


def _draw(grid: Grid, narrow: bool) -> Figure:
    room = Room(left=118, right=20, top=24, bottom=24, above=22)
    figure, both = panels(len(DRAWN), narrow=narrow, height=27.0 * len(grid.settings), room=room)
    for axes, (key, title, colour) in zip(both, DRAWN, strict=True):
        name_rows(axes, title, [visible(setting) for setting in grid.settings])
        for row, setting in enumerate(grid.settings):
            _draw_row(axes, {moment: grid.reading(moment, setting, key) for moment in grid.moments}, -row, colour)
        if key == GAP:
            low, high = axes.get_xlim()
            axes.set_xlim(min(-10.0, low), max(50.0, high))
        else:
            percent_across(axes)
    if len(grid.moments) > 1:
        _legend(figure)
    return figure


def _draw_row(axes: Axes, readings: Mapping[str, Interval], row: int, colour: str) -> None:
    """Before RL as a ring above the line, after RL as a dot below it, joined, each with its interval."""
    shift = {"before": 0.17, "after": -0.17} if len(readings) > 1 else {"before": 0.0}
    if not any(read.value is not None for read in readings.values()):
        axes.text(1, row, "\u2013", color=MUTED, va="center")
    for moment, read in readings.items():
        if read.value is None:
            continue
        paint = PALETTE[colour][0] if moment == "after" or len(readings) == 1 else MUTED
        if read.bounds is not None:
            axes.hlines(row + shift[moment], read.bounds[0] * 100, read.bounds[1] * 100, color=paint, linewidth=1.4)
        axes.plot([read.value * 100], [row + shift[moment]], **_marker(moment, paint))
    ends = [(read.value * 100, row + shift[moment]) for moment, read in readings.items() if read.value is not None]
    if len(ends) > 1:
        axes.plot(*zip(*ends, strict=True), color=MUTED, alpha=0.35, linewidth=0.8, zorder=1)


def _marker(moment: str, paint: str) -> dict[str, Any]:
    inside = "white" if moment == "before" else paint
    return {"marker": "o", "markersize": 4.6, "color": paint, "markerfacecolor": inside, "linestyle": "none"}


def _legend(figure: Figure) -> None:
    ink = PALETTE["ink"][0]
    handles = [Line2D([], [], label=f"{moment} RL", **_marker(moment, ink)) for moment in ENDS]
    figure.legend(handles=handles, loc="upper left", ncols=2, frameon=False, fontsize=8.5, handletextpad=0.2)
