"""Several runs become one comparison: which runs belong together, and what their means may claim."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from support.report_runs import REQUESTS, evaluation, no_metrics, write_run

from rl.report import write_comparison
from rl.report.command import report_on
from rl.report.data.compare import conditions
from rl.report.data.load import find_runs, load_run

pytestmark = pytest.mark.pictures


def seeds_of(folder: Path, finals: list[int], **config: Any) -> list[Path]:
    """Runs that differ in their seed and their last evaluation; the later seeds go on for one evaluation more."""
    paths = []
    for seed, final in enumerate(finals):
        rows = [evaluation(0, 5, 7, 1), evaluation(5, final, 30, 10)]
        rows += [evaluation(10, final, 30, 10)] if seed >= 2 else []
        paths.append(write_run(folder / f"2026-01-0{seed + 1}", rows, seed=seed, **config))
    return paths


def test_comparison_averages_seeds_with_the_t_interval(tmp_path: Path) -> None:
    finals = [20, 24, 31, 28]
    page = write_comparison(seeds_of(tmp_path / "headline", finals))
    assert page == tmp_path / "headline" / "comparison" / "report.html"
    summary = json.loads((page.parent / "summary.json").read_text())
    (condition,) = summary["conditions"]
    shares = np.array(finals) / REQUESTS
    lo, hi = stats.t.interval(0.95, len(finals) - 1, loc=shares.mean(), scale=stats.sem(shares))
    mean = condition["last"]["eval/free/af_rate"]["mean"]
    assert (mean["value"], mean["lo"], mean["hi"]) == pytest.approx((shares.mean(), lo, hi))
    assert "Fewer than five runs" in page.read_text()
    assert {png.stem for png in (page.parent / "figures").iterdir()} == {"rates", "gap", "ends"}


@pytest.mark.parametrize(
    ("kept", "split"), [([1, 2, 1, 2, 29, 30, 31, 30], True), ([1, 5, 9, 14, 18, 22, 26, 31], False)]
)
def test_seeds_that_fall_into_two_groups_are_said_to(kept: list[int], split: bool, tmp_path: Path) -> None:
    runs = [
        write_run(
            tmp_path / f"2026-01-0{seed + 1}", [evaluation(0, 5, 7, 1), evaluation(5, 9, 35, 35 - gap)], seed=seed
        )
        for seed, gap in enumerate(kept)
    ]
    page = write_comparison(runs, tmp_path / "out")
    (condition,) = json.loads((page.parent / "summary.json").read_text())["conditions"]
    assert condition["gap_modes"]["bimodal"] is split
    assert ("two groups: 4 seeds near" in page.read_text()) is split


def test_mean_line_ends_where_the_first_seed_stops(tmp_path: Path) -> None:
    (group,) = conditions([load_run(path) for path in seeds_of(tmp_path / "headline", [10, 10, 40, 40])])
    steps, means = group.mean_series("eval/free/af_rate")
    assert steps.tolist() == [0, 5]
    assert means[-1].value == pytest.approx(25 / REQUESTS)


def test_runs_are_grouped_by_experiment_or_by_the_keys_that_differ(tmp_path: Path) -> None:
    experiments = [load_run(p) for name in ("a", "b") for p in seeds_of(tmp_path / name, [9, 9], name=name)]
    assert [(group.label, len(group.runs)) for group in conditions(experiments)] == [("a", 2), ("b", 2)]
    rates = [
        load_run(path)
        for value in (1e-4, 5e-5)
        for path in seeds_of(
            tmp_path / str(value), [9, 9], algo={"lr": value, "reward_seed": value}, tracking={"id": value}
        )
    ]
    assert [group.label for group in conditions(rates)] == ["algo.lr=0.0001", "algo.lr=5e-05"]


def test_comparison_names_repeated_seeds_and_runs_left_out(tmp_path: Path) -> None:
    first = seeds_of(tmp_path / "headline", [9, 12])
    again = seeds_of(tmp_path / "again", [9])
    text = write_comparison([*first, *again, no_metrics(tmp_path / "dead")], tmp_path / "out").read_text()
    assert "Two runs share a seed" in text
    assert re.search(r"nothing was evaluated in them: \S*dead", text)


def test_command_finds_runs_in_natural_order_and_compares_them(tmp_path: Path) -> None:
    for job in (10, 9, 1):
        write_run(tmp_path / "sweep" / str(job), [evaluation(0, 5, 7, 1)], seed=job)
    assert [path.name for path in find_runs([tmp_path, tmp_path / "sweep" / "9"])] == ["1", "9", "10"]
    pages = list(report_on([str(tmp_path / "sweep"), f"out={tmp_path / 'here'}"]))
    assert len(pages) == 4
    assert pages[-1] == tmp_path / "here" / "report.html"
