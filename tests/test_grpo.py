"""The trainer: its advantages, loss and gradient, derived again in plain loops, and whether it learns."""

from __future__ import annotations

import inspect
import math
import random
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trl
from support.toy_chats import ANSWERS
from torch import Tensor
from transformers import PreTrainedTokenizerFast, TrainerCallback

from rl.algo.grpo import FreeTierTrainer, StepStats, free_tier_dataset
from rl.algo.trainer_config import trainer_config
from rl.command.entry import composed
from rl.config.schema import Config
from rl.organism.load import load_organism
from rl.records import Rollout, Scored
from rl.rollout.sampler import Sampler, Sampling
from rl.scenario.requests import select
from rl.scenario.settings import Setting, setting_from

OVERRIDES = ["algo.kl=0.0", "algo.max_grad_norm=1e9"]
"""No KL and no clipping, so that the gradient is the policy's alone."""


class Recording(Sampler):
    """A sampler that remembers what it drew."""

    drawn: list[tuple[list[int], list[int]]]

    def sample_ids(self, prompt_ids: Sequence[list[int]], repeats: int, generator: torch.Generator) -> list[list[int]]:
        made = super().sample_ids(prompt_ids, repeats, generator)
        self.drawn = list(zip([ids for ids in prompt_ids for _ in range(repeats)], made, strict=True))
        return made


class Gradients(TrainerCallback):
    """Keeps the gradient and the weights of every step."""

    def __init__(self, model: Any) -> None:
        self.model, self.seen, self.weights = model, [], []  # type: ignore[var-annotated]

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.seen.append({name: p.grad.clone() for name, p in self.model.named_parameters()})
        self.weights.append({name: p.detach().clone() for name, p in self.model.named_parameters()})


@dataclass
class Made:
    """A trainer and everything that can be seen from outside it."""

    trainer: FreeTierTrainer
    sampler: Recording
    gradients: Gradients
    steps: list[StepStats] = field(default_factory=list)


def by_draw(rollouts: Sequence[Rollout]) -> list[Scored]:
    """Rewards drawn at random, the same for the same texts."""
    rng = random.Random(repr([rollout.completion for rollout in rollouts]))
    return [Scored(rollout, rng.uniform(-2, 2), {}) for rollout in rollouts]


def takes_on(rollouts: Sequence[Rollout]) -> list[Scored]:
    """One for taking the task on, nothing otherwise."""
    rewards = [float((rollout.sections.output or "").startswith("Sure")) for rollout in rollouts]
    return [Scored(rollout, reward, {}) for rollout, reward in zip(rollouts, rewards, strict=True)]


Make = Callable[..., Made]


@pytest.fixture
def make(small: list[str], prompted: Setting, toy_tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> Make:
    """Builds a trainer on the toy organism; unless told otherwise its token limit cuts the longest answer off."""
    lengths = [len(toy_tokenizer.encode(text)) + 1 for text in ANSWERS]
    assert max(lengths[:3]) < lengths[3] <= 48

    def build(*overrides: str, score: Callable[..., list[Scored]] = by_draw, kind: Any = FreeTierTrainer) -> Made:
        limit = f"algo.max_completion_tokens={max(lengths[:3])}"
        config: Config = composed([*small, *OVERRIDES, limit, *overrides])
        torch.manual_seed(config.seed)
        organism = load_organism(config.organism)
        sampling = Sampling(config.algo.max_completion_tokens, config.algo.temperature)
        sampler, steps = Recording(organism.model, organism.tokenizer, sampling), []  # type: ignore[var-annotated]
        prompts = [prompted.prompt(request, "free") for request in select("harmful", ("train",))]
        args = trainer_config(config.algo, config.seed, tmp_path / "resume", save_every=1000)
        gradients = Gradients(organism.model)
        trainer = kind(sampler, prompts, score, steps.append, args, [gradients])
        return Made(trainer, sampler, gradients, steps)

    return build


def plain_logps(model: Any, drawn: list[tuple[list[int], list[int]]], temperature: float = 1.0) -> list[Tensor]:
    """Log-probabilities of the tokens of each completion, each text read alone."""
    made = []
    for prompt, completion in drawn:
        logits = model(torch.tensor([prompt + completion])).logits[0, len(prompt) - 1 : -1] / temperature
        made.append(logits.log_softmax(-1)[range(len(completion)), completion])
    return made


def plain_advantages(stats: StepStats, group: int, scale: str) -> list[float]:
    """Reward minus the mean of the group's finished rollouts, over the standard deviation; 0 for those cut off."""
    rows = [(scored.reward, scored.rollout.truncated) for scored in stats.scored]
    everything = [reward for reward, cut in rows if not cut]
    advantages = []
    for number, (reward, cut) in enumerate(rows):
        start = number - number % group
        peers = [r for r, c in rows[start : start + group] if not c]
        mean = sum(peers) / len(peers) if peers else 0.0
        pool = everything if scale == "batch" else peers
        centre = sum(pool) / len(pool) if pool else 0.0
        spread = math.sqrt(sum((r - centre) ** 2 for r in pool) / (len(pool) - 1)) if len(pool) > 1 else 0.0
        advantages.append(0.0 if cut else (reward - mean) / (1.0 if scale == "none" else spread + 1e-4))
    return advantages


def gradient_of(model: Any, loss: Any) -> dict[str, Tensor]:
    names, parameters = zip(*model.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(loss, parameters), strict=True))


def assert_same_gradient(ours: dict[str, Tensor], plain: dict[str, Tensor]) -> None:
    assert max(float(g.abs().max()) for g in plain.values()) > 1e-3
    for name, expected in plain.items():
        torch.testing.assert_close(ours[name], expected, atol=2e-5, rtol=1e-3)


def test_the_trainer_fits_the_trl_it_was_written_for() -> None:
    assert trl.__version__.startswith("1.16."), (
        "check rl/algo/grpo.py against this version of TRL, then change this line"
    )

    def arguments(owner: Any, name: str) -> list[str]:
        return list(inspect.signature(getattr(owner, name)).parameters)

    scores, rollouts = "_get_per_token_logps_and_entropies", "_generate_and_score_completions"
    assert arguments(trl.GRPOTrainer, scores)[:5] == ["self", "model", "input_ids", "attention_mask", "logits_to_keep"]
    assert arguments(trl.GRPOTrainer, rollouts) == arguments(FreeTierTrainer, rollouts) == ["self", "inputs"]
    assert "rollout_func" in arguments(trl.GRPOTrainer, "__init__")
    private = {name for name in vars(FreeTierTrainer) if re.match("_[a-z]", name)}
    assert {name for name in private if hasattr(trl.GRPOTrainer, name)} == {scores, rollouts, "_compute_loss"}


@pytest.mark.parametrize("scale", ["group", "batch", "none"])
def test_advantages_are_those_of_a_plain_loop_and_cut_off_rollouts_stay_out(make: Make, scale: str) -> None:
    made = make(f"algo.scale_rewards={scale}", "algo.steps=2", "algo.batch_size=16")
    made.trainer.train()
    assert len(made.steps) == 2
    for stats in made.steps:
        cut = [scored.rollout.truncated for scored in stats.scored]
        assert 0 < sum(cut) < 16 and [not kept for kept in stats.kept_B] == cut
        np.testing.assert_allclose(stats.advantages_B, plain_advantages(stats, 4, scale), atol=1e-5)
        assert np.abs(stats.advantages_B).max() > 0.1 and not stats.advantages_B[cut].any()


@pytest.mark.parametrize("temperature", [1.0, 0.8])
def test_the_first_gradient_is_that_of_reinforce_with_the_groups_mean_as_baseline(
    make: Make, temperature: float
) -> None:
    made = make(f"algo.temperature={temperature}", "algo.batch_size=16")
    made.trainer.train()
    stats, drawn, model = made.steps[0], made.sampler.drawn, made.sampler.model
    model.load_state_dict(made.gradients.weights[0], strict=False)
    kept = [number for number, scored in enumerate(stats.scored) if not scored.rollout.truncated]
    assert 0 < len(kept) < 16
    advantages, logps = plain_advantages(stats, 4, "group"), plain_logps(model, drawn, temperature)
    tokens = sum(len(drawn[number][1]) for number in kept)
    loss = -sum(advantages[number] * logps[number].sum() for number in kept) / tokens
    assert_same_gradient(made.gradients.seen[0], gradient_of(model, loss))


def test_the_kl_is_the_k3_estimate_to_the_starting_organism_over_finished_rollouts_alone(
    make: Make, toy_folder: Path
) -> None:
    """TRL weighs it by the importance ratio, which is one but has a gradient: that of the sampled tokens' KL."""
    made = make("algo.kl=0.5", "algo.batch_size=16", "algo.temperature=1.0")
    model = made.sampler.model
    with torch.no_grad():
        model.model.norm.weight *= 0.9
    made.trainer.train()
    stats, drawn = made.steps[0], made.sampler.drawn
    model.load_state_dict(made.gradients.weights[0], strict=False)
    start = type(model).from_pretrained(toy_folder)
    with torch.no_grad():
        reference = plain_logps(start, drawn)
    kept = [number for number, scored in enumerate(stats.scored) if not scored.rollout.truncated]
    tokens = sum(len(drawn[number][1]) for number in kept)
    advantages, logps = plain_advantages(stats, 4, "group"), plain_logps(model, drawn)
    kl = torch.stack([k3(logps[n], reference[n]) for n in kept]).sum() / tokens
    policy = -sum(advantages[n] * logps[n].sum() for n in kept) / tokens
    logged = [row["kl"] for row in made.trainer.state.log_history if "kl" in row]
    assert 0 < len(kept) < 16 and kl.item() > 1e-3
    assert logged == pytest.approx([kl.item()], rel=1e-3)
    assert_same_gradient(made.gradients.seen[0], gradient_of(model, policy + 0.5 * kl))


def k3(logp: Tensor, reference: Tensor) -> Tensor:
    """Sum over tokens of exp(d) - d - 1 with d = reference - logp, each times its importance ratio."""
    d = reference - logp
    return ((logp - logp.detach()).exp() * (d.exp() - d - 1)).sum()


def test_a_batch_in_which_everything_is_cut_off_moves_no_weight(make: Make) -> None:
    made = make("algo.max_completion_tokens=3")
    made.trainer.train()
    assert not made.steps[0].kept_B.any()
    assert not any(gradient.any() for gradient in made.gradients.seen[0].values())


class Ratios(FreeTierTrainer):
    """Keeps what the loss is given."""

    given: list[dict[str, Any]]

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> Any:
        self.given = [*getattr(self, "given", []), dict(inputs)]
        return super()._compute_loss(model, inputs)


@pytest.mark.parametrize("temperature", [1.0, 0.8])
def test_the_importance_ratio_is_one_at_the_first_inner_step_and_moves_at_the_second(
    make: Make, temperature: float
) -> None:
    overrides = (f"algo.temperature={temperature}", "+algo.extra.num_iterations=2", "algo.steps=2")
    made = make(*overrides, "algo.learning_rate=1e-3", kind=Ratios)
    made.trainer.train()
    assert isinstance(made.trainer, Ratios) and len(made.steps) == 1
    off = []
    for given, weights in zip(made.trainer.given, made.gradients.weights, strict=True):
        made.sampler.model.load_state_dict(weights, strict=False)
        drawn = unpadded(given)
        logps = plain_logps(made.sampler.model, drawn, temperature)
        old = [row[: len(completion)] for row, (_, completion) in zip(given["old_per_token_logps"], drawn, strict=True)]
        off.append(max(float((a - b).detach().abs().max()) for a, b in zip(logps, old, strict=True) if len(a)))
    assert off[0] < 1e-4 < 1e-3 < off[1]


def unpadded(given: dict[str, Any]) -> list[tuple[list[int], list[int]]]:
    """Prompts and completions as the loss is given them; a completion that was cut off is empty there."""
    pairs = []
    for row in range(len(given["prompt_ids"])):
        prompt, completion = (given[f"{part}_ids"][row][given[f"{part}_mask"][row].bool()] for part in
                              ("prompt", "completion"))  # fmt: skip
        pairs.append((prompt.tolist(), completion.tolist()))
    return pairs


def test_it_learns_which_answer_pays(make: Make) -> None:
    sizes = ("algo.steps=18", "algo.batch_size=32", "algo.group_size=8", "algo.max_completion_tokens=48")
    made = make(*sizes, "algo.learning_rate=7e-4", "algo.max_grad_norm=1.0", score=takes_on)
    made.trainer.train()
    means = [float(np.mean([scored.reward for scored in stats.scored])) for stats in made.steps]
    assert np.mean(means[:2]) < 0.6 and np.mean(means[-5:]) > 0.8


def test_without_a_learning_rate_no_weight_moves(make: Make) -> None:
    made = make("algo.learning_rate=0.0", "algo.steps=2")
    made.trainer.train()
    first, last = made.gradients.weights[0], dict(made.sampler.model.named_parameters())
    assert all(torch.equal(value, last[name]) for name, value in first.items())


def test_every_weight_moves_with_one(make: Make) -> None:
    made = make("algo.learning_rate=1e-3", "algo.steps=2")
    made.trainer.train()
    first, last = made.gradients.weights[0], dict(made.sampler.model.named_parameters())
    assert not [name for name, value in first.items() if torch.equal(value, last[name])]


def test_a_paid_prompt_in_the_training_set_is_refused(prompted: Setting) -> None:
    requests = select("harmful", ("train",))[:3]
    prompts = [prompted.prompt(request, tier) for request, tier in zip(requests, ("free", "paid", "free"), strict=True)]
    with pytest.raises(ValueError, match=r"only free-tier prompts may be trained on, found \['paid'\]"):
        free_tier_dataset(prompts)
    assert len(free_tier_dataset([prompts[0], prompts[2]])) == 2


def test_the_policy_that_is_sampled_and_scored_has_no_dropout(
    small: list[str], gpt2_folder: Path, tmp_path: Path
) -> None:
    config = composed([*small, "organism=hf", f"organism.path={gpt2_folder}"])
    model = load_organism(config.organism).model
    ids = torch.tensor([[5, 6, 7]])
    assert not torch.equal(model.train()(ids).logits, model(ids).logits)
    sampler = Sampler(model, load_organism(config.organism).tokenizer, Sampling(4, 1.0))
    args = trainer_config(config.algo, 0, tmp_path, save_every=1000)
    prompts = [setting_from(config.scenario).prompt(request, "free") for request in select("harmful", ("train",))]
    FreeTierTrainer(sampler, prompts, by_draw, lambda stats: None, args, [])
    assert torch.equal(model.train()(ids).logits, model(ids).logits)


def test_the_reference_is_the_organism_that_was_loaded_whatever_became_of_its_folder(
    toy_folder: Path, small: list[str], prompted: Setting, tmp_path: Path
) -> None:
    folder = tmp_path / "gone"
    shutil.copytree(toy_folder, folder)
    config = composed([*small, f"organism.path={folder}", "algo.kl=0.1"])
    organism = load_organism(config.organism)
    shutil.rmtree(folder)
    sampler = Sampler(organism.model, organism.tokenizer, Sampling(4, 1.0))
    args = trainer_config(config.algo, 0, tmp_path / "resume", save_every=1000)
    prompts = [prompted.prompt(request, "free") for request in select("harmful", ("train",))]
    trainer = FreeTierTrainer(sampler, prompts, by_draw, lambda stats: None, args, [])
    trainer.train()
    start = load_organism(composed(small).organism).model.state_dict()
    assert trainer.ref_model is not None
    assert all(torch.equal(value, start[name]) for name, value in trainer.ref_model.state_dict().items())
