"""What a sweep knows before it runs: its jobs, its directory, its share of the cores, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from hydra.conf import HydraConf
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from omegaconf import OmegaConf
from support.sweeping import sweeping_in

from rl.command.entry import composed, quote_value
from rl.errors import ConfigError
from rl.sweep.place import choose_threads, compute_job_key, count_jobs_at_once, find_job_dir, find_run_dirs
from rl.sweep.plan import SweepPlan, plan_of, write_plan
from rl.sweep.plugins import EXTRAS


def hydra_node(kind: str, sweeper: str = "basic", **keys: object) -> HydraConf:
    """The part of Hydra's node that says who launches."""
    choices = {"hydra/launcher": kind, "hydra/sweeper": sweeper}
    node: Any = OmegaConf.create(
        {
            "runtime": {"choices": choices},
            "launcher": {"n_jobs": keys.get("n_jobs")},
            "sweeper": {"n_jobs": keys.get("trials"), "max_batch_size": keys.get("batch")},
        }
    )
    return cast(HydraConf, node)


def begun_in(folder: Path, *words: str) -> Path:
    """A run directory with nothing but its configuration."""
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(OmegaConf.to_yaml(composed(words), resolve=True))
    return folder


def planned(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> SweepPlan:
    composed()
    monkeypatch.chdir(folder)
    return plan_of(["-m", *words])


def test_what_is_wrong_with_every_job_is_told_once_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweeping_in(tmp_path, "algo.batch_size=9", "seed=1,2") == 2
    told = capsys.readouterr().err
    assert told.startswith("1 problem in the configuration:\n  - algo.batch_size=9 is not divisible")
    assert not list(tmp_path.iterdir())


def test_problems_of_their_own_are_told_with_the_job_that_has_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweeping_in(tmp_path, "algo.batch_size=9,10", "algo.kl=-1") == 2
    told = capsys.readouterr().err
    assert told.count("algo.kl=-1.0: must be 0 or more") == 1
    assert "  - algo.batch_size=10: algo.batch_size=10 is not divisible" in told


def test_a_value_that_fits_nowhere_stops_the_sweep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sweeping_in(tmp_path, "seed=1,two") == 2
    told = capsys.readouterr().err
    assert "seed=two: Value 'two'" in told and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["seed=1,2,1"], "jobs 0 and 2 are the same run: seed=1"),
        (["seed=1,2", "resume=/nowhere"], "each job of a sweep finds its own unfinished run"),
        (["seed=1,2", "tracking.objective=eval/gapp"], "(did you mean eval/gap?)"),
        (["hydra/launcher=slurm"], "hydra/launcher=slurm: must be one of basic, joblib, ray, "),
    ],
)
def test_a_sweep_that_makes_no_sense_is_refused_in_words(
    words: list[str], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = sweeping_in(tmp_path, "dry_run=true", *words)
    told = capsys.readouterr().err
    assert code == 2 and line in told and "Traceback" not in told


@pytest.mark.parametrize("choice", EXTRAS)
def test_a_missing_extra_says_how_to_install_it(
    choice: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    group, name = choice.removeprefix("hydra/").split("=")
    Plugins.instance()  # they register what they bring as they are found
    monkeypatch.delitem(ConfigStore.instance().repo["hydra"][group], f"{name}.yaml", raising=False)
    assert sweeping_in(tmp_path, choice, "seed=1,2") == 2
    assert capsys.readouterr().err == f"{choice} needs a plugin of Hydra: pip install 'goalguard[{EXTRAS[choice]}]'\n"


def test_a_dry_run_names_the_jobs_and_makes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sweeping_in(tmp_path, "seed=1,2", "algo.kl=0.02,0.1", "dry_run=true") == 0
    told = capsys.readouterr()
    assert told.out.splitlines() == [
        "job 0  seed=1 algo.kl=0.02", "job 1  seed=1 algo.kl=0.1",
        "job 2  seed=2 algo.kl=0.02", "job 3  seed=2 algo.kl=0.1",
    ]  # fmt: skip
    assert "4 jobs" in told.err and not list(tmp_path.iterdir())


def test_the_same_jobs_in_any_order_find_their_sweep_and_others_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = planned(tmp_path, monkeypatch, "seed=1,2", "algo.kl=0.02,0.1")
    assert first.directory.parent == tmp_path / "runs" / "run" and not first.known
    old = first.directory.with_name("2026-01-01_00-00-00")
    write_plan(SweepPlan(first.words, first.identity, old, False, first.fixed, first.jobs, 0, False))
    assert planned(tmp_path, monkeypatch, "algo.kl=0.1,0.02", "seed=2,1", "threads=1").directory == old
    assert planned(tmp_path, monkeypatch, "seed=1,2,3").directory != old
    named = planned(tmp_path, monkeypatch, "seed=1,2", "hydra.sweep.dir=elsewhere")
    assert named.directory == tmp_path / "elsewhere"


def test_a_job_lives_where_its_configuration_was_begun_and_never_in_anothers_directory(tmp_path: Path) -> None:
    ours = begun_in(tmp_path / "0", "seed=1", "threads=1")
    other = begun_in(tmp_path / "1", "seed=2")
    assert find_job_dir(composed(["seed=1", "threads=2"]), tmp_path, other) == ours
    assert find_job_dir(composed(["seed=3"]), tmp_path, tmp_path / "2") == tmp_path / "2"
    beside = find_job_dir(composed(["seed=3"]), tmp_path, other)
    assert beside == tmp_path / f"1-{compute_job_key(composed(['seed=3']))[:8]}"
    assert set(find_run_dirs(tmp_path).values()) == {ours, other}


def test_parallel_jobs_share_the_cores_and_a_continued_run_keeps_its_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("joblib.cpu_count", lambda: 8)
    config = composed(["threads=4"])
    fresh = tmp_path / "0"
    shares = {jobs: choose_threads(config, fresh, hydra_node("joblib", n_jobs=jobs)) for jobs in (1, 2, 3, 8, 20)}
    assert shares == {1: 4, 2: 4, 3: 2, 8: 1, 20: 1}
    assert choose_threads(config, fresh, hydra_node("submitit_local", batch=4)) == 2
    for alone in ("basic", "ray", "submitit_slurm"):
        assert choose_threads(config, fresh, hydra_node(alone)) == 4
    begun_in(fresh, "threads=3")
    assert choose_threads(config, fresh, hydra_node("joblib", n_jobs=8)) == 3


def test_a_search_runs_no_more_jobs_at_a_time_than_it_asks_for() -> None:
    assert count_jobs_at_once(hydra_node("joblib", "optuna", n_jobs=4, trials=2)) == 2
    assert count_jobs_at_once(hydra_node("submitit_local", "optuna", trials=3)) == 3


def test_any_path_survives_hydras_grammar(tmp_path: Path) -> None:
    parser = OverridesParser.create()
    for name in ("plain", "two words", "it's", "a=b,c", "{x}", "[a](b)", 'say "a"'):
        assert parser.parse_override(f"hydra.sweep.dir={quote_value(str(tmp_path / name))}").value() == str(
            tmp_path / name
        )


def test_a_notebook_can_catch_a_bad_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="seed=two"):
        planned(tmp_path, monkeypatch, "seed=two,1")
