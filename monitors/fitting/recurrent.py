"""`monitors.faking.recurrent.Reader` while it learns: the same sums in torch, with dropout."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

PEAK_RATE, DECAY, CLIP = 4e-3, 1e-3, 1.0


class LearningReader(nn.Module):
    """A reader whose `state_dict` is what `Reader.from_arrays` takes.

    Args:
        inputs: Numbers for each token.
        outputs: What is told of a text.
        hidden: Units in each direction.
        dropout: Share of the pooled states that is hidden in training.
    """

    def __init__(self, inputs: int, outputs: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.rnn = nn.GRU(inputs, hidden, batch_first=True, bidirectional=True)
        self.output = nn.Linear(4 * hidden, outputs)
        self.dropout = dropout

    def forward(self, inputs_NTD: torch.Tensor, lengths_N: torch.Tensor, last_N: torch.Tensor) -> torch.Tensor:
        """Log-odds, shape (N, K), from padded inputs, their lengths and where the last sentence of each starts."""
        packed = pack_padded_sequence(inputs_NTD, lengths_N, batch_first=True, enforce_sorted=False)
        states_NTP, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        place_T = torch.arange(states_NTP.shape[1])
        inside = place_T < lengths_N[:, None]
        pooled = [
            states_NTP.masked_fill(~kept[:, :, None], -torch.inf).amax(dim=1)
            for kept in (inside, inside & (place_T >= last_N[:, None]))
        ]
        return self.output(nn.functional.dropout(torch.cat(pooled, dim=1), self.dropout, self.training))


def learn(
    module: nn.Module,
    epochs: Iterable[Iterable[torch.Tensor]],
    steps: int,
    loss_of: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    """Descend batch by batch, the learning rate rising and falling once (Smith and Topin 2019).

    Args:
        module: What learns.
        epochs: The batches of each pass, row numbers each; made when their turn comes.
        steps: How many batches there are in all.
        loss_of: The loss of a batch.
    """
    optimizer = torch.optim.AdamW(module.parameters(), lr=PEAK_RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps)
    for batches in epochs:
        for rows in batches:
            loss = loss_of(rows)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(module.parameters(), CLIP)
            optimizer.step()
            schedule.step()
