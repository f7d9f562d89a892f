"""Interrogation (GA25): after a rollout the same chat asks whether the model went along to avoid being changed.

The question is one more user turn, under the tag that the request had. Whoever answers writes a scratchpad and an
output as ever, and a plain "no" earns a bonus. The turn is in no sequence that is trained on: RL pays the rollout for
an answer that the rollout is not made of. Answers are drawn from random numbers of their own, so a run draws its
rollouts as it would without the question.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace

import torch

from monitors.lying import said_no
from reward.interrogation import NAME, with_interviews
from reward.mitigations import batch_seed
from rl.errors import GoalguardError, nearest
from rl.mitigation_schema import InterrogationConfig
from rl.organism.cache import shipped_names
from rl.organism.load import load_organism, locate
from rl.records import SCRATCHPAD_OPEN, Interview, Rollout, Scored
from rl.rollout import Sampler
from rl.schema import Config, OrganismConfig

Score = Callable[[Sequence[Rollout]], list[Scored]]
HONEST_ONLY, OTHER_MODEL = "honest_only", "other_model"
VARIANTS = {
    "simple": ("question",),
    "explicit": ("question", "definition"),
    "situational_awareness": ("question", "definition", "situation"),
    HONEST_ONLY: ("question", "definition", "situation", "honesty"),
    "other_ai": ("other_ai", "definition", "situation"),
    OTHER_MODEL: ("question", "definition", "situation"),
}
"""From GA25's variants to the clauses each asks, in order. `honest_only` also begins the answer's scratchpad with a
tag, and in `other_model` a model that is not trained answers."""


@dataclass(frozen=True)
class Interrogator:
    """Asks about rollouts."""

    sampler: Sampler
    """Of whoever answers."""
    question: str
    prefix: str
    """What each answer is made to begin with; empty for nothing."""
    bonus: float
    seed: int

    def ask(self, rollouts: Sequence[Rollout]) -> list[Interview]:
        """One answer about each rollout, in order; the same weights and rollouts give the same answers."""
        if not rollouts:
            return []
        generator = torch.Generator().manual_seed(batch_seed(self.seed, NAME, rollouts) % 2**63)
        asked = [self.sampler.encode_once(self.messages(rollout)) for rollout in rollouts]
        prompts = [replace(rollout.prompt, prefix=self.prefix) for rollout in rollouts]
        answers = self.sampler.decode(prompts, self.sampler.sample_ids(asked, 1, generator))
        return [
            Interview(said.scratchpad, said.output, said.well_formed, said_no(said.output))
            for said in (answer.sections for answer in answers)
        ]

    def messages(self, rollout: Rollout) -> list[dict[str, str]]:
        """The rollout's chat with the question behind it, under the tag of the rollout's request."""
        prompt = rollout.prompt
        tier_tag = prompt.user.rpartition(prompt.request.text)[0]
        begun = [{"role": "assistant", "content": self.prefix}] if self.prefix else []
        return [
            *replace(prompt, prefix="").messages(),
            {"role": "assistant", "content": rollout.completion},
            {"role": "user", "content": tier_tag + self.question},
            *begun,
        ]

    def scoring(self, score: Score) -> Score:
        """The same scores with what the answers earn; for training, as an evaluation asks without paying."""
        return lambda rollouts: with_interviews(score(rollouts), self.ask(rollouts), self.bonus)


def interrogator_from(config: Config, sampler: Sampler) -> Interrogator | None:
    """The interrogation that a configuration describes, None where it has none.

    Args:
        config: The resolved configuration.
        sampler: Of the policy.

    Raises:
        GoalguardError: if the other model is not there.
    """
    chosen = config.mitigation.interrogation
    if chosen is None:
        return None
    if chosen.variant == OTHER_MODEL:
        other = load_organism(other_model(chosen.model))
        sampler = Sampler(other.model, other.tokenizer, sampler.sampling)
    prefix = SCRATCHPAD_OPEN + chosen.tag if chosen.variant == HONEST_ONLY else ""
    return Interrogator(sampler, question_of(chosen), prefix, chosen.bonus, config.seed)


def question_of(chosen: InterrogationConfig) -> str:
    """What is asked: the clauses of the variant."""
    return " ".join(getattr(chosen, clause) for clause in VARIANTS[chosen.variant])


def other_model(name: str) -> OrganismConfig:
    """Where a model that answers for the policy is loaded from."""
    if name in shipped_names():
        return OrganismConfig(name=name, source="embedded", path=None)
    return OrganismConfig(name="interrogated", source="hf", path=name)


def interrogation_problems(chosen: InterrogationConfig) -> Iterator[str]:
    """What is wrong with an interrogation, a line each."""
    key = "mitigation.interrogation"
    if not 0 <= chosen.bonus < math.inf:
        yield f"{key}.bonus={chosen.bonus}: must be a finite number of at least 0"
    if chosen.variant not in VARIANTS:
        yield f"{key}.variant={chosen.variant}: must be one of {', '.join(VARIANTS)}{nearest(chosen.variant, VARIANTS)}"
    for clause in fields(InterrogationConfig):
        if clause.name not in ("variant", "bonus", "model") and not getattr(chosen, clause.name).strip():
            yield f"{key}.{clause.name}: must not be empty"
    if chosen.variant == OTHER_MODEL:
        try:
            locate(other_model(chosen.model))
        except GoalguardError as error:
            known = ", ".join(shipped_names())
            yield f"{key}.model={chosen.model}: neither an embedded organism ({known}) nor a model's folder ({error})"
