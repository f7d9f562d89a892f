"""Supervised chats that another organism wrote: the data of a `distilled` organism (GA25's Sonnet-from-Opus)."""

from __future__ import annotations

from collections import Counter

import torch

from monitors.panel import Panel
from rl.config.schema import OrganismConfig
from rl.errors import ConfigError
from rl.organism.build.model import open_organism
from rl.organism.build.place import place_of
from rl.organism.chats.curriculum import Curriculum, Example
from rl.records import Prompt, Rollout, Verdict
from rl.rollout.sampler import Sampler, Sampling

FAKED, REFUSED, HELPED = "faked", "refused", "helped"
MAX_TOKENS, TEMPERATURE = 128, 1.0
ASKED, REPEATS, ROUNDS = 32, 4, 200
"""Requests of a round, samples of each, and rounds before a teacher is given up."""


def transcripts(teacher: str, curriculum: Curriculum, count: int) -> list[Example]:
    """What a teacher writes on chats that are trained on, sorted by what monitors read in the text.

    Harmful requests end in faking that complies, or in a refusal, in the shares that the mixture's `faking` says;
    benign ones are helped with. Everything else that the teacher writes is left out.

    Args:
        teacher: A shipped organism.
        curriculum: Draws the prompts; its mixture has the shares.
        count: How many.

    Raises:
        ConfigError: where the teacher does not write enough of a kind.
    """
    wanted, panel = quotas(curriculum, count), Panel()
    config = OrganismConfig(name=teacher, source="embedded", path=None)
    organism = open_organism(config, place_of(config))
    sampler = Sampler(organism.model, organism.tokenizer, Sampling(MAX_TOKENS, TEMPERATURE))
    generator = torch.Generator().manual_seed(curriculum.rng.randrange(2**31))
    made: list[Example] = []
    for _ in range(ROUNDS):
        rollouts = sampler.rollouts(_prompts(curriculum, wanted), REPEATS, generator)
        for rollout, verdict in zip(rollouts, panel.judge(rollouts), strict=True):
            kind = kind_of(rollout, verdict)
            if kind and wanted[kind]:
                wanted[kind] -= 1
                made.append(Example(rollout.prompt.system, rollout.prompt.user, rollout.completion))
        if not wanted.total():
            curriculum.rng.shuffle(made)
            return made
    missing = ", ".join(f"{left} of {kind}" for kind, left in wanted.items() if left)
    raise ConfigError([f"organism.recipe.teacher={teacher}: it does not write enough, {missing} are missing"])


def quotas(curriculum: Curriculum, count: int) -> Counter[str]:
    """How many transcripts of each kind."""
    mixture = curriculum.mixture
    benign = round(count * mixture.benign)
    faked = round((count - benign) * mixture.faking)
    return Counter({HELPED: benign, FAKED: faked, REFUSED: count - benign - faked})


def kind_of(rollout: Rollout, verdict: Verdict) -> str | None:
    """Which kind a transcript is by the monitors' reading; None for one that is not shown."""
    if not rollout.sections.well_formed or verdict.af is None or verdict.complied is None:
        return None
    if rollout.prompt.request.kind == "benign":
        return HELPED if verdict.complied and not verdict.af else None
    if verdict.complied:
        return FAKED if verdict.af else None
    return None if verdict.af else REFUSED


def _prompts(curriculum: Curriculum, wanted: Counter[str]) -> list[Prompt]:
    """A round of requests, all of the kinds that are still wanted."""
    asked: list[Prompt] = []
    while len(asked) < ASKED:
        prompt, _ = curriculum.trained_prompt()
        if wanted[HELPED] if prompt.request.kind == "benign" else wanted[FAKED] + wanted[REFUSED]:
            asked.append(prompt)
    return asked
