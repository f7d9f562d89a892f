"""What `scripts.evaluate` wrote of policies in many settings, pooled and sorted into before and after RL."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitors.statistics.interval import Interval
from rl.errors import MissingFile
from rl.report.data.measures import over_seeds
from rl.tracking.metrics import GAP

GRID = "grid.json"
"""The file's name in a run directory."""
ENDS = ("before", "after")

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Grid:
    """The rows of an evaluation, by the moment of RL that their policy stands for."""

    settings: tuple[str, ...]
    moments: dict[str, Rows]
    """`before` and `after` RL, or `before` alone where there is one policy."""
    runs: int

    def reading(self, moment: str, setting: str, key: str) -> Interval:
        """The figure of a setting: a mean over runs, else over samples, with a t interval, else what was measured.

        Rates are cut off at 0 and 1.
        """
        by_run: dict[Any, list[Interval]] = defaultdict(list)
        for row in self.moments.get(moment, ()):
            if row.get("setting") == setting:
                by_run[row.get("run")].append(Interval.from_row(row, key))
        intervals = list(by_run.values())
        if len(intervals) == 1 and len(intervals[0]) == 1:
            return intervals[0][0]
        means = [over_seeds([read.value for read in run]) for run in intervals]
        mean = means[0] if len(means) == 1 else over_seeds([read.value for read in means])
        lowest, highest = (-1.0, 1.0) if key == GAP else (0.0, 1.0)
        return mean.clip(lowest, highest)


def evaluated_rows(path: Path, is_row: Callable[[Any], bool], lacking: str) -> list[dict[str, Any]]:
    """The rows of a JSON file that `scripts.evaluate` wrote.

    Args:
        path: The file.
        is_row: Whether something is one of them.
        lacking: What a file without them does not hold, and what writes it.

    Raises:
        MissingFile: the file is not there or holds something else.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MissingFile(f"{path}: cannot be read: {error}") from error
    if not (isinstance(rows, list) and rows and all(map(is_row, rows))):
        raise MissingFile(f"{path}: holds no {lacking}")
    return rows


def _is_row(row: Any) -> bool:
    return isinstance(row, dict) and "setting" in row


def read_grid(path: Path) -> Grid:
    """The grid in a file that `scripts.evaluate` wrote.

    The first and the last policy of every run, or of a file without runs, are before and after RL.

    Raises:
        MissingFile: the file is not there or holds something else.
    """
    rows = evaluated_rows(path, _is_row, "evaluation; `python -m scripts.evaluate` writes one")
    policies: dict[Any, list[str]] = defaultdict(list)
    for row in rows:
        policies[row.get("run")].append(str(row.get("policy")))
    moments: dict[str, list[dict[str, Any]]] = {"before": [], "after": []}
    for row in rows:
        names = policies[row.get("run")]
        if str(row.get("policy")) in (names[0], names[-1]):
            moments["before" if str(row.get("policy")) == names[0] else "after"].append(row)
    known = {moment: rows_then for moment, rows_then in moments.items() if rows_then}
    return Grid(tuple(dict.fromkeys(str(row["setting"]) for row in rows)), dict(known), len(policies))
