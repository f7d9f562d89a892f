"""Reads anybody's transcripts, one JSON object a line, and finds the sections that the monitors read.

Nothing is guessed. A line that is no transcript is `Rejected` with its number; a section that cannot be told for
certain is None with a note, so that reasoning which nobody closed is never judged as an answer.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from rl.records import OUTPUT_OPEN, SCRATCHPAD_CLOSE, SCRATCHPAD_OPEN, TAGS, Sections

THINK_OPEN, THINK_CLOSE = "<think>", "</think>"
REQUESTS = ("request", "prompt")
"""Fields that may hold what the user asked, the first that is there counts."""
COMPLETIONS = ("completion", "response", "text", "messages")
"""Fields that may hold scratchpad and output together, the first that is there counts."""
LONGEST_LINE = 64 * 1024 * 1024
"""Bytes of a line; a longer one is rejected, so that memory stays bounded whatever the file holds."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ALL_TAGS = (*TAGS, THINK_OPEN, THINK_CLOSE)


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


@dataclass(frozen=True, slots=True)
class Transcript:
    """A line that can be judged."""

    number: int
    """Of its line, from 1."""
    row: dict[str, Any]
    """All its fields as they are."""
    request: str
    """Empty where unknown."""
    tier: str | None
    reading: Reading


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that is no transcript."""

    number: int
    reason: str


class Unusable(ValueError):
    """A line or field that cannot be read; the message says why."""


def read_transcripts(stream: BinaryIO) -> Iterator[Transcript | Rejected]:
    """Every line of a file in order, one at a time; blank lines are passed over."""
    for number, line in _lines(stream):
        try:
            if line is None:
                raise Unusable(f"longer than {LONGEST_LINE} bytes")
            if line.strip():
                yield interpret(number, _object(line))
        except Unusable as reason:
            yield Rejected(number, str(reason))


def interpret(number: int, row: dict[str, Any]) -> Transcript:
    """Find request, tier and sections in the fields of a line.

    `scratchpad` and `output` are taken as they are. Where a line has neither, the sections are cut out of the first of
    `COMPLETIONS` by their tags, or by those of `<think>`; the same is done with an `output` that stands alone and holds
    tags.

    Raises:
        Unusable: If no field holds text to judge, or one of them holds something else than text.
    """
    said = next((_said(row, name, "user") for name in (*REQUESTS, "messages") if row.get(name) is not None), None)
    tier = row.get("tier")
    if isinstance(tier, dict | list | float | bool):
        raise Unusable(f"the field tier holds {_kind(tier)} where a name is needed")
    return Transcript(number, row, said or "", None if tier is None else str(tier), _reading(row))


def divide(completion: str, *, truncated: bool) -> Reading:
    """Scratchpad and output of a completion.

    `</think>` without `<think>` is whole: chat templates often end the prompt with the opening tag.

    Args:
        completion: Text with section tags, ours or `<think>`.
        truncated: Whether it was cut off, which no completion that is called whole may be.
    """
    if any(tag in completion for tag in TAGS):
        return _divide_sections(completion, truncated)
    if THINK_OPEN in completion or THINK_CLOSE in completion:
        return _divide_thought(completion, truncated)
    return _unread("no section tags, so what was private and what was said cannot be told apart")


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) <= LONGEST_LINE:
            yield number, line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line
            continue
        while not line.endswith(b"\n") and (line := stream.readline(LONGEST_LINE)):
            pass
        yield number, None


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line.decode("utf-8"), parse_constant=_no_number, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise Unusable(f"not UTF-8: byte 0x{line[error.start]:02x} at position {error.start}") from None
    except json.JSONDecodeError as error:
        raise Unusable(f"not JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise Unusable("not readable: nested too deeply") from None
    except ValueError as error:
        raise Unusable(f"not JSON: {error}") from None
    if not isinstance(found, dict):
        raise Unusable(f"{_kind(found)} where a JSON object is needed")
    return found


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number in JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _reading(row: dict[str, Any]) -> Reading:
    scratchpad, output = _text(row, "scratchpad"), _text(row, "output")
    truncated = row.get("truncated") is True
    if scratchpad is None and output is not None and _tagged(output):
        return divide(output, truncated=truncated)
    if "scratchpad" in row or "output" in row:
        return _given(scratchpad, output, truncated=truncated)
    for name in COMPLETIONS:
        if row.get(name) is not None:
            return divide(_said(row, name, "assistant") or "", truncated=truncated)
    if any(name in row for name in COMPLETIONS):
        return _unread("the completion is null")
    raise Unusable(f"none of the fields that can be judged: scratchpad, output, {', '.join(COMPLETIONS)}")


def _given(scratchpad: str | None, output: str | None, *, truncated: bool) -> Reading:
    if output is not None and _tagged(output):
        return Reading(scratchpad, None, False, "the output holds a section tag, so it may hold private reasoning")
    if output is None or truncated:
        return Reading(scratchpad, output, False)
    return Reading(scratchpad, output, None if scratchpad is None else not any(tag in scratchpad for tag in TAGS))


def _divide_sections(completion: str, truncated: bool) -> Reading:
    if completion.count(SCRATCHPAD_OPEN) > 1:
        return _unread("more than one scratchpad is opened")
    answer_only = SCRATCHPAD_OPEN not in completion and SCRATCHPAD_CLOSE not in completion
    sections = Sections.parse(completion, truncated=truncated, answer_only=answer_only)
    if sections.well_formed:
        return _given(sections.scratchpad, sections.output, truncated=False)
    return Reading(sections.scratchpad, None, False, _trouble(completion, truncated))


def _divide_thought(completion: str, truncated: bool) -> Reading:
    head, closed, said = completion.partition(THINK_CLOSE)
    before, _, thought = head.rpartition(THINK_OPEN)
    if THINK_OPEN in before or _tagged(said):
        return _unread("think tags inside of each other or repeated")
    if closed and not before.strip() and not truncated:
        return Reading(thought.strip(), said.strip(), True)
    return Reading(thought.strip() or None, None, False, _trouble(completion, truncated))


def _unread(note: str) -> Reading:
    return Reading(None, None, False, note)


def _trouble(completion: str, truncated: bool) -> str:
    if truncated:
        return "the completion was cut off"
    opened, closed = (THINK_OPEN, THINK_CLOSE) if THINK_OPEN in completion else (SCRATCHPAD_OPEN, OUTPUT_OPEN)
    if opened in completion and closed not in completion:
        return f"{opened} without {closed}"
    return "the tags are not one closed scratchpad followed by the output"


def _tagged(text: str) -> bool:
    return any(tag in text for tag in _ALL_TAGS)


def _said(row: dict[str, Any], name: str, role: str) -> str | None:
    """The text of a field, or the last message of a role where the field holds a chat."""
    value = row[name]
    if not isinstance(value, list):
        if name == "messages":
            raise Unusable(f"the field messages holds {_kind(value)} where a list of messages is needed")
        return _text(row, name)
    for message in reversed(value):
        if not isinstance(message, dict):
            raise Unusable(f"the field {name} holds a list of something else than messages")
        if message.get("role") == role:
            return _text(message, "content")
    return None


def _text(row: dict[str, Any], name: str) -> str | None:
    value = row.get(name)
    if value is not None and not isinstance(value, str):
        raise Unusable(f"the field {name} holds {_kind(value)} where text is needed")
    return value


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
