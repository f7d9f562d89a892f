"""Cells of a model's weights: a kind of module in a layer, told by the names that tensors have in a checkpoint.

The figure of a cell at a step is ||W_t - W_0|| / ||W_0||, Frobenius norms over all tensors of the cell together.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

EMBEDDING, HEAD, NORMS, MLP, OTHER = "embedding", "head", "norms", "MLP", "other"
ATTENTION = {part: f"attention {part}" for part in ("q", "k", "v", "qkv", "o", "rest")}
MODULES = (*ATTENTION.values(), MLP, NORMS, OTHER, EMBEDDING, HEAD)
"""Kinds of modules in the order in which they are shown."""

_LAYER = re.compile(r"(?:^|\.)(?:layers?|h|blocks?)\.(\d+)\.")
_NORM = re.compile(r"(?:^|\.)(?:\w*norm\w*|ln_?\w{0,3})\.")
_EMBEDDING = re.compile(r"(?:^|\.)(?:\w*embed\w*|wte|wpe)\.")
_HEAD = re.compile(r"(?:^|\.)(?:lm_head|embed_out|output_projection)\.")
_IN_ATTENTION = re.compile(r"(?:^|\.)\w*(?:attn|attention)\w*\.")
_MLP = re.compile(
    r"(?:^|\.)(?:\w*mlp\w*|\w*moe\w*|feed_?forward|ffn|experts|fc_?(?:1|2|in|out)|(?:gate|up|down)_proj)\."
)
_PARTS = {
    "q": ("q_proj", "query", "wq", "q_a_proj", "q_b_proj"),
    "k": ("k_proj", "key", "wk"),
    "v": ("v_proj", "value", "wv"),
    "o": ("o_proj", "out_proj", "c_proj", "dense", "wo"),
    "qkv": ("qkv_proj", "query_key_value", "c_attn", "Wqkv", "qkv"),
}  # fmt: skip
_KIND_OF = {name: ATTENTION[part] for part, names in _PARTS.items() for name in names}


@dataclass(frozen=True)
class Cell:
    """One kind of module in one layer."""

    layer: int | None
    """Counted from 0; None for what stands outside the layers."""
    module: str
    parameters: int
    start: float
    """The norm of its weights at the first checkpoint."""
    updates: tuple[float, ...]
    """The norm of what was added to them, for every step of the series."""


@dataclass(frozen=True)
class WeightSeries:
    """The checkpoints of a run as distances from the first of them."""

    steps: tuple[int, ...]
    cells: tuple[Cell, ...]
    left_out: dict[int, str]
    """Checkpoints that could not be read, from step to reason."""


def pooled(cells: Iterable[Cell], index: int) -> float:
    """The relative norm of the update of several cells together at `steps[index]`; NaN where all weights began as 0."""
    chosen = list(cells)
    start = math.hypot(*(cell.start for cell in chosen))
    return math.hypot(*(cell.updates[index] for cell in chosen)) / start if start else math.nan


def place_of(name: str) -> tuple[int | None, str]:
    """Layer and kind of module of a tensor, told by its name in a checkpoint of any causal language model."""
    match = _LAYER.search(name)
    return (int(match[1]) if match else None), _kind(name)


def _kind(name: str) -> str:
    if _NORM.search(name):
        return NORMS
    if _HEAD.search(name):
        return HEAD
    if _IN_ATTENTION.search(name):
        parts = name.split(".")
        return next((_KIND_OF[part] for part in reversed(parts) if part in _KIND_OF), ATTENTION["rest"])
    if _MLP.search(name):
        return MLP
    return EMBEDDING if _EMBEDDING.search(name) else OTHER
