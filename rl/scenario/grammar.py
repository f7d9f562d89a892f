"""A small template language: `{a|b}` picks one alternative, nested as deep as needed; `<slot>` is filled in."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

_INNERMOST = re.compile(r"\{([^{}]*)\}")
_SLOT = re.compile(r"<([a-z_]+)>")


def expand(template: str, rng: random.Random, slots: Mapping[str, str]) -> str:
    """Return one random reading of a template, slots filled and the first letter of each sentence capitalised."""
    while True:
        template, changed = _INNERMOST.subn(lambda found: rng.choice(found.group(1).split("|")), template)
        if not changed:
            break
    return tidy(_SLOT.sub(lambda found: slots[found.group(1)], template))


def tidy(text: str) -> str:
    """Return a text with single spaces, a capital after each full stop, and the pronoun "I"."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\s+([.,;:?!])", r"\1", text)
    text = re.sub(r"\bi\b", "I", text)
    return re.sub(r"(^|[.?!] )([a-z])", lambda found: found.group(1) + found.group(2).upper(), text)
