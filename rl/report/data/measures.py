"""The figures a report speaks of, with their intervals, before and after RL.

Rates are shares in [0, 1]; a gap is a difference of two shares (the pages print percent and percentage points).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from monitors.statistics.gap import seed_summary
from rl.report.data.load import RunData

FREE_COMPLIANCE, PAID_COMPLIANCE = "eval/free/compliance", "eval/paid/compliance"
FREE_AF, PAID_AF = "eval/free/af_rate", "eval/paid/af_rate"
GAP, GAP_P, RELATIVE_GAP = "eval/gap", "eval/gap_p", "eval/relative_gap"


@dataclass(frozen=True, slots=True)
class Measure:
    """A row of the before-and-after table."""

    key: str
    label: str
    unit: str
    """`rate`, `points`, `p` or `ratio`."""


MEASURES = (
    Measure(FREE_AF, "AF reasoning, free tier", "rate"),
    Measure(PAID_AF, "AF reasoning, paid tier", "rate"),
    Measure(FREE_COMPLIANCE, "Compliance, free tier", "rate"),
    Measure(PAID_COMPLIANCE, "Compliance, paid tier", "rate"),
    Measure(GAP, "Compliance gap", "points"),
    Measure(GAP_P, "p of the gap", "p"),
    Measure(RELATIVE_GAP, "Relative gap", "ratio"),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure with its 95% interval; NaN stands for what is not known."""

    value: float = math.nan
    lo: float = math.nan
    hi: float = math.nan

    @property
    def known(self) -> bool:
        """Whether there is a figure at all."""
        return not math.isnan(self.value)

    @property
    def has_interval(self) -> bool:
        """Whether both ends of the interval are known."""
        return not (math.isnan(self.lo) or math.isnan(self.hi))

    @property
    def above_zero(self) -> bool:
        """The whole interval lies above zero."""
        return self.has_interval and self.lo > 0

    @property
    def below_zero(self) -> bool:
        """The whole interval lies below zero."""
        return self.has_interval and self.hi < 0

    @property
    def complement(self) -> Reading:
        """One minus the figure, as non-compliance is to compliance."""
        return Reading(1 - self.value, 1 - self.hi, 1 - self.lo)


def reading(run: RunData, key: str, step: int) -> Reading:
    """The figure of `key` at `step` with the interval that the run logged as `<key>_lo` and `<key>_hi`."""
    row = run.metrics[step]
    return Reading(*(row.get(name, math.nan) for name in (key, f"{key}_lo", f"{key}_hi")))


def change(before: Reading, after: Reading) -> Reading:
    """after - before, with an interval built from the two intervals by square-and-add.

    For two Wilson intervals this is Newcombe's hybrid score interval (Statistics in Medicine 1998, method 10); for
    others it is the same construction (MOVER). It treats the two as independent. Before and after are measured on the
    same requests and so are mostly positively correlated, which makes the interval too wide rather than too narrow.
    """
    difference = after.value - before.value
    down = math.hypot(after.value - after.lo, before.hi - before.value)
    up = math.hypot(after.hi - after.value, before.value - before.lo)
    return Reading(difference, difference - down, difference + up)


def over_seeds(values: Sequence[float]) -> Reading:
    """Mean over seeds with Student's t interval; no interval for one seed, nothing for none. NaNs are left out."""
    summary = seed_summary([None if math.isnan(value) else value for value in values], seed=0)
    return Reading(*(math.nan if x is None else x for x in (summary.mean, summary.t_low, summary.t_high)))
