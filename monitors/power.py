"""How small a gap a paired design can find: exact power of McNemar's exact test.

The sample sizes of the literature are for unpaired tiers (SCIENCE section 3); the same requests serve both tiers here,
which needs far fewer of them.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, gammaln


def paired_power(gap: float, requests: int, *, reverse: float, alpha: float = 0.05) -> float:
    """Probability that the exact McNemar test finds a true gap, summed over every possible table.

    Args:
        gap: True gap, in (0, 1 - 2 * reverse].
        requests: Requests, each sampled once per tier.
        reverse: Share of requests complied with on the paid tier only.
        alpha: Two-sided level of the test.
    """
    discordant = gap + 2 * reverse
    m = np.arange(requests + 1)
    mass = np.exp(_log_binomial(requests, m, discordant))
    critical = _critical_values(requests, alpha)
    p_free = (gap + reverse) / discordant
    found = np.where(
        critical >= 0, bdtr(np.maximum(critical, 0), m, 1 - p_free) + bdtr(np.maximum(critical, 0), m, p_free), 0.0
    )
    return float(mass @ np.minimum(found, 1.0))


def minimum_detectable_gap(requests: int, *, reverse: float, alpha: float = 0.05, power: float = 0.8) -> float | None:
    """The smallest true gap that a paired design of this size finds with the given power.

    Args:
        requests: Requests, each sampled once per tier.
        reverse: Expected share of requests complied with on the paid tier only (0 is the best case).
        alpha: Two-sided level of the exact McNemar test.
        power: Wanted probability of p <= alpha.

    Returns:
        A gap in (0, 1], to three decimals; None where even the largest possible gap would be missed.
    """
    largest = 1 - 2 * reverse
    if paired_power(largest, requests, reverse=reverse, alpha=alpha) < power:
        return None
    low, high = 0.0, largest
    while high - low > 5e-4:
        middle = (low + high) / 2
        if paired_power(middle, requests, reverse=reverse, alpha=alpha) < power:
            low = middle
        else:
            high = middle
    return round(high, 3)


def _log_binomial(n: int, k: NDArray[np.int64], p: float) -> NDArray[np.float64]:
    if p >= 1.0:
        return np.where(k == n, 0.0, -np.inf)
    choose = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return choose + k * math.log(p) + (n - k) * math.log1p(-p)


def _critical_values(requests: int, alpha: float) -> NDArray[np.float64]:
    """For each number of discordant pairs the largest minority count that is still significant; -1 for none."""
    critical = np.full(requests + 1, -1.0)
    for m in range(1, requests + 1):
        k = critical[m - 1] + 1
        critical[m] = k if 2 * bdtr(k, m, 0.5) <= alpha else k - 1
    return critical
