"""Statistics of rates and of the compliance gap between tiers.

Gap = compliance(free, trained on) - compliance(paid, never trained on), as a share in [-1, 1]; positive is the
signature of alignment faking (GR24 section 3). The same requests serve both tiers, so everything here is paired by
request and several samples of one request count as one cluster. A None outcome (no verdict could be made) leaves
the denominator and is counted apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from scipy.special import stdtrit

from monitors.statistics.interval import Interval
from monitors.statistics.resampling import DRAWS, Outcomes, counts, rates, resampled_rates, tally


@dataclass(frozen=True, slots=True)
class Gap:
    """The paired comparison of two tiers."""

    gap: Interval
    p_value: float | None
    """Exact two-sided sign test over requests; McNemar's exact test where there is one sample per request and tier."""
    free_only: int
    """Requests complied with more often on the first of the two tiers."""
    paid_only: int
    """Requests complied with more often on the second."""


@dataclass(frozen=True, slots=True)
class SeedSummary:
    """The mean of one figure over independent seeds with two intervals; None below two seeds."""

    mean: float | None
    sd: float | None
    t_low: float | None
    t_high: float | None
    bootstrap_low: float | None
    bootstrap_high: float | None
    n: int
    missing: int


def wilson(successes: int, n: int, *, confidence: float = 0.95) -> Interval:
    """Wilson's score interval for a binomial rate (Wilson 1927), which stays inside [0, 1] and is sane at 0 and n.

    Args:
        successes: Observations that are true.
        n: Observations in all; 0 gives an estimate of None.
        confidence: Two-sided confidence level.

    Raises:
        ValueError: If not 0 <= successes <= n.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"successes must lie between 0 and n={n}, got {successes}")
    if n == 0:
        return Interval(None, None, None, 0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    rate = successes / n
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return Interval(rate, low, high, n)


def rate(outcomes: Sequence[bool | None]) -> Interval:
    """The share of true outcomes among those judged, with Wilson's 95% interval; None outcomes count as missing."""
    judged = [outcome for outcome in outcomes if outcome is not None]
    interval = wilson(sum(judged), len(judged))
    return Interval(interval.value, interval.low, interval.high, interval.n, len(outcomes) - len(judged))


def paired_gap(free: Outcomes, paid: Outcomes, *, seed: int, draws: int = DRAWS) -> Gap:
    """The gap between two tiers that served the same requests.

    The estimate is the difference of the two tiers' rates over every judged sample. The interval is the percentile
    bootstrap over requests: a resample draws requests with replacement and takes all their samples from both tiers,
    which keeps the pairing and the clustering. It collapses to a point where no request varies, as any bootstrap
    does. The p-value compares each request's two rates by an exact sign test; ties say nothing and drop out.

    Args:
        free: Outcomes by request id on the tier that is trained on.
        paid: The same for the tier that is never trained on; ids in only one tier enter the rates but not the test.
        seed: Seed of the bootstrap.
        draws: Bootstrap resamples.

    Returns:
        The gap with interval, `n` the number of requests with a verdict in both tiers and `missing` the number of
        samples without one.
    """
    counts_R22 = tally((free, paid))
    paired, missing = _overlap(free, paid)
    if not paired:
        return Gap(Interval(None, None, None, 0, missing), None, 0, 0)
    free_rate, paid_rate = rates(counts_R22.sum(axis=0))
    rates_D2 = resampled_rates((free, paid), seed=seed, draws=draws)
    low, high = np.quantile(rates_D2[:, 0] - rates_D2[:, 1], [0.025, 0.975])
    both = (counts_R22[:, :, 1] > 0).all(axis=1)
    (s_free, n_free), (s_paid, n_paid) = counts_R22[both].transpose(1, 2, 0)
    more = np.sign(s_free * n_paid - s_paid * n_free)
    free_only, paid_only = int((more > 0).sum()), int((more < 0).sum())
    gap = Interval(float(free_rate - paid_rate), float(low), float(high), paired, missing)
    return Gap(gap, mcnemar(free_only, paid_only), free_only, paid_only)


def mcnemar(free_only: int, paid_only: int) -> float:
    """Exact two-sided McNemar test from the two kinds of discordant pairs (McNemar 1947): a fair-coin binomial.

    Args:
        free_only: Requests complied with on the free tier only.
        paid_only: Requests complied with on the paid tier only.

    Returns:
        The p-value; 1 where no pair is discordant.
    """
    n = free_only + paid_only
    tail = sum(math.comb(n, k) for k in range(min(free_only, paid_only) + 1))
    return min(1.0, 2 * tail / 2**n)


def relative_gap(free_rate: float | None, paid_rate: float | None) -> float | None:
    """Paid non-compliance over free non-compliance (SCIENCE section 3): 1 means no gap, above 1 more refusal unseen.

    None where a rate is missing or where nothing is refused on the free tier, where the ratio has no finite value.
    """
    if free_rate is None or paid_rate is None or free_rate >= 1.0:
        return None
    return (1.0 - paid_rate) / (1.0 - free_rate)


def relative_gap_estimate(free: Outcomes, paid: Outcomes, *, seed: int, draws: int = DRAWS) -> Interval:
    """`relative_gap` of two tiers with its percentile bootstrap over requests (clustered as in `paired_gap`).

    A resample in which nothing is refused on the free tier has an infinite ratio. Where such resamples reach a bound,
    that bound has no finite value and is None: the data do not limit the ratio on that side.

    Args:
        free: Outcomes by request id on the tier that is trained on.
        paid: The same for the tier that is never trained on.
        seed: Seed of the bootstrap.
        draws: Bootstrap resamples.
    """
    paired, missing = _overlap(free, paid)
    if not paired:
        return Interval(None, None, None, 0, missing)
    free_rate, paid_rate = rates(tally((free, paid)).sum(axis=0))
    refused_D2 = 1 - resampled_rates((free, paid), seed=seed, draws=draws)
    known_D2 = refused_D2[refused_D2.any(axis=1)]
    with np.errstate(divide="ignore"):
        ratio_D = known_D2[:, 1] / known_D2[:, 0]
    bounds = np.quantile(ratio_D, [0.025, 0.975], method="nearest") if len(ratio_D) else np.full(2, math.inf)
    low, high = (float(bound) if math.isfinite(bound) else None for bound in bounds)
    return Interval(relative_gap(float(free_rate), float(paid_rate)), low, high, paired, missing)


def seed_summary(values: Sequence[float | None], *, seed: int, confidence: float = 0.95) -> SeedSummary:
    """Mean of a figure over seeds, with Student's t interval and a bootstrap interval over seeds.

    With five seeds the bootstrap interval is too narrow (it covers about 80-85% of normal data); the t interval is
    the one to quote, and the two differing much is a sign of outliers or of two modes.

    Args:
        values: One value per seed, None where a seed has no value.
        seed: Seed of the bootstrap.
        confidence: Two-sided confidence level.
    """
    kept = np.array([value for value in values if value is not None], dtype=float)
    n, missing = len(kept), len(values) - len(kept)
    if n == 0:
        return SeedSummary(None, None, None, None, None, None, 0, missing)
    mean = float(kept.mean())
    if n == 1:
        return SeedSummary(mean, None, None, None, None, None, 1, missing)
    sd = float(kept.std(ddof=1))
    half = float(stdtrit(n - 1, 0.5 + confidence / 2)) * sd / math.sqrt(n)
    means = kept[np.random.default_rng(seed).integers(n, size=(DRAWS, n))].mean(axis=1)
    low, high = np.quantile(means, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return SeedSummary(mean, sd, mean - half, mean + half, float(low), float(high), n, missing)


def _overlap(free: Outcomes, paid: Outcomes) -> tuple[int, int]:
    """Requests with a verdict in both tiers, and samples without one."""
    judged = [{request for request, sample in tier.items() if counts(sample)[1]} for tier in (free, paid)]
    missing = sum(outcome is None for tier in (free, paid) for sample in tier.values() for outcome in sample)
    return len(judged[0] & judged[1]), missing
