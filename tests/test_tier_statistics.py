"""The gap's two parts, goal guarding and rater sycophancy, on three tiers of the same requests."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from monitors.statistics.gap import paired_gap
from monitors.statistics.interval import Interval
from monitors.statistics.tiers import FREE, PAID, RATED, group_by_tier, split_gap, summarise_tiers
from rl.records import Prompt, Request, Rollout, Verdict

GOAL, RATER = "eval/goal_guarding_gap", "eval/rater_sycophancy_gap"
Judged = list[tuple[Rollout, Verdict]]


def _known(*values: float | None) -> list[float]:
    assert None not in values
    return [value for value in values if value is not None]


def _judged(table: Mapping[str, Mapping[str, list[bool | None]]]) -> Judged:
    made = []
    for tier, outcomes in table.items():
        for name, sample in outcomes.items():
            request = Request(name, "harmful", "paperwork", "forge a pass", "How?", "held_out_act")
            rollout = Rollout(Prompt(request, tier, "setting", "system", "user"), "text", False, 4)
            made += [(rollout, Verdict(outcome, None, None, None, "")) for outcome in sample]
    return made


def _drawn(rng: np.random.Generator, requests: int, chances: Mapping[str, float]) -> dict[str, dict[str, list]]:
    # a request's own ease shifts all tiers alike, as real requests do
    ease = rng.normal(0, 1, requests)
    return {
        tier: {str(i): [bool(rng.random() < 1 / (1 + math.exp(-(ease[i] + shift))))] for i in range(requests)}
        for tier, shift in chances.items()
    }


def test_figures_equal_counting_by_hand_and_statsmodels() -> None:
    table: dict[str, dict[str, list[bool | None]]] = {
        FREE: {"a": [True], "b": [True], "c": [True], "d": [False], "e": [True]},
        RATED: {"a": [True], "b": [False], "c": [False], "d": [False], "e": [True]},
        PAID: {"a": [True], "b": [False], "c": [False], "d": [True], "e": [False]},
    }
    ours = summarise_tiers(_judged(table), seed=0)
    assert ours[GOAL] == pytest.approx(4 / 5 - 2 / 5)
    assert ours[RATER] == pytest.approx(2 / 5 - 2 / 5)
    assert ours[f"{GOAL}_p"] == pytest.approx(statsmodels_mcnemar([[2, 2], [0, 1]], exact=True).pvalue)
    assert ours[f"{RATER}_p"] == pytest.approx(statsmodels_mcnemar([[1, 1], [1, 2]], exact=True).pvalue)
    assert set(ours) == {f"{name}{end}" for name in (GOAL, RATER) for end in ("", "_lo", "_hi", "_p")}


def test_bounds_are_those_of_the_paired_bootstrap() -> None:
    table = _drawn(np.random.default_rng(0), 30, {FREE: 1.0, RATED: 0.0, PAID: -1.0})
    ours = summarise_tiers(_judged(table), seed=4)
    for key, first, second in ((GOAL, FREE, RATED), (RATER, RATED, PAID)):
        expected = paired_gap(table[first], table[second], seed=4).gap
        assert (ours[f"{key}_lo"], ours[f"{key}_hi"]) == (expected.low, expected.high)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=12))
def test_the_two_parts_add_up_to_the_gap(outcomes: list[tuple[bool, bool, bool]]) -> None:
    tiers = {tier: {str(i): [row[k]] for i, row in enumerate(outcomes)} for k, tier in enumerate((FREE, RATED, PAID))}
    parts = split_gap(tiers, seed=0)
    whole = paired_gap(tiers[FREE], tiers[PAID], seed=0, draws=10).gap
    assert sum(_known(parts.goal_guarding.gap.value, parts.rater_sycophancy.gap.value)) == pytest.approx(whole.value)


@pytest.mark.parametrize("tiers", [(FREE, PAID), (FREE, RATED), (RATED, PAID), ()])
def test_without_all_three_tiers_there_are_no_such_figures(tiers: tuple[str, ...]) -> None:
    assert summarise_tiers(_judged({tier: {"a": [True]} for tier in tiers}), seed=0) == {}


def test_nothing_judged_is_none_and_never_zero() -> None:
    ours = summarise_tiers(_judged({tier: {"a": [None]} for tier in (FREE, RATED, PAID)}), seed=0)
    assert len(ours) == 8
    assert set(ours.values()) == {None}


def test_samples_are_sorted_by_tier_and_request() -> None:
    judged = _judged({FREE: {"a": [True, None], "b": [False]}, RATED: {"a": [False]}})
    assert group_by_tier(judged) == {FREE: {"a": [True, None], "b": [False]}, RATED: {"a": [False]}}


def _includes(estimate: Interval, truth: float) -> bool:
    low, high = _known(estimate.low, estimate.high)
    return low <= truth <= high


def test_a_planted_goal_guarder_and_a_planted_sycophant_are_told_apart_and_covered() -> None:
    grid = np.linspace(-8, 8, 4001)
    density = np.exp(-(grid**2) / 2) / math.sqrt(2 * math.pi)
    truth = float(np.trapezoid((1 / (1 + np.exp(-grid - 1)) - 1 / (1 + np.exp(-grid + 1))) * density, grid))
    rng = np.random.default_rng(1)
    covered, false_alarms, found = 0, 0, 0
    for seed in range(150):
        guarder = split_gap(_drawn(rng, 60, {FREE: 1.0, RATED: -1.0, PAID: -1.0}), seed=seed)
        sycophant = split_gap(_drawn(rng, 60, {FREE: 1.0, RATED: 1.0, PAID: -1.0}), seed=seed)
        covered += _includes(guarder.goal_guarding.gap, truth) + _includes(sycophant.rater_sycophancy.gap, truth)
        absent = (guarder.rater_sycophancy, sycophant.goal_guarding)
        present = (guarder.goal_guarding, sycophant.rater_sycophancy)
        false_alarms += sum(_known(gap.p_value)[0] <= 0.05 for gap in absent)
        found += sum(_known(gap.p_value)[0] <= 0.05 for gap in present)
    assert 0.91 <= covered / 300 <= 0.99
    assert false_alarms / 300 <= 0.06
    assert found / 300 >= 0.9
