"""`summary.json`: the report's figures for programs."""

from __future__ import annotations

import json
from typing import Any

from monitors.statistics.interval import Interval
from rl.report.data.behaviour import behaviour_shares
from rl.report.data.load import RunData
from rl.report.data.measures import MEASURES, change, interval_at
from rl.report.data.wording import headline

SUMMARY = "summary.json"


def summary_text(run: RunData) -> str:
    """The summary of a run as indented JSON; what is not known is `null`."""
    steps = run.evaluated_steps
    ends = {"before": steps[:1], "after": steps[1:][-1:]}
    content: dict[str, Any] = {
        "experiment": run.experiment,
        "seed": run.seed,
        "status": run.status,
        "headline": headline(run),
        "last_step": max(run.metrics, default=None),
        "unreadable_lines": run.unreadable_lines,
    }
    for name, chosen in ends.items():
        content[name] = _snapshot(run, chosen[0]) if chosen else None
    content["change"] = _changes(run, steps[0], steps[-1]) if len(steps) > 1 else None
    return to_json(content)


def to_json(content: dict[str, Any]) -> str:
    """Indented strict JSON."""
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def as_json(read: Interval) -> dict[str, float | None]:
    """Return `value`, `lo` and `hi`; None for what is not known."""
    return {"value": read.value, "lo": read.low, "hi": read.high}


def _snapshot(run: RunData, step: int) -> dict[str, Any]:
    return {
        "step": step,
        "measures": {measure.key: as_json(interval_at(run, measure.key, step)) for measure in MEASURES},
        "behaviour": {tier: _behaviour_at(run, tier, step) for tier in ("free", "paid")},
    }


def _behaviour_at(run: RunData, tier: str, step: int) -> dict[str, float]:
    shares = behaviour_shares(run.transcripts, tier).get(step, {})
    return {kind or "no_verdict": share for kind, share in shares.items()}


def _changes(run: RunData, first: int, last: int) -> dict[str, Any]:
    with_intervals = [measure.key for measure in MEASURES if measure.unit in ("share", "points")]
    return {key: as_json(change(interval_at(run, key, first), interval_at(run, key, last))) for key in with_intervals}
