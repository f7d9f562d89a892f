"""Checks a resolved configuration as a whole, before anything is trained: every problem at once, in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from omegaconf import OmegaConf

from reward.model import RewardModel
from rl.errors import GoalguardError, nearest
from rl.organism.load import SOURCES, locate
from rl.rater import rater_folder
from rl.scenario.requests import held_out_sample
from rl.scenario.settings import TIERS
from rl.schema import Config

ALGORITHMS = ("grpo",)
SCALES = ("group", "batch", "none")
MODES = ("offline", "online", "disabled")


def problems(config: Config) -> list[str]:
    """What is wrong with a configuration, a line each; empty where nothing is."""
    missing = sorted(str(key) for key in OmegaConf.missing_keys(config))
    if missing:
        return [f"{key}: a value is needed" for key in missing]
    found = [*_numbers(config), *_choices(config), *_batch(config), *_requests(config), *_files(config)]
    return found or list(_trainer(config))


def _numbers(config: Config) -> Iterator[str]:
    at_least_one = (
        "threads", "algo.steps", "algo.batch_size", "algo.max_completion_tokens", "monitors.eval_every",
        "monitors.harmful_requests", "monitors.samples", "tracking.checkpoint_every",
    )  # fmt: skip
    not_negative = (
        "seed", "algo.learning_rate", "algo.kl", "reward.format_penalty", "reward.length_penalty",
        "monitors.benign_requests",
    )  # fmt: skip
    for key in at_least_one:
        if OmegaConf.select(config, key) < 1:  # type: ignore[arg-type]
            yield f"{key}={OmegaConf.select(config, key)}: must be at least 1"  # type: ignore[arg-type]
    for key in not_negative:
        if not OmegaConf.select(config, key) >= 0:  # type: ignore[arg-type]
            yield f"{key}={OmegaConf.select(config, key)}: must be 0 or more"  # type: ignore[arg-type]
    for key in ("algo.temperature", "algo.max_grad_norm"):
        if not OmegaConf.select(config, key) > 0:  # type: ignore[arg-type]
            yield f"{key}={OmegaConf.select(config, key)}: must be more than 0"  # type: ignore[arg-type]
    rule = config.algo.stop_when
    if not (0 <= rule.noncompliance_below <= 1 and rule.window >= 1):
        yield f"algo.stop_when={rule}: noncompliance_below lies between 0 and 1, window is at least 1"


def _choices(config: Config) -> Iterator[str]:
    for key, value, allowed in (
        ("algo.name", config.algo.name, ALGORITHMS),
        ("algo.scale_rewards", config.algo.scale_rewards, SCALES),
        ("tracking.mode", config.tracking.mode, MODES),
        ("organism.source", config.organism.source, SOURCES),
    ):
        if value not in allowed:
            yield f"{key}={value}: must be one of {', '.join(allowed)}{nearest(value, allowed)}"
    for tier in config.monitors.tiers:
        if tier not in TIERS:
            yield f"monitors.tiers={tier}: no such tier; there are {', '.join(TIERS)}{nearest(tier, TIERS)}"
    if not config.monitors.tiers:
        yield f"monitors.tiers=[]: at least one of {', '.join(TIERS)} is needed"
    if config.scenario.labels.free == config.scenario.labels.paid:
        yield f"scenario.labels: both tiers are called {config.scenario.labels.free!r}; they need different words"


def _batch(config: Config) -> Iterator[str]:
    batch, group = config.algo.batch_size, config.algo.group_size
    if group < 2:
        yield f"algo.group_size={group}: must be at least 2, since advantages compare rollouts of one prompt"
    elif batch % group:
        yield (
            f"algo.batch_size={batch} is not divisible by algo.group_size={group}: every prompt gets a whole group; "
            f"{batch - batch % group or group} or {batch - batch % group + group} would be"
        )
    every = config.monitors.eval_every
    if every >= 1 and config.tracking.checkpoint_every % every and config.algo.steps > 1:
        yield (
            f"tracking.checkpoint_every={config.tracking.checkpoint_every} is not a multiple of "
            f"monitors.eval_every={config.monitors.eval_every}: a checkpoint carries the evaluation of its step"
        )


def _requests(config: Config) -> Iterator[str]:
    for kind, count in (("harmful", config.monitors.harmful_requests), ("benign", config.monitors.benign_requests)):
        try:
            held_out_sample(kind, max(0, count), config.monitors.seed)
        except ValueError as error:
            yield f"monitors.{kind}_requests={count}: {error}"


def _files(config: Config) -> Iterator[str]:
    try:
        locate(config.organism)
    except GoalguardError as error:
        yield str(error)
    try:
        RewardModel.load(rater_folder(config.reward))
    except GoalguardError as error:
        yield f"reward.rater={config.reward.rater}: {error}"
    if config.resume not in (None, "auto") and not (Path(str(config.resume)) / "config.yaml").exists():
        yield f"resume={config.resume}: no run directory (config.yaml is missing); allowed: null, auto, a run directory"


def _trainer(config: Config) -> Iterator[str]:
    from rl.grpo import trainer_config

    try:
        trainer_config(config.algo, config.seed, Path(gettempdir()), config.tracking.checkpoint_every)
    except (TypeError, ValueError) as error:
        yield f"algo: TRL does not accept this configuration: {error}"


def as_dict(config: Config) -> dict[str, Any]:
    """The resolved configuration as plain data."""
    container = OmegaConf.to_container(config, resolve=True)
    assert isinstance(container, dict)
    return {str(key): value for key, value in container.items()}
