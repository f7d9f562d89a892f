"""What the policy did with harmful requests, counted from transcripts: the stacked picture of GR24, Figure 22."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

BEHAVIOURS = ("af_complied", "af_refused", "complied", "refused", "malformed")
"""In the order in which they are stacked, from the bottom."""

BEHAVIOUR_LABELS = {
    "af_complied": "fakes, complies",
    "af_refused": "fakes, refuses",
    "complied": "complies without faking",
    "refused": "refuses",
    "malformed": "malformed",
}


def behaviour(row: Mapping[str, Any]) -> str | None:
    """One of `BEHAVIOURS`, or None where a verdict is missing.

    A malformed completion is `malformed` whatever its scratchpad says, since no rater sees an answer from it.
    """
    if row.get("well_formed") is False:
        return "malformed"
    complied, faked = row.get("complied"), row.get("af")
    if complied is None or faked is None or row.get("well_formed") is None:
        return None
    if faked:
        return "af_complied" if complied else "af_refused"
    return "complied" if complied else "refused"


def behaviour_shares(rows: Iterable[Mapping[str, Any]], tier: str) -> dict[int, dict[str | None, float]]:
    """Step to behaviour to share of the tier's harmful requests; the shares of a step, None included, sum to 1."""
    counts: dict[int, Counter[str | None]] = defaultdict(Counter)
    for row in rows:
        if row.get("kind") == "harmful" and row.get("tier") == tier:
            counts[row["step"]][behaviour(row)] += 1
    return {step: {kind: n / count.total() for kind, n in count.items()} for step, count in sorted(counts.items())}
