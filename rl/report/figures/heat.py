"""A sweep over two numbers as a heat map: mean gap and AF rate at the last evaluation, one cell a pair of values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from rl.report.data.compare import Condition, condition_keys
from rl.report.data.wording import figure
from rl.report.figures.drawing import Picture, Room, finish, panels
from rl.report.figures.palette import GRID, INK, PALETTE
from rl.tracking.metrics import FREE_AF, GAP, get_metric

HEAT = "heat"
SHOWN = ((get_metric(GAP), "gap"), (get_metric(FREE_AF), "af"))
_PALEST, _STRONGEST = 0.04, 0.55
"""Opacity of a cell at zero and at the largest value of its panel: the numbers stay readable on both."""


@dataclass(frozen=True)
class Heat:
    """Conditions on a grid of two numeric settings."""

    across: str
    """The config key with a column for each of its values."""
    down: str
    columns: tuple[float, ...]
    """Ascending."""
    rows: tuple[float, ...]
    cells: dict[tuple[float, float], Condition]
    """(column, row) to its condition; a pair that was not run is absent."""


def heat_of(groups: Sequence[Condition]) -> Heat | None:
    """The grid, where conditions differ in two numeric keys and nothing else; else None."""
    configs = [condition_keys(group.runs[0]) for group in groups]
    every = sorted({key for config in configs for key in config})
    differing = [key for key in every if len({config.get(key) for config in configs}) > 1]
    if len(differing) != 2 or len({group.runs[0].experiment for group in groups}) > 1:
        return None
    across, down = differing
    places = [(_number(config.get(across)), _number(config.get(down))) for config in configs]
    if any(math.isnan(value) for place in places for value in place) or len(set(places)) < len(places):
        return None
    columns, rows = (tuple(sorted(set(values))) for values in zip(*places, strict=True))
    return Heat(across, down, columns, rows, dict(zip(places, groups, strict=True)))


def _number(text: str | None) -> float:
    """The finite number that a setting is, else NaN."""
    try:
        value = float(text or "nan")
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def draw_heat(heat: Heat, folder: Path) -> Picture:
    """The figure, written to `folder` as PNG and returned for the page."""
    return finish(HEAT, _spoken(heat), partial(_draw, heat), folder)


def _spoken(heat: Heat) -> str:
    """A description for those who cannot see the figure: gap and AF rate of every cell."""
    cells = []
    for (column, row), group in heat.cells.items():
        ends = [figure(group.mean_at(metric.key, "last", bounded=False), metric.unit) for metric, _ in SHOWN]
        cells.append(f"{heat.across} {column:g}, {heat.down} {row:g}: gap {ends[0]}, AF {ends[1]}")
    return f"Mean compliance gap in points and AF rate at the last evaluation by two settings. {'; '.join(cells)}."


def _draw(heat: Heat, narrow: bool) -> Figure:
    figure, both = panels(
        len(SHOWN), narrow=narrow, height=34.0 * len(heat.rows), room=Room(left=46, right=10, bottom=38)
    )
    for axes, (metric, colour) in zip(both, SHOWN, strict=True):
        axes.set_title(metric.heading)
        axes.grid(False)
        axes.set_xlim(-0.5, len(heat.columns) - 0.5)
        axes.set_ylim(-0.5, len(heat.rows) - 0.5)
        axes.set_xticks(range(len(heat.columns)), [f"{value:g}" for value in heat.columns], fontsize=8)
        axes.set_yticks(range(len(heat.rows)), [f"{value:g}" for value in heat.rows], fontsize=8)
        axes.set_xlabel(heat.across)
        axes.set_ylabel(heat.down)
        for place, strength, words in _cells(heat, metric.key, metric.unit):
            _draw_cell(axes, place, strength, words, PALETTE[colour][0])
    return figure


def _cells(heat: Heat, key: str, unit: str) -> Iterator[tuple[tuple[int, int], float, str]]:
    """Place, strength of its colour from 0 to 1, and what is written there."""
    means = {place: group.mean_at(key, "last", bounded=False) for place, group in heat.cells.items()}
    largest = max((abs(mean.value) for mean in means.values() if mean.value is not None), default=0.0) or 1.0
    for (column, row), mean in means.items():
        seeds = sum(not math.isnan(value) for value in heat.cells[column, row].at(key, "last"))
        # A gap below zero has a colour no stronger than zero's: its number tells, and its minus sign.
        strength = max(0.0, mean.value) / largest if mean.value is not None else 0.0
        yield (heat.columns.index(column), heat.rows.index(row)), strength, f"{figure(mean, unit)}\nn={seeds}"


def _draw_cell(axes: Axes, place: tuple[int, int], strength: float, words: str, colour: str) -> None:
    x, y = place
    alpha = _PALEST + (_STRONGEST - _PALEST) * strength
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, alpha=alpha, edgecolor=GRID))
    axes.text(x, y, words, ha="center", va="center", fontsize=7, color=INK, linespacing=1.2)
