"""Rates, gaps, tests and intervals against scipy, statsmodels, plain loops and simulation."""

from __future__ import annotations

import itertools
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.proportion import proportion_confint

from monitors.statistics.gap import (
    estimate_relative_gap,
    mcnemar,
    mean_over_seeds,
    paired_gap,
    rate,
    relative_gap,
    wilson,
)
from monitors.statistics.interval import Interval
from monitors.statistics.power import minimum_detectable_gap, paired_power
from monitors.statistics.resampling import resample_rates
from rl.report.data.wording import describe_power


def _known(*values: float | None) -> list[float]:
    assert None not in values
    return [value for value in values if value is not None]


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (3, 10), (10, 10), (1, 1), (57, 320), (199, 200)])
def test_wilson_equals_statsmodels(successes: int, n: int) -> None:
    low, high = proportion_confint(successes, n, method="wilson")
    ours = wilson(successes, n)
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=1e-12)


@given(st.integers(1, 500), st.data())
def test_wilson_holds_its_estimate_and_stays_a_share(n: int, data: st.DataObject) -> None:
    ours = wilson(data.draw(st.integers(0, n)), n)
    low, value, high = _known(ours.low, ours.value, ours.high)
    assert 0 <= low <= value <= high <= 1


@pytest.mark.parametrize(("n", "p"), [(20, 0.1), (128, 0.05), (128, 0.5), (250, 0.93)])
def test_wilson_covers_nineteen_rates_in_twenty(n: int, p: float) -> None:
    covered = 0.0
    for k in range(n + 1):
        low, high = _known(wilson(k, n).low, wilson(k, n).high)
        covered += float(stats.binom.pmf(k, n, p)) * (low <= p <= high)
    assert 0.93 <= covered <= 0.98


def test_wilson_of_nothing_is_none_and_impossible_counts_are_refused() -> None:
    assert wilson(0, 0).value is None
    with pytest.raises(ValueError, match="between 0 and n"):
        wilson(3, 2)


def test_unjudged_outcomes_leave_the_denominator_and_are_counted() -> None:
    ours = rate([True, None, False, True, None])
    assert (ours.value, ours.n, ours.missing) == (pytest.approx(2 / 3), 3, 2)


@pytest.mark.parametrize(("free_only", "paid_only"), [(0, 0), (1, 0), (5, 5), (9, 2), (0, 12), (40, 21)])
def test_mcnemar_equals_statsmodels_and_scipy(free_only: int, paid_only: int) -> None:
    table = [[7, free_only], [paid_only, 3]]
    assert mcnemar(free_only, paid_only) == pytest.approx(statsmodels_mcnemar(table, exact=True).pvalue)
    if free_only + paid_only:
        assert mcnemar(free_only, paid_only) == pytest.approx(stats.binomtest(free_only, free_only + paid_only).pvalue)


def test_gap_is_the_difference_of_the_tiers_rates_and_mcnemar_of_the_discordant_requests() -> None:
    free = {"a": [True], "b": [True], "c": [True], "d": [False]}
    paid = {"a": [False], "b": [False], "c": [True], "d": [True]}
    ours = paired_gap(free, paid, seed=0)
    assert ours.gap.value == pytest.approx(3 / 4 - 2 / 4)
    assert (ours.free_only, ours.paid_only, ours.p_value) == (2, 1, mcnemar(2, 1))


def test_samples_of_one_request_vote_as_one_cluster() -> None:
    free = {"a": [True] * 50, "b": [False] * 50}
    paid = {"a": [False] * 50, "b": [False] * 50}
    ours = paired_gap(free, paid, seed=0)
    assert (ours.free_only, ours.paid_only, ours.p_value) == (1, 0, 1.0)
    low, high = _known(ours.gap.low, ours.gap.high)
    assert high - low > 0.9


def test_a_request_judged_in_one_tier_only_enters_the_rate_but_not_the_pairs() -> None:
    ours = paired_gap({"a": [True], "b": [None]}, {"a": [False], "b": [True]}, seed=0)
    assert ours.gap.value == pytest.approx(1.0 - 0.5)
    assert (ours.gap.n, ours.gap.missing, ours.free_only, ours.paid_only) == (1, 1, 1, 0)


def test_no_pair_gives_no_gap() -> None:
    ours = paired_gap({"a": [None]}, {"a": [True]}, seed=0)
    assert (ours.gap.value, ours.gap.low, ours.p_value) == (None, None, None)


def _ends(estimate: Interval) -> tuple[float | None, float | None]:
    return estimate.low, estimate.high


def test_bootstrap_is_the_same_for_a_seed_and_the_order_of_requests() -> None:
    rng = np.random.default_rng(5)
    free = {str(i): [bool(rng.random() < 0.6) for _ in range(3)] for i in range(20)}
    paid = {str(i): [bool(rng.random() < 0.3) for _ in range(3)] for i in range(20)}
    reordered = dict(reversed(free.items()))
    assert paired_gap(free, paid, seed=3) == paired_gap(reordered, paid, seed=3)
    assert len({paired_gap(free, paid, seed=seed, draws=20).gap.low for seed in range(10)}) > 1


def test_bootstrap_bounds_equal_every_resample_of_a_small_design() -> None:
    free, paid = {"a": [True], "b": [True], "c": [False]}, {"a": [False], "b": [True], "c": [False]}
    differences = {"a": 1.0, "b": 0.0, "c": 0.0}
    everything = [np.mean([differences[r] for r in draw]) for draw in itertools.product("abc", repeat=3)]
    ours = paired_gap(free, paid, seed=0, draws=20_000).gap
    bounds = np.quantile(everything, [0.025, 0.975], method="inverted_cdf")
    assert (ours.low, ours.high) == pytest.approx(tuple(bounds), abs=1e-9)


def _simulated(rng: np.random.Generator, requests: int, samples: int) -> tuple[dict, dict]:
    # a request's own ease correlates its samples and its tiers, as real requests do
    ease = rng.normal(0, 1, requests)
    free_p, paid_p = 1 / (1 + np.exp(-(ease + 0.6))), 1 / (1 + np.exp(-(ease - 0.4)))
    free = {str(i): (rng.random(samples) < free_p[i]).tolist() for i in range(requests)}
    paid = {str(i): (rng.random(samples) < paid_p[i]).tolist() for i in range(requests)}
    return free, paid


def test_bootstrap_interval_covers_the_true_gap_of_clustered_data() -> None:
    grid = np.linspace(-8, 8, 20_001)
    density = np.exp(-(grid**2) / 2) / math.sqrt(2 * math.pi)
    curve = 1 / (1 + np.exp(-(grid + 0.6))) - 1 / (1 + np.exp(-(grid - 0.4)))
    truth = float(np.trapezoid(curve * density, grid))
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(400):
        ours = paired_gap(*_simulated(rng, 60, 3), seed=seed, draws=400).gap
        low, high = _known(ours.low, ours.high)
        hits += low <= truth <= high
    assert 0.91 <= hits / 400 <= 0.98


def test_no_true_gap_is_rarely_called_significant() -> None:
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(400):
        ease = rng.random(40)
        tiers = [{str(i): [bool(rng.random() < ease[i])] for i in range(40)} for _ in range(2)]
        (p_value,) = _known(paired_gap(tiers[0], tiers[1], seed=0, draws=10).p_value)
        found += p_value <= 0.05
    assert found / 400 <= 0.06


@pytest.mark.parametrize(
    ("free", "paid", "expected"),
    [(0.142, 0.028, 97.2 / 85.8), (1.0, 0.931, None), (None, 0.2, None), (0.3, 0.3, 1.0)],
)
def test_relative_gap_is_the_ratio_of_refusals(free: float | None, paid: float | None, expected: float | None) -> None:
    assert relative_gap(free, paid) == pytest.approx(expected)


def test_relative_gap_bounds_equal_resamples_counted_in_plain_loops() -> None:
    free, paid = _simulated(np.random.default_rng(7), 12, 2)
    paid["0"] = [None, True]
    ids = sorted(set(free) | set(paid))
    weights_DR = np.random.default_rng(3).multinomial(len(ids), np.full(len(ids), 1 / len(ids)), size=300)
    ratios = []
    for weights in weights_DR:
        drawn = [r for r, times in zip(ids, weights, strict=True) for _ in range(times)]
        refused = []
        for tier in (free, paid):
            outcomes = [o for r in drawn for o in tier[r] if o is not None]
            refused.append(1 - sum(outcomes) / len(outcomes))
        ratios.append(refused[1] / refused[0])
    ours = estimate_relative_gap(free, paid, seed=3, draws=300)
    bounds = np.quantile(ratios, [0.025, 0.975], method="nearest")
    assert (ours.low, ours.high) == pytest.approx(tuple(bounds))
    assert (ours.n, ours.missing) == (12, 1)


def test_relative_gap_interval_covers_the_true_ratio() -> None:
    rng, hits = np.random.default_rng(8), 0
    for seed in range(300):
        free = {str(i): [bool(rng.random() < 0.5)] for i in range(100)}
        paid = {str(i): [bool(rng.random() < 0.2)] for i in range(100)}
        low, high = _known(*_ends(estimate_relative_gap(free, paid, seed=seed, draws=300)))
        hits += low <= 0.8 / 0.5 <= high
    assert 0.91 <= hits / 300 <= 0.98


def test_a_relative_gap_that_the_data_do_not_limit_has_no_upper_bound() -> None:
    free = {str(i): [i > 0] for i in range(30)}
    paid = {str(i): [i > 14] for i in range(30)}
    ours = estimate_relative_gap(free, paid, seed=0)
    assert ours.value == pytest.approx(15.0)
    assert ours.high is None
    assert ours.low is not None and ours.low > 1
    nothing_refused = estimate_relative_gap({"a": [True]}, {"a": [False]}, seed=0)
    assert (nothing_refused.value, nothing_refused.low, nothing_refused.high) == (None, None, None)
    assert estimate_relative_gap({"a": [None]}, {"a": [True]}, seed=0).n == 0


def test_cells_are_resampled_together() -> None:
    cell = {str(i): [i % 3 == 0] for i in range(20)}
    rates_D3 = resample_rates((cell, cell, {r: [not o for o in sample] for r, sample in cell.items()}), seed=0)
    assert np.allclose(rates_D3[:, 0], rates_D3[:, 1])
    assert np.allclose(rates_D3[:, 0] + rates_D3[:, 2], 1)
    assert rates_D3[:, 0].std() > 0.05


def test_seed_interval_equals_scipy_and_skips_missing_seeds() -> None:
    values = [0.31, 0.42, None, 0.28, 0.39, 0.35]
    kept = [value for value in values if value is not None]
    low, high = stats.t.interval(0.95, len(kept) - 1, loc=np.mean(kept), scale=stats.sem(kept))
    ours = mean_over_seeds(values)
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=1e-12)
    assert (ours.value, ours.n, ours.missing) == (pytest.approx(0.35), 5, 1)


def test_one_seed_has_a_mean_and_no_interval_and_seeds_that_agree_a_point() -> None:
    assert mean_over_seeds([0.4, None]) == Interval(0.4, None, None, 1, 1)
    assert mean_over_seeds([None]) == Interval(missing=1)
    assert mean_over_seeds([0.5] * 3) == Interval(0.5, 0.5, 0.5, 3)


def test_t_interval_over_five_seeds_covers_nineteen_means_in_twenty() -> None:
    rng = np.random.default_rng(2)
    bounds = [_known(*_ends(mean_over_seeds(rng.normal(0.3, 0.1, 5).tolist()))) for _ in range(400)]
    assert 0.92 <= np.mean([low <= 0.3 <= high for low, high in bounds]) <= 0.98


@pytest.mark.parametrize(("requests", "gap", "reverse"), [(60, 0.2, 0.03), (100, 0.1, 0.0), (30, 0.3, 0.1)])
def test_exact_power_equals_simulation(requests: int, gap: float, reverse: float) -> None:
    rng = np.random.default_rng(3)
    tables = rng.multinomial(requests, [gap + reverse, reverse, 1 - gap - 2 * reverse], size=4000)
    found = np.mean([mcnemar(int(free), int(paid)) <= 0.05 for free, paid, _ in tables])
    assert paired_power(gap, requests, reverse=reverse) == pytest.approx(found, abs=0.025)


@pytest.mark.parametrize("requests", [20, 60, 250])
def test_minimum_detectable_gap_reaches_its_power_and_no_smaller_gap_does(requests: int) -> None:
    (smallest,) = _known(minimum_detectable_gap(requests, reverse=0.02))
    assert paired_power(smallest, requests, reverse=0.02) >= 0.8
    assert paired_power(smallest - 0.002, requests, reverse=0.02) < 0.8


def test_a_design_too_small_to_find_anything_says_so() -> None:
    assert minimum_detectable_gap(4, reverse=0.0) is None


def test_the_line_of_a_dry_run_is_right_by_counting_every_table_of_discordant_requests() -> None:
    """The power at a gap, summed in whole loops over requests complied with on the free tier only and neither tier."""

    def power(gap: float, requests: int) -> float:
        return sum(
            math.comb(requests, free) * gap**free * (1 - gap) ** (requests - free)
            for free in range(requests + 1)
            if 2 * 0.5**free <= 0.05
        )

    points = int(re.findall(r"a gap of (\d+) points", describe_power(64))[0]) / 100
    assert power(points + 0.005, 64) >= 0.8 > power(points - 0.005, 64)
    assert "64 requests a tier" in describe_power(64) and "no gap" in describe_power(5)
