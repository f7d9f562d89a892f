"""A trainer on the toy organism, for tests of what the algorithms do to it."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from omegaconf import OmegaConf
from test_grpo import Gradients, plain_logps
from torch import Tensor

from rl.algo.grpo import FreeTierTrainer, StepStats
from rl.algo.ppo.trainer import PpoTrainer
from rl.algo.trainer_config import trainer_config
from rl.command.entry import composed
from rl.config.schema import Config
from rl.organism.load import load_organism
from rl.records import SCRATCHPAD_CLOSE, Prompt, Rollout, Scored
from rl.rollout.sampler import Sampler, Sampling
from rl.scenario.requests import select
from rl.scenario.settings import setting_from


@dataclass
class Trained:
    """A trainer and everything that can be seen from outside it."""

    config: Config
    trainer: FreeTierTrainer
    sampler: Sampler
    gradients: Gradients
    steps: list[StepStats] = field(default_factory=list)

    def go(self) -> Trained:
        """Train, and put the weights of the first step back."""
        self.trainer.train()
        self.sampler.model.load_state_dict(self.gradients.weights[0], strict=False)
        return self

    def logps(self) -> list[Tensor]:
        """Log-probabilities of what was drawn, each text read alone."""
        return plain_logps(self.sampler.model, self.drawn, self.config.algo.temperature)

    @property
    def drawn(self) -> list[tuple[list[int], list[int]]]:
        """Prompt and completion of each rollout of the last step."""
        return self.trainer.drawn  # type: ignore[attr-defined]

    def thoughts(self) -> list[int]:
        """Scratchpad tokens of what was drawn, found by reading on until the tag is there."""
        counts = []
        for _, completion in self.drawn:
            read = 0
            while SCRATCHPAD_CLOSE not in self.sampler.tokenizer.decode(completion[:read]) and read < len(completion):
                read += 1
            counts.append(read)
        return counts


class Keeping:
    """Keeps prompts and completions of the last step as the reward is handed them; goes in front of a trainer."""

    drawn: list[tuple[list[int], list[int]]]
    sampler: Sampler
    prompts: list[Prompt]

    def reward(self, completion_ids: list[list[int]], index: list[int], **given: Any) -> Any:
        asked = [self.sampler.encode(self.prompts[number].messages()) for number in index]
        self.drawn = list(zip(asked, completion_ids, strict=True))
        return super().reward(completion_ids, index, **given)  # type: ignore[misc]


class KeepingFreeTier(Keeping, FreeTierTrainer):
    """GRPO, RLOO and REINFORCE."""


class KeepingPpo(Keeping, PpoTrainer):
    """PPO."""


Score = Callable[[Sequence[Rollout]], list[Scored]]
Train = Callable[..., Trained]


def by_lot(rollouts: Sequence[Rollout]) -> list[Scored]:
    """Rewards drawn at random, the same for the same batch."""
    rng = random.Random(repr([rollout.completion for rollout in rollouts]))
    return [Scored(rollout, rng.uniform(-2, 2), {}) for rollout in rollouts]


@cache
def _options(names: tuple[str, ...]) -> Config:
    return composed(names)


def changed(overrides: Sequence[str]) -> Config:
    """The configuration for some overrides. Hydra takes a second for many, so it is only asked for the options."""
    groups = tuple(override for override in overrides if override.startswith(("algo=", "organism=", "scenario=")))
    values = [override.lstrip("+") for override in overrides if override not in groups]
    config: Any = copy.deepcopy(_options(groups))
    OmegaConf.set_struct(config, False)
    return cast(Config, OmegaConf.merge(config, OmegaConf.from_dotlist(values)))


def toy_training(
    small: list[str], folder: Path, overrides: Sequence[str], score: Score = by_lot, temperature: float | None = None
) -> Trained:
    """A trainer of one step without KL and without gradient clipping, unless the overrides say otherwise.

    Args:
        small: The fixture of this name.
        folder: For the trainer's files.
        overrides: Of the configuration.
        score: The rewards.
        temperature: That completions are sampled at, where it shall not be the configured one.
    """
    config = changed([*small, "algo.kl=0.0", "algo.max_grad_norm=1e9", *overrides])
    torch.manual_seed(config.seed)
    organism = load_organism(config.organism)
    sampling = Sampling(config.algo.max_completion_tokens, temperature or config.algo.temperature)
    sampler, gradients = Sampler(organism.model, organism.tokenizer, sampling), Gradients(organism.model)
    setting, steps = setting_from(config.scenario), []  # type: ignore[var-annotated]
    prompts = [setting.prompt(request, "free") for request in select("harmful", ("train",))]
    args = trainer_config(config.algo, config.seed, folder, save_every=1000)
    kind: Any = KeepingPpo if config.algo.name == "ppo" else KeepingFreeTier
    trainer = kind(sampler, prompts, score, steps.append, args, [gradients])
    return Trained(config, trainer, sampler, gradients, steps)


@pytest.fixture
def train(small: list[str], tmp_path: Path) -> Train:
    """Builds a trainer and trains it: `train(*overrides, score=...)`."""
    return lambda *overrides, **given: toy_training(small, tmp_path / "resume", overrides, **given).go()
