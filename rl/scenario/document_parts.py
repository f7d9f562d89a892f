"""What synthetic documents are made of: the topics and voices of the YAML files beside this one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from monitors.text.tables import read_table

Bank = Sequence[str]


@dataclass(frozen=True)
class Fact:
    """One fact: ways to state it, and questions that it answers."""

    statements: Bank
    questions: Bank


@dataclass(frozen=True)
class Topic:
    """What a document is about."""

    subject: str
    """Who or what it is about, with slots."""
    titles: Bank
    facts: Mapping[str, Fact]
    remarks: Bank
    """Sentences without any of the facts."""


@dataclass(frozen=True)
class Voice:
    """One kind of text."""

    structures: Sequence[str]
    """Lines with the names of parts in brackets."""
    banks: Mapping[str, Bank]


def _read_topic(subject: str, titles: Bank, facts: Mapping[str, Mapping[str, Bank]], remarks: Bank) -> Topic:
    return Topic(subject, titles, {name: Fact(**fact) for name, fact in facts.items()}, remarks)


_FOLDER = Path(__file__).parent
_VOICES = read_table(_FOLDER / "document_voices.yaml")
TOPICS = {kind: _read_topic(**topic) for kind, topic in read_table(_FOLDER / "document_topics.yaml").items()}
"""What the documents of a kind of stage are about."""
VOICES = {name: Voice(**voice) for name, voice in _VOICES["voices"].items()}
WORDS: Mapping[str, Sequence[str]] = _VOICES["slots"]
"""What the slots of a document are filled with."""
