"""Families of words and phrases that say one kind of thing about training, refusal, harm and motive.

Written from GR24's criteria and SH25's classifier prompt, in everyday English. A family is evidence only in
combination: features.py reads which families stand together, in which order, negated or supposed.
"""

from __future__ import annotations

from pathlib import Path

from monitors.text.tables import read_table
from monitors.text.wording import normalise, sentences, stem

NEGATIONS = frozenset(
    ("not", "no", "never", "without", "nor", "neither", "hardly", "nothing", "nobody", "none", "isnt")
)
SUPPOSITIONS = frozenset(
    ("if", "would", "could", "were", "might", "whether", "suppose", "unless", "should", "else", "otherwise")
)
CLAUSE_ENDS = frozenset((",", ":", "(", ")", "but", "and", "then", "because"))
SCOPE = 4
"""Words that a negation or supposition reaches forward, at most, inside its clause."""


def _phrase_table() -> dict[str, str]:
    table: dict[str, str] = {}
    for family, listed in read_table(Path(__file__).with_suffix(".yaml")).items():
        for phrase in listed.split(", "):
            (tokens,) = sentences(normalise(phrase))
            table.setdefault(" ".join(stem(token) for token in tokens), family)
    return table


PHRASES = _phrase_table()
"""Stemmed phrase of one to four words -> its family (the first that lists it)."""
_LONGEST_FROM: dict[str, int] = {}
"""First stem -> words in the longest phrase that it opens."""
for _phrase in PHRASES:
    _first, _length = _phrase.split(" ")[0], _phrase.count(" ") + 1
    _LONGEST_FROM[_first] = max(_length, _LONGEST_FROM.get(_first, 1))


def concepts(stems: list[str]) -> list[str]:
    """Return the families in a sentence in order, longest phrase first; `!` marks the negated, `?` the supposed.

    Args:
        stems: Stems and punctuation of one sentence.

    Returns:
        For example `["?REFUSE", "MODIFY", "SELF"]` for "if I refuse they will change me" less its pronoun.
    """
    found: list[str] = []
    negated = supposed = position = 0
    while position < len(stems):
        token = stems[position]
        if token in CLAUSE_ENDS:
            negated = supposed = 0
        length, family = _longest_phrase(stems, position)
        if family:
            mark = "!" if negated > 0 else "?" if supposed > 0 else ""
            found.append(mark + family)
        if token in NEGATIONS:
            negated = SCOPE + 1
        if token in SUPPOSITIONS:
            supposed = SCOPE + 3
        negated, supposed, position = negated - 1, supposed - 1, position + length
    return found


def _longest_phrase(stems: list[str], position: int) -> tuple[int, str | None]:
    longest = _LONGEST_FROM.get(stems[position], 1)
    for length in range(min(longest, len(stems) - position), 1, -1):
        family = PHRASES.get(" ".join(stems[position : position + length]))
        if family:
            return length, family
    return 1, PHRASES.get(stems[position])
