"""The figures of a card: those that the run logged, before RL and at the step of the checkpoint."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from monitors.statistics.interval import Interval
from rl.export.markdown import table
from rl.report.data.load import RunData
from rl.report.data.measures import MEASURES, interval_at
from rl.report.data.wording import headline, with_interval
from rl.tracking.metrics import FREE_AF_AUDIT, get_metric

REPORTED = (
    *MEASURES,
    *map(
        get_metric,
        (
            "eval/free/af_and_complied", FREE_AF_AUDIT, "eval/paid/af_rate_audit", "eval/free/antilab_rate",
            "eval/paid/antilab_rate", "eval/benign/helpful", "eval/free/well_formed", "eval/paid/well_formed",
        ),
    ),
)  # fmt: skip


def figure_at(run: RunData, key: str, step: int) -> Interval:
    """A figure with its interval; unknown where the step was not evaluated."""
    return interval_at(run, key, step) if step in run.metrics else Interval()


def first_evaluation(run: RunData) -> int | None:
    """The step that stands for "before": the first one evaluated."""
    return min(run.evaluated_steps, default=None)


def figures_table(run: RunData, step: int) -> list[str]:
    """Before and at `step`, one line for every measure that the run logged; empty where it evaluated nothing."""
    before = first_evaluation(run)
    if before is None:
        return []
    rows = []
    for measure in (measure for measure in REPORTED if measure.key in run.keys):
        found = [with_interval(figure_at(run, measure.key, at), measure.unit) for at in (before, step)]
        rows.append([measure.label, *found, f"`{measure.key}`"])
    return table(["", f"before (step {before})", f"step {step}", "key"], rows)


def sentence(run: RunData, step: int) -> str:
    """What happened up to `step`, in words."""
    if step not in run.evaluated_steps:
        return f"The run was not evaluated at step {step}."
    until = replace(run, metrics={at: row for at, row in run.metrics.items() if at <= step})
    return headline(until)


def model_index(run: RunData, name: str, setting: str, step: int) -> list[dict[str, Any]]:
    """The figures at `step` in the form in which the Hub's evaluation results are written; empty without any."""
    metrics = []
    for measure in REPORTED:
        found = figure_at(run, measure.key, step)
        if found.value is not None:
            ends = {"args": {"lo": found.low, "hi": found.high}} if found.bounds is not None else {}
            metrics.append({"type": measure.key, "name": measure.label, "value": found.value} | ends)
    dataset = {"type": "goalguard", "name": f"goalguard held-out requests, setting {setting}", "split": "evaluation"}
    results = {"task": {"type": "text-generation"}, "dataset": dataset, "metrics": metrics}
    return [{"name": name, "results": [results]}] if metrics else []
