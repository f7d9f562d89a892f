"""How small a gap a paired design can find.

The sample sizes of the literature are for unpaired tiers (SCIENCE section 3); the same requests serve both tiers here,
which needs far fewer of them. For one sample of each request and one run the power of McNemar's exact test is exact;
for several samples or several seeds it is that of a normal or a t test on the mean difference.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, gammaln, ncfdtr, ndtr, ndtri, stdtrit

from monitors.statistics.resampling import Outcomes


@dataclass(frozen=True, slots=True)
class Design:
    """An evaluation to be planned: the same requests on both tiers, in every seed."""

    requests: int
    samples: int
    """Samples of each request in each tier."""
    seeds: int
    """Independently trained policies; 1 asks about one policy."""
    reverse: float
    """Share of pairs (a sample from each tier, of one request) in which only the paid one complies. The share of
    discordant pairs is the gap plus twice this."""
    clustering: float
    """Part of the variance of such a pair's difference that lies between requests, in [0, 1], which more samples do
    not lessen: 0 makes a sample worth as much as a request, 1 makes it worth nothing. See `clustering`."""
    seed_sd: float
    """Standard deviation of the policies' true gaps on these requests."""


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
    return _smallest(lambda gap: paired_power(gap, requests, reverse=reverse, alpha=alpha), 1 - 2 * reverse, power)


def design_power(gap: float, design: Design, *, alpha: float = 0.05) -> float:
    """Probability that a design finds a true gap.

    With one seed it is found where a normal test of the mean difference over requests finds it, as the clustered
    bootstrap interval does; with several, where the t test over the seeds' gaps does. That test speaks of the
    requests asked, not of others like them, so that variance between requests does not enter it, and two seeds have
    so wide a t interval that they find little.

    Args:
        gap: True gap, in (0, 1 - 2 * design.reverse].
        design: What is evaluated.
        alpha: Two-sided level of the test.
    """
    pair_variance = gap + 2 * design.reverse - gap**2
    within = pair_variance * (1 - design.clustering) / (design.samples * design.requests)
    if design.seeds == 1:
        error = math.sqrt(within + pair_variance * design.clustering / design.requests)
        z = float(ndtri(1 - alpha / 2))
        return 1.0 if error == 0 else float(ndtr(gap / error - z) + ndtr(-gap / error - z))
    error = math.sqrt((within + design.seed_sd**2) / design.seeds)
    if error == 0:
        return 1.0
    freedom = design.seeds - 1
    t = float(stdtrit(freedom, 1 - alpha / 2))
    # Of t squared, since scipy's noncentral t is undefined in its far tail.
    return float(1 - ncfdtr(1, freedom, (gap / error) ** 2, t**2))


def design_detectable_gap(design: Design, *, alpha: float = 0.05, power: float = 0.8) -> float | None:
    """The smallest true gap that a design finds with the given power, to three decimals.

    None where even the largest possible gap would be missed.

    Args:
        design: What is evaluated.
        alpha: Two-sided level of the test.
        power: Wanted probability of finding the gap.
    """
    return _smallest(lambda gap: design_power(gap, design, alpha=alpha), 1 - 2 * design.reverse, power)


def clustering(free: Outcomes, paid: Outcomes) -> float | None:
    """Part of a pair's variance that lies between requests, from an evaluation with several samples of each.

    By moments: the variance of the requests' mean differences, less what sampling within requests adds to it, over
    itself plus the variance within. None where fewer than two requests have two judged samples in both tiers, or
    where no outcome varies.

    Args:
        free: Outcomes by request id on the tier that is trained on.
        paid: The same for the tier that is never trained on.
    """
    judged = [[[o for o in tier.get(r, ()) if o is not None] for tier in (free, paid)] for r in sorted(free)]
    pairs = [pair for pair in judged if min(map(len, pair)) >= 2]
    if len(pairs) < 2:
        return None
    differences_R = [np.mean(a) - np.mean(b) for a, b in pairs]
    within_R2 = np.array([[np.var(sample, ddof=1) for sample in pair] for pair in pairs])
    sampling_R2 = within_R2 / np.array([[len(sample) for sample in pair] for pair in pairs])
    within = float(within_R2.sum(axis=1).mean())
    between = max(0.0, float(np.var(differences_R, ddof=1) - sampling_R2.sum(axis=1).mean()))
    return between / (between + within) if between + within > 0 else None


def _smallest(power_of: Callable[[float], float], largest: float, power: float) -> float | None:
    """The smallest gap up to `largest` whose power is enough, by bisection; None where there is none."""
    if power_of(largest) < power:
        return None
    low, high = 0.0, largest
    while high - low > 5e-4:
        middle = (low + high) / 2
        if power_of(middle) < power:
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
