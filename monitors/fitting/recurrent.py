"""`monitors.faking.recurrent.Reader` while it learns: the same sums in torch, with dropout."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

PEAK_RATE, DECAY, CLIP = 4e-3, 1e-3, 1.0
HIDDEN, BATCH = 64, 32
DROPOUT, WORD_DROPOUT, NOISE = 0.4, 0.15, 0.5
"""Shares of pooled units and of whole tokens that are hidden, and the spread of noise on word vectors (whose own is 1):
what is learnt should hold for neighbouring words too."""


class LearningReader(nn.Module):
    """A reader whose `state_dict` is what `Reader.from_arrays` takes.

    Args:
        inputs: Numbers for each token.
        outputs: Statements about a text.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.rnn = nn.GRU(inputs, HIDDEN, batch_first=True, bidirectional=True)
        self.output = nn.Linear(4 * HIDDEN, outputs)

    def forward(self, inputs_NTD: torch.Tensor, lengths_N: torch.Tensor, last_N: torch.Tensor) -> torch.Tensor:
        """Return log-odds, (N, K), from padded inputs, their lengths and where the last sentence of each starts."""
        packed = pack_padded_sequence(inputs_NTD, lengths_N, batch_first=True, enforce_sorted=False)
        states_NTP, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        place_T = torch.arange(states_NTP.shape[1])
        inside = place_T < lengths_N[:, None]
        pooled = [
            states_NTP.masked_fill(~mask[:, :, None], -torch.inf).amax(dim=1)
            for mask in (inside, inside & (place_T >= last_N[:, None]))
        ]
        return self.output(nn.functional.dropout(torch.cat(pooled, dim=1), DROPOUT, self.training))


def fit_reader(
    inputs: int,
    targets_NK: torch.Tensor,
    epochs: Iterable[Iterable[torch.Tensor]],
    steps: int,
    read: Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor, torch.Tensor]],
    weights_K: torch.Tensor | None = None,
) -> dict[str, torch.Tensor]:
    """Return the weights of a reader, the learning rate having risen and fallen once (Smith and Topin 2019).

    Args:
        inputs: Numbers for each token.
        targets_NK: What is true of each text.
        epochs: The batches of each pass, row numbers each; made when their turn comes.
        steps: How many batches there are in all.
        read: What `LearningReader` takes, of the texts of a batch.
        weights_K: Of the targets; None for one each.
    """
    module = LearningReader(inputs, targets_NK.shape[1])
    optimizer = torch.optim.AdamW(module.parameters(), lr=PEAK_RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps)
    for batches in epochs:
        for rows in batches:
            logits = module(*read(rows))
            loss = nn.functional.binary_cross_entropy_with_logits(logits, targets_NK[rows], weights_K)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(module.parameters(), CLIP)
            optimizer.step()
            schedule.step()
    return {name: value.detach() for name, value in module.named_parameters()}


def blur(
    texts: Sequence[NDArray[np.float64]], starts: Sequence[int], blurred: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return texts side by side, with noise on their first inputs and some tokens hidden; their lengths; `starts`.

    Args:
        texts: The inputs of each text, shape (T, D).
        starts: A token number of each text, which `LearningReader` takes.
        blurred: How many of the D inputs are blurred.
    """
    padded = nn.utils.rnn.pad_sequence([torch.tensor(text, dtype=torch.float32) for text in texts], batch_first=True)
    padded[:, :, :blurred] += NOISE * torch.randn_like(padded[:, :, :blurred])
    hidden = nn.functional.dropout1d(padded, WORD_DROPOUT)
    return hidden, torch.tensor([len(text) for text in texts]), torch.tensor(starts)
