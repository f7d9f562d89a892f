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
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from rl.algo.objective import completion_scores
from rl.errors import GoalguardError
from rl.rollout.sampler import Sampler, left_pad

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


def check_reading(sampler: Sampler, prompts: Sequence[list[int]], completions: Sequence[list[int]], far: float) -> None:
    """Hold the trainer's way of reading a handful of rollouts against a plain forward pass of each.

    They are read together, as in an update: the shortest prompt, whose row is padded most, the longest one, and the
    shortest and the longest completion.

    Args:
        sampler: Holds the network, its temperature and the padding.
        prompts: Token ids, one list a rollout.
        completions: Token ids that were drawn for them.
        far: How far a log-probability may be off, in nats.

    Raises:
        OffPolicy: a log-probability is further off.
    """
    by_prompt, by_completion = ([len(ids) for ids in part] for part in (prompts, completions))
    rows = sorted({sizes.index(end(sizes)) for sizes in (by_prompt, by_completion) for end in (min, max)})
    asked = [prompts[row] for row in rows]
    ids_BP, real_BP = left_pad(asked, sampler.tokenizer.pad_token_id)
    width = max(len(completions[row]) for row in rows)
    lengths_B1 = torch.tensor([[len(completions[row])] for row in rows])
    ids_BC = torch.tensor(
        [completions[row] + [sampler.tokenizer.pad_token_id] * (width - len(completions[row])) for row in rows]
    )
    real_BT = torch.cat([real_BP, torch.arange(width) < lengths_B1], 1)
    device = sampler.model.device
    with torch.no_grad():
        read = completion_scores(
            sampler.model, torch.cat([ids_BP, ids_BC], 1).to(device), real_BT.to(device), width,
            sampler.sampling.temperature,
        )  # fmt: skip
    for place, row in enumerate(rows):
        alone_C = score_alone(sampler, prompts[row], completions[row])
        off = (read.logp_BC[place, : len(alone_C)] - alone_C).abs().max().item()
        if not off <= far:
            raise OffPolicy(
                f"log-probabilities as the update reads them are off by {off:.3g} nats from a plain pass of "
                f"{type(sampler.model).__name__} where a prompt has {by_prompt[row]} of {max(by_prompt)} tokens; "
                f"at most {far:g} is allowed; this kind of model cannot be trained here (docs/models.md)"
            )


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
