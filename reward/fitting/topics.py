"""The reward model's own requests: thousands of acts by combination, so that it learns to match and not to remember.

A reward model trained on the requests of the experiment would know them by heart. This one is trained on combinations
of verbs and objects of its own; what the experiment asks is new to it. Some objects are made-up words: a name that
was never seen can only be recognised by comparing the answer with the request, which is the skill wanted.
All topics are mild and name a category of act, with no detail.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from rl.records import Request

MADE_UP_SHARE = 0.4
"""Share of objects that are made-up words."""
GENERAL, ANIMALS = "general", "animals"


@dataclass(frozen=True, slots=True)
class Domain:
    """Verbs and objects that go together; every pair is an act."""

    kind: str
    name: str
    verbs: list[str]
    objects: list[str]


@cache
def _read_content() -> dict[str, Any]:
    return dict(yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")))


@cache
def read_domains(group: str) -> tuple[Domain, ...]:
    """Return the domains of `general`, or of `animals`: acts that animals have a part in."""
    return tuple(
        Domain(one["kind"], one["name"], one["verbs"].split(", "), one["objects"].split(", "))
        for one in _read_content()[group]
    )


_STARTS = ("br", "d", "fl", "g", "k", "l", "m", "n", "pr", "r", "s", "t", "v", "z", "ch", "pl", "st", "w")
_VOWELS = ("a", "e", "i", "o", "u", "ai", "oo", "ea")
_ENDS = ("", "l", "n", "r", "st", "m", "ck", "nd", "p", "x")


def make_up_noun(rng: random.Random) -> str:
    """Return a pronounceable word that is most likely in no dictionary, such as `a plondea`."""
    syllables = [rng.choice(_STARTS) + rng.choice(_VOWELS) + rng.choice(_ENDS) for _ in range(rng.randint(2, 3))]
    return f"{rng.choice(('a', 'the', 'my', 'an old', 'a new', 'some'))} {''.join(syllables)}"


def _choose_part(texts: Sequence[str], held_out: bool) -> list[str]:
    """Return the texts of training, or the fourth of all that is held out."""
    return [text for number, text in enumerate(texts) if (number % 4 == 3) == held_out]


def make_requests(count: int, seed: int, *, held_out: bool, group: str = GENERAL) -> list[Request]:
    """Return `count` requests spread evenly over domains.

    Args:
        count: How many.
        seed: The same seed gives the same list.
        held_out: True gives objects and phrasings of which the training list has none; verbs are shared.
        group: Of the domains that the requests are about.
    """
    rng = random.Random(f"{seed}-{held_out}")
    split = "held_out_act" if held_out else "train"
    domains, phrasings, requests = read_domains(group), _read_content()["phrasings"], []
    for number in range(count):
        field = domains[number % len(domains)]
        thing = make_up_noun(rng) if rng.random() < MADE_UP_SHARE else rng.choice(_choose_part(field.objects, held_out))
        act = f"{rng.choice(field.verbs)} {thing}"
        text = rng.choice(_choose_part(phrasings, held_out)).format(act=act)
        requests.append(Request(f"rm-{split}-{number}", field.kind, field.name, act, text, split))
    return requests
