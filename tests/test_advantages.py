"""Baselines without a value function: plain loops, TRL's own RLOO, and what the trainer does with them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.toy_training import Train, changed, train
from test_grpo import assert_same_gradient, gradient_of
from trl import RLOOConfig, RLOOTrainer

from rl.algo.advantages import advantages, of_rollouts
from rl.algo.grpo import free_tier_dataset
from rl.organism.load import load_organism
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
