"""What a reward is compared with: the baselines that need no value function.

All start from `reward_B`, the reward of each rollout in the order of the prompts. It is NaN where a rollout was dropped
(cut off, or screened). A dropped rollout is in no baseline and has advantage 0.

Rollouts that are compared with each other are tied where their rewards are equal up to rounding. There is nothing to
learn from them, so their advantage is exactly 0: a difference of rounding noise divided by a spread of rounding noise
would otherwise become a step of the optimizer. GRPO and RLOO compare within the group of a prompt, REINFORCE's batch
baseline and PPO's whitening within the step.

Axes: B rollouts, G groups of one prompt each, R rollouts of a group, C completion tokens.
"""

from __future__ import annotations

import torch
from torch import Tensor

BASELINES = {
    "grpo": ("group",),
    "rloo": ("others",),
    "reinforce": ("batch", "none"),
    "ppo": ("value",),
}
"""Algorithms and the baselines each may have. GRPO's is left to TRL, which also divides by the spread; PPO's is its
value function."""
ROUNDING = 1e-6
"""Rewards that lie closer than this are equal; for rewards above 1 it is a share of the largest."""


def advantages(baseline: str, reward_B: Tensor, group_size: int) -> Tensor:
    """Return reward minus baseline, undivided, (B,).

    Args:
        baseline: `others`, the mean of the same prompt's other rollouts (RLOO: Kool et al. 2019, Ahmadian et al.
            2024, equation 8); `batch`, the mean of the step, which knows nothing of the prompt; `none`, nothing.
        reward_B: NaN where dropped.
        group_size: R; the rollouts of a prompt lie together.
    """
    if baseline == "none":
        return reward_B.nan_to_num(nan=0.0)
    if baseline == "batch":
        above_B = reward_B - reward_B.nanmean()
        return above_B.masked_fill(reward_B.isnan() | tied(reward_B, len(reward_B)), 0.0)
    reward_GR = reward_B.view(-1, group_size)
    others_G1 = (~reward_GR.isnan()).sum(1, keepdim=True) - 1
    mean_GR = (reward_GR.nansum(1, keepdim=True) - reward_GR) / others_G1.clamp(min=1)
    return (reward_GR - mean_GR).view(-1).masked_fill(reward_B.isnan() | tied(reward_B, group_size), 0.0)


def tied(reward_B: Tensor, size: int) -> Tensor:
    """Return True for each rollout whose reward all others compared with it share, (B,).

    One rollout alone is tied, and so are those that were all dropped.

    Args:
        reward_B: NaN where dropped.
        size: Rollouts that are compared with each other; they lie together.
    """
    reward_GR = reward_B.view(-1, size)
    highest_G = reward_GR.nan_to_num(nan=-torch.inf).amax(1)
    lowest_G = reward_GR.nan_to_num(nan=torch.inf).amin(1)
    largest_G = torch.maximum(highest_G.abs(), lowest_G.abs()).clamp(min=1.0)
    return (highest_G - lowest_G <= ROUNDING * largest_G).repeat_interleave(size)


def of_rollouts(advantage: Tensor, trained_BC: Tensor) -> Tensor:
    """Return the mean advantage of the tokens that are trained on, 0 where there are none, (B,).

    Args:
        advantage: (B,) or (B, C).
        trained_BC: True on tokens whose advantage enters the loss.
    """
    if advantage.dim() == 1:
        return advantage
    return (advantage * trained_BC).sum(1) / trained_BC.sum(1).clamp(min=1)
