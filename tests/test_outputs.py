"""Nothing that is there already is lost: outputs, run directories and neighbours that are something else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from test_errors import ROOT

from rl.bench.command import BenchFailed, Plan
from rl.bench.command import report as bench_report
from rl.command.entry import composed
from rl.config.commands import EvaluateConfig
from rl.config.plain import config_yaml
from rl.errors import ConfigError, MissingFile
from rl.evaluate import command as grid
from rl.evaluate import policies
from rl.files.outputs import keep_rows
from rl.report.command import report_on
from rl.run.figures import read_seconds
from rl.run.manifest import status_in
from rl.run.resume import rewind
from rl.run.run import run
from rl.run.train import choose_run_dir

Command = Callable[..., tuple[int, str, str]]
FOREIGN = "what somebody has written\n"
ONE_STEP = "organism.recipe.stages=[{kind: dose, steps: 1, learning_rate: 1.0e-3, batch: 2, bf16: false}]"


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A file that no command has made."""
    path = tmp_path / "theirs" / "thesis.txt"
    path.parent.mkdir()
    path.write_text(FOREIGN)
    return path


@pytest.mark.parametrize(
    ("name", "words", "told"),
    [
        (
            "organism_job",
            ["organism=tiny", "rebuild=true", ONE_STEP, "out=FOLDER"],
            "something else than an organism",
        ),
        ("organism_job", ["organism=tiny", "rebuild=true", ONE_STEP, "out=FILE"], "is a file"),
        ("organism_job", ["organism=tiny_synthdoc", "documents=FILE"], "something else than such documents"),
        ("evaluate", ["out=FILE"], "something else than such figures"),
        ("evaluate", ["out=FOLDER"], "is a folder"),
        ("evaluate", ["out=FILE/grid.json"], "cannot be written"),
    ],
)
def test_what_somebody_else_wrote_is_not_replaced(
    name: str, words: list[str], told: str, foreign: Path, command: Command
) -> None:
    filled = [word.replace("FILE", str(foreign)).replace("FOLDER", str(foreign.parent)) for word in words]
    code, _, errors = command(*filled, name=name)
    assert code == 2 and told in errors and errors.startswith("1 problem"), errors
    assert foreign.read_text() == FOREIGN


@pytest.mark.parametrize("place", ["{file}", "{run}"])
def test_a_comparison_goes_over_no_file_and_over_no_run(place: str, foreign: Path, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "metrics.jsonl").write_text('{"step": 0, "eval/gap": 0.1}\n')
    out = place.format(file=foreign, run=tmp_path / "runs" / "b")
    with pytest.raises(ConfigError, match="out="):
        list(report_on([str(tmp_path / "runs"), f"out={out}"]))
    assert foreign.read_text() == FOREIGN and not (tmp_path / "runs" / "b" / "report.html").exists()


def test_a_benchmark_says_before_it_measures_that_its_file_cannot_be_written(foreign: Path) -> None:
    for file in (foreign, foreign.parent, foreign / "x.json"):
        with pytest.raises(BenchFailed, match="--json"):
            bench_report(Plan(1, 1, 1, []), file)
    assert foreign.read_text() == FOREIGN


def evaluating(*words: str) -> EvaluateConfig:
    return cast(EvaluateConfig, composed(words, "evaluate"))


def test_figures_of_an_evaluation_that_is_broken_off_are_kept_policy_by_policy(
    small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = evaluating("settings=[prompted]", f"out={tmp_path / 'grid.json'}", *small[:3])
    policy, whole, looked = policies.Policy("first", config.organism, None, 0), grid.look, list[str]()

    def look(*given: Any) -> list[dict[str, Any]]:
        looked.append(given[1].name)
        if len(looked) == 2:
            raise KeyboardInterrupt
        return whole(*given)

    config.monitors.harmful_requests, config.monitors.benign_requests, config.algo.max_completion_tokens = 2, 1, 24
    monkeypatch.setattr(grid, "_policies", lambda _: ([policy, policy], []))
    monkeypatch.setattr(grid, "look", look)
    with pytest.raises(KeyboardInterrupt):
        grid.evaluate(config)
    (row,) = json.loads((tmp_path / "grid.json").read_text())
    assert row["policy"] == "first" and "eval/gap" in row
    assert list(policies.out_problems(config, "setting")) == [], "earlier figures are replaced without more ado"


def test_figures_name_a_run_in_the_home_folder_without_saying_whose_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home" / "alice"
    monkeypatch.setenv("HOME", str(home))
    rows = [{"run": str(home / "run"), "policy": f"{home}/run/checkpoints/step_000000", "setting": "prompted"}]
    (kept,) = keep_rows(rows, None, str(home / "run"), "grid.json")
    assert kept == home / "run" / "grid.json" and "alice" not in kept.read_text()
    assert json.loads(kept.read_text())[0]["run"] == "~/run"


def test_a_run_directory_of_another_configuration_is_not_taken_over(small: list[str], tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"step": 0}\n')
    (tmp_path / "config.yaml").write_text(config_yaml(composed([*small, "seed=3"])))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ConfigError, match="another configuration: seed is 3 there, 4 here; choose another folder"):
        run(composed([*small, "seed=4"]), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name != ".lock"} == before


def test_a_finished_run_without_its_states_is_not_begun_over_its_record(small: list[str], tmp_path: Path) -> None:
    config = composed([*small, "seed=3"])
    (tmp_path / "metrics.jsonl").write_text('{"step": 0}\n')
    (tmp_path / "config.yaml").write_text(config_yaml(config))
    (tmp_path / "manifest.json").write_text('{"status": "finished"}')
    with pytest.raises(MissingFile, match="holds a finished run, whose resume/ is gone"):
        run(config, tmp_path)
    assert (tmp_path / "metrics.jsonl").read_text() == '{"step": 0}\n'
    assert status_in(tmp_path) == "finished"


@pytest.mark.parametrize("damage", ["manifest.json", "config.yaml"])
def test_a_damaged_neighbour_keeps_no_run_from_being_continued(
    damage: str, small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = composed([*small, "resume=auto"])
    for name in ("2026-01-01", "2026-01-02"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text(config_yaml(config))
        (tmp_path / name / "manifest.json").write_text('{"status": "interrupted"}')
    (tmp_path / "2026-01-02" / damage).write_text('{"status": "fin')
    assert read_seconds(tmp_path / "2026-01-02") == 0, "a row of a sweep must not fail on it"
    expected = "2026-01-02" if damage == "manifest.json" else "2026-01-01"
    assert choose_run_dir(config, tmp_path / "2026-01-03") == tmp_path / expected
    assert ("passed over" in capsys.readouterr().err) == (damage == "config.yaml")


def test_two_writers_of_one_file_leave_what_either_wrote(tmp_path: Path) -> None:
    path, texts = tmp_path / "figures.json", ["a" * 400_000, "b" * 400_000]
    code = "import sys; from pathlib import Path; from rl.files.atomic import replace_text\n"
    code += "for _ in range(30): replace_text(Path(sys.argv[1]), sys.argv[2] * 400_000)"
    words = [[sys.executable, "-c", code, str(path), text[0]] for text in texts]
    both = [subprocess.Popen(one, cwd=ROOT) for one in words]
    assert [one.wait(120) for one in both] == [0, 0]
    assert path.read_text() in texts and [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_run_that_begins_anew_keeps_nothing_of_what_was_written_before(tmp_path: Path) -> None:
    for name in ("transcripts/step_000009.jsonl", "checkpoints/step_000009/config.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "manifest.json").write_text('{"status": "interrupted"}')
    assert rewind(tmp_path) is None
    assert not list(tmp_path.rglob("step_*")), "an export would take the old end for the new one"
