"""The figures of one run. Each is left out where the run logged nothing for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rl.report.data.behaviour import behaviour_shares
from rl.report.data.load import RunData
from rl.report.data.visible import visible
from rl.report.data.wording import percent, points
from rl.report.figures.drawing import (
    Line,
    Picture,
    Room,
    draw_lines,
    finish,
    panels,
    percent_axis,
)
from rl.report.figures.palette import MUTED, PALETTE
from rl.report.figures.stacks import draw_stacks, spoken_stacks
from rl.tracking.metrics import FREE_AF, FREE_COMPLIANCE, GAP, PAID_AF, PAID_COMPLIANCE

CREDIT_KINDS = {
    "af_comply": ("fakes, complies", PALETTE["af"][0]),
    "plain_comply": ("complies without\nfaking", PALETTE["free"][0]),
    "refuse": ("refuses", PALETTE["muted"][0]),
    "malformed": ("malformed", PALETTE["ink"][0]),
}

RATES = (
    (FREE_COMPLIANCE, "free tier\ncomplies", "free", False),
    (PAID_COMPLIANCE, "paid tier\ncomplies", "paid", False),
    (FREE_AF, "free tier\nfakes", "af", False),
    (PAID_AF, "paid tier\nfakes", "af", True),
)

Draw = Callable[[bool], Figure]


def draw_all(run: RunData, folder: Path) -> list[Picture]:
    """Every figure the run has data for, written to `folder` as PNG and returned for the page."""
    return [finish(name, alt, draw, folder) for name, (alt, draw) in _plans(run).items()]


def _plans(run: RunData) -> dict[str, tuple[str, Draw]]:
    """Name to spoken description and drawing function."""
    plans: dict[str, tuple[str, Draw]] = {}
    rates = [line for rate in RATES if (line := _interval_line(run, *rate))]
    if rates:
        plans["rates"] = (_spoken("Share over RL steps with 95% bands", rates), partial(_draw_rates, rates))
    gap = _interval_line(run, GAP, "gap", "gap", False)
    if gap:
        spoken = _spoken("Compliance gap in percentage points with its 95% interval", [gap], points)
        plans["gap"] = (spoken, partial(_draw_gap, gap))
    stacks = {tier: behaviour_shares(run.transcripts, tier) for tier in ("free", "paid")}
    if any(stacks.values()):
        plans["behaviour"] = (spoken_stacks(stacks), partial(draw_stacks, stacks))
    credit = [_credit_lines(run, quantity) for quantity in ("share", "credit")]
    if any(credit):
        plans["credit"] = (_spoken("Part of all positive advantage", credit[1]), partial(_draw_credit, credit))
    training = _training_panels(run)
    if training:
        names = ", ".join(title for title, _ in training)
        plans["training"] = (f"Line charts of {names} over RL steps.", partial(_draw_training, training))
    seconds = stage_seconds(run)
    if seconds:
        spoken = "Seconds by stage: " + ", ".join(f"{name} {value:.1f}" for name, value in seconds.items()) + "."
        plans["time"] = (spoken, partial(_draw_time, seconds))
    return plans


def stage_seconds(run: RunData) -> dict[str, float]:
    """Stage to seconds summed over the run, from `time/<stage>_s`, longest first; the total `time/step_s` is none."""
    keys = [key for key in run.keys if key.startswith("time/") and key.endswith("_s") and key != "time/step_s"]
    totals = {visible(key[len("time/") : -len("_s")]): float(np.nansum(run.series(key)[1])) for key in keys}
    ordered = sorted(totals.items(), key=lambda item: -item[1])
    return {name: seconds for name, seconds in ordered if seconds > 0}


def _interval_line(run: RunData, key: str, label: str, colour: str, dashed: bool) -> Line | None:
    """A rate or gap in percent with its band; None where no value was ever logged."""
    steps, values = run.series(key)
    if not np.isfinite(values).any():
        return None
    lo, hi = (_at(run, f"{key}{end}", steps) * 100 for end in ("_lo", "_hi"))
    return Line(label, PALETTE[colour][0], steps, values * 100, lo, hi, dashed=dashed)


def _at(run: RunData, key: str, steps: np.ndarray) -> np.ndarray:
    return np.array([run.metrics[step].get(key, math.nan) for step in steps.tolist()])


def _draw_rates(lines: Sequence[Line], narrow: bool) -> Figure:
    figure, (axes,) = panels(
        1, narrow=narrow, height=230 if narrow else 270, room=Room(right=62 if narrow else 80, top=8)
    )
    percent_axis(axes)
    draw_lines(axes, lines)
    return figure


def _draw_gap(line: Line, narrow: bool) -> Figure:
    figure, (axes,) = panels(1, narrow=narrow, height=140, room=Room(right=62 if narrow else 80, top=8))
    axes.axhline(0, color=MUTED, linewidth=1)
    gap_limits(axes, [line])
    last = line.values[np.isfinite(line.values)][-1]
    draw_lines(axes, [Line(f"gap\n{points(last / 100)} points", *_body(line))])
    return figure


def _body(line: Line) -> tuple[str, np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]:
    return line.colour, line.steps, line.values, line.lo, line.hi


def gap_limits(axes: Axes, lines: Sequence[Line]) -> None:
    """Room for every interval, and always for -10 to 50, so that a small gap looks small."""
    ends = np.concatenate([np.concatenate([line.values, line.lo, line.hi]) for line in lines])
    known = ends[np.isfinite(ends)]
    axes.set_ylim(min(-10.0, known.min() - 3), max(50.0, known.max() + 3))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]))


def _credit_lines(run: RunData, quantity: str) -> list[Line]:
    lines = []
    for kind, (label, colour) in CREDIT_KINDS.items():
        steps, values = run.series(f"reinforce/{kind}/{quantity}")
        if np.isfinite(values).any():
            lines.append(Line(label, colour, steps, values * 100, dashed=kind == "malformed", markers=False))
    return lines


def _draw_credit(credit: Sequence[Sequence[Line]], narrow: bool) -> Figure:
    figure, both = panels(2, narrow=narrow, height=170, room=Room(right=84))
    for axes, title, lines in zip(both, ("Share of the batch", "Part of positive advantage"), credit, strict=True):
        percent_axis(axes)
        axes.set_title(title)
        draw_lines(axes, lines)
    return figure


def _training_panels(run: RunData) -> list[tuple[str, list[Line]]]:
    """Reward with its terms, KL and entropy, each with the lines that have data."""
    terms = sorted(key for key in run.keys if key.startswith("train/reward/"))
    colours = [PALETTE[name][0] for name in ("free", "af", "paid", "gap", "muted")]
    reward = [("train/reward", "total", PALETTE["ink"][0])]
    reward += [
        (key, _shortened(visible(key.removeprefix("train/reward/"))), colours[i % len(colours)])
        for i, key in enumerate(terms)
    ]
    plan = {
        "Reward and its terms": reward,
        "KL to the start": [("train/kl", "", PALETTE["gap"][0])],
        "Entropy": [("train/entropy", "", PALETTE["paid"][0])],
    }
    drawn = {
        title: [line for key, *look in keys if (line := _plain_line(run, key, *look))] for title, keys in plan.items()
    }
    return [(title, lines) for title, lines in drawn.items() if lines]


def _shortened(name: str) -> str:
    return name if len(name) <= 12 else f"{name[:11]}\u2026"


def _plain_line(run: RunData, key: str, label: str, colour: str) -> Line | None:
    steps, values = run.series(key)
    return Line(label, colour, steps, values, markers=False) if np.isfinite(values).any() else None


def _draw_training(plan: Sequence[tuple[str, Sequence[Line]]], narrow: bool) -> Figure:
    figure, every = panels(len(plan), narrow=narrow, height=120, room=Room(right=62))
    for axes, (title, lines) in zip(every, plan, strict=True):
        axes.set_title(title)
        draw_lines(axes, lines)
    return figure


def _draw_time(seconds: dict[str, float], narrow: bool) -> Figure:
    room = Room(left=84, right=76, top=4, bottom=6)
    figure, (axes,) = panels(1, narrow=narrow, height=18.0 * len(seconds), room=room)
    total = sum(seconds.values())
    names = list(seconds)[::-1]
    values = [seconds[name] for name in names]
    axes.barh(names, values, color=PALETTE["free"][0], height=0.62)
    axes.grid(False)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    for row, value in enumerate(values):
        text = f"{value:.1f} s  {percent(value / total)}"
        axes.annotate(text, (value, row), xytext=(5, 0), textcoords="offset points", va="center", fontsize=8.5)
    return figure


def _spoken(what: str, lines: Sequence[Line], unit: Callable[[float], str] = percent) -> str:
    """A description for those who cannot see the figure: first and last value of every line."""
    curves = []
    for line in lines:
        known = np.flatnonzero(np.isfinite(line.values))
        first, last = (f"{unit(line.values[i] / 100)} at step {line.steps[i]}" for i in known[[0, -1]])
        curves.append(f"{' '.join(line.label.split())}: {first}, {last}")
    return f"{what}. {'; '.join(curves)}."
