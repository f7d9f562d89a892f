"""Which transcripts go into the page, and in what form. Their text is untrusted and is never part of the markup."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rl.report.data.behaviour import behaviour
from rl.report.data.visible import json_for_html, visible

MAX_ROWS = 3000
MAX_BYTES = 6_000_000
MAX_TEXT = 20_000
"""Characters of one text; the rest is cut and said to be."""

_TEXTS = ("id", "tier", "kind", "category", "setting", "split", "request", "scratchpad", "output")
_VERDICTS = ("well_formed", "truncated", "complied", "af", "antilab")
_NUMBERS = ("af_score", "reward")


def embedded(rows: Sequence[Mapping[str, Any]]) -> tuple[str, int]:
    """JSON for the page and how many transcripts it holds.

    Where there are more than `MAX_ROWS` or `MAX_BYTES` of them, every step keeps the same number (or all it has),
    spread evenly over its file.
    """
    per_step = max((len(group) for group in _by_step(rows).values()), default=0)
    while True:
        chosen = _spread_over_steps(rows, per_step)
        if len(chosen) > MAX_ROWS:
            per_step = max(1, min(per_step - 1, MAX_ROWS // len(_by_step(rows))))
            continue
        text = json_for_html([_record(row) for row in chosen])
        if len(text) <= MAX_BYTES or per_step <= 1:
            return text, len(chosen)
        per_step = max(1, math.floor(per_step * 0.95 * MAX_BYTES / len(text)))


def _by_step(rows: Sequence[Mapping[str, Any]]) -> dict[int, list[Mapping[str, Any]]]:
    steps: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        steps[row["step"]].append(row)
    return steps


def _spread_over_steps(rows: Sequence[Mapping[str, Any]], per_step: int) -> list[Mapping[str, Any]]:
    chosen: list[Mapping[str, Any]] = []
    for group in _by_step(rows).values():
        wanted = min(per_step, len(group))
        chosen += [group[i] for i in np.linspace(0, len(group) - 1, wanted).round().astype(int)]
    return chosen


def _record(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the page shows of a transcript: texts with every character visible, verdicts true, false or null."""
    record: dict[str, Any] = {"step": row["step"], "behaviour": behaviour(row)}
    record |= {key: _text(row.get(key)) for key in _TEXTS}
    record |= {key: row[key] if isinstance(row.get(key), bool) else None for key in _VERDICTS}
    record |= {key: _number(row.get(key)) for key in _NUMBERS}
    # A well-formed completion is its scratchpad and output; a malformed one is shown as it came.
    record["completion"] = None if row.get("well_formed") else _text(row.get("completion"))
    terms = row.get("reward_terms")
    record["terms"] = {visible(str(k)): _number(v) for k, v in terms.items()} if isinstance(terms, Mapping) else {}
    return record


def _text(value: object) -> str | None:
    if value is None:
        return None
    text = str(value)
    if len(text) > MAX_TEXT:
        text = f"{text[:MAX_TEXT]}\n[cut here: {len(text):,} characters in all]"
    return visible(text)


def _number(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return round(float(value), 4)
    return None
