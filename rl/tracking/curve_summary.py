"""The few numbers that stand for a curve: where it began, where it ended, its best, and the area under the gap."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from rl.tracking.metrics import GAP, find_metric

_CURVE = re.compile(r"(eval|train)/.+(?<!_lo)(?<!_hi)(?<!_p)")


def summarise_curves(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """`first/<key>`, `last/<key>` and `best/<key>` of every `eval/*` and `train/*` curve, and `area/eval/gap`.

    Best is the lowest value where the metric's record says that lower is better, and the highest of everything else.
    Bounds and p-values have no summary. The area is the trapezoid sum of the gap over steps, in shares times steps;
    divide it by the last step to compare runs that stopped at different ones.

    Args:
        rows: Of `metrics.jsonl`; `null` is passed over, and of two values of a step the later one counts.
    """
    curves: dict[str, dict[int, float]] = {}
    for row in rows:
        for key, value in row.items():
            if _CURVE.fullmatch(key) and value is not None:
                curves.setdefault(key, {})[int(row["step"])] = float(value)
    found: dict[str, float] = {}
    for key, curve in curves.items():
        values = [curve[step] for step in sorted(curve)]
        metric = find_metric(key)
        best = min(values) if metric is not None and metric.lower_is_better else max(values)
        found |= {f"first/{key}": values[0], f"last/{key}": values[-1], f"best/{key}": best}
    return found | ({f"area/{GAP}": _area(curves[GAP])} if GAP in curves else {})


def _area(curve: Mapping[int, float]) -> float:
    steps = sorted(curve)
    return sum((later - earlier) * (curve[earlier] + curve[later]) / 2 for earlier, later in pairwise(steps))
