"""Many runs by one command: none leaks into another, none takes the others down, and the same command goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.sweeping import summary_rows, sweeping_in
from test_run import ROOT, figures, rows_of, status, wait_for_step

from rl.files.checkpoint import sha256
from rl.tracking.metrics import FREE_AF, GAP, METRICS, objective_keys

STEPS = ["algo.steps=2", "monitors.eval_every=1", "tracking.checkpoint_every=1", "algo.learning_rate=1e-3"]
SWEPT = "algo.bf16=false,true"
CRASHED, OTHER = 0, 1
"""The job that crashes, and is continued after the other one, whose precision it must not take over."""


@dataclass(frozen=True)
class Sweep:
    """A sweep of two jobs, of which one crashed at its second step, and the same command two times more."""

    folder: Path
    codes: list[int]
    stamps: list[dict[int, int]]
    """When each job's manifest was last written, after each launch."""
    rows: list[list[dict[str, Any]]]
    """`summary.jsonl` after each launch."""
    told: list[tuple[str, str]]
    """Standard output and error of each launch."""


@pytest.fixture(scope="module")
def twice(small: list[str], tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    place = tmp_path_factory.mktemp("sweep")
    words = [*small, *STEPS, "tracking.mode=offline", SWEPT]
    codes, stamps, rows, told = [], [], [], []
    folder = place / "runs" / "run" / "2026-01-01_00-00-00"
    for launch in range(3):
        # The first launch names its directory, and finds a file where a folder of the first job has to be.
        obstacle = folder / str(CRASHED) / "checkpoints" / ".step_000002.partial"
        if launch == 0:
            obstacle.parent.mkdir(parents=True)
            obstacle.touch()
        elif launch == 1:
            obstacle.unlink()
        with pytest.MonkeyPatch.context() as patch:
            out, err = Kept(), Kept()
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            named = ["hydra.sweep.dir=runs/run/2026-01-01_00-00-00"] if launch == 0 else []
            codes.append(sweeping_in(place, *words, *named))
        told.append((out.text, err.text))
        rows.append(summary_rows(folder))
        stamps.append({job: (folder / str(job) / "manifest.json").stat().st_mtime_ns for job in range(2)})
    return Sweep(folder, codes, stamps, rows, told)


class Kept:
    """A stream that remembers; no terminal."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        """There is nothing to flush."""

    def isatty(self) -> bool:
        return False


def test_a_job_that_crashes_takes_no_other_down_and_is_told_at_the_end(twice: Sweep) -> None:
    out, err = twice.told[0]
    assert twice.codes[0] == 1
    assert [(row["job"], row["status"]) for row in twice.rows[0]] == [(CRASHED, "failed"), (OTHER, "finished")]
    assert "FileExistsError" in twice.rows[0][CRASHED]["error"]
    assert f"job {CRASHED} failed: FileExistsError" in err.split("job 1  finished")[1] and "Traceback" not in err
    assert "Traceback" in (twice.folder / str(CRASHED) / "job.log").read_text()
    assert [line.split()[:3] for line in out.splitlines()[1:3]] == [
        ["0", "algo.bf16=False", "failed"], ["1", "algo.bf16=True", "finished"]
    ]  # fmt: skip


def test_the_same_command_skips_what_is_finished_and_continues_what_crashed(twice: Sweep) -> None:
    assert twice.codes[1:] == [0, 0]
    changed = {job for job in range(2) if twice.stamps[1][job] != twice.stamps[0][job]}
    assert changed == {CRASHED}
    log = (twice.folder / str(CRASHED) / "job.log").read_text()
    assert log.count("evaluation  step 0/2  AF") == 1, "the first evaluation was made again: the run started afresh"
    assert "1 finished before" in twice.told[1][1]
    assert len(list(twice.folder.parent.iterdir())) == 1, "the same command made a directory of its own"


def test_a_sweep_that_is_finished_runs_nothing_and_shows_its_table_again(twice: Sweep) -> None:
    assert twice.stamps[2] == twice.stamps[1] and twice.rows[2] == twice.rows[1]
    assert twice.told[2][0].count("finished") == 2 and "2 finished before" in twice.told[2][1]


def test_every_exit_of_a_job_leaves_one_row_with_its_figures(twice: Sweep) -> None:
    assert [(row["job"], row["status"]) for row in twice.rows[1][2:]] == [(CRASHED, "finished")]
    for row in twice.rows[1][1:]:
        metrics = rows_of(twice.folder / row["path"] / "metrics.jsonl")
        for name, key in (("af_rate", FREE_AF), ("gap", GAP)):
            values = [line[key] for line in metrics if key in line]
            assert len(values) == 3
            assert [row[f"{name}_{which}"] for which in ("first", "last", "best")] == [
                values[0], values[-1], max(values)
            ]  # fmt: skip
        assert row["objective"] == row["gap_last"] and row["seconds"] > 0 and row["error"] is None
        assert f"algo.bf16={row['job'] == OTHER}" in row["overrides"]


def test_a_job_after_others_in_one_process_and_continued_equals_the_run_alone_in_its_own(
    twice: Sweep, small: list[str], tmp_path: Path
) -> None:
    words = [*small, *STEPS, "algo.bf16=false", f"hydra.run.dir={tmp_path}"]
    done = subprocess.run(
        [sys.executable, "-m", "scripts.train", *words], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    job = twice.folder / str(CRASHED)
    assert figures(job) == figures(tmp_path)
    for step in ("step_000001", "step_000002"):
        shas = [sha256(folder / "checkpoints" / step / "model.safetensors") for folder in (job, tmp_path)]
        assert shas[0] == shas[1]
    other = twice.folder / str(OTHER) / "checkpoints" / "step_000002" / "model.safetensors"
    assert sha256(other) != shas[0], "bf16 changed nothing: the comparison above shows nothing"


def test_every_job_has_a_wandb_run_of_its_own(twice: Sweep) -> None:
    ids = {(twice.folder / str(job) / "wandb" / "run_id").read_text() for job in range(2)}
    offline = {job: len(list((twice.folder / str(job) / "wandb").glob("offline-run-*"))) for job in range(2)}
    assert len(ids) == 2 and offline == {CRASHED: 2, OTHER: 1}


def test_a_run_logs_every_metric_that_may_be_searched_for(twice: Sweep) -> None:
    logged = {key for line in rows_of(twice.folder / "0" / "metrics.jsonl") for key in line}
    third_tier = {metric.key for metric in METRICS if metric.only_with}
    assert set(objective_keys()) - third_tier <= logged


def test_ctrl_c_ends_the_sweep_and_not_only_the_job(small: list[str], tmp_path: Path) -> None:
    words = [*small, "algo.steps=500", "seed=1,2", f"hydra.sweep.dir={tmp_path}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.train", "-m", *words],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        wait_for_step(tmp_path / "0", 1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=200)
    finally:
        process.kill()
    assert process.returncode == 130 and "Traceback" not in err
    assert err.strip().endswith("interrupted; the same command continues the sweep")
    assert status(tmp_path / "0") == "interrupted" and not (tmp_path / "1").exists()
    assert [row["status"] for row in summary_rows(tmp_path)] == ["interrupted"]
    assert out.splitlines()[2].split()[:3] == ["1", "seed=2", "not"]
