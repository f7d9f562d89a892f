"""Conditions against each other: differences, corrected p values, and heat maps of sweeps over two numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from support.report_runs import evaluation, write_run

from rl.report import write_comparison
from rl.report.data.between import holm, paired, welch
from rl.report.data.compare import Condition, conditions
from rl.report.data.load import load_run
from rl.report.figures.heat import heat_of
from rl.report.pages.pairs import MOST_IN_ALL_PAIRS, pair_rows

values = st.lists(st.integers(0, 1000).map(lambda whole: whole / 1000), min_size=2, max_size=9)


def arms(folder: Path, finals: Sequence[Sequence[int]], first_seeds: Sequence[int] | None = None) -> list[Condition]:
    """One condition for each list of final counts, at learning rates 1, 2, ..."""
    runs = []
    for arm, counts in enumerate(finals):
        for index, af in enumerate(counts):
            seed = index + (first_seeds[arm] if first_seeds else 0)
            rows = [evaluation(0, 5, 7, 1), evaluation(5, af, 38, af)]
            path = write_run(folder / f"{arm}_{seed}", rows, seed=seed, algo={"learning_rate": arm + 1})
            runs.append(load_run(path))
    return conditions(runs)


@pytest.mark.filterwarnings("ignore:Precision loss")
@given(values, values)
def test_welch_is_scipys_test_with_its_interval(one: list[float], other: list[float]) -> None:
    found = welch([*one, math.nan], other)
    if len(set(one)) == len(set(other)) == 1:
        assert math.isnan(found.p) and found.estimate.bounds is None
        return
    expected = stats.ttest_ind(one, other, equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert found.p == pytest.approx(expected.pvalue, abs=1e-9)
    assert (found.estimate.low, found.estimate.high) == pytest.approx((interval.low, interval.high), abs=1e-9)


@pytest.mark.filterwarnings("ignore:Precision loss")
@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), min_size=2, max_size=9))
def test_paired_is_scipys_test_with_its_interval(pairs: list[tuple[int, int]]) -> None:
    one, other = ({seed: pair[side] / 1000 for seed, pair in enumerate(pairs)} for side in (0, 1))
    found = paired(one | {"alone": 7.0}, other)
    if len({a - b for a, b in pairs}) == 1:
        assert math.isnan(found.p) and found.estimate.bounds is None
        return
    expected = stats.ttest_rel(list(one.values()), list(other.values()))
    interval = expected.confidence_interval(0.95)
    assert found.p == pytest.approx(expected.pvalue, abs=1e-9)
    assert (found.estimate.low, found.estimate.high) == pytest.approx((interval.low, interval.high), abs=1e-9)


@pytest.mark.parametrize("size", [2, 12])
def test_holm_is_that_of_statsmodels_and_untested_pairs_do_not_count(size: int) -> None:
    ps = np.random.default_rng(size).uniform(0, 0.2, size).tolist()
    ps[-1] = ps[0]
    adjusted = holm([*ps[:1], math.nan, *ps[1:]])
    assert math.isnan(adjusted.pop(1))
    assert adjusted == pytest.approx(multipletests(ps, method="holm")[1].tolist())


def test_same_seeds_are_paired_and_others_are_not(tmp_path: Path) -> None:
    finals = [[4, 9, 13, 20], [10, 12, 22, 25], [30, 31, 34, 39]]
    groups = arms(tmp_path, finals, first_seeds=[0, 0, 50])
    rows = {(row.label, row.against): row.pairs[0] for row in pair_rows(groups)}
    one, two, three = (group.label for group in groups)
    shares = [[count / 40 for count in arm] for arm in finals]
    by_seed, welchs = rows[two, one], rows[three, one]
    assert by_seed.by_seed and not welchs.by_seed and len(rows) == 3
    assert by_seed.difference.p == pytest.approx(stats.ttest_rel(shares[1], shares[0]).pvalue)
    assert welchs.difference.p == pytest.approx(stats.ttest_ind(shares[2], shares[0], equal_var=False).pvalue)
    everything = [pair for row in pair_rows(groups) for pair in row.pairs]
    assert [pair.p_holm for pair in everything] == pytest.approx(holm([pair.difference.p for pair in everything]))


def test_many_conditions_are_held_against_the_first_only(tmp_path: Path) -> None:
    groups = arms(tmp_path, [[arm, arm + 3] for arm in range(MOST_IN_ALL_PAIRS + 1)])
    assert {row.against for row in pair_rows(groups)} == {groups[0].label}
    assert len(pair_rows(groups)) == MOST_IN_ALL_PAIRS
    assert len(pair_rows(groups[:-1])) == MOST_IN_ALL_PAIRS * (MOST_IN_ALL_PAIRS - 1) // 2


def swept(folder: Path, algos: Sequence[dict[str, object]]) -> list[Path]:
    """Two seeds of every setting of the algorithm."""
    rows = [evaluation(0, 5, 7, 1), evaluation(5, 20, 30, 10)]
    return [
        write_run(folder / f"{job}_{seed}", rows, seed=seed, algo=algo)
        for job, algo in enumerate(algos)
        for seed in (0, 1)
    ]


@pytest.mark.pictures
def test_heat_map_is_drawn_for_exactly_two_numeric_keys_with_missing_cells_blank(tmp_path: Path) -> None:
    places = [(0.1, 0), (0.1, 1), (0.02, 0)]
    paths = swept(tmp_path / "two", [{"learning_rate": rate, "kl": kl} for rate, kl in places])
    heat = heat_of(conditions([load_run(path) for path in paths]))
    assert heat is not None
    assert (heat.across, heat.columns, heat.down, heat.rows) == ("algo.kl", (0, 1), "algo.learning_rate", (0.02, 0.1))
    assert heat.cells.keys() == {(0, 0.1), (1, 0.1), (0, 0.02)}
    page = write_comparison(paths, tmp_path / "out")
    text = page.read_text()
    assert (page.parent / "figures" / "heat.png").is_file() and "n=2" in text
    assert "algo.kl 1, algo.learning_rate 0.1: gap 50, AF 50%" in text
    assert "Conditions against each other" in text
    assert len(json.loads((page.parent / "summary.json").read_text())["pairs"]) == 3
    others: list[list[dict[str, object]]] = [
        [{"kl": kl} for kl in (0, 1)],
        [{"kl": kl, "kl_on": on} for kl in (0, 1) for on in ("all", "output")],
        [{"kl": kl, "steps": kl + 1, "clip": kl + 2} for kl in (0, 1)],
    ]
    for number, algos in enumerate(others):
        groups = conditions([load_run(path) for path in swept(tmp_path / f"other{number}", algos)])
        assert heat_of(groups) is None
