"""The value function: a small head on the policy's own trunk that pulls on none of its weights.

It reads the last hidden states of the pass that gives the log-probabilities, so it costs no pass of its own, where a
model beside the policy would read every text once more in each of PPO's phases. Gradients stop at those hidden states:
the policy moves by its own loss alone, as it does under GRPO, and what PPO does to it is not mixed with what
predicting rewards does to its representations.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

VALUE_FILE = "value_head.safetensors"
_KL_WEIGHT = "kl_weight"


class Value(nn.Module):
    """From hidden states (..., E) to values (...); 0 everywhere at first.

    Args:
        width: E.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(width, width), nn.Linear(width, 1)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, hidden: Tensor) -> Tensor:
        """Values in float32, of states cut off from their graph."""
        with torch.autocast(hidden.device.type, enabled=False):
            inner: Tensor = self.inner(hidden.detach().float())
            value: Tensor = self.outer(torch.tanh(inner))
            return value[..., 0]


def save_value(folder: Path, value: Value, kl_weight: float) -> None:
    """Write what PPO needs to go on beside the policy's own state."""
    save_file({**value.state_dict(), _KL_WEIGHT: torch.tensor(kl_weight, dtype=torch.float64)}, folder / VALUE_FILE)


def load_value(folder: Path, value: Value) -> float:
    """Put what `save_value` wrote into `value`; the KL coefficient of that time."""
    stored = load_file(folder / VALUE_FILE)
    kl_weight = float(stored.pop(_KL_WEIGHT))
    value.load_state_dict(stored)
    return kl_weight


def deal(groups: int, minibatches: int, group_size: int, epochs: int) -> Sequence[Tensor]:
    """Rows of each update: in every pass the prompts are dealt out anew, each with its whole group.

    A prompt is then read once for its group in updates too. Draws from torch's own generator.
    """
    rows = []
    for _ in range(epochs):
        for part in torch.randperm(groups).chunk(minibatches):
            rows.append((part[:, None] * group_size + torch.arange(group_size)).flatten())
    return rows
