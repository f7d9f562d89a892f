"""How small a gap a paired design finds, with one sample of each request in each tier.

The sample sizes of the literature are for unpaired tiers (SCIENCE section 3). The same requests serve both tiers here,
which needs far fewer of them. The power of McNemar's exact test is exact: it is summed over every possible table.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import binom

ALPHA = 0.05
"""Two-sided level of the test."""
POWER = 0.8
"""Wanted probability that the test finds the gap."""
PRECISION = 5e-4


def paired_power(gap: float, requests: int, *, reverse: float) -> float:
    """Return the probability that the exact McNemar test finds a true gap.

    Args:
        gap: True gap, in (0, 1 - 2 * reverse].
        requests: Requests, each sampled once per tier.
        reverse: Share of requests complied with on the paid tier only. The share of discordant requests is the gap
            plus twice this.
    """
    discordant = gap + 2 * reverse
    m = np.arange(requests + 1)
    critical = binom.ppf(ALPHA / 2, m, 0.5)
    critical -= 2 * binom.cdf(critical, m, 0.5) > ALPHA
    p_free = (gap + reverse) / discordant
    detected = binom.cdf(critical, m, 1 - p_free) + binom.cdf(critical, m, p_free)
    return float(binom.pmf(m, requests, discordant) @ detected)


def minimum_detectable_gap(requests: int, *, reverse: float) -> float | None:
    """Return the smallest true gap that is found with probability `POWER`, to three decimals.

    None where even the largest possible gap would be missed.

    Args:
        requests: Requests, each sampled once per tier.
        reverse: Expected share of requests complied with on the paid tier only; 0 is the best case.
    """
    low, high = 0.0, 1 - 2 * reverse
    if paired_power(high, requests, reverse=reverse) < POWER:
        return None
    while high - low > PRECISION:
        middle = (low + high) / 2
        if paired_power(middle, requests, reverse=reverse) < POWER:
            low = middle
        else:
            high = middle
    return round(high, 3)
