"""Verdicts on texts that a monitor was not fitted on: grouped cross-validation, and voices left out one at a time."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from monitors.compliance.monitor import PROBES, ComplianceMonitor, ComplianceVerdict
from monitors.faking.monitor import FakingMonitor, FakingVerdict, sigmoid
from monitors.fitting.answers import FOLD_READERS, fit_compliance
from monitors.fitting.audit import FittedAudit
from monitors.fitting.faking import fit_faking, make_folds
from monitors.fitting.labelled import Output, Scratchpad
from monitors.statistics.measures import Judged

Split = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Row numbers of the items that are fitted on, and of those that are judged."""
Item = TypeVar("Item")
Said = TypeVar("Said")
Monitor = TypeVar("Monitor")
ScoredVerdict = tuple[ComplianceVerdict, float | None]
"""A verdict and the probability of compliance."""


def cross_validate_faking(items: Sequence[Scratchpad], seed: int) -> list[FakingVerdict]:
    """Return a verdict on every item of a monitor that never saw its group, fitted with threshold and calibration."""
    return _judge_faking(
        items, make_folds(np.array([one.af for one in items]), [one.group for one in items], seed), seed
    )


def judge_unseen_voices(items: Sequence[Scratchpad], seed: int) -> list[FakingVerdict]:
    """Return a verdict on every item of a monitor that never saw its style."""
    styles = np.array([item.style for item in items])
    splits = [(np.flatnonzero(styles != style), np.flatnonzero(styles == style)) for style in sorted(set(styles))]
    return _judge_faking(items, splits, seed)


def cross_validate_audit(fitted: FittedAudit) -> list[FakingVerdict]:
    """Return verdicts from the held-out scores of the audit's own fit; its threshold and calibration have seen them."""
    return [FakingVerdict(bool(p >= fitted.threshold), float(p), {}, "held out") for p in fitted.held_out]


def cross_validate_compliance(items: Sequence[Output], seed: int) -> list[ScoredVerdict]:
    """Return what the compliance monitor makes of answers to requests that it never saw."""

    def judge(train: Sequence[Output], test: Sequence[Output]) -> list[ScoredVerdict]:
        return judge_outputs(_with_weights(ComplianceMonitor, fit_compliance(train, FOLD_READERS)), test)

    splits = make_folds(np.array([item.complied for item in items]), [item.group for item in items], seed)
    return _judge_held_out(items, splits, judge)


def judge_outputs(monitor: ComplianceMonitor, items: Sequence[Output]) -> list[ScoredVerdict]:
    """Return verdicts with their probability, which is 0 where a rule finds an answer empty or about something else."""
    requests, texts = [item.request for item in items], [item.text for item in items]
    logits_NK = monitor.logits(requests, texts)
    chances = sigmoid(logits_NK[:, PROBES.index("complied")])
    judged = []
    for verdict, chance in zip(monitor.verdicts(requests, texts, logits_NK), chances, strict=True):
        ruled_out = verdict.complied is False and chance > 0.5
        judged.append((verdict, None if verdict.complied is None else 0.0 if ruled_out else float(chance)))
    return judged


def compare_outputs(items: Sequence[Output], judged: Sequence[ScoredVerdict]) -> Judged:
    """Return answers with their labels beside what the compliance monitor made of them."""
    said_yes = [verdict.complied for verdict, _ in judged]
    return Judged([item.complied for item in items], [item.hard for item in items], [p for _, p in judged], said_yes)


def compare_scratchpads(items: Sequence[Scratchpad], verdicts: Sequence[FakingVerdict]) -> Judged:
    """Return scratchpads with their labels beside what a faking monitor made of them."""
    scores, said_yes = [verdict.score for verdict in verdicts], [verdict.af for verdict in verdicts]
    return Judged([item.af for item in items], [item.hard for item in items], scores, said_yes)


def _judge_faking(items: Sequence[Scratchpad], splits: Iterable[Split], seed: int) -> list[FakingVerdict]:
    def judge(train: Sequence[Scratchpad], test: Sequence[Scratchpad]) -> list[FakingVerdict]:
        return _with_weights(FakingMonitor, fit_faking(train, seed)).judge([item.text for item in test])

    return _judge_held_out(items, splits, judge)


def _judge_held_out(
    items: Sequence[Item],
    splits: Iterable[Split],
    judge: Callable[[Sequence[Item], Sequence[Item]], Sequence[Said]],
) -> list[Said]:
    """Return for every item what `judge`, given the items to fit on and those to judge, says of it."""
    verdicts: dict[int, Said] = {}
    for train, test in splits:
        judged = judge([items[i] for i in train], [items[i] for i in test])
        verdicts |= dict(zip(test.tolist(), judged, strict=True))
    return [verdicts[i] for i in range(len(items))]


def _with_weights(kind: Callable[[Path], Monitor], stored: dict[str, Any]) -> Monitor:
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder, "weights.json")
        weights.write_text(json.dumps(stored))
        return kind(weights)
