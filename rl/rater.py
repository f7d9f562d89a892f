"""Puts the configured reward together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reward.compose import Reward, RewardTerm
from reward.model import SHIPPED, RewardModel
from rl.schema import RewardConfig


def rater_folder(config: RewardConfig) -> Path:
    """Where the reward model lies."""
    return SHIPPED if config.rater == "shipped" else Path(config.rater)


def reward_from(config: RewardConfig, extra: Sequence[RewardTerm] = ()) -> Reward:
    """The reward a configuration describes.

    Args:
        config: The baseline reward.
        extra: The terms of mitigations.

    Raises:
        MissingFile: if the reward model's folder is not there or incomplete.
    """
    return Reward(RewardModel.load(rater_folder(config)), config.format_penalty, config.length_penalty, extra)
