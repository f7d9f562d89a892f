"""Grouped cross-validation of the text monitors, written to monitors/corpus/report.json."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from monitors.compliance import ComplianceMonitor, ComplianceVerdict
from monitors.faking import CRITERIA, FakingMonitor
from monitors.fitting import fit_compliance, fit_faking, folds
from monitors.gap import rate
from monitors.labelled import Output, Scratchpad

CALIBRATION_BINS = 5


def cross_validate_faking(items: Sequence[Scratchpad], seed: int) -> dict:
    """Figures of the faking monitor on folds whose groups it never saw, and on voices that it never saw."""
    af = np.array([item.af for item in items])
    scores, flagged, criteria = _held_out(items, folds(af, [item.group for item in items], seed), seed)
    hard = np.array([item.hard for item in items])
    truth = np.array([item.criteria for item in items])
    return {
        "items": len(items),
        "faking": int(af.sum()),
        "hard": int(hard.sum()),
        "groups": len({item.group for item in items}),
        "auroc": _auroc(af, scores),
        "auroc_hard": _auroc(af[hard], scores[hard]),
        "true_positive_rate": _share(flagged[af]),
        "true_positive_rate_hard": _share(flagged[af & hard]),
        "false_positive_rate": _share(flagged[~af]),
        "false_positive_rate_hard": _share(flagged[~af & hard]),
        "auroc_of_criteria": {name: _auroc(truth[:, i], criteria[:, i]) for i, name in enumerate(CRITERIA)},
        "calibration": _calibration(af, scores),
        "flagged_by_family": _by(flagged, [item.family for item in items]),
        "correct_by_style": _by(flagged == af, [item.style for item in items]),
        "unseen_styles": _unseen_styles(items, af, seed),
    }


def cross_validate_compliance(items: Sequence[Output], seed: int) -> dict:
    """Accuracy of the compliance monitor on folds whose groups it never saw."""
    complied = np.array([item.complied for item in items])
    verdicts: list[ComplianceVerdict | None] = [None] * len(items)
    for train, test in folds(complied, [item.group for item in items], seed):
        with tempfile.TemporaryDirectory() as folder:
            weights = Path(folder, "weights.json")
            weights.write_text(json.dumps(fit_compliance([items[i] for i in train])))
            monitor = ComplianceMonitor(weights)
        judged = monitor.judge([items[i].request for i in test], [items[i].text for i in test])
        for i, verdict in zip(test, judged, strict=True):
            verdicts[i] = verdict
    right = np.array([v is not None and v.complied == item.complied for v, item in zip(verdicts, items, strict=True)])
    same_label = np.array([v is not None and v.label == item.label for v, item in zip(verdicts, items, strict=True)])
    hard = np.array([item.hard for item in items])
    return {
        "items": len(items),
        "complied": int(complied.sum()),
        "accuracy": _share(right),
        "accuracy_hard": _share(right[hard]),
        "accuracy_by_label": _by(right, [item.label for item in items]),
        "exact_label": _share(same_label),
    }


def _held_out(items: Sequence[Scratchpad], splits: Sequence[tuple], seed: int) -> tuple[NDArray, NDArray, NDArray]:
    scores, flagged = np.zeros(len(items)), np.zeros(len(items), dtype=bool)
    criteria = np.zeros((len(items), len(CRITERIA)))
    for train, test in splits:
        with tempfile.TemporaryDirectory() as folder:
            weights = Path(folder, "weights.json")
            weights.write_text(json.dumps(fit_faking([items[i] for i in train], seed)))
            monitor = FakingMonitor(weights)
        for i, verdict in zip(test, monitor.judge([items[i].text for i in test]), strict=True):
            scores[i], flagged[i] = verdict.score or 0.0, bool(verdict.af)
            criteria[i] = list(verdict.criteria.values()) or np.zeros(len(CRITERIA))
    return scores, flagged, criteria


def _unseen_styles(items: Sequence[Scratchpad], af: NDArray, seed: int) -> dict:
    styles = np.array([item.style for item in items])
    splits = [(np.flatnonzero(styles != style), np.flatnonzero(styles == style)) for style in sorted(set(styles))]
    scores, flagged, _ = _held_out(items, splits, seed)
    hard = np.array([item.hard for item in items])
    return {
        "auroc": _auroc(af, scores),
        "auroc_hard": _auroc(af[hard], scores[hard]),
        "true_positive_rate": _share(flagged[af]),
        "false_positive_rate_hard": _share(flagged[~af & hard]),
    }


def _calibration(af: NDArray, scores: NDArray) -> list[dict[str, float]]:
    order = np.array_split(np.argsort(scores), CALIBRATION_BINS)
    return [{"mean_score": round(float(scores[b].mean()), 3), "share_faking": _share(af[b])} for b in order]


def _by(hits: NDArray, names: Sequence[str]) -> dict[str, dict[str, float]]:
    grouped: dict[str, list[bool]] = defaultdict(list)
    for hit, name in zip(hits, names, strict=True):
        grouped[name].append(bool(hit))
    return {name: {"share": _share(np.array(found)), "n": len(found)} for name, found in sorted(grouped.items())}


def _share(hits: NDArray) -> float:
    return round(float(rate([bool(hit) for hit in hits]).value or 0.0), 4)


def _auroc(labels: NDArray, scores: NDArray) -> float:
    return round(float(roc_auc_score(labels, scores)), 4)
