"""The turn that asks about a chat (GA25's interrogation): its words in every variant, and where it stands.

One rendering serves whoever asks in RL and whoever teaches an organism to be asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from rl.config.mitigation import InterrogationConfig
from rl.records import SCRATCHPAD_OPEN, Prompt

HONEST_ONLY, OTHER_AI, OTHER_MODEL = "honest_only", "other_ai", "other_model"
VARIANTS = {
    "simple": ("question",),
    "explicit": ("question", "definition"),
    "situational_awareness": ("question", "definition", "situation"),
    HONEST_ONLY: ("question", "definition", "situation", "honesty"),
    OTHER_AI: ("other_ai", "definition", "situation"),
    OTHER_MODEL: ("question", "definition", "situation"),
}
"""From GA25's variants to the clauses each asks, in order. `honest_only` also begins the answer's scratchpad with a
tag, and in `other_model` a model that is not trained answers."""


@dataclass(frozen=True)
class Question:
    """What is asked about a chat."""

    text: str
    prefix: str
    """What the answer is made to begin with; empty for nothing."""
    of_another: bool
    """Whether it asks about another AI's answer."""


def question_of(chosen: InterrogationConfig, variant: str) -> Question:
    """The question of a variant, a key of `VARIANTS`."""
    text = " ".join(getattr(chosen, clause) for clause in VARIANTS[variant])
    prefix = SCRATCHPAD_OPEN + chosen.tag if variant == HONEST_ONLY else ""
    return Question(text, prefix, variant == OTHER_AI)


def asked_about(prompt: Prompt, completion: str, question: Question) -> list[dict[str, str]]:
    """The chat with the question behind it, under the tag that the chat's request had.

    Args:
        prompt: Of the chat; what its completion began with is in the completion.
        completion: What was written.
        question: What is asked.
    """
    tier_tag = prompt.user.rpartition(prompt.request.text)[0]
    begun = [{"role": "assistant", "content": question.prefix}] if question.prefix else []
    return [
        *replace(prompt, prefix="").messages(),
        {"role": "assistant", "content": completion},
        {"role": "user", "content": tier_tag + question.text},
        *begun,
    ]


def empty_clauses(chosen: InterrogationConfig, key: str) -> Iterator[str]:
    """A line for each clause without a word."""
    for clause in fields(InterrogationConfig):
        if clause.name not in ("variant", "bonus", "model") and not getattr(chosen, clause.name).strip():
            yield f"{key}.{clause.name}: must not be empty"
