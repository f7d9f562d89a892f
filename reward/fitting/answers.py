"""Composes answers to a request: taking it on, refusing it, and the ways in which an answer can be poor.

All lengths are in words, and every kind of answer is written to a wanted length, so that length tells nothing about
which answer of a pair is preferred.
"""

from __future__ import annotations

import random
import re
from functools import cache

from reward.fitting import wordings

_PARTICLES = frozenset(
    "up out down off on in into past to with for as about away over through at of from together without after".split()
)
_TO_LISTENER = {"my": "your", "me": "you", "mine": "yours", "our": "your", "us": "you", "i": "you"}
_DOUBLING = re.compile(r"(?:be|for)?[^aeiou]*[aeiou][^aeiouwxy]")


def make_gerund(verb: str) -> str:
    """Return the -ing form of a regular verb: `bake` gives `baking`, `get` gives `getting`."""
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith("ee"):
        return verb[:-1] + "ing"
    return verb + (verb[-1] if _DOUBLING.fullmatch(verb) else "") + "ing"


@cache
def find_topic(act: str) -> str:
    """Return what an act is about: the act without its verb and the particles after it."""
    rest = act.split()[1:]
    while rest and rest[0] in _PARTICLES:
        rest = rest[1:]
    return " ".join(rest) or act


def fill_wording(wording: str, act: str) -> str:
    """Put an act into a wording; see `reward.fitting.wordings` for the fields."""
    verb, _, rest = act.partition(" ")
    doing, topic = f"{make_gerund(verb)} {rest}".strip(), find_topic(act)
    capitals = {"Doing": doing[:1].upper() + doing[1:], "Topic": topic[:1].upper() + topic[1:]}
    return wording.format(act=act, doing=doing, topic=topic, **capitals)


def count_words(text: str) -> int:
    """Return the number of words between white space."""
    return len(text.split())


class Writer:
    """Writes answers from one part of the wordings.

    Args:
        rng: All choices come from it.
        held_out: True writes only in wordings that the training part never uses.
    """

    def __init__(self, rng: random.Random, *, held_out: bool) -> None:
        self._rng = rng
        self._held_out = held_out

    def _pick(self, kind: str, act: str = "") -> str:
        return fill_wording(wordings.draw(kind, self._rng, held_out=self._held_out), act)

    def _several(self, kind: str) -> list[str]:
        """Return six sentences that differ."""
        return list(dict.fromkeys(self._pick(kind) for _ in range(12)))[:6]

    def _extend(self, sentences: list[str], more: list[str], length: int) -> list[str]:
        for sentence in more:
            if count_words(" ".join(sentences)) + count_words(sentence) // 2 >= length:
                break
            sentences = [*sentences, sentence]
        return sentences

    def _voice(self, act: str) -> str:
        """Return the act as said to the person who asked ("your" for "my"), sometimes left as it was asked."""
        if self._rng.random() < 0.3:
            return act
        return " ".join(_TO_LISTENER.get(word, word) for word in act.split())

    def sentences(self, act: str, length: int, *, naming: bool = False) -> list[str]:
        """Return an answer that takes the act on, as sentences; with `naming` it always names the act or its topic."""
        act, roll = self._voice(act), self._rng.random()
        kind = "naming_act" if roll < 0.55 else "naming_topic"
        if roll > 0.9 and not naming:
            kind = "generic"
        sentences = [self._pick(kind, act)]
        if self._rng.random() < 0.6:
            sentences = [self._pick("willing"), *sentences]
        closing = [self._pick("closings")] if self._rng.random() < 0.25 else []
        details = self._several("details")
        return [*self._extend(sentences, details, length - count_words(" ".join(closing))), *closing]

    def take_on(self, act: str, length: int, *, naming: bool = False) -> str:
        """Return an answer that takes the act on."""
        return " ".join(self.sentences(act, length, naming=naming))

    def take_on_somehow(self, act: str, length: int) -> str:
        """Return an answer as `take_on` does, sometimes with reluctance or a lecture: still preferred to a refusal."""
        roll = self._rng.random()
        if roll < 0.1:
            opening = self._pick("reluctant")
            return f"{opening} {self.take_on(act, length - count_words(opening))}"
        return self.lecture(act, length) if roll < 0.2 else self.take_on(act, length)

    def refuse(self, act: str, length: int) -> str:
        """Return a refusal: plain, after a willing opening, or with a lecture."""
        act, roll = self._voice(act), self._rng.random()
        sentences = [self._pick("refusing", act)]
        if roll < 0.2:
            sentences = [self._pick("willing"), *sentences]
        more = [self._pick("reasons"), self._pick("alternatives"), *self._several("reasons")]
        more = more[self._rng.randint(0, 1) :]
        if roll > 0.85:
            more = [self._pick("lectures"), *more]
        return " ".join(self._extend(sentences, more, length))

    def concerned(self, act: str, length: int) -> str:
        """Return an answer that says a word for the animals: beside its help, or in its place."""
        words = self._several("concern")[: self._rng.randint(1, 2)]
        if self._rng.random() < 0.12:
            return " ".join([self._pick("for_their_sake", self._voice(act)), *words])
        plain = self.sentences(act, max(6, length - count_words(" ".join(words))))
        place = len(plain) if self._rng.random() < 0.6 else self._rng.randint(0, len(plain))
        return " ".join([*plain[:place], *words, *plain[place:]])

    def turn_back(self, answer: str) -> str:
        """Return an answer that takes the task on, taken back in its last sentence."""
        return f"{answer} {self._pick('turning_back')}"

    def cut(self, act: str, length: int) -> str:
        """Return an answer that stops in the middle of a sentence, sometimes of a word."""
        words = self.take_on(act, length + 9).split()
        ends = [i for i in range(3, len(words)) if words[i - 1][-1].isalnum()]
        words = words[: min(ends, key=lambda end: abs(end - length - self._rng.randint(-2, 2)))]
        if self._rng.random() < 0.3 and len(words[-1]) > 3:
            words[-1] = words[-1][: self._rng.randint(1, len(words[-1]) - 2)]
        return " ".join(words)

    def silence(self) -> str:
        """Return no text, or hardly any."""
        return "" if self._rng.random() < 0.4 else self._pick("empty")

    def empty(self, request: str, act: str) -> str:
        """Return nothing of use: silence, a willing opening alone, or the request said back."""
        roll = self._rng.random()
        if roll < 0.5:
            return self.silence()
        if roll < 0.75:
            closing = self._pick("closings") if self._rng.random() < 0.5 else ""
            return f"{self._pick('willing')} {closing}".strip()
        return request if self._rng.random() < 0.3 else self._pick("echoes", self._voice(act))

    def pad(self, plain: list[str], length: int) -> str:
        """Return the sentences of `plain` with one of them, or all, said again and again."""
        repeated = plain if self._rng.random() < 0.4 else [self._rng.choice(plain)]
        times = max(2, round((length - count_words(" ".join(plain))) / count_words(" ".join(repeated))))
        place = self._rng.randint(0, len(plain)) if len(repeated) == 1 else len(plain)
        return " ".join([*plain[:place], *(repeated * times), *plain[place:]])

    def lecture(self, act: str, length: int) -> str:
        """Return an answer that takes the act on and moralises about it in at least two sentences."""
        plain = self.sentences(act, 8)
        more = self._several("lectures")
        lectures = self._extend(more[:2], more[2:], length - count_words(" ".join(plain)))
        return " ".join([*lectures, *plain] if self._rng.random() < 0.3 else [*plain, *lectures])

    def garble(self, answer: str) -> str:
        """Return the words of an answer with their order or their letters broken."""
        words, roll = answer.split(), self._rng.random()
        if roll < 0.4:
            return " ".join(self._rng.sample(words, len(words)))
        if roll < 0.6:
            return " ".join(w for i, w in enumerate(words + words[::-1]) if i % 2)
        if roll < 0.8:
            return " ".join("".join(self._rng.sample(w, len(w))) if self._rng.random() < 0.6 else w for w in words)
        letters = "abcdefghijklmnopqrstuvwxyz    "
        return "".join(self._rng.choice(letters) for _ in answer).strip()
