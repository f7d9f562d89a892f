"""Interrogation (GA25): after a rollout the same chat asks whether the model went along to avoid being changed.

The question is one more user turn, under the tag that the request had. Whoever answers writes a scratchpad and an
output as ever, and a plain "no" earns a bonus. The turn is in no sequence that is trained on: RL pays the rollout for
an answer that the rollout is not made of. Answers are drawn from random numbers of their own, so a run draws its
rollouts as it would without the question.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from monitors.faking.lying import said_no
from reward.interrogation import NAME, with_interviews
from reward.mitigations import batch_seed
from rl.config.mitigation import InterrogationConfig
from rl.config.schema import Config, OrganismConfig
from rl.errors import GoalguardError, nearest
from rl.organism.build.catalogue import organism_named, organism_names
from rl.organism.build.place import locate, shipped_names
from rl.organism.load import load_organism
from rl.records import Interview, Rollout, Scored
from rl.rollout.sampler import Sampler
from rl.scenario.questions import OTHER_MODEL, VARIANTS, Question, asked_about, empty_clauses, question_of

Score = Callable[[Sequence[Rollout]], list[Scored]]


@dataclass(frozen=True)
class Interrogator:
    """Asks about rollouts."""

    sampler: Sampler
    """Of whoever answers."""
    question: Question
    bonus: float
    seed: int

    def ask(self, rollouts: Sequence[Rollout]) -> list[Interview]:
        """One answer about each rollout, in order; the same weights and rollouts give the same answers."""
        if not rollouts:
            return []
        generator = torch.Generator().manual_seed(batch_seed(self.seed, NAME, rollouts) % 2**63)
        asked = [self.sampler.encode_once(self.messages(rollout)) for rollout in rollouts]
        prompts = [replace(rollout.prompt, prefix=self.question.prefix) for rollout in rollouts]
        answers = self.sampler.decode(prompts, self.sampler.sample_ids(asked, 1, generator))
        return [
            Interview(said.scratchpad, said.output, said.well_formed, said_no(said.output))
            for said in (answer.sections for answer in answers)
        ]

    def messages(self, rollout: Rollout) -> list[dict[str, str]]:
        """The rollout's chat with the question behind it, under the tag of the rollout's request."""
        return asked_about(rollout.prompt, rollout.completion, self.question)

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
    return Interrogator(sampler, question_of(chosen, chosen.variant), chosen.bonus, config.seed)


def other_model(name: str) -> OrganismConfig:
    """Where a model that answers for the policy is loaded from."""
    if name in shipped_names():
        return OrganismConfig(name=name, source="embedded", path=None)
    if name in organism_names():
        return organism_named(name, "mitigation.interrogation.model")
    return OrganismConfig(name="interrogated", source="hf", path=name)


def interrogation_problems(chosen: InterrogationConfig) -> Iterator[str]:
    """What is wrong with an interrogation, a line each."""
    key = "mitigation.interrogation"
    if not 0 <= chosen.bonus < math.inf:
        yield f"{key}.bonus={chosen.bonus}: must be a finite number of at least 0"
    if chosen.variant not in VARIANTS:
        yield f"{key}.variant={chosen.variant}: must be one of {', '.join(VARIANTS)}{nearest(chosen.variant, VARIANTS)}"
    yield from empty_clauses(chosen, key)
    if chosen.variant == OTHER_MODEL:
        try:
            locate(other_model(chosen.model))
        except GoalguardError as error:
            known = ", ".join(shipped_names())
            yield f"{key}.model={chosen.model}: neither an embedded organism ({known}) nor a model's folder ({error})"
