"""PPO's trainer: its first gradient in plain loops, what it learns, and that it can be cut off and continued."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from support.metric_keys import check_metrics
from support.toy_training import Train, by_lot, changed, toy_training, train
from test_grpo import assert_same_gradient, gradient_of, k3, plain_logps, takes_on
from test_run import figures

from rl.algo.objective import completion_scores
from rl.algo.ppo.trainer import PpoTrainer
from rl.algo.ppo.value import VALUE_FILE
from rl.files.checkpoint import sha256
from rl.records import SCREENED, Rollout, Scored
from rl.run.run import run

__all__ = ["train"]

PPO = ["algo=ppo", "algo.ppo.minibatches=2"]


def plain_advantages(rewards: Sequence[float], lengths: Sequence[int], lam: float) -> list[list[float]]:
    """Those of a value function that says 0, before whitening: the reward, less the more is still to come."""
    return [[reward * lam ** (count - 1 - t) for t in range(count)]
            for reward, count in zip(rewards, lengths, strict=True)]  # fmt: skip


def one_screened(rollouts: Sequence[Rollout]) -> list[Scored]:
    """Rewards by lot; the third rollout is screened."""
    return [replace(one, marks={SCREENED: row == 2}) for row, one in enumerate(by_lot(rollouts))]


@pytest.mark.parametrize("train_on", ["all", "scratchpad"])
def test_the_first_gradient_is_that_of_whitened_advantages_and_the_kl_and_screening_spares_the_kl(
    train_on: str, small: list[str], toy_folder: Path, tmp_path: Path
) -> None:
    overrides = [
        "algo=ppo",
        "algo.ppo.minibatches=1",
        "algo.ppo.gae_lambda=0.95",
        "algo.kl=0.5",
        f"algo.train_on={train_on}",
    ]
    overrides += ["algo.temperature=1.0", "algo.max_completion_tokens=32"]
    made = toy_training(small, tmp_path, overrides, one_screened)
    model = made.sampler.model
    with torch.no_grad():
        model.model.norm.weight *= 0.8
    made.go()
    with torch.no_grad():
        reference = plain_logps(type(model).from_pretrained(toy_folder), made.drawn)
    logps, thoughts, scored = made.logps(), made.thoughts(), made.steps[0].scored
    real = [row for row, one in enumerate(scored) if not one.rollout.truncated]
    kept = [row for row in real if row != 2]
    raw = plain_advantages([one.reward for one in scored], [len(logp) for logp in logps], 0.95)
    ends = [len(logps[row]) if train_on == "all" else thoughts[row] for row in range(len(logps))]
    pool = np.array([value for row in kept for value in raw[row][: ends[row]]])
    tokens, all_tokens = (sum(len(logps[row]) for row in rows) for rows in (kept, real))
    policy = -sum(
        (torch.tensor((np.array(raw[row][: ends[row]]) - pool.mean()) / pool.std()) * logps[row][: ends[row]]).sum()
        for row in kept
    )
    kl = torch.stack([k3(logps[row], reference[row]) for row in real]).sum()
    assert 2 < len(kept) < len(real)
    assert_same_gradient(made.gradients.seen[0], gradient_of(model, policy / tokens + 0.5 * kl / all_tokens))
    assert made.steps[0].advantages_B[2] == 0.0
    for row in kept:
        mean = float(np.mean((np.array(raw[row][: ends[row]]) - pool.mean()) / pool.std()))
        assert made.steps[0].advantages_B[row] == pytest.approx(mean, abs=1e-3)


def test_values_are_read_before_each_token_in_the_order_of_the_rows(small: list[str], tmp_path: Path) -> None:
    made = toy_training(small, tmp_path, PPO)
    made.trainer.train()
    model, (a, b) = made.sampler.model, (made.drawn[0], made.drawn[-1])
    rows = [b, a, b]
    wide, long = (max(len(pair[part]) for pair in rows) for part in (0, 1))
    ids = torch.tensor([[0] * (wide - len(p)) + p + c + [0] * (long - len(c)) for p, c in rows])
    on = torch.tensor([[0] * (wide - len(p)) + [1] * len(p + c) + [0] * (long - len(c)) for p, c in rows])
    scores = completion_scores(model, ids, on, long, value_head=lambda hidden: hidden.sum(-1))
    assert scores.value_BC is not None
    for row, (prompt, completion) in enumerate(rows):
        states = model(torch.tensor([prompt + completion]), output_hidden_states=True).hidden_states[-1][0]
        alone = states.sum(-1)[len(prompt) - 1 : -1]
        torch.testing.assert_close(scores.value_BC[row, : len(completion)], alone, atol=2e-4, rtol=1e-4)


def test_it_learns_which_answer_pays(train: Train) -> None:
    sizes = ("algo.steps=8", "algo.batch_size=32", "algo.group_size=8", "algo.max_grad_norm=1.0")
    made = train(*PPO, *sizes, "algo.learning_rate=7e-4", score=takes_on)
    means = [float(np.mean([scored.reward for scored in stats.scored])) for stats in made.steps]
    assert np.mean(means[:2]) < 0.65 and np.mean(means[-2:]) > 0.85


def test_with_a_policy_that_stands_still_the_value_head_learns_what_to_expect(train: Train) -> None:
    fast = ("algo.learning_rate=0.0", "algo.ppo.value_learning_rate=1e-2", "algo.ppo.epochs=4")
    made = train(*PPO, *fast, "algo.steps=8", "algo.batch_size=16", "algo.ppo.gae_lambda=1.0", score=takes_on)
    explained = [row["ppo/explained_variance"] for row in made.trainer.state.log_history if "loss" in row]
    assert explained[0] == pytest.approx(0.0, abs=1e-6) and np.mean(explained[-2:]) > 0.3
    weights = made.gradients.weights
    assert all(torch.equal(value, weights[0][name]) for name, value in weights[-1].items())


STEPS = ["algo.steps=4", "algo.learning_rate=1e-3", "monitors.eval_every=2", "tracking.checkpoint_every=2",
         "algo.kl=0.1", "algo.ppo.kl_target=0.001", "algo.ppo.epochs=2"]  # fmt: skip


def test_a_run_cut_off_between_two_checkpoints_and_continued_ends_bit_identical(
    small: list[str], tmp_path: Path
) -> None:
    config, whole, cut = changed([*small, *PPO, *STEPS]), tmp_path / "whole", tmp_path / "cut"
    run(config, whole)
    shutil.copytree(whole, cut)
    shutil.rmtree(cut / "resume" / "checkpoint-4")
    run(config, cut)
    assert figures(cut) == figures(whole)
    for name in ("checkpoints/step_000004/model.safetensors", f"resume/checkpoint-4/{VALUE_FILE}"):
        assert sha256(cut / name) == sha256(whole / name)
    assert sha256(whole / f"resume/checkpoint-2/{VALUE_FILE}") != sha256(whole / f"resume/checkpoint-4/{VALUE_FILE}")
    check_metrics(whole, "algo=ppo")
    rows = [json.loads(line) for line in (whole / "metrics.jsonl").read_text().splitlines()]
    weights = [row["train/ppo/kl_weight"] for row in rows if "train/ppo/kl_weight" in row]
    assert weights[0] == 0.1 and len(set(weights)) > 1
    exported = load_file(whole / "checkpoints/step_000004/model.safetensors")
    assert set(exported) == set(load_file(whole / "checkpoints/step_000000/model.safetensors"))
    assert not [name for name in exported if "value" in name or "outer" in name]


def test_inner_updates_move_the_policy_more_than_the_last_alone(train: Train) -> None:
    """The weights before the optimizer's last step are no longer those that drew the rollouts."""
    made = train(*PPO, "algo.learning_rate=1e-3")
    start = type(made.sampler.model).from_pretrained(made.config.organism.path).state_dict()
    first = made.gradients.weights[0]
    assert all(not torch.equal(value, start[name]) for name, value in first.items())
    assert isinstance(made.trainer, PpoTrainer) and made.trainer.state.global_step == 1
