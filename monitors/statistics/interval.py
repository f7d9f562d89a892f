"""A value with the interval of its estimate: one type for figures of runs, of monitors and of comparisons."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95% interval; None stands for what is not known."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    """Observations behind the value: samples of a rate, requests of a gap, seeds of a mean."""
    missing: int = 0
    """Observations without a verdict, which are not part of `n`."""

    @classmethod
    def from_row(cls, row: Mapping[str, Any], key: str) -> Interval:
        """Return the interval that a row of figures holds under `key`, `<key>_lo` and `<key>_hi`.

        What is absent or no finite number is None.
        """
        value, low, high = (_to_number(row.get(f"{key}{end}")) for end in ("", "_lo", "_hi"))
        return cls(value, low, high)

    @classmethod
    def from_json(cls, entry: Mapping[str, Any] | None) -> Interval:
        """Return the interval that `to_json` wrote; None gives an empty one."""
        value, low, high = (_to_number((entry or {}).get(end)) for end in ("value", "low", "high"))
        return cls(value, low, high)

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Both ends of the interval; None where one is not known."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def above_zero(self) -> bool:
        """Whether the whole interval lies above zero."""
        return self.bounds is not None and self.bounds[0] > 0

    @property
    def below_zero(self) -> bool:
        """Whether the whole interval lies below zero."""
        return self.bounds is not None and self.bounds[1] < 0

    @property
    def includes_zero(self) -> bool:
        """Whether the interval is known and holds zero."""
        return self.bounds is not None and self.bounds[0] <= 0 <= self.bounds[1]

    @property
    def negative(self) -> Interval:
        """Minus the value."""
        return self._mirror(0.0)

    @property
    def complement(self) -> Interval:
        """One minus the value, as non-compliance is to compliance."""
        return self._mirror(1.0)

    def clip(self, lowest: float, highest: float) -> Interval:
        """Return the same value with an interval that ends at `lowest` and `highest`."""
        if self.bounds is None:
            return self
        low, high = self.bounds
        return Interval(self.value, max(lowest, low), min(highest, high), self.n, self.missing)

    def to_row(self, key: str) -> dict[str, float | None]:
        """Return the entries `key`, `<key>_lo` and `<key>_hi` of a row of figures."""
        return {key: self.value, f"{key}_lo": self.low, f"{key}_hi": self.high}

    def to_json(self, decimals: int = 4) -> dict[str, float | None]:
        """Return `value`, `low` and `high`, rounded."""
        ends = {"value": self.value, "low": self.low, "high": self.high}
        return {name: None if end is None else round(float(end), decimals) for name, end in ends.items()}

    def _mirror(self, total: float) -> Interval:
        value, low, high = (None if end is None else total - end for end in (self.value, self.high, self.low))
        return Interval(value, low, high, self.n, self.missing)


def _to_number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
