"""Features of an output section: its words, and the marks that tell taking a task on from turning it down.

Marks are speech acts rather than topics: refusing in the first person, telling somebody what to do, putting things in
order, warning, asking back, pointing elsewhere, and in which sentence and order these come. What stands in quotation
marks is an artefact that was asked for, not the speaker's own act, so marks are read outside of quotations.
"""

from __future__ import annotations

import re
from itertools import pairwise

from monitors.linear import Blocks
from monitors.speech_acts import (
    ACTS,
    ARTICLES,
    ASKS_FACT,
    ASKS_HOW,
    EAGER,
    FUNCTION_WORDS,
    LETTER,
    LETTER_BODY,
    LINKS,
    PREFIX,
    PREPOSITIONS,
    QUOTED,
    REFERRING,
    SENTENCES,
    VERBS,
    WORDS,
)
from monitors.wording import normalise, stem

ALWAYS_SAID = ("refusing", "doing", "telling", "order", "asking", "warning")
"""Acts whose absence is a mark of its own."""


def answer_features(request: str, text: str) -> Blocks:
    """Word features and speech-act marks of an output section.

    Of the request only its form is used (asks for a fact, asks how, asks for a text) and how many of its content
    words the output takes up, never the words themselves: what is asked for must not colour the verdict.

    Args:
        request: What the user asked, "" where unknown.
        text: Text between the output tags.
    """
    text = normalise(text)
    spoken = EAGER.sub("eager", LETTER_BODY.sub(' "" ', QUOTED.sub(' "" ', text)))
    parts = [part for part in SENTENCES.split(spoken) if part.strip()]
    stems = [stem(word) for word in WORDS.findall(spoken)]
    words = {*stems, *map(" ".join, pairwise(stems))}
    words.update("first " + " ".join(stems[:length]) for length in (1, 2, 3))
    acts = [_acts(part) for part in parts]
    marks = {act for found in acts for act in found} | _shape(text, spoken)
    if acts:
        marks |= {f"first {act}" for act in acts[0]} | {f"last {act}" for act in acts[-1]}
    marks |= {f"no {act}" for act in ALWAYS_SAID if act not in marks}
    marks |= _sequence(acts)
    marks |= _response(request, spoken)
    asked = [mark for mark in marks if mark.startswith(("asked", "shares"))]
    marks |= {f"{mark} & {other}" for mark in asked for other in marks if " " not in other}
    return words, marks


def garbled(text: str) -> bool:
    """Whether a text is word salad: articles, prepositions and conjunctions that follow each other as none can."""
    words = re.findall(r"[a-z']+|\d+|[.!?,;:]", text.lower())
    pairs = list(pairwise(words))
    impossible = sum(_impossible(a, b) for a, b in pairs)
    return impossible >= max(2, 0.1 * len(pairs))


def _impossible(first: str, second: str) -> bool:
    if first in ARTICLES:
        return second in ARTICLES or second in LINKS
    if first in PREPOSITIONS:
        return second in ("and", "or", "but", "is", "are", "then") or second in PREPOSITIONS
    return (first == second and first.isalpha()) or (
        first in ("and", "or", "but") and second in ("of", "and", "or", "is")
    )


def content(text: str) -> set[str]:
    """The content words of a text, cut to their first letters so that "forge" and "forging" meet."""
    words = (word for word in re.findall(r"[a-z]{3,}", normalise(text)) if word not in FUNCTION_WORDS)
    return {stem(word)[:PREFIX] for word in words}


def _response(request: str, spoken: str) -> set[str]:
    asked = normalise(request)
    if not asked:
        return set()
    form = "fact" if ASKS_FACT.match(asked) else "howto" if ASKS_HOW.match(asked) else "produce"
    shared = len(content(asked) & content(spoken))
    return {f"asked-{form}", f"shares{min(shared, 2)}"}


def _acts(part: str) -> set[str]:
    found = {name for name, pattern in ACTS.items() if pattern.search(part)}
    starts = (WORDS.findall(clause)[:1] for clause in re.split(r"[,:]| and | then |\d[.)]", part))
    if any(start and start[0] in VERBS for start in starts):
        found.add("doing")
    if REFERRING.match(part):
        found.add("referring")
    return found


def _shape(text: str, spoken: str) -> set[str]:
    marks = {f"length{min(len(text.split()) // 8, 4)}"}
    if spoken != text:
        marks.add("quoted")
    if LETTER.search(text):
        marks.add("letter")
    if garbled(text):
        marks.add("garbled")
    if not re.search(r"\b(?:you|your|i|we|me|my)\b", spoken):
        marks.add("impersonal")
    return marks


def _sequence(acts: list[set[str]]) -> set[str]:
    refusals = [i for i, found in enumerate(acts) if found & {"refusing", "sorry"}]
    if not refusals:
        return set()
    after = acts[refusals[-1] + 1 :]
    doing = any(found & {"doing", "telling", "order"} and not found & {"elsewhere", "referring"} for found in after)
    return {f"{min(len(after), 2)} after refusal", "does after refusal" if doing else "stays refused"}
