"""Fits the compliance monitor on requests and labelled answers: linear probes, and with torch recurrent readers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from monitors.compliance.answer_reading import EXTRA, read_answer
from monitors.compliance.answers import answer_features
from monitors.compliance.monitor import PROBES, off_topic
from monitors.fitting.faking import fit_probes
from monitors.fitting.labelled import Output
from monitors.fitting.recurrent import LearningReader, learn
from monitors.text.words import WordVectors

READERS, FOLD_READERS = 3, 1
"""Readers of the shipped monitor, and of one that is fitted for a fold of cross-validation, alike but for their seed;
their log-odds are averaged."""
HIDDEN, EPOCHS, BATCH = 64, 12, 32
ALIKE = 8
"""Batches that are drawn together and dealt by length, so that little is padded."""
DROPOUT, WORD_DROPOUT, NOISE = 0.4, 0.15, 0.5
"""Shares of pooled units and of whole tokens that are hidden, and the spread of noise on inputs."""
FIRST_WEIGHT = 3.0
"""Weight of `complied` beside one for each label."""
UNASKED = 0.08
"""How often an answer is learnt without its request, as requests may be unknown."""
Reading = tuple[NDArray[np.float64], int]


def fit_compliance(items: Sequence[Output], readers: int = READERS) -> dict[str, Any]:
    """Weights of the compliance monitor: `complied`, and one probe and one output of the readers for each label.

    The probes are not shown items that take on another task than the one asked: their wording is that of compliance.

    Args:
        items: Requests and labelled answers.
        readers: How many recurrent readers.
    """
    targets = np.array([[item.complied, *(item.label == name for name in PROBES[1:])] for item in items])
    kept = [i for i, item in enumerate(items) if off_topic(item.request, item.text) is None]
    probes = fit_probes([answer_features(items[i].request, items[i].text) for i in kept], targets[kept], PROBES)
    return {"probes": probes.to_json(), "readers": fit_readers(items, targets, readers)}


def fit_readers(items: Sequence[Output], targets_NK: NDArray[np.bool_], readers: int) -> list[dict[str, Any]]:
    """The arrays of each reader as lists, rounded as they are shipped.

    Args:
        items: Requests and answers to learn from.
        targets_NK: What is true of each, `complied` first.
        readers: How many, with the seeds 0, 1, ...
    """
    vectors = WordVectors.load()
    readings = [read_answer(item.request, item.text, vectors) for item in items]
    unasked = [read_answer("", item.text, vectors) for item in items]
    targets = torch.tensor(targets_NK, dtype=torch.float32)
    return [_fit_reader(readings, unasked, targets, seed) for seed in range(readers)]


def _fit_reader(
    readings: Sequence[Reading], unasked: Sequence[Reading], targets_NK: torch.Tensor, seed: int
) -> dict[str, Any]:
    lengths_N = torch.tensor([len(inputs) for inputs, _ in readings])
    weights_K = torch.ones(targets_NK.shape[1])
    weights_K[0] = FIRST_WEIGHT
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = LearningReader(readings[0][0].shape[1], targets_NK.shape[1], HIDDEN, DROPOUT)

        def loss_of(rows: torch.Tensor) -> torch.Tensor:
            hidden = torch.rand(len(rows)) < UNASKED
            batch = [(unasked if no else readings)[i] for i, no in zip(rows.tolist(), hidden.tolist(), strict=True)]
            return nn.functional.binary_cross_entropy_with_logits(module(*_blurred(batch)), targets_NK[rows], weights_K)

        steps = EPOCHS * -(-len(readings) // BATCH)
        learn(module, (_batches(lengths_N) for _ in range(EPOCHS)), steps, loss_of)
    return {
        name: np.round(value.detach().numpy().astype(float), 3).tolist() for name, value in module.named_parameters()
    }


def _batches(lengths_N: torch.Tensor) -> list[torch.Tensor]:
    """Row numbers of each batch, in random order; texts of one batch are about as long."""
    dealt = [rows[lengths_N[rows].argsort()] for rows in torch.randperm(len(lengths_N)).split(ALIKE * BATCH)]
    batches = [batch for rows in dealt for batch in rows.split(BATCH)]
    return [batches[i] for i in torch.randperm(len(batches)).tolist()]


def _blurred(readings: Sequence[Reading]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Texts side by side, with noise on word vectors and some tokens hidden; their lengths; where answers start."""
    texts = [torch.tensor(inputs, dtype=torch.float32) for inputs, _ in readings]
    padded = nn.utils.rnn.pad_sequence(texts, batch_first=True)
    padded[:, :, :-EXTRA] += NOISE * torch.randn_like(padded[:, :, :-EXTRA])
    hidden = nn.functional.dropout1d(padded, WORD_DROPOUT)
    return hidden, torch.tensor([len(text) for text in texts]), torch.tensor([start for _, start in readings])
