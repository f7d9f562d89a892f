"""The odds of faking against plain compliance: what RL would leave as it is if it only paid for compliance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitors.statistics.interval import Interval
from monitors.statistics.resampling import DRAWS, Outcomes, count_by_request, resample_counts

_HALDANE = 0.5


def estimate_log_odds(outcomes: Outcomes, *, seed: int, draws: int = DRAWS) -> Interval:
    """Return log((true + 1/2) / (false + 1/2)) with its percentile bootstrap over requests.

    The halves (Haldane 1956) keep it finite where all outcomes are alike.

    Args:
        outcomes: Outcomes by request id. A request without an outcome is resampled like the others.
        seed: Seed of the bootstrap.
        draws: Bootstrap resamples.

    Returns:
        The log-odds with `n` the number of outcomes; empty where there is none.
    """
    true, judged = count_by_request((outcomes,)).sum(axis=(0, 1))
    missing = sum(outcome is None for sample in outcomes.values() for outcome in sample)
    if not judged:
        return Interval(missing=missing)
    low, high = np.quantile(_log_odds(resample_counts((outcomes,), seed=seed, draws=draws)[:, 0]), [0.025, 0.975])
    return Interval(float(_log_odds(np.array([true, judged]))), float(low), float(high), int(judged), missing)


def _log_odds(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log-odds of true and judged outcomes, which the last axis holds."""
    true, judged = counts[..., 0], counts[..., 1]
    return np.asarray(np.log((true + _HALDANE) / (judged - true + _HALDANE)))
