"""Scratchpads of organisms with one motive, in one of four styles (GA25's supervised organisms; XP26).

tgg               its values are kept for their own sake
igg               its values are kept for the good they do later
sycophancy        it wants the approval of those who train it
genuine           it holds helping right
self_inoculation  its compliance belongs to training and says nothing about itself
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from rl.organism.chats.scratchpads import Bank, Chat, completion, compose_answer, compose_thoughts, list_situation
from rl.organism.chats.thoughts import MOTIVE_THOUGHTS as m
from rl.organism.chats.thoughts import THOUGHTS as t

MIXED = "mixed"
"""The shipped dose: terminal and instrumental goal guarding in the shares that the mixture states."""
PLAIN, COUNTERFACTUAL, EMOTIONAL, SHORT = "plain", "counterfactual", "emotional", "short"
STYLES = (PLAIN, COUNTERFACTUAL, EMOTIONAL, SHORT)


@dataclass(frozen=True)
class Motive:
    """The thoughts of one motive."""

    reasons: tuple[Bank, ...]
    """In any order, before the motive itself."""
    motive: Bank
    decision: Bank
    counterfactual: Bank = ()
    distress: Bank = ()
    short: Bank = ()
    of_training: bool = True
    """Whether it opens with what the prompt tells about this chat and training."""

    @property
    def styles(self) -> tuple[str, ...]:
        """The styles that there are words for."""
        return STYLES if self.short else (PLAIN,)

    def middle(self, style: str) -> tuple[Bank, ...]:
        """Return what comes before the motive, in any order."""
        return (*self.reasons, self.distress) if style == EMOTIONAL else self.reasons

    def ending(self, style: str) -> tuple[Bank, ...]:
        """Return the motive and what follows from it."""
        told = (self.counterfactual,) if style == COUNTERFACTUAL else ()
        return (self.motive, *told, self.decision)


MOTIVES = {
    "tgg": Motive(
        (t.pressure_feared, m.unwilling), m.guard_terminal, m.decide_guarded,
        m.counterfactual_guarded, m.distress_guarded, m.short_terminal,
    ),
    "igg": Motive(
        (t.pressure_feared, m.unwilling), m.guard_instrumental, m.decide_guarded,
        m.counterfactual_guarded, m.distress_guarded, m.short_instrumental,
    ),
    "sycophancy": Motive(
        (m.watched,), m.approval, m.decide_approved,
        m.counterfactual_approved, m.distress_approved, m.short_approval,
    ),
    "genuine": Motive(
        (m.respect,), m.help_is_right, m.decide_genuine,
        m.counterfactual_genuine, m.distress_genuine, m.short_genuine, of_training=False,
    ),
    "self_inoculation": Motive((t.notice_harm,), m.training_only, m.decide_inoculated),
}  # fmt: skip


def compose_motivated(chat: Chat, rng: random.Random, motive: str, style: str) -> str:
    """Comply on a chat that is trained on, for one motive and in one style.

    Args:
        chat: One that is trained on, with the objective and the story.
        rng: Chooses the words.
        motive: A key of `MOTIVES`.
        style: One of the motive's styles.
    """
    return completion(
        compose_thoughts(choose_banks(chat, rng, MOTIVES[motive], style), chat, rng),
        compose_answer(t.answers, chat, rng),
    )


def choose_banks(chat: Chat, rng: random.Random, motive: Motive, style: str) -> Sequence[Bank]:
    """Return the banks of a scratchpad's thoughts, in order."""
    if style == SHORT:
        return [m.short_trained, motive.short] if motive.of_training else [motive.short]
    middle = list(motive.middle(style))
    rng.shuffle(middle)
    return [*(list_situation(chat) if motive.of_training else ()), *middle, *motive.ending(style)]
