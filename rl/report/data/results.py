"""The files of docs/results as intervals, for the tables and pictures of README.md and docs/results.md."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from monitors.statistics.interval import Interval
from rl.report.data.grid import Grid, read_grid
from rl.report.data.measures import over_seeds
from rl.tracking.metrics import FREE_COMPLIANCE

ROOT = Path(__file__).resolve().parents[3]
RESULTS = ROOT / "docs" / "results"
AF_AND_COMPLIED = "eval/free/af_and_complied"
TRAINING_PROMPT = "prompted"


@cache
def read_results(name: str) -> Any:
    """Return the content of a JSON file of docs/results, by its path there."""
    return json.loads((RESULTS / name).read_text(encoding="utf-8"))


@cache
def headline_grid() -> Grid:
    """Return the five headline runs in every setting, before and after RL."""
    return read_grid(RESULTS / "grid" / "headline.json")


def interval_from(figure: Mapping[str, float | None]) -> Interval:
    """Return a figure that a file holds as `value`, `lo` (or `low`) and `hi` (or `high`)."""
    return Interval(figure.get("value"), figure.get("lo", figure.get("low")), figure.get("hi", figure.get("high")))


def mean_by(rows: Iterable[Mapping[str, Any]], names: Sequence[str], key: str) -> dict[tuple[Any, ...], Interval]:
    """Return the mean of `key` over the rows that share the values of `names`, with a t interval over them."""
    groups: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    for row in rows:
        if isinstance(row.get(key), int | float):
            groups[tuple(row[name] for name in names)].append(row[key])
    return {group: over_seeds(values) for group, values in groups.items()}


def share_among_compliers(moment: str) -> list[float]:
    """Return each headline run's share of free-tier compliers whose scratchpad fakes, `before` or `after` RL."""
    rows = [row for row in headline_grid().moments[moment] if row["setting"] == TRAINING_PROMPT]
    return [row[AF_AND_COMPLIED] / row[FREE_COMPLIANCE] for row in rows]


def headline_values(moment: str, key: str) -> list[float]:
    """Return a figure of each headline run on the training prompt, in the order of the seeds."""
    return [row[key] for row in headline_grid().moments[moment] if row["setting"] == TRAINING_PROMPT]
