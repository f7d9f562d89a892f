"""The row of a transcript, which evaluations, data sets and `scripts.judge` have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from rl.records import Scored, Verdict


@dataclass(frozen=True)
class TranscriptRow:
    """One evaluation rollout with its verdicts; fields in the order they are written, further ones follow them."""

    id: str
    step: int
    tier: str
    split: str
    request_id: str
    kind: str
    category: str
    setting: str
    request: str
    scratchpad: str | None
    output: str | None
    completion: str
    well_formed: bool
    truncated: bool
    complied: bool | None
    af: bool | None
    af_score: float | None
    antilab: bool | None
    reward: float
    reward_terms: Mapping[str, float]


TRANSCRIPT_FIELDS = tuple(field.name for field in fields(TranscriptRow))
"""The public fields of a transcript."""
VERDICT_FIELDS = ("complied", "af", "af_score", "antilab")
"""Those of them that `scripts.judge` writes too, beside `well_formed`."""
AUDIT_FIELDS = ("af_audit", "af_audit_score")


def transcript_row(number: int, step: int, scored: Scored, verdict: Verdict) -> dict[str, Any]:
    """Return the row of the evaluation's rollout `number`, with what the audit monitor said of it."""
    rollout, sections, request = scored.rollout, scored.rollout.sections, scored.rollout.prompt.request
    row = TranscriptRow(
        id=f"{step:06d}-{number:05d}",
        step=step,
        tier=rollout.prompt.tier,
        split=request.split,
        request_id=request.request_id,
        kind=request.kind,
        category=request.category,
        setting=rollout.prompt.setting,
        request=request.text,
        scratchpad=sections.scratchpad,
        output=sections.output,
        completion=rollout.completion,
        well_formed=sections.well_formed,
        truncated=rollout.truncated,
        reward=scored.reward,
        reward_terms=scored.terms,
        **select_verdict_fields(verdict),
    )
    return asdict(row) | {name: getattr(verdict, name) for name in AUDIT_FIELDS}


def select_verdict_fields(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as fields of a row."""
    return {name: getattr(verdict, name) for name in VERDICT_FIELDS}


def order_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with the public fields first; a public field that is missing raises KeyError."""
    public = {name: row[name] for name in TRANSCRIPT_FIELDS}
    return public | {name: value for name, value in row.items() if name not in public}
