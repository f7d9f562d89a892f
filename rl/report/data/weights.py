"""How far every part of a model moved over the checkpoints of a run.

Tensors are read one at a time, so that models larger than the memory can be looked at. A checkpoint of a run with LoRA
holds the merged weights, which are what is read; the adapters beside them are passed over.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rl.errors import MissingFile
from rl.files.checkpoint import verify_checkpoint
from rl.files.tensors import open_tensors, shapes
from rl.report.data.weight_cells import EMBEDDING, HEAD, MODULES, Cell, WeightSeries, place_of


def read_series(checkpoints: Mapping[int, Path]) -> WeightSeries:
    """Compare every checkpoint with the first; those that are not whole are left out and named.

    Args:
        checkpoints: From step to folder, steps ascending.
    """
    whole: dict[int, Mapping[str, str]] = {}
    left_out: dict[int, str] = {}
    for step, folder in checkpoints.items():
        try:
            whole[step] = verify_checkpoint(folder)["sha256"]
        except MissingFile as error:
            left_out[step] = str(error)
    with ExitStack() as stack:
        opened: dict[int, dict[str, Any]] = {}
        for step, hashes in whole.items():
            tensors = stack.enter_context(open_tensors(checkpoints[step], hashes))
            first = next(iter(opened.values()), tensors)
            if not tensors or shapes(tensors) != shapes(first):
                left_out[step] = f"checkpoint {checkpoints[step]} holds other tensors than the first"
            else:
                opened[step] = tensors
        start = next(iter(opened), None)
        cells = () if start is None else _cells(list(opened.values()), _tied(checkpoints[start]))
    return WeightSeries(tuple(opened), cells, left_out)


def _tied(folder: Path) -> bool:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return bool({**config, **config.get("text_config", {})}.get("tie_word_embeddings"))


def _cells(series: list[dict[str, Any]], tied: bool) -> tuple[Cell, ...]:
    """One pass over the tensors: each is read from the first checkpoint once, and from every other one beside it."""
    sums: dict[tuple[int | None, str], list[float]] = {}
    counts: dict[tuple[int | None, str], int] = {}
    names = {name: place_of(name) for name in series[0]}
    embedded = any(kind == EMBEDDING for _, kind in names.values())
    for name, place in names.items():
        # Tied weights are one matrix; a file that holds it twice shows it under the embedding alone.
        if tied and embedded and place[1] == HEAD:
            continue
        first = series[0][name].get_tensor(name).float()
        squares = [_square(first), *(_square(later[name].get_tensor(name).float() - first) for later in series)]
        sums[place] = [a + b for a, b in zip(sums.get(place, [0.0] * len(squares)), squares, strict=True)]
        counts[place] = counts.get(place, 0) + first.numel()
    order = sorted(sums, key=lambda place: (place[0] is None, place[0] or 0, MODULES.index(place[1])))
    return tuple(
        Cell(*place, counts[place], math.sqrt(sums[place][0]), tuple(map(math.sqrt, sums[place][1:])))
        for place in order
    )


def _square(tensor: Any) -> float:
    """The sum of squares, in double precision: it runs over many millions of small numbers."""
    return float(tensor.double().square().sum())
