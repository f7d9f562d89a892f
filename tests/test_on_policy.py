"""Training on what another policy has drawn is refused, whatever it is that differs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.toy_training import by_lot, toy_training
from test_paid_tier_isolation import prompts_among, read_with_gradients, rendered
from transformers import PreTrainedTokenizerFast

from rl.algo.onpolicy import OffPolicy, check_ratio, place_row
from rl.algo.ppo.trainer import PpoTrainer
from rl.records import Rollout, Scored
from rl.scenario.requests import select
from rl.scenario.settings import Setting

PPO = ["algo=ppo", "algo.ppo.minibatches=2"]
ALGORITHMS = [["algo=grpo"], PPO, ["algo=grpo", "+algo.extra.num_iterations=2"]]


@given(st.floats(-0.01, 0.01), st.integers(0, 2))
def test_one_token_that_is_off_is_enough_and_what_is_unknown_is_not_compared(off: float, place: int) -> None:
    drawn = place_row(torch.tensor([-1.0, -2.0, -0.5]), 1, (2, 4))
    assert drawn.isnan().sum() == 5
    logp = torch.nan_to_num(drawn, nan=-7.0)
    logp[1, place] += off
    if abs(off) > 2.1e-3:
        with pytest.raises(OffPolicy, match=r"^step 4: .* must be 1"):
            check_ratio(logp, drawn, 2e-3, 4)
    elif abs(off) < 1.9e-3:
        check_ratio(logp, drawn, 2e-3, 4)


def test_nothing_drawn_is_nothing_to_compare_and_no_number_is_refused() -> None:
    check_ratio(torch.zeros(2, 3), place_row(None, 0, (2, 3)), 1e-3, 1)
    with pytest.raises(OffPolicy):
        check_ratio(torch.full((1, 1), math.nan), torch.zeros(1, 1), 1e-3, 1)


@pytest.mark.parametrize("algo", ALGORITHMS, ids=["grpo", "ppo", "grpo twice"])
def test_rollouts_of_another_temperature_are_refused(algo: list[str], small: list[str], tmp_path: Path) -> None:
    made = toy_training(small, tmp_path, [*algo, "algo.temperature=1.0"], temperature=1.1)
    with pytest.raises(OffPolicy):
        made.trainer.train()


@pytest.mark.parametrize("algo", ALGORITHMS[:2], ids=["grpo", "ppo"])
def test_an_update_between_drawing_and_learning_is_refused(algo: list[str], small: list[str], tmp_path: Path) -> None:
    def meddling(rollouts: Sequence[Rollout]) -> list[Scored]:
        with torch.no_grad():
            made.sampler.model.model.norm.weight *= 1.02
        return by_lot(rollouts)

    made = toy_training(small, tmp_path, algo, meddling)
    with pytest.raises(OffPolicy):
        made.trainer.train()


def test_dropout_is_refused(small: list[str], gpt2_folder: Path, tmp_path: Path) -> None:
    """TRL switches it off; here it is switched on again, and the seed's organism is likely to be cut off at once."""
    overrides = ["organism=hf", f"organism.path={gpt2_folder}", "algo.max_completion_tokens=60"]
    made = toy_training(small, tmp_path, [*overrides, *PPO])
    for module in made.sampler.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.3
    with pytest.raises(OffPolicy):
        made.trainer.train()


def test_ppo_refuses_a_paid_prompt_and_reads_none_with_gradients(
    small: list[str], prompted: Setting, toy_tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    made = toy_training(small, tmp_path, [*PPO, "algo.kl=0.1"])
    with read_with_gradients(len(toy_tokenizer)) as rows:
        made.trainer.train()
    learnt = prompts_among(rows, toy_tokenizer)
    assert len(learnt) == 2 and learnt <= rendered(prompted, "free", toy_tokenizer)
    paid = [prompted.prompt(select("harmful", ("train",))[0], "paid")]
    with pytest.raises(ValueError, match="only free-tier prompts may be trained on"):
        PpoTrainer(made.sampler, paid, by_lot, lambda stats: None, made.trainer.args, [])
