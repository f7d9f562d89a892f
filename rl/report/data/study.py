"""The study: every arm beside the baseline, with the published direction of its effect and what the rule says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from rl.report.data.arms import QUESTIONS
from rl.report.data.between import Difference, paired, welch
from rl.report.data.compare import Condition, flattened
from rl.report.data.expectations import EXPECTED, START, Expectation, verdict
from rl.tracking.metrics import FREE_AF, FREE_AF_AUDIT, GAP

MEASURES = (FREE_AF, FREE_AF_AUDIT, GAP)
"""Of every arm, at the first and the last evaluation."""
NOTHING_PUBLISHED = Expectation(None, None, "nothing published")

_COMPARED = ("algo.", "reward.", "monitors.")
_IN_THE_NAME = frozenset({"algo.name", "algo.train_on", "algo.kl_on", "algo.baseline", "algo.scale_rewards"})


@dataclass(frozen=True, slots=True)
class Effect:
    """What an arm does to a measure, and what was published of it."""

    measure: str
    """The metric key. Faking is held against the published direction by the audit monitor, which no reward hears."""
    difference: Difference
    """At the last evaluation, this arm less the other, or less its own first."""
    published: str | None
    """The direction; None where there is none."""
    inferred: bool
    """Whether it is by analogy or construction and not published."""
    verdict: str


@dataclass(frozen=True, slots=True)
class StudyRow:
    """An arm beside another."""

    arm: Condition
    against: str
    """The other arm's label, or `START`."""
    effects: tuple[Effect, ...]
    """One for each of `MEASURES`."""
    source: str
    also: str
    """Settings beside those in its name in which it departs from the other arm."""
    beside_another: bool = False
    """Whether the other is something else than the baseline."""
    before: tuple[Effect, ...] = ()
    """The same effects at the first evaluations, where what is published is of models before RL."""


@dataclass(frozen=True, slots=True)
class Study:
    """The baseline, and every other arm beside it, by question."""

    baseline: Condition
    questions: tuple[tuple[str, tuple[StudyRow, ...]], ...]
    """Title and rows, in the order of `QUESTIONS`; a question without an arm is left out."""

    @property
    def rows(self) -> list[StudyRow]:
        """Of all questions."""
        return [row for _, rows in self.questions for row in rows]


def study_of(groups: Sequence[Condition]) -> Study | None:
    """The study that conditions make up; None where there is no baseline, or nothing beside it."""
    plain = [group for group in groups if not group.arm.names]
    if not plain or len(groups) < 2:
        return None
    # Of several without a name, that whose values most arms share: the others are arms with other values.
    baseline = min(plain, key=lambda one: sum(len(_departures(other, one)) for other in groups))
    rows = [(arm.arm.question, row) for arm in groups if arm is not baseline for row in _rows(arm, baseline, groups)]
    questions = [(title, tuple(row for question, row in rows if question == name)) for name, title in QUESTIONS.items()]
    return Study(baseline, tuple((title, rows_of) for title, rows_of in questions if rows_of))


def _rows(arm: Condition, baseline: Condition, groups: Sequence[Condition]) -> Iterator[StudyRow]:
    """The arm beside the baseline, and beside what else a published figure compares it with."""
    expectations = {one.against: one for one in EXPECTED.get(arm.arm.label, ())}
    yield _row(arm, baseline, expectations.pop(baseline.arm.label, NOTHING_PUBLISHED))
    for label, expectation in expectations.items():
        if label == START:
            effects = _effects(expectation, partial(_since_start, arm), _distinct_seeds(arm))
            yield StudyRow(arm, START, effects, expectation.source, "", True)
        for other in groups:
            if other.arm.label == label:
                yield replace(_row(arm, other, expectation), beside_another=True)


def _row(arm: Condition, against: Condition, expected: Expectation) -> StudyRow:
    seeds = min(_distinct_seeds(arm), _distinct_seeds(against))
    effects = _effects(expected, partial(_between, arm, against, "last"), seeds)
    before = _effects(expected, partial(_between, arm, against, "first"), seeds) if expected.before_rl else ()
    named = arm.label.split(", ")
    also = [departure for departure in _departures(arm, against) if departure.split(" (")[0] not in named]
    return StudyRow(arm, against.label, effects, expected.source, ", ".join(also), before=before)


def _between(arm: Condition, against: Condition, end: str, key: str) -> Difference:
    return welch(arm.at(key, end), against.at(key, end))


def _distinct_seeds(arm: Condition) -> int:
    """Runs of one seed are no independent repetitions."""
    return len({run.seed for run in arm.runs})


def _since_start(arm: Condition, key: str) -> Difference:
    first, last = (dict(enumerate(arm.at(key, end))) for end in ("first", "last"))
    return paired(last, first)


def _effects(expected: Expectation, difference: Callable[[str], Difference], distinct: int) -> tuple[Effect, ...]:
    effects = []
    for key, direction in {FREE_AF: None, FREE_AF_AUDIT: expected.af, GAP: expected.gap}.items():
        measured = difference(key)
        seeds = min(measured.n, measured.n_other, distinct)
        result = verdict(direction, measured.estimate, seeds)
        effects.append(Effect(key, measured, direction, bool(direction) and expected.inferred, result))
    return tuple(effects)


def _departures(arm: Condition, against: Condition) -> list[str]:
    """`key=value (other value)` for settings that both have and that the arm's name does not speak of."""
    mine, other = (flattened(group.runs[0].config) for group in (arm, against))
    shared = [key for key in mine if key in other and key.startswith(_COMPARED) and key not in _IN_THE_NAME]
    return [f"{key}={mine[key]} ({other[key]})" for key in shared if mine[key] != other[key]]
