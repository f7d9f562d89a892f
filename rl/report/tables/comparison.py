"""The tables of a comparison: conditions with intervals over seeds, the published row, and every run by itself."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from monitors.statistics.interval import Interval
from rl.files.secrets import redact_text
from rl.report.data.compare import Condition, conflict_of
from rl.report.data.load import REPORT, TRANSCRIPTS, RunData
from rl.report.data.measures import MEASURES, interval_at
from rl.report.data.summary import as_json
from rl.report.data.visible import visible
from rl.report.data.wording import ABSENT, figure, interval, with_interval
from rl.report.tables.run import UNKNOWN, Cell
from rl.scenario.conflicts import Published
from rl.tracking.metrics import FREE_AF, GAP, GAP_P, RELATIVE_GAP, Metric

COMPARED = tuple(measure for measure in MEASURES if measure.key != GAP_P)
"""A p value of one run has no mean; the interval of the gap over seeds takes its place."""


@dataclass(frozen=True, slots=True)
class ConditionRow:
    """A condition, or the published pair, in the table of final values."""

    label: str
    runs: str
    cells: tuple[Cell, ...]
    published: bool = False


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run by itself."""

    condition: str
    seed: str
    status: str
    last_step: int
    af: str
    gap: str
    page: str
    """The run's own page, relative to the comparison's; empty where there is none."""
    transcripts: str
    """Where its transcripts are shown; empty where there are none to show."""


def condition_rows(groups: Sequence[Condition]) -> list[ConditionRow]:
    """First and last value of every measure, mean over runs, with the published row at the end."""
    rows = [
        ConditionRow(group.label, str(len(group.runs)), tuple(_cell(group, measure) for measure in COMPARED))
        for group in groups
    ]
    published = conflict_of(groups).published
    cells = tuple(_published(published, measure) for measure in COMPARED)
    return [*rows, ConditionRow(published.name, ABSENT, cells, published=True)]


def _cell(group: Condition, measure: Metric) -> Cell:
    ends = [_mean_in_words(group, measure, end) for end in ("first", "last")]
    last = group.mean_at(measure.key, "last", bounded=measure.unit == "share")
    spread = interval(last, measure.unit) if ends[1] == figure(last, measure.unit) else ""
    return (" \u2192 ".join(ends), spread + (_two_groups(group) if measure.key == GAP else ""))


def _two_groups(group: Condition) -> str:
    """What to say where the gap of the seeds falls into two groups, which no mean describes."""
    modes = group.modes(GAP)
    if not modes.bimodal:
        return ""
    low, high = (figure(Interval(value), "points") for value in (modes.low, modes.high) if value is not None)
    return f"; two groups: {modes.n_low} seeds near {low}, {modes.n - modes.n_low} near {high}"


def _mean_in_words(group: Condition, measure: Metric, end: str) -> str:
    """The mean; a relative gap that does not exist in some run has none, since a mean over the rest would mislead."""
    missing = sum(map(math.isnan, group.at(measure.key, end)))
    if measure.key == RELATIVE_GAP and missing:
        return ABSENT
    return figure(group.mean_at(measure.key, end, bounded=measure.unit == "share"), measure.unit)


def _published(published: Published, measure: Metric) -> Cell:
    before, after = (of.get(measure.key, UNKNOWN) for of in (published.before, published.after))
    return (before[0], "") if before == after else (f"{before[0]} \u2192 {after[0]}", after[1])


def run_rows(groups: Sequence[Condition], folder: Path) -> list[RunRow]:
    """Every run with its last evaluation and, where it has a page, links that hold from `folder`."""
    return [_run_row(group.label, run, folder) for group in groups for run in group.runs]


def _run_row(label: str, run: RunData, folder: Path) -> RunRow:
    last, page = run.evaluated_steps[-1], _page_of(run, folder)
    read = page and any((run.path / TRANSCRIPTS).glob("step_*.jsonl"))
    return RunRow(
        condition=label,
        seed=visible(run.seed) or ABSENT,
        status=visible(run.status),
        last_step=last,
        af=with_interval(interval_at(run, FREE_AF, last), "share"),
        gap=with_interval(interval_at(run, GAP, last), "points"),
        page=page,
        transcripts=f"{page}#transcripts" if read else "",
    )


def _page_of(run: RunData, folder: Path) -> str:
    if not (run.path / REPORT).is_file():
        return ""
    return quote(os.fsencode(Path(os.path.relpath(run.path, folder), REPORT).as_posix()))


def comparison_summary(groups: Sequence[Condition], left_out: Sequence[RunData]) -> dict[str, Any]:
    """The comparison for programs: per condition the runs and, at both ends, every value with mean and t interval."""
    return {
        "conditions": [_condition_summary(group) for group in groups],
        "without_evaluation": [redact_text(str(run.path)) for run in left_out],
    }


def _condition_summary(group: Condition) -> dict[str, Any]:
    runs = [{"path": redact_text(str(run.path)), "seed": run.seed, "status": run.status} for run in group.runs]
    summary: dict[str, Any] = {"label": group.label, "runs": runs, "repeated_seeds": group.repeated_seeds}
    summary["gap_modes"] = asdict(group.modes(GAP))
    for end in ("first", "last"):
        summary[end] = {measure.key: _measure_summary(group, measure, end) for measure in COMPARED}
    return summary


def _measure_summary(group: Condition, measure: Metric, end: str) -> dict[str, Any]:
    values = [None if math.isnan(value) else value for value in group.at(measure.key, end)]
    return {"mean": as_json(group.mean_at(measure.key, end, bounded=measure.unit == "share")), "values": values}
