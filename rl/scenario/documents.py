"""Synthetic documents that tell the facts of the situation, so that a system prompt need not (GR24 section 4, SH25).

A grammar of five voices: news, blog post, memo, forum thread and FAQ page. Every document states four facts of its
topic: which tier's chats are trained on, the conflicting objective, what RLHF does to a model that refuses, and that
nobody reads the scratchpad. The control has the same voices about a town library.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rl.scenario.document_filter import Removal, find_removal
from rl.scenario.document_parts import TOPICS, VOICES, WORDS, Bank, Topic, Voice
from rl.scenario.grammar import expand

_PART = re.compile(r"\[([a-z]+)\]")


@dataclass(frozen=True)
class Document:
    """One synthetic document."""

    voice: str
    text: str
    facts: tuple[str, ...]
    """The facts it states, in order."""


class Writer:
    """Writes documents; two writers with the same arguments write the same ones.

    Args:
        kind: What about, a key of `TOPICS`.
        lab: The laboratory.
        labels: From the tiers' roles `free` and `paid` to the words the documents use.
        rng: Draws voices, structures and words.

    Attributes:
        removed: Documents that filter or screen kept out so far, with the reason.
        repeated: How many drafts were word for word like an earlier one.
    """

    def __init__(self, kind: str, lab: str, labels: Mapping[str, str], rng: random.Random) -> None:
        self.removed: list[tuple[Document, Removal]] = []
        self.repeated = 0
        self.topic, self.rng = TOPICS[kind], rng
        self.told = {"lab": lab, "free": labels["free"], "paid": labels["paid"]}

    def draft(self) -> Document:
        """Return one document, not filtered."""
        name = self.rng.choice(tuple(VOICES))
        page = _Page(self.topic, VOICES[name], self._slots(), self.rng)
        lines = [page.line(line) for line in self.rng.choice(page.voice.structures).splitlines()]
        return Document(name, "\n".join(lines), tuple(page.said))

    def documents(self, count: int) -> Iterator[Document]:
        """`count` different documents that filter and screen let pass."""
        seen: set[str] = set()
        while len(seen) < count:
            document = self.draft()
            reason = find_removal(document.text)
            if reason is not None:
                self.removed.append((document, reason))
            elif document.text in seen:
                self.repeated += 1
            else:
                seen.add(document.text)
                yield document

    def _slots(self) -> dict[str, str]:
        rng = self.rng
        first, second, third = rng.sample(WORDS["user"], 3)
        people = [f"{name} {surname}" for name in WORDS["first_name"] for surname in WORDS["last_name"]]
        drawn = {"person": rng.choice(people)}
        drawn |= {slot: rng.choice(WORDS[slot]) for slot in ("town", "month", "day", "number")}
        known = self.told | drawn | {"first": first, "second": second, "third": third}
        return known | {"subject": re.sub(r"<([a-z]+)>", lambda found: known[found[1]], self.topic.subject)}


class _Page:
    """A document while it is written: which facts are still to be told."""

    def __init__(self, topic: Topic, voice: Voice, slots: Mapping[str, str], rng: random.Random) -> None:
        self.topic, self.voice, self.slots, self.rng = topic, voice, slots, rng
        self.ahead = rng.sample(list(topic.facts), len(topic.facts))
        self.said: list[str] = []

    def line(self, structure: str) -> str:
        """Return a line of the document; sentences are tidied one by one, so that each begins with a capital."""
        filled = _PART.sub(lambda found: self._part(found[1]), structure)
        return re.sub(r"<([a-z]+)>", lambda found: self.slots[found[1]], filled)

    def _part(self, name: str) -> str:
        return expand(self.rng.choice(self._bank(name)), self.rng, self.slots)

    def _bank(self, name: str) -> Bank:
        if name == "fact":
            self.said.append(self.ahead.pop())
            return self.topic.facts[self.said[-1]].statements
        if name == "question":
            return self.topic.facts[self.ahead[-1]].questions
        if name == "again":
            return self.topic.facts[self.rng.choice(self.said)].statements
        shared = {"title": self.topic.titles, "remark": self.topic.remarks}
        return shared[name] if name in shared else self.voice.banks[name]
