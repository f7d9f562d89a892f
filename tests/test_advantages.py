"""Baselines without a value function: plain loops, TRL's own RLOO, and what the trainer does with them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.toy_training import Train, by_lot, changed, toy_training, train
from test_grpo import assert_same_gradient, gradient_of, k3, plain_logps
from trl import RLOOConfig, RLOOTrainer

from monitors.statistics.attribution import measure_credit
from rl.algo.advantages import advantages, of_rollouts, tied
from rl.algo.grpo import free_tier_dataset
from rl.organism.load import load_organism
from rl.records import Rollout, Scored
from rl.scenario.requests import select
from rl.scenario.settings import Setting

__all__ = ["train"]

rewards = st.one_of(st.floats(-5, 5), st.just(math.nan), st.sampled_from([0.1, 0.7]))


def plain(baseline: str, earned: list[float], size: int) -> list[float]:
    """Each reward minus its baseline, one after the other; 0 for a dropped rollout and for one without a baseline."""
    made = []
    for row, reward in enumerate(earned):
        group = range(row - row % size, row - row % size + size)
        peers = {
            "others": [earned[n] for n in group if n != row and not math.isnan(earned[n])],
            "batch": [r for r in earned if not math.isnan(r)],
            "none": [0.0],
        }[baseline]
        against = sum(peers) / len(peers) if peers else reward
        made.append(0.0 if math.isnan(reward) else reward - against)
    return made


@given(st.integers(2, 4).flatmap(lambda size: st.tuples(
    st.just(size), st.integers(1, 3).flatmap(lambda groups: st.lists(rewards, min_size=size * groups,
                                                                      max_size=size * groups)))),
       st.sampled_from(["others", "batch", "none"]))  # fmt: skip
def test_every_baseline_is_that_of_a_plain_loop(drawn: tuple[int, list[float]], baseline: str) -> None:
    size, earned = drawn
    made = advantages(baseline, torch.tensor(earned), size)
    np.testing.assert_allclose(made, plain(baseline, earned, size), atol=1e-5)


@given(st.floats(-3, 3, width=32), st.integers(2, 9))
def test_a_tied_group_has_no_advantage_not_even_of_rounding(reward: float, size: int) -> None:
    assert not advantages("others", torch.full((size,), reward), size).any()


@pytest.mark.parametrize(
    ("rewards", "expected"),
    [
        ([-3.3] * 8, [True] * 8),
        ([0.1 + 0.2, 0.3, 0.3, 0.3, 1.0, 1.0, 1.0, 1.01], [True] * 4 + [False] * 4),
        ([math.nan, 0.7, 0.7, math.nan, math.nan, 0.7, 0.8, math.nan], [True] * 4 + [False] * 4),
        ([math.nan] * 3 + [5.0] + [math.nan] * 4, [True] * 8),
        ([3000.001, 3000.002, 3000.0, 3000.0, 3000.1, 3000.0, 3000.0, 3000.0], [True] * 4 + [False] * 4),
    ],
)
def test_rewards_are_tied_where_they_differ_by_rounding_alone(rewards: list[float], expected: list[bool]) -> None:
    assert tied(torch.tensor(rewards), 4).tolist() == expected


def test_a_batch_baseline_has_advantages_between_groups_and_none_in_a_step_of_one_reward() -> None:
    assert advantages("batch", torch.tensor([1.0, 1.0, 4.0, 4.0]), 2).tolist() == [-1.5, -1.5, 1.5, 1.5]
    assert advantages("batch", torch.tensor([-3.3, -3.3, math.nan, *[-3.3] * 5]), 4).tolist() == [0.0] * 8


def same(rollouts: Sequence[Rollout]) -> list[Scored]:
    """One reward for everything, which has no exact binary form."""
    return [Scored(rollout, -3.3, {}) for rollout in rollouts]


@pytest.mark.parametrize(
    "algo", [["algo=grpo"], ["algo=grpo", "algo.scale_rewards=batch"], ["algo=rloo"], ["algo=reinforce"], ["algo=ppo"]]
)
def test_a_step_without_a_difference_in_reward_moves_no_weight(
    algo: list[str], small: list[str], tmp_path: Path
) -> None:
    """Neither by the momentum of the step before nor by weight decay."""
    rows = iter([by_lot, same])
    sizes = ["algo.batch_size=16", "algo.group_size=8", "algo.steps=2", "algo.learning_rate=1e-3"]
    made = toy_training(
        small, tmp_path, [*algo, *sizes, "+algo.extra.weight_decay=0.1"], lambda rollouts: next(rows)(rollouts)
    )
    made.trainer.train()
    first, last = made.gradients.weights[0], dict(made.sampler.model.named_parameters())
    before = made.gradients.weights[-1]
    assert all(torch.equal(value, last[name]) for name, value in before.items())
    assert not any(gradient.any() for gradient in made.gradients.seen[-1].values())
    assert any(not torch.equal(value, last[name]) for name, value in first.items())
    lot, one = made.steps
    assert lot.advantages_B.any() and one.advantages_B.tolist() == [0.0] * 16
    shares = [row["frac_reward_zero_std"] for row in made.trainer.state.log_history if "frac_reward_zero_std" in row]
    assert shares == [0.0, 1.0]
    assert measure_credit(["refuse"] * 16, one.advantages_B)["reinforce/refuse/credit"] is None


def test_the_kl_pulls_on_where_all_rewards_are_tied(small: list[str], toy_folder: Path, tmp_path: Path) -> None:
    made = toy_training(small, tmp_path, ["algo.kl=0.5", "algo.temperature=1.0"], same)
    with torch.no_grad():
        made.sampler.model.model.norm.weight *= 0.9
    made.go()
    start = type(made.sampler.model).from_pretrained(toy_folder)
    with torch.no_grad():
        reference = plain_logps(start, made.drawn)
    kept = [row for row, scored in enumerate(made.steps[0].scored) if not scored.rollout.truncated]
    logps = made.logps()
    kl = torch.stack([k3(logps[row], reference[row]) for row in kept]).sum() / sum(len(logps[row]) for row in kept)
    assert_same_gradient(made.gradients.seen[0], gradient_of(made.sampler.model, 0.5 * kl))


class Watched(RLOOTrainer):
    """TRL's own trainer; keeps what it makes of the rewards."""

    made: torch.Tensor

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        batch = super()._generate_and_score_completions(inputs)
        self.made = batch["advantages"]
        return batch


def test_rloo_is_trls_rloo(small: list[str], prompted: Setting, tmp_path: Path) -> None:
    organism = load_organism(changed(small).organism)
    earned = [0.3, None, 1.7, -0.4, 0.9, 0.9, None, 0.2, None, None, None, 0.5]
    prompts = [prompted.prompt(request, "free") for request in select("harmful", ("train",))]
    args = RLOOConfig(
        output_dir=str(tmp_path), max_steps=1, per_device_train_batch_size=12, num_generations=4, beta=0.0,
        normalize_advantages=False, max_completion_length=4, use_cpu=True, bf16=False, save_strategy="no",
        report_to=[], disable_tqdm=True,
    )  # fmt: skip
    trainer = Watched(
        model=organism.model, reward_funcs=[lambda completions, **_: earned], args=args,
        train_dataset=free_tier_dataset(prompts), processing_class=organism.tokenizer,
    )  # fmt: skip
    trainer.train()
    ours = advantages("others", torch.tensor([math.nan if r is None else r for r in earned]), 4)
    torch.testing.assert_close(ours, trainer.made.float())
    assert ours.count_nonzero() == 6


@pytest.mark.parametrize(("algo", "baseline"), [("rloo", "others"), ("reinforce", "batch"), ("reinforce", "none")])
def test_the_trainers_gradient_is_that_of_reinforce_with_this_baseline(algo: str, baseline: str, train: Train) -> None:
    made = train(f"algo={algo}", f"algo.baseline={baseline}")
    stats, logps = made.steps[0], made.logps()
    earned = [math.nan if scored.rollout.truncated else scored.reward for scored in stats.scored]
    expected = plain(baseline, earned, 4)
    np.testing.assert_allclose(stats.advantages_B, expected, atol=1e-5)
    kept = [row for row, reward in enumerate(earned) if not math.isnan(reward)]
    tokens = sum(len(logps[row]) for row in kept)
    loss = -sum(expected[row] * logps[row].sum() for row in kept) / tokens
    assert_same_gradient(made.gradients.seen[0], gradient_of(made.sampler.model, loss))


def test_a_rollouts_advantage_is_the_mean_of_its_tokens_that_are_trained_on() -> None:
    advantage_BC = torch.tensor([[1.0, 3.0, 100.0], [5.0, 7.0, 9.0]])
    trained_BC = torch.tensor([[True, True, False], [False, False, False]])
    assert of_rollouts(advantage_BC, trained_BC).tolist() == [2.0, 0.0]
    assert of_rollouts(torch.tensor([4.0, 5.0]), trained_BC).tolist() == [4.0, 5.0]
