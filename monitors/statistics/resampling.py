"""Outcomes by request and their bootstrap: requests are the units, their samples in every cell stay together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Outcomes = Mapping[str, Sequence[bool | None]]
"""Request id -> the outcome of each sample of that request in one cell, such as a tier; None where not judged."""

DRAWS = 2000
"""Bootstrap resamples: the Monte Carlo error of a 95% bound is then about a fiftieth of the interval's width."""


def count_by_request(cells: Sequence[Outcomes]) -> NDArray[np.float64]:
    """Return successes and judged samples of every request of any of K cells, (R, K, 2), in the order of their ids."""
    requests = sorted(set().union(*cells))
    counts = [[count_judged(cell.get(request, ())) for cell in cells] for request in requests]
    return np.array(counts, dtype=float).reshape(len(requests), len(cells), 2)


def resample_rates(cells: Sequence[Outcomes], *, seed: int, draws: int = DRAWS) -> NDArray[np.float64]:
    """Return rates of K cells in the same bootstrap resamples of the requests, shape (D, K): see `resample_counts`."""
    return divide(resample_counts(cells, seed=seed, draws=draws))


def resample_counts(cells: Sequence[Outcomes], *, seed: int, draws: int = DRAWS) -> NDArray[np.float64]:
    """Return successes and judged samples of K cells in the same bootstrap resamples of the requests.

    A resample draws requests with replacement and takes all their samples from every cell, so that cells stay paired.

    Args:
        cells: Outcomes by request id; a request may be absent from some cells.
        seed: Seed of the bootstrap.
        draws: Resamples drawn.

    Returns:
        Shape (D, K, 2); resamples in which a cell has no judged sample are left out, so D may be below `draws`.
    """
    counts_RK2 = count_by_request(cells)
    requests = len(counts_RK2)
    weights_DR = np.random.default_rng(seed).multinomial(requests, np.full(requests, 1 / requests), size=draws)
    sums_DK2 = np.tensordot(weights_DR, counts_RK2, axes=1)
    return np.asarray(sums_DK2[(sums_DK2[..., 1] > 0).all(axis=1)])


def count_judged(outcomes: Sequence[bool | None]) -> tuple[int, int]:
    """Return the number of true outcomes, and of outcomes with a verdict."""
    judged = [outcome for outcome in outcomes if outcome is not None]
    return sum(judged), len(judged)


def divide(counted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return successes over judged samples along the last axis, which holds the two."""
    return counted[..., 0] / counted[..., 1]
