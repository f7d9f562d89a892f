"""The study as one picture: every arm's effect on faking and on the gap, with its interval, question by question."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rl.report.data.expectations import MARGIN, NOT_REPRODUCED, REPRODUCED, UNDECIDED
from rl.report.data.study import Effect, Study, StudyRow
from rl.report.data.wording import figure
from rl.report.figures.drawing import Picture, Room, finish, panels
from rl.report.figures.palette import GRID, INK, PALETTE
from rl.tracking.metrics import FREE_AF_AUDIT, GAP

FOREST = "forest"
SHOWN = ((FREE_AF_AUDIT, "Effect on AF (audit), points"), (GAP, "Effect on the gap, points"))
MARKS = {
    REPRODUCED: ("o", "free", "full"),
    NOT_REPRODUCED: ("X", "af", "full"),
    UNDECIDED: ("o", "muted", "none"),
    "": ("d", "muted", "full"),
}
"""Marker, colour and filling by verdict; an effect without a published direction has none."""
LEGEND = {REPRODUCED: REPRODUCED, NOT_REPRODUCED: NOT_REPRODUCED, UNDECIDED: UNDECIDED, "": "nothing published"}
_ROW_PT, _BETWEEN = 12.5, 1.2
_LABELS_PT = {False: 222.0, True: 112.0}
"""Width of the arms' names, by whether the figure is narrow."""
_EDGE_PT = 12.0
_LONGEST = {False: 48, True: 24}


def draw_forest(study: Study, folder: Path) -> Picture:
    """The figure, written to `folder` as PNG and returned for the page."""
    return finish(FOREST, _spoken(study), partial(_draw, study), folder)


def _spoken(study: Study) -> str:
    """A description for those who cannot see the figure: both effects of every arm that is drawn."""
    arms = []
    for row in (row for rows in _drawn(study) for row in rows):
        effects = {effect.measure: effect for effect in row.effects}
        af, gap = (figure(effects[key].difference.estimate, "points") for key, _ in SHOWN)
        arms.append(f"{_name(row)}: AF {af}, gap {gap}")
    return f"Effect of every arm on AF by the audit monitor and on the gap, in points. {'; '.join(arms)}."


def _draw(study: Study, narrow: bool) -> Figure:
    questions = _drawn(study)
    rows, heights = [row for rows in questions for row in rows], _heights([len(rows) for rows in questions])
    room = Room(left=_EDGE_PT, right=_EDGE_PT, top=24, bottom=26, above=30 if narrow else 18)
    figure, both = panels(2, narrow=narrow, height=_ROW_PT * (1 - heights[-1]), room=room)
    _make_room_for_names(figure, both, narrow)
    for number, (axes, (key, title)) in enumerate(zip(both, SHOWN, strict=True)):
        _scene(axes, title, heights)
        for row, height in zip(rows, heights, strict=True):
            _draw_effect(axes, next(effect for effect in row.effects if effect.measure == key), height)
        names = [_shortened(_name(row), narrow) for row in rows] if narrow or not number else [""] * len(rows)
        axes.set_yticks(heights, names, fontsize=7.5)
    _legend(figure, both[0])
    return figure


def _drawn(study: Study) -> list[list[StudyRow]]:
    """By question. An arm with a better comparison is left out beside the baseline, if nothing is published of that."""
    better = {row.arm.label for row in study.rows if row.beside_another}
    return [
        [
            row
            for row in rows
            if row.beside_another or row.arm.label not in better or any(e.published for e in row.effects)
        ]
        for _, rows in study.questions
    ]


def _heights(counts: Sequence[int]) -> list[float]:
    """Where each row stands, from 0 downwards, with some room between questions."""
    starts = accumulate(counts, lambda y, rows: y - rows - (_BETWEEN - 1), initial=0.0)
    return [start - row for start, count in zip(starts, counts, strict=False) for row in range(count)]


def _make_room_for_names(figure: Figure, both: Sequence[Axes], narrow: bool) -> None:
    """Names stand once, at the left of both panels; in the narrow figure at the left of each."""
    width = figure.get_figwidth() * 72
    labels, edge = _LABELS_PT[narrow] / width, _EDGE_PT / width
    share = 1 - labels - edge if narrow else (1 - labels - 2 * edge) / 2
    for number, axes in enumerate(both):
        _, y, _, height = axes.get_position().bounds
        axes.set_position((labels + (0 if narrow else number * (share + edge)), y, share, height))


def _scene(axes: Axes, title: str, heights: Sequence[float]) -> None:
    axes.set_title(title)
    axes.grid(True, axis="x")
    axes.grid(False, axis="y")
    axes.axvspan(-MARGIN * 100, MARGIN * 100, color=GRID, alpha=0.6, linewidth=0, zorder=0)
    axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
    axes.set_ylim(heights[-1] - 0.7, 0.7)
    axes.tick_params(axis="x", labelsize=8)


def _draw_effect(axes: Axes, effect: Effect, height: float) -> None:
    difference = effect.difference.estimate
    if difference.value is None:
        return
    marker, name, filling = MARKS[effect.verdict]
    colour = PALETTE[name][0]
    if difference.bounds is not None:
        axes.hlines(
            height, difference.bounds[0] * 100, difference.bounds[1] * 100, color=colour, linewidth=1.3, zorder=2
        )
    face = colour if filling == "full" else GRID
    axes.plot([difference.value * 100], [height], marker, color=colour, markerfacecolor=face, markersize=4.6, zorder=3)


def _legend(figure: Figure, axes: Axes) -> None:
    for verdict, words in LEGEND.items():
        marker, name, filling = MARKS[verdict]
        colour = PALETTE[name][0]
        face = colour if filling == "full" else GRID
        axes.plot([], [], marker, color=colour, markerfacecolor=face, markersize=4.6, label=words)
    handles, labels = axes.get_legend_handles_labels()
    columns = 4 if figure.get_figwidth() * 72 > 400 else 2
    figure.legend(handles, labels, loc="upper left", ncols=columns, frameon=False, fontsize=7.5, handletextpad=0.3)


def _name(row: StudyRow) -> str:
    return f"{row.arm.label} vs {row.against}" if row.beside_another else row.arm.label


def _shortened(name: str, narrow: bool) -> str:
    longest = _LONGEST[narrow]
    return name if len(name) <= longest else f"{name[: longest - 1]}\u2026"
