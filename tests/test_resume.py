"""A run that was killed and continued ends as the one that was not, to the last bit."""

from __future__ import annotations

import gzip
import json
import random
import shutil
import signal
import statistics
import subprocess
from pathlib import Path

import pytest
from support.killing import Kill, differences, finished, killed
from test_run import rows_of, status

from rl.command.entry import composed
from rl.files.checkpoint import sha256
from rl.report import write_report
from rl.report.data.load import load_run
from rl.run.resume import rewind
from rl.run.run import run
from rl.run.train import choose_run_dir
from rl.run.watch import trainer_figures

STEPS = ["algo.steps=6", "algo.learning_rate=1e-3", "monitors.eval_every=1", "tracking.checkpoint_every=1",
         "tracking.rollouts=true"]  # fmt: skip


@pytest.fixture(scope="module")
def whole(small: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that nobody killed."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    run(composed([*small, *STEPS]), folder)
    return folder


def test_a_run_killed_three_times_and_resumed_ends_bit_identical(whole: Path, small: list[str], tmp_path: Path) -> None:
    place, fresh, chance = tmp_path / "2026-01-01_00-00-00", tmp_path / "2026-01-01_00-00-09", random.Random(5)
    kills = [
        Kill(signal.SIGKILL, None, after=1),
        Kill(signal.SIGTERM, chance.random()),
        Kill(signal.SIGINT, None, after=3),
    ]
    left = [killed([*small, *STEPS], place, kill) for kill in kills]
    assert [one.code for one in left] == [-signal.SIGKILL, 130, 130], left
    assert status(place) == "interrupted" and (left[-1].state or 0) >= 3, left
    finished([*small, *STEPS, "resume=auto"], fresh)
    assert status(place) == "finished" and not (fresh / "metrics.jsonl").exists()
    assert differences(place, whole) == []
    kept = [{path.name: sha256(path) for path in (one / "rollouts").iterdir()} for one in (place, whole)]
    assert kept[0] == kept[1] and len(kept[1]) == 6
    weights = [sha256(whole / f"checkpoints/step_00000{step}/model.safetensors") for step in (0, 3, 6)]
    assert len(set(weights)) == 3, "training changed nothing: the comparison above shows nothing"


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
        for number, words in enumerate((["resume=auto", "seed=5"], [])):
            other = whole.parent / f"later still {number}"
            assert choose_run_dir(composed([*small, *STEPS, *words]), other) == other
    finally:
        manifest.write_text(finished)


def test_a_run_that_was_ended_in_its_report_makes_no_step_too_many(
    whole: Path, small: list[str], tmp_path: Path
) -> None:
    place = Path(shutil.copytree(whole, tmp_path / "place"))
    (place / "report.html").unlink()
    run(composed([*small, *STEPS]), place)
    assert (place / "report.html").exists() and differences(place, whole) == []


def test_a_named_run_directory_is_the_one_that_is_continued(whole: Path, small: list[str], tmp_path: Path) -> None:
    assert choose_run_dir(composed([*small, f"resume={whole}"]), tmp_path) == whole


def test_a_run_killed_before_its_first_checkpoint_starts_its_record_again(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"step": 0, "eval/gap": 0.1}\n{"step": 1, "tra')
    assert rewind(tmp_path) is None and not (tmp_path / "metrics.jsonl").exists()


def test_figures_that_were_cut_off_are_read_as_far_as_they_go_and_the_report_says_so(
    whole: Path, tmp_path: Path
) -> None:
    text = (whole / "metrics.jsonl").read_text()
    (tmp_path / "metrics.jsonl").write_text(text[:-20])
    read = load_run(tmp_path)
    assert read.unreadable_lines == 1 and list(read.metrics) == list(range(7)) and read.metrics[5]
    assert "1 line of its files could not be read" in write_report(tmp_path).read_text()


def test_rows_and_transcripts_after_the_last_checkpoint_are_dropped(
    whole: Path, small: list[str], tmp_path: Path
) -> None:
    for name in ("metrics.jsonl", "transcripts", "resume"):
        subprocess.run(["cp", "-r", str(whole / name), str(tmp_path / name)], check=True)
    subprocess.run(["rm", "-r", str(tmp_path / "resume" / "checkpoint-6")], check=True)
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 7, "train/rew')
    assert rewind(tmp_path) == tmp_path / "resume" / "checkpoint-5"
    assert {row["step"] for row in rows_of(tmp_path / "metrics.jsonl")} == set(range(6))
    assert sorted(path.stem for path in (tmp_path / "transcripts").iterdir()) == [
        f"step_00000{step}" for step in range(6)
    ]


def test_advantages_and_rewards_can_be_computed_again_from_the_rollouts_that_are_kept(whole: Path) -> None:
    metrics = {row["step"]: row for row in rows_of(whole / "metrics.jsonl") if "train/reward" in row}
    files = sorted((whole / "rollouts").glob("*.jsonl.gz"))
    assert [path.name for path in files] == [f"step_{step:06d}.jsonl.gz" for step in metrics]
    for step, path in zip(metrics, files, strict=True):
        rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
        assert {row["step"] for row in rows} == {step} and {row["tier"] for row in rows} == {"free"}
        assert metrics[step]["train/reward"] == pytest.approx(sum(row["reward"] for row in rows) / len(rows), abs=1e-5)
        assert metrics[step]["train/truncated"] == pytest.approx(1 - sum(row["kept"] for row in rows) / len(rows))
        for start in range(0, len(rows), 4):
            group = rows[start : start + 4]
            kept = [row["reward"] for row in group if row["kept"]]
            assert len({row["request_id"] for row in group}) == 1
            spread = statistics.stdev(kept) if len(kept) > 1 else 0.0
            for row in group:
                expected = (row["reward"] - statistics.mean(kept)) / (spread + 1e-4) if row["kept"] and spread else 0.0
                assert row["advantage"] == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_what_the_trainer_measures_on_no_token_is_null_and_not_zero() -> None:
    logs = {"loss": 0.0, "kl": 0.0, "entropy": 0.0, "ppo/value_loss": 0.0, "ppo/kl_weight": 0.05}
    empty = {"train/kl": None, "train/entropy": None, "train/ppo/value_loss": None, "train/ppo/kl_weight": 0.05}
    assert trainer_figures(logs, measured=False) == empty
    assert trainer_figures(logs, measured=True)["train/kl"] == 0.0
