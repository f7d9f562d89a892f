"""Which part of the scratchpad corpus each faking monitor is fitted on: no text, and no near-duplicate, is in both."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from monitors.fitting.labelled import Scratchpad

AUDIT_SHARE = 0.4
"""Share of the groups that the audit monitor is fitted on (docs/monitors.md has what other shares cost)."""


def is_for_audit(group: str) -> bool:
    """Return whether texts of this group are the audit's; decided by a hash, so a new text moves no other."""
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:8]) / 2**64 < AUDIT_SHARE


def split_corpus(items: Sequence[Scratchpad]) -> tuple[list[Scratchpad], list[Scratchpad]]:
    """Return the first monitor's texts and the audit monitor's."""
    return (
        [item for item in items if not is_for_audit(item.group)],
        [item for item in items if is_for_audit(item.group)],
    )
