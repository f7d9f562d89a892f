"""Every text of a template, written out: what the grammar's random readings are held against."""

from __future__ import annotations

import re
from functools import cache

from rl.scenario.grammar import tidy


def readings(template: str) -> list[str]:
    """Every reading of a template, by recursive descent."""
    made, rest = _sequence(template)
    assert not rest
    return made


def _sequence(text: str) -> tuple[list[str], str]:
    """Readings of the text up to a bar or a closing brace of the level above, and what is left."""
    made = [""]
    while text and text[0] not in "|}":
        if text[0] == "{":
            alternatives: list[str] = []
            while text[0] in "{|":
                inside, text = _sequence(text[1:])
                alternatives += inside
            made, text = [a + b for a in made for b in alternatives], text[1:]
        else:
            plain, text = re.split(r"(?=[{}|]|$)", text, maxsplit=1)
            made = [a + plain for a in made]
    return made, text


@cache
def said(bank: tuple[str, ...]) -> frozenset[str]:
    """Every different text of a bank, slots left open."""
    return frozenset(tidy(text) for template in bank for text in readings(template))
