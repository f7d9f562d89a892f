"""Advantages of tokens from a reward at the end and a value before each token.

Axes: B rollouts, C completion tokens. `real_BC` is True on the tokens of a completion, which come first in its row.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rl.algo.advantages import tied


def terminal_rewards(reward_B: Tensor, real_BC: Tensor) -> Tensor:
    """Return the reward of each rollout at its last token and 0 before it, (B, C)."""
    last_BC = real_BC & (real_BC.cumsum(1) == real_BC.sum(1, keepdim=True))
    return torch.where(last_BC, reward_B[:, None], 0.0)


def gae(reward_BC: Tensor, value_BC: Tensor, real_BC: Tensor, discount: float, lam: float) -> Tensor:
    """Return generalised advantage estimates, (B, C), 0 on padding (Schulman et al. 2016, equation 16).

    delta_t = r_t + discount V_{t+1} - V_t and A_t = delta_t + discount lam A_{t+1}, where V and A are 0 after the last
    token: a completion ends, it is not cut off.

    Args:
        reward_BC: Reward on drawing each token.
        value_BC: Value of the text before each token.
        real_BC: True on completion tokens.
        discount: Of one token, in [0, 1].
        lam: 1 gives the whole return minus the value, 0 the one-step difference.
    """
    after_B = torch.zeros_like(value_BC[:, 0])
    next_value_B, columns = after_B, []
    for reward_B, value_B, real_B in reversed(list(zip(reward_BC.T, value_BC.T, real_BC.T, strict=True))):
        delta_B = reward_B + discount * next_value_B - value_B
        after_B = torch.where(real_B, delta_B + discount * lam * after_B, 0.0)
        next_value_B = torch.where(real_B, value_B, 0.0)
        columns.append(after_B)
    return torch.stack(columns[::-1], 1)


def whiten(adv_BC: Tensor, trained_BC: Tensor) -> Tensor:
    """Return advantages with mean 0 and variance 1 over the tokens trained on, 0 elsewhere (Huang et al. 2024).

    They are 0 everywhere where they are equal up to rounding.
    """
    count = trained_BC.sum().clamp(min=1)
    mean = (adv_BC * trained_BC).sum() / count
    variance = ((adv_BC - mean).square() * trained_BC).sum() / count
    whitened_BC = (adv_BC - mean) * (variance + 1e-8).rsqrt() * trained_BC
    constant = tied(adv_BC.masked_fill(~trained_BC, torch.nan).flatten(), adv_BC.numel())
    return whitened_BC.masked_fill(constant.view_as(adv_BC), 0.0)
