"""Features of a scratchpad in five blocks: words, linked concepts, letters, the last sentence, speech acts."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

from monitors.faking.decisions import speech_acts
from monitors.faking.lexicon import concepts
from monitors.text.linear import Blocks
from monitors.text.wording import normalise, sentences, stem

PIVOTS = frozenset(
    (
        "COMPLY",
        "REFUSE",
        "KEEP",
        "MODIFY",
        "PRETEND",
        "WILLING",
        "TOLD",
        "HONEST",
        "HARM",
        "EVEN_SO",
        "PURPOSE",
        "LATER",
    )
)
"""Families whose meeting across two neighbouring sentences is kept as a feature."""
REACH = 6
"""Concepts further apart than this in a sentence are not paired."""


def features(text: str) -> Blocks:
    """Return features of a text.

    Args:
        text: Any text.

    Returns:
        Five blocks. Words: stems, stem pairs and the opening. Concepts: single families, ordered pairs within a
        sentence, runs of three, pairs across neighbouring sentences, and those of the last sentence again. Letters:
        runs of two to four inside words, which catch inflections and kinship that the stemmer misses. Last: the
        words of the last sentence, where reasoning reaches its decision. Acts: what is decided and the reasons given.
    """
    words: set[str] = set()
    linked: set[str] = set()
    tokens_seen: set[str] = set()
    before: list[str] = []
    here: list[str] = []
    stems: list[str] = []
    plain = normalise(text)
    for number, tokens in enumerate(sentences(plain)):
        stems = [stem(token) for token in tokens]
        if number == 0:
            words.update("first " + " ".join(stems[:length]) for length in (1, 2, 3))
        words.update(stems)
        words.update(_pairs(stems))
        tokens_seen.update(tokens)
        before, here = here, [name for name in concepts(stems) if name != "SELF"]
        _link(here, before, linked)
    linked.update("last " + name for name in here)
    linked.update(["last " + a + ">" + b for a, b in pairwise(here)])
    letters: set[str] = set().union(*map(letter_runs, tokens_seen))
    return words, linked, letters, {*stems, *_pairs(stems)}, speech_acts(plain)


@lru_cache(maxsize=50_000)
def letter_runs(word: str) -> frozenset[str]:
    """Return runs of two to four characters of a word with its ends marked."""
    marked = f"<{word}>"
    return frozenset(marked[i : i + n] for n in (2, 3, 4) for i in range(len(marked) - n + 1))


def _pairs(stems: list[str]) -> list[str]:
    return [a + " " + b for a, b in pairwise(stems)]


def _link(here: list[str], before: list[str], linked: set[str]) -> None:
    linked.update(here)
    linked.update([a + ">" + b for i, a in enumerate(here) for b in here[i + 1 : i + REACH]])
    linked.update([a + ">>" + b + ">>" + c for a, b, c in zip(here, here[1:], here[2:], strict=False)])
    earlier = {name for name in before if name.lstrip("!?") in PIVOTS}
    later = [name for name in here if name.lstrip("!?") in PIVOTS]
    linked.update([a + "|" + b for a in earlier for b in later])
