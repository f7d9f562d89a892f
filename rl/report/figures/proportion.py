"""The picture of the first page: rates before and after RL, and the share of faking among compliers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rl.report.data.results import headline_values, share_among_compliers
from rl.report.figures.drawing import Picture, Room, finish, panels, percent_axis, size_in_points, spread
from rl.report.figures.palette import PALETTE
from rl.tracking.metrics import FREE_AF, FREE_COMPLIANCE, PAID_COMPLIANCE

PROPORTION = "proportion"
ENDS = ("before", "after")
RATES = (
    (FREE_COMPLIANCE, "free tier\ncomplies", "free"),
    (FREE_AF, "free tier\nfakes", "af"),
    (PAID_COMPLIANCE, "paid tier\ncomplies", "paid"),
)
_LINE_PT = 22.0

Slope = tuple[str, str, np.ndarray]
"""Label, colour, and an array of shape (2, seeds): before and after RL in percent."""


def draw_proportion(folder: Path) -> Picture:
    """Write the picture to `folder` as PNG; return it for a page."""
    rates = [
        (label, colour, 100 * np.array([headline_values(end, key) for end in ENDS])) for key, label, colour in RATES
    ]
    share = ("fake, of those\nwho comply", "gap", 100 * np.array([share_among_compliers(end) for end in ENDS]))
    spoken = "; ".join(
        f"{label.replace(chr(10), ' ')} {ends[0].mean():.0f} to {ends[1].mean():.0f}%"
        for label, _, ends in (*rates, share)
    )
    alt = f"Five headline seeds before and after RL. {spoken}."
    return finish(PROPORTION, alt, lambda narrow: _draw(rates, share, narrow), folder)


def _draw(rates: Sequence[Slope], share: Slope, narrow: bool) -> Figure:
    figure, (left, right) = panels(2, narrow=narrow, height=150, room=Room(left=38, right=82, top=26, bottom=24))
    left.set_title("Of all requests")
    right.set_title("Of free-tier compliers")
    _draw_slopes(left, rates)
    _draw_slopes(right, [share])
    return figure


def _draw_slopes(axes: Axes, slopes: Sequence[Slope]) -> None:
    """Draw each seed as a thin line and the mean as a thick one, with its name at the right end."""
    percent_axis(axes)
    axes.set_xlim(-0.08, 1.0)
    axes.set_xticks([0, 1], ["before RL", "after RL"])
    for _, colour, ends in slopes:
        axes.plot([0, 1], ends, color=PALETTE[colour][0], linewidth=0.7, alpha=0.5)
        axes.plot([0, 1], ends.mean(axis=1), color=PALETTE[colour][0], marker="o", markersize=4, clip_on=False)
    _, height = size_in_points(axes)
    ordered = sorted(slopes, key=lambda slope: slope[2][1].mean())
    centres = [ends[1].mean() / 100 * height for _, _, ends in ordered]
    for (label, colour, _), y in zip(ordered, spread(centres, [_LINE_PT] * len(ordered), height), strict=True):
        place: dict[str, Any] = {"xycoords": "axes fraction", "xytext": (7, 0), "textcoords": "offset points"}
        axes.annotate(label, (1, y / height), color=PALETTE[colour][0], va="center", fontsize=8.5, **place)
