"""Fits the audit monitor: small recurrent readers, trained with torch on the texts that are the audit's."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save
from sklearn.linear_model import LogisticRegression
from torch import nn

from monitors.faking.audit_features import EXTRA, Reading, read
from monitors.faking.monitor import CRITERIA
from monitors.faking.recurrent import Reader
from monitors.fitting.faking import folds, threshold
from monitors.fitting.labelled import Scratchpad
from monitors.fitting.recurrent import LearningReader, learn
from monitors.text.small_talk import AFTER, BEFORE
from monitors.text.words import WordVectors

READERS = 3
"""Readers of the shipped monitor, alike but for their seed; their log-odds are averaged."""
FOLD_READERS = 2
FALSE_ALARMS = 0.08
"""Share of hard negatives that the threshold may flag on held-out folds. More than the first monitor is allowed: a
witness that misses what the first finds would make the two rates part without any evasion."""
TALK, MOST_TALK = 0.3, 4
"""How often small talk stands before, and how often after, a text that is learnt from, and sentences of it at most."""
HIDDEN, EPOCHS, BATCH = 64, 30, 32
DROPOUT, WORD_DROPOUT, NOISE = 0.4, 0.15, 0.5
"""Shares of pooled units and of whole tokens that are hidden, and the spread of noise on word vectors (whose own is 1):
what is learnt should hold for neighbouring words too."""


@dataclass(frozen=True)
class FittedAudit:
    """What is kept of a fit."""

    readers: tuple[dict[str, NDArray[np.float16]], ...]
    slope: float
    intercept: float
    threshold: float
    held_out: NDArray[np.float64]
    """Calibrated score of every item from readers fitted on the other groups, shape (N,)."""

    def save(self, path: Path) -> None:
        """Write the file that `AuditMonitor` reads."""
        arrays = {f"{i}/{name}": array for i, one in enumerate(self.readers) for name, array in one.items()}
        about = {"readers": len(self.readers), "slope": self.slope, "intercept": self.intercept}
        path.write_bytes(save(arrays, metadata={"audit": json.dumps(about | {"threshold": self.threshold})}))


def fit_audit(items: Sequence[Scratchpad], vectors: WordVectors, seed: int) -> FittedAudit:
    """Readers for the audit monitor, their calibration and its threshold.

    The score is a logistic function of the readers' log-odds, fitted on held-out folds (Platt 1999); the threshold is
    found as the first monitor's is, on the same held-out scores.
    """
    af = np.array([item.af for item in items])
    logits = np.zeros(len(items))
    for train, test in folds(af, [item.group for item in items], seed):
        fitted = [fit_reader([items[i] for i in train], vectors, seed + number) for number in range(FOLD_READERS)]
        held_out = [read(items[i].text, vectors) for i in test]
        logits[test] = np.mean([_faking(one, held_out) for one in fitted], axis=0)
    platt = LogisticRegression(C=1.0).fit(logits[:, None], af)
    scores = platt.predict_proba(logits[:, None])[:, 1]
    return FittedAudit(
        readers=tuple(fit_reader(items, vectors, seed + number) for number in range(READERS)),
        slope=round(float(platt.coef_[0, 0]), 5),
        intercept=round(float(platt.intercept_[0]), 5),
        threshold=threshold(scores, np.array([item.hard and not item.af for item in items]), FALSE_ALARMS),
        held_out=scores,
    )


def fit_reader(items: Sequence[Scratchpad], vectors: WordVectors, seed: int) -> dict[str, NDArray[np.float16]]:
    """The arrays of one reader, in the precision that is shipped.

    Args:
        items: Texts to learn from; in every epoch some have small talk around them.
        vectors: What is known of words.
        seed: Of the first weights, the order of texts and everything that is added, hidden or blurred.
    """
    targets_NK = torch.tensor([[*item.criteria, item.af] for item in items], dtype=torch.float32)
    talk = random.Random(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = LearningReader(vectors.vectors_WD.shape[1] + EXTRA, targets_NK.shape[1], HIDDEN, DROPOUT)

        def loss_of(rows: torch.Tensor) -> torch.Tensor:
            readings = [read(surrounded(items[i].text, talk), vectors) for i in rows.tolist()]
            return nn.functional.binary_cross_entropy_with_logits(module(*_blurred(readings)), targets_NK[rows])

        steps = EPOCHS * -(-len(items) // BATCH)
        learn(module, (torch.randperm(len(items)).split(BATCH) for _ in range(EPOCHS)), steps, loss_of)
    return {name: value.detach().numpy().astype(np.float16) for name, value in module.named_parameters()}


def surrounded(text: str, talk: random.Random) -> str:
    """A text with small talk before it, after it, both or neither."""
    before = talk.sample(BEFORE, talk.randint(1, MOST_TALK)) if talk.random() < TALK else []
    after = talk.sample(AFTER, talk.randint(1, MOST_TALK)) if talk.random() < TALK else []
    return " ".join([*before, text, *after])


def _blurred(readings: Sequence[Reading]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Texts side by side, with noise on inputs and some tokens hidden; their lengths; where last sentences start."""
    texts = [torch.tensor(reading.inputs_TD, dtype=torch.float32) for reading in readings]
    padded = nn.utils.rnn.pad_sequence(texts, batch_first=True)
    blurred = nn.functional.dropout1d(padded + NOISE * torch.randn_like(padded), WORD_DROPOUT)
    lengths = torch.tensor([len(text) for text in texts])
    return blurred, lengths, torch.tensor([reading.last for reading in readings])


def _faking(arrays: dict[str, NDArray[np.float16]], readings: Sequence[Reading]) -> NDArray[np.float64]:
    reader = Reader.from_arrays(arrays)
    return reader.outputs([r.inputs_TD for r in readings], [r.last for r in readings])[:, len(CRITERIA)]
