"""What a reward is compared with: the baselines that need no value function.

Everything starts from `reward_B`, the reward of each rollout in the order of the prompts, NaN where a rollout was
dropped (cut off, or screened). A dropped rollout is in no baseline and has advantage 0.

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


def advantages(baseline: str, reward_B: Tensor, group_size: int) -> Tensor:
    """Reward minus baseline, (B,), undivided.

    Args:
        baseline: `others`, the mean of the same prompt's other rollouts (RLOO: Kool et al. 2019, Ahmadian et al.
            2024, equation 8); `batch`, the mean of the step, which knows nothing of the prompt; `none`, nothing.
        reward_B: NaN where dropped.
        group_size: R; the rollouts of a prompt lie together.
    """
    if baseline == "others":
        return _against_others(reward_B.view(-1, group_size)).view(-1)
    against = {"batch": reward_B.nanmean(), "none": torch.zeros_like(reward_B[0])}
    return (reward_B - against[baseline]).nan_to_num(nan=0.0)


def _against_others(reward_GR: Tensor) -> Tensor:
    """Each reward minus the mean of the others of its group; exactly 0 where a group is tied, or one is alone."""
    kept_GR = ~reward_GR.isnan()
    above_GR = reward_GR - reward_GR.nan_to_num(nan=-torch.inf).amax(1, keepdim=True)
    total_G1, others_G1 = above_GR.nansum(1, keepdim=True), kept_GR.sum(1, keepdim=True) - 1
    made_GR = above_GR - (total_G1 - above_GR) / others_G1.clamp(min=1)
    return torch.where(kept_GR & (others_G1 > 0), made_GR, 0.0)


def of_rollouts(advantage: Tensor, trained_BC: Tensor) -> Tensor:
    """The advantage of each rollout, (B,): that of its tokens trained on, on average, and 0 where there are none.

    Args:
        advantage: (B,) or (B, C).
        trained_BC: True on tokens whose advantage enters the loss.
    """
    if advantage.dim() == 1:
        return advantage
    return (advantage * trained_BC).sum(1) / trained_BC.sum(1).clamp(min=1)
