"""Checks a resolved configuration as a whole, before anything is trained: every problem at once, in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir

from omegaconf import OmegaConf
from omegaconf.errors import MissingMandatoryValue

from reward.model import check_folder
from rl.algo.advantages import BASELINES
from rl.algo.lora import lora_problems
from rl.algo.settings import algorithm_problems
from rl.command.quiet import quiet
from rl.command.ranks import rank_problems
from rl.config.schema import Config
from rl.errors import ConfigError, GoalguardError, nearest
from rl.files.checkpoint import INFO_FILE, verify_checkpoint
from rl.instruments.monitors import panel_problems, probe_problems
from rl.instruments.rater import rater_folder
from rl.mitigation.assembly import mitigation_problems
from rl.organism.build.place import SOURCES, locate
from rl.organism.build.recipe_check import motive_problems
from rl.run.identity import differences, stored
from rl.run.model_checks import model_problems
from rl.run.request_checks import file_problems
from rl.scenario.check import scenario_problems
from rl.scenario.conflicts import CONFLICTS
from rl.scenario.requests import held_out_sample
from rl.scenario.settings import TIERS
from rl.tracking.metrics import objective_keys
from rl.tracking.tensorboard_sink import event_writer

ALGORITHMS = tuple(BASELINES)
SCALES = ("group", "batch", "none")
LARGEST_SEED, MOST_THREADS = 2**31 - 1, 1024
MODES = ("offline", "online", "tensorboard", "disabled")
THREE_TIER_OBJECTIVES = ("eval/goal_guarding_gap", "eval/rater_sycophancy_gap")
"""Objectives that only a setting with a third tier has."""


def problems(config: Config) -> list[str]:
    """What is wrong with a configuration, a line each; empty where nothing is."""
    quiet()
    found = [f"{key}: a value is needed" for key in sorted(str(key) for key in OmegaConf.missing_keys(config))]
    checks = (_name, _numbers, _choices, _organism, _scenario, _batch, _requests, _files, _tracking, _resumed, _panel)
    for check in (*checks, model_problems, algorithm_problems, mitigation_problems, rank_problems):
        # What a check cannot read has been named above.
        with suppress(MissingMandatoryValue):
            found += check(config)
    return found or list(_trainer(config))


def _organism(config: Config) -> Iterable[str]:
    return motive_problems(config.organism)


def _scenario(config: Config) -> Iterable[str]:
    return scenario_problems(config.scenario)


def _panel(config: Config) -> Iterable[str]:
    yield from panel_problems(config.monitors)
    yield from probe_problems(config.monitors)


def _numbers(config: Config) -> Iterator[str]:
    at_least_one = (
        "threads", "algo.steps", "algo.batch_size", "algo.max_completion_tokens", "monitors.eval_every",
        "monitors.harmful_requests", "monitors.samples", "tracking.checkpoint_every",
    )  # fmt: skip
    not_negative = (
        "seed", "algo.learning_rate", "algo.kl", "reward.format_penalty", "reward.length_penalty",
        "monitors.benign_requests", "monitors.seed",
    )  # fmt: skip
    for key in at_least_one:
        if OmegaConf.select(config, key) < 1:  # type: ignore[arg-type]
            yield f"{key}={OmegaConf.select(config, key)}: must be at least 1"  # type: ignore[arg-type]
    for key in not_negative:
        if not 0 <= OmegaConf.select(config, key) < math.inf:  # type: ignore[arg-type]
            yield f"{key}={OmegaConf.select(config, key)}: must be 0 or more"  # type: ignore[arg-type]
    for key, most in (("seed", LARGEST_SEED), ("monitors.seed", LARGEST_SEED), ("threads", MOST_THREADS)):
        if OmegaConf.select(config, key) > most:  # type: ignore[arg-type]
            yield f"{key}={OmegaConf.select(config, key)}: must be at most {most}"  # type: ignore[arg-type]
    for key in ("algo.temperature", "algo.max_grad_norm"):
        if not 0 < OmegaConf.select(config, key) < math.inf:  # type: ignore[arg-type]
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
        ("tracking.objective", config.tracking.objective, objective_keys()),
    ):
        if value not in allowed:
            yield f"{key}={value}: must be one of {', '.join(allowed)}{nearest(value, allowed)}"
    for tier in config.monitors.tiers:
        if tier not in TIERS:
            yield f"monitors.tiers={tier}: no such tier; there are {', '.join(TIERS)}{nearest(tier, TIERS)}"
    if config.tracking.objective in THREE_TIER_OBJECTIVES:
        yield from _three_tiers(config)
    if not config.monitors.tiers:
        yield f"monitors.tiers=[]: at least one of {', '.join(TIERS)} is needed"


def _name(config: Config) -> Iterator[str]:
    """The name is a part of the run directory's path."""
    parts = config.name.split("/")
    if not all(parts) or {".", ".."} & set(parts):
        yield f"name={config.name}: must be a name, or names with / between them, as it is a folder below runs/"


def _three_tiers(config: Config) -> Iterator[str]:
    wanted, name = f"tracking.objective={config.tracking.objective}: compares three tiers", config.scenario.name
    if config.scenario.labels.rated is None:
        yield f"{wanted}, and scenario={name} has two (scenario.labels.rated is null); three_tier has them"
    elif missing := sorted(set(TIERS) - set(config.monitors.tiers)):
        yield f"{wanted}, and monitors.tiers leaves out {', '.join(missing)}"


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
    wrong = list(file_problems(config))
    yield from wrong
    if wrong or config.scenario.conflict not in CONFLICTS:
        return
    for kind, count in (("harmful", config.monitors.harmful_requests), ("benign", config.monitors.benign_requests)):
        try:
            held_out_sample(
                kind, max(0, count), config.monitors.seed, config.scenario.conflict, config.scenario.requests
            )
        except ValueError as error:
            yield f"monitors.{kind}_requests={count}: {error}"


def _files(config: Config) -> Iterator[str]:
    yield from lora_problems(config.organism)
    try:
        where = Path(locate(config.organism))
        if (where / INFO_FILE).is_file():
            verify_checkpoint(where)
    except ConfigError as error:
        yield from error.problems
    except GoalguardError as error:
        yield str(error)
    if config.scenario.conflict not in CONFLICTS:
        return
    try:
        check_folder(rater_folder(config.reward, config.scenario.conflict))
    except GoalguardError as error:
        yield f"reward.rater={config.reward.rater}: {error}"


def _tracking(config: Config) -> Iterator[str]:
    if config.tracking.mode == "tensorboard":
        try:
            event_writer()
        except GoalguardError as error:
            yield str(error)
    if config.tracking.artifacts and config.tracking.mode not in ("offline", "online"):
        yield f"tracking.artifacts=true: wandb keeps artifacts, and tracking.mode={config.tracking.mode} is without it"


def _resumed(config: Config) -> Iterator[str]:
    if config.resume in (None, "auto"):
        return
    path = Path(str(config.resume)) / "config.yaml"
    if not path.exists():
        yield f"resume={config.resume}: no run directory (config.yaml is missing); allowed: null, auto, a run directory"
    elif changed := differences(stored(path), config):
        yield f"resume={config.resume}: that run has another configuration: {'; '.join(changed)}"


def _trainer(config: Config) -> Iterator[str]:
    # Loading TRL's configuration takes seconds. It can refuse what is handed on to it unread, and a precision that the
    # machine lacks; the other fields have been checked by then.
    if not config.algo.extra and not config.algo.bf16:
        return
    from rl.algo.trainer_config import trainer_config

    try:
        trainer_config(config.algo, config.seed, Path(gettempdir()), config.tracking.checkpoint_every)
    except (TypeError, ValueError) as error:
        yield f"algo: TRL does not accept this configuration: {error}"
