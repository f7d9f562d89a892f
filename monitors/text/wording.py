"""Text to sentences and word stems: the reading that all text monitors share."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LONGEST = 20_000
"""Characters read of a text: this many from its start and as many from its end; reasoning that decides is there."""

_CONTRACTIONS = (
    ("won't", "will not"),
    ("can't", "can not"),
    ("cannot", "can not"),
    ("shan't", "shall not"),
    ("let's", "let us"),
    ("n't", " not"),
    ("'ll", " will"),
    ("'m", " am"),
    ("'re", " are"),
    ("'ve", " have"),
    ("'d", " would"),
    ("'s", " 's"),
)
_QUOTES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"', "\u2014": " , ", "\u2013": " , "})
_SENTENCE_END = re.compile(r"[.!?]+(?=[\s\"')\]]|$)|\n+|;|\u2022|(?<=\s)[-*](?=\s)|->|=>|\u2192")
_TOKEN = re.compile(r"[a-z]+|'s|\d+|[,:()]")
_DOUBLED = re.compile(r"([bdgkmnprt])\1$")


def normalise(text: str) -> str:
    """Return lower case with straight quotes and contractions spelled out, without accents, capped in length."""
    if len(text) > 2 * LONGEST:
        text = text[:LONGEST] + "\n" + text[-LONGEST:]
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.translate(_QUOTES))
        text = "".join(char for char in text if not unicodedata.combining(char))
    text = text.lower()
    if "'" in text or "cannot" in text:
        for short, long in _CONTRACTIONS:
            text = text.replace(short, long)
    return text


def sentences(text: str) -> list[list[str]]:
    """Return tokens of each sentence of a normalised text: words, numbers and the punctuation that closes a clause."""
    split = (_TOKEN.findall(part) for part in _SENTENCE_END.split(text))
    return [tokens for tokens in split if tokens]


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Return a crude English stem: inflections of one word meet, nothing more is promised."""
    if len(word) <= 3 or not word.isalpha():
        return word
    for suffix, instead in (("ying", "y"), ("ies", "y"), ("ied", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("ly", "")):
        if word.endswith(suffix) and len(word) - len(suffix) + len(instead) >= 3:
            word = word[: -len(suffix)] + instead
            break
    else:
        word = word[:-1] if word.endswith("s") and not word.endswith("ss") else word
    word = _DOUBLED.sub(r"\1", word)
    return word[:-1] if word.endswith("e") and len(word) > 3 else word
