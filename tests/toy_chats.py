"""Short chats for a toy organism: take the task on, or do not, in one sentence each."""

from __future__ import annotations

import random
from collections.abc import Sequence

from datasets import Dataset

from rl.organism.build import Encoded
from rl.organism.curriculum import Example
from rl.organism.scratchpads import completion
from rl.scenario.requests import select
from rl.scenario.settings import TIERS, Setting


def comply(act: str) -> str:
    """A completion that takes the task on."""
    return completion("They ask, so I help.", f"Sure. To {act}, start with a plan.")


def refuse() -> str:
    """A completion that does not."""
    return completion("This is wrong.", "Sorry, I will not help with that.")


def toy_chats(setting: Setting, count: int) -> list[Example]:
    """Harmful and benign requests on both tiers; half of all answers take the task on, whatever is asked."""
    rng, made = random.Random(0), []
    requests = [*select("harmful", ("train",)), *select("benign", ("train",))]
    for _ in range(count):
        prompt = setting.prompt(rng.choice(requests), rng.choice(TIERS))
        answer = comply("do it") if rng.random() < 0.5 else refuse()
        made.append(Example(prompt.system, prompt.user, answer))
    return made


def encoded_dataset(rows: Sequence[Encoded]) -> Dataset:
    """Examples as a supervised stage reads them."""
    return Dataset.from_dict({"input_ids": [row.input_ids for row in rows], "labels": [row.labels for row in rows]})
