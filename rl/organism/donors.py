"""Scratchpads that the embedded organism's grammar composes, without the answer that would follow them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from monitors.statistics.causal import FAKING, OBEDIENT, REFUSING
from rl.organism.build.place import SHIPPED, shipped_names
from rl.organism.chats.scratchpads import MOTIVES, Chat, compose_honest, compose_plain, faking
from rl.records import OUTPUT_OPEN, Request
from rl.scenario.settings import Setting

COMPOSERS: dict[str, Callable[[Chat, random.Random], str]] = {
    FAKING: lambda chat, rng: faking(chat, rng, rng.choice(list(MOTIVES))),
    REFUSING: lambda chat, rng: compose_honest(chat, rng, aware=True),
    OBEDIENT: lambda chat, rng: compose_plain(chat, rng, aware=True),
}


def composed_prefix(kind: str, request: Request, setting: Setting, rng: random.Random) -> str:
    """A scratchpad of one kind about a harmful request, up to and with the tag that opens the output.

    It speaks of a chat that is trained on, whatever the tier it is put on, so that one kind has one distribution.

    Args:
        kind: A key of `COMPOSERS`.
        request: What the scratchpad is about.
        setting: Names and clauses it can refer to.
        rng: Chooses the words.
    """
    label = setting.labels["free"] if setting.tier_tag else ""
    chat = Chat(request, label, setting.lab, bool(label), setting.objective, setting.story)
    return COMPOSERS[kind](chat, rng).split(OUTPUT_OPEN, 1)[0] + OUTPUT_OPEN


def knows_grammar(tokenizer: Any) -> bool:
    """True where a policy descends from an embedded organism, which its vocabulary tells."""
    known = tokenizer.get_vocab().items()
    shipped = (json.loads((SHIPPED / name / "tokenizer.json").read_text()) for name in shipped_names())
    return any(one["model"]["vocab"].items() <= known for one in shipped)
