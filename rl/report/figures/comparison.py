"""The figures of a comparison: small multiples over steps, and where each condition ends."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rl.report.data import wording
from rl.report.data.compare import Condition
from rl.report.data.wording import count
from rl.report.figures.drawing import (
    Line,
    Picture,
    Room,
    draw_lines,
    finish,
    name_rows,
    panels,
    percent_across,
    percent_axis,
    wrapped,
)
from rl.report.figures.palette import MUTED, PALETTE
from rl.tracking.metrics import FREE_AF, FREE_COMPLIANCE, GAP, PAID_COMPLIANCE, get_metric

RATES = (
    (FREE_COMPLIANCE, "free", "free", False),
    (PAID_COMPLIANCE, "paid", "paid", False),
    (FREE_AF, "fakes", "af", False),
)
ENDS = ((get_metric(FREE_AF), "af"), (get_metric(GAP), "gap"))
_SEED_ALPHA = 0.28


def draw_comparison(groups: Sequence[Condition], folder: Path) -> list[Picture]:
    """Every figure of a comparison, written to `folder` as PNG and returned for the page."""
    plans = {
        "rates": (_spoken(groups, FREE_AF, "AF reasoning on the free tier", "share"), partial(_draw_rates, groups)),
        "gap": (_spoken(groups, GAP, "Compliance gap in points", "points"), partial(_draw_gaps, groups)),
        "ends": (_spoken(groups, GAP, "Compliance gap in points", "points"), partial(_draw_ends, groups)),
    }
    return [finish(name, alt, draw, folder) for name, (alt, draw) in plans.items()]


def _draw_rates(groups: Sequence[Condition], narrow: bool) -> Figure:
    figure, every = _multiples(groups, narrow, height=130)
    for axes, group in zip(every, groups, strict=True):
        percent_axis(axes)
        for key, _, colour, _ in RATES:
            _seed_lines(axes, group, key, PALETTE[colour][0])
        draw_lines(axes, [_mean_line(group, *rate) for rate in RATES])
    return figure


def _draw_gaps(groups: Sequence[Condition], narrow: bool) -> Figure:
    figure, every = _multiples(groups, narrow, height=110)
    values = np.concatenate([run.series(GAP)[1] for group in groups for run in group.runs])
    known = values[np.isfinite(values)] * 100
    for axes, group in zip(every, groups, strict=True):
        axes.axhline(0, color=MUTED, linewidth=1)
        axes.set_ylim(min(-10.0, known.min(initial=0) - 3), max(50.0, known.max(initial=0) + 3))
        _seed_lines(axes, group, GAP, PALETTE["gap"][0])
        draw_lines(axes, [_mean_line(group, GAP, "gap", "gap", False)])
    return figure


def _multiples(groups: Sequence[Condition], narrow: bool, height: float) -> tuple[Figure, list[Axes]]:
    titles = [wrapped(f"{group.label} ({count(len(group.runs), 'run')})", 38 if narrow else 28) for group in groups]
    lines = 1 + max(title.count("\n") for title in titles)
    figure, every = panels(len(groups), narrow=narrow, height=height, room=Room(right=36, top=12 + 12.0 * lines))
    for axes, title in zip(every, titles, strict=True):
        axes.set_title(title)
    return figure, every


def _seed_lines(axes: Axes, group: Condition, key: str, colour: str) -> None:
    for run in group.runs:
        steps, values = run.series(key)
        marker = "o" if steps.size == 1 else None
        axes.plot(steps, values * 100, color=colour, alpha=_SEED_ALPHA, linewidth=0.9, marker=marker, markersize=2.5)


def _mean_line(group: Condition, key: str, label: str, colour: str, dashed: bool) -> Line:
    steps, means = group.mean_series(key)
    value, lo, hi = (
        np.array([getattr(mean, end) for mean in means], dtype=float) * 100 for end in ("value", "low", "high")
    )
    return Line(label, PALETTE[colour][0], steps, value, lo, hi, dashed=dashed)


def _draw_ends(groups: Sequence[Condition], narrow: bool) -> Figure:
    """For each condition: every seed as a dot, and mean and interval beneath, at the last evaluation."""
    room = Room(left=118, right=20, top=24, bottom=24)
    figure, both = panels(len(ENDS), narrow=narrow, height=34.0 * len(groups), room=room)
    for axes, (metric, colour) in zip(both, ENDS, strict=True):
        name_rows(axes, metric.heading, [group.label for group in groups])
        for row, group in enumerate(groups):
            _draw_end(axes, group, metric.key, -row, PALETTE[colour][0])
        if metric.key != GAP:
            percent_across(axes)
    return figure


def _draw_end(axes: Axes, group: Condition, key: str, row: int, colour: str) -> None:
    values = np.array(group.at(key, "last")) * 100
    axes.plot(
        values, np.full(values.size, row + 0.14), "o", color=colour, alpha=0.45, markersize=3.6, markeredgewidth=0
    )
    mean = group.mean_at(key, "last", bounded=key != GAP)
    if mean.bounds is not None:
        axes.hlines(row - 0.12, mean.bounds[0] * 100, mean.bounds[1] * 100, color=colour, linewidth=1.6)
    axes.plot(np.array([mean.value], dtype=float) * 100, [row - 0.12], "D", color=colour, markersize=4.4)


def _spoken(groups: Sequence[Condition], key: str, what: str, unit: str) -> str:
    """A description for those who cannot see the figure: where each condition starts and ends."""
    ends = []
    for group in groups:
        first, last = (group.mean_at(key, end, bounded=False) for end in ("first", "last"))
        ends.append(f"{group.label}: {wording.figure(first, unit)} to {wording.figure(last, unit)}")
    return f"{what}, mean over runs at the first and the last evaluation. {'; '.join(ends)}."
