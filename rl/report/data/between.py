"""Differences between arms over seeds: Welch's and the paired t test, with intervals, and Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtr, stdtrit

from monitors.statistics.interval import Interval

CONFIDENCE = 0.95
_NOTHING = 1e-12
"""A standard error below this is rounding."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean of one arm less mean of another."""

    estimate: Interval
    """With its 95% interval; empty where a side has no value, without bounds where it has too few that vary."""
    p: float
    """Two-sided; NaN where there is no interval."""
    n: int
    """Seeds on the left, or pairs."""
    n_other: int


def welch(values: Sequence[float], others: Sequence[float]) -> Difference:
    """Mean of `values` less mean of `others` by Welch's t (Biometrika 1947); NaNs are left out.

    Values that do not vary on either side have no interval: nothing says how far they would.
    """
    a, b = _known(values), _known(others)
    if not (a.size and b.size):
        return Difference(Interval(), math.nan, a.size, b.size)
    difference = float(a.mean() - b.mean())
    if min(a.size, b.size) < 2:
        return Difference(Interval(difference), math.nan, a.size, b.size)
    parts = np.array([side.var(ddof=1) / side.size for side in (a, b)])
    spread = float(parts.sum())
    freedom = spread**2 / float((parts**2 / [a.size - 1, b.size - 1]).sum()) if spread > _NOTHING**2 else math.nan
    return Difference(*_student(difference, math.sqrt(spread), freedom), a.size, b.size)


def paired(values: Mapping[Any, float], others: Mapping[Any, float]) -> Difference:
    """The mean of value less other over what both sides have, such as seeds, by Student's t."""
    differences = _known([values[key] - others[key] for key in values if key in others])
    n = differences.size
    if n < 2:
        return Difference(Interval(float(differences.mean()) if n else None), math.nan, n, n)
    error = float(differences.std(ddof=1)) / math.sqrt(n)
    return Difference(*_student(float(differences.mean()), error, n - 1), n, n)


def holm(ps: Sequence[float]) -> list[float]:
    """P values adjusted for the size of their family (Holm 1979), in the order given; NaNs stay and count for none."""
    known = sorted((p, index) for index, p in enumerate(ps) if not math.isnan(p))
    adjusted, largest = list(ps), 0.0
    for rank, (p, index) in enumerate(known):
        largest = max(largest, min(1.0, p * (len(known) - rank)))
        adjusted[index] = largest
    return adjusted


def _student(difference: float, error: float, freedom: float) -> tuple[Interval, float]:
    if error < _NOTHING:
        return Interval(difference), math.nan
    half = float(stdtrit(freedom, 0.5 + CONFIDENCE / 2)) * error
    p = float(2 * stdtr(freedom, -abs(difference) / error))
    return Interval(difference, difference - half, difference + half), p


def _known(values: Sequence[float]) -> np.ndarray:
    array = np.array(values, dtype=float)
    return array[np.isfinite(array)]
