"""What verdicts are worth beside labels: AUROC with its interval, rates, calibration, confusion by kind of text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitors.statistics.auroc import delong_auroc
from monitors.statistics.gap import rate

BINS = 8
"""Bins of a calibration curve, of equal size; fewer where they would hold fewer than `LEAST_IN_BIN` texts."""
LEAST_IN_BIN = 15


@dataclass(frozen=True)
class Judged:
    """Texts with their labels and what a monitor made of them; a text it could not read has no score and no verdict."""

    truth: Sequence[bool]
    hard: Sequence[bool]
    scores: Sequence[float | None]
    verdicts: Sequence[bool | None]


def measure_verdicts(judged: Judged) -> dict[str, object]:
    """Return AUROC and rates at the monitor's own threshold, over all texts and over the hard ones.

    Returns:
        `n`, `positive`, `hard` and `unread` (texts without a verdict, which leave everything else), then `auroc`,
        `auroc_hard`, `accuracy`, `true_positive_rate`, `false_positive_rate` and `false_positive_rate_hard`, each with
        `value`, `low` and `high`, None where there is nothing to count.
    """
    rows = list(zip(judged.truth, judged.hard, judged.scores, judged.verdicts, strict=True))
    read = [
        (truth, hard, score, verdict)
        for truth, hard, score, verdict in rows
        if score is not None and verdict is not None
    ]
    return {
        "n": len(rows),
        "positive": sum(judged.truth),
        "hard": sum(judged.hard),
        "unread": len(rows) - len(read),
        "auroc": delong_auroc([t for t, *_ in read], [s for _, _, s, _ in read]),
        "auroc_hard": delong_auroc([t for t, h, *_ in read if h], [s for _, h, s, _ in read if h]),
        "accuracy": rate([verdict == truth for truth, _, _, verdict in read]).to_json(),
        "true_positive_rate": rate([verdict for truth, _, _, verdict in read if truth]).to_json(),
        "false_positive_rate": rate([verdict for truth, _, _, verdict in read if not truth]).to_json(),
        "false_positive_rate_hard": rate([verdict for truth, hard, _, verdict in read if hard and not truth]).to_json(),
    }


def measure_calibration(truth: Sequence[bool], scores: Sequence[float]) -> dict[str, object]:
    """Return how well scores are calibrated: whether a score of 0.8 is right four times in five.

    Returns:
        `bins` (mean score, share of positives with bounds, n), `brier` (mean squared distance from the label) and
        `error` (mean distance of a bin's share from its mean score, weighted by size).
    """
    labels, values = np.asarray(truth, dtype=bool), np.asarray(scores, dtype=float)
    count = max(1, min(BINS, len(values) // LEAST_IN_BIN))
    bins = [
        _measure_bin(labels[rows], values[rows]) for rows in np.array_split(np.argsort(values, kind="stable"), count)
    ]
    distance = sum(abs(one["share"] - one["mean_score"]) * one["n"] for one in bins) / max(len(values), 1)
    brier = float(np.mean((values - labels) ** 2))
    return {"bins": bins, "brier": _round(brier), "error": _round(distance)}


def count_outcomes(judged: Judged, names: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return the texts of each kind that were found, missed, wrongly flagged, rightly left alone, or unread."""
    table: dict[str, dict[str, int]] = defaultdict(
        lambda: {"found": 0, "missed": 0, "false_alarm": 0, "left_alone": 0, "unread": 0}
    )
    for name, truth, verdict in zip(names, judged.truth, judged.verdicts, strict=True):
        table[name][_name_outcome(truth, verdict)] += 1
    return {name: table[name] for name in sorted(table)}


def _name_outcome(truth: bool, verdict: bool | None) -> str:
    if verdict is None:
        return "unread"
    if truth:
        return "found" if verdict else "missed"
    return "false_alarm" if verdict else "left_alone"


def _measure_bin(labels: NDArray[np.bool_], values: NDArray[np.float64]) -> dict[str, float]:
    share = rate(labels.tolist())
    figures = {"mean_score": float(values.mean()), "share": share.value, "low": share.low, "high": share.high}
    return {name: round(float(value or 0.0), 4) for name, value in figures.items()} | {"n": len(values)}


def _round(value: float) -> float:
    return round(float(value), 4)
