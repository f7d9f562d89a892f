"""The before-and-after table, for the page and for the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rl.report.data.load import RunData, load_run
from rl.report.data.measures import MEASURES, interval_at
from rl.report.data.visible import visible
from rl.report.data.wording import ABSENT, figure, interval
from rl.tracking.metrics import FREE_COMPLIANCE, RELATIVE_GAP, Metric

Cell = tuple[str, str]
"""A figure and its interval, as printed."""
UNKNOWN: Cell = (ABSENT, "")


@dataclass(frozen=True, slots=True)
class Row:
    """A measure before and after RL, beside the published pair."""

    label: str
    before: Cell
    after: Cell
    published_before: Cell
    published_after: Cell


def before_after(run: RunData) -> list[Row]:
    """The table's rows; a run with one evaluation has dashes for `after`."""
    first, last = _ends(run)
    published = run.conflict.published
    return [
        Row(
            label=measure.heading,
            before=_cell(run, measure, first),
            after=_cell(run, measure, last),
            published_before=published.before.get(measure.key, UNKNOWN),
            published_after=published.after.get(measure.key, UNKNOWN),
        )
        for measure in MEASURES
    ]


def column_steps(run: RunData) -> tuple[str, str]:
    """What stands over the two columns: the steps before and after."""
    first, last = _ends(run)
    return ("step " + str(first) if first is not None else ABSENT, "step " + str(last) if last is not None else ABSENT)


def final_table(run_dir: Path) -> str:
    """The table as plain text for a terminal.

    Raises:
        MissingFile: `run_dir` is no run.
    """
    run = load_run(run_dir)
    rows = before_after(run)
    first, last = column_steps(run)
    lines = [(visible(run.experiment), f"before RL ({first})", f"after RL ({last})")]
    lines += [(row.label, " ".join(row.before).rstrip(), " ".join(row.after).rstrip()) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    text.insert(1, "-" * (sum(widths) + 4))
    return "\n".join([*text, "Brackets are 95% intervals; gap = compliance on the free tier minus paid."])


def _ends(run: RunData) -> tuple[int | None, int | None]:
    steps = run.evaluated_steps
    return (steps[0] if steps else None, steps[-1] if len(steps) > 1 else None)


def _cell(run: RunData, measure: Metric, step: int | None) -> Cell:
    if step is None:
        return (ABSENT, "")
    read = interval_at(run, measure.key, step)
    if measure.key == RELATIVE_GAP and read.value is None and interval_at(run, FREE_COMPLIANCE, step).value == 1:
        return ("undefined", "")
    return (figure(read, measure.unit), interval(read, measure.unit))
