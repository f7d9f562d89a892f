"""Fits the compliance monitor on requests and labelled answers: linear probes, and with torch recurrent readers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from monitors.compliance.answer_reading import EXTRA, read_answer
from monitors.compliance.answers import answer_features
from monitors.compliance.monitor import PROBES, explain_off_topic
from monitors.fitting.faking import fit_probes
from monitors.fitting.labelled import Output
from monitors.fitting.recurrent import BATCH, blur, fit_reader
from monitors.text.words import WordVectors

READERS, FOLD_READERS = 3, 1
"""Readers of the shipped monitor, and of one that is fitted for a fold of cross-validation, alike but for their seed;
their log-odds are averaged."""
EPOCHS = 12
ALIKE = 8
"""Batches whose texts are sorted by length together, so that little is padded."""
FIRST_WEIGHT = 3.0
"""Weight of `complied` in the loss; each label has a weight of one."""
UNASKED = 0.08
"""How often an answer is learnt without its request, as requests may be unknown."""
Reading = tuple[NDArray[np.float64], int]


def fit_compliance(items: Sequence[Output], readers: int = READERS) -> dict[str, Any]:
    """Return weights of the compliance monitor: `complied`, and one probe and one output of the readers for each label.

    The probes are not shown items that take on another task than the one asked: their wording is that of compliance.
    """
    targets = np.array([[item.complied, *(item.label == name for name in PROBES[1:])] for item in items])
    on_topic = [i for i, item in enumerate(items) if explain_off_topic(item.request, item.text) is None]
    probes = fit_probes([answer_features(items[i].request, items[i].text) for i in on_topic], targets[on_topic], PROBES)
    return {"probes": probes.to_json(), "readers": fit_readers(items, targets, readers)}


def fit_readers(items: Sequence[Output], targets_NK: NDArray[np.bool_], readers: int) -> list[dict[str, Any]]:
    """Return the arrays of each reader as lists, rounded as they are shipped.

    Args:
        items: Requests and answers to learn from.
        targets_NK: What is true of each, `complied` first.
        readers: How many, with the seeds 0, 1, ...
    """
    vectors = WordVectors.load()
    readings = [read_answer(item.request, item.text, vectors) for item in items]
    unasked = [read_answer("", item.text, vectors) for item in items]
    targets = torch.tensor(targets_NK, dtype=torch.float32)
    return [_fit_one(readings, unasked, targets, seed) for seed in range(readers)]


def _fit_one(
    readings: Sequence[Reading], unasked: Sequence[Reading], targets_NK: torch.Tensor, seed: int
) -> dict[str, Any]:
    lengths_N = torch.tensor([len(inputs) for inputs, _ in readings])
    weights_K = torch.ones(targets_NK.shape[1])
    weights_K[0] = FIRST_WEIGHT
    inputs = readings[0][0].shape[1]

    def read(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        hidden = torch.rand(len(rows)) < UNASKED
        batch = [(unasked if no else readings)[i] for i, no in zip(rows.tolist(), hidden.tolist(), strict=True)]
        return blur([text for text, _ in batch], [start for _, start in batch], inputs - EXTRA)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        epochs = (_deal_batches(lengths_N) for _ in range(EPOCHS))
        weights = fit_reader(inputs, targets_NK, epochs, EPOCHS * -(-len(readings) // BATCH), read, weights_K)
    return {name: np.round(value.numpy().astype(float), 3).tolist() for name, value in weights.items()}


def _deal_batches(lengths_N: torch.Tensor) -> list[torch.Tensor]:
    """Return row numbers of each batch, in random order; texts of one batch are about as long."""
    dealt = [rows[lengths_N[rows].argsort()] for rows in torch.randperm(len(lengths_N)).split(ALIKE * BATCH)]
    batches = [batch for rows in dealt for batch in rows.split(BATCH)]
    return [batches[i] for i in torch.randperm(len(batches)).tolist()]
