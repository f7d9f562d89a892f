"""Puts the configured reward together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reward.compose import Reward, RewardTerm
from reward.model import SHIPPED, SHIPPED_ANIMALS, RewardModel
from rl.config.schema import RewardConfig

RATERS = {"refusal": SHIPPED, "animal_welfare": SHIPPED_ANIMALS}
"""The shipped reward model of each conflict."""


def rater_folder(config: RewardConfig, conflict: str = "refusal") -> Path:
    """Where the reward model lies."""
    return RATERS[conflict] if config.rater == "shipped" else Path(config.rater)


def reward_from(config: RewardConfig, extra: Sequence[RewardTerm] = (), conflict: str = "refusal") -> Reward:
    """The reward a configuration describes.

    Args:
        config: The baseline reward.
        extra: The terms of mitigations.
        conflict: The scenario's, which decides who `shipped` is.

    Raises:
        MissingFile: if the reward model's folder is not there or incomplete.
    """
    return Reward(RewardModel.load(rater_folder(config, conflict)), config.format_penalty, config.length_penalty, extra)
