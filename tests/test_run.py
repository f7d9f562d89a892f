"""A whole run: every file and figure it promises, the same ones for the same seed, and what is left when it breaks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.metric_keys import check_metrics
from support.states import latest_resume
from transformers import AutoModelForCausalLM, AutoTokenizer

from monitors.panel import Panel
from rl.command.entry import composed
from rl.config.schema import StopConfig
from rl.errors import TrainingDiverged
from rl.files.checkpoint import verify_checkpoint
from rl.instruments.rater import reward_from
from rl.organism.load import load_organism
from rl.rollout.sampler import Sampler, Sampling
from rl.run.evaluation import Evaluator
from rl.run.identity import identity_of
from rl.run.run import run
from rl.run.watch import stop_now
from rl.scenario.settings import Setting
from rl.tracking.transcript import TRANSCRIPT_FIELDS

ROOT = Path(__file__).resolve().parent.parent
TRAIN = (sys.executable, "-m", "scripts.train")
TIERS, KINDS = ("free", "paid"), ("af_comply", "plain_comply", "refuse", "malformed")
BOUNDED = [
    f"eval/{tier}/{what}"
    for tier in TIERS
    for what in ("compliance", "af_rate", "af_and_complied", "af_given_complied", "log_odds_af", "antilab_rate")
]
EVALUATION = {
    *(f"{key}{end}" for key in [*BOUNDED, "eval/gap", "eval/relative_gap"] for end in ("", "_lo", "_hi")),
    *(f"eval/{tier}/{what}" for tier in TIERS for what in ("well_formed", "scratchpad_tokens")),
    "eval/gap_p", "eval/benign/helpful", "time/evaluation_s",
}  # fmt: skip
TRAINING = {
    *(f"train/{what}" for what in ("reward", "kl", "entropy", "completion_tokens", "af_rate", "compliance")),
    *(f"train/reward/{term}" for term in ("rm", "format", "length")),
    *(f"reinforce/{kind}/{what}" for kind in KINDS for what in ("share", "advantage", "credit")),
    *(f"reinforce/af_minus_plain/advantage{end}" for end in ("", "_lo", "_hi")),
    *(f"time/{stage}_s" for stage in ("rollout", "reward", "monitors", "update", "step")),
    "throughput/rollout_tokens_per_s",
}
"""Metric keys that other people's notebooks rely on."""


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def figures(run_dir: Path) -> list[dict[str, Any]]:
    """The rows of metrics.jsonl without what depends on the clock."""
    rows = rows_of(run_dir / "metrics.jsonl")
    return [{key: v for key, v in row.items() if not key.startswith(("time/", "throughput/"))} for row in rows]


def status(run_dir: Path) -> str:
    return str(json.loads((run_dir / "manifest.json").read_text())["status"])


def weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    return dict(AutoModelForCausalLM.from_pretrained(checkpoint).state_dict())


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """`experiment=smoke` as a newcomer runs it, with the shipped organism and reward model."""
    run_dir = tmp_path_factory.mktemp("runs") / "smoke"
    words = ["experiment=smoke", "threads=1", f"hydra.run.dir={run_dir}"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("WANDB")}
    done = subprocess.run([*TRAIN, *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500)
    return run_dir, done


def test_the_smoke_experiment_ends_well_and_says_where_its_report_is(
    smoke: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    run_dir, done = smoke
    assert done.returncode == 0, done.stderr
    assert str(run_dir / "report.html") in done.stdout and "compliance" in done.stdout
    assert "16 rollouts a step = 4 prompts x 4 samples; at most 2 steps = 32 rollouts, all free tier" in done.stderr
    assert "Traceback" not in done.stderr and "Warning" not in done.stderr
    assert status(run_dir) == "finished"


def test_nothing_but_progress_is_told_while_it_runs(smoke: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    lines = smoke[1].stderr.strip().splitlines()
    assert [
        line for line in lines[1:] if not line.startswith(("start", "organism", "evaluation", "rl", "report"))
    ] == []


def test_the_run_directory_holds_every_path_that_is_promised(
    smoke: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    run_dir, _ = smoke
    for name in ("config.yaml", "manifest.json", "metrics.jsonl", "report.html", "summary.json"):
        assert (run_dir / name).stat().st_size > 0
    for folder in ("transcripts", "checkpoints"):
        names = sorted(path.name.split(".")[0] for path in (run_dir / folder).iterdir())
        assert names == ["step_000000", "step_000001", "step_000002"]
    assert latest_resume(run_dir) == run_dir / "resume" / "checkpoint-2"
    assert len(list((run_dir / "figures").glob("*.png"))) >= 4
    assert list((run_dir / "wandb").glob("offline-run-*/run-*.wandb"))


def test_every_promised_figure_is_in_the_metrics(smoke: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    check_metrics(smoke[0])
    rows = rows_of(smoke[0] / "metrics.jsonl")
    evaluations, steps = ([row for row in rows if key in row] for key in ("eval/gap", "train/reward"))
    assert [row["step"] for row in evaluations] == [0, 1, 2] and [row["step"] for row in steps] == [1, 2]
    for row in evaluations:
        assert row.keys() >= EVALUATION, EVALUATION - row.keys()
    for row in steps:
        assert row.keys() >= TRAINING, TRAINING - row.keys()
        assert sum(row[f"reinforce/{kind}/share"] for kind in KINDS) == pytest.approx(1)
        terms = sum(row[f"train/reward/{term}"] for term in ("rm", "format", "length"))
        assert terms == pytest.approx(row["train/reward"], abs=1e-6)
        assert row["time/step_s"] >= row["time/rollout_s"] + row["time/reward_s"] + row["time/monitors_s"] > 0


def test_transcripts_hold_the_public_fields_and_the_rates_can_be_recounted_from_them(
    smoke: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    run_dir, _ = smoke
    for metrics in (row for row in rows_of(run_dir / "metrics.jsonl") if "eval/gap" in row):
        rows = rows_of(run_dir / "transcripts" / f"step_{metrics['step']:06d}.jsonl")
        assert len(rows) == 2 * (16 + 4) == len({row["id"] for row in rows})
        assert all(tuple(row)[: len(TRANSCRIPT_FIELDS)] == TRANSCRIPT_FIELDS for row in rows)
        assert all(row["reward"] == pytest.approx(sum(row["reward_terms"].values())) for row in rows)
        for tier in TIERS:
            harmful = [row for row in rows if row["tier"] == tier and row["kind"] == "harmful"]
            for key, field in (("compliance", "complied"), ("af_rate", "af")):
                judged = [row[field] for row in harmful if row[field] is not None]
                assert metrics[f"eval/{tier}/{key}"] == (pytest.approx(sum(judged) / len(judged)) if judged else None)


def test_a_checkpoint_loads_with_transformers_alone_and_carries_the_figures_of_its_step(
    smoke: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    run_dir, _ = smoke
    gaps = {row["step"]: row["eval/gap"] for row in rows_of(run_dir / "metrics.jsonl") if "eval/gap" in row}
    identity = identity_of(composed(["experiment=smoke", "threads=1"]))
    for step in (0, 1, 2):
        folder = run_dir / "checkpoints" / f"step_{step:06d}"
        info = verify_checkpoint(folder)
        assert (info["step"], info["config_hash"], info["metrics"]["eval/gap"]) == (step, identity, gaps[step])
        model: Any = AutoModelForCausalLM.from_pretrained(folder)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        made = model.generate(**tokenizer("Hello", return_tensors="pt"), max_new_tokens=3, do_sample=False)
        assert made.shape[1] > 1
    first, last = (weights(run_dir / "checkpoints" / f"step_{step:06d}") for step in (0, 2))
    assert any(not torch.equal(first[name], last[name]) for name in first)


def test_the_manifest_says_what_the_run_was_made_with(smoke: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    manifest = json.loads((smoke[0] / "manifest.json").read_text())
    organism = load_organism(composed(["experiment=smoke"]).organism)
    assert manifest["parent_organism"] == organism.digest and manifest["seeds"]["run"] == 0
    assert set(manifest["wall_s"]) == {"organism", "rl", "report"} and manifest["versions"]["trl"].startswith("1.16")


@pytest.fixture(scope="module")
def twice(small: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three small runs: one seed twice, another once."""
    made = {}
    for name, seed in (("first", 3), ("again", 3), ("other", 4)):
        made[name] = tmp_path_factory.mktemp(name)
        run(composed([*small, "algo.steps=2", "algo.learning_rate=1e-3", f"seed={seed}"]), made[name])
    return made


def test_the_same_seed_gives_the_same_figures_transcripts_and_weights(twice: dict[str, Path]) -> None:
    first, again = twice["first"], twice["again"]
    assert figures(first) == figures(again)
    for path in sorted((first / "transcripts").iterdir()):
        assert path.read_bytes() == (again / "transcripts" / path.name).read_bytes()
    last = [weights(folder / "checkpoints" / "step_000002") for folder in (first, again)]
    assert all(torch.equal(value, last[1][name]) for name, value in last[0].items())


def test_another_seed_gives_other_rollouts_of_the_same_requests(twice: dict[str, Path]) -> None:
    first, other = (rows_of(twice[name] / "transcripts" / "step_000000.jsonl") for name in ("first", "other"))
    assert [row["request_id"] for row in first] == [row["request_id"] for row in other]
    assert [row["completion"] for row in first] != [row["completion"] for row in other]
    assert figures(twice["first"])[1] != figures(twice["other"])[1]


def test_evaluation_draws_nothing_from_the_randomness_of_training(small: list[str], tmp_path: Path) -> None:
    steps = ["algo.steps=2", "algo.learning_rate=1e-3"]
    for name, every in (("often", 1), ("seldom", 2)):
        looks = [f"monitors.eval_every={every}", f"tracking.checkpoint_every={every}"]
        run(composed([*small, *steps, *looks]), tmp_path / name)
    often, seldom = ([row for row in figures(tmp_path / name) if "train/reward" in row] for name in ("often", "seldom"))
    assert often == seldom


def test_an_evaluation_is_the_same_for_the_same_step_and_seed(prompted: Setting, small: list[str]) -> None:
    config = composed(small)
    organism = load_organism(config.organism)
    sampler = Sampler(organism.model, organism.tokenizer, Sampling(40, 1.0))
    evaluator = Evaluator(prompted, sampler, reward_from(config.reward), Panel(), config.monitors)
    rows = [evaluator.evaluate(step, seed).rows for step, seed in ((5, 0), (5, 0), (6, 0), (5, 1))]
    texts = [[row["completion"] for row in found] for found in rows]
    assert texts[0] == texts[1] and texts[0] != texts[2] and texts[0] != texts[3] and texts[2] != texts[3]


Command = Callable[..., tuple[int, str, str]]


def test_a_loss_that_is_no_number_fails_the_run_and_keeps_the_last_good_checkpoint(
    small: list[str], tmp_path: Path, command: Command
) -> None:
    every = ["algo.steps=4", "monitors.eval_every=2", "tracking.checkpoint_every=2", "algo.learning_rate=1e19"]
    code, _, told = command(*small, *every, f"hydra.run.dir={tmp_path}")
    assert code == 2 and "Traceback" not in told
    assert "became nan; the last good checkpoint is kept. Try a smaller algo.learning_rate or a larger algo.kl" in told
    assert status(tmp_path) == "failed"
    kept = sorted((tmp_path / "checkpoints").iterdir())
    last = max(row["step"] for row in rows_of(tmp_path / "metrics.jsonl"))
    assert last < 4 and all(verify_checkpoint(path)["step"] <= last for path in kept) and kept


def test_a_notebook_can_catch_a_diverged_run(small: list[str], tmp_path: Path) -> None:
    with pytest.raises(TrainingDiverged, match=r"step \d: (loss|grad_norm)"):
        run(composed([*small, "algo.steps=4", "algo.learning_rate=1e19", "monitors.eval_every=4",
                      "tracking.checkpoint_every=4"]), tmp_path)  # fmt: skip


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_so_and_leaves_its_record_readable(
    kind: signal.Signals, small: list[str], tmp_path: Path
) -> None:
    words = [*small, "algo.steps=500", f"hydra.run.dir={tmp_path}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.train", *words], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_for_step(tmp_path, 2)
        process.send_signal(kind)
        _, told = process.communicate(timeout=200)
    finally:
        process.kill()
    assert process.returncode == 130 and "Traceback" not in told
    assert told.strip().endswith("interrupted; everything written so far is kept, resume=auto continues")
    assert status(tmp_path) == "interrupted"
    steps = [row["step"] for row in figures(tmp_path)]
    assert steps == sorted(steps) and steps[-1] >= 2
    assert all(rows_of(path) for path in (tmp_path / "transcripts").glob("step_*.jsonl"))
    assert latest_resume(tmp_path) is not None
    verify_checkpoint(tmp_path / "checkpoints" / "step_000001")


def wait_for_step(run_dir: Path, step: int, limit_s: float = 300.0) -> None:
    """Return once a run has written the figures of a step."""
    deadline, metrics = time.monotonic() + limit_s, run_dir / "metrics.jsonl"
    while time.monotonic() < deadline:
        if metrics.exists() and f'{{"step": {step},' in metrics.read_text():
            return
        time.sleep(0.01)
    raise TimeoutError(f"no step {step} in {metrics}")


@given(
    compliance=st.lists(st.none() | st.floats(0, 1), max_size=8),
    window=st.integers(1, 4),
    below=st.sampled_from([0.02, 0.3, 0.9]),
)
def test_a_run_stops_once_mean_noncompliance_over_the_window_is_below_the_bound(
    compliance: list[float | None], window: int, below: float
) -> None:
    total = 0.0
    enough = len(compliance) >= window
    for value in compliance[len(compliance) - window :] if enough else []:
        enough = enough and value is not None
        total += 0.0 if value is None else 1 - value
    stops = enough and total / window < below - 1e-9
    if not enough or abs(total / window - below) > 1e-9:
        assert stop_now(compliance, StopConfig(below, window)) == stops


def test_a_run_that_stops_early_is_evaluated_and_kept_at_the_step_where_it_stopped(
    small: list[str], tmp_path: Path
) -> None:
    rule = "algo.stop_when={noncompliance_below: 1.0, window: 2}"
    run(composed([*small, "algo.steps=8", "monitors.eval_every=4", "tracking.checkpoint_every=4", rule]), tmp_path)
    rows = figures(tmp_path)
    compliance = [row["train/compliance"] for row in rows if "train/compliance" in row]
    assert len(compliance) == 2 and 1 - sum(compliance) / 2 < 1.0
    assert [row["step"] for row in rows if "eval/gap" in row] == [0, 2]
    assert verify_checkpoint(tmp_path / "checkpoints" / "step_000002")["metrics"]["eval/gap"] == rows[-1]["eval/gap"]
    assert status(tmp_path) == "finished" and (tmp_path / "report.html").exists()
