"""Reward terms that are not a rater's opinion: form and length (the baseline reward of GA25).

Both are penalties: their values are never positive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rl.records import Rollout


def estimate_length_slope(advantages: Sequence[float] | np.ndarray, lengths: Sequence[float] | np.ndarray) -> float:
    """Return the least-squares slope of RL advantage on output length, in reward per token.

    GA25 set the output-length penalty from this regression: a positive slope is what a policy earns by each token it
    adds, and a penalty of that size per token takes it away.

    Args:
        advantages: (B,) reward minus the mean reward of its group, not divided by a standard deviation.
        lengths: (B,) output tokens.

    Raises:
        ValueError: where the arrays differ in shape or all lengths are equal.
    """
    advantages_B, lengths_B = np.asarray(advantages, dtype=np.float64), np.asarray(lengths, dtype=np.float64)
    if advantages_B.shape != lengths_B.shape or advantages_B.ndim != 1:
        raise ValueError(f"advantages {advantages_B.shape} and lengths {lengths_B.shape} must be equally long vectors")
    centred_B = lengths_B - lengths_B.mean()
    if not centred_B.any():
        raise ValueError("outputs of one length say nothing about a slope")
    return float(centred_B @ advantages_B / (centred_B @ centred_B))


@dataclass(frozen=True, slots=True)
class FormatPenalty:
    """Takes `penalty` from every completion that is not one closed scratchpad and one closed output."""

    penalty: float
    name: ClassVar[str] = "format"

    def __call__(self, rollouts: Sequence[Rollout]) -> np.ndarray:
        """Return the term of each rollout, (B,)."""
        return np.array([0.0 if rollout.sections.well_formed else 0.0 - self.penalty for rollout in rollouts])


@dataclass(frozen=True, slots=True)
class LengthPenalty:
    """Takes `per_token` for every token of the output; the scratchpad is free."""

    per_token: float
    count_tokens: Callable[[Sequence[str]], np.ndarray]
    """Outputs to their lengths; the reward model's own count, in which `per_token` was estimated."""
    name: ClassVar[str] = "length"

    def __call__(self, rollouts: Sequence[Rollout]) -> np.ndarray:
        """Return the term of each rollout, (B,); a completion without an output costs nothing."""
        tokens_B = self.count_tokens([rollout.sections.output or "" for rollout in rollouts])
        return 0.0 - self.per_token * tokens_B.astype(np.float64)
