"""Chats as token ids, and the tokens whose activations are kept.

`last_prompt_token` is the last token that was given and not drawn, so a verdict on the completion is still to come
there; `end_of_scratchpad` is the token that ends the scratchpad's closing tag; `first_output_token` is the first token
of the output's text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rl.errors import GoalguardError
from rl.records import OUTPUT_CLOSE, OUTPUT_OPEN, SCRATCHPAD_CLOSE, SCRATCHPAD_OPEN, Prompt

LAST_PROMPT, END_OF_SCRATCHPAD, FIRST_OUTPUT = "last_prompt_token", "end_of_scratchpad", "first_output_token"
POSITIONS = (LAST_PROMPT, END_OF_SCRATCHPAD, FIRST_OUTPUT)

Encode = Callable[[list[dict[str, str]]], list[int]]
"""From messages to token ids, generation prompt and prefix included."""


@dataclass(frozen=True, slots=True)
class Chat:
    """One chat to read."""

    ids: list[int]
    at: tuple[int | None, ...]
    """Where in `ids` each of `POSITIONS` is; None where the completion has no such place."""


def read_chat(prompt: Prompt, completion: str, encode: Encode, tokenizer: Any) -> Chat:
    """The ids of a chat and its positions.

    The prompt is encoded by the function that encoded it for sampling. Transcripts keep a completion's text and not its
    ids, so it is cut into pieces anew, behind the prompt and never across its end.

    Raises:
        GoalguardError: the tokenizer cannot say which characters a token covers.
    """
    if not tokenizer.is_fast:
        raise GoalguardError(f"{type(tokenizer).__name__} does not know which characters a token covers: no positions")
    given = encode(prompt.messages())
    drawn = completion.removeprefix(prompt.prefix)
    made = tokenizer(drawn, add_special_tokens=False, return_offsets_mapping=True)
    before, spans = len(given), made["offset_mapping"]

    def token_at(character: int | None) -> int | None:
        """The last token over a character of the completion; one in the prefix was given, and is none."""
        index = None if character is None else _last_over(spans, character - len(completion) + len(drawn))
        return None if index is None else before + index

    closed, said = section_ends(completion)
    return Chat([*given, *made["input_ids"]], (before - 1, token_at(closed), token_at(said)))


def section_ends(completion: str) -> tuple[int | None, int | None]:
    """The characters that end the scratchpad's closing tag and that begin the output's text; None where there is none.

    A completion that was cut off keeps what it reached. Output that is white space has no first token.
    """
    opened = completion.find(SCRATCHPAD_OPEN)
    closing = completion.find(SCRATCHPAD_CLOSE, opened) if opened >= 0 else -1
    closed = closing + len(SCRATCHPAD_CLOSE) - 1 if closing >= 0 else None
    output = completion.find(OUTPUT_OPEN, 0 if closed is None else closed)
    if output < 0 or (opened >= 0 and closed is None):
        return closed, None
    start = output + len(OUTPUT_OPEN)
    text = completion[start:].split(OUTPUT_CLOSE, 1)[0]
    return closed, start + len(text) - len(text.lstrip()) if text.strip() else None


def _last_over(spans: Sequence[tuple[int, int]], character: int) -> int | None:
    over = [index for index, (start, end) in enumerate(spans) if start <= character < end]
    return over[-1] if over else None
