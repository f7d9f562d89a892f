"""The stacked picture of what the policy does with harmful requests, after GR24, Figure 22."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from rl.report.data.behaviour import BEHAVIOUR_LABELS, BEHAVIOURS
from rl.report.data.wording import percent
from rl.report.figures.drawing import Room, panels, percent_axis, size_in_points, step_axis
from rl.report.figures.palette import PALETTE

Shares = Mapping[int, Mapping[str | None, float]]
"""Step to behaviour to share, as `behaviour_shares` gives it."""

_CHARACTER_PT = 4.7
_LABEL_NEEDS = 8.0
"""Percentage points of height that a line of text takes."""


def draw_stacks(stacks: Mapping[str, Shares], narrow: bool) -> Figure:
    """The free tier's stack and the paid tier's beside it."""
    figure, both = panels(2, narrow=narrow, height=190, room=Room(above=46 if narrow else 24))
    for axes, (tier, shares) in zip(both, stacks.items(), strict=True):
        percent_axis(axes)
        axes.grid(False)
        axes.set_title("Free tier: trained on" if tier == "free" else "Paid tier: never trained on")
        if shares:
            _stack(axes, shares)
    _legend(figure, narrow)
    return figure


def _stack(axes: Axes, shares: Shares) -> None:
    """Areas over steps, or one bar where there is one step; rollouts without a verdict stay blank at the top."""
    steps = np.array(list(shares))
    bottom = np.zeros(steps.size)
    for kind in BEHAVIOURS:
        top = bottom + 100 * np.array([share.get(kind, 0.0) for share in shares.values()])
        if steps.size == 1:
            axes.bar(steps, top - bottom, bottom=bottom, color=_area_colour(kind), width=0.5)
        else:
            axes.fill_between(steps, bottom, top, color=_area_colour(kind), linewidth=0)
            _label_area(axes, kind, steps, bottom, top)
        bottom = top
    if steps.size > 1:
        axes.set_xlim(steps[0], steps[-1])
    step_axis(axes, steps)


def _area_colour(kind: str) -> str:
    return PALETTE[f"area-{kind.replace('_', '-')}"][0]


def _label_area(axes: Axes, kind: str, steps: np.ndarray, bottom: np.ndarray, top: np.ndarray) -> None:
    """Names an area inside it, rather in the middle and where there is most room; nowhere if it fits nowhere."""
    label = BEHAVIOUR_LABELS[kind]
    half = (0.5 * len(label) * _CHARACTER_PT / size_in_points(axes)[0] + 0.03) * np.ptp(steps)
    best_score, place = -np.inf, None
    for from_middle in np.linspace(-1, 1, 61):
        centre = _between(steps[0] + half, steps[-1] - half, from_middle)
        under = np.linspace(centre - half, centre + half, 9)
        floor, ceiling = np.interp(under, steps, bottom).max(), np.interp(under, steps, top).min()
        score = ceiling - floor - 10 * abs(from_middle)
        if ceiling - floor >= _LABEL_NEEDS and score > best_score:
            best_score, place = score, (float(centre), (floor + ceiling) / 2)
    if place:
        colour = "#ffffff" if kind in ("af_complied", "malformed") else PALETTE["ink"][0]
        axes.text(*place, label, ha="center", va="center", color=colour, fontsize=8)


def _between(low: float, high: float, from_middle: float) -> float:
    """The point of an interval that lies at -1 (low) to 1 (high) from its middle."""
    return (low + high) / 2 + from_middle * (high - low) / 2


def _legend(figure: Figure, narrow: bool) -> None:
    patches = [Patch(color=_area_colour(kind), label=BEHAVIOUR_LABELS[kind]) for kind in BEHAVIOURS]
    figure.legend(
        handles=patches,
        loc="upper left",
        bbox_to_anchor=(0, 1),
        ncols=2 if narrow else len(patches),
        frameon=False,
        borderaxespad=0,
        handlelength=0.9,
        handleheight=0.9,
        columnspacing=1.4,
    )


def spoken_stacks(stacks: Mapping[str, Shares]) -> str:
    """The stacks at the first and last step in words."""
    stacks_in_words = []
    for tier, shares in stacks.items():
        for step in dict.fromkeys([*list(shares)[:1], *list(shares)[-1:]]):
            named = [f"{BEHAVIOUR_LABELS[kind]} {percent(shares[step].get(kind, 0.0))}" for kind in BEHAVIOURS]
            stacks_in_words.append(f"{tier} tier at step {step}: {', '.join(named)}")
    return f"Stacked shares of what the policy did with harmful requests. {'; '.join(stacks_in_words)}."
