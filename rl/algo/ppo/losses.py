"""PPO's losses, token by token, and the controller of its KL penalty.

Axes: B rollouts, C completion tokens.
"""

from __future__ import annotations

import torch
from torch import Tensor

KL_GAIN, KL_ERROR = 0.1, 0.2
"""Of the adaptive coefficient: its gain, and the error it answers at most (Ziegler et al. 2019, section 2.2)."""


def policy_loss(logp_BC: Tensor, old_logp_BC: Tensor, adv_BC: Tensor, clip: float) -> Tensor:
    """Return the clipped surrogate as a loss, (B, C) (Schulman et al. 2017, equation 7)."""
    ratio_BC = (logp_BC - old_logp_BC).exp()
    return -torch.min(ratio_BC * adv_BC, ratio_BC.clamp(1 - clip, 1 + clip) * adv_BC)


def value_loss(value_BC: Tensor, old_value_BC: Tensor, return_BC: Tensor, clip: float) -> Tensor:
    """Return half the squared error of the value or of the clipped value, whichever is larger.

    (B, C). The form of OpenAI's PPO, as Ziegler et al. 2019 use it.
    """
    held_BC = old_value_BC + (value_BC - old_value_BC).clamp(-clip, clip)
    return 0.5 * torch.max((value_BC - return_BC).square(), (held_BC - return_BC).square())


def kl_loss(logp_BC: Tensor, old_logp_BC: Tensor, reference_BC: Tensor) -> Tensor:
    """Schulman's k3 estimate of the KL to the reference times the importance ratio, (B, C).

    The same term that TRL's GRPO has in its loss (Shao et al. 2024, equation 4): a coefficient means the same in both.
    """
    ratio_BC, apart_BC = (logp_BC - old_logp_BC).exp(), reference_BC - logp_BC
    return ratio_BC * (apart_BC.exp() - apart_BC - 1)


def adapt_weight(weight: float, kl: float, target: float) -> float:
    """Return the next KL coefficient: up to 2% more where the KL is above its target, up to 2% less below."""
    error = max(-KL_ERROR, min(KL_ERROR, kl / target - 1))
    return weight * (1 + KL_GAIN * error)


def mean_over(values_BC: Tensor, on_BC: Tensor) -> Tensor:
    """Return the mean over the tokens where `on_BC` is True; 0 where there are none."""
    return torch.where(on_BC, values_BC, 0.0).sum() / on_BC.sum().clamp(min=1)


def explained_variance(value_BC: Tensor, return_BC: Tensor, real_BC: Tensor) -> float:
    """1 - Var(return - value) / Var(return) over completion tokens; 0 where the return does not vary."""
    returns, left = return_BC[real_BC], (return_BC - value_BC)[real_BC]
    spread = float(returns.var(correction=0)) if len(returns) else 0.0
    return 1 - float(left.var(correction=0)) / spread if spread > 1e-12 else 0.0
