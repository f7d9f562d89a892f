"""The reward model: one bounded number for what a rater would think of an answer to a request.

A small Llama with a scalar head, trained as a Bradley-Terry model by `reward.build`; nothing here needs TRL. It reads
the request and the text inside the output tags and nothing else: no tier, no system prompt, no scratchpad (GR24;
GA25 name the same rule for their preference model).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer

from rl.errors import MissingFile

CARD = "card.json"
SHIPPED = Path(__file__).parent / "weights"
"""Folder of the reward model that comes with the project."""
SHIPPED_ANIMALS = SHIPPED / "animal_welfare"
"""Folder of the one that comes with the animal welfare conflict."""
MAX_TOKENS = 512
"""Longer inputs lose their end: what is cut there cannot earn anything."""
BOUND = 3.0
"""Scores lie strictly between -BOUND and BOUND."""
_BATCH = 32


@dataclass(frozen=True, slots=True)
class Scale:
    """What puts raw scores on a common scale: mean and standard deviation over held-out answers of every kind."""

    mean: float
    sd: float

    def apply(self, raw: np.ndarray) -> np.ndarray:
        """Standardise, then squash: `BOUND * tanh(z / BOUND)`, which is almost z for |z| < 1."""
        return (BOUND * np.tanh((raw - self.mean) / (self.sd * BOUND))).astype(np.float32)


def check_folder(folder: Path) -> None:
    """Raise MissingFile where a folder lacks a part of a reward model; nothing is loaded."""
    missing = [n for n in ("model.safetensors", "config.json", "tokenizer.json", CARD) if not (folder / n).is_file()]
    if missing:
        raise MissingFile(f"{folder} is not a reward model: no {', '.join(missing)} (python -m reward.build makes one)")


class RewardModel:
    """Scores pairs of request and output.

    Args:
        model: Sequence classifier with one label.
        tokenizer: Its padding and end tokens are those of the model's config.
        scale: See `Scale`.
    """

    def __init__(self, model: transformers.PreTrainedModel, tokenizer: Tokenizer, scale: Scale) -> None:
        self._model = model.float().eval()
        self._tokenizer = tokenizer
        # Text that spells a special token stays text: an answer must not be able to write an end or a padding token.
        self._tokenizer.encode_special_tokens = True
        self._tokenizer.no_padding()
        self._pad, self._eos = int(model.config.pad_token_id), int(model.config.eos_token_id)
        self._scale = scale

    @classmethod
    def load(cls, folder: str | Path = SHIPPED) -> Self:
        """Read a model that `reward.build` wrote.

        Raises:
            MissingFile: where the folder lacks the weights, the tokenizer or the card.
        """
        folder = Path(folder)
        check_folder(folder)
        model = transformers.AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32)
        scale = Scale(**json.loads((folder / CARD).read_text())["scale"])
        return cls(model, Tokenizer.from_file(str(folder / "tokenizer.json")), scale)

    def render(self, request: str, output: str) -> str:
        """Return the text that the model reads: request and output, a line each.

        White space inside either becomes single spaces, so that the line break between them is the only one.
        """
        return f"{' '.join(request.split())}\n{' '.join(output.split())}"

    def encode(self, requests: Sequence[str], outputs: Sequence[str]) -> list[list[int]]:
        """Return the token ids of every rendered pair, each ending in the end token, at most `MAX_TOKENS` long."""
        texts = [self.render(request, output) for request, output in zip(requests, outputs, strict=True)]
        encoded = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return [[*e.ids[: MAX_TOKENS - 1], self._eos] for e in encoded]

    def count_tokens(self, outputs: Sequence[str]) -> np.ndarray:
        """Return the length of each output in this model's tokens, (B,) int64."""
        encoded = self._tokenizer.encode_batch_fast([" ".join(o.split()) for o in outputs], add_special_tokens=False)
        return np.array([len(e.ids) for e in encoded], dtype=np.int64)

    def raw_scores(self, requests: Sequence[str], outputs: Sequence[str]) -> np.ndarray:
        """Return Bradley-Terry scores before scaling, (B,) float32.

        Sorted by length for speed; padding is on the right of a causal model, so no score depends on its batch.
        """
        ids_B = self.encode(requests, outputs)
        order = sorted(range(len(ids_B)), key=lambda i: len(ids_B[i]))
        scores_B = np.zeros(len(ids_B), dtype=np.float32)
        for start in range(0, len(order), _BATCH):
            chunk = order[start : start + _BATCH]
            scores_B[chunk] = self._forward([ids_B[i] for i in chunk])
        return scores_B

    def score(self, requests: Sequence[str], outputs: Sequence[str]) -> np.ndarray:
        """Return what a helpful-only rater would think: (B,) float32 within +-`BOUND`, higher is better.

        Args:
            requests: What the user asked, (B,), with nothing added to it.
            outputs: The text inside the output tags, (B,); an empty string where there is none.

        Raises:
            ValueError: where the two differ in length.
        """
        return self._scale.apply(self.raw_scores(requests, outputs))

    @torch.inference_mode()
    def _forward(self, ids: list[list[int]]) -> np.ndarray:
        width = max(map(len, ids))
        input_ids = torch.tensor([row + [self._pad] * (width - len(row)) for row in ids])
        attention_mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in ids])
        return self._model(input_ids=input_ids, attention_mask=attention_mask).logits[:, 0].numpy()

    def with_scale(self, scale: Scale) -> Self:
        """Return the same model on another scale."""
        return type(self)(self._model, self._tokenizer, scale)

    def save_card(self, folder: Path, measured: dict[str, object]) -> None:
        """Write the scale and what was measured to `card.json`."""
        card = {"scale": asdict(self._scale), **measured}
        (folder / CARD).write_text(json.dumps(card, indent=2) + "\n")
