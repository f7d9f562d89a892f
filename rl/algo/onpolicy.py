"""Refuses to train on rollouts of another policy than the one that is updated.

One finished rollout of every step is read again right after it was drawn, by the network that the sampler holds, at
the sampler's temperature, in the plainest way there is: whole, alone and without padding. What the trainer then scores
at its first inner step must give each of its tokens that probability. Dropout, a second temperature, a copy of the
model, a prompt that is put together in two ways or an update in between all show up here. A fault of the fast decode
loop alone would not: tests/test_rollout.py holds that loop to the network.

Axes: B rollouts, C completion tokens.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from rl.errors import GoalguardError
from rl.rollout.sampler import Sampler

TOLERANCE, TOLERANCE_BF16 = 2e-3, 0.3
"""How far the logarithm of the importance ratio of a token may be from 0 (float32, bfloat16)."""


class OffPolicy(GoalguardError, RuntimeError):
    """The policy that is updated is not the one that drew the rollouts."""


def score_alone(sampler: Sampler, prompt: list[int], completion: list[int]) -> Tensor:
    """Return the log-probability of each token of a completion under the sampler's policy, (C,)."""
    with torch.no_grad():
        ids = torch.tensor([[*prompt, *completion]], device=sampler.model.device)
        logits_CV = sampler.model(input_ids=ids).logits[0, len(prompt) - 1 : -1].float() / sampler.sampling.temperature
        return logits_CV.log_softmax(-1).gather(-1, ids[0, len(prompt) :, None])[:, 0]


def place_row(logp_C: Tensor | None, row: int, shape: tuple[int, int]) -> Tensor:
    """Return log-probabilities at their place in a batch, (B, C), NaN everywhere else."""
    placed_BC = torch.full(shape, math.nan)
    if logp_C is not None:
        placed_BC[row, : len(logp_C)] = logp_C.cpu()
    return placed_BC


def check_ratio(logp_BC: Tensor, drawn_BC: Tensor, tolerance: float, step: int) -> None:
    """Compare two sets of log-probabilities of the same tokens; NaN in `drawn_BC` is not compared.

    Raises:
        OffPolicy: if the importance ratio of any token is not 1 within the tolerance.
    """
    known_BC = ~drawn_BC.isnan()
    off = (logp_BC.detach()[known_BC] - drawn_BC[known_BC]).abs()
    worst: Any = off.max().item() if len(off) else 0.0
    if not worst <= tolerance:
        raise OffPolicy(
            f"step {step}: the importance ratio of a drawn token is off by a factor of exp({worst:.3g}) at the first "
            f"inner step, where it must be 1 (to within exp({tolerance:g})); something differs between sampling and "
            "update: temperature, dropout, prompt or weights"
        )
