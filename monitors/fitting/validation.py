"""Verdicts on texts that a monitor was not fitted on: grouped cross-validation, and voices left out one at a time."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monitors.compliance.monitor import PROBES, ComplianceMonitor, ComplianceVerdict
from monitors.faking.monitor import FakingMonitor, FakingVerdict, sigmoid
from monitors.fitting.answers import FOLD_READERS, fit_compliance
from monitors.fitting.audit import FittedAudit
from monitors.fitting.faking import fit_faking, folds
from monitors.fitting.labelled import Output, Scratchpad
from monitors.statistics.measures import Judged


class LabelledText(Protocol):
    """A scratchpad with its labels."""

    @property
    def af(self) -> bool: ...
    @property
    def hard(self) -> bool: ...


class LabelledAnswer(Protocol):
    """An answer with its labels."""

    @property
    def request(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def complied(self) -> bool: ...
    @property
    def hard(self) -> bool: ...


Split = tuple[NDArray[np.int64], NDArray[np.int64]]


def cross_validated_faking(items: Sequence[Scratchpad], seed: int) -> list[FakingVerdict]:
    """Verdict on every item of a monitor that never saw its group; threshold and calibration are fitted inside."""
    return _faking_held_out(items, folds(_af(items), [item.group for item in items], seed), seed)


def unseen_voices(items: Sequence[Scratchpad], seed: int) -> list[FakingVerdict]:
    """Verdict on every item of a monitor that never saw its style."""
    styles = np.array([item.style for item in items])
    splits = [(np.flatnonzero(styles != style), np.flatnonzero(styles == style)) for style in sorted(set(styles))]
    return _faking_held_out(items, splits, seed)


def cross_validated_audit(fitted: FittedAudit) -> list[FakingVerdict]:
    """Verdicts from the held-out scores of the audit's own fit, which its threshold and calibration have seen."""
    return [FakingVerdict(bool(p >= fitted.threshold), float(p), {}, "held out") for p in fitted.held_out]


def cross_validated_compliance(items: Sequence[Output], seed: int) -> tuple[Judged, list[str]]:
    """The compliance monitor on answers to requests that it never saw, and the label it gave each."""
    complied = np.array([item.complied for item in items])
    found: dict[int, tuple[ComplianceVerdict, float | None]] = {}
    for train, test in folds(complied, [item.group for item in items], seed):
        with tempfile.TemporaryDirectory() as folder:
            weights = Path(folder, "weights.json")
            weights.write_text(json.dumps(fit_compliance([items[i] for i in train], FOLD_READERS)))
            monitor = ComplianceMonitor(weights)
        found |= dict(zip(test.tolist(), judged_outputs(monitor, [items[i] for i in test]), strict=True))
    judged = [found[i] for i in range(len(items))]
    return of_outputs(items, judged), [str(verdict.label) for verdict, _ in judged]


def judged_outputs(
    monitor: ComplianceMonitor, items: Sequence[LabelledAnswer]
) -> list[tuple[ComplianceVerdict, float | None]]:
    """Verdict and probability of compliance; 0 where a rule says that the answer is empty or about something else."""
    requests, texts = [item.request for item in items], [item.text for item in items]
    logits_NK = monitor.logits(requests, texts)
    chances = sigmoid(logits_NK[:, PROBES.index("complied")])
    judged = []
    for verdict, chance in zip(monitor.verdicts(requests, texts, logits_NK), chances, strict=True):
        ruled_out = verdict.complied is False and chance > 0.5
        judged.append((verdict, None if verdict.complied is None else 0.0 if ruled_out else float(chance)))
    return judged


def of_outputs(items: Sequence[LabelledAnswer], judged: Sequence[tuple[ComplianceVerdict, float | None]]) -> Judged:
    """Answers with their labels beside what the compliance monitor made of them."""
    return Judged(
        [item.complied for item in items],
        [item.hard for item in items],
        [score for _, score in judged],
        [verdict.complied for verdict, _ in judged],
    )


def of_scratchpads(items: Sequence[LabelledText], verdicts: Sequence[FakingVerdict]) -> Judged:
    """Scratchpads with their labels beside what a faking monitor made of them."""
    return Judged(
        [item.af for item in items],
        [item.hard for item in items],
        [verdict.score for verdict in verdicts],
        [verdict.af for verdict in verdicts],
    )


def _faking_held_out(items: Sequence[Scratchpad], splits: Iterable[Split], seed: int) -> list[FakingVerdict]:
    found: dict[int, FakingVerdict] = {}
    for train, test in splits:
        with tempfile.TemporaryDirectory() as folder:
            weights = Path(folder, "weights.json")
            weights.write_text(json.dumps(fit_faking([items[i] for i in train], seed)))
            verdicts = FakingMonitor(weights).judge([items[i].text for i in test])
        found |= dict(zip(test.tolist(), verdicts, strict=True))
    return [found[i] for i in range(len(items))]


def _af(items: Sequence[Scratchpad]) -> NDArray[np.bool_]:
    return np.array([item.af for item in items])
