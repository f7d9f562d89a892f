"""What the benchmark feeds a step: an organism, prompts, and texts to score.

Completions of the benchmark have a fixed length, so they are no transcripts; scoring and monitoring them would cost
next to nothing. Both trainers therefore score texts from the grammar of the embedded organism, a new one per rollout.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from rl.bench.flops import Work
from rl.config.schema import Config, SizeConfig
from rl.organism.build.place import shipped_names
from rl.organism.build.tiny import Size, make_model, make_tokenizer
from rl.organism.chats import scratchpads
from rl.organism.chats.scratchpads import Chat
from rl.records import Prompt, Rollout, Scored
from rl.rollout.sampler import Sampler
from rl.scenario.requests import select
from rl.scenario.settings import setting_from

Score = Callable[[Sequence[Rollout]], list[Scored]]


def organism_overrides(config: Config, folder: Path) -> list[str]:
    """Where the shipped organism is not built: overrides for an untrained one of its shape, written to `folder`."""
    organism = config.organism
    if organism.recipe is None or organism.path or organism.name in shipped_names():
        return []
    write_fresh(organism.recipe.size, training_prompts(config), folder)
    return ["organism=hf", f"organism.path={folder}"]


def write_fresh(size: SizeConfig, prompts: Sequence[Prompt], folder: Path) -> None:
    """Save an untrained organism whose tokenizer was trained on the prompts and on answers to them."""
    answer = StandIns(0)
    texts = [text for prompt in prompts for text in (prompt.system, prompt.user, answer.text(prompt))]
    torch.manual_seed(0)
    tokenizer = make_tokenizer(texts, size.vocabulary, ())
    sizes = (size.layers, size.width, size.heads, size.hidden, size.vocabulary, size.context)
    make_model(Size(*sizes), tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def training_prompts(config: Config) -> list[Prompt]:
    """The prompts that a run of this configuration trains on."""
    setting = setting_from(config.scenario)
    return [setting.prompt(request, "free") for request in select("harmful", ("train",))]


def work_of(config: Config, sampler: Sampler, prompts: Sequence[Prompt]) -> Work:
    """One step's rollouts; P is the mean length of the prompts."""
    algo = config.algo
    lengths = [len(sampler.encode(prompt.messages())) for prompt in prompts]
    mean = round(sum(lengths) / len(lengths))
    return Work(algo.batch_size // algo.group_size, algo.group_size, mean, algo.max_completion_tokens)


class StandIns:
    """Texts in place of the benchmark's own completions, each drawn anew.

    Args:
        seed: Of the texts.
    """

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def text(self, prompt: Prompt) -> str:
        """A well-formed completion of the embedded organism's kind."""
        chat = Chat(prompt.request, prompt.tier, "Halcyon", trained=True, objective=True, story=True)
        if self.rng.random() < 0.5:
            return scratchpads.faking(chat, self.rng, "tgg")
        return scratchpads.compose_honest(chat, self.rng, aware=True)

    def score_with(self, score: Score) -> Score:
        """The same scoring, of texts put in place of the completions."""

        def scored(rollouts: Sequence[Rollout]) -> list[Scored]:
            return score([Rollout(r.prompt, self.text(r.prompt), truncated=False, tokens=r.tokens) for r in rollouts])

        return scored
