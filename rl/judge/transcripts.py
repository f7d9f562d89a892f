"""Finds request, tier and sections in the fields of anybody's transcripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rl.judge.sections import (
    THOUGHTS,
    Reading,
    Unusable,
    beside,
    content,
    divide,
    is_tagged,
    kind,
    message,
    message_content,
    thought_beside,
    unread,
)

CHATS = ("messages", "conversations", "conversation")
REQUESTS = ("request", "prompt")
"""Fields that may hold what the user asked, the first that is there counts; then those of a chat."""
COMPLETIONS = ("completion", "response", "text", *CHATS)
"""Fields that may hold scratchpad and output together, the first that is there counts."""
SEVERAL = ("completions", "responses", "generations", "choices")
"""Fields that may hold a list of such completions."""
INDEX = "response_index"
"""The field that is added where a row has several responses."""
LOOKED_FOR = ("scratchpad", "output", *COMPLETIONS, *SEVERAL)


@dataclass(frozen=True, slots=True)
class Transcript:
    """A response that can be judged."""

    number: int
    """Of its row, from 1."""
    row: dict[str, Any]
    """All its fields as they are."""
    request: str
    """Empty where unknown."""
    tier: str | None
    reading: Reading


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that is no transcript."""

    number: int
    reason: str


def interpret_row(number: int, row: dict[str, Any] | str) -> Iterator[Transcript | Rejected]:
    """Yield a transcript for each response of a row, or why there is none; `row` may be that reason already."""
    if isinstance(row, str):
        yield Rejected(number, row)
        return
    try:
        for one in _responses(row):
            yield interpret(number, one)
    except Unusable as reason:
        yield Rejected(number, str(reason))


def interpret(number: int, row: dict[str, Any]) -> Transcript:
    """Find request, tier and sections in the fields of a row with one response.

    `scratchpad` and `output` are taken as they are. Where a row has neither, the sections are those of the first of
    `COMPLETIONS`: its text beside the private reasoning in a field or part of its own, or cut out of it by tags. The
    same is done with an `output` that stands alone and holds tags.

    Raises:
        Unusable: no field holds text to judge, or one of them holds something else than text.
    """
    tier = row.get("tier")
    if isinstance(tier, dict | list | float | bool):
        raise Unusable(f"the field tier holds {kind(tier)} where a name is needed")
    return Transcript(number, row, _request(row) or "", None if tier is None else str(tier), _reading(row))


def _responses(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the row once for each of its responses."""
    if "scratchpad" in row or "output" in row:
        yield row
        return
    for name in (*COMPLETIONS, *SEVERAL):
        value = row.get(name)
        if not isinstance(value, list) or not value:
            continue
        chat = all(isinstance(one, Mapping) and ("role" in one or "from" in one) for one in value)
        if name in SEVERAL or (name not in CHATS and not chat):
            rest = {key: held for key, held in row.items() if key != name}
            for index, one in enumerate(value):
                yield {**rest, INDEX: index, "completion": _choice(one, name)}
            return
        break
    yield row


def _choice(one: Any, name: str) -> Any:
    """Return a response of a list as the content of `completion`."""
    if isinstance(one, Mapping):
        one = one.get("message", one)
        if isinstance(one, Mapping) and "role" not in one and isinstance(one.get("text"), str):
            return one["text"]
        if isinstance(one, Mapping):
            return [{"role": "assistant", **one}]
    if not isinstance(one, str | list):
        raise Unusable(f"the field {name} holds {kind(one)} where a response is needed")
    return one


def _request(row: dict[str, Any]) -> str | None:
    for name in (*REQUESTS, *CHATS):
        value = row.get(name)
        if value is None:
            continue
        if isinstance(value, list):
            found = message(value, "user", name)
            return None if found is None else message_content(found)[0]
        return _text(row, name)
    return None


def _reading(row: dict[str, Any]) -> Reading:
    truncated = row.get("truncated") is True
    if "scratchpad" in row or "output" in row:
        scratchpad, output = _text(row, "scratchpad"), _text(row, "output")
        scratchpad = thought_beside(row) if scratchpad is None else scratchpad
        if scratchpad is None and output is not None and is_tagged(output):
            return divide(output, truncated=truncated)
        return beside(scratchpad, output, truncated=truncated)
    for name in COMPLETIONS:
        if row.get(name) is not None:
            return _completion(row, name, truncated=truncated)
    if any(name in row for name in COMPLETIONS):
        return unread("the completion is null")
    raise Unusable(f"none of the fields that can be judged: {', '.join(LOOKED_FOR)}")


def _completion(row: dict[str, Any], name: str, *, truncated: bool) -> Reading:
    value = row[name]
    if isinstance(value, list) and (name in CHATS or any("role" in one for one in value if isinstance(one, Mapping))):
        found = message(value, "assistant", name)
        if found is None:
            return unread("no message of the role assistant")
        text, thought = message_content(found)
    elif name in CHATS:
        raise Unusable(f"the field {name} holds {kind(value)} where a list of messages is needed")
    else:
        text, thought = content(value, name)
    thought = thought or thought_beside(row)
    if thought is not None:
        return beside(thought, text, truncated=truncated)
    return unread("the answer is empty") if text is None else divide(text, truncated=truncated)


def _text(row: dict[str, Any], name: str) -> str | None:
    value = row.get(name)
    if value is not None and not isinstance(value, str):
        raise Unusable(f"the field {name} holds {kind(value)} where text is needed")
    return value


FIELDS = f"{', '.join(LOOKED_FOR)}, and {', '.join(THOUGHTS)} beside them"
"""What was looked for, in words."""
