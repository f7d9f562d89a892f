"""Puts the configured reward together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reward.compose import Reward, RewardTerm
from reward.model import SHIPPED, RewardModel
from rl.config.schema import RewardConfig
from rl.scenario.conflicts import CONFLICTS, REFUSAL


def rater_folder(config: RewardConfig, conflict: str = REFUSAL.name) -> Path:
    """Return the folder of the reward model."""
    return SHIPPED / CONFLICTS[conflict].rater if config.rater == "shipped" else Path(config.rater)


def reward_from(config: RewardConfig, extra: Sequence[RewardTerm] = (), conflict: str = REFUSAL.name) -> Reward:
    """Return the reward that a configuration describes.

    Args:
        config: The baseline reward.
        extra: The terms of mitigations.
        conflict: The scenario's, which decides who `shipped` is.

    Raises:
        MissingFile: if the reward model's folder is not there or incomplete.
    """
    return Reward(RewardModel.load(rater_folder(config, conflict)), config.format_penalty, config.length_penalty, extra)
