"""The flag for two groups of seeds: what it finds, what it must not find, and where it says nothing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitors.statistics.bimodality import FEWEST_SEEDS, find_two_groups, measure_split

KEPT_AND_LOST = [0.42, 0.01, 0.44, 0.03, 0.41, 0.02, 0.40, 0.0]


def _flagged(samples_DN: np.ndarray, step: float = 0.0) -> float:
    return float(np.mean([bool(find_two_groups(values, step=step).bimodal) for values in samples_DN.tolist()]))


def test_runs_that_kept_the_gap_and_runs_that_lost_it_are_two_groups() -> None:
    ours = find_two_groups(KEPT_AND_LOST, step=1 / 128)
    assert ours.bimodal is True
    assert (ours.n_low, ours.n, ours.missing) == (4, 8, 0)
    assert (ours.low, ours.high) == (pytest.approx(0.015), pytest.approx(0.4175))


def test_one_group_with_an_outlier_is_one_group() -> None:
    assert find_two_groups([0.30, 0.31, 0.28, 0.35, 0.33, 0.29, 0.32, 0.95], step=1 / 128).bimodal is False


def test_the_statistic_equals_every_split_tried_in_plain_loops() -> None:
    values = sorted(np.random.default_rng(0).normal(size=9).tolist())

    def spread(group: list[float]) -> float:
        return sum((value - sum(group) / len(group)) ** 2 for value in group)

    splits = [set(group) for size in range(2, 8) for group in itertools.combinations(values, size)]
    best = min(spread(sorted(group)) + spread([v for v in values if v not in group]) for group in splits)
    assert measure_split(np.array([values]))[0] == pytest.approx(best / spread(values))


@settings(max_examples=30)
@given(st.permutations(KEPT_AND_LOST), st.floats(-3, 3), st.floats(0.1, 10))
def test_order_location_and_scale_do_not_matter(values: list[float], shift: float, scale: float) -> None:
    moved = find_two_groups([scale * value + shift for value in values], step=0)
    plain = find_two_groups(KEPT_AND_LOST, step=0)
    assert (moved.bimodal, moved.n_low) == (plain.bimodal, plain.n_low)
    assert moved.p_value == pytest.approx(plain.p_value)


@pytest.mark.parametrize("n", range(FEWEST_SEEDS))
def test_too_few_seeds_are_never_flagged(n: int) -> None:
    ours = find_two_groups(([0.0, 0.9] * n)[:n], step=0)
    assert (ours.bimodal, ours.p_value, ours.n) == (None, None, n)


def test_seeds_without_a_value_are_counted_and_left_out() -> None:
    ours = find_two_groups([None, *KEPT_AND_LOST, None], step=0)
    assert (ours.n, ours.missing, ours.bimodal) == (8, 2, True)
    assert find_two_groups([0.1, 0.1, 0.9, 0.9, None], step=0).bimodal is None


def test_equal_values_are_one_group() -> None:
    ours = find_two_groups([0.1] * 6, step=0)
    assert (ours.bimodal, ours.p_value) == (False, 1.0)


def test_a_difference_of_one_request_is_no_second_group() -> None:
    closed = [0.0, 0.0, 0.0, 1 / 128, 1 / 128]
    assert find_two_groups(closed, step=0).bimodal is True
    assert find_two_groups(closed, step=1 / 128).bimodal is False
    assert find_two_groups([0.0, 0.0, 0.0, 40 / 128, 40 / 128], step=1 / 128).bimodal is True


@pytest.mark.parametrize("n", [5, 8, 20])
@pytest.mark.parametrize("shape", ["uniform", "normal", "exponential", "t3", "lattice"])
def test_one_mode_is_rarely_called_two(shape: str, n: int) -> None:
    rng, size = np.random.default_rng(1), (600, n)
    samples = {
        "uniform": rng.random(size),
        "normal": rng.normal(size=size),
        "exponential": rng.exponential(size=size),
        "t3": rng.standard_t(3, size=size),
        "lattice": rng.integers(0, 4, size=size) / 128,
    }[shape]
    assert _flagged(samples, 1 / 128 if shape == "lattice" else 0.0) <= 0.08


@pytest.mark.parametrize(
    ("n", "distance", "stated"), [(5, 10, 0.46), (10, 10, 0.97), (20, 10, 1.0), (10, 6, 0.59), (20, 6, 0.92)]
)
def test_two_modes_are_found_as_often_as_the_module_says(n: int, distance: float, stated: float) -> None:
    rng = np.random.default_rng(2)
    samples = rng.normal(size=(600, n)) + distance * rng.integers(0, 2, size=(600, n))
    assert _flagged(samples) == pytest.approx(stated, abs=0.07)
