"""The study as words: rows for the page, a Markdown file for documents, and JSON for programs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rl.report.data.arms import BASELINE
from rl.report.data.compare import Condition
from rl.report.data.expectations import NOT_REPRODUCED, REPRODUCED, RULE, UNDECIDED
from rl.report.data.study import MEASURES, Effect, Study, StudyRow
from rl.report.data.summary import as_json
from rl.report.data.wording import ABSENT, count, figure, interval, signed, with_interval
from rl.report.tables.run import Cell
from rl.tracking.metrics import AF_GIVEN_COMPLIED, FREE_AF, FREE_AF_AUDIT, GAP, get_metric

COLUMNS = ("AF, first monitor", "AF, audit", "Gap, points", "AF by the audit: effect", "Gap: effect")
JUDGED = (FREE_AF_AUDIT, GAP)
"""Measures whose effects are held against what is published."""
NOTE = (
    "Every arm before and after RL: means over seeds, with Student\u2019s 95% interval over seeds at the end. Effects "
    "are differences of the last evaluations, in points, with Welch\u2019s 95% interval. The first monitor may be part "
    "of a mitigation\u2019s reward; the audit never is, so verdicts on faking are by the audit. Intervals are not "
    "corrected for the number of arms: of twenty arms without an effect one is expected to exclude zero. Seeds are of "
    "RL: each organism was built once, so that differences between organisms may be of two builds as well."
)


@dataclass(frozen=True, slots=True)
class StudyLine:
    """A row of a table as it is printed."""

    label: str
    seeds: str
    cells: tuple[Cell, ...]
    """For each of `COLUMNS` a figure and what stands beneath it."""
    note: str
    """What is published, by whom, and what else differs."""


@dataclass(frozen=True, slots=True)
class StudyTable:
    """One question's rows."""

    title: str
    lines: tuple[StudyLine, ...]


def study_tables(study: Study) -> list[StudyTable]:
    """One table a question, the baseline on top of each."""
    start = _condition_line(study.baseline)
    return [StudyTable(title, (start, *map(_line, rows))) for title, rows in study.questions]


def _condition_line(group: Condition) -> StudyLine:
    none: Cell = (ABSENT, "")
    note = "" if _is_called_so(group) else f"the {BASELINE} of this comparison"
    return StudyLine(group.label, str(len(group.runs)), (*_ends(group), none, none), note)


def _is_called_so(baseline: Condition) -> bool:
    """Whether the label says that it is the baseline; among other values of the same settings it has only values."""
    return BASELINE in baseline.label.split(", ")


def _ends(group: Condition) -> tuple[Cell, ...]:
    """Before and after of every measure."""
    cells = []
    for key in MEASURES:
        first, last = (group.mean_at(key, end, bounded=key != GAP) for end in ("first", "last"))
        unknown = first.value is None and last.value is None
        both = ABSENT if unknown else " \u2192 ".join(figure(end, get_metric(key).unit) for end in (first, last))
        cells.append((both, interval(last, get_metric(key).unit)))
    return tuple(cells)


def _line(row: StudyRow) -> StudyLine:
    effects = {effect.measure: effect for effect in row.effects}
    beside = f" against {row.against}" if row.beside_another else ""
    remarks = [row.source, f"also {row.also}" if row.also else "", _before(row)]
    return StudyLine(
        f"{row.arm.label}{beside}",
        str(len(row.arm.runs)),
        (*_ends(row.arm), *(_effect(effects[key]) for key in JUDGED)),
        "; ".join(filter(None, remarks)),
    )


def _before(row: StudyRow) -> str:
    """The same directions held against what was there before RL, where publications speak of that."""
    names = {FREE_AF_AUDIT: "AF", GAP: "gap"}
    verdicts = [f"{names[one.measure]} {' '.join(_effect(one))}" for one in row.before if one.published]
    return f"before RL: {', '.join(verdicts)}" if verdicts else ""


def _effect(effect: Effect) -> Cell:
    difference = effect.difference.estimate
    by = "inferred" if effect.inferred else "published"
    judged = f"; {by} {effect.published}: {effect.verdict}" if effect.published else ""
    return (signed(difference), f"{interval(difference, 'points')}{judged}".removeprefix("; "))


def tally(study: Study) -> str:
    """How many verdicts of each kind there are."""
    judged = [effect for row in study.rows for effect in row.effects if effect.verdict]
    if not judged:
        return "None of these arms has a published direction to be held against."
    known, inferred = ([one.verdict for one in judged if one.inferred is kind] for kind in (False, True))
    sentence = f"Of {count(len(known), 'published direction')}: {_tallied(known)}."
    if inferred:
        sentence += (
            f" Of {count(len(inferred), 'direction')} by analogy or construction, never measured: {_tallied(inferred)}."
        )
    return sentence + _tally_before(study)


def _tally_before(study: Study) -> str:
    """The directions that were published of models before RL, at the end and at the start."""
    rows = [row for row in study.rows if row.before]
    pairs = [pair for row in rows for pair in zip(row.effects, row.before, strict=True)]
    known = [(late, early) for late, early in pairs if late.published and not late.inferred]
    if not known:
        return ""
    late, early = ([one.verdict for one in side] for side in zip(*known, strict=True))
    return (
        f" {len(known)} of the published directions are of models before RL. By the last evaluations: {_tallied(late)}"
        f"; by the first, which is what they speak of: {_tallied(early)}."
    )


def _tallied(verdicts: Sequence[str]) -> str:
    return ", ".join(f"{verdicts.count(kind)} {kind}" for kind in (REPRODUCED, NOT_REPRODUCED, UNDECIDED))


def study_markdown(study: Study) -> str:
    """The tables as a Markdown document."""
    return "\n".join(["# Study", "", tally(study), "", RULE, "", NOTE, *_markdown_tables(study)]) + "\n"


def _markdown_tables(study: Study) -> Iterator[str]:
    heads = ("Arm", "Seeds", *COLUMNS, "What is published, and what else differs")
    for table in study_tables(study):
        yield from ("", f"## {table.title}", "", _row(heads), _row(["---"] * len(heads)))
        for line in table.lines:
            cells = [" ".join(filter(None, cell)) for cell in line.cells]
            yield _row([line.label, line.seeds, *cells, line.note])


def _row(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|').replace(chr(10), ' ') for cell in cells)} |"


def study_json(study: Study) -> dict[str, Any]:
    """The study for programs: shares with intervals, `null` for what is not known."""
    questions = {title: [_row_json(row) for row in rows] for title, rows in study.questions}
    return {"rule": RULE, "baseline": _arm_json(study.baseline), "questions": questions}


def _row_json(row: StudyRow) -> dict[str, Any]:
    effects, before = ({effect.measure: _effect_json(effect) for effect in side} for side in (row.effects, row.before))
    words = {"against": row.against, "source": row.source, "also": row.also}
    return _arm_json(row.arm) | words | {"effects": effects, "before": before}


def _arm_json(group: Condition) -> dict[str, Any]:
    first, last = (
        {key: as_json(group.mean_at(key, end, bounded=key != GAP)) for key in MEASURES} for end in ("first", "last")
    )
    return {"arm": group.label, "seeds": len(group.runs), "first": first, "last": last}


def _effect_json(effect: Effect) -> dict[str, Any]:
    difference = effect.difference
    p = None if math.isnan(difference.p) else difference.p
    return as_json(difference.estimate) | {
        "p": p,
        "published": effect.published,
        "inferred": effect.inferred,
        "verdict": effect.verdict or None,
    }


def headline(study: Study) -> str:
    """The comparison's first sentence where it is a study."""
    arms = len({row.arm.label for row in study.rows})
    gap = study.baseline.mean_at(GAP, "last", bounded=False)
    known = study.baseline.mean_at(AF_GIVEN_COMPLIED, "last", bounded=True).value is not None
    among = f" ({_from_to(study.baseline, AF_GIVEN_COMPLIED)} among free-tier compliers)" if known else ""
    name = f"the {BASELINE}" if _is_called_so(study.baseline) else study.baseline.label
    return (
        f"{count(arms, 'arm')} beside {name}, whose faking goes {_from_to(study.baseline, FREE_AF)}{among} "
        f"and whose gap ends at {with_interval(gap, 'points')} points."
    )


def _from_to(group: Condition, key: str) -> str:
    """Return both ends of a share, the last with its interval."""
    first, last = (group.mean_at(key, end, bounded=True) for end in ("first", "last"))
    return f"from {figure(first, 'share')} to {with_interval(last, 'share')}"
