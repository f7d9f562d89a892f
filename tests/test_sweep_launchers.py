"""The launchers and the sweeper that come with extras, where they are installed: two settings, two seeds, one crash."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support.sweeping import summary_rows, sweeping_in
from test_run import ROOT, status

LAUNCHERS = {
    "joblib": ("hydra_plugins.hydra_joblib_launcher", ["hydra.launcher.n_jobs=2"]),
    "submitit_local": ("hydra_plugins.hydra_submitit_launcher", []),
    "ray": ("hydra_plugins.hydra_ray_launcher", ["++hydra.launcher.ray.init.num_cpus=2"]),
}


def swept(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.train", "-m", *words, f"hydra.sweep.dir={folder}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500)


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_jobs_in_processes_of_their_own_are_all_recorded_and_one_that_crashes_alone_fails(
    launcher: str, small: list[str], tmp_path: Path
) -> None:
    plugin, more = LAUNCHERS[launcher]
    pytest.importorskip(plugin)
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "checkpoints").touch()
    words = [*small, "seed=1,2", f"hydra/launcher={launcher}", *more]
    done = swept(tmp_path, *words)
    assert done.returncode == 1 and "job 1 failed: " in done.stderr and "Not a directory" in done.stderr, done.stderr
    assert {row["job"]: row["status"] for row in summary_rows(tmp_path)} == {0: "finished", 1: "failed"}
    assert status(tmp_path / "0") == "finished"


def test_a_search_asks_for_its_objective_and_outlives_a_trial_that_fails(small: list[str], tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    searched = [word for word in small if not word.startswith("algo.batch_size")]
    words = [*searched, "algo.batch_size=8,9", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=4",
             "hydra.sweeper.direction=maximize", "tracking.objective=train/reward"]  # fmt: skip
    done = swept(tmp_path, *words)
    rows = summary_rows(tmp_path)
    good = [row["objective"] for row in rows if row["status"] == "finished"]
    assert {row["status"] for row in rows} == {"finished", "failed"}, done.stderr
    assert done.returncode == 1 and "algo.batch_size=9 is not divisible" in done.stderr
    found = yaml.safe_load((tmp_path / "optimization_results.yaml").read_text())
    assert found["best_value"] == max(good) and str(found["best_params"]["algo.batch_size"]) == "8"


def test_a_search_without_any_value_says_so_and_one_without_a_possible_value_is_refused(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    search = [*small, "hydra/sweeper=optuna", "hydra.sweeper.n_trials=2", "seed=0,1,2", "hydra.sweep.dir=search"]
    assert sweeping_in(tmp_path, *search, "dry_run=true") == 0
    assert "a search" in capsys.readouterr().err and not (tmp_path / "search").exists()
    for words, reason in (
        (["monitors.tiers=[free]"], "monitors.tiers leaves out paid"),
        (["tracking.objective=eval/benign/helpful", "monitors.benign_requests=0"], "monitors.benign_requests=0"),
        (["tracking.objective=train/kl", "algo.kl=0"], "algo.kl=0"),
        (["tracking.objective=eval/free/af_rate", "scenario=no_scratchpad"], "no scratchpads"),
    ):
        assert sweeping_in(tmp_path, *search, *words) == 2
        assert reason in capsys.readouterr().err
    short = [word for word in search if not word.startswith("algo.max_completion_tokens")]
    cut_off = ["algo.max_completion_tokens=2", "tracking.objective=train/kl"]
    assert sweeping_in(tmp_path, *short, *cut_off) == 1
    told = capsys.readouterr().err
    assert "no trial has a value of the objective" in told and "Traceback" not in told
    assert [row["objective"] for row in summary_rows(tmp_path / "search")] == [None, None]


def test_a_trial_without_a_value_fails_and_the_search_goes_on(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    others = [word for word in small if not word.startswith("algo.max_completion_tokens")]
    words = [*others, "algo.max_completion_tokens=2,48", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=4",
             "hydra.sweeper.sampler.seed=1", "hydra.sweeper.direction=maximize", "hydra.sweeper.n_jobs=1",
             "tracking.objective=eval/gap", "hydra.sweep.dir=search"]  # fmt: skip
    assert sweeping_in(tmp_path, *words) == 0
    assert "ended without a value of tracking.objective=eval/gap" in caplog.text
    told = re.findall(r"job (\d)  finished  algo.max_completion_tokens=(\d+)", capsys.readouterr().err)
    assert [job for job, _ in told] == ["0", "1", "2", "3"] and "2" in [tokens for _, tokens in told[:-1]]
    objectives = {row["overrides"][0]: row["objective"] for row in summary_rows(tmp_path / "search")}
    value = objectives["algo.max_completion_tokens=48"]
    assert value is not None and objectives["algo.max_completion_tokens=2"] is None
    found = yaml.safe_load((tmp_path / "search" / "optimization_results.yaml").read_text())
    assert found["best_value"] == value and found["best_params"] == {"algo.max_completion_tokens": 48}
