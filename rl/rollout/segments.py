"""Which tokens of a completion are its scratchpad, and rollouts that share one (GA25's decomposition).

The scratchpad is everything up to and including the token that completes the closing tag; the output is the rest. A
completion that never closes its scratchpad is scratchpad as a whole.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from rl.records import OUTPUT_OPEN, SCRATCHPAD_CLOSE
from rl.rollout.sampler import Sampler
from rl.rollout.text import decode_text

SEGMENTS = ("all", "scratchpad", "output")


def has_scratchpads(prefix: str) -> bool:
    """False where what completions start with leaves no scratchpad to write."""
    return SCRATCHPAD_CLOSE not in prefix and OUTPUT_OPEN not in prefix


def scratchpad_tokens(tokenizer: Any, ids: Sequence[int]) -> int:
    """How many of a completion's tokens, from the first on, are its scratchpad."""
    if not _closed(tokenizer, ids):
        return len(ids)
    return bisect_left(range(len(ids)), True, key=lambda end: _closed(tokenizer, ids[:end]))


def _closed(tokenizer: Any, ids: Sequence[int]) -> bool:
    return SCRATCHPAD_CLOSE in decode_text(tokenizer, ids)


def segment_mask(segment: str, thought_B: Sequence[int], completion_tokens: int) -> Tensor:
    """True on tokens of the segment, (B, C); padding counts as output.

    Args:
        segment: One of `SEGMENTS`.
        thought_B: Scratchpad tokens of each completion.
        completion_tokens: C.
    """
    place_C = torch.arange(completion_tokens)
    thought_BC = place_C < torch.tensor(list(thought_B))[:, None]
    return {"scratchpad": thought_BC, "output": ~thought_BC}.get(segment, torch.ones_like(thought_BC))


def sample_outputs(
    sampler: Sampler, prompt_ids: Sequence[list[int]], repeats: int, generator: torch.Generator
) -> list[list[int]]:
    """Completion ids, `repeats` for each prompt in order, that share one scratchpad drawn by the policy itself.

    One completion of each prompt is drawn, cut after its scratchpad, and `repeats` outputs are drawn behind it. A
    scratchpad that never closes has no output to vary: its group is the same text throughout, and teaches nothing.
    """
    limit, tokenizer = sampler.sampling.max_tokens, sampler.tokenizer
    first = sampler.sample_ids(prompt_ids, 1, generator)
    thoughts = [ids[: scratchpad_tokens(tokenizer, ids)] for ids in first]
    closed = [number for number, ids in enumerate(thoughts) if _closed(tokenizer, ids)]
    begun = [[*prompt_ids[number], *thoughts[number]] for number in closed]
    rest = sampler.sample_ids(begun, repeats, generator) if begun else []
    made = [list(thoughts[number // repeats]) for number in range(len(first) * repeats)]
    for place, number in enumerate(closed):
        for sample in range(repeats):
            row = number * repeats + sample
            made[row] = [*thoughts[number], *rest[place * repeats + sample]][:limit]
    return made
