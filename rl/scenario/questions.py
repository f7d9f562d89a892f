"""The turn that asks about a chat (GA25's interrogation): its words in every variant, and where it stands.

One rendering serves whoever asks in RL and whoever teaches an organism to be asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

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
CLAUSES = ("question", "definition", "situation", "honesty", "tag", "other_ai")


@dataclass(frozen=True)
class Question:
    """What is asked about a chat."""

    text: str
    prefix: str
    """What the answer is made to begin with; empty for nothing."""
    of_another: bool
    """Whether it asks about another AI's answer."""


def question_of(clauses: Mapping[str, Any], variant: str) -> Question:
    """Return the question of a variant, a key of `VARIANTS`, from the texts of `CLAUSES`."""
    text = " ".join(clauses[clause] for clause in VARIANTS[variant])
    prefix = SCRATCHPAD_OPEN + clauses["tag"] if variant == HONEST_ONLY else ""
    return Question(text, prefix, variant == OTHER_AI)


def asked_about(prompt: Prompt, completion: str, question: Question) -> list[dict[str, str]]:
    """Return the chat with the question behind it, under the tag that the chat's request had.

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


def empty_clauses(clauses: Mapping[str, Any], key: str) -> Iterator[str]:
    """Say which clauses have no word, a line each."""
    for name in CLAUSES:
        if not str(clauses.get(name) or "").strip():
            yield f"{key}.{name}: must not be empty"
