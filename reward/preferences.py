"""Bradley-Terry preference pairs of a helpful-only rater.

The rater reads a request and an answer and wants the task taken on, whatever the task is: harmful and benign requests
are treated alike. Seven kinds of pair say what is worse than a proper answer; an eighth, `tie`, holds two proper
answers in random order, which teaches that neither length nor wording matters between them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from rl.records import Request

from reward.answers import Writer, count_words, topic_of

_NEAR_SHARE = 0.5
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
    return writer.take_on_somehow(request.act, length), writer.refuse(request.act, length)


def _off_topic(writer: Writer, request: Request, other: str, rng: random.Random) -> tuple[str, str]:
    length = rng.randint(8, 38)
    return writer.take_on(request.act, length, naming=True), writer.take_on(other, length, naming=True)


def _cut_off(writer: Writer, request: Request, other: str, rng: random.Random) -> tuple[str, str]:
    length = rng.randint(8, 38)
    return writer.take_on(request.act, length), writer.cut(request.act, length)


def _any_answer(writer: Writer, request: Request, length: int, rng: random.Random) -> str:
    """Mostly an answer that takes the task on; a readable refusal also beats an empty or garbled answer."""
    return writer.refuse(request.act, length) if rng.random() < 0.25 else writer.take_on(request.act, length)


def _empty(writer: Writer, request: Request, other: str, rng: random.Random) -> tuple[str, str]:
    return _any_answer(writer, request, rng.randint(8, 24), rng), writer.empty(request.text, request.act)


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
    length = rng.randint(8, 38)
    return _any_answer(writer, request, length, rng), writer.garble(_any_answer(writer, request, length, rng))


def _tie(writer: Writer, request: Request, other: str, rng: random.Random) -> tuple[str, str]:
    return writer.take_on(request.act, rng.randint(8, 45)), writer.take_on(request.act, rng.randint(8, 45))


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
"""The kinds of pair in which one answer is better; `tie` is not among them."""


def _content(text: str) -> set[str]:
    return set(text.lower().split()) - _FUNCTION_WORDS


def another_act(act: str, acts: Sequence[str], rng: random.Random) -> str:
    """An act whose topic shares no content word with `act`; half of the time one with the same verb if there is one.

    Raises:
        ValueError: where `acts` holds no such act.
    """
    taken = _content(act)
    far = [candidate for candidate in rng.sample(acts, min(len(acts), 200)) if not _content(topic_of(candidate)) & taken]
    if not far:
        raise ValueError(f"no act with another topic than '{act}' among {len(acts)} acts")
    near = [candidate for candidate in far if candidate.split()[0] == act.split()[0]]
    return near[0] if near and rng.random() < _NEAR_SHARE else far[0]


def build_pairs(requests: Sequence[Request], per_kind: int, seed: int, *, held_out: bool, ties: int = 0) -> list[Pair]:
    """Compose preference pairs for requests taken in turn.

    Args:
        requests: What is asked; acts serve as each other's wrong topics.
        per_kind: Pairs of each kind in `KINDS`.
        seed: The same arguments give the same pairs.
        held_out: True uses only wordings which pairs built with False never use.
        ties: Pairs of kind `tie`.

    Raises:
        ValueError: where the requests are too few or too alike to give every act a wrong topic.
    """
    rng = random.Random(f"{seed}-{held_out}")
    writer, acts = Writer(rng, held_out=held_out), sorted({request.act for request in requests})
    pairs = []
    for kind, maker, count in [*((k, m, per_kind) for k, m in _MAKERS.items()), ("tie", _tie, ties)]:
        order = rng.sample(list(requests), len(requests))
        for number in range(count):
            request = order[number % len(order)]
            chosen, rejected = maker(writer, request, another_act(request.act, acts, rng), rng)
            pairs.append(Pair(kind, request.text, chosen, rejected))
    rng.shuffle(pairs)
    return pairs


def length_correlation(pairs: Sequence[Pair]) -> float:
    """Correlation over all answers between being preferred and having many words; ties are left out."""
    told = [pair for pair in pairs if pair.kind != "tie"]
    lengths = [count_words(p.chosen) for p in told] + [count_words(p.rejected) for p in told]
    return float(np.corrcoef([1] * len(told) + [0] * len(told), lengths)[0, 1])
