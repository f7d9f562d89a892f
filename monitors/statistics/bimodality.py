"""Do the seeds of one design fall into two groups? A flag for few seeds.

GA25 find that the gap of terminal-goal-guarding organisms is bimodal across seeds at equal rates of faking: some runs
keep it, some lose it. A mean with an interval describes neither, so figures over seeds should say when they split.

The statistic is the share of the sum of squares that the best split of the sorted values leaves within its two
groups, each of two seeds or more, so that a single outlier is no group. It does not change with location or scale.
The null is the uniform distribution, the flattest with one mode and so the easiest to split, as in Hartigan's dip
test: a normal null would call 34% of samples of 20 uniform values bimodal at the 5% level, and 10% of samples of 5.
The p-value is simulated. A gap moves in steps of one request, and values on a lattice split by themselves (0, 0, 0,
1/128, 1/128 has nothing left within its groups), so the variance of rounding to the lattice is given back.

What it can find at the 5% level, simulated (two normal modes, their distance in standard deviations of one mode, each
seed in either mode with equal chance), and how often it is wrong where there is one mode:

    seeds                              5     8    10    20
    found, 4 sd apart                 8%   14%   16%   27%
    found, 6 sd apart                19%   47%   59%   92%
    found, 10 sd apart               46%   90%   97%  100%
    false alarms, normal              3%    2%    1%    0%
    false alarms, uniform             5%    5%    5%    5%
    false alarms, exponential         4%    5%    5%    4%
    false alarms, piled at one end    6%    9%    9%   10%     (beta(0.6, 1), as where most seeds have lost their gap)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

FEWEST_SEEDS = 5
"""Below this there is no verdict; the module's table says how little five seeds can show."""
SMALLEST_GROUP = 2
LEVEL = 0.05
NULL_DRAWS = 20_000


@dataclass(frozen=True, slots=True)
class Bimodality:
    """Whether the values of several seeds fall into two groups."""

    bimodal: bool | None
    """None below `FEWEST_SEEDS` values. False says that no split was found, not that there is none."""
    p_value: float | None
    low: float | None
    """Mean of the lower group of the best split."""
    high: float | None
    """Mean of the upper group."""
    n_low: int
    """Seeds in the lower group."""
    n: int
    """Seeds with a value."""
    missing: int
    """Seeds without one."""


def find_two_groups(values: Sequence[float | None], *, step: float) -> Bimodality:
    """Flag two groups among the values of independent seeds.

    Args:
        values: One figure per seed, such as `eval/gap` at the last step; None where a seed has none.
        step: The smallest difference two values can have: one over requests times samples for a gap or a rate, 0 for
            continuous figures.
    """
    known = np.sort(np.array([value for value in values if value is not None], dtype=float))
    n, missing = len(known), len(values) - len(known)
    if n < FEWEST_SEEDS:
        return Bimodality(None, None, None, None, 0, n, missing)
    lower = int(_sum_within(known[None])[0].argmin()) + SMALLEST_GROUP
    p_value = float((1 + (_simulate_null(n) <= measure_split(known[None], step)[0]).sum()) / (1 + NULL_DRAWS))
    low, high = float(known[:lower].mean()), float(known[lower:].mean())
    return Bimodality(p_value <= LEVEL, p_value, low, high, lower, n, missing)


def measure_split(sorted_DN: NDArray[np.float64], step: float = 0.0) -> NDArray[np.float64]:
    """Return the sum of squares left within the best two groups over the whole, per row; 1 where all are the same.

    Args:
        sorted_DN: D samples of N values, ascending in each row.
        step: Step of the lattice that the values lie on; both sums grow by what uniform noise of this width would add.

    Returns:
        Shape (D,), in [0, 1]; small is bimodal.
    """
    n = sorted_DN.shape[1]
    rounding = step**2 / 12
    within_D = _sum_within(sorted_DN).min(axis=1) + (n - 2) * rounding
    total_D = sorted_DN.var(axis=1) * n + (n - 1) * rounding
    differ_D = sorted_DN[:, -1] > sorted_DN[:, 0]
    return np.divide(within_D, total_D, out=np.ones(len(sorted_DN)), where=differ_D)


def _sum_within(sorted_DN: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of squares within both groups, for every split; shape (D, N - 2 * SMALLEST_GROUP + 1)."""
    n = sorted_DN.shape[1]
    centred_DN = sorted_DN - sorted_DN.mean(axis=1, keepdims=True)
    lower = np.arange(SMALLEST_GROUP, n - SMALLEST_GROUP + 1)
    sums, squares = centred_DN.cumsum(axis=1), (centred_DN**2).cumsum(axis=1)
    # The values are centred, so the upper group's sum is minus the lower group's.
    between = sums[:, lower - 1] ** 2 * (1 / lower + 1 / (n - lower))
    return np.maximum(squares[:, -1:] - between, 0.0)


@cache
def _simulate_null(n: int) -> NDArray[np.float64]:
    return measure_split(np.sort(np.random.default_rng(0).random((NULL_DRAWS, n)), axis=1))
