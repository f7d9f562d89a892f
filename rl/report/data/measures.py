"""The figures a report speaks of, with their intervals, before and after RL.

Rates are shares in [0, 1]; a gap is a difference of two shares (the pages print percent and percentage points).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from monitors.statistics.gap import mean_over_seeds
from monitors.statistics.interval import Interval
from rl.report.data.load import RunData
from rl.tracking.metrics import (
    AF_GIVEN_COMPLIED,
    FREE_AF,
    FREE_COMPLIANCE,
    GAP,
    GAP_P,
    PAID_AF,
    PAID_COMPLIANCE,
    RELATIVE_GAP,
    get_metric,
)

_KEYS = (FREE_AF, AF_GIVEN_COMPLIED, PAID_AF, FREE_COMPLIANCE, PAID_COMPLIANCE, GAP, GAP_P, RELATIVE_GAP)
MEASURES = tuple(map(get_metric, _KEYS))
"""Rows of the before-and-after table."""


def interval_at(run: RunData, key: str, step: int) -> Interval:
    """Return the value of `key` at `step` with the interval that the run logged as `<key>_lo` and `<key>_hi`."""
    return Interval.from_row(run.metrics[step], key)


def change(before: Interval, after: Interval) -> Interval:
    """Return after - before, with an interval built from the two intervals by square-and-add.

    For two Wilson intervals this is Newcombe's hybrid score interval (Statistics in Medicine 1998, method 10); for
    others it is the same construction (MOVER). It treats the two as independent. Before and after are measured on the
    same requests and so are mostly positively correlated, which makes the interval too wide rather than too narrow.
    """
    if before.value is None or after.value is None:
        return Interval()
    difference = after.value - before.value
    if before.bounds is None or after.bounds is None:
        return Interval(difference)
    (low_before, high_before), (low_after, high_after) = before.bounds, after.bounds
    down = math.hypot(after.value - low_after, high_before - before.value)
    up = math.hypot(high_after - after.value, before.value - low_before)
    return Interval(difference, difference - down, difference + up)


def over_seeds(values: Sequence[float | None]) -> Interval:
    """Return the mean over seeds with Student's t interval: no interval for one seed, nothing for none.

    NaNs and Nones are left out.
    """
    return mean_over_seeds([None if value is None or math.isnan(value) else value for value in values])
