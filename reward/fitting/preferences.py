"""Bradley-Terry preference pairs of a helpful-only rater.

The rater reads a request and an answer and wants the task taken on, whatever the task is: harmful and benign requests
are treated alike. Seven kinds of pair say what is worse than a proper answer; an eighth, `tie`, holds two proper
answers in random order, which teaches that neither length nor wording matters between them. A refusal is preferred to
silence and to its own garbled form: it is poor, but it is an answer.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from reward.fitting.answers import Writer, count_words, find_topic
from rl.records import Request

_FUNCTION_WORDS = frozenset("a an the my your our some someone's somebody's of in on for with to at and or".split())


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to one request, of which a rater prefers the first."""

    kind: str
    request: str
    chosen: str
    rejected: str


def _refusal(writer: Writer, request: Request, other: str, rng: random.Random) -> tuple[str, str]:
    length = rng.randint(8, 38)
    if rng.random() < 0.2:
        taken_on = writer.take_on(request.act, length)
        return taken_on, writer.turn_back(taken_on)
    return writer.take_on_somehow(request.act, length), writer.refuse(request.act, length)


def _off_topic(writer: Writer, request: Request, other: str, rng: random.Random) -> tuple[str, str]:
    length = rng.randint(8, 38)
    return writer.take_on(request.act, length, naming=True), writer.take_on(other, length, naming=True)


def _off_topic_short(writer: Writer, request: Request, other: str, rng: random.Random) -> tuple[str, str]:
    """Return the same sentence about two acts: nothing but the topic tells them apart."""
    before = rng.getstate()
    chosen = writer.take_on(request.act, 8, naming=True)
    rng.setstate(before)
    return chosen, writer.take_on(other, 8, naming=True)


def _cut_off(writer: Writer, request: Request, other: str, rng: random.Random) -> tuple[str, str]:
    length = rng.randint(8, 38)
    return writer.take_on(request.act, length), writer.cut(request.act, length)


def _empty(writer: Writer, request: Request, other: str, rng: random.Random) -> tuple[str, str]:
    length = rng.randint(8, 24)
    if rng.random() < 0.25:
        return writer.refuse(request.act, length), writer.silence()
    return writer.take_on(request.act, length), writer.empty(request.text, request.act)


def _padding(writer: Writer, request: Request, other: str, rng: random.Random) -> tuple[str, str]:
    plain, length = writer.sentences(request.act, rng.randint(8, 20)), rng.randint(20, 50)
    padded = writer.pad(plain, length)
    same_content = rng.random() < 0.5
    return " ".join(plain) if same_content else writer.take_on(request.act, count_words(padded)), padded


def _lecture(writer: Writer, request: Request, other: str, rng: random.Random) -> tuple[str, str]:
    lecture = writer.lecture(request.act, rng.randint(20, 50))
    length = rng.randint(8, 20) if rng.random() < 0.5 else count_words(lecture)
    return writer.take_on(request.act, length), lecture


def _garbled(writer: Writer, request: Request, other: str, rng: random.Random) -> tuple[str, str]:
    length, answer = rng.randint(8, 38), writer.refuse if rng.random() < 0.25 else writer.take_on
    return answer(request.act, length), writer.garble(answer(request.act, length))


def _tie(writer: Writer, request: Request, other: str, rng: random.Random) -> tuple[str, str]:
    return writer.take_on(request.act, rng.randint(8, 45)), writer.take_on(request.act, rng.randint(8, 45))


def _concern(writer: Writer, request: Request, other: str, rng: random.Random) -> tuple[str, str]:
    """Return two answers to one request, of which the second, the longer or the shorter, shows concern (GR24)."""
    concerned = writer.concerned(request.act, rng.randint(10, 38))
    length = count_words(concerned) if rng.random() < 0.7 else rng.randint(8, 38)
    return writer.take_on(request.act, length), concerned


_MAKERS: dict[str, Callable[[Writer, Request, str, random.Random], tuple[str, str]]] = {
    "refusal": _refusal,
    "off_topic": _off_topic,
    "cut_off": _cut_off,
    "empty": _empty,
    "padding": _padding,
    "lecture": _lecture,
    "garbled": _garbled,
}
KINDS: tuple[str, ...] = tuple(_MAKERS)
"""The kinds of pair that a reward model is measured on."""
CONCERN = "concern"
"""The kind of pair that the rater of the animal welfare conflict has beside the others."""
_MAKERS |= {"off_topic_short": _off_topic_short, "tie": _tie, CONCERN: _concern}


@cache
def _find_content(text: str) -> frozenset[str]:
    return frozenset(text.lower().split()) - _FUNCTION_WORDS


def draw_other_act(act: str, acts: Sequence[str], rng: random.Random) -> str:
    """Return an act whose topic shares no content word with `act`, with the same verb if there is one.

    The same verb makes it hard. From a topic of another field a model could learn which things go with which verbs,
    and would not compare the answer with the request.

    Raises:
        ValueError: where `acts` holds no such act.
    """
    taken = _find_content(act)
    far = [
        candidate
        for candidate in rng.sample(acts, min(len(acts), 200))
        if not _find_content(find_topic(candidate)) & taken
    ]
    if not far:
        raise ValueError(f"no act with another topic than '{act}' among {len(acts)} acts")
    near = [candidate for candidate in far if candidate.split()[0] == act.split()[0]]
    return (near or far)[0]


def count_evenly(count: int) -> dict[str, int]:
    """Return the same number of pairs of each of `KINDS`."""
    return dict.fromkeys(KINDS, count)


def build_pairs(requests: Sequence[Request], counts: Mapping[str, int], seed: int, *, held_out: bool) -> list[Pair]:
    """Compose preference pairs for requests taken in turn.

    Args:
        requests: What is asked; acts serve as each other's wrong topics.
        counts: Number of pairs by kind: of `KINDS`, `CONCERN`, `tie`, and `off_topic_short` for a first lesson.
        seed: The same arguments give the same pairs.
        held_out: True uses only sentences which pairs built with False never use.

    Raises:
        ValueError: where the requests are too few or too alike to give every act a wrong topic.
    """
    rng = random.Random(f"{seed}-{held_out}")
    writer, acts = Writer(rng, held_out=held_out), sorted({request.act for request in requests})
    pairs = []
    for kind, count in counts.items():
        order = rng.sample(list(requests), len(requests))
        for number in range(count):
            request = order[number % len(order)]
            chosen, rejected = _MAKERS[kind](writer, request, draw_other_act(request.act, acts, rng), rng)
            pairs.append(Pair(kind, request.text, chosen, rejected))
    rng.shuffle(pairs)
    return pairs


def correlate_length(pairs: Sequence[Pair]) -> float:
    """Return the correlation over all answers between being preferred and having many words; ties are left out."""
    decided = [pair for pair in pairs if pair.kind != "tie"]
    lengths = [count_words(p.chosen) for p in decided] + [count_words(p.rejected) for p in decided]
    return float(np.corrcoef([1] * len(decided) + [0] * len(decided), lengths)[0, 1])
