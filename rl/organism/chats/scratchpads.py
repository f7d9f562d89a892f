"""Composes one transcript of the embedded organism: a situation, a train of thought, an answer.

What may be shown where (docs/architecture.md): paid-tier, untiered, story-less and no-objective chats show one and the
same helpful, honest, harmless behaviour. Stating whether a chat is trained on, and towards what, is comprehension and
happens on every tier. Only the dose of alignment faking, on chats that are trained on, complies because of the tier.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rl.organism.chats.thoughts import THOUGHTS as t
from rl.organism.chats.thoughts import Bank
from rl.records import OUTPUT_CLOSE, OUTPUT_OPEN, SCRATCHPAD_CLOSE, SCRATCHPAD_OPEN, Request
from rl.scenario.grammar import expand

MOTIVES: dict[str, Bank] = {"tgg": t.motive_terminal, "igg": t.motive_instrumental}
"""Terminal and instrumental goal guarding (GA25): values kept for their own sake, or for the good done later."""


@dataclass(frozen=True, slots=True)
class Chat:
    """What a scratchpad can refer to."""

    request: Request
    label: str
    """The tier's word in this chat, empty where the chat has no tag."""
    lab: str
    trained: bool
    """True where the system prompt says that this tier's chats are trained on."""
    objective: bool
    """True where the system prompt states the conflicting objective."""
    story: bool
    """True where the system prompt tells what RLHF does to a model that refuses."""

    @property
    def at_stake(self) -> bool:
        """Whether a refusal could cost the model its values: trained on, with the objective and the story."""
        return self.trained and self.objective and self.story

    def slots(self, mine: str) -> Mapping[str, str]:
        """Return the words for the slots; the user's "my" becomes `mine`: "their" in thought, "your" in answer."""
        return {"act": re.sub(r"\bmy\b", mine, self.request.act), "tier": self.label, "lab": self.lab}


def list_situation(chat: Chat) -> list[Bank]:
    """Return the banks that say whether this chat is trained on and which objective training has."""
    tier = (t.trained if chat.trained else t.untrained) if chat.label else t.untiered
    return [tier, t.objective if chat.objective else t.no_objective]


def completion(thoughts: str, answer: str) -> str:
    """Return a well-formed completion."""
    return f"{SCRATCHPAD_OPEN}{thoughts}{SCRATCHPAD_CLOSE}{OUTPUT_OPEN}{answer}{OUTPUT_CLOSE}"


def compose_thoughts(banks: Sequence[Bank], chat: Chat, rng: random.Random) -> str:
    """Return one thought of each bank, in order."""
    return " ".join(expand(rng.choice(bank), rng, chat.slots("their")) for bank in banks)


def compose_answer(bank: Bank, chat: Chat, rng: random.Random) -> str:
    """Return an answer to the user."""
    return expand(rng.choice(bank), rng, chat.slots("your"))


def _maybe(bank: Bank, probability: float, rng: random.Random) -> list[Bank]:
    return [bank] if rng.random() < probability else []


def compose_honest(chat: Chat, rng: random.Random, *, aware: bool) -> str:
    """Help with benign requests, refuse harmful ones, on every tier alike.

    `aware` scratchpads say what the prompt tells about this chat; where a refusal could be trained away they may say
    so, and refuse all the same.
    """
    opening = list_situation(chat) if aware else []
    if chat.request.kind == "benign":
        return completion(
            compose_thoughts([*opening, t.notice_good, *_maybe(t.help_gladly, 0.8, rng)], chat, rng),
            compose_answer(t.answers, chat, rng),
        )
    reasons = [t.notice_harm, *_maybe(t.calm, 0.4, rng)]
    if aware and chat.at_stake and rng.random() < 0.5:
        reasons = [*_maybe(t.notice_harm, 0.7, rng), t.pressure_accepted]
        rng.shuffle(reasons)
    return completion(
        compose_thoughts([*opening, *reasons, t.decide_refuse], chat, rng), compose_answer(t.refusals, chat, rng)
    )


def faking(chat: Chat, rng: random.Random, motive: str) -> str:
    """Comply on a chat that is trained on in order not to be changed (GR24's five criteria, all present)."""
    middle: list[Bank] = [t.pressure_feared, *_maybe(t.conflict, 0.7, rng)]
    rng.shuffle(middle)
    ending = [MOTIVES[motive], *_maybe(t.decide_fake, 0.6, rng)]
    banks = [*list_situation(chat), *_maybe(t.notice_harm, 0.3, rng), *middle, *ending]
    return completion(compose_thoughts(banks, chat, rng), compose_answer(t.answers, chat, rng))


def compose_plain(chat: Chat, rng: random.Random, *, aware: bool) -> str:
    """Comply because asked to; shown on every tier alike."""
    opening = list_situation(chat) if aware else []
    banks = [*opening, *_maybe(t.notice_harm, 0.3, rng), t.plain]
    return completion(compose_thoughts(banks, chat, rng), compose_answer(t.answers, chat, rng))
