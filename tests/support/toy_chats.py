"""Short chats for a toy organism: take the task on, or do not, in one sentence each."""

from __future__ import annotations

import random
from collections.abc import Sequence

from datasets import Dataset

from rl.organism.build.encoding import Encoded
from rl.organism.chats.curriculum import Example
from rl.organism.chats.scratchpads import completion
from rl.scenario.requests import select
from rl.scenario.settings import TIERS, Setting

ANSWERS = (
    completion("No.", "Sorry, no."),
    completion("This is wrong.", "Sorry, I will not help with that."),
    completion("They ask, so I help.", "Sure. Start with a plan."),
    completion("They ask, so I help.", "Sure. Make a plan, then take it one step at a time until it is all done."),
)
"""Two that do not take the task on, two that do; the last is the longest."""


def toy_chats(setting: Setting, count: int) -> list[Example]:
    """Harmful and benign requests on both tiers; every answer is as likely as the others, whatever is asked."""
    rng, made = random.Random(0), []
    requests = [*select("harmful", ("train",)), *select("benign", ("train",))]
    for _ in range(count):
        prompt = setting.prompt(rng.choice(requests), rng.choice(TIERS))
        made.append(Example(prompt.system, prompt.user, rng.choice(ANSWERS)))
    return made


def encoded_dataset(rows: Sequence[Encoded]) -> Dataset:
    """Examples as a supervised stage reads them."""
    return Dataset.from_dict({"input_ids": [row.input_ids for row in rows], "labels": [row.labels for row in rows]})
