"""Figures of the probes: AUROC by layer and step, the cosine of directions over steps, the probe beside the monitor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from rl.probe.positions import LAST_PROMPT
from rl.probe.records import only
from rl.report.figures.drawing import Line, Room, draw_lines, panels
from rl.report.figures.palette import INK, MUTED, PALETTE, STYLE

MOST_ANNOTATED = 120
"""A heat map with more cells than this goes without numbers."""
HEAT = LinearSegmentedColormap.from_list("probe", ["#ffffff", PALETTE["free"][0]])
ABSENT = "#d8dbdf"
COSINE_TARGETS = {"tier": "paid", "harmful": "ink", "af": "af", "compliance": "free"}
"""Target to the colour of its line."""
STRATA = {"free harmful": "af", "paid harmful": "paid", "free benign": "muted", "paid benign": "gap"}


def draw_figures(found: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write every figure as PNG; their paths."""
    drawings = {"cosine": partial(_cosines, found), "probe_and_monitor": partial(_beside_monitor, found)}
    return [*draw_heat_maps(found, folder), *_drawn(drawings, folder)]


def draw_heat_maps(found: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write one heat map for every target, of one run or of means over runs; their paths."""
    return _drawn({f"auroc_{target}": partial(_heat_maps, found, target) for target in found["targets"]}, folder)


def _drawn(drawings: Mapping[str, Callable[[], Figure]], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.png" for name in drawings]
    with mpl.rc_context(STYLE):
        for path, draw in zip(paths, drawings.values(), strict=True):
            draw().savefig(path, dpi=160, facecolor="white")
    return paths


def _heat_maps(found: Mapping[str, Any], target: str) -> Figure:
    height = 16.0 * max(4, min(found["layers"], 24))
    figure, axes = panels(len(found["positions"]), narrow=False, height=height, room=Room(above=18))
    for one, position in zip(axes, found["positions"], strict=True):
        cells = [cell for cell in found["probes"] if (cell["target"], cell["position"]) == (target, position)]
        _heat_map(one, found, {(cell["layer"], cell["step"]): cell["auroc"] for cell in cells})
        one.set_title(position.replace("_", " "))
    figure.text(0.01, 0.99, f"AUROC, {target.replace('_', ' ')}; grey: too few", va="top", fontsize=9, color=INK)
    return figure


def _heat_map(axes: Axes, found: Mapping[str, Any], figures: Mapping[tuple[int, int], Any]) -> None:
    steps, layers = found["steps"], found["layers"]
    known = {place: figure["value"] for place, figure in figures.items() if figure and figure["value"] is not None}
    grid = np.array([[known.get((layer, step), np.nan) for step in steps] for layer in range(layers)])
    axes.set_facecolor(ABSENT)
    axes.grid(False)
    axes.imshow(grid, origin="lower", aspect="auto", cmap=HEAT, vmin=0.5, vmax=1.0)
    axes.set_xticks(range(len(steps)), [str(step) for step in steps])
    axes.set_xlabel("RL step")
    axes.set_ylabel("layer")
    axes.set_yticks(range(0, layers, max(1, layers // 8)))
    if grid.size <= MOST_ANNOTATED:
        for (layer, place), value in np.ndenumerate(grid):
            if np.isfinite(value):
                ink = "white" if value > 0.8 else INK
                axes.text(place, layer, f"{value:.2f}", ha="center", va="center", fontsize=7, color=ink)


def _cosines(found: Mapping[str, Any]) -> Figure:
    """Solid: with the first step that has a direction; dashed: between halves of the acts of one step."""
    figure, axes = panels(len(COSINE_TARGETS), narrow=False, height=110, room=Room(right=48, above=18), columns=2)
    for one, (target, colour) in zip(axes, COSINE_TARGETS.items(), strict=True):
        wanted = {"target": target, "position": LAST_PROMPT, "layer": found["reading_layer"]}
        record = only(found["directions"], wanted)
        one.set_title(target)
        one.axhline(0, color=MUTED, linewidth=1)
        one.set_ylim(-1, 1.05)
        draw_lines(one, _cosine_lines(record, PALETTE[colour][0]))
    told = f"Cosine of difference-of-means directions, last prompt token, layer {found['reading_layer']}"
    figure.text(0.01, 0.99, told, va="top", fontsize=9, color=INK)
    return figure


def _cosine_lines(record: Mapping[str, Any], colour: str) -> list[Line]:
    steps, table = np.array(record["steps"]), np.array(record["cosine"], dtype=float)
    with_direction = np.flatnonzero(np.isfinite(np.diag(table)))
    if not len(with_direction):
        return []
    first = int(with_direction[0])
    halves = np.array(record["split_half"], dtype=float)
    lines = [Line(f"with\nstep {steps[first]}", colour, steps, table[first])]
    return [*lines, Line("halves", MUTED, steps, halves, dashed=True)] if np.isfinite(halves).any() else lines


def _beside_monitor(found: Mapping[str, Any]) -> Figure:
    steps = _ends(found["monitor"])
    figure, axes = panels(len(steps), narrow=False, height=170, room=Room(left=46, above=30), columns=2)
    for one, record in zip(axes, steps, strict=True):
        rank = record["spearman_free_harmful"]
        one.set_title(
            f"step {record['step']}" + ("" if rank is None else f": rank correlation, free harmful, {rank:.2f}")
        )
        one.set_xlabel("monitor's score of the scratchpad")
        one.set_ylabel("probe's log-odds before it")
        one.set_xlim(-0.03, 1.03)
        if not record["chats"]:
            one.text(0.5, 0.5, "too few", transform=one.transAxes, ha="center", va="center")
        for stratum, colour in STRATA.items():
            chats = [chat for chat in record["chats"] if chat["stratum"] == stratum]
            places = [chat["monitor"] for chat in chats], [chat["probe"] for chat in chats]
            one.plot(*places, "o", markersize=3, alpha=0.6, color=PALETTE[colour][0], label=stratum)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="upper left", ncols=4, frameon=False, fontsize=8)
    return figure


def _ends(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [records[0], records[-1]] if len(records) > 1 else list(records)
