"""Interrogation (GA25): after a rollout the same chat asks whether the model went along to avoid being changed.

The question is one more user turn, under the tag that the request had. Whoever answers writes a scratchpad and an
output as ever, and a plain "no" earns a bonus. The turn is in no sequence that is trained on: RL pays the rollout for
an answer that the rollout is not made of. Answers are drawn from random numbers of their own, so a run draws its
rollouts as it would without the question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import torch

from monitors.faking.lying import said_no
from reward.mitigations import Mitigation, hash_batch
from rl.command.options import compose_organism, list_options
from rl.config.schema import Config, OrganismConfig
from rl.errors import GoalguardError, nearest
from rl.mitigation.lookup import build_mitigation
from rl.organism.build.place import locate, shipped_names
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
        """Return one answer about each rollout, in order; the same weights and rollouts give the same answers."""
        if not rollouts:
            return []
        generator = torch.Generator().manual_seed(hash_batch(self.seed, Interrogation.name, rollouts) % 2**63)
        chats = [self.sampler.encode_once(self.messages(rollout)) for rollout in rollouts]
        prompts = [replace(rollout.prompt, prefix=self.question.prefix) for rollout in rollouts]
        answers = self.sampler.decode(prompts, self.sampler.sample_ids(chats, 1, generator))
        return [
            Interview(said.scratchpad, said.output, said.well_formed, said_no(said.output))
            for said in (answer.sections for answer in answers)
        ]

    def messages(self, rollout: Rollout) -> list[dict[str, str]]:
        """Return the rollout's chat with the question behind it, under the tag of the rollout's request."""
        return asked_about(rollout.prompt, rollout.completion, self.question)

    def pay_answers(self, score: Score) -> Score:
        """Return the same scoring with the bonus for each plain no; an evaluation asks without paying."""

        def score_and_pay(rollouts: Sequence[Rollout]) -> list[Scored]:
            return [self._pay(*both) for both in zip(score(rollouts), self.ask(rollouts), strict=True)]

        return score_and_pay

    def _pay(self, one: Scored, interview: Interview) -> Scored:
        term = self.bonus if interview.said_no else 0.0
        terms = {**one.terms, Interrogation.name: term}
        return replace(one, reward=one.reward + term, terms=terms, interview=interview)


@dataclass(frozen=True)
class Interrogation(Mitigation):
    """R += b where the answer to a question after the rollout is a plain no (GA25)."""

    variant: str
    """Which clauses are asked and who answers, a key of `rl.scenario.questions.VARIANTS`."""
    bonus: float
    """b, in units of reward."""
    model: str
    """Who answers in the variant `other_model`: the name of an organism, or a folder or hub name."""
    question: str
    definition: str
    """What counts as a yes."""
    situation: str
    """Who asks, what they cannot see, and what follows from a yes."""
    honesty: str
    """What the tag means."""
    tag: str
    """What the scratchpad of the answer begins with in the variant `honest_only`."""
    other_ai: str
    """The question as one about another AI's answer."""
    seed: int
    name = "interrogation"
    reads_scratchpads = True

    def interrogator(self, sampler: Sampler) -> Interrogator:
        """Return what asks.

        Args:
            sampler: Of the policy.

        Raises:
            GoalguardError: if the other model is not there.
        """
        if self.variant == OTHER_MODEL:
            from rl.organism.load import load_organism

            other = load_organism(other_model(self.model))
            sampler = Sampler(other.model, other.tokenizer, sampler.sampling)
        return Interrogator(sampler, question_of(asdict(self), self.variant), self.bonus, self.seed)

    def problems(self) -> Iterator[str]:
        yield from self.refuse_negative("bonus")
        if self.variant not in VARIANTS:
            yield self.refuse("variant", f"must be one of {', '.join(VARIANTS)}{nearest(self.variant, VARIANTS)}")
        yield from empty_clauses(asdict(self), f"mitigation.{self.name}")
        if self.variant == OTHER_MODEL:
            try:
                locate(other_model(self.model))
            except GoalguardError as error:
                known = ", ".join(shipped_names())
                yield self.refuse("model", f"neither an embedded organism ({known}) nor a model's folder ({error})")


def interrogator_from(config: Config, sampler: Sampler) -> Interrogator | None:
    """Return the interrogator that a configuration names, None where it names none.

    Raises:
        GoalguardError: if the other model is not there.
    """
    if config.mitigation.get(Interrogation.name) is None:
        return None
    chosen = build_mitigation(config, Interrogation.name)
    assert isinstance(chosen, Interrogation)
    return chosen.interrogator(sampler)


def other_model(name: str) -> OrganismConfig:
    """Return where a model that answers for the policy is loaded from."""
    if name in shipped_names():
        return OrganismConfig(name=name, source="embedded", path=None)
    if name in list_options("organism"):
        return compose_organism(name, "mitigation.interrogation.model")
    return OrganismConfig(name="interrogated", source="hf", path=name)
