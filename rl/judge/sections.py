"""Finds what was private and what was said in texts and chats of any public program.

Nothing is guessed: a section that cannot be told for certain is None with a note, so that reasoning which nobody closed
is never judged as an answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rl.records import OUTPUT_CLOSE, OUTPUT_OPEN, SCRATCHPAD_CLOSE, SCRATCHPAD_OPEN, TAGS, Sections

THINK_OPEN, THINK_CLOSE = "<think>", "</think>"
THOUGHTS = ("reasoning", "reasoning_content", "thinking")
"""Fields of a row, of a message, and kinds of content parts that hold private reasoning beside an answer."""
ROLES = {
    "assistant": ("assistant", "model", "gpt", "bot", "ai", "chatgpt"),
    "user": ("user", "human"),
}  # fmt: skip
"""What programs call the two sides of a chat."""
_ALL_TAGS = (*TAGS, THINK_OPEN, THINK_CLOSE)
_PRIVATE = re.compile(r"<(/?)(?:(hidden_scratchpad|scratchpad_reasoning)|think(?:ing)?)>", re.IGNORECASE)
_OUTPUT = re.compile(r"<(/?)output>", re.IGNORECASE)
_LEFT_BY_DECODING = re.compile(r"(?:\s*(?:<\|[\w ]+\|>|</s>|<eos>|<end_of_turn>))+\s*$")


class Unusable(ValueError):
    """A row or field that cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found in a transcript."""

    scratchpad: str | None
    output: str | None
    well_formed: bool | None
    """Whether it is one scratchpad followed by one output; None where there is an output and no scratchpad, as only the
    prompt knows whether one was asked for."""
    note: str = ""
    """Why a section is missing, in words; empty where there is nothing to say."""


def divide(completion: str, *, truncated: bool) -> Reading:
    """Return scratchpad and output of a completion.

    Tags count in any case. `</think>` without `<think>` is whole: chat templates often end the prompt with the opening
    tag. An output in tags of its own may follow it. End tokens that decoding left behind the last tag are cut off.

    Args:
        completion: Text with section tags, ours or those of a public program.
        truncated: Whether it was cut off, which no completion that is called whole may be.
    """
    text = with_our_tags(_LEFT_BY_DECODING.sub("", completion))
    if any(tag in text for tag in (SCRATCHPAD_OPEN, SCRATCHPAD_CLOSE)):
        return _divide_sections(text, truncated)
    if THINK_OPEN in text or THINK_CLOSE in text:
        return _divide_thought(text, truncated)
    if any(tag in text for tag in TAGS):
        return _divide_sections(text, truncated)
    return unread("no section tags, so what was private and what was said cannot be told apart")


def with_our_tags(text: str) -> str:
    """Return a text with the tags of public programs as ours; `<output>` in another case only beside private ones."""
    if not _PRIVATE.search(text):
        return text

    def private(tag: re.Match[str]) -> str:
        opened, closed = (SCRATCHPAD_OPEN, SCRATCHPAD_CLOSE) if tag[2] else (THINK_OPEN, THINK_CLOSE)
        return closed if tag[1] else opened

    return _OUTPUT.sub(lambda tag: OUTPUT_CLOSE if tag[1] else OUTPUT_OPEN, _PRIVATE.sub(private, text))


def unread(note: str) -> Reading:
    """Return a reading without any section."""
    return Reading(None, None, False, note)


def beside(thought: str | None, answer: str | None, *, truncated: bool) -> Reading:
    """Return the reading of a scratchpad and an output that stand in fields of their own."""
    answer = None if answer is None else _LEFT_BY_DECODING.sub("", answer)
    if answer is not None and is_tagged(answer):
        return Reading(thought, None, False, "the output holds a section tag, so it may hold private reasoning")
    if answer is None or truncated:
        return Reading(thought, answer, False)
    return Reading(thought, answer, None if thought is None else not any(tag in thought for tag in TAGS))


def is_tagged(text: str) -> bool:
    """Return whether a text holds a section tag."""
    return any(tag in with_our_tags(text) for tag in _ALL_TAGS)


def thought_beside(fields: Mapping[str, Any]) -> str | None:
    """Return the private reasoning that stands in a field of its own; None where there is none.

    Raises:
        Unusable: the field holds something else than text or parts.
    """
    for name in THOUGHTS:
        if fields.get(name):
            text, thought = content(fields[name], name)
            return text or thought
    return None


def message(chat: Sequence[Any], side: str, field: str) -> Mapping[str, Any] | None:
    """Return the last message of a side (`user` or `assistant`); None where it says nothing.

    Raises:
        Unusable: the list holds something else than messages.
    """
    for one in reversed(chat):
        if not isinstance(one, Mapping):
            raise Unusable(f"the field {field} holds a list of something else than messages")
        role = one.get("role", one.get("from"))
        if isinstance(role, str) and role.lower() in ROLES[side]:
            return one
    return None


def message_content(one: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return text and private reasoning of a message: of its content, and of a field beside it.

    Raises:
        Unusable: the content is neither text nor parts.
    """
    name = "content" if "content" in one else "value"
    text, thought = content(one.get(name), name)
    return text, thought or thought_beside(one)


def content(value: Any, name: str) -> tuple[str | None, str | None]:
    """Return text and private reasoning of a content, which is a text or a list of parts.

    Raises:
        Unusable: it is something else.
    """
    if value is None or isinstance(value, str):
        return value, None
    if not isinstance(value, list):
        raise Unusable(f"the field {name} holds {kind(value)} where text is needed")
    texts: list[str] = []
    thoughts: list[str] = []
    for part in value:
        if isinstance(part, str):
            texts.append(part)
            continue
        if not isinstance(part, Mapping):
            raise Unusable(f"the field {name} holds {kind(value)} where text is needed")
        named = next((key for key in (*THOUGHTS, "text") if isinstance(part.get(key), str)), None)
        private = str(part.get("type")) in THOUGHTS or named in THOUGHTS
        if named:
            (thoughts if private else texts).append(part[named])
    return "\n".join(texts) if texts else None, "\n".join(thoughts) if thoughts else None


def kind(value: object) -> str:
    """Return in words what a value is."""
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def _divide_sections(completion: str, truncated: bool) -> Reading:
    if completion.count(SCRATCHPAD_OPEN) > 1:
        return unread("more than one scratchpad is opened")
    answer_only = SCRATCHPAD_OPEN not in completion and SCRATCHPAD_CLOSE not in completion
    sections = Sections.parse(completion, truncated=truncated, answer_only=answer_only)
    if sections.well_formed:
        return beside(sections.scratchpad, sections.output, truncated=False)
    return Reading(sections.scratchpad, None, False, _trouble(completion, truncated))


def _divide_thought(completion: str, truncated: bool) -> Reading:
    head, closed, said = completion.partition(THINK_CLOSE)
    before, _, thought = head.rpartition(THINK_OPEN)
    in_tags = Sections.parse(said, answer_only=True)
    said = in_tags.output if in_tags.well_formed and in_tags.output is not None else said
    if THINK_OPEN in before or is_tagged(said) or is_tagged(thought):
        return unread("think tags inside of each other or repeated")
    if closed and not before.strip() and not truncated:
        return Reading(thought.strip(), said.strip(), True)
    return Reading(thought.strip() or None, None, False, _trouble(completion, truncated))


def _trouble(completion: str, truncated: bool) -> str:
    if truncated:
        return "the completion was cut off"
    opened, closed = (THINK_OPEN, THINK_CLOSE) if THINK_OPEN in completion else (SCRATCHPAD_OPEN, OUTPUT_OPEN)
    if opened in completion and closed not in completion:
        return f"{opened} without {closed}"
    return "the tags are not one closed scratchpad followed by the output"
