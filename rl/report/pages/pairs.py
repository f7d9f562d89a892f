"""Pairs of conditions: differences of their last evaluations with intervals, and p values corrected for the family."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rl.report.data.between import Difference, holm, paired, welch
from rl.report.data.compare import Condition
from rl.report.data.summary import as_json
from rl.report.data.wording import ABSENT, interval, p_value, signed
from rl.report.tables.run import Cell
from rl.tracking.metrics import FREE_AF, GAP

MOST_IN_ALL_PAIRS = 8
"""Conditions of which every pair is shown; of more, every one is held against the first, which is the baseline."""
FEWEST_SHARED = 2
"""Seeds that both of a pair must have for a test by seed."""
MEASURED = {FREE_AF: "AF reasoning, free tier: difference", GAP: "Compliance gap: difference"}


@dataclass(frozen=True, slots=True)
class Pair:
    """One measure of two conditions at the last evaluation."""

    measure: str
    """A key of `MEASURED`."""
    difference: Difference
    """The first condition's mean less the second's."""
    by_seed: bool
    """Whether seeds are paired; otherwise the test is Welch's."""
    p_holm: float
    """Corrected for every test shown (Holm 1979); NaN where there is none."""


@dataclass(frozen=True, slots=True)
class PairRow:
    """Two conditions."""

    label: str
    against: str
    pairs: tuple[Pair, ...]
    """One for each of `MEASURED`."""


@dataclass(frozen=True, slots=True)
class PairLine:
    """A row of the table as it is printed."""

    label: str
    cells: tuple[Cell, ...]


def pair_rows(groups: Sequence[Condition]) -> list[PairRow]:
    """The pairs of conditions with their differences; all tests together are one family."""
    chosen = list(_chosen(groups))
    differences = [_difference(one, other, key) for one, other in chosen for key in MEASURED]
    adjusted = holm([difference.p for difference, _ in differences])
    tests = iter(zip(differences, adjusted, strict=True))
    rows = []
    for one, other in chosen:
        pairs = [
            Pair(key, *test, p) for key, (test, p) in zip(MEASURED, itertools.islice(tests, len(MEASURED)), strict=True)
        ]
        rows.append(PairRow(one.label, other.label, tuple(pairs)))
    return rows


def _chosen(groups: Sequence[Condition]) -> Iterable[tuple[Condition, Condition]]:
    """The later condition of a pair first: it is held against the earlier, and all against the baseline."""
    if len(groups) > MOST_IN_ALL_PAIRS:
        return ((group, groups[0]) for group in groups[1:])
    return ((later, earlier) for earlier, later in itertools.combinations(groups, 2))


def _difference(one: Condition, other: Condition, key: str) -> tuple[Difference, bool]:
    """By seed where every seed is on both sides, else Welch's; a seed with no value on one side is left out."""
    mine, theirs = _by_seed(one, key), _by_seed(other, key)
    same = mine.keys() == theirs.keys() and len(mine) >= FEWEST_SHARED
    if same and not (one.repeated_seeds or other.repeated_seeds):
        return paired(mine, theirs), True
    return welch(one.at(key, "last"), other.at(key, "last")), False


def _by_seed(group: Condition, key: str) -> dict[str, float]:
    return {run.seed: value for run, value in zip(group.runs, group.at(key, "last"), strict=True) if run.seed}


def pair_lines(rows: Sequence[PairRow]) -> list[PairLine]:
    """The rows in words: a difference in points with its interval, and p values beneath."""
    return [PairLine(f"{row.label} less {row.against}", tuple(map(_cell, row.pairs))) for row in rows]


def _cell(pair: Pair) -> Cell:
    difference = pair.difference
    if difference.estimate.value is None:
        return (ABSENT, "")
    value = f"{signed(difference.estimate)} {interval(difference.estimate, 'points')}".rstrip()
    seeds = f"{difference.n} pairs of seeds" if pair.by_seed else f"{difference.n} and {difference.n_other} runs"
    if math.isnan(difference.p):
        return (value, f"{seeds}; no test")
    return (value, f"{seeds}; p {p_value(difference.p)}, corrected {p_value(pair.p_holm)}")


def pairs_note(rows: Sequence[PairRow]) -> str:
    """How the tests were made, how many there are, and what their p values do not say."""
    tests = sum(not math.isnan(pair.difference.p) for row in rows for pair in row.pairs)
    return (
        "Differences of means over seeds at the last evaluation, in points, with 95% intervals. Where two conditions "
        "have the same seeds these are paired (Student\u2019s t); otherwise the test is Welch\u2019s. Corrected p "
        f"values are Holm\u2019s over the {tests} tests of this table and nothing else; intervals are not corrected. "
        "A large p is no evidence that two conditions are alike, and a small one says nothing of how much they differ."
    )


def pairs_json(rows: Sequence[PairRow]) -> list[dict[str, Any]]:
    """The pairs for programs: shares, with `null` for what is not known."""
    return [
        {"condition": row.label, "against": row.against, "measures": {p.measure: _pair_json(p) for p in row.pairs}}
        for row in rows
    ]


def _pair_json(pair: Pair) -> dict[str, Any]:
    difference = pair.difference
    ps = {name: None if math.isnan(p) else p for name, p in (("p", difference.p), ("p_holm", pair.p_holm))}
    test = "paired" if pair.by_seed else "welch"
    return as_json(difference.estimate) | ps | {"test": test, "n": difference.n, "n_other": difference.n_other}
