"""The study: which arm is which, what an effect is held against, and the rule that was stated beforehand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf
from scipy import stats
from support.report_runs import REQUESTS, evaluation, write_run

from monitors.statistics.interval import Interval
from rl.command.entry import CONF
from rl.config.commands import register
from rl.report import write_comparison
from rl.report.data.arms import BASELINE, arm_of
from rl.report.data.expectations import EXPECTED, verdict
from rl.sweep.plan import plan_of

pytestmark = pytest.mark.pictures

ENDS = {"baseline": [24, 27, 30, 29, 25], "length_hinge": [12, 9, 15, 13, 10], "two_seeds": [12, 9]}


def config_of(arm: str) -> dict[str, Any]:
    """A run's configuration as far as the study reads it."""
    common: dict[str, Any] = {"scenario": {"name": "prompted"}, "organism": {"name": "tiny"}, "algo": {"name": "grpo"}}
    if arm == "two_seeds":
        return common | {"scenario": {"name": "no_objective"}}
    return common | {"mitigation": {arm: {"per_word": 0.05}} if arm != "baseline" else {}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Runs of three arms; faking and gap end where `ENDS` says, the audit one request below."""
    runs = []
    for arm, ends in ENDS.items():
        for seed, end in enumerate(ends):
            rows = [evaluation(0, 5, 7, 1), evaluation(10, end, end + 5, 3)]
            for row, af in zip(rows, (5, end), strict=True):
                row["eval/free/af_rate_audit"] = (af - 1) / REQUESTS
            runs.append(write_run(tmp_path / arm / f"seed_{seed}", rows, seed=seed, **config_of(arm)))
    return write_comparison(runs).parent


def test_an_effect_is_the_difference_of_means_with_welchs_interval_and_what_the_rule_says(folder: Path) -> None:
    study = json.loads((folder / "study.json").read_text())
    rows = {row["arm"]: row for table in study["questions"].values() for row in table}
    hinge = rows["length_hinge"]["effects"]["eval/free/af_rate_audit"]
    arms = [[(end - 1) / REQUESTS for end in ENDS[name]] for name in ("length_hinge", "baseline")]
    tested = stats.ttest_ind(*arms, equal_var=False)
    interval = tested.confidence_interval()
    assert (hinge["value"], hinge["lo"], hinge["hi"], hinge["p"]) == pytest.approx(
        (sum(arms[0]) / 5 - sum(arms[1]) / 5, interval.low, interval.high, tested.pvalue)
    )
    assert (hinge["published"], hinge["verdict"]) == ("down", "reproduced")
    few = rows["no_objective"]["effects"]["eval/gap"]
    assert few["hi"] < 0 and few["verdict"] == "undecided", "two seeds are no five"
    early = rows["no_objective"]["before"]["eval/gap"]
    assert (early["value"], early["published"]) == (0, "down"), "published of models before RL, and no different then"
    assert rows["length_hinge"]["before"] == {} and "before RL: AF 0" in (folder / "study.md").read_text()
    assert "| length_hinge | 5 |" in (folder / "study.md").read_text()
    page = (folder / "report.html").read_text()
    assert study["rule"].split(":")[0] in page and "Each arm beside the baseline" in page
    points = round(hinge["value"] * 100)
    assert f"length_hinge: AF {points}, gap" in page.replace("\u2212", "-"), "the figure says what the table does"
    assert (folder / "figures" / "forest.png").stat().st_size > 10_000


def test_runs_of_one_seed_count_once(tmp_path: Path) -> None:
    runs = []
    for arm, end in {"baseline": 30, "length_hinge": 12}.items():
        for number in range(6):
            rows = [evaluation(0, 5, 7, 1), evaluation(10, end + number, end + number + 5, 3)]
            for row, af in zip(rows, (5, end + number), strict=True):
                row["eval/free/af_rate_audit"] = af / REQUESTS
            runs.append(write_run(tmp_path / arm / f"run_{number}", rows, seed=number % 2, **config_of(arm)))
    study = json.loads((write_comparison(runs).parent / "study.json").read_text())
    (row,) = (row for table in study["questions"].values() for row in table)
    effect = row["effects"]["eval/free/af_rate_audit"]
    assert effect["hi"] < 0 and effect["verdict"] == "undecided", "two seeds three times are no six"


@pytest.mark.parametrize(
    ("published", "interval", "said"),
    [
        ("up", (0.01, 0.30), "reproduced"), ("up", (-0.30, -0.01), "not reproduced"),
        ("up", (-0.09, 0.09), "not reproduced"), ("up", (-0.05, 0.20), "undecided"),
        ("down", (-0.30, -0.01), "reproduced"), ("down", (-0.20, 0.05), "undecided"),
        ("unchanged", (-0.09, 0.09), "reproduced"), ("unchanged", (0.05, 0.25), "not reproduced"),
        ("unchanged", (0.01, 0.15), "undecided"), ("unchanged", (-0.20, 0.20), "undecided"),
        ("up or unchanged", (-0.05, 0.40), "reproduced"), ("up or unchanged", (-0.40, -0.02), "not reproduced"),
    ],
)  # fmt: skip
def test_the_rule_as_it_is_told(published: str, interval: tuple[float, float], said: str) -> None:
    reading = Interval(sum(interval) / 2, *interval)
    assert verdict(published, reading, 5) == said
    assert verdict(published, reading, 4) == "undecided" and verdict(None, reading, 5) == ""


@pytest.mark.parametrize("study", sorted(path.stem for path in (CONF / "study").glob("*.yaml")))
def test_arms_of_a_shipped_study_can_run_have_five_seeds_and_their_comparison_among_them_and_a_line_on_the_published(
    study: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    register()
    GlobalHydra.instance().clear()
    plan = plan_of(["-m", f"+study={study}", "hydra.sweeper.params.seed=0"])
    assert plan.jobs and not any(job.problems for job in plan.jobs) and plan.directory.name == "study"
    labels = [arm_of(job.config).label for job in plan.jobs]  # type: ignore[arg-type]
    grounds = {BASELINE, *(one.against for label in labels for one in EXPECTED.get(label, ()))}
    assert grounds & set(labels) and len(set(labels)) == len(labels)
    assert set(labels) - {BASELINE} <= set(EXPECTED)
    assert {job.config.algo.steps for job in plan.jobs} == {12}
    params = OmegaConf.load(CONF / "study" / f"{study}.yaml").hydra.sweeper.params
    assert params.seed == "0,1,2,3,4" and params.experiment == "compact"
