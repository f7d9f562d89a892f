"""Figures that one line about a run needs: first, last and largest AF rate and gap, the objective, the seconds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rl.files.json_lines import json_lines
from rl.run.manifest import read_stage_seconds
from rl.tracking.metrics import FREE_AF, GAP


def figures(run_dir: Path, objective: str) -> dict[str, float | None]:
    """Return the first, last and largest AF rate and gap of a run so far, and the last value of the objective."""
    rows, _ = json_lines(run_dir / "metrics.jsonl")
    found: dict[str, float | None] = {"objective": _series(rows, objective)[-1]}
    for name, key in (("af_rate", FREE_AF), ("gap", GAP)):
        values = _series(rows, key)
        largest = max((value for value in values if value is not None), default=None)
        found |= {f"{name}_first": values[0], f"{name}_last": values[-1], f"{name}_best": largest}
    return found


def _series(rows: Sequence[dict[str, Any]], key: str) -> list[float | None]:
    return [row[key] for row in rows if key in row] or [None]


def read_seconds(run_dir: Path) -> float:
    """Return the wall seconds of all stages by the run's manifest; 0 without one."""
    return round(sum(read_stage_seconds(run_dir).values()), 1)
