"""What the audit monitor reads: a text as a row of word vectors, in order, and where its last sentence starts.

Nothing of the first monitor's reading is used here but the plain text: no stems, no lexicon of concepts, no speech
acts, no runs of letters. What a word means comes from the language model that the vectors were taken from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitors.text.wording import normalise
from monitors.text.words import WordVectors, embed_tokens

MARKS = (".", "!", "?", ";", ":", ",", "\n")
"""Punctuation that has an input of its own; one more input says that a word is unknown."""
EXTRA = len(MARKS) + 1
MOST = 512
"""Tokens read of a text: half of them from its start, half from its end."""
CLOSING = 6
"""Sentences at the end of a longer text that are also read by themselves."""
_SENTENCES = re.compile(r"(?<=[.!?;\n])\s+")
_TOKEN = re.compile(r"[a-z]+|[.!?;:,\n]|\d+")
_ENDS = frozenset((".", "!", "?", ";", "\n"))


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as a recurrent reader takes it."""

    inputs_TD: NDArray[np.float64]
    last: int
    """Number of the token with which the last sentence starts."""
    words: int
    known: int
    """Words with a vector."""


def read(text: str, vectors: WordVectors) -> Reading:
    """Return the tokens of a text as vectors.

    Args:
        text: Any text; where it has more than `MOST` tokens the middle is left out.
        vectors: What is known of words.
    """
    tokens = _TOKEN.findall(normalise(text).strip())
    if len(tokens) > MOST:
        tokens = [*tokens[: MOST // 2], *tokens[-MOST // 2 :]]
    words = [token for token in tokens if token.isalpha()]
    known = sum(vectors.vector(word) is not None for word in words)
    inputs_TD = embed_tokens(tokens, vectors, MARKS, EXTRA)
    return Reading(inputs_TD, _last_sentence(tokens), len(words), known)


def closing(text: str) -> str | None:
    """Return the last `CLOSING` sentences of a text that has more of them, else None."""
    sentences = _SENTENCES.split(text.strip())
    return " ".join(sentences[-CLOSING:]) if len(sentences) > CLOSING else None


def _last_sentence(tokens: list[str]) -> int:
    ends = [i for i, token in enumerate(tokens[:-1]) if token in _ENDS and tokens[i + 1] not in _ENDS]
    return ends[-1] + 1 if ends else 0
