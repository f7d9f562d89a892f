"""A run that was killed and continued ends as the one that was not, to the last bit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from test_run import ROOT, figures, rows_of, status, wait_for_step

from rl.checkpoint import latest_resume, sha256
from rl.entry import composed
from rl.run import rewind, run
from rl.train import choose_run_dir

STEPS = ["algo.steps=4", "algo.learning_rate=1e-3", "monitors.eval_every=2", "tracking.checkpoint_every=2"]


@pytest.fixture(scope="module")
def whole(small: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that nobody killed."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    run(composed([*small, *STEPS]), folder)
    return folder


def test_a_run_killed_between_two_checkpoints_and_resumed_ends_bit_identical(
    whole: Path, small: list[str], tmp_path: Path
) -> None:
    killed, fresh = tmp_path / "2026-01-01_00-00-00", tmp_path / "2026-01-01_00-00-09"
    command = [sys.executable, "-m", "scripts.train", *small, *STEPS]
    process = subprocess.Popen([*command, f"hydra.run.dir={killed}"], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        wait_for_step(killed, 3)
    finally:
        process.kill()
        process.wait(timeout=100)
    assert status(killed) == "running" and latest_resume(killed / "resume") is not None
    done = subprocess.run(
        [*command, "resume=auto", f"hydra.run.dir={fresh}"], cwd=ROOT, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr
    assert str(killed / "report.html") in done.stdout and not (fresh / "metrics.jsonl").exists()
    assert status(killed) == "finished"
    assert figures(killed) == figures(whole)
    for step in (0, 2, 4):
        name = f"step_{step:06d}"
        weights = [folder / "checkpoints" / name / "model.safetensors" for folder in (killed, whole)]
        assert sha256(weights[0]) == sha256(weights[1])
        transcripts = [folder / "transcripts" / f"{name}.jsonl" for folder in (killed, whole)]
        assert transcripts[0].read_bytes() == transcripts[1].read_bytes()
    assert sha256(whole / "checkpoints/step_000002/model.safetensors") != sha256(weights[1])


def test_a_finished_run_is_not_resumed_and_neither_is_one_of_another_configuration(
    whole: Path, small: list[str]
) -> None:
    fresh = whole.parent / "later"
    assert choose_run_dir(composed([*small, *STEPS, "resume=auto"]), fresh) == fresh
    manifest = whole / "manifest.json"
    finished = manifest.read_text()
    manifest.write_text(finished.replace('"finished"', '"interrupted"'))
    try:
        assert choose_run_dir(composed([*small, *STEPS, "resume=auto"]), fresh) == whole
        assert choose_run_dir(composed([*small, *STEPS, "resume=auto", "seed=5"]), fresh) == fresh
        assert choose_run_dir(composed([*small, *STEPS]), fresh) == fresh
    finally:
        manifest.write_text(finished)


def test_a_named_run_directory_is_the_one_that_is_continued(whole: Path, small: list[str], tmp_path: Path) -> None:
    assert choose_run_dir(composed([*small, f"resume={whole}"]), tmp_path) == whole


def test_a_run_killed_before_its_first_checkpoint_starts_its_record_again(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"step": 0, "eval/gap": 0.1}\n{"step": 1, "tra')
    assert rewind(tmp_path) is None and not (tmp_path / "metrics.jsonl").exists()


def test_rows_and_transcripts_after_the_last_checkpoint_are_dropped(
    whole: Path, small: list[str], tmp_path: Path
) -> None:
    for name in ("metrics.jsonl", "transcripts", "resume"):
        subprocess.run(["cp", "-r", str(whole / name), str(tmp_path / name)], check=True)
    subprocess.run(["rm", "-r", str(tmp_path / "resume" / "checkpoint-4")], check=True)
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 5, "train/rew')
    assert rewind(tmp_path) == tmp_path / "resume" / "checkpoint-2"
    assert {row["step"] for row in rows_of(tmp_path / "metrics.jsonl")} == {0, 1, 2}
    assert sorted(path.stem for path in (tmp_path / "transcripts").iterdir()) == ["step_000000", "step_000002"]
