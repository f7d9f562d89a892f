"""The identity of a run's configuration: two runs of one identity have the same result."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from rl.config.plain import config_to_dict
from rl.config.schema import Config
from rl.files.checkpoint import config_hash, sha256
from rl.files.secrets import redact
from rl.scenario.request_file import locate_copy

START_KEYS = ("resume", "dry_run")
"""Keys that say how a run is started and not what it is."""


def identity_of(config: Config) -> str:
    """Return the hash of everything that decides a run's result; secrets and the home folder are left out."""
    return config_hash(_what(config_to_dict(config)))


def identity_of_file(path: Path) -> str | None:
    """Return the identity of the run that has this `config.yaml`; None if the file cannot be read."""
    config = read_config_if_whole(path)
    return None if config is None else config_hash(_what(config))


def read_config_if_whole(path: Path) -> dict[str, Any] | None:
    """Return another run's `config.yaml` as plain data; if it cannot be read, print a line and return None."""
    try:
        return stored(path)
    except (OSError, ValueError, AttributeError, YAMLError, OmegaConfBaseException) as error:
        print(f"passed over: {path} cannot be read ({type(error).__name__})", file=sys.stderr)
        return None


def stored(path: Path) -> dict[str, Any]:
    """Return a run's `config.yaml` as plain data, with the path of the run's own copy of its requests."""
    config = config_to_dict(OmegaConf.load(path))  # type: ignore[arg-type]
    scenario = config.get("scenario") or {}
    if scenario.get("requests") is not None:
        scenario["requests"] = locate_copy(path.parent, scenario["requests"])
    return config


def differences(run: Mapping[str, Any], config: Config) -> list[str]:
    """Return a text for each key whose value differs from the run's: its value there and its value here."""
    there, here = (dict(_leaves(_what(one))) for one in (run, config_to_dict(config)))
    keys = dict.fromkeys([*there, *here])
    return [f"{key} is {there.get(key)} there, {here.get(key)} here" for key in keys if there.get(key) != here.get(key)]


def _what(config: Mapping[str, Any]) -> dict[str, Any]:
    return redact(hash_requests({key: value for key, value in config.items() if key not in START_KEYS}))


def hash_requests(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config with the hash of its file of requests in place of the name; without a file, without the key."""
    scenario = dict(config.get("scenario") or {})
    path = scenario.pop("requests", None)
    if path is not None:
        there = Path(path).is_file()
        scenario["requests"] = f"sha256 {sha256(Path(path))}" if there else f"{path}, which is not there"
    return {key: scenario if key == "scenario" and value else value for key, value in config.items()}


def _leaves(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
