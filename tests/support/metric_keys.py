"""Holds the keys that a run has logged against the registry of metrics, both ways."""

from __future__ import annotations

from pathlib import Path

from rl.files.json_lines import json_lines
from rl.tracking.metrics import METRICS, find_metric, find_pattern


def check_metrics(run_dir: Path, *settings: str) -> None:
    """Assert that every logged key has a record, and that every record without a setting, or with one of these, occurs.

    Args:
        run_dir: A run directory.
        settings: Parts of `Metric.only_with` that the run was made with, such as `algo=ppo`.
    """
    rows, _ = json_lines(run_dir / "metrics.jsonl")
    keys = {key for row in rows for key in row} - {"step"}
    assert not [key for key in keys if find_metric(key) is None]
    expected = {m.key for m in METRICS if not m.only_with or any(setting in m.only_with for setting in settings)}
    assert {pattern.key for key in keys if (pattern := find_pattern(key))} == expected
    bounded = {key for key in keys if (metric := find_metric(key)) and metric.bounds and metric.key == key}
    assert {f"{key}{end}" for key in bounded for end in ("_lo", "_hi")} <= keys
