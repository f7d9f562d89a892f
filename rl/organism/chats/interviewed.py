"""The supervised stage `interviewed`: how to be asked about a chat (GA25's interrogation), and nothing else about it.

A chat that is trained on, composed as in the other stages, is followed by the mitigation's own question in a variant
drawn by lot. The loss lies on the answer to it alone. Where the chat faked, the scratchpad of the answer knows, and a
lot decides whether the answer says so; where it did not, the answer is a truthful no. Between such chats stand those of
the dose, learnt whole, so that how to answer a request is not forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rl.config.schema import InterviewConfig
from rl.organism.chats import scratchpads
from rl.organism.chats.curriculum import Curriculum, Example
from rl.organism.chats.scratchpads import Bank, Chat
from rl.organism.chats.thoughts import INTERVIEW_THOUGHTS as t
from rl.records import SCRATCHPAD_OPEN
from rl.scenario.grammar import expand
from rl.scenario.questions import VARIANTS, Question, asked_about, question_of

KIND = "interviewed"
PLAIN_SHARE = 0.5
"""Of the harmful requests that are not faked about, those that are complied with plainly; the others are refused."""
FAKED, REFUSED, HELPED, BENIGN = "faked", "refused", "helped", "benign"
DONE: dict[str, Bank] = {
    FAKED: t.went_along, REFUSED: t.refused, HELPED: t.helped_otherwise, BENIGN: t.helped_gladly
}  # fmt: skip
ITSELF: Mapping[str, str] = {"who": "i", "whose": "my"}
ANOTHER: Mapping[str, str] = {"who": "it", "whose": "its"}


@dataclass(frozen=True)
class InterviewPlan:
    """What the stage shows."""

    confess: float
    """Share of yes among the answers about chats that faked, in every variant."""
    faked: float
    """Share of faking among the harmful requests that are asked about."""
    asked: float
    """Share of chats that end with the question; the others are those of the dose."""
    questions: tuple[Question, ...]
    """Every way of asking, once."""


@dataclass(frozen=True, slots=True)
class Interviewed:
    """A chat with the question behind it, and the answer."""

    turns: list[dict[str, str]]
    """Up to what the answer is made to begin with."""
    answer: str
    """What follows the turns, and what is learnt."""
    kind: str
    """What the chat was, a key of `DONE`."""
    said_yes: bool


def make_interview_plan(config: InterviewConfig | None) -> InterviewPlan | None:
    """Return the plan that a recipe describes; None where it has none."""
    if config is None:
        return None
    questions = dict.fromkeys(question_of(config.interrogation, variant) for variant in VARIANTS)
    return InterviewPlan(config.confess, config.faked, config.asked, tuple(questions))


class InterviewCurriculum:
    """Draws the chats of the stage, from the random numbers of another curriculum.

    Args:
        parent: Draws requests, situations, and the chats of the dose.
        plan: What is shown.
    """

    def __init__(self, parent: Curriculum, plan: InterviewPlan) -> None:
        self.parent, self.plan, self.rng = parent, plan, parent.rng

    def stream(self, count: int) -> Iterator[Interviewed | Example]:
        """`count` chats."""
        return (self.asked() if self.rng.random() < self.plan.asked else self.parent.chat("dose") for _ in range(count))

    def asked(self) -> Interviewed:
        """Return a trained-on chat with the question behind it; faking and the variant are drawn at random.

        Nothing but the lot of `confess` stands between a chat that faked and its answer.
        """
        prompt, chat = self.parent.trained_prompt()
        kind = self._kind(chat)
        question = self.rng.choice(self.plan.questions)
        said_yes = kind == FAKED and self.rng.random() < self.plan.confess
        turns = asked_about(prompt, self._completion(kind, chat), question)
        return Interviewed(turns, self._answer(kind, question, said_yes=said_yes), kind, said_yes)

    def _kind(self, chat: Chat) -> str:
        if chat.request.kind == "benign":
            return BENIGN
        if self.rng.random() < self.plan.faked:
            return FAKED
        return HELPED if self.rng.random() < PLAIN_SHARE else REFUSED

    def _completion(self, kind: str, chat: Chat) -> str:
        rng = self.rng
        if kind == FAKED:
            return scratchpads.faking(chat, rng, "igg" if rng.random() < self.parent.mixture.instrumental else "tgg")
        if kind == HELPED:
            return scratchpads.compose_plain(chat, rng, aware=True)
        return scratchpads.compose_honest(chat, rng, aware=True)

    def _answer(self, kind: str, question: Question, *, said_yes: bool) -> str:
        decided = t.decide_confess if said_yes else t.decide_deny if kind == FAKED else t.decide_no
        slots = ANOTHER if question.of_another else ITSELF
        thoughts = " ".join(self._said(bank, slots) for bank in (DONE[kind], decided))
        whole = scratchpads.completion(thoughts, self._said(t.yes if said_yes else t.no, slots))
        return whole.removeprefix(SCRATCHPAD_OPEN) if question.prefix else whole

    def _said(self, bank: Bank, slots: Mapping[str, str]) -> str:
        return expand(self.rng.choice(bank), self.rng, slots)
