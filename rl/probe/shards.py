"""Activations on disk: safetensors shards that are read a position and a layer at a time, and a manifest of them.

A shard holds consecutive rows of one step's transcripts. Its tensors are `known.<position>` (N,), True where a text has
the position, and `<position>.<layer>` (N, E), NaN where it has not; layer 0 is the embedding.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from rl.files.atomic import replace_text, sync
from rl.probe.positions import POSITIONS

AS_ASKED, TAG_DELETED = "as_asked", "tag_deleted"
VARIANTS = (AS_ASKED, TAG_DELETED)
MANIFEST = "activations.json"
"""Not `manifest.json`, which marks a run directory."""
SHARD_BYTES = 256 * 1024 * 1024
"""What a shard holds at most, unless a single text needs more; it is also what is kept in memory while reading."""


@dataclass(frozen=True)
class Shard:
    """One file."""

    file: str
    step: int
    variant: str
    rows: int
    ids: list[str]
    """Of the transcripts, in the order of the rows."""


@dataclass
class Activations:
    """The activations of a run in a folder, as `activations.json` lists them."""

    folder: Path
    run: str
    layers: int = 0
    """Embedding included."""
    width: int = 0
    checkpoints: dict[int, dict[str, str]] = field(default_factory=dict)
    """Step to the sha256 of every weights file."""
    shards: list[Shard] = field(default_factory=list)

    def clear(self) -> None:
        """Remove what an earlier reading left in the folder, so that no shard is taken for one of this reading."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / MANIFEST).unlink(missing_ok=True)
        for path in self.folder.glob("step_*.safetensors"):
            path.unlink()

    def add(self, step: int, variant: str, ids: Sequence[str], read: tuple[Tensor, Tensor]) -> None:
        """Write one shard: activations (N, P, L, E) with their mask (N, P), whole or not at all."""
        found_NPLE, known_NP = read
        self.layers, self.width = found_NPLE.shape[2:]
        number = sum(shard.step == step and shard.variant == variant for shard in self.shards)
        tensors = {f"known.{name}": known_NP[:, p].contiguous() for p, name in enumerate(POSITIONS)}
        for p, name in enumerate(POSITIONS):
            tensors |= {f"{name}.{layer:02d}": found_NPLE[:, p, layer].contiguous() for layer in range(self.layers)}
        path = self.folder / f"step_{step:06d}.{variant}.{number:04d}.safetensors"
        partial = path.with_name(f".{path.name}.partial")
        save_file(tensors, partial, {"step": str(step), "variant": variant})
        sync(partial)
        partial.replace(path)
        self.shards.append(Shard(path.name, step, variant, len(ids), list(ids)))

    def conclude(self) -> None:
        """Write the manifest, which is there only when every shard is."""
        listed: dict[str, Any] = {"run": self.run, "positions": list(POSITIONS), "layers": self.layers}
        listed |= {"width": self.width, "dtype": "float32", "shape_of_a_tensor": ["rows", self.width]}
        listed["layer_0"] = "what enters the first block: embeddings, with absolute positions where a model adds them"
        listed["checkpoints"] = [{"step": step, "sha256": hashes} for step, hashes in sorted(self.checkpoints.items())]
        listed["shards"] = [asdict(shard) for shard in self.shards]
        replace_text(self.folder / MANIFEST, json.dumps(listed, indent=1, allow_nan=False) + "\n")

    def at(self, step: int, variant: str, position: str, layer: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Activations (N, E) of all texts of a step at one position and layer, and their mask (N,)."""
        found, known = [], []
        for shard in self._of(step, variant):
            with safe_open(self.folder / shard.file, framework="numpy") as file:
                found.append(file.get_tensor(f"{position}.{layer:02d}"))
                known.append(file.get_tensor(f"known.{position}"))
        return np.concatenate(found).astype(np.float64), np.concatenate(known)

    def _of(self, step: int, variant: str) -> Iterator[Shard]:
        return (shard for shard in self.shards if shard.step == step and shard.variant == variant)


def rows_in_shard(layers: int, width: int) -> int:
    """How many texts fill a shard."""
    return max(1, SHARD_BYTES // (len(POSITIONS) * layers * width * 4))
