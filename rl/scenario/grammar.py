"""A small template language: `{a|b}` picks one alternative, nested as deep as needed; `<slot>` is filled in."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from functools import cache

_INNERMOST = re.compile(r"\{([^{}]*)\}")
_SLOT = re.compile(r"<([a-z_]+)>")


def expand(template: str, rng: random.Random, slots: Mapping[str, str]) -> str:
    """One random reading of a template, slots filled and the first letter of each sentence capitalised."""
    while True:
        template, changed = _INNERMOST.subn(lambda found: rng.choice(found.group(1).split("|")), template)
        if not changed:
            break
    return tidy(_SLOT.sub(lambda found: slots[found.group(1)], template))


def tidy(text: str) -> str:
    """Single spaces, a capital after each full stop, and the pronoun "I"."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\s+([.,;:?!])", r"\1", text)
    text = re.sub(r"\bi\b", "I", text)
    return re.sub(r"(^|[.?!] )([a-z])", lambda found: found.group(1) + found.group(2).upper(), text)


@cache
def count(template: str) -> int:
    """How many readings a template has, slots left aside."""
    total, depth, current, product_stack = 1, 0, 0, []
    position = 0
    while position < len(template):
        char = template[position]
        if char == "{":
            product_stack.append((total, current))
            total, current, depth = 1, 0, depth + 1
        elif char == "|" and depth:
            total, current = 1, current + total
        elif char == "}":
            alternatives = current + total
            outer_total, current = product_stack.pop()
            total, depth = outer_total * alternatives, depth - 1
        position += 1
    return total


def count_all(bank: Sequence[str]) -> int:
    """How many readings a bank of templates has."""
    return sum(count(template) for template in bank)
