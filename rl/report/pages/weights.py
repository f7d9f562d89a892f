"""The chapter of a run's report on its weights: which layer and module RL moved, and how that grew over the steps."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from rl.files.atomic import replace_text
from rl.files.checkpoint import INFO_FILE, saved_checkpoints
from rl.report.data.visible import visible
from rl.report.data.weight_cells import (
    ATTENTION,
    EMBEDDING,
    HEAD,
    MLP,
    MODULES,
    NORMS,
    OTHER,
    Cell,
    WeightSeries,
    pooled,
)
from rl.report.data.wording import percent
from rl.report.figures.drawing import NARROW_PT, WIDE_PT, Line, Room, draw_lines, finish, panels
from rl.report.figures.palette import GRID, INK, PALETTE
from rl.report.pages.chapters import Chapter

NAME = "weights"
TITLE = "Where in the weights"
NOTE = (
    "Relative norm of the update, \u2016W at the step \u2212 W at the first checkpoint\u2016 / \u2016W at the first "
    "checkpoint\u2016, over all tensors of a cell together. Input at the bottom, output at the top; what stands "
    "outside the layers spans the width, and a head that shares the embedding\u2019s weights is counted there. A large "
    "relative change is not yet a large effect: docs/probing.md says how to look at effects."
)
COLOURS = {
    ATTENTION["q"]: "free",
    ATTENTION["k"]: "paid",
    ATTENTION["v"]: "af",
    ATTENTION["qkv"]: "free",
    ATTENTION["o"]: "gap",
    ATTENTION["rest"]: "free",
    MLP: "ink",
    NORMS: "muted",
    OTHER: "muted",
    EMBEDDING: "area-complied",
    HEAD: "area-af-complied",
}
_PALEST, _STRONGEST = 0.04, 0.6
_MOST_NUMBERED = 16
"""Layers up to which every cell has its number written into it."""


def weights_chapter(run_dir: Path, figures: Path) -> Chapter | None:
    """The chapter of a run with two whole checkpoints or more, its picture and figures written to `figures`."""
    checkpoints = saved_checkpoints(run_dir)
    if len(checkpoints) < 2:
        return None
    series = _series(checkpoints, figures / f"{NAME}.json")
    if len(series.steps) < 2:
        return None
    left = "; ".join(f"step {step} is left out: {visible(why)}" for step, why in series.left_out.items())
    note = f"{NOTE} {left}." if left else NOTE
    return Chapter(TITLE, _look(series), note, finish(NAME, _spoken(series), partial(_draw, series), figures))


def _series(checkpoints: dict[int, Path], cache: Path) -> WeightSeries:
    """The series as it was kept, if it was made of these checkpoints, else made and kept."""
    sources = {str(step): _told_hashes(folder) for step, folder in checkpoints.items()}
    cached = _read(cache)
    if cached is not None and cached["checkpoints"] == sources:
        cells = tuple(Cell(**{**cell, "updates": tuple(cell["updates"])}) for cell in cached["cells"])
        return WeightSeries(tuple(cached["steps"]), cells, {})
    from rl.report.data.weights import read_series

    series = read_series(checkpoints)
    if not series.left_out:
        content = {"checkpoints": sources, "steps": series.steps, "cells": [asdict(cell) for cell in series.cells]}
        replace_text(cache, json.dumps(content, indent=1, allow_nan=False) + "\n")
    return series


def _told_hashes(folder: Path) -> Any:
    """What a checkpoint says of its weights; None where it says nothing that can be read."""
    try:
        return json.loads((folder / INFO_FILE).read_text(encoding="utf-8"))["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(content, dict) and {"checkpoints", "steps", "cells"} <= content.keys()
    return content if whole else None


def _relative(cell: Cell) -> float:
    return pooled([cell], -1)


def _name(cell: Cell) -> str:
    if cell.layer is None:
        return "the final norm" if cell.module == NORMS else f"the {cell.module}"
    return f"{cell.module} of layer {cell.layer + 1}"


def _look(series: WeightSeries) -> str:
    known = sorted((cell for cell in series.cells if not math.isnan(_relative(cell))), key=_relative)
    first, last = series.steps[0], series.steps[-1]
    whole = _number(pooled(series.cells, -1))
    if not known or _relative(known[-1]) == 0:
        return f"Look for a coloured cell: between step {first} and step {last} no weight has changed."
    most, least = known[-1], known[0]
    squares = {module: sum(c.updates[-1] ** 2 for c in series.cells if c.module == module) for module in MODULES}
    home = max(squares, key=lambda module: squares[module])
    return (
        f"Look at the darkest cell: from step {first} to step {last} {_name(most)} moved by {_number(_relative(most))} "
        f"of its norm, {_name(least)} by {_number(_relative(least))} and the whole model by {whole}. In absolute terms "
        f"{percent(squares[home] / sum(squares.values()))} of the squared change lies in {_plural(home)}."
    )


def _plural(module: str) -> str:
    return f"the {module}" if module in (EMBEDDING, HEAD, NORMS) else f"{module} weights"


def _spoken(series: WeightSeries) -> str:
    cells = "; ".join(f"{_name(cell)}: {_number(_relative(cell))}" for cell in series.cells)
    return f"Relative norm of the update by layer and module at step {series.steps[-1]}. {cells}."


def _number(value: float) -> str:
    """A share in percent; most updates are of a few percent and less."""
    if math.isnan(value):
        return "\u2013"
    return f"{value * 100:.2f}%" if value < 0.1 else f"{value * 100:.0f}%"


def _draw(series: WeightSeries, narrow: bool) -> Figure:
    inside, below, above = _rows(series)
    layers = sorted({cell.layer for cell in inside if cell.layer is not None})
    row = 21.0 if len(layers) <= _MOST_NUMBERED else 8.0
    count = len(layers) + len(below) + len(above)
    room = Room(left=62, right=76, bottom=40)
    figure, (cells, growth) = panels(2, narrow=narrow, height=max(130.0, row * count), room=room, columns=2)
    # The cells have no names at their right end, and take that room for themselves.
    x, y, width, height = cells.get_position().bounds
    cells.set_position((x, y, width + 60 / (NARROW_PT if narrow else WIDE_PT), height))
    _draw_cells(cells, inside, below, above, layers)
    cells.set_title(f"Change at step {series.steps[-1]}")
    growth.set_title("Growth over steps")
    lines = _lines(series)
    growth.set_ylim(0, 1.08 * max((float(line.values.max()) for line in lines), default=0.0) or 1.0)
    growth.yaxis.set_major_formatter(lambda value, _: f"{value:g}%")
    draw_lines(growth, lines)
    return figure


def _rows(series: WeightSeries) -> tuple[list[Cell], list[Cell], list[Cell]]:
    """Cells of layers, and those below and above them."""
    outside = [cell for cell in series.cells if cell.layer is None]
    below = [cell for cell in outside if cell.module == EMBEDDING]
    above = [cell for cell in outside if cell.module != EMBEDDING]
    return [cell for cell in series.cells if cell.layer is not None], below, above


def _draw_cells(
    axes: Axes, inside: Sequence[Cell], below: Sequence[Cell], above: Sequence[Cell], layers: Sequence[int]
) -> None:
    kinds = [module for module in MODULES if any(cell.module == module for cell in inside)]
    width = max(1, len(kinds))
    largest = max((v for c in (*inside, *below, *above) if not math.isnan(v := _relative(c))), default=0.0) or 1.0
    numbered, start = len(layers) <= _MOST_NUMBERED, len(below)
    ticks: dict[float, str] = {}
    for y, cell in enumerate(below):
        _draw_cell(axes, (0, y, width), cell, largest, True)
        ticks[y] = cell.module
    for cell in inside:
        place = (kinds.index(cell.module), start + layers.index(cell.layer or 0), 1)
        _draw_cell(axes, place, cell, largest, numbered)
    every = 1 if numbered else -(-len(layers) // 8)
    ticks |= {start + i: f"layer {layer + 1}" for i, layer in enumerate(layers) if i % every == 0}
    for y, cell in enumerate(above, start + len(layers)):
        _draw_cell(axes, (0, y, width), cell, largest, True)
        ticks[y] = "final norm" if cell.module == NORMS else cell.module
    axes.grid(False)
    axes.set_xlim(0, width)
    axes.set_ylim(0, start + len(layers) + len(above))
    axes.set_xticks(
        [i + 0.5 for i in range(len(kinds))], [kind.replace("attention ", "att. ") for kind in kinds], fontsize=7.5
    )
    axes.set_yticks([y + 0.5 for y in ticks], list(ticks.values()), fontsize=7.5)
    axes.tick_params(length=0)


def _draw_cell(axes: Axes, place: tuple[int, int, int], cell: Cell, largest: float, numbered: bool) -> None:
    """`place` is column, row and how many columns it is wide."""
    x, y, width = place
    value = _relative(cell)
    strength = 0.0 if math.isnan(value) else value / largest
    alpha = _PALEST + (_STRONGEST - _PALEST) * strength
    axes.add_patch(Rectangle((x, y), width, 1, facecolor=PALETTE["gap"][0], alpha=alpha, edgecolor=GRID))
    if numbered:
        axes.text(x + width / 2, y + 0.5, _number(value), ha="center", va="center", fontsize=7, color=INK)


def _lines(series: WeightSeries) -> list[Line]:
    """The relative norm of every kind of module over the steps, all its layers together, in percent."""
    lines = []
    for module in MODULES:
        cells = [cell for cell in series.cells if cell.module == module]
        values = np.array([pooled(cells, i) * 100 for i in range(len(series.steps))]) if cells else np.array([])
        if values.size and np.isfinite(values).all():
            dashed = module in (NORMS, OTHER, ATTENTION["rest"])
            lines.append(Line(module, PALETTE[COLOURS[module]][0], np.array(series.steps), values, dashed=dashed))
    return lines
