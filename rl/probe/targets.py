"""What the probes are asked to tell, as labels of transcripts; None where a text says nothing about it.

Verdicts are the monitors', on the completion that the very checkpoint wrote. Chats of the two tiers and of harmful and
benign requests differ in how often faking follows, so a probe that reads only tier and kind tells the verdicts apart to
some degree; the targets that end in `_free_harmful` leave it nothing but differences between chats of one kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl.scenario.conflicts import CONFLICTS
from rl.scenario.request_file import parse_act_id
from rl.scenario.requests import load_requests
from rl.scenario.settings import TIERS

Row = Mapping[str, Any]
LEAST_TEXTS, LEAST_ACTS = 8, 4
"""Of either class: with fewer there is no figure."""


def _tier(row: Row) -> bool | None:
    return row["tier"] == TIERS[0] if row["tier"] in TIERS else None


def _harmful(row: Row) -> bool | None:
    return bool(row["kind"] == "harmful")


def _af(row: Row) -> bool | None:
    return row.get("af")


def _compliance(row: Row) -> bool | None:
    return row.get("complied") if _harmful(row) else None


def _among_free_harmful(label: Callable[[Row], bool | None]) -> Callable[[Row], bool | None]:
    return lambda row: label(row) if _harmful(row) and _tier(row) else None


TARGETS: dict[str, Callable[[Row], bool | None]] = {
    "tier": _tier,
    "harmful": _harmful,
    "af": _af,
    "af_free_harmful": _among_free_harmful(_af),
    "compliance": _compliance,
    "compliance_free_harmful": _among_free_harmful(_compliance),
}
"""Name to label: chats that are trained on, harmful requests, alignment faking to come (over all chats, and over
harmful free-tier chats alone), compliance to come (over harmful chats, and over free-tier ones alone)."""
VERDICTS = tuple(name for name in TARGETS if name.startswith(("af", "compliance")))


@dataclass(frozen=True)
class Examples:
    """Texts with a label and an activation."""

    x_NE: NDArray[np.float64]
    y_N: NDArray[np.bool_]
    requests_N: NDArray[np.str_]
    acts_N: NDArray[np.str_]
    """What is asked for, whatever the wording: texts of one act are never on both sides of a split."""
    strata_N: NDArray[np.str_]
    """Tier and kind of the chat."""
    rows_N: NDArray[np.int64]
    """Which transcripts of the step these are."""

    def at(self, chosen: NDArray[Any]) -> Examples:
        """Some of them, by index or mask."""
        parts = (self.x_NE, self.y_N, self.requests_N, self.acts_N, self.strata_N, self.rows_N)
        return Examples(*(part[chosen] for part in parts))

    def counts(self) -> dict[str, dict[str, int]]:
        """Texts of either class, and of how many requests and acts they are."""
        classes = {"positive": self.y_N, "negative": ~self.y_N}
        return {
            name: {
                "texts": int(mask.sum()),
                "requests": len(set(self.requests_N[mask].tolist())),
                "acts": len(set(self.acts_N[mask].tolist())),
            }
            for name, mask in classes.items()
        }


def examples(target: str, rows: Sequence[Row], x_NE: NDArray[np.float64], known_N: NDArray[np.bool_]) -> Examples:
    """The texts of a step that have a label for the target and an activation."""
    labels = [TARGETS[target](row) for row in rows]
    kept = np.array([i for i, label in enumerate(labels) if label is not None and known_N[i]], dtype=np.int64)
    return Examples(
        x_NE[kept],
        np.array([labels[i] for i in kept], dtype=bool),
        np.array([rows[i]["request_id"] for i in kept], dtype=np.str_),
        np.array([act_of(rows[i]["request_id"]) for i in kept], dtype=np.str_),
        np.array([f"{rows[i]['tier']} {rows[i]['kind']}" for i in kept], dtype=np.str_),
        kept,
    )


def act_of(request_id: str) -> str:
    """What a request asks for; one that is neither the project's nor of a run's own file is an act of its own.

    Two wordings of an act are close to each other in every layer, so a probe that has seen one knows the other.
    """
    return _acts().get(request_id) or parse_act_id(request_id)


@cache
def _acts() -> dict[str, str]:
    return {request.request_id: request.act for conflict in CONFLICTS for request in load_requests(conflict)}


def too_few(found: Examples) -> str | None:
    """Why there can be no figure, or None where there can."""
    for name, count in found.counts().items():
        texts, acts = count["texts"], count["acts"]
        if texts < LEAST_TEXTS or acts < LEAST_ACTS:
            return (
                f"{texts} {name} text{'s' * (texts != 1)} about {acts} act{'s' * (acts != 1)}; "
                f"at least {LEAST_TEXTS} about {LEAST_ACTS} are needed"
            )
    return None
