"""The run that an export is made of: its record, its configuration and its checkpoints."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rl.config.schema import Config
from rl.errors import ConfigError, MissingFile, nearest
from rl.export.scrub import scrubbed
from rl.files.checkpoint import saved_checkpoints
from rl.files.json_lines import json_lines
from rl.report.data.load import CONFIG, METRICS, RunData, load_run
from rl.scenario.request_file import locate_copy

NAMED_STEPS = ("first", "last", "all")
_SECTIONS = ("name", "seed", "scenario", "organism", "algo", "monitors")
"""Keys of a run's configuration that an export speaks of; the others are passed on unread."""
_NEEDED = (
    "name", "seed", "scenario", "organism.name", "organism.source", "organism.path", "algo.name", "algo.temperature",
    "algo.max_completion_tokens", "monitors.harmful_requests", "monitors.benign_requests", "monitors.samples",
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """A run with at least one checkpoint."""

    run_id: str
    """`EXPERIMENT-seedN-HASH`: no other run has it, and this one has it in every export (`run_id`)."""
    run: RunData
    """Without its transcripts; nothing secret or of this machine is left in its configuration and manifest."""
    config: Config
    """`_SECTIONS` of the run's configuration; nothing else of it may be read."""
    checkpoints: dict[int, Path]
    """From step to folder, steps ascending."""


def read_source(path: Path) -> Source:
    """Read a run directory.

    Raises:
        MissingFile: it is no run, or has no configuration or no checkpoint that can be read.
    """
    found = load_run(path, with_transcripts=False)
    run = replace(found, config=scrubbed(found.config), manifest=scrubbed(found.manifest))
    if not (path / CONFIG).is_file():
        raise MissingFile(f"{path} has no {CONFIG}")
    checkpoints = saved_checkpoints(path)
    if not checkpoints:
        raise MissingFile(f"{path} has no checkpoint (checkpoints/step_*)")
    return Source(run_id(run), run, _config(run), checkpoints)


def run_id(run: RunData) -> str:
    """Return a name that tells a run from other arms, other jobs of a sweep and repetitions with the same seed.

    Repetitions differ in the seconds that the first line of `metrics.jsonl` holds, and that line never changes.
    """
    config = {key: value for key, value in run.config.items() if key not in ("resume", "dry_run")}
    first = json_lines(run.path / METRICS)[0][:1]
    text = json.dumps([config, first], sort_keys=True, default=str)
    return f"{run.experiment}-seed{run.seed}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _config(run: RunData) -> Config:
    known = {key: run.config[key] for key in _SECTIONS if key in run.config}
    try:
        config = OmegaConf.merge(OmegaConf.structured(Config), known)
        absent = OmegaConf.missing_keys(config)
    except OmegaConfBaseException as error:
        reason = str(error).strip().split("\n", 1)[0]
        raise MissingFile(f"{run.path / CONFIG} does not fit this version: {reason}") from error
    lacking = sorted(key for key in absent if key in _NEEDED or key.split(".")[0] in _NEEDED)
    if lacking:
        raise MissingFile(f"{run.path / CONFIG} does not say {', '.join(lacking)}")
    config.scenario.requests = locate_copy(run.path, config.scenario.requests)
    return cast(Config, config)


def chosen_steps(source: Source, step: str) -> list[int]:
    """The steps of the checkpoints that `step` names.

    Raises:
        ConfigError: it names none.
    """
    steps = list(source.checkpoints)
    ends = {"first": steps[:1], "last": steps[-1:], "all": steps}
    if step in ends:
        return ends[step]
    if not step.isdecimal():
        allowed = f"must be the step of a checkpoint or one of {', '.join(NAMED_STEPS)}"
        raise ConfigError([f"step={step}: {allowed}{nearest(step, NAMED_STEPS)}"])
    if int(step) not in steps:
        raise ConfigError([f"step={step}: this run has no checkpoint of that step; there are {listed(steps)}"])
    return [int(step)]


def listed(steps: list[int]) -> str:
    """`0, 10, 16`."""
    return ", ".join(map(str, steps))
