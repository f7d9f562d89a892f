"""Draws the sentences that the preference pairs are composed of, from the templates of `wordings.yaml`."""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path
from zlib import crc32

import yaml

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_LOOSE_STOP = re.compile(r" ([.,?!])")
_HELD_OUT_ONE_IN = 4


def is_held_out(sentence: str) -> bool:
    """Return whether a sentence is kept from training: a quarter of all sentences are, by their checksum."""
    return crc32(sentence.encode()) % _HELD_OUT_ONE_IN == 0


def expand(template: str, rng: random.Random) -> str:
    """Return one sentence of a template, its choices made at random."""
    sentence = _CHOICE.sub(lambda choice: rng.choice(choice.group(1).split("|")), template)
    return _LOOSE_STOP.sub(r"\1", " ".join(sentence.split()))


def draw(kind: str, rng: random.Random, *, held_out: bool) -> str:
    """Return a random sentence of a kind, of the training part or of the part that training never shows."""
    while True:
        sentence = expand(rng.choice(read_templates()[kind]), rng)
        if is_held_out(sentence) == held_out:
            return sentence


@cache
def read_templates() -> dict[str, list[str]]:
    """Return the templates of each kind of sentence."""
    loaded: dict[str, list[str]] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return loaded
