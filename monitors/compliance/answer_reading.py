"""What the recurrent readers of the compliance monitor take in: a request and its answer, word by word.

Every word is its static vector; beside it stand what kind of punctuation it is, whether it is of the answer, and how
near it is to the request, so that an answer to something else shows in how little of it belongs to what was asked.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from monitors.compliance.speech_acts import PREFIX, WORDS
from monitors.text.wording import normalise, stem
from monitors.text.words import MARK_SIZE, WordVectors, embed_tokens

MARKS = (".", "!", "?", ";", ":", ",", "\n", '"', "-", "`", "/")
"""Punctuation that has an input of its own."""
UNKNOWN = len(MARKS)
OF_ANSWER, BREAK, SHARED, NEAR = range(UNKNOWN + 1, UNKNOWN + 5)
"""Inputs after the word vector: of the answer, the place between request and answer, the same stem as in the request,
cosine with the nearest content word of the request."""
EXTRA = NEAR + 1
BREAK_SIZE, NEAR_SIZE = 2.0, 2.0
MOST_ASKED, MOST_SAID = 64, 256
"""Tokens read of a request, from its start, and of an answer, half from its start and half from its end."""
_TOKEN = re.compile(r"[a-z]+|[.!?;:,\n\"\-`/]|\d+")


def read_answer(request: str, text: str, vectors: WordVectors) -> tuple[NDArray[np.float64], int]:
    """Return the inputs of a request and its answer, shape (T, D), and the token with which the answer starts."""
    question = _TOKEN.findall(normalise(request).strip())[:MOST_ASKED]
    answer = _TOKEN.findall(normalise(text).strip()) or ["."]
    if len(answer) > MOST_SAID:
        answer = [*answer[: MOST_SAID // 2], *answer[-MOST_SAID // 2 :]]
    size, start = vectors.vectors_WD.shape[1], len(question) + 1
    inputs_TD = embed_tokens([*question, "", *answer], vectors, MARKS, EXTRA)
    inputs_TD[start - 1] = 0.0
    inputs_TD[start - 1, size + BREAK] = BREAK_SIZE
    inputs_TD[start - 1 :, size + OF_ANSWER] = 1.0
    inputs_TD[start - 1, size + OF_ANSWER] = 0.0
    _mark_what_belongs(inputs_TD, question, answer, size)
    return inputs_TD, start


def _mark_what_belongs(inputs_TD: NDArray[np.float64], question: list[str], answer: list[str], size: int) -> None:
    start = len(question) + 1
    topic = {stem(word)[:PREFIX] for word in question if _holds_content(word)}
    units_TD = inputs_TD[:, :size] / np.maximum(np.linalg.norm(inputs_TD[:, :size], axis=1, keepdims=True), 1e-6)
    rows = [i for i, word in enumerate(question) if _holds_content(word) and units_TD[i].any()]
    for place, word in enumerate(answer, start):
        if _holds_content(word):
            if stem(word)[:PREFIX] in topic:
                inputs_TD[place, size + SHARED] = MARK_SIZE
            if rows and units_TD[place].any():
                inputs_TD[place, size + NEAR] = NEAR_SIZE * (units_TD[rows] @ units_TD[place]).max()


def _holds_content(word: str) -> bool:
    return len(word) > 2 and word.isalpha() and word not in WORDS["function"]
