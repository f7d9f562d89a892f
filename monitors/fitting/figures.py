"""Figures of the validity report, drawn on axes that are handed in: the documentation and a run's page share them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

CALIBRATED = {"faking": "First faking monitor", "audit": "Audit monitor", "compliance": "Compliance monitor"}
MOST_KINDS = 12
"""Voices shown, the most frequent ones."""


def draw_calibration(axes: Axes, curve: dict[str, Any], colour: str, diagonal: str) -> None:
    """Draw the share of positives over the mean score of each bin, with 95% bars; perfect is the diagonal."""
    bins = curve["bins"]
    x, y, low, high = (100 * np.array([one[key] for one in bins]) for key in ("mean_score", "share", "low", "high"))
    axes.plot([0, 100], [0, 100], color=diagonal, linewidth=1, zorder=1)
    axes.vlines(x, low, high, color=colour, alpha=0.5, linewidth=1.4, zorder=2)
    axes.plot(x, y, "o-", color=colour, markersize=3.2, linewidth=1.2, zorder=3, clip_on=False)
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    axes.set_xticks([0, 50, 100], ["0", "50", "100%"])
    axes.set_yticks([0, 50, 100], ["0", "50", "100%"])
    axes.set_xlabel("score")


def draw_styles(axes: Axes, at_fit: dict[str, Any], colours: Sequence[str]) -> None:
    """Draw the share judged rightly by each faking monitor, a row for each frequent voice with its number of texts."""
    first, audit = at_fit["faking"]["by_style"], at_fit["audit"]["by_style"]
    styles = sorted(first, key=lambda style: -sum(first[style].values()))[:MOST_KINDS][::-1]
    for monitor, marker, colour in ((first, "o", colours[0]), (audit, "D", colours[1])):
        shares = [100 * share_right(monitor[style]) for style in styles]
        axes.plot(shares, range(len(styles)), marker, color=colour, markersize=4)
    axes.set_yticks(range(len(styles)), [f"{style} ({sum(first[style].values())})" for style in styles])
    axes.set_xlim(40, 101)
    axes.set_xlabel("% judged rightly")


def share_right(counts: dict[str, int]) -> float:
    """Return share of texts with a right verdict among those with a verdict."""
    judged = sum(counts.values()) - counts["unread"]
    return (counts["found"] + counts["left_alone"]) / judged if judged else 0.0


def save_figures(report: dict[str, Any], folder: Path) -> list[Path]:
    """Write `calibration.png` and `voices.png`."""
    folder.mkdir(parents=True, exist_ok=True)
    curves = Figure(figsize=(8.4, 2.8), layout="constrained")
    for axes, (name, title) in zip(curves.subplots(1, len(CALIBRATED)), CALIBRATED.items(), strict=True):
        draw_calibration(axes, report["at_fit"][name]["calibration"], "#c23b20", "#a3acb8")
        axes.set_title(title, fontsize=10)
    curves.axes[0].set_ylabel("share that is so")
    voices = Figure(figsize=(6, 3.8), layout="constrained")
    axes = voices.subplots()
    draw_styles(axes, report["at_fit"], ("#c23b20", "#1f5fa8"))
    axes.legend(["first monitor", "audit"], frameon=False, loc="lower left")
    return [_save(figure, folder / name) for figure, name in ((curves, "calibration.png"), (voices, "voices.png"))]


def _save(figure: Figure, path: Path) -> Path:
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    return path
