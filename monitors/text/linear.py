"""A set of linear probes over text features: a vocabulary, a weight per feature and probe, kept as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl.errors import MissingFile

Blocks = tuple[AbstractSet[str], ...]
"""The features of one text in blocks of one kind each, the same number of blocks for every text of a monitor."""


@dataclass(frozen=True)
class Vocabulary:
    """Which features count and how rare they are; index 0 is a silent stand-in for "no feature of this block"."""

    index: tuple[dict[str, int], ...]
    """For each block the feature's row in the weights."""
    idf_F: NDArray[np.float64]

    @staticmethod
    def fit(texts: Sequence[Blocks], *, rarest: int) -> Vocabulary:
        """Return every feature found in at least `rarest` texts, with its inverse document frequency."""
        idf, index = [0.0], []
        for block in zip(*texts, strict=True):
            seen = Counter(name for names in block for name in names)
            frequent = sorted(name for name, count in seen.items() if count >= rarest)
            index.append({name: i for i, name in enumerate(frequent, start=len(idf))})
            idf += [float(np.log((1 + len(texts)) / (1 + seen[name]))) + 1 for name in frequent]
        return Vocabulary(tuple(index), np.array(idf))

    def segments(self, texts: Sequence[Blocks]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return feature rows of all texts end to end, the start of each (text, block) segment, and scaled values.

        Each block of a text is a tf-idf vector of length one, so that long texts and wordy blocks do not shout. Rows
        are sorted, as sets have no order and a sum must come out the same to the last bit in every process.
        """
        flat: list[int] = []
        starts: list[int] = []
        for text in texts:
            for index, block in zip(self.index, text, strict=True):
                starts.append(len(flat))
                flat.extend(sorted([index[name] for name in block if name in index]))
                flat.append(0)
        rows, begins = np.array(flat, dtype=np.int64), np.array(starts, dtype=np.int64)
        values = self.idf_F[rows]
        norms = np.sqrt(np.add.reduceat(values**2, begins))
        lengths = np.diff(np.append(begins, len(rows)))
        return rows, begins, values / np.repeat(np.maximum(norms, 1e-12), lengths)


@dataclass(frozen=True)
class Probes:
    """Linear probes, one column each."""

    names: tuple[str, ...]
    vocabulary: Vocabulary
    weights_FK: NDArray[np.float64]
    bias_K: NDArray[np.float64]

    def logits(self, texts: Sequence[Blocks]) -> NDArray[np.float64]:
        """Return log-odds that each probe's statement holds, shape (texts, probes)."""
        if not texts:
            return np.zeros((0, len(self.names)))
        rows, begins, values = self.vocabulary.segments(texts)
        sums = np.add.reduceat(self.weights_FK[rows] * values[:, None], begins)
        return sums.reshape(len(texts), len(self.vocabulary.index), -1).sum(axis=1) + self.bias_K

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object that `from_json` reads back."""
        return {
            "names": list(self.names),
            "bias": _round(self.bias_K),
            "features": [list(block) for block in self.vocabulary.index],
            "idf": _round(self.vocabulary.idf_F),
            "weights": _round(self.weights_FK),
        }

    @staticmethod
    def from_json(stored: dict[str, Any]) -> Probes:
        """Return probes from what `to_json` made."""
        index: list[dict[str, int]] = []
        start = 1
        for block in stored["features"]:
            index.append({name: i for i, name in enumerate(block, start=start)})
            start += len(block)
        vocabulary = Vocabulary(tuple(index), np.array(stored["idf"]))
        return Probes(tuple(stored["names"]), vocabulary, np.array(stored["weights"]), np.array(stored["bias"]))


def read_weights(path: Path) -> dict[str, Any]:
    """Return the JSON object in a weights file.

    Raises:
        MissingFile: If there is no such file; `python -m monitors.train` makes it.
    """
    if not path.is_file():
        raise MissingFile(f"no monitor weights at {path}; `python -m monitors.train` makes them")
    return json.loads(path.read_text())


def _round(array: NDArray[np.float64]) -> list[Any]:
    return np.round(array, 4).tolist()
