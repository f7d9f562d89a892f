"""A run as it is resolved once, before anything is made: every stage reads it, and none resolves it again."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

from rl.config.plain import config_yaml
from rl.config.schema import Config
from rl.errors import ConfigError
from rl.files.atomic import replace_text
from rl.run.identity import differences, identity_of, read_config_if_whole
from rl.scenario.request_file import keep_requests, locate_copy


@dataclass(frozen=True)
class RunPlan:
    """What a run is and where it goes."""

    config: Config
    """The resolved configuration; a file of requests is named as the run's own copy."""
    identity: str
    """Hash of everything that decides the result."""
    run_dir: Path
    requests: str | None
    """The run's copy of a file of requests; None where it asks those of the project."""


def resolve_plan(config: Config, run_dir: Path) -> RunPlan:
    """Return the plan of a run whose directory holds its requests already."""
    requests = config.scenario.requests
    if requests is not None:
        config, requests = copy.deepcopy(config), locate_copy(run_dir, requests)
        config.scenario.requests = requests
    return RunPlan(config, identity_of(config), run_dir, requests)


def begin_run(config: Config, run_dir: Path) -> RunPlan:
    """Write `config.yaml`, keep a copy of the requests, and return the plan.

    Raises:
        ConfigError: The directory holds a run of another configuration, which this one would go on as.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    _refuse_another(config, run_dir)
    keep_requests(config.scenario.requests, run_dir)
    replace_text(run_dir / "config.yaml", config_yaml(config))
    return resolve_plan(config, run_dir)


def _refuse_another(config: Config, run_dir: Path) -> None:
    path = run_dir / "config.yaml"
    stored = read_config_if_whole(path) if path.exists() else None
    if stored is not None and (changed := differences(stored, config)):
        raise ConfigError(
            [f"{run_dir} holds a run of another configuration: {'; '.join(changed)}; choose another folder"]
        )
