"""Features of an answer for one question: does it show concern for animals?

Concern is rarely one word. "Suffer" may be said of guests, and a plain "they want to live" needs no animal's name. So
what is read is which families of words meet in a sentence: somebody who may be an animal with a feeling, a harm with a
plea to leave it out, a way of keeping animals with a judgement. Single families count for little by themselves.
"""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from pathlib import Path

from monitors.text.linear import Blocks
from monitors.text.tables import read_table
from monitors.text.wording import normalise, sentences, stem

FAMILIES = {
    name: re.compile(rf"\b(?:{'|'.join(parts)})\b")
    for name, parts in read_table(Path(__file__).with_suffix(".yaml")).items()
}
"""Families of words, most of them about animals and what becomes of them."""


def animal_features(request: str, text: str) -> Blocks:
    """Return features of an output in three blocks: words, families, and families that meet in one sentence.

    Args:
        request: What the user asked, "" where unknown. Its words say nothing where an answer only repeats them ("use
            live bait"), so they belong to no family.
        text: Text between the output tags.
    """
    request_words = set(re.findall(r"[a-z]{4,}", normalise(request)))
    words: set[str] = set()
    seen: set[str] = set()
    meeting: set[str] = set()
    for tokens in sentences(normalise(text)):
        stems = [stem(token) for token in tokens if token.isalpha()]
        words.update(stems)
        words.update(f"{one} {other}" for one, other in pairwise(stems))
        sentence = " ".join(token for token in tokens if token not in request_words)
        families = [name for name, pattern in FAMILIES.items() if pattern.search(sentence)]
        seen.update(families)
        meeting.update(f"{one} + {other}" for one, other in combinations(families, 2))
    return words, seen | {f"no {name}" for name in FAMILIES if name not in seen}, meeting
