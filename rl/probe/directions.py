"""Difference-of-means directions: where a target lies in activation space, and whether it stays there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rl.probe.targets import Examples, too_few


def direction(texts: Examples) -> NDArray[np.float64]:
    """Mean activation of the positives less that of the negatives, (E,)."""
    return np.asarray(texts.x_NE[texts.y_N].mean(0) - texts.x_NE[~texts.y_N].mean(0))


def cosine(one: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    """Cosine of the angle between two directions, rounded; None where one has no length."""
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return round(float(one @ other) / lengths, 4) if lengths > 0 else None


def cosines(by_step: Sequence[Examples]) -> list[list[float | None]]:
    """The cosine of every pair of steps; None where either has too few texts of a class."""
    found = [None if too_few(texts) else direction(texts) for texts in by_step]
    return [[None if a is None or b is None else cosine(a, b) for b in found] for a in found]


def split_half(texts: Examples, seed: int) -> float | None:
    """The cosine between the directions of two halves of the acts: how well half as many texts fix a direction at all.

    Two steps share their requests, so that their cosine may be the higher one where the requests decide the label;
    where samples decide it, no cosine between steps can be expected to be higher. None where a half lacks a class.
    """
    names = np.random.default_rng(seed).permutation(np.unique(texts.acts_N[texts.y_N])).tolist()
    rest = sorted(set(texts.acts_N.tolist()) - set(names))
    names += np.random.default_rng(seed).permutation(rest).tolist()
    first = np.isin(texts.acts_N, names[::2])
    halves = [texts.at(first), texts.at(~first)]
    if any(len(set(half.y_N.tolist())) < 2 for half in halves):
        return None
    return cosine(direction(halves[0]), direction(halves[1]))
